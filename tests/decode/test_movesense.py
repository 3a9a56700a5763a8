"""Movesense over GSP: recorded frames, parts, stamps, losses, the conversation, and the virtual sensor."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from vectors import label, load

from sensorsoma.decode.driver import Ask, Subscribe, Write, perform
from sensorsoma.decode.movesense import MovesenseDecoder
from sensorsoma.decode.movesense_control import COMMAND_UUID, DATA_UUID, DRIVER, SERVICE_UUID
from sensorsoma.decode.movesense_frame import (
    ACC_52,
    IMU6_26,
    IMU6_52,
    IMU6_104,
    STREAMS,
    FrameError,
    decode_hello,
    decode_samples,
    decode_status,
    decode_temperature,
    split_message,
)
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.units import DEG
from sensorsoma.virtual.devices.movesense import MovesenseDevice
from sensorsoma.virtual.waveform import StillWaveform, Taken

ROOT = Path(__file__).resolve().parents[2]
NOTES = ROOT / "firmware_notes" / "movesense.md"
VECTORS = load("movesense")
FRAME_MS = 8000 / 104


def entries(wanted):
    return pytest.mark.parametrize("entry", [entry for entry in VECTORS if wanted(entry)], ids=label)


def notifications(entry):
    return [bytes.fromhex(part) for part in entry["hex"].split()]


def path_of(entry):
    return entry.get("context", {}).get("path", "")


def ref_of(path):
    return next((ref for ref, stream in STREAMS.items() if stream.path == path), None)


def values_of(number, n=8):
    """`(n, 6)` samples that differ from all others; m/s² and °/s, exact in float32."""
    index = np.arange(number, number + n)[:, None]
    return (index % 512 + 16 * np.arange(6)) / 16.0


def parts(number, stamp_ms, *, stream=IMU6_104, n=8):
    """The notifications of the frame that begins with sample `number`."""
    samples = values_of(number, n)
    blocks = [samples[:, :3], samples[:, 3:]] if "IMU6" in stream.path else [samples[:, :3]]
    body = struct.pack("<I", round(stamp_ms) % 2**32) + b"".join(block.astype("<f4").tobytes() for block in blocks)
    first = bytes([2, stream.ref]) + body[:150]
    return [first] if len(body) <= 150 else [first, bytes([3, stream.ref]) + body[150:]]


def sample_packets():
    """About two seconds of good notifications in order."""
    return [part for i in range(26) for part in parts(8 * i, 5000 + i * FRAME_MS)]


def packet(payload, at_s):
    return Packet(round(at_s * 1e9), "right-thigh", payload)


def play(decoder, frames, begin=0, base_ms=5000.0):
    """Feeds frames, each a list of notifications, at the time at which they are full; what came out."""
    out = []
    for i, frame in enumerate(frames, start=begin):
        for payload in frame:
            out += decoder.feed(packet(payload, 10.0 + (i + 1) * FRAME_MS / 1000))
    return out


def steady(n, begin=0, base_ms=5000.0, **more):
    """`n` whole frames from frame `begin` on."""
    return [parts(8 * i, base_ms + i * FRAME_MS, **more) for i in range(begin, begin + n)]


def new_decoder():
    return MovesenseDecoder("right-thigh", 0, {})


def of(out, kind):
    return [item for item in out if isinstance(item, kind)]


def samples_in(out):
    """`(n, 6)` of all blocks in m/s² and °/s, as exact as `values_of`."""
    blocks = of(out, ImuBlock)
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    return np.hstack((acc, np.concatenate([block.gyr_sensor_radps for block in blocks]) / DEG)).round(9)


def times_in(out):
    return np.concatenate([block.t_s for block in of(out, ImuBlock)])


# ------------------------------------------------------------------------------------------------ known answers


@entries(lambda entry: "timestamp_ms" in entry["expected"] and path_of(entry) != "/Meas/Temp")
def test_known_frames(entry):
    """Frames, most of them recorded from sensors, give the values of the vendor's own converter."""
    body = b"".join(payload[2:] for payload in notifications(entry))
    samples, wanted = decode_samples(body, path_of(entry)), entry["expected"]
    assert split_message(notifications(entry)[0]).ref == wanted["ref"]
    assert samples.stamp_ms == wanted["timestamp_ms"]
    for got, key in ((samples.acc_mps2, "acc_m_s2"), (samples.gyr_dps, "gyro_dps"), (samples.magn_ut, "magn_uT")):
        assert (got is None) == (key not in wanted)
        if got is not None:
            np.testing.assert_allclose(got, wanted[key], rtol=1e-5, atol=1e-6)


@entries(lambda entry: ref_of(path_of(entry)) is not None and "acc_m_s2" in entry["expected"])
def test_known_frames_through_the_decoder(entry):
    """The same frames under this client's own reference for their path come out in SI units, spaced evenly."""
    decoder, out = new_decoder(), []
    for payload in notifications(entry):
        out += decoder.feed(packet(payload[:1] + bytes([ref_of(path_of(entry))]) + payload[2:], 1.0))
    (block,) = out
    np.testing.assert_allclose(block.acc_sensor_mps2, entry["expected"]["acc_m_s2"], rtol=1e-5, atol=1e-6)
    if "gyro_dps" in entry["expected"]:
        wanted = np.deg2rad(entry["expected"]["gyro_dps"])
        np.testing.assert_allclose(block.gyr_sensor_radps, wanted, rtol=1e-5, atol=1e-6)
    else:
        assert block.gyr_sensor_radps is None
    rate_hz = int(path_of(entry).rsplit("/", 1)[1])
    np.testing.assert_allclose(np.diff(block.t_s), 1 / rate_hz)


@entries(lambda entry: path_of(entry) == "/Meas/Temp")
def test_known_temperature(entry):
    """A frame of temperature has its value before its clock."""
    kelvin, stamp_ms = decode_temperature(notifications(entry)[0][2:])
    assert kelvin == pytest.approx(entry["expected"]["kelvin"], rel=1e-5)
    assert stamp_ms == entry["expected"]["timestamp_ms"]


@entries(lambda entry: entry["expected"].get("type") == 1)
def test_known_answers(entry):
    """Answers say who speaks, or a status in whichever byte order."""
    message = split_message(notifications(entry)[0])
    assert (message.kind, message.ref) == (1, entry["expected"]["ref"])
    if "text" in entry["expected"]:
        assert message.body.decode() == entry["expected"]["text"]
        assert decode_hello(message.body).firmware == "sample firmware"
    else:
        assert decode_status(message.body) == entry["expected"]["status"]
    assert new_decoder().feed(packet(notifications(entry)[0], 1.0)) == ()


@entries(lambda entry: "command" in entry["expected"])
def test_known_commands(entry):
    """What the client writes when it starts and stops at 52 Hz are these bytes, under its own reference."""
    bench = Bench(MovesenseDevice(StillWaveform()))
    steps, _ = perform(DRIVER.start({"rate_hz": 52}), bench.answer)
    steps += perform(DRIVER.stop({}), bench.answer)[0]
    (wanted,) = notifications(entry)
    written = [step.data for step in steps if isinstance(step, Write | Ask)]
    assert wanted[:1] + bytes([IMU6_52.ref]) + wanted[2:] in written


def test_every_known_answer_is_used():
    """No entry of the file is left out by the tests above."""
    kinds = (
        "timestamp_ms" in e["expected"] or e["expected"].get("type") == 1 or "command" in e["expected"] for e in VECTORS
    )
    assert all(kinds)
    assert len(VECTORS) == 11


def test_worked_example_of_the_notes():
    """The hex in firmware_notes/movesense.md decodes to the numbers that stand beside it."""
    text = NOTES.read_text(encoding="utf-8")
    (hexa,) = re.findall(r"<!-- example frame -->\n+```\n([0-9a-f\s]+)```", text)
    payload = bytes.fromhex(hexa)
    samples = decode_samples(payload[2:], STREAMS[payload[1]].path)
    assert payload[0] == 2
    assert samples.stamp_ms == 172460
    np.testing.assert_allclose(samples.acc_mps2[0], [-0.971521, 4.268948, 8.856153], rtol=1e-5)
    np.testing.assert_allclose(samples.gyr_dps[0], [-0.98, -1.33, -0.35], rtol=1e-5)
    assert all(f"`{stream.path}`" in text and f"`0x{ref:02x}`" in text for ref, stream in STREAMS.items())


# ---------------------------------------------------------------------------------------------------- the stream


def test_an_unbroken_stream_has_no_gap_even_through_the_wrap():
    """Two minutes across 2**32 ms: every sample once, evenly spaced, no gap."""
    out = play(new_decoder(), steady(1560, base_ms=2**32 - 60_000))
    assert {type(item) for item in out} == {ImuBlock}
    np.testing.assert_array_equal(samples_in(out), values_of(0, 12480))
    errors_s = abs(np.diff(times_in(out)) - 1 / 104)
    assert errors_s.max() < 5e-4
    assert errors_s[1040:].max() < 3e-5


@pytest.mark.parametrize("true_hz", [100.9, 104.0, 106.8])
@pytest.mark.parametrize("jitter_ms", [0.0, 3.0])
def test_the_true_rate_is_found_behind_whole_milliseconds(true_hz, jitter_ms):
    """60 s of a chip that is up to 3 % off: rate within 0.05 %, times within 5 ms, no gap is invented."""
    rng = np.random.default_rng(1)
    decoder, out, n = new_decoder(), [], round(60 * true_hz / 8)
    for i in range(n):
        stamp_ms = np.floor(7000 + i * 8000 / true_hz + rng.uniform(-jitter_ms, jitter_ms))
        for payload in parts(8 * i, stamp_ms):
            out += decoder.feed(packet(payload, 100.0 + (i + 1) * 8 / true_hz + rng.exponential(0.01)))
    assert {type(item) for item in out} == {ImuBlock}
    assert out[-1].rate_hz == pytest.approx(true_hz, rel=0.0005)
    elapsed = times_in(out) - times_in(out)[1040]
    error_s = (elapsed - (np.arange(8 * n) - 1040) / true_hz)[1040:]
    assert np.ptp(error_s) < 0.005
    steps = np.diff(times_in(out))[1040:]
    assert abs(steps * true_hz - 1).max() < 0.03


@pytest.mark.parametrize("n_frames", [1, 5, 300])
def test_lost_frames_are_counted_by_their_stamps(n_frames):
    """A hole in the stamps is a gap with the number of samples that were in the lost frames."""
    decoder = new_decoder()
    play(decoder, steady(100))
    gap, block = play(decoder, steady(1, begin=100 + n_frames), begin=100 + n_frames)
    assert (gap.reason, gap.n_lost) == ("lost_packets", 8 * n_frames)
    assert gap.end_s == block.t_s[0]
    assert gap.end_s - gap.start_s == pytest.approx((8 * n_frames + 1) / 104, abs=2e-3)


@pytest.mark.parametrize("lost_part", [0, 1])
def test_a_lost_half_loses_its_frame_and_no_other(lost_part):
    """One bad packet, one gap of one frame; the halves around it are not mixed."""
    frames = steady(40)
    del frames[20][lost_part]
    out = play(new_decoder(), frames)
    assert [item.n_lost for item in of(out, Gap)] == [8]
    assert len(of(out, BadPacket)) == 1
    np.testing.assert_array_equal(samples_in(out), np.vstack((values_of(0, 160), values_of(168, 152))))


@pytest.mark.parametrize("double", [lambda a, b: [a, a, b], lambda a, b: [a, b, b], lambda a, b: [a, b, a, b]])
def test_what_comes_twice_counts_once(double):
    """Doubled halves and doubled frames change nothing and are not complained of."""
    out = play(new_decoder(), [double(*frame) for frame in steady(30)])
    np.testing.assert_array_equal(samples_in(out), values_of(0, 240))
    assert {type(item) for item in out} == {ImuBlock}


@pytest.mark.parametrize("swapped", [{10}, {10, 11}, set(range(30))])
def test_a_second_part_that_overtook_the_first_is_put_right(swapped):
    """Halves in the wrong order still make their frame, the last one at the end of the session at the latest."""
    frames = [frame[::-1] if i in swapped else frame for i, frame in enumerate(steady(30))]
    decoder = new_decoder()
    out = [*play(decoder, frames), *decoder.finish()]
    np.testing.assert_array_equal(samples_in(out), values_of(0, 240))
    assert {type(item) for item in out} == {ImuBlock}
    assert decoder.finish() == ()


def test_an_overtaken_frame_is_reported_and_left_out():
    """A whole frame that comes after a newer one is a bad packet; time keeps increasing."""
    frames = steady(30)
    frames[10], frames[11] = frames[11], frames[10]
    out = play(new_decoder(), frames)
    assert len(of(out, BadPacket)) == 1
    assert "late" in of(out, BadPacket)[0].reason
    assert [gap.n_lost for gap in of(out, Gap)] == [8]
    assert (np.diff(times_in(out)) > 0).all()


@pytest.mark.parametrize("leap_ms", [-4_000_000, -2000, 60_000, 2**31 - 1, 2**31 + 5])
def test_one_broken_stamp_moves_nothing(leap_ms):
    """A frame whose stamp is nonsense is left out; the frames after it are taken as if it had been lost."""
    frames = steady(60)
    frames[30] = parts(240, 5_000_000 + leap_ms)
    for i in (*range(30), *range(31, 60)):
        frames[i] = parts(8 * i, 5_000_000 + i * FRAME_MS)
    out = play(new_decoder(), frames)
    assert len(of(out, BadPacket)) == 1
    assert [gap.n_lost for gap in of(out, Gap)] == [8]
    assert len(times_in(out)) == 59 * 8


def test_a_clock_that_really_leapt_is_believed_after_three_frames():
    """A sensor that restarts within a link is heard again a quarter of a second later, as a new run of its clock."""
    decoder = new_decoder()
    play(decoder, steady(50, base_ms=9_000_000))
    out = play(decoder, steady(20, begin=50, base_ms=1000), begin=50)
    assert [type(item) for item in out[:4]] == [BadPacket, BadPacket, Gap, ImuBlock]
    assert (out[2].reason, out[2].n_lost) == ("clock_restart", None)
    assert len(of(out, ImuBlock)) == 18


def test_a_reconnect_keeps_the_map_of_a_clock_that_went_on():
    """After a lost link the gap says so, and samples lie where the sensor's clock puts them."""
    decoder = new_decoder()
    play(decoder, [*steady(100), steady(1, begin=100)[0][:1]])
    decoder.resumed(round(20e9))
    out = play(decoder, steady(2, begin=200), begin=200)
    assert [type(item) for item in out] == [Gap, ImuBlock, ImuBlock]
    assert (out[0].reason, out[0].n_lost) == ("link_lost", None)
    assert out[1].t_s[0] == pytest.approx(10.0 + 200 * FRAME_MS / 1000 + 1 / 104, abs=0.002)


def test_a_rebooted_sensor_is_a_clock_restart():
    """A clock that begins anew after the reconnect is placed by arrival."""
    decoder = new_decoder()
    play(decoder, steady(100, base_ms=9_000_000))
    decoder.resumed(round(20e9))
    out = play(decoder, steady(1, begin=200, base_ms=-15000), begin=200)
    assert out[0].reason == "clock_restart"
    assert out[1].t_s[-1] == pytest.approx(10.0 + 201 * FRAME_MS / 1000, abs=0.001)


def test_a_reconnect_may_bring_another_stream():
    """Frames say by their reference what they are: after a fallback the same decoder reads four samples of 52 Hz."""
    decoder = new_decoder()
    play(decoder, steady(100))
    decoder.resumed(round(20e9))
    frames = [parts(4 * i, 5000 + i * FRAME_MS, stream=IMU6_52, n=4) for i in range(200, 1000)]
    out = play(decoder, frames, begin=200)
    assert [type(item) for item in out[:2]] == [Gap, ImuBlock]
    assert out[-1].rate_hz == pytest.approx(52.0, rel=0.002)
    np.testing.assert_allclose(np.diff(times_in(out)[400:]), 1 / 52, atol=3e-4)


def test_a_second_stream_beside_the_first_is_left_out():
    """Two subscriptions at once do not weave their samples into each other."""
    decoder, out = new_decoder(), []
    for i in range(30):
        out += play(decoder, steady(1, begin=i), begin=i)
        out += play(decoder, [parts(4 * i, 5000 + i * FRAME_MS, stream=ACC_52, n=4)], begin=i)
    np.testing.assert_array_equal(samples_in(out), values_of(0, 240))
    assert len(of(out, BadPacket)) == 30


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"", "at least 2 bytes"),
        (b"\x02", "at least 2 bytes"),
        (b"\x04\x11abcd", "found type 4"),
        (b"\x02\x63" + bytes(100), "reference 0x63"),
        (b"\x02\x12" + bytes(101), "multiple of 24 bytes"),
        (b"\x02\x12" + bytes(4), "multiple of 24 bytes"),
        (b"\x02\x12" + bytes(4) + struct.pack("<24f", *[np.nan] * 24), "values up to"),
        (b"\x02\x12" + bytes(4) + struct.pack("<24f", *[1e9] * 24), "values up to"),
        (b"\x03\x11" + bytes(151), "found type 3"),
    ],
)
def test_wrong_bytes_say_what_was_expected(payload, wanted):
    """Each way of being wrong has its own sentence."""
    (bad,) = new_decoder().feed(packet(payload, 1.0))
    assert re.search(wanted, bad.reason)


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x00\x00", b"\xff\xff\xff\xff"])
def test_no_status_is_invented(body):
    """What is not between 100 and 599 in either order is no status."""
    with pytest.raises(FrameError, match="between 100 and 599"):
        decode_status(body)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.tuples(st.sampled_from([2, 3]), st.sampled_from(sorted(STREAMS)), st.binary(max_size=200)).map(
                lambda made: bytes(made[:2]) + made[2]
            ),
            st.sampled_from(sample_packets()),
        ),
        max_size=30,
    )
)
def test_any_notifications_are_survived(payloads):
    """Garbage and good frames in any order give samples in order of time, never an exception."""
    decoder, last_s = new_decoder(), -np.inf
    for i, payload in enumerate(payloads):
        for block in of(decoder.feed(packet(payload, 1.0 + 0.01 * i)), ImuBlock):
            assert (np.diff(block.t_s, prepend=last_s) > 0).all()
            last_s = block.t_s[-1]


# ---------------------------------------------------------------------------------------------- the conversation


class Wave:
    """Numbered samples, so that what comes out can be compared with what was measured."""

    has_gyroscope = True

    def start(self, now_s, rate_hz):
        self._rate_hz, self._begin_s, self._next = rate_hz, now_s, 0
        return rate_hz

    def read(self, now_s):
        end = int((now_s - self._begin_s) * self._rate_hz + 1e-6)
        values = values_of(self._next, end - self._next)
        t_s = self._begin_s + np.arange(self._next, end) / self._rate_hz
        self._next = end
        return Taken(t_s, values[:, :3], values[:, 3:] * DEG)


class Bench:
    """A sensor on the table: its answers to steps, by its own time, and all that it sent."""

    def __init__(self, device, max_payload=244, is_mute=False):
        self.device, self.max_payload, self.is_mute = device, max_payload, is_mute
        self.now_s = 100.0
        self.sent = []

    def answer(self, step):
        if isinstance(step, Subscribe):
            self.device.on_subscribe(step.uuid, True, self.now_s, self.max_payload)
            return None
        heard = (
            [] if self.is_mute else self.hear(self.device.on_write(step.uuid, step.data, self.now_s, self.max_payload))
        )
        if isinstance(step, Write):
            return None
        until_s = self.now_s + step.within_s
        while True:
            found = next((payload for payload in heard if step.is_answer(payload)), None)
            if found is not None or self.now_s >= until_s:
                return found
            heard = self.run(0.02)

    def run(self, seconds):
        """Lets time pass; what the sensor sent meanwhile."""
        self.now_s += seconds
        return self.hear(self.device.due(self.now_s) if self.device.is_streaming else ())

    def hear(self, notifications):
        heard = []
        for one in notifications:
            self.device.account(one, is_sent=True)
            self.sent.append(Packet(round(self.now_s * 1e9), "right-thigh", one.payload))
            heard.append(one.payload)
        return heard


def start(device, config=None, **more):
    bench = Bench(device, **more)
    _, learned = perform(DRIVER.start(config or {}), bench.answer)
    return bench, learned


def test_the_firmware_on_sale_streams_at_104_hz():
    """It says who it is and how full its battery is, and 104 Hz of both sensors is what is asked for."""
    bench, learned = start(MovesenseDevice(Wave()))
    assert learned.config == {"path": "/Meas/IMU6/104", "rate_hz": 104.0, "firmware": "virtual GSP 2.3.0"}
    assert learned.battery_percent == 87
    assert bench.device.subscriptions == {IMU6_104.ref: "/Meas/IMU6/104"}
    assert bench.now_s < 100.5


def test_the_sample_firmware_streams_too():
    """It answers a subscription by data alone and knows nothing of batteries."""
    _, learned = start(MovesenseDevice(Wave(), firmware="sample"))
    assert learned.config == {"path": "/Meas/IMU6/104", "rate_hz": 104.0, "firmware": "sample firmware"}
    assert learned.battery_percent is None


@pytest.mark.parametrize(
    ("rate_hz", "stream"), [(104, IMU6_104), (100, IMU6_104), (52, IMU6_52), (26, IMU6_26), (5, IMU6_26)]
)
def test_the_rate_that_is_asked_for_is_the_nearest_there_is(rate_hz, stream):
    """`rate_hz` in the config chooses the resource."""
    assert start(MovesenseDevice(Wave()), {"rate_hz": rate_hz})[1].config["path"] == stream.path


@pytest.mark.parametrize("firmware", ["default", "sample"])
@pytest.mark.parametrize(
    ("more", "max_payload", "path"),
    [
        ({}, 152, "/Meas/IMU6/104"),
        ({}, 151, "/Meas/IMU6/52"),
        ({}, 101, "/Meas/Acc/52"),
        ({"loses_second_parts": True}, 158, "/Meas/IMU6/52"),
        ({"refused": ("/Meas/IMU6/104",)}, 158, "/Meas/IMU6/52"),
        ({"refused": ("/Meas/IMU6/104", "/Meas/IMU6/52")}, 158, "/Meas/Acc/52"),
    ],
)
def test_what_does_not_come_whole_is_replaced_by_less(firmware, more, max_payload, path):
    """A refusal, a small MTU or second parts that never come lead to the next best stream, and to that one alone."""
    bench, learned = start(MovesenseDevice(Wave(), firmware=firmware, **more), max_payload=max_payload)
    assert learned.config["path"] == path
    assert list(bench.device.subscriptions.values()) == [path]


def test_starting_twice_leaves_one_stream():
    """Start may be said to a sensor that still streams."""
    bench, first = start(MovesenseDevice(Wave()))
    bench.run(1.0)
    _, second = perform(DRIVER.start({}), bench.answer)
    assert first == second
    assert len(bench.device.subscriptions) == 1


def test_stop_ends_every_stream():
    """After stop nothing is subscribed and nothing comes, whichever stream it was."""
    bench, _ = start(MovesenseDevice(Wave()), {"rate_hz": 26})
    steps, _ = perform(DRIVER.stop({}), bench.answer)
    assert [step.data for step in steps] == [bytes([2, ref]) for ref in STREAMS]
    assert not bench.device.is_streaming
    assert bench.run(1.0) == []


def test_a_sensor_without_the_service_is_told_what_to_install():
    """Old firmware has other characteristics; the sentence names the firmware that is needed."""
    script = DRIVER.start({})
    assert next(script) == Subscribe(DATA_UUID)
    with pytest.raises(LinkError, match=r"GATT SensorData Protocol.*install firmware 2\.3\.0"):
        script.throw(LinkError("no such characteristic"))


def test_a_mute_sensor_is_to_be_woken():
    """No answer to hello, twice, ends in a sentence that says how it is woken."""
    bench = Bench(MovesenseDevice(Wave()), is_mute=True)
    with pytest.raises(LinkError, match="studs"):
        perform(DRIVER.start({}), bench.answer)
    assert bench.now_s == pytest.approx(104.0, abs=0.1)


def test_another_dialect_is_not_misread():
    """An answer to hello in no known form is no Movesense that this client can start."""

    def answer(step):
        return b"\x01\x01\xff\xff\xff" if isinstance(step, Ask) else None

    with pytest.raises(LinkError, match="another dialect"):
        perform(DRIVER.start({}), answer)


def test_a_full_sensor_says_so():
    """All four places taken: the status is in the sentence, in spite of its byte order."""
    device = MovesenseDevice(Wave(), firmware="sample")
    for ref in (0x71, 0x72, 0x73, 0x74):
        device.on_write(COMMAND_UUID, bytes([1, ref]) + b"/Meas/Acc/52", 100.0, 158)
    with pytest.raises(LinkError, match="status 507"):
        start(device)


def test_a_link_too_narrow_for_any_frame_ends_in_a_sentence():
    """With an MTU of 23 no frame fits, nothing comes, and the person hears it within ten seconds."""
    bench = Bench(MovesenseDevice(Wave()), max_payload=20)
    with pytest.raises(LinkError, match="none of /Meas/IMU6/104, /Meas/IMU6/52, /Meas/Acc/52 came"):
        perform(DRIVER.start({}), bench.answer)
    assert bench.now_s < 110.0
    assert bench.device.subscriptions == {}


def test_a_movesense_is_recognised_by_its_name():
    """The service is not always advertised, the name is; answers to commands do not count as samples."""
    assert DRIVER.is_heard_in("Movesense 204730000081", ())
    assert DRIVER.is_heard_in(None, (SERVICE_UUID,))
    assert not DRIVER.is_heard_in("Suunto 9 Peak", ())
    assert [DRIVER.is_sample(payload) for payload in (b"", b"\x01\x11", b"\x02\x11", b"\x03\x11")] == [
        False,
        False,
        True,
        True,
    ]


# ---------------------------------------------------------------------------------------------- the virtual sensor


@pytest.mark.parametrize("firmware", ["default", "sample"])
@pytest.mark.parametrize("rate_hz", [26, 52, 104])
def test_samples_out_are_samples_in(firmware, rate_hz):
    """Twenty seconds from the virtual sensor through the decoder: every sample, in float32, without a gap."""
    bench, learned = start(MovesenseDevice(Wave(), clock_offset_s=33.0, firmware=firmware), {"rate_hz": rate_hz})
    for _ in range(200):
        bench.run(0.1)
    decoder = MovesenseDecoder("right-thigh", 0, learned.config)
    out = [item for one in bench.sent for item in decoder.feed(one)]
    assert {type(item) for item in out} == {ImuBlock}
    assert len(times_in(out)) == bench.device.sent > 19.8 * rate_hz
    np.testing.assert_allclose(samples_in(out), values_of(0, bench.device.sent), rtol=1e-6)
    assert out[-1].rate_hz == pytest.approx(rate_hz, rel=0.002)


def test_a_disconnect_clears_the_subscriptions():
    """When the client goes away the sensor stops measuring, as the real one does."""
    bench, _ = start(MovesenseDevice(Wave()))
    bench.device.stop()
    assert bench.device.subscriptions == {}
    assert not bench.device.is_streaming


def test_a_first_part_without_room_takes_its_second_part_along():
    """Without room for the first half the other half is not sent either, and the frame counts as dropped."""
    bench, _ = start(MovesenseDevice(Wave()))
    sent = bench.device.sent
    bench.now_s += 0.2
    for one in bench.device.due(bench.now_s):
        assert one.payload[0] == 2
        bench.device.account(one, is_sent=False)
    assert bench.device.sent == sent
    assert bench.device.dropped in (16, 24)

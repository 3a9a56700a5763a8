"""WitMotion: captured bytes, the stream cut anywhere, the conversation, and a virtual sensor without any radio."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import by_id, label

from sensorsoma.decode import DECODERS, drivers
from sensorsoma.decode.driver import Ask, Learned, Pause, Step, Subscribe, Write, perform
from sensorsoma.decode.witmotion import (
    COMMAND_UUID,
    DATA_UUID,
    DRIVER,
    SERVICE_UUID,
    UNLOCK,
    Answer,
    WitMotionDecoder,
    rate_code,
    read_command,
    start,
    write_command,
)
from sensorsoma.decode.witmotion_frame import (
    ANGLE_DEG_PER_LSB,
    RATES_HZ,
    Frame,
    FrameStream,
    battery_percent,
    parse_register,
    sample_lsb,
    to_si,
)
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices import device_class
from sensorsoma.virtual.devices.witmotion import WitMotionDevice
from sensorsoma.virtual.waveform import StillWaveform

NOTES = Path(__file__).resolve().parents[2] / "firmware_notes" / "witmotion.md"
VECTORS = by_id("witmotion")
TOLERANCE = 6e-4
"""The sources print three or four decimals."""
STILL = bytes.fromhex("5561e1ff91ff0008000000000000e9fdc800c43a")
BATTERY = bytes.fromhex("5571640088010000000000000000000000000000")


def entries(prefix: str) -> list[Any]:
    """Those of the table whose id begins so."""
    return [pytest.param(entry, id=label(entry)) for name, entry in VECTORS.items() if name.startswith(prefix)]


def sample(number: int, tail: bytes = b"") -> bytes:
    """A frame whose acceleration tells its number, with nothing in it that looks like a head."""
    return b"\x55\x61" + np.array([number % 20000, 0, 2048, 0, 0, 0, 0, 0, 0], "<i2").tobytes() + tail


def numbers(out: list[Any]) -> list[int]:
    """Which samples were given."""
    found = [block.acc_sensor_mps2[:, 0] for block in out if isinstance(block, ImuBlock)]
    lsb = np.concatenate(found) / (16 * STANDARD_GRAVITY_MPS2 / 32768) if found else np.empty(0)
    return np.rint(lsb).astype(int).tolist()


def packets(n: int, first: int = 0, rate_hz: float = 50.0) -> list[Packet]:
    """One frame in each notification."""
    return [Packet(round((1 + i / rate_hz) * 1e9), "x", sample(i)) for i in range(first, first + n)]


def decode(every: list[Packet], config: dict[str, Any] | None = None) -> list[Any]:
    decoder = WitMotionDecoder("x", 0, config)
    return [item for packet in every for item in decoder.feed(packet)] + list(decoder.finish())


def sample_packets() -> list[bytes]:
    """A second of good packets as a sensor at 50 Hz cuts them, with an answer among them."""
    stream = b"".join(sample(i) for i in range(30)) + BATTERY + b"".join(sample(i) for i in range(30, 60))
    return [stream[at : at + 44] for at in range(0, len(stream), 44)]


# ------------------------------------------------------------------------------------------------- known bytes


@pytest.mark.parametrize("entry", entries("wit-5561"))
def test_sample_frames_of_real_sensors(entry: dict[str, Any]) -> None:
    """Recorded samples decode to the values that their owners published, also through the decoder."""
    expected, data = entry["expected"], bytes.fromhex(entry["hex"])
    lsb = sample_lsb([Frame(data, 0)])
    if "raw" in expected:
        assert lsb[0].tolist() == expected["raw"]
    else:
        assert lsb[0, :6].tolist() == expected["raw_acc"] + expected["raw_gyro"]
    np.testing.assert_allclose(lsb[0, 6:] * ANGLE_DEG_PER_LSB, expected["angle_deg_roll_pitch_yaw"], atol=TOLERANCE)
    (block,) = decode([Packet(10**9, "x", data)])
    acc, gyr = to_si(lsb)
    np.testing.assert_array_equal(block.acc_sensor_mps2, acc)
    np.testing.assert_allclose(acc[0] / STANDARD_GRAVITY_MPS2, expected["acc_g"], atol=TOLERANCE)
    np.testing.assert_allclose(gyr[0] / DEG, expected["gyro_dps"], atol=TOLERANCE)
    np.testing.assert_array_equal(block.gyr_sensor_radps, gyr)


@pytest.mark.parametrize("entry", entries("wit-5571"))
def test_register_answers(entry: dict[str, Any]) -> None:
    """Answers tell their register; a magnetometer or quaternion among the samples disturbs nothing."""
    expected, data = entry["expected"], bytes.fromhex(entry["hex"])
    register = parse_register(data)
    assert register.number == expected["register"]
    if "mag_raw" in expected:
        assert list(register.words[:3]) == expected["mag_raw"]
    if "quat_wxyz" in expected:
        np.testing.assert_allclose(np.array(register.words[:4]) / 32768, expected["quat_wxyz"], atol=1e-5)
    if "rate_hz" in expected:
        assert register.words[0] == expected["value"]
        assert RATES_HZ[register.words[0]] == expected["rate_hz"]
    if "volts" in expected:
        assert register.words[0] / 100 == pytest.approx(expected["volts"])
    out = decode([Packet(0, "x", STILL), Packet(1, "x", data), Packet(2, "x", STILL)])
    assert sum(len(item.t_s) for item in out if isinstance(item, ImuBlock)) == 2
    assert not [item for item in out if isinstance(item, BadPacket)]


@pytest.mark.parametrize("entry", entries("wit-stream"))
def test_a_stream_that_begins_inside_a_frame(entry: dict[str, Any]) -> None:
    """The rest of a frame is passed over, and no frame after it is lost."""
    stream = FrameStream()
    found = [frame for part in entry["hex"].split() for frame in stream.feed(0, bytes.fromhex(part))]
    assert stream.n_discarded == entry["expected"]["discarded_leading_bytes"]
    found += stream.flush()
    assert [frame.data.hex() for frame in found] == entry["expected"]["frames_in_order"]


@pytest.mark.parametrize("entry", entries("wit-cmd"))
def test_commands(entry: dict[str, Any]) -> None:
    """The commands that are sent are the maker's, byte for byte; the one that wears out the flash is never sent."""
    commands = {
        "unlock": UNLOCK,
        "rate-50hz": write_command(0x03, rate_code(50)),
        "rate-100hz": write_command(0x03, rate_code(100)),
        "save": write_command(0x00, 0x00),
        "read-quat": read_command(0x51),
        "read-rate": read_command(0x03),
    }
    assert commands[entry["expected"]["command"]].hex() == entry["hex"]
    if entry["expected"]["command"] == "save":
        steps, _ = perform(start({}), FakeSensor())
        assert bytes.fromhex(entry["hex"]) not in [step.data for step in steps if isinstance(step, Write)]


def test_every_entry_of_the_table_is_used() -> None:
    """No known answer is left out."""
    assert all(name.startswith(("wit-5561", "wit-5571", "wit-stream", "wit-cmd")) for name in VECTORS)
    assert {entry["characteristic"] for entry in VECTORS.values()} == {DATA_UUID, COMMAND_UUID}


def test_the_worked_example_of_the_page() -> None:
    """The hex in the page decodes to the numbers beside it."""
    (hexa,) = re.findall(r"<!-- example frame -->\n```\n([0-9a-f\s]+)```", NOTES.read_text(encoding="utf-8"))
    (block,) = decode([Packet(0, "x", bytes.fromhex(hexa))])
    np.testing.assert_allclose(block.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2, [[-0.4058, -0.1328, 0.7627]], atol=1e-4)
    np.testing.assert_allclose(block.gyr_sensor_radps / DEG, [[42.7246, 8.2397, 10.1929]], atol=1e-4)


# -------------------------------------------------------------------------------------------------- the stream


@given(
    cuts=st.lists(st.integers(1, 700), max_size=30), tail=st.sampled_from([b"", bytes([24, 6, 1, 12, 30, 15, 7, 0])])
)
@settings(max_examples=60, deadline=None)
def test_any_cut_gives_the_same_samples(cuts: list[int], tail: bytes) -> None:
    """20 and 28 byte frames, an answer among them: wherever notifications end, the samples are the same."""
    stream = b"".join(sample(i, tail) for i in range(20)) + BATTERY + b"".join(sample(i, tail) for i in range(20, 30))
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    out = decode([Packet(n * 10**7, "x", stream[begin:end]) for n, (begin, end) in enumerate(pairwise(edges))])
    assert numbers(out) == list(range(30))
    assert [item.battery_percent for item in out if isinstance(item, DeviceInfo)] == [battery_percent(3.92)]


@given(garbage=st.binary(max_size=200), cuts=st.lists(st.integers(1, 500), max_size=12))
@settings(max_examples=60, deadline=None)
def test_any_cut_of_any_bytes_gives_the_same_frames(garbage: bytes, cuts: list[int]) -> None:
    """What is believed depends on the bytes alone."""
    stream = garbage + b"".join(sample(i) for i in range(4)) + garbage[::-1]
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    whole, cut = FrameStream(), FrameStream()
    wanted = [*whole.feed(0, stream), *whole.flush()]
    got = [frame for begin, end in pairwise(edges) for frame in cut.feed(0, stream[begin:end])] + cut.flush()
    assert [frame.data for frame in got] == [frame.data for frame in wanted]
    assert cut.n_discarded == whole.n_discarded


@given(st.lists(st.binary(max_size=120), max_size=20))
@settings(max_examples=60, deadline=None)
def test_random_bytes_are_survived_and_not_kept(parts: list[bytes]) -> None:
    """Garbage is counted, and less than one frame and a half of it is remembered."""
    stream = FrameStream()
    total = sum(len(frame.data) for part in parts for frame in stream.feed(0, part))
    kept = sum(len(part) for part in parts) - total - stream.n_discarded
    assert 0 <= kept < 30


def test_a_frame_keeps_the_arrival_of_the_packet_that_completed_it() -> None:
    """A frame is certain when the next one begins, but its time is not the next one's."""
    stream = FrameStream()
    assert stream.feed(10, sample(0)[:12]) == []
    assert stream.feed(20, sample(0)[12:]) == []
    assert [(frame.host_ns, frame.data) for frame in stream.feed(30, sample(1)[:2])] == [(20, sample(0))]


def test_a_head_among_the_numbers_is_none() -> None:
    """55 61 as an acceleration of 12.2 g does not cut a frame in two."""
    tricky = b"\x55\x61" + b"\x55\x61" * 9
    out = decode([Packet(n, "x", sample(n)[:0] + part) for n, part in enumerate([sample(0), tricky, sample(2)])])
    assert sum(len(item.t_s) for item in out if isinstance(item, ImuBlock)) == 3


def test_a_lost_notification_in_the_middle_of_a_frame_makes_no_false_sample() -> None:
    """When a piece of the stream is missing, two halves are not glued together; what is whole is given."""
    stream = b"".join(sample(i) for i in range(40))
    parts = [stream[at : at + 50] for at in range(0, len(stream), 50)]
    out = decode([Packet(n * 10**7, "x", part) for n, part in enumerate(parts) if n != 3])
    assert numbers(out) == [i for i in range(40) if i not in (7, 8, 9)]
    assert [item.reason for item in out if isinstance(item, BadPacket)]


def test_random_bytes_between_frames_lose_at_most_their_neighbours() -> None:
    """The stream is found again after garbage."""
    good = [sample(i) for i in range(40)]
    good[20:20] = [b"\x55\x55\x61\x00garbage of no meaning"]
    got = numbers(decode([Packet(n * 10**7, "x", part) for n, part in enumerate(good)]))
    assert set(range(40)) - set(got) <= {19}


# --------------------------------------------------------------------------------------------- time and losses


def test_samples_are_evenly_spaced_whatever_the_radio_does() -> None:
    """Two notifications at once and then none for a while: samples stay 20 ms apart."""
    every = packets(500)
    bunched = [Packet(every[min(i | 3, 499)].host_ns, "x", packet.payload) for i, packet in enumerate(every)]
    blocks = [item for item in decode(bunched) if isinstance(item, ImuBlock)]
    steps = np.diff(np.concatenate([block.t_s for block in blocks]))
    assert len(steps) == 499
    np.testing.assert_allclose(steps[100:], 0.02, atol=0.002)
    assert blocks[-1].rate_hz == pytest.approx(50, rel=0.01)


def test_the_rate_that_the_sensor_told_is_believed_before_the_one_that_was_asked() -> None:
    """A sensor that stayed at 10 Hz gives samples 100 ms apart from the first one on."""
    blocks = decode(packets(30, rate_hz=10), {"rate_hz": 50, "rate_in_use_hz": 10.0})
    steps = np.diff(np.concatenate([block.t_s for block in blocks]))
    np.testing.assert_allclose(steps, 0.1, atol=0.01)


def test_the_same_values_twice_are_two_samples() -> None:
    """A sensor at rest repeats itself, and nothing numbers its samples: none is taken for a copy."""
    out = decode([Packet(n * 20_000_000, "x", STILL) for n in range(50)])
    assert sum(len(item.t_s) for item in out if isinstance(item, ImuBlock)) == 50


def test_a_long_hole_is_a_gap() -> None:
    """Two seconds of missing samples are not squeezed together."""
    every = packets(400)
    out = decode(every[:200] + every[300:])
    (gap,) = [item for item in out if isinstance(item, Gap)]
    assert (gap.reason, gap.n_lost) == ("lost_packets", None)
    last = [item for item in out if isinstance(item, ImuBlock)][-1].t_s[-1]
    assert last == pytest.approx(1 + 399 / 50, abs=0.05)


def test_after_a_lost_link_half_a_frame_is_forgotten() -> None:
    """The first whole frame after the reconnect is the first sample, and the hole is told."""
    decoder = WitMotionDecoder("x", 0, {})
    out: list[Any] = []
    for packet in packets(100):
        out += decoder.feed(packet)
    out += decoder.feed(Packet(3_010_000_000, "x", sample(100)[:9]))
    decoder.resumed(round(8e9))
    for n in range(50):
        out += decoder.feed(Packet(round(8e9) + n * 20_000_000, "x", sample(200 + n)))
    out += decoder.finish()
    assert numbers(out) == [*range(100), *range(200, 250)]
    (gap,) = [item for item in out if isinstance(item, Gap)]
    assert gap.reason == "link_lost"
    assert gap.end_s == pytest.approx(8, abs=0.05)
    assert decoder.finish() == ()


# -------------------------------------------------------------------------------------------- the conversation


class FakeSensor:
    """Answers questions from a table of registers, `deaf` times not at all."""

    def __init__(self, registers: dict[int, int] | None = None, deaf: int = 0) -> None:
        self.registers = registers if registers is not None else {0x03: 8, 0x64: 392}
        self.deaf = deaf

    def __call__(self, step: Step) -> bytes | None:
        if not isinstance(step, Ask):
            return None
        register = step.data[3]
        self.deaf -= 1
        if self.deaf >= 0 or register not in self.registers:
            return None
        return b"\x55\x71" + np.array([register, self.registers[register], *[0] * 7], "<i2").tobytes()


def test_start_sets_the_rate_before_it_listens() -> None:
    """Unlock, rate, pauses between; then the stream, and what holds is read back. Nothing is saved."""
    steps, learned = perform(start({}), FakeSensor())
    assert [step for step in steps if not isinstance(step, Pause | Ask)] == [
        Write(COMMAND_UUID, UNLOCK), Write(COMMAND_UUID, bytes.fromhex("ffaa030800")), Subscribe(DATA_UUID),
    ]  # fmt: skip
    assert learned == Learned({"rate_in_use_hz": 50.0}, 72)
    for one, other in pairwise(steps):
        assert not (isinstance(one, Write | Ask) and isinstance(other, Write | Ask))


@pytest.mark.parametrize(
    ("wish", "code"), [({}, 8), ({"rate_hz": 100}, 9), ({"rate_hz": 200}, 9), ({"rate_hz": 26}, 7), ({"rate_hz": 1}, 6)]
)
def test_only_codes_that_mean_one_thing_are_sent(wish: dict[str, float], code: int) -> None:
    """0A and 0B are 125 Hz in one document and 200 Hz in another: never sent."""
    steps, _ = perform(start(wish), FakeSensor())
    assert [step.data[3] for step in steps if isinstance(step, Write) and step.data[2] == 0x03][:1] == [code]


def test_a_sensor_that_did_not_obey_is_told_once_more() -> None:
    """When the rate read back is another one, unlock and rate are sent again, and then what holds is taken."""
    steps, learned = perform(start({}), FakeSensor({0x03: 6, 0x64: 345}))
    assert [step.data for step in steps if isinstance(step, Write)].count(UNLOCK) == 2
    assert learned == Learned({"rate_in_use_hz": 10.0}, 2)


def test_a_lost_answer_is_asked_for_again_and_a_silent_sensor_is_used_all_the_same() -> None:
    """Answers are a help and no condition."""
    assert perform(start({}), FakeSensor(deaf=1))[1] == Learned({"rate_in_use_hz": 50.0}, 72)
    assert perform(start({"rate_hz": 100}), FakeSensor({}))[1] == Learned({"rate_in_use_hz": 100.0}, None)


def test_an_unknown_rate_is_not_made_up() -> None:
    """A sensor that was set to code 0B by other software, and stays there, is measured instead."""
    assert perform(start({}), FakeSensor({0x03: 11}))[1].config == {}


def test_an_answer_is_heard_across_two_notifications() -> None:
    """Frames straddle notifications, answers too."""
    answer = Answer(0x64)
    stream = sample(0) + BATTERY + sample(1)
    assert [answer(stream[at : at + 15]) for at in range(0, 45, 15)] == [False, False, True]
    assert answer.value == 392


def test_the_charge_is_an_estimate_from_the_voltage() -> None:
    """The maker's table at its points, a straight line between, nothing for a voltage that no cell has."""
    assert [battery_percent(volts) for volts in (3.3, 3.4, 3.7, 3.905, 4.2)] == [0, 0, 15, 68, 100]
    assert battery_percent(0.0) is None
    assert battery_percent(8.2) is None


def test_an_answer_alone_is_no_sample() -> None:
    """Answers do not make a link alive, pieces of frames do."""
    assert not DRIVER.is_sample(BATTERY)
    assert DRIVER.is_sample(sample(0))
    assert DRIVER.is_sample(sample(0)[7:] + BATTERY[:5])


@pytest.mark.parametrize("name", ["WT901BLE67", "WT901BLE68", "WT9011DCL-BT50", "BWT901BLE5.0", "WTSDCL", "HWT901B"])
def test_sensors_are_known_by_their_names(name: str) -> None:
    """The names under which they are sold and advertise."""
    assert DRIVER.is_heard_in(name, ())


def test_other_gadgets_are_left_alone() -> None:
    """Names that only begin with WT, and the service that looks alike, are somebody else's."""
    assert not any(DRIVER.is_heard_in(name, ()) for name in ("WT-Battery", "WTVB01", "WT201", "MyWT901", None))
    assert not DRIVER.is_heard_in(None, ("0000ffe5-0000-1000-8000-00805f9b34fb",))
    assert DRIVER.is_heard_in(None, (SERVICE_UUID,))


def test_it_is_in_the_tables() -> None:
    """The kind is known, with its driver and its virtual sensor."""
    assert DECODERS["witmotion"].endswith(":WitMotionDecoder")
    assert drivers()["witmotion"] is DRIVER
    assert device_class("witmotion") is WitMotionDevice


# ------------------------------------------------------------------------------------------ the virtual sensor


class Bench:
    """A virtual sensor and a script on one clock, without a radio."""

    def __init__(self, device: WitMotionDevice, max_payload: int = 244) -> None:
        self.device = device
        self.max_payload = max_payload
        self.now_s = 0.0
        self.heard: list[tuple[float, bytes]] = []

    def run(self, seconds: float) -> list[bytes]:
        """Lets time pass; what was notified meanwhile."""
        n_before = len(self.heard)
        for _ in range(round(seconds * 100)):
            self.now_s += 0.01
            if self.device.is_streaming:
                sent = list(self.device.due(self.now_s))
                for each in sent:
                    self.device.account(each, is_sent=True)
                self.heard += [(self.now_s, each.payload) for each in sent]
        return [payload for _, payload in self.heard[n_before:]]

    def __call__(self, step: Step) -> bytes | None:
        match step:
            case Subscribe(uuid):
                self.device.on_subscribe(uuid, True, self.now_s, self.max_payload)
            case Write(uuid, data):
                self.device.on_write(uuid, data, self.now_s, self.max_payload)
            case Pause(seconds):
                self.run(seconds)
            case Ask(uuid, data, is_answer, within_s):
                self.device.on_write(uuid, data, self.now_s, self.max_payload)
                for _ in range(round(within_s / 0.05)):
                    for payload in self.run(0.05):
                        if is_answer(payload):
                            return payload
        return None


@pytest.mark.parametrize(("rate_hz", "max_payload"), [(50, 244), (100, 244), (50, 20), (10, 244)])
def test_what_the_virtual_sensor_measures_is_what_is_decoded(rate_hz: int, max_payload: int) -> None:
    """Started as a real one, every sample comes out within a count, whatever the packet size."""
    device = WitMotionDevice(StillWaveform(seconds=8.0), battery_percent=50)
    bench = Bench(device, max_payload)
    steps, learned = perform(start({"rate_hz": rate_hz}), bench)
    assert steps
    assert learned.config == {"rate_in_use_hz": float(rate_hz)}
    assert learned.battery_percent is not None
    assert abs(learned.battery_percent - 50) <= 1
    bench.run(8.0)
    last = device.last_words()
    tail = [(bench.now_s, last.payload)] if last else []
    out = decode([Packet(round(at_s * 1e9), "x", payload) for at_s, payload in bench.heard + tail], learned.config)
    assert not [item for item in out if isinstance(item, BadPacket | Gap)]
    blocks = [item for item in out if isinstance(item, ImuBlock)]
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    assert len(acc) == pytest.approx(8 * rate_hz, abs=1)
    resolution = 16 * STANDARD_GRAVITY_MPS2 / 32768
    np.testing.assert_allclose(acc[:, 0], 0.01 * np.sin(np.arange(len(acc)) / 20), atol=resolution)
    np.testing.assert_allclose(acc[:, 2], STANDARD_GRAVITY_MPS2, atol=resolution)
    if max_payload > 20 and rate_hz > 10:
        sizes = {len(payload) for _, payload in bench.heard}
        assert sizes == {44}


def test_the_virtual_sensor_is_as_slow_as_a_new_one_until_told() -> None:
    """Listened to without a command it sends ten samples a second."""
    bench = Bench(WitMotionDevice(StillWaveform()))
    bench(Subscribe(DATA_UUID))
    assert 99 <= len(bench.run(10.0)) <= 101


def test_a_setting_needs_an_unlock_that_has_not_expired() -> None:
    """Locked, and ten seconds after an unlock, the rate stays."""
    device = WitMotionDevice(StillWaveform())
    bench = Bench(device)
    fast = write_command(0x03, 9)
    bench(Write(COMMAND_UUID, fast))
    assert device.rate_code == 6
    bench(Write(COMMAND_UUID, UNLOCK))
    bench.run(10.5)
    bench(Write(COMMAND_UUID, fast))
    assert device.rate_code == 6
    bench(Write(COMMAND_UUID, UNLOCK))
    bench(Write(COMMAND_UUID, fast))
    assert device.rate_code == 9
    assert device.n_saves == 0

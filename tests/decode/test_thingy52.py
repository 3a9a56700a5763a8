"""Nordic Thingy:52: known bytes, samples without a clock, and settings that stay in flash."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import label, load

from sensorsoma.decode import make_decoder
from sensorsoma.decode.driver import Learned, Read, Step, Subscribe, Write, perform
from sensorsoma.decode.thingy52 import DRIVER, Thingy52Decoder
from sensorsoma.decode.thingy52_frame import (
    RAW_UUID,
    SETTINGS_UUID,
    RawMotion,
    Settings,
    pack_raw,
    parse_euler_deg,
    parse_gravity_mps2,
    parse_heading_deg,
    parse_quaternion,
    parse_raw,
    parse_rotation,
    parse_settings,
)
from sensorsoma.decode.thingy52_frame import FrameError as ThingyError
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.virtual.devices.base import RefusedError
from sensorsoma.virtual.devices.thingy52 import Thingy52Device
from sensorsoma.virtual.waveform import StillWaveform, Taken

ROOT = Path(__file__).resolve().parents[2]
VECTORS = load("thingy52")
PARSERS = {
    "quat_wxyz": parse_quaternion,
    "roll_pitch_yaw_deg": parse_euler_deg,
    "gravity_m_s2": parse_gravity_mps2,
}
ROOM = 20
AS_DELIVERED = Settings().to_bytes()


def make_packet(index: int) -> bytes:
    """A sample whose acceleration counts along."""
    zero = np.zeros(3, np.int16)
    return pack_raw(RawMotion(np.array([index % 1000, 0, -1024], np.int16), np.array([0, 32, 0], np.int16), zero))


def sample_packets() -> list[bytes]:
    """A second of good packets in order."""
    return [make_packet(i) for i in range(100)]


def packet(payload: bytes, at_s: float) -> Packet:
    return Packet(round(at_s * 1e9), "right-thigh", payload)


def play(
    decoder: Thingy52Decoder, true_s: np.ndarray, interval_s: float = 0.03, seed: int = 1
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, Gap]]]:
    """Sends samples taken at `true_s` over a radio that speaks every `interval_s` and is sometimes late.

    Returns true times, given times, and the gaps with the number of the sample after each.
    """
    late_s = np.random.default_rng(seed).exponential(0.003, len(true_s))
    arrival_s = np.maximum.accumulate(np.ceil(true_s / interval_s) * interval_s + 0.002 + late_s)
    times, gaps = [], []
    for i, at_s in enumerate(arrival_s):
        for item in decoder.feed(packet(make_packet(i), at_s)):
            if isinstance(item, Gap):
                gaps.append((i, item))
            else:
                assert isinstance(item, ImuBlock)
                times.append(item.t_s[0])
    return true_s, np.array(times), gaps


# ------------------------------------------------------------------------------------------------- known bytes


@pytest.mark.parametrize("one", [one for one in VECTORS if PARSERS.keys() & one["expected"].keys()], ids=label)
def test_known_orientations_read_as_expected(one):
    """The vendor's own quantities come out in its units."""
    ((key, expected),) = one["expected"].items()
    np.testing.assert_allclose(PARSERS[key](bytes.fromhex(one["hex"])), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("one", [one for one in VECTORS if "raw" in one["expected"]], ids=label)
def test_a_known_raw_sample(one):
    """The recorded notification gives its integers and, turned round, a sample of 1 g that points up."""
    payload, expected = bytes.fromhex(one["hex"]), one["expected"]
    raw = parse_raw(payload)
    assert [*raw.acc_lsb, *raw.gyr_lsb, *raw.mag_lsb] == expected["raw"]
    assert pack_raw(raw) == payload
    (block,) = Thingy52Decoder("x", 0, {}).feed(packet(payload, 1.0))
    np.testing.assert_allclose(block.acc_sensor_mps2[0], -9.80665 * np.array(expected["acc_g"]), atol=1e-5)
    np.testing.assert_allclose(block.gyr_sensor_radps[0], np.deg2rad(expected["gyro_dps"]), rtol=1e-6)
    assert np.linalg.norm(block.acc_sensor_mps2) == pytest.approx(9.80665, rel=0.01)


@pytest.mark.parametrize("one", [one for one in VECTORS if "motion_hz" in one["expected"]], ids=label)
def test_the_known_settings_are_those_that_are_written(one):
    """A Thingy as delivered is set to 100 Hz by exactly these bytes."""
    written = bytes.fromhex(one["hex"])
    assert vars_of(parse_settings(written)) == list(one["expected"].values())
    steps, _ = perform(DRIVER.start({}), lambda step: AS_DELIVERED if isinstance(step, Read) else None)
    assert Write(SETTINGS_UUID, written) in steps


def vars_of(record: Settings) -> list[int]:
    return [
        record.pedometer_ms,
        record.temperature_ms,
        record.magnetometer_ms,
        record.motion_hz,
        record.wakes_on_motion,
    ]


def test_every_known_entry_is_used():
    """No vector is left aside."""
    kinds = {*PARSERS, "raw", "motion_hz"}
    assert all(kinds & one["expected"].keys() for one in VECTORS)


@pytest.mark.parametrize(
    ("parse", "n"),
    [
        (parse_raw, 18),
        (parse_settings, 9),
        (parse_quaternion, 16),
        (parse_euler_deg, 12),
        (parse_rotation, 18),
        (parse_heading_deg, 4),
        (parse_gravity_mps2, 12),
    ],
)
def test_other_lengths_are_refused(parse, n):
    """Each characteristic has one length."""
    parse(bytes(n))
    for wrong in (0, n - 1, n + 1):
        with pytest.raises(ThingyError, match=f"expected {n} bytes, found {wrong}"):
            parse(bytes(wrong))


def test_rotation_and_heading_have_their_own_scales():
    """16384 is one, 65536 is one degree."""
    one = (16384).to_bytes(2, "little")
    matrix = b"".join(one if i % 4 == 0 else bytes(2) for i in range(9))
    np.testing.assert_array_equal(parse_rotation(matrix), np.eye(3))
    assert parse_heading_deg((270 * 65536 + 32768).to_bytes(4, "little")) == 270.5


@given(st.lists(st.tuples(st.binary(min_size=16, max_size=20), st.floats(0, 1e5)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_survived(packets):
    """Random bytes at random times never raise and never turn time back."""
    decoder, last_s = Thingy52Decoder("x", 0, {}), -np.inf
    for payload, at_s in packets:
        for item in decoder.feed(packet(payload, at_s)):
            assert isinstance(item, BadPacket) == (len(payload) != 18) or isinstance(item, Gap)
            if isinstance(item, ImuBlock):
                assert item.t_s[0] > last_s
                last_s = item.t_s[0]


# ------------------------------------------------------------------------------------------- time without a clock


@pytest.mark.parametrize(("config", "rate_hz"), [({}, 98.5), ({"rate_hz": 50}, 50.6)])
def test_an_even_stream_is_placed_evenly(config, rate_hz):
    """Arrival in bundles every 30 ms is smoothed away; the true rate is found, and there is no gap."""
    true_s, t_s, gaps = play(Thingy52Decoder("x", 0, config), np.arange(10, 70, 1 / rate_hz))
    assert gaps == []
    late = true_s > 30
    error_s = t_s[late] - true_s[late]
    assert np.ptp(error_s) < 0.004
    assert 0 < np.median(error_s) < 0.01
    assert abs(np.diff(t_s)[-500:] * rate_hz - 1).max() < 0.01


@pytest.mark.parametrize("hole_s", [0.4, 1.0, 5.0])
def test_a_hole_is_a_gap_of_unknown_size(hole_s):
    """Samples that stay away for longer than a quarter of a second become one gap as long as they were away.

    It is noticed within 0.4 s, and only what comes until then is placed too early.
    """
    true_s = np.arange(10, 40, 0.01)
    true_s = true_s[(true_s < 25) | (true_s >= 25 + hole_s)]
    _, t_s, gaps = play(Thingy52Decoder("x", 0, {}), true_s)
    ((at, gap),) = gaps
    assert (gap.reason, gap.n_lost) == ("lost_packets", None)
    assert gap.end_s - gap.start_s == pytest.approx(hole_s, abs=0.08)
    assert 25 + hole_s < true_s[at] < 25 + hole_s + 0.4
    assert np.count_nonzero(abs(t_s - true_s)[true_s > 20] > 0.05) < 40
    assert abs(t_s[at:] - true_s[at:]).max() < 0.05


@pytest.mark.parametrize("rate_hz", [30, 60, 80])
def test_a_radio_that_takes_six_samples_of_ten_is_heard_at_its_own_rate(rate_hz):
    """Where the radio cannot carry 100 Hz, the samples that come are placed evenly at the rate at which they come.

    That is found out once, with one gap, and not taken for one loss after the other.
    """
    true_s, t_s, gaps = play(Thingy52Decoder("x", 0, {}), np.arange(10, 40, 1 / rate_hz))
    assert len(gaps) == 1
    late = true_s > 20
    assert np.ptp(t_s[late] - true_s[late]) < 0.02


def test_a_computer_that_was_busy_loses_nothing():
    """A second of samples that arrive at once afterwards is no hole."""
    decoder, times = Thingy52Decoder("x", 0, {}), []
    true_s = np.arange(10, 40, 0.01)
    for i, at_s in enumerate(np.where((true_s > 25) & (true_s < 26), 26.0, true_s)):
        for item in decoder.feed(packet(make_packet(i), at_s)):
            assert isinstance(item, ImuBlock)
            times.append(item.t_s[0])
    assert len(times) == len(true_s)
    assert abs(np.array(times) - true_s)[1000:].max() < 0.01


@pytest.mark.parametrize("away_s", [0.4, 3.0, 60.0])
def test_a_lost_link_is_one_gap(away_s):
    """After a reconnect the count goes on where the clock on the wall says, without a second gap."""
    decoder = Thingy52Decoder("x", 0, {})
    play(decoder, np.arange(10, 30, 0.01))
    decoder.resumed(0)
    true_s, t_s, gaps = play(decoder, np.arange(30 + away_s, 50 + away_s, 0.01))
    ((at, gap),) = gaps
    assert (at, gap.reason, gap.n_lost) == (0, "link_lost", None)
    assert gap.end_s - gap.start_s == pytest.approx(away_s, abs=0.05)
    assert abs(t_s - true_s).max() < 0.05
    assert decoder.finish() == decoder.finish() == ()


# ------------------------------------------------------------------------------------------- the conversation


def test_settings_are_left_alone_when_they_fit():
    """A Thingy that is at the rate already is not written: its flash wears."""
    record = Settings(300, 700, 900, 100, 0).to_bytes()
    steps, learned = perform(DRIVER.start({}), lambda step: record if isinstance(step, Read) else None)
    assert steps == [Read(SETTINGS_UUID), Subscribe(RAW_UUID)]
    assert learned == Learned({"rate_hz": 100})


def test_only_the_rate_is_changed_and_what_the_sensor_says_counts():
    """The other fields are written back as they were, and the rate is the one read back."""
    answers = iter([Settings(300, 700, 900, 10, 0).to_bytes(), Settings(300, 700, 900, 40, 0).to_bytes()])

    def answer(step: Step) -> bytes | None:
        return next(answers) if isinstance(step, Read) else None

    steps, learned = perform(DRIVER.start({"rate_hz": 45}), answer)
    assert Write(SETTINGS_UUID, Settings(300, 700, 900, 50, 0).to_bytes()) in steps
    assert learned.config == {"rate_hz": 40}


@pytest.mark.parametrize("record", [None, b"", bytes(8)])
def test_settings_that_cannot_be_read_are_one_sentence(record):
    """Another firmware's record ends the start with a sentence."""
    with pytest.raises(LinkError, match="Expected the Thingy's motion settings"):
        perform(DRIVER.start({}), lambda _step: record)


# --------------------------------------------------------------------------------------------- virtual sensor


class Noise:
    """A waveform whose every sample is different and remembered, from the last start on."""

    has_gyroscope = True

    def start(self, now_s: float, rate_hz: float) -> float:
        self.begin_s, self.rate_hz, self.taken = now_s, rate_hz, np.empty((0, 6))
        return rate_hz

    def read(self, now_s: float) -> Taken:
        index = np.arange(len(self.taken), round((now_s - self.begin_s) * self.rate_hz))
        rows = np.random.default_rng(len(self.taken)).normal(0, 4, (len(index), 6))
        self.taken = np.concatenate((self.taken, rows))
        return Taken(self.begin_s + index / self.rate_hz, rows[:, :3], rows[:, 3:])


def route(device: Thingy52Device, now_s: float) -> Any:
    """Steps of a script to a virtual sensor."""

    def answer(step: Step) -> bytes | None:
        match step:
            case Subscribe(uuid):
                device.on_subscribe(uuid, True, now_s, ROOM)
            case Write(uuid, data):
                device.on_write(uuid, data, now_s, ROOM)
            case Read(uuid):
                return device.on_read(uuid)
        return None

    return answer


def test_samples_out_are_samples_in():
    """The virtual sensor, started by the driver, gives all that it measured within a step of the format."""
    waveform = Noise()
    device = Thingy52Device(waveform)
    _, learned = perform(DRIVER.start({}), route(device, 2.0))
    assert learned.config == {"rate_hz": 100}
    decoder = make_decoder("thingy52", "pelvis", 0, learned.config)
    out = [
        item
        for at_s in np.arange(2.0, 7.0, 0.03)
        for one in device.due(at_s)
        for item in decoder.feed(packet(one.payload, at_s))
    ]
    out += decoder.finish()
    assert all(isinstance(item, ImuBlock) for item in out)
    assert 490 < len(out) == len(waveform.taken)
    acc, gyr = np.concatenate([b.acc_sensor_mps2 for b in out]), np.concatenate([b.gyr_sensor_radps for b in out])
    np.testing.assert_allclose(acc, waveform.taken[:, :3].clip(-19.6133, 19.6133), atol=9.80665 / 1024)
    np.testing.assert_allclose(gyr, waveform.taken[:, 3:], atol=np.deg2rad(1 / 32))
    device.on_subscribe(RAW_UUID, False, 7.0, ROOM)
    assert not device.is_streaming


def test_the_virtual_sensor_keeps_its_settings_and_refuses_wrong_ones():
    """It is written once; the next start finds the rate; values beyond their limits are refused."""
    device = Thingy52Device(StillWaveform())
    for at_s in (1.0, 5.0):
        perform(DRIVER.start({}), route(device, at_s))
        device.stop()
    assert device.n_flash_writes == 1
    for wrong in (bytes(8), Settings(motion_hz=4).to_bytes(), Settings(wakes_on_motion=2).to_bytes()):
        with pytest.raises(RefusedError):
            device.on_write(SETTINGS_UUID, wrong, 6.0, ROOM)
    assert parse_settings(device.on_read(SETTINGS_UUID)).motion_hz == 100


def test_another_rate_is_what_the_chip_can_do():
    """The chip divides 200 Hz: 60 Hz asked for by an app are 66.7 Hz, and a write while measuring begins anew."""
    device = Thingy52Device(StillWaveform())
    perform(DRIVER.start({}), route(device, 1.0))
    device.on_write(SETTINGS_UUID, Settings(motion_hz=60).to_bytes(), 2.0, ROOM)
    assert len(list(device.due(5.0))) == pytest.approx(200, abs=2)


def test_it_is_recognised_whatever_it_is_called():
    """Its service tells, since the name can be changed."""
    device = Thingy52Device(StillWaveform(), name="Knee")
    assert DRIVER.is_heard_in(device.advert.name, device.advert.service_uuids)
    assert not DRIVER.is_heard_in("Knee", ())


# ------------------------------------------------------------------------------------------------------ the page


def example(name: str) -> bytes:
    text = (ROOT / "firmware_notes/thingy52.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"<!-- example {name} -->\n```\n([0-9a-f\s]+)```", text)
    return bytes.fromhex(found)


def test_the_worked_examples_of_the_page():
    """The hex in firmware_notes/thingy52.md means what stands beside it."""
    raw = parse_raw(example("raw"))
    assert raw.acc_lsb.tolist() == [-13, -67, -1022]
    assert raw.gyr_lsb.tolist() == [-22, 5, -10]
    (block,) = Thingy52Decoder("x", 0, {}).feed(packet(example("raw"), 1.0))
    np.testing.assert_allclose(block.acc_sensor_mps2, [[0.124, 0.642, 9.787]], atol=6e-4)
    assert parse_settings(example("settings")) == Settings(motion_hz=100)

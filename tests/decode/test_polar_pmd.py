"""Polar sensors: the vendor's test bytes and a recorded H10, two streams on one clock, the conversation."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import by_id, label

from sensorsoma.decode import DECODERS, drivers
from sensorsoma.decode.driver import Ask, Await, Learned, Read, Step, Subscribe, perform
from sensorsoma.decode.polar_pmd import GYR_WAIT_S, PolarPmdDecoder, sample_offsets_ns
from sensorsoma.decode.polar_pmd_control import (
    ALREADY,
    CHANNELS,
    CONTROL_UUID,
    DATA_UUID,
    DRIVER,
    RANGE,
    RATE,
    RESOLUTION,
    ControlError,
    choose,
    decode_answer,
    decode_features,
    decode_settings,
    start,
    stop,
)
from sensorsoma.decode.polar_pmd_frame import ACC, GYRO, FrameError, decode_deltas, decode_frame
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.polar_pmd_packing import encode_deltas

NOTES = Path(__file__).resolve().parents[2] / "firmware_notes" / "polar_pmd.md"
VECTORS = by_id("polar_pmd")
FRAMES = [name for name in VECTORS if name.startswith(("polar-acc", "polar-gyro"))]
CONTENTS = [name for name in VECTORS if name.startswith("polar-delta")]
ANSWERS = ["polar-settings-gyro", "polar-cp-invalid-resolution", "polar-cp-start-factor"]
COMMANDS = [name for name in VECTORS if name.startswith("polar-cmd")]

EPOCH_NS = 599_616_000_000_000_000
VERITY = {"rate_hz": 52, "gyr_rate_hz": 52, "acc_factor": 1.0, "gyr_factor": 0.0625, "has_gyroscope": True}
H10 = {"rate_hz": 100, "acc_factor": 1.0, "has_gyroscope": False}

# An H10 worn by a person who keeps still, 50 Hz, ±2 g: two frames in a row and the answers of that session, recorded
# in July 2026 and published among the tests of an open web page for the H10. Captured, not computed.
H10_FRAMES = tuple(bytes.fromhex(text) for text in (
    "02a219d97e9b43520801be030e00b6fecd031100b6fed8031200b6fedd030e00b9fedb030500b9fed403f4ffbdfecc03e1ffc4fec503d7ff"
    "c7fec003d8ffd8fec303e0ffe1fece03e6ffe8fed703f0fff0fed703f8ffeffed4030000f4fed5030600f2feda030800f1fed9030700f1fe"
    "d9030300f4fed403f8fff7fed603ecfff9fed703e3fff9fed803e0fffdfeda03e6fffdfedd03edfffffede03f2ff01ffdd03f2ff04ffdd03"
    "f3ff05ffdd03f5ff07ffdd03f8ff08ffde03f9ff06ffdd03f8ff07ffdf03f5ff02ffe103fdff0bffe20301000effe103000003ffdd03fbff"
    "01ff",
    "02064bfca89b43520801d703ffff10ffd803fcff10ffdb03f4ff0effdf03f3ff03ffdc03f9ff06ffde03ffff0cffe20304000fffe3030400"
    "14ffe303010012ffe303fcff13ffe403fcff12ffe503faff14ffe503fdff19ffe503ffff1bffe503ffff16ffe503020022ffe4030b0026ff"
    "e4030f0021ffe303160021ffe2031f001effe203240023ffe30322001fffe30321001fffe30318001dffe103130022ffe1030d002affe103"
    "0a002affe1030d002cffe103110032ffe203100037ffe303110044ffe403110045ffe503110045ffe5030f0046ffe503100048ffe5031500"
    "57ff",
))  # fmt: skip
H10_FEATURES = bytes.fromhex("0f050000000000000000000000000000 00")
H10_OFFER = bytes.fromhex("f00102000000041900320064 00c80001011000 0203020004000800")
H10_STARTED = bytes.fromhex("f00202000001")
H10_NOT_RUNNING = bytes.fromhex("f003020600")

# From Polar's document on online measurement.
VERITY_FEATURES = bytes.fromhex("0f6e000000000000000000000000000000")
VERITY_ACC_OFFER = bytes.fromhex("f0010200000001340001011000020108000401 03")
VERITY_ACC_STARTED = bytes.fromhex("f0020200000501 40da7f39")
VERITY_GYR_OFFER = bytes.fromhex("f00105000000013400010110000201d007040103")


def ids(names: Sequence[str]) -> list[Any]:
    """Entries of the table."""
    return [pytest.param(VECTORS[name], id=label(VECTORS[name])) for name in names]


def header(measurement: int, last_ns: int, frame_type: int) -> bytes:
    return struct.pack("<BQB", measurement, last_ns, frame_type)


def frame(measurement: int, rows: Floats | list[Any], last_s: float) -> bytes:
    """A compressed frame, thousandths of g or counts of rotation, of an honest clock."""
    samples = [(int(x), int(y), int(z)) for x, y, z in np.rint(rows)]
    frame_type = 0x81 if measurement == ACC else 0x80
    return header(measurement, EPOCH_NS + round(last_s * 1e9), frame_type) + encode_deltas(samples)


def packet(payload: bytes, at_s: float) -> Packet:
    return Packet(round(at_s * 1e9), "x", payload)


def device_times(n: int, rate_hz: float = 52.0, begin_s: float = 0.0) -> Floats:
    return begin_s + np.arange(n) / rate_hz


def acc_mg(t_s: Floats) -> Floats:
    """A slow movement, so that every moment has values of its own."""
    return np.column_stack([300 * np.sin(t_s), 200 * np.cos(0.7 * t_s), 900 + 50 * np.sin(0.3 * t_s)])


def gyr_lsb(t_s: Floats) -> Floats:
    return np.column_stack([2000 * np.sin(1.3 * t_s), 1500 * np.cos(t_s), 1000 * np.sin(0.4 * t_s)])


def cut(measurement: int, t_s: Floats, lengths: Sequence[int]) -> list[Packet]:
    """A stream in frames of these lengths in turn, each sent the moment it is full."""
    values = (acc_mg if measurement == ACC else gyr_lsb)(t_s)
    out, begin = [], 0
    while begin < len(t_s):
        end = min(len(t_s), begin + lengths[len(out) % len(lengths)])
        last_s = float(t_s[end - 1])
        out.append(packet(frame(measurement, values[begin:end], last_s), 100.0 + last_s))
        begin = end
    return out


def together(*streams: list[Packet]) -> list[Packet]:
    return sorted((each for stream in streams for each in stream), key=lambda each: each.host_ns)


def verity_packets(n: int = 1000, acc: Sequence[int] = (57, 40), gyr: Sequence[int] = (71, 48)) -> list[Packet]:
    return together(cut(ACC, device_times(n), acc), cut(GYRO, device_times(n), gyr))


def sample_packets() -> list[bytes]:
    """Good packets in order: both streams of a Verity Sense."""
    return [each.payload for each in verity_packets()][:40]


def fed(decoder: PolarPmdDecoder, packets: Sequence[Packet], *, is_all: bool = True) -> list[Any]:
    out = [item for each in packets for item in decoder.feed(each)]
    return out + list(decoder.finish()) if is_all else out


def column(out: Sequence[Any], attribute: str) -> Floats:
    parts = [getattr(item, attribute) for item in out if isinstance(item, ImuBlock)]
    return np.concatenate(parts) if parts else np.empty(0)


def of(out: Sequence[Any], kind: type) -> list[Any]:
    return [item for item in out if isinstance(item, kind)]


# ------------------------------------------------------------------------------------------------- bytes to numbers


def test_every_entry_of_the_table_is_tried_below() -> None:
    """No fact of the vectors' file is left out."""
    assert sorted(FRAMES + CONTENTS + ANSWERS + COMMANDS) == sorted(VECTORS)


def wanted_si(expected: dict[str, Any], factor: float) -> Floats:
    """The first samples of a frame in SI units, from whatever the source gives."""
    for key, scale in (("all_mg", 1e-3), ("mg", 1e-3), ("raw_first_two", factor)):
        if key in expected:
            return np.array(expected[key]) * scale * STANDARD_GRAVITY_MPS2
    return np.array(expected["dps"]) * DEG


@pytest.mark.parametrize("entry", ids(FRAMES))
def test_a_frame_of_the_table_reads_as_expected(entry: dict[str, Any]) -> None:
    """Measurement, frame type, clock, count and values are those of the vendor's own tests."""
    expected, context = entry["expected"], entry["context"]
    found = decode_frame(bytes.fromhex(entry["hex"]))
    assert {ACC: "ACC", GYRO: "GYRO"}[found.measurement] == expected["measurement"]
    assert found.frame_type == expected["frame_type"] + 0x80 * expected["compressed"]
    assert found.last_ns == expected["timestamp_ns"] == expected.get("last_sample_timestamp_ns", found.last_ns)
    factor = context.get("factor", 1.0)
    si = found.to_si(factor)
    wanted = wanted_si(expected, factor)
    np.testing.assert_allclose(si[: len(wanted)], wanted, rtol=1e-6)
    assert len(si) == expected.get("n_samples", len(wanted))
    if "raw_last" in expected:
        assert found.values[-1].tolist() == expected["raw_last"]
        mg = found.values * factor * 1000
        assert np.trunc(mg[:2]).tolist() == expected["mg_first_two_truncated"]
        assert np.abs(mg).max() <= 8000
    if "sample_timestamps_ns" in expected:
        offsets = sample_offsets_ns(found.last_ns - context["previous_timestamp_ns"], len(si))
        assert np.floor(found.last_ns + offsets).tolist() == expected["sample_timestamps_ns"]


@pytest.mark.parametrize("entry", ids(FRAMES))
def test_a_frame_of_the_table_goes_through_the_decoder(entry: dict[str, Any]) -> None:
    """The decoder gives the same values in SI units; rotation beside an acceleration of the same moments."""
    payload, factor = bytes.fromhex(entry["hex"]), entry["context"].get("factor", 1.0)
    found = decode_frame(payload)
    config = {"acc_factor": factor, "gyr_factor": factor, "has_gyroscope": found.measurement == GYRO}
    decoder = PolarPmdDecoder("x", 0, config)
    if found.measurement == GYRO:
        still = np.tile([0, 0, 1000], (len(found.values), 1)).astype("<i2").tobytes()
        assert decoder.feed(packet(header(ACC, found.last_ns, 1) + still, 5.0)) == ()
    out = [*decoder.feed(packet(payload, 5.0)), *decoder.finish()]
    attribute = "gyr_sensor_radps" if found.measurement == GYRO else "acc_sensor_mps2"
    np.testing.assert_allclose(column(out, attribute), found.to_si(factor), rtol=1e-12)
    assert column(out, "t_s")[-1] - column(out, "t_s")[0] == pytest.approx((len(found.values) - 1) / 52, abs=2e-6)


@pytest.mark.parametrize("entry", ids(CONTENTS))
def test_compressed_contents_of_the_table_unfold(entry: dict[str, Any]) -> None:
    """Blocks of different widths are summed up in order; 32-bit patterns modulo 2**32."""
    expected = entry["expected"]
    samples = decode_deltas(bytes.fromhex(entry["hex"]), entry["context"]["resolution_bits"])
    assert samples.shape == (expected["n_samples"], 3)
    if "bits_first_two" in expected:
        patterns = [[f"0x{value % 2**32:08X}" for value in row] for row in samples.tolist()]
        assert (patterns[:2], patterns[-1]) == (expected["bits_first_two"], expected["bits_last"])
    else:
        assert samples[:2].tolist() == expected["first_two"]
        assert (samples[2].tolist(), samples[-1].tolist()) == (expected["third"], expected["last"])


def test_a_recorded_h10_shows_gravity_and_its_own_rate() -> None:
    """Captured bytes: 36 samples in a frame, about 1 g on a person who keeps still, 50.9 Hz where 50 were asked."""
    first, second = (decode_frame(payload) for payload in H10_FRAMES)
    assert first.values.shape == second.values.shape == (36, 3)
    decoder = PolarPmdDecoder("x", 0, {"rate_hz": 50, "has_gyroscope": False})
    out = fed(decoder, [packet(H10_FRAMES[0], 10.0), packet(H10_FRAMES[1], 10.707)])
    assert not of(out, Gap)
    length = np.linalg.norm(column(out, "acc_sensor_mps2"), axis=1)
    assert length.mean() / STANDARD_GRAVITY_MPS2 == pytest.approx(1.02, abs=0.02)
    assert 36 / ((second.last_ns - first.last_ns) / 1e9) == pytest.approx(50.92, abs=0.01)
    steps = np.diff(column(out, "t_s"))
    assert (steps > 0).all()
    np.testing.assert_allclose(steps[36:], 1 / 50.92, atol=3e-3)


@pytest.mark.parametrize(
    ("frame_type", "content", "wanted"),
    [
        (0x00, "01ff80", [1, -1, -128]),
        (0x01, "0100ffff0080", [1, -1, -32768]),
        (0x02, "010000ffffff000080", [1, -1, -8388608]),
    ],
)
def test_raw_samples_of_every_width(frame_type: int, content: str, wanted: list[int]) -> None:
    """One, two and three bytes a value, signed, thousandths of g; a factor has no part in them."""
    found = decode_frame(header(ACC, 7, frame_type) + bytes.fromhex(content))
    assert found.values.tolist() == [wanted]
    np.testing.assert_allclose(found.to_si(0.5), np.array([wanted]) * STANDARD_GRAVITY_MPS2 / 1000)


@given(st.lists(st.tuples(*[st.integers(-32768, 32767)] * 3), min_size=1, max_size=60), st.integers(1, 70))
@settings(max_examples=40, deadline=None)
def test_compressing_and_unfolding_are_inverse(samples: list[tuple[int, int, int]], block: int) -> None:
    """Whatever the values and however they are cut into blocks, the same samples come back."""
    assert decode_deltas(encode_deltas(samples, block), 16).tolist() == [list(row) for row in samples]


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"", "more than 10 bytes"),
        (header(ACC, 1, 1), "more than 10 bytes"),
        (header(1, 1, 0) + bytes(6), "acceleration or rotation, found type 1"),
        (header(ACC, 1, 3) + bytes(6), "frame type 0x03"),
        (header(GYRO, 1, 1) + bytes(12), "frame type 0x01"),
        (header(ACC, 1, 1) + bytes(7), "samples of 6 bytes, found 7"),
        (header(ACC, 1, 0x81) + bytes(5), "whole sample of 6 bytes"),
        (header(ACC, 1, 0x81) + bytes(6) + b"\x08", "expected 0 bytes of differences of 1 to 32 bits"),
        (header(ACC, 1, 0x81) + bytes(6) + b"\x08\x02\x00", "expected 6 bytes of differences of 1 to 32 bits, found 1"),
        (header(ACC, 1, 0x81) + bytes(6) + b"\x00\x02", "found 0 for 0 bits"),
        (header(ACC, 1, 0x81) + bytes(6) + b"\x21\x01" + bytes(13), "for 33 bits"),
        (header(GYRO, 1, 0x81) + struct.pack("<3f", 1, 2, float("nan")), "found NaN"),
    ],
)
def test_wrong_bytes_say_what_was_expected(payload: bytes, wanted: str) -> None:
    """Each way of being wrong has its own sentence, and becomes a bad packet."""
    with pytest.raises(FrameError, match=wanted):
        decode_frame(payload)
    (bad,) = PolarPmdDecoder("x", 0).feed(packet(payload, 1.0))
    assert isinstance(bad, BadPacket)


# ------------------------------------------------------------------------------------------------ streams and clock


def test_two_streams_become_one_without_loss() -> None:
    """Frames of different lengths: every acceleration that rotation has reached comes once, with its rotation."""
    out = fed(PolarPmdDecoder("x", 0, VERITY), verity_packets())
    assert {type(item) for item in out} == {ImuBlock}
    n = len(column(out, "t_s"))
    assert n == 1000
    t_s = device_times(n)
    np.testing.assert_allclose(column(out, "acc_sensor_mps2"), np.rint(acc_mg(t_s)) * STANDARD_GRAVITY_MPS2 / 1000)
    gyr = np.rint(gyr_lsb(t_s)) * 0.0625 * DEG
    np.testing.assert_allclose(column(out, "gyr_sensor_radps"), gyr, atol=1e-3)
    np.testing.assert_allclose(np.diff(column(out, "t_s")), 1 / 52, atol=1e-6)
    assert column(out, "t_s")[0] == pytest.approx(100.0, abs=1e-6)


def test_rotation_is_read_off_at_the_times_of_acceleration() -> None:
    """A gyroscope that samples between the accelerometer's moments is interpolated, to the error of a straight line."""
    acc = cut(ACC, device_times(500), [57])
    gyr = cut(GYRO, device_times(520, rate_hz=52.4, begin_s=-0.007), [64])
    out = fed(PolarPmdDecoder("x", 0, VERITY), together(acc, gyr))
    t_s = column(out, "t_s") - 100.0
    wanted = gyr_lsb(t_s) * 0.0625 * DEG
    assert len(t_s) > 440
    is_later = t_s > 1.3  # the first frame is placed at the nominal rate
    assert np.abs(column(out, "gyr_sensor_radps") - wanted)[is_later].max() < 0.1 * DEG


@given(st.lists(st.integers(20, 133), min_size=1, max_size=5), st.lists(st.integers(20, 133), min_size=1, max_size=5))
@settings(max_examples=20, deadline=None)
def test_how_frames_cut_the_streams_changes_nothing(acc: list[int], gyr: list[int]) -> None:
    """The same samples in frames of other lengths give the same values at the same times."""
    n = 520
    out = fed(PolarPmdDecoder("x", 0, VERITY), verity_packets(n, acc, gyr))
    assert not of(out, Gap)
    assert len(column(out, "t_s")) == n
    np.testing.assert_array_equal(column(out, "acc_sensor_mps2"), np.rint(acc_mg(device_times(n))) * (9.80665 / 1000))
    np.testing.assert_allclose(column(out, "gyr_sensor_radps"), np.rint(gyr_lsb(device_times(n))) * 0.0625 * DEG,
                               atol=1e-3)  # fmt: skip
    np.testing.assert_allclose(column(out, "t_s"), 100 + device_times(n), atol=1e-6)


def test_which_stream_comes_first_changes_nothing() -> None:
    """All of one stream's delay behind the other only delays what comes out."""
    acc, gyr = cut(ACC, device_times(400), [57]), cut(GYRO, device_times(400), [71])
    late = [Packet(each.host_ns + 1_500_000_000, "x", each.payload) for each in gyr]
    plain = fed(PolarPmdDecoder("x", 0, VERITY), together(acc, gyr))
    delayed = fed(PolarPmdDecoder("x", 0, VERITY), together(acc, late))
    for attribute in ("acc_sensor_mps2", "gyr_sensor_radps", "t_s"):
        np.testing.assert_array_equal(column(plain, attribute), column(delayed, attribute))


def test_an_h10_is_given_at_once() -> None:
    """A sensor without gyroscope has nothing to wait for."""
    decoder = PolarPmdDecoder("x", 0, H10)
    for each in cut(ACC, device_times(360, 100), [36]):
        (block,) = decoder.feed(each)
        assert (len(block.t_s), block.gyr_sensor_radps) == (36, None)
        assert each.host_ns / 1e9 == pytest.approx(block.t_s[-1], abs=1e-6)


@pytest.mark.parametrize("n_lost", [1, 3, 40])
def test_lost_frames_of_acceleration_are_counted_by_the_clock(n_lost: int) -> None:
    """Missing frames are one gap with the exact number of samples, though a Polar frame has no number."""
    packets = cut(ACC, device_times(36 * 60, 100), [36])
    out = fed(PolarPmdDecoder("x", 0, H10), packets[:8] + packets[8 + n_lost :])
    (gap,) = of(out, Gap)
    assert (gap.n_lost, gap.reason) == (36 * n_lost, "lost_packets")
    assert gap.end_s - gap.start_s == pytest.approx((36 * n_lost + 1) / 100, abs=1e-3)
    t_s = column(out, "t_s") - 100
    np.testing.assert_allclose(column(out, "acc_sensor_mps2"), acc_mg(t_s) * 9.80665 / 1000, atol=0.03)


def test_a_short_frame_lost_before_a_long_one_is_seen() -> None:
    """Frames differ in length, so the count follows from the sensor's step and not from the frame before."""
    packets = cut(ACC, device_times(57 * 2 + 37 + 133), [57, 57, 37, 133])
    out = fed(PolarPmdDecoder("x", 0, {**VERITY, "has_gyroscope": False}), [*packets[:2], packets[3]])
    assert [gap.n_lost for gap in of(out, Gap)] == [37]


def test_a_lost_frame_of_rotation_is_a_gap_too() -> None:
    """Nothing is made up: the acceleration beside the missing rotation is left out and counted, and then it goes on."""
    acc, gyr = cut(ACC, device_times(1000), [57]), cut(GYRO, device_times(1000), [60])
    out = fed(PolarPmdDecoder("x", 0, VERITY), together(acc, gyr[:5] + gyr[6:]))
    (gap,) = of(out, Gap)
    assert (gap.n_lost, gap.reason) == (60, "lost_packets")
    assert all(block.gyr_sensor_radps is not None for block in of(out, ImuBlock))
    assert len(column(out, "t_s")) == 940


def test_acceleration_goes_on_alone_when_rotation_dies_and_is_joined_again() -> None:
    """After a bounded wait no sample of acceleration is withheld; when rotation is back it is used again."""
    acc, gyr = cut(ACC, device_times(3000), [57]), cut(GYRO, device_times(3000), [60])
    packets = together(acc, gyr[:10] + gyr[30:])
    decoder, late_s = PolarPmdDecoder("x", 0, VERITY), 0.0
    out = []
    for each in packets:
        given = decoder.feed(each)
        late_s = max([late_s, *(each.host_ns / 1e9 - block.t_s[0] for block in of(given, ImuBlock))])
        out += given
    assert not of(out, Gap)
    assert late_s < GYR_WAIT_S + 1.2
    has_gyr = np.concatenate([np.full(len(b.t_s), b.gyr_sensor_radps is not None) for b in of(out, ImuBlock)])
    assert np.flatnonzero(np.diff(has_gyr))[0] == 599
    assert np.diff(has_gyr).sum() == 2
    np.testing.assert_allclose(np.diff(column(out, "t_s")), 1 / 52, atol=1e-6)


def test_without_any_rotation_acceleration_comes_after_the_wait() -> None:
    """A recording whose config does not say that there is no gyroscope is read all the same."""
    packets = cut(ACC, device_times(1000), [57])
    out = fed(PolarPmdDecoder("x", 0), packets)
    assert len(column(out, "t_s")) == 1000
    assert not of(out, Gap)


def test_a_frame_that_comes_twice_is_dropped_and_a_late_one_is_bad() -> None:
    """Order is kept: nothing doubled, nothing from behind."""
    packets = cut(ACC, device_times(360, 100), [36])
    decoder = PolarPmdDecoder("x", 0, H10)
    fed(decoder, packets[:5], is_all=False)
    assert decoder.feed(packets[4]) == ()
    (bad,) = decoder.feed(packets[2])
    assert "follows in time" in bad.reason
    (block,) = decoder.feed(packets[5])
    assert isinstance(block, ImuBlock)


@pytest.mark.parametrize("leap_s", [1e3, -1e3, 1.2e10])
def test_one_nonsense_time_costs_one_frame(leap_s: float) -> None:
    """A frame whose clock has nothing to do with the others is bad, and the stream goes on around it."""
    packets = cut(ACC, device_times(360, 100), [36])
    broken = bytearray(packets[4].payload)
    broken[1:9] = (EPOCH_NS + round(leap_s * 1e9)).to_bytes(8, "little")
    out = fed(PolarPmdDecoder("x", 0, H10), [*packets[:4], packet(bytes(broken), 101.4), *packets[5:]])
    assert len(of(out, BadPacket)) == 1
    assert [gap.n_lost for gap in of(out, Gap)] == [36]
    assert (np.diff(column(out, "t_s")) > 0).all()


@pytest.mark.parametrize("leap_s", [20.0, 1e3, 1.2e10])
@pytest.mark.parametrize("at", [0, 4])
def test_a_wrong_clock_never_poisons_the_stream(leap_s: float, at: int) -> None:
    """Whatever a broken time says, even in the first frame, good frames are believed again within seconds."""
    packets = cut(ACC, device_times(100 * 60, 100), [36])
    broken = bytearray(packets[at].payload)
    broken[1:9] = (EPOCH_NS + round(leap_s * 1e9)).to_bytes(8, "little")
    packets[at] = Packet(packets[at].host_ns, "x", bytes(broken))
    out = fed(PolarPmdDecoder("x", 0, H10), packets)
    assert len(of(out, BadPacket)) <= 2
    late = [block for block in of(out, ImuBlock) if block.t_s[-1] > 120]
    np.testing.assert_allclose(np.diff(column(late, "t_s")), 0.01, atol=1e-4)
    assert (np.diff(column(out, "t_s")) > 0).all()
    assert column(late, "t_s")[-1] == pytest.approx(100 + 59.99, abs=0.02)


@pytest.mark.parametrize("leap_s", [86_400.0, -30.0])
def test_a_clock_that_is_set_while_streaming_is_followed(leap_s: float) -> None:
    """Frames that agree on a new time are believed after two of them, as a restart of the clock."""
    before, after = cut(ACC, device_times(360, 100), [36]), cut(ACC, device_times(360, 100, 3.6), [36])
    moved = []
    for each in after:
        payload = bytearray(each.payload)
        last_ns = int.from_bytes(payload[1:9], "little") + round(leap_s * 1e9)
        payload[1:9] = last_ns.to_bytes(8, "little")
        moved.append(Packet(each.host_ns, "x", bytes(payload)))
    out = fed(PolarPmdDecoder("x", 0, H10), before + moved)
    assert len(of(out, BadPacket)) == 2
    assert [gap.reason for gap in of(out, Gap)] == ["clock_restart"]
    assert column(out, "t_s")[-1] == pytest.approx(107.19, abs=0.02)


@pytest.mark.parametrize(("shift_s", "reason"), [(0.0, "link_lost"), (-5000.0, "clock_restart")])
def test_after_a_lost_link_the_gap_says_what_happened(shift_s: float, reason: str) -> None:
    """A clock that went on keeps its place on the line; one that began anew is placed by arrival."""
    decoder = PolarPmdDecoder("x", 0, VERITY)
    out = fed(decoder, verity_packets(600), is_all=False)
    decoder.resumed(round(120e9))
    begin_s = 20.0 + shift_s
    t_s = device_times(600, begin_s=begin_s)
    again = together(cut(ACC, t_s, [57]), cut(GYRO, t_s, [71]))
    again = [Packet(each.host_ns - round(shift_s * 1e9), "x", each.payload) for each in again]
    more = fed(decoder, again)
    (gap,) = of(more, Gap)
    assert more[0] is gap
    assert (gap.reason, gap.n_lost, gap.start_s) == (reason, None, column(out, "t_s")[-1])
    assert column(more, "t_s")[0] == pytest.approx(120.0, abs=0.02)
    assert not of(more, BadPacket)


def test_finish_gives_what_waits_for_nothing_and_is_harmless_twice() -> None:
    """A recording of one frame is not lost; behind a living gyroscope the half-known end is left out."""
    decoder = PolarPmdDecoder("x", 0)
    assert decoder.feed(packet(frame(ACC, acc_mg(device_times(5)), 0.1), 1.0)) == ()
    (block,) = decoder.finish()
    assert len(block.t_s) == 5
    assert decoder.finish() == ()


@pytest.mark.parametrize("measurement", [ACC, GYRO])
def test_memory_is_bounded_when_the_other_stream_is_missing(measurement: int) -> None:
    """Ten minutes of one stream alone keep only seconds."""
    decoder = PolarPmdDecoder("x", 0, VERITY)
    fed(decoder, cut(measurement, device_times(52 * 600), [57]), is_all=False)
    run = decoder._run
    assert len(run.held.t_s) + len(run.pairs._grid.t_s) + len(run.pairs._other.t_s) < 52 * 15


@given(st.lists(st.binary(max_size=60), max_size=8))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_survived(payloads: list[bytes]) -> None:
    """Random bytes give a reason or samples, never an exception."""
    decoder = PolarPmdDecoder("x", 0)
    assert all(isinstance(item, BadPacket | ImuBlock | Gap) for item in
               fed(decoder, [packet(each, float(n)) for n, each in enumerate(payloads)]))  # fmt: skip


@given(st.integers(0, 19), st.integers(0, 100), st.integers(1, 255), st.sampled_from([VERITY, H10, {}]))
@settings(max_examples=60, deadline=None)
def test_one_wrong_byte_never_raises_and_time_never_goes_back(
    which: int, at: int, flip: int, config: dict[str, Any]
) -> None:
    """A damaged frame among good ones keeps the time line rising and the numbers finite."""
    packets = verity_packets(1000)
    damaged = bytearray(packets[which].payload)
    damaged[at % len(damaged)] ^= flip
    packets[which] = Packet(packets[which].host_ns, "x", bytes(damaged))
    out = fed(PolarPmdDecoder("x", 0, config), packets)
    assert (np.diff(column(out, "t_s")) > 0).all()
    assert np.isfinite(column(out, "acc_sensor_mps2")).all()
    assert len(of(out, BadPacket)) <= 5


# --------------------------------------------------------------------------------------------------------- the talk


def test_what_the_control_point_says_is_read() -> None:
    """The answers of the table, and those of a recorded H10 with its lone reserved byte."""
    offer = decode_answer(bytes.fromhex(VECTORS["polar-settings-gyro"]["hex"]))
    wanted = VECTORS["polar-settings-gyro"]["expected"]
    assert (offer.op, offer.measurement, offer.status, offer.has_more) == (1, GYRO, wanted["status"], False)
    assert decode_settings(offer.parameters).offered == {
        RATE: (52,), RESOLUTION: (16,), RANGE: (245, 500, 1000, 2000), CHANNELS: (3,),
    }  # fmt: skip
    refused = decode_answer(bytes.fromhex(VECTORS["polar-cp-invalid-resolution"]["hex"]))
    assert (refused.op, refused.measurement, refused.status, refused.parameters) == (1, 6, 7, b"")
    started = decode_answer(bytes.fromhex(VECTORS["polar-cp-start-factor"]["hex"]))
    assert decode_settings(started.parameters).factor == VECTORS["polar-cp-start-factor"]["expected"]["factor"]
    assert decode_features(H10_FEATURES) == {0, ACC}
    assert decode_settings(decode_answer(H10_OFFER).parameters).offered[RATE] == (25, 50, 100, 200)
    assert decode_settings(decode_answer(H10_STARTED).parameters).factor is None
    assert decode_answer(H10_NOT_RUNNING).status == ALREADY
    assert decode_settings(decode_answer(VERITY_ACC_STARTED).parameters).factor == pytest.approx(0.000244)
    with pytest.raises(ControlError, match="expected an answer F0"):
        decode_answer(bytes.fromhex("0102"))


def told(**more: bytes) -> dict[bytes, bytes]:
    """What a Verity Sense answers to each beginning of a command."""
    answers = {
        b"\x03\x02": H10_NOT_RUNNING,
        b"\x03\x05": bytes.fromhex("f003050600"),
        b"\x01\x02": VERITY_ACC_OFFER,
        b"\x02\x02": VERITY_ACC_STARTED,
        b"\x01\x05": VERITY_GYR_OFFER,
        b"\x02\x05": bytes.fromhex("f002050000 0501 0000803d"),
    }
    return answers | {bytes.fromhex(name[1:]): answer for name, answer in more.items()}


def answering(features: bytes, answers: dict[bytes, Any]) -> Callable[[Step], bytes | None]:
    """A sensor that answers from a table; a list holds the parts of an answer."""
    waiting: list[bytes] = []

    def answer(step: Step) -> bytes | None:
        if isinstance(step, Read):
            return features
        if isinstance(step, Ask):
            given = answers.get(step.data[:2])
            waiting[:] = given if isinstance(given, list) else [given] if given else []
        if not isinstance(step, Ask | Await) or not waiting:
            return None
        assert step.is_answer(waiting[0]) if isinstance(step, Ask) else step.is_awaited(waiting[0])
        return waiting.pop(0)

    return answer


def written(steps: list[Step]) -> list[str]:
    return [step.data.hex() for step in steps if isinstance(step, Ask)]


def test_a_verity_sense_is_stopped_asked_and_started() -> None:
    """Features first, both streams stopped, then each is started with the bytes that are known to work."""
    steps, learned = perform(start({}), answering(VERITY_FEATURES, told()))
    assert steps[:3] == [Read(CONTROL_UUID), Subscribe(CONTROL_UUID, is_stream=False), Subscribe(DATA_UUID)]
    acc, gyr = VECTORS["polar-cmd-start-acc-verity"]["hex"], VECTORS["polar-cmd-start-gyro-verity"]["hex"]
    assert written(steps) == ["0302", VECTORS["polar-cmd-stop-gyro"]["hex"], "0102", acc, "0105", gyr]
    assert learned == Learned({
        "has_gyroscope": True, "acc_factor": pytest.approx(0.000244), "rate_hz": 52,
        "gyr_factor": 0.0625, "gyr_rate_hz": 52,
    })  # fmt: skip
    json.dumps(dict(learned.config))


@pytest.mark.parametrize(
    ("config", "wanted"),
    [({}, "0202000164000101100002010800"), ({"rate_hz": 200}, VECTORS["polar-cmd-start-acc-h10-200hz"]["hex"])],
)
def test_an_h10_is_started_without_channels(config: dict[str, Any], wanted: str) -> None:
    """It offers no channels, so none are sent; 100 Hz unless another rate is asked for."""
    answers = {b"\x03\x02": H10_NOT_RUNNING, b"\x01\x02": H10_OFFER, b"\x02\x02": H10_STARTED}
    steps, learned = perform(start(config), answering(H10_FEATURES, answers))
    assert written(steps) == ["0302", "0102", wanted]
    rate_hz = config.get("rate_hz", 100)
    assert learned.config == {"has_gyroscope": False, "acc_factor": 1.0, "rate_hz": rate_hz}


@pytest.mark.parametrize("entry", ids(COMMANDS))
def test_commands_of_the_table_say_what_they_should(entry: dict[str, Any]) -> None:
    """The settings in the known commands are the ones that are chosen from what each sensor offers."""
    command, expected = bytes.fromhex(entry["hex"]), entry["expected"]
    assert {ACC: "ACC", GYRO: "GYRO"}[command[1]] == expected["measurement"]
    settings_ = {kind: value for kind, (value,) in decode_settings(command[2:]).offered.items()}
    names = {RATE: "sample_rate_hz", RESOLUTION: "resolution_bits", CHANNELS: "channels"}
    range_name = "range_g" if command[1] == ACC else "range_dps"
    assert settings_ == {kind: expected[name] for kind, name in {**names, RANGE: range_name}.items()
                         if name in expected}  # fmt: skip


def test_what_is_chosen_is_always_offered() -> None:
    """A Verity Sense left in its SDK mode is read at 104 Hz; the rate nearest to a wish is taken."""
    offered = {RATE: (26, 52, 104, 208, 416), RESOLUTION: (16,), RANGE: (2, 4, 8, 16), CHANNELS: (3,)}
    assert choose(ACC, offered) == {RATE: 104, RESOLUTION: 16, RANGE: 8, CHANNELS: 3}
    assert choose(ACC, offered, 60.0)[RATE] == 52
    assert choose(GYRO, {RATE: (208,), RANGE: (245, 500)}) == {RATE: 208, RANGE: 500}


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(13, "it is in its charger; take it out"), (12, "close Polar apps"), (10, "another Bluetooth adapter"),
     (14, "memory is full"), (5, "settings that it offered"), (99, "status 99")],
)  # fmt: skip
@pytest.mark.parametrize(("measurement", "name"), [(ACC, "acceleration"), (GYRO, "rotation")])
def test_a_refusal_is_one_sentence_for_a_person(measurement: int, name: str, status: int, wanted: str) -> None:
    """It says what was expected, what was found and what to do."""
    answers = told() | {bytes([2, measurement]): bytes([0xF0, 2, measurement, status, 0])}
    with pytest.raises(LinkError, match=f"^Expected the Polar sensor to stream {name}, but .*{wanted}.*\\.$"):
        perform(start({}), answering(VERITY_FEATURES, answers))


def test_settings_that_are_refused_are_told() -> None:
    """A refusal of the question itself is a sentence too."""
    answers = told() | {b"\x01\x05": bytes.fromhex("f001050700")}
    with pytest.raises(LinkError, match="resolution that it offered"):
        perform(start({}), answering(VERITY_FEATURES, answers))


def test_a_stream_that_runs_already_is_heard_with_the_factor_learnt_before() -> None:
    """After a lost link "already" is as good as started; without a factor a compressing sensor is not guessed at."""
    answers = told() | {b"\x02\x02": bytes.fromhex("f002020600")}
    _, learned = perform(start({"acc_factor": 0.000244}), answering(VERITY_FEATURES, answers))
    assert learned.config["acc_factor"] == 0.000244
    with pytest.raises(LinkError, match="already streams for someone else"):
        perform(start({}), answering(VERITY_FEATURES, answers))
    h10 = {b"\x03\x02": H10_NOT_RUNNING, b"\x01\x02": H10_OFFER, b"\x02\x02": bytes.fromhex("f002020600")}
    _, learned = perform(start({}), answering(H10_FEATURES, h10))
    assert learned.config == {"has_gyroscope": False, "acc_factor": 1.0, "rate_hz": 100}


def test_an_answer_in_parts_is_put_together() -> None:
    """Settings that go on in a second answer count like those of one."""
    whole = H10_OFFER
    parts = [whole[:4] + b"\x01" + whole[5:17], whole[:5] + whole[17:]]
    answers = {b"\x03\x02": H10_NOT_RUNNING, b"\x01\x02": parts, b"\x02\x02": H10_STARTED}
    steps, _ = perform(start({}), answering(H10_FEATURES, answers))
    assert written(steps)[-1] == "0202000164000101100002010800"
    assert sum(isinstance(step, Await) for step in steps) == 1


def test_a_sensor_without_acceleration_says_so() -> None:
    """A heart-rate strap that does not stream motion is told from one that does, as is one that gives nothing."""
    for features in (bytes.fromhex("0f0100"), b"", b"\x00"):
        with pytest.raises(LinkError, match="does not offer it; update its firmware"):
            perform(start({}), answering(features, {}))


@pytest.mark.parametrize("silent", [b"\x01\x02", b"\x02\x02", b"\x01\x05"])
def test_a_sensor_that_does_not_answer_is_an_error_and_no_hang(silent: bytes) -> None:
    """Each question is bounded in time; a stop that nobody answers is passed over."""
    answers: dict[bytes, Any] = {key: value for key, value in told().items() if key[0] != 3}
    perform(start({}), answering(VERITY_FEATURES, answers))
    del answers[silent]
    with pytest.raises(LinkError, match="did not answer within 10 s"):
        perform(start({}), answering(VERITY_FEATURES, answers))
    half = {**told(), b"\x01\x02": [VERITY_ACC_OFFER[:4] + b"\x01" + VERITY_ACC_OFFER[5:9]]}
    with pytest.raises(LinkError, match="did not answer"):
        perform(start({}), answering(VERITY_FEATURES, half))


def test_a_gyroscope_that_is_not_there_after_all_is_no_error() -> None:
    """Acceleration is used alone when the sensor says that it has no rotation in this mode."""
    _, learned = perform(start({}), answering(VERITY_FEATURES, told() | {b"\x01\x05": bytes.fromhex("f001050300")}))
    assert learned.config["has_gyroscope"] is False
    assert "gyr_factor" not in learned.config


def test_streams_are_stopped_and_the_answers_awaited() -> None:
    """Both of a Verity Sense, one of an H10, and both when nothing was learnt because the start failed."""
    for config, wanted in (({"has_gyroscope": True}, ["0302", "0305"]), ({"has_gyroscope": False}, ["0302"]),
                           ({}, ["0302", "0305"])):  # fmt: skip
        steps, learned = perform(stop(config), answering(b"", told()))
        assert written(steps) == wanted
        assert all(step.is_answer(bytes([0xF0, *step.data, 0, 0])) for step in steps if isinstance(step, Ask))
        assert learned == Learned()


def test_models_are_told_by_their_names() -> None:
    """Three names are ours; only the Verity Sense sees rotation; frames of other measurements do not begin a stream."""
    assert drivers()["polar_pmd"] is DRIVER
    assert DECODERS["polar_pmd"].endswith("PolarPmdDecoder")
    assert DRIVER.is_heard_in("Polar Sense 0A1B2C3D", ())
    assert DRIVER.is_heard_in("Polar H10 D222AF24", ())
    assert not DRIVER.is_heard_in("Polar H9 12345678", ())
    assert DRIVER.sees_rotation("Polar Sense 0A1B2C3D")
    assert not DRIVER.sees_rotation("Polar H10 D222AF24")
    assert not DRIVER.sees_rotation("Polar OH1 12345678")
    assert DRIVER.is_sample(H10_FRAMES[0])
    assert not DRIVER.is_sample(header(1, 0, 0) + bytes(12))
    assert DRIVER.silence_s is not None
    assert DRIVER.silence_s > 5 * 57 / 52


# ---------------------------------------------------------------------------------------------------------- the page


def example(name: str) -> str:
    found = re.search(rf"<!-- example {name} -->\n```\n(.*?)\n```", NOTES.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_frame_of_the_page_reads_as_the_page_says() -> None:
    """The worked example is a real frame."""
    found = decode_frame(bytes.fromhex(example("frame")))
    assert (found.measurement, found.last_ns, found.frame_type) == (ACC, 101, 0x81)
    assert found.values.tolist() == [[-15, 20, 1008], [-20, 17, 1008]]


def test_the_talk_of_the_page_is_the_one_that_is_spoken() -> None:
    """The page's commands are those of the scripts, and its answers are understood as it says."""
    lines = [bytes.fromhex(re.split(r"\s{2,}", line)[0]) for line in example("talk").splitlines()]
    features, ask, offer, begin, begun, end, ended = lines
    assert {ACC, GYRO} <= decode_features(features)
    answers = told() | {ask: offer, begin[:2]: begun, end: ended}
    steps, learned = perform(start({}), answering(features, answers))
    assert written(steps)[2:4] == [ask.hex(), begin.hex()]
    assert written(steps)[0] == end.hex()
    assert learned.config["acc_factor"] == pytest.approx(0.000244)

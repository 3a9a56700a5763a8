"""Our own wire format: bytes, clocks, losses."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.decode.soma_v1 import SomaV1Decoder
from sensorsoma.decode.soma_v1_frame import Frame, FrameError, decode_frame, encode_frame, is_last_frame, to_lsb
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet
from sensorsoma.units import STANDARD_GRAVITY_MPS2

NOTES = Path(__file__).resolve().parents[2] / "firmware_notes" / "soma_v1.md"
INTERVAL_US = 10_000
N = 4


def make_frame(index: int, *, skip: int = 0, n: int = N, start_us: int = 0, dropped: int = 0, **more: bool) -> bytes:
    """Frame `index` of a 100 Hz stream whose first `skip` samples were never sent."""
    number = index * n + skip
    acc = np.arange(number, number + n)[:, None] * np.ones(3)
    return encode_frame(
        Frame(
            number=number % 65536,
            first_us=(start_us + number * INTERVAL_US) % 2**32,
            acc_lsb=acc.astype(np.int16),
            gyr_lsb=(-acc).astype(np.int16),
            interval_us=INTERVAL_US,
            dropped=dropped,
            **more,
        )
    )


def packet(payload: bytes, at_s: float) -> Packet:
    return Packet(round(at_s * 1e9), "right-thigh", payload)


def feed(decoder: SomaV1Decoder, index: int, **more: int) -> tuple[object, ...]:
    return decoder.feed(packet(make_frame(index, **more), 10.0 + (index + 1) * N * 0.01))


@given(
    n=st.integers(1, 19),
    number=st.integers(0, 65535),
    first_us=st.integers(0, 2**32 - 1),
    interval=st.integers(1, 65535),
    dropped=st.integers(0, 65535),
    is_acc_only=st.booleans(),
    is_first=st.booleans(),
    is_last=st.booleans(),
    seed=st.integers(0, 2**32 - 1),
)
def test_round_trip(n, number, first_us, interval, dropped, is_acc_only, is_first, is_last, seed):
    """Every frame comes back from its bytes as it was."""
    samples = np.random.default_rng(seed).integers(-32768, 32768, (n, 6)).astype(np.int16)
    gyr = None if is_acc_only else samples[:, 3:]
    frame = Frame(number, first_us, samples[:, :3], gyr, interval, dropped, is_first, is_last)
    payload = encode_frame(frame)
    back = decode_frame(payload)
    assert (back.number, back.first_us, back.interval_us, back.dropped) == (number, first_us, interval, dropped)
    assert (back.is_first, back.is_last, is_last_frame(payload)) == (is_first, is_last, is_last)
    np.testing.assert_array_equal(back.acc_lsb, frame.acc_lsb)
    assert (back.gyr_lsb is None) == is_acc_only
    if back.gyr_lsb is not None:
        np.testing.assert_array_equal(back.gyr_lsb, samples[:, 3:])


def test_sizes_fit_the_smallest_and_the_usual_mtu():
    """A short frame fits the 20 bytes of MTU 23; 19 six-axis or 38 three-axis samples fit the 244 bytes of MTU 247."""
    one = np.zeros((1, 3), np.int16)
    assert len(encode_frame(Frame(0, 0, one, one))) == 20
    assert len(encode_frame(Frame(0, 0, one, None, 10_000, 0))) == 18
    many = np.zeros((19, 3), np.int16)
    assert len(encode_frame(Frame(0, 0, many, many, 9615, 0))) <= 244
    assert len(encode_frame(Frame(0, 0, np.zeros((38, 3), np.int16), None, 9615, 0))) <= 244


@given(st.binary(max_size=64))
def test_any_bytes_are_survived(payload):
    """Random bytes give a reason or samples, never an exception."""
    decoder = SomaV1Decoder("right-thigh", 0, {})
    out = decoder.feed(packet(payload, 1.0))
    assert all(isinstance(item, BadPacket | ImuBlock | DeviceInfo) for item in out)


@given(st.binary(min_size=1, max_size=40), st.integers(0, 7))
def test_garbage_between_frames_changes_nothing(garbage, at):
    """Bytes that are no frame leave the samples around them untouched."""
    try:
        decode_frame(garbage)
    except FrameError:
        clean, dirty = SomaV1Decoder("x", 0, {}), SomaV1Decoder("x", 0, {})
        wanted, got = [], []
        for i in range(8):
            wanted += [item.t_s for item in feed(clean, i) if isinstance(item, ImuBlock)]
            if i == at:
                assert isinstance(dirty.feed(packet(garbage, 10.0 + (i + 1) * N * 0.01))[0], BadPacket)
            got += [item.t_s for item in feed(dirty, i) if isinstance(item, ImuBlock)]
        np.testing.assert_array_equal(np.concatenate(got), np.concatenate(wanted))
    else:
        pytest.skip("these bytes happen to be a frame")


def test_units_and_signs():
    """Full scale is the range: 4096 of ±8 g is one g, 16384 of ±500 °/s is 250 °/s."""
    decoder = SomaV1Decoder("x", 0, {})
    frame = Frame(0, 0, np.array([[0, 0, 4096]], np.int16), np.array([[16384, 0, 0]], np.int16))
    (block,) = decoder.feed(packet(encode_frame(frame), 1.0))
    np.testing.assert_allclose(block.acc_sensor_mps2, [[0, 0, STANDARD_GRAVITY_MPS2]])
    np.testing.assert_allclose(block.gyr_sensor_radps, [[np.deg2rad(250.0), 0, 0]])


def test_ranges_come_from_the_settings():
    """A sensor that was started at ±2 g is read at ±2 g."""
    decoder = SomaV1Decoder("x", 0, {"acc_range_g": 2})
    payload = encode_frame(Frame(0, 0, to_lsb([[0, 0, 1.0]], 2.0), None))
    (block,) = decoder.feed(packet(payload, 1.0))
    np.testing.assert_allclose(block.acc_sensor_mps2, [[0, 0, STANDARD_GRAVITY_MPS2]])
    assert block.gyr_sensor_radps is None


def test_unbroken_stream_has_no_gap_even_through_both_wraps():
    """700 s at 100 Hz pass the wrap of the sample number and of the clock without a gap, evenly spaced."""
    decoder = SomaV1Decoder("x", 0, {})
    start = 2**32 - 3_000_000
    times = []
    for i in range(17_500):
        out = feed(decoder, i, start_us=start)
        assert [type(item) for item in out] == [ImuBlock]
        times.append(out[0].t_s)
    steps = np.diff(np.concatenate(times))
    assert abs(steps - 0.01).max() < 1e-4


@pytest.mark.parametrize("n_frames", [1, 5, 300])
def test_lost_frames_are_counted_in_samples(n_frames):
    """A hole in the numbers is a gap with the exact number of lost samples."""
    decoder = SomaV1Decoder("x", 0, {})
    for i in range(50):
        feed(decoder, i)
    gap, block = feed(decoder, 50 + n_frames)
    assert isinstance(gap, Gap)
    assert (gap.n_lost, gap.reason) == (n_frames * N, "lost_packets")
    assert gap.end_s == block.t_s[0]
    assert gap.end_s - gap.start_s == pytest.approx((n_frames * N + 1) * 0.01, abs=1e-3)


def test_loss_of_more_than_a_number_circle_is_still_exact():
    """70 000 missing samples are counted as 70 000, not modulo 65536."""
    decoder = SomaV1Decoder("x", 0, {})
    for i in range(50):
        feed(decoder, i)
    gap, _ = feed(decoder, 50 + 17_500)
    assert gap.n_lost == 70_000


def test_duplicates_are_dropped_silently():
    """The same frame twice gives its samples once."""
    decoder = SomaV1Decoder("x", 0, {})
    assert len(feed(decoder, 0)) == 1
    assert feed(decoder, 0) == ()
    assert len(feed(decoder, 1)) == 1
    assert feed(decoder, 1) == ()


def test_first_frame_twice_is_a_duplicate_too():
    """The mark of a new start does not let the same frame in twice."""
    decoder = SomaV1Decoder("x", 0, {})
    assert len(feed(decoder, 0, is_first=True)) == 1
    assert feed(decoder, 0, is_first=True) == ()


def test_overtaken_frame_is_reported_and_left_out():
    """A frame that comes after a newer one is a bad packet; time stays increasing."""
    decoder = SomaV1Decoder("x", 0, {})
    feed(decoder, 0)
    feed(decoder, 2)
    (bad,) = feed(decoder, 1)
    assert isinstance(bad, BadPacket)
    assert isinstance(feed(decoder, 3)[0], ImuBlock)


def test_reconnect_is_a_gap_of_unknown_size():
    """After a lost link numbers start again; the gap says link, and the clock that went on keeps its map."""
    decoder = SomaV1Decoder("x", 0, {})
    for i in range(200):
        feed(decoder, i)
    decoder.resumed(round(28.0e9))
    first_us = 18_000_000
    payload = encode_frame(
        Frame(0, first_us, np.zeros((4, 3), np.int16), np.zeros((4, 3), np.int16), INTERVAL_US, 0, is_first=True)
    )
    gap, block = decoder.feed(packet(payload, 28.04))
    assert (gap.reason, gap.n_lost) == ("link_lost", None)
    assert block.t_s[0] == pytest.approx(28.0, abs=0.02)


def test_a_rebooted_sensor_is_a_clock_restart():
    """A device clock that begins anew after the reconnect is placed by arrival and said to have restarted."""
    decoder = SomaV1Decoder("x", 0, {})
    for i in range(200):
        feed(decoder, i, start_us=500_000_000)
    decoder.resumed(round(28.0e9))
    gap, block = decoder.feed(packet(make_frame(0, is_first=True), 28.04))
    assert gap.reason == "clock_restart"
    assert block.t_s[-1] == pytest.approx(28.04, abs=0.02)


def test_drop_counter_is_told_when_it_changes():
    """The sensor's own drop count comes as DeviceInfo, once per change, beyond its 16 bits."""
    decoder = SomaV1Decoder("x", 0, {})
    assert feed(decoder, 0, dropped=0)[0].__class__ is ImuBlock
    assert feed(decoder, 1, dropped=65_535)[0] == DeviceInfo(round(10.08e9), "x", dropped=65_535)
    assert feed(decoder, 2, dropped=3)[0].dropped == 65_539
    assert len(feed(decoder, 3, dropped=3)) == 1


def test_report_frame_has_no_samples():
    """A frame without samples still carries the drop count and the end mark."""
    empty = np.zeros((0, 3), np.int16)
    payload = encode_frame(Frame(40, 0, empty, empty, INTERVAL_US, 7, is_last=True))
    assert len(payload) == 12
    assert is_last_frame(payload)
    assert SomaV1Decoder("x", 0, {}).feed(packet(payload, 1.0)) == (DeviceInfo(10**9, "x", dropped=7),)


def test_a_hole_in_a_played_file_is_a_gap_without_losses():
    """Numbers that go on while time jumps: nothing was lost on the way, the source itself has a hole."""
    decoder = SomaV1Decoder("x", 0, {})
    for i in range(50):
        feed(decoder, i)
    samples = np.zeros((4, 3), np.int16)
    payload = encode_frame(Frame(200, 2_500_000, samples, samples, INTERVAL_US, 0))
    gap, _ = decoder.feed(packet(payload, 12.54))
    assert (gap.reason, gap.n_lost) == ("lost_packets", 0)


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"", "at least 8 bytes"),
        (bytes(20), "version 1"),
        (bytes([0x81]) + bytes(19), "version 1"),
        (bytes([0x11, 2]) + bytes(22), "36 bytes for 2 samples"),
        (bytes([0x01, 2]) + bytes(30), "one sample in a short frame"),
        (bytes([0x11, 2]) + bytes(34), "interval above 0"),
    ],
)
def test_wrong_bytes_say_what_was_expected(payload, wanted):
    """Each way of being wrong has its own sentence."""
    with pytest.raises(FrameError, match=wanted):
        decode_frame(payload)


def test_worked_example_of_the_notes():
    """The hex in firmware_notes/soma_v1.md decodes to the numbers that stand beside it."""
    text = NOTES.read_text(encoding="utf-8")
    (hexa,) = re.findall(r"<!-- example frame -->\n+```\n([0-9a-f\s]+)```", text)
    frame = decode_frame(bytes.fromhex(hexa))
    assert (frame.number, frame.first_us, frame.interval_us, frame.dropped) == (1234, 12_345_678, 9615, 3)
    assert frame.acc_lsb.tolist() == [[12, -40, 4096], [13, -41, 4090]]
    assert frame.gyr_lsb is not None
    assert frame.gyr_lsb.tolist() == [[66, -131, 0], [655, -1311, 7]]
    assert not frame.is_first
    assert not frame.is_last


def test_samples_that_time_cannot_tell_apart_are_a_bad_packet():
    """A host's clock that leaps to and fro by centuries ends in bad packets, never in an error."""
    decoder = SomaV1Decoder("right-thigh", 0)
    said = []
    for index in range(400):
        leap_s = 0.0 if index % 2 else 1e12
        said += decoder.feed(packet(make_frame(index), leap_s + index * 0.05))
    assert any(isinstance(item, BadPacket) for item in said)
    blocks = [item for item in said if isinstance(item, ImuBlock)]
    assert all((np.diff(block.t_s) > 0).all() for block in blocks)

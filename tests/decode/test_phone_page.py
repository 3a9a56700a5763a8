"""Motion readings of a phone's browser: bytes, order, sign, repeats and gaps."""

from __future__ import annotations

import pickle
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode.phone_page import PhonePageDecoder
from sensorsoma.decode.phone_page_frame import FrameError, PageFrame, decode_frames, encode_frame, page_frame
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet

EPOCH_NS = 1_700_000_000_000_000_000
PAGE = Path(__file__).resolve().parents[2] / "firmware_notes" / "phone_page.md"
G = 9.80665


def motion(seconds: float = 6.0, rate_hz: float = 60.0) -> tuple[Floats, Floats, Floats]:
    """Page milliseconds, specific force and rotation (°/s) of a phone that rocks about x, screen up."""
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    angle = 0.5 * np.sin(2 * np.pi * 0.3 * t_s)
    rate = np.degrees(0.5 * 2 * np.pi * 0.3 * np.cos(2 * np.pi * 0.3 * t_s))
    zero = np.zeros_like(t_s)
    acc = G * np.column_stack([zero, np.sin(angle), np.cos(angle)])
    return 2000.0 + 1000.0 * t_s, acc, np.column_stack([rate, zero, zero])


def cut(
    page_ms: Floats, acc: Floats, rot: Floats | None, *, sign: int = 1, clock: int = 5, number: int = 0, size: int = 3
) -> list[PageFrame]:
    """The frames that a page makes of these readings."""
    return [
        page_frame(
            clock, number + begin, page_ms[begin : begin + size], acc[begin : begin + size],
            None if rot is None else rot[begin : begin + size], sign,
        )
        for begin in range(0, len(page_ms), size)
    ]  # fmt: skip


def sent(frames: list[PageFrame], late_s: float = 0.01, start_s: float = 0.0) -> list[Packet]:
    """Each frame as a packet that arrives just after its last sample."""
    return [
        Packet(EPOCH_NS + round(1e6 * frame.page_ms[-1] + 1e9 * (start_s + late_s)), "belly", encode_frame(frame))
        for frame in frames
    ]


def run(packets: list[Packet], made: PhonePageDecoder | None = None, **config: Any) -> list[Any]:
    """Everything that a decoder gives."""
    made = made or PhonePageDecoder("belly", EPOCH_NS, config)
    return [one for packet in packets for one in made.feed(packet)] + list(made.finish())


def blocks(out: list[Any]) -> list[ImuBlock]:
    """The blocks among what came out."""
    return [one for one in out if isinstance(one, ImuBlock)]


def joined(out: list[Any]) -> tuple[Floats, Floats, Floats]:
    """Times, acceleration and rate of all blocks."""
    found = blocks(out)
    return (
        np.concatenate([block.t_s for block in found]),
        np.concatenate([block.acc_sensor_mps2 for block in found]),
        np.concatenate([block.gyr_sensor_radps for block in found if block.gyr_sensor_radps is not None]),
    )


def test_readings_come_out_in_si_units_at_their_times() -> None:
    """Six seconds at 60 Hz: every sample, m/s² and rad/s, intervals as measured, rate as measured, no gap."""
    page_ms, acc, rot = motion()
    out = run(sent(cut(page_ms, acc, rot)))
    t_s, got_acc, got_gyr = joined(out)
    assert not [one for one in out if not isinstance(one, ImuBlock)]
    np.testing.assert_allclose(got_acc, acc, atol=1e-6)
    np.testing.assert_allclose(got_gyr, np.radians(rot), atol=1e-7)
    np.testing.assert_allclose(np.diff(t_s), 1 / 60, atol=1e-4)
    assert t_s[-1] == pytest.approx(page_ms[-1] / 1000 + 0.01, abs=0.02)
    assert blocks(out)[-1].rate_hz == pytest.approx(60.0, abs=0.01)


def test_the_example_of_the_page_reads_as_it_says() -> None:
    """The hex of firmware_notes/phone_page.md: two samples of an iPhone, face up, turning slowly about x."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(r"<!-- example frame -->\n```\n(.*?)\n```", text, re.DOTALL)
    assert found is not None
    payload = bytes.fromhex(found[1].replace("\n", " "))
    (frame,) = decode_frames(payload)
    assert (frame.clock, frame.number, frame.sign) == (0x4DC30E91, 1234, -1)
    assert frame.page_ms.tolist() == [20583.5, 20600.25]
    np.testing.assert_allclose(frame.acc_page_mps2, [[0.1, -0.3, -9.8], [0.1, -0.4, -9.8]], atol=1e-6)
    np.testing.assert_allclose(frame.rot_page_dps, [[5.7, 0, -0.1], [5.8, 0.1, 0]], atol=1e-6)
    assert encode_frame(frame) == payload
    _, acc, gyr = joined(run([Packet(EPOCH_NS, "belly", payload)]))
    np.testing.assert_allclose(acc[0], [-0.1, 0.3, 9.8], atol=1e-6)
    np.testing.assert_allclose(gyr[0], np.radians([5.7, 0.0, -0.1]), atol=1e-7)


@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ("", "no bytes"),
        ("0101", "12 bytes of header"),
        ("02010000" + "00" * 8, "version 1, found 2"),
        ("01020000" + "00" * 8, "sign, found 2"),
        ("01010100" + "00" * 8, "32 bytes for 1 samples, found 0"),
        ("01010000" + "00" * 8 + "01", "header, found 1"),
    ],
)
def test_bytes_that_are_no_frame_are_named(payload: str, words: str) -> None:
    """One bad packet says what was expected and what was found."""
    (bad,) = run([Packet(EPOCH_NS, "belly", bytes.fromhex(payload))])
    assert isinstance(bad, BadPacket)
    assert words in bad.reason


def test_a_frame_that_cannot_be_packed_is_refused() -> None:
    """A number beyond its field is a mistake of the caller."""
    with pytest.raises(FrameError, match="fit"):
        encode_frame(page_frame(-1, 0, [0.0], [[0.0, 0.0, G]]))


@pytest.mark.parametrize("sign", [1, -1])
def test_the_page_says_which_way_is_up(sign: int) -> None:
    """In either browser's convention the axis that points up reads +9.8, and rotation is never turned round."""
    page_ms, acc, rot = motion()
    made = PhonePageDecoder("belly", EPOCH_NS, {})
    _, got_acc, got_gyr = joined(run(sent(cut(page_ms, sign * acc, rot, sign=sign)), made))
    np.testing.assert_allclose(got_acc, acc, atol=1e-6)
    np.testing.assert_allclose(got_gyr, np.radians(rot), atol=1e-7)
    assert (made.sign, made.sign_found_by) == (sign, "page")


def test_samples_wait_until_the_page_knows_its_sign_and_it_is_decided_once() -> None:
    """The first frames carry 0; they come out with the sign that is found, and a later doubt changes nothing."""
    page_ms, acc, rot = motion()
    frames = cut(page_ms, -acc, rot, sign=0)[:8] + cut(page_ms, -acc, rot, sign=-1)[8:]
    frames[100:] = [page_frame(f.clock, f.number, f.page_ms, f.acc_page_mps2, f.rot_page_dps, 1) for f in frames[100:]]
    packets = sent(frames)
    made = PhonePageDecoder("belly", EPOCH_NS, {})
    assert [one for packet in packets[:8] for one in made.feed(packet)] == []
    t_s, got_acc, _ = joined(run(packets[8:], made))
    np.testing.assert_allclose(got_acc, acc, atol=1e-6)
    np.testing.assert_allclose(np.diff(t_s), 1 / 60, atol=2e-3)


@pytest.mark.parametrize(
    ("up", "config", "expected"),
    [
        ([0.0, 0.0, -G], {}, (-1, "screen_up")),
        ([0.0, 0.0, G], {}, (1, "screen_up")),
        ([0.0, -G, 0.0], {}, (1, "assumed")),
        ([0.0, 0.0, G], {"sign": "-"}, (-1, "config")),
    ],
)
def test_without_a_word_from_the_page_the_screen_decides(
    up: list[float], config: dict[str, str], expected: tuple[int, str]
) -> None:
    """After two seconds without a sign the screen is taken to face up; a configured sign wins."""
    page_ms = 1000.0 * np.arange(180) / 60
    made = PhonePageDecoder("belly", EPOCH_NS, config)
    out = [one for packet in sent(cut(page_ms, np.tile(up, (180, 1)), None, sign=0)) for one in made.feed(packet)]
    assert (made.sign, made.sign_found_by) == expected
    assert sum(len(block.t_s) for block in blocks(out)) + made.n_repeats == 180


def test_a_phone_without_gyroscope_gives_acceleration_only() -> None:
    """`rotationRate` null arrives as NaN and becomes no gyroscope; one that starts later is taken from then on."""
    page_ms, acc, rot = motion()
    rot = rot.copy()
    rot[:120] = np.nan
    out = blocks(run(sent(cut(page_ms, acc, rot))))
    assert [block.gyr_sensor_radps is None for block in out] == [True] * 40 + [False] * 80
    assert all(block.gyr_sensor_radps is None for block in blocks(run(sent(cut(page_ms, acc, None)))))


def test_a_reading_looked_at_twice_is_left_out() -> None:
    """Six of a hundred readings repeat the one before: they are dropped, and that is neither loss nor a slower rate."""
    page_ms, acc, rot = motion(20.0)
    twice = np.arange(17, len(page_ms), 17)
    acc[twice], rot[twice] = acc[twice - 1], rot[twice - 1]
    made = PhonePageDecoder("belly", EPOCH_NS, {})
    out = run(sent(cut(page_ms, acc, rot)), made)
    t_s, got_acc, _ = joined(out)
    np.testing.assert_allclose(got_acc, np.delete(acc, twice, axis=0), atol=1e-6)
    assert made.n_repeats == len(twice)
    assert not [one for one in out if isinstance(one, Gap | BadPacket)]
    assert blocks(out)[-1].rate_hz == pytest.approx(60.0, abs=0.05)
    assert np.diff(t_s).max() < 0.034


def test_a_phone_that_lies_still_keeps_its_rate() -> None:
    """Rounded readings of a still phone are equal by themselves; nearly all are kept, and no hole appears."""
    page_ms = 1000.0 * np.arange(600) / 60
    still = np.tile([0.1, -0.3, 9.8], (600, 1))
    out = run(sent(cut(page_ms, still, np.zeros((600, 3)))))
    t_s, _, _ = joined(out)
    assert len(t_s) >= 598
    assert not [one for one in out if isinstance(one, Gap)]


def test_lost_frames_are_a_gap_with_their_exact_count() -> None:
    """Frames that never come are waited for half a second and then reported, sample by sample."""
    page_ms, acc, rot = motion()
    packets = sent(cut(page_ms, acc, rot))
    out = run(packets[:40] + packets[44:])
    (gap,) = (one for one in out if isinstance(one, Gap))
    assert (gap.n_lost, gap.reason) == (12, "lost_packets")
    assert gap.end_s - gap.start_s == pytest.approx(13 / 60, abs=1e-3)
    place = out.index(gap)
    assert blocks(out[:place])[-1].t_s[-1] == gap.start_s
    assert blocks(out[place:])[0].t_s[0] == gap.end_s
    assert sum(len(block.t_s) for block in blocks(out)) == len(page_ms) - 12


def test_a_page_that_was_hidden_leaves_a_gap_of_unknown_count() -> None:
    """No events while hidden: the numbers go on, the clock shows the hole."""
    page_ms, acc, rot = motion()
    page_ms = page_ms + 4000.0 * (np.arange(len(page_ms)) >= 180)
    (gap,) = (one for one in run(sent(cut(page_ms, acc, rot))) if isinstance(one, Gap))
    assert (gap.n_lost, gap.reason) == (None, "lost_packets")
    assert gap.end_s - gap.start_s == pytest.approx(4.0, abs=0.05)


def test_doubled_and_overtaken_posts_change_nothing() -> None:
    """Frames come twice, out of order and several to a body: the same samples, none twice, no gap."""
    page_ms, acc, rot = motion()
    packets = sent(cut(page_ms, acc, rot))
    expected_t, expected_acc, _ = joined(run(packets))
    dice = random.Random(3)
    late = [Packet(p.host_ns + round(dice.uniform(0, 0.3e9)), p.channel, p.payload) for p in packets[1:]]
    late += [Packet(p.host_ns + 200_000_000, p.channel, p.payload) for p in dice.sample(packets, 30)]
    together = b"".join(p.payload for p in packets[40:60])
    late.append(Packet(packets[60].host_ns, "belly", together))
    out = run([packets[0], *sorted(late, key=lambda packet: packet.host_ns)])
    t_s, got_acc, _ = joined(out)
    assert not [one for one in out if isinstance(one, Gap | BadPacket)]
    np.testing.assert_array_equal(got_acc, expected_acc)
    np.testing.assert_allclose(t_s, expected_t, atol=0.15)


def test_a_frame_that_is_no_longer_waited_for_is_named() -> None:
    """What comes after its gap was reported is counted as too late, not slipped in."""
    page_ms, acc, rot = motion()
    packets = sent(cut(page_ms, acc, rot))
    late = Packet(packets[90].host_ns, "belly", packets[40].payload)
    out = run([*packets[:40], *packets[41:91], late, *packets[91:]])
    (bad,) = (one for one in out if isinstance(one, BadPacket))
    assert "number 120 came too late" in bad.reason
    assert [one.n_lost for one in out if isinstance(one, Gap)] == [3]


def test_a_backlog_after_a_loss_of_the_link_keeps_its_times() -> None:
    """Four seconds without Wi-Fi: what the page kept comes at once, when it was measured, and nothing is a gap."""
    page_ms, acc, rot = motion(12.0)
    packets = sent(cut(page_ms, acc, rot))
    made = PhonePageDecoder("belly", EPOCH_NS, {})
    out = [one for packet in packets[:60] for one in made.feed(packet)]
    back_ns = packets[140].host_ns
    made.resumed(back_ns)
    body = b"".join(packet.payload for packet in packets[55:140])  # the last five were not acknowledged
    out += run([Packet(back_ns, "belly", body), *packets[140:]], made)
    t_s, _, _ = joined(out)
    assert not [one for one in out if isinstance(one, Gap | BadPacket)]
    np.testing.assert_allclose(t_s - t_s[0], (page_ms - page_ms[0]) / 1000, atol=0.01)


def test_a_backlog_that_was_too_long_says_link_lost() -> None:
    """What did not fit into the page's memory is a gap of the link, counted."""
    page_ms, acc, rot = motion(12.0)
    packets = sent(cut(page_ms, acc, rot))
    made = PhonePageDecoder("belly", EPOCH_NS, {})
    out = [one for packet in packets[:60] for one in made.feed(packet)]
    made.resumed(packets[140].host_ns)
    body = b"".join(packet.payload for packet in packets[100:140])
    out += run([Packet(packets[140].host_ns, "belly", body), *packets[140:]], made)
    assert [(one.n_lost, one.reason) for one in out if isinstance(one, Gap)] == [(120, "link_lost")]


def test_a_page_loaded_anew_begins_a_new_clock() -> None:
    """Numbers and clock start again, wherever the new clock stands; late frames of the old page are named."""
    page_ms, acc, rot = motion(3.0)
    first = sent(cut(page_ms, acc, rot))
    for shift_ms in (-1500.0, 60_000.0):
        frames = cut(page_ms + shift_ms, acc, rot, clock=6)
        second = sent(frames, start_s=4.0 - shift_ms / 1000)
        stray = Packet(second[5].host_ns, "belly", first[-1].payload)
        out = run([*first, *second[:6], stray, *second[6:]])
        (gap,) = (one for one in out if isinstance(one, Gap))
        assert (gap.reason, gap.n_lost) == ("clock_restart", None)
        assert gap.end_s - gap.start_s == pytest.approx(1.0 + 1 / 60, abs=0.06)
        assert [one.reason for one in out if isinstance(one, BadPacket)] == [
            "samples of a page that has been loaded anew since"
        ]
        t_s, _, _ = joined(out)
        assert (np.diff(t_s) > 0).all()
        assert len(t_s) == 2 * len(page_ms)


def test_readings_that_are_none_are_counted() -> None:
    """A reading without acceleration, with an absurd one, or whose time repeats is left out and counted."""
    page_ms, acc, rot = motion()
    acc[10], acc[20, 1] = np.nan, 3e8
    page_ms[31] = page_ms[30]
    out = run(sent(cut(page_ms, acc, rot)))
    assert [one.reason for one in out if isinstance(one, BadPacket)] == ["1 readings without time or value"] * 3
    assert len(joined(out)[0]) == len(page_ms) - 3


def test_any_cut_into_frames_gives_the_same_samples() -> None:
    """One sample to a frame or twenty: values and order are the same, times to the millisecond."""
    page_ms, acc, rot = motion()
    results = [joined(run(sent(cut(page_ms, acc, rot, size=size)))) for size in (1, 3, 20)]
    for t_s, got_acc, _ in results[1:]:
        np.testing.assert_array_equal(got_acc, results[0][1])
        np.testing.assert_allclose(np.diff(t_s), 1 / 60, atol=1e-3)


NUMBERS = st.integers(0, 40) | st.integers(0, 2**32 - 1)
FRAMES = st.builds(
    lambda clock, number, rows, sign: encode_frame(
        page_frame(clock, number, [row[0] for row in rows], [row[1:4] for row in rows], [row[4:] for row in rows], sign)
    ),
    st.integers(0, 3),
    NUMBERS,
    st.lists(
        st.tuples(
            st.floats(0, 3000) | st.floats(width=32), *[st.floats(-20, 20) | st.floats(width=32)] * 3,
            *[st.floats(-200, 200) | st.just(np.nan) | st.floats(width=32)] * 3,
        ),
        max_size=4,
    ),
    st.integers(-1, 1),
)  # fmt: skip
PAYLOADS = st.lists(FRAMES | st.binary(max_size=14), max_size=3).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(PAYLOADS, st.integers(0, 900_000_000), st.booleans()), max_size=16))
def test_no_bytes_raise_and_time_never_goes_back(arrived: list[tuple[bytes, int, bool]]) -> None:
    """Broken and almost right frames in any order, with losses of the link: no exception, strictly increasing times,
    finite values, and the same packets give the same samples."""

    def once() -> list[Any]:
        made = PhonePageDecoder("belly", EPOCH_NS, {})
        host_ns, out = EPOCH_NS, []
        for payload, later_ns, is_back in arrived:
            host_ns += later_ns
            if is_back:
                made.resumed(host_ns)
            out += made.feed(Packet(host_ns, "belly", payload))
        out += made.finish()
        assert made.finish() == ()
        return out

    out = once()
    last = -np.inf
    for one in out:
        if isinstance(one, ImuBlock):
            assert np.isfinite(one.acc_sensor_mps2).all()
            assert one.gyr_sensor_radps is None or np.isfinite(one.gyr_sensor_radps).all()
            assert (np.diff(one.t_s, prepend=last) > 0).all()
            last = float(one.t_s[-1])
    assert [repr(one) for one in out] == [repr(one) for one in once()]


@pytest.mark.soak
def test_a_million_random_and_mutated_packets() -> None:
    """Neither noise nor good frames with flipped bytes raise; memory stays bounded; what is broken is counted."""
    dice = random.Random(11)
    page_ms, acc, rot = motion(60.0)
    good = sent(cut(page_ms, acc, rot))
    made = PhonePageDecoder("belly", EPOCH_NS, {})
    n_bad, n_samples, last = 0, 0, -np.inf
    for index in range(1_000_000):
        packet = good[index % len(good)]
        payload = bytearray(packet.payload if dice.random() < 0.7 else dice.randbytes(dice.randrange(120)))
        for _ in range(dice.randrange(3)):
            if payload:
                payload[dice.randrange(len(payload))] = dice.randrange(256)
        for one in made.feed(Packet(EPOCH_NS + index * 50_000_000, "belly", bytes(payload))):
            n_bad += isinstance(one, BadPacket)
            if isinstance(one, ImuBlock):
                assert (np.diff(one.t_s, prepend=last) > 0).all()
                last = float(one.t_s[-1])
                n_samples += len(one.t_s)
    assert len(pickle.dumps(made)) < 2_000_000
    assert n_bad > 100_000
    assert n_samples > 10_000

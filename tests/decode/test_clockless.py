"""Samples without a clock: the promised rate, the true one, losses and links that go away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode.clockless import ClocklessStream
from sensorsoma.decode.paced import PacedIndex
from sensorsoma.decode.timebase import INDEX_PARAMS, TimebaseParams
from sensorsoma.messages import Gap, ImuBlock


def arrivals(
    rate_hz: float, seconds: float, per_packet: int = 1, seed: int = 1, stall: tuple[float, float] | None = None
) -> Iterator[tuple[float, float]]:
    """When the last sample of each packet was taken, and when it arrived: 10 ms late on average, in order."""
    random = np.random.default_rng(seed)
    host_s = 0.0
    for i in range(int(seconds * rate_hz) // per_packet):
        taken_s = ((i + 1) * per_packet - 1) / rate_hz
        host_s = max(host_s, taken_s + random.exponential(0.01))
        if stall is not None and stall[0] < host_s < stall[1]:
            host_s = stall[1]
        yield taken_s, host_s


def errors(paced: PacedIndex, *args: float, **more: object) -> list[float]:
    """Placed minus true time of each packet's last sample."""
    per_packet = int(more.get("per_packet", 1))  # type: ignore[call-overload]
    found, last_s = [], -np.inf
    for taken_s, host_s in arrivals(*args, **more):  # type: ignore[arg-type]
        placed = paced.place(round(host_s * 1e9), per_packet)
        assert (np.diff(placed, prepend=last_s) > 0).all()
        last_s = float(placed[-1])
        found.append(last_s - taken_s)
    return found


@pytest.mark.parametrize(("promised_hz", "true_hz"), [(50, 10), (50, 40), (100, 60), (50, 60), (50, 100), (104, 83)])
def test_a_wrong_promise_costs_seconds_and_not_the_session(promised_hz: float, true_hz: float) -> None:
    """A rate that is off by a fifth to a factor of five is found out; from 20 s on samples lie where they belong."""
    paced = PacedIndex(0, promised_hz)
    found = errors(paced, true_hz, 60.0)
    assert np.abs(found[len(found) // 3 :]).max() < 0.005
    assert paced.rate_hz == pytest.approx(true_hz, rel=0.005)


HASTY = replace(INDEX_PARAMS, stall_for_s=0.3)
"""For a device that holds back next to nothing."""


@pytest.mark.parametrize("timebase", [INDEX_PARAMS, HASTY], ids=["patient", "hasty"])
@pytest.mark.parametrize("true_hz", [30, 60, 80])
def test_a_slow_radio_is_one_gap_however_soon_losses_are_believed(true_hz: float, timebase: TimebaseParams) -> None:
    """Samples that all come late because there are fewer of them are another rate, and not one loss after the other."""
    paced = PacedIndex(0, 100, timebase=timebase)
    errors(paced, true_hz, 20.0)
    assert paced.n_segments == 2


@pytest.mark.parametrize(("timebase", "after_s"), [(INDEX_PARAMS, 1.5), (HASTY, 0.3)], ids=["patient", "hasty"])
def test_an_uncounted_loss_is_believed_as_soon_as_asked(timebase: TimebaseParams, after_s: float) -> None:
    """A second of samples that nobody counted is noticed that long after it, and what follows lies where it belongs."""
    paced, found = PacedIndex(0, 100, timebase=timebase), []
    for taken_s, host_s in arrivals(100, 30.0):
        if not 20.0 <= taken_s < 21.0:
            found.append((taken_s, float(paced.place(round(host_s * 1e9), 1)[0]) - taken_s))
    wrong_s = [taken_s for taken_s, error_s in found if taken_s > 10 and abs(error_s) > 0.1]
    assert paced.n_segments == 2
    assert min(wrong_s) >= 21.0
    assert max(wrong_s) == pytest.approx(21.0 + after_s, abs=0.1)


@pytest.mark.parametrize("true_hz", [46, 50, 54])
def test_a_promise_that_is_nearly_right_is_kept(true_hz: float) -> None:
    """Within ten per cent the time base follows by itself, without a break."""
    paced = PacedIndex(0, 50)
    found = errors(paced, true_hz, 30.0)
    assert paced.n_segments == 1
    assert np.abs(found[len(found) // 2 :]).max() < 0.005


@pytest.mark.parametrize("stall", [(0.2, 1.2), (1.0, 3.5), (4.0, 7.0), (20.0, 23.0)])
def test_a_stalled_radio_is_no_other_rate(stall: tuple[float, float]) -> None:
    """Nothing for seconds and then all at once: the rate stays, and so does the line."""
    paced = PacedIndex(0, 50)
    found = errors(paced, 50.0, 40.0, stall=stall)
    assert paced.n_segments == 1
    assert paced.nominal_rate_hz == 50
    assert np.abs(found[-200:]).max() < 0.1


@pytest.mark.parametrize("per_packet", [1, 3, 8])
def test_packets_of_any_size_are_counted_right(per_packet: int) -> None:
    """Eight samples in a notification at 10 Hz come every 0.8 s, and are still 10 Hz."""
    paced = PacedIndex(0, 10)
    errors(paced, 10.0, 40.0, per_packet=per_packet)
    assert paced.n_segments == 1
    assert paced.rate_hz == pytest.approx(10, rel=0.01)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 12), st.integers(0, 3)), max_size=80))
@settings(max_examples=40, deadline=None)
def test_time_rises_whatever_arrives(steps: list[tuple[int, int, int]]) -> None:
    """Any arrivals, any counts, any losses: times increase strictly and are finite."""
    paced, host_ns, last_s = PacedIndex(0, 50), 0, -np.inf
    for step_ns, n, n_lost in steps:
        host_ns += step_ns
        placed = paced.place(host_ns, n, n_lost)
        assert len(placed) == n
        assert np.isfinite(placed).all()
        assert (np.diff(placed, prepend=last_s) > 0).all()
        last_s = float(placed[-1]) if n else last_s


def test_counted_losses_are_gaps_with_their_count() -> None:
    """A device that numbers its samples tells how many are missing, and time leaves room for them."""
    stream, acc = ClocklessStream("x", 0, 50.0), np.ones((1, 3))
    for i in range(100):
        stream.add(i * 20_000_000, acc, None)
    gap, block = stream.add(110 * 20_000_000, acc, None, n_lost=10)
    assert isinstance(gap, Gap)
    assert (gap.n_lost, gap.reason) == (10, "lost_packets")
    assert isinstance(block, ImuBlock)
    assert gap.end_s - gap.start_s == pytest.approx(11 / 50, abs=0.01)


@pytest.mark.parametrize("away_s", [0.1, 0.4, 3.0])
def test_a_link_that_was_away_is_one_gap_however_short(away_s: float) -> None:
    """Nobody counted meanwhile: the next samples begin at their arrival, once."""
    stream, acc = ClocklessStream("x", 0, 50.0), np.ones((1, 3))
    out = [item for i in range(250) for item in stream.add(i * 20_000_000, acc, None)]
    stream.resumed()
    begin_ns = 249 * 20_000_000 + round(away_s * 1e9)
    out += [item for i in range(250) for item in stream.add(begin_ns + i * 20_000_000, acc, None)]
    (gap,) = [item for item in out if isinstance(item, Gap)]
    assert gap.reason == "link_lost"
    assert gap.end_s - gap.start_s == pytest.approx(away_s, abs=0.02)


def test_no_samples_are_no_block() -> None:
    """Nothing comes of nothing."""
    assert ClocklessStream("x", 0, 50.0).add(0, np.empty((0, 3)), None) == ()


# ------------------------------------------------------------------------------------- losses that nobody counts


def lossy(
    rate_hz: float,
    per_packet: int,
    *,
    seconds: float = 60.0,
    loss: float = 0.05,
    hole_s: tuple[float, float] | None = None,
    jitter_s: float = 0.03,
    seed: int = 1,
) -> tuple[list[tuple[int, np.ndarray]], np.ndarray]:
    """Packets (arrival, numbers of their samples) of which some are lost, each late by up to the jitter; true times."""
    random = np.random.default_rng(seed)
    numbers = np.arange(int(seconds * rate_hz) // per_packet * per_packet).reshape(-1, per_packet)
    taken_s = numbers / rate_hz + 1.0
    arrival_s = np.maximum.accumulate(taken_s[:, -1] + random.uniform(0, jitter_s, len(numbers)))
    comes = random.random(len(numbers)) >= loss
    if hole_s is not None:
        comes &= (taken_s[:, -1] < hole_s[0]) | (taken_s[:, -1] >= hole_s[1])
    packets = [(round(arrival_s[i] * 1e9), numbers[i]) for i in np.flatnonzero(comes)]
    return packets, taken_s.ravel()


def placed(packets: list[tuple[int, np.ndarray]], promised_hz: float) -> tuple[np.ndarray, np.ndarray, list[Gap]]:
    """Numbers of the samples in the order in which they come out, their times, and the gaps."""
    stream = ClocklessStream("x", 0, promised_hz)
    out = [item for at_ns, n in packets for item in stream.add(at_ns, np.repeat(n[:, None], 3, 1).astype(float), None)]
    out += stream.finish()
    blocks = [item for item in out if isinstance(item, ImuBlock)]
    numbers = np.concatenate([block.acc_sensor_mps2[:, 0] for block in blocks]).astype(int)
    return numbers, np.concatenate([block.t_s for block in blocks]), [item for item in out if isinstance(item, Gap)]


@pytest.mark.parametrize(("rate_hz", "per_packet", "within_s"), [(143, 5, 0.004), (100, 5, 0.004), (100, 1, 0.015)])
def test_lost_packets_that_nobody_counts_leave_room_in_time(rate_hz: float, per_packet: int, within_s: float) -> None:
    """With one packet of twenty lost and delays of up to 30 ms, samples lie where they were taken; all come out."""
    packets, true_s = lossy(rate_hz, per_packet)
    numbers, t_s, _ = placed(packets, rate_hz)
    assert numbers.tolist() == [int(n) for _, packet in packets for n in packet]
    assert (np.diff(t_s) > 0).all()
    error_s = (t_s - true_s[numbers])[len(t_s) // 4 :]
    assert np.sqrt(np.mean(error_s**2)) < within_s


def test_a_silence_without_a_word_is_one_gap_and_nothing_in_it_is_misplaced() -> None:
    """Two seconds that never come: no sample after them is placed inside, and the gap is as long as it was."""
    packets, true_s = lossy(143, 5, hole_s=(30.0, 32.0))
    numbers, t_s, gaps = placed(packets, 143)
    assert np.abs((t_s - true_s[numbers])[true_s[numbers] > 15]).max() < 0.06
    (gap,) = [gap for gap in gaps if gap.end_s - gap.start_s > 1.0]
    assert gap.n_lost is None
    assert gap.end_s - gap.start_s == pytest.approx(2.0, abs=0.1)


def test_what_was_only_delayed_keeps_its_times() -> None:
    """Two seconds that come all at once afterwards are no loss, in large packets as in small ones."""
    for per_packet in (1, 5):
        packets, true_s = lossy(100, per_packet, loss=0.0)
        late = [(32_000_000_000 if 30e9 < at_ns < 32e9 else at_ns, n) for at_ns, n in packets]
        numbers, t_s, gaps = placed(late, 100)
        assert numbers.tolist() == list(range(len(true_s)))
        assert np.abs(t_s - true_s)[2000:].max() < 0.012
        assert gaps == []


def test_without_losses_samples_come_out_at_once_and_evenly() -> None:
    """A link that only delays loses no smoothness and no time: steps stay even, and next to nothing is held back."""
    packets, _ = lossy(100, 5, loss=0.0)
    stream, held = ClocklessStream("x", 0, 100.0), []
    times = []
    for at_ns, n in packets:
        out = stream.add(at_ns, np.zeros((len(n), 3)), None)
        held.append(len(n) - sum(len(item.t_s) for item in out if isinstance(item, ImuBlock)))
        times += [item.t_s for item in out if isinstance(item, ImuBlock)]
    assert np.count_nonzero(held) < 0.02 * len(packets)
    assert np.abs(np.diff(np.concatenate(times))[1000:] - 0.01).max() < 0.0005


def test_a_backlog_that_comes_slowly_is_no_loss() -> None:
    """Three seconds, made up for at three times the pace, are held back meanwhile and placed when they were taken."""
    packets, true_s = lossy(100, 1, loss=0.0)
    late = [(max(at_ns, round(33e9 + (at_ns - 30e9) / 3)) if at_ns > 30e9 else at_ns, n) for at_ns, n in packets]
    numbers, t_s, gaps = placed(late, 100)
    assert numbers.tolist() == list(range(len(true_s)))
    assert np.abs(t_s - true_s)[2000:].max() < 0.06
    assert gaps == []


def test_losses_counted_in_wrongly_are_taken_back() -> None:
    """What looked like a loss of two seconds for a second was a delay: time is right again soon after."""
    packets, true_s = lossy(100, 5, loss=0.0)
    late = [(at_ns + 2_000_000_000 if 30e9 < at_ns < 31e9 else max(at_ns, 33_000_000_000) if at_ns > 31e9 else at_ns, n)
            for at_ns, n in packets]  # fmt: skip
    numbers, t_s, _ = placed(late, 100)
    assert numbers.tolist() == list(range(len(true_s)))
    assert (np.diff(t_s) > 0).all()
    assert np.abs(t_s - true_s)[true_s > 45].max() < 0.1

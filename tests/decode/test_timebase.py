"""Samples on the session line: known clocks, radios that delay, losses, restarts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from sensorsoma.decode.timebase import DeviceTimebase, IndexTimebase

PER_PACKET = 4


@dataclass(frozen=True)
class Link:
    """Packets of four samples over a link that delays."""

    true_s: NDArray[np.float64]
    """`(n, 4)` when the samples were taken."""
    host_ns: NDArray[np.int64]
    is_received: NDArray[np.bool_]


def link(seed: int, *, rate_hz: float = 104.0, seconds: float = 120.0, loss: float = 0.02) -> Link:
    """Delays are exponential with a mean of 30 ms."""
    random = np.random.default_rng(seed)
    n = int(seconds * rate_hz) // PER_PACKET
    true_s = 5.0 + (np.arange(n * PER_PACKET) / rate_hz).reshape(n, PER_PACKET)
    arrival_s = np.maximum.accumulate(true_s[:, -1] + random.exponential(0.03, n))
    return Link(true_s, np.round(arrival_s * 1e9).astype(np.int64), random.random(n) >= loss)


def place_all(timebase: DeviceTimebase, sent: Link, device_s: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.array([timebase.place(int(sent.host_ns[i]), device_s[i]) for i in np.flatnonzero(sent.is_received)])


@pytest.mark.parametrize("ppm", [-100, 0, 100])
def test_placement_follows_a_drifting_clock_through_30_ms_of_jitter(ppm: int) -> None:
    """Five seconds in, samples lie within 5 ms of the truth and lengths are right to 150 ppm, for any crystal."""
    sent = link(seed=abs(ppm) + 1)
    timebase = DeviceTimebase(0)
    device_s = 777.0 + sent.true_s * (1 - ppm * 1e-6)
    t_s = place_all(timebase, sent, device_s).ravel()
    true_s = sent.true_s[sent.is_received].ravel()
    settled = true_s > 10.0
    assert np.abs(t_s - true_s)[settled].max() < 0.005
    lag = 208
    stretch = (t_s[lag:] - t_s[:-lag]) / (true_s[lag:] - true_s[:-lag]) - 1.0
    assert np.abs(stretch[settled[:-lag]]).max() < 150e-6
    late = true_s[:-lag] > 65.0
    assert np.abs(stretch[late]).max() < 100e-6
    assert timebase.rate_hz == pytest.approx(104.0, rel=1e-4)


def test_steps_are_smooth() -> None:
    """No step between neighbouring samples is off by more than 1 ms at any time, and by 0.1 ms once settled."""
    sent = link(seed=5)
    t_s = place_all(DeviceTimebase(0), sent, sent.true_s * (1 + 50e-6)).ravel()
    true_s = sent.true_s[sent.is_received].ravel()
    off = np.abs(np.diff(t_s) - np.diff(true_s))
    assert off.max() < 0.001
    assert off[true_s[1:] > 10.0].max() < 0.0001


def test_a_late_first_packet_is_made_up_for_within_seconds() -> None:
    """A first packet that was held back by 40 ms leaves no error of more than 5 ms after the start-up time."""
    sent = link(seed=2, seconds=20.0)
    host_ns = sent.host_ns.copy()
    host_ns[0] += 40_000_000
    late = Link(sent.true_s, np.maximum.accumulate(host_ns), np.ones(len(host_ns), dtype=bool))
    t_s = place_all(DeviceTimebase(0), late, late.true_s)
    assert np.abs(t_s[0] - late.true_s[0]).max() > 0.03
    assert np.abs(t_s - late.true_s)[late.true_s > 9.5].max() < 0.005


def test_a_restarted_clock_begins_a_new_segment() -> None:
    """A device clock that falls back to zero goes on at the arrival time; session time never goes back."""
    timebase = DeviceTimebase(0)
    before = np.concatenate(
        [timebase.place(round((1 + k * 0.04) * 1e9), 500 + k * 0.04 + np.arange(4) / 100) for k in range(50)]
    )
    after = np.concatenate(
        [timebase.place(round((20 + k * 0.04) * 1e9), k * 0.04 + np.arange(4) / 100) for k in range(50)]
    )
    assert timebase.n_segments == 2
    assert (np.diff(np.concatenate([before, after])) > 0).all()
    assert after[0] == pytest.approx(20.0 - 0.03, abs=0.001)


def test_a_restart_right_after_the_last_sample_does_not_overlap() -> None:
    """Samples of a restarted clock that seem older than what was placed follow it, one interval on."""
    timebase = DeviceTimebase(0)
    last = timebase.place(1_000_000_000, [5.0, 5.01, 5.02])[-1]
    assert timebase.place(1_010_000_000, [0.0, 0.01, 0.02])[0] == pytest.approx(last + 0.01)


def test_a_resumed_link_with_a_running_clock_keeps_the_map() -> None:
    """After a reconnect, a device clock that went on is recognised and drift and offset are kept."""
    sent = link(seed=3, seconds=60.0, loss=0.0)
    is_received = (sent.true_s[:, 0] < 30.0) | (sent.true_s[:, 0] > 40.0)
    timebase = DeviceTimebase(0)
    placed = []
    for i in np.flatnonzero(is_received):
        if i and not is_received[i - 1]:
            timebase.resumed()
        placed.append(timebase.place(int(sent.host_ns[i]), 900 + sent.true_s[i]))
    assert timebase.n_segments == 1
    assert np.abs(np.array(placed) - sent.true_s[is_received])[200:].max() < 0.005


def test_a_resumed_link_with_another_clock_begins_anew() -> None:
    """After a reconnect, a device clock that does not fit the old map starts a segment even if it went forward."""
    timebase = DeviceTimebase(0)
    timebase.place(1_000_000_000, [5.0, 5.01])
    timebase.resumed()
    assert timebase.place(11_000_000_000, [40.0, 40.01])[-1] == pytest.approx(11.0)
    assert timebase.n_segments == 2


def test_a_leap_ahead_of_the_host_is_a_restart() -> None:
    """A clock that leaps by 100 s within 40 ms of arrival has restarted; samples stay near their arrival."""
    timebase = DeviceTimebase(0)
    for k in range(20):
        timebase.place(round((1 + k * 0.04) * 1e9), [5 + k * 0.04])
    assert timebase.place(1_800_000_000, [105.0])[0] == pytest.approx(1.8, abs=0.01)


def test_a_clock_that_stood_still_is_noticed() -> None:
    """A device whose clock stopped for a minute is placed by arrival again after ten seconds."""
    timebase = DeviceTimebase(0)
    for k in range(100):
        timebase.place(round((1 + k * 0.04) * 1e9), [k * 0.04])
    for k in range(100, 400):
        last = timebase.place(round((61 + k * 0.04) * 1e9), [k * 0.04])
    assert timebase.n_segments == 2
    assert last[-1] == pytest.approx(61 + 399 * 0.04, abs=0.005)


def test_a_backlog_keeps_its_own_times() -> None:
    """Samples that were held back for three seconds and come at once are placed when they were taken."""
    timebase = DeviceTimebase(0)
    for k in range(250):
        timebase.place(round(k * 0.04 * 1e9), [k * 0.04])
    held = [timebase.place(round((13 + i * 1e-4) * 1e9), [10 + i * 0.04])[0] for i in range(75)]
    assert np.abs(np.array(held) - (10 + np.arange(75) * 0.04)).max() < 0.06


@pytest.mark.parametrize("true_rate_hz", [97.0, 103.0, 110.0])
def test_index_placement_finds_the_true_rate(true_rate_hz: float) -> None:
    """Samples without a clock are placed within 15 ms once settled, and the rate is found to 0.1 %."""
    sent = link(seed=7, rate_hz=true_rate_hz, loss=0.02)
    timebase = IndexTimebase(0, nominal_rate_hz=100.0)
    placed, n_lost = [], 0
    for i, is_received in enumerate(sent.is_received):
        if not is_received:
            n_lost += PER_PACKET
            continue
        placed.append(timebase.place(int(sent.host_ns[i]), PER_PACKET, n_lost))
        n_lost = 0
    true_s = sent.true_s[sent.is_received]
    assert (np.diff(np.ravel(placed)) > 0).all()
    assert np.abs(np.array(placed) - true_s)[true_s > 10.0].max() < 0.015
    assert timebase.rate_hz == pytest.approx(true_rate_hz, rel=1e-3)


def test_uncounted_loss_moves_the_index_on() -> None:
    """Without a counter, a second of lost samples shows as a new segment within a few seconds."""
    timebase = IndexTimebase(0, nominal_rate_hz=100.0)
    for k in range(500):
        timebase.place(round((k + 1) * 0.04 * 1e9), 4)
    for k in range(525, 700):
        last = timebase.place(round((k + 1) * 0.04 * 1e9), 4)
    assert timebase.n_segments == 2
    assert last[-1] == pytest.approx(700 * 0.04 - 0.01, abs=0.06)


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 208.0])
def test_rate_from_millisecond_stamps_and_losses(rate_hz: float) -> None:
    """A clock that counts whole milliseconds and loses packets still gives the rate to 0.1 %."""
    random = np.random.default_rng(0)
    timebase = DeviceTimebase(0, nominal_rate_hz=100.0)
    for k in range(0, int(rate_hz * 30), 4):
        if random.random() > 0.05:
            timebase.place(round(k / rate_hz * 1e9), np.round((k + np.arange(4)) / rate_hz, 3))
    assert timebase.rate_hz == pytest.approx(rate_hz, rel=1e-3)


def test_before_any_interval_the_rate_is_the_nominal_one() -> None:
    """One sample says nothing about the rate."""
    timebase = DeviceTimebase(0, nominal_rate_hz=52.0)
    timebase.place(0, [1.0])
    assert timebase.rate_hz == 52.0


@pytest.mark.parametrize("device_s", [[1.0, 1.0], [2.0, 1.0], [np.nan], [np.inf, 1.0], [[1.0]]])
def test_device_times_must_increase_within_a_packet(device_s: list[float]) -> None:
    """What no decoder may hand over is refused at once."""
    with pytest.raises(ValueError, match="increase within a packet"):
        DeviceTimebase(0).place(0, device_s)


def test_an_empty_packet_places_nothing() -> None:
    """No samples, no times, no change."""
    timebase = DeviceTimebase(0)
    assert timebase.place(0, []).shape == (0,)
    assert timebase.n_segments == 0


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2_000_000_000),
            st.lists(st.floats(0, 1e5, allow_nan=False), min_size=1, max_size=6, unique=True).map(sorted),
            st.booleans(),
        ),
        max_size=40,
    )
)
def test_whatever_the_clock_does_time_increases(packets: list[tuple[int, list[float], bool]]) -> None:
    """Any device times at any arrivals give finite, strictly increasing session times, and the same ones twice."""
    runs = []
    for _ in range(2):
        timebase, host_ns, placed = DeviceTimebase(0), 0, [np.empty(0)]
        for wait_ns, device_s, is_resumed in packets:
            host_ns += wait_ns
            if is_resumed:
                timebase.resumed()
            placed.append(timebase.place(host_ns, device_s))
        runs.append(np.concatenate(placed))
    assert np.isfinite(runs[0]).all()
    assert (np.diff(runs[0]) > 0).all()
    assert np.array_equal(runs[0], runs[1])
    assert np.isfinite(timebase.rate_hz)

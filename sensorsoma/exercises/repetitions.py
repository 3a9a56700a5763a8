"""What every counted movement shares: slow directions on a fixed grid, turning points, and the size and times of a rep.

Directions of gravity are averaged over 40 ms cells and low-passed at 1.5 Hz: a 2 s rep keeps 99 percent of its
height, knocks and tremor do not. Counting on real sets is the same for any cut-off from 0.8 to 2 Hz.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sensorsoma.dsp.arc import ArcFit, angle_about, fit_arc_axis
from sensorsoma.dsp.bins import BIN_RATE_HZ, Binner, Bins
from sensorsoma.dsp.filters import FilterParams, StreamingFilter
from sensorsoma.dsp.orientation import filter_delay_s
from sensorsoma.dsp.turning_points import Direction, TurningPoint
from sensorsoma.exercises.base import DetectorOutput
from sensorsoma.messages import Floats, OrientedBlock
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class SlowParams:
    """How directions are smoothed before anything is decided."""

    cut_hz: float = 1.5
    """Low-pass; repetitions take 2 to 14 s, soft tissue wobbles above 3 Hz."""
    hole_s: float = 1.0
    """Missing samples for longer than this break the track: within a second a slow leg cannot turn round unseen."""


Timed = tuple[float, DetectorOutput]
"""An output with the sample time at which it is known."""


def in_order(timed: Iterable[Timed]) -> tuple[DetectorOutput, ...]:
    """Outputs by the time at which they are known, ties as they came: the same order for any cut of the samples."""
    return tuple(output for _, output in sorted(timed, key=lambda pair: pair[0]))


@dataclass(frozen=True, slots=True)
class SlowSample:
    """One cell of the grid."""

    t_s: float
    """When the direction held, filter delay taken off; up to that delay before the first sample of a run."""
    known_s: float
    """Sample time by which it is known."""
    up: Direction
    """Unit vector in sensor axes."""
    after_hole: bool
    """True for the first cell after a long hole, and for the first of all."""


class SlowTrack:
    """`OrientedBlock`s to slow directions, cell by cell, whatever the cut; keeps them for the measures at the end."""

    def __init__(self, params: SlowParams | None = None) -> None:
        self.params = params or SlowParams()
        self._filter = StreamingFilter(FilterParams("lowpass", self.params.cut_hz), BIN_RATE_HZ)
        self._binner = Binner()
        self._delay_s = self._filter.delay_s
        self._last_t_s: float | None = None
        self._newest_s = np.inf
        self._run_start_s = 0.0
        self._samples: list[SlowSample] = []

    def __len__(self) -> int:
        return len(self._samples)

    @property
    def newest_s(self) -> float:
        """Time of the newest usable sample, filter delay and all; infinite before the first."""
        return self._newest_s

    @property
    def t_s(self) -> Floats:
        """`(n,)` times of all cells so far."""
        return np.array([sample.t_s for sample in self._samples])

    @property
    def up(self) -> Floats:
        """`(n, 3)` directions of all cells so far."""
        return np.array([sample.up for sample in self._samples]).reshape(-1, 3)

    def since(self, t_s: float) -> tuple[Floats, Floats]:
        """Times `(n,)` and directions `(n, 3)` from `t_s` on."""
        samples = self._samples
        first = len(samples)
        while first > 0 and samples[first - 1].t_s >= t_s:
            first -= 1
        part = samples[first:]
        return np.array([s.t_s for s in part]), np.array([s.up for s in part]).reshape(-1, 3)

    def feed(self, block: OrientedBlock) -> Iterator[SlowSample]:
        """The cells that this block finishes."""
        keep = np.isfinite(block.up_sensor).all(axis=1)
        self._delay_s = self._filter.delay_s + filter_delay_s(block)
        if keep.any():
            self._newest_s = float(block.t_s[keep][-1])
        yield from self._take(self._binner.feed(block.t_s[keep], block.up_sensor[keep]))

    def finish(self) -> Iterator[SlowSample]:
        """The cell that was still filling: known at the last sample, since no later one ended it."""
        for sample in self._take(self._binner.finish()):
            yield replace(sample, known_s=min(sample.known_s, self._newest_s))

    def _take(self, bins: Bins) -> Iterator[SlowSample]:
        if len(bins.t_s) == 0:
            return
        before_s = -np.inf if self._last_t_s is None else self._last_t_s
        self._last_t_s = float(bins.t_s[-1])
        holes = set(np.flatnonzero(np.diff(bins.t_s, prepend=before_s) > self.params.hole_s).tolist())
        edges = sorted({0, *holes, len(bins.t_s)})
        for begin, end in pairwise(edges):
            if begin in holes:
                self._filter.reset()
                self._run_start_s = float(bins.t_s[begin])
            yield from self._run(bins, begin, end, after_hole=begin in holes)

    def _run(self, bins: Bins, begin: int, end: int, *, after_hole: bool) -> Iterator[SlowSample]:
        """Cells `begin` to `end`, without a long hole between them."""
        slow = self._filter.feed(bins.rows[begin:end])
        norm = np.sqrt((slow**2).sum(axis=1))
        known = ((np.floor(bins.t_s[begin:end] * BIN_RATE_HZ) + 1.0) / BIN_RATE_HZ).tolist()
        times = (bins.t_s[begin:end] - self._delay_s).tolist()
        rows = (slow / np.maximum(norm, 1e-12)[:, None]).tolist()
        for t_s, known_s, (x, y, z), is_usable in zip(times, known, rows, (norm > 1e-6).tolist(), strict=True):
            if is_usable:
                sample = SlowSample(t_s, known_s, (x, y, z), after_hole)
                after_hole = False
                if t_s >= self._run_start_s:
                    self._samples.append(sample)
                yield sample


def time_at_top(track: SlowTrack, turn: TurningPoint) -> float:
    """Seconds spent within half the leg of a turning point, until the turn was known: a knock spends few."""
    t_s, up = track.since(turn.from_s)
    is_far = up @ np.array(turn.up) < np.cos(0.5 * turn.leg_rad)
    return seconds_between(t_s, is_far, turn.t_s, turn.from_s, turn.known_s)


def seconds_between(t_s: Floats, is_away: NDArray[np.bool_], top_s: float, from_s: float, known_s: float) -> float:
    """Seconds around a top between the nearest samples that are away from it; else from `from_s`, until `known_s`."""
    before, after = t_s[is_away & (t_s < top_s)], t_s[is_away & (t_s > top_s)]
    start_s = before[-1] if len(before) else from_s
    return float((after[0] if len(after) else known_s) - start_s)


def fit_axis(up: Floats) -> ArcFit | None:
    """The axis of the movement, or None where the directions hardly move (less than 3 degrees)."""
    if len(up) < 3:
        return None
    fit = fit_arc_axis(up)
    return fit if fit.arc_rad > 3.0 * DEG else None


RAMP = 0.19 / 0.62
"""A minimum-jerk movement (Flash and Hogan 1985) takes 19 percent of its time up to 5 percent of its way, and 62
from there to 95: what lies before and after is this share of the time between."""


@dataclass(frozen=True, slots=True)
class RepShape:
    """Times and size of one excursion along an angle curve; ends of movements as those of minimum-jerk movements."""

    start_s: float
    """The rest angle is left."""
    top_start_s: float
    """The top is reached."""
    peak_s: float
    """Middle of the time above 95 percent."""
    top_end_s: float
    """The top is left again."""
    end_s: float
    """Back at the rest angle."""
    range_rad: float
    """Top above where it started."""


def measure_rep(
    t_s: Floats, angle_rad: Floats, before_s: float, top_s: float, after_s: float, *, starts_at_rest: bool = True
) -> RepShape | None:
    """Shape of the excursion whose top is near `top_s`, from the rest at `before_s` to that at `after_s`, or None.

    `t_s` and `angle_rad` `(n,)`: the angle in the movement's own plane, opening positive. With `starts_at_rest` False
    the samples may begin in mid-movement, and the range counts from the lower of the two ends.
    """
    out = np.flatnonzero((t_s >= before_s) & (t_s <= top_s))
    back = np.flatnonzero((t_s >= top_s) & (t_s <= after_s))
    holes = np.flatnonzero(np.diff(t_s) > SlowParams().hole_s)  # what lies beyond one belongs to another movement
    out = out[out > holes[t_s[holes + 1] <= top_s].max(initial=-1)]
    back = back[back <= holes[t_s[holes + 1] > top_s].min(initial=len(t_s))]
    if len(out) < 2 or len(back) < 1:
        return None
    top = float(angle_rad[np.concatenate([out, back])].max())
    low_before, low_after = float(angle_rad[out].min()), float(angle_rad[back].min())
    size = top - (low_before if starts_at_rest else min(low_before, low_after))
    if size <= 0.0:
        return None
    near_top = np.flatnonzero(angle_rad[out[0] : back[-1] + 1] >= top - 0.05 * size) + out[0]
    left = out[angle_rad[out] <= low_before + 0.05 * size]
    returned = back[(angle_rad[back] <= low_after + 0.05 * (top - low_after)) & (t_s[back] > t_s[near_top[-1]])]
    high_s, low_s = float(t_s[near_top[0]]), float(t_s[near_top[-1]])
    peak_s = 0.5 * (high_s + low_s)
    left_s = float(t_s[left[-1]]) if len(left) else before_s
    back_s = float(t_s[returned[0]]) if len(returned) else float(t_s[back[-1]])
    return RepShape(
        start_s=max(before_s, left_s - RAMP * (high_s - left_s)),
        top_start_s=min(peak_s, high_s + RAMP * (high_s - left_s)),
        peak_s=peak_s,
        top_end_s=max(peak_s, low_s - RAMP * (back_s - low_s)),
        end_s=min(after_s, back_s + RAMP * (back_s - low_s)) if len(returned) else back_s,
        range_rad=size,
    )


def angles_from(fit: ArcFit, start: Floats, up: Floats, outward: Floats) -> Floats:
    """Angles `(n,)` rad about the axis away from `start`, with the sign that makes `outward` (a direction) positive."""
    angle = angle_about(fit.axis, start, up)
    return angle if float(angle_about(fit.axis, start, outward)[0]) >= 0.0 else -angle


def top_time(t_s: Floats, angle_rad: Floats, near_s: float, share: float = 0.1) -> tuple[float, float]:
    """Middle (s) and greatest angle (rad, signed) of the plateau around a turning point.

    `angle_rad` `(n,)` swings about 0 and turns near `near_s`. The plateau is where it stays within `share` of that.
    """
    at = int(np.clip(np.searchsorted(t_s, near_s), 0, len(t_s) - 1))
    sign = 1.0 if angle_rad[at] >= 0.0 else -1.0
    near = sign * angle_rad >= sign * angle_rad[at] - share * abs(float(angle_rad[at]))
    first = at
    while first > 0 and near[first - 1]:
        first -= 1
    last = at
    while last < len(t_s) - 1 and near[last + 1]:
        last += 1
    return 0.5 * float(t_s[first] + t_s[last]), sign * float((sign * angle_rad[first : last + 1]).max())

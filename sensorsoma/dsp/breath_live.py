"""Breath as it happens: every turn is told once it is sure, a third of the depth after it was made.

The same reading as afterwards (`dsp.breath`), with what a causal filter allows: directions low-passed at 1 Hz, the axis
that of the velocity over the last half minute, turns that are confirmed by the way back. A turn is known 0.25 s (the
filter) plus about a third of the phase that follows after it was made: 0.8 s in quick breath, 3 s in slow breath.

While the body moves otherwise nothing is told, and for a short time after; then the zigzag begins anew, with the depth
that was usual before.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np

from sensorsoma.dsp.bins import Bins
from sensorsoma.dsp.breath import BREATH_RATE_HZ, BreathParams, phase_start, turn_size
from sensorsoma.dsp.breath_direction import asymmetry
from sensorsoma.dsp.filters import FilterParams, StreamingFilter
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class LiveBreathParams:
    """How the live reading differs from the one afterwards."""

    memory_s: float = 30.0
    """The axis and the usual speed fade over this time: some three slow breaths."""
    first_s: float = 6.0
    """Nothing is told before this much quiet time: half a slow breath shows the depth."""
    axis_every_s: float = 1.0
    """The axis moves slowly; looking for it once a second is enough."""
    buffer_s: float = 30.0
    """How far back the beginning of a phase is sought: the longest breath and a little more."""
    calm_share: float = 0.5
    """The gate opens again below this share of the limits at which it closed."""
    least_ways: int = 2
    """Turns are told once so many ways between turns were seen."""
    share_deg: float = 0.2
    """Under this depth a turn is weak: scatter moves it about."""


@dataclass(frozen=True, slots=True)
class BreathTurn:
    """The breath turned round."""

    t_s: float
    """When the phase that follows began."""
    known_s: float
    is_upward: bool
    """True: from here the value grows along the axis."""
    axis: tuple[float, float, float]
    depth_deg: float
    """Usual depth."""
    asymmetry: float | None = None
    """Of the breath that this turn ends, growing values taken as in (`dsp.breath_direction`); None at a downward turn
    and where the breath was not seen from its beginning."""


Vector = tuple[float, float, float]


class BreathFinder:
    """Binned directions of one sensor in, turns out; one decision per cell, so that the cut does not matter."""

    def __init__(self, params: BreathParams | None = None, live: LiveBreathParams | None = None) -> None:
        self.params = params or BreathParams()
        self.live = live or LiveBreathParams()
        self._filter = StreamingFilter(FilterParams("lowpass", self.params.cut_hz), BREATH_RATE_HZ)
        self._delay_s = self._filter.delay_s
        self._moment = np.zeros((3, 3))
        self._usual_radps = 0.0
        self._weight = 0.0
        self._axis: Vector | None = None
        self._axis_cell: int | None = None
        self._before: tuple[float, Vector] | None = None
        self._quiet_from_s: float | None = None
        self._is_moving = False
        self._ways: deque[float] = deque(maxlen=self.params.n_legs)
        self._path: deque[tuple[float, Vector]] = deque(maxlen=int(self.live.buffer_s * BREATH_RATE_HZ))
        self._last: Vector | None = None
        """Up at the last turn; None before the first one since the zigzag began."""
        self._last_s = 0.0
        self._is_rising: bool | None = None
        self._starts_s: deque[float] = deque(maxlen=2)
        """When the last two phases began, in the filter's time."""
        self._low: tuple[float, Vector] | None = None
        self._high: tuple[float, Vector] | None = None

    def feed(self, bins: Bins) -> Iterator[BreathTurn]:
        """Turns that these cells make known; rows are unit directions."""
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            if self._before is not None and not 0.0 < t_s - self._before[0] <= self.params.hole_s:
                self._filter.reset()
                self._before = self._quiet_from_s = None
                self._begin_anew()
            x, y, z = self._filter.feed(row[None])[0].tolist()
            turn = self._step(t_s, (x, y, z))
            if turn is not None:
                yield turn

    def _step(self, t_s: float, up: Vector) -> BreathTurn | None:
        before, self._before = self._before, (t_s, up)
        if before is None:
            return None
        step_s = t_s - before[0]
        x, y, z = before[1]
        speed = ((up[0] - x) / step_s, (up[1] - y) / step_s, (up[2] - z) / step_s)
        self._gate(t_s, speed)
        if self._is_moving:
            return None
        self._learn(t_s, step_s, speed)
        self._path.append((t_s, up))
        quiet_from_s = self._quiet_from_s
        if self._axis is None or quiet_from_s is None or t_s - quiet_from_s < min(2.0, self.live.first_s):
            return None
        return self._zigzag(t_s, up) if self._ways or t_s - quiet_from_s >= self.live.first_s else None

    # --------------------------------------------------------------------------------------- other movement

    def _gate(self, t_s: float, speed: Vector) -> None:
        """Closes at the limits, opens once everything has stayed below a share of them for the guard time."""
        params = self.params
        along = 0.0 if self._axis is None else _dot(self._axis, speed)
        across = math.sqrt(max(0.0, _dot(speed, speed) - along * along))
        quickest, usual = params.quickest_dps * DEG, self._usual_radps
        is_used = self._weight >= self.live.first_s
        limit_along = min(quickest, params.quick_share * usual) if is_used else quickest
        limit_across = max(params.across_dps * DEG, params.across_share * usual) if is_used else quickest
        over = max(abs(along) / max(limit_along, 1e-6), across / limit_across)
        if over > 1.0 or (self._is_moving and over > self.live.calm_share):
            if not self._is_moving:
                self._begin_anew()
            self._is_moving, self._quiet_from_s = True, t_s + params.guard_s
        elif self._quiet_from_s is None:
            self._quiet_from_s = t_s
        elif t_s >= self._quiet_from_s:
            self._is_moving = False

    def _begin_anew(self) -> None:
        self._path.clear()
        self._starts_s.clear()
        self._last = self._low = self._high = None
        self._is_rising = None

    def _learn(self, t_s: float, step_s: float, speed: Vector) -> None:
        """Axis and usual speed, fading."""
        keep = math.exp(-step_s / self.live.memory_s)
        vector = np.array(speed)
        self._moment = keep * self._moment + step_s * np.outer(vector, vector)
        self._weight = keep * self._weight + step_s
        if self._axis is not None:
            # Three quarters of the time a breath is slower than about 1.4 times its mean speed.
            share = min(1.0, step_s / min(self._weight, self.live.memory_s))
            self._usual_radps += share * (1.4 * abs(_dot(self._axis, speed)) - self._usual_radps)
        cell = math.floor(t_s / self.live.axis_every_s)
        if cell != self._axis_cell and self._weight >= 2.0:
            self._axis_cell = cell
            x, y, z = np.linalg.eigh(self._moment)[1][:, -1].tolist()
            # The mark gives the first sign; then it stays with the axis before.
            sign = y if self._axis is None else _dot(self._axis, (x, y, z))
            self._axis = (-x, -y, -z) if sign < 0.0 else (x, y, z)

    # ------------------------------------------------------------------------------------------------ turns

    def _zigzag(self, t_s: float, up: Vector) -> BreathTurn | None:
        axis = self._axis
        assert axis is not None
        if self._low is None or self._high is None:
            self._low, self._high = self._extremes_of_path(axis)
            self._last_s = t_s
        if _way(axis, self._high[1], up) > 0.0:
            self._high = (t_s, up)
        if _way(axis, self._low[1], up) < 0.0:
            self._low = (t_s, up)
        usual = median(self._ways) if self._ways else _way(axis, self._low[1], self._high[1])
        enough = turn_size(usual, t_s - self._last_s, self.params)
        if self._is_rising is not False and -_way(axis, self._high[1], up) > enough:
            at, is_upward = self._high, False
        elif self._is_rising is not True and _way(axis, self._low[1], up) > enough:
            at, is_upward = self._low, True
        else:
            return None
        if enough < self.params.turn_share * usual:  # the depth that was usual is no more
            self._ways.clear()
            self._ways.append(enough / self.params.turn_share)
            self._last = None
        return self._turned(t_s, up, at, is_upward=is_upward)

    def _extremes_of_path(self, axis: Vector) -> tuple[tuple[float, Vector], tuple[float, Vector]]:
        along = [(_dot(axis, up), t_s, up) for t_s, up in self._path]
        low, high = min(along), max(along)
        return (low[1], low[2]), (high[1], high[2])

    def _turned(self, t_s: float, up: Vector, at: tuple[float, Vector], *, is_upward: bool) -> BreathTurn | None:
        axis = self._axis
        assert axis is not None
        way = None if self._last is None else abs(_way(axis, self._last, at[1]))
        is_told = way is not None and len(self._ways) >= self.live.least_ways
        if is_told and way is not None and way > self.params.sigh_share * median(self._ways):
            is_told = False
        if way is not None:
            self._ways.append(way)
        self._last, self._last_s, self._is_rising = at[1], t_s, is_upward
        self._low = self._high = (t_s, up)
        depth = median(self._ways) if self._ways else abs(_way(axis, at[1], up))
        path = [(t, abs(_way(axis, at[1], u))) for t, u in self._path if t >= at[0]]
        times, gone = np.array([t for t, _ in path]), np.array([g for _, g in path])
        start_s = phase_start(times, gone, depth, self.params.cut_hz)
        lopsided = self._asymmetry(axis, start_s) if is_upward else None
        self._starts_s.append(start_s)
        if not is_told:
            return None
        known_s = (math.floor(t_s * BREATH_RATE_HZ) + 1.0) / BREATH_RATE_HZ
        return BreathTurn(start_s - self._delay_s, known_s, is_upward, axis, depth / DEG, lopsided)

    def _asymmetry(self, axis: Vector, end_s: float) -> float | None:
        """Of the breath that ends now, from its own inhale on."""
        if len(self._starts_s) < 2 or not self._path:
            return None
        inhale_s, exhale_s = self._starts_s
        value = np.array([_dot(axis, up) for t_s, up in self._path if inhale_s <= t_s < end_s])
        is_whole = self._path[0][0] <= inhale_s < exhale_s < end_s and len(value) > 0
        return asymmetry(value, (exhale_s - inhale_s) / (end_s - inhale_s)) if is_whole else None


def unit_rows(bins: Bins) -> Bins:
    """Accelerations to directions; what has no length is left out."""
    norm = np.sqrt((bins.rows**2).sum(axis=1)) if len(bins.t_s) else np.empty(0)
    keep = norm > 1e-6
    rows: Floats = bins.rows[keep] / norm[keep][:, None] if len(norm) else bins.rows
    return Bins(bins.t_s[keep] if len(norm) else bins.t_s, rows)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _way(axis: Vector, start: Vector, end: Vector) -> float:
    """From `start` to `end` along the axis, rad for small angles."""
    return axis[0] * (end[0] - start[0]) + axis[1] * (end[1] - start[1]) + axis[2] * (end[2] - start[2])

"""Where a to-and-fro movement turns round: the spherical zigzag counter.

It looks at one direction on the unit sphere (gravity in sensor axes) and needs neither an axis nor a calibration.
From the last turning point p it keeps the farthest direction q seen since; once q lies far enough from p, and the
movement has come back far enough from q, q was a turning point. Both thresholds follow the movement: shares of the
median of the last few legs. It is causal, decides per sample, and a still stretch costs nothing: a hold of any length
is one turning point.

Out and back need not be treated alike. A small partial rep out of the rest pose is a rep, so leaving the rest pose
needs a small share; a hesitation at the top is not the end of a rep, so coming back needs a larger one.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median

from sensorsoma.units import DEG

Direction = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class TurningParams:
    """How large a movement must be to count as one. Defaults suit the clamshell."""

    start_deg: float = 8.0
    """First leg before any is known; a 10 degree movement passes, breath and fidgets of a thigh (1-5) do not."""
    lowest_deg: float = 3.3
    """No threshold falls below this: fidgets of a resting thigh reach 3 degrees, a third of a 10 degree set is 3.3."""
    highest_deg: float = 30.0
    """Nor rises above this, so that small reps after large ones are still seen."""
    out_share: float = 0.25
    """An excursion from the rest pose counts from this share of the median leg on: a partial rep."""
    back_share: float = 0.4
    """It has turned round once it has come back by this share of itself (of the median leg, if that is smaller)."""
    away_share: float = 0.25
    """The way back has ended once the movement leaves again by this share of the median leg."""
    needs_whole_back: bool = False
    """True: `back_share` is always of the median leg, so that partial excursions in between do not turn."""
    n_legs: int = 6
    """How many legs the median takes: three reps out and back."""


@dataclass(frozen=True, slots=True)
class TurningPoint:
    """A confirmed turn."""

    t_s: float
    """When the farthest direction was passed."""
    up: Direction
    """That direction, unit vector in the sensor."""
    known_s: float
    """Time of the direction that confirmed it. Where a filter made the directions, its delay is taken off their times:
    the samples that this took reach farther, and an announcement must name their time (`SlowSample.known_s`)."""
    leg_rad: float
    """Angle from the turning point (or start) before."""
    from_s: float
    """Time of the turning point (or start) before."""
    from_up: Direction
    """Direction of the turning point (or start) before."""
    is_out: bool
    """True when the leg led out, False when it led back; they alternate."""
    is_first: bool
    """True when the leg began at a start (of the stretch, or after a gap) and not at a turning point."""


def angle_rad(a: Direction, b: Direction) -> float:
    """Angle between two unit vectors, rad; exact for small angles."""
    x, y, z = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return 2.0 * math.asin(min(1.0, 0.5 * math.sqrt(x * x + y * y + z * z)))


class TurningPointFinder:
    """Feed unit directions one by one; a `TurningPoint` comes back when one is confirmed.

    >>> finder = TurningPointFinder()
    >>> swing = [math.radians(30 * (1 - math.cos(0.1 * i))) for i in range(1, 130)]
    >>> found = [finder.feed(0.1 * i, (0.0, math.sin(a), math.cos(a))) for i, a in enumerate(swing)]
    >>> [(round(math.degrees(point.leg_rad)), point.is_out) for point in found if point]
    [(60, True), (60, False), (60, True)]
    """

    def __init__(self, params: TurningParams | None = None) -> None:
        self.params = params or TurningParams()
        self._legs: deque[float] = deque(maxlen=self.params.n_legs)
        self._from: Direction | None = None
        self._from_s = 0.0
        self._is_first = True
        self._is_out = True
        self._far: Direction = (0.0, 0.0, 1.0)
        self._far_s = 0.0
        self._far_dot = 1.0
        self._back_dot: float | None = None

    @property
    def median_leg_rad(self) -> float | None:
        """Median of the last legs; None before the first."""
        return median(self._legs) if self._legs else None

    @property
    def out_threshold_rad(self) -> float:
        """How long a leg must be now."""
        typical = self.median_leg_rad
        return self.params.start_deg * DEG if typical is None else self._clipped(self.params.out_share * typical)

    def _clipped(self, threshold_rad: float) -> float:
        return min(max(threshold_rad, self.params.lowest_deg * DEG), self.params.highest_deg * DEG)

    @property
    def turn_in_flight(self) -> TurningPoint | None:
        """The farthest point since the last turn as if it were confirmed now, if its leg is long enough."""
        if self._from is None or angle_rad(self._from, self._far) < self.out_threshold_rad:
            return None
        return self._turn(self._far_s)

    def gap(self, t_s: float = 0.0, rest_up: Direction | None = None) -> None:
        """Samples are missing for long: drop the leg in flight, keep the size learnt; the next leg leads out.

        It begins at the rest pose where one is known, whatever the movement was doing when the samples came back.
        """
        self._from = None
        self._is_out = True
        if rest_up is not None:
            self._begin(t_s, rest_up, is_first=True)
            self._far, self._far_s, self._far_dot = rest_up, t_s, 1.0

    def feed(self, t_s: float, up: Direction) -> TurningPoint | None:
        """The turn that this sample confirms, or None. `up` must be finite and of length 1."""
        start, far = self._from, self._far
        if start is None:
            self._begin(t_s, up, is_first=True)
            self._far, self._far_s, self._far_dot = up, t_s, 1.0
            return None
        from_here = start[0] * up[0] + start[1] * up[1] + start[2] * up[2]
        if from_here < self._far_dot:
            self._far, self._far_s, self._far_dot = up, t_s, from_here
            self._back_dot = None
            return None
        if self._back_dot is None:
            self._back_dot = self._needed()
        if far[0] * up[0] + far[1] * up[1] + far[2] * up[2] >= self._back_dot:
            return None
        return self._confirm(t_s, up)

    def rested(self, t_s: float, up: Direction) -> TurningPoint | None:
        """The turn in flight, confirmed because the movement has come to rest there and not because it went on."""
        return None if self.turn_in_flight is None else self._confirm(t_s, up)

    def _confirm(self, t_s: float, up: Direction) -> TurningPoint:
        point = self._turn(t_s)
        self._legs.append(point.leg_rad)
        self._is_out = not self._is_out
        self._begin(point.t_s, point.up, is_first=False)
        self._far, self._far_s = up, t_s
        self._far_dot = point.up[0] * up[0] + point.up[1] * up[1] + point.up[2] * up[2]
        return point

    def _begin(self, t_s: float, up: Direction, is_first: bool) -> None:
        self._from, self._from_s, self._is_first, self._back_dot = up, t_s, is_first, None

    def _needed(self) -> float:
        """Cosine of how far the movement must come back from the farthest point; -2 while the leg is too short."""
        assert self._from is not None
        params, leg = self.params, angle_rad(self._from, self._far)
        if leg < self.out_threshold_rad:
            return -2.0
        typical = self.median_leg_rad or leg
        if not self._is_out:
            return math.cos(self._clipped(params.away_share * typical))
        size = typical if params.needs_whole_back else min(leg, typical)
        return math.cos(self._clipped(params.back_share * size))

    def _turn(self, known_s: float) -> TurningPoint:
        assert self._from is not None
        return TurningPoint(
            t_s=self._far_s,
            up=self._far,
            known_s=known_s,
            leg_rad=angle_rad(self._from, self._far),
            from_s=self._from_s,
            from_up=self._from,
            is_out=self._is_out,
            is_first=self._is_first,
        )

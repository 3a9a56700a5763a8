"""Where a knee fall is: rest, knee up, falling, resting, sliding, straight. Decided bin by bin, live.

A state machine on where the leg is and on the speed of gravity's direction: a movement is over when it stayed below
2 deg/s for one second, and it began at the last slow moment before the leg had left its place. Never a counter: a fall
is slow, happens once, and its rest is the point of it. Small movements are not phases: fidgets and coughs displace a
thigh by a few degrees and come back.

          still, bent >= 25 deg             8 deg away              slow for 1 s
    rest ────────────────────▶ knee_up ────────────▶ falling ────────────────▶ resting
                                  ▲                     │ (back up, or down to straight: no fall)   │ 5 deg away
                                  │                     ▼                                           ▼
                               straight ◀──────────── sliding ◀── off the circle of the fall ── leaving
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sensorsoma.dsp.arc import angle_about, angle_between, fit_arc_axis
from sensorsoma.dsp.slowness import Slowness
from sensorsoma.messages import Floats, KneeFallPhase
from sensorsoma.units import DEG

State = Literal["rest", "knee_up", "falling", "resting", "leaving", "sliding", "straight"]


@dataclass(frozen=True, slots=True)
class FallParams:
    """When a phase begins and ends."""

    slow_s: float = 1.0
    """A movement is over after it has been slow (`dsp.slowness`: below 2 deg/s) for this long (science section 9)."""
    pose_s: float = 1.5
    """Shortest accepted still knee-up pose."""
    bend_deg: float = 25.0
    """Knee up: the thigh has turned at least this far from the straight leg."""
    known_pose_deg: float = 30.0
    """Once a knee-up pose is known, later ones lie within this of it."""
    left_deg: float = 8.0
    """A knee this far from the knee-up pose has left it; fidgets and coughs stay within 3."""
    least_fall_deg: float = 10.0
    """A smaller way is no fall."""
    stirred_deg: float = 5.0
    """A resting leg this far from its place may be on its way: a wide open leg that slides straight turns gravity by
    only 10 deg. It has come back (a fidget, a cough) when it is slow within this again."""
    near_deg: float = 12.0
    """Back at the knee-up pose: within this."""
    off_circle_deg: float = 10.0
    """Off the fall's own circle by more than this: the leg slides, it does not fall on."""
    settling_s: float = 5.0
    """A fall that halts and goes on within this time is one fall."""
    straight_deg: float = 20.0
    """Straight: the thigh lies within this of its elevation in the straight pose."""
    anchor_deg: float = 3.0
    """The knee-up pose may shift by this much while it waits; a very slow fall goes further."""
    back_deg: float = 4.0
    """Slow again within this of the knee-up pose: it was a fidget."""
    crept_off_deg: float = 6.0
    """A wide open leg may slide straight so slowly that gravity turns by less than 2 deg/s; it shows by leaving the
    circle, on which a sinking knee stays."""
    turned_in_deg: float = -75.0
    """A thigh turned back past the knee-up pose by more than this: the whole body turned over."""
    turned_out_deg: float = 120.0
    """And further out than a hip opens."""
    directness: float = 0.75
    """Knee up is reached in one sweep: the angle from the pause before over the way. A knee that was drawn up and fell
    without a pause comes by a detour (about 0.5)."""
    circle_deg: float = 2.5
    """A fall that strays further (root mean square) from one circle went over into a slide without a pause."""
    prefix_deg: float = 1.5
    """Its first part, the fall proper, stays within this."""


@dataclass(slots=True)
class FallRecord:
    """Times of one fall, as far as it got."""

    knee_up_from_s: float
    """The still pose with the knee up begins."""
    knee_up_sensor: Floats
    knee_up_to_s: float
    fall_start_s: float | None = None
    arrival_s: float | None = None
    rest_end_s: float | None = None
    slide_end_s: float | None = None
    straight_to_s: float | None = None
    """Last slow moment while straight."""


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """What the machine noticed."""

    phase: KneeFallPhase
    t_s: float
    known_s: float
    angle_rad: float | None


LONGEST_ARC = 1500
"""Bins of a fall that are kept: a minute; a leg that never comes to rest must not fill the memory."""


@dataclass(slots=True)
class _Way:
    """How directly the leg came from its last pause: angle over way, 0-1."""

    start: Floats | None = None
    last: Floats | None = None
    length_rad: float = 0.0
    share: float = 1.0

    def update(self, up: Floats, is_pause: bool) -> float:
        if self.start is None or self.last is None:
            self.start = self.last = up
        step = angle_between(self.last, up)
        if step > 3.0 * DEG:
            self.length_rad += step
            self.last = up
        if is_pause:
            if self.length_rad > 15.0 * DEG:
                self.share = min(angle_between(self.start, up) / self.length_rad + 0.05, 1.0)
            self.start, self.last, self.length_rad = up, up, 0.0
        return self.share


def circle_length(arc: Floats, params: FallParams) -> int:
    """How many of the points `(n, 3)`, from the first on, lie on one circle; all of them for an ordinary fall."""
    n = len(arc)
    if n < 16 or _strays(arc) < params.circle_deg * DEG:
        return n
    good = n
    for length in range(12, n, 2):
        if _strays(arc[:length]) > params.prefix_deg * DEG:
            break
        good = length
    return good


def _strays(arc: Floats) -> float:
    """Root mean square distance of all points from their circle; the fit itself leaves outliers out.

    Any bent path lies near some small circle, so an axis further off level than a hip-foot line can be counts as well.
    """
    height = arc @ fit_arc_axis(arc).axis
    off_level = abs(float(np.arcsin(np.clip(np.median(height), -1.0, 1.0))))
    return float(np.sqrt(np.mean((height - np.median(height)) ** 2))) + max(off_level - 27.0 * DEG, 0.0)


class FallPhases:
    """Feeds on bins of up, gives phase changes and keeps a record of every fall."""

    def __init__(self, params: FallParams | None = None) -> None:
        self.params = params or FallParams()
        self.state: State = "rest"
        self.records: list[FallRecord] = []
        self._speed = Slowness()
        self._arc: list[tuple[float, Floats]] = []
        self._axis: Floats | None = None
        self._rest_pose: Floats | None = None
        self._first_pose: Floats | None = None
        self._anchor = self._speed.up
        self._on_circle_s = 0.0
        self._way = _Way()

    @property
    def angle_rad(self) -> float | None:
        """Opening right now, about the axis of this fall as far as known; None before the fall."""
        if not self.records or self.state in ("rest", "knee_up", "straight"):
            return None
        return self._opening(self._speed.up)

    def update(
        self, t_s: float, up: Floats, straight: Floats | None, knee_up: Floats | None = None
    ) -> list[PhaseChange]:
        """One bin: its time, mean up `(3,)`, the straight pose and an earlier knee-up pose known by then."""
        speed = self._speed
        speed.update(t_s, up)
        if speed.speed_radps is None:
            return []
        found: list[PhaseChange] = []
        slow_s = speed.slow_for_s(t_s)
        if self.state in ("rest", "straight"):
            self._wait_for_knee_up(t_s, slow_s, straight, knee_up, found)
        elif self.state == "knee_up":
            self._wait_for_fall(t_s, slow_s, found)
        elif self.state == "falling":
            self._fall(t_s, slow_s, straight, found)
        elif self.state == "resting":
            self._rest(t_s, slow_s, straight, found)
        else:
            self._leave(t_s, slow_s, straight, found)
        return found

    # ------------------------------------------------------------------------------------------------- states

    def _wait_for_knee_up(
        self, t_s: float, slow_s: float, straight: Floats | None, knee_up: Floats | None, found: list[PhaseChange]
    ) -> None:
        speed, p = self._speed, self.params
        if self.state == "straight" and slow_s >= p.slow_s:
            self.records[-1].straight_to_s = speed.last_slow_s
        way = self._way.update(speed.up, slow_s >= p.slow_s)
        if slow_s < p.pose_s or speed.slow_from_s is None:
            return
        if straight is None:
            self._first_pose = speed.up if self._first_pose is None else self._first_pose
            straight = self._first_pose
        if angle_between(straight, speed.up) < p.bend_deg * DEG:
            return
        if knee_up is None and self._axis is not None:
            knee_up = self.records[-1].knee_up_sensor
        if knee_up is not None and angle_between(knee_up, speed.up) > p.known_pose_deg * DEG:
            return  # a straight leg that still lies wide open is also far from the straight pose
        if way < p.directness:
            self._begin_without_pause(t_s, speed.slow_from_s, found)
        else:
            self._begin(t_s, speed.slow_from_s, found)

    def _begin(self, t_s: float, from_s: float, found: list[PhaseChange]) -> None:
        self.records.append(FallRecord(from_s, self._speed.up, t_s - self._speed.params.lag_s))
        self.state, self._arc, self._axis = "knee_up", [], None
        self._anchor = self._speed.up
        found.append(PhaseChange("knee_up", from_s, t_s, 0.0))

    def _begin_without_pause(self, t_s: float, arrival_s: float, found: list[PhaseChange]) -> None:
        """The knee was drawn up and fell in one go: it rests open, but from where it fell is not known."""
        self.records.append(FallRecord(arrival_s, self._speed.up, arrival_s, arrival_s=arrival_s))
        self.state, self._arc, self._axis = "resting", [], None
        self._rest_pose = self._speed.up
        found.append(PhaseChange("arrived", arrival_s, t_s, None))

    def _wait_for_fall(self, t_s: float, slow_s: float, found: list[PhaseChange]) -> None:
        speed, p, record = self._speed, self.params, self.records[-1]
        if slow_s >= p.slow_s and angle_between(self._anchor, speed.up) < p.anchor_deg * DEG:
            record.knee_up_sensor, record.knee_up_to_s = speed.up, t_s - speed.params.lag_s
            self._arc = []
        elif speed.slow_from_s is None or self._arc:
            self._add_to_arc(t_s)
        if angle_between(record.knee_up_sensor, speed.up) >= p.left_deg * DEG:
            record.fall_start_s = min(max(speed.last_slow_s or t_s, record.knee_up_to_s), t_s)
            self.state = "falling"
            found.append(PhaseChange("falling", record.fall_start_s, t_s, self._opening(speed.up)))

    def _add_to_arc(self, t_s: float) -> None:
        if len(self._arc) < LONGEST_ARC:
            self._arc.append((t_s, self._speed.up))

    def _fall(self, t_s: float, slow_s: float, straight: Floats | None, found: list[PhaseChange]) -> None:
        speed, p, record = self._speed, self.params, self.records[-1]
        self._add_to_arc(t_s)
        if slow_s < p.slow_s or speed.slow_from_s is None:
            return
        way = angle_between(record.knee_up_sensor, speed.up)
        if way < p.back_deg * DEG:
            self.state, record.fall_start_s = "knee_up", None
        elif way < p.least_fall_deg * DEG:
            return
        elif straight is not None and angle_between(straight, speed.up) < 0.6 * p.bend_deg * DEG:
            self.state, record.fall_start_s = "rest", None
            self.records.pop()
        else:
            self._arrive(t_s, speed.slow_from_s, straight, found)

    def _arrive(self, t_s: float, slow_from_s: float, straight: Floats | None, found: list[PhaseChange]) -> None:
        record = self.records[-1]
        t_arc = [t for t, _ in self._arc]
        arc = np.array([record.knee_up_sensor, *(up for _, up in self._arc)])
        n_fall = circle_length(arc, self.params)
        self._axis = fit_arc_axis(arc[:n_fall]).axis if n_fall >= 3 else None
        self._rest_pose = self._speed.up
        record.arrival_s = max(slow_from_s, record.fall_start_s or slow_from_s)
        if n_fall < len(arc) and self._axis is not None:
            pose, at_s = arc[n_fall - 1], t_arc[n_fall - 2] - self._speed.params.mean_s / 2
            still_on_circle = self._off_circle(self._speed.up) < self.params.off_circle_deg * DEG
            if not still_on_circle and at_s > (record.fall_start_s or at_s):
                record.arrival_s = record.rest_end_s = at_s
                self._rest_pose = pose
                found.append(PhaseChange("arrived", at_s, t_s, self._opening(pose)))
                self.state = "sliding"
                found.append(PhaseChange("sliding", at_s, t_s, self._opening(pose)))
                if self._is_straight(self._speed.up, straight):
                    self._lie_straight(t_s, slow_from_s, found)
                return
        self.state = "resting"
        self._on_circle_s = record.arrival_s
        found.append(PhaseChange("arrived", record.arrival_s, t_s, self._opening(self._speed.up)))

    def _rest(self, t_s: float, slow_s: float, straight: Floats | None, found: list[PhaseChange]) -> None:
        speed, p, record = self._speed, self.params, self.records[-1]
        assert self._rest_pose is not None
        off = self._off_circle(speed.up) if self._axis is not None else 0.0
        if off < 2.0 * DEG and slow_s > 0.0:
            self._on_circle_s = t_s - speed.params.lag_s
        if slow_s >= p.slow_s:
            if off > p.crept_off_deg * DEG and self._is_straight(speed.up, straight):
                record.rest_end_s = self._on_circle_s
                found.append(PhaseChange("sliding", self._on_circle_s, t_s, self._opening(speed.up)))
                self._lie_straight(t_s, t_s - speed.params.lag_s, found)
                return
            self._rest_pose = speed.up
            record.rest_end_s = t_s - speed.params.lag_s
        if angle_between(self._rest_pose, speed.up) >= p.stirred_deg * DEG:
            record.rest_end_s = min(max(speed.last_slow_s or t_s, record.arrival_s or t_s), t_s)
            self.state = "leaving"

    def _leave(self, t_s: float, slow_s: float, straight: Floats | None, found: list[PhaseChange]) -> None:
        """On the way from the rest to elsewhere: sliding, falling on, or back up."""
        speed, p, record = self._speed, self.params, self.records[-1]
        assert self._rest_pose is not None
        if self.state == "leaving" and self._off_circle(speed.up) > p.off_circle_deg * DEG:
            self.state = "sliding"
            found.append(PhaseChange("sliding", record.rest_end_s or t_s, t_s, self._opening(speed.up)))
        if slow_s < p.slow_s or speed.slow_from_s is None:
            return
        if self._axis is not None and angle_between(record.knee_up_sensor, speed.up) < p.near_deg * DEG:
            self._begin(t_s, speed.slow_from_s, found)
        elif self.state == "leaving" and angle_between(self._rest_pose, speed.up) < p.stirred_deg * DEG:
            self.state, record.rest_end_s = "resting", None
        elif self._is_straight(speed.up, straight):
            if self.state == "leaving":
                found.append(PhaseChange("sliding", record.rest_end_s or t_s, t_s, self._opening(speed.up)))
            self._lie_straight(t_s, speed.slow_from_s, found)
        elif self.state == "leaving" and not self._has_turned_over(speed.up):
            self._fell_on(speed.slow_from_s)
        else:
            self.state = "sliding"

    def _lie_straight(self, t_s: float, slow_from_s: float, found: list[PhaseChange]) -> None:
        record = self.records[-1]
        record.slide_end_s = record.straight_to_s = max(slow_from_s, record.rest_end_s or slow_from_s)
        self.state = "straight"
        self._way = _Way()
        found.append(PhaseChange("straight", record.slide_end_s, t_s, None))

    def _fell_on(self, slow_from_s: float) -> None:
        """Still on the circle of the fall: another rest of the same fall; soon after the arrival, the real arrival."""
        record = self.records[-1]
        if (record.rest_end_s or slow_from_s) - (record.arrival_s or slow_from_s) < self.params.settling_s:
            record.arrival_s = slow_from_s
        record.rest_end_s = None
        self._rest_pose = self._speed.up
        self.state, self._on_circle_s = "resting", slow_from_s

    def _is_straight(self, up: Floats, straight: Floats | None) -> bool:
        """True when the thigh lies about as level as in the straight pose.

        A wide open leg lies nearly level too, and slides without leaving the fall's circle by much: so what is left of
        the elevation must also be half or less of what it was at rest.
        """
        assert self._rest_pose is not None
        left, before = self._elevation_gap(up, straight), self._elevation_gap(self._rest_pose, straight)
        is_level = left < self.params.straight_deg * DEG
        if self._has_turned_over(up):
            return False
        return is_level and (self.state == "sliding" or left < max(0.5 * before, 4.0 * DEG))

    # ----------------------------------------------------------------------------------------------- geometry

    def _has_turned_over(self, up: Floats) -> bool:
        opening_deg = 0.0 if self._axis is None else self._opening(up) / DEG
        return not self.params.turned_in_deg < opening_deg < self.params.turned_out_deg

    def _opening(self, up: Floats) -> float:
        record = self.records[-1]
        if self._axis is None:
            return angle_between(record.knee_up_sensor, up)
        return float(angle_about(self._axis, record.knee_up_sensor, up)[0])

    def _off_circle(self, up: Floats) -> float:
        """Distance from the cone of the fall, rad; from the resting place when the fall was not seen."""
        if self._axis is None:
            return 0.0 if self._rest_pose is None else angle_between(self._rest_pose, up)
        now = float(np.arcsin(np.clip(up @ self._axis, -1, 1)))
        then = float(np.arcsin(np.clip(self.records[-1].knee_up_sensor @ self._axis, -1, 1)))
        return abs(now - then)

    def _elevation_gap(self, up: Floats, straight: Floats | None) -> float:
        """How much higher or lower the thigh lies than in the straight pose, rad; 0 where that cannot be told.

        The mediolateral axis is at right angles to the fall's axis (hip-foot line) and to up with the knee up.
        """
        record = self.records[-1]
        if straight is None or self._axis is None:
            return 0.0
        z = np.cross(self._axis, record.knee_up_sensor)
        x = straight - (straight @ z) * z / max(float(z @ z), 1e-9)
        y = np.cross(z, x)
        size = float(np.sqrt(y @ y))
        if size < 1e-6:
            return 0.0
        return abs(float(np.arcsin(np.clip(up @ y / size, -1, 1)) - np.arcsin(np.clip(straight @ y / size, -1, 1))))

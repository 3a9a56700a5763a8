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
    left_deg: float = 8.0
    """A knee this far from the knee-up pose has left it; fidgets and coughs stay within 3."""
    least_fall_deg: float = 10.0
    """A smaller way is no fall."""
    stirred_deg: float = 5.0
    """A resting leg this far from its place may be on its way: a wide open leg slides straight within 10 deg of gravity's
    direction. It has come back (a fidget, a cough) when it is slow within this again."""
    near_deg: float = 12.0
    """Back at the knee-up pose: within this."""
    off_circle_deg: float = 10.0
    """Off the fall's own circle by more than this: the leg slides, it does not fall on."""
    settling_s: float = 5.0
    """A fall that halts and goes on within this time is one fall."""
    straight_deg: float = 20.0
    """Straight: the thigh lies within this of its elevation in the straight pose."""
    anchor_deg: float = 5.0
    """The knee-up pose may shift by this much while it waits; a very slow fall goes further."""


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


class FallPhases:
    """Feeds on bins of up, gives phase changes and keeps a record of every fall."""

    def __init__(self, params: FallParams | None = None) -> None:
        self.params = params or FallParams()
        self.state: State = "rest"
        self.records: list[FallRecord] = []
        self._speed = Slowness()
        self._arc: list[Floats] = []
        self._axis: Floats | None = None
        self._rest_pose: Floats | None = None
        self._first_pose: Floats | None = None
        self._anchor = self._speed.up

    @property
    def angle_rad(self) -> float | None:
        """Opening right now, about the axis of this fall as far as known; None before the fall."""
        if not self.records or self.state in ("rest", "knee_up", "straight"):
            return None
        return self._opening(self._speed.up)

    def update(self, t_s: float, up: Floats, straight: Floats | None) -> list[PhaseChange]:
        """One bin: its time, mean up `(3,)` and the straight pose known by then."""
        speed = self._speed
        speed.update(t_s, up)
        if speed.speed_radps is None:
            return []
        found: list[PhaseChange] = []
        slow_s = speed.slow_for_s(t_s)
        if self.state in ("rest", "straight"):
            self._wait_for_knee_up(t_s, slow_s, straight, found)
        elif self.state == "knee_up":
            self._wait_for_fall(t_s, slow_s, found)
        elif self.state == "falling":
            self._fall(t_s, slow_s, straight, found)
        elif self.state == "resting":
            self._rest(t_s, slow_s)
        else:
            self._leave(t_s, slow_s, straight, found)
        return found

    # ------------------------------------------------------------------------------------------------- states

    def _wait_for_knee_up(self, t_s: float, slow_s: float, straight: Floats | None, found: list[PhaseChange]) -> None:
        speed, p = self._speed, self.params
        if self.state == "straight" and slow_s >= p.slow_s:
            self.records[-1].straight_to_s = speed.last_slow_s
        if slow_s < p.pose_s or speed.slow_from_s is None:
            return
        if straight is None:
            self._first_pose = speed.up if self._first_pose is None else self._first_pose
            straight = self._first_pose
        if angle_between(straight, speed.up) < p.bend_deg * DEG:
            return
        if self.state == "straight" and self._elevation_gap(speed.up, straight) < p.bend_deg * DEG:
            return
        self._begin(t_s, speed.slow_from_s, found)

    def _begin(self, t_s: float, from_s: float, found: list[PhaseChange]) -> None:
        self.records.append(FallRecord(from_s, self._speed.up, t_s - self._speed.params.lag_s))
        self.state, self._arc, self._axis = "knee_up", [], None
        self._anchor = self._speed.up
        found.append(PhaseChange("knee_up", from_s, t_s, 0.0))

    def _wait_for_fall(self, t_s: float, slow_s: float, found: list[PhaseChange]) -> None:
        speed, p, record = self._speed, self.params, self.records[-1]
        if slow_s >= p.slow_s and angle_between(self._anchor, speed.up) < p.anchor_deg * DEG:
            record.knee_up_sensor, record.knee_up_to_s = speed.up, t_s - speed.params.lag_s
            self._arc = []
        elif speed.slow_from_s is None:
            self._arc.append(speed.up)
        if angle_between(record.knee_up_sensor, speed.up) >= p.left_deg * DEG:
            record.fall_start_s = min(max(speed.last_slow_s or t_s, record.knee_up_to_s), t_s)
            self.state = "falling"
            found.append(PhaseChange("falling", record.fall_start_s, t_s, self._opening(speed.up)))

    def _fall(self, t_s: float, slow_s: float, straight: Floats | None, found: list[PhaseChange]) -> None:
        speed, p, record = self._speed, self.params, self.records[-1]
        self._arc.append(speed.up)
        if slow_s < p.slow_s or speed.slow_from_s is None:
            return
        if angle_between(record.knee_up_sensor, speed.up) < p.least_fall_deg * DEG:
            self.state, record.fall_start_s = "knee_up", None
            return
        if straight is not None and angle_between(straight, speed.up) < 0.6 * p.bend_deg * DEG:
            self.state, record.fall_start_s = "rest", None
            self.records.pop()
            return
        if len(self._arc) >= 3:
            self._axis = fit_arc_axis(np.array([record.knee_up_sensor, *self._arc])).axis
        record.arrival_s = max(speed.slow_from_s, record.fall_start_s or speed.slow_from_s)
        self._rest_pose = speed.up
        self.state = "resting"
        found.append(PhaseChange("arrived", record.arrival_s, t_s, self._opening(speed.up)))

    def _rest(self, t_s: float, slow_s: float) -> None:
        speed, p, record = self._speed, self.params, self.records[-1]
        assert self._rest_pose is not None
        if slow_s >= p.slow_s:
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
        if angle_between(record.knee_up_sensor, speed.up) < p.near_deg * DEG:
            self._begin(t_s, speed.slow_from_s, found)
        elif self.state == "leaving" and angle_between(self._rest_pose, speed.up) < p.stirred_deg * DEG:
            self.state, record.rest_end_s = "resting", None
        elif self._is_straight(speed.up, straight):
            if self.state == "leaving":
                found.append(PhaseChange("sliding", record.rest_end_s or t_s, t_s, self._opening(speed.up)))
            record.slide_end_s = record.straight_to_s = max(speed.slow_from_s, record.rest_end_s or 0.0)
            self.state = "straight"
            found.append(PhaseChange("straight", record.slide_end_s, t_s, None))
        elif self.state == "leaving":
            self._fell_on(speed.slow_from_s)

    def _fell_on(self, slow_from_s: float) -> None:
        """Still on the circle of the fall: another rest of the same fall; soon after the arrival, the real arrival."""
        record = self.records[-1]
        if (record.rest_end_s or slow_from_s) - (record.arrival_s or slow_from_s) < self.params.settling_s:
            record.arrival_s = slow_from_s
        record.rest_end_s = None
        self._rest_pose = self._speed.up
        self.state = "resting"

    def _is_straight(self, up: Floats, straight: Floats | None) -> bool:
        """True when the thigh lies about as level as in the straight pose.

        A wide open leg lies nearly level too, and slides without leaving the fall's circle by much: so what is left of the
        elevation must also be half or less of what it was at rest.
        """
        assert self._rest_pose is not None
        left, before = self._elevation_gap(up, straight), self._elevation_gap(self._rest_pose, straight)
        is_level = left < self.params.straight_deg * DEG
        return is_level and (self.state == "sliding" or left < max(0.5 * before, 4.0 * DEG))

    # ----------------------------------------------------------------------------------------------- geometry

    def _opening(self, up: Floats) -> float:
        record = self.records[-1]
        if self._axis is None:
            return angle_between(record.knee_up_sensor, up)
        return float(angle_about(self._axis, record.knee_up_sensor, up)[0])

    def _off_circle(self, up: Floats) -> float:
        """Distance from the cone of the fall, rad."""
        if self._axis is None:
            return angle_between(self.records[-1].knee_up_sensor, up)
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

"""What is known of the wearer: still poses, alignment of each strap, posture. Blocks in, events out.

The poses are those that the practice passes through anyway. A step tells which one with `expect_pose`; with nothing
ever expected for a placement, the first still pose is taken as the straight leg and a later one, bent by 25 degrees or
more, as knee up. The straight pose is taken once per strap placement: re-taken at a later rest, the residual rotation
of the resting leg would become zero by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.exercises.alignment import Alignment
from sensorsoma.exercises.posture import PostureParams, thigh_posture, trunk_posture
from sensorsoma.exercises.slip import FallPlane
from sensorsoma.exercises.worn import Worn
from sensorsoma.messages import (
    Event,
    Floats,
    Gap,
    OrientedBlock,
    Placement,
    Pose,
    Posture,
    PostureChanged,
    placement_side,
)


@dataclass(frozen=True, slots=True)
class _Held:
    """A posture and since when it is known."""

    since_s: float
    known_s: float
    posture: Posture


class Body:
    """Feeds on all placements; detectors ask it, at their own sample time, what was known by then."""

    def __init__(self, posture_params: PostureParams | None = None) -> None:
        self._params = posture_params or PostureParams()
        self._worn: dict[Placement, Worn] = {}
        self._placement_of: dict[str, Placement] = {}
        self._postures: list[_Held] = []
        self._candidate: tuple[float, Posture] | None = None
        self._is_asked_to_turn = False
        self._trunk: tuple[Floats, Floats] | None = None
        """The supine pose of the pelvis, and its axes."""
        self._up_before: dict[Placement, tuple[float, float, float]] = {}
        """How each thigh lay when the trunk was last seen on the back or the belly."""
        self._taken_off: list[Worn] = []
        self._sensor_sd_deg: dict[Placement, float] = {}

    # ------------------------------------------------------------------------------------------ what is asked

    def alignment(self, placement: Placement, at_s: float | None = None) -> Alignment | None:
        """The latest alignment of a thigh (known by `at_s`), or None."""
        worn = self._worn.get(placement)
        return None if worn is None else worn.alignment(at_s)

    def straight_pose(self, placement: Placement, at_s: float | None = None) -> Floats | None:
        """`(3,)` up in the first straight (or supine) still pose known by `at_s`, or None."""
        worn = self._worn.get(placement)
        return None if worn is None else worn.straight(at_s)

    def is_still(self, placement: Placement) -> bool:
        """True while the sensor rests, as of the latest sample."""
        worn = self._worn.get(placement)
        return worn is not None and bool(worn.is_still)

    def notes(self, placement: Placement) -> tuple[str, ...]:
        """Sentences on the quality of the alignment: slip, refusal."""
        worn = self._worn.get(placement)
        return () if worn is None else tuple(worn.notes)

    def straight_for_comparing(self, placement: Placement) -> Floats | None:
        """`(3,)` up in the first straight pose; None once the strap has slipped: before and after are not mixed."""
        worn = self._worn.get(placement)
        return None if worn is None or worn.has_slipped else worn.straight(None)

    def sensor_sd_deg(self, placement: Placement | None) -> float | None:
        """What this sensor's accelerometer adds to an arc of 60 degrees; None where no fit is kept."""
        return None if placement is None else self._sensor_sd_deg.get(placement)

    def straps(self, channel: str) -> tuple[Worn, ...]:
        """All seats that this channel's sensor had, in order, for what is said of them at the end."""
        return tuple(worn for worn in (*self._taken_off, *self._worn.values()) if worn.channel == channel)

    @property
    def posture(self) -> Posture:
        """The latest posture; "unknown" until something worn can tell."""
        return self._postures[-1].posture if self._postures else "unknown"

    def posture_at(self, t_s: float) -> Posture:
        """The posture that was known at a sample time."""
        for held in reversed(self._postures):
            if held.known_s <= t_s:
                return held.posture
        return "unknown"

    def postures_by(self, t_s: float) -> tuple[tuple[float, Posture], ...]:
        """All postures known by a sample time, each with the time it was first seen."""
        return tuple((held.since_s, held.posture) for held in self._postures if held.known_s <= t_s)

    # ------------------------------------------------------------------------------------------ what is told

    def expect_pose(self, placement: Placement, pose: Pose, from_s: float) -> None:
        """The step that begins at `from_s` passes through this pose."""
        self._get(placement).expect(pose, from_s)

    def expect_turn(self, is_expected: bool) -> None:
        """The person has been asked to turn over (or that is done): a lower leg may then tell the side as well."""
        self._is_asked_to_turn = is_expected

    def trust(self, placement: Placement, sensor_sd_deg: float) -> None:
        """The accelerometer there is corrected by a fit: an arc of 60 degrees is good to this standard deviation."""
        self._sensor_sd_deg[placement] = sensor_sd_deg

    def saw_fall(self, placement: Placement, plane: FallPlane) -> None:
        """A fall of this thigh was measured: its plane tells of the alignment and of a strap that slipped."""
        self._get(placement).saw_fall(plane)

    def forget(self, placement: Placement) -> None:
        """The sensor was moved: alignment and poses are void."""
        if placement in self._worn:
            self._taken_off.append(self._worn.pop(placement))
        self._placement_of = {c: p for c, p in self._placement_of.items() if p != placement}

    def feed(self, block: OrientedBlock | Gap) -> tuple[Event, ...]:
        """Poses, alignment, stillness and posture that these samples make known."""
        if isinstance(block, Gap):
            placement = self._placement_of.get(block.channel)
            if placement is not None:
                self._worn[placement].gap(block)
            return ()
        self._placement_of[block.channel] = block.placement
        worn = self._get(block.placement)
        events: list[Event] = []
        for t_s in worn.step(block, events):
            if block.placement == "pelvis" or (worn.is_thigh and not self._has_trunk()):
                self._watch_posture(worn, t_s, events)
        return tuple(events)

    def _get(self, placement: Placement) -> Worn:
        if placement not in self._worn:
            self._worn[placement] = Worn(placement)
        return self._worn[placement]

    # ----------------------------------------------------------------------------------------------- posture

    def _has_trunk(self) -> bool:
        pelvis = self._worn.get("pelvis")
        return pelvis is not None and pelvis.straight(None) is not None

    def _watch_posture(self, worn: Worn, t_s: float, events: list[Event]) -> None:
        """A posture that stays the same, calmly, for its hold time is announced."""
        seen = self._trunk_seen(worn) if worn.placement == "pelvis" else self._thigh_seen(worn)
        if seen is None or seen == self.posture:
            self._candidate = None
            return
        if self._candidate is None or self._candidate[1] != seen:
            self._candidate = (t_s, seen)
        since_s = self._candidate[0]
        if t_s - since_s >= self._params.hold_s and worn.is_calm:
            self._candidate = None
            self._postures.append(_Held(since_s, t_s, seen))
            events.append(PostureChanged(since_s, t_s, worn.channel, worn.placement, seen))

    def _thigh_seen(self, worn: Worn) -> Posture | None:
        """What this thigh shows, unless the other one lies on top: the lower leg may point anywhere."""
        seen = self._one_thigh_seen(worn)
        for other in self._worn.values():
            if other is not worn and other.is_thigh and seen is not None:
                shown = self._one_thigh_seen(other)
                if shown == _own_side_up(other):
                    return shown
        return seen

    def _one_thigh_seen(self, worn: Worn) -> Posture | None:
        alignment, side = worn.alignment(None), placement_side(worn.placement)
        if alignment is None or side is None:
            return None
        up = alignment.in_body(np.array(worn.up))[0].tolist()
        return thigh_posture(up, side, self.posture, self._params, self._is_asked_to_turn)

    def _trunk_seen(self, worn: Worn) -> Posture | None:
        """From the pelvis; which side is up from an aligned thigh where one tells, else from the mounting mark (y)."""
        x = worn.straight(None)
        if x is None:
            return None
        if self._trunk is None or self._trunk[0] is not x:
            self._trunk = (x, _trunk_axes(x))
        front, head, right = (self._trunk[1] @ np.array(worn.up)).tolist()
        seen = trunk_posture((front, head, right), self.posture, self._params)
        if seen not in ("left_up", "right_up", "upright"):
            for thigh in self._worn.values():
                self._up_before[thigh.placement] = thigh.up
            return seen
        for thigh in self._worn.values():
            alignment = thigh.alignment(None)
            if alignment is not None and self._has_come_along(thigh):
                to_right = float(np.array(thigh.up) @ alignment.z_sensor)
                if abs(to_right) > 0.5:
                    return "right_up" if to_right > 0 else "left_up"
        return seen

    def _has_come_along(self, thigh: Worn) -> bool:
        """True unless the thigh lies as it did before the trunk turned: then its sensor has come off."""
        before = self._up_before.get(thigh.placement)
        return before is None or float(np.dot(before, thigh.up)) < self._params.came_along


def _trunk_axes(x: Floats) -> Floats:
    """`(3, 3)` rows to the front, to the head by the mounting mark (y; x where that points up) and to the right."""
    mark = np.array([0.0, 1.0, 0.0]) - x[1] * x
    if np.linalg.norm(mark) < 0.3:
        mark = np.array([1.0, 0.0, 0.0]) - x[0] * x
    y = mark / np.linalg.norm(mark)
    return np.stack([x, y, np.cross(x, y)])


def _own_side_up(worn: Worn) -> Posture:
    return "left_up" if worn.placement == "left-thigh" else "right_up"

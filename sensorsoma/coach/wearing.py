"""What is worn where, which links are lost, how the person lies: what the coach may count on right now."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sensorsoma.coach.sight import THIGHS, sees, sees_well
from sensorsoma.coach.steps import Step
from sensorsoma.messages import AlignmentReady, Placement, Posture, PostureChanged, StillnessChanged, thigh_of

LYING: frozenset[Posture | None] = frozenset({"supine", "left_up", "right_up"})

STILL_IN_A_ROLL_S = 15.0
"""Nobody rolls over, which takes some seconds and is known two later, without moving a thigh."""


class Wearing:
    """Keeps where the sensors sit, and what they have told of the wearer's posture."""

    def __init__(self, worn: Sequence[Placement]) -> None:
        self.worn: set[Placement] = set(worn)
        self.turned_to: Posture | None = None
        """The last posture that was taken since the step began."""
        self.was_there = False
        """The roll's posture was known before the roll began. From a thigh alone that is no proof: then time guides."""
        self._placement_of: dict[str, Placement] = {place: place for place in worn}
        self._lost: set[str] = set()
        self._aligned: set[Placement] = set()
        self._posture_of: dict[str, Posture] = {}
        self._still_since_s: dict[Placement, float] = {}

    def saw(self, step: Step) -> bool:
        """True when something that is worn can measure the step."""
        return sees("knee_fall" if step.continues else step.do, step.side, self.worn)

    def sees_well(self, step: Step) -> bool:
        """True when what is worn sees the step well enough to count it aloud, be the link lost for a moment."""
        return sees_well(step.do, step.side, self.worn)

    def sees_well_now(self, step: Step) -> bool:
        """True when the step can end by what is seen: worn, the link up, and for a roll the pose known."""
        there = self.there
        if step.do == "roll_over":
            is_aligned = any(thigh in there and thigh in self._aligned for thigh in THIGHS)
            return "pelvis" in there or (is_aligned and not (self.was_there and self.turned_to is None))
        return sees_well("knee_fall" if step.continues else step.do, step.side, there)

    @property
    def there(self) -> set[Placement]:
        """Where something is worn that is heard."""
        return self.worn - {self._placement_of[channel] for channel in self._lost}

    # ------------------------------------------------------------------------------------ links and straps

    def lost(self, channel: str) -> bool:
        """Notes a lost link; True when it is worth a sentence."""
        if channel in self._lost or self._placement_of.get(channel) not in self.worn:
            return False
        self._lost.add(channel)
        return True

    def resumed(self, channel: str) -> bool:
        """Notes a link that is back; False when it was not lost."""
        was_lost = channel in self._lost
        self._lost.discard(channel)
        return was_lost

    def left_behind(self, event: PostureChanged) -> list[tuple[str, Placement]]:
        """Channel and placement of thighs that lay still while the pelvis rolled over: they are worn no more."""
        before = self.pelvis_posture
        if event.placement != "pelvis" or not {before, event.posture} <= LYING or before == event.posture:
            return []
        long_ago_s = event.t_s - STILL_IN_A_ROLL_S
        return [
            (channel, place)
            for channel, place in self._placement_of.items()
            if place in THIGHS and place in self.there and self._still_since_s.get(place, math.inf) < long_ago_s
        ]

    def put_aside(self, channel: str) -> None:
        """What this sensor tells is not the wearer's any more."""
        self.worn.discard(self._placement_of[channel])
        self._posture_of.pop(channel, None)

    @property
    def has_lost_one(self) -> bool:
        """True while a link is lost."""
        return bool(self._lost)

    def put_belly_aside(self) -> None:
        """A phone on the belly does not come along onto the side."""
        self.worn.discard("belly")

    def move_sensor(self, step: Step) -> tuple[str, Placement] | None:
        """Channel and new placement of the thigh sensor, when the step moves one that is worn elsewhere."""
        target = step.moves_sensor_to
        if target is None or target in self.worn:
            return None
        for channel, place in self._placement_of.items():
            if place in THIGHS and place in self.worn:
                self.worn = (self.worn - {place}) | {target}
                self._placement_of[channel] = target
                self._aligned -= {place, target}
                self._posture_of.pop(channel, None)
                return channel, target
        return None

    # ---------------------------------------------------------------------------------------------- posture

    def posture(self, event: PostureChanged) -> None:
        """How the wearer lies now, by one sensor."""
        self._posture_of[event.channel] = self.turned_to = event.posture

    def aligned(self, event: AlignmentReady) -> None:
        """The axes of a thigh are known."""
        self._aligned.add(event.placement)

    def step_started(self, step: Step) -> None:
        """Whether a roll leads to where the person lies already."""
        self.turned_to = None
        self.was_there = step.do == "roll_over" and self._lies(step)

    def still(self, event: StillnessChanged) -> None:
        """A sensor came to rest or began to move."""
        self._still_since_s[event.placement] = event.t_s if event.is_still else math.inf

    def rested_s(self, step: Step, t_s: float) -> float:
        """For how long the sensor that counts the step has been at rest, seconds; infinite where it never said."""
        place: Placement = "pelvis" if step.side is None else thigh_of(step.side)
        return max(0.0, t_s - self._still_since_s.get(place, -math.inf))

    @property
    def is_surely_there(self) -> bool:
        """True when the pelvis, which knows better than a thigh, said that the roll has been done already."""
        return self.was_there and self.pelvis_posture is not None

    @property
    def pelvis_posture(self) -> Posture | None:
        """How the pelvis lies; None where no sensor there has told."""
        return next((self._posture_of.get(c) for c, place in self._placement_of.items() if place == "pelvis"), None)

    @property
    def side_up_by_thigh(self) -> Posture | None:
        """The side that is up by a thigh that says so of itself: its outer face can point up in no other way."""
        for channel, posture in self._posture_of.items():
            if (self._placement_of.get(channel), posture) in (("left-thigh", "left_up"), ("right-thigh", "right_up")):
                return posture
        return None

    def _lies(self, step: Step) -> bool:
        pelvis = self.pelvis_posture
        known = [pelvis] if pelvis is not None else list(self._posture_of.values())
        return target_posture(step) in known


def target_posture(step: Step) -> Posture:
    """The posture that a roll leads to: the practised leg on top, or on the back."""
    return "supine" if step.side is None else "left_up" if step.side == "left" else "right_up"

"""What of a plan is measured with what is worn, step by step, before anything is practised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sensorsoma.coach.sight import THIGHS, sees_well
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.messages import Exercise, Placement
from sensorsoma.sight import seen_by

WEAK_FROM_THIGH = frozenset({"pelvic_rock", "pelvic_hold", "breathing"})
"""Seen from a thigh only faintly: measured, and marked weak."""

TRUNK: tuple[Placement, ...] = ("belly", "pelvis")
"""Where breath is counted while lying on the back, the better one first."""


@dataclass(frozen=True, slots=True)
class StepSeen:
    """A step and what sees it."""

    step: Step
    by: tuple[Placement, ...]
    """Placements that measure it; empty: it is guided by time."""
    is_weak: bool
    breath_by: Placement | None
    """What counts its breaths; None: they are time at the plan's pace, or the step asks for none."""
    puts_belly_aside: bool

    @property
    def is_measured(self) -> bool:
        """True when something of it is measured, be it its breath alone."""
        return bool(self.by) or self.breath_by is not None

    def label(self) -> str:
        """For people: "right thigh", "pelvis, weakly", "guided"."""
        if self.step.moves_sensor_to is not None:
            return "you strap it on"
        if not self.by:
            return "guided" if self.breath_by is None else f"breath by {self.breath_by}"
        label = " and ".join(place.replace("-", " ") for place in self.by) + (", weakly" if self.is_weak else "")
        return label + (f", breath by {self.breath_by}" if self.breath_by not in (None, *self.by) else "")


def coverage(plan: Plan, worn: Iterable[Placement]) -> list[StepSeen]:
    """What sees each step, as sensors are moved and put aside on the way.

    >>> from sensorsoma.coach.plan import load_plan
    >>> [seen.label() for seen in coverage(load_plan("short"), ["pelvis"])][:6]
    ['pelvis', 'guided', 'breath by pelvis', 'guided', 'guided', 'pelvis']
    """
    there = list(dict.fromkeys(worn))
    found: list[StepSeen] = []
    is_supine = True
    for step in plan.steps:
        is_aside = step.do == "roll_over" and "belly" in there
        if is_aside:
            there.remove("belly")
        by: tuple[Placement, ...] = ()
        if step.moves_sensor_to is None:
            by = seen_by(_measured_as(step), step.side, there)
        is_supine = step.side is None if step.do == "roll_over" else is_supine
        trunk = next((place for place in TRUNK if place in there and is_supine and step.breaths is not None), None)
        found.append(StepSeen(step, by, _is_weak(step, by), trunk, is_aside))
        if step.moves_sensor_to is not None:
            there = [step.moves_sensor_to if place in THIGHS else place for place in there]
    return found


def _measured_as(step: Step) -> Exercise:
    """A continuing step is part of its fall."""
    return "knee_fall" if step.continues else step.do


def _is_weak(step: Step, by: tuple[Placement, ...]) -> bool:
    if not by or step.continues:
        return False
    if step.do == "pelvic_rock":
        return not sees_well(step.do, step.side, by)
    return step.do in WEAK_FROM_THIGH and by[0] in THIGHS

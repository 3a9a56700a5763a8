"""Which worn sensor sees which movement: what is asked, into the stretches that can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sensorsoma.exercises.base import Stretch
from sensorsoma.messages import Exercise, Placement, Side, placement_side

_Seen = Literal["thigh", "pelvis", "belly", "any thigh"]

SEEN_FROM: dict[Exercise, tuple[_Seen, ...]] = {
    "knee_in": ("thigh",),
    "knee_fall": ("thigh",),
    "knee_roll": ("any thigh",),
    "leg_slide": ("thigh",),
    "clamshell": ("thigh",),
    "leg_back": ("thigh",),
    "pelvic_rock": ("pelvis", "any thigh"),
    "pelvic_hold": ("pelvis", "any thigh"),
    "breathing": ("belly", "pelvis"),
    "rocking": ("pelvis", "any thigh"),
    "roll_over": ("pelvis", "any thigh"),
    "rest": ("any thigh", "pelvis", "belly"),
    "stillness": ("any thigh", "pelvis", "belly"),
    "free": ("any thigh", "pelvis", "belly"),
    "unknown": ("any thigh", "pelvis", "belly"),
}
"""From best to worst; the first that is worn is used. `thigh` is the thigh of the side that moves (both without a
side: each leg is measured for itself), `any thigh` prefers that side but takes the other."""


def stretches_for(
    exercise: Exercise, side: Side | None, worn: Sequence[Placement], start_s: float, step_id: str | None
) -> tuple[Stretch, ...]:
    """What can be measured of an exercise with what is worn; empty when nothing sees it.

    >>> [s.placement for s in stretches_for("leg_slide", None, ("left-thigh", "right-thigh", "pelvis"), 0.0, None)]
    ['left-thigh', 'right-thigh']
    >>> stretches_for("clamshell", "left", ("right-thigh",), 0.0, None)
    ()
    """
    thighs = [placement for placement in worn if placement.endswith("thigh")]
    for seen in SEEN_FROM[exercise]:
        if seen == "thigh":
            found = [placement for placement in thighs if side is None or placement_side(placement) == side]
        elif seen == "any thigh":
            found = sorted(thighs, key=lambda placement: placement_side(placement) != side)[:1]
        else:
            found = [placement for placement in worn if placement == seen]
        if found:
            return tuple(Stretch(exercise, _side(seen, side, at), at, start_s, step_id) for at in found)
    return ()


def _side(seen: _Seen, side: Side | None, placement: Placement) -> Side | None:
    return placement_side(placement) if side is None and seen == "thigh" else side

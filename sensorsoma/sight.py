"""Which worn sensor sees which movement: one table for what is measured and for what the coach may promise."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from sensorsoma.messages import Exercise, Placement, Side, placement_side

SeenFrom = Literal["thigh", "any thigh", "pelvis", "belly"]

SEEN_FROM: dict[Exercise, tuple[SeenFrom, ...]] = {
    "knee_in": ("thigh",),
    "knee_fall": ("thigh",),
    "knee_roll": ("any thigh",),
    "leg_slide": ("thigh",),
    "clamshell": ("thigh",),
    "leg_back": ("thigh",),
    "pelvic_rock": ("pelvis", "belly", "any thigh"),
    "pelvic_hold": ("pelvis", "any thigh"),
    "breathing": ("belly", "pelvis", "any thigh"),
    "rocking": ("pelvis", "any thigh"),
    "roll_over": ("pelvis", "any thigh"),
    "rest": ("any thigh", "pelvis", "belly"),
    "stillness": ("any thigh", "pelvis", "belly"),
    "free": ("any thigh", "pelvis", "belly"),
    "unknown": ("any thigh", "pelvis", "belly"),
}
"""From best to worst; the first that is worn is used. `thigh` is the thigh of the side that moves (both without a
side: each leg is measured for itself), `any thigh` prefers that side but takes the other."""

EACH_LEG = frozenset(exercise for exercise, seen in SEEN_FROM.items() if seen == ("thigh",))
"""Movements that only the moving thigh sees: the other one is dragged along or lies still."""


def seen_by(exercise: Exercise, side: Side | None, worn: Collection[Placement]) -> tuple[Placement, ...]:
    """The placements that measure a movement, out of those that are worn; empty when nothing sees it.

    >>> seen_by("leg_slide", None, ("left-thigh", "right-thigh", "pelvis"))
    ('left-thigh', 'right-thigh')
    >>> seen_by("clamshell", "left", ("right-thigh", "pelvis"))
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
            return tuple(found)
    return ()

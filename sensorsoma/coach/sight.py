"""What the worn sensors can see, movement by movement: what the coach may count on."""

from __future__ import annotations

from collections.abc import Collection

from sensorsoma.coach.steps import NEEDS_SIDE
from sensorsoma.messages import Exercise, Placement, Side
from sensorsoma.sight import seen_by

THIGHS: tuple[Placement, Placement] = ("left-thigh", "right-thigh")


def sees(do: Exercise, side: Side | None, worn: Collection[Placement]) -> bool:
    """True when something that is worn can measure the movement, be it weakly."""
    if do == "unknown" or (side is None and do in NEEDS_SIDE):
        return False
    return bool(seen_by(do, side, worn))


def sees_well(do: Exercise, side: Side | None, worn: Collection[Placement]) -> bool:
    """True when the movement is seen well enough to be counted aloud and to end its step.

    Pelvic tilt seen from a thigh alone is weak evidence (a thigh moves some 5 degrees, and counts were exact in half of
    a public set), so it is guided by time and reported as weak.
    """
    return "pelvis" in worn if do == "pelvic_rock" else sees(do, side, worn)

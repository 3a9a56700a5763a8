"""What the worn sensors can see, movement by movement (the columns of the practice table)."""

from __future__ import annotations

from collections.abc import Collection

from sensorsoma.messages import Exercise, Placement, Side, thigh_of

THIGHS: tuple[Placement, Placement] = ("left-thigh", "right-thigh")

OWN_THIGH = frozenset({"knee_fall", "clamshell", "leg_back"})
"""Only the thigh that moves can see these: the other thigh is dragged along or lies still."""

ANYWHERE = frozenset({"rest", "stillness", "free"})


def sees(do: Exercise, side: Side | None, worn: Collection[Placement]) -> bool:
    """True when something that is worn can measure the movement, be it weakly."""
    thighs = [place for place in THIGHS if place in worn]
    if do in OWN_THIGH or (do == "leg_slide" and side is not None):
        return side is not None and thigh_of(side) in worn
    if do in ANYWHERE:
        return bool(worn)
    if do == "breathing":
        return "belly" in worn or "pelvis" in worn
    if do in ("pelvic_rock", "pelvic_hold", "roll_over", "rocking"):
        return "pelvis" in worn or bool(thighs)
    return bool(thighs) and do != "unknown"


def sees_well(do: Exercise, side: Side | None, worn: Collection[Placement]) -> bool:
    """True when the movement is seen well enough to be counted aloud and to end its step.

    Pelvic tilt seen from a thigh alone is weak evidence (a thigh moves some 5 degrees, and counts were exact in half of
    a public set), so it is guided by time and reported as weak.
    """
    return "pelvis" in worn if do == "pelvic_rock" else sees(do, side, worn)

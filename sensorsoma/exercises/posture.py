"""How the wearer lies, from where up points in segment axes, with hysteresis.

A thigh alone is ambiguous: the right knee fallen wide open shows gravity almost as lying on the right side does. So
that side is believed only when the thigh is turned further than a hip opens. The other side (the worn leg on top) is
unambiguous.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensorsoma.exercises.alignment import side_factor
from sensorsoma.messages import Posture, Side


@dataclass(frozen=True, slots=True)
class PostureParams:
    """Limits on components of up, cosine-like, -1 to 1."""

    side_up: float = 0.7
    """Worn leg on top: its outer face up by this much (within 45 deg)."""
    side_kept: float = 0.2
    """An open clamshell turns the thigh by up to 79 deg; the side posture is kept as long as this much is left."""
    outward: float = 0.985
    """Worn leg below: turned out beyond 80 deg; hips open less than that."""
    outward_asked: float = 0.75
    """The same while the person has been asked to turn over, when no knee is falling."""
    outward_kept: float = 0.5
    """Left again below this."""
    prone: float = -0.6
    """Front of the body down."""
    hold_s: float = 1.5
    """A posture is announced after it stayed calmly for this long; rolling through one is not lying in it."""
    upright: float = 0.85
    """Hip above knee (standing, or getting up)."""
    came_along: float = 0.94
    """A thigh that lies within 20 deg of how it lay before the trunk turned onto its side has not turned with it."""


def thigh_posture(
    up_segment: Sequence[float], side: Side, before: Posture, params: PostureParams, is_asked_to_turn: bool = False
) -> Posture:
    """The posture that an aligned thigh shows; `up_segment` is up along (x anterior, y to the hip, z right)."""
    x, y, z = up_segment
    own: Posture = "right_up" if side == "right" else "left_up"
    other: Posture = "left_up" if side == "right" else "right_up"
    top = side_factor(side) * z
    if top > (params.side_kept if before == own else params.side_up):
        return own
    outward = params.outward_asked if is_asked_to_turn else params.outward
    if -top > (params.outward_kept if before == other else outward):
        return other
    if y > params.upright:
        return "upright"
    return "prone" if x < params.prone else "supine"


def trunk_posture(up_segment: Sequence[float], before: Posture, params: PostureParams) -> Posture:
    """The posture that a sensor at the pelvis shows; up along (x anterior, y to the head, z right)."""
    x, y, z = up_segment
    side: Posture = "right_up" if z > 0 else "left_up"
    if y > params.upright:
        return "upright"
    if abs(z) > (0.5 if before in ("right_up", "left_up") else 0.7):
        return side
    return "prone" if x < params.prone else "supine"

"""Which way is in? The mounting mark says it, and how a breath at rest is shaped confirms or denies it.

Below the navel the belly lifts the head end of a phone when it rises, and a strap at the front hip bones tips the same
way, so inhale is up turning towards the mounting mark (sensor y, to the head). But a phone is laid down the other way
round, across, or above the navel, and then shows the mirror image. At rest the muscles draw breath in and the chest's
own spring lets it out: the exhale takes longer, and the body rests after it, empty, before it breathes in again. A
breath is therefore lopsided, and its mirror image is lopsided the other way.

The direction is sure where the mark and this asymmetry agree, or where the asymmetry alone is beyond doubt. Else it is
not: somebody may hold the breath at the top, or breathe in slowly. Nothing that needs it is told then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from sensorsoma.messages import Floats

MARK = np.array([0.0, 1.0, 0.0])
"""The sensor's y, which points to the head on pelvis and belly."""


@dataclass(frozen=True, slots=True)
class DirectionParams:
    """When in and out are told apart."""

    mark_cosine: float = 0.5
    """The mark says something when the breath's axis lies within 60 degrees of it."""
    least_breaths: int = 3
    """One breath may be a sigh or be held; three breaths in the middle have to be lopsided ..."""
    overruling_breaths: int = 5
    """... and five before they are believed without the mark or against it."""
    beyond_doubt: float = 0.15
    """An inhale of 0.55 of the breath, held at the top for a tenth of it, is lopsided by so much the wrong way."""


@dataclass(frozen=True, slots=True)
class Direction:
    """What is known of in and out."""

    is_up: bool
    """Growing values are the inhale, as far as is known."""
    is_sure: bool
    is_other_way: bool = False
    """Sure, and against the mark."""


def asymmetry(gone: Floats, inhale_share: float) -> float:
    """How lopsided a breath is, growing values taken as in: positive at rest, about 0 for an even swing.

    The time near its end of exhale minus that near its end of inhale, and what the inhale lacks to half, as shares of
    the breath. For the mirror image it is the same with the other sign.

    Args:
        gone: `(n,)` values of one breath, evenly spaced in time.
        inhale_share: part of the time in which it grows, 0-1.
    """
    low, high = float(gone.min()), float(gone.max())
    near = NEAR_SHARE * (high - low)
    return float((gone < low + near).mean() - (gone > high - near).mean()) + 0.5 - inhale_share


NEAR_SHARE = 0.2
"""Within a fifth of the depth the breath rests or turns; scatter and pulse stay below that where a share is told."""


def direction_of(cosine: float, asymmetries: Sequence[float], params: DirectionParams) -> Direction:
    """What mark and breaths say together.

    Args:
        cosine: of the breath's axis, towards which values grow, with the mark; 0 without a mark.
        asymmetries: of the breaths, growing values taken as in.
    """
    is_marked = abs(cosine) >= params.mark_cosine
    lean = median(asymmetries) if len(asymmetries) >= params.least_breaths else 0.0
    if abs(lean) > params.beyond_doubt and len(asymmetries) >= params.overruling_breaths:
        return Direction(lean > 0.0, is_sure=True, is_other_way=is_marked and (lean > 0.0) != (cosine > 0.0))
    if not is_marked:
        return Direction(lean > 0.0 if lean else cosine >= 0.0, is_sure=False)
    is_up = cosine > 0.0
    return Direction(is_up, is_sure=lean > 0.0 if is_up else lean < 0.0)

"""What is asked, into the stretches that can be measured with what is worn."""

from __future__ import annotations

from collections.abc import Sequence

from sensorsoma.exercises.base import Stretch
from sensorsoma.messages import Exercise, Placement, Side, placement_side
from sensorsoma.sight import EACH_LEG, seen_by


def stretches_for(
    exercise: Exercise, side: Side | None, worn: Sequence[Placement], start_s: float, step_id: str | None
) -> tuple[Stretch, ...]:
    """What can be measured of an exercise with what is worn; empty when nothing sees it.

    >>> [s.side for s in stretches_for("leg_slide", None, ("left-thigh", "right-thigh", "pelvis"), 0.0, None)]
    ['left', 'right']
    >>> [(s.side, s.placement) for s in stretches_for("pelvic_rock", None, ("left-thigh",), 0.0, None)]
    [(None, 'left-thigh')]
    """
    return tuple(
        Stretch(exercise, placement_side(at) if side is None and exercise in EACH_LEG else side, at, start_s, step_id)
        for at in seen_by(exercise, side, worn)
    )

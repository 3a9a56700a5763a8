"""Without a known strap orientation: what a thigh does has no name, but a shape.

Gravity alone cannot tell a clamshell from a knee that rolls, nor which leg works. It tells a large arc to and fro, a
small tilt to and fro, and rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.exercises.found.moves import LEG_MOVES, TILT_MOVES, Move, moves_of, sets_of, to_and_fro
from sensorsoma.exercises.found.seen import Track
from sensorsoma.exercises.found.stretch import Found, SeenAs


@dataclass(frozen=True, slots=True)
class ShapeParams:
    """When a movement has a shape."""

    set_gap_s: float = 12.0
    """Repetitions with longer pauses between them are different sets: two slow breaths."""
    large_deg: float = 15.0
    """Half of all movements of a large arc are larger than this; a thigh follows the pelvis by less than 14."""
    tilt_moves: int = 4
    """Small ones must come back twice: a leg that is laid down elsewhere does so once or twice."""
    to_and_fro: float = 1.6
    """Way over reach: there and back is 2, another place to lie is 1."""


def shapes(track: Track, params: ShapeParams | None = None) -> list[Found]:
    """Large arcs, and tilts between them."""
    params = params or ShapeParams()
    arcs = sets_of(moves_of(track, LEG_MOVES), params.set_gap_s)
    found = [_shape(track, group, "large arc") for group in arcs if _is_large(track, group, params)]
    for group in sets_of(moves_of(track, TILT_MOVES), params.set_gap_s):
        free = [move for move in group if not any(f.start < move.end and move.start < f.end for f in found)]
        if len(free) >= params.tilt_moves and _is_to_and_fro(track, free, params):
            found.append(_shape(track, free, "tilt"))
    return found


def _is_large(track: Track, group: list[Move], params: ShapeParams) -> bool:
    return _median_arc(group) >= params.large_deg and _is_to_and_fro(track, group, params)


def _median_arc(group: list[Move]) -> float:
    return float(np.median([move.arc_deg for move in group]))


def _is_to_and_fro(track: Track, group: list[Move], params: ShapeParams) -> bool:
    return to_and_fro(track, group) >= params.to_and_fro


def _shape(track: Track, group: list[Move], seen_as: SeenAs) -> Found:
    why = (
        "how the strap sits is not known, so it has no name (two still poses at the beginning tell it, leg straight, "
        "then knee up; or say what it was with --exercise)"
    )
    return Found("unknown", None, group[0].start, group[-1].end, why, seen_as, track.placement)

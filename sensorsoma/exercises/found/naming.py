"""Everything that was seen into named stretches, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from sensorsoma.exercises.found.lying import Turn, lies_of
from sensorsoma.exercises.found.moves import LEG_MOVES, Cells, joined, moves_of, runs_of
from sensorsoma.exercises.found.pelvis import pelvic
from sensorsoma.exercises.found.rhythm import rocking
from sensorsoma.exercises.found.seen import GRID_HZ, Seen
from sensorsoma.exercises.found.side_lying import side_lying
from sensorsoma.exercises.found.stretch import Found, FoundStretch
from sensorsoma.exercises.found.supine import supine
from sensorsoma.exercises.found.trust import trusted
from sensorsoma.exercises.found.unaligned import shapes
from sensorsoma.messages import Side

REST_S = 3.0
"""A shorter pause between two stretches belongs to neither and is not called a rest."""
ARRIVAL_S = 4.0
"""A posture is announced once it was held for 1.5 s and the last 1.5 s were calm."""
UNKNOWN_JOIN_S = 5.0
"""Movements without a name that follow each other within this are one stretch."""


def name_stretches(seen: Seen) -> tuple[FoundStretch, ...]:
    """Named stretches in order of their beginning; stretches of the two legs may overlap."""
    if seen.n == 0:
        return ()
    seen = trusted(seen)
    lies, turns = lies_of(seen)
    over = [turn for turn in turns if "unknown" not in (turn.before, turn.after) and turn.start < turn.end]
    found = [_turned(turn) for turn in over]
    rocks = [part for rock in rocking(seen) for part in _beside(rock, found)]
    found += rocks
    for lie in lies:
        if lie.top is not None:
            found += [part for one in side_lying(seen, lie) for part in _beside(one, rocks)]
        elif lie.posture == "supine":
            legs = [part for one in supine(seen, lie) for part in _beside(one, rocks)]
            found += legs
            busy = [(one.start, one.end) for one in (*legs, *rocks)] + _leg_moves(seen)
            found += pelvic(seen, lie, busy)
    for track in seen.thighs:
        if track.alignment is None:
            found += [part for one in shapes(track) for part in _beside(one, found)]
    found += _unknown(seen, found)
    found = [one for one in found if one.exercise != "roll_over"] + [_with_arrival(turn, found) for turn in over]
    found += _rest(seen, found)
    return tuple(
        FoundStretch(
            one.exercise, one.side, one.placement, seen.time_s(one.start), seen.time_s(one.end), one.why, one.seen_as
        )
        for one in sorted(found, key=lambda one: (one.start, one.end))
    )


def _turned(turn: Turn) -> Found:
    side: Side | None = "right" if turn.after == "right_up" else "left" if turn.after == "left_up" else None
    return Found("roll_over", side, turn.start, turn.end, "gravity moved from one face of the body to another")


def _with_arrival(turn: Turn, found: list[Found]) -> Found:
    """Turning over, with the moments until the new posture is known if nothing else begins in them."""
    one = _turned(turn)
    known = turn.arrived + round(ARRIVAL_S * GRID_HZ)
    nexts = [other.start for other in found if other.start >= one.end]
    return replace(one, end=max(one.end, min([known, *nexts])))


def _beside(one: Found, others: Iterable[Found]) -> list[Found]:
    """The longest part of a stretch that lies outside the others."""
    free = np.ones(one.end - one.start, dtype=bool)
    for other in others:
        free[max(other.start - one.start, 0) : max(other.end - one.start, 0)] = False
    parts = sorted(runs_of(free), key=lambda run: run[0] - run[1])[:1]
    return [replace(one, start=one.start + start, end=one.start + end) for start, end in parts]


def _leg_moves(seen: Seen) -> list[tuple[int, int]]:
    return [(move.start, move.end) for track in seen.thighs for move in moves_of(track, LEG_MOVES)]


def _covered(seen: Seen, found: Iterable[Found]) -> Cells:
    covered = np.zeros(seen.n, dtype=bool)
    for one in found:
        covered[max(one.start, 0) : one.end] = True
    return covered


def _unknown(seen: Seen, found: list[Found]) -> list[Found]:
    """Movements that nothing explains; those that follow each other closely are one stretch."""
    covered = _covered(seen, found)
    moving = np.zeros(seen.n, dtype=bool)
    for track in seen.tracks.values():
        for move in moves_of(track, LEG_MOVES):
            if covered[move.start : move.end].mean() < 0.5:
                moving[move.start : move.end] = True
    for start, end in joined(runs_of(moving & ~covered), UNKNOWN_JOIN_S):
        moving[start:end] = True
    why = "a movement that fits no known one"
    return [Found("unknown", None, start, end, why, "movement") for start, end in runs_of(moving & ~covered)]


def _rest(seen: Seen, found: list[Found]) -> list[Found]:
    """Where sensors measured and nothing moved."""
    known = np.zeros(seen.n, dtype=bool)
    for track in seen.tracks.values():
        known |= track.is_known
    free = known & ~_covered(seen, found)
    return [
        Found("rest", None, start, end, "nothing moved by more than breath and fidgets")
        for start, end in joined(runs_of(free), 0.5)
        if end - start >= REST_S * GRID_HZ
    ]

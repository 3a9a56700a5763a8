"""On the side, by the upper leg: clamshells, and the leg that swings behind the body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.exercises.alignment import side_factor
from sensorsoma.exercises.found.lying import Lie
from sensorsoma.exercises.found.moves import LEG_MOVES, Move, mean_up, moves_of
from sensorsoma.exercises.found.seen import GRID_HZ, Seen, Track
from sensorsoma.exercises.found.stretch import Found


@dataclass(frozen=True, slots=True)
class SideParams:
    """What the upper leg does."""

    clam_deg: float = 8.0
    """A clamshell opens by this much at least; as where clamshells are counted."""
    set_gap_s: float = 12.0
    """Reps with longer pauses than this between them are different sets: two slow breaths."""
    back_deg: float = 20.0
    """Straightening the leg and swinging it back turns the thigh by more than this about the vertical ..."""
    returned_share: float = 0.5
    """... and it is over when half of that has been turned back."""


def side_lying(seen: Seen, lie: Lie, params: SideParams | None = None) -> list[Found]:
    """Stretches of the upper leg while the person lies on one side; nothing without an aligned sensor on it."""
    params = params or SideParams()
    track = next((track for track in seen.aligned if track.side == lie.top), None)
    if track is None:
        return []
    moves = [move for move in moves_of(track, LEG_MOVES) if move.start >= lie.start and move.end <= lie.end]
    backs = _leg_back(track, moves, lie, params)
    rest = [move for move in moves if not any(back.start <= move.start < back.end for back in backs)]
    return sorted(backs + _clamshells(track, rest, backs, params), key=lambda found: found.start)


def _leg_back(track: Track, moves: list[Move], lie: Lie, params: SideParams) -> list[Found]:
    """From the straightening to the return, by what the thigh has turned about the vertical."""
    found: list[Found] = []
    turned, start, farthest = 0.0, None, 0.0
    for move in moves:
        backward = -side_factor(track.side) * move.turn_deg
        if start is None:
            if backward >= params.back_deg and backward > move.arc_deg:
                start, turned, farthest = move.start, backward, backward
            continue
        turned += backward
        farthest = max(farthest, turned)
        if turned <= (1.0 - params.returned_share) * farthest:
            found.append(_back(track, start, move.end))
            start = None
    if start is not None:
        found.append(_back(track, start, lie.end))
    return found


def _back(track: Track, start: int, end: int) -> Found:
    why = "on the side, the upper thigh turned backward about the vertical and stayed there"
    return Found("leg_back", track.side, start, end, why)


def _clamshells(track: Track, moves: list[Move], backs: list[Found], params: SideParams) -> list[Found]:
    """Sets of movements out of the closed pose and back into it."""
    found: list[Found] = []
    group: list[Move] = []
    for move in [*moves, None]:
        is_near = bool(group) and move is not None and move.start - group[-1].end <= params.set_gap_s * GRID_HZ
        is_cut = move is not None and any(group and group[-1].end <= b.start <= move.start for b in backs)
        if group and (not is_near or is_cut):
            found.extend(_clamshell(track, group, params))
            group = []
        if move is not None:
            group.append(move)
    return found


def _clamshell(track: Track, group: list[Move], params: SideParams) -> list[Found]:
    """A group is a set of clamshells when it goes out, front of the thigh towards the ceiling, and comes back."""
    group = _without_small_ends(group, params)
    if not group:
        return []
    start, end = group[0].start, group[-1].end
    up = track.in_body()
    closed, last = mean_up(up, start - 6, start + 1), mean_up(up, end - 1, end + 6)
    if closed is None or last is None:
        return []
    away = np.linalg.norm(np.nan_to_num(up[start:end] - closed), axis=1)
    top = up[start + int(away.argmax())]
    opened, left_over = float(away.max()), float(np.linalg.norm(last - closed))
    if opened < np.radians(params.clam_deg) or left_over > 0.5 * opened or top[0] <= closed[0]:
        return []
    why = "on the side, the upper thigh opened towards the ceiling and closed again"
    return [Found("clamshell", track.side, start, end, why)]


def _without_small_ends(group: list[Move], params: SideParams) -> list[Move]:
    """Fidgets before the first and after the last rep are none of the set."""
    large = [index for index, move in enumerate(group) if move.arc_deg >= params.clam_deg]
    return group[large[0] : large[-1] + 1] if large else []

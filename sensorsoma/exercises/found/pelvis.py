"""On the back, by the pelvis: rocking between arched and flat, and the flattened back that is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.exercises.found.lying import Lie, trunk_axes
from sensorsoma.exercises.found.moves import PELVIS_MOVES, TILT_MOVES, Move, mean_up, moves_of, sets_of, to_and_fro
from sensorsoma.exercises.found.seen import GRID_HZ, Seen, Track
from sensorsoma.exercises.found.stretch import Found
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class PelvisParams:
    """What the pelvis does while the legs rest."""

    gap_s: float = 4.0
    """Rocking goes on within this; who stays longer holds."""
    turns: int = 3
    """Rocking is three movements to and fro or more: there, across, and back."""
    hold_s: float = 5.0
    """Flat for at least this long is a hold."""
    hold_deg: float = 1.5
    """Flat: tilted back by this much against the rest before."""
    tilt_share: float = 0.6
    """The movement is mostly a tilt, not a roll to the side."""
    bent: float = 0.4
    """The thigh of a bent leg rises by more than 24 degrees (sine)."""
    to_and_fro: float = 1.6
    """Way over reach of a thigh that follows: there and back is 2, another place to lie is 1."""


def pelvic(seen: Seen, lie: Lie, busy: list[tuple[int, int]], params: PelvisParams | None = None) -> list[Found]:
    """Stretches while the person lies on the back and the legs rest (`busy`: cells in which they do not)."""
    params = params or PelvisParams()
    track = seen.pelvis
    if track is None:
        return _by_the_thighs(seen, lie, busy, params)
    moves = [move for move in moves_of(track, PELVIS_MOVES) if lie.start <= move.start and move.end <= lie.end]
    moves = [move for move in moves if not any(s < move.end and move.start < e for s, e in busy)]
    moves = [move for move in moves if _is_tilt(track, move, params)]
    found: list[Found] = []
    groups = sets_of(moves, params.gap_s)
    for index, group in enumerate(groups):
        following = groups[index + 1][0] if index + 1 < len(groups) else None
        held = _hold(track, group, following, params)
        rock = group[: -1 if held is not None else None]
        if len(rock) >= params.turns:
            why = "on the back, the pelvis tilted to and fro while the legs rested"
            found.append(Found("pelvic_rock", None, rock[0].start, rock[-1].end, why))
        if held is not None:
            found.append(held)
    return found


def _by_the_thighs(seen: Seen, lie: Lie, busy: list[tuple[int, int]], params: PelvisParams) -> list[Found]:
    """Rocking as a bent leg follows it: weak evidence, and none when the leg moves too little."""
    found: list[Found] = []
    for track in seen.aligned:
        moves = [move for move in moves_of(track, TILT_MOVES) if lie.start <= move.start and move.end <= lie.end]
        moves = [move for move in moves if not any(s < move.end and move.start < e for s, e in busy)]
        moves = [move for move in moves if _is_in_the_leg_plane(track, move, params)]
        for group in sets_of(moves, params.gap_s):
            if len(group) > params.turns and to_and_fro(track, group) >= params.to_and_fro:
                why = "on the back with knees up, the thigh tilted to and fro as it does when the pelvis rocks"
                found.append(Found("pelvic_rock", None, group[0].start, group[-1].end, why))
    return _longest(found)


def _is_in_the_leg_plane(track: Track, move: Move, params: PelvisParams) -> bool:
    """A bent knee moved along the leg and not to the side."""
    up = track.in_body()
    way = up[move.far] - up[move.start]
    is_bent = up[move.start, 1] < -params.bent
    return bool(is_bent and abs(float(way[2])) <= params.tilt_share * float(np.linalg.norm(way)))


def _longest(found: list[Found]) -> list[Found]:
    """Both thighs tell of the same: the longer of two that overlap."""
    out: list[Found] = []
    for one in sorted(found, key=lambda one: one.start - one.end):
        if not any(other.start < one.end and one.start < other.end for other in out):
            out.append(one)
    return out


def _is_tilt(track: Track, move: Move, params: PelvisParams) -> bool:
    up = track.up @ trunk_axes(track)
    way = up[move.far] - up[move.start]
    return abs(float(way[1])) >= params.tilt_share * float(np.linalg.norm(way))


def _tilt_deg(track: Track, start: int, end: int) -> float | None:
    up = mean_up(track.up, start, end)
    if up is None:
        return None
    front, head, _ = (up @ trunk_axes(track)).tolist()
    return float(np.arctan2(head, front)) / DEG


def _hold(track: Track, group: list[Move], leave: Move | None, params: PelvisParams) -> Found | None:
    """The last movement led to flat, and it was let go after a stay. Against the rest before and after."""
    arrive = group[-1]
    if leave is None or leave.start - arrive.end < params.hold_s * GRID_HZ:
        return None
    second = round(GRID_HZ)
    before = _tilt_deg(track, group[0].start - second, group[0].start)
    held = _tilt_deg(track, arrive.end, leave.start)
    after = _tilt_deg(track, leave.end, leave.end + second)
    if before is None or held is None or after is None or min(before, after) - held < params.hold_deg:
        return None
    why = "on the back, the pelvis tilted flat and stayed there while the legs rested"
    return Found("pelvic_hold", None, arrive.start, leave.end, why)

"""A track into movements and the pauses between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import find_peaks

from sensorsoma.exercises.found.seen import GRID_HZ, Track
from sensorsoma.messages import Floats
from sensorsoma.units import DEG

Cells = np.ndarray[tuple[int], np.dtype[np.bool_]]

SPAN_CELLS = 5
"""Speed is the way over 0.8 s around a cell."""


@dataclass(frozen=True, slots=True)
class MoveParams:
    """What counts as a movement."""

    speed_dps: float
    """A sensor that turns faster than this against gravity moves."""
    turn_dps: float
    """So does one that turns faster than this about the vertical."""
    arc_deg: float
    """A smaller way against gravity is none ..."""
    swing_deg: float
    """... unless it turned this far about the vertical."""
    join_s: float = 0.8
    """A shorter pause is a hesitation within one movement."""
    is_split: bool = False
    """True: a movement ends where it turns round, also when it does so without a pause."""


LEG_MOVES = MoveParams(speed_dps=3.0, turn_dps=5.0, arc_deg=6.0, swing_deg=12.0)
"""Of a leg: fidgets and coughs of a resting leg reach 3 degrees, a knee that goes on sinking stays below 1 deg/s; a 10
degree rep that takes 8 s reaches 3 deg/s. A gyroscope's rest of bias stays below 1 deg/s."""
PELVIS_MOVES = MoveParams(speed_dps=0.8, turn_dps=np.inf, arc_deg=1.3, swing_deg=np.inf, is_split=True)
"""Of a tilting pelvis: breath moves a strap at the front hip bones by half a degree, a small arch is 2 degrees."""


TILT_MOVES = MoveParams(speed_dps=1.2, turn_dps=np.inf, arc_deg=1.5, swing_deg=np.inf, is_split=True)
"""Of a thigh that follows a tilting pelvis: 5 degrees (4-14) on real people; breath moves it by less than 1."""


@dataclass(frozen=True, slots=True)
class Move:
    """One movement of one sensor, cells `start` to `end` (exclusive)."""

    start: int
    end: int
    arc_deg: float
    """Farthest angle from where it started."""
    turn_deg: float
    """Turned about the vertical, counter-clockwise seen from above; 0 without gyroscope."""
    far: int
    """The cell farthest from the start."""

    @property
    def seconds(self) -> float:
        """How long it took."""
        return (self.end - self.start) / GRID_HZ


def speed_dps(up: Floats) -> Floats:
    """`(n,)` angular speed of up; 0 where it is not known, and next to holes."""
    n = len(up)
    speed = np.zeros(n)
    if n > 2 * SPAN_CELLS:
        way = np.linalg.norm(up[2 * SPAN_CELLS :] - up[: -2 * SPAN_CELLS], axis=1)
        angle = 2.0 * np.arcsin(np.clip(0.5 * way, 0.0, 1.0)) / DEG
        speed[SPAN_CELLS:-SPAN_CELLS] = np.nan_to_num(angle) * GRID_HZ / (2 * SPAN_CELLS)
    return speed


def runs_of(mask: Cells) -> list[tuple[int, int]]:
    """Stretches `[start, end)` of True.

    >>> runs_of(np.array([False, True, True, False, True]))
    [(1, 3), (4, 5)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def joined(runs: Sequence[tuple[int, int]], gap_s: float) -> list[tuple[int, int]]:
    """Runs with pauses of at most `gap_s` between them become one.

    >>> joined([(0, 3), (5, 8), (60, 70)], gap_s=0.5)
    [(0, 8), (60, 70)]
    """
    out: list[tuple[int, int]] = []
    for start, end in sorted(runs):
        if out and start - out[-1][1] <= gap_s * GRID_HZ:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def moves_of(track: Track, params: MoveParams) -> list[Move]:
    """The movements of a sensor, in order."""
    turn = np.nan_to_num(track.turn_radps) / DEG
    moving = (speed_dps(track.up) > params.speed_dps) | (np.abs(turn) > params.turn_dps)
    runs = joined(runs_of(moving & track.is_known), params.join_s)
    if params.is_split:
        runs = [piece for run in runs for piece in _split(track.up, run, params)]
    found = []
    for start, end in runs:
        up = track.up[start:end]
        angle = 2.0 * np.arcsin(np.clip(0.5 * np.linalg.norm(up - up[0], axis=1), 0.0, 1.0)) / DEG
        angle = np.nan_to_num(angle)
        turned = float(turn[start:end].sum()) / GRID_HZ
        arc = float(angle.max())
        if arc >= params.arc_deg or abs(turned) >= params.swing_deg:
            found.append(Move(start, end, arc, turned, start + int(angle.argmax())))
    return found


def _split(up: Floats, run: tuple[int, int], params: MoveParams) -> list[tuple[int, int]]:
    """A run in pieces that lead one way: cut where the way along its main direction turns round."""
    start, end = run
    part = np.nan_to_num(up[start:end] - np.nanmean(up[start:end], axis=0))
    along = part @ np.linalg.svd(part, full_matrices=False)[2][0]
    least = 2.0 * np.sin(0.5 * params.arc_deg * DEG)
    tops = np.concatenate([find_peaks(sign * along, prominence=least)[0] for sign in (1.0, -1.0)])
    edges = [start, *(start + np.sort(tops)).tolist(), end]
    return list(pairwise(edges))


def mean_up(up: Floats, start: int, end: int) -> Floats | None:
    """`(3,)` mean direction over cells; None where nothing was measured."""
    part = up[max(start, 0) : end]
    part = part[np.isfinite(part[:, 0])]
    if len(part) == 0:
        return None
    mean = part.mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9))


def sets_of(moves: Sequence[Move], gap_s: float) -> list[list[Move]]:
    """Movements that follow each other within `gap_s` belong together."""
    sets: list[list[Move]] = []
    for move in moves:
        if sets and move.start - sets[-1][-1].end <= gap_s * GRID_HZ:
            sets[-1].append(move)
        else:
            sets.append([move])
    return sets


def to_and_fro(track: Track, moves: Sequence[Move]) -> float:
    """Way over reach of a set of movements: there and back is 2, another place to lie is 1."""
    up = track.up[moves[0].start : moves[-1].end]
    up = up[np.isfinite(up[:, 0])]
    reach = float(np.linalg.norm(up - up[0], axis=1).max())
    way = 0.0
    for move in moves:
        part = track.up[move.start : move.end : SPAN_CELLS]  # every 0.4 s: noise does not lengthen it
        way += float(np.nansum(np.linalg.norm(np.diff(part, axis=0), axis=1)))
    return way / max(reach, 1e-9)

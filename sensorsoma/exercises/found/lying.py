"""How the wearer lay over the whole recording, and when they turned over."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from sensorsoma.exercises.found.moves import LEG_MOVES, Cells, Move, MoveParams, mean_up, moves_of, runs_of
from sensorsoma.exercises.found.seen import GRID_HZ, Seen, Track
from sensorsoma.exercises.posture import PostureParams, trunk_posture
from sensorsoma.messages import Floats, Posture, Side

TRUNK_MOVES = MoveParams(speed_dps=4.0, turn_dps=np.inf, arc_deg=20.0, swing_deg=np.inf, join_s=1.0)
"""Of a pelvis that turns over: 90 degrees within seconds; a knee that falls takes it along by 10."""
HOLD_S = 1.5
"""A posture lasts; rolling through one is not lying in it (as in `exercises.posture`)."""
KNEES_HOLD_S = 6.0
"""Seen from the thighs alone it lasts longer: knees that swing to one side look like lying on the other meanwhile."""
LOST_S = 10.0
"""While the pelvis sensor is away for longer than this the thighs are asked: nobody turns over much faster."""
THROUGH_S = 5.0
"""Turning over from one side to the other takes less than this on the way over the back."""
TURNED_OUT = 0.75
"""A lower thigh is turned outward by more than 48 degrees (sine); as where turning over was asked for."""
SAME_PLACE = 0.94
"""It lies still there, within 20 degrees (cosine): an open knee slides straight before one turns over."""
NEAR_S = 2.0
"""A leg that is drawn up this shortly before turning over, or let down after it, is part of that."""


@dataclass(frozen=True, slots=True)
class Lie:
    """One posture, cells `start` to `end`, without the turns at its ends."""

    posture: Posture
    start: int
    end: int

    @property
    def top(self) -> Side | None:
        """The upper side in side-lying."""
        return "right" if self.posture == "right_up" else "left" if self.posture == "left_up" else None


@dataclass(frozen=True, slots=True)
class Turn:
    """One turning over."""

    start: int
    end: int
    before: Posture
    after: Posture
    arrived: int
    """From this cell on gravity shows the new posture."""


def lies_of(seen: Seen) -> tuple[list[Lie], list[Turn]]:
    """Postures in order, with the turns between them; one unknown posture where nothing worn can tell."""
    raw = _trunk(seen) if seen.pelvis is not None else _thighs(seen)
    runs = _runs(raw, HOLD_S if seen.pelvis is not None else KNEES_HOLD_S)
    turns = [_turn(seen, before, after) for before, after in itertools.pairwise(runs)]
    lies = []
    for index, run in enumerate(runs):
        start = turns[index - 1].end if index else 0
        end = turns[index].start if index < len(turns) else seen.n
        lies.append(Lie(run.posture, start, max(start, end)))
    return lies, _through(turns)


def _through(turns: list[Turn]) -> list[Turn]:
    """Turns that run into each other are one: over the back onto the other side."""
    out: list[Turn] = []
    for turn in turns:
        if out and turn.start <= out[-1].end:
            end = max(turn.end, out[-1].end)
            out[-1] = Turn(out[-1].start, end, out[-1].before, turn.after, turn.arrived)
        else:
            out.append(turn)
    return out


def _trunk(seen: Seen) -> list[Posture]:
    """Cell by cell from the pelvis; which side is up from the aligned thighs, else from the mounting mark."""
    pelvis = seen.pelvis
    assert pelvis is not None
    up, params = pelvis.up @ trunk_axes(pelvis), PostureParams()
    to_right = [track.up @ track.alignment.z_sensor for track in seen.aligned if track.alignment is not None]
    side = np.mean(np.nan_to_num(np.array(to_right)), axis=0) if to_right else np.zeros(seen.n)
    out: list[Posture] = []
    posture: Posture = "supine"
    for row, right in zip(up.tolist(), side.tolist(), strict=True):
        if row[0] == row[0]:
            posture = trunk_posture(row, posture, params)
            if posture in ("left_up", "right_up") and abs(right) > 0.5:
                posture = "right_up" if right > 0.0 else "left_up"
        out.append(posture)
    if seen.aligned:
        thighs = _thighs(seen)
        for start, end in runs_of(~pelvis.is_known):
            if end - start >= LOST_S * GRID_HZ:
                out[start:end] = thighs[start:end]
    return out


def trunk_axes(pelvis: Track) -> Floats:
    """`(3, 3)` columns front, head, right in sensor axes, from the first pose on the back and the mounting mark."""
    x = pelvis.supine_sensor
    assert x is not None
    mark = np.array([0.0, 1.0, 0.0]) - x[1] * x
    if np.linalg.norm(mark) < 0.3:
        mark = np.array([1.0, 0.0, 0.0]) - x[0] * x
    y = mark / np.linalg.norm(mark)
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _thighs(seen: Seen) -> list[Posture]:
    """From aligned thighs: the outer face of the upper one looks up, and nothing else brings it there."""
    params = PostureParams()
    out: list[Posture] = ["supine" if seen.aligned else "unknown"] * seen.n
    tops = [_on_top(track, params) for track in seen.aligned]
    for track, top in zip(seen.aligned, tops, strict=True):
        own: Posture = "right_up" if track.side == "right" else "left_up"
        for start, end in runs_of(top):
            out[start:end] = [own] * (end - start)
    if len(tops) > 1:
        for start, end in runs_of(np.logical_and(*tops)):  # both cannot be: something is wrong
            out[start:end] = ["unknown"] * (end - start)
    elif tops:
        track = seen.aligned[0]
        other: Posture = "left_up" if track.side == "right" else "right_up"
        for start, end in _below(track, tops[0]):
            out[start:end] = [other] * (end - start)
    return out


def _below(track: Track, is_top: Cells) -> list[tuple[int, int]]:
    """Where the only leg that is worn is the lower one: turned outward straight from, or straight to, lying on top.

    A knee that fell open looks alike, but nobody lets it fall while turning over.
    """
    outward = -np.nan_to_num(track.in_body()[:, 2])
    over, second = round(THROUGH_S * GRID_HZ), round(GRID_HZ)
    found = []
    for start, end in runs_of(outward > TURNED_OUT):
        first, last = mean_up(track.up, start + second, start + 2 * second), mean_up(track.up, end - 2 * second, end)
        if end - start < 4 * second or first is None or last is None or float(first @ last) < SAME_PLACE:
            continue
        if is_top[max(0, start - over) : start].any() or is_top[end : end + over].any():
            found.append((start, end))
    return found


def _on_top(track: Track, params: PostureParams) -> Cells:
    outer = np.nan_to_num(track.in_body()[:, 2])
    is_top, out = False, np.zeros(len(outer), dtype=bool)
    for cell, value in enumerate(outer.tolist()):
        is_top = value > (params.side_kept if is_top else params.side_up)
        out[cell] = is_top
    return out


def _runs(raw: list[Posture], hold_s: float) -> list[Lie]:
    """Runs that last; what is passed through belongs to what comes after."""
    runs: list[Lie] = []
    start = 0
    for cell in range(1, len(raw) + 1):
        if cell == len(raw) or raw[cell] != raw[start]:
            runs.append(Lie(raw[start], start, cell))
            start = cell
    lasting = [run for run in runs if run.end - run.start >= hold_s * GRID_HZ] or runs[:1]
    merged: list[Lie] = []
    for run in lasting:
        if merged and merged[-1].posture == run.posture:
            merged[-1] = Lie(run.posture, merged[-1].start, run.end)
        else:
            merged.append(run)
    return merged


def _turn(seen: Seen, before: Lie, after: Lie) -> Turn:
    """The movement around the moment at which one posture became another."""
    at_from, at_to = before.end, after.start
    start, end = at_from, at_to
    carriers = (seen.pelvis,) if seen.pelvis is not None else seen.aligned
    for track in carriers:
        for move in moves_of(track, TRUNK_MOVES):
            if move.start <= at_to + GRID_HZ and move.end >= at_from - GRID_HZ:
                start, end = min(start, move.start), max(end, move.end)
    legs = [move for track in seen.thighs for move in moves_of(track, LEG_MOVES)]
    end = max([end, *(move.end for move in legs if start < move.end and move.start < end)])
    if before.posture == "supine":
        start = _earlier(legs, start)
    if after.posture == "supine":
        end = _later(legs, end)
    return Turn(start, end, before.posture, after.posture, at_to)


def _earlier(legs: list[Move], start: int) -> int:
    for move in sorted(legs, key=lambda move: -move.end):
        if move.start < start and move.end >= start - NEAR_S * GRID_HZ:
            start = move.start
    return start


def _later(legs: list[Move], end: int) -> int:
    for move in sorted(legs, key=lambda move: move.start):
        if move.end > end and move.start <= end + NEAR_S * GRID_HZ:
            end = move.end
    return end

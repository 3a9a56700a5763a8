"""On the back, by the thighs: knees that fall out, fall in, swing to both sides, and legs that slide straight."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sensorsoma.exercises.found.lying import Lie
from sensorsoma.exercises.found.moves import LEG_MOVES, Move, mean_up, moves_of, runs_of
from sensorsoma.exercises.found.seen import GRID_HZ, Seen, Track
from sensorsoma.exercises.found.stretch import Found
from sensorsoma.messages import Floats
from sensorsoma.units import DEG

Pose = Literal["straight", "up", "open", "in", "other"]


@dataclass(frozen=True, slots=True)
class SupineParams:
    """Poses of a thigh on the back, and how long they last."""

    up_deg: float = 22.0
    """Knee up: this near to the pose of the alignment; feet are not put down twice at one place."""
    straight_deg: float = 22.0
    """Straight: this near to the first straight pose; a leg at rest rolls by several degrees more or less."""
    level: float = 0.3
    """Straight as well: the thigh lies level within 17 degrees (sine), however far it is rolled out."""
    open_deg: float = 25.0
    """Open: turned out by more than this against knee up; a knee that sways while it is up turns less."""
    in_deg: float = 10.0
    """In: turned in by more than this."""
    most_in_deg: float = 50.0
    """Farther in no knee falls on the back: hips turn inward by 32 +- 8 degrees."""
    swings: int = 3
    """Out, in and out again: a knee that only swayed comes back once."""
    rest_s: float = 4.0
    """A knee that fell stays; a swing that turns round within this long is a swing."""
    settle_s: float = 12.0
    """A leg that has slid down rolls to its rest within this time; that is part of the fall ..."""
    quiet_s: float = 3.0
    """... and so is this much quiet, by which it is seen how it lies."""
    lead_s: float = 60.0
    """Knee up for longer than this is no preparation of a fall, but a rest of its own."""
    is_posture_sure: bool = True
    """False with one thigh alone: turned over onto the other side it looks like a knee that fell open ..."""
    unsure_deg: float = 35.0
    """... so only a leg that ends as near as this to the first straight pose is believed to have slid straight."""
    together_s: float = 6.0
    """Legs that move within this long of each other move together."""


@dataclass(frozen=True, slots=True)
class _Pause:
    """A pause between two movements of one thigh."""

    start: int
    end: int
    pose: Pose
    out_deg: float
    """Turned out against knee up."""
    before: Move | None
    after: Move | None

    @property
    def seconds(self) -> float:
        return (self.end - self.start) / GRID_HZ


def supine(seen: Seen, lie: Lie, params: SupineParams | None = None) -> list[Found]:
    """Stretches of all aligned thighs while the person lies on the back."""
    params = params or SupineParams()
    if seen.pelvis is None and len(seen.aligned) == 1:
        params = replace(params, is_posture_sure=False)
    falls: list[Found] = []
    ins: list[list[Found]] = []
    slides: list[Found] = []
    rolls: list[Found] = []
    for track in seen.aligned:
        pauses = _pauses(track, lie, params)
        swings = _rolls(track, lie, params)
        rolls += swings
        falls += [one for one in _falls(track, pauses, params) if not one.meets(swings)]
        ins.append([one for one in _ins(pauses, params) if not one.meets(swings)])
        slides += _slides(track, pauses)
    taken = falls + _together(ins, params) + _merged(rolls, params)
    return taken + _merged([slide for slide in slides if not slide.meets(taken)], params)


def _together(ins: list[list[Found]], params: SupineParams) -> list[Found]:
    """Knees that drop inward do so together, where both are seen; over as soon as one leaves."""
    if len(ins) == 2:
        ins = [[one for one in ins[i] if one.meets(ins[1 - i])] for i in (0, 1)]
    return _merged([one for leg in ins for one in leg], params, is_over_with_first=True)


# ------------------------------------------------------------------------------------------------- poses


def _pauses(track: Track, lie: Lie, params: SupineParams) -> list[_Pause]:
    moves = [move for move in moves_of(track, LEG_MOVES) if move.end > lie.start and move.start < lie.end]
    edges = [lie.start, *(cell for move in moves for cell in (move.start, move.end)), lie.end]
    out: list[_Pause] = []
    for index in range(0, len(edges), 2):
        start, end = edges[index], edges[index + 1]
        before = moves[index // 2 - 1] if index else None
        after = moves[index // 2] if index // 2 < len(moves) else None
        up = mean_up(track.up, start, max(end, start + 1))
        if up is None or start > end:
            continue
        pose, out_deg = _pose(track, up, out[-1].pose if out else None, params)
        out.append(_Pause(start, end, pose, out_deg, before, after))
    return out


def _pose(track: Track, up: Floats, before: Pose | None, params: SupineParams) -> tuple[Pose, float]:
    alignment = track.alignment
    assert alignment is not None
    here, knee_up = track.in_body(up)[0], track.in_body(alignment.knee_up_sensor)[0]
    out_deg = float(np.arcsin(np.clip(-here[2], -1, 1)) - np.arcsin(np.clip(-knee_up[2], -1, 1))) / DEG
    if _angle_deg(up, alignment.knee_up_sensor) <= params.up_deg and out_deg > -params.in_deg:
        return "up", out_deg
    if _angle_deg(up, alignment.x_sensor) <= params.straight_deg:
        return "straight", out_deg
    is_near = params.is_posture_sure or _angle_deg(up, alignment.x_sensor) <= params.unsure_deg
    if before in ("open", "straight") and abs(here[1]) < params.level and is_near:
        return "straight", out_deg
    if out_deg >= params.open_deg:
        return "open", out_deg
    if -params.most_in_deg <= out_deg <= -params.in_deg:
        return "in", out_deg
    return "other", out_deg


def _angle_deg(a: Floats, b: Floats) -> float:
    return float(2.0 * np.arcsin(min(1.0, 0.5 * float(np.linalg.norm(a - b)))) / DEG)


# --------------------------------------------------------------------------------------------- movements


def _falls(track: Track, pauses: list[_Pause], params: SupineParams) -> list[Found]:
    """From the drawing up of the foot to the end of the slide."""
    found = []
    for index, pause in enumerate(pauses):
        if pause.pose != "open" or pause.before is None or pause.seconds < params.rest_s:
            continue
        if not params.is_posture_sure and (index + 1 == len(pauses) or pauses[index + 1].pose != "straight"):
            continue
        start = pause.before.start
        earlier = pauses[index - 1] if index else None
        if earlier is not None and earlier.pose == "up" and earlier.seconds <= params.lead_s:
            start = earlier.before.start if earlier.before is not None else earlier.start
        end = _settled(pauses, index, params)
        why = "on the back, the knee went up, fell outward and stayed there"
        found.append(Found("knee_fall", track.side, start, end, why))
    return found


def _settled(pauses: list[_Pause], index: int, params: SupineParams) -> int:
    """End of the rest that follows the slide, as far as it belongs to it: the leg rolls to where it stays."""
    slide = pauses[index].after
    if slide is None:
        return pauses[index].end
    end, latest = slide.end, slide.end + round(params.settle_s * GRID_HZ)
    for pause in pauses[index + 1 :]:
        if pause.pose != "straight" or pause.start > latest:
            break
        end = min(pause.end, pause.start + round(params.quiet_s * GRID_HZ))
    return end


def _ins(pauses: list[_Pause], params: SupineParams) -> list[Found]:
    found = []
    for index, pause in enumerate(pauses):
        if pause.pose != "in" or pause.before is None or pause.seconds < params.rest_s:
            continue
        start = pause.before.start
        earlier = pauses[index - 1] if index else None
        if earlier is not None and earlier.pose == "up" and earlier.before and earlier.seconds <= params.lead_s:
            start = earlier.before.start
        why = "on the back, the knees were up and fell inward and stayed there"
        found.append(Found("knee_in", None, start, pause.end, why))
    return found


def _slides(track: Track, pauses: list[_Pause]) -> list[Found]:
    found = []
    for before, after in itertools.pairwise(pauses):
        if after.pose == "straight" and before.pose in ("up", "in", "open") and after.before is not None:
            why = "on the back, a bent leg went straight"
            found.append(Found("leg_slide", track.side, after.before.start, after.before.end, why))
    return found


def _rolls(track: Track, lie: Lie, params: SupineParams) -> list[Found]:
    """The bent knee swings out and in, and out or in again."""
    alignment = track.alignment
    assert alignment is not None
    knee_up = track.in_body(alignment.knee_up_sensor)[0]
    up = np.nan_to_num(track.in_body()[lie.start : lie.end])
    out_deg = (np.arcsin(np.clip(-up[:, 2], -1, 1)) - np.arcsin(np.clip(-knee_up[2], -1, 1))) / DEG
    is_bent = up[:, 1] < -params.level
    visits = [(start, end, 1) for start, end in runs_of((out_deg > params.in_deg) & is_bent)]
    visits += [(start, end, -1) for start, end in runs_of((out_deg < -params.in_deg) & is_bent)]
    found = []
    for group in _alternating(sorted(visits), params):
        moves = [move for move in moves_of(track, LEG_MOVES) if move.end > lie.start + group[0][0]]
        moves = [move for move in moves if move.start < lie.start + group[-1][1]]
        if moves:
            why = "on the back, the bent knee swung out and in by turns"
            found.append(Found("knee_roll", None, moves[0].start, moves[-1].end, why))
    return found


def _alternating(visits: list[tuple[int, int, int]], params: SupineParams) -> list[list[tuple[int, int, int]]]:
    """Runs of three or more visits to both sides by turns, without a long stay in between."""
    groups: list[list[tuple[int, int, int]]] = []
    for visit in visits:
        last = groups[-1][-1] if groups else None
        if last and last[2] != visit[2] and visit[0] - last[1] <= params.together_s * GRID_HZ:
            groups[-1].append(visit)
        elif last and last[2] == visit[2] and visit[0] - last[1] <= params.together_s * GRID_HZ:
            groups[-1][-1] = (last[0], visit[1], visit[2])
        else:
            groups.append([visit])
    return [group for group in groups if len(group) >= params.swings]


def _merged(found: list[Found], params: SupineParams, *, is_over_with_first: bool = False) -> list[Found]:
    """What both legs do together is one stretch without a side; over with the last leg, or already with the first."""
    out: list[Found] = []
    for one in sorted(found, key=lambda one: one.start):
        last = out[-1] if out else None
        if last is not None and one.start - last.end <= params.together_s * GRID_HZ:
            side = last.side if last.side == one.side else None
            end = (min if is_over_with_first else max)(last.end, one.end)
            out[-1] = Found(last.exercise, side, last.start, end, last.why)
        else:
            out.append(one)
    return out

"""What is told of finished knee rolling: every swing with its size and times, both sides, the curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from sensorsoma.dsp.turning_points import Direction
from sensorsoma.exercises.alignment import Alignment
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.repetitions import RepShape, SlowTrack, angles_from, fit_axis, measure_rep, top_time
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.exercises.swings import Swing
from sensorsoma.exercises.tempo import Speeds, ways_sparc
from sensorsoma.messages import Floats
from sensorsoma.units import DEG

PAUSE_S = 0.3
"""Shorter between two swings, the knees went through the middle without a stop; smoothing alone makes a fifth."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A swing on the angle curve."""

    swing: Swing
    top_s: float
    top_rad: float
    """Signed, outward positive."""
    shape: RepShape | None

    @property
    def size_rad(self) -> float:
        return abs(self.top_rad)


def knee_roll_measures(
    stretch: Stretch, end_s: float, swings: Sequence[Swing], rest_up: Direction | None, track: SlowTrack,
    speeds: Speeds, shaking: Shaking, alignment: Alignment | None, *, n_cycles: int, n_other: int, partial_share: float,
) -> list[DetectorOutput]:  # fmt: skip
    """A `SegmentCurve`, where there is one, and the `SegmentMeasured`."""
    t_s = track.t_s
    notes = _notes(swings, n_other)
    angle = _angle(swings, rest_up, track, alignment, notes) if swings else None
    told = [] if angle is None else _tell(swings, t_s, angle)
    partial_below = partial_share * median(one.size_rad for one in told) if told else 0.0
    sides: dict[str, dict[str, Any]] = {}
    for name, sign in (("out", 1.0), ("in", -1.0)):
        own = [one for one in told if sign * one.top_rad > 0.0]
        sides[name] = {
            "count": len(own),
            "peaks_s": [max(one.top_s, stretch.start_s) for one in own],
            "range_deg": median(one.size_rad for one in own) / DEG if own else None,
        }
    ways = _ways(told)
    tremor = shaking.overall(swings[0].from_s, max(swings[-1].known_s, swings[0].from_s)) if swings else None
    measures: dict[str, Any] = {
        "count": n_cycles,
        "sides": sides,
        "reps": [
            _rep_json(stretch, one, way, speeds, shaking, partial_below) for one, way in zip(told, ways, strict=True)
        ],
        "tremor": tremor_json(tremor),
        "weak": False,
        "notes": notes,
    }
    out: list[DetectorOutput] = []
    if angle is not None:
        inside = t_s >= stretch.start_s
        curve = thin_curve(stretch, t_s[inside], angle[inside] / DEG, "knee roll, outward + (deg)")
        out.extend([] if curve is None else [curve])
    out.append(measured(stretch, end_s, measures))
    return out


def _notes(swings: Sequence[Swing], n_other: int) -> list[str]:
    notes = [] if swings else ["no movement seen"]
    if n_other:
        notes.append(f"movements in another plane, or by far too large or too quick ({n_other}): not counted")
    return notes


def _angle(
    swings: Sequence[Swing], rest_up: Direction | None, track: SlowTrack, alignment: Alignment | None, notes: list[str]
) -> Floats | None:
    """Angle `(n,)` rad from the rest pose, or from the middle of the two ends; outward positive."""
    t_s, up = track.t_s, track.up
    fit = fit_axis(up[(t_s >= swings[0].from_s) & (t_s <= swings[-1].known_s)])
    if fit is None:
        return None
    first = swings[0]
    second = next((one for one in swings if one.is_first_side != first.is_first_side), None)
    start = np.array(rest_up if rest_up is not None else up[int(np.searchsorted(t_s, first.from_s))])
    outward = np.array(first.up)
    if alignment is None:
        notes.append("strap orientation unknown: the first swing is taken as outward")
    else:
        ends = np.array([first.up, rest_up if second is None else second.up]) if second or rest_up else outward[None]
        if len(ends) > 1 and int(np.argmax(alignment.outward(ends))) == 1:
            outward = ends[1] if second is not None else 2.0 * start - outward
    angle = angles_from(fit, start, up, outward)
    if rest_up is None:
        notes.append("the stretch did not begin between the two ends: angles count from their middle")
        ends_rad = np.sort(np.interp([one.top_s for one in swings], t_s, angle))
        half = len(ends_rad) // 2
        angle = angle - (0.5 * float(np.median(ends_rad[:half]) + np.median(ends_rad[-half:])) if half else 0.0)
    elif second is None and len(swings) > 1:
        notes.append("swings to one side only")
    return np.asarray(angle)


def _tell(swings: Sequence[Swing], t_s: Floats, angle: Floats) -> list[_Told]:
    """Every swing with its plateau, and its shape between the moments at which the rest pose is passed."""
    tops = [top_time(t_s, angle, one.top_s) for one in swings]
    told: list[_Told] = []
    for index, (swing, (top_s, top_rad)) in enumerate(zip(swings, tops, strict=True)):
        before_s = tops[index - 1][0] if index else swing.from_s
        after_s = tops[index + 1][0] if index + 1 < len(tops) else float(t_s[-1])
        own = np.maximum(np.sign(top_rad) * angle, 0.0)
        passed = t_s[own <= 0.0]
        before_s = max([before_s, *passed[(passed >= before_s) & (passed <= swing.top_s)][-1:].tolist()])
        after_s = min([after_s, *passed[(passed >= swing.top_s) & (passed <= after_s)][:1].tolist()])
        told.append(_Told(swing, top_s, top_rad, measure_rep(t_s, own, before_s, swing.top_s, after_s)))
    return told


def _ways(told: Sequence[_Told]) -> list[list[tuple[float, float]]]:
    """The ways (s) to and from each top: from the rest pose, or from the other top where there was no stop between."""
    ways: list[list[tuple[float, float]]] = [[] for _ in told]
    for index, one in enumerate(told):
        if one.shape is None:
            continue
        begin_s, end_s = one.shape.start_s, one.shape.end_s
        before = told[index - 1].shape if index else None
        after = told[index + 1].shape if index + 1 < len(told) else None
        if before is not None and begin_s - before.end_s < PAUSE_S:
            begin_s = before.top_end_s
        if after is not None and after.start_s - end_s < PAUSE_S:
            end_s = after.top_start_s
        ways[index] = [(begin_s, one.shape.top_start_s), (one.shape.top_end_s, end_s)]
    return ways


def _rep_json(
    stretch: Stretch, told: _Told, ways: list[tuple[float, float]], speeds: Speeds, shaking: Shaking,
    partial_below: float,
) -> dict[str, Any]:  # fmt: skip
    shape = told.shape
    start_s = told.swing.from_s if shape is None else shape.start_s
    end_s = told.swing.known_s if shape is None else shape.end_s
    return {
        "direction": "out" if told.top_rad > 0.0 else "in",
        "start_s": max(start_s, stretch.start_s),
        "peak_s": max(told.top_s, stretch.start_s),
        "end_s": end_s,
        "range_deg": told.size_rad / DEG,
        "out_s": None if shape is None else shape.top_start_s - shape.start_s,
        "hold_s": None if shape is None else shape.top_end_s - shape.top_start_s,
        "back_s": None if shape is None else shape.end_s - shape.top_end_s,
        "sparc": ways_sparc(speeds, ways),
        "partial": told.size_rad < partial_below,
        "pelvis_roll_deg": None,
        "tremor": tremor_json(shaking.within(start_s, end_s)),
    }

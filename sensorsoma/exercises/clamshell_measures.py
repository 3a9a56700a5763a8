"""What is told of a finished set of clamshells: every rep, the shaking, the curve, and what to be careful about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import ArcFit
from sensorsoma.dsp.turning_points import TurningPoint
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.pelvis_roll import PelvisRoll, hip_and_pelvis
from sensorsoma.exercises.plausible import doubt
from sensorsoma.exercises.repetitions import RepShape, SlowTrack, angles_from, fit_axis, measure_rep
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.exercises.tempo import Speeds, ways_sparc
from sensorsoma.exercises.uncertainty import SHORT_ARC_DEG, arc_uncertainty_deg, motion_uncertainty_deg
from sensorsoma.units import DEG

STILL_DEG = 5.0
"""A leg that stays within this arc does not move: breath and pulse sway a resting thigh by less."""


@dataclass(slots=True)
class CountedRep:
    """One rep as it was counted."""

    turn: TurningPoint
    """The top."""
    is_partial: bool
    closed_s: float | None = None
    """The closed turn that followed, once there was one."""


def clamshell_measures(
    stretch: Stretch, end_s: float, reps: Sequence[CountedRep], track: SlowTrack, speeds: Speeds, pelvis: PelvisRoll,
    shaking: Shaking, *, partial_share: float, is_aligned: bool, n_dragged: int, n_other: int,
    sensor_sd_deg: float | None = None,
) -> list[DetectorOutput]:  # fmt: skip
    """A `SegmentCurve`, where there is one, and the `SegmentMeasured`."""
    t_s, up = track.t_s, track.up
    spans = [(rep.turn.from_s, _after(reps, index, t_s)) for index, rep in enumerate(reps)]
    used = np.zeros(len(t_s), dtype=bool)
    for begin, end in spans:
        used |= (t_s >= begin) & (t_s <= end)
    fit = fit_axis(up[used])
    shapes = [_shape(rep, span, fit, t_s, up) for rep, span in zip(reps, spans, strict=True)]
    start_s = shapes[0].start_s if shapes and shapes[0] else stretch.start_s
    stop_s = shapes[-1].end_s if shapes and shapes[-1] else end_s
    tremor = shaking.overall(start_s, stop_s) if reps else None
    sizes = [shape.range_rad if shape else rep.turn.leg_rad for rep, shape in zip(reps, shapes, strict=True)]
    partial_below_rad = partial_share * median(sizes) if sizes else 0.0
    strange = doubt("clamshell", (size / DEG for size in sizes))
    measures: dict[str, Any] = {
        "count": len(reps),
        "reps": [
            _rep_json(stretch, rep, shape, speeds, pelvis, shaking, partial_below_rad)
            for rep, shape in zip(reps, shapes, strict=True)
        ],
        "range_uncertainty_deg": _range_uncertainty_deg(sizes, shapes, speeds, sensor_sd_deg),
        "tremor": tremor_json(tremor),
        "weak": strange is not None,
        "notes": [*_notes(up, fit, is_aligned, n_dragged, n_other), *([] if strange is None else [strange])],
    }
    out: list[DetectorOutput] = []
    if fit is not None:
        # A file may begin with the leg already open: the closed pose is one that the leg came back to.
        turn = next((rep.turn for rep in reps if not rep.turn.is_first), reps[0].turn)
        angle = angles_from(fit, np.array(turn.from_up), up, np.array(turn.up))
        keep = t_s >= stretch.start_s
        curve = thin_curve(stretch, t_s[keep], angle[keep] / DEG, "opening (deg)")
        out.extend([] if curve is None else [curve])
    out.append(measured(stretch, end_s, measures))
    return out


def _range_uncertainty_deg(
    sizes: Sequence[float], shapes: Sequence[RepShape | None], speeds: Speeds, sensor_sd_deg: float | None
) -> float | None:
    """Standard deviation of the ranges of this set, most of it common to all of them; None without a rep."""
    if not sizes:
        return None
    arc_deg = median(sizes) / DEG
    cycles_s = [shape.end_s - shape.start_s for shape in shapes if shape is not None]
    motion_deg = 0.0 if len(speeds.t_s) or not cycles_s else motion_uncertainty_deg(arc_deg, median(cycles_s))
    return round(arc_uncertainty_deg(arc_deg, sensor_sd_deg, motion_deg), 2)


def _after(reps: Sequence[CountedRep], index: int, t_s: Any) -> float:
    closed_s = reps[index].closed_s
    if closed_s is not None:
        return closed_s
    return reps[index + 1].turn.from_s if index + 1 < len(reps) else float(t_s[-1])


def _shape(rep: CountedRep, span: tuple[float, float], fit: ArcFit | None, t_s: Any, up: Any) -> RepShape | None:
    if fit is None:
        return None
    angle = angles_from(fit, np.array(rep.turn.from_up), up, np.array(rep.turn.up))
    return measure_rep(t_s, angle, span[0], rep.turn.t_s, span[1], starts_at_rest=not rep.turn.is_first)


def _rep_json(
    stretch: Stretch, rep: CountedRep, shape: RepShape | None, speeds: Speeds, pelvis: PelvisRoll, shaking: Shaking,
    partial_below_rad: float,
) -> dict[str, Any]:  # fmt: skip
    found: dict[str, Any] = {
        "start_s": max(rep.turn.from_s, stretch.start_s),
        "peak_s": max(rep.turn.t_s, stretch.start_s),
        "end_s": rep.turn.known_s,
        "range_deg": rep.turn.leg_rad / DEG,
        "out_s": None,
        "hold_s": None,
        "back_s": None,
        "sparc": None,
        "partial": rep.turn.leg_rad < partial_below_rad,
        "pelvis_roll_deg": None,
        "tremor": None,
    }
    if shape is not None:
        found |= {
            "start_s": max(shape.start_s, stretch.start_s),
            "peak_s": max(shape.peak_s, stretch.start_s),
            "end_s": shape.end_s,
            "range_deg": shape.range_rad / DEG,
            "out_s": shape.top_start_s - shape.start_s,
            "hold_s": shape.top_end_s - shape.top_start_s,
            "back_s": shape.end_s - shape.top_end_s,
            "partial": shape.range_rad < partial_below_rad,
            "sparc": ways_sparc(speeds, [(shape.start_s, shape.top_start_s), (shape.top_end_s, shape.end_s)]),
            "pelvis_roll_deg": pelvis.along(stretch.side, shape.start_s, shape.peak_s),
            "tremor": tremor_json(shaking.within(shape.start_s, shape.end_s)),
        }
    return found | hip_and_pelvis(found["range_deg"], found["pelvis_roll_deg"])


def _notes(up: Any, fit: ArcFit | None, is_aligned: bool, n_dragged: int, n_other: int) -> list[str]:
    notes: list[str] = []
    moved = fit_axis(up)
    if moved is None or moved.arc_rad < STILL_DEG * DEG:
        notes.append("no movement seen")
    elif not is_aligned:
        notes.append("strap orientation unknown: a bottom leg that is moved along would be counted as well")
    if n_dragged:
        notes.append(f"this thigh lay underneath and was moved along ({n_dragged} times): not counted")
    if n_other:
        notes.append(f"movements in another plane, or by far too large or too quick ({n_other}): not counted")
    if fit is not None and fit.arc_rad < SHORT_ARC_DEG * DEG:
        notes.append("small range: angles are about the axis of the two end poses")
    return notes

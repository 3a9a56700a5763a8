"""One simulated file through the whole pipeline: what was measured, the truth, and what plain methods would have said.

The stretch to measure is the true one with a margin on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from baselines import band_rms, plain_counts, plain_fall
from simulated_line import outputs_of

from sensorsoma.messages import (
    AlignmentReady,
    Exercise,
    OrientedBlock,
    Placement,
    SegmentMeasured,
    Side,
    thigh_of,
)
from sensorsoma.settings import SegmentRequest
from sensorsoma.simulate import simulate_exercise
from sensorsoma.simulate.truth import StretchTruth

RATES_HZ = (52.0, 104.0, 208.0)
MARGIN_S = 0.5
REP_NEAR_S = 1.5
"""A measured rep belongs to a true one whose top is this near."""


@dataclass(frozen=True, slots=True)
class Job:
    """Which file."""

    group: str
    """Name of the row of files that it belongs to."""
    exercise: Exercise
    seed: int
    acc_only: bool
    options: dict[str, Any] = field(default_factory=dict)
    margin_s: float = MARGIN_S
    """How much earlier and later than the movement the measured stretch begins and ends."""

    @property
    def rate_hz(self) -> float:
        """52, 104 and 208 Hz in turn."""
        return RATES_HZ[self.seed % 3]

    @property
    def side(self) -> Side:
        """Left and right in turn."""
        return "left" if self.seed // 3 % 2 else "right"

    @property
    def placement(self) -> Placement:
        """Where the sensor sits."""
        return "pelvis" if self.exercise in ("pelvic_rock", "pelvic_hold") else thigh_of(self.side)


def run_job(job: Job) -> dict[str, Any]:
    """JSON-ready row of one file: counts, errors and the plain methods' answers."""
    simulation = simulate_exercise(
        job.exercise, side=job.side, seed=job.seed, rate_hz=job.rate_hz, placements=(job.placement,),
        acc_only=job.acc_only, **job.options,
    )  # fmt: skip
    truth = next(stretch for stretch in simulation.truth.stretches if stretch.exercise == job.exercise)
    end_s = (simulation.duration_s if truth.end_s is None else truth.end_s) + job.margin_s
    request = SegmentRequest(job.exercise, truth.side, job.placement, truth.start_s - job.margin_s, end_s)
    outputs: list[Any] = list(outputs_of(simulation, job.seed, (request,)))
    measures = next(output.measures for output in outputs if isinstance(output, SegmentMeasured))
    blocks = [output for output in outputs if isinstance(output, OrientedBlock)]
    seen = Seen.of(blocks, request)
    row: dict[str, Any] = {
        "group": job.group, "exercise": job.exercise, "seed": job.seed, "acc_only": job.acc_only,
        "rate_hz": job.rate_hz, "side": job.side, "options": job.options,
    }  # fmt: skip
    if job.exercise == "knee_fall":
        alignment = next((output for output in outputs if isinstance(output, AlignmentReady)), None)
        row |= _fall(truth, measures, seen, alignment, job.side)
    elif job.exercise != "pelvic_hold":
        row |= _counts(truth, measures)
        row["plain_counts"] = plain_counts(seen.t_s, seen.acc, seen.up, is_tilt=job.exercise == "pelvic_rock")
    tremor = measures.get("tremor")
    row["shaking_true_hz"] = None if truth.tremor is None else truth.tremor.freq_hz
    row["shaking_true_deg"] = None if truth.tremor is None else truth.tremor.peak_deg
    row["shaking_found_hz"] = None if tremor is None else tremor["freq_hz"]
    if job.exercise != "knee_fall":
        row["plain_shaking"] = band_rms(seen.t_s, seen.acc, seen.gyr)
    return row


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """The samples within a stretch, as the pipeline decoded them."""

    t_s: Any
    acc: Any
    up: Any
    gyr: Any

    @classmethod
    def of(cls, blocks: list[OrientedBlock], request: SegmentRequest) -> Seen:
        """The blocks joined and cut to the stretch."""
        t_s = np.concatenate([block.t_s for block in blocks])
        keep = (t_s >= request.start_s) & (t_s <= (np.inf if request.end_s is None else request.end_s))
        gyr = None
        if blocks[0].gyr_sensor_radps is not None:
            gyr = np.concatenate([block.gyr_sensor_radps for block in blocks])[keep]  # type: ignore[misc]
        return cls(
            t_s[keep],
            np.concatenate([block.acc_sensor_mps2 for block in blocks])[keep],
            np.concatenate([block.up_sensor for block in blocks])[keep],
            gyr,
        )


def _counts(truth: StretchTruth, measures: Any) -> dict[str, Any]:
    """Counts against the truth; range errors of the reps whose tops belong together."""
    if truth.cycles:
        found = measures["count"]
        tilt = []
        whole = [cycle for cycle in truth.cycles if not cycle.partial]
        if found == len(whole):
            for mine, true in zip(measures["cycles"], whole, strict=False):
                names = [name for name in ("anterior_deg", "posterior_deg") if mine[name] is not None]
                tilt += [mine[name] - getattr(true, name) for name in names]
        return {
            "count": found, "true_whole": len(whole), "true_all": len(truth.cycles),
            "whole": found, "tilt_errors_deg": tilt,
        }  # fmt: skip
    errors, matched_whole = [], 0
    left = list(measures["reps"])
    for true in truth.reps:
        near = [rep for rep in left if abs(rep["peak_s"] - true.peak_s) <= REP_NEAR_S]
        if not near:
            continue
        mine = min(near, key=lambda rep: abs(rep["peak_s"] - true.peak_s))
        left.remove(mine)
        matched_whole += not true.partial
        if mine["range_deg"] is not None:
            errors.append(mine["range_deg"] - true.range_deg)
    return {
        "count": measures["count"],
        "true_all": len(truth.reps),
        "true_whole": truth.count,
        "whole": sum(not rep["partial"] for rep in measures["reps"]),
        "whole_reps_matched": matched_whole,
        "range_errors_deg": errors,
        "smallest_true_deg": min(rep.range_deg for rep in truth.reps),
    }


def _fall(
    truth: StretchTruth, measures: Any, seen: Seen, alignment: AlignmentReady | None, side: Side
) -> dict[str, Any]:
    true = truth.fall
    falls = measures["falls"]
    row: dict[str, Any] = {"n_falls": len(falls), "fall_errors_deg": {}, "plain_errors_deg": {}, "arc_errors_deg": {}}
    if true is None:
        return row
    for name in ("arrival_deg", "final_deg", "sink_deg"):
        value, real = (falls[0][name] if falls else None), getattr(true, name)
        row["fall_errors_deg"][name] = None if value is None or real is None else value - real
    if alignment is not None and true.arrival_s is not None and true.rest_end_s is not None:
        plain, arc = plain_fall(seen.t_s, seen.up, np.array(alignment.z_sensor), side, true)
        row["plain_errors_deg"] = {name: plain[name] - getattr(true, name) for name in plain}
        row["arc_errors_deg"] = {name: arc[name] - getattr(true, name) for name in arc}
    return row

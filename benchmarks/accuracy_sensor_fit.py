"""How much offset and gain of the accelerometer, fitted from a practice's own still poses, take off its angles.

    python benchmarks/accuracy_sensor_fit.py [--people 30] [--first-seed 2001] [--json FILE] [--quick]

Simulated people with every difficulty, gyroscope errors included, do a shortened `hips-check` or `hips-and-core` (in
turn) with one thigh sensor: with ordinary accelerometers (25 mg, 1.5 %), with cheaper ones (40 mg, 3 %, axes 0.3 deg
off right angles), and with cheaper ones that have no gyroscope. The fit is made from the whole session, as
`analyze --fit-sensor` does, and the same samples are measured again with it. Angles as they come without it are the
baseline; knee falls already correct themselves within their own stretch there. Also how often the truth lies within one
and two of the uncertainties that are given with the angles.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from figures import add_json, in_parallel, row, tell

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.gravity_fit import corrected
from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.health import SensorWatch
from sensorsoma.exercises.uncertainty import arc_uncertainty_deg
from sensorsoma.messages import ImuBlock, OrientedBlock, SegmentMeasured, Side, thigh_of
from sensorsoma.simulate import Difficulties, Simulation
from sensorsoma.simulate.practice import simulate_practice
from sensorsoma.simulate.truth import StretchTruth
from sensorsoma.units import DEG

RATE_HZ = 52.0
NEAR_S = 1.5
"""A measured rep belongs to a true one whose top is this near."""
WORDS = ("fall, arrival", "fall, end of rest", "sink", "residual roll", "clamshell range", "straight to knee up")
KINDS = ("ordinary", "cheaper", "no gyroscope")
MEASURES = ("arrival_deg", "final_deg", "sink_deg", "residual_deg", "clam_range_deg", "poses_deg")
"""`poses_deg`: angle between the still poses straight and knee up, by gravity alone and corrected by nothing else."""
UNCERTAINTY: dict[str, str | None] = {"residual_deg": "residual_uncertainty_deg", "sink_deg": None}
"""Where a measure has another uncertainty than the fall's angle, or none."""

Job = tuple[int, str, str]


def run_job(job: Job) -> dict[str, Any]:
    """Errors of one person with and without the fit, and the uncertainties that were given."""
    seed, practice, kind = job
    side: Side = "right" if seed // 2 % 2 else "left"
    place = thigh_of(side)
    on = Difficulties(acc_worse=kind != "ordinary", gyro_error=True)
    simulation = simulate_practice(practice, seed=seed, rate_hz=RATE_HZ, difficulties=on, placements=(place,), dose=0.5)
    samples = simulation.samples[place]
    kept = ~samples.is_lost
    gyr = None if kind == "no gyroscope" or samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[kept]
    block = ImuBlock(place, RATE_HZ, samples.t_s[kept], samples.acc_sensor_mps2[kept], gyr)
    watch = SensorWatch()
    watch.feed(block)
    fit = watch.measures()["fit"]
    exact = replace(block, acc_sensor_mps2=corrected(block.acc_sensor_mps2, fit))
    stretches = [stretch for stretch in simulation.truth.stretches if stretch.side == side]
    bend_deg = _true_bend_deg(simulation, side)
    return {
        "seed": seed, "practice": practice, "kind": kind, "fit": fit,
        "plain": _errors(block, side, stretches, None, bend_deg),
        "fitted": _errors(exact, side, stretches, fit["angle_sd_deg"], bend_deg),
    }  # fmt: skip


def _errors(
    block: ImuBlock, side: Side, stretches: Sequence[StretchTruth], sensor_sd_deg: float | None, bend_deg: float
) -> list[tuple[str, float, float | None]]:
    """Measure, error and stated uncertainty (degrees)."""
    place = thigh_of(side)
    oriented = OrientationFilter(place).feed(block, place)
    body = Body()
    if sensor_sd_deg is not None:
        body.trust(place, sensor_sd_deg)
    body.feed(oriented)
    found: list[tuple[str, float, float | None]] = []
    alignment = body.alignment(place)
    if alignment is not None:
        found_deg = alignment.bend_rad / DEG
        found.append(("poses_deg", found_deg - bend_deg, arc_uncertainty_deg(found_deg, sensor_sd_deg)))
    for truth in stretches:
        if truth.exercise not in ("knee_fall", "clamshell"):
            continue
        measures = _measure(oriented, truth, side, body)
        if truth.fall is not None and len(measures["falls"]) == 1:
            fall = measures["falls"][0]
            for name in MEASURES[:4]:
                true = getattr(truth.fall, name)
                if fall[name] is not None and true is not None:
                    uncertainty = UNCERTAINTY.get(name, "angle_uncertainty_deg")
                    found.append((name, fall[name] - true, None if uncertainty is None else fall[uncertainty]))
        for rep in measures.get("reps") or ():
            near = min(truth.reps, key=lambda true: abs(true.peak_s - rep["peak_s"]))
            if abs(near.peak_s - rep["peak_s"]) < NEAR_S and not near.partial:
                found.append(
                    ("clam_range_deg", rep["range_deg"] - near.range_deg, measures.get("range_uncertainty_deg"))
                )
    return found


def _true_bend_deg(simulation: Simulation, side: Side) -> float:
    """Angle between up in the first straight and the first knee-up pose of a thigh, degrees."""
    poses = {pose.pose: pose for pose in reversed(simulation.truth.poses) if pose.side == side}
    at_s = np.array([poses["straight"].start_s + 2.0, poses["knee_up"].start_s + 1.0])
    assert simulation.body is not None
    up = simulation.body.sense(thigh_of(side), at_s)[0].T
    up = up / np.linalg.norm(up, axis=1)[:, None]
    return angle_between(up[0], up[1]) / DEG


def _measure(oriented: OrientedBlock, truth: StretchTruth, side: Side, body: Body) -> dict[str, Any]:
    start_s = truth.start_s - 0.5
    end_s = float(oriented.t_s[-1]) if truth.end_s is None else truth.end_s + 0.5
    keep = (oriented.t_s >= start_s) & (oriented.t_s < end_s)
    gyr, quat = oriented.gyr_sensor_radps, oriented.quat_sensor_to_earth
    part = replace(
        oriented, t_s=oriented.t_s[keep], up_sensor=oriented.up_sensor[keep],
        acc_sensor_mps2=oriented.acc_sensor_mps2[keep], gyr_sensor_radps=None if gyr is None else gyr[keep],
        quat_sensor_to_earth=None if quat is None else quat[keep],
    )  # fmt: skip
    detector = make_detector(Stretch(truth.exercise, side, thigh_of(side), start_s), body)
    out = [*detector.feed(part), *detector.finish(end_s)]
    return dict(next(item.measures for item in out if isinstance(item, SegmentMeasured)))


def summarise(rows: Sequence[dict[str, Any]], kind: str) -> dict[str, Any]:
    """Median and 95th percentile of the absolute errors, and coverage of the stated uncertainties."""
    mine = [row for row in rows if row["kind"] == kind]
    figures: dict[str, Any] = {
        "sessions": len(mine),
        "fits_used": sum(row["fit"]["refused"] is None for row in mine),
        "poses": float(np.median([row["fit"]["poses"] for row in mine])),
        "residual_mg": [
            round(1000 / 9.80665 * float(np.median([row["fit"][f"residual_mps2_{when}"] for row in mine])), 2)
            for when in ("before", "after")
        ],
    }
    for name in MEASURES:
        figures[name] = {}
        for way in ("plain", "fitted"):
            entries = [entry for row in mine for entry in row[way] if entry[0] == name]
            errors = np.abs([error for _, error, _ in entries])
            sure = np.array([[error, sigma] for _, error, sigma in entries if sigma is not None]).reshape(-1, 2)
            share = np.abs(sure[:, 0]) / sure[:, 1] if len(sure) else np.empty(0)
            figures[name][way] = {
                "n": len(errors), "median": round(float(np.median(errors)), 3),
                "p95": round(float(np.percentile(errors, 95)), 3),
                "within_1": round(float(np.mean(share <= 1)), 3) if len(share) else None,
                "within_2": round(float(np.mean(share <= 2)), 3) if len(share) else None,
            }  # fmt: skip
    return figures


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    for kind in KINDS:
        figures = result[kind]
        before, after = figures["residual_mg"]
        yield f"{kind} accelerometers: {figures['sessions']} sessions, fit used in {figures['fits_used']}, " + (
            f"{figures['poses']:.0f} poses (median), lengths off by {before} mg before and {after} mg after"
        )
        yield f"  {'':16}{'n':>5}  median without / with   p95 without / with   within 1 and 2 uncertainties (without)"
        for name in MEASURES:
            plain, fitted = figures[name]["plain"], figures[name]["fitted"]
            yield f"  {name:16}{plain['n']:>5}{plain['median']:>11.2f} / {fitted['median']:.2f}" + (
                f"{plain['p95']:>15.2f} / {fitted['p95']:.2f}{_shares(plain):>22}; with {_shares(fitted)}"
            )


def _shares(figures: dict[str, Any]) -> str:
    return "-" if figures["within_1"] is None else f"{figures['within_1']:.0%} and {figures['within_2']:.0%}"


def table(result: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows for RESULTS.md."""
    rows = []
    for kind in KINDS:
        for name, what in zip(MEASURES, WORDS, strict=True):
            plain, fitted = result[kind][name]["plain"], result[kind][name]["fitted"]
            said = f"{fitted['median']:.2f}° / {fitted['p95']:.2f}°"
            rows.append(row(f"{what}, {kind}", said, None, f"{plain['median']:.2f}° / {plain['p95']:.2f}°"))
    return rows


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=30, help="random people per kind of sensor")
    parser.add_argument("--first-seed", type=int, default=2001, help="tests use lower ones")
    parser.add_argument("--quick", action="store_true", help="8 people")
    add_json(parser)
    options = parser.parse_args()
    n = 8 if options.quick else options.people
    seeds = range(options.first_seed, options.first_seed + n)
    jobs = [(seed, ("hips-check", "hips-and-core")[seed % 2], kind) for kind in KINDS for seed in seeds]
    rows = in_parallel(run_job, jobs, "sessions")
    result: dict[str, Any] = {"benchmark": "accuracy_sensor_fit", "people": n, "first_seed": options.first_seed}
    result |= {kind: summarise(rows, kind) for kind in KINDS}
    result["said"] = (
        f"Median and 95th percentile of the error of each angle, {n} simulated people a kind of "
        "sensor, with offset and gain fitted from the session's own still poses; beside it without."
    )
    result["rows"] = table(result)
    tell(result, lines(result), options.json)


if __name__ == "__main__":
    main()

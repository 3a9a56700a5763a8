"""How well knee falls are measured: random simulated people with every difficulty, at 52, 104 and 208 Hz, with and
without gyroscope.

    python benchmarks/accuracy_falls.py --n 60 --json benchmarks/accuracy_falls.json

Prints one table and, with `--json`, writes the same numbers. Errors are against the exact truth of the simulator. Every
person is a seed; the same seeds give the same numbers on every machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import ImuBlock, KneeFallPhaseReached, OrientedBlock, Placement, SegmentMeasured, Side
from sensorsoma.simulate import Simulation, simulate_exercise

RATES_HZ = (52.0, 104.0, 208.0)
PHASES = ["knee_up", "falling", "arrived", "sliding", "straight"]
MEASURES = {  # what is measured: which truth it is held against
    "arrival_deg": "arrival_deg",
    "final_deg": "final_deg",
    "sink_deg": "sink_deg",
    "openness_kept_share": "openness_kept_share",
    "residual_deg": "residual_deg",
    "fall_start_s": "fall_start_s",
    "rest_start_s": "arrival_s",
    "rest_end_s": "rest_end_s",
    "slide_end_s": "slide_end_s",
}


def as_seen(simulation: Simulation, placement: Placement, is_acc_only: bool) -> OrientedBlock:
    """The samples that arrived, through the orientation filter."""
    samples = simulation.samples[placement]
    kept = ~samples.is_lost
    gyr = None if is_acc_only or samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[kept]
    block = ImuBlock(placement, samples.rate_hz, samples.t_s[kept], samples.acc_sensor_mps2[kept], gyr)
    return OrientationFilter(placement).feed(block, placement)


def run_one(seed: int, is_acc_only: bool) -> dict[str, Any]:
    """Errors of one person's fall; a missed or doubled fall gives none."""
    side: Side = "right" if seed % 2 else "left"
    placement: Placement = "right-thigh" if seed % 2 else "left-thigh"
    rate_hz = RATES_HZ[seed % len(RATES_HZ)]
    simulation = simulate_exercise("knee_fall", side=side, seed=seed, rate_hz=rate_hz)
    block = as_seen(simulation, placement, is_acc_only)
    body = Body()
    body.feed(block)
    detector = make_detector(Stretch("knee_fall", side, placement, 0.0), body)
    out = [*detector.feed(block), *detector.finish(simulation.duration_s)]
    assert isinstance(out[-1], SegmentMeasured)
    falls = out[-1].measures["falls"]
    truth = simulation.truth.of("knee_fall")[0].fall
    phases = [event.phase for event in out if isinstance(event, KneeFallPhaseReached)]
    row: dict[str, Any] = {"seed": seed, "rate_hz": rate_hz, "n_falls": len(falls), "has_phases": phases == PHASES}
    row["errors"] = {}
    if len(falls) == 1:
        for name, wanted in MEASURES.items():
            found, true = falls[0][name], getattr(truth, wanted)
            row["errors"][name] = None if found is None or true is None else found - true
        row["uncertainty_deg"] = falls[0]["angle_uncertainty_deg"]
    return row


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Root mean square, mean and largest error of every measure."""
    table: dict[str, Any] = {
        "n": len(rows),
        "one_fall_share": float(np.mean([row["n_falls"] == 1 for row in rows])),
        "all_phases_share": float(np.mean([row["has_phases"] for row in rows])),
    }
    for name in MEASURES:
        errors = [row["errors"].get(name) for row in rows]
        seen = np.array([error for error in errors if error is not None])
        table[name] = {
            "n": len(seen),
            "rmse": round(float(np.sqrt(np.mean(seen**2))), 3) if len(seen) else None,
            "mean": round(float(seen.mean()), 3) if len(seen) else None,
            "max_abs": round(float(np.abs(seen).max()), 3) if len(seen) else None,
        }
    sure = [row for row in rows if row["errors"].get("arrival_deg") is not None]
    inside = [abs(row["errors"]["arrival_deg"]) <= 2.0 * row["uncertainty_deg"] for row in sure]
    table["arrival_within_2_uncertainties"] = round(float(np.mean(inside)), 3) if inside else None
    return table


def lines(title: str, table: dict[str, Any]) -> Iterator[str]:
    """A summary as text."""
    yield f"{title}: {table['n']} falls, one fall found in {table['one_fall_share']:.1%}, "
    yield f"    all phases in order in {table['all_phases_share']:.1%}, arrival within two of its own uncertainties in "
    yield f"    {table['arrival_within_2_uncertainties']:.1%}"
    yield f"    {'':22}{'n':>5}{'RMSE':>9}{'mean':>9}{'max':>9}"
    for name in MEASURES:
        cell = table[name]
        if cell["n"]:
            yield f"    {name:22}{cell['n']:>5}{cell['rmse']:>9.2f}{cell['mean']:>9.2f}{cell['max_abs']:>9.2f}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=60, help="number of simulated people")
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--json", type=Path, default=None, help="also write the numbers to this file")
    args = parser.parse_args()
    result: dict[str, Any] = {"benchmark": "accuracy_falls", "n": args.n, "first_seed": args.first_seed}
    for name, is_acc_only in (("gyroscope", False), ("acceleration_only", True)):
        rows = [run_one(seed, is_acc_only) for seed in range(args.first_seed, args.first_seed + args.n)]
        result[name] = summarise(rows)
        print("\n".join(lines(name.replace("_", " "), result[name])))
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

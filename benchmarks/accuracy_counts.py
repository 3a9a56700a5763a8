"""Counts, ranges and shaking on simulated people with every difficulty, against the truth.

    python benchmarks/accuracy_counts.py [--files 60] [--first-seed 1] [--verbose]

Clamshells and pelvic rocking at 52, 104 and 208 Hz in turn, left and right in turn, each file once with and once
without its gyroscope; every sample goes through orientation, body and detector as live. Half-hearted clamshells of
more than five degrees count; smaller ones (a third of a ten-degree set) may be missed and are listed apart. Shaking
is looked for again in as many files at its largest strength.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Exercise, ImuBlock, Placement, Side, thigh_of
from sensorsoma.simulate import simulate_exercise
from sensorsoma.simulate.truth import StretchTruth

RATES_HZ = (52.0, 104.0, 208.0)


def measured(
    exercise: Exercise, side: Side, placement: Placement, seed: int, *, acc_only: bool, **options: Any
) -> tuple[StretchTruth, dict[str, Any]]:
    """Truth and measures of one simulated file, the stretch beginning when the movement does."""
    rate_hz = RATES_HZ[seed % 3]
    simulation = simulate_exercise(
        exercise, side=side, seed=seed, rate_hz=rate_hz, placements=(placement,), acc_only=acc_only, **options
    )
    truth = next(stretch for stretch in simulation.truth.stretches if stretch.exercise == exercise)
    samples = simulation.samples[placement]
    body, orientation = Body(), OrientationFilter(placement)
    detector = make_detector(Stretch(exercise, side, placement, truth.start_s), body)
    for at in range(0, len(samples.t_s), 8):
        part = slice(at, at + 8)
        gyr = None if samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[part]
        raw = ImuBlock(placement, rate_hz, samples.t_s[part], samples.acc_sensor_mps2[part], gyr)
        block = orientation.feed(raw, placement)
        body.feed(block)
        if len(block.t_s) and block.t_s[0] >= truth.start_s:
            detector.feed(block)
    out = detector.finish(float(samples.t_s[-1]))
    return truth, dict(out[-1].measures)  # type: ignore[union-attr]  # the last output is the SegmentMeasured


@dataclass
class Tally:
    """What a row of files came to."""

    n: int = 0
    exact: int = 0
    all_seen: int = 0
    squares: list[float] = field(default_factory=list)
    shaking: int = 0
    found: int = 0
    false: int = 0
    freq_errors: list[float] = field(default_factory=list)


def clamshells(n: int, first_seed: int, acc_only: bool, verbose: bool, **options: Any) -> Tally:
    """`n` files of clamshells."""
    tally = Tally()
    for seed in range(first_seed, first_seed + n):
        side: Side = "left" if seed // 3 % 2 else "right"
        truth, measures = measured("clamshell", side, thigh_of(side), seed, acc_only=acc_only, **options)
        tally.n += 1
        whole = sum(not rep["partial"] for rep in measures["reps"])
        large = sum(not rep.partial or rep.range_deg > 5.0 for rep in truth.reps)
        is_exact = whole == truth.count and measures["count"] in (large, len(truth.reps))
        tally.exact += is_exact
        tally.all_seen += measures["count"] == len(truth.reps)
        if len(truth.reps) == measures["count"]:
            pairs = zip(measures["reps"], truth.reps, strict=True)
            tally.squares += [(found["range_deg"] - true.range_deg) ** 2 for found, true in pairs]
        if verbose and not is_exact:
            true = f"true {truth.count} of {len(truth.reps)}"
            print(f"  clamshell seed {seed}: {whole} whole of {measures['count']}, {true}")
        tremor = measures["tremor"]
        tally.shaking += truth.tremor is not None
        if truth.tremor is None:
            tally.false += tremor is not None
            if verbose and tremor is not None:
                print(f"  clamshell seed {seed}: shaking of {tremor['freq_hz']:.1f} Hz that is not there")
        elif tremor is not None:
            tally.found += 1
            tally.freq_errors.append(abs(tremor["freq_hz"] - truth.tremor.freq_hz))
    return tally


def rocking(n: int, first_seed: int, acc_only: bool, verbose: bool) -> Tally:
    """`n` files of pelvic rocking from the pelvis."""
    tally = Tally()
    for seed in range(first_seed, first_seed + n):
        truth, measures = measured("pelvic_rock", "right", "pelvis", seed, acc_only=acc_only)
        tally.n += 1
        tally.exact += measures["count"] == truth.count
        tally.false += measures["tremor"] is not None
        whole = [cycle for cycle in truth.cycles if not cycle.partial]
        if len(whole) == measures["count"]:
            for found, true in zip(measures["cycles"], whole, strict=True):
                tally.squares.append((found["anterior_deg"] - true.anterior_deg) ** 2)
                tally.squares.append((found["posterior_deg"] - true.posterior_deg) ** 2)
        elif verbose:
            print(f"  pelvic_rock seed {seed}: {measures['count']}, true {truth.count}")
    return tally


def main() -> None:
    """Prints one line a row of files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--first-seed", type=int, default=1)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    n, first, verbose = options.files, options.first_seed, options.verbose
    for acc_only in (False, True):
        name = "accelerometer only" if acc_only else "with gyroscope"
        clam = clamshells(n, first, acc_only, verbose)
        print(
            f"clamshell, {name}: {clam.n} files, exact {clam.exact / clam.n:.1%}, range RMSE {rmse(clam):.2f} deg; ",
            end="",
        )
        print(shaking(clam), flush=True)
        rock = rocking(n, first, acc_only, verbose)
        print(
            f"pelvic rock, {name}: {rock.n} files, exact {rock.exact / rock.n:.1%}, tilt RMSE {rmse(rock):.2f} deg, ",
            end="",
        )
        print(f"shaking reported without any {rock.false}", flush=True)
        for peak_deg in (0.03, 0.1):
            strong = clamshells(n, first, acc_only, False, shaking=True, shaking_peak_deg=peak_deg)
            print(f"clamshell, {name}, shaking of {peak_deg} deg: {shaking(strong)}", flush=True)


def rmse(tally: Tally) -> float:
    """Root mean square of the errors, deg."""
    return float(np.sqrt(np.mean(tally.squares))) if tally.squares else float("nan")


def shaking(tally: Tally) -> str:
    """Found and false, and how near the frequency was."""
    near = np.mean(np.array(tally.freq_errors) <= 0.5) if tally.freq_errors else float("nan")
    without = tally.n - tally.shaking
    return (
        f"shaking found in {tally.found} of {tally.shaking} (within 0.5 Hz in {near:.1%}), "
        f"reported in {tally.false} of {without} without"
    )


if __name__ == "__main__":
    main()

"""Counts on real people: clamshells, knee rolls and pelvic tilts of the public MEx data set against counts by eye.

    python benchmarks/mex_counts.py FOLDER ANNOTATIONS.tsv [--verbose]

FOLDER holds thigh accelerometer files in the layout of the download (`SUBJECT/EXERCISE_act_RUN.csv`: timestamp, x, y,
z in g; MEx: Multi-modal Exercise Dataset, Wijekoon, Wiratunga and Cooper 2019, UCI Machine Learning Repository, CC BY
4.0). ANNOTATIONS.tsv: tab-separated with a header; columns `subject file exercise leg reps_low reps_high scored
peak_times_s`.

Every sample goes through orientation, body and detector as in a live session, packet by packet, so the counts are
causal. `baseline` is a tuned `scipy.signal.find_peaks` on the strongest direction of the low-passed signal (same
filter): prominence 0.4 of the 5-95 percent range and at least 8 degrees (2.5 for the tilt), with the direction that
it finds more often taken as the top.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from scipy.signal import find_peaks

from sensorsoma.dsp.arc import angle_about, fit_arc_axis
from sensorsoma.dsp.filters import FilterParams, StreamingFilter
from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import DetectorOutput, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Exercise, Floats, ImuBlock, RepCompleted
from sensorsoma.recording.imports import read_imported

EXERCISES: dict[str, Exercise] = {"clamshell": "clamshell", "knee_rolling": "knee_roll", "pelvic_tilt": "pelvic_rock"}
NEAR_S = 1.0
"""A found top matches a top by eye within this."""


@dataclass
class Tally:
    """What one exercise came to."""

    n: int = 0
    counted: int = 0
    exact: int = 0
    within_one: int = 0
    matched: int = 0
    found: int = 0
    true: int = 0
    baseline_exact: int = 0
    baseline_one: int = 0
    lags_s: list[float] = field(default_factory=list)
    false: int = 0


def told(exercise: Exercise, t_s: Floats, acc: Floats, rate_hz: float, packet: int = 10) -> list[DetectorOutput]:
    """What the detector says, fed in packets."""
    body, orientation = Body(), OrientationFilter("right-thigh")
    detector = make_detector(Stretch(exercise, "right", "right-thigh", 0.0), body)
    out: list[DetectorOutput] = []
    for at in range(0, len(t_s), packet):
        raw = ImuBlock("right-thigh", rate_hz, t_s[at : at + packet], acc[at : at + packet], None)
        block = orientation.feed(raw, "right-thigh")
        body.feed(block)
        out.extend(detector.feed(block))
    return [*out, *detector.finish(float(t_s[-1]))]


def baseline(t_s: Floats, acc: Floats, rate_hz: float, is_tilt: bool) -> list[float]:
    """Times of the tops by find_peaks on the arc angle."""
    low = StreamingFilter(FilterParams("lowpass", 0.5 if is_tilt else 1.5), rate_hz)
    up = low.feed(acc)
    up = up / np.linalg.norm(up, axis=1, keepdims=True)
    angle = np.rad2deg(angle_about(fit_arc_axis(up).axis, up[0], up))
    height = float(np.diff(np.percentile(angle, [5, 95]))[0])
    least = max(0.4 * height, 2.5 if is_tilt else 8.0)
    both = [find_peaks(sign * angle, prominence=least)[0] for sign in (1.0, -1.0)]
    return [float(t_s[i]) - low.delay_s for i in max(both, key=len)]


def matches(found: Sequence[float], true: Sequence[float]) -> int:
    """How many true times have a found one of their own nearby."""
    left, n = sorted(found), 0
    for time in true:
        best = min(left, key=lambda one: abs(one - time), default=None)
        if best is not None and abs(best - time) <= NEAR_S:
            left.remove(best)
            n += 1
    return n


def main() -> None:
    """Counts every scored file and prints one line an exercise."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("annotations", type=Path)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    tallies: dict[str, Tally] = {}
    with options.annotations.open(newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["scored"] == "yes"]
    for row in rows:
        exercise = EXERCISES[row["exercise"]]
        imported = read_imported(options.folder / row["subject"] / row["file"], acc_unit="g")
        out = told(exercise, imported.t_s, imported.acc_sensor_mps2, imported.rate_hz)
        measures = out[-1].measures  # type: ignore[union-attr]  # the last output is the SegmentMeasured
        count = measures["count"]
        low, high = int(row["reps_low"]), int(row["reps_high"])
        true = [float(time) for time in row["peak_times_s"].split()]
        if options.verbose:
            print(f"{row['subject']}/{row['file']} {row['exercise']} {row['leg']}: by eye {low}-{high}, found {count}")
        tally = tallies.setdefault(row["exercise"] + (", resting leg" if row["leg"] == "bottom" else ""), Tally())
        tally.n += 1
        simple = baseline(imported.t_s, imported.acc_sensor_mps2, imported.rate_hz, exercise == "pelvic_rock")
        n_simple = len(simple)
        tally.baseline_exact += low <= n_simple <= high
        tally.baseline_one += low - 1 <= n_simple <= high + 1
        if count is None:
            continue
        tally.counted += 1
        tally.exact += low <= count <= high
        tally.within_one += low - 1 <= count <= high + 1
        tally.false += count if row["leg"] == "bottom" else 0
        if exercise == "pelvic_rock" or row["leg"] == "bottom":
            continue
        if exercise == "knee_roll":
            tops = [time for side in measures["sides"].values() for time in side["peaks_s"]]
        else:
            tops = [rep["peak_s"] for rep in measures["reps"]]
            events = [item for item in out if isinstance(item, RepCompleted)]
            tally.lags_s += [e.known_s - r["peak_s"] for e, r in zip(events, measures["reps"], strict=False)]
        tally.matched += matches(tops, true)
        tally.found += len(tops)
        tally.true += len(true)
    for name, tally in sorted(tallies.items()):
        print(report(name, tally))


def report(name: str, tally: Tally) -> str:
    """One line of figures."""
    line = f"{name}: {tally.n} files, {tally.counted} counted, exact {tally.exact}, within one {tally.within_one}"
    if "resting" in name:
        return f"{line}, false reps {tally.false}"
    if tally.true:
        line += f", F1 of times {2 * tally.matched / (tally.found + tally.true):.3f}"
    if tally.lags_s:
        line += f", known after the middle of the top: median {np.median(tally.lags_s):.1f} s, "
        line += f"90 percent {np.percentile(tally.lags_s, 90):.1f} s"
    return f"{line}; find_peaks: exact {tally.baseline_exact}, within one {tally.baseline_one}"


if __name__ == "__main__":
    main()

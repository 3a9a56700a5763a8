"""Double taps on a worn sensor: how many are recognised, and what else is taken for one.

    python benchmarks/accuracy_taps.py [--people 300] [--mex FOLDER] [--json FILE] [--quick]

All taps are simulated (`sensorsoma.simulate.taps`: pulses of 5-20 ms and 1.5-8 g, 150-500 ms apart, skin ringing at
20-40 Hz, sampled behind the device's own low-pass at half or a quarter of the rate, or behind none). They are put on a
sensor at rest, into the rests of simulated practices, and into the movement of real people (MEx: Multi-modal Exercise
Dataset, Wijekoon, Wiratunga and Cooper 2019, UCI Machine Learning Repository, CC BY 4.0; `--mex` or SENSORSOMA_MEX), in
their resting legs and half-way between two repetitions. What must not be taken for a double tap: all of MEx as it is,
whole simulated practices with every difficulty, clamshells with a knee that drops, lands and bounces after every
repetition, single taps, shivers of 4-12 Hz, and a sensor that is knocked about while it is strapped on; triple taps and
harsh coughs are told, too. Every seed of a wrong one is printed.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from figures import add_json, in_parallel, row, tell
from mex_files import MexFile, mex_files

from sensorsoma.exercises.taps import TapListener
from sensorsoma.messages import DoubleTapped, Floats, OrientedBlock
from sensorsoma.recording.imports import read_imported
from sensorsoma.simulate import Samples, simulate_exercise
from sensorsoma.simulate.practice import simulate_practice
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.taps import ANTI_ALIAS, AntiAlias, Tap, Tapping, draw_double, dropped, tapped
from sensorsoma.units import STANDARD_GRAVITY_MPS2

RATES_HZ = (52.0, 60.0, 104.0, 208.0)
GOAL = 0.95
ASKED: tuple[AntiAlias, ...] = ("none", "half")
"""The low-passes that the goal is about; a quarter of the rate at 52 Hz leaves little of a tap."""
PRACTICES = ("soft-hips", "hips-and-core", "hips-check", "short")
FIRST_SEED = 1000
"""Those below were looked at while the thresholds were chosen."""
BLOCK = 8
"""Samples at a time, as packets bring them."""

Samples3 = tuple[Floats, Floats]
"""Times `(n,)` and accelerometer `(n, 3)`."""


def told(t_s: Floats, acc: Floats, rate_hz: float) -> list[DoubleTapped]:
    """What the listener says of these samples."""
    up = acc / np.linalg.norm(acc, axis=1, keepdims=True)
    block = OrientedBlock("c", "right-thigh", rate_hz, t_s, up, None, acc, None)
    return TapListener().feed(block)


def at_rest(rng: np.random.Generator, rate_hz: float, seconds: float) -> Samples3:
    """A sensor that lies still in any position, with the noise of consumer sensors."""
    t_s = np.arange(int(seconds * rate_hz)) / rate_hz + rng.uniform(0, 1 / rate_hz)
    up = rng.standard_normal(3)
    noise = 150e-6 * STANDARD_GRAVITY_MPS2 * np.sqrt(rate_hz / 2)
    return t_s, STANDARD_GRAVITY_MPS2 * up / np.linalg.norm(up) + noise * rng.standard_normal((len(t_s), 3))


def is_right(found: Sequence[DoubleTapped], taps: Sequence[Tap]) -> bool:
    """One event, at the second tap."""
    near = [one for one in found if abs(one.t_s - taps[1].t_s) < 0.06]
    return len(near) == 1 and not [one for one in found if taps[0].t_s - 0.3 < one.t_s < taps[1].t_s - 0.06]


# ----------------------------------------------------------------------------------------- recognition


def still_job(job: tuple[float, AntiAlias, int]) -> dict[str, Any]:
    """Double taps on a sensor at rest: how many of `n`, as it is and with 0-3 % of packets lost."""
    rate_hz, anti_alias, n = job
    right, right_lossy, late_s, missed = 0, 0, [], []
    for seed in range(FIRST_SEED, FIRST_SEED + n):
        rng = stream(seed, "still taps")
        t_s, acc = at_rest(rng, rate_hz, 5.0)
        taps = draw_double(rng, rng.uniform(1.5, 2.5))
        tapping = Tapping(rate_hz, anti_alias)
        tapping.add(*taps)
        acc, _ = tapping.on(t_s, acc, None)
        found = told(t_s, acc, rate_hz)
        if is_right(found, taps):
            right += 1
            late_s.append(found[0].known_s - taps[1].t_s)
        else:
            missed.append(seed)
        packet = np.arange(len(t_s)) // int(rng.integers(4, 11))
        kept = rng.random(packet[-1] + 1)[packet] >= rng.uniform(0, 0.03)
        right_lossy += is_right(told(t_s[kept], acc[kept], rate_hz), taps)
    return {
        "rate_hz": rate_hz, "anti_alias": anti_alias, "n": n, "share": right / n, "share_lossy": right_lossy / n,
        "late_s": [round(float(each), 3) for each in np.percentile(late_s, (50, 100))], "missed_seeds": missed[:20],
    }  # fmt: skip


def thinned(t_s: Floats, acc: Floats, rate_hz: float, step: int) -> tuple[Floats, Floats, float]:
    """Every `step`-th sample."""
    return t_s[::step], acc[::step], rate_hz / step


def mex_job(job: tuple[str, tuple[float, ...], int]) -> dict[str, Any]:
    """One real file: what is told of it as it is, and of double taps put into it at `at_s`."""
    path, at_s, step = job
    file = read_imported(Path(path), acc_unit="g")
    t_s, acc, rate_hz = thinned(file.t_s, file.acc_sensor_mps2, file.rate_hz, step)
    found: dict[str, Any] = {"seconds": float(t_s[-1] - t_s[0]), "false": len(told(t_s, acc, rate_hz)), "by": {}}
    places = [each for each in at_s if 1.0 < each < t_s[-1] - 2.0]
    for anti_alias in ANTI_ALIAS:
        right = 0
        for index, place_s in enumerate(places):
            rng = stream(index, Path(path).parent.name, Path(path).name, "mex taps")
            taps = draw_double(rng, place_s)
            tapping = Tapping(rate_hz, anti_alias)
            tapping.add(*taps)
            part = slice(*np.searchsorted(t_s, (place_s - 3.0, place_s + 3.0)))
            right += is_right(told(t_s[part], tapping.on(t_s[part], acc[part], None)[0], rate_hz), taps)
        found["by"][anti_alias] = (right, len(places))
    return found


def between_reps(file: MexFile) -> tuple[float, ...]:
    """Half-way between the tops of two repetitions, where the leg is down: by eye, to about half a second."""
    tops = file.tops_s
    return tuple((one + two) / 2 - 0.2 for one, two in pairwise(tops))


# ----------------------------------------------------------------------------------- what is no double tap


def practice_job(job: tuple[str, int, float]) -> dict[str, Any]:
    """One whole practice of three sensors with every difficulty: what is told, and of taps put into its rests."""
    name, seed, rate_hz = job
    simulation = simulate_practice(name, seed=seed, rate_hz=rate_hz)
    rests = [
        (one.start_s + 4.0, one.end_s - 3.0)
        for one in simulation.truth.stretches
        if one.exercise in ("rest", "breathing", "stillness") and one.end_s is not None
    ]
    rng = stream(seed, name, "practice taps")
    false = right = n = 0
    for samples in simulation.samples.values():
        false += len(told_of(samples))
        taps = [
            draw_double(rng, at_s) for begin, end in rests for at_s in np.arange(begin, end, 6.0) + rng.uniform(0, 2)
        ]
        found = told_of(tapped(samples, [tap for pair in taps for tap in pair]))
        right += sum(is_right([one for one in found if abs(one.t_s - pair[1].t_s) < 1.0], pair) for pair in taps)
        n += len(taps)
    seconds = simulation.duration_s * len(simulation.samples)
    return {"seconds": seconds, "false": false, "right": right, "n": n, "seed": f"{name} {seed}"}


def told_of(samples: Samples) -> list[DoubleTapped]:
    """What is told of those that arrive."""
    kept = ~samples.is_lost
    return told(samples.t_s[kept], samples.acc_sensor_mps2[kept], samples.rate_hz)


def landing_job(job: tuple[int, float]) -> dict[str, Any]:
    """Simulated clamshells, with a knee that drops, lands and bounces at the end of every repetition."""
    seed, rate_hz = job
    simulation = simulate_exercise("clamshell", seed=seed, rate_hz=rate_hz, shaking=seed % 2 == 0)
    (samples,) = simulation.samples.values()
    rng, acc = stream(seed, "landings"), samples.acc_sensor_mps2
    reps = simulation.truth.stretches[-1].reps
    acc = acc.copy()
    for rep in reps:
        at_s = rep.end_s - rng.uniform(0.0, 0.3)
        part = slice(*np.searchsorted(samples.t_s, (at_s - 3.0, at_s + 3.0)))
        acc[part] = dropped(rng, at_s, samples.t_s[part], acc[part], rate_hz, ASKED[seed % 2])
    found = told_of(replace(samples, acc_sensor_mps2=acc)) + told_of(samples)
    return {"seconds": 2 * simulation.duration_s, "false": len(found), "n": len(reps), "seed": seed}


def shiver(rng: np.random.Generator, rate_hz: float) -> Samples3:
    """Shaking of 4-12 Hz for 0.3-5 s, up to 0.8 g."""
    t_s, acc = at_rest(rng, rate_hz, 10.0)
    seconds, freq_hz = rng.uniform(0.3, 5.0), rng.uniform(4, 12)
    size = rng.uniform(0.3, 8.0) * np.sin(np.pi * np.clip((t_s - 2.0) / seconds, 0, 1)) ** 0.5
    way = rng.standard_normal(3)
    return t_s, acc + np.multiply.outer(size * np.sin(2 * np.pi * freq_hz * t_s), way / np.linalg.norm(way))


def cough(rng: np.random.Generator, rate_hz: float) -> Samples3:
    """One to four bursts of 80-250 ms and 2-12 Hz, 0.25-0.6 s apart, of 0.1-1 g: harsher than a belly [assumed]."""
    t_s, acc = at_rest(rng, rate_hz, 10.0)
    way, at_s = rng.standard_normal(3), 2.0
    for _ in range(int(rng.integers(1, 5))):
        x = (t_s - at_s) / rng.uniform(0.08, 0.25)
        burst = np.where((x > 0) & (x < 1), np.sin(np.pi * x) * np.cos(2 * np.pi * rng.uniform(0, 1) * x), 0.0)
        acc = acc + np.multiply.outer(burst * rng.uniform(1, 10), way / np.linalg.norm(way))
        at_s += rng.uniform(0.25, 0.6)
    return t_s, acc


def handled(rng: np.random.Generator, rate_hz: float) -> Samples3:
    """Ten seconds in the hand and under the strap: turning, and one to four knocks a second of any strength."""
    t_s, acc = at_rest(rng, rate_hz, 14.0)
    hand = np.clip(np.minimum((t_s - 2.0) / 0.5, (12.0 - t_s) / 0.5), 0, 1)[:, None]
    turning = sum(
        np.multiply.outer(np.sin(2 * np.pi * rng.uniform(0.2, 2.5) * t_s + rng.uniform(0, 6)), rng.standard_normal(3))
        for _ in range(4)
    )
    tapping = Tapping(rate_hz)
    for at_s in np.cumsum(rng.exponential(1 / rng.uniform(1, 4), 40)) + 2.0:
        if at_s < 12.0:
            tapping.add(
                replace(Tap.draw(rng, at_s, float(np.exp(rng.uniform(-1.2, 2)))), width_s=rng.uniform(0.01, 0.1))
            )
    return t_s, tapping.on(t_s, acc + hand * 1.5 * np.asarray(turning), None)[0]


def n_taps(n: int) -> Callable[[np.random.Generator, float], Samples3]:
    """So many taps in quick succession."""

    def draw(rng: np.random.Generator, rate_hz: float) -> Samples3:
        t_s, acc = at_rest(rng, rate_hz, 6.0)
        every_s, tapping = rng.uniform(0.15, 0.33), Tapping(rate_hz)
        tapping.add(*(Tap.draw(rng, 2.0 + k * every_s) for k in range(n)))
        return t_s, tapping.on(t_s, acc, None)[0]

    return draw


NONE_OF_THEM: dict[str, Callable[[np.random.Generator, float], Samples3]] = {
    "single taps": n_taps(1), "triple taps": n_taps(3), "shivers of 4-12 Hz": shiver,
    "harsh coughs on the belly": cough, "handlings of a sensor under knocks": handled,
}  # fmt: skip
ASKED_OF_OTHERS = ("single taps", "shivers of 4-12 Hz", "handlings of a sensor under knocks")
"""Never to be taken for a double tap. A third tap may be lost at 52 Hz, and the coughs are harsher than coughs are."""


def other_job(job: tuple[str, float, int]) -> dict[str, Any]:
    """Something else, `n` times."""
    name, rate_hz, n = job
    false, seconds, seeds = 0, 0.0, []
    for seed in range(FIRST_SEED, FIRST_SEED + n):
        t_s, acc = NONE_OF_THEM[name](stream(seed, name), rate_hz)
        found = len(told(t_s, acc, rate_hz))
        false, seconds = false + found, seconds + float(t_s[-1] - t_s[0])
        seeds += [seed] if found else []
    return {"seconds": seconds, "false": false, "n": n, "seeds": seeds[:20]}


def cost_us(rate_hz: float = 104.0) -> float:
    """Microseconds a sample, a packet of eight at a time, of someone who moves."""
    (samples,) = simulate_exercise("clamshell", seed=2, rate_hz=rate_hz).samples.values()
    acc = samples.acc_sensor_mps2
    up = acc / np.linalg.norm(acc, axis=1, keepdims=True)
    blocks = [
        OrientedBlock("c", "right-thigh", rate_hz, samples.t_s[at], up[at], None, acc[at], None)
        for at in (slice(k, k + BLOCK) for k in range(0, len(acc), BLOCK))
    ]
    times_s = []
    for _ in range(5):
        listener, began = TapListener(), time.process_time()
        for block in blocks:
            listener.feed(block)
        times_s.append((time.process_time() - began) / len(acc))
    return float(np.median(times_s)) * 1e6


# ---------------------------------------------------------------------------------------------- figures


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Everything."""
    n = 60 if options.quick else options.people
    three, seeds = (52.0, 104.0, 208.0), range(FIRST_SEED, FIRST_SEED + n // 4)
    practised = [(name, seed, rate) for rate in three for name in PRACTICES for seed in seeds[: max(1, n // 50)]]
    found: dict[str, Any] = {
        "still": in_parallel(still_job, [(r, a, n) for r in RATES_HZ for a in ANTI_ALIAS], "at rest", 1),
        "practices": in_parallel(practice_job, practised, "practices", 1),
        "landings": in_parallel(landing_job, [(k, rate) for rate in three for k in seeds], "landings", 1),
        "others": {
            name: in_parallel(other_job, [(name, rate, n) for rate in three], name, 1) for name in NONE_OF_THEM
        },
        "cost_us": round(cost_us(), 2),
    }  # fmt: skip
    if options.mex is not None:
        annotations = options.annotations or options.mex.parent / "annotations.tsv"
        every = sorted(str(path) for path in options.mex.glob("*/*_act_*.csv"))
        files = mex_files(options.mex, annotations)
        resting = [(str(f.path), tuple(np.arange(2.0, 90.0, 1.0))) for f in files if f.is_resting]
        moving = [(str(f.path), between_reps(f)) for f in files if not f.is_resting]
        for step in (1, 2):
            name = "103" if step == 1 else "51"
            found[f"mex {name}"] = in_parallel(mex_job, [(path, (), step) for path in every], f"MEx {name} Hz", 1)
            found[f"mex resting {name}"] = in_parallel(mex_job, [(*one, step) for one in resting], "resting", 1)
            found[f"mex between {name}"] = in_parallel(mex_job, [(*one, step) for one in moving], "between", 1)
    return found


def hours(rows: Sequence[dict[str, Any]]) -> float:
    """Of one sensor."""
    return sum(one["seconds"] for one in rows) / 3600.0


def false_row(what: str, rows: Sequence[dict[str, Any]], is_asked: bool = True) -> dict[str, Any]:
    """How many double taps were told of what is none."""
    false = sum(one["false"] for one in rows)
    return row(what, f"{false} in {hours(rows):.2f} h", "0" if is_asked else None, is_met=not is_asked or false == 0)


def share_row(what: str, right: int, n: int, is_asked: bool) -> dict[str, Any]:
    """How many were recognised."""
    share = right / max(1, n)
    goal = f"≥ {GOAL:.0%}" if is_asked else None
    return row(what, f"{share:.1%} of {n}", goal, is_met=not is_asked or share >= GOAL)


def rows_of(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The table."""
    names = {"none": "no low-pass", "half": "low-pass at half the rate", "quarter": "low-pass at a quarter of the rate"}
    for one in found["still"]:
        what = f"simulated double taps at rest, {one['rate_hz']:.0f} Hz, {names[one['anti_alias']]}"
        is_asked = one["anti_alias"] in ASKED
        yield share_row(what, round(one["share"] * one["n"]), one["n"], is_asked)
    practices = found["practices"]
    lossy = [one["share_lossy"] for one in found["still"] if one["anti_alias"] in ASKED]
    yield row("the same with 0-3 % of packets lost, lowest to highest", f"{min(lossy):.1%} to {max(lossy):.1%}")
    yield share_row(
        "put into the rests of simulated practices", sum(one["right"] for one in practices),
        sum(one["n"] for one in practices), is_asked=False,
    )  # fmt: skip
    late = [one["late_s"] for one in found["still"]]
    yield row(
        "told after the second tap, median and longest", f"{np.median([m for m, _ in late]):.2f} and "
        f"{max(longest for _, longest in late):.2f} s", "0.3-0.5 s", is_met=max(longest for _, longest in late) <= 0.51,
    )  # fmt: skip
    for name in ("103", "51"):
        if f"mex {name}" not in found:
            yield row(f"real legs (MEx), {name} Hz", "not measured: the recordings were not named")
            continue
        yield false_row(f"told of real legs (MEx) as they are, {name} Hz", found[f"mex {name}"])
        for place, text in (("resting", "put on real legs at rest"), ("between", "put between real repetitions")):
            for anti_alias in ANTI_ALIAS:
                counts = [one["by"][anti_alias] for one in found[f"mex {place} {name}"]]
                right, n = (sum(each) for each in zip(*counts, strict=True))
                is_asked = place == "resting" and anti_alias in ASKED
                yield share_row(f"{text} (MEx), {name} Hz, {names[anti_alias]}", right, n, is_asked)
    yield false_row("told of whole simulated practices, three sensors, every difficulty", practices)
    n_landings = sum(one["n"] for one in found["landings"])
    yield false_row(f"told of simulated clamshells with {n_landings} knees that drop and bounce", found["landings"])
    for name, jobs in found["others"].items():
        yield false_row(f"told of {sum(one['n'] for one in jobs)} simulated {name}", jobs, name in ASKED_OF_OTHERS)
    cost = found["cost_us"]
    yield row("computing, a sensor of 104 Hz", f"{cost:.1f} µs a sample, {cost * 0.0104:.2f} % of a core")


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=300, help="double taps per rate and low-pass")
    folder = os.environ.get("SENSORSOMA_MEX")
    parser.add_argument("--mex", type=Path, default=None if folder is None else Path(folder))
    parser.add_argument("--annotations", type=Path, default=None)
    parser.add_argument("--quick", action="store_true")
    add_json(parser)
    options = parser.parse_args()
    found = measured(options)
    rows = list(rows_of(found))
    asked = [one for one in rows if one["target"] is not None]
    said = (
        f"Taps are simulated, real legs are real: {sum(one['is_met'] for one in asked)} of {len(asked)} goals met. A "
        "tap while the leg moves need not be heard."
    )
    lines = [f"{one['what']}: {one['measured']}" + ("" if one["is_met"] else "   <- falls short") for one in rows]
    for name, jobs in found["others"].items():
        lines += [f"  wrong seeds, {name}: {one['seeds']}" for one in jobs if one["seeds"]]
    lines += [f"  wrong seeds, landings: {[one['seed'] for one in found['landings'] if one['false']]}"]
    lines += [f"  wrong seeds, practices: {[one['seed'] for one in found['practices'] if one['false']]}"]
    tell({"said": said, "rows": rows, "figures": found}, [said, *lines], options.json)


if __name__ == "__main__":
    main()

"""What was done, found without being told: simulated practices, and real people's files.

    python benchmarks/accuracy_found.py [--mex FOLDER] [--people 5] [--first-seed 501] [--json FILE] [--quick]

Every practice (all difficulties; steady, slow and brisk people in turn) goes through the pipeline without plan and
exercise, as `sensorsoma analyze` does it, and every tenth of a second is compared with what the person did.

- Right: the name, and the side where the movement has one. Lying still is one thing, whatever the plan calls it: rest,
  stillness, breathing. A knee fall lasts from drawing up the foot to the end of the slide; the rest after it may be
  called by either name, as may the rest that follows a turning over and the return of the leg that was held back.
  Breathing with the knees still inward is breathing or knees in. Free movement has no name: `unknown`, or rest.
- What no worn sensor can see (the other leg, a turn about the vertical without gyroscope) is right as rest, too.
- Wrong: another name. Unknown: `unknown`, or no name at all.
- Not scored: between two steps, where somebody listens and gets ready, and within 1.5 s of the edge of a step.

`plain`, with both thighs and the pelvis: rest or movement by a threshold on the angular speed, in windows of 2 s, and
the name that a movement of that sensor most often has in the posture of the trunk.

With `--mex` (or SENSORSOMA_MEX) the thigh files of ten real people (MEx, see `mex_counts.py`) are named as well.
Nothing is known of their straps, so a clamshell or a knee roll is right as a large arc, a pelvic tilt as a tilt, and
the leg that rests as rest. A file is called what most of its time is called.
"""

from __future__ import annotations

import argparse
import csv
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from figures import add_json, in_parallel, progress, row, tell
from simulated_line import outputs_of

from sensorsoma.analysis import found_in
from sensorsoma.exercises.found import FoundStretch, Seen, Watch, name_stretches
from sensorsoma.exercises.found.lying import trunk_axes
from sensorsoma.exercises.found.moves import speed_dps
from sensorsoma.exercises.found.seen import GRID_HZ
from sensorsoma.messages import Exercise, Placement, Side
from sensorsoma.recording.imports import inputs_of, read_imported
from sensorsoma.sight import seen_by
from sensorsoma.simulate import Difficulties
from sensorsoma.simulate.exercise import Simulation
from sensorsoma.simulate.practice import simulate_practice
from sensorsoma.simulate.truth import StretchTruth, Truth

STEP_S = 0.1
EDGE_S = 1.5
"""Nobody can say to the second when a slow movement begins."""
RETURN_S = 9.0
"""Reaction and return of a leg that was held back."""

Name = tuple[Exercise, Side | None]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is right from `start_s` to `end_s`."""

    start_s: float
    end_s: float
    names: tuple[Name, ...]
    what: str
    """For the table: the step."""


def answers(truth: Truth, worn: Sequence[Placement], has_gyroscope: bool) -> Iterator[Answer]:
    """What is right when, in order."""
    before: StretchTruth | None = None
    for stretch in truth.stretches:
        for start_s, end_s, names in _parts(stretch, before, truth):
            can_see = bool(seen_by(stretch.exercise, stretch.side, worn))
            can_see &= has_gyroscope or stretch.exercise != "leg_back"
            more: tuple[Name, ...] = () if can_see else (("rest", None),)
            yield Answer(start_s, end_s, (*names, *more), stretch.exercise)
        before = stretch


def _parts(
    stretch: StretchTruth, before: StretchTruth | None, truth: Truth
) -> Iterator[tuple[float, float, tuple[Name, ...]]]:
    """Start, end and right names of the parts of a step."""
    start_s, end_s = stretch.start_s, stretch.end_s
    if end_s is None:
        return
    own: Name = (stretch.exercise, stretch.side)
    rest: Name = ("rest", None)
    if stretch.fall is not None:
        done_s = end_s if stretch.fall.slide_end_s is None else stretch.fall.slide_end_s
        yield stretch.fall.draw_up_s, done_s, (own,)
        yield done_s, end_s, (own, rest)
    elif stretch.exercise == "knee_in":
        yield stretch.values.get("arrival_s", start_s), end_s, (own,)
    elif stretch.exercise == "breathing":
        yield start_s, end_s, (rest, ("knee_in", None)) if before and before.exercise == "knee_in" else (rest,)
    elif stretch.exercise == "leg_slide":
        yield start_s, start_s + 4.0, (own,)
        yield start_s + 4.0, end_s, (own, rest)
    elif stretch.exercise == "rest" and before is not None and before.exercise == "leg_back":
        yield start_s, min(end_s, start_s + RETURN_S), (rest, ("leg_back", before.side))
        yield min(end_s, start_s + RETURN_S), end_s, (rest,)
    elif stretch.reps:
        yield stretch.reps[0].start_s, stretch.reps[-1].end_s, (own,)
    elif stretch.cycles:
        yield stretch.cycles[0].start_s, end_s, (own,)
    elif stretch.exercise == "pelvic_hold":
        yield (stretch.hold_start_s or start_s) - 1.5, end_s, (own,)
    elif stretch.exercise == "rocking":
        yield stretch.values["rock_start_s"], stretch.values["rock_end_s"], (own,)
    elif stretch.exercise == "roll_over":
        turned_s = max((p.start_s for p in truth.postures if start_s <= p.start_s <= end_s), default=start_s)
        yield start_s, turned_s, (own,)
        yield turned_s, end_s, (own, rest)
    elif stretch.exercise == "free":
        yield start_s, end_s, (own, rest, ("unknown", None))
    else:
        yield start_s, end_s, (rest,) if stretch.exercise in ("rest", "stillness") else (own,)


def judge(found: Sequence[FoundStretch], right: Sequence[Answer]) -> Counter[tuple[str, str, str]]:
    """Tenths of seconds by step, verdict and what was said."""
    tally: Counter[tuple[str, str, str]] = Counter()
    for answer in right:
        for t_s in np.arange(answer.start_s + EDGE_S, answer.end_s - EDGE_S, STEP_S).tolist():
            said = [one for one in found if one.start_s <= t_s < one.end_s]
            names = {one.exercise for one in said} - {"unknown"}
            is_right = any(
                one.exercise == name and side in (None, one.side) for one in said for name, side in answer.names
            )
            verdict = "right" if is_right else "wrong" if names else "unknown"
            tally[answer.what, verdict, "+".join(sorted(names)) or "unknown"] += 1
    return tally


# ------------------------------------------------------------------------------------------------- practices


@dataclass(frozen=True, slots=True)
class Job:
    """One simulated practice."""

    name: str
    seed: int
    dose: float
    acc_only: bool


SETS: dict[str, tuple[Placement, ...]] = {
    "both thighs and pelvis": ("left-thigh", "right-thigh", "pelvis"),
    "right thigh and pelvis": ("right-thigh", "pelvis"),
    "both thighs": ("left-thigh", "right-thigh"),
    "right thigh": ("right-thigh",),
}
TEMPERAMENTS = ("steady", "slow", "brisk")
RATE_HZ = 52.0


def run_job(job: Job) -> dict[str, Any]:
    """Tallies of one practice for every set of sensors, JSON-ready."""
    worn = SETS["both thighs and pelvis"]
    simulation = simulate_practice(
        job.name, seed=job.seed, dose=job.dose, rate_hz=RATE_HZ, acc_only=job.acc_only, placements=worn,
        difficulties=Difficulties.hardest(),
        temperament=TEMPERAMENTS[job.seed % 3],
    )  # fmt: skip
    seen = _seen(simulation, job.seed)
    sets = {}
    for title, placements in SETS.items():
        part = replace(seen, tracks={place: seen.tracks[place] for place in placements})
        right = list(answers(simulation.truth, placements, not job.acc_only))
        sets[title] = _rows(judge(name_stretches(part), right))
        if title == "both thighs and pelvis":
            sets["plain"] = _rows(judge(plain_stretches(part), right))
    return {"name": job.name, "seed": job.seed, "dose": job.dose, "acc_only": job.acc_only, "sets": sets}


def _rows(tally: Counter[tuple[str, str, str]]) -> list[list[Any]]:
    return [[*key, n] for key, n in sorted(tally.items())]


def _seen(simulation: Simulation, seed: int) -> Seen:
    """The practice over a link that loses packets, through the pipeline, without plan and segments."""
    watch = Watch()
    for output in outputs_of(simulation, seed):
        watch.feed(output)
    return watch.finish()


def plain_stretches(seen: Seen) -> list[FoundStretch]:
    """A threshold on the speed of each sensor, and the posture by its nearest axis: what one would write in an hour.

    On the back a thigh that moves is a knee fall of its side, on its side a clamshell of the upper one, a pelvis that
    moves is pelvic rocking; a trunk that is neither on its back nor on its side is turning over. Windows of 2 s.
    """
    out: list[FoundStretch] = []
    width = round(2.0 * GRID_HZ)
    axes = None if seen.pelvis is None else trunk_axes(seen.pelvis)
    for start in range(0, seen.n - width, width):
        part = slice(start, start + width)
        lively = {place: float(speed_dps(track.up)[part].max()) for place, track in seen.tracks.items()}
        side, name = None, "rest"
        trunk = (
            np.zeros(3) if axes is None or seen.pelvis is None else np.nan_to_num(seen.pelvis.up[part] @ axes).mean(0)
        )
        fastest = max(("left-thigh", "right-thigh"), key=lambda place: lively.get(place, 0.0))
        if max(abs(trunk[0]), abs(trunk[2])) < 0.8:
            name = "roll_over"
        elif lively.get(fastest, 0.0) > 3.0:
            name = "knee_fall" if abs(trunk[0]) > 0.8 else "clamshell"
            side = "left" if fastest == "left-thigh" else "right"
        elif lively.get("pelvis", 0.0) > 0.8:
            name = "pelvic_rock"
        begin_s, end_s = seen.time_s(start), seen.time_s(start + width)
        out.append(FoundStretch(name, side, None, begin_s, end_s, "", None))  # type: ignore[arg-type]
    return out


def summarise(rows: list[dict[str, Any]], title: str, *, acc_only: bool) -> dict[str, Any]:
    """Shares of the time, and what the rest was called."""
    tally: Counter[tuple[str, str, str]] = Counter()
    for practice in rows:
        if practice["acc_only"] is acc_only:
            for what, verdict, said, n in practice["sets"][title]:
                tally[what, verdict, said] += n
    total = max(sum(tally.values()), 1)
    shares = {v: round(sum(n for key, n in tally.items() if key[1] == v) / total, 4) for v in VERDICTS}
    misses = [[what, said, round(n * STEP_S, 1)] for (what, v, said), n in tally.most_common() if v != "right"]
    return {**shares, "scored_s": round(total * STEP_S), "misses": misses[:8]}


VERDICTS = ("right", "wrong", "unknown")


def jobs_of(people: int, first_seed: int, *, is_quick: bool) -> list[Job]:
    """`people` of each practice at a shorter dose, a few at the full one, a few without gyroscope."""
    names = ("hips-and-core", "soft-hips", "hips-check", "short")
    jobs = [Job(name, first_seed + k, 0.4, False) for k in range(people) for name in names]
    jobs += [Job(name, first_seed + k, 0.4, True) for k in range(1 if is_quick else 2) for name in names]
    full = [] if is_quick else [Job(name, first_seed + people, 1.0, False) for name in names[:2]]
    return jobs + full


# ------------------------------------------------------------------------------------------------ real people


MEX_NAMES = {"clamshell": "large arc", "knee_rolling": "large arc", "pelvic_tilt": "tilt", "resting leg": "rest"}


def mex(folder: Path, at_most: int | None) -> list[dict[str, Any]]:
    """What each scored file of the MEx thigh data is seen as, without being told anything."""
    with (folder.parent / "annotations.tsv").open(newline="", encoding="utf-8") as table:
        files = [file for file in csv.DictReader(table, delimiter="\t") if file["scored"] == "yes"]
    named = []
    for number, file in enumerate(files[:at_most]):
        progress(f"MEx files: {number + 1}")
        imported = read_imported(folder / file["subject"] / file["file"], acc_unit="g")
        found = found_in(inputs_of(imported, file["file"], "right-thigh"))
        seconds: Counter[str] = Counter()
        for one in found:
            seconds[one.seen_as or one.exercise] += round(one.end_s - one.start_s)
        what = "resting leg" if file["leg"] == "bottom" else file["exercise"]
        shares = {name: round(n / max(sum(seconds.values()), 1), 3) for name, n in seconds.most_common()}
        named.append({"file": f"{file['subject']}/{file['file']}", "what": what, "seen_as": shares})
    progress("")
    return named


def mex_summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Files by what they mostly are seen as."""
    out: dict[str, Any] = {}
    for what, wanted in MEX_NAMES.items():
        shares = [file["seen_as"] for file in rows if file["what"] == what]
        tops = [max(seen, key=seen.get, default="nothing") for seen in shares]
        out[what] = {"wanted": wanted, "files": len(tops), "right": tops.count(wanted), "seen_as": dict(Counter(tops))}
    return out


# --------------------------------------------------------------------------------------------------- figures


def table_rows(result: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The lines of the table in `RESULTS.md`."""
    plain = result["plain"]
    for kind in ("with gyroscope", "acceleration only"):
        for title in SETS:
            shares = result[kind][title]
            is_main = kind == "with gyroscope" and title == "both thighs and pelvis"
            met = shares["right"] >= 0.95 and shares["wrong"] <= 0.02
            yield row(
                f"{title}, {kind}: time named right / wrong / unknown",
                " / ".join(f"{shares[v]:.1%}" for v in VERDICTS),
                ">= 95 % / <= 2 %" if is_main else None,
                " / ".join(f"{plain[v]:.1%}" for v in VERDICTS) if is_main else None,
                met or not is_main,
            )
    for what, tally in result.get("mex", {}).items():
        seen = ", ".join(f"{name} {n}" for name, n in tally["seen_as"].items())
        yield row(
            f"real people, {what}: files seen as {tally['wanted']}", f"{tally['right']} of {tally['files']} ({seen})"
        )


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    yield result["said"]
    for one in result["rows"]:
        extra = f"  (target {one['target']}; plain {one['plain']})" if one["target"] else ""
        yield f"  {one['what']}: {one['measured']}{extra}" + ("" if one["is_met"] else "   FALLS SHORT")
    for kind in ("with gyroscope", "acceleration only"):
        for title in SETS:
            yield f"  not right, {title}, {kind}: {result[kind][title]['misses']}"
    for one in result.get("mex_files", ()):
        yield f"  {one['file']} {one['what']}: {one['seen_as']}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=5, help="random people per practice")
    parser.add_argument("--first-seed", type=int, default=701, help="tests and development used seeds below 600")
    parser.add_argument("--mex", type=Path, default=os.environ.get("SENSORSOMA_MEX"), help="folder of MEx thigh files")
    parser.add_argument("--quick", action="store_true", help="one person per practice, four real files")
    add_json(parser)
    options = parser.parse_args()
    people = 1 if options.quick else options.people
    jobs = jobs_of(people, options.first_seed, is_quick=options.quick)
    rows = in_parallel(run_job, jobs, "practices")
    result: dict[str, Any] = {"benchmark": "accuracy_found", "practices": len(jobs), "first_seed": options.first_seed}
    for kind, acc_only in (("with gyroscope", False), ("acceleration only", True)):
        result[kind] = {title: summarise(rows, title, acc_only=acc_only) for title in SETS}
    result["plain"] = summarise(rows, "plain", acc_only=False)
    if options.mex is not None and Path(options.mex).is_dir():
        result["mex_files"] = mex(Path(options.mex), 4 if options.quick else None)
        result["mex"] = mex_summary(result["mex_files"])
    hours = result["with gyroscope"]["both thighs and pelvis"]["scored_s"] / 3600
    result["said"] = (
        f"{len(jobs)} whole practices with all difficulties, analysed without plan and exercise ({hours:.1f} h with "
        "both thighs and the pelvis were scored); what counts as right stands at the top of the benchmark."
    )
    result["rows"] = list(table_rows(result))
    tell(result, lines(result), options.json)


if __name__ == "__main__":
    main()

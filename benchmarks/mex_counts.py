"""Counts on real people: clamshells, knee rolls and pelvic tilts of the public MEx data set against counts by eye.

    python benchmarks/mex_counts.py FOLDER [--annotations TSV] [--json FILE] [--quick] [--verbose]

FOLDER (or SENSORSOMA_MEX) holds thigh accelerometer files as they are downloaded (`SUBJECT/EXERCISE_act_RUN.csv`:
timestamp, x, y, z in g; MEx: Multi-modal Exercise Dataset, Wijekoon, Wiratunga and Cooper 2019, UCI Machine Learning
Repository, CC BY 4.0). The table (default: `annotations.tsv` beside FOLDER) is tab-separated with the columns `subject
file exercise leg reps_low reps_high scored peak_times_s`.

Three ways to the same counts: `analyze` of the file; the live pipeline, fed with the frames that a sensor would send,
with the jitter of a radio; and, for what luck had to do with it, each person counted with parameters chosen on the
other nine (`mex_tuning`). `plain` is `scipy.signal.find_peaks`: with all its settings chosen on these very files, and
chosen on the other nine people. Two minutes and a half of processor time; `--quick` takes four people and no tuning.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from baselines import arc_angle, peak_tops
from figures import add_json, in_parallel, row, tell
from mex_files import MexFile, matches, mex_files
from mex_tally import Counted, Tally, merit, tally
from mex_tuning import Job, LeftOut, distance, grid, leave_one_out, moved, moving, plain_grid, said_of, settings_of

from sensorsoma.analysis import analyze_inputs
from sensorsoma.messages import Exercise, Floats, Packet, RepCompleted, SegmentMeasured, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.imported import ImportedFile
from sensorsoma.recording.imports import inputs_of, with_ticks
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import encode_soma_v1
from sensorsoma.units import NS_PER_S

__all__ = ["baseline", "main", "matches"]

PER_FRAME = 8
"""Samples a notification."""
NAMES: dict[str, str] = {
    "clamshell": "clamshell",
    "resting leg": "resting leg",
    "knee_roll": "knee roll",
    "pelvic_rock": "pelvic tilt, thigh",
}
SHARE_OF_CLOSING, AFTER_S = 0.45, 0.3
"""A repetition is to be known this long after its top: a fixed time and a share of its way back."""


# ---------------------------------------------------------------------------------------------------- three ways


def from_file(file: MexFile, imported: ImportedFile) -> dict[str, Any]:
    """The segment of `analyze`."""
    request = SegmentRequest(file.exercise, "right", "right-thigh")
    inputs = inputs_of(imported, file.path.name, "right-thigh", segments=[request])
    trace = analyze_inputs(inputs, source={"path": file.path.name, "kind": "imported"}, notes=imported.notes)
    return next(dict(segment) for segment in trace.segments if segment["exercise"] == file.exercise)


def live(file: MexFile, imported: ImportedFile, seed: int) -> tuple[dict[str, Any], list[RepCompleted], float]:
    """Measures, events and time of the first sample, of the frames that a sensor would have sent."""
    settings = SessionSettings(
        sources=(SourceSettings("right-thigh", "right-thigh", "virtual", "soma_v1"),),
        segments=(SegmentRequest(file.exercise, "right", "right-thigh"),),
    )
    pipeline = Pipeline()
    outputs = [*pipeline.feed(SettingsSnapshot(0, settings.to_json()))]
    for message in with_ticks(_frames(imported, seed), 0):
        outputs.extend(pipeline.feed(message))
    outputs.extend(pipeline.finish())
    measured = next(one for one in outputs if isinstance(one, SegmentMeasured) and one.exercise == file.exercise)
    return dict(measured.measures), [one for one in outputs if isinstance(one, RepCompleted)], measured.start_s


def _frames(imported: ImportedFile, seed: int) -> Iterator[Packet]:
    """Notifications with their arrival: 15 ms after the last sample and a random delay of 12 ms on average."""
    rng, arrived_ns = np.random.default_rng(seed), 0
    for at in range(0, len(imported.t_s), PER_FRAME):
        part = slice(at, at + PER_FRAME)
        t_s = imported.t_s[part]
        payload = encode_soma_v1(at, t_s, imported.acc_sensor_mps2[part], None)
        delay_s = 0.015 + float(rng.exponential(0.012))
        arrived_ns = max(arrived_ns + 1, round((float(t_s[-1]) + delay_s) * NS_PER_S))
        yield Packet(arrived_ns, "right-thigh", payload)


def baseline(t_s: Floats, acc: Floats, rate_hz: float, is_tilt: bool) -> list[float]:  # noqa: ARG001 - as it is called
    """Times of the tops by find_peaks with one tuned setting."""
    angle = arc_angle(t_s, acc, 0.5 if is_tilt else 1.5)
    tops = peak_tops(t_s, angle, share=0.4, floor_deg=2.5 if is_tilt else 8.0, is_two_sided=False, top="more")[1]
    return list(tops)


# ---------------------------------------------------------------------------------------------------- one file


@dataclass(frozen=True)
class Lag:
    """When a repetition was known."""

    after_top_s: float
    """After the middle of its top."""
    allowed_s: float


@dataclass(frozen=True)
class Seen:
    """Everything that one file gave."""

    file: MexFile
    analyzed: Counted
    live: Counted
    n_events: int
    lags: list[Lag] = field(default_factory=list)
    settings: dict[str, list[Counted]] = field(default_factory=dict)


def see(job: Job) -> Seen:
    """One file in every way."""
    imported = job.file.read()
    analyzed = from_file(job.file, imported)
    measures, events, _ = live(job.file, imported, seed=len(imported.t_s))
    lags = [] if job.file.is_resting else _lags(measures, events)
    return Seen(job.file, said_of(analyzed), said_of(measures), len(events), lags, settings_of(job))


def _lags(measures: dict[str, Any], events: Sequence[RepCompleted]) -> list[Lag]:
    """Every event beside the top that it announced: of a cycle of knee rolls the second one."""
    lags = []
    for event in events:
        rep = min(measures.get("reps", []), key=lambda one: abs(one["peak_s"] - event.t_s), default=None)
        if rep is not None and rep["back_s"] is not None:
            lags.append(Lag(event.known_s - rep["peak_s"], AFTER_S + SHARE_OF_CLOSING * rep["back_s"]))
    return lags


# ---------------------------------------------------------------------------------------------------- all files


def run(files: Sequence[MexFile], is_quick: bool) -> dict[str, Any]:
    """All figures."""
    seen: list[Seen] = in_parallel(see, [Job(file, is_quick) for file in files], "MEx files")
    groups: dict[str, dict[str, Any]] = {}
    for name in NAMES:
        own = [one for one in seen if one.file.group == name]
        if own:
            groups[name] = {
                "analyze": tally((one.file, one.analyzed) for one in own),
                "live": tally((one.file, one.live) for one in own),
                "differ": sum(not _is_same(one.analyzed, one.live) for one in own),
                "spoken": sum(one.n_events == one.live.count for one in own),
                "lags": [lag for one in own for lag in one.lags],
            }
    for exercise in ("clamshell", "knee_roll", "pelvic_rock"):
        own = [one for one in seen if one.file.exercise == exercise]
        if own and exercise in groups:
            groups[exercise] |= _tuned(exercise, own, is_quick)
    rows = [one for name, group in groups.items() for one in _rows(name, group)]
    said = (
        f"{len(files)} files of {len({file.person for file in files})} people, thigh accelerometer; counts by eye on "
        "the signal, F1 of times within a second. Left out: each person counted with the parameters that are best on "
        "the others. Plain: `find_peaks`, its best setting on these very files / chosen on the others."
    )
    details = {name: {key: _plain(value) for key, value in group.items() if key != "lags"} for name, group in
               groups.items()}  # fmt: skip
    return {"benchmark": "mex_counts", "said": said, "rows": rows, "groups": details}


def _plain(value: Any) -> Any:
    """Ready for JSON."""
    if isinstance(value, LeftOut):
        return {"nearest": value.nearest.as_json(), "worst": value.worst.as_json(), "chosen": value.chosen}
    return value.as_json() if isinstance(value, Tally) else value


def _is_same(a: Counted, b: Counted) -> bool:
    """Same count, tops within 30 ms: a radio's clock is estimated."""
    if a.count != b.count or len(a.tops_s) != len(b.tops_s):
        return False
    shift = np.subtract(a.tops_s, b.tops_s)
    return len(shift) == 0 or float(np.ptp(shift)) < 0.06


def _tuned(exercise: Exercise, seen: Sequence[Seen], is_quick: bool) -> dict[str, Any]:
    """Nine people and the tenth, for both methods; and the product's parameters moved by 30 percent."""
    files = [one.file for one in seen]
    plain = [one.settings["plain"] for one in seen]
    best = max(range(len(plain_grid())), key=lambda j: merit(files, [table[j] for table in plain]))
    found: dict[str, Any] = {"plain": moving(files, [table[best] for table in plain])}
    middle = (1.0, 0.3, 1.0)
    found["plain_false"] = sum(t[best].count or 0 for f, t in zip(files, plain, strict=True) if f.is_resting)
    found["plain_left_out"] = leave_one_out(files, plain, [distance(one[:3], middle) for one in plain_grid()])
    ours = [one.settings["ours"] for one in seen]
    settings = grid(is_quick)
    left_out = leave_one_out(files, ours, [distance(one, (1.0, 1.0, 1.0)) for one in settings])
    found |= {"left_out": left_out, "chosen": [settings[j] for j in left_out.chosen]}
    found["moved"] = [
        {"what": f"{name} x {share}", "tally": moving(files, [one.settings["moved"][j] for one in seen]).words()}
        for j, (share, name) in enumerate((s, n) for s in (0.7, 1.3) for n, _ in moved(exercise, s))
        if not is_quick
    ]
    if exercise == "knee_roll":
        found["after a rest"] = moving(files, [one.settings["after a rest"][0] for one in seen])
    found["grid"] = [
        {"what": "shares x {:g}, start x {:g}, low-pass x {:g}".format(*setting),
         "tally": moving(files, [table[j] for table in ours]).words()}
        for j, setting in enumerate(settings)
    ]  # fmt: skip
    return found


# ---------------------------------------------------------------------------------------------------- the table


def _rows(name: str, group: dict[str, Any]) -> Iterator[dict[str, Any]]:
    words, analyzed, streamed = NAMES[name], group["analyze"], group["live"]
    yield row(f"{words}: live pipeline says what `analyze` says", f"{analyzed.n - group['differ']} of {analyzed.n}",
              "all", is_met=not group["differ"])  # fmt: skip
    if name == "resting leg":
        yield row(f"{words}: false counts", f"{streamed.false} in {streamed.n} files", "0", is_met=not streamed.false)
        return
    plain, plain_out, out = group["plain"], group["plain_left_out"].nearest, group["left_out"].nearest
    worst, plain_worst = group["left_out"].worst, group["plain_left_out"].worst
    if name == "pelvic_rock":
        yield from _tilt_rows(words, streamed, plain, plain_out, out)
        yield row(f"{words}: the same, of equally good settings the worst", f"{worst.within_one} of {worst.counted}",
                  None, f"{plain_worst.within_one} of {plain_worst.counted}")  # fmt: skip
        return
    least, least_f1 = (streamed.n, 0.98) if name == "clamshell" else (0.9 * streamed.n, 0.97)
    yield row(f"{words}: exact", f"{streamed.exact} of {streamed.n}", f"{least:g} of {streamed.n}",
              f"{plain.exact} / {plain_out.exact}", streamed.exact >= least)  # fmt: skip
    yield row(f"{words}: F1 of times", f"{streamed.f1:.3f}", f">= {least_f1}", f"{plain.f1:.3f} / {plain_out.f1:.3f}",
              (streamed.f1 or 0.0) >= least_f1)  # fmt: skip
    yield row(f"{words}: left out, exact", f"{out.exact} of {out.n}", None, f"{plain_out.exact} of {plain_out.n}")
    yield row(f"{words}: left out, F1 of times", f"{out.f1:.3f}", None, f"{plain_out.f1:.3f}")
    yield row(f"{words}: the same, of equally good settings the worst: exact; F1", f"{worst.exact} of {worst.n}; "
              f"{worst.f1:.3f}", None, f"{plain_worst.exact} of {plain_worst.n}; {plain_worst.f1:.3f}")  # fmt: skip
    if "after a rest" in group:
        rest = group["after a rest"]
        yield row(f"{words}: begun in the rest pose (put before each file), exact; F1 of times",
                  f"{rest.exact} of {rest.n}; {rest.f1:.3f}")  # fmt: skip
    yield from _lag_rows(words, group["lags"])


def _tilt_rows(words: str, streamed: Tally, plain: Tally, plain_out: Tally, out: Tally) -> Iterator[dict[str, Any]]:
    yield row(f"{words}: counted, not abstained", f"{streamed.counted} of {streamed.n}", f"{0.6 * streamed.n:g} of "
              f"{streamed.n}", f"{plain.counted} of {plain.n}", streamed.counted >= 0.6 * streamed.n)  # fmt: skip
    yield row(f"{words}: within one, of the counted", f"{streamed.within_one} of {streamed.counted}", ">= 90 %",
              f"{plain.within_one} / {plain_out.within_one} of {plain.counted}",
              streamed.within_one >= 0.9 * streamed.counted)  # fmt: skip
    yield row(f"{words}: exact", f"{streamed.exact} of {streamed.counted}", None, f"{plain.exact} / {plain_out.exact}")
    yield row(f"{words}: left out, within one, of the counted", f"{out.within_one} of {out.counted}", None,
              f"{plain_out.within_one} of {plain_out.counted}")  # fmt: skip


def _lag_rows(words: str, lags: Sequence[Lag]) -> Iterator[dict[str, Any]]:
    if not lags:
        return
    after, over = [lag.after_top_s for lag in lags], [lag.after_top_s - lag.allowed_s for lag in lags]
    limit = float(np.median([lag.allowed_s for lag in lags]))
    yield row(f"{words}: known after the top, median of {len(lags)}", f"{np.median(after):.2f} s",
              f"<= 0.3 s + 45 % of the way back ({limit:.2f} s)", None, float(np.median(over)) <= 0.0)  # fmt: skip
    yield row(f"{words}: known after the top, 90 %", f"{np.percentile(after, 90):.2f} s")
    yield row(f"{words}: within that limit", f"{np.mean(np.array(over) <= 0.0):.0%} of repetitions; 90 % within "
              f"{max(0.0, float(np.percentile(over, 90))):.2f} s beyond it")  # fmt: skip


def lines(figures: dict[str, Any], verbose: bool) -> Iterator[str]:
    """The readable form."""
    for one in figures["rows"]:
        target = f", target {one['target']}" if one["target"] else ""
        plain = f", plain {one['plain']}" if one["plain"] else ""
        yield f"{one['what']}: {one['measured']}{target}{plain}{'' if one['is_met'] else '  FALLS SHORT'}"
    for name, group in figures["groups"].items():
        for wrong in group["live"]["wrong"]:
            yield f"  {NAMES[name]} {wrong}"
        if "chosen" in group:
            chosen = "; ".join("{:g} {:g} {:g}".format(*one) for one in group["chosen"])
            yield f"  {NAMES[name]}, factors chosen on the others (shares, start, low-pass): {chosen}"
        for one in [*group.get("moved", []), *(group.get("grid", []) if verbose else [])]:
            yield f"  {NAMES[name]}, {one['what']}: {one['tally']}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("SENSORSOMA_MEX"))
    parser.add_argument("--annotations", type=Path, default=None)
    parser.add_argument("--quick", action="store_true", help="four people, hardly any tuning")
    parser.add_argument("--verbose", action="store_true", help="every setting of the grid")
    add_json(parser)
    options = parser.parse_args()
    if options.folder is None or not Path(options.folder).is_dir():
        parser.error("expected the folder of MEx thigh files as argument or in SENSORSOMA_MEX, found none")
    annotations = options.annotations or Path(options.folder).parent / "annotations.tsv"
    if not annotations.is_file():
        parser.error(f"expected the counts by eye in {annotations}, found no such file; name it by --annotations")
    files = mex_files(Path(options.folder), annotations)
    if options.quick:
        people = sorted({file.person for file in files})[:4]
        files = [file for file in files if file.person in people]
    figures = run(files, options.quick)
    tell(figures, lines(figures, options.verbose), options.json)


if __name__ == "__main__":
    main()

"""Counts, angles and shaking of simulated people with every difficulty, the whole pipeline beside plain methods.

    python benchmarks/accuracy_simulated.py [--files 60] [--first-seed 1001] [--json FILE] [--quick]

Per row of files as many random people as asked for, at 52, 104 and 208 Hz in turn, left and right in turn, each once
with and once without gyroscope. Every file reaches the pipeline as soma_v1 packets with losses, jitter and clock drift.
The seeds of every miss are printed. Targets are those that the project set itself before measuring.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from baselines import GRID
from figures import add_json, in_parallel, tell
from simulated_files import Job, run_job

TARGETS = {
    "with gyroscope": {
        "clamshell exact": 0.97, "pelvic rock exact": 0.97, "arrival RMSE": 2.0, "final RMSE": 2.0, "sink RMSE": 1.5,
        "clamshell range RMSE": 3.0, "shaking 0.03-0.1 deg found": 0.80, "shaking 0.1 deg found": 0.95,
        "files without shaking left alone": 0.95,
    },
    "acceleration only": {"clamshell exact": 0.95, "pelvic rock exact": 0.95, "final RMSE": 3.0},
}  # fmt: skip


def jobs_of(n: int, first: int, acc_only: bool) -> list[Job]:
    """All files of one kind of sensor."""
    seeds = range(first, first + n)
    strong = {"shaking": True, "shaking_peak_deg": 0.1}
    return [
        *(Job("clamshell", "clamshell", seed, acc_only) for seed in seeds),
        *(Job("clamshell_strong", "clamshell", seed, acc_only, strong) for seed in seeds),
        *(Job("clamshell_10", "clamshell", seed, acc_only, {"range_deg": 10.0}) for seed in seeds[: max(1, n // 3)]),
        *(Job("pelvic_rock", "pelvic_rock", seed, acc_only) for seed in seeds),
        *(Job("pelvic_hold", "pelvic_hold", seed, acc_only) for seed in seeds),
        *(Job("hold_strong", "pelvic_hold", seed, acc_only, strong) for seed in seeds[: max(1, n // 3)]),
        *(Job("knee_fall", "knee_fall", seed, acc_only) for seed in seeds),
    ]


def rms(errors: Sequence[float]) -> float | None:
    """Root mean square; None of nothing."""
    return round(float(np.sqrt(np.mean(np.square(errors)))), 3) if errors else None


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """All figures of one kind of sensor."""
    of = {name: [row for row in rows if row["group"] == name] for name in {row["group"] for row in rows}}
    return {
        "clamshell": _counting(of["clamshell"]),
        "clamshell_10_deg": _counting(of["clamshell_10"]),
        "pelvic_rock": _counting(of["pelvic_rock"]),
        "knee_fall": _falling(of["knee_fall"]),
        "shaking": _shaking(
            drawn=[*of["clamshell"], *of["pelvic_hold"]],
            strong=[*of["clamshell_strong"], *of["hold_strong"]],
            without=[*of["clamshell"], *of["clamshell_10"], *of["pelvic_hold"], *of["pelvic_rock"]],
        ),
    }


def _counting(rows: list[dict[str, Any]]) -> dict[str, Any]:
    is_rock = rows[0]["exercise"] == "pelvic_rock"
    whole = [row["whole"] == row["true_whole"] for row in rows]
    full = whole if is_rock else [row["count"] == row["true_all"] for row in rows]
    wanted = "true_whole" if is_rock else "true_all"
    plain = [sum(row["plain_counts"][k] == row[wanted] for row in rows) / len(rows) for k in range(len(GRID))]
    best = int(np.argmax(plain))
    key = "tilt_errors_deg" if is_rock else "range_errors_deg"
    figures: dict[str, Any] = {
        "files": len(rows),
        "exact": _share(full),
        "whole_reps_exact": _share(whole),
        f"{key.split('_')[0]}_rmse_deg": rms([error for row in rows for error in row[key]]),
        "plain_exact": round(plain[best], 4),
        "plain_setting": dict(zip(("cutoff_hz", "share", "floor_deg"), GRID[best], strict=True)),
        "missed": [
            _miss(row)
            for row, ok, also in zip(rows, full, whole, strict=True)
            if not also or not (ok or row["group"] == "clamshell_10")
        ],
    }
    if not is_rock:
        figures["whole_reps_seen"] = sum(row["whole_reps_matched"] for row in rows)
        figures["whole_reps"] = sum(row["true_whole"] for row in rows)
    return figures


def _miss(row: dict[str, Any]) -> dict[str, Any]:
    keep = ("seed", "rate_hz", "side", "count", "true_all", "whole", "true_whole", "smallest_true_deg")
    return {name: round(row[name], 1) if isinstance(row[name], float) else row[name] for name in keep if name in row}


def _share(hits: Sequence[bool]) -> float:
    return round(sum(hits) / len(hits), 4) if hits else float("nan")


def _falling(rows: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {"files": len(rows), "one_fall": _share([row["n_falls"] == 1 for row in rows])}
    limits = {"arrival_deg": 4.0, "final_deg": 4.0, "sink_deg": 3.0}
    missed = []
    for name, limit in limits.items():
        errors = {row["seed"]: row["fall_errors_deg"].get(name) for row in rows}
        seen = [error for error in errors.values() if error is not None]
        plain = [row["plain_errors_deg"][name] for row in rows if name in row["plain_errors_deg"]]
        arc = [row["arc_errors_deg"][name] for row in rows if name in row["arc_errors_deg"]]
        figures[name] = {
            "measured": len(seen), "rmse": rms(seen), "mean": round(float(np.mean(seen)), 3) if seen else None,
            "plain_rmse": rms(plain), "arc_rmse": rms(arc),
        }  # fmt: skip
        missed += [
            {"seed": seed, "measure": name, "error_deg": None if error is None else round(error, 2)}
            for seed, error in errors.items()
            if error is None or abs(error) > limit
        ]
    return {**figures, "missed": missed}


def _shaking(
    drawn: list[dict[str, Any]], strong: list[dict[str, Any]], without: list[dict[str, Any]]
) -> dict[str, Any]:
    drawn = [row for row in drawn if row["shaking_true_hz"] is not None]
    without = [row for row in without if row["shaking_true_hz"] is None]
    quiet = [row["shaking_found_hz"] is None for row in without]
    figures: dict[str, Any] = {"without_files": len(without), "left_alone": _share(quiet)}
    figures["false"] = [
        {"group": row["group"], "seed": row["seed"], "found_hz": round(row["shaking_found_hz"], 2)}
        for row, ok in zip(without, quiet, strict=True)
        if not ok
    ]
    for name, rows in (("drawn", drawn), ("strong", strong)):
        found = [row for row in rows if row["shaking_found_hz"] is not None]
        near = [abs(row["shaking_found_hz"] - row["shaking_true_hz"]) <= 0.5 for row in found]
        figures[name] = {
            "files": len(rows), "found": _share([row in found for row in rows]), "within_half_hz": _share(near),
            "plain_found": _plain_found(rows, without),
            "missed": [
                {"group": row["group"], "seed": row["seed"], "peak_deg": round(row["shaking_true_deg"], 3),
                 "true_hz": round(row["shaking_true_hz"], 2), "found_hz": row["shaking_found_hz"]}
                for row in rows
                if row["shaking_found_hz"] is None or abs(row["shaking_found_hz"] - row["shaking_true_hz"]) > 0.5
            ],
        }  # fmt: skip
    return figures


def _plain_found(rows: list[dict[str, Any]], without: list[dict[str, Any]]) -> float:
    """Share above the band-power threshold that leaves 95 % of the others alone, with the right frequency."""
    threshold = float(np.percentile([row["plain_shaking"]["rms"] for row in without], 95))
    return _share([
        row["plain_shaking"]["rms"] > threshold
        and abs(row["plain_shaking"]["freq_hz"] - row["shaking_true_hz"]) <= 0.5
        for row in rows
    ])  # fmt: skip


def against_targets(
    kind: str, figures: dict[str, Any]
) -> Iterator[tuple[str, float | None, float, bool, float | None]]:
    """Name, measured, target, whether it is met, the plain method's figure."""
    clam, rock, fall, shaking = (figures[name] for name in ("clamshell", "pelvic_rock", "knee_fall", "shaking"))
    values = {
        "clamshell exact": (clam["exact"], clam["plain_exact"]),
        "pelvic rock exact": (rock["exact"], rock["plain_exact"]),
        "arrival RMSE": (fall["arrival_deg"]["rmse"], fall["arrival_deg"]["plain_rmse"]),
        "final RMSE": (fall["final_deg"]["rmse"], fall["final_deg"]["plain_rmse"]),
        "sink RMSE": (fall["sink_deg"]["rmse"], fall["sink_deg"]["plain_rmse"]),
        "clamshell range RMSE": (clam["range_rmse_deg"], None),
        "shaking 0.03-0.1 deg found": (shaking["drawn"]["found"], shaking["drawn"]["plain_found"]),
        "shaking 0.1 deg found": (shaking["strong"]["found"], shaking["strong"]["plain_found"]),
        "files without shaking left alone": (shaking["left_alone"], 0.95),
    }
    for name, target in TARGETS[kind].items():
        value, plain = values[name]
        met = value is not None and (value <= target if "RMSE" in name else value >= target)
        yield name, value, target, met, plain


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The readable form."""
    for kind in TARGETS:
        figures = result[kind]
        yield f"{kind}:"
        for name, value, target, met, plain in against_targets(kind, figures):
            sign = "<=" if "RMSE" in name else ">="
            verdict = "" if met else "   FALLS SHORT"
            asked = f"{sign} {_text(name, target)}; plain {_text(name, plain)}"
            yield f"  {name:<34}{_text(name, value):>9}  ({asked}){verdict}"
        clam, ten = figures["clamshell"], figures["clamshell_10_deg"]
        shaking, fall = figures["shaking"], figures["knee_fall"]
        yield f"  whole clamshells told from partial ones: exact in {clam['whole_reps_exact']:.1%}"
        yield f"  10 deg clamshells: {ten['whole_reps_seen']} of {ten['whole_reps']} whole reps seen, " + (
            f"exact {ten['whole_reps_exact']:.1%}; together with the 3-4 deg partial ones {ten['exact']:.1%}"
        )
        near = [_text("", shaking[name]["within_half_hz"]) for name in ("drawn", "strong")]
        n_without = shaking["without_files"]
        yield f"  shaking: frequency within 0.5 Hz {near[0]} (0.1 deg: {near[1]}), {n_without} files without"
        if kind == "with gyroscope":
            arc = "; ".join(f"{name} {fall[name]['arc_rmse']}" for name in ("arrival_deg", "final_deg", "sink_deg"))
            yield f"  knee fall by the plain arc from knee up, true moments given: {arc}"
        for name in ("clamshell", "clamshell_10_deg", "pelvic_rock", "knee_fall"):
            for miss in figures[name]["missed"]:
                yield f"  miss {name}: {miss}"
        for name in ("drawn", "strong"):
            for miss in shaking[name]["missed"]:
                yield f"  miss shaking {name}: {miss}"
        for miss in shaking["false"]:
            yield f"  false shaking: {miss}"


def _text(name: str, value: float | None) -> str:
    if value is None or np.isnan(value):
        return "-"
    return f"{value:.2f} deg" if "RMSE" in name else f"{value:.1%}"


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=60, help="random people per row of files")
    parser.add_argument("--first-seed", type=int, default=1001, help="tests and tuning use lower ones")
    parser.add_argument("--quick", action="store_true", help="12 people per row")
    parser.add_argument("--rows", type=Path, default=None, help="also write every file's row as JSON here")
    add_json(parser)
    options = parser.parse_args()
    n = 12 if options.quick else options.files
    jobs = [job for acc_only in (False, True) for job in jobs_of(n, options.first_seed, acc_only)]
    rows = in_parallel(run_job, jobs, "simulated files")
    if options.rows is not None:
        import json

        options.rows.write_text(json.dumps(rows), encoding="utf-8")
    result: dict[str, Any] = {"benchmark": "accuracy_simulated", "files": n, "first_seed": options.first_seed}
    for kind, acc_only in (("with gyroscope", False), ("acceleration only", True)):
        result[kind] = summarise([row for row in rows if row["acc_only"] is acc_only])
    tell(result, lines(result), options.json)


if __name__ == "__main__":
    main()

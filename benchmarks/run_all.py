"""All benchmarks in turn, and `RESULTS.md` from their figures.

    python benchmarks/run_all.py [--quick] [--only NAME ...] [--mex FOLDER]

Takes about 20 minutes on two cores, with `--quick` five; a line a minute says where it is. Each benchmark is a command
of its own that runs alone too; `--only` runs some and keeps the figures of the others from the last time, which are in
`benchmarks/last/`. Recordings of others are measured when they are named: MEx by `--mex` or SENSORSOMA_MEX (with its
`annotations.tsv` beside the folder), BROAD by `--broad` or SENSORSOMA_BROAD.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from results import write_results

HERE = Path(__file__).resolve().parent
KEPT = HERE / "last"
NAMES = (
    "bench_help", "bench_decoders", "bench_live_link", "mex_live", "mex_counts", "mex_shaking", "broad_inclination",
    "accuracy_simulated", "accuracy_practices", "accuracy_found", "accuracy_breath", "accuracy_sensor_fit",
    "accuracy_taps", "bedside_practices", "bench_page", "bench_speech",
)  # fmt: skip
ONLY_TEXT = ("bench_recording",)
"""Prints lines and has no JSON."""


def run(name: str, extra: list[str]) -> bool:
    """One benchmark; its figures and lines are kept. False when it failed."""
    print(f"== {name}", flush=True)
    began = time.monotonic()
    command = [sys.executable, str(HERE / f"{name}.py"), *extra]
    kept = KEPT / f"{name}.json"
    if name not in ONLY_TEXT:
        command += ["--json", str(kept)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    print(done.stdout, end="", flush=True)
    print(f"   {time.monotonic() - began:.0f} s, exit code {done.returncode}", flush=True)
    if done.returncode:
        return False
    figures: dict[str, Any] = {} if name in ONLY_TEXT else json.loads(kept.read_text(encoding="utf-8"))
    figures |= {"lines": done.stdout.splitlines(), "took_s": round(time.monotonic() - began), "load": load()}
    kept.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return True


def load() -> float | None:
    """How many processes wanted a core in the last minutes; above the number of cores, times are too long."""
    return round(os.getloadavg()[1], 1) if hasattr(os, "getloadavg") else None


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer files and rounds; figures are rough")
    parser.add_argument("--only", nargs="+", choices=(*NAMES, *ONLY_TEXT), default=None)
    parser.add_argument("--mex", default=os.environ.get("SENSORSOMA_MEX"), help="folder of MEx thigh files")
    parser.add_argument("--broad", default=os.environ.get("SENSORSOMA_BROAD"), help="folder of BROAD trials (.mat)")
    parser.add_argument("--write-only", action="store_true", help="only write RESULTS.md from the figures there are")
    options = parser.parse_args()
    KEPT.mkdir(exist_ok=True)
    if options.mex is not None:  # for the benchmarks that have a part on real people
        os.environ["SENSORSOMA_MEX"] = options.mex
    failed = []
    for name in () if options.write_only else options.only or (*NAMES, *ONLY_TEXT):
        extra = ["--quick"] if options.quick and name not in ONLY_TEXT else []
        data = {"mex": options.mex, "broad": options.broad}.get(name.split("_")[0], "")
        if data is None:
            option = name.split("_")[0]
            print(f"== {name} left out: give --{option} FOLDER or SENSORSOMA_{option.upper()}", flush=True)
            continue
        extra = [data, *extra] if data else extra
        if not run(name, extra):
            failed.append(name)
    write_results(KEPT, HERE / "RESULTS.md")
    print(f"written: {HERE / 'RESULTS.md'}")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

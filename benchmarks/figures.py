"""What every benchmark shares: where it ran, how figures are written, a pool with a progress line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

LIBRARIES = ("sensorsoma", "numpy", "scipy", "vqf", "bleak", "bumble", "mcap")


def machine() -> dict[str, Any]:
    """Date, cores, Python and versions."""
    return {
        "date": f"{datetime.now():%Y-%m-%d %H:%M}",
        "cores": os.cpu_count(),
        "machine": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version(name) for name in LIBRARIES},
    }


def add_json(parser: argparse.ArgumentParser) -> None:
    """The option that all of them have."""
    parser.add_argument(
        "--json", nargs="?", const="-", default=None, metavar="FILE", help="JSON to FILE, or alone to the terminal"
    )


def tell(figures: dict[str, Any], lines: Iterable[str], where: str | None) -> None:
    """Readable lines; with `--json FILE` the figures too, with `--json` alone nothing but the figures."""
    figures = {**figures, **machine()}
    if where == "-":
        print(json.dumps(figures))
        return
    for line in lines:
        print(line, flush=True)
    if where is not None:
        with open(where, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


def row(
    what: str, measured: str, target: str | None = None, plain: str | None = None, is_met: bool = True
) -> dict[str, Any]:
    """One line of a table in `RESULTS.md`, as text; `figures["rows"]` holds them, and `figures["said"]` a lead."""
    return {"what": what, "measured": measured, "target": target, "plain": plain, "is_met": is_met}


def progress(text: str) -> None:
    """One line that is written over, on a terminal; else nothing."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def in_parallel(function: Callable[[Any], Any], jobs: Sequence[Any], name: str, processes: int = 2) -> list[Any]:
    """`function` of every job, in their order."""
    import multiprocessing

    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    done: list[Any] = []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for result in pool.imap(function, jobs, chunksize=2):
            done.append(result)
            progress(f"{name}: {len(done)} of {len(jobs)}")
    progress("")
    return done

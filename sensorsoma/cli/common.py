"""What several commands share: printing, progress, paths, preview before overwriting."""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from sensorsoma.errors import InputFileError, RecordingError, UsageError


def print_json(value: Any) -> None:
    """One JSON document on standard output; NaN is never written."""
    print(json_text(value, indent=2))


def json_text(value: Any, indent: int | None = None) -> str:
    """JSON for standard output; letters that it cannot take are escaped."""
    is_utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    return json.dumps(value, ensure_ascii=not is_utf8, indent=indent, allow_nan=False)


def note(sentence: str) -> None:
    """Something for people, kept off standard output so that machines can read that."""
    print(sentence, file=sys.stderr, flush=True)


WRITING = "Writing the report …"
CALM_S = 5.0
"""Work that takes less than this needs no word of how far it is."""


@contextmanager
def progress(label: str, total_s: float | None = None, calm_s: float = CALM_S) -> Iterator[Any]:
    """One line on a terminal, rewritten once a second, for what takes longer than `calm_s`; nothing elsewhere.

    Gives a callable that takes seconds done.
    """
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    next_s = time.monotonic() + calm_s
    has_shown = False

    def show(done_s: float) -> None:
        nonlocal next_s, has_shown
        if time.monotonic() < next_s:
            return
        next_s, has_shown = time.monotonic() + 1.0, True
        share = f" {min(100, round(100 * done_s / total_s))} %" if total_s else ""
        print(f"\r{label} {done_s / 60:.1f} min{share}\x1b[K", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        if has_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def existing_file(path: Path) -> Path:
    """The path itself, if it is a readable file.

    Raises:
        InputFileError: it is missing or a folder.
    """
    if path.is_dir():
        raise InputFileError(f"Expected a file, found a folder: {path}; name a file inside it.")
    if not path.exists():
        raise InputFileError(f"Expected a file at {path}, found nothing there; check the name.")
    return path


def existing_input(path: Path) -> Path:
    """The path itself, if it is there: a file, or a folder that an app's export was unpacked to.

    Raises:
        InputFileError: it is missing.
    """
    return path if path.is_dir() else existing_file(path)


def check_folder(folder: Path) -> None:
    """Sees to it that a recording can be made in a folder, before anybody looks for sensors; makes nothing yet.

    Raises:
        RecordingError: it cannot be made, or nothing can be written there.
    """
    there = folder.expanduser().absolute()
    try:
        while not there.exists() and there != there.parent:
            there = there.parent
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise RecordingError(
            f"Expected to be able to write the recording into {folder}, found this instead: "
            f"{(error.strerror or str(error)).lower()}; choose another folder with --out."
        ) from None


def is_recording(path: Path) -> bool:
    """True for a file that starts like an MCAP file, or is named like one."""
    if path.is_dir():
        return False
    with path.open("rb") as file:
        return file.read(5) == b"\x89MCAP" or path.suffix == ".mcap"


def finite(value: float | None) -> float | None:
    """The number itself, for options: `nan` and `inf` are none that anybody means.

    Raises:
        typer.BadParameter: it is not finite.
    """
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"expected an ordinary number, found {value}.")
    return value


def refuse_overwrite(path: Path, is_forced: bool) -> None:
    """Stops before something is lost.

    Raises:
        UsageError: the file exists and nobody said --force.
    """
    if path.exists() and not is_forced:
        size_kb = path.stat().st_size / 1000
        raise UsageError(f"{path} exists already ({size_kb:.0f} kB); choose another name or add --force to replace it.")

"""The scored MEx files, read once each, with what two people counted by eye."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sensorsoma.messages import Exercise
from sensorsoma.recording.imported import ImportedFile
from sensorsoma.recording.imports import read_imported

EXERCISES: dict[str, Exercise] = {"clamshell": "clamshell", "knee_rolling": "knee_roll", "pelvic_tilt": "pelvic_rock"}
NEAR_S = 1.0
"""A found top matches a top by eye within this."""


@dataclass(frozen=True)
class MexFile:
    """One scored file."""

    person: str
    path: Path
    exercise: Exercise
    is_resting: bool
    """The other leg moves: nothing is to be counted."""
    low: int
    high: int
    """The two counts by eye."""
    tops_s: tuple[float, ...]
    """By eye; of knee rolls in both directions."""

    @property
    def name(self) -> str:
        """Person and file."""
        return f"{self.person}/{self.path.name}"

    @property
    def group(self) -> str:
        """The row of the table that it belongs to."""
        return "resting leg" if self.is_resting else self.exercise

    def read(self) -> ImportedFile:
        """The samples."""
        return read_imported(self.path, acc_unit="g")


def mex_files(folder: Path, annotations: Path) -> list[MexFile]:
    """Every file that is scored, person by person."""
    with annotations.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["scored"] == "yes"]
    return [
        MexFile(
            row["subject"], folder / row["subject"] / row["file"], EXERCISES[row["exercise"]], row["leg"] == "bottom",
            int(row["reps_low"]), int(row["reps_high"]), tuple(float(time) for time in row["peak_times_s"].split()),
        )
        for row in rows
    ]  # fmt: skip


def matches(found: Sequence[float], true: Sequence[float]) -> int:
    """How many true times have a found one of their own nearby."""
    left, n = sorted(found), 0
    for time in true:
        best = min(left, key=lambda one: abs(one - time), default=None)
        if best is not None and abs(best - time) <= NEAR_S:
            left.remove(best)
            n += 1
    return n

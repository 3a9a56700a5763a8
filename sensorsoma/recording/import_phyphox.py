"""Exports of the app phyphox: its zip, the folder of an unpacked zip, or one CSV table.

One table per set, named by the experiment (`Accelerometer`, `Raw Data` ...), with columns such as `Time (s)`,
`Acceleration x (m/s^2)` or `X (m/s^2)`, `Gyroscope z (rad/s)`; what a column holds is told by its unit and its last
letter, because the words before differ between experiments and languages. Numbers look like 1.234567890E0; columns that
are shorter than others are filled with NaN at their end. The user chooses comma, tab or semicolon between the fields,
and for the last two a decimal comma.

Acceleration has gravity in it and +9.81 on the axis that points up, on both systems, because the app turns the values
of an iPhone over. "Linear Acceleration" (acceleration without g) has none: no angle can be told from it.

`meta/time.csv` lists when the measurement was started and paused, in experiment time, which stands still in a pause,
and in system time: with it a pause becomes the gap that it was.

Sources: the app's public source (DataExport.java of the Android version, the experiment definitions): sure. Seen in
public recordings: both spellings of the columns.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Literal

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imported import ImportedFile, Units, has_gravity, imported, typical_size
from sensorsoma.recording.lines import delimiter_of, with_points
from sensorsoma.recording.members import Members, listed, stem
from sensorsoma.recording.tables import Table
from sensorsoma.recording.tracks import Track, joined, track
from sensorsoma.units import NS_PER_S

Quantity = Literal["acc", "linear", "gyr"]

LATEST_UNIX_S = 1e10
"""The year 2286; a start that is later is no time."""

_COLUMN = re.compile(r"(?P<words>.*?)\s*\((?P<unit>s|m/s\^2|m/s²|rad/s)\)")
_WITHOUT_GRAVITY = re.compile(r"\blin(ear\w*)?\b|without g\b|ohne g\b", re.IGNORECASE)
"""Words in the name of a column or set that mean acceleration without gravity."""
_ADVICE = (
    "measure with the accelerometer itself (Acceleration with g, or a simple experiment with accelerometer and "
    "gyroscope) and export that"
)


@dataclass(frozen=True, slots=True)
class _Set:
    """Three columns of one table that belong together, with their time."""

    member: str
    quantity: Quantity
    time: int
    axes: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Run:
    """A stretch between start and pause."""

    experiment_s: float
    """Experiment time of the start."""
    system_s: float
    """Unix time of the start."""


def claims(members: Members) -> bool:
    """True when one table has a column of time and three of an axis each, with the app's units."""
    return any(_sets_of(members, name) for name in members.names)


def read(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - the export tells its units
    """Specific force and angular rate at the gyroscope's times.

    Raises:
        InputFileError: gravity or the accelerometer is missing, a field is no number; says which member and line.
    """
    sets = [found for name in members.names for found in _sets_of(members, name)]
    acc_set = _acc_set(members, sets)
    gyr_set = _one(members, (found for found in sets if found.quantity == "gyr"), "gyroscope set")
    notes: list[str] = []
    runs = _runs(members, acc_set.member)
    acc = _track(members, acc_set, runs, notes)
    label = members.label(acc_set.member)
    if not has_gravity(acc.values):
        raise _no_gravity(label, f"a typical size of {typical_size(acc.values):.2f} m/s²")
    tracks = [acc] if gyr_set is None else [_track(members, gyr_set, runs, notes), acc]
    at = joined(tracks)
    if not len(at.t_s):
        raise InputFileError(f"{members.name}: expected accelerometer and gyroscope at the same time, found no moment.")
    if at.n_left_out:
        notes.append(f"{at.n_left_out} gyroscope readings have no acceleration near them and were left out.")
    if gyr_set is None:
        notes.append("There is no gyroscope in it.")
    n_paused = sum(1 for before, after in pairwise(runs) if _offset_s(before) < _offset_s(after))
    if n_paused:
        notes.append(
            f"The measurement was paused {'once' if n_paused == 1 else f'{n_paused} times'}; a gap stands for it."
        )
    started_ns = round((_offset_s(runs[0]) + at.t_s[0]) * NS_PER_S) if runs else None
    return imported("phyphox", label, at.t_s, at.values[-1], at.values[0] if gyr_set else None, notes, started_ns)


# --------------------------------------------------------------------------------------------------------- sets


def _sets_of(members: Members, name: str) -> list[_Set]:
    """The sets of three axes in one table; none when it is no table of the app."""
    if _is_meta(name):
        return []
    groups: dict[tuple[str, str], dict[str, int]] = {}
    times: list[int] = []
    for index, column in enumerate(members.header(name)):
        match = _COLUMN.fullmatch(column)
        if match is None:
            continue
        words, unit = match["words"].strip(), match["unit"]
        if unit == "s":
            times.append(index)
        elif words[-1:] in ("x", "y", "z") and not words[-2:-1].isalpha():
            groups.setdefault((words[:-1].strip(), unit), {}).setdefault(words[-1], index)
    return [
        _Set(name, _quantity(f"{words} {stem(name)}", unit), time, axes)
        for (words, unit), found in groups.items()
        if len(found) == 3 and times
        for axes in [(found["x"], found["y"], found["z"])]
        for time in [max((t for t in times if t < min(axes)), default=times[0])]
    ]


def _quantity(words: str, unit: str) -> Quantity:
    if unit == "rad/s":
        return "gyr"
    return "linear" if _WITHOUT_GRAVITY.search(words) else "acc"


def _acc_set(members: Members, sets: Sequence[_Set]) -> _Set:
    candidates = [one for one in sets if one.quantity == "acc"]
    if len(candidates) > 1:  # in a language whose word for linear is not known here
        candidates = [one for one in candidates if has_gravity(_track(members, one, (), []).values)] or candidates
    found = _one(members, candidates, "accelerometer set")
    if found is not None:
        return found
    if any(one.quantity == "linear" for one in sets):
        raise _no_gravity(members.name, "only Linear Acceleration")
    where = "; name the zip or the folder instead of one file, or " if members.is_single else "; "
    raise InputFileError(
        f"{members.name}: expected an accelerometer, found only {listed(sorted({stem(one.member) for one in sets}))}"
        f"{where}{_ADVICE}."
    )


def _one(members: Members, sets: Iterable[_Set], what: str) -> _Set | None:
    """The only set of a kind; the first where one table has several."""
    found = list(sets)
    if not found:
        return None
    name = members.one_of(dict.fromkeys(one.member for one in found), what)
    return next(one for one in found if one.member == name)


def _no_gravity(label: str, found: str) -> InputFileError:
    return InputFileError(
        f"{label}: expected acceleration with gravity, about 9.8 m/s² at rest, found {found}, from which gravity is "
        f"missing; {_ADVICE}."
    )


def _track(members: Members, one: _Set, runs: Sequence[_Run], notes: list[str]) -> Track:
    """The rows of a set that are filled, in experiment time and, where they are known, with the pauses in it."""
    table = _table(members, one.member)
    notes += [f"{stem(one.member)}: {note}" for note in table.notes]
    rows = table.numbers((one.time, *one.axes), may_miss=True)
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows):
        raise InputFileError(f"{members.label(one.member)}: expected samples, found only empty rows.")
    return track(_with_pauses(rows[:, 0], runs), rows[:, 1:])


def _table(members: Members, name: str) -> Table:
    """A table with decimal points, whatever the user chose."""
    return members.table(name, with_points(members.text(name)))


# ------------------------------------------------------------------------------------------------------- pauses


def _is_meta(name: str) -> bool:
    return "meta" in PurePosixPath(name).parent.parts


def _runs(members: Members, beside: str) -> list[_Run]:
    """The starts of the measurement out of `meta/time.csv`; none when it is missing or does not make sense."""
    wanted = PurePosixPath(beside).parent / "meta" / "time.csv"
    name = next((name for name in members.names if PurePosixPath(name) == wanted), None)
    if name is None:
        return []
    lines = members.data(name).decode("utf-8", errors="replace").splitlines()
    try:
        rows = list(csv.reader(lines, delimiter=delimiter_of(lines[0] if lines else "")))
        runs = [_Run(_number(row[1]), _number(row[2])) for row in rows if len(row) >= 3 and row[0].strip() == "START"]
    except (csv.Error, ValueError):
        return []
    starts = [run.experiment_s for run in runs]
    offsets = [_offset_s(run) for run in runs]
    is_sound = all(0 < offset < LATEST_UNIX_S for offset in offsets)
    return runs if is_sound and starts == sorted(starts) and offsets == sorted(offsets) else []


def _number(field: str) -> float:
    return float(field.strip().replace(",", "."))


def _offset_s(run: _Run) -> float:
    """What experiment time lacks to Unix time."""
    return run.system_s - run.experiment_s


def _with_pauses(times_s: Floats, runs: Sequence[_Run]) -> Floats:
    """Experiment time with the pauses in it, so that the first stretch stays as it is."""
    if not runs:
        return times_s
    starts = [run.experiment_s for run in runs]
    offsets = np.array([_offset_s(run) - _offset_s(runs[0]) for run in runs])
    which = np.clip(np.searchsorted(starts, times_s, side="right") - 1, 0, None)
    return np.asarray(times_s + offsets[which], dtype=np.float64)

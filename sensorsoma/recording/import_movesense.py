"""CSV files of the Movesense Showcase apps: one with acceleration and rotation, or one for each sensor.

| app and page | header | rows |
|---|---|---|
| Android, IMU | `Timestamp,AccX,AccY,AccZ,GyroX,GyroY,GyroZ,MagnX,MagnY,MagnZ` | as many values as were measured |
| Android, acceleration | `Timestamp (ms),X: (m/s^2),Y: (m/s^2),Z: (m/s^2)` | a comma and a space at the end |
| Android, rotation | `Timestamp (ms),X: (degree per second),...` | the same |
| iOS | `timestamp,x,y,z` for both | the time of a packet stands in its first row alone |

Time is in whole milliseconds of the sensor's clock and wraps at 2³². Acceleration is in m/s² with gravity, rotation in
degrees a second. Android writes numbers as the phone's language has them: with a decimal comma the fields can still be
told apart, because there are always six digits behind it. Rows of one packet that share one time are spread evenly up
to the next packet. Some versions write the first sample of each packet only; then the rate is that of the packets.

Sources: public copies of the apps' source (ImuActivity, LinearAccelerationTestActivity and AngularVelocityActivity of
Android; Recorder.swift and CsvEncodingTests.swift of iOS, whose test data are from a sensor): sure for these apps,
unknown for others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import hypot
from typing import Literal

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imported import ImportedFile, Units, check_gravity, imported, typical_size
from sensorsoma.recording.members import Members, stem
from sensorsoma.recording.tables import Table
from sensorsoma.recording.tracks import Track, joined, track
from sensorsoma.units import DEG

WRAP_MS = 2**32

_DECIMAL_COMMA = re.compile(r",[ ]?(-?\d+),(\d{6})(?=,|[ ]*$)", re.MULTILINE)
_AXIS = re.compile(r"(?P<axis>[xyz]):?\s*\((?P<unit>[^)]*)\)")
_IMU = ("accx", "accy", "accz")
_IMU_GYR = ("gyrox", "gyroy", "gyroz")
_BARE = ("x", "y", "z")

Layout = Literal["imu", "acc", "gyr", "bare"]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What one table holds."""

    acc: Track | None
    gyr: Track | None


def claims(members: Members) -> bool:
    """True when one table has a header of these apps."""
    return any(_layout(members.header(name)) for name in members.names) and not _is_of_another_tool(members)


def read(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - the apps have one unit each
    """Specific force and angular rate, at the gyroscope's times where they are in two tables.

    Raises:
        InputFileError: there is no accelerometer, several sensors, or a field is no number; says which member and line.
    """
    notes: list[str] = []
    parts = {name: _part(members, name, notes) for name in members.names if _layout(members.header(name))}
    acc_names = [name for name, part in parts.items() if part.acc is not None]
    if not acc_names:
        where = "; name a zip or folder with both tables in it" if members.is_single else ""
        raise InputFileError(
            f"{members.name}: expected acceleration, about 9.8 m/s² at rest, found rotation alone{where}; without "
            "acceleration no angle can be measured."
        )
    acc_name = members.one_of(acc_names, "table with acceleration")
    acc, gyr = parts[acc_name].acc, parts[acc_name].gyr
    assert acc is not None
    label = members.label(acc_name)
    check_gravity(label, acc.values, "expected is the CSV of the Movesense Showcase app")
    gyr_names = [name for name, part in parts.items() if part.gyr is not None]
    if gyr is not None:  # of the same table: the times are the same
        return imported("movesense", label, acc.t_s, acc.values, gyr.values * DEG, notes)
    if not gyr_names:
        notes.append("There is no gyroscope in it.")
        return imported("movesense", label, acc.t_s, acc.values, None, notes)
    gyr = parts[members.one_of(gyr_names, "table with rotation")].gyr
    assert gyr is not None
    at = joined([_near(gyr, acc), acc])
    if not len(at.t_s):
        raise InputFileError(f"{members.name}: expected acceleration and rotation at the same time, found no moment.")
    if at.n_left_out:
        notes.append(f"{at.n_left_out} gyroscope readings have no acceleration near them and were left out.")
    return imported("movesense", label, at.t_s, at.values[1], at.values[0] * DEG, notes)


# -------------------------------------------------------------------------------------------------------- tables


def _is_of_another_tool(members: Members) -> bool:
    """True for one table `timestamp,x,y,z` with a stamp in every row that is no whole number, or with values in g.

    The iOS app names its columns like this, with milliseconds in the first row of a packet; so do many other tools.
    """
    name = members.names[0]
    if len(members.names) > 1 or _layout(members.header(name)) != "bare":
        return False
    rows = [line.split(",") for line in members.head(name).split("\n")[1:-1] if line.strip()]
    if any(len(row) > 4 and row[4].strip() for row in rows):
        return True
    try:
        sizes = [hypot(*(float(value.strip(' "')) for value in row[1:4])) for row in rows]
    except ValueError:
        return False
    stamps = [row[0].strip(' "') for row in rows]
    is_in_g = bool(rows) and 0.8 < sorted(sizes)[len(sizes) // 2] < 1.25
    return bool(rows) and all(stamps) and (is_in_g or not all(map(str.isdigit, stamps)))


def _layout(header: list[str]) -> Layout | None:
    """Which of the apps' tables a header belongs to; None for tables of pulse, ECG and everything else."""
    if not header or not header[0].startswith("timestamp"):
        return None
    names = header[1:]
    if tuple(names[:3]) == _IMU:
        return "imu"
    if tuple(names) == _BARE:
        return "bare"
    axes = [match for match in map(_AXIS.fullmatch, names) if match]
    if tuple(match["axis"] for match in axes) != _BARE:
        return None
    units = {match["unit"].strip() for match in axes}
    if units <= {"m/s^2", "m/s²"}:
        return "acc"
    return "gyr" if all(unit.startswith(("degree", "deg", "dps", "°/s")) for unit in units) else None


def _part(members: Members, name: str, notes: list[str]) -> _Part:
    """One table, its rotation in degrees a second."""
    layout = _layout(members.header(name))
    table = members.table(name, _with_points(members.text(name)))
    notes += [f"{stem(name)}: {note}" for note in table.notes]
    times_s = _times_s(table)
    values = table.numbers(range(1, 4))
    if layout == "imu":
        has_gyr = len(table.lines[0].rstrip(", ").split(table.delimiter)) >= 7 and table.names[4:7] == [*_IMU_GYR]
        both = track(times_s, table.numbers(range(1, 7)) if has_gyr else values)
        _note_dropped(both, name, notes)
        gyr = Track(both.t_s, both.values[:, 3:]) if has_gyr else None
        return _Part(Track(both.t_s, both.values[:, :3]), gyr)
    one = track(times_s, values)
    _note_dropped(one, name, notes)
    is_acc = layout == "acc" or (layout == "bare" and _is_acceleration(name, values))
    return _Part(one, None) if is_acc else _Part(None, one)


def _is_acceleration(name: str, values: Floats) -> bool:
    """Acceleration and rotation have one header on iOS: the app's file name tells them apart, or the size at rest."""
    word = stem(name).lower()
    if "gyro" in word:
        return False
    return "acc" in word or 8.0 < typical_size(values) < 12.0


def _note_dropped(one: Track, name: str, notes: list[str]) -> None:
    if one.n_dropped:
        notes.append(f"{stem(name)}: {one.n_dropped} rows have the time of another one; the first of them was kept.")


def _with_points(text: str) -> str:
    """The text with decimal points and without the empty field at the end of rows.

    >>> _with_points("Timestamp (ms),X\\n172460,-0,971521,4,268948,8,856153, ")
    'Timestamp (ms),X\\n172460,-0.971521,4.268948,8.856153, '
    """
    return _DECIMAL_COMMA.sub(r",\1.\2", text)


# --------------------------------------------------------------------------------------------------------- times


def _times_s(table: Table) -> Floats:
    """Seconds of every row on the sensor's clock, unwrapped, rows of a packet spread evenly."""
    table.lines = [f"nan{line}" if line.startswith(table.delimiter) else line for line in table.lines]
    stamps_ms = table.numbers((0,), may_miss=True)[:, 0]
    if np.isnan(stamps_ms[0]):
        raise InputFileError(f"{table.label}: expected a time in line {table.first_line}, found nothing.")
    is_new = np.concatenate(([True], ~np.isnan(stamps_ms[1:]) & (np.diff(_filled(stamps_ms)) != 0)))
    begins = np.flatnonzero(is_new)
    packets_ms = _unwrapped(stamps_ms[begins])
    return _spread(packets_ms, np.diff([*begins, len(stamps_ms)])) / 1000.0


def _near(one: Track, other: Track) -> Track:
    """A track of the same clock, moved by a whole wrap when it began on the other side of it."""
    wrap_s = WRAP_MS / 1000.0
    n_wraps = round((other.t_s[0] - one.t_s[0]) / wrap_s)
    return Track(one.t_s + n_wraps * wrap_s, one.values, one.n_dropped)


def _filled(stamps_ms: Floats) -> Floats:
    """The last known stamp in place of each missing one."""
    last = np.maximum.accumulate(np.where(np.isnan(stamps_ms), 0, np.arange(len(stamps_ms))))
    return np.asarray(stamps_ms[last])


def _unwrapped(stamps_ms: Floats) -> Floats:
    """The stamps, going on across the wrap of a 32-bit counter."""
    steps = np.diff(stamps_ms)
    steps = np.where(steps < -WRAP_MS / 2, steps + WRAP_MS, steps)
    return np.asarray(stamps_ms[0] + np.concatenate(([0.0], np.cumsum(steps))), dtype=np.float64)


def _spread(packets_ms: Floats, sizes: Iterable[int]) -> Floats:
    """Times of the rows of packets: evenly up to the next packet, at the usual distance before a gap.

    >>> _spread(np.array([0.0, 20.0, 40.0, 60.0, 400.0]), [2, 2, 2, 2, 2]).tolist()
    [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 400.0, 410.0]
    """
    n_rows = np.asarray(sizes)
    steps = np.diff(packets_ms) / n_rows[:-1]
    forward = steps[steps > 0]
    usual = float(np.median(forward)) if forward.size else 0.0
    is_usual = (steps > 0) & (steps < 1.5 * usual)
    step = np.concatenate((np.where(is_usual, steps, usual), [usual]))
    first_row = np.cumsum(n_rows) - n_rows
    within = np.arange(int(n_rows.sum())) - np.repeat(first_row, n_rows)
    return np.asarray(np.repeat(packets_ms, n_rows) + within * np.repeat(step, n_rows), dtype=np.float64)

"""Exports of the app Sensor Logger: its zip, the folder of an unpacked zip, one of its CSV files, its JSON.

One CSV per sensor with `time` (Unix nanoseconds, above 2⁵³ and therefore read as integers), `seconds_elapsed` (may be
negative at the start) and the values, columns in an order of their own. The JSON is one array of objects, every value
a string, the sensor's name under `sensor`. Sensors have times of their own: all are brought onto those of the
gyroscope.

Specific force is accelerometer + gravity, since the app takes gravity out of the first; failing that the uncalibrated
accelerometer or `TotalAcceleration`, which still have it. The sign follows from `Metadata.csv` (platform, and the flag
`standardisation`), or else from the data (`decode/sensor_logger_sign.py`); a note says how it was told.

Sources: the app's own pages on export, units, coordinates and platforms (sure), and the columns of `Metadata.csv` as
they stand in public exports of schema version 3 (sure for Android; that an iPhone calls itself `ios` there follows
from the pages alone). Wire format of the live pushes: `firmware_notes/sensor_logger.md`.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorsoma.decode.sensor_logger_body import FIELDS, MAX_TIME_NS
from sensorsoma.decode.sensor_logger_sign import SignFoundBy, SignParams, find_sign
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imported import ImportedFile, Units, check_gravity, imported, typical_size
from sensorsoma.recording.members import Members, listed, stem
from sensorsoma.recording.tracks import Track, joined, track
from sensorsoma.units import NS_PER_S, STANDARD_GRAVITY_MPS2

ACC_CHOICES: tuple[tuple[str, ...], ...] = (
    ("accelerometer", "gravity"),
    ("accelerometeruncalibrated",),
    ("totalacceleration",),
)
"""Sensors that add up to specific force, the best first; as in the live decoder."""
GYR_CHOICES = ("gyroscope", "gyroscopeuncalibrated")
SAMPLED = frozenset(FIELDS) - {"battery"}
SIGN_S = 1.0
"""The sign is told from the first second, as live."""
UNNAMED = "accelerometeruncalibrated"
"""What a renamed file with gravity in it is taken for: its unit then tells the sign."""

_SIGN_NOTES: Mapping[SignFoundBy, tuple[str, str]] = {
    "unit": (
        "The uncalibrated accelerometer is in m/s²: the sign was kept.",
        "The uncalibrated accelerometer is in g, as on an iPhone without standardised frames: the sign was turned "
        "over.",
    ),
    "orientation": (
        "Orientation and gravity agree on what is up: the sign was kept.",
        "Orientation and gravity are opposite, as on an iPhone without standardised frames: the sign was turned over.",
    ),
    "screen_up": (
        "The sign was kept, guessed from the screen, which faces up at the beginning; switch on Standardise Units & "
        "Frames in the app to be sure.",
        "The sign was turned over, guessed from the screen, which would face down at the beginning; switch on "
        "Standardise Units & Frames in the app to be sure.",
    ),
    "assumed": (
        "Nothing tells the sign; it was kept, which is right for Android. On an iPhone switch on Standardise Units & "
        "Frames.",
        "",
    ),
}
"""What a person is told about a sign that was found in the data: kept, turned over."""


@dataclass(frozen=True, slots=True, eq=False)
class _Readings:
    """One sensor as exported."""

    times_ns: NDArray[np.int64]
    values: Floats
    """In the order of `FIELDS`, units as sent."""


@dataclass(frozen=True, slots=True)
class _Sign:
    """How the specific force is brought to +9.81 m/s² upward."""

    factor: int
    note: str


def claims(members: Members) -> bool:
    """True when one table has the app's columns, or one JSON its objects."""
    return any(_is_sensor_csv(members, name) or _is_json(members, name) for name in members.names)


def read(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - the export tells its units
    """Specific force and angular rate at the gyroscope's times.

    Raises:
        InputFileError: gravity is missing, a sensor comes twice, or a field is no number; says which member and line.
    """
    metadata: Mapping[str, str] = {}
    notes: list[str] = []
    tables = [name for name in members.names if _is_sensor_csv(members, name)]
    if tables:
        sensors = _sensors_of_tables(members, tables, notes)
        metadata = _metadata(members, tables[0])
    else:
        name = members.one_of((name for name in members.names if _is_json(members, name)), "JSON export")
        sensors, metadata = _sensors_of_json(members, name)
    return _imported(members, sensors, metadata, notes)


def _imported(
    members: Members, sensors: Mapping[str, _Readings], metadata: Mapping[str, str], notes: list[str]
) -> ImportedFile:
    acc_names = _acc_names(members, sensors)
    gyr_name = next((name for name in GYR_CHOICES if name in sensors), None)
    zero_ns = min(int(readings.times_ns.min()) for readings in sensors.values())
    used = [gyr_name, *acc_names] if gyr_name else list(acc_names)
    tracks = [_track(sensors[name], zero_ns) for name in used]
    at = joined(tracks)
    if not len(at.t_s):
        raise InputFileError(
            f"{members.name}: expected {listed(used)} at the same time, found no moment at which all of them were "
            "written; name one recording."
        )
    n_dropped = sum(one.n_dropped for one in tracks)
    if n_dropped:
        notes.append(f"{n_dropped} readings have the time of another one; the first of them was kept.")
    if at.n_left_out:
        notes.append(f"{at.n_left_out} readings of the {used[0]} have no {used[-1]} near them and were left out.")
    values = list(at.values)
    gyr = values.pop(0) if gyr_name else None
    acc: Floats = np.sum(values, axis=0)
    is_in_g = acc_names == (UNNAMED,) and typical_size(acc) < SignParams().g_below_mps2
    acc = acc * STANDARD_GRAVITY_MPS2 if is_in_g else acc
    check_gravity(members.name, acc, "record again with Accelerometer and Gravity switched on in Sensor Logger")
    sign = _sign(sensors, metadata)
    notes.append(f"Specific force from {' + '.join(acc_names)}. {sign.note}")
    if gyr is None:
        notes.append("There is no gyroscope in it.")
    return imported(
        "sensor-logger", members.name, at.t_s, sign.factor * acc, gyr, notes, zero_ns + round(at.t_s[0] * NS_PER_S)
    )


def _acc_names(members: Members, sensors: Mapping[str, _Readings]) -> tuple[str, ...]:
    for names in ACC_CHOICES:
        if all(name in sensors for name in names):
            return names
    there = listed(sorted(sensors)) or "no sensor that is used"
    where = "; name the zip or the folder of the export instead of one file" if members.is_single else ""
    advice = "the app takes gravity out of the accelerometer, so switch on Gravity beside it"
    raise InputFileError(
        f"{members.name}: expected Accelerometer and Gravity, TotalAcceleration or AccelerometerUncalibrated, found "
        f"{there}{where}; {advice}."
    )


def _track(readings: _Readings, zero_ns: int) -> Track:
    """Seconds since `zero_ns`: differences of integers, so that no digit is lost."""
    return track((readings.times_ns - zero_ns) / NS_PER_S, readings.values)


# ---------------------------------------------------------------------------------------------------------- CSV


def _is_sensor_csv(members: Members, name: str) -> bool:
    """True for a table of a sensor that is used; by its columns when it is a single file, else also by its name."""
    header = members.header(name)
    if "time" not in header or "seconds_elapsed" not in header:
        return False
    return _sensor_of(members, name) is not None or (members.is_single and {"x", "y", "z"} <= set(header))


def _sensor_of(members: Members, name: str) -> str | None:
    """Key of `FIELDS` that a file name means; a copy such as `Gravity (1).csv` still counts when it stands alone."""
    word = stem(name).lower()
    if not members.is_single:
        return word if word in SAMPLED else None
    letters = "".join(c for c in word if c.isalpha())
    return next((sensor for sensor in sorted(SAMPLED, key=len, reverse=True) if sensor in letters), None)


def _sensors_of_tables(members: Members, names: Sequence[str], notes: list[str]) -> dict[str, _Readings]:
    by_sensor: dict[str, list[str]] = {}
    for name in names:
        by_sensor.setdefault(_sensor_of(members, name) or UNNAMED, []).append(name)
    sensors = {}
    for sensor, found in by_sensor.items():
        name = members.one_of(found, f"{stem(found[0])} table")
        table = members.table(name)
        times_ns = table.integers(table.columns("time")[0])
        sensors[sensor] = _Readings(times_ns, table.numbers(table.columns(*FIELDS[sensor])))
        notes += [f"{stem(name)}: {note}" for note in table.notes]
    return sensors


def _metadata(members: Members, beside: str) -> dict[str, str]:
    """`Metadata.csv` in the folder of the tables: column name → value; empty when there is none."""
    folder = PurePosixPath(beside).parent
    for name in members.names:
        if stem(name).lower() == "metadata" and PurePosixPath(name).parent == folder and not members.is_single:
            rows = list(csv.reader(io.StringIO(members.head(name))))
            if len(rows) > 1:
                return {key.strip().lower(): value.strip() for key, value in zip(rows[0], rows[1], strict=False)}
    return {}


# --------------------------------------------------------------------------------------------------------- JSON


def _is_json(members: Members, name: str) -> bool:
    """True for what begins like an array of objects or one object; which, is said when it is read."""
    if any(other.endswith("_motion.tsv") for other in members.names):
        return False  # what lies beside a Motion-BIDS table is its metadata
    head = members.head(name).lstrip()
    return head.startswith("{") or (head.startswith("[") and head[1:].lstrip()[:1] in ("{", "]"))


@dataclass(frozen=True, slots=True)
class _Row:
    """One object of the array: a reading of a sensor that is used."""

    sensor: str
    time_ns: int
    values: tuple[float, ...]


def _sensors_of_json(members: Members, name: str) -> tuple[dict[str, _Readings], dict[str, str]]:
    label = members.label(name)
    metadata: dict[str, str] = {}
    try:
        items = json.loads(members.text(name), object_hook=lambda item: _row(item, metadata))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputFileError):
            raise
        raise InputFileError(
            f"{label}: expected the JSON export of Sensor Logger, found broken JSON ({error}); export it again, or "
            "choose zip."
        ) from None
    if not isinstance(items, list):
        raise InputFileError(
            f"{label}: expected an array of objects with `sensor`, `time` and values, as Sensor Logger exports, found "
            "another kind of JSON; export as zip or CSV instead."
        )
    rows: dict[str, list[_Row]] = {}
    for number, item in enumerate(items, 1):
        if isinstance(item, _Row):
            rows.setdefault(item.sensor, []).append(item)
        elif isinstance(item, str):
            raise InputFileError(f"{label}: expected {item} in object {number} of the array.")
    sensors = {
        sensor: _Readings(np.array([row.time_ns for row in found], dtype=np.int64), np.array([r.values for r in found]))
        for sensor, found in rows.items()
    }
    return sensors, metadata


def _row(item: dict[str, Any], metadata: dict[str, str]) -> _Row | str | None:
    """One object: a reading; what is wrong with it; or None for what is not used."""
    sensor = str(item.get("sensor", "")).lower()
    if sensor == "metadata":
        metadata.update({str(key).lower(): str(value) for key, value in item.items()})
    if sensor not in SAMPLED:
        return None
    try:
        time_ns = int(item["time"])
        values = tuple(float(item[name]) for name in FIELDS[sensor])
    except (KeyError, TypeError, ValueError, OverflowError):
        return f"a whole number as `time` and numbers as {', '.join(FIELDS[sensor])}"
    if not (0 <= time_ns < MAX_TIME_NS and all(map(math.isfinite, values))):
        return "a time in nanoseconds since 1970 and finite numbers"
    return _Row(sensor, time_ns, values)


# --------------------------------------------------------------------------------------------------------- sign


def _sign(sensors: Mapping[str, _Readings], metadata: Mapping[str, str]) -> _Sign:
    """From what the phone says of itself, or else from its readings; a contradiction is noted."""
    factor, found_by = find_sign(_first_second(sensors), SignParams())
    told = _told_sign(metadata)
    if told is None and "totalacceleration" in sensors:
        told = _Sign(1, "TotalAcceleration is written on Android only: the sign was kept.")
    if told is None:
        return _Sign(factor, _SIGN_NOTES[found_by][0 if factor > 0 else 1])
    if told.factor != factor and found_by in ("unit", "orientation"):
        against = {"unit": "the unit of the uncalibrated accelerometer", "orientation": "the orientation"}[found_by]
        return _Sign(told.factor, f"{told.note} But {against} says otherwise: check left and right.")
    return told


def _told_sign(metadata: Mapping[str, str]) -> _Sign | None:
    platform = metadata.get("platform", "").lower()
    if metadata.get("standardisation", "").lower() in ("true", "1", "yes"):
        return _Sign(1, "Metadata says that units and frames are standardised: the sign was kept.")
    if "android" in platform:
        return _Sign(1, "Metadata says Android: the sign was kept.")
    if "ios" in platform or "iphone" in platform:
        return _Sign(-1, "Metadata says iOS without standardised frames: the sign was turned over.")
    return None


def _first_second(sensors: Mapping[str, _Readings]) -> dict[str, list[tuple[float, ...]]]:
    """Readings of the first second that all sensors share."""
    begin_ns = max(int(readings.times_ns.min()) for readings in sensors.values())
    end_ns = begin_ns + round(SIGN_S * NS_PER_S)
    seen = {}
    for name, readings in sensors.items():
        is_first = (readings.times_ns >= begin_ns) & (readings.times_ns <= end_ns)
        seen[name] = [tuple(row) for row in readings.values[is_first].tolist()]
    return {name: rows for name, rows in seen.items() if rows}

"""Motion-BIDS: `*_motion.tsv` without a header, its columns named by `*_channels.tsv`, its rate in `*_motion.json`.

A folder, a zip, or the `_motion.tsv` with the two others beside it. Channels of type ACCEL and GYRO with the components
x, y, z of one tracked point make a sensor; LATENCY, where there is one, gives the times, else the effective or the
nominal sampling frequency does. Everything else (positions, orientations, magnetometer) is left alone.

Source: the Motion section of the BIDS specification 1.8 and later. What the standard leaves open is refused rather than
guessed: acceleration without gravity, several tracked points, an unknown unit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.columns import ACC_UNITS, AXES, GYR_UNITS, unit_of
from sensorsoma.recording.import_csv import Rows, finished
from sensorsoma.recording.imported import ImportedFile, Units, check_gravity
from sensorsoma.recording.layout import Layout, laid_out
from sensorsoma.recording.lines import split
from sensorsoma.recording.members import Members, listed
from sensorsoma.recording.stamps import Times
from sensorsoma.recording.table_units import ACC_SCALE, GYR_SCALE
from sensorsoma.recording.tables import Table

_END, _CHANNELS, _META = "_motion.tsv", "_channels.tsv", "_motion.json"
_PLAIN = Layout(None, 0, 1, "\t", False, None, False, None)
"""The standard leaves no choice: tabs, no header, points."""


@dataclass(frozen=True, slots=True)
class _Channel:
    index: int
    kind: str
    component: str
    point: str
    unit: str


def claims(members: Members) -> bool:
    """True when a table is named as the standard asks and is described beside it."""
    return any(name.endswith(_END) for name in members.names) and any(
        name.endswith(_CHANNELS) for name in members.names
    )


def read(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - the channels tell their units
    """Specific force and angular rate of the one tracked point that has an accelerometer.

    Raises:
        InputFileError: several recordings or tracked points, a missing channel or unit, or a field that is no number.
    """
    name = members.one_of((name for name in members.names if name.endswith(_END)), "recording (_motion.tsv)")
    before = name.removesuffix(_END)
    channels = _channels(members, before + _CHANNELS)
    label = members.label(name)
    table = laid_out(members.text(name), label, _PLAIN, is_whole=members.is_whole)
    if table.n_columns != len(channels):
        raise InputFileError(
            f"{label}: expected {len(channels)} columns, one for each row of {before}{_CHANNELS}, found "
            f"{table.n_columns} in line {table.first_line}."
        )
    point = _point(members.name, channels)
    acc = _triple(members.name, channels, "ACCEL", point)
    gyr = _triple(members.name, channels, "GYRO", point) if any(_is_of(c, "GYRO", point) for c in channels) else None
    rows = table.drop_empty([channel.index for channel in acc])
    notes = [*table.notes, *([f"{rows} rows without a sample were left out."] if rows else [])]
    acc_mps2 = _values(members.name, table, acc, ACC_UNITS, ACC_SCALE)
    check_gravity(label, acc_mps2, "export acceleration with gravity")
    gyr_radps = None if gyr is None else _values(members.name, table, gyr, GYR_UNITS, GYR_SCALE)
    times = _times(members, before, table, channels, rows)
    return finished("motion-bids", label, Rows(times, acc_mps2, gyr_radps), notes)


def _channels(members: Members, name: str) -> list[_Channel]:
    """The rows of the table of channels."""
    if name not in members.names:
        raise InputFileError(f"{members.name}: expected {name} beside the samples, found {listed(members.names)}.")
    lines = [line for line in members.text(name).split("\n") if line.strip()]
    header = [cell.lower() for cell in split(lines[0], "\t")]
    missing = [word for word in ("name", "component", "type", "tracked_point", "units") if word not in header]
    if missing:
        raise InputFileError(
            f"{members.label(name)}: expected the columns name, component, type, tracked_point and units in line 1, "
            f"found no {', '.join(missing)}."
        )
    at = {word: header.index(word) for word in ("component", "type", "tracked_point", "units")}
    made = []
    for index, line in enumerate(lines[1:]):
        cells = split(line, "\t")
        if len(cells) < len(header):
            raise InputFileError(
                f"{members.label(name)}: expected {len(header)} columns in the row of channel {index + 1}, found "
                f"{len(cells)}."
            )
        kind, component = cells[at["type"]].upper(), cells[at["component"]].lower()
        made.append(_Channel(index, kind, component, cells[at["tracked_point"]], cells[at["units"]]))
    return made


def _is_of(channel: _Channel, kind: str, point: str) -> bool:
    return channel.kind == kind and channel.point == point and channel.component in AXES


def _point(label: str, channels: Sequence[_Channel]) -> str:
    points = list(dict.fromkeys(channel.point for channel in channels if channel.kind == "ACCEL"))
    if len(points) != 1:
        found = f"{len(points)} ({listed(points)})" if points else "none"
        raise InputFileError(
            f"{label}: expected one tracked point with channels of type ACCEL, found {found}; keep the columns and "
            "channels of the one that is meant."
        )
    return points[0]


def _triple(label: str, channels: Sequence[_Channel], kind: str, point: str) -> list[_Channel]:
    found = {channel.component: channel for channel in channels if _is_of(channel, kind, point)}
    if len(found) != 3:
        said = ", ".join(sorted(found)) or "none"
        raise InputFileError(f"{label}: expected {kind} channels with the components x, y and z, found {said}.")
    return [found[axis] for axis in AXES]


def _values(
    label: str, table: Table, channels: Sequence[_Channel], known: Sequence[str], scales: Mapping[str, float]
) -> Floats:
    """`(n, 3)` in SI units."""
    units = [unit_of(channel.unit) for channel in channels]
    if any(unit not in known for unit in units):
        said = ", ".join(dict.fromkeys(channel.unit for channel in channels))
        raise InputFileError(
            f"{label}: expected units such as m/s^2 and rad/s for {channels[0].kind} channels, found {said!r}."
        )
    scale = np.array([scales[unit] for unit in units if unit is not None])
    return np.asarray(table.numbers(channel.index for channel in channels) * scale)


def _times(members: Members, before: str, table: Table, channels: Sequence[_Channel], n_dropped: int) -> Times:
    latency = next((channel for channel in channels if channel.kind == "LATENCY"), None)
    if latency is not None:
        return table.times(latency.index, "s")
    rate_hz, word = _rate_hz(members, before + _META)
    first = table.first_line
    rows = np.array(table.line_numbers, dtype=np.float64) - first if n_dropped else np.arange(len(table.lines))
    note = f"There is no LATENCY channel; the rows were taken at the {word} of {rate_hz:g} Hz that the metadata states."
    return Times(np.asarray(rows / rate_hz), None, (note,))


def _rate_hz(members: Members, name: str) -> tuple[float, str]:
    """The measured rate, else the nominal one."""
    found: Any = None
    if name in members.names:
        try:
            found = json.loads(members.text(name))
        except (ValueError, RecursionError):
            raise InputFileError(f"{members.label(name)}: expected JSON, found something else.") from None
    for word in ("SamplingFrequencyEffective", "SamplingFrequency"):
        value = found.get(word) if isinstance(found, dict) else None
        if isinstance(value, int | float) and 0 < value < float("inf"):
            return float(value), word
    raise InputFileError(f"{members.name}: expected a LATENCY channel or SamplingFrequency in {name}, found neither.")

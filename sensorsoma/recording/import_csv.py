"""Tables with a header and no app of their own.

Columns are found by what their names say (`columns`), in any order; other columns are left alone. A unit in the header
(`acc_x (g)`, `gx_dps`, `accX [m/s^2]`) counts; where there is none, the unit that was named for the file does, and for
plain x, y, z the size of gravity. Lines above the header are passed over (`layout`). The sampling rate always comes
from the time stamps; only a table without any is read at the rate that the lines above it state, and a note says so.

Known writers: omconvert and cwa-convert with a header (`Time,Accel-X (g), Accel-Y (g), Accel-Z (g)` and, for the AX6,
`Gyro-X (d/s)` ...), the UK Biobank tools and actipy (`time,x,y,z`), ActiLife, R, pandas, one's own scripts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.columns import (
    TIME_UNITS,
    Axes,
    Column,
    axes_of,
    columns_of,
    without_raw,
)
from sensorsoma.recording.imported import (
    ImportedFile,
    Kind,
    Units,
    imported,
)
from sensorsoma.recording.layout import Layout, laid_out, layout_of
from sensorsoma.recording.lines import short
from sensorsoma.recording.members import HEAD_BYTES, Members
from sensorsoma.recording.placing import placed
from sensorsoma.recording.stamps import Times, is_stamp
from sensorsoma.recording.table_units import ACC_SCALE, acc_unit_of, gyr_radps_of
from sensorsoma.recording.tables import Table

_EPOCH_WORDS = ("svm", "enmo", "mean", "steps", "wear", "sedentary", "counts", "axis1", "mad", "vector magnitude")
"""Words of exports that hold a number per minute or so instead of samples."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What a table holds, before it is brought to SI units and its times are put in order."""

    times: Times
    acc: Floats
    gyr: Floats | None


def is_one_table(members: Members) -> bool:
    """True for a single file, and for a zip or folder with one CSV in it."""
    return members.is_single or len(members.names) == 1


def has_header(members: Members) -> bool:
    """True for one table whose columns have names."""
    if not is_one_table(members):
        return False
    layout = layout_of(members.head(members.names[0]))
    return bool(members.header(members.names[0])) if layout is None else layout.header is not None


def opened(members: Members) -> tuple[Table, Layout | None]:
    """The one table of an export; without a layout, no line of it begins like a sample.

    Raises:
        InputFileError: it cannot be read, or holds nothing that looks like a table.
    """
    name = members.names[0]
    text = members.text(name)
    layout = layout_of(text[:HEAD_BYTES])
    if layout is None:
        return members.table(name, text), None
    return laid_out(text, members.label(name), layout, is_whole=members.is_whole), layout


def finished(kind: Kind, label: str, rows: Rows, notes: Sequence[str]) -> ImportedFile:
    """Rows in SI units with times that advance, as far as they can be told.

    Raises:
        InputFileError: there is no sensible rate in the time stamps.
    """
    made = placed(rows.times.t_s, rows.acc)
    notes = (*notes, *rows.times.notes, *made.notes)
    return imported(kind, label, made.t_s, rows.acc, rows.gyr, notes, rows.times.started_ns)


def read_headed(members: Members, units: Units) -> ImportedFile:
    """Samples of a table with a header, in the units that it or the user names.

    Raises:
        InputFileError: a column is missing, a field is no number, or the unit cannot be the one that was said.
    """
    table, layout = opened(members)
    columns = columns_of(table.header or ())
    acc, gyr = _sensors(table, columns)
    values = filled_rows(table, acc.indices if gyr is None else (*acc.indices, *gyr.indices))
    acc_values = values[:, :3]
    acc_unit = acc_unit_of(table, acc, acc_values, units.acc, bool(layout and layout.is_in_g))
    acc_mps2 = acc_values * ACC_SCALE[acc_unit]
    gyr_radps = None if gyr is None else gyr_radps_of(table, gyr, values[:, 3:], units)
    times = _times(table, columns, layout)
    return finished("headed-csv", table.label, Rows(times, acc_mps2, gyr_radps), table.notes)


# ----------------------------------------------------------------------------------------------------------- columns


def _sensors(table: Table, columns: Sequence[Column]) -> tuple[Axes, Axes | None]:
    """The accelerometer and, where there is one, the gyroscope."""
    gyrs = without_raw(axes_of(columns, "gyr"))
    accs = without_raw(axes_of(columns, "acc")) or axes_of(columns, "bare")
    whole = [one for one in accs if one.is_whole]
    has_time = any(column.is_time or column.is_date for column in columns) or _unnamed_stamps(table)
    broken = [one for one in gyrs if not one.is_whole] if not any(one.is_whole for one in gyrs) else []
    if not whole or broken:
        raise _missing(table, whole or accs, broken, has_time)
    acc = _only(table, whole, "accelerometer")
    gyrs = [one for one in gyrs if one.is_whole]
    beside = [one for one in gyrs if one.words[:-1] == acc.words[:-1]] or gyrs
    return acc, _only(table, beside, "gyroscope") if beside else None


def _only(table: Table, sensors: Sequence[Axes], what: str) -> Axes:
    if len(sensors) > 1:
        names = [(table.header or ())[one.indices[0]] for one in sensors]
        raise InputFileError(
            f"{table.label}: expected one {what}, found {len(sensors)} (columns {short(', '.join(names))} ...) in line "
            f"{table.header_line}; leave the columns of one in the table."
        )
    return sensors[0]


def _missing(table: Table, accs: Sequence[Axes], gyrs: Sequence[Axes], has_time: bool) -> InputFileError:
    """What a header lacks; a header of another kind of export is called by its name."""
    header = table.header or ()
    said = " ".join(header).lower()
    if not accs and any(word in said for word in _EPOCH_WORDS):
        return InputFileError(
            f"{table.label}: expected samples of three axes, found an export of one value per epoch in line "
            f"{table.header_line}, which says {short(', '.join(header))}; export the raw samples (in OmGui: Export raw "
            "CSV)."
        )
    fullest = max(accs, key=lambda one: len(one.columns), default=None)
    missing = [] if has_time else ["time_s"]
    missing += [f"acc_{axis}" for axis in "xyz" if fullest is None or axis not in fullest.columns]
    missing += [f"gyr_{axis}" for one in gyrs[:1] for axis in "xyz" if axis not in one.columns]
    return InputFileError(
        f"{table.label}: expected the columns time_s, acc_x, acc_y, acc_z and, with a gyroscope, gyr_x, gyr_y, "
        f"gyr_z; {', '.join(missing)} is missing in line {table.header_line}, which says {short(', '.join(header))}."
    )


def filled_rows(table: Table, columns: Sequence[int]) -> Floats:
    """`(n, len(columns))` numbers; rows that hold nothing in the first three of the columns are taken out of the table.

    Raises:
        InputFileError: a field is no number; says which line.
    """
    try:
        return table.numbers(columns)
    except InputFileError:
        n_empty = table.drop_empty(columns[:3])
        values = table.numbers(columns)
    table.notes.append(f"{n_empty} {'row' if n_empty == 1 else 'rows'} without a sample were left out.")
    return values


# ------------------------------------------------------------------------------------------------------------- times


def _times(table: Table, columns: Sequence[Column], layout: Layout | None) -> Times:
    """Of the first column of time stamps; of a date beside a time of day; of the stated rate as a last resort."""
    is_day_first = layout.is_day_first if layout else None
    named = [column for column in columns if column.is_time]
    exact = [column for column in named if (table.header or ())[column.index].strip().lower() == "time_s"]
    dates = [column for column in columns if column.is_date]
    if not named and dates:
        named = dates
    if named:
        time = (exact or named)[0]
        if dates and time not in dates and table.is_time_of_day(time.index):
            return table.times_of_two(dates[0].index, time.index, is_day_first=is_day_first)
        unit = time.unit if time.unit in TIME_UNITS else None
        return table.times(time.index, unit, is_day_first=is_day_first)
    if _unnamed_stamps(table):
        return table.times(0, is_day_first=is_day_first)
    return stated_times(table, layout)


def _unnamed_stamps(table: Table) -> bool:
    """True for a first column without a name that holds stamps: pandas and R write the index of their rows so."""
    return bool(table.header) and not (table.header or ("",))[0] and bool(table.lines) and is_stamp(table.cell(0, 0))


def stated_times(table: Table, layout: Layout | None) -> Times:
    """Evenly at the rate that the lines above the table state.

    Raises:
        InputFileError: they state none.
    """
    if layout is None or not layout.said_rate_hz:
        header = f"line {table.header_line}, which says {short(', '.join(table.header or ()))}"
        raise InputFileError(
            f"{table.label}: expected a column of time stamps (time_s, timestamp ...), found none in {header}."
        )
    rate_hz = layout.said_rate_hz
    note = f"There are no time stamps; the rows were taken as {rate_hz:g} a second, as the file says of itself."
    return Times(np.arange(len(table.lines)) / rate_hz, None, (note,))

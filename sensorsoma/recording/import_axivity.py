"""Axivity AX3 and AX6 exports of the Open Movement tools, without a header: `timestamp,x,y,z` in g.

What cwa-convert (the engine of OmGui, *Export raw CSV*) writes: a time stamp in the form that was chosen (date and
time, seconds or days since the start, seconds since 1970, Excel or Matlab days, the whole second of each block), three
axes in g with six decimals, for an AX6 three of the gyroscope in °/s, then whatever else was asked for: light,
temperature, battery, letters for events. With *integer* values the axes are raw steps, 256 to 16384 of them to a g: the
size of gravity tells how many. omconvert also writes the forms of GENEActiv (`... 11:46:57:006,x,y,z,lux,button,
temperature` below a hundred lines) and of ActiLife (no time stamps at all).

Refused with a sentence: exports without a time stamp or with a row number instead of one, and SVM, wear time and other
exports of a value per epoch. Sources: the public C source of both programs.
"""

from __future__ import annotations

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.import_csv import (
    Rows,
    filled_rows,
    finished,
    is_one_table,
    opened,
    stated_times,
)
from sensorsoma.recording.imported import ImportedFile, Units, typical_size
from sensorsoma.recording.layout import Layout
from sensorsoma.recording.members import Members, listed
from sensorsoma.recording.table_units import LARGEST_GYR_RADPS, check_acc_unit
from sensorsoma.recording.tables import Table
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

STEPS_PER_G = (256, 512, 1024, 2048, 4096, 8192, 16384)
"""Raw steps to a g of the ranges that AX3 and AX6 have."""
NEAR_A_G = (0.85, 1.15)
"""A resting leg is within this of 1 g, also with the gain of a poor sensor; the counts are a factor of 2 apart."""
LEAST_CHANGES_FRAC = 0.1
"""A gyroscope changes from row to row; light, temperature and battery change once in a block of 40 to 120 rows."""


def read_axivity(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - always in g
    """Samples of a table without a header, in g.

    Raises:
        InputFileError: several tables, no time stamps, no three axes, a field that is no number, or another unit.
    """
    if not is_one_table(members):
        raise InputFileError(
            f"{members.name}: expected an export of Sensor Logger, phyphox, Movesense or DOT, or one CSV table, found "
            f"{listed(members.names)}; name the file that is meant."
        )
    table, layout = opened(members)
    return _with_times(table, layout)


def _with_times(table: Table, layout: Layout | None) -> ImportedFile:
    if table.n_columns == 3 and layout is not None and layout.said_rate_hz:
        acc = _acc_mps2(table, 0)
        rows = Rows(stated_times(table, layout), acc, None)
        return finished("axivity-csv", table.label, rows, table.notes)
    at, is_pair = _where_time(table)
    first = at + (2 if is_pair else 1)
    if table.n_columns - first < 3:
        raise _too_few(table)
    acc = _acc_mps2(table, first)
    gyr = _gyr_radps(table, first + 3)
    order = layout.is_day_first if layout else None
    times = table.times_of_two(at, at + 1, is_day_first=order) if is_pair else table.times(at, is_day_first=order)
    return finished("axivity-csv", table.label, Rows(times, acc, gyr), table.notes)


def _where_time(table: Table) -> tuple[int, bool]:
    """Column of the time stamp, behind a row number where there is one, and whether its date stands apart."""
    at = 1 if table.is_number(0) and table.is_date(1) else 0
    return at, table.is_date(at) and not table.is_clock(at) and table.is_time_of_day(at + 1)


def _too_few(table: Table) -> InputFileError:
    n = f"{table.n_columns} {'column' if table.n_columns == 1 else 'columns'}"
    advice = "; an SVM or wear-time export has no axes: export the raw samples" if table.n_columns == 2 else ""
    return InputFileError(
        f"{table.label}: expected `timestamp,x,y,z` in g without a header, found {n} in line "
        f"{table.first_line}{advice}."
    )


def _acc_mps2(table: Table, first: int) -> Floats:
    """`(n, 3)`, rows without a sample left out of the table."""
    values = filled_rows(table, range(first, first + 3))
    size = typical_size(values)
    steps = _steps_per_g(values, size)
    if steps is not None:
        table.notes.append(f"Values are raw steps; a typical size of {size:.0f} says that {steps} are a g.")
        return np.asarray(values * (STANDARD_GRAVITY_MPS2 / steps))
    check_acc_unit(table.label, size, "g", can_choose=False)
    return np.asarray(values * STANDARD_GRAVITY_MPS2)


def _steps_per_g(values: Floats, size: float) -> int | None:
    """How many raw steps are a g; None for values that are in g already."""
    low, high = NEAR_A_G
    if size < low * STEPS_PER_G[0] or (values != np.rint(values)).any():
        return None
    return next((steps for steps in STEPS_PER_G if low <= size / steps <= high), None)


def _gyr_radps(table: Table, first: int) -> Floats | None:
    """The gyroscope of an AX6: three columns with decimals that change from row to row."""
    if table.n_columns < first + 3 or not all("." in table.cell(0, first + axis) for axis in range(3)):
        return None
    try:
        values = table.numbers(range(first, first + 3))
    except InputFileError:
        return None
    changes = (np.diff(values, axis=0) != 0).mean(axis=0) if len(values) > 1 else np.zeros(3)
    if changes.min() < LEAST_CHANGES_FRAC or np.abs(values).max() > 1.05 * LARGEST_GYR_RADPS / DEG:
        return None
    table.notes.append(f"Columns {first + 1} to {first + 3} were read as the gyroscope, in °/s.")
    return np.asarray(values * DEG)

"""Tables without an app of their own: headed CSV in SI units, headerless Axivity/Open Movement CSV in g.

Headed: `time_s, acc_x, acc_y, acc_z` and, with a gyroscope, `gyr_x, gyr_y, gyr_z`, in any order, other columns left
alone. Headerless: `timestamp, x, y, z`, where the time stamp is a date and time or seconds or milliseconds since 1970.
The sampling rate always comes from the time stamps.
"""

from __future__ import annotations

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imported import AccUnit, ImportedFile, Units, imported, typical_size
from sensorsoma.recording.members import Members, listed
from sensorsoma.recording.tables import Table, short, with_points
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

ACC_COLUMNS = ("acc_x", "acc_y", "acc_z")
GYR_COLUMNS = ("gyr_x", "gyr_y", "gyr_z")
LARGEST_GYR_RADPS = 35.0
"""2000 °/s, where the usual chips end."""


def is_one_table(members: Members) -> bool:
    """True for a single file, and for a zip or folder with one CSV in it."""
    return members.is_single or len(members.names) == 1


def read_headed(members: Members, units: Units) -> ImportedFile:
    """Samples of a table with a header in SI units, or in those that were named.

    Raises:
        InputFileError: a column is missing, a field is no number, or the unit cannot be the one that was said.
    """
    name = members.names[0]
    return _headed(members.label(name), members.table(name, with_points(members.text(name))), units)


def has_header(members: Members) -> bool:
    """True for one table whose first line holds words."""
    return is_one_table(members) and bool(members.header(members.names[0]))


def read_axivity(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - always in g
    """Samples of a table without a header, in g.

    Raises:
        InputFileError: as `read_headed`.
    """
    if not is_one_table(members):
        raise InputFileError(
            f"{members.name}: expected an export of Sensor Logger, phyphox, Movesense or DOT, or one CSV table, found "
            f"{listed(members.names)}; name the file that is meant."
        )
    name = members.names[0]
    label, table = members.label(name), members.table(name)
    if table.n_columns < 4:
        raise InputFileError(
            f"{label}: expected `timestamp,x,y,z` in g without a header, found {table.n_columns} "
            f"{'column' if table.n_columns == 1 else 'columns'} in line {table.first_line}."
        )
    values = table.numbers(range(1, 4))
    _check_unit(label, values, "g", can_choose=False)
    return imported("axivity-csv", label, table.times(0), values * STANDARD_GRAVITY_MPS2, None, table.notes)


def _headed(label: str, table: Table, units: Units) -> ImportedFile:
    names = table.names
    wanted: tuple[str, ...] = ("time_s", *ACC_COLUMNS)
    if any(name in names for name in GYR_COLUMNS):
        wanted += GYR_COLUMNS
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InputFileError(
            f"{label}: expected the columns time_s, acc_x, acc_y, acc_z and, with a gyroscope, gyr_x, gyr_y, "
            f"gyr_z; {', '.join(missing)} is missing in line {table.header_line}, which says "
            f"{short(', '.join(table.header or ()))}."
        )
    acc = table.numbers(names.index(name) for name in ACC_COLUMNS)
    _check_unit(label, acc, units.acc, can_choose=True)
    gyr = table.numbers(names.index(name) for name in GYR_COLUMNS) if len(wanted) > 4 else None
    if gyr is not None and units.gyr == "dps":
        gyr = gyr * DEG
    elif gyr is not None:
        _check_gyr_unit(label, gyr)
    scale = STANDARD_GRAVITY_MPS2 if units.acc == "g" else 1.0
    return imported("headed-csv", label, table.times(names.index("time_s")), acc * scale, gyr, table.notes)


def _check_unit(label: str, acc: Floats, unit: AccUnit, *, can_choose: bool) -> None:
    """Refuses a file whose typical acceleration is gravity in the other unit: nobody floats or weighs ten times."""
    size = typical_size(acc)
    if unit == "mps2" and 0.8 < size < 1.25:
        raise InputFileError(
            f"{label}: expected acceleration in m/s², found a typical size of {size:.2f}, as if it were in g; "
            "add `--acc-unit g`."
        )
    if unit == "g" and 8.0 < size < 12.0:
        advice = "leave `--acc-unit g` out" if can_choose else "name the columns in a header: time_s,acc_x,acc_y,acc_z"
        raise InputFileError(
            f"{label}: expected acceleration in g, found a typical size of {size:.1f}, as if it were in m/s²; {advice}."
        )


def _check_gyr_unit(label: str, gyr: Floats) -> None:
    """Refuses rates that no worn sensor can tell: 2000 °/s, where the usual chips end, are 35 rad/s."""
    fastest = float(np.abs(gyr).max())
    if fastest > LARGEST_GYR_RADPS:
        raise InputFileError(
            f"{label}: expected angular rates in rad/s, found one of {fastest:.0f}, as if they were in °/s; "
            "add `--gyr-unit dps`."
        )

"""Units of a table: what its header says, what was said about it, and what gravity makes of both."""

from __future__ import annotations

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.columns import ACC_UNITS, GYR_UNITS, Axes
from sensorsoma.recording.imported import LEAST_GRAVITY_MPS2, MOST_GRAVITY_MPS2, AccUnit, Units, typical_size
from sensorsoma.recording.lines import short
from sensorsoma.recording.tables import Table
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

LARGEST_GYR_RADPS = 35.0
"""2000 °/s, where the usual chips end."""
ACC_SCALE = {"g": STANDARD_GRAVITY_MPS2, "mg": STANDARD_GRAVITY_MPS2 / 1000.0, "mps2": 1.0}
GYR_SCALE = {"radps": 1.0, "dps": DEG, "mdps": DEG / 1000.0}
_SAID = {"g": "g", "mg": "mg", "mps2": "m/s²", "radps": "rad/s", "dps": "°/s", "mdps": "m°/s"}


def acc_unit_of(table: Table, acc: Axes, values: Floats, named: AccUnit, is_in_g: bool) -> str:
    """The unit of acceleration: of the header, else the one that was named, else what gravity tells of x, y, z.

    Raises:
        InputFileError: the header contradicts itself or gravity, or gravity is missing.
    """
    unit = _header_unit(table, acc, ACC_UNITS, "acceleration in g, mg or m/s²")
    unit = "g" if unit is None and is_in_g else unit
    size = typical_size(values)
    if unit is None and not acc.words and named == "mps2" and 0.8 < size < 1.25:
        table.notes.append(f"The header gives no unit; a typical size of {size:.2f} says that it is g.")
        return "g"
    if unit is None:
        check_acc_unit(table.label, size, named, can_choose=True)
        return named
    if named != "mps2" and unit != named:
        table.notes.append(f"The header says {_SAID[unit]}; `--acc-unit {named}` was not applied.")
    if not _is_gravity(size * ACC_SCALE[unit]):
        raise InputFileError(
            f"{table.label}: expected acceleration with gravity in {_SAID[unit]}, as the header in line "
            f"{table.header_line} says, found a typical size of {size:.3g}; correct the unit in the header."
        )
    return unit


def _is_gravity(size_mps2: float) -> bool:
    return LEAST_GRAVITY_MPS2 <= size_mps2 <= MOST_GRAVITY_MPS2


def check_acc_unit(label: str, size: float, unit: AccUnit, *, can_choose: bool) -> None:
    """Refuses a file whose typical acceleration is not gravity in the unit that was said: nobody floats for long.

    Raises:
        InputFileError: with what would help.
    """
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
    if not _is_gravity(size * ACC_SCALE[unit]):
        rest = "1" if unit == "g" else "9.8"
        raise InputFileError(
            f"{label}: expected acceleration with gravity in {_SAID[unit]}, about {rest} at rest, found a typical size "
            f"of {size:.3g}; export acceleration with gravity, in m/s² or g."
        )


def gyr_radps_of(table: Table, gyr: Axes, values: Floats, units: Units) -> Floats:
    """Angular rates in SI units, by the header or as it was named.

    Raises:
        InputFileError: the header contradicts itself, or the rates cannot be in rad/s.
    """
    unit = _header_unit(table, gyr, GYR_UNITS, "angular rates in °/s or rad/s")
    if unit is None:
        if units.gyr == "radps":
            check_gyr_unit(table.label, values)
        return values * GYR_SCALE[units.gyr]
    if units.gyr != "radps" and unit != units.gyr:
        table.notes.append(f"The header says {_SAID[unit]}; `--gyr-unit {units.gyr}` was not applied.")
    if unit == "radps":
        check_gyr_unit(table.label, values, f"correct the unit in line {table.header_line}")
    return values * GYR_SCALE[unit]


def _header_unit(table: Table, axes: Axes, known: tuple[str, ...], expected: str) -> str | None:
    """The unit in the cells of three axes; None when they give none."""
    if axes.said and (len(axes.units) > 1 or axes.units.isdisjoint(known)):
        cells = ", ".join((table.header or ())[index] for index in axes.indices)
        raise InputFileError(f"{table.label}: expected {expected} in line {table.header_line}, found {short(cells)}.")
    return next(iter(axes.units))


def check_gyr_unit(label: str, gyr: Floats, advice: str = "add `--gyr-unit dps`") -> None:
    """Refuses rates that no worn sensor can tell: 2000 °/s, where the usual chips end, are 35 rad/s.

    Raises:
        InputFileError: with the advice.
    """
    fastest = float(np.abs(gyr).max())
    if fastest > LARGEST_GYR_RADPS:
        raise InputFileError(
            f"{label}: expected angular rates in rad/s, found one of {fastest:.0f}, as if they were in °/s; {advice}."
        )

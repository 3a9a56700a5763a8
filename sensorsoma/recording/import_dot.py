"""CSV files of the Xsens/Movella DOT app, measured live or recorded on the sensor.

`sep=,`, some lines about the sensor (`DeviceTag:`, `FirmwareVersion:` ...), an empty line, then a header that begins
with `PacketCounter,SampleTimeFine` and as many columns as the measurement mode has. `SampleTimeFine` counts
microseconds on the sensor's clock and wraps at 2³² (after 71.6 min). `Acc_*` is in m/s² with gravity, `Gyr_*` in
degrees a second, both along the sensor's axes. The first row of a recording from the sensor is all zeros.

Modes without `Acc_*` give `FreeAcc_*`: acceleration without gravity along the axes of the earth (z up). With the
orientation beside it, quaternion or Euler angles, specific force is its rotation into the sensor of free acceleration
plus gravity, R(q)ᵀ (a + g ẑ); a note says that it was rebuilt. The Euler angles are roll, pitch, yaw, turned about x,
then y, then z of the earth.

Sources: public recordings with all of these lines (firmware 1.6 and 2.0, 60 and 120 Hz), the logger of the vendor's
Android kit for the columns of every mode, units as in `firmware_notes` of the radio: sure. In one of the recordings the
sensor lies upside down by its Euler angles (roll 180°) and has Acc_Z = -9.65: +9.8 is on the axis that points up.
"""

from __future__ import annotations

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imported import ImportedFile, Units, check_gravity, imported
from sensorsoma.recording.members import Members
from sensorsoma.recording.tables import Table
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

WRAP_US = 2**32
PREAMBLE_LINES = 40
"""The header stands in line 8 to 12 of all known files."""

ACC = ("acc_x", "acc_y", "acc_z")
GYR = ("gyr_x", "gyr_y", "gyr_z")
FREE_ACC = ("freeacc_x", "freeacc_y", "freeacc_z")
QUAT = ("quat_w", "quat_x", "quat_y", "quat_z")
EULER = ("euler_x", "euler_y", "euler_z")
_ADVICE = (
    "measure in the mode Rate quantities or Custom mode 5, or choose Acceleration and Angular velocity when exporting"
)


def claims(members: Members) -> bool:
    """True when one table has the app's header, after its lines about the sensor."""
    return any(_header_line(members, name) for name in members.names)


def read(members: Members, units: Units) -> ImportedFile:  # noqa: ARG001 - the app has one unit each
    """Specific force and, where it was measured, angular rate.

    Raises:
        InputFileError: neither acceleration nor what it can be rebuilt from, several sensors, no time, or a field that
            is no number; says which member and line.
    """
    name = members.one_of((name for name in members.names if _header_line(members, name)), "sensor")
    label = members.label(name)
    table = members.table(name, header_line=_header_line(members, name))
    has = set(table.names)
    if "sampletimefine" not in has:
        raise InputFileError(
            f"{label}: expected the column SampleTimeFine in line {table.header_line}, found none; choose Timestamp "
            "when exporting."
        )
    notes = list(table.notes)
    times_s = _times_s(table)
    acc = _specific_force(label, table, notes)
    gyr = _columns(table, GYR) * DEG if has.issuperset(GYR) else None
    if gyr is None:
        notes.append("There is no gyroscope in it.")
    is_measured = acc.any(axis=1)
    n_empty = int((~is_measured).sum())
    if n_empty:
        notes.append(f"{n_empty} {'row holds' if n_empty == 1 else 'rows hold'} only zeros and were left out.")
    times_s, acc = times_s[is_measured], acc[is_measured]
    check_gravity(label, acc, _ADVICE)
    return imported("dot", label, times_s, acc, None if gyr is None else gyr[is_measured], notes)


def _header_line(members: Members, name: str) -> int:
    """1-based number of the line with the names of the columns; 0 in other files."""
    for number, line in enumerate(members.head(name).split("\n")[:PREAMBLE_LINES], 1):
        if line.lstrip().startswith("PacketCounter"):
            return number
    return 0


def _columns(table: Table, names: tuple[str, ...]) -> Floats:
    return table.numbers(table.columns(*names))


def _times_s(table: Table) -> Floats:
    """Seconds since the first row across the wrap of the sensor's clock."""
    stamps_us = table.integers(table.columns("SampleTimeFine")[0])
    steps = (np.diff(stamps_us) + WRAP_US // 2) % WRAP_US - WRAP_US // 2
    return np.concatenate(([0.0], np.cumsum(steps) / 1e6))


def _specific_force(label: str, table: Table, notes: list[str]) -> Floats:
    has = set(table.names)
    if has.issuperset(ACC):
        return _columns(table, ACC)
    if has.issuperset(FREE_ACC) and has.issuperset(QUAT):
        notes.append("Acceleration with gravity was rebuilt from free acceleration and the quaternion.")
        return rebuilt_force(_columns(table, FREE_ACC), _columns(table, QUAT))
    if has.issuperset(FREE_ACC) and has.issuperset(EULER):
        notes.append("Acceleration with gravity was rebuilt from free acceleration and the Euler angles.")
        return rebuilt_force(_columns(table, FREE_ACC), quaternions(_columns(table, EULER) * DEG))
    found = "FreeAcc without an orientation" if has.issuperset(FREE_ACC) else ", ".join(table.header or ())[:60]
    raise InputFileError(
        f"{label}: expected acceleration with gravity (Acc_X, Acc_Y, Acc_Z) or FreeAcc with Quat or Euler in line "
        f"{table.header_line}, found {found}; {_ADVICE}."
    )


def rebuilt_force(free_acc_earth_mps2: Floats, quat: Floats) -> Floats:
    """`(n, 3)` specific force along the sensor's axes.

    Args:
        free_acc_earth_mps2: `(n, 3)` acceleration without gravity, z up.
        quat: `(n, 4)` w, x, y, z: turns a vector from the sensor's axes to the earth's.

    >>> lying = np.array([[1.0, 0.0, 0.0, 0.0]])
    >>> rebuilt_force(np.zeros((1, 3)), lying).round(3).tolist()
    [[0.0, 0.0, 9.807]]
    """
    force = free_acc_earth_mps2 + np.array([0.0, 0.0, STANDARD_GRAVITY_MPS2])
    unit = quat / np.maximum(np.linalg.norm(quat, axis=1, keepdims=True), 1e-12)
    w, back = unit[:, :1], -unit[:, 1:]  # the conjugate turns the other way
    twice = 2.0 * np.cross(back, force)
    return np.asarray(force + w * twice + np.cross(back, twice))


def quaternions(euler_rad: Floats) -> Floats:
    """`(n, 4)` w, x, y, z of `(n, 3)` roll, pitch, yaw: about x, then y, then z of the earth.

    >>> quaternions(np.array([[np.pi, 0.0, 0.0]])).round(6).tolist()
    [[0.0, 1.0, 0.0, 0.0]]
    """
    (cr, cp, cy), (sr, sp, sy) = np.cos(euler_rad / 2).T, np.sin(euler_rad / 2).T
    return np.column_stack([
        cr * cp * cy + sr * sp * sy,
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
    ])  # fmt: skip

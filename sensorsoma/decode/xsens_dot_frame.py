"""The payloads of an Xsens (Movella) DOT: which numbers each mode holds, and where.

Byte tables: `firmware_notes/xsens_dot.md`. All numbers are little-endian. A notification holds one sample and may be
longer than its mode needs: what is beyond is zero.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

UUID_BASE = "1517{:04x}-4947-11e9-8646-d663bd873d93"

LONG_UUID = UUID_BASE.format(0x2002)
"""Notifies 63 bytes."""
MEDIUM_UUID = UUID_BASE.format(0x2003)
"""Notifies 40 bytes."""
SHORT_UUID = UUID_BASE.format(0x2004)
"""Notifies 20 bytes."""
FULL_LENGTHS: Mapping[str, int] = {LONG_UUID: 63, MEDIUM_UUID: 40, SHORT_UUID: 20}
"""Bytes of a notification that is not cut short."""

MAG_LSB_PER_UNIT = 4096.0
"""The unit is the field at the place where the vendor calibrates, roughly 40 µT."""


class PayloadError(ValueError):
    """Bytes that are not a payload of the mode; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Mode:
    """A payload mode that can be read without the vendor's software."""

    title: str
    uuid: str
    """The characteristic that notifies it."""
    used: int
    """Bytes that mean something; what follows is padding, and some hosts cut it off."""
    fields: tuple[str, ...]
    """Names in `FIELDS`, in order; the clock stands before them."""


FIELDS: Mapping[str, str] = {
    "quat_wxyz": "4f",
    "euler_deg": "3f",
    "free_acc_earth_mps2": "3f",
    "acc_sensor_mps2": "3f",
    "gyr_sensor_dps": "3f",
    "mag_sensor_lsb": "3h",
    "dq_wxyz": "4f",
    "dv_mps": "3f",
    "status": "H",
    "n_clipped": "2B",
}
"""Field → its struct code."""

MODES: Mapping[int, Mode] = {
    2: Mode("extended quaternion", MEDIUM_UUID, 36, ("quat_wxyz", "free_acc_earth_mps2", "status", "n_clipped")),
    3: Mode("complete quaternion", MEDIUM_UUID, 32, ("quat_wxyz", "free_acc_earth_mps2")),
    4: Mode("orientation, Euler", SHORT_UUID, 16, ("euler_deg",)),
    5: Mode("orientation, quaternion", SHORT_UUID, 20, ("quat_wxyz",)),
    6: Mode("free acceleration", SHORT_UUID, 16, ("free_acc_earth_mps2",)),
    7: Mode("extended Euler", MEDIUM_UUID, 32, ("euler_deg", "free_acc_earth_mps2", "status", "n_clipped")),
    16: Mode("complete Euler", MEDIUM_UUID, 28, ("euler_deg", "free_acc_earth_mps2")),
    18: Mode("delta quantities with magnetometer", MEDIUM_UUID, 38, ("dq_wxyz", "dv_mps", "mag_sensor_lsb")),
    19: Mode("delta quantities", MEDIUM_UUID, 32, ("dq_wxyz", "dv_mps")),
    20: Mode(
        "rate quantities with magnetometer", MEDIUM_UUID, 34, ("acc_sensor_mps2", "gyr_sensor_dps", "mag_sensor_lsb")
    ),
    21: Mode("rate quantities", MEDIUM_UUID, 28, ("acc_sensor_mps2", "gyr_sensor_dps")),
    22: Mode("custom 1", MEDIUM_UUID, 40, ("euler_deg", "free_acc_earth_mps2", "gyr_sensor_dps")),
    23: Mode("custom 2", MEDIUM_UUID, 34, ("euler_deg", "free_acc_earth_mps2", "mag_sensor_lsb")),
    24: Mode("custom 3", MEDIUM_UUID, 32, ("quat_wxyz", "gyr_sensor_dps")),
    26: Mode("custom 5", LONG_UUID, 44, ("quat_wxyz", "acc_sensor_mps2", "gyr_sensor_dps")),
}
"""Payload mode → what it holds. 1, 17 and 25 are compressed and left to the vendor's software."""

_LAYOUTS = {
    number: struct.Struct("<I" + "".join(FIELDS[name] for name in mode.fields)) for number, mode in MODES.items()
}

Numbers = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Payload:
    """One sample, taken apart."""

    timestamp_us: int
    """The sensor's clock since it was switched on, microseconds modulo 2**32 (71.6 minutes)."""
    fields: Mapping[str, Numbers] = field(default_factory=dict)
    """Those of the mode, by their names in `FIELDS`: units and frames as the names say; the earth frame has x east, y
    north, z up. `status`: bits 0-2 say which axis of the accelerometer clipped, 3-5 gyroscope, 6-8 magnetometer, bit 9
    that the magnetometer is new. `n_clipped`: clipped samples of accelerometer and gyroscope."""

    @property
    def mag_sensor_au(self) -> Numbers:
        """Magnetic field in the vendor's arbitrary unit.

        Raises:
            KeyError: the mode has none.
        """
        return tuple(value / MAG_LSB_PER_UNIT for value in self.fields["mag_sensor_lsb"])


def parse_payload(payload: bytes, mode: int) -> Payload:
    """The sample in one notification.

    Raises:
        PayloadError: too short for the mode, or a number that is not finite.
        KeyError: `mode` is not in `MODES`.

    >>> parse_payload(bytes.fromhex("d8052244af9640406b2aa7405add14c000000000"), 6).timestamp_us
    1143080408
    """
    layout = _LAYOUTS[mode]
    if len(payload) < layout.size:
        raise PayloadError(f"expected at least {layout.size} bytes in mode {mode}, found {len(payload)}")
    timestamp_us, *values = layout.unpack_from(payload)
    if not all(map(math.isfinite, values)):
        raise PayloadError(f"expected numbers in mode {mode}, found {payload[: layout.size].hex()}")
    fields, at = {}, 0
    for name in MODES[mode].fields:
        end = at + int(FIELDS[name][:-1] or 1)
        fields[name], at = tuple(values[at:end]), end
    return Payload(timestamp_us, fields)


def pack_payload(sample: Payload, mode: int) -> bytes:
    """The bytes of a sample as the sensor sends them, padding included.

    Raises:
        KeyError: `mode` is not in `MODES`, or the sample lacks one of its fields.
    """
    values = [value for name in MODES[mode].fields for value in sample.fields[name]]
    packed = _LAYOUTS[mode].pack(sample.timestamp_us, *values)
    return packed.ljust(FULL_LENGTHS[MODES[mode].uuid], b"\0")

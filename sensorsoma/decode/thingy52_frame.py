"""What a Nordic Thingy:52 sends and is told: raw motion, the vendor's derived quantities, the settings record.

Byte tables: `firmware_notes/thingy52.md`. All numbers are little-endian fixed point, except the gravity vector.
"""

from __future__ import annotations

import struct
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from sensorsoma.messages import Floats

Lsb = NDArray[np.int16]

UUID_BASE = "ef68{:04x}-9b35-4933-9b10-52ffa9740042"
CONFIG_SERVICE_UUID = UUID_BASE.format(0x0100)
"""Advertised."""
MOTION_SERVICE_UUID = UUID_BASE.format(0x0400)
SETTINGS_UUID = UUID_BASE.format(0x0401)
QUATERNION_UUID = UUID_BASE.format(0x0404)
RAW_UUID = UUID_BASE.format(0x0406)
EULER_UUID = UUID_BASE.format(0x0407)
ROTATION_UUID = UUID_BASE.format(0x0408)
HEADING_UUID = UUID_BASE.format(0x0409)
GRAVITY_UUID = UUID_BASE.format(0x040A)

ACC_LSB_PER_G = 1024.0
GYR_LSB_PER_DPS = 32.0
MAG_LSB_PER_UT = 16.0
_QUATERNION_LSB = float(1 << 30)
_DEG_LSB = float(1 << 16)
_MATRIX_LSB = float(1 << 14)

_SETTINGS = struct.Struct("<HHHHB")
SETTINGS_LIMITS = ((100, 5000), (100, 5000), (100, 1000), (5, 200), (0, 1))
"""Smallest and largest value of each field; the sensor refuses others."""


class FrameError(ValueError):
    """Bytes of another length than the characteristic's; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings record of the motion service; kept in flash. Defaults: as delivered."""

    pedometer_ms: int = 1000
    temperature_ms: int = 500
    magnetometer_ms: int = 500
    motion_hz: int = 10
    wakes_on_motion: int = 1

    def to_bytes(self) -> bytes:
        """Nine bytes."""
        return _SETTINGS.pack(*astuple(self))

    @property
    def is_allowed(self) -> bool:
        """Whether the sensor accepts these values."""
        return all(low <= value <= high for value, (low, high) in zip(astuple(self), SETTINGS_LIMITS, strict=True))


def parse_settings(payload: bytes) -> Settings:
    """The settings record in its bytes.

    Raises:
        FrameError: not nine bytes.

    >>> parse_settings(bytes.fromhex("e803f401f401640001")).motion_hz
    100
    """
    return Settings(*_SETTINGS.unpack(_of_length(payload, _SETTINGS.size)))


@dataclass(frozen=True, slots=True, eq=False)
class RawMotion:
    """One sample of accelerometer, gyroscope and magnetometer, as labelled by the vendor."""

    acc_lsb: Lsb
    """`(3,)`, 1024 per g, clipped at the chip's ±2 g; positive on the axis that points *down*."""
    gyr_lsb: Lsb
    """`(3,)`, 32 per °/s, clipped at ±1023 °/s."""
    mag_lsb: Lsb
    """`(3,)`, 16 per µT."""


def parse_raw(payload: bytes) -> RawMotion:
    """The sample in one notification of the raw motion characteristic.

    Raises:
        FrameError: not 18 bytes.

    >>> parse_raw(bytes.fromhex("f3ffbdff02fceaff0500f6ff000000000000")).acc_lsb.tolist()
    [-13, -67, -1022]
    """
    rows = _lsb(payload, "<i2", 9).reshape(3, 3).astype(np.int16)
    return RawMotion(rows[0], rows[1], rows[2])


def pack_raw(raw: RawMotion) -> bytes:
    """The bytes of a sample."""
    return np.concatenate((raw.acc_lsb, raw.gyr_lsb, raw.mag_lsb)).astype("<i2").tobytes()


def parse_quaternion(payload: bytes) -> Floats:
    """`(4,)` w, x, y, z: the vendor's own orientation.

    Raises:
        FrameError: not 16 bytes.
    """
    return _lsb(payload, "<i4", 4) / _QUATERNION_LSB


def parse_euler_deg(payload: bytes) -> Floats:
    """`(3,)` roll, pitch, yaw in degrees.

    Raises:
        FrameError: not 12 bytes.
    """
    return _lsb(payload, "<i4", 3) / _DEG_LSB


def parse_rotation(payload: bytes) -> Floats:
    """`(3, 3)` rotation matrix.

    Raises:
        FrameError: not 18 bytes.
    """
    return _lsb(payload, "<i2", 9).reshape(3, 3) / _MATRIX_LSB


def parse_heading_deg(payload: bytes) -> float:
    """Compass heading in degrees.

    Raises:
        FrameError: not 4 bytes.
    """
    return float(_lsb(payload, "<i4", 1)[0] / _DEG_LSB)


def parse_gravity_mps2(payload: bytes) -> Floats:
    """`(3,)` gravity vector in m/s², in the vendor's own sense.

    Raises:
        FrameError: not 12 bytes.
    """
    return np.frombuffer(_of_length(payload, 12), dtype="<f4").astype(np.float64)


def _lsb(payload: bytes, code: str, n: int) -> Floats:
    return np.frombuffer(_of_length(payload, n * np.dtype(code).itemsize), dtype=code).astype(np.float64)


def _of_length(payload: bytes, n_bytes: int) -> bytes:
    if len(payload) != n_bytes:
        raise FrameError(f"expected {n_bytes} bytes, found {len(payload)}")
    return payload

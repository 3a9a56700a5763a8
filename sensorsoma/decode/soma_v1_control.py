"""What is said to a soma_v1 sensor and what it says of itself: names, commands and the information record.

Byte tables: `firmware_notes/soma_v1.md`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from sensorsoma.decode.soma_v1_frame import DEFAULT_ACC_RANGE_G, DEFAULT_GYR_RANGE_DPS, FrameError

SERVICE_UUID = "44c20001-5008-481f-8c37-4a10ccfe3a41"
DATA_UUID = "44c20002-5008-481f-8c37-4a10ccfe3a41"
CONTROL_UUID = "44c20003-5008-481f-8c37-4a10ccfe3a41"
INFO_UUID = "44c20004-5008-481f-8c37-4a10ccfe3a41"

DEFAULT_RATES_HZ = (25, 26, 50, 52, 100, 104, 200, 208)
"""Rates of the common motion chips between 25 and 208 Hz."""

STOP = bytes([0x02])

_START = struct.Struct("<BHBHBB")
_IDENTIFY = struct.Struct("<BB")
_INFO = struct.Struct("<BBBBBHHHIIB")


@dataclass(frozen=True, slots=True)
class StartCommand:
    """Begin streaming: sample number and drop counter start at zero."""

    rate_hz: int = 104
    """0: the sensor's own choice."""
    acc_range_g: int = int(DEFAULT_ACC_RANGE_G)
    """±8 g: a coughing body stays far below, a dropped knee does not clip."""
    gyr_range_dps: int = int(DEFAULT_GYR_RANGE_DPS)
    """±500 °/s: a leg thrown in bed reaches 300."""
    samples_per_frame: int = 0
    """0: the sensor's choice, about 50 ms of samples, as many as the MTU holds at most."""
    is_acc_only: bool = False

    def to_bytes(self) -> bytes:
        """Seven fields, 8 bytes."""
        return _START.pack(
            0x01, self.rate_hz, self.acc_range_g, self.gyr_range_dps, self.samples_per_frame, int(self.is_acc_only)
        )


@dataclass(frozen=True, slots=True)
class StopCommand:
    """End streaming."""


@dataclass(frozen=True, slots=True)
class IdentifyCommand:
    """Blink, so that a person can tell two sensors apart."""

    seconds: int = 5

    def to_bytes(self) -> bytes:
        """Two bytes."""
        return _IDENTIFY.pack(0x03, self.seconds)


Command = StartCommand | StopCommand | IdentifyCommand


def decode_command(payload: bytes) -> Command:
    """What was written to the control characteristic.

    Raises:
        FrameError: unknown opcode or wrong length.

    >>> decode_command(StartCommand(rate_hz=52).to_bytes()).rate_hz
    52
    """
    opcode = payload[0] if payload else None
    if opcode == 0x01 and len(payload) == _START.size:
        _, rate, acc_range, gyr_range, n, flags = _START.unpack(payload)
        return StartCommand(rate, acc_range, gyr_range, n, bool(flags & 1))
    if payload == STOP:
        return StopCommand()
    if opcode == 0x03 and len(payload) == _IDENTIFY.size:
        return IdentifyCommand(payload[1])
    raise FrameError(f"expected a start, stop or identify command, found {payload[:16].hex()}")


@dataclass(frozen=True, slots=True)
class SensorInfo:
    """The information record: what the sensor is, what it is doing, what it has counted since the start command."""

    firmware: tuple[int, int, int]
    is_streaming: bool
    is_through: bool
    """True when it has sent all it had (a played file)."""
    has_gyroscope: bool
    rate_hz: float
    """The rate in use; resolution 0.01 Hz."""
    acc_range_g: int
    gyr_range_dps: int
    sent: int
    """Samples handed to the radio."""
    dropped: int
    """Samples thrown away because the radio did not keep up."""
    rates_hz: tuple[int, ...] = field(default=DEFAULT_RATES_HZ)

    def to_bytes(self) -> bytes:
        """20 bytes and two for each supported rate."""
        flags = int(self.is_streaming) | int(self.is_through) << 1 | int(self.has_gyroscope) << 2
        return _INFO.pack(
            1, flags, *self.firmware, round(self.rate_hz * 100), self.acc_range_g, self.gyr_range_dps,
            self.sent, self.dropped, len(self.rates_hz),
        ) + struct.pack(f"<{len(self.rates_hz)}H", *self.rates_hz)  # fmt: skip


def decode_info(payload: bytes) -> SensorInfo:
    """The information record in its bytes.

    Raises:
        FrameError: wrong version or length.

    >>> decode_info(SensorInfo((1, 0, 0), True, False, True, 104.0, 8, 500, 10, 0).to_bytes()).sent
    10
    """
    if len(payload) < _INFO.size or payload[0] != 1:
        raise FrameError(f"expected an information record of version 1, found {payload[:4].hex()}")
    _, flags, major, minor, patch, rate, acc_range, gyr_range, sent, dropped, n = _INFO.unpack_from(payload)
    if len(payload) < _INFO.size + 2 * n:
        raise FrameError(f"expected {_INFO.size + 2 * n} bytes for {n} rates, found {len(payload)}")
    return SensorInfo(
        firmware=(major, minor, patch),
        is_streaming=bool(flags & 1),
        is_through=bool(flags & 2),
        has_gyroscope=bool(flags & 4),
        rate_hz=rate / 100,
        acc_range_g=acc_range,
        gyr_range_dps=gyr_range,
        sent=sent,
        dropped=dropped,
        rates_hz=struct.unpack_from(f"<{n}H", payload, _INFO.size),
    )

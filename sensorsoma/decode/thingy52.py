"""Nordic Thingy:52: samples out of its raw motion characteristic.

Byte tables and a worked example: `firmware_notes/thingy52.md`. One notification is one sample, without clock or
number. So samples are counted and the count is fitted to arrival (`clockless.py`); what is lost on the way is told from
arrival alone.

The vendor turns the accelerometer round, so that it reads +1 g on the axis that points down; it is turned back here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.clockless import ClocklessStream
from sensorsoma.decode.driver import Driver, Learned, Read, Script, Subscribe, Write
from sensorsoma.decode.thingy52_frame import (
    ACC_LSB_PER_G,
    CONFIG_SERVICE_UUID,
    GYR_LSB_PER_DPS,
    RAW_UUID,
    SETTINGS_UUID,
    FrameError,
    Settings,
    parse_raw,
    parse_settings,
)
from sensorsoma.decode.timebase import INDEX_PARAMS
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

DEFAULT_RATE_HZ = 100
RATES_HZ = (20, 25, 40, 50, 100, 200)
"""The motion chip divides 200 Hz by a whole number; any other rate comes out faster than it was asked for."""

_TIMEBASE = replace(INDEX_PARAMS, stall_for_s=0.3)
"""It holds back a few samples at most and throws the rest away: what stays late for a third of a second is lost."""

_ACC_MPS2 = -STANDARD_GRAVITY_MPS2 / ACC_LSB_PER_G
_GYR_RADPS = DEG / GYR_LSB_PER_DPS


def wanted_rate_hz(config: Mapping[str, Any]) -> int:
    """The rate to ask for: the slowest that is as fast as the config's `rate_hz`, at most 200 Hz.

    >>> wanted_rate_hz({}), wanted_rate_hz({"rate_hz": 60}), wanted_rate_hz({"rate_hz": 500})
    (100, 100, 200)
    """
    wanted = float(config.get("rate_hz") or DEFAULT_RATE_HZ)
    return next((rate for rate in RATES_HZ if rate >= wanted), RATES_HZ[-1])


def start(config: Mapping[str, Any]) -> Script:
    """Sets the rate where it differs, then subscribes, which is all that a Thingy needs.

    Config key: `rate_hz` (100).
    """
    settings = _settings((yield Read(SETTINGS_UUID)))
    wanted = replace(settings, motion_hz=wanted_rate_hz(config))
    if settings != wanted:  # it is kept in flash, which wears
        yield Write(SETTINGS_UUID, wanted.to_bytes())
        settings = _settings((yield Read(SETTINGS_UUID)))
    yield Subscribe(RAW_UUID)
    return Learned({"rate_hz": settings.motion_hz})


def _settings(record: bytes | None) -> Settings:
    try:
        return parse_settings(record or b"")
    except FrameError as error:
        raise LinkError(
            f"Expected the Thingy's motion settings, found something else ({error}); update its firmware."
        ) from error


DRIVER = Driver(
    title="Nordic Thingy:52",
    start=start,
    service_uuid=CONFIG_SERVICE_UUID,
    names=("Thingy",),
    rate_hz=float(DEFAULT_RATE_HZ),
    wake="press its button",
)


class Thingy52Decoder:
    """Samples of one Thingy:52 on the session line.

    Config key: `rate_hz` (100): as read from the sensor; a starting point for the estimate.
    """

    name = "thingy52"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        rate_hz = float((config or {}).get("rate_hz") or DEFAULT_RATE_HZ)
        self.channel = channel
        self._stream = ClocklessStream(channel, epoch_ns, rate_hz, _TIMEBASE)

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the first sample that comes tells when
        """Notes that the link was away; nobody counted meanwhile."""
        self._stream.resumed()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """The sample, and the gap before it."""
        try:
            raw = parse_raw(packet.payload)
        except FrameError as error:
            return (BadPacket(packet.host_ns, self.channel, str(error)),)
        acc = np.asarray(raw.acc_lsb[np.newaxis] * _ACC_MPS2, dtype=np.float64)
        gyr = np.asarray(raw.gyr_lsb[np.newaxis] * _GYR_RADPS, dtype=np.float64)
        return self._stream.add(packet.host_ns, acc, gyr)

    def finish(self) -> tuple[Decoded, ...]:
        """Samples of which it was still open when they were taken."""
        return self._stream.finish()

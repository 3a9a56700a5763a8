"""Xsens DOT and Movella DOT: samples out of payload modes 26 and 21.

Byte tables and a worked example: `firmware_notes/xsens_dot.md`. Every notification is one sample with the sensor's own
clock, so losses are counted from the clock and a late arrival moves no sample. The orientation in mode 26 is passed
over: angles come from acceleration and angular rate, as for every other sensor.

A notification that does not fit the clock of its neighbours is doubted: it is left out, unless several in a row tell
the same new time. So one corrupted stamp costs one sample, and a clock that really began anew is believed soon.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.driver import Driver
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.decode.xsens_dot_control import DEFAULT_RATE_HZ, DRIVER, mode_of_length
from sensorsoma.decode.xsens_dot_frame import Payload, PayloadError, parse_payload
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

GapReason = Literal["lost_packets", "link_lost", "clock_restart"]

_U32 = 1 << 32
_ACC_MAX_MPS2 = 2 * 16 * STANDARD_GRAVITY_MPS2
_GYR_MAX_DPS = 2 * 2000.0
"""Twice the ranges: beyond it bytes are corrupt, not a movement."""
_AHEAD_MAX_US = 1_000_000
"""A sensor's clock runs ahead of arrivals by no more than the delay of the arrival before."""
_BELIEVED_AFTER = 6
"""So many doubted samples that follow one another are right, and what was before was wrong."""
_FOLLOWS_INTERVALS = 2.5


@dataclass(slots=True)
class _Run:
    """Where the stream stands: the last sample that was taken over."""

    us: int
    """Its unwrapped device time."""
    t_s: float
    """Its session time."""
    host_ns: int
    """Its arrival."""


@dataclass(slots=True)
class _Doubt:
    """Samples in a row that do not fit."""

    timestamp_us: int
    n: int


class XsensDotDecoder:
    """Samples of one DOT on the session line.

    Config keys: `rate_hz` (60): as read from the sensor, for counting losses. The mode is told by the length.

    Lost samples become a `Gap` with their count; a sample that comes twice is dropped; one that comes after a newer
    one is a `BadPacket`.
    """

    name = "xsens_dot"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        rate_hz = float((config or {}).get("rate_hz") or DEFAULT_RATE_HZ)
        self.channel = channel
        self._interval_us = 1e6 / rate_hz
        self._timebase = DeviceTimebase(epoch_ns, rate_hz)
        self._run: _Run | None = None
        self._doubt: _Doubt | None = None
        self._is_resumed = False

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it; the sensor's clock tells the rest
        """Notes that the link was away: the clock went on, unless the sensor was switched off."""
        self._is_resumed = True
        self._timebase.resumed()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """The sample, and the gap before it."""
        try:
            sample = _plausible(packet.payload)
        except PayloadError as error:
            return (BadPacket(packet.host_ns, self.channel, str(error)),)
        run = self._run
        if run is None:
            return self._taken(packet, sample, sample.timestamp_us, None)
        silence_us = (packet.host_ns - run.host_ns) / 1000
        step_us = _step_us(run.us, sample.timestamp_us, silence_us)
        if step_us == 0:
            return ()
        fits = self._is_resumed or 0 < step_us <= silence_us + _AHEAD_MAX_US
        if fits or self._is_believed(sample.timestamp_us):
            return self._taken(packet, sample, run.us + step_us, run)
        reason = f"expected a clock after {run.us % _U32} µs, found {sample.timestamp_us} µs: late, or corrupt"
        return (BadPacket(packet.host_ns, self.channel, reason),)

    def finish(self) -> tuple[Decoded, ...]:
        """Nothing: no sample is held back."""
        return ()

    def _is_believed(self, timestamp_us: int) -> bool:
        """Whether a sample that does not fit is the last of enough that go together."""
        doubt = self._doubt
        is_next = doubt is not None and (
            0 < (timestamp_us - doubt.timestamp_us) % _U32 <= _FOLLOWS_INTERVALS * self._interval_us
        )
        self._doubt = _Doubt(timestamp_us, doubt.n + 1 if doubt is not None and is_next else 1)
        return self._doubt.n >= _BELIEVED_AFTER

    def _taken(self, packet: Packet, sample: Payload, us: int, run: _Run | None) -> tuple[Decoded, ...]:
        n_segments = self._timebase.n_segments
        t_s = self._timebase.place(packet.host_ns, [us / 1e6])
        out: list[Decoded] = []
        if run is not None:
            gap = self._gap(run, us, float(t_s[0]), is_new_clock=self._timebase.n_segments > n_segments)
            out += [] if gap is None else [gap]
        acc = np.array([sample.fields["acc_sensor_mps2"]])
        gyr = np.array([sample.fields["gyr_sensor_dps"]]) * DEG
        out.append(ImuBlock(self.channel, self._timebase.rate_hz, t_s, acc, gyr))
        self._run = _Run(us, float(t_s[0]), packet.host_ns)
        self._doubt, self._is_resumed = None, False
        return tuple(out)

    def _gap(self, run: _Run, us: int, t_s: float, *, is_new_clock: bool) -> Gap | None:
        """What is missing between the last sample and this one."""
        if is_new_clock or self._is_resumed:
            reason: GapReason = "clock_restart" if is_new_clock else "link_lost"
            return Gap(self.channel, run.t_s, t_s, None, reason)
        n_lost = round((us - run.us) / self._interval_us) - 1
        return Gap(self.channel, run.t_s, t_s, n_lost, "lost_packets") if n_lost > 0 else None


def _plausible(payload: bytes) -> Payload:
    """The sample in a notification, whose numbers a sensor can have measured.

    Raises:
        PayloadError: another length, or numbers far beyond the ranges.
    """
    mode = mode_of_length(len(payload))
    if mode is None:
        raise PayloadError(f"expected 28 to 40 or 44 to 63 bytes, found {len(payload)}")
    sample = parse_payload(payload, mode)
    acc, gyr = sample.fields["acc_sensor_mps2"], sample.fields["gyr_sensor_dps"]
    if max(map(abs, acc)) > _ACC_MAX_MPS2 or max(map(abs, gyr)) > _GYR_MAX_DPS:
        raise PayloadError(f"expected at most ±16 g and ±2000 °/s, found {acc} m/s² and {gyr} °/s")
    return sample


def _step_us(last_us: int, timestamp_us: int, silence_us: float) -> int:
    """Device time since the last sample, with its wraps counted by the host's clock; below zero for a late one."""
    ahead = (timestamp_us - last_us) % _U32
    return ahead + _U32 * max(-1, round((silence_us - ahead) / _U32))

"""Our own open wire format for a motion sensor that speaks Bluetooth LE: frames in, samples out.

Byte tables, commands and a worked example: `firmware_notes/soma_v1.md`. A frame says when its first sample was taken
and which number it had since the start, so every loss is exact,
whoever lost it, and a notification that comes late moves no sample.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.driver import Driver, Learned, Read, Script, Step, Subscribe, Write
from sensorsoma.decode.soma_v1_control import (
    CONTROL_UUID,
    DATA_UUID,
    INFO_UUID,
    SERVICE_UUID,
    STOP,
    IdentifyCommand,
    StartCommand,
    decode_info,
)
from sensorsoma.decode.soma_v1_frame import (
    DEFAULT_ACC_RANGE_G,
    DEFAULT_GYR_RANGE_DPS,
    FULL_SCALE,
    Frame,
    FrameError,
    decode_frame,
    is_last_frame,
)
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

GapReason = Literal["lost_packets", "link_lost", "clock_restart"]

_U16 = 1 << 16
_U32 = 1 << 32
_HOLE_INTERVALS = 2.5
"""A step in time of more than this many intervals, with no sample missing, is a hole in what was measured."""


def start_command(config: Mapping[str, Any]) -> StartCommand:
    """The start command that a source's config asks for.

    Keys: `rate_hz`, `acc_range_g`, `gyr_range_dps`, `samples_per_frame`, `acc_only`; absent ones mean the defaults.

    >>> start_command({"rate_hz": 52}).rate_hz
    52
    """
    default = StartCommand()
    return StartCommand(
        rate_hz=round(config.get("rate_hz", default.rate_hz)),
        acc_range_g=round(config.get("acc_range_g", default.acc_range_g)),
        gyr_range_dps=round(config.get("gyr_range_dps", default.gyr_range_dps)),
        samples_per_frame=int(config.get("samples_per_frame", default.samples_per_frame)),
        is_acc_only=bool(config.get("acc_only", False)),
    )


def start(config: Mapping[str, Any]) -> Script:
    """Subscribes, then starts, so that no frame is missed."""
    yield Write(CONTROL_UUID, STOP)
    yield Subscribe(DATA_UUID)
    yield Write(CONTROL_UUID, start_command(config).to_bytes())
    return Learned()


def stop(_config: Mapping[str, Any]) -> Script:
    """Ends streaming."""
    yield Write(CONTROL_UUID, STOP)
    return Learned()


def drop_count() -> Generator[Step, bytes | None, int | None]:
    """The sensor's own count of dropped samples."""
    record = yield Read(INFO_UUID)
    return None if record is None else decode_info(record).dropped


def identify(seconds: int) -> Script:
    """Lets it blink."""
    yield Write(CONTROL_UUID, IdentifyCommand(seconds).to_bytes())
    return Learned()


DRIVER = Driver(
    title="SensorSoma open sensor",
    start=start,
    stop=stop,
    service_uuid=SERVICE_UUID,
    rate_hz=float(StartCommand().rate_hz),
    is_last=is_last_frame,
    drop_count=drop_count,
    identify=identify,
)


@dataclass(slots=True)
class _Run:
    """Where the stream stands: the last sample that was taken over."""

    next_number: int
    """Number that the next frame should carry, modulo 65536."""
    last_us: int
    """Unwrapped device time of the last sample."""
    last_s: float
    """Session time of the last sample."""
    host_ns: int
    """Arrival of the last frame."""
    interval_us: float


class SomaV1Decoder:
    """Samples of one soma_v1 sensor on the session line.

    Config keys: `acc_range_g` (8), `gyr_range_dps` (500): as given to the start command.

    Missing sample numbers become a `Gap` with their exact count; frames that come twice are dropped; frames that come
    late, after a newer one, are dropped as `BadPacket`.
    """

    name = "soma_v1"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        self.channel = channel
        self._acc_scale = float(config.get("acc_range_g", DEFAULT_ACC_RANGE_G)) * STANDARD_GRAVITY_MPS2 / FULL_SCALE
        self._gyr_scale = float(config.get("gyr_range_dps", DEFAULT_GYR_RANGE_DPS)) * DEG / FULL_SCALE
        self._timebase = DeviceTimebase(epoch_ns, float(config.get("rate_hz") or 104.0))
        self._run: _Run | None = None
        self._is_resumed = False
        self._dropped = 0

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it; frames tell the rest
        """Notes that the link was away: numbers start again, the device clock may or may not."""
        self._is_resumed = True
        self._timebase.resumed()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Samples, the gap before them, and what the frame says of the device."""
        try:
            frame = decode_frame(packet.payload)
        except FrameError as error:
            return (BadPacket(packet.host_ns, self.channel, str(error)),)
        info = self._device_info(packet, frame)
        if frame.n_samples == 0:
            return info
        if self._run is not None and not self._is_resumed and _is_behind(self._run, frame):
            return info + self._late(self._run, packet, frame)
        return info + self._taken(packet, frame)

    def finish(self) -> tuple[Decoded, ...]:
        """Nothing: no frame is held back."""
        return ()

    def _taken(self, packet: Packet, frame: Frame) -> tuple[Decoded, ...]:
        run = self._run
        is_new = run is None or self._is_resumed or frame.is_first
        interval_us = float(frame.interval_us or (run.interval_us if run else 1e6 / self._timebase.rate_hz))
        first_us = frame.first_us if run is None else _unwrapped(run, frame.first_us, packet.host_ns)
        if run is not None and not is_new and first_us <= run.last_us < first_us + interval_us * frame.n_samples:
            first_us = run.last_us + 1  # a mean interval that overshoots: order is kept, by microseconds
        device_us = first_us + interval_us * np.arange(frame.n_samples)
        device_s = device_us / 1e6
        if (np.diff(device_s) <= 0.0).any():  # microseconds apart, centuries after the start: floats cannot tell them
            return (BadPacket(packet.host_ns, self.channel, "expected samples apart in time, found them as one"),)
        n_segments = self._timebase.n_segments
        t_s = self._timebase.place(packet.host_ns, device_s)
        out: list[Decoded] = []
        if run is not None:
            n_lost = None if is_new else _n_lost(run, frame.number, first_us, interval_us)
            is_hole = first_us - run.last_us > _HOLE_INTERVALS * interval_us
            reason = self._gap_reason(is_new, self._timebase.n_segments > n_segments, bool(n_lost) or is_hole)
            if reason is not None:
                out.append(Gap(self.channel, run.last_s, float(t_s[0]), n_lost, reason))
        acc = np.asarray(frame.acc_lsb * self._acc_scale, dtype=np.float64)
        gyr = None if frame.gyr_lsb is None else np.asarray(frame.gyr_lsb * self._gyr_scale, dtype=np.float64)
        out.append(ImuBlock(self.channel, self._timebase.rate_hz, t_s, acc, gyr))
        self._is_resumed = False
        self._run = _Run(
            next_number=(frame.number + frame.n_samples) % _U16,
            last_us=round(float(device_us[-1])),
            last_s=float(t_s[-1]),
            host_ns=packet.host_ns,
            interval_us=interval_us,
        )
        return tuple(out)

    def _late(self, run: _Run, packet: Packet, frame: Frame) -> tuple[BadPacket, ...]:
        """Nothing for the same frame again; a word about one that a newer frame has overtaken."""
        last = (run.next_number - 1) % _U16
        if (run.next_number - frame.number) % _U16 <= frame.n_samples:
            return ()
        reason = f"expected samples after number {last}, found a late or repeated frame from number {frame.number}"
        return (BadPacket(packet.host_ns, self.channel, reason),)

    @staticmethod
    def _gap_reason(is_new: bool, is_new_clock: bool, has_hole: bool) -> GapReason | None:
        if is_new_clock:
            return "clock_restart"
        if is_new:
            return "link_lost"
        return "lost_packets" if has_hole else None

    def _device_info(self, packet: Packet, frame: Frame) -> tuple[DeviceInfo, ...]:
        """The drop count with its wraps counted, when it has changed."""
        if frame.dropped is None:
            return ()
        known = 0 if frame.is_first else self._dropped
        total = known + (frame.dropped - known) % _U16
        has_changed, self._dropped = total != self._dropped, total
        return (DeviceInfo(packet.host_ns, self.channel, dropped=total),) if has_changed else ()


def _is_behind(run: _Run, frame: Frame) -> bool:
    """Whether all of a frame lies at or before what was taken over, by number and by device clock."""
    behind = (run.next_number - frame.number) % _U16
    end_us = frame.first_us + (frame.n_samples - 1) * (frame.interval_us or 0)
    return 0 < behind < _U16 // 2 and (run.last_us - end_us) % _U32 < _U32 // 2


def _unwrapped(run: _Run, first_us: int, host_ns: int) -> int:
    """Device time with its wraps counted, by the host's clock where a silence was longer than half a wrap."""
    ahead = (first_us - run.last_us) % _U32
    silence = (host_ns - run.host_ns) / 1000
    return run.last_us + ahead + _U32 * max(-1, round((silence - ahead) / _U32))


def _n_lost(run: _Run, number: int, first_us: int, interval_us: float) -> int:
    """Samples missing before this frame; whole circles of the number are counted by device time."""
    short = (number - run.next_number) % _U16
    expected = (first_us - run.last_us) / interval_us - 1.0
    return short + _U16 * max(0, round((expected - short) / _U16))

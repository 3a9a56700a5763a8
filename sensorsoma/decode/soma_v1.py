"""Our own open wire format for a motion sensor that speaks Bluetooth LE: frames in, samples out.

Byte tables, commands and a worked example: `firmware_notes/soma_v1.md`. A frame says when its first sample was taken
and which number it had since the start, so every loss is exact,
whoever lost it, and a notification that comes late moves no sample.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

Lsb = NDArray[np.int16]

VERSION = 1
DEFAULT_ACC_RANGE_G = 8.0
DEFAULT_GYR_RANGE_DPS = 500.0

_VERSION_MASK = 0x07
_ACC_ONLY = 0x08
_LONG = 0x10
_FIRST = 0x20
_LAST = 0x40
_RESERVED = 0x80

_HEAD = struct.Struct("<BBHI")
_TAIL = struct.Struct("<HH")
_FULL_SCALE = 32768.0
GapReason = Literal["lost_packets", "link_lost", "clock_restart"]

_U16 = 1 << 16
_U32 = 1 << 32
_HOLE_INTERVALS = 2.5
"""A step in time of more than this many intervals, with no sample missing, is a hole in what was measured."""


class FrameError(ValueError):
    """Bytes that are not a soma_v1 frame; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One notification, taken apart."""

    number: int
    """Number of the first sample since the start command, modulo 65536."""
    first_us: int
    """Device clock at the first sample, microseconds modulo 2**32 (71.6 minutes)."""
    acc_lsb: Lsb
    """`(n, 3)`; full scale 32768 is the acceleration range."""
    gyr_lsb: Lsb | None
    """`(n, 3)`; None from a sensor without gyroscope."""
    interval_us: int | None = None
    """Mean time between neighbouring samples; None in a short frame, which holds one sample."""
    dropped: int | None = None
    """Samples that the device had to drop since the start command, modulo 65536; None in a short frame."""
    is_first: bool = False
    """The first frame since the start command."""
    is_last: bool = False
    """The device has nothing more to send."""

    @property
    def n_samples(self) -> int:
        """Samples in this frame; 0 in a report."""
        return len(self.acc_lsb)


def to_lsb(values: ArrayLike, full_scale: float) -> Lsb:
    """`(n, 3)` int16, saturated at the range; `values` and `full_scale` in the same unit.

    >>> to_lsb([[1.0, -4.0, 9.0]], full_scale=8.0).tolist()
    [[4096, -16384, 32767]]
    """
    scaled = np.rint(np.asarray(values, dtype=np.float64) * (_FULL_SCALE / full_scale))
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame; short (8 bytes of header) when it has no `interval_us`.

    Raises:
        FrameError: more than one sample or none in a short frame, or a number out of its field.
    """
    flags, tail = VERSION, b""
    if frame.gyr_lsb is None:
        flags |= _ACC_ONLY
        samples: Lsb = frame.acc_lsb
    else:
        samples = np.concatenate((frame.acc_lsb, frame.gyr_lsb), axis=1)
    if frame.interval_us is not None:
        flags |= _LONG
        tail = _packed(_TAIL, frame.interval_us, frame.dropped or 0)
    elif frame.n_samples != 1:
        raise FrameError(f"expected one sample in a frame without interval, found {frame.n_samples}")
    flags |= (_FIRST if frame.is_first else 0) | (_LAST if frame.is_last else 0)
    head = _packed(_HEAD, flags, frame.n_samples, frame.number, frame.first_us)
    return head + tail + samples.astype("<i2").tobytes()


def _packed(layout: struct.Struct, *values: int) -> bytes:
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise FrameError(f"expected numbers that fit {layout.format}, found {values}") from error


def decode_frame(payload: bytes) -> Frame:
    """The frame in one notification.

    Raises:
        FrameError: wrong version, reserved bit set, or a length that does not fit the sample count.

    >>> frame = decode_frame(bytes.fromhex("110107000a000000" "9025" "0000" "0000" "0000" "0010" "000000000000"))
    >>> frame.number, frame.first_us, frame.interval_us, frame.acc_lsb.tolist()
    (7, 10, 9616, [[0, 0, 4096]])
    """
    if len(payload) < _HEAD.size:
        raise FrameError(f"expected at least {_HEAD.size} bytes, found {len(payload)}")
    flags, n, number, first_us = _HEAD.unpack_from(payload)
    if flags & _VERSION_MASK != VERSION or flags & _RESERVED:
        raise FrameError(f"expected version {VERSION} in the first byte, found 0x{flags:02x}")
    is_long, columns = bool(flags & _LONG), 3 if flags & _ACC_ONLY else 6
    begin = _HEAD.size + (_TAIL.size if is_long else 0)
    if len(payload) != begin + 2 * columns * n:
        raise FrameError(f"expected {begin + 2 * columns * n} bytes for {n} samples, found {len(payload)}")
    if not is_long and n != 1:
        raise FrameError(f"expected one sample in a short frame, found {n}")
    interval_us, dropped = _TAIL.unpack_from(payload, _HEAD.size) if is_long else (None, None)
    if n > 1 and not interval_us:
        raise FrameError(f"expected an interval above 0 for {n} samples, found 0")
    samples = np.frombuffer(payload, dtype="<i2", offset=begin).reshape(n, columns).astype(np.int16)
    return Frame(
        number=number,
        first_us=first_us,
        acc_lsb=samples[:, :3],
        gyr_lsb=None if columns == 3 else samples[:, 3:],
        interval_us=interval_us,
        dropped=dropped,
        is_first=bool(flags & _FIRST),
        is_last=bool(flags & _LAST),
    )


def is_last_frame(payload: bytes) -> bool:
    """True when a notification says that nothing more will come; cheap enough for a notification callback."""
    return (
        len(payload) >= _HEAD.size
        and payload[0] & _VERSION_MASK == VERSION
        and not payload[0] & _RESERVED
        and bool(payload[0] & _LAST)
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

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        self.channel = channel
        self._acc_scale = float(config.get("acc_range_g", DEFAULT_ACC_RANGE_G)) * STANDARD_GRAVITY_MPS2 / _FULL_SCALE
        self._gyr_scale = float(config.get("gyr_range_dps", DEFAULT_GYR_RANGE_DPS)) * DEG / _FULL_SCALE
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
        n_segments = self._timebase.n_segments
        t_s = self._timebase.place(packet.host_ns, device_us / 1e6)
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

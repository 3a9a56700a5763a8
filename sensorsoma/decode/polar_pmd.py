"""Polar Verity Sense, H10 and OH1+ into samples: acceleration, and rotation brought onto its times.

A frame tells the sensor's clock at its last sample and nothing else of time, so the samples lie evenly between the
last one of the frame before and that. The clock may be years wrong, so only differences count.

Acceleration and rotation come as two streams with one clock, in frames of different lengths, each up to seconds long.
An acceleration sample waits until rotation has reached it. Where rotation is missing for a moment, both are left out
and a `Gap` says so; where it stays away, acceleration goes on alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.driver import Driver
from sensorsoma.decode.polar_pmd_control import DRIVER
from sensorsoma.decode.polar_pmd_frame import ACC, GYRO, NAMES, Frame, FrameError, decode_frame
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.decode.two_clocks import TwoClocks, TwoClocksParams
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet
from sensorsoma.units import NS_PER_S

DEFAULT_RATE_HZ = 52.0
GYR_WAIT_S = 6.0
"""Sensor time that rotation is waited for: longer than the longest frame, 3.8 s at rest, and one lost beside it."""

_PAIRING = TwoClocksParams(keep_s=2 * GYR_WAIT_S)
_HOLE_INTERVALS = 2.5
"""A step of more than this many intervals is a hole; as soma_v1."""
_SPARE_SAMPLES = 1.5
_SPARE_SHARE = 0.06
"""A frame may take longer than its samples by this many, or by this share of them: an H10 that was asked for 50 Hz runs
at 50.9. A lost frame is missing tens of samples."""
_LEAP_NS = 30 * NS_PER_S
"""A sensor's clock that leaves the host's by more than this does not belong to the frames before; a radio that is late
by more would have lost the link."""
_N_STRAYS = 3
"""Frames in a row that agree with each other and not with those before: the clock was set, they are no accident."""
_LEAST_STEP_NS = NS_PER_S / 2000
"""No sensor is faster."""

_GRAIN_NS = 1000
"""Times are rounded to this, so that samples of both streams that were taken together have one time; the sensor's clock
has steps of 30 µs."""

GapReason = Literal["lost_packets", "link_lost", "clock_restart"]


def sample_offsets_ns(span_ns: float, n: int) -> Floats:
    """`(n,)` times of a frame's samples before its last one, ns, for a frame that takes `span_ns`.

    >>> sample_offsets_ns(40.0, 4).tolist()
    [-30.0, -20.0, -10.0, 0.0]
    """
    return span_ns * (np.arange(1, n + 1) / n - 1.0)


@dataclass(slots=True)
class _Stream:
    """Where the frames of one measurement stand."""

    factor: float
    step_ns: float
    """Between neighbouring samples: nominal at first, then as the frames show."""
    last_ns: int | None = None
    """Sensor clock at the last sample taken over; None before the first since the link began."""
    stray_ns: int = 0
    n_strays: int = 0
    """Frames in a row whose time does not follow."""

    def times_before_last(self, frame: Frame) -> Floats:
        """`(n,)` ns before the frame's last sample; the step is learnt where nothing is missing."""
        n = len(frame.values)
        if self.last_ns is None:
            return sample_offsets_ns(self.step_ns * n, n)
        span_ns = float(frame.last_ns - self.last_ns)
        n_spare = span_ns / self.step_ns - n
        if n_spare > max(_SPARE_SAMPLES, _SPARE_SHARE * n):  # frames were lost: these samples end it all the same
            return sample_offsets_ns(self.step_ns * n, n)
        if n >= 10:
            self.step_ns = span_ns / n
        return sample_offsets_ns(span_ns, n)


@dataclass(slots=True)
class _Held:
    """Acceleration that waits for rotation."""

    device_s: Floats = field(default_factory=lambda: np.empty(0))
    t_s: Floats = field(default_factory=lambda: np.empty(0))
    acc_sensor_mps2: Floats = field(default_factory=lambda: np.empty((0, 3)))

    def add(self, device_s: Floats, t_s: Floats, acc_sensor_mps2: Floats) -> None:
        self.device_s = np.concatenate((self.device_s, device_s))
        self.t_s = np.concatenate((self.t_s, t_s))
        self.acc_sensor_mps2 = np.concatenate((self.acc_sensor_mps2, acc_sensor_mps2))

    def drop_until(self, device_s: float) -> None:
        """Forgets what lies at or before a time."""
        n = int(np.searchsorted(self.device_s, device_s, side="right"))
        self.device_s, self.t_s, self.acc_sensor_mps2 = self.device_s[n:], self.t_s[n:], self.acc_sensor_mps2[n:]


@dataclass(slots=True)
class _Run:
    """What is known since the link, or the sensor's clock, began."""

    is_gyr_awaited: bool
    held: _Held = field(default_factory=_Held)
    pairs: TwoClocks = field(default_factory=lambda: TwoClocks(_PAIRING))
    offset_ns: int | None = None
    """Host clock minus sensor clock at the last frame."""
    gyr_reach_s: float = -np.inf
    """Device time up to which rotation is known."""
    waits_since_s: float = np.inf
    """Device time from which on rotation is waited for, before its first frame."""


class PolarPmdDecoder:
    """Samples of one Polar sensor on the session line.

    Config keys, as the start script learns them: `rate_hz`, `gyr_rate_hz` (52), `acc_factor`, `gyr_factor` (1), and
    `has_gyroscope` (true: it is waited for a while).

    Lost frames are seen by the clock and become a `Gap` with their count; a frame that comes twice is dropped, one that
    comes late or with a time that does not follow is a `BadPacket`.
    """

    name = "polar_pmd"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        rate_hz = float(config.get("rate_hz") or DEFAULT_RATE_HZ)
        gyr_rate_hz = float(config.get("gyr_rate_hz") or rate_hz)
        self.channel = channel
        self._streams = {
            ACC: _Stream(float(config.get("acc_factor") or 1.0), NS_PER_S / rate_hz),
            GYRO: _Stream(float(config.get("gyr_factor") or 1.0), NS_PER_S / gyr_rate_hz),
        }
        self._has_gyroscope = bool(config.get("has_gyroscope", True))
        self._timebase = DeviceTimebase(epoch_ns, rate_hz)
        self._zero_ns: int | None = None
        self._break: GapReason | None = None
        """Why the next sample does not follow the last one."""
        self._last: tuple[float, float] | None = None
        """Device and session time of the last sample given."""
        self._has_paired = False
        self._run = _Run(self._has_gyroscope)

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Samples that this frame completes, each piece behind the gap that it ends."""
        try:
            frame = decode_frame(packet.payload)
        except FrameError as error:
            return (BadPacket(packet.host_ns, self.channel, str(error)),)
        stream = self._streams[frame.measurement]
        if frame.last_ns == stream.last_ns:
            return ()  # the same frame twice
        if self._is_stray(stream, frame, packet.host_ns):
            reason = f"expected {NAMES[frame.measurement]} that follows in time, found it late or its clock set"
            return (BadPacket(packet.host_ns, self.channel, reason),)
        device_s = self._device_s(stream, frame)
        self._run.offset_ns = packet.host_ns - frame.last_ns
        values = frame.to_si(stream.factor)
        if frame.measurement == ACC:
            return tuple(self._take_acc(packet.host_ns, device_s, values))
        return tuple(self._take_gyr(device_s, values))

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it; frames tell the rest
        """Notes that the link was away: what waits is given up, and the sensor's clock may have begun anew."""
        self._timebase.resumed()
        self._begin_anew("link_lost")

    def finish(self) -> tuple[Decoded, ...]:
        """Acceleration that waits for a rotation that never came; behind a living gyroscope the rest is left out."""
        held, self._run.held = self._run.held, _Held()
        if self._has_paired:
            return ()
        return tuple(self._blocks(held.device_s, held.t_s, held.acc_sensor_mps2, None))

    # --------------------------------------------------------------------------------------------------- the clock

    def _begin_anew(self, reason: GapReason) -> None:
        """Nothing from before is waited for or compared with."""
        self._break = reason
        self._run = _Run(self._has_gyroscope)
        for stream in self._streams.values():
            stream.last_ns, stream.n_strays = None, 0

    def _is_stray(self, stream: _Stream, frame: Frame, host_ns: int) -> bool:
        """Whether a frame's time does not follow; after some such frames in a row their clock is believed."""
        least_ns = _LEAST_STEP_NS * len(frame.values)
        is_behind = stream.last_ns is not None and frame.last_ns - stream.last_ns < least_ns
        offset_ns = host_ns - frame.last_ns
        is_far = self._run.offset_ns is not None and abs(offset_ns - self._run.offset_ns) > _LEAP_NS
        if not (is_behind or is_far):
            stream.n_strays = 0
            return False
        follows = stream.n_strays > 0 and least_ns <= frame.last_ns - stream.stray_ns < _LEAP_NS
        stream.n_strays = stream.n_strays + 1 if follows else 1
        stream.stray_ns = frame.last_ns
        if stream.n_strays < _N_STRAYS:
            return True
        self._begin_anew("clock_restart")
        return False

    def _device_s(self, stream: _Stream, frame: Frame) -> Floats:
        """`(n,)` seconds of the sensor's clock since its first frame."""
        if self._zero_ns is None:
            self._zero_ns = frame.last_ns
        offsets_ns = stream.times_before_last(frame)
        stream.last_ns = frame.last_ns
        return np.rint((float(frame.last_ns - self._zero_ns) + offsets_ns) / _GRAIN_NS) * (_GRAIN_NS / NS_PER_S)

    # ---------------------------------------------------------------------------------------------- the two streams

    def _take_acc(self, host_ns: int, device_s: Floats, acc_sensor_mps2: Floats) -> list[Decoded]:
        n_segments = self._timebase.n_segments
        t_s = self._timebase.place(host_ns, device_s)
        if 0 < n_segments < self._timebase.n_segments:
            self._break = "clock_restart"
            self._run = _Run(self._run.is_gyr_awaited, offset_ns=self._run.offset_ns)
        run = self._run
        if not run.is_gyr_awaited:
            return self._blocks(device_s, t_s, acc_sensor_mps2, None)
        run.held.add(device_s, t_s, acc_sensor_mps2)
        run.pairs.add_grid(device_s, acc_sensor_mps2)
        run.waits_since_s = min(run.waits_since_s, float(device_s[0]))
        out = self._paired(run)
        if float(device_s[-1]) - max(run.gyr_reach_s, run.waits_since_s) > GYR_WAIT_S:
            out += self._go_on_alone(run)
        return out

    def _go_on_alone(self, run: _Run) -> list[Decoded]:
        held, run.held = run.held, _Held()
        run.pairs.clear()
        run.is_gyr_awaited = False
        return self._blocks(held.device_s, held.t_s, held.acc_sensor_mps2, None)

    def _take_gyr(self, device_s: Floats, gyr_sensor_radps: Floats) -> list[Decoded]:
        run = self._run
        run.is_gyr_awaited = True
        run.gyr_reach_s = float(device_s[-1])
        run.pairs.add_other(device_s, gyr_sensor_radps)
        return self._paired(run)

    def _paired(self, run: _Run) -> list[Decoded]:
        """What rotation has reached."""
        paired = run.pairs.ready()
        t_s = run.held.t_s[np.searchsorted(run.held.device_s, paired.t_s)]
        run.held.drop_until(run.gyr_reach_s)
        self._has_paired = self._has_paired or len(t_s) > 0
        return self._blocks(paired.t_s, t_s, paired.grid, paired.other)

    # --------------------------------------------------------------------------------------------------- the blocks

    def _blocks(self, device_s: Floats, t_s: Floats, acc: Floats, gyr: Floats | None) -> list[Decoded]:
        """Samples cut where some are missing, with a `Gap` at each cut."""
        if not len(t_s):
            return []
        step_s = self._streams[ACC].step_ns / NS_PER_S
        cuts = np.flatnonzero(np.diff(device_s) > _HOLE_INTERVALS * step_s) + 1
        out: list[Decoded] = []
        for begin, end in itertools.pairwise([0, *cuts.tolist(), len(t_s)]):
            out += self._gap_before(float(device_s[begin]), float(t_s[begin]), step_s)
            piece = slice(begin, end)
            rows = None if gyr is None else gyr[piece]
            out.append(ImuBlock(self.channel, self._timebase.rate_hz, t_s[piece], acc[piece], rows))
            self._last = (float(device_s[end - 1]), float(t_s[end - 1]))
        return out

    def _gap_before(self, device_s: float, t_s: float, step_s: float) -> list[Gap]:
        reason, self._break = self._break, None
        if self._last is None:
            return []
        last_device_s, last_s = self._last
        if reason is not None:
            return [Gap(self.channel, last_s, t_s, None, reason)]
        n_steps = (device_s - last_device_s) / step_s
        if n_steps <= _HOLE_INTERVALS:
            return []
        return [Gap(self.channel, last_s, t_s, round(n_steps) - 1, "lost_packets")]

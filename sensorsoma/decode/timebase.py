"""Places samples on the session line: causal, smooth, strictly increasing, the same for the same packets.

A packet arrives at `host = true time + delay`. A radio, a queue or a busy computer delays and never advances, so
the truth lies along the *lower envelope* of `host - device` over device time: its height is the offset between the
two clocks, its slope their drift. The envelope is kept as the smallest value of each half second over five minutes;
the slope is the edge of its lower convex hull below the middle of the window, i.e. the line that stays below all
points with the least total distance (Moon, Skelly and Towsley, INFOCOM 1999). A short window knows the offset well and
the slope badly, so the slope is drawn towards "no drift" until the window is long enough to know better.

The map from device time to session time is a line that is never broken, only bent: an error is slewed away, fast in
the first seconds and then over tens of seconds. Measured error sizes: `firmware_notes/clocks.md`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from sensorsoma.decode.envelope import LowerHull
from sensorsoma.messages import Floats
from sensorsoma.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class TimebaseParams:
    """How a device clock is followed."""

    drift_prior: float = 100e-6
    """Standard deviation of the drift expected before anything is known, s/s; crystals are sold as ±20 to ±100 ppm."""
    drift_max: float = 400e-6
    """Largest drift believed, s/s; beyond it the fit is wrong, not the crystal."""
    envelope_noise_s: float = 0.003
    """Height of a half second's smallest delay above the true envelope; a fraction of the radio's interval."""
    bucket_s: float = 0.5
    """One envelope point per this much device time: enough packets to hold an early one."""
    window_s: float = 300.0
    """Envelope memory; long enough for 10 ppm, short enough for a crystal that warms under a blanket."""
    settle_s: float = 4.0
    """Start-up time in which the map may bend quickly."""
    settle_tau_s: float = 0.5
    """Time constant of corrections during start-up."""
    settle_slew_max: float = 0.1
    """Largest bend during start-up, s/s: a first packet that was 0.1 s late is made up for in a second or two."""
    tau_s: float = 20.0
    """Time constant afterwards: an error of 2 ms bends durations by 100 ppm."""
    slew_max: float = 0.02
    """Largest bend afterwards, s/s: 2 % is far from standing still, so time stays strictly increasing."""
    jump_s: float = 1.0
    """A device clock that leaps ahead of the host by more than this has restarted."""
    stall_s: float = 2.0
    """Every packet later than the map says by more than this, for `stall_for_s`: the device clock stood still."""
    stall_for_s: float = 10.0
    """How long, in arrival time, before a stall is believed; a backlog clears sooner."""
    resume_slack_s: float = 0.5
    """After a reconnect the old map is kept if the next packet fits it this well."""


INDEX_PARAMS = TimebaseParams(drift_prior=0.03, drift_max=0.15, stall_s=0.25, stall_for_s=1.5)
"""For sample numbers at a nominal rate: rates are off by some per cent, and an unnoticed loss looks like a stall."""

REPAY = 0.3
"""Share by which time goes slower while samples that were counted in wrongly are made up for."""


@dataclass(slots=True)
class _Segment:
    """One run of a device clock: its map `t = t0 + slope * (d - d0)` and its envelope; `d` counts from `d_ref`."""

    d_ref: float
    d0: float
    t0: float
    slope: float = 1.0
    drift: float = 0.0
    prior_drift: float = 0.0
    """What an earlier run of the same clock taught."""
    points: LowerHull = field(default_factory=LowerHull)
    """(device time, smallest host - device) of finished half seconds."""
    low: tuple[float, float] | None = None
    """The same for the half second that is running."""
    bucket: int = 0
    floor: float = float("inf")
    """Height at `d` = 0 of the line with the fitted slope that stays below all points."""
    late_since_s: float | None = None


@dataclass(slots=True)
class Intervals:
    """Mean device time between neighbouring samples, without gaps, over about the last minute at 100 Hz."""

    recent: deque[float] = field(default_factory=lambda: deque(maxlen=63))
    typical: float | None = None
    n: float = 0.0
    span: float = 0.0
    n_unseen: int = 0

    @property
    def mean_s(self) -> float | None:
        return self.span / self.n if self.n else None

    def add(self, steps: Floats) -> None:
        """Counts the intervals that are near the typical one; the others are gaps."""
        if not steps.size:
            return
        is_young = len(self.recent) < 63
        self.recent.extend(steps.tolist())
        self.n_unseen += steps.size
        if is_young or self.n_unseen >= 32:
            typical = float(np.median(self.recent))
            if self.typical is None or not 0.7 < typical / self.typical < 1.4:
                self.n = self.span = 0.0
            self.typical, self.n_unseen = typical, 0
        assert self.typical is not None
        kept = steps[(steps > 0.5 * self.typical) & (steps < 1.5 * self.typical)]
        fading = 0.5 if self.n > 6000 else 1.0
        self.n = self.n * fading + kept.size
        self.span = self.span * fading + float(kept.sum())


class DeviceTimebase:
    """Session seconds for samples that carry a device clock.

    Args:
        epoch_ns: session time at which `t_s` is 0.
        nominal_rate_hz: given by `rate_hz` until two samples are known; never used for placing.
        params: how the clock is followed.

    >>> timebase = DeviceTimebase(epoch_ns=0)
    >>> timebase.place(1_000_000_000, [7.00, 7.01, 7.02, 7.03]).round(3).tolist()
    [0.97, 0.98, 0.99, 1.0]
    >>> round(timebase.rate_hz, 3)
    100.0
    """

    def __init__(self, epoch_ns: int, nominal_rate_hz: float = 100.0, params: TimebaseParams | None = None) -> None:
        self.params = params or TimebaseParams()
        self.n_segments = 0
        """Runs of the device clock so far; a decoder reports a `Gap` of kind `clock_restart` when it grows past 1."""
        self._epoch_ns = epoch_ns
        self._nominal_rate_hz = nominal_rate_hz
        self._segment: _Segment | None = None
        self._last_d = 0.0
        self._last_t = -np.inf
        self._last_host_s = -np.inf
        self._is_resumed = False
        self._intervals = Intervals()

    @property
    def rate_hz(self) -> float:
        """Samples per session second, estimated from all samples without gaps; the nominal rate before that."""
        mean = self._intervals.mean_s
        if mean is None:
            return self._nominal_rate_hz
        drift = self._segment.drift if self._segment else 0.0
        return 1.0 / (mean * (1.0 + drift))

    @property
    def drift(self) -> float:
        """How much faster the session line runs than the device clock, s/s."""
        return self._segment.drift if self._segment else 0.0

    def resumed(self) -> None:
        """Notes that the link was away: the next packet shows whether the device clock went on."""
        self._is_resumed = True

    def late_s(self, host_ns: int, device_s: float) -> float | None:
        """How much later than the map says a sample arrives; None before the first one is placed."""
        segment = self._segment
        if segment is None:
            return None
        mapped = segment.t0 + segment.slope * (device_s - segment.d_ref - segment.d0)
        return (host_ns - self._epoch_ns) / NS_PER_S - mapped

    def place(self, host_ns: int, device_t_s: ArrayLike, *, is_sure: bool = True) -> Floats:
        """`(n,)` session seconds of one packet's samples, strictly increasing over all calls.

        A device time at or below the last one starts a new run of the clock, so late and doubled packets must be
        dropped by the decoder before this.

        Args:
            host_ns: arrival of the packet.
            device_t_s: `(n,)` device clock of its samples, seconds, unwrapped, strictly increasing.
            is_sure: False where the device times are known to be wrong for now; they say nothing of the clock then.

        Raises:
            ValueError: `device_t_s` does not increase or is not finite.
        """
        device = np.asarray(device_t_s, dtype=np.float64)
        if device.ndim != 1 or not np.isfinite(device).all() or (device[1:] <= device[:-1]).any():
            raise ValueError("expected device times that increase within a packet")
        if device.size == 0:
            return device.copy()
        host_s = (host_ns - self._epoch_ns) / NS_PER_S
        first, last = float(device[0]), float(device[-1])
        segment = self._segment
        if segment is None or self._is_restart(segment, host_s, first, last):
            segment = self._begin(host_s, device)
            self._intervals.add(np.diff(device))
        else:
            self._intervals.add(np.diff(device, prepend=self._last_d))
        placed = segment.t0 + segment.slope * ((device - segment.d_ref) - segment.d0)
        floor = np.nextafter(self._last_t, np.inf)
        if placed[0] < floor or (placed[1:] <= placed[:-1]).any():
            placed = _increasing(placed, float(floor))
        self._last_d, self._last_t, self._last_host_s = last, float(placed[-1]), host_s
        self._follow(segment, host_s, last - segment.d_ref, is_sure)
        return placed

    def _is_restart(self, segment: _Segment, host_s: float, first: float, last: float) -> bool:
        p = self.params
        is_resumed, self._is_resumed = self._is_resumed, False
        if first <= self._last_d:
            return True
        late = host_s - (segment.t0 + segment.slope * (last - segment.d_ref - segment.d0))
        if is_resumed and not -p.resume_slack_s < late < p.resume_slack_s:
            return True
        if (first - self._last_d) - (host_s - self._last_host_s) > p.jump_s and late < -p.jump_s:
            return True
        if late < p.stall_s:
            segment.late_since_s = None
        elif segment.late_since_s is None:
            segment.late_since_s = host_s
        return segment.late_since_s is not None and host_s - segment.late_since_s >= p.stall_for_s

    def _begin(self, host_s: float, device: Floats) -> _Segment:
        """A new run of the device clock, taken to have arrived without delay, but never before what is placed."""
        self.n_segments += 1
        step = self._intervals.mean_s
        if step is None:
            step = float(np.median(np.diff(device))) if device.size > 1 else 1.0 / self._nominal_rate_hz
        begin = host_s - float(device[-1] - device[0])
        if np.isfinite(self._last_t):
            begin = max(begin, self._last_t + step)
        drift = self._segment.drift if self._segment else 0.0
        self._segment = _Segment(float(device[0]), 0.0, begin, 1.0 + drift, drift, drift)
        return self._segment

    def _follow(self, segment: _Segment, host_s: float, d: float, is_sure: bool) -> None:
        """Takes one arrival into the envelope and bends the map from `d` on."""
        p = self.params
        height = host_s - d
        bucket = int(d // p.bucket_s)
        if not is_sure:
            pass
        elif segment.low is None or bucket == segment.bucket:
            if segment.low is None or height < segment.low[1]:
                segment.low = (d, height)
            segment.bucket = bucket
        else:
            segment.points.append(segment.low)
            segment.points.forget_before(d - p.window_s)
            segment.low, segment.bucket = (d, height), bucket
            segment.drift = drift = self._fit_drift(segment)
            segment.floor = segment.points.floor(drift)
        envelope = segment.floor + segment.drift * d
        if segment.low is not None:
            low_d, low_height = segment.low
            envelope = min(envelope, low_height + segment.drift * (d - low_d))
        segment.t0, segment.d0 = self._last_t, d
        error = d + envelope - segment.t0
        tau, limit = (p.settle_tau_s, p.settle_slew_max) if d < p.settle_s else (p.tau_s, p.slew_max)
        segment.slope = 1.0 + segment.drift + min(max(error / tau, -limit), limit)

    def _fit_drift(self, segment: _Segment) -> float:
        p = self.params
        points = segment.points
        if len(points) < 2:
            return segment.drift
        knows = p.drift_prior**2
        weight = knows / (knows + 2.0 * (p.envelope_noise_s / max(points.span, p.bucket_s)) ** 2)
        drift = segment.prior_drift + weight * (points.slope_below_middle() - segment.prior_drift)
        return min(max(drift, -p.drift_max), p.drift_max)


def _increasing(times: Floats, floor: float) -> Floats:
    """The same times, lifted by as little as makes them increase from `floor` on; for clocks of absurd resolution."""
    lifted = times.copy()
    for i, t in enumerate(times):
        lifted[i] = floor = max(float(t), floor)
        floor = float(np.nextafter(floor, np.inf))
    return lifted


class IndexTimebase:
    """Session seconds for samples without a device clock: sample numbers fitted to arrival.

    Args:
        epoch_ns: session time at which `t_s` is 0.
        nominal_rate_hz: the rate that the device is sold with; a starting point for the estimate.
        params: how the sample count is followed.

    >>> timebase = IndexTimebase(epoch_ns=0, nominal_rate_hz=50.0)
    >>> timebase.place(1_000_000_000, 3).round(3).tolist()
    [0.96, 0.98, 1.0]
    """

    def __init__(self, epoch_ns: int, nominal_rate_hz: float, params: TimebaseParams | None = None) -> None:
        self._step_s = 1.0 / nominal_rate_hz
        self._clock = DeviceTimebase(epoch_ns, nominal_rate_hz, params or INDEX_PARAMS)
        self._next = 0.0
        self._owed = 0.0
        """Samples that were counted in wrongly and are not yet made up for."""

    @property
    def rate_hz(self) -> float:
        """Samples per session second, estimated from arrival."""
        return 1.0 / (self._step_s * (1.0 + self._clock.drift))

    @property
    def n_segments(self) -> int:
        """Runs of the sample count so far; it grows when samples were lost without being counted, or on a restart."""
        return self._clock.n_segments

    def follow_as(self, params: TimebaseParams) -> None:
        """Follows the sample count in another way from the next packet on."""
        self._clock.params = params

    def resumed(self) -> None:
        """Notes that the link was away."""
        self._clock.resumed()

    def late_s(self, host_ns: int, n_samples: int) -> float | None:
        """How late a packet's last sample is when nothing was lost before it; None before the first packet."""
        return self._clock.late_s(host_ns, (self._next - self._owed + n_samples - 1) * self._step_s)

    def place(self, host_ns: int, n_samples: int, n_lost: int = 0, *, is_sure: bool = True) -> Floats:
        """`(n_samples,)` session seconds of one packet's samples.

        Args:
            host_ns: arrival of the packet.
            n_samples: how many it holds.
            n_lost: samples missing before it; negative when so many were counted in wrongly. Time cannot go back, so
                it goes slower by `REPAY` until they are made up for.
            is_sure: False where too many may have been counted in, so that its arrival says nothing of the clock.
        """
        self._owed -= n_lost
        begin = self._next + max(-self._owed, 0.0)
        self._owed = max(self._owed, 0.0)
        is_sure = is_sure and self._owed == 0.0
        repaid = min(self._owed, REPAY * n_samples)
        self._owed -= repaid
        self._next = begin + n_samples - repaid
        numbers = np.arange(n_samples, dtype=np.float64)
        if repaid:
            numbers = (numbers + 1) * (1.0 - repaid / n_samples) - 1.0
        return self._clock.place(host_ns, (begin + numbers) * self._step_s, is_sure=is_sure)

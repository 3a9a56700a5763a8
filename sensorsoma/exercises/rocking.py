"""Whole-body rocking: a small rhythmic roll, about one a second. Rate, steadiness, length; size with a gyroscope.

Steadiness is 1 - (standard deviation / mean) of the lengths of single rocks: 1 is a clock, 0.95 a calm hand.

Near 1 Hz the accelerometer feels the swing itself as much as gravity's change, so it gives the rhythm but not the size.
The rhythm is looked for in four-second windows every second, on the strongest direction of the band 0.4 to 2.5 Hz.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.signal import butter, sosfiltfilt

from sensorsoma.dsp.bins import BIN_RATE_HZ, Binner, Bins
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Floats, Gap, MovementBegan, OrientedBlock
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class RockingParams:
    """What is a rock."""

    band_hz: tuple[float, float] = (0.4, 2.5)
    """Rhythms that a hand on the bed can keep."""
    window_s: float = 4.0
    """Three or more rocks."""
    hop_s: float = 1.0
    """How often the rhythm is looked for."""
    least_share: float = 0.5
    """Share of the band's power within a quarter of the rhythm's rate that makes it a rhythm."""
    least_radps: float = 2.0 * DEG
    """Root mean square angular rate of the smallest rocking: half a degree at 1 Hz."""
    least_mps2: float = 0.06
    """The same for an accelerometer: half a degree of gravity."""
    least_rocks: int = 8
    """Fewer rocks in one go have no steadiness: their spread would be a guess."""
    most_spread: float = 0.3
    """Few rocks whose rates lie farther apart than this share of their median are other movements, not a rhythm."""
    join_s: float = 0.5
    """A longer hole breaks the rocking in two."""


@dataclass(frozen=True, slots=True)
class _Window:
    """A window in which there is a rhythm."""

    start_s: float
    freq_hz: float
    amplitude_rad: float | None


def rock_lengths_s(t_s: Floats, rows: Floats, freq_hz: float, join_s: float) -> Floats:
    """Lengths of single rocks, from one upward crossing of the middle to the next.

    Args:
        t_s: `(n,)` increasing.
        rows: `(n, 3)` rates or accelerations.
        freq_hz: about the rhythm; the band kept is half of it to one and a half times, so that the pace may wander.
        join_s: nothing is joined across longer holes.
    """
    cuts = np.flatnonzero(np.diff(t_s) > join_s) + 1
    band = butter(2, (0.5 * freq_hz, 1.5 * freq_hz), "bandpass", fs=BIN_RATE_HZ, output="sos")
    found = [np.empty(0)]
    for part_s, part in zip(np.split(t_s, cuts), np.split(rows, cuts), strict=True):
        if len(part_s) < 4.0 * BIN_RATE_HZ:
            continue
        grid = np.arange(part_s[0], part_s[-1], 1.0 / BIN_RATE_HZ)
        even = np.stack([np.interp(grid, part_s, column) for column in part.T], axis=1)
        smooth = sosfiltfilt(band, even - even.mean(axis=0), axis=0)
        along = smooth @ np.linalg.eigh(smooth.T @ smooth)[1][:, -1]
        up = np.flatnonzero((along[:-1] < 0.0) & (along[1:] >= 0.0))
        at_s = grid[up] - along[up] / (along[up + 1] - along[up]) / BIN_RATE_HZ
        if len(up) < 3:
            continue
        lengths = np.diff(at_s)
        sizes = np.maximum.reduceat(np.abs(along), up)[:-1]
        # Rocks that fade in or out are not the rhythm; one of half or twice the usual length is a pause or a stumble.
        is_whole = sizes > 0.5 * float(np.median(sizes))
        found.append(lengths[is_whole & (lengths * freq_hz > 0.5) & (lengths * freq_hz < 1.7)])
    return np.concatenate(found)


class RockingDetector:
    """Rhythm, size and length of rocking; see `exercises.base.Detector` for the contract."""

    def __init__(self, stretch: Stretch, body: Body, params: RockingParams | None = None) -> None:
        if stretch.placement is None:
            raise ValueError("rocking is seen from the pelvis or a thigh; this stretch has no placement")
        del body
        self.stretch, self.placement = stretch, stretch.placement
        self.params = params or RockingParams()
        self._binner = Binner()
        self._has_gyro: bool | None = None
        self._t_s: list[float] = []
        self._rows: list[Floats] = []
        self._all: list[Bins] = []
        self._next_s: float | None = None
        self._windows: list[_Window] = []
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """`MovementBegan` when the first rhythm is found."""
        if self._is_finished or isinstance(block, Gap) or block.placement != self.placement:
            return ()
        gyr = block.gyr_sensor_radps
        if self._has_gyro is None:
            self._has_gyro = gyr is not None
        rows = gyr if self._has_gyro else block.acc_sensor_mps2
        if rows is None:
            return ()
        keep = np.isfinite(rows).all(axis=1)
        return tuple(self._take(self._binner.feed(block.t_s[keep], rows[keep])))

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """The measures."""
        if self._is_finished:
            return ()
        self._is_finished = True
        out = self._take(self._binner.finish())
        out.append(measured(self.stretch, end_s, self._measures()))
        return tuple(out)

    def _take(self, bins: Bins) -> list[DetectorOutput]:
        out: list[DetectorOutput] = []
        if len(bins.t_s):
            self._all.append(bins)
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            self._next_s = math.floor(t_s) if self._next_s is None else self._next_s
            while t_s >= self._next_s + self.params.window_s:
                window = self._judge(self._next_s)
                if window is not None:
                    if not self._windows:
                        start_s = max(window.start_s, self.stretch.start_s)
                        out.append(MovementBegan(start_s, t_s, self.stretch.exercise, self.stretch.side))
                    self._windows.append(window)
                self._next_s += self.params.hop_s
                self._forget(self._next_s)
                if not self._t_s:
                    self._next_s = max(self._next_s, math.floor(t_s))
            self._t_s.append(t_s)
            self._rows.append(row)
        return out

    def _forget(self, before_s: float) -> None:
        n = sum(1 for t_s in self._t_s if t_s < before_s)
        del self._t_s[:n], self._rows[:n]

    def _judge(self, start_s: float) -> _Window | None:
        params = self.params
        n = round(params.window_s * BIN_RATE_HZ)
        if len(self._t_s) < 0.8 * n:
            return None
        rows = np.array(self._rows)
        grid = start_s + (np.arange(n) + 0.5) / BIN_RATE_HZ
        even = np.stack([np.interp(grid, self._t_s, column) for column in rows.T], axis=1)
        even = even - even.mean(axis=0)
        freq = np.fft.rfftfreq(8 * n, 1.0 / BIN_RATE_HZ)
        parts = np.fft.rfft(even * np.hanning(n)[:, None], 8 * n, axis=0)
        inside = (freq >= params.band_hz[0]) & (freq <= params.band_hz[1])
        power = np.where(inside, (np.abs(parts) ** 2).sum(axis=1), 0.0)
        best = int(np.argmax(power))
        total = float(power.sum())
        if total <= 0.0 or not params.band_hz[0] < freq[best] < params.band_hz[1]:
            return None
        near = np.abs(freq - freq[best]) <= max(0.25 * freq[best], 1.5 / params.window_s)
        share = float(power[near].sum()) / total
        mean_square = 2.0 * total / (8 * n) / float((np.hanning(n) ** 2).sum())
        least = params.least_radps if self._has_gyro else params.least_mps2
        if share < params.least_share or math.sqrt(mean_square) < least:
            return None
        rate = math.sqrt(2.0 * mean_square * share)
        amplitude = rate / (2.0 * math.pi * float(freq[best])) if self._has_gyro else None
        return _Window(start_s, float(freq[best]), amplitude)

    def _periods_s(self) -> Floats:
        """Lengths of the single rocks within the windows that hold a rhythm."""
        if not self._windows:
            return np.empty(0)
        t_s = np.concatenate([bins.t_s for bins in self._all])
        rows = np.concatenate([bins.rows for bins in self._all])
        inside = np.zeros(len(t_s), dtype=bool)
        for window in self._windows:
            inside |= (t_s >= window.start_s) & (t_s < window.start_s + self.params.window_s)
        freq_hz = float(np.median([window.freq_hz for window in self._windows]))
        return rock_lengths_s(t_s[inside], rows[inside], freq_hz, self.params.join_s)

    def _measures(self) -> dict[str, Any]:
        windows = self._windows
        notes: list[str] = []
        periods = self._periods_s()
        is_told = len(periods) >= self.params.least_rocks
        freqs = np.array([window.freq_hz for window in windows])
        if windows and not is_told and np.std(freqs) > self.params.most_spread * np.median(freqs):
            windows = []
        if not windows:
            notes.append("no rocking seen")
        elif not self._has_gyro:
            notes.append("without a gyroscope the size of rocking is not measured")
        sizes = [window.amplitude_rad for window in windows if window.amplitude_rad is not None]
        # A window shows a rhythm from about its middle on; runs of windows with a hop between them are joined.
        lengths = len(windows) * self.params.hop_s
        return {
            "count": None,
            "freq_hz": float(1.0 / np.median(periods)) if is_told else float(np.median(freqs)) if windows else None,
            "freq_spread_hz": float(np.std(freqs)) if len(windows) > 2 else None,
            "steadiness": float(1.0 - np.std(periods) / np.mean(periods)) if is_told else None,
            "amplitude_deg": float(np.median(sizes)) / DEG if sizes else None,
            "duration_s": lengths if windows else None,
            "tremor": None,
            "weak": False,
            "notes": notes,
        }

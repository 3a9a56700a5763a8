"""Shaking: a narrow peak, in one direction, that stands out of the spectrum of voluntary movement.

Three-second windows every second. In each the most prominent peak between 3.5 and 14 Hz is looked for
(`dsp.line_spectrum`): shaking is one that rises far above the frequencies beside it, is twice as strong as what a
resting leg shows, and lasts. Plain band power cannot tell shaking from movement, since voluntary movement alone holds
more power in the band than mild shaking.

An impact is not shaking: its power sits in a moment, so the peak must fill half of the window. Windows hang on session
time and use samples inside them and before only, so results do not depend on how samples arrive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sensorsoma.dsp.line_spectrum import Peak, PeakParams, find_peak, peak_rms, slow_rms, spectra, without_slow
from sensorsoma.dsp.stillness import StillnessParams
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class TremorParams:
    """What counts as shaking."""

    window_s: float = 3.0
    """Length of a window: 10 to 40 periods of shaking, about one slow repetition."""
    hop_s: float = 1.0
    """A window begins this often."""
    peak: PeakParams = field(default_factory=PeakParams)
    """How its peak is found."""
    prominence_db: float = 10.0
    """Least height of the peak above what lies beside it: plain noise reaches it in 1 window of 500."""
    floor_factor: float = 2.0
    """Shaking is at least this many times stronger than the floor at rest."""
    floor_mps2: float = 0.035
    """Least floor: an unloaded leg with a coarse accelerometer holds 3.6 mg in the band."""
    floor_radps: float = 0.08 * DEG
    """Least floor of a consumer gyroscope: 0.01-0.02 deg/s per root Hz over 10 Hz, and pulse."""
    rest_factor: float = 2.0
    """Still and below this many least floors is rest, and teaches the person's own floor: resting legs hold 1-6 mg,
    legs that lie still but work 6-16 mg."""
    around_hz: float = 1.5
    """The peak's course within the window is seen in this neighbourhood, which resolves a third of a second."""
    filled_share: float = 0.5
    """Share of half seconds with at least half of the strongest one's amplitude: an impact fills 1-2 of 6."""
    least_samples_share: float = 0.8
    """Windows with fewer of their samples than this are not judged."""


@dataclass(frozen=True, slots=True)
class TremorWindow:
    """What one window holds."""

    start_s: float
    end_s: float
    freq_hz: float
    """Of the most prominent peak in the band."""
    prominence_db: float
    rms_mps2: float
    """Acceleration of the peak, all axes together, less what lies beside it."""
    rms_radps: float | None
    """The same of the angular rate; None without gyroscope."""
    floor: float
    """What the person showed at rest until then, in the unit of the sensor that decides."""
    filled_share: float
    """Share of the window's half seconds that are about as strong as the strongest."""
    onset_s: float
    """Start of the first of those half seconds."""
    is_shaking: bool


class TremorFinder:
    """Samples in, judged windows out.

    Accelerometer rows `(n, 3)` m/s2; gyroscope rows `(n, 3)` rad/s or None. With a gyroscope the decision is made on
    it: it is free of gravity, which leaks movement into the accelerometer.
    """

    def __init__(self, params: TremorParams | None = None) -> None:
        self.params = params or TremorParams()
        self._t_s: Floats = np.empty(0)
        self._rows: Floats = np.empty((0, 0))
        self._has_gyro = False
        self._next_s: float | None = None
        self._rest: float | None = None
        """Least band power of a window at rest so far (root mean square)."""

    def feed(self, t_s: Floats, acc_mps2: Floats, gyr_radps: Floats | None, rate_hz: float) -> Iterator[TremorWindow]:
        """Windows that are complete once these samples are in; `t_s` `(n,)` increasing."""
        params = self.params
        has_gyro = gyr_radps is not None
        rows = acc_mps2 if gyr_radps is None else np.hstack([acc_mps2, gyr_radps])
        keep = np.isfinite(rows).all(axis=1)
        t_s, rows = t_s[keep], rows[keep]
        if len(t_s) == 0:
            return
        if has_gyro != self._has_gyro or self._rows.shape[1] != rows.shape[1]:
            self._t_s, self._rows, self._has_gyro = np.empty(0), np.empty((0, rows.shape[1])), has_gyro
            self._rest = None
        if self._next_s is None:
            self._next_s = math.floor(float(t_s[0]) / params.hop_s) * params.hop_s
        self._t_s, self._rows = np.concatenate([self._t_s, t_s]), np.concatenate([self._rows, rows])
        while self._next_s + params.window_s <= self._t_s[-1]:
            start_s = self._next_s
            first, last = np.searchsorted(self._t_s, [start_s, start_s + params.window_s])
            if last - first >= params.least_samples_share * params.window_s * rate_hz:
                window = self._judge(start_s, self._t_s[first:last], self._rows[first:last], rate_hz)
                if window is not None:
                    yield window
            self._next_s += params.hop_s
            drop = int(np.searchsorted(self._t_s, self._next_s))
            if drop == len(self._t_s):
                break
            self._t_s, self._rows = self._t_s[drop:], self._rows[drop:]
            behind = math.floor((float(self._t_s[0]) - self._next_s) / params.hop_s)
            self._next_s += max(0, behind) * params.hop_s

    def _judge(self, start_s: float, t_s: Floats, rows: Floats, rate_hz: float) -> TremorWindow | None:
        params = self.params
        n = round(params.window_s * rate_hz)
        grid = start_s + (np.arange(n) + 0.5) * (params.window_s / n)
        even = np.stack([np.interp(grid, t_s, column) for column in rows.T], axis=1)
        fast = without_slow(even, params.peak)
        each = spectra(fast, params.window_s, params.peak)
        peak = find_peak(each[-1], params.peak)
        if peak is None:
            return None
        is_prominent = peak.prominence_db >= params.prominence_db
        if not is_prominent and self._is_still(even):
            self._learn_rest(each[-1].band_rms(*params.peak.band_hz))
        rms = [peak_rms(spectrum, peak.freq_hz, params.peak) for spectrum in each]
        is_filled = self._filled_cells(fast[:, -3:], peak)
        filled = float(np.mean(is_filled))
        floor = self._floor()
        return TremorWindow(
            start_s=start_s,
            end_s=start_s + params.window_s,
            freq_hz=peak.freq_hz,
            prominence_db=peak.prominence_db,
            rms_mps2=rms[0],
            rms_radps=rms[1] if self._has_gyro else None,
            floor=floor,
            filled_share=filled,
            onset_s=start_s + int(np.argmax(is_filled)) * params.window_s / len(is_filled),
            is_shaking=is_prominent and rms[-1] >= params.floor_factor * floor and filled >= params.filled_share,
        )

    def _is_still(self, even: Floats) -> bool:
        """As for a still pose: by the spread of what is slow, never by its level."""
        limits, peak = StillnessParams(), self.params.peak
        if slow_rms(even[:, :3], peak) >= limits.up_sd_deg * DEG * STANDARD_GRAVITY_MPS2:
            return False
        return not self._has_gyro or slow_rms(even[:, 3:], peak) < limits.gyr_sd_dps * DEG

    def _least_floor(self) -> float:
        return self.params.floor_radps if self._has_gyro else self.params.floor_mps2

    def _learn_rest(self, rms: float) -> None:
        if rms <= self.params.rest_factor * self._least_floor():
            self._rest = rms if self._rest is None else min(self._rest, rms)

    def _floor(self) -> float:
        """The person's own as far as known; never below what such a sensor shows on a table."""
        return max(self._least_floor(), self._rest or 0.0)

    def _filled_cells(self, fast: Floats, peak: Peak) -> NDArray[np.bool_]:
        """The half seconds in which the peak has at least half of its greatest amplitude."""
        n = len(fast)
        freq = np.arange(n // 2 + 1) / self.params.window_s
        parts = np.fft.rfft(fast @ peak.filter_sensor)
        parts[np.abs(freq - peak.freq_hz) > self.params.around_hz] = 0.0
        power = np.fft.irfft(parts, n) ** 2
        cells = np.array([cell.mean() for cell in np.array_split(power, max(1, round(2 * self.params.window_s)))])
        return np.asarray((cells > 0.0) & (cells >= 0.25 * cells.max()))

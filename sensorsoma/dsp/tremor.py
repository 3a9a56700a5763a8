"""Shaking: a narrow peak that stands out of the spectrum of voluntary movement.

Three-second windows every second. The power spectrum (Welch, 2 s segments, all axes added) of slow movement falls off
like a straight line in log-log axes; shaking is a peak that rises at least 10 dB above that line between 3.5 and 14
Hz. Plain band power cannot tell the two apart, since voluntary movement alone holds more power in the band than mild
shaking.

An impact is not shaking: its power sits in a moment, so the band must be filled for half of the window. Windows hang
on session time and use samples inside them only, so results do not depend on how samples arrive.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class TremorParams:
    """What counts as shaking."""

    window_s: float = 3.0
    """Length of a window: 10 to 40 periods of shaking, about one slow repetition."""
    hop_s: float = 1.0
    """A window begins this often."""
    segment_s: float = 2.0
    """Welch segments (Hann, half overlapping): 0.5 Hz resolution."""
    line_hz: tuple[float, float] = (1.5, 20.0)
    """Where the log-log line is fitted."""
    band_hz: tuple[float, float] = (3.5, 14.0)
    """Where shaking is searched: slow 3.5-6 Hz and fine 6-14 Hz."""
    prominence_db: float = 10.0
    """Least height of the peak above the line; found 90-99 percent of mild shaking in real movement."""
    floor_factor: float = 2.0
    """Shaking is at least this many times stronger than the floor at rest."""
    floor_mps2: float = 0.035
    """Floor of an unloaded leg with a coarse accelerometer: 3.6 mg in the band."""
    floor_radps: float = 0.08 * DEG
    """Floor of a consumer gyroscope in the band: 0.01-0.02 deg/s per root Hz over 10 Hz, and pulse."""
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
    """Acceleration in the band, all axes together."""
    rms_radps: float | None
    """Angular rate in the band; None without gyroscope."""
    speed_radps: float | None
    """Median angular speed; None without gyroscope."""
    filled_share: float
    """Share of the window's half seconds that are about as strong as the strongest."""
    onset_s: float
    """Start of the first of those half seconds."""
    is_shaking: bool


@dataclass(frozen=True, slots=True)
class _Spectrum:
    freq_hz: Floats
    power: Floats


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
        grid = start_s + (np.arange(n) + 0.5) / rate_hz
        even = np.stack([np.interp(grid, t_s, column) for column in rows.T], axis=1)
        acc, gyr = even[:, :3], even[:, 3:] if self._has_gyro else None
        judged = acc if gyr is None else gyr
        spectrum = _welch(judged, rate_hz, params.segment_s)
        peak = _prominence(spectrum, params)
        if peak is None:
            return None
        freq_hz, prominence_db = peak
        is_filled = _filled_cells(judged, rate_hz, freq_hz)
        filled = float(np.mean(is_filled))
        rms_acc = _band_rms(_welch(acc, rate_hz, params.segment_s), params.band_hz)
        rms_gyr = None if gyr is None else _band_rms(spectrum, params.band_hz)
        is_strong = (
            rms_acc >= params.floor_factor * params.floor_mps2
            if rms_gyr is None
            else rms_gyr >= params.floor_factor * params.floor_radps
        )
        return TremorWindow(
            start_s=start_s,
            end_s=start_s + params.window_s,
            freq_hz=freq_hz,
            prominence_db=prominence_db,
            rms_mps2=rms_acc,
            rms_radps=rms_gyr,
            speed_radps=None if gyr is None else float(np.median(np.sqrt((gyr**2).sum(axis=1)))),
            filled_share=filled,
            onset_s=start_s + int(np.argmax(is_filled)) * params.window_s / len(is_filled),
            is_shaking=prominence_db >= params.prominence_db and is_strong and filled >= params.filled_share,
        )


def _welch(rows: Floats, rate_hz: float, segment_s: float) -> _Spectrum:
    """One-sided power spectrum summed over columns, linear trend of each segment removed."""
    n = min(len(rows), round(segment_s * rate_hz))
    hop = max(1, n // 2)
    window = np.hanning(n + 1)[:-1]
    ramp = np.linspace(-1.0, 1.0, n)
    total = np.zeros(n // 2 + 1)
    begins = range(0, len(rows) - n + 1, hop)
    for begin in begins:
        part = rows[begin : begin + n] - rows[begin : begin + n].mean(axis=0)
        part = part - np.outer(ramp, ramp @ part / (ramp @ ramp))
        total += (np.abs(np.fft.rfft(part * window[:, None], axis=0)) ** 2).sum(axis=1)
    scale = 2.0 / (rate_hz * float(window @ window) * len(begins))
    return _Spectrum(np.arange(n // 2 + 1) * rate_hz / n, total * scale)


def _prominence(spectrum: _Spectrum, params: TremorParams) -> tuple[float, float] | None:
    """Frequency and height (dB) of the peak that rises most above the log-log line; None without power."""
    freq, power = spectrum.freq_hz, spectrum.power
    high = min(params.line_hz[1], 0.9 * freq[-1])
    inside = (freq >= params.line_hz[0]) & (freq <= high)
    if inside.sum() < 8 or not (power[inside] > 0.0).all():
        return None
    x, y = np.log10(freq[inside]), 10.0 * np.log10(power[inside])
    slope, level = np.polyfit(x, y, 1)
    above = y - (slope * x + level)
    freq = freq[inside]
    in_band = (freq >= params.band_hz[0]) & (freq <= params.band_hz[1])
    best = int(np.argmax(np.where(in_band, above, -np.inf)))
    return _refined(freq, above, best), float(above[best])


def _refined(freq: Floats, height: Floats, best: int) -> float:
    """The peak's frequency between the bins, from the parabola through three of them."""
    if not 0 < best < len(freq) - 1:
        return float(freq[best])
    left, middle, right = height[best - 1 : best + 2]
    bend = left - 2.0 * middle + right
    shift = 0.0 if bend >= 0.0 else float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5))
    return float(freq[best] + shift * (freq[1] - freq[0]))


def _band_rms(spectrum: _Spectrum, band_hz: tuple[float, float]) -> float:
    inside = (spectrum.freq_hz >= band_hz[0]) & (spectrum.freq_hz <= band_hz[1])
    return math.sqrt(float(spectrum.power[inside].sum()) * float(spectrum.freq_hz[1]))


def _filled_cells(rows: Floats, rate_hz: float, freq_hz: float) -> NDArray[np.bool_]:
    """The half seconds in which the band around `freq_hz` has at least half of its greatest amplitude."""
    n = len(rows)
    freq = np.fft.rfftfreq(n, 1.0 / rate_hz)
    # What is left of the slow movement would leak in from the window's edges: a polynomial of order 6 takes it out.
    shapes = np.polynomial.chebyshev.chebvander(np.linspace(-1.0, 1.0, n), 6)
    parts = np.fft.rfft(rows - shapes @ np.linalg.lstsq(shapes, rows, rcond=None)[0], axis=0)
    parts[np.abs(freq - freq_hz) > 1.5] = 0.0
    power = (np.fft.irfft(parts, n, axis=0) ** 2).sum(axis=1)
    cells = np.array([cell.mean() for cell in np.array_split(power, max(1, round(2 * n / rate_hz)))])
    return np.asarray((cells > 0.0) & (cells >= 0.25 * cells.max()))

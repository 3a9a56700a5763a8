"""A narrow peak in one direction, found beside everything else that a sensor's three axes hold at its frequency.

Shaking is a rotation to and fro about one axis, so at its frequency all of its power lies along one direction of the
sensor. What a person does by will fills the neighbouring frequencies too, and some directions more than others. So at
every frequency the spectral matrix of the three axes is compared with the matrix of the frequencies beside it: the
largest ratio of the two over all directions (the largest generalised eigenvalue) is the peak's prominence. It depends
neither on the sensor's noise nor on how much the person moves, nor on how the sensor was strapped on: in plain noise,
coloured or not, about the same prominence comes by chance.

The spectra are Thomson's: a few orthogonal tapers over the whole window instead of shorter segments, which leaves more
of a short window's information.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.signal.windows import dpss

from sensorsoma.messages import Floats


@dataclass(frozen=True, slots=True)
class PeakParams:
    """How a narrow peak is looked for."""

    time_bandwidth: float = 2.0
    """Half the width of a peak times the window's length: 0.67 Hz for 3 s, as shaking wanders by half a hertz."""
    n_tapers: int = 3
    """Tapers that fit into this width with little leakage: twice the above, less one."""
    slow_order: int = 6
    """A polynomial of this order is taken out first: it follows movement slower than a cycle in three seconds."""
    band_hz: tuple[float, float] = (3.5, 14.0)
    """Where shaking is searched: slow 3.5-6 Hz and fine 6-14 Hz."""
    around_hz: tuple[float, float] = (1.5, 20.0)
    """What serves as surroundings: above the movement itself, below the sensors' own filters."""
    beside_hz: tuple[float, float] = (1.0, 3.0)
    """The surroundings of a frequency lie this far from it: beyond the peak's own width, near enough to be alike."""
    least_share: float = 0.02
    """A direction with less of the surroundings' power than this is taken to have it: few samples estimate no less."""


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """One-sided spectral density of three axes: real parts `(n, 3, 3)`, units squared per Hz."""

    freq_hz: Floats
    """`(n,)`, from zero, evenly spaced."""
    density: Floats

    def band_rms(self, low_hz: float, high_hz: float) -> float:
        """Root mean square within a band, all axes together."""
        inside = (self.freq_hz >= low_hz) & (self.freq_hz <= high_hz)
        return _rms(float(np.trace(self.density[inside], axis1=1, axis2=2).sum()), self.freq_hz)


@dataclass(frozen=True, slots=True, eq=False)
class Peak:
    """The most prominent peak of a spectrum."""

    freq_hz: float
    prominence_db: float
    """Above the frequencies beside it, in the direction in which that is most."""
    filter_sensor: Floats
    """`(3,)`: the weights of the axes that show the peak best."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shapes:
    """What only depends on the number of samples."""

    slow: Floats
    """`(n, slow_order + 1)`, orthonormal."""
    tapers: Floats
    """`(n_tapers, n, 1)`, unit energy."""


@lru_cache(maxsize=16)
def _shapes(n: int, params: PeakParams) -> _Shapes:
    slow, _ = np.linalg.qr(np.polynomial.chebyshev.chebvander(np.linspace(-1.0, 1.0, n), params.slow_order))
    return _Shapes(slow, dpss(n, params.time_bandwidth, params.n_tapers)[:, :, None])


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What only depends on the frequencies: bins that are used, their means beside each candidate, the line's fit."""

    used: slice
    candidates: slice
    """Within `used`."""
    beside: Floats
    """`(n_candidates, n_used)`: rows are means over the surroundings."""
    slope_of: Floats
    """`(n_used,)`: slope of a straight line through log power over log frequency."""
    log_freq: Floats


@lru_cache(maxsize=16)
def _search(n_bins: int, step_hz: float, params: PeakParams) -> _Search | None:
    freq = np.arange(n_bins) * step_hz
    high = min(params.around_hz[1], 0.9 * float(freq[-1]))
    first, stop = np.searchsorted(freq, [params.around_hz[0] - 1e-9, high + 1e-9])
    used = freq[first:stop]
    # A slow sensor's band ends where nothing would be left above a frequency to compare it with.
    top = min(params.band_hz[1], high - 2.0 * params.beside_hz[0])
    begin, end = np.searchsorted(used, [params.band_hz[0] - 1e-9, top + 1e-9])
    if end - begin < 3:
        return None
    away = np.abs(used[begin:end, None] - used[None, :])
    beside = ((away > params.beside_hz[0] - 1e-9) & (away < params.beside_hz[1] + 1e-9)).astype(float)
    log_freq = np.log(used)
    centred = log_freq - log_freq.mean()
    return _Search(
        used=slice(int(first), int(stop)),
        candidates=slice(int(begin), int(end)),
        beside=beside / beside.sum(axis=1, keepdims=True),
        slope_of=centred / float(centred @ centred),
        log_freq=log_freq,
    )


def without_slow(rows: Floats, params: PeakParams) -> Floats:
    """Rows `(n, k)` less their slow movement."""
    slow = _shapes(len(rows), params).slow
    return rows - slow @ (slow.T @ rows)


def slow_rms(rows: Floats, params: PeakParams) -> float:
    """Root mean square of the slow movement about its mean, all columns of `(n, k)` together."""
    slow = _shapes(len(rows), params).slow[:, 1:]
    centred = rows - rows.mean(axis=0)
    return math.sqrt(float(((slow.T @ centred) ** 2).sum()) / len(rows))


def spectra(fast: Floats, window_s: float, params: PeakParams) -> list[Spectrum]:
    """Spectra of every three columns of `(n, 3 k)`; rows without slow movement, evenly spaced over `window_s`."""
    n = len(fast)
    parts = np.fft.rfft(fast * _shapes(n, params).tapers, axis=1)
    freq = np.arange(parts.shape[1]) / window_s
    scale = 2.0 * window_s / (n * params.n_tapers)
    return [
        Spectrum(freq, scale * np.einsum("tfa,tfb->fab", three, three.conj()).real)
        for three in np.split(parts, fast.shape[1] // 3, axis=2)
    ]


def find_peak(spectrum: Spectrum, params: PeakParams) -> Peak | None:
    """The most prominent peak in the band; None without power or with too slow a sensor."""
    search = _search(len(spectrum.freq_hz), float(spectrum.freq_hz[1]), params)
    if search is None:
        return None
    density = spectrum.density[search.used]
    total = np.trace(density, axis1=1, axis2=2)
    if not (total > 0.0).all():
        return None
    # Movement's spectrum falls steeply: levelled by its own straight line, both sides of a frequency count alike.
    slope = float(search.slope_of @ np.log(total))
    level = density * np.exp(-slope * search.log_freq)[:, None, None]
    beside = np.tensordot(search.beside, level, axes=1)
    floor = params.least_share / 3.0 * np.trace(beside, axis1=1, axis2=2)
    beside += floor[:, None, None] * np.eye(3)
    whiten = np.linalg.inv(np.linalg.cholesky(beside))
    ratios, directions = np.linalg.eigh(whiten @ level[search.candidates] @ np.swapaxes(whiten, 1, 2))
    height = 10.0 * np.log10(ratios[:, -1])
    best = int(np.argmax(height))
    freq = spectrum.freq_hz[search.used][search.candidates]
    return Peak(
        freq_hz=_middle(freq, ratios[:, -1], best),
        prominence_db=float(height[best]),
        filter_sensor=whiten[best].T @ directions[best, :, -1],
    )


def peak_rms(spectrum: Spectrum, freq_hz: float, params: PeakParams) -> float:
    """Root mean square of a peak, all axes together, less the level (geometric mean) of what lies beside it."""
    power = np.trace(spectrum.density, axis1=1, axis2=2)
    away = np.abs(spectrum.freq_hz - freq_hz)
    near, far = params.beside_hz
    inside, beside = away <= near, (away > near) & (away <= far) & (spectrum.freq_hz >= params.around_hz[0])
    level = float(np.exp(np.log(np.maximum(power[beside], 1e-30)).mean()))
    return _rms(max(0.0, float((power[inside] - level).sum())), spectrum.freq_hz)


def _rms(density_sum: float, freq_hz: Floats) -> float:
    return math.sqrt(density_sum * float(freq_hz[1]))


def _middle(freq: Floats, ratio: Floats, best: int) -> float:
    """The peak's frequency between the bins: tapers make its top flat, so by weight, two bins to either side."""
    around = slice(max(0, best - 2), best + 3)
    weights = np.maximum(ratio[around] - 1.0, 0.0)
    total = float(weights.sum())
    return float(freq[best]) if total <= 0.0 else float(weights @ freq[around]) / total

"""Butterworth filters that remember: block by block the same output as in one go.

Second-order sections with carried state give bit-identical results for any cut of the input. A filter starts as if
the first sample had been there for ever, so there is no transient from zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.signal import butter, sosfilt, sosfilt_zi

from sensorsoma.messages import Floats

FilterKind = Literal["lowpass", "highpass", "bandpass"]


@dataclass(frozen=True, slots=True)
class FilterParams:
    """A Butterworth filter."""

    kind: FilterKind
    """What passes."""
    cut_hz: float | tuple[float, float]
    """-3 dB frequency; two of them for a band-pass."""
    order: int = 2
    """Order of the low- or high-pass; a band-pass has this order on each flank."""


class StreamingFilter:
    """A causal Butterworth filter over the columns of `(n, k)` or over `(n,)`, fed block by block.

    Cuts at or above 0.45 of the rate are lowered to that, so that a slow sensor still gets a filter. A sample that is
    not finite is replaced by the one before it (zero before the first), since one NaN would otherwise stay in the
    state for ever.

    >>> low = StreamingFilter(FilterParams("lowpass", 0.8), rate_hz=100.0)
    >>> np.round(low.feed(np.full(3, 5.0)), 6).tolist()
    [5.0, 5.0, 5.0]
    >>> round(low.delay_s, 2)
    0.28
    """

    def __init__(self, params: FilterParams, rate_hz: float) -> None:
        if not (math.isfinite(rate_hz) and rate_hz > 0):
            raise ValueError(f"the sampling rate must be above 0 Hz, got {rate_hz}")
        self.params = params
        self.rate_hz = rate_hz
        self._sos = _design(params, rate_hz).copy()
        self._zi_unit = np.asarray(sosfilt_zi(self._sos))
        self._zi: Floats | None = None
        self._last: Floats | None = None

    @property
    def delay_s(self) -> float:
        """Group delay at 0 Hz for a low-pass, at the geometric mid-band for a band-pass; 0 for a high-pass."""
        return group_delay_s(self.params, self.rate_hz)

    def reset(self) -> None:
        """Forget everything: the next sample is the first."""
        self._zi = None
        self._last = None

    def feed(self, values: Floats) -> Floats:
        """Filtered samples of the same shape as `values`."""
        x = np.asarray(values, dtype=np.float64)
        if len(x) == 0:
            return np.asarray(x.copy())
        columns = x.reshape(len(x), -1)
        columns = self._finite(columns)
        if self._zi is None:
            self._zi = self._zi_unit[:, :, None] * columns[0]
        out, self._zi = sosfilt(self._sos, columns, axis=0, zi=self._zi)
        return np.asarray(out).reshape(x.shape)

    def _finite(self, columns: Floats) -> Floats:
        if not np.isfinite(columns).all():
            columns = columns.copy()
            previous = np.zeros(columns.shape[1]) if self._last is None else self._last
            for row in columns:
                bad = ~np.isfinite(row)
                row[bad] = previous[bad]
                previous = row
        self._last = columns[-1].copy()
        return columns


@lru_cache(maxsize=64)
def _design(params: FilterParams, rate_hz: float) -> Floats:
    highest = 0.45 * rate_hz
    cuts: Sequence[float] = params.cut_hz if isinstance(params.cut_hz, tuple) else (params.cut_hz,)
    wanted = [min(cut, highest) for cut in cuts]
    if len(wanted) == 2 and wanted[0] >= wanted[1]:
        wanted[0] = 0.5 * wanted[1]
    wn = wanted if params.kind == "bandpass" else wanted[0]
    return np.asarray(butter(params.order, wn, btype=params.kind, fs=rate_hz, output="sos"))


@lru_cache(maxsize=64)
def group_delay_s(params: FilterParams, rate_hz: float) -> float:
    """Seconds by which the filter delays what it passes; see `StreamingFilter.delay_s`."""
    if params.kind == "highpass":
        return 0.0
    sos = _design(params, rate_hz)
    at_hz = math.sqrt(params.cut_hz[0] * params.cut_hz[1]) if isinstance(params.cut_hz, tuple) else 0.0
    step = 2.0 * math.pi * min(at_hz, 0.45 * rate_hz) / rate_hz
    z = np.exp(-1j * step * np.arange(3))
    ramp = np.arange(3)
    delay = 0.0
    for section in sos:
        for taps, sign in ((section[:3], 1.0), (section[3:], -1.0)):
            total = taps @ z
            if abs(total) > 1e-12:
                delay += sign * float(((ramp * taps) @ z / total).real)
    return delay / rate_hz

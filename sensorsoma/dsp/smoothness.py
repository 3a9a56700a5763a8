"""How smooth a movement was: the length of its speed spectrum (SPARC)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats


@dataclass(frozen=True, slots=True)
class SparcParams:
    """Constants of the measure; numbers compare only for equal constants (Balasubramanian 2015)."""

    cut_hz: float = 10.0
    """Nothing voluntary moves faster."""
    threshold: float = 0.05
    """The spectrum ends where it stays below this share of its value at 0 Hz."""
    padding: int = 4
    """The spectrum is drawn on a grid 2 to this power (16) times as fine."""


def sparc(speed: Floats, rate_hz: float, params: SparcParams | None = None) -> float | None:
    """Spectral arc length of a speed profile `(n,)`, negative; closer to 0 is smoother. None when there is no movement.

    Speed should be the angular speed of a gyroscope over one way (out, or back); from an accelerometer it is not
    valid (Melendez-Calderon 2021). It falls with duration, so compare equal tempo only. A bell-shaped speed gives
    about -1.4 to -1.6.

    >>> t = np.linspace(0, 1, 101)
    >>> round(sparc(t**2 * (1 - t) ** 2, 100.0), 2)
    -1.41
    """
    params = params or SparcParams()
    speed = np.asarray(speed, dtype=np.float64)
    speed = speed[np.isfinite(speed)]
    if len(speed) < 4 or not speed.max(initial=0.0) > 0.0:
        return None
    n_fft = int(2 ** (np.ceil(np.log2(len(speed))) + params.padding))
    height = np.abs(np.fft.rfft(speed, n_fft))
    if not height[0] > 0.0:
        return None
    freq = np.arange(len(height)) * (rate_hz / n_fft)
    inside = freq <= params.cut_hz
    height, freq = height[inside] / height[0], freq[inside]
    above = np.flatnonzero(height >= params.threshold)
    height, freq = height[: above[-1] + 1], freq[: above[-1] + 1]
    if len(freq) < 2:
        return None
    return -float(np.sum(np.hypot(np.diff(freq) / (freq[-1] - freq[0]), np.diff(height))))

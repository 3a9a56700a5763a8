"""Spectral arc length of a speed profile."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.dsp.smoothness import sparc


def bell(seconds: float, rate_hz: float) -> np.ndarray:
    """Speed of a minimum-jerk movement."""
    x = np.linspace(0, 1, round(seconds * rate_hz) + 1)
    return 30 * x**2 * (1 - x) ** 2


def test_a_smooth_reach_has_the_known_value() -> None:
    """A minimum-jerk movement of one second gives -1.41, whatever its size and the sampling rate."""
    for rate in (52.0, 104.0, 208.0):
        assert sparc(bell(1.0, rate), rate) == pytest.approx(-1.41, abs=0.02)
        assert sparc(7.0 * bell(1.0, rate), rate) == pytest.approx(sparc(bell(1.0, rate), rate), abs=1e-9)


def test_jerky_movement_is_less_smooth() -> None:
    """Two stops on the way, or shaking, make the value more negative."""
    smooth = bell(3.0, 104.0)
    stops = np.concatenate([bell(1.0, 104.0)] * 3)
    t = np.arange(len(smooth)) / 104.0
    shaken = np.abs(smooth + 0.2 * np.sin(2 * np.pi * 6 * t))
    assert sparc(stops, 104.0) < sparc(smooth, 104.0) - 0.5
    assert sparc(shaken, 104.0) < sparc(smooth, 104.0) - 0.1


def test_no_movement_has_no_smoothness() -> None:
    """Nothing, zeros, too few samples and holes give None or leave the holes out."""
    assert sparc(np.zeros(100), 100.0) is None
    assert sparc(np.array([1.0, 2.0]), 100.0) is None
    assert sparc(np.full(50, np.nan), 100.0) is None
    holed = bell(1.0, 104.0)
    holed[50] = np.nan
    assert sparc(holed, 104.0) == pytest.approx(-1.41, abs=0.05)

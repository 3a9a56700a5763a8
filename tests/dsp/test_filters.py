"""Streaming Butterworth filters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.dsp.filters import FilterParams, StreamingFilter

KINDS = [
    FilterParams("lowpass", 0.8),
    FilterParams("highpass", 1.0),
    FilterParams("bandpass", (3.5, 14.0)),
]


@given(cuts=st.lists(st.integers(0, 200), max_size=8), which=st.sampled_from(KINDS), seed=st.integers(0, 99))
def test_any_cut_gives_bit_identical_output(cuts: list[int], which: FilterParams, seed: int) -> None:
    """Feeding the same samples in any pieces, empty ones too, gives exactly the same output."""
    x = np.random.default_rng(seed).normal(size=(200, 3)) + 4.0
    whole = StreamingFilter(which, 104.0).feed(x)
    pieces = StreamingFilter(which, 104.0)
    parts = [pieces.feed(part) for part in np.split(x, sorted(cuts))]
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("params", KINDS)
def test_a_constant_passes_without_transient(params: FilterParams) -> None:
    """A constant stays itself, or zero where the mean is removed, from the first sample on."""
    y = StreamingFilter(params, 52.0).feed(np.full((300, 2), 9.81))
    assert np.allclose(y, 9.81 if params.kind == "lowpass" else 0.0, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [25.0, 52.0, 103.0, 208.0])
def test_slow_movement_arrives_after_the_stated_delay(rate_hz: float) -> None:
    """A slow ramp comes out of the low-pass shifted by `delay_s`, 0.28 s at 0.8 Hz for every rate."""
    low = StreamingFilter(FilterParams("lowpass", 0.8), rate_hz)
    t = np.arange(0, 10, 1 / rate_hz)
    y = low.feed(t)
    assert low.delay_s == pytest.approx(0.281, abs=0.005)
    assert t[-1] - y[-1] == pytest.approx(low.delay_s, abs=1e-3)


def test_band_pass_keeps_the_band_and_drops_the_rest() -> None:
    """8 Hz passes a 3.5-14 Hz band at full height; 0.5 Hz and 30 Hz come out below 6 percent."""
    t = np.arange(0, 12, 1 / 104)
    heights = []
    for freq in (8.0, 0.5, 30.0):
        y = StreamingFilter(KINDS[2], 104.0).feed(np.sin(2 * np.pi * freq * t))
        heights.append(np.abs(y[600:]).max())
    assert heights[0] == pytest.approx(1.0, abs=0.05)
    assert heights[1] < 0.06
    assert heights[2] < 0.12


def test_a_bad_sample_does_not_poison_the_filter() -> None:
    """NaN and infinity are replaced by the sample before them; the output stays finite and returns to the signal."""
    x = np.ones((200, 2))
    x[50, 0], x[51, 1], x[0, 0] = np.nan, np.inf, np.nan
    y = StreamingFilter(KINDS[0], 52.0).feed(x)
    assert np.isfinite(y).all()
    assert np.allclose(y[-1], 1.0, atol=1e-3)


def test_cuts_beyond_a_slow_rate_are_lowered() -> None:
    """A 3.5-14 Hz band on a 25 Hz sensor still makes a filter."""
    assert np.isfinite(StreamingFilter(KINDS[2], 25.0).feed(np.ones(50))).all()


def test_a_rate_that_is_no_rate_is_refused() -> None:
    """Zero, negative and NaN rates raise at once."""
    for rate in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="rate"):
            StreamingFilter(KINDS[0], rate)

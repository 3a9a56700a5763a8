"""A narrow peak in one direction, beside what the three axes hold around it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from scipy.spatial.transform import Rotation

from sensorsoma.dsp.line_spectrum import Peak, PeakParams, find_peak, peak_rms, spectra, without_slow
from sensorsoma.messages import Floats

PARAMS = PeakParams()
WINDOW_S = 3.0


def movement(rate_hz: float, seed: int, cut_hz: float = 1.0) -> Floats:
    """Three seconds whose power falls steeply with frequency, most of it along one axis, and white sensor noise."""
    rng = np.random.default_rng(seed)
    n = round(WINDOW_S * rate_hz)
    slow = sosfilt(butter(2, cut_hz, fs=rate_hz, output="sos"), rng.normal(size=(4 * n, 3)), axis=0)[-n:]
    return np.asarray(slow * np.array([10.0, 1.0, 1.0]) + 0.02 * rng.normal(size=(n, 3)))


def tone(rate_hz: float, freq_hz: float, peak: float, along: Floats) -> Floats:
    """A pure tone along one direction."""
    t_s = (np.arange(round(WINDOW_S * rate_hz)) + 0.5) / rate_hz
    return np.asarray(peak * np.sin(2 * np.pi * freq_hz * t_s + 0.7)[:, None] * along)


def peak_of(rows: Floats) -> Peak:
    """The most prominent one."""
    found = find_peak(spectra(without_slow(rows, PARAMS), WINDOW_S, PARAMS)[0], PARAMS)
    assert found is not None
    return found


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 208.0])
@pytest.mark.parametrize("freq_hz", [3.8, 6.3, 9.0, 13.5])
def test_frequency_and_strength_are_those_of_the_tone(rate_hz: float, freq_hz: float) -> None:
    """Movement beside the tone changes neither its frequency by more than 0.25 Hz nor its strength by a fifth."""
    rows = movement(rate_hz, 1) + tone(rate_hz, freq_hz, 0.5, np.array([0.0, 0.6, 0.8]))
    found = peak_of(rows)
    assert found.prominence_db > 15
    assert found.freq_hz == pytest.approx(freq_hz, abs=0.25)
    spectrum = spectra(without_slow(rows, PARAMS), WINDOW_S, PARAMS)[0]
    assert peak_rms(spectrum, found.freq_hz, PARAMS) == pytest.approx(0.5 / np.sqrt(2), rel=0.2)


def test_how_the_sensor_was_strapped_on_and_its_unit_change_nothing() -> None:
    """Turned by any rotation and in another unit the same peak comes out as prominent and at the same frequency."""
    rows = movement(104.0, 2) + tone(104.0, 7.0, 0.1, np.array([0.0, 1.0, 0.0]))
    plain = peak_of(rows)
    for turn in Rotation.random(5, random_state=3):
        turned = peak_of(250.0 * turn.apply(rows))
        assert turned.prominence_db == pytest.approx(plain.prominence_db, abs=1e-6)
        assert turned.freq_hz == pytest.approx(plain.freq_hz, abs=1e-6)


def test_a_tone_across_the_movement_is_not_drowned_by_it() -> None:
    """Ten times the movement along one axis costs a tone along another less than 3 dB, and not 20."""
    across = tone(104.0, 5.0, 0.15, np.array([0.0, 0.0, 1.0]))
    gains = []
    for seed in range(8):
        busy = movement(104.0, seed, cut_hz=3.0)
        calm = busy * np.array([0.1, 1.0, 1.0])
        gains.append(peak_of(busy + across).prominence_db - peak_of(calm + across).prominence_db)
    assert -3.0 < np.median(gains) < 1.0


@pytest.mark.parametrize("cut_hz", [1.0, 4.0])
def test_noise_of_any_colour_seldom_stands_out(cut_hz: float) -> None:
    """Movement without a tone reaches 10 dB in fewer than one window in fifty, whatever its spectrum."""
    heights = [peak_of(movement(104.0, seed, cut_hz)).prominence_db for seed in range(300)]
    assert np.mean(np.array(heights) >= 10.0) < 0.02


def test_a_slow_sensor_is_searched_as_far_as_it_sees() -> None:
    """At 25 Hz a tone of 6 Hz is found; at 8 Hz nothing is claimed."""
    rows = movement(25.0, 4) + tone(25.0, 6.0, 0.5, np.array([0.0, 1.0, 0.0]))
    assert peak_of(rows).freq_hz == pytest.approx(6.0, abs=0.3)
    slow = movement(8.0, 4)
    assert find_peak(spectra(without_slow(slow, PARAMS), WINDOW_S, PARAMS)[0], PARAMS) is None

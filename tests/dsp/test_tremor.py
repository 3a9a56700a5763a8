"""Shaking found by the prominence of its peak."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.dsp.tremor import TremorFinder, TremorWindow
from sensorsoma.messages import Floats


def moving(seconds: float, rate_hz: float, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """Times, accelerometer and gyroscope of a leg that swings slowly by 50 degrees, with consumer sensor noise."""
    rng = np.random.default_rng(seed)
    t = np.arange(0, seconds, 1 / rate_hz)
    angle = np.deg2rad(25) * (1 - np.cos(2 * np.pi * 0.25 * t))
    gyr = np.zeros((len(t), 3))
    gyr[:, 0] = np.gradient(angle, t)
    acc = 9.81 * np.stack([np.zeros_like(t), np.sin(angle), np.cos(angle)], axis=1)
    gyr += np.deg2rad(0.015) * np.sqrt(rate_hz / 2) * rng.normal(size=gyr.shape)
    acc += 9.81 * 150e-6 * np.sqrt(rate_hz / 2) * rng.normal(size=acc.shape)
    return t, acc, gyr


def shake(t: Floats, acc: Floats, gyr: Floats, freq_hz: float, peak_deg: float, span: tuple[float, float]) -> None:
    """Add a rotation of this amplitude 0.3 m from the hip, in place."""
    inside = (t >= span[0]) & (t < span[1])
    w = 2 * np.pi * freq_hz
    gyr[inside, 0] += np.deg2rad(peak_deg) * w * np.cos(w * t[inside])
    acc[inside, 1] -= 0.3 * np.deg2rad(peak_deg) * w**2 * np.sin(w * t[inside])


def windows(t: Floats, acc: Floats, gyr: Floats | None, rate_hz: float) -> list[TremorWindow]:
    """All windows at once."""
    return list(TremorFinder().feed(t, acc, gyr, rate_hz))


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 208.0])
@pytest.mark.parametrize("freq_hz", [5.0, 7.3, 11.0])
@pytest.mark.parametrize("has_gyro", [True, False])
def test_mild_shaking_in_movement_is_found(rate_hz: float, freq_hz: float, has_gyro: bool) -> None:
    """0.05 degrees at 5-11 Hz in slow movement shows in every window, with its frequency and strength."""
    t, acc, gyr = moving(12, rate_hz)
    shake(t, acc, gyr, freq_hz, 0.05, (0, 12))
    found = windows(t, acc, gyr if has_gyro else None, rate_hz)
    assert len(found) == 9
    assert all(window.is_shaking for window in found)
    assert all(abs(window.freq_hz - freq_hz) < 0.3 for window in found)
    if has_gyro:
        wanted = np.deg2rad(0.05) * 2 * np.pi * freq_hz / np.sqrt(2)
        assert np.median([window.rms_radps for window in found]) == pytest.approx(wanted, rel=0.3)
    else:
        assert all(window.rms_radps is None for window in found)


@pytest.mark.parametrize("rate_hz", [52.0, 208.0])
def test_movement_alone_is_not_shaking(rate_hz: float) -> None:
    """Slow swings with sensor noise, and rest, show no shaking."""
    t, acc, gyr = moving(30, rate_hz)
    assert not any(window.is_shaking for window in windows(t, acc, gyr, rate_hz))
    assert not any(window.is_shaking for window in windows(t, acc, None, rate_hz))
    still = np.random.default_rng(1).normal(size=(len(t), 3))
    assert not any(window.is_shaking for window in windows(t, acc[:1] + 0.01 * still, 1e-4 * still, rate_hz))


def test_an_impact_is_not_shaking() -> None:
    """A knock that rings at 7 Hz for a fifth of a second has the right frequency, but only for a moment."""
    t, acc, gyr = moving(12, 104.0)
    since = t - 6.0
    ring = np.where(since > 0, np.exp(-since / 0.1) * np.sin(2 * np.pi * 7 * since), 0.0)
    gyr[:, 0] += 0.3 * ring
    acc[:, 1] += 4.0 * ring
    assert not any(window.is_shaking for window in windows(t, acc, gyr, 104.0))
    assert not any(window.is_shaking for window in windows(t, acc, None, 104.0))


def test_the_onset_is_told_to_half_a_second() -> None:
    """The first shaking window tells when within it the shaking began."""
    t, acc, gyr = moving(14, 104.0)
    shake(t, acc, gyr, 8.0, 0.05, (5.4, 14))
    first = next(window for window in windows(t, acc, gyr, 104.0) if window.is_shaking)
    assert first.onset_s == pytest.approx(5.4, abs=0.5)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 1248), max_size=20))
def test_windows_do_not_depend_on_the_cut(cuts: list[int]) -> None:
    """The same windows come out equal for any pieces, empty ones included."""
    t, acc, gyr = moving(12, 104.0)
    shake(t, acc, gyr, 8.0, 0.05, (4, 9))
    finder = TremorFinder()
    pieces = [np.split(part, sorted(cuts)) for part in (t, acc, gyr)]
    found = [window for a, b, c in zip(*pieces, strict=True) for window in finder.feed(a, b, c, 104.0)]
    assert found == windows(t, acc, gyr, 104.0)


def test_lost_packets_do_not_hide_shaking_and_long_gaps_are_skipped() -> None:
    """Five percent of packets lost leaves the shaking; windows that reach into a ten-second gap are not judged."""
    t, acc, gyr = moving(40, 104.0)
    shake(t, acc, gyr, 8.0, 0.05, (0, 40))
    packet = np.arange(len(t)) // 8
    keep = np.random.default_rng(2).random(packet.max() + 1)[packet] > 0.05
    keep &= (t < 15) | (t > 25)
    found = windows(t[keep], acc[keep], gyr[keep], 104.0)
    assert np.mean([window.is_shaking for window in found]) > 0.9
    assert not [window for window in found if window.end_s > 15.7 and window.start_s < 24.3]


def test_bad_numbers_are_left_out() -> None:
    """Rows with NaN are missing samples; nothing raises, whatever is fed."""
    t, acc, gyr = moving(12, 104.0)
    shake(t, acc, gyr, 8.0, 0.05, (0, 12))
    acc[::97] = np.nan
    assert all(window.is_shaking for window in windows(t, acc, gyr, 104.0))
    assert windows(t, np.full_like(acc, np.nan), gyr, 104.0) == []
    assert not any(window.is_shaking for window in windows(t, np.zeros_like(acc), np.zeros_like(gyr), 104.0))


def test_the_persons_own_rest_raises_the_floor_from_then_on() -> None:
    """Once seen resting with a hum of 0.06 m/s2, shaking of 0.09 m/s2 no longer counts; before, it did."""
    rate = 104.0
    t = np.arange(0, 36, 1 / rate)
    rng = np.random.default_rng(3)
    hum = 0.06 / np.sqrt(3 * 10.5 * 2 / rate) * rng.normal(size=(len(t), 3))
    acc = np.array([0.0, 0.0, 9.81]) + hum
    faint = 0.09 * np.sqrt(2) * np.sin(2 * np.pi * 8 * t)
    acc[:, 0] += np.where((t < 12) | (t > 24), faint, 0.0)
    found = windows(t, acc, None, rate)
    early = [window for window in found if window.end_s <= 12]
    late = [window for window in found if window.start_s >= 24.5]
    assert all(window.is_shaking and window.floor == pytest.approx(0.035) for window in early)
    assert all(0.05 < window.floor < 0.07 and not window.is_shaking for window in late)
    assert all(window.prominence_db > 10 for window in late)


def test_a_leg_that_lies_still_but_works_teaches_no_floor() -> None:
    """A held pose whose muscles rumble at 0.15 m/s2 is no rest: shaking that comes out of it is still found."""
    rate = 104.0
    t = np.arange(0, 24, 1 / rate)
    rumble = 0.15 / np.sqrt(3 * 10.5 * 2 / rate) * np.random.default_rng(4).normal(size=(len(t), 3))
    acc = np.array([0.0, 9.81, 0.0]) + rumble
    acc[:, 0] += np.where(t > 12, 0.35 * np.sin(2 * np.pi * 9 * t), 0.0)
    found = windows(t, acc, None, rate)
    assert {round(window.floor, 3) for window in found} == {0.035}
    assert np.mean([window.is_shaking for window in found if window.start_s > 12]) > 0.9


def test_strength_is_the_shakings_own() -> None:
    """Voluntary movement in the same band is not counted as strength of the shaking."""
    t, acc, gyr = moving(12, 104.0)
    jerky = np.random.default_rng(5).normal(size=len(t))
    gyr[:, 1] += 0.01 * np.convolve(jerky, np.hanning(21), mode="same")
    shake(t, acc, gyr, 9.0, 0.05, (0, 12))
    strengths = [window.rms_radps for window in windows(t, acc, gyr, 104.0)]
    assert np.median(strengths) == pytest.approx(np.deg2rad(0.05) * 2 * np.pi * 9 / np.sqrt(2), rel=0.15)

"""How well a sensor measured: everything that can be off, and the words for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.exercises.health import SensorWatch
from sensorsoma.messages import Floats, Gap, ImuBlock
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


def resting(seconds: float = 20.0, rate_hz: float = 50.0, seed: int = 0) -> tuple[Floats, Floats, Floats]:
    """A sensor that lies in four poses in turn: times, readings, rates."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(0, seconds, 1 / rate_hz)
    pose = np.minimum((t_s / seconds * 4).astype(int), 3)
    up = np.array([[0, 0, 1.0], [0, 1.0, 0], [0.7, 0, 0.714], [0, -0.8, 0.6]])[pose]
    acc = up * STANDARD_GRAVITY_MPS2 + rng.normal(0, 0.02, (len(t_s), 3))
    return t_s, acc, rng.normal(0, 0.05 * DEG, (len(t_s), 3))


def watched(t_s: Floats, acc: Floats, gyr: Floats | None, size: int = 8, **how: Any) -> dict[str, Any]:
    """What is said of these samples, fed in blocks of `size`."""
    watch = SensorWatch(**how)
    for begin in range(0, len(t_s), size):
        part = slice(begin, begin + size)
        watch.feed(ImuBlock("right-thigh", 50.0, t_s[part], acc[part], None if gyr is None else gyr[part]))
    return watch.measures()


def test_a_good_sensor_gets_numbers_and_no_remark() -> None:
    """Rate, noise, resting length and offset as they are, and nothing to say."""
    found = watched(*resting())
    assert found["rate_hz"] == pytest.approx(50.0, abs=0.01)
    assert found["acc_noise_mps2"] == pytest.approx(0.02, rel=0.1)
    assert found["rest_norm_g"] == pytest.approx(1.0, abs=0.001)
    assert found["gyr_offset_dps"] == pytest.approx([0, 0, 0], abs=0.02)
    assert found["acc_clipping"]["share"] == found["gyr_clipping"]["share"] == 0.0
    assert found["notes"] == []


def test_a_short_gravity_is_said_with_what_it_does_to_angles() -> None:
    """0.95 g at rest: the sentence names it and the degrees, and what to do."""
    t_s, acc, gyr = resting()
    found = watched(t_s, acc * 0.95, gyr)
    assert len(found["notes"]) == 1
    assert "0.950 g" in found["notes"][0]
    assert "3 degrees" in found["notes"][0]


def test_a_wrong_unit_is_said_strongly() -> None:
    """0.8 g at rest is no matter of calibration: angles are not to be relied on."""
    t_s, acc, gyr = resting()
    assert "Do not rely on its angles" in watched(t_s, acc * 0.8, gyr)["notes"][0]


def test_what_a_kept_fit_takes_off_needs_no_remark() -> None:
    """With the fit of an earlier session the same gravity is in order, and said so; with another sensor's it is not."""
    t_s, acc, gyr = resting()
    read = acc * np.array([0.97, 1.0, 1.0]) + [0.0, 0.3, 0.0]
    right = {"offset_mps2": [0.0, 0.3, 0.0], "gain": [0.97, 1.0, 1.0]}
    assert "may be off" in watched(t_s, read, gyr)["notes"][0]
    taken = watched(t_s, read, gyr, acc_fit=right)["notes"]
    assert len(taken) == 1
    assert "taken off" in taken[0]
    wrong = {"offset_mps2": [0.0, -0.3, 0.0], "gain": [1.0, 1.0, 1.0]}
    assert "another sensor" in watched(t_s, read, gyr, acc_fit=wrong)["notes"][0]


def test_clipping_is_seen_without_knowing_the_range() -> None:
    """Knocks cut off at 2 g and turns cut off at 250 deg/s: limit, share and length; round peaks are not clipped."""
    t_s, acc, gyr = resting()
    swing = np.sin(2 * np.pi * 1.0 * t_s)
    round_ = watched(t_s, acc + np.outer(18 * swing, [1, 0, 0]), gyr)
    assert round_["acc_clipping"]["share"] == 0.0
    most = 2 * STANDARD_GRAVITY_MPS2
    cut = np.clip(acc + np.outer(25 * swing, [1, 0, 0]), -most, most)
    turned = np.clip(gyr + np.outer(6 * swing, [0, 1, 0]), -250 * DEG, 250 * DEG)
    found = watched(t_s, cut, turned)
    assert found["acc_clipping"]["limit"] == pytest.approx(most, abs=0.01)
    assert found["acc_clipping"]["share"] > 0.05
    assert 0.04 < found["acc_clipping"]["longest_s"] < 0.4
    assert found["gyr_clipping"]["limit"] == pytest.approx(250 * DEG, abs=0.01)
    assert any("range" in note for note in found["notes"])


def test_a_coarse_sensor_at_rest_is_not_clipped_but_called_coarse() -> None:
    """Steps of 1/64 g repeat one value for seconds; that is resolution, 0.9 deg."""
    t_s, acc, _ = resting()
    step = STANDARD_GRAVITY_MPS2 / 64
    found = watched(t_s, np.rint(acc / step) * step, None)
    assert found["acc_clipping"]["share"] == 0.0
    assert found["acc_step_mps2"] == pytest.approx(step, abs=1e-4)
    assert any("0.9 degrees" in note for note in found["notes"])
    assert found["gyr_clipping"] is None
    assert found["gyr_offset_dps"] is None


def test_a_large_offset_of_the_gyroscope_is_named() -> None:
    """7 deg/s at rest is more than the orientation filter takes off; 3 is ordinary."""
    t_s, acc, gyr = resting()
    found = watched(t_s, acc, gyr + np.array([7 * DEG, 0, 0]))
    assert found["gyr_offset_dps"][0] == pytest.approx(7.0, abs=0.05)
    assert any("gyroscope" in note for note in found["notes"])
    assert watched(t_s, acc, gyr + np.array([3 * DEG, 0, 0]))["notes"] == []


def test_lost_time_and_an_uneven_or_wrong_rate_are_named() -> None:
    """Gaps of 2 s in 20, intervals that vary by more than half, and half the rate that was asked for."""
    t_s, acc, gyr = resting()
    watch = SensorWatch()
    early, late = t_s < 9.0, t_s >= 11.0
    watch.feed(ImuBlock("right-thigh", 50.0, t_s[early], acc[early], gyr[early]))
    watch.gap(Gap("right-thigh", 8.98, 11.0, 100, "lost_packets"))
    watch.feed(ImuBlock("right-thigh", 50.0, t_s[late], acc[late], gyr[late]))
    found = watch.measures()
    assert (found["n_gaps"], found["n_lost"]) == (1, 100)
    assert found["lost_share"] == pytest.approx(0.1, abs=0.01)
    assert found["rate_hz"] == pytest.approx(50.0, abs=0.05)
    assert any("missing" in note for note in found["notes"])
    uneven = t_s + np.where(np.arange(len(t_s)) % 4 == 0, 0.019, 0.0)
    assert any("unevenly" in note for note in watched(uneven, acc, gyr)["notes"])
    assert any("100 were asked" in note for note in watched(t_s, acc, gyr, expected_hz=100.0)["notes"])


def test_a_sensor_that_never_rested_says_so() -> None:
    """Moving all the time: no resting length, no offset, no fit, and one calm remark."""
    t_s, acc, gyr = resting()
    shaken = acc + np.outer(3 * np.sin(9 * t_s), [1, 1, 0])
    found = watched(t_s, shaken, gyr)
    assert found["rest_norm_g"] is None
    assert found["gyr_offset_dps"] is None
    assert found["fit"] is None
    assert "never rested" in found["notes"][0]


def test_numbers_that_are_none_do_not_stop_it() -> None:
    """NaN rows are left out, and a sensor that sent nothing has nothing."""
    t_s, acc, gyr = resting()
    acc[::7] = np.nan
    assert watched(t_s, acc, gyr)["rest_norm_g"] == pytest.approx(1.0, abs=0.002)
    assert SensorWatch().measures()["rate_hz"] is None


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(1, 999), max_size=12))
def test_any_cut_gives_the_same_measures(cuts: list[int]) -> None:
    """However the samples come, the summary is the same to the last bit."""
    t_s, acc, gyr = resting()
    watch = SensorWatch()
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(t_s)], strict=True):
        part = slice(begin, end)
        watch.feed(ImuBlock("right-thigh", 50.0, t_s[part], acc[part], gyr[part]))
    assert watch.measures() == watched(t_s, acc, gyr, size=len(t_s))

"""The direction of up from samples, known answers from exact rotations."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.dsp.orientation import ACC_ONLY_DELAY_S, OrientationFilter, filter_delay_s
from sensorsoma.messages import Floats, Gap, ImuBlock, OrientedBlock
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

RATE_HZ = 104.0


def tilting(angle_rad: Floats, rate_hz: float, bias_radps: Sequence[float] = (0, 0, 0), seed: int = 0) -> ImuBlock:
    """Samples of a sensor that turns about its x axis by `angle_rad`, with ordinary noise."""
    rng = np.random.default_rng(seed)
    n = len(angle_rad)
    up = np.stack([np.zeros(n), np.sin(angle_rad), np.cos(angle_rad)], axis=1)
    acc = up * STANDARD_GRAVITY_MPS2 + rng.normal(0, 0.03, (n, 3))
    rate = np.gradient(angle_rad) * rate_hz
    gyr = np.stack([rate, np.zeros(n), np.zeros(n)], axis=1) + np.asarray(bias_radps) + rng.normal(0, 0.002, (n, 3))
    return ImuBlock("right-thigh", rate_hz, np.arange(n) / rate_hz, acc, gyr)


def slow_fall(rate_hz: float, speed_dps: float = 12.0) -> Floats:
    """8 s still, 60 deg at a steady speed, 10 s still."""
    t_s = np.arange(0, 18 + 60 / speed_dps, 1 / rate_hz)
    return np.clip((t_s - 8.0) * speed_dps, 0, 60) * DEG


def piece(block: ImuBlock, a: int, b: int, has_gyro: bool = True) -> ImuBlock:
    gyr = block.gyr_sensor_radps
    return ImuBlock(
        block.channel,
        block.rate_hz,
        block.t_s[a:b],
        block.acc_sensor_mps2[a:b],
        gyr[a:b] if has_gyro and gyr is not None else None,
    )


def tilt_deg(block: OrientedBlock) -> Floats:
    return np.degrees(np.arctan2(block.up_sensor[:, 1], block.up_sensor[:, 2]))


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 208.0])
@pytest.mark.parametrize("speed_dps", [3.0, 4.5, 12.0, 60.0])
def test_a_slow_fall_with_an_ordinary_bias_is_followed(rate_hz: float, speed_dps: float) -> None:
    """A fall at any speed is followed within a degree although the gyroscope is off by 3 deg/s on every axis."""
    truth = slow_fall(rate_hz, speed_dps)
    block = tilting(truth, rate_hz, np.array([3.0, -3.0, 3.0]) * DEG)
    found = OrientationFilter("right-thigh").feed(block, "right-thigh")
    late = block.t_s > 6.0
    error = tilt_deg(found) - np.degrees(truth)
    assert np.sqrt(np.mean(error[late] ** 2)) < 1.0
    assert np.abs(error[late]).max() < 2.0
    assert found.gyr_sensor_radps is not None
    assert np.abs(found.gyr_sensor_radps[-100:].mean(axis=0)).max() < 0.2 * DEG


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 1200), max_size=10), has_gyro=st.booleans())
def test_any_cut_gives_the_same_bits(cuts: list[int], has_gyro: bool) -> None:
    """Up, quaternion and rates are the same bits however the samples are cut, holes included."""
    block = tilting(slow_fall(RATE_HZ), RATE_HZ)
    kept = np.r_[0:500, 510:800, 900:1210]
    gyr = block.gyr_sensor_radps
    assert gyr is not None
    block = ImuBlock("c", RATE_HZ, block.t_s[kept], block.acc_sensor_mps2[kept], gyr[kept] if has_gyro else None)
    whole = OrientationFilter("c").feed(block, "pelvis")
    n = len(block.t_s)
    edges = [0, *sorted(min(c, n) for c in cuts), n]
    one = OrientationFilter("c")
    parts = [one.feed(piece(block, a, b, has_gyro), "pelvis") for a, b in itertools.pairwise(edges)]
    assert np.array_equal(np.concatenate([p.up_sensor for p in parts]), whole.up_sensor)
    if has_gyro:
        assert np.array_equal(np.concatenate([p.quat_sensor_to_earth for p in parts]), whole.quat_sensor_to_earth)
        assert np.array_equal(np.concatenate([p.gyr_sensor_radps for p in parts]), whole.gyr_sensor_radps)


def test_a_short_gap_is_bridged_and_not_given_out() -> None:
    """0.2 s lost in the middle of a 40 deg/s fall leave less than a degree of error and no invented samples."""
    truth = slow_fall(RATE_HZ, 40.0)
    block = tilting(truth, RATE_HZ)
    kept = np.flatnonzero((block.t_s < 8.6) | (block.t_s > 8.8))
    gyr = block.gyr_sensor_radps
    assert gyr is not None
    holed = ImuBlock("c", RATE_HZ, block.t_s[kept], block.acc_sensor_mps2[kept], gyr[kept])
    found = OrientationFilter("c").feed(holed, "pelvis")
    assert np.array_equal(found.t_s, block.t_s[kept])
    assert np.abs(tilt_deg(found) - np.degrees(truth[kept]))[kept > 700].max() < 1.0


def test_after_a_long_gap_the_inclination_is_right_at_once() -> None:
    """When the leg moved by 60 deg while the link was lost, up is right within 2 deg from the first sample on."""
    truth = slow_fall(RATE_HZ, 40.0)
    block = tilting(truth, RATE_HZ, np.array([2.0, 2.0, 2.0]) * DEG)
    first, second = piece(block, 0, 800), piece(block, 1100, len(truth))
    one = OrientationFilter("c")
    one.feed(first, "pelvis")
    one.gap(Gap("c", float(first.t_s[-1]), float(second.t_s[0]), 300, "link_lost"))
    found = one.feed(second, "pelvis")
    assert np.abs(tilt_deg(found) - 60.0).max() < 2.0
    assert np.abs(tilt_deg(found) - 60.0)[300:].max() < 0.5


def test_after_a_gap_in_a_movement_its_accelerations_do_not_tip_the_angle_for_long() -> None:
    """The leg is shaken to and fro by 1.5 m/s2 during and after a gap: three seconds on, up is within 2 deg."""
    truth = np.zeros(int(40 * RATE_HZ))
    block = tilting(truth, RATE_HZ)
    gyr, shaken = block.gyr_sensor_radps, block.acc_sensor_mps2.copy()
    assert gyr is not None
    shaken[:, 1] += np.where(block.t_s > 20, 1.5 * np.cos(2 * np.pi * 0.9 * block.t_s), 0.0)
    kept = np.flatnonzero((block.t_s < 22.0) | (block.t_s > 24.0))
    found = OrientationFilter("c").feed(ImuBlock("c", RATE_HZ, block.t_s[kept], shaken[kept], gyr[kept]), "pelvis")
    error = np.abs(tilt_deg(found))
    after = block.t_s[kept] - 24.0
    assert error[after > 1.0].max() < 4.0
    assert error[after > 3.0].max() < 2.0


@pytest.mark.parametrize("off", [0.98, 1.02])
def test_a_rate_that_is_a_little_wrong_at_first_leaves_no_gain_in_the_angle(off: float) -> None:
    """The filter was made for a rate 2 % off; once the block says the right one, a fast turn is not 2 % too large."""
    n = int(14 * RATE_HZ)
    t_s = np.arange(n) / RATE_HZ
    truth = np.where(t_s < 10, 0.0, np.minimum((t_s - 10) * 120, 120)) * DEG
    block = tilting(truth, RATE_HZ)
    gyr = block.gyr_sensor_radps
    assert gyr is not None
    one = OrientationFilter("c")
    one.feed(ImuBlock("c", RATE_HZ * off, block.t_s[:500], block.acc_sensor_mps2[:500], gyr[:500]), "pelvis")
    found = one.feed(piece(block, 500, n), "pelvis")
    right_after = np.abs(block.t_s[500:] - 11.2) < 0.1
    assert np.abs(tilt_deg(found) - np.degrees(truth[500:]))[right_after].max() < 1.0


def test_without_gyroscope_up_is_late_by_the_stated_delay() -> None:
    """The low-passed accelerometer follows a steady 12 deg/s with the group delay that `filter_delay_s` names."""
    truth = slow_fall(RATE_HZ, 12.0)
    block = tilting(truth, RATE_HZ)
    found = OrientationFilter("c").feed(piece(block, 0, len(truth), has_gyro=False), "pelvis")
    assert found.quat_sensor_to_earth is None
    assert found.gyr_sensor_radps is None
    middle = (block.t_s > 9.0) & (block.t_s < 12.5)
    late_s = (np.degrees(truth) - tilt_deg(found))[middle].mean() / 12.0
    assert late_s == pytest.approx(ACC_ONLY_DELAY_S, abs=0.02)
    assert filter_delay_s(found) == ACC_ONLY_DELAY_S


def test_a_corrected_rate_does_not_disturb_the_angle() -> None:
    """The rate is first thought 10 % too high and then corrected: the angle stays within a degree afterwards."""
    truth = slow_fall(RATE_HZ, 20.0)
    block = tilting(truth, RATE_HZ)
    gyr = block.gyr_sensor_radps
    assert gyr is not None
    one = OrientationFilter("c")
    one.feed(ImuBlock("c", RATE_HZ * 1.1, block.t_s[:200], block.acc_sensor_mps2[:200], gyr[:200]), "pelvis")
    found = one.feed(piece(block, 200, len(truth)), "pelvis")
    assert np.abs(tilt_deg(found) - np.degrees(truth[200:])).max() < 1.0


@pytest.mark.parametrize("has_gyro", [True, False])
def test_broken_numbers_do_not_spoil_what_follows(has_gyro: bool) -> None:
    """NaN rows are left out, huge and zero rows are survived, and up is right again afterwards."""
    block = tilting(slow_fall(RATE_HZ), RATE_HZ)
    acc, gyr = block.acc_sensor_mps2.copy(), np.array(block.gyr_sensor_radps)
    acc[50, 1] = np.nan
    acc[60] = 1e300
    acc[70:90] = 0.0
    gyr[55, 0] = np.inf
    gyr[65] = -1e300
    broken = ImuBlock("c", RATE_HZ, block.t_s, acc, gyr if has_gyro else None)
    found = OrientationFilter("c").feed(broken, "pelvis")
    assert len(found.t_s) == len(block.t_s) - (2 if has_gyro else 1)
    assert np.isfinite(found.up_sensor).all()
    assert np.abs(np.linalg.norm(found.up_sensor, axis=1) - 1).max() < 1e-9
    assert np.abs(tilt_deg(found)[-50:] - 60).max() < 1.5


def test_an_empty_block_is_an_empty_answer() -> None:
    """No samples in, no samples out."""
    empty = ImuBlock("c", RATE_HZ, np.empty(0), np.empty((0, 3)), np.empty((0, 3)))
    found = OrientationFilter("c").feed(empty, "pelvis")
    assert found.up_sensor.shape == (0, 3)
    assert found.quat_sensor_to_earth is not None

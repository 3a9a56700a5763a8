"""Offset and gain from still poses."""

from __future__ import annotations

import numpy as np

from sensorsoma.dsp.accelerometer import fit_accelerometer
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


def poses(angles_deg: list[float], seconds: float = 4.0) -> tuple[Floats, Floats]:
    """Times and exact readings of a sensor that rests at each angle about its x axis in turn."""
    t_s = np.arange(0, seconds * len(angles_deg), 0.04)
    angle = np.array(angles_deg)[np.minimum((t_s / seconds).astype(int), len(angles_deg) - 1)] * DEG
    up = np.stack([np.zeros_like(angle), np.sin(angle), np.cos(angle)], axis=1)
    return t_s, up * STANDARD_GRAVITY_MPS2


def angle_deg(a: Floats, b: Floats) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))


def test_an_angle_between_two_poses_gets_better() -> None:
    """With ordinary random errors the error of a 60 degree angle between the poses is halved at least."""
    rng = np.random.default_rng(4)
    plain, better = [], []
    for _ in range(60):
        t_s, acc = poses([0.0, 50.0, 110.0, 20.0])
        read = acc * (1 + rng.normal(0, 0.009, 3)) + rng.normal(0, 0.015, 3) * STANDARD_GRAVITY_MPS2
        fixed = fit_accelerometer(t_s, read).correct(read)
        plain.append(angle_deg(read[130], read[250]) - 60.0)
        better.append(angle_deg(fixed[130], fixed[250]) - 60.0)
    assert np.sqrt(np.mean(np.square(better))) < 0.5 * np.sqrt(np.mean(np.square(plain)))


def test_a_perfect_sensor_is_left_alone() -> None:
    """Nothing to correct, nothing corrected."""
    t_s, acc = poses([0.0, 50.0, 110.0])
    assert np.abs(fit_accelerometer(t_s, acc).correct(acc) - acc).max() < 1e-6


def test_without_a_still_pose_nothing_is_corrected() -> None:
    """Shaken all the time, or empty: no correction."""
    rng = np.random.default_rng(0)
    t_s = np.arange(0, 10, 0.04)
    assert fit_accelerometer(t_s, rng.normal(0, 9, (len(t_s), 3))).n_poses == 0
    assert fit_accelerometer(np.empty(0), np.empty((0, 3))).gain.tolist() == [1.0, 1.0, 1.0]


def test_one_long_pose_counts_once() -> None:
    """A rest of minutes does not outweigh the other poses."""
    t_s, acc = poses([0.0, 0.0, 0.0, 0.0, 0.0, 60.0])
    assert fit_accelerometer(t_s, acc).n_poses == 2

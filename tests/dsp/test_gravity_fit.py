"""Offset and gain of an accelerometer from the rests of a session."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.dsp.gravity_fit import GravityFit, PoseBook, arc_sd_rad, corrected, fit_gravity, prior_covariance
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

SIX_SIDES = np.concatenate([np.eye(3), -np.eye(3)])
OFFSET_G, GAIN = np.array([0.03, -0.02, 0.015]), np.array([1.02, 0.985, 1.01])


def fitted(up: Floats, offset_g: Floats = OFFSET_G, gain: Floats = GAIN, noise_g: float = 0.0005) -> GravityFit:
    """The fit of a sensor with these errors that rested in these directions for five seconds each."""
    rng = np.random.default_rng(3)
    book = PoseBook()
    for direction in up:
        for _ in range(5):
            book.add((direction * gain + offset_g + rng.normal(0, noise_g, 3)) * STANDARD_GRAVITY_MPS2)
    return fit_gravity(book.poses)


def lying(angles_deg: list[float]) -> Floats:
    """`(n, 3)` directions on one great circle."""
    angle = np.array(angles_deg) * DEG
    return np.stack([np.zeros_like(angle), np.sin(angle), np.cos(angle)], axis=1)


def test_six_sides_give_all_six_numbers() -> None:
    """A sensor laid on its six sides: offset within 1 mg, and gains within 0.2 % of each other's true ratio."""
    fit = fitted(SIX_SIDES)
    assert fit.refused is None
    assert fit.offset_mps2 / STANDARD_GRAVITY_MPS2 == pytest.approx(OFFSET_G, abs=0.002)
    assert fit.gain / fit.gain.mean() == pytest.approx(GAIN / GAIN.mean(), abs=0.002)
    assert set(fit.determined) >= {"offset_x", "offset_y", "offset_z"}
    assert fit.residual_after_g < 0.002 < fit.residual_before_g


def test_few_poses_shrink_to_what_is_usual() -> None:
    """Poses on one circle say nothing of the third axis: its offset stays at nothing and is not called determined."""
    fit = fitted(lying([0.0, 50.0, 110.0, -40.0]))
    assert abs(fit.offset_mps2[0]) < 0.02 * STANDARD_GRAVITY_MPS2
    assert "offset_x" not in fit.determined
    assert fit.covariance[0, 0] > 0.8 * prior_covariance()[0, 0]


@pytest.mark.parametrize(
    ("up", "word"),
    [
        (lying([0.0, 50.0, 110.0]), "needed"),
        (lying([0.0, 12.0, 24.0, 36.0]), "within"),
        (np.empty((0, 3)), "no still pose"),
    ],
)
def test_too_little_is_refused_with_a_reason(up: Floats, word: str) -> None:
    """Three poses, poses close together, or none: refused, and the sentence says what is missing."""
    fit = fitted(up)
    assert fit.refused is not None
    assert word in fit.refused


def test_a_wrong_unit_is_not_hidden_by_the_fit() -> None:
    """A sensor that reads 0.8 g all round has a wrong scale; correcting it silently would hide that."""
    assert fitted(SIX_SIDES, np.zeros(3), np.full(3, 0.8)).refused is not None


def test_one_pose_that_was_no_rest_hardly_counts() -> None:
    """A slow sway that reads 60 mg too much in one of eight poses shifts the offset by less than 8 mg."""
    up = np.concatenate([SIX_SIDES, lying([45.0, 135.0])])
    rng = np.random.default_rng(3)
    book = PoseBook()
    for index, direction in enumerate(up):
        length = 1.06 if index == 6 else 1.0
        book.add((direction * length + OFFSET_G + rng.normal(0, 0.0005, 3)) * STANDARD_GRAVITY_MPS2)
    fit = fit_gravity(book.poses)
    assert fit.offset_mps2 / STANDARD_GRAVITY_MPS2 == pytest.approx(OFFSET_G, abs=0.008)


def test_the_stated_uncertainty_is_that_of_arcs_all_round() -> None:
    """The formula for the spread of an arc agrees with errors drawn at random, for small arcs and large ones."""
    rng = np.random.default_rng(1)
    n = 20_000
    for arc_deg in (20.0, 60.0, 110.0):
        start, along = np.linalg.qr(rng.normal(size=(n, 3, 2)))[0].transpose(2, 0, 1)
        arc = arc_deg * DEG
        end, there = np.cos(arc) * start + np.sin(arc) * along, np.cos(arc) * along - np.sin(arc) * start
        offset, gain = rng.normal(0, 0.02, (n, 3)), rng.normal(0, 0.01, (n, 3))
        error = ((offset + gain * end) * there).sum(axis=1) - ((offset + gain * start) * along).sum(axis=1)
        covariance = np.diag([0.02**2] * 3 + [0.01**2] * 3)
        assert arc_sd_rad(covariance, arc) == pytest.approx(float(error.std()), rel=0.05)


def test_a_kept_fit_is_taken_off_exactly() -> None:
    """What the settings keep undoes the errors it was made for."""
    true = lying([0.0, 30.0, 80.0]) * STANDARD_GRAVITY_MPS2
    read = true * GAIN + OFFSET_G
    assert corrected(read, {"offset_mps2": OFFSET_G.tolist(), "gain": GAIN.tolist()}) == pytest.approx(true)


def test_memory_stays_small_however_long_it_lasts() -> None:
    """A night of turning over keeps at most 64 poses."""
    rng = np.random.default_rng(0)
    book = PoseBook()
    for direction in rng.normal(size=(400, 3)):
        book.add(direction / np.linalg.norm(direction) * STANDARD_GRAVITY_MPS2)
    assert len(book.poses) == 64

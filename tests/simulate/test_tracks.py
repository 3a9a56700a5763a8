"""Tracks: exact derivatives, any cut, and a past that stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.simulate.tracks import Burst, Creep, Kick, MinJerk, Rhythm, Sway, Term, Track, constant, mix

TERMS: list[Term] = [
    MinJerk(2.0, 1.5, 0.7),
    Creep(1.0, -0.3, 6.0),
    Burst(3.0, 9.0, np.array([1.1, 7.3]), np.array([0.2, 0.01]), np.array([0.1, 2.0]), 0.5, 1.0),
    Kick(4.0, 0.05, 4.0, 0.08),
    Sway(2.0, 8.0, Rhythm(1.1, 0.05, *np.array([[0.1, 0.3], [0.04, 0.03], [0.1, 0.15], [0.4, 2.0]])), 1.0, 2.0),
]


@pytest.mark.parametrize("term", TERMS, ids=lambda term: type(term).__name__)
def test_derivatives_are_exact(term: Term) -> None:
    """Central differences of the value give rate and acceleration."""
    track, step_s = Track(), 1e-4
    track.add(term)
    t_s = np.linspace(0.5, 12.0, 700) + 1e-3
    before, now, after = (track.evaluate(t_s + shift) for shift in (-step_s, 0.0, step_s))
    np.testing.assert_allclose(now.rate, (after.value - before.value) / (2 * step_s), atol=2e-5)
    np.testing.assert_allclose(now.accel, (after.rate - before.rate) / (2 * step_s), atol=2e-2)


@pytest.mark.parametrize("term", TERMS, ids=lambda term: type(term).__name__)
def test_a_term_is_nothing_before_its_start_and_its_amount_after_its_end(term: Term) -> None:
    """What is appended later cannot change what was sampled before."""
    track = Track(0.5)
    track.add(term)
    assert track.at(term.start_s - 1e-9) == 0.5
    assert track.at(term.end_s + 1e-9) == pytest.approx(0.5 + term.amount, abs=1e-6)
    assert track.settled == pytest.approx(0.5 + term.amount)


@given(st.lists(st.floats(0.05, 40.0), min_size=1, max_size=12), st.integers(0, 3))
def test_any_cut_gives_the_same_values(lengths: list[float], skip: int) -> None:
    """Evaluating piece by piece, also far apart and after stepping back, gives the values of one go."""
    whole, cut = Track(), Track()
    for k, term in enumerate(TERMS * 3):
        for track in (whole, cut):
            if k != skip:
                track.add(term)
    start_s = 0.0
    for length_s in lengths:
        t_s = np.arange(start_s, start_s + length_s, 0.03)
        fresh = Track()
        for k, term in enumerate(TERMS * 3):
            if k != skip:
                fresh.add(term)
        np.testing.assert_allclose(*np.broadcast_arrays(cut.evaluate(t_s).value, fresh.evaluate(t_s).value), atol=1e-9)
        start_s += length_s
    np.testing.assert_allclose(cut.at(1.7), whole.at(1.7), atol=1e-12)


def test_joined_bursts_are_one_oscillation() -> None:
    """Two bursts whose fades overlap exactly are one unbroken sinusoid in between."""
    wave = (np.array([8.0]), np.array([0.1]), np.zeros(1))
    track = Track()
    track.add(Burst(0.0, 2.4, *wave, 0.4, 0.4))
    track.add(Burst(2.0, 4.4, *wave, 0.4, 0.4))
    t_s = np.linspace(0.5, 3.9, 500)
    np.testing.assert_allclose(track.evaluate(t_s).value, 0.1 * np.sin(2 * np.pi * 8 * t_s), atol=1e-12)


def test_mixing_keeps_constants_constant() -> None:
    """A weighted sum of motions that stand still stands still."""
    assert mix((2.0, constant(1.0)), (1.0, constant(0.25))).is_static

"""Which way is in: by the mounting mark and by how lopsided a breath at rest is."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.dsp.breath_direction import DirectionParams, asymmetry, direction_of
from sensorsoma.messages import Floats

PARAMS = DirectionParams()


def breath(inhale_s: float, held_s: float, exhale_s: float, pause_s: float) -> tuple[Floats, float]:
    """Values at 50 Hz, and the inhale's share with the hold in it."""
    ways = [np.linspace(0, 1, round(50 * inhale_s)), np.ones(round(50 * held_s)),
            np.linspace(1, 0, round(50 * exhale_s)), np.zeros(round(50 * pause_s))]  # fmt: skip
    return np.concatenate(ways), (inhale_s + held_s) / (inhale_s + held_s + exhale_s + pause_s)


def test_a_breath_at_rest_and_its_mirror_image_lean_to_opposite_sides() -> None:
    """Four seconds in, five out and one of rest lean beyond doubt; upside down they lean as far the other way."""
    value, share = breath(4.0, 0.0, 5.0, 1.0)
    assert asymmetry(value, share) > PARAMS.beyond_doubt
    assert asymmetry(-value, 1.0 - share) == pytest.approx(-asymmetry(value, share), abs=1e-6)


def test_a_held_breath_is_never_beyond_doubt() -> None:
    """In for 0.45, held for 0.1 and out for 0.45 without a rest: it leans the wrong way, but too little to be told."""
    value, share = breath(4.5, 1.0, 4.5, 0.0)
    assert -PARAMS.beyond_doubt - 1e-6 <= asymmetry(value, share) < 0.0


@pytest.mark.parametrize(
    ("cosine", "lean", "n", "is_up", "is_sure"),
    [(0.9, 0.05, 3, True, True), (-0.9, -0.05, 3, False, True), (0.9, 0.3, 2, True, False), (0.9, -0.1, 8, True, False),
     (0.9, -0.3, 5, False, True), (0.9, -0.3, 4, True, False), (0.1, 0.3, 5, True, True), (0.1, 0.1, 8, True, False)],
)  # fmt: skip
def test_the_direction_is_sure_where_mark_and_breaths_agree_or_breaths_leave_no_doubt(
    cosine: float, lean: float, n: int, is_up: bool, is_sure: bool
) -> None:
    """Mark and three breaths; without the mark or against it five that lean far; else unsure."""
    found = direction_of(cosine, [lean] * n, PARAMS)
    assert found.is_sure is is_sure
    assert found.is_up is is_up or not is_sure

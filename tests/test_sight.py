"""Which worn sensor sees which movement: what is measured and what the coach promises are the same."""

from __future__ import annotations

import itertools
from typing import get_args

import pytest

from sensorsoma.coach.sight import sees
from sensorsoma.exercises.stretches import stretches_for
from sensorsoma.messages import EXERCISES, PLACEMENTS, Exercise, Placement, Side
from sensorsoma.sight import SEEN_FROM, seen_by

SIDES: tuple[Side | None, ...] = (None, *get_args(Side))
WORN = [worn for n in range(len(PLACEMENTS) + 1) for worn in itertools.combinations(PLACEMENTS, n)]


def test_every_exercise_is_listed() -> None:
    """Nobody has to guess for an exercise that was added later."""
    assert set(SEEN_FROM) == set(EXERCISES)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_the_coach_counts_on_is_measured(exercise: Exercise) -> None:
    """A step that the coach ends by its movement has a stretch that can show it, whatever is worn."""
    for side, worn in itertools.product(SIDES, WORN):
        if sees(exercise, side, worn):
            assert stretches_for(exercise, side, worn, 0.0, None)


def test_a_leg_that_is_dragged_along_is_not_taken_for_the_moving_one() -> None:
    """The other thigh never stands in where only the moving leg can tell; for the pelvis any thigh does."""
    only: tuple[Placement, ...] = ("left-thigh",)
    assert seen_by("clamshell", "right", only) == ()
    assert seen_by("knee_in", "right", only) == ()
    assert seen_by("pelvic_rock", "right", only) == only

"""Angles that do not fit the movement that was asked for are doubted in words."""

from __future__ import annotations

import pytest

from sensorsoma.exercises.plausible import doubt


@pytest.mark.parametrize(
    ("exercise", "angles_deg"),
    [("clamshell", [48.0, 152.0]), ("knee_fall", [-86.0, -41.0]), ("knee_fall", [None, 118.0])],
)
def test_what_no_hip_does_is_doubted(exercise, angles_deg):
    """A roll-over taken for a clamshell, a fall that lies inward: a sentence asks whether the name is right."""
    found = doubt(exercise, angles_deg)
    assert found is not None
    assert exercise.replace("_", " ") in found


@pytest.mark.parametrize(("exercise", "angles_deg"), [("clamshell", [27.0, 79.0]), ("knee_fall", [-4.0, None, 85.0])])
def test_what_people_do_is_not_doubted(exercise, angles_deg):
    """The widest clamshells of real people and an almost flat knee pass without a word."""
    assert doubt(exercise, angles_deg) is None

"""Angular velocity and acceleration are those of the positions and orientations, to the last digits."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.messages import PLACEMENTS, Placement
from sensorsoma.simulate import Difficulties
from sensorsoma.simulate.exercise import SCRIPTS, Wishes, run
from sensorsoma.simulate.person import Person
from sensorsoma.simulate.shaking import Shaking
from sensorsoma.units import STANDARD_GRAVITY_MPS2

STEP_S = 1e-4
NO_WOBBLE = Difficulties(wobble=False)


def _person(exercise: str) -> Person:
    person = Person(7, NO_WOBBLE)
    run(SCRIPTS[exercise](person, Wishes("right", Shaking(8.0, 0.1), 3, {}, cough_after=1, partial_at=2)))
    person.breathing.ensure(person.at_s + 1)
    return person


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("exercise", ["knee_fall", "clamshell", "pelvic_rock", "rocking", "leg_back", "roll_over"])
def test_specific_force_is_the_second_derivative_of_position_minus_gravity(exercise: str, placement: Placement) -> None:
    """Differencing the sensor's position twice gives the acceleration that the accelerometer reports."""
    person = _person(exercise)
    middle = np.linspace(1.0, person.at_s - 1.0, 400)
    before, now, after = (person.body.position(placement, middle + shift) for shift in (-STEP_S, 0.0, STEP_S))
    acceleration = (before - 2 * now + after) / STEP_S**2
    force, _ = person.body.sense(placement, middle)
    frame = person.body.frame(placement, middle)
    gravity = np.array([[0.0], [0.0], [STANDARD_GRAVITY_MPS2]])
    np.testing.assert_allclose(force, frame.from_world(acceleration + gravity), atol=2e-3)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("exercise", ["knee_fall", "clamshell", "pelvic_hold", "rocking", "leg_back", "roll_over"])
def test_angular_velocity_is_the_derivative_of_orientation(exercise: str, placement: Placement) -> None:
    """Differencing the orientation gives the angular velocity that the gyroscope reports."""
    person = _person(exercise)
    middle = np.linspace(1.0, person.at_s - 1.0, 400)
    before = person.body.frame(placement, middle - STEP_S).matrix()
    after = person.body.frame(placement, middle + STEP_S).matrix()
    now = person.body.frame(placement, middle).matrix()
    spin = np.swapaxes(now, 1, 2) @ (after - before) / (2 * STEP_S)
    differenced = np.stack([spin[:, 2, 1], spin[:, 0, 2], spin[:, 1, 0]])
    _, omega = person.body.sense(placement, middle)
    np.testing.assert_allclose(np.broadcast_to(omega, (3, 400)), np.broadcast_to(differenced, (3, 400)), atol=1e-5)

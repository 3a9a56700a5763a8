"""The time that `plan show` tells is about the time that a practice takes."""

from __future__ import annotations

import pytest
from coached import practise

from sensorsoma.coach.editing import expected_s
from sensorsoma.coach.plan import BUNDLED, load_plan
from sensorsoma.messages import SessionEnded, StepFinished


@pytest.mark.soak
@pytest.mark.parametrize("name", BUNDLED)
def test_a_practice_takes_about_as_long_as_it_says(name: str) -> None:
    """A simulated person who listens needs what the plan tells, give or take an eighth, open steps apart."""
    plan = load_plan(name)
    worn = ("right-thigh", "left-thigh", "pelvis")
    practice = practise(plan.model_dump(mode="json"), worn, seed=2, rate_hz=52.0)
    (ended,) = practice.of(SessionEnded)
    is_open = {step.id for step in plan.steps if step.open}
    open_s = sum(step.end_s - step.start_s for step in practice.of(StepFinished) if step.step_id in is_open)
    assert ended.t_s - open_s == pytest.approx(expected_s(plan), rel=0.125)

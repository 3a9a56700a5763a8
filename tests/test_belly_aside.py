"""A phone on the belly is put aside before rolling over: from then on it tells nothing about the person."""

from __future__ import annotations

from functools import cache

from coached import Practice, practise

from sensorsoma.coach.editing import shortened
from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import BreathTurned, ImuBlock, SegmentMeasured, SensorHealth, StepFinished, StepStarted

KEPT = ("settle", "let-go", "onto-left-side", "onto-the-back", "end")


@cache
def evening() -> Practice:
    """A few steps of the short practice with nothing but a phone on the belly."""
    plan = shortened(load_plan("short"), 0.5).model_dump(mode="json")
    plan["steps"] = [step for step in plan["steps"] if step["id"] in KEPT]
    return practise(plan, ("belly",), seed=5, rate_hz=26.0)


def _aside_s() -> float:
    return float(next(step.t_s for step in evening().of(StepStarted) if step.do == "roll_over"))


def test_breath_is_heard_until_the_phone_is_put_aside_and_no_longer() -> None:
    """The breath of the mattress is not taken for that of the person."""
    told = [turn.known_s for turn in evening().of(BreathTurned)]
    assert [t_s for t_s in told if t_s < _aside_s()]
    assert not [t_s for t_s in told if t_s > _aside_s() + 0.1]


def test_a_step_after_that_reads_not_measured() -> None:
    """Nothing that is worn sees the rest at the end, so it has no values, and its step is timed or ended by hand."""
    late = [m for m in evening().of(SegmentMeasured) if m.start_s >= _aside_s()]
    assert not [m.exercise for m in late if m.placement == "belly"]
    (end,) = [step for step in evening().of(StepFinished) if step.step_id == "end"]
    assert not end.is_measured


def test_the_phone_is_still_recorded_and_looked_after() -> None:
    """Its samples are decoded to the end, and its health is told for the whole session."""
    assert [health.placement for health in evening().of(SensorHealth)] == ["belly"]
    assert float(evening().of(ImuBlock)[-1].t_s[-1]) > _aside_s() + 20.0

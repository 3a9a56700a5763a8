"""A rest on a pillow: marked by key or by the plan, kept, called so, and left out of means and differences."""

from __future__ import annotations

import pytest
from coached import practise

from sensorsoma.analysis import analyze_inputs
from sensorsoma.coach.editing import shortened
from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import Input, Placement, SegmentMeasured, SettingsSnapshot, UserMark
from sensorsoma.review.sentence import summary_points
from sensorsoma.review.sides import compare_sides
from sensorsoma.review.tables import falls_table
from sensorsoma.review.text import describe
from sensorsoma.review.trace import SessionTrace
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import encode_soma_v1, packets, simulate_exercise

from .traces import hips_check

PLACE: Placement = "right-thigh"


def lain(marks_at: tuple[str, ...]) -> SessionTrace:
    """Two falls of the right knee; the key for a support is pressed in the rests that are named."""
    simulation = simulate_exercise("knee_fall", seed=3, rate_hz=52.0, n_falls=2, rest_s=12.0, arrival_deg=50.0)
    settings = SessionSettings(
        (SourceSettings(PLACE, PLACE, "virtual", "soma_v1", None, "simulated"),),
        segments=(SegmentRequest("knee_fall", "right", PLACE),),
    )
    falls = dict(zip(("first", "second"), (stretch.fall for stretch in simulation.truth.stretches), strict=True))
    inputs: list[Input] = list(packets(simulation.samples[PLACE], encode_soma_v1, jitter_seed=3))
    for name in marks_at:
        fall = falls[name]
        assert fall is not None
        assert fall.arrival_s is not None
        inputs.append(UserMark(round((fall.arrival_s + 5.0) * 1e9), "supported"))
    inputs.sort(key=lambda message: message.host_ns)
    return analyze_inputs([SettingsSnapshot(0, settings.to_json()), *inputs], source={})


def test_a_key_marks_the_rest_it_was_pressed_in() -> None:
    """Pressed in the second of two rests: that one is marked in JSON, table and words; the sentence is of the first."""
    trace = lain(("second",))
    falls = trace.segments[0]["falls"]
    assert [fall["supported"] for fall in falls] == [False, True]
    assert falls_table(trace)["supported"].tolist() == [False, True]
    assert f"resting open at {falls[0]['final_deg']:.0f}°" in " ".join(summary_points(trace))
    assert "mean" not in " ".join(summary_points(trace))
    assert describe(trace).count("(on a support)") == 1


def test_a_knee_that_only_rested_on_a_support_is_said_so() -> None:
    """With every rest supported the angle is still told, and called what it is."""
    assert "knee resting open on a support at" in " ".join(summary_points(lain(("first", "second"))))


def test_supported_rests_stay_out_of_means_and_differences() -> None:
    """Three rests a side, one of them on a pillow: too few for a difference, and the mean is of the other two."""
    trace = hips_check(right_deg=55.0, supported=(2,))
    rests = {each.measure: each for each in compare_sides(trace)}["Knee fall, angle at the end of the rest"]
    assert rests.verdict == "too_few"
    assert len(rests.right_deg) == 2
    assert "(mean of 2 falls)" in " ".join(summary_points(trace))


@pytest.mark.soak
def test_a_plan_that_gives_the_knee_a_pillow_marks_its_rest() -> None:
    """`supported` in a plan's step reaches the fall, without a key."""
    plan = shortened(load_plan("short"), 0.5)
    steps = [step.model_copy(update={"supported": step.id == "right-rest"}) for step in plan.steps]
    practice = practise(plan.model_copy(update={"steps": tuple(steps)}).model_dump(mode="json"), (PLACE,), seed=2)
    falls = [m.measures["falls"] for m in practice.of(SegmentMeasured) if m.exercise == "knee_fall"]
    assert [fall["supported"] for fall in falls[0]] == [True]

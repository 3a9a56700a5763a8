"""Whole practices with a virtual person who listens: every step begins, ends and is measured as it should be."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
from coached import Practice, practise

from sensorsoma.analysis import analyze_inputs, analyze_recording, differences_from_live
from sensorsoma.coach.editing import one_sensor_order, shortened
from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import (
    Cue,
    Placement,
    SegmentMeasured,
    SensorMoved,
    SessionEnded,
    StepFinished,
    StepStarted,
)
from sensorsoma.recording.writer import Recorder


@cache
def practised(name: str, worn: tuple[Placement, ...], seed: int) -> Practice:
    """One practice, kept for all tests that look at it."""
    plan = shortened(load_plan(name), 0.5)
    thighs = [place for place in worn if place.endswith("thigh")]
    if len(thighs) == 1:
        plan = one_sensor_order(plan, thighs[0])
    return practise(plan.model_dump(mode="json"), worn, seed=seed, longest_s=2400.0)


BOTH: tuple[Placement, ...] = ("right-thigh", "left-thigh", "pelvis")
WORN: list[tuple[str, tuple[Placement, ...]]] = [
    ("hips-and-core", BOTH),
    ("hips-and-core", ("left-thigh",)),
    ("soft-hips", ("right-thigh", "belly")),
    ("short", ("pelvis",)),
    ("short", ()),
]


def ids(worn: Sequence[str]) -> str:
    return "+".join(worn) or "nothing"


@pytest.mark.parametrize(("name", "worn"), WORN, ids=lambda value: value if isinstance(value, str) else ids(value))
def test_a_practice_goes_through_to_its_end(name: str, worn: tuple[Placement, ...]) -> None:
    """Every step that starts is finished once, in order, and the plan ends by itself."""
    practice = practised(name, worn, 3)
    started = [step.step_id for step in practice.of(StepStarted)]
    finished = [step.step_id for step in practice.of(StepFinished)]
    assert sorted(started) == sorted(finished)
    assert len(set(started)) == len(started) == practice.of(StepStarted)[0].n_steps
    assert [ended.ended_by for ended in practice.of(SessionEnded)] == ["plan"]


@pytest.mark.parametrize(("name", "worn"), WORN, ids=lambda value: value if isinstance(value, str) else ids(value))
def test_no_word_is_said_over_another(name: str, worn: tuple[Placement, ...]) -> None:
    """One calm voice: a cue begins only when the one before it has ended, unless it is meant to interrupt."""
    cues = practised(name, worn, 3).of(Cue)
    for before, after in itertools.pairwise(cues):
        assert after.is_interrupting or after.t_s >= before.t_s + before.length_s - 0.02


def test_both_hips_are_measured_as_the_person_moved() -> None:
    """Falls, sink, clamshells and pelvic rocks of a whole practice are those of the virtual person."""
    practice = practised("hips-and-core", BOTH, 3)
    assert practice.person is not None
    truth = practice.person.truth
    measured = {(m.exercise, m.side): m.measures for m in practice.of(SegmentMeasured) if m.exercise != "pelvic_rock"}
    for side in ("right", "left"):
        fall, real = measured["knee_fall", side]["falls"][0], truth.of("knee_fall", side)[0].fall
        assert real is not None
        assert fall["final_deg"] == pytest.approx(real.final_deg, abs=2.0)
        assert fall["sink_deg"] == pytest.approx(real.sink_deg, abs=1.5)
        clams, reps = measured["clamshell", side], truth.of("clamshell", side)[0].reps
        assert clams["count"] == len(reps)
        whole = [rep.range_deg for rep in reps if not rep.partial]
        found = [rep["range_deg"] for rep in clams["reps"] if not rep["partial"]]
        assert found == pytest.approx(whole, abs=4.0)
        swing = measured["leg_back", side]["back_swing_deg"]
        assert swing == pytest.approx(truth.of("leg_back", side)[0].values["back_swing_deg"], abs=3.0)
    rocks = [m.measures["count"] for m in practice.of(SegmentMeasured) if m.exercise == "pelvic_rock"]
    assert rocks == [stretch.count for stretch in truth.of("pelvic_rock")]


def test_one_sensor_measures_both_hips_and_moves_once() -> None:
    """With a single thigh sensor the plan moves it once, and each hip is measured where it then sits."""
    practice = practised("hips-and-core", ("left-thigh",), 3)
    moves = practice.of(SensorMoved)
    assert [(move.channel, move.placement) for move in moves] == [("left-thigh", "right-thigh")]
    falls = {m.side: m for m in practice.of(SegmentMeasured) if m.exercise == "knee_fall"}
    assert set(falls) == {"left", "right"}
    assert falls["left"].t_s < moves[0].t_s < falls["right"].start_s
    assert all(m.measures["falls"][0]["final_deg"] is not None for m in falls.values())


def test_what_cannot_be_measured_is_guided_and_says_so() -> None:
    """Without any sensor everything is guided at the plan's pace, and nothing gets a number."""
    practice = practised("short", (), 3)
    steps = practice.of(StepFinished)
    assert steps
    assert not any(step.is_measured for step in steps)
    assert all(value is None for step in steps for key, value in step.done.items() if key != "seconds")


def test_a_supported_knee_is_marked_in_the_fall_it_belongs_to() -> None:
    """The key for a pillow marks the rest that it was pressed in, so that it stays out of differences."""
    plan = shortened(load_plan("short"), 0.5).model_dump(mode="json")
    practice = practise(plan, ("right-thigh",), seed=2, marks={"right-rest": (3.0, "supported")})
    falls = [m.measures["falls"] for m in practice.of(SegmentMeasured) if m.exercise == "knee_fall"]
    assert [fall["supported"] for fall in falls[0]] == [True]


def test_replayed_and_analysed_it_is_the_same_session(tmp_path: Path) -> None:
    """Recorded inputs, replayed, give identical events and cues; the analysis carries planned against done."""
    practice = practised("short", ("pelvis",), 3)
    path = tmp_path / "session.mcap"
    recorder = Recorder(path, practice.settings)
    for message in practice.inputs:
        recorder.write(message)
    for output in practice.outputs:
        recorder.write(output)
    recorder.close()
    assert differences_from_live(path) == []
    direct = analyze_inputs(practice.inputs, source={})
    from_file = analyze_recording(path)
    assert from_file.segments == direct.segments
    assert {segment["plan"]["step"] for segment in from_file.segments if segment["plan"]} <= {
        step.step_id for step in from_file.steps
    }
    assert from_file.link == "simulated"

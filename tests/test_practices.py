"""Whole practices with a virtual person who listens: every step begins, ends and is measured as it should be.

What is heard in three of them, unshortened, is kept in `bedside/golden/`; `bedside/judging.py` holds the rules.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from bedside.evening import Evening
from bedside.judging import violations
from bedside.sets import PRACTICES, SETS, fitted, name_of
from bedside.transcript import check_golden, transcript
from coached import Practice, practise

from sensorsoma.analysis import analyze_inputs, analyze_recording, differences_from_live
from sensorsoma.coach.editing import shortened
from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import (
    Placement,
    SegmentMeasured,
    SensorMoved,
    StepFinished,
)
from sensorsoma.recording.writer import Recorder

Worn = tuple[Placement, ...]


@cache
def practised(name: str, worn: Worn, seed: int, share: float) -> Practice:
    """One practice, kept for all tests that look at it; `share` of its breaths and seconds."""
    plan = load_plan(name) if share == 1.0 else shortened(load_plan(name), share)
    return practise(fitted(plan, worn).model_dump(mode="json"), worn, seed=seed, rate_hz=52.0, longest_s=2400.0)


BOTH: Worn = ("right-thigh", "left-thigh", "pelvis")
LED: list[tuple[str, Worn, float]] = [
    ("hips-and-core", ("left-thigh",), 1.0),
    ("soft-hips", ("right-thigh", "belly"), 1.0),
    ("short", ("left-thigh", "pelvis"), 0.5),
    ("short", ("pelvis",), 0.5),
    ("short", (), 0.5),
]
LED_LONG: list[tuple[str, Worn, float]] = [
    ("hips-and-core", BOTH, 1.0),
    ("short", ("right-thigh", "belly"), 0.5),
    ("short", ("belly",), 0.5),
]
"""Twenty seconds and more: `make soak`."""
GOLDEN = [
    *((name, worn) for name, worn, share in LED if share == 1.0),
    *(pytest.param(name, worn, marks=pytest.mark.soak) for name, worn, share in LED_LONG if share == 1.0),
]


@pytest.mark.parametrize(
    ("name", "worn", "share"), [*LED, *(pytest.param(*one, marks=pytest.mark.soak) for one in LED_LONG)]
)
def test_a_practice_is_led_as_it_should_be(name: str, worn: Worn, share: float) -> None:
    """Steps begin, end and are measured as the practice says; no word over another or a movement; a quiet voice."""
    assert violations(Evening.of_practice(practised(name, worn, 3, share))) == []


@pytest.mark.parametrize(
    ("name", "worn"), GOLDEN, ids=lambda value: value if isinstance(value, str) else name_of(value)
)
def test_what_is_heard_reads_as_its_golden_file(name: str, worn: Worn) -> None:
    """The transcript of a whole practice is the one that was read aloud and liked."""
    check_golden(f"{name}_{name_of(worn)}", transcript(Evening.of_practice(practised(name, worn, 3, 1.0))))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("worn", SETS, ids=name_of)
@pytest.mark.parametrize("name", [*PRACTICES, "hips-check", "short"])
def test_every_practice_with_everything_that_people_wear(name: str, worn: Worn) -> None:
    """All four practices, unshortened, with every set of sensors, three people each."""
    found = {
        seed: violations(Evening.of_practice(practise(fitted(name, worn).model_dump(mode="json"), worn, seed=seed)))
        for seed in (3, 5, 8)
    }
    assert not any(found.values()), found


@pytest.mark.soak
def test_pelvic_rocks_are_counted_as_the_person_moved() -> None:
    """Finding the tilt and the set of rocks: the virtual person's own counts."""
    practice = practised("hips-and-core", BOTH, 3, 1.0)
    assert practice.person is not None
    rocks = [m.measures["count"] for m in practice.of(SegmentMeasured) if m.exercise == "pelvic_rock"]
    assert rocks == [stretch.count for stretch in practice.person.truth.of("pelvic_rock")]


def test_both_hips_are_measured_as_the_person_moved() -> None:
    """Ranges and counts of the clamshells of a whole practice are those of the virtual person, by one sensor."""
    practice = practised("hips-and-core", ("left-thigh",), 3, 1.0)
    assert practice.person is not None
    truth = practice.person.truth
    measured = {(m.exercise, m.side): m.measures for m in practice.of(SegmentMeasured)}
    for side in ("right", "left"):
        clams, reps = measured["clamshell", side], truth.of("clamshell", side)[0].reps
        assert clams["count"] == len(reps)
        whole = [rep.range_deg for rep in reps if not rep.partial]
        found = [rep["range_deg"] for rep in clams["reps"] if not rep["partial"]]
        assert found == pytest.approx(whole, abs=4.0)


def test_one_sensor_measures_both_hips_and_moves_once() -> None:
    """With a single thigh sensor the plan moves it once, and each hip is measured where it then sits."""
    practice = practised("hips-and-core", ("left-thigh",), 3, 1.0)
    moves = practice.of(SensorMoved)
    assert [(move.channel, move.placement) for move in moves] == [("left-thigh", "right-thigh")]
    falls = {m.side: m for m in practice.of(SegmentMeasured) if m.exercise == "knee_fall"}
    assert set(falls) == {"left", "right"}
    assert falls["left"].t_s < moves[0].t_s < falls["right"].start_s
    assert all(m.measures["falls"][0]["final_deg"] is not None for m in falls.values())


def test_what_cannot_be_measured_is_guided_and_says_so() -> None:
    """Without any sensor everything is guided at the plan's pace, and nothing gets a number."""
    steps = practised("short", (), 3, 0.5).of(StepFinished)
    assert steps
    assert not any(step.is_measured for step in steps)
    assert all(value is None for step in steps for key, value in step.done.items() if key != "seconds")


def test_a_supported_knee_is_marked_in_the_fall_it_belongs_to() -> None:
    """The key for a pillow marks the rest that it was pressed in, so that it stays out of differences."""
    plan = shortened(load_plan("short"), 0.5).model_dump(mode="json")
    plan["steps"] = plan["steps"][:5]
    practice = practise(plan, ("right-thigh",), seed=2, marks={"right-rest": (3.0, "supported")})
    falls = [m.measures["falls"] for m in practice.of(SegmentMeasured) if m.exercise == "knee_fall"]
    assert [fall["supported"] for fall in falls[0]] == [True]


def test_replayed_and_analysed_it_is_the_same_session(tmp_path: Path) -> None:
    """Recorded inputs, replayed, give identical events and cues; the analysis carries planned against done."""
    practice = practised("short", ("pelvis",), 3, 0.5)
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

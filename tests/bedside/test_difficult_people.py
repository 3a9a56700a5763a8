"""People who do not do as they are asked: each evening ends in a sensible state, with a truthful recording.

`simulate/habits.py` says what each of them does; the short plans here hold the step that it matters in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from bedside.evening import Evening
from bedside.judging import always_true, busiest_minutes
from coached import Practice, practise

from sensorsoma.analysis import analyze_inputs
from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import (
    Cue,
    Placement,
    SegmentMeasured,
    SessionEnded,
    StepFinished,
    StepStarted,
    StreamInterrupted,
    TremorBegan,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.review.sensors import sensor_remarks

THIGH: tuple[Placement, ...] = ("right-thigh",)
BOTH: tuple[Placement, ...] = ("right-thigh", "pelvis")


def evening(
    steps: Sequence[str], worn: tuple[Placement, ...] = BOTH, *, seed: int = 5, of: str = "short", **how: Any
) -> tuple[Practice, Evening]:
    """Some steps of a practice with one person; what holds for everybody is asserted here."""
    plan = load_plan(of).model_dump(mode="json")
    plan["steps"] = [step for step in plan["steps"] if step["id"] in steps]
    practice = practise(plan, worn, seed=seed, rate_hz=52.0, **how)
    found = Evening.of_practice(practice)
    assert always_true(found) == []
    return practice, found


def is_replayed(practice: Practice) -> bool:
    """The recorded inputs alone give the same cues and results."""
    pipeline, again = Pipeline(), []
    for message in practice.inputs:
        again += pipeline.feed(message)
    again += pipeline.finish()
    kinds = (Cue, StepStarted, StepFinished, SegmentMeasured, SessionEnded)
    return [o for o in again if isinstance(o, kinds)] == [o for o in practice.outputs if isinstance(o, kinds)]


def done(found: Evening, step_id: str) -> Mapping[str, Any]:
    """What is reported of a step."""
    return found.finished()[step_id].done


def counted(found: Evening) -> list[str]:
    """The numbers that were said."""
    return [cue.text for cue in found.of(Cue) if cue.kind == "count"]


SET = ("onto-left-side", "right-clamshells", "onto-the-back")
IN_THE_SET_S = 65.0
"""When everybody here has begun the clamshells and nobody is through."""


def test_who_falls_asleep_is_left_asleep() -> None:
    """Asleep in the middle of a set: offered once more, then silence; what was done until then is what is reported."""
    practice, found = evening(SET, THIGH, habits={"sleeps_after_s": IN_THE_SET_S}, longest_s=250.0)
    assert is_replayed(practice)
    assert not [said for said in found.said() if said.start_s > IN_THE_SET_S + 60.0]
    assert [step.step_id for step in found.of(StepStarted)][-1] == "right-clamshells"
    real = found.stretch("right-clamshells")
    assert real is not None
    assert 0 < real["count"] < 5
    assert done(found, "right-clamshells")["reps"] == real["count"]
    assert found.of(SessionEnded)[-1].ended_by == "person"


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_who_sleeps_half_an_hour_hears_nothing() -> None:
    """Thirty minutes of sleep with a fidget now and then: not a word after the first minute, no repetition more."""
    _, found = evening(SET, habits={"sleeps_after_s": IN_THE_SET_S}, longest_s=1900.0)
    assert not [said for said in found.said() if said.start_s > IN_THE_SET_S + 60.0]
    assert done(found, "right-clamshells")["reps"] == (found.stretch("right-clamshells") or {})["count"]


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_who_falls_asleep_in_a_rest_is_led_on_softly_and_then_left() -> None:
    """Asleep in the first open rest: timed steps pass, a step that nobody begins is offered once, none is counted."""
    practice, found = evening(
        [step["id"] for step in load_plan("hips-and-core").model_dump()["steps"]], of="hips-and-core",
        habits={"sleeps_after_s": 150.0}, longest_s=1950.0,
    )  # fmt: skip
    assert max(n for _, n, _ in busiest_minutes(found)) <= 6
    assert counted(found) == []
    assert not [said for said in found.said() if said.start_s > 1200.0]
    measured = [m for m in practice.of(SegmentMeasured) if m.exercise in ("clamshell", "pelvic_rock")]
    assert not any(m.measures["count"] for m in measured)


def test_who_stops_half_way_is_let_go_at_once() -> None:
    """The stop key in the middle of a set: one answer, no other step, and the repetitions that were done."""
    _, found = evening(SET, THIGH, marks={"right-clamshells": (30.0, "stop")})
    assert [said.cue.key for said in found.said()][-1] == "stopped"
    finished = found.finished()["right-clamshells"]
    assert finished.ended_by == "stop"
    assert "onto-the-back" not in found.finished()
    real = [rep for rep in (found.stretch("right-clamshells") or {})["reps"] if not rep["partial"]]
    assert done(found, "right-clamshells")["reps"] in {
        sum(rep["end_s"] <= finished.end_s + margin_s for rep in real) for margin_s in (-1.0, 0.0, 1.0)
    }
    assert found.of(SessionEnded)[-1].ended_by == "person"


def test_who_gets_up_is_not_counted() -> None:
    """Up and away in the middle of a set: walking is no repetition, and nobody is called back again and again."""
    _, found = evening(SET, habits={"gets_up_after_s": IN_THE_SET_S}, longest_s=200.0)
    assert done(found, "right-clamshells")["reps"] == (found.stretch("right-clamshells") or {})["count"]
    assert sum(said.start_s > IN_THE_SET_S + 5.0 for said in found.said()) <= 3


def test_who_does_fifteen_is_not_counted_beyond_what_was_asked() -> None:
    """Fifteen instead of five: five are counted aloud, and what is reported was done within the step."""
    _, found = evening(SET, THIGH, habits="fifteen-reps", longest_s=300.0)
    assert counted(found)[-1] == "Five."
    assert len(counted(found)) >= 4
    end_s = found.finished()["right-clamshells"].end_s
    real = [rep for rep in (found.stretch("right-clamshells") or {})["reps"] if not rep["partial"]]
    assert abs(done(found, "right-clamshells")["reps"] - sum(rep["end_s"] <= end_s for rep in real)) <= 1
    assert found.of(SessionEnded)[-1].ended_by == "plan"


def test_who_shakes_from_the_third_is_greeted_once() -> None:
    """Shaking is welcomed once, not before it came, and stands with the repetitions that had it."""
    practice, found = evening(SET[:2], THIGH, habits="shakes-from-the-third", seed=4)
    greeted = [said for said in found.said() if said.cue.key == "shaking"]
    real = found.stretch("right-clamshells")
    assert real is not None
    assert len(greeted) == 1
    assert greeted[0].start_s > real["reps"][2]["start_s"]
    assert [event.exercise for event in practice.of(TremorBegan)] == ["clamshell"]
    measured = next(m for m in practice.of(SegmentMeasured) if m.exercise == "clamshell")
    shook = [rep["tremor"] is not None for rep in measured.measures["reps"]]
    assert not any(shook[:2])
    assert sum(shook[2:]) >= len(shook[2:]) - 1


@pytest.mark.parametrize("worn", [pytest.param(BOTH, marks=pytest.mark.soak), THIGH])
def test_who_rolls_over_early_is_not_held_back(worn: tuple[Placement, ...]) -> None:
    """Onto the back after three of five: three are reported, and the voice does not insist."""
    _, found = evening(SET, worn, habits="rolls-early", longest_s=200.0)
    real = found.stretch("right-clamshells")
    assert real is not None
    assert done(found, "right-clamshells")["reps"] == real["count"] == 3
    rolled_s = max(rep["end_s"] for rep in real["reps"])
    in_step = [
        said for said in found.said() if rolled_s + 1 < said.start_s < found.finished()["right-clamshells"].end_s
    ]
    assert len([said for said in in_step if said.cue.kind == "say"]) <= 1


def test_who_loses_the_strap_gets_no_invented_repetitions() -> None:
    """The sensor falls off in the middle of a set and lies there: what it saw before stays, and nothing is added."""
    practice, found = evening(SET, habits={"drops": "right-thigh", "drops_after_s": IN_THE_SET_S}, longest_s=200.0)
    assert is_replayed(practice)
    real = [rep for rep in (found.stretch("right-clamshells") or {})["reps"] if not rep["partial"]]
    before = sum(rep["end_s"] < IN_THE_SET_S for rep in real)
    assert before < len(real)
    assert before <= done(found, "right-clamshells")["reps"] <= before + 1


@pytest.mark.soak
def test_a_strap_that_came_off_before_the_roll_is_noticed_and_does_not_mislead() -> None:
    """It lies on the mattress while its wearer rolls: one sentence, and its side is guided and not measured."""
    steps = [step["id"] for step in load_plan("short").model_dump()["steps"]]
    practice, found = evening(steps, habits={"drops": "right-thigh", "drops_after_s": 150.0}, longest_s=500.0)
    assert found.finished()["onto-left-side"].ended_by == "event"
    assert sum(said.cue.key == "sensor_off" for said in found.said()) == 1
    clams = found.finished()["right-clamshells"]
    assert (clams.ended_by, clams.is_measured, clams.done["reps"]) == ("timed", False, None)
    remarks = list(sensor_remarks(analyze_inputs(practice.inputs, source={})))
    assert sum("right thigh sensor had come off" in remark for remark in remarks) == 1


def test_a_link_that_is_lost_for_good_is_said_once_and_the_practice_goes_on() -> None:
    """The thigh's link breaks in the middle of a set: one sentence, then time guides to the end of the practice."""
    practice, found = evening(SET, losses={"right-clamshells": (25.0, "right-thigh")})
    lost_s = next(t_s for t_s, message in found.inputs if isinstance(message, StreamInterrupted))
    assert sum(said.cue.key == "link_lost" for said in found.said()) == 1
    assert found.finished()["right-clamshells"].ended_by == "timed"
    real = [rep for rep in (found.stretch("right-clamshells") or {})["reps"] if not rep["partial"]]
    assert done(found, "right-clamshells")["reps"] in (None, *range(sum(rep["end_s"] <= lost_s for rep in real) + 1))
    assert found.of(SessionEnded)[-1].ended_by == "plan"
    assert analyze_inputs(practice.inputs, source={}).segments


def test_who_taps_instead_of_pressing_moves_on() -> None:
    """A double tap on the sensor ends an open step, as the key does."""
    _, found = evening(
        ("settle", "end"), THIGH, taps={"end": (8.0, "right-thigh")}, press_next_on_open=False,
        longest_s=120.0,
    )  # fmt: skip
    assert found.of(SessionEnded)[-1].ended_by == "plan"
    assert found.finished()["end"].ended_by == "person"


@pytest.mark.parametrize("seed", [5, pytest.param(3, marks=pytest.mark.soak), pytest.param(8, marks=pytest.mark.soak)])
def test_who_coughs_and_talks_is_still_counted_right(seed: int) -> None:
    """Coughs and talk all the time: the count is that of the movement, and nothing is taken for a tap or a step on."""
    _, found = evening(SET, habits="coughs-and-talks", seed=seed, longest_s=300.0)
    real = found.stretch("right-clamshells")
    assert real is not None
    assert done(found, "right-clamshells")["reps"] == real["count"] == 5
    assert not [finished.step_id for finished in found.of(StepFinished) if finished.ended_by == "person"]
    assert found.of(SessionEnded)[-1].ended_by == "plan"

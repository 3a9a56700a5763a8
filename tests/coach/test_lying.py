"""Somebody who rolls over early, sits up, or turns to the side where the plan has nothing on the side."""

from __future__ import annotations

from typing import Any

import pytest

from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import (
    Cue,
    HoldEnded,
    HoldReached,
    KneeFallPhaseReached,
    PostureChanged,
    SegmentMeasured,
    SensorFellOff,
    SessionEnded,
    StepStarted,
    StillnessChanged,
)  # fmt: skip

ALL = ("right-thigh", "left-thigh", "pelvis")


def lies(person: Any, posture: Any, place: Any = "pelvis") -> None:
    """A sensor tells of a posture."""
    person.give(PostureChanged(person.t_s, person.t_s, place, place, posture))


def until(person: Any, step_id: str, more_s: float = 0.0) -> Any:
    """On the back from the beginning, until a step has begun, and some more."""
    if not person.out:
        person.run(1.0)
        lies(person, "supine")
    while step_id not in [output.step_id for output in person.of(StepStarted)]:
        person.run(person.t_s + 0.1)
        assert person.t_s < 3000
    return person.run(person.t_s + more_s)


def test_whoever_rolls_over_early_is_followed(paper_person: Any) -> None:
    """Nothing is said that does not fit, then come the words for somebody who lies on the side already."""
    person = until(paper_person(load_plan("hips-and-core"), ALL, skips=frozenset({"find-tilt"})), "find-tilt", 14.0)
    person._measures = lambda _: None
    n_cues = len(person.of(Cue))
    lies(person, "right_up")
    person.run(person.t_s + 11.0)
    assert len(person.of(Cue)) == n_cues
    person.run(person.t_s + 2.0)
    assert person.coach.run.step.id == "onto-left-side"
    assert person.of(Cue)[-1].text.startswith("Rest your head")
    left = person.finished("find-tilt")
    assert (left.is_measured, left.done["reps"]) == (False, None)
    assert until(person, "right-clamshells").t_s < person.t_s + 1.0


def test_reaching_for_a_pillow_is_not_rolling_over(paper_person: Any) -> None:
    """Back within ten seconds, the step goes on as if nothing had been, its own time apart."""
    plain = until(paper_person(load_plan("soft-hips"), ALL), "long-rest").finished("belly-breathing")
    person = until(paper_person(load_plan("soft-hips"), ALL), "belly-breathing", 20.0)
    lies(person, "left_up")
    person.run(person.t_s + 8.0)
    lies(person, "supine")
    breathing = until(person, "legs-straight").finished("belly-breathing")
    assert breathing.end_s - breathing.start_s == pytest.approx(plain.end_s - plain.start_s + 8.0, abs=0.5)


def test_a_thigh_that_turned_with_the_body_has_not_slid(paper_person: Any) -> None:
    """What it tells of a slide while its wearer reaches for a pillow does not end the rest."""
    person = until(paper_person(load_plan("short"), ALL), "right-rest", 12.0)
    lies(person, "left_up")
    person.run(person.t_s + 2.0)
    person.give(KneeFallPhaseReached(person.t_s, person.t_s, "right", "sliding"))
    person.run(person.t_s + 4.0)
    lies(person, "supine")
    person.run(person.t_s + 5.0)
    assert person.coach.run.step.id == "right-rest"


def test_where_there_is_no_side_step_the_practice_waits(paper_person: Any) -> None:
    """One sentence, then silence until the person lies as before, and the words once more; next goes on anyway."""
    person = until(paper_person(load_plan("soft-hips"), ALL), "belly-breathing", 20.0)
    lies(person, "left_up")
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 300.0)
    assert [cue.key for cue in person.of(Cue)[n_cues:]] == ["lie_as_before"]
    assert person.coach.run.step.id == "belly-breathing"
    lies(person, "supine")
    person.run(person.t_s + 1.0)
    assert person.of(Cue)[-1].key == "breathing.start"
    lies(person, "left_up")
    person.run(person.t_s + 30.0)
    person.mark("next")
    person.run(person.t_s + 30.0)
    assert person.coach.run.step.id == "legs-straight"
    assert person.of(Cue)[-1].key == "leg_slide.start"


def test_the_back_is_passed_on_the_way_to_the_other_side(paper_person: Any) -> None:
    """Ten seconds on the back after the leg came home change nothing."""
    person = until(paper_person(load_plan("hips-and-core"), ALL), "right-return", 8.0)
    lies(person, "supine")
    person.run(person.t_s + 10.0)
    lies(person, "right_up")
    assert until(person, "onto-right-side").coach.run.step.id == "onto-right-side"


def test_nobody_is_talked_to_who_has_got_up(paper_person: Any) -> None:
    """Upright: not a word, and no time passes for the step; lying again, its words come once more."""
    person = until(paper_person(load_plan("hips-and-core"), ALL), "right-settle", 12.0)
    lies(person, "upright")
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 600.0)
    assert len(person.of(Cue)) == n_cues
    lies(person, "supine")
    person.run(person.t_s + 2.0)
    assert person.of(Cue)[-1].key == "compare.start"
    assert until(person, "left-fall").finished("right-settle").done["residual_deg"] == 2.0


def test_whoever_got_up_and_stayed_away_is_not_recorded_all_night(paper_person: Any) -> None:
    """In a timed step, whose time stands still for them: after three quarters of an hour the session has ended."""
    person = until(paper_person(load_plan("hips-and-core"), ALL), "right-settle", 12.0)
    lies(person, "upright")
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 2600.0)
    assert not person.of(SessionEnded)
    person.run(person.t_s + 200.0)
    assert person.of(SessionEnded)[0].ended_by == "person"
    assert len(person.of(Cue)) == n_cues


def test_a_thigh_that_falls_open_does_not_lie_on_the_side(paper_person: Any) -> None:
    """In a fall and its rest the thigh alone proves nothing, and before it ever fitted no sensor does."""
    person = until(paper_person(load_plan("soft-hips"), ("left-thigh",)), "left-rest", 20.0)
    lies(person, "left_up", "left-thigh")
    person.run(person.t_s + 30.0)
    assert "lie_as_before" not in [cue.key for cue in person.of(Cue)]
    person = paper_person(load_plan("hips-and-core"), ALL).run(20.0)
    lies(person, "left_up")
    assert person.run(60.0).coach.run.step.id == "settle"


def test_a_sensor_that_does_not_roll_along_has_come_off(paper_person: Any) -> None:
    """One sentence, and from then on its leg is guided by time and not measured; the one that moved is."""
    person = until(paper_person(load_plan("hips-and-core"), ALL, skips=frozenset({"onto-left-side"})), "let-go", 20.0)
    person.give(StillnessChanged(person.t_s - 100.0, person.t_s, "right-thigh", "right-thigh", True))
    until(person, "onto-left-side", 10.0)
    person.give(StillnessChanged(person.t_s, person.t_s, "left-thigh", "left-thigh", False))
    person.sits.discard("right-thigh")
    lies(person, "right_up")
    assert [(off.channel, off.placement) for off in person.of(SensorFellOff)] == [("right-thigh", "right-thigh")]
    until(person, "left-clamshells")
    assert [cue.key for cue in person.of(Cue)].count("sensor_off") == 1
    clams = person.finished("right-clamshells")
    assert (clams.ended_by, clams.is_measured, clams.done["reps"]) == ("timed", False, None)
    assert until(person, "left-leg-back").finished("left-clamshells").done["reps"] == 8


def test_a_hold_from_before_its_words_is_not_the_hold(paper_person: Any) -> None:
    """Flattened from the rocking, let go when the words have ended, pressed down again: the second one is held."""
    person = until(paper_person(load_plan("hips-and-core"), ALL, skips=frozenset({"flatten-hold"})), "flatten-hold")
    step = person.of(StepStarted)[-1]
    held = {"hold_s": 15.0}
    person._measures = lambda _: {"count": None} | held
    person.run(person.t_s + 4.0)
    person.give(HoldReached(step.t_s + 0.5, person.t_s, "pelvic_hold", None))
    person.run(step.t_s + 14.0)
    person.give(HoldEnded(step.t_s + 12.5, person.t_s, "pelvic_hold", None, 12.0))
    person.run(step.t_s + 18.0)
    assert person.coach.run.step.id == "flatten-hold"
    person.give(HoldReached(step.t_s + 15.5, person.t_s, "pelvic_hold", None))
    until(person, "let-go")
    ended = person.finished("flatten-hold")
    assert ended.ended_by == "seconds"
    assert ended.end_s - step.t_s == pytest.approx(30.5, abs=0.3)


def test_breaths_of_a_rest_are_measured_by_the_belly_alone(paper_person: Any) -> None:
    """Where no thigh is worn the open hip has no angles, but the breaths that were counted are there."""
    person = until(paper_person(load_plan("soft-hips"), ("belly",)), "right-rest", 1.0)
    person.coach.run.breaths = 6
    person.run(person.t_s + 20.0)
    head = SegmentMeasured(person.t_s, person.t_s, "rest", None, "belly", 0.0, person.t_s, {}, "right-fall")
    until(person, "left-fall")
    person.give(head)
    rest = person.finished("right-rest")
    assert (rest.is_measured, rest.done["breaths"], rest.done["final_deg"]) == (True, 6, None)

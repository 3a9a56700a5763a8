"""A step that stood still, in a pause or half-way through a movement, goes on from where the body is by then."""

from __future__ import annotations

from typing import Any

import pytest

from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import Cue, DoubleTapped, KneeFallPhaseReached, SessionEnded, StepStarted, UserMark

ALL = ("right-thigh", "left-thigh", "pelvis")


def until(person: Any, step_id: str, more_s: float) -> Any:
    """Practises until a step has begun, and some more."""
    while step_id not in [step.step_id for step in person.of(StepStarted)]:
        person.run(person.t_s + 0.1)
        assert person.t_s < 3000
    return person.run(person.t_s + more_s)


@pytest.mark.parametrize(
    ("step", "more_s", "following"),
    [
        ("right-fall", 14.0, "right-rest"),
        ("right-slide", 9.0, "right-settle"),
        ("onto-left-side", 5.0, "right-clamshells"),
    ],
)
def test_what_was_done_in_a_pause_is_not_waited_for(
    paper_person: Any, step: str, more_s: float, following: str
) -> None:
    """The knee that fell, the leg that slid, the roll: half-way a pause was asked for, then the practice goes on."""
    person = until(paper_person(load_plan("short"), ALL), step, more_s)
    person.mark("pause")
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 60.0)
    assert person.of(StepStarted)[-1].step_id == step
    assert len(person.of(Cue)) == n_cues
    person.mark("resume")
    person.run(person.t_s + 20.0)
    assert following in [one.step_id for one in person.of(StepStarted)]
    assert "again" not in [cue.key for cue in person.of(Cue)]


def test_a_slide_whose_end_was_not_seen_holds_nobody(paper_person: Any) -> None:
    """A leg that began to slide and stopped half-way: after a while one hears, once, how to go on."""
    person = until(paper_person(load_plan("short"), ALL, skips=frozenset({"right-slide"})), "right-slide", 10.0)
    person.give(KneeFallPhaseReached(person.t_s, person.t_s, "right", "sliding"))
    person.run(person.t_s + 36.0)
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 300.0)
    assert [cue.text for cue in person.of(Cue)][n_cues:] == ["Take your time. Go on when you like."]
    assert person.of(StepStarted)[-1].step_id == "right-slide"


def test_a_knee_that_was_put_down_and_drawn_up_again_is_invited_again(paper_person: Any) -> None:
    """Half-way down it went back to scratch an itch: with the knee up once more, the fall is led as the first time."""
    person = until(paper_person(load_plan("short"), ALL, skips=frozenset({"right-fall"})), "right-fall", 10.0)
    for phase in ("knee_up", "falling", "knee_up"):
        person.give(KneeFallPhaseReached(person.t_s, person.t_s, "right", phase))
        person.run(person.t_s + 12.0)
    assert [cue.key for cue in person.of(Cue)].count("knee_fall.fall") == 2
    person.give(KneeFallPhaseReached(person.t_s, person.t_s, "right", "arrived"))
    assert person.run(person.t_s + 3.0).of(StepStarted)[-1].step_id == "right-rest"


def test_a_roll_in_a_pause_is_not_asked_for_anew(paper_person: Any) -> None:
    """The words that the pause cut off come again for somebody who lies on the side by now."""
    person = until(paper_person(load_plan("short"), ALL), "onto-left-side", 3.0)
    person.mark("pause")
    person.run(person.t_s + 60.0)
    person.mark("resume")
    person.run(person.t_s + 5.0)
    assert person.of(Cue)[-1].text.startswith("Rest your head")


@pytest.mark.parametrize("how", ["next", "tap"])
def test_a_pause_in_the_last_words_is_ended_by_whatever_means_go_on(paper_person: Any, how: str) -> None:
    """By touch alone, without looking for the one right key, the end is reached."""
    person = paper_person(load_plan("short"), ALL)
    while not any(cue.key == "end" for cue in person.of(Cue)):
        person.run(person.t_s + 0.1)
    person.mark("pause")
    person.run(person.t_s + 20.0)
    at = (person.t_s, person.t_s, "pelvis", "pelvis")
    person.give(UserMark(person.ns(), "next") if how == "next" else DoubleTapped(*at))
    assert person.run(person.t_s + 15.0).of(SessionEnded)

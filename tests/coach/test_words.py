"""The words: complete, filled in, calm, and free of promises."""

from __future__ import annotations

import re

import pytest

from sensorsoma.coach.order import one_sensor_order
from sensorsoma.coach.plan import BUNDLED, Step, load_plan
from sensorsoma.coach.script import Script
from sensorsoma.coach.wording import doubts_about
from sensorsoma.coach.words import load_words, places
from sensorsoma.errors import PlanError
from sensorsoma.messages import EXERCISES

WORDS = load_words("en")
LINES = [
    (section, moment, line)
    for section, moments in WORDS.sections.items()
    for moment, lines in moments.items()
    for line in lines
]
SPOKEN = [(section, moment, line) for section, moment, line in LINES if section != "safety"]


def test_everything_that_is_heard_is_calm_short_and_promises_nothing() -> None:
    """Each entry is one sentence of at most 22 words, without judgement, pressure or a clinical promise."""
    assert not [(section, moment, doubt) for section, moment, line in SPOKEN for doubt in doubts_about(line)]


def test_the_safety_text_promises_nothing_either() -> None:
    """It may be long and may say that there is no diagnosis; no other word of that kind stands in it."""
    promises = [doubt for section, _, line in LINES if section == "safety" for doubt in doubts_about(line)]
    assert [doubt for doubt in promises if "judges" in doubt] == [
        "'diagnosis' promises, judges or presses; say what can be felt instead"
    ]


def test_every_place_is_known() -> None:
    """Only places that the script can fill stand in the sentences."""
    assert {place for _, _, line in LINES for place in places(line)} <= {"side", "other", "Reps", "title"}


def test_the_first_sentence_stands_alone() -> None:
    """The first sentence never depends on a number of repetitions, so a cue is never empty."""
    firsts = [lines[0] for moments in WORDS.sections.values() for lines in moments.values()]
    assert not [line for line in firsts if "Reps" in places(line)]


@pytest.mark.parametrize("do", EXERCISES)
def test_every_movement_has_words(do: str) -> None:
    """Whatever a plan asks for, there is something to say when it begins."""
    assert WORDS.has(do, "start")


@pytest.mark.parametrize("name", BUNDLED)
def test_every_step_of_every_plan_is_spoken_in_full(name: str) -> None:
    """Every step of every bundled plan opens with words and leaves no place unfilled."""
    plan = load_plan(name)
    for ordered in (plan, one_sensor_order(plan, "left-thigh"), one_sensor_order(plan, "right-thigh")):
        script = Script(ordered, WORDS)
        for step in ordered.steps:
            key, sentences = script.opening(step, is_belly_worn=True)
            assert sentences, step.id
            assert not re.search(r"[{}]", " ".join(sentences))
            assert key == "move_sensor" or key.endswith(".start")


def test_every_moment_that_the_coach_uses_exists() -> None:
    """The moments inside steps and the words of the session are all written."""
    for moment in (
        "welcome",
        "shaking",
        "again",
        "stalled",
        "paused",
        "resumed",
        "link_lost",
        "link_back",
        "end",
        "stopped",
    ):
        assert WORDS.has("session", moment)
    for section, moment in (
        ("knee_fall", "fall"), ("knee_fall", "closer"), ("knee_fall", "again_fall"), ("leg_back", "back"),
        ("clamshell", "slower"), ("clamshell", "range_less"), ("clamshell", "range_more"), ("pelvic_rock", "slower"),
        ("roll_over", "belly_aside"), ("roll_over", "again_back"), ("safety", "about"), ("safety", "stop_rule"),
        ("safety", "emergency"), ("safety", "ask_first"), ("safety", "line"),
    ):  # fmt: skip
        assert WORDS.has(section, moment), (section, moment)


def test_nothing_is_written_that_is_never_said() -> None:
    """Every section of the words file belongs to a movement, a bundled plan, a step that is put in, or the session."""
    used = {step.words for name in BUNDLED for step in load_plan(name).steps}
    assert set(WORDS.sections) <= {*EXERCISES, *used, "session", "pacer", "safety", "move_sensor", "settle_again"}


def test_sides_are_filled_in() -> None:
    """The left leg is left, and the other one right."""
    step = Step(id="a", title="A", do="knee_fall", side="left", event="arrived")
    text = " ".join(Script(load_plan("short"), WORDS).opening(step, is_belly_worn=False)[1])
    assert "left foot up beside the right knee" in text


def test_an_unknown_language_is_one_sentence() -> None:
    """A language without words is answered with the one that there is."""
    with pytest.raises(PlanError, match="en"):
        load_words("xx")

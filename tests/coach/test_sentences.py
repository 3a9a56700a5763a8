"""The sentences of a plan, in order, before it is practised."""

from __future__ import annotations

from typing import Any

import pytest

from sensorsoma.coach.order import one_sensor_order
from sensorsoma.coach.plan import load_plan
from sensorsoma.coach.sentences import sentences_of
from sensorsoma.coach.words import load_words
from sensorsoma.messages import Cue, Placement


@pytest.mark.parametrize("name", ["hips-and-core", "hips-check"])
@pytest.mark.parametrize("worn", [("right-thigh", "left-thigh", "pelvis", "belly"), ("left-thigh",), ()])
def test_nothing_is_said_that_was_not_foretold(paper_person: Any, name: str, worn: tuple[Placement, ...]) -> None:
    """Every cue of a practice is one of the sayings, whole or its beginning; what is sure is really said."""
    plan = load_plan(name)
    if len(worn) == 1:
        plan = one_sensor_order(plan, worn[0])
    sayings = sentences_of(plan, load_words(), is_belly_worn="belly" in worn)
    known = {" ".join(saying.sentences[:n]) for saying in sayings for n in range(1, len(saying.sentences) + 1)}
    cues = [cue for cue in paper_person(plan, worn).run().of(Cue) if cue.text]
    assert not [cue.text for cue in cues if cue.text not in known]
    if any(step.moves_sensor_to for step in plan.steps):
        return  # the person on paper does not strap it on anew
    heard = {cue.text.split(".")[0] for cue in cues}
    assert not [s.key for s in sayings if s.is_sure and s.sentences[0].split(".")[0] not in heard]


def test_the_voice_of_ones_own_says_ones_own_words() -> None:
    """Sentences that replace others are the ones that are listed; the others are not."""
    own = {"clamshell": {"start": ["Ankles together, and let the {side} knee open."]}}
    texts = [line for s in sentences_of(load_plan("short"), load_words("en", own)) for line in s.sentences]
    assert "Ankles together, and let the right knee open." in texts
    assert not [line for line in texts if line.startswith("Keep the ankles together")]


def test_how_to_pass_on_is_said_where_a_tap_is_felt() -> None:
    """With a sensor that feels taps every offer ends with them, and the sensor that is moved is tapped as well."""
    plan = one_sensor_order(load_plan("hips-check"), "left-thigh")
    tap = load_words().sentences("session", "or_tap", {})
    offers = [saying for saying in sentences_of(plan, load_words(), can_tap=True) if saying.key == "again"]
    assert {saying.sentences[-1:] for saying in offers if saying.step_index is not None} == {tap}
    assert "tap" in " ".join(line for s in sentences_of(plan, load_words(), can_tap=True) for line in s.sentences)

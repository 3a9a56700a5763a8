"""A new plan out of a few answers: any answers make a plan, and a wrong one is answered at once."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.coach.asking import QUESTIONS, as_name, new_plan
from sensorsoma.coach.editing import expected_s, plan_toml
from sensorsoma.coach.plan import BUNDLED, check_text, load_plan
from sensorsoma.coach.steps import Plan
from sensorsoma.errors import PlanError


def read(**typed: str) -> dict[str, Any]:
    """Answers as they are typed, all others as usual."""
    answers: dict[str, Any] = {}
    for question in QUESTIONS:
        if question.is_due(answers):
            answers[question.name] = question.read(typed.get(question.name, question.default(answers)))
    return answers


@given(
    sides=st.sampled_from(["both", "left", "right"]),
    numbers=st.lists(st.integers(0, 12), min_size=6, max_size=6),
    long_rest=st.sampled_from(["yes", "no"]),
    title=st.text(min_size=1, max_size=20).filter(lambda text: text.strip().isprintable() and bool(text.strip())),
)
@settings(max_examples=40, deadline=None)
def test_any_movements_make_a_plan(sides: str, numbers: list[int], long_rest: str, title: str) -> None:
    """Whatever doses are answered, the plan that is written has no mistake and loads as it was shown."""
    names = ("falls", "pelvic_rocks", "hold_s", "clamshells", "leg_back_breaths", "rocking_s")
    doses = dict(zip(names, map(str, numbers), strict=True))
    plan = new_plan("mine", read(base="own", sides=sides, long_rest=long_rest, title=title, **doses))
    text = plan_toml(plan)
    assert all(problem.is_note for problem in check_text(text))
    assert Plan.model_validate(tomllib.loads(text)) == plan


@pytest.mark.parametrize("base", BUNDLED)
def test_return_at_every_question_copies_the_practice(base: str) -> None:
    """With the usual answers the new plan is the one that it began with, under its own name."""
    plan = new_plan("mine", read(base=base))
    assert plan.steps == load_plan(base).steps
    assert check_text(plan_toml(plan)) == []
    assert (plan.name, plan.title, plan.description) == ("mine", "My evening", "")


@pytest.mark.parametrize(("base", "side"), [("hips-and-core", "left"), ("hips-check", "right"), ("short", "left")])
def test_one_hip_is_enough(base: str, side: str) -> None:
    """A practice for one hip holds no step of the other."""
    assert {step.side for step in new_plan("mine", read(base=base, sides=side)).steps} == {side, None}


def test_length_counts_and_breath_are_taken_over() -> None:
    """Minutes, counting and pace are those that were answered."""
    plan = new_plan("mine", read(minutes="26", counts="last_two", breath="5-7"))
    assert abs(expected_s(plan) / 60 - 26) <= 1.0
    assert plan.defaults.counts == "last_two"
    assert (plan.defaults.breath_in_s, plan.defaults.breath_out_s) == (5, 7)


@pytest.mark.parametrize("minutes", ["1", "120"])
def test_a_length_that_cannot_be_is_answered_with_one_that_can(minutes: str) -> None:
    """Too short or too long a wish says how far it can go; that length is then taken."""
    with pytest.raises(PlanError, match=r"it cannot be (shorter|longer) than about \d+; answer \d+") as caught:
        new_plan("mine", read(base="hips-check", minutes=minutes))
    possible = str(caught.value).split("answer ")[1].split(",")[0]
    assert new_plan("mine", read(base="hips-check", minutes=possible)).steps


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("sides", "middle"), ("clamshells", "many"), ("clamshells", "-1"), ("title", ""), ("title", "a\x00b"),
        ("base", "yoga"), ("base", ""), ("breath", "4"), ("breath", "4-60"), ("counts", "l"), ("minutes", "0"),
        ("minutes", "١٢"), ("long_rest", "perhaps"), ("rest_breaths", "0"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_used_is_one_sentence(name: str, answer: str) -> None:
    """A wrong answer is answered at once with what was expected."""
    question = next(question for question in QUESTIONS if question.name == name)
    if (name, answer) == ("counts", "l"):
        assert question.read(answer) == "last_two"  # the beginning of one answer only is enough
        return
    with pytest.raises(PlanError, match=r"^Expected .*[.]$"):
        question.read(answer)


@pytest.mark.parametrize(
    ("stem", "name"), [("my-evening", "my-evening"), ("Für den Abend!", "fur-den-abend"), ("***", "my-plan")]
)
def test_a_file_name_becomes_a_short_name(stem: str, name: str) -> None:
    """Whatever a file is called, the plan in it has a name of the schema."""
    assert as_name(stem) == name

"""One sensor for two legs, one side, shorter, and plans out of answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.coach.editing import QUESTIONS, new_plan, plan_summary
from sensorsoma.coach.order import mirrored, one_sensor_order, one_side, shortened
from sensorsoma.coach.plan import BUNDLED, check_text, load_plan
from sensorsoma.errors import PlanError
from sensorsoma.messages import Placement, placement_side


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("thigh", ["left-thigh", "right-thigh"])
def test_one_sensor_moves_once_and_sees_every_side(name: str, thigh: Placement) -> None:
    """The sensor moves once at most, both poses follow the move, and it always sits on the leg that is practised."""
    plan = load_plan(name)
    ordered = one_sensor_order(plan, thigh)
    sides = {step.side for step in plan.steps if step.side is not None}
    moves = [index for index, step in enumerate(ordered.steps) if step.moves_sensor_to is not None]
    assert len(moves) == len(sides) - 1
    sits = placement_side(thigh)
    for step in ordered.steps:
        if step.moves_sensor_to is not None:
            sits = placement_side(step.moves_sensor_to)
        elif step.do in ("knee_fall", "clamshell", "leg_back"):
            assert step.side == sits, step.id
    if moves:
        after = ordered.steps[moves[0] + 1 :]
        assert after[0].pose == "straight"
        assert any(step.pose == "knee_up" for step in after)
    kept = sorted(step.do for step in plan.steps if step.do != "roll_over")
    added = {"unknown", "stillness"} if moves else set()
    assert sorted([*kept, *added]) == sorted(step.do for step in ordered.steps if step.do != "roll_over")


def test_one_side_leaves_the_other_for_tomorrow() -> None:
    """Only steps of one side, and those without a side, remain."""
    plan = one_side(load_plan("hips-and-core"), "left")
    assert {step.side for step in plan.steps} == {"left", None}
    assert [step.id for step in plan.steps].count("rocking") == 1


def test_one_side_without_lying_on_a_side_stays_on_the_back() -> None:
    """When only the other side lies on its side, what is done there goes as well."""
    plan = load_plan("hips-check")
    right = plan.model_copy(
        update={"steps": tuple(s for s in plan.steps if not (s.do == "clamshell" and s.side == "left"))}
    )
    assert all(step.side != "right" for step in one_side(right, "left").steps)


def test_mirrored_twice_is_the_same() -> None:
    """Left for right and back again changes nothing."""
    plan = load_plan("hips-and-core")
    assert mirrored(mirrored(plan)) == plan
    assert mirrored(plan).steps[1].id == "left-fall"


def test_a_shortened_plan_keeps_its_counts_and_ends_by_itself() -> None:
    """Fewer breaths and seconds, the same repetitions and poses, no open step."""
    plan, short = load_plan("hips-and-core"), shortened(load_plan("hips-and-core"), 0.5)
    assert [step.reps for step in short.steps] == [step.reps for step in plan.steps]
    assert [step.pose for step in short.steps] == [step.pose for step in plan.steps]
    assert not any(step.open for step in short.steps)
    assert sum(s.seconds or 0 for s in short.steps) < sum(s.seconds or 0 for s in plan.steps)


@pytest.mark.parametrize("name", BUNDLED)
def test_a_summary_names_every_step_and_the_whole(name: str) -> None:
    """`plan show` has one line for each step and the time of the whole."""
    plan = load_plan(name)
    text = plan_summary(plan)
    assert all(step.title in text for step in plan.steps)
    assert "About " in text.splitlines()[-1]


@given(
    sides=st.sampled_from(["both", "left", "right"]),
    numbers=st.lists(st.integers(0, 12), min_size=7, max_size=7),
    long_rest=st.sampled_from(["yes", "no"]),
    title=st.text(min_size=1, max_size=20).filter(lambda text: text.strip().isprintable() and bool(text.strip())),
)
def test_any_answers_make_a_plan(sides: str, numbers: list[int], long_rest: str, title: str) -> None:
    """Whatever doses are answered, the plan that is written has no mistake."""
    names = ("rest_breaths", "falls", "pelvic_rocks", "hold_s", "clamshells", "leg_back_breaths", "rocking_s")
    answers = dict(zip(names, map(str, numbers), strict=True))
    text = new_plan({**answers, "sides": sides, "long_rest": long_rest, "title": title})
    assert all(problem.is_note for problem in check_text(text))


def test_the_defaults_of_the_questions_make_a_plan() -> None:
    """Pressing return at every question writes a good plan."""
    assert check_text(new_plan({name: default for name, _, default in QUESTIONS})) == []


@pytest.mark.parametrize(("name", "answer"), [("sides", "middle"), ("clamshells", "many"), ("name", "My Plan!")])
def test_an_answer_that_cannot_be_used_is_one_sentence(name: str, answer: str) -> None:
    """A wrong answer says what was expected."""
    with pytest.raises(PlanError, match="expected"):
        new_plan({name: answer})

"""One sensor for two legs, one side, shorter or longer, and a plan as a table."""

from __future__ import annotations

import pytest

from sensorsoma.coach.editing import expected_s, plan_summary
from sensorsoma.coach.order import mirrored, one_sensor_order, one_side, scaled, shortened
from sensorsoma.coach.plan import BUNDLED, load_plan
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


def test_one_side_of_a_plan_for_either_hip_is_the_side_that_is_asked() -> None:
    """A plan for the right hip that may as well be practised with the left follows `--only-side left`."""
    assert {step.side for step in one_side(load_plan("short"), "left").steps} == {"left", None}
    assert one_side(load_plan("short"), "right") == load_plan("short")


@pytest.mark.parametrize("minutes", [14, 20, 30])
def test_a_plan_is_as_long_as_is_wished(minutes: int) -> None:
    """Breaths and seconds grow or shrink, the repetitions stay, and it takes about as long as was asked."""
    plan = load_plan("hips-and-core")
    other = scaled(plan, minutes * 60.0, expected_s)
    assert abs(expected_s(other) / 60 - minutes) < 1.0
    assert [step.reps for step in other.steps] == [step.reps for step in plan.steps]


def test_the_columns_stay_in_place_whatever_a_title_is() -> None:
    """A very long title is cut, so that ends and times stand below one another."""
    plan = load_plan("short")
    steps = [plan.steps[0].model_copy(update={"title": "A very long title " * 9}), *plan.steps[1:]]
    rows = plan_summary(plan.model_copy(update={"steps": tuple(steps)}), ["right-thigh"]).splitlines()[3:16]
    assert len({row.index("  right thigh") if "right thigh" in row[60:] else None for row in rows} - {None}) == 1
    assert max(len(row) for row in rows) < 110


def test_the_table_tells_what_sees_each_step_and_where_the_sensor_moves() -> None:
    """With one thigh sensor and a phone on the belly the order, the move and the phone's end are told."""
    worn: list[Placement] = ["left-thigh", "belly"]
    plan = one_sensor_order(load_plan("hips-and-core"), "left-thigh")
    text = plan_summary(plan, worn)
    assert "left thigh, breath by belly" in text
    assert "The sensor moves once, at step 15: to the right thigh." in text
    assert "The phone on the belly is put aside at step 10." in text
    assert "3 of 26 steps" not in text
    assert plan_summary(load_plan("hips-check"), []).count("guided") >= len(load_plan("hips-check").steps)

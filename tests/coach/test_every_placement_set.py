"""Every bundled plan with every set of placements: an order that can be practised, and no step that is lost."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from sensorsoma.coach.coverage import StepSeen, coverage
from sensorsoma.coach.order import fit
from sensorsoma.coach.plan import BUNDLED, load_plan
from sensorsoma.coach.possible import NEEDS_SIDE, order_problems
from sensorsoma.coach.steps import Plan
from sensorsoma.coach.wearing import Wearing
from sensorsoma.messages import Placement, Side, StepFinished, thigh_of

THIGHS: list[tuple[Placement, ...]] = [("right-thigh",), ("left-thigh",), ("right-thigh", "left-thigh"), ()]
TRUNKS: list[tuple[Placement, ...]] = [(), ("pelvis",), ("belly",)]
SETS = [(*thighs, *trunk) for thighs, trunk in itertools.product(THIGHS, TRUNKS)]
"""Both, either or no thigh, with nothing, a pelvis sensor or a phone on the belly."""

CASES = [pytest.param(name, worn, id=f"{name}: {'+'.join(worn) or 'nothing'}") for name in BUNDLED for worn in SETS]


def fitted(name: str, worn: tuple[Placement, ...], side: Side | None = None) -> tuple[Plan, list[StepSeen]]:
    """The plan as it is practised with that set, and what sees its steps."""
    plan = fit(load_plan(name), worn, side)
    return plan, coverage(plan, worn)


@pytest.mark.parametrize(("name", "worn"), CASES)
def test_the_order_can_be_practised_and_holds_every_step(name: str, worn: tuple[Placement, ...]) -> None:
    """Nobody lies on the wrong side, the one sensor moves once at most, and nothing of the practice is lost."""
    original = load_plan(name)
    plan, _ = fitted(name, worn)
    assert order_problems(plan.steps) == []
    n_moves = sum(step.moves_sensor_to is not None for step in plan.steps)
    has_two_sides = {step.side for step in original.steps} >= {"left", "right"}
    assert n_moves == (has_two_sides and sum(place.endswith("thigh") for place in worn) == 1)
    done = [(step.do, step.reps, step.breaths) for step in plan.steps if step.do not in ("roll_over", "unknown")]
    asked = [(step.do, step.reps, step.breaths) for step in original.steps if step.do != "roll_over"]
    assert sorted(map(str, done)) == sorted(map(str, asked + [("stillness", None, None)] * n_moves))


@pytest.mark.parametrize(("name", "worn"), CASES)
def test_a_pose_is_there_before_each_first_fall(name: str, worn: tuple[Placement, ...]) -> None:
    """Straight legs before the first fall that a sensor sees, again after the move, and the knee up in the fall."""
    _, seen = fitted(name, worn)
    has_lain_straight = False
    posed: set[Side | None] = set()
    for each in seen:
        if each.step.moves_sensor_to is not None:
            has_lain_straight = False
        has_lain_straight |= each.step.pose == "straight"
        if each.step.do == "knee_fall" and each.by:
            assert has_lain_straight, each.step.id
            assert each.step.pose == "knee_up" or each.step.side in posed, each.step.id
            posed.add(each.step.side)


@pytest.mark.parametrize(("name", "worn"), CASES)
def test_a_thigh_sensor_sits_on_the_leg_that_moves(name: str, worn: tuple[Placement, ...]) -> None:
    """Whatever one leg does is measured wherever there is a thigh sensor at all, on either side."""
    _, seen = fitted(name, worn)
    if not any(place.endswith("thigh") for place in worn):
        assert not [each.step.id for each in seen if each.step.do in NEEDS_SIDE and each.by]
        return
    for each in seen:
        if each.step.do in NEEDS_SIDE and each.step.side is not None:
            assert each.by == (thigh_of(each.step.side),), each.step.id


@pytest.mark.parametrize(("name", "worn"), CASES)
def test_what_is_promised_is_what_the_coach_counts_on(name: str, worn: tuple[Placement, ...]) -> None:
    """Step by step `plan show` tells measured or guided exactly as the coach will take it."""
    plan, seen = fitted(name, worn)
    wearing = Wearing(worn)
    for step, each in zip(plan.steps, seen, strict=True):
        if step.do == "roll_over":
            assert each.puts_belly_aside == ("belly" in wearing.worn)
            wearing.put_belly_aside()
        if step.moves_sensor_to is None:
            assert bool(each.by) == wearing.saw(step), step.id
        assert set(each.by) <= wearing.worn
        wearing.move_sensor(step)


@pytest.mark.parametrize("name", ["soft-hips", "hips-and-core", "hips-check"])
@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("trunk", TRUNKS)
def test_one_side_tonight_moves_nothing(name: str, side: Side, trunk: tuple[Placement, ...]) -> None:
    """With `--only-side` the sensor stays where it is, and every step of that side is measured."""
    plan, seen = fitted(name, (thigh_of(side), *trunk), side)
    assert order_problems(plan.steps) == []
    assert not [step.id for step in plan.steps if step.moves_sensor_to is not None]
    assert {step.side for step in plan.steps} <= {side, None}
    assert all(each.by for each in seen)


def test_without_a_thigh_the_trunk_tells_what_it_can() -> None:
    """A pelvis sees rocking, holds and rolls; a phone on the belly sees breath, until it is put aside."""
    by = {
        worn: {each.step.id: each.label() for each in fitted("hips-and-core", worn)[1]}
        for worn in (("pelvis",), ("belly",), ())
    }
    assert by["pelvis",]["rocking-pelvis"] == by["pelvis",]["onto-left-side"] == "pelvis"
    assert by["pelvis",]["right-clamshells"] == "guided"
    assert by["belly",]["right-rest"] == "breath by belly"
    assert by["belly",]["rocking-pelvis"] == "belly, weakly"
    assert by["belly",]["rocking"] == by["belly",]["stillness"] == "guided"
    assert set(by[()].values()) == {"guided"}


@pytest.mark.parametrize(
    "worn", [("right-thigh", "left-thigh", "belly"), ("belly",), ()], ids=["both+belly", "belly", "nothing"]
)
def test_every_step_is_gone_through_and_reads_as_promised(paper_person: Any, worn: tuple[Placement, ...]) -> None:
    """Practised on paper each step ends once, and what was promised as guided has no measured movement."""
    plan, seen = fitted("hips-and-core", worn)
    done = {step.step_id: step for step in paper_person(plan, worn).run().of(StepFinished)}
    assert list(done) == [step.id for step in plan.steps]
    for each in seen:
        if not each.by and each.step.do in NEEDS_SIDE:
            assert not done[each.step.id].is_measured

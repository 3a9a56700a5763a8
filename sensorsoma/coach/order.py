"""The same practice for fewer sensors, for one side, mirrored, or shorter: a plan in, another plan out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sensorsoma.coach.steps import Plan, Step
from sensorsoma.messages import Placement, Side, placement_side, thigh_of

OTHER: dict[Side, Side] = {"left": "right", "right": "left"}
_WORD = re.compile(r"left|right", re.IGNORECASE)


def fit(plan: Plan, worn: Sequence[Placement], side: Side | None = None) -> Plan:
    """The plan as it can be practised with what is worn: one thigh sensor for two legs moves once.

    Args:
        side: practise this side only, so that nothing is moved; None: both.
    """
    if side is not None:
        return one_side(plan, side)
    thighs = [place for place in worn if place.endswith("thigh")]
    return one_sensor_order(plan, thighs[0]) if len(thighs) == 1 else plan


def mirrored(plan: Plan) -> Plan:
    """The plan with left and right exchanged, in sides, names and titles."""
    steps = []
    for step in plan.steps:
        side = None if step.side is None else OTHER[step.side]
        steps.append(step.model_copy(update={"id": _swap(step.id), "title": _swap(step.title), "side": side}))
    return _with_steps(plan, steps)


def one_side(plan: Plan, side: Side) -> Plan:
    """The plan without what belongs to the other side: one side tonight, the other tomorrow.

    A plan for the other hip is mirrored where either side will do, and stays as it is where not.
    """
    if plan.either_side and {step.side for step in plan.steps if step.side is not None} == {OTHER[side]}:
        return mirrored(plan)
    kept = [step for step in plan.steps if step.side in (None, side)]
    if not any(step.side == side for step in plan.steps):
        return plan
    if not any(step.do == "roll_over" and step.side == side for step in kept):
        lying = {step.id for step in _side_lying(plan.steps)}
        kept = [step for step in kept if step.id not in lying]
    return _with_steps(plan, _without_idle_rolls(kept))


def one_sensor_order(plan: Plan, thigh: Placement) -> Plan:
    """The plan for one thigh sensor and two legs: first the leg that wears it, then the sensor moves once.

    What the other leg does before the move is put off until after it; a settling with straight legs follows the move,
    because a strap that sits anew has to be aligned anew. A plan for one side, or without sides, stays as it is, unless
    it says that either side will do.

    Args:
        thigh: where the sensor sits at the beginning.
    """
    worn = placement_side(thigh)
    sides = {step.side for step in plan.steps if step.side is not None}
    if plan.either_side and worn is not None and sides == {OTHER[worn]}:
        return mirrored(plan)
    if worn is None or len(sides) < 2 or any(step.moves_sensor_to for step in plan.steps):
        return plan
    if next(step.side for step in plan.steps if step.side is not None) != worn:
        plan = mirrored(plan)
    chunks = _chunks(plan.steps)
    last = max(index for index, chunk in enumerate(chunks) if chunk.side == worn)
    early = [chunk for chunk in chunks[: last + 1] if chunk.side != OTHER[worn]]
    put_off = [chunk for chunk in chunks[: last + 1] if chunk.side == OTHER[worn]]
    steps = [step for chunk in early for step in chunk.steps]
    supine_first = sorted([*put_off], key=lambda chunk: chunk.is_side_lying)
    steps += _moving(OTHER[worn], is_on_side=early[-1].is_side_lying)
    lying = False
    for chunk in [*supine_first, *chunks[last + 1 :]]:
        if lying and not chunk.is_side_lying and chunk.steps[0].do != "roll_over":
            steps.append(_onto_the_back("onto-the-back-between"))
        steps += chunk.steps
        lying = chunk.is_side_lying
    return _with_steps(plan, steps)


def shortened(plan: Plan, factor: float = 0.5) -> Plan:
    """The plan with fewer breaths and seconds, for a demonstration; repetitions and poses stay, open steps end.

    Args:
        factor: of breaths and seconds, 0-1. Never below two breaths, 10 s of anything or 15 s of a pose.
    """
    if not 0 < factor <= 1:
        raise ValueError(f"factor must be above 0 and at most 1, got {factor}")
    steps = []
    for step in plan.steps:
        change: dict[str, Any] = {}
        if step.breaths is not None:
            change["breaths"] = min(step.breaths, max(2, round(step.breaths * factor)))
        if step.seconds is not None:
            least = 15.0 if step.pose is not None else 10.0
            change["seconds"] = min(step.seconds, max(least, round(step.seconds * factor, 1)))
        if step.open and step.moves_sensor_to is None:
            change = {"open": False, "seconds": 10.0}
        steps.append(step.model_copy(update=change))
    return _with_steps(plan, steps)


def scaled(plan: Plan, wanted_s: float, length_s: Callable[[Plan], float]) -> Plan:
    """The plan with more or fewer breaths and seconds, so that it takes about `wanted_s`; repetitions stay.

    Where that is not possible it comes as near as it can. Open steps stay open.

    Args:
        wanted_s: seconds.
        length_s: how long a plan takes.
    """
    low, high = SCALE_LIMITS
    for _ in range(24):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if length_s(_times(plan, middle)) < wanted_s else (low, middle)
    near = (_times(plan, factor) for factor in (low, high))
    return min(near, key=lambda each: abs(length_s(each) - wanted_s))


SCALE_LIMITS = (0.2, 5.0)
"""A breath or two are left of ten, and nobody is held in one place for five times as long."""


def _times(plan: Plan, factor: float) -> Plan:
    """Breaths and seconds times a factor: at least two breaths, 10 s of anything and 15 s of a pose."""
    steps = []
    for step in plan.steps:
        change: dict[str, Any] = {}
        if step.breaths is not None:
            change["breaths"] = min(200, max(min(step.breaths, 2), round(step.breaths * factor)))
        if step.seconds is not None:
            least = min(step.seconds, 15.0 if step.pose is not None else 10.0)
            change["seconds"] = min(3600.0, max(least, _round(step.seconds * factor)))
        steps.append(step.model_copy(update=change))
    return _with_steps(plan, steps)


def _round(seconds: float) -> float:
    """To five seconds above half a minute: nobody plans 43 s."""
    return float(round(seconds / 5) * 5 if seconds > 30 else round(seconds))


@dataclass(slots=True)
class _Chunk:
    """Steps that stay together: one fall with what continues it, or everything between two rolls."""

    steps: list[Step]
    is_side_lying: bool = False

    @property
    def side(self) -> Side | None:
        return next((step.side for step in self.steps if step.side is not None), None)


def _chunks(steps: tuple[Step, ...]) -> list[_Chunk]:
    chunks: list[_Chunk] = []
    for step in steps:
        is_roll = step.do == "roll_over"
        stays = bool(chunks) and (step.continues or (chunks[-1].is_side_lying and not is_roll))
        if stays:
            chunks[-1].steps.append(step)
        else:
            chunks.append(_Chunk([step], is_side_lying=is_roll and step.side is not None))
    return chunks


def _side_lying(steps: tuple[Step, ...]) -> list[Step]:
    """Everything that is done on a side."""
    return [step for chunk in _chunks(steps) if chunk.is_side_lying for step in chunk.steps]


def _without_idle_rolls(steps: list[Step]) -> list[Step]:
    """Without a roll onto the back for somebody who lies there already."""
    kept: list[Step] = []
    lying: Side | None = None
    for step in steps:
        if step.do == "roll_over":
            if step.side is None and lying is None:
                continue
            lying = step.side
        kept.append(step)
    return kept


def _onto_the_back(name: str) -> Step:
    return Step(id=name, title="Roll onto the back", do="roll_over", event="turned")


def _moving(side: Side, is_on_side: bool) -> list[Step]:
    move = Step(
        id="move-sensor", title=f"Move the sensor to the {side} thigh", do="unknown", side=side, open=True,
        words="move_sensor", moves_sensor_to=thigh_of(side),
    )  # fmt: skip
    settle = Step(
        id="settle-again", title="Settle again", do="stillness", pose="straight", seconds=20, words="settle_again"
    )
    return [*([_onto_the_back("onto-the-back-to-move")] if is_on_side else []), move, settle]


def _with_steps(plan: Plan, steps: list[Step]) -> Plan:
    """Validated anew, so that no order that cannot be practised comes out."""
    return Plan.model_validate({**plan.model_dump(), "steps": [step.model_dump() for step in steps]})


def _swap(text: str) -> str:
    def other(found: re.Match[str]) -> str:
        word = OTHER["left" if found[0].lower() == "left" else "right"]
        return word.capitalize() if found[0][0].isupper() else word

    return _WORD.sub(other, text)

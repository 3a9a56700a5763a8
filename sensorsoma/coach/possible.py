"""Which steps can be done as they are written, and in which order: every problem with its field and, where another
step is the reason, with that step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sensorsoma.messages import Side

if TYPE_CHECKING:
    from sensorsoma.coach.steps import Step

EndEvent = Literal["arrived", "straight", "turned"]

ENDS = ("reps", "breaths", "seconds", "open", "event")
"""A step ends by exactly one of these fields."""

NEEDS_SIDE = frozenset({"knee_fall", "clamshell", "leg_back"})
COUNTED = frozenset({"clamshell", "pelvic_rock", "knee_roll"})
"""Movements that go out and back, so that they can be counted."""

EVENT_OF: dict[str, EndEvent] = {"knee_fall": "arrived", "leg_slide": "straight", "roll_over": "turned"}
"""The movement that ends a step of its own accord."""

SIDE_LYING = frozenset({"clamshell", "leg_back", "rocking"})
SUPINE = frozenset({"knee_in", "knee_fall", "knee_roll", "leg_slide", "pelvic_rock", "pelvic_hold", "breathing"})
CONTINUING = frozenset({"rest", "leg_slide", "stillness"})


@dataclass(frozen=True, slots=True)
class OrderProblem:
    """A step that cannot stand where it does."""

    index: int
    field: str
    text: str
    other: int | None = None
    """0-based step that is the reason."""
    other_does: str = ""
    """What that step does there, to follow its name."""


def step_problems(step: Step) -> list[tuple[str, str]]:
    """Field and sentence of everything that makes a step impossible by itself."""
    given = [name for name in ENDS if getattr(step, name) not in (None, False)]
    problems = [_no_end(step, given)] if len(given) != 1 else []
    problems += _misplaced_ends(step, given)
    if step.do in NEEDS_SIDE and step.side is None:
        problems.append(("side", f'\'{step.do}\' is done with one hip: add side = "right" or side = "left"'))
    if step.continues and step.do not in CONTINUING:
        found = f"'{step.do}' cannot go on with a knee fall; only {', '.join(sorted(CONTINUING))} can"
        problems.append(("continues", found))
    if step.do == "leg_slide" and step.side is not None and not step.continues:
        text = "the slide of one leg goes on after a knee fall: add continues = true, or leave side out"
        problems.append(("continues", text))
    return problems + _misplaced_poses(step) + _misplaced_move(step)


def _no_end(step: Step, given: list[str]) -> tuple[str, str]:
    if not given:
        hint = f'event = "{EVENT_OF[step.do]}"' if step.do in EVENT_OF else "reps = 8" if step.do in COUNTED else ""
        example = hint or "seconds = 30"
        return "do", f"a step ends by exactly one of {', '.join(ENDS)}; found none of them: add one, such as {example}"
    found = " and ".join(given)
    return given[-1], f"a step ends by exactly one of {', '.join(ENDS)}; found {found}: keep the one that you mean"


def _misplaced_ends(step: Step, given: list[str]) -> list[tuple[str, str]]:
    problems = []
    if "reps" in given and step.do not in COUNTED:
        problems.append(("reps", f"'{step.do}' has no repetitions; end it by breaths, seconds or open = true"))
    if "event" in given and EVENT_OF.get(step.do) != step.event:
        fits = EVENT_OF.get(step.do)
        hint = f"for '{step.do}' it is \"{fits}\"" if fits else f"'{step.do}' has none: use seconds, breaths or open"
        problems.append(("event", f'the movement "{step.event}" cannot end this step; {hint}'))
    return problems


def _misplaced_poses(step: Step) -> list[tuple[str, str]]:
    if step.pose == "knee_up" and step.do != "knee_fall":
        return [("pose", f"only a knee_fall passes through \"knee_up\", found it on '{step.do}'")]
    if step.pose == "straight" and step.do not in ("stillness", "leg_slide", "rest", "breathing"):
        return [("pose", f"\"straight\" is taken while the legs lie straight and still, found it on '{step.do}'")]
    if step.pose is not None and step.continues:
        return [("pose", "a pose is taken before the knee falls, so a continuing step cannot hold one")]
    return []


def _misplaced_move(step: Step) -> list[tuple[str, str]]:
    if step.moves_sensor_to is None:
        return []
    if not step.moves_sensor_to.endswith("thigh"):
        return [("moves_sensor_to", "only a thigh sensor is moved: left-thigh or right-thigh")]
    if not step.open:
        return [("moves_sensor_to", "moving the sensor takes as long as it takes: add open = true")]
    return []


def order_problems(steps: Sequence[Step]) -> list[OrderProblem]:
    """Every step that cannot stand where it does, in order."""
    problems: list[OrderProblem] = []
    seen: dict[str, int] = {}
    roll: int | None = None
    head: int | None = None
    missing_rolls: set[Side | None] = set()
    for index, step in enumerate(steps):
        if step.id in seen:
            text = f"the name '{step.id}' is already used by step {seen[step.id] + 1}"
            problems.append(OrderProblem(index, "id", text, seen[step.id]))
        seen.setdefault(step.id, index)
        problems += _continuing(steps, index, head)
        if not step.continues:
            head = index if step.do == "knee_fall" else None
        for problem in _lying(steps, index, roll):
            if step.side not in missing_rolls:  # one roll that is missing is missed once
                problems.append(problem)
            missing_rolls.add(step.side)
        if step.do == "roll_over":
            roll = index
            missing_rolls.clear()
    return problems


def _continuing(steps: Sequence[Step], index: int, head: int | None) -> list[OrderProblem]:
    step = steps[index]
    if not step.continues:
        return []
    if head is None:
        text = "there is nothing to continue: a continuing step follows a knee_fall or a step that continues one"
        return [OrderProblem(index, "continues", text)]
    side = steps[head].side
    if step.side == side:
        return []
    text = f"it continues the {side} knee fall '{steps[head].id}', so its side is {side}: leave side out"
    return [OrderProblem(index, "side", text, head, "is that fall")]


def _lying(steps: Sequence[Step], index: int, roll: int | None) -> list[OrderProblem]:
    """What cannot be done as the person lies; `roll`: the last roll before, None: nobody has rolled yet."""
    step = steps[index]
    lying: Side | None = steps[roll].side if roll is not None else None
    does = "puts that leg on top" if lying == step.side else _turned(lying)
    if step.do == "roll_over" and step.side is not None and step.side == lying:
        return [OrderProblem(index, "side", f"the {step.side} leg is already on top here", roll, does)]
    if step.do in ("clamshell", "leg_back") and step.side is not None and step.side != lying:
        text = (
            f"the {step.side} leg has to be on top, but here {_is_lying(lying)}: "
            f'put a step with do = "roll_over" and side = "{step.side}" before it'
        )
        return [OrderProblem(index, "side", text, roll, does)]
    if step.do in SUPINE and lying is not None:
        text = f"'{step.do}' is done on the back, but here {_is_lying(lying)}: put a roll_over without a side before it"
        return [OrderProblem(index, "do", text, roll, does)]
    return []


def _is_lying(lying: Side | None) -> str:
    return "the person lies on the back" if lying is None else f"the {lying} leg is on top"


def _turned(lying: Side | None) -> str:
    return "leads onto the back" if lying is None else f"puts the {lying} leg on top"

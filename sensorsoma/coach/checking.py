"""Every mistake of a plan in one go: the writing, the fields, each step by itself, the order of the steps, their words.

A schema stops at its first layer of mistakes. So steps that have some are completed as they were probably meant and
looked at all the same; what follows from a mistake that is named already is not named again.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from pydantic import ValidationError

from sensorsoma.coach.notes import notes_of
from sensorsoma.coach.plain import near_field, plain
from sensorsoma.coach.possible import ENDS, OrderProblem, order_problems, step_problems
from sensorsoma.coach.steps import Plan, Step, with_sides
from sensorsoma.coach.toml_lines import Key, Problem, line_of, order_of_lines, problem_at
from sensorsoma.coach.words import load_words
from sensorsoma.coach.writing import NO_PLAN, looks_like_toml, parse_toml
from sensorsoma.messages import EXERCISES, Side

Complaint = tuple[Key, str]


@dataclass
class _Draft:
    """A step as it was probably meant."""

    step: Step
    faulty: set[str] = field(default_factory=set)
    """Fields with a mistake that is named already."""
    is_sure: bool = True
    """It is known what is done, and with which side."""


def check_plan_text(text: str, own_sections: Collection[str] = ()) -> tuple[list[Problem], Plan | None]:
    """Mistakes and no plan, or the plan with notes on it; in the order of the lines.

    Args:
        text: the plan as TOML.
        own_sections: sections of the words beside the bundled ones.
    """
    data, slips, read = parse_toml(text)
    if slips and not data:
        return (slips if looks_like_toml(text, slips) else [Problem(1, "", NO_PLAN)]), None
    lines = order_of_lines(read)
    slipped = {slip.line for slip in slips}
    complaints: list[Complaint] = []
    plan: Plan | None = None
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        about_fields = _complaints(error, data)
        drafts = _drafts(data, about_fields)
        complaints = [(where, said) for where, said in about_fields if line_of(where, lines) not in slipped]
        complaints += _about_steps(drafts, _broken(slips, lines))
        complaints += _about_order(drafts, lines)
        if not complaints and not slips:
            complaints.append(((), first_message(error)))
    steps = data.get("steps")
    complaints += _about_words(steps if isinstance(steps, list) else [], own_sections)
    found = sorted({*slips, *(problem_at(where, said, lines) for where, said in complaints)})
    if found or plan is None:
        return found or slips, None
    return sorted({problem_at(where, said, lines, is_note=True) for where, said in notes_of(plan)}), plan


def first_message(error: ValidationError) -> str:
    """The first complaint of the schema as a sentence."""
    item = error.errors()[0]
    context: Mapping[str, Any] = item.get("ctx", {})
    if item["type"].startswith("plan_"):
        return str(context["text"])
    return plain(item["type"], item["loc"], item.get("input"), context, item["msg"])


def _complaints(error: ValidationError, data: Mapping[str, Any]) -> list[Complaint]:
    """What the schema says of single fields; steps as a whole and their order are looked at afterwards."""
    found: list[Complaint] = []
    items = error.errors()
    mistyped = {(*i["loc"][:-1], near_field(i["loc"])) for i in items if i["type"] == "extra_forbidden"}
    for item in items:
        where, context = item["loc"], item.get("ctx", {})
        if item["type"] == "plan_order" or (item["type"] == "too_short" and where == ("steps",) and data.get("steps")):
            continue
        if item["type"] == "missing" and where in mistyped:
            continue
        if item["type"] == "plan_field":
            if where[-1] == "band":
                found.append(((*where, context["field"]), context["text"]))
            continue
        found.append((where, plain(item["type"], where, item.get("input"), context, item["msg"])))
    return found


def _drafts(data: Mapping[str, Any], complaints: Sequence[Complaint]) -> list[_Draft]:
    steps = data["steps"] if isinstance(data.get("steps"), list) else []
    faulty: dict[int, set[str]] = {}
    for where, _ in complaints:
        if len(where) >= 3 and where[0] == "steps" and isinstance(where[1], int):
            faulty.setdefault(where[1], set()).add(str(where[2]))
    meant = [_renamed(raw, faulty.setdefault(index, set())) for index, raw in enumerate(steps)]
    return [_draft(index, raw, faulty[index]) for index, raw in enumerate(with_sides(meant))]


def _renamed(raw: Any, faulty: set[str]) -> Any:
    """A step with mistyped fields as they were probably meant; they join the faulty ones."""
    if not isinstance(raw, dict):
        return raw
    given = {name: value for name, value in raw.items() if name in Step.model_fields and name != "band"}
    for name in set(raw) - set(Step.model_fields):
        meant = near_field(("steps", 0, name))
        if meant is not None and meant not in given:
            given[meant] = raw[name]
            faulty.add(meant)
    return given


def _draft(index: int, given: Any, faulty: set[str]) -> _Draft:
    if not isinstance(given, dict):
        return _Draft(
            Step.model_construct(id=f"#{index}", title="", do="unknown", open=True), {*Step.model_fields}, False
        )
    given = dict(given)
    is_sure = True
    for name, known in (("do", EXERCISES), ("side", get_args(Side))):
        if name in faulty:
            near = difflib.get_close_matches(str(given.get(name)), known, n=1, cutoff=0.5)
            is_sure = is_sure and bool(near)
            given[name] = near[0] if near else None
    for name in faulty & {"pose", "moves_sensor_to"}:
        given.pop(name, None)
    given["continues"] = given.get("continues") is True
    if not isinstance(given.get("id"), str):
        given["id"] = f"#{index}"
    given["do"] = given.get("do") or "unknown"
    return _Draft(Step.model_construct(**given), faulty, is_sure)


def _about_steps(drafts: Sequence[_Draft], broken: Collection[int]) -> list[Complaint]:
    """What makes each step impossible by itself; `broken`: steps with a line that could not be read."""
    found: list[Complaint] = []
    for index, draft in enumerate(drafts):
        has_end = any(getattr(draft.step, name) not in (None, False) for name in ENDS)
        for name, text in step_problems(draft.step):
            is_about_end = name == "do"
            if (is_about_end and not has_end and index in broken) or (name in draft.faulty and not is_about_end):
                continue
            if name in ("reps", "event", "pose", "continues") and "do" in draft.faulty:
                continue
            found.append((("steps", index, name), text))
    return found


def _about_order(drafts: Sequence[_Draft], lines: Mapping[Key, int]) -> list[Complaint]:
    """What cannot stand where it does, up to the first step of which nobody can tell how the person lies after it."""
    unsure = next((index for index, draft in enumerate(drafts) if not draft.is_sure), len(drafts))
    steps = [draft.step for draft in drafts]
    return [
        (("steps", problem.index, problem.field), _order_text(problem, steps, lines))
        for problem in order_problems(steps)
        if problem.field not in drafts[problem.index].faulty and (problem.field == "id" or problem.index < unsure)
    ]


def _order_text(problem: OrderProblem, steps: Sequence[Step], lines: Mapping[Key, int]) -> str:
    if problem.other is None:
        return problem.text
    line = line_of(("steps", problem.other), lines)
    if not problem.other_does:
        return f"{problem.text} in line {line}"
    return (
        f"{problem.text} (step {problem.other + 1}, '{steps[problem.other].id}' in line {line}, {problem.other_does})"
    )


def _about_words(steps: Sequence[Any], own_sections: Collection[str]) -> list[Complaint]:
    """Steps that name words which no words file holds."""
    words = load_words()
    openings = [section for section in words.sections if words.has(section, "start") and section != "unknown"]
    known = {*words.sections, *own_sections}
    found: list[Complaint] = []
    for index, step in enumerate(steps):
        name = step.get("words") if isinstance(step, dict) else None
        if isinstance(name, str) and name not in known:
            near = difflib.get_close_matches(name, [*openings, *own_sections], n=1, cutoff=0.6)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(openings)}"
            found.append((("steps", index, "words"), f"there are no words called '{name}'; {hint}"))
    return found


def _broken(slips: Sequence[Problem], lines: Mapping[Key, int]) -> set[int]:
    """Steps that hold a line which is not TOML."""
    heads = sorted((line, where[1]) for where, line in lines.items() if len(where) == 2 and where[0] == "steps")
    found: set[int] = set()
    for slip in slips:
        before = [index for line, index in heads if line <= slip.line and isinstance(index, int)]
        found |= set(before[-1:])
    return found

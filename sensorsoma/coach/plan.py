"""A plan from its name or file, the bundled plans, and every mistake in a plan with line and field."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sensorsoma.coach.steps import Band, Defaults, Plan, Step
from sensorsoma.coach.toml_lines import Key, Problem, order_of_lines, parse_toml, problems_of
from sensorsoma.coach.words import load_words
from sensorsoma.errors import PlanError

__all__ = [
    "Band", "Defaults", "Plan", "PlanEntry", "Problem", "Step", "check_plan", "check_text", "list_plans", "load_plan",
    "own_plan", "plan_from_json",
]  # fmt: skip

BUNDLED = ("soft-hips", "hips-and-core", "hips-check", "short")
"""Plans that come with the package, in the order in which they are listed."""


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """One line of `plan list`."""

    name: str
    title: str
    description: str
    is_bundled: bool
    path: str | None = None
    """Where an own plan lies."""


def load_plan(name_or_path: str | Path, folders: Iterable[str | Path] = ()) -> Plan:
    """The validated plan: a bundled one by its name, any other by its path.

    In `folders`, where own plans lie, a file `NAME.toml` is found by its name alone.

    Raises:
        PlanError: the name is unknown, or the first mistake of the file with line and field.
    """
    where, text = _read(own_plan(name_or_path, folders) or name_or_path)
    problems, plan = _validated(text)
    if plan is not None:
        return plan
    first, more = problems[0], len(problems) - 1
    also = f" (and {more} more; `sensorsoma plan check` lists them)" if more else ""
    raise PlanError(f"{where}, {first}{also}")


def check_plan(path: str | Path) -> list[Problem]:
    """Every mistake of a plan file, in the order of its lines; empty when it is fine.

    Raises:
        PlanError: there is no such file.
    """
    return check_text(_read(path)[1])


def check_text(text: str) -> list[Problem]:
    """Every mistake of a plan that is given as TOML text, in the order of its lines."""
    return _validated(text)[0]


def own_plan(name: str | Path, folders: Iterable[str | Path]) -> Path | None:
    """Where an own plan of that name lies; None for bundled plans, for paths, and when there is none."""
    if str(name) in BUNDLED or Path(name).name != str(name) or Path(name).is_file():
        return None
    paths = (Path(folder) / f"{str(name).removesuffix('.toml')}.toml" for folder in folders)
    return next((path for path in paths if path.is_file()), None)


def list_plans(folders: Iterable[str | Path] = ()) -> list[PlanEntry]:
    """The bundled plans, then the readable plans in `folders`, sorted by file name."""
    entries = []
    for name in BUNDLED:
        plan = load_plan(name)
        entries.append(PlanEntry(name, plan.title, plan.description, is_bundled=True))
    for folder in folders:
        for path in sorted(Path(folder).glob("*.toml")):
            try:
                plan = load_plan(path)
            except PlanError:
                continue
            entries.append(PlanEntry(plan.name, plan.title, plan.description, is_bundled=False, path=str(path)))
    return entries


def plan_from_json(data: Any) -> Plan:
    """The plan that a recording carries.

    Raises:
        PlanError: it is not a plan of this schema.
    """
    try:
        return Plan.model_validate(data)
    except ValidationError as error:
        first = problems_of(error, {}, data if isinstance(data, dict) else {})[0]
        raise PlanError(f"the recorded plan does not fit this version: {first.message}") from error


def _read(name_or_path: str | Path) -> tuple[str, str]:
    """What to call the plan in a message, and its text."""
    name = str(name_or_path)
    if name in BUNDLED:
        return f"plan '{name}'", resources.files("sensorsoma.coach").joinpath(f"plans/{name}.toml").read_text("utf-8")
    path = Path(name_or_path)
    try:
        return str(path), path.read_text("utf-8")
    except UnicodeDecodeError:
        raise PlanError(f"expected a plan as UTF-8 text, found other bytes in {path}; save it as UTF-8") from None
    except OSError:
        names = ", ".join(BUNDLED)
        raise PlanError(
            f"expected one of the plans {names} or a file, found nothing readable called '{name}'; {_where_else(path)}"
        ) from None


def _where_else(path: Path) -> str:
    """What to do about a plan that was not found; a name without its ending is often a file in the current folder."""
    file = path.with_name(f"{path.name}.toml") if path.name else path
    if file.is_file():
        return f"{file} lies here: name it with its ending"
    return "`sensorsoma plan list` shows what there is"


def _validated(text: str) -> tuple[list[Problem], Plan | None]:
    data, syntax = parse_toml(text)
    if syntax is not None:
        return [syntax], None
    lines = order_of_lines(text)
    try:
        plan = Plan.model_validate(data)
    except ValidationError as error:
        return problems_of(error, lines, data), None
    unspoken = _without_words(plan, lines)
    return unspoken, None if unspoken else plan


def _without_words(plan: Plan, lines: Mapping[Key, int]) -> list[Problem]:
    """Steps that name words which the words file does not hold."""
    words = load_words()
    openings = [section for section in words.sections if words.has(section, "start") and section != "unknown"]
    problems = []
    for index, step in enumerate(plan.steps):
        if step.words is not None and step.words not in words.sections:
            near = difflib.get_close_matches(step.words, openings, n=1, cutoff=0.5)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(openings)}"
            line = lines.get(("steps", index, "words"), 1)
            message = f"there are no words called '{step.words}' in words/en.toml; {hint}"
            problems.append(Problem(line, f"steps[{index + 1}].words", message))
    return problems

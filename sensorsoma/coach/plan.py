"""A plan from its name or file, the bundled plans, and every mistake in a plan with line and field."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from sensorsoma.coach.checking import check_plan_text, first_message
from sensorsoma.coach.steps import Band, Defaults, Plan, Step
from sensorsoma.coach.toml_lines import Problem
from sensorsoma.errors import PlanError

__all__ = [
    "Band", "Defaults", "Plan", "PlanEntry", "Problem", "Step", "check_plan", "check_text", "list_plans", "load_plan",
    "own_plan", "plan_from_json", "plan_text",
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


def load_plan(name_or_path: str | Path, folders: Iterable[str | Path] = (), own_sections: Collection[str] = ()) -> Plan:
    """The validated plan: a bundled one by its name, any other by its path.

    In `folders`, where own plans lie, a file `NAME.toml` is found by its name alone. `own_sections`: sections of a file
    with words of one's own that a step's `words` may name too.

    Raises:
        PlanError: the name is unknown, or the first mistake of the file with line and field.
    """
    where, text = _read(own_plan(name_or_path, folders) or name_or_path, folders)
    problems, plan = check_plan_text(text, own_sections)
    if plan is not None:
        return plan
    first, more = problems[0], len(problems) - 1
    also = f" (and {more} more; `sensorsoma plan check` lists them)" if more else ""
    raise PlanError(f"{where}, {first}{also}")


def check_plan(path: str | Path, own_sections: Collection[str] = ()) -> list[Problem]:
    """Every mistake of a plan file and every note on it, in the order of its lines; empty when it is fine.

    Raises:
        PlanError: there is no such file.
    """
    return check_text(plan_text(path), own_sections)


def check_text(text: str, own_sections: Collection[str] = ()) -> list[Problem]:
    """Every mistake of a plan that is given as TOML text, in the order of its lines; notes when there is none."""
    return check_plan_text(text, own_sections)[0]


def plan_text(name_or_path: str | Path, folders: Iterable[str | Path] = ()) -> str:
    """The text of a plan; `folders`: where own plans lie that may have been meant.

    Raises:
        PlanError: there is no such plan.
    """
    return _read(name_or_path, folders)[1]


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
        raise PlanError(f"the recorded plan does not fit this version: {first_message(error)}") from error


def _read(name_or_path: str | Path, folders: Iterable[str | Path] = ()) -> tuple[str, str]:
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
        raise PlanError(
            f"expected a plan or a file, found nothing readable called '{name}'; {_where_else(path, folders)}"
        ) from None


def _where_else(path: Path, folders: Iterable[str | Path]) -> str:
    """What to do about a plan that was not found: the name that was probably meant, else what there is.

    A name without its ending is often a file in the current folder.
    """
    file = path.with_name(f"{path.name}.toml") if path.name else path
    if file.is_file():
        return f"{file} lies here: name it with its ending"
    names = [Path(entry.path).stem if entry.path else entry.name for entry in list_plans(folders)]
    near = get_close_matches(path.name.lower().removesuffix(".toml").replace(" ", "-"), names, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"

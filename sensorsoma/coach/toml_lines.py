"""Mistakes in a plan as sentences that point at a line and a field.

`tomllib` forgets where a value stood, so the lines are found by a second, simple reading of the text.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from sensorsoma.coach.steps import Band, Defaults, Plan, Step

Key = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\s]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+)\s*=")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a plan."""

    line: int
    """1-based; the line of the step's heading when the field is missing."""
    field: str
    """`steps[3].reps`, counted from 1 as people count; empty for a mistake in the file as a whole."""
    message: str

    def __str__(self) -> str:
        at = f"line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{at}: {self.message}"


def parse_toml(text: str) -> tuple[dict[str, Any], Problem | None]:
    """The parsed file, or where it stops being TOML."""
    try:
        return tomllib.loads(text), None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
        line = int(found[1]) if found else max(text.count("\n"), 1)
        reason = str(error).split(" (at ")[0].lower()
        hint = "text stands in quotes, numbers do not, and a step begins with [[steps]]"
        return {}, Problem(line, "", f"expected TOML, found a mistake in the writing ({reason}); {hint}")


def order_of_lines(text: str) -> dict[Key, int]:
    """1-based line of every heading and key, as `("steps", 2, "reps")`.

    >>> order_of_lines('name = "a"\\n[[steps]]\\nid = "x"')
    {('name',): 1, ('steps', 0): 2, ('steps', 0, 'id'): 3}
    """
    lines: dict[Key, int] = {}
    prefix: Key = ()
    count: dict[str, int] = {}
    quote: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if quote is not None:
            quote = None if quote in line else quote
            continue
        if header := _HEADER.match(line):
            parts = [part.strip() for part in header[2].split(".")]
            if header[1] == "[[":
                count[parts[0]] = count.get(parts[0], -1) + 1
                prefix = (parts[0], count[parts[0]])
            else:
                inner: Key = (parts[0], count[parts[0]]) if parts[0] in count else (parts[0],)
                prefix = inner + tuple(parts[1:])
            lines[prefix] = number
        elif key := _KEY.match(line):
            lines.setdefault((*prefix, key[1]), number)
        quote = next((mark for mark in ('"""', "'''") if line.count(mark) == 1), None)
    return lines


def problems_of(error: ValidationError, lines: Mapping[Key, int], data: Mapping[str, Any]) -> list[Problem]:
    """Every mistake that the schema found, in the order of the lines."""
    problems = []
    for item in error.errors():
        context: Mapping[str, Any] = item.get("ctx", {})
        if item["type"] == "plan_order":
            for index, field, text in context["problems"]:
                problems.append(_problem(("steps", index, field), text, lines))
            continue
        if item["type"] == "too_short" and item["loc"] == ("steps",) and data.get("steps"):
            continue  # only because the steps themselves are mistaken, and those are listed
        where = tuple(part for part in item["loc"] if part != "__root__")
        if item["type"] == "plan_field":
            problems.append(_problem((*where, context["field"]), context["text"], lines))
        else:
            problems.append(
                _problem(where, _plain(item["type"], where, item.get("input"), context, item["msg"]), lines)
            )
    return sorted(set(problems))


def _problem(where: Key, text: str, lines: Mapping[Key, int]) -> Problem:
    """With the line of the key itself, or of the heading that it belongs under."""
    line = next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), 1)
    name = ""
    for part in where:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    return Problem(line, name, text)


_MISSING = {
    "steps": "a plan needs at least one [[steps]]",
    "do": 'every step says what is done, for instance do = "rest"',
    "id": 'every step needs a short name of its own, for instance id = "right-fall"',
    "title": 'it needs a title, for instance title = "Right knee falls out"',
    "name": 'the plan needs a short name, for instance name = "my-evening"',
}


def _plain(kind: str, where: Key, found: Any, context: Mapping[str, Any], message: str) -> str:
    """The schema's complaint in words for people who do not write programs."""
    last = str(next((part for part in reversed(where) if isinstance(part, str)), ""))
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(last, _known_fields(where), n=1, cutoff=0.5)
        return f"there is no field '{last}' here" + (f"; did you mean '{near[0]}'?" if near else "")
    if kind == "missing":
        return _MISSING.get(last, f"the field '{last}' is missing")
    if kind == "literal_error":
        allowed = [word for word in re.findall(r"'([^']+)'", str(context.get("expected", ""))) if word != "unknown"]
        near = difflib.get_close_matches(str(found), allowed, n=1, cutoff=0.5)
        if last == "schema_version":
            return f"expected schema_version = 1, found {found!r}"
        hint = f'; did you mean "{near[0]}"?' if near else ""
        return f"expected one of {', '.join(allowed)}, found {_shown(found)}{hint}"
    if kind == "string_pattern_mismatch":
        return f"expected small letters, digits, - and _ only, found {_shown(found)}"
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        word = {"greater_than": "more than", "greater_than_equal": "at least", "less_than": "less than"}
        bound = next(iter(context.values()))
        return f"expected {word.get(kind, 'at most')} {bound:g}, found {_shown(found)}"
    if kind.startswith(("int_", "float_")):
        whole = "a whole number" if kind.startswith("int_") else "a number"
        return f"expected {whole} without quotes, found {_shown(found)}"
    if kind.startswith("bool_"):
        return f"expected true or false, found {_shown(found)}"
    if kind.startswith("string_"):
        return f"expected text in quotes, found {_shown(found)}"
    if kind in ("too_short", "tuple_type", "missing_argument") and last == "steps":
        return _MISSING["steps"]
    return f"{message[:1].lower()}{message[1:]}, found {_shown(found)}"


def _shown(found: Any) -> str:
    text = f'"{found}"' if isinstance(found, str) else str(found).lower() if isinstance(found, bool) else str(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _known_fields(where: Key) -> list[str]:
    names = [part for part in where[:-1] if isinstance(part, str)]
    models: dict[str, type[BaseModel]] = {"band": Band, "defaults": Defaults}
    model = models.get(names[-1], Step) if names else Plan
    return list(model.model_fields)

"""The schema's complaints in words for people who do not write programs."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from sensorsoma.coach.steps import Band, Defaults, Plan, Step
from sensorsoma.coach.toml_lines import Key

_MISSING = {
    "steps": "a plan needs at least one [[steps]]",
    "do": 'every step says what is done, for instance do = "rest"',
    "id": 'every step needs a short name of its own, for instance id = "right-fall"',
    "title": 'it needs a title, for instance title = "Right knee falls out"',
    "name": 'the plan needs a short name, for instance name = "my-evening"',
}
_EXAMPLE = {"rep_s": "[3.0, 20.0]", "usual_share": "[0.6, 1.3]", "band": "{ rep_s = [3.0, 20.0] }"}


def plain(kind: str, where: Key, found: Any, context: Mapping[str, Any], message: str) -> str:
    """One complaint of pydantic (its kind, place, input, context and message) as a sentence."""
    last = str(next((part for part in reversed(where) if isinstance(part, str)), ""))
    if kind == "extra_forbidden":
        near = near_field(where)
        return f"there is no field '{last}' here" + (f"; did you mean '{near}'?" if near else "")
    if kind == "missing" and last not in _EXAMPLE:
        return _MISSING.get(last, f"the field '{last}' is missing")
    if kind == "literal_error":
        return _choice(last, found, context)
    if kind in ("too_short", "tuple_type", "missing_argument", "list_type") and last == "steps":
        return _MISSING["steps"]
    if kind in ("model_type", "model_attributes_type") and last == "steps":
        return f"a step begins with [[steps]], found {shown(found)}"
    if last in _EXAMPLE or kind.startswith(("tuple", "model", "dict")):
        example = f", such as {last} = {_EXAMPLE[last]}" if last in _EXAMPLE else ""
        what = "a table" if last == "band" else "two numbers" if last in _EXAMPLE else "a table"
        return f"expected {what}{example}, found {shown(found)}"
    if kind == "string_pattern_mismatch":
        return f"expected small letters, digits, - and _ only, such as my-evening, found {shown(found)}"
    if kind == "string_too_long":
        return f"expected at most {context['max_length']} characters, found {len(str(found))}"
    if kind in ("string_too_short", "too_long"):
        return f"expected {'some text' if kind == 'string_too_short' else 'fewer of them'}, found {shown(found)}"
    if kind.startswith("string_"):
        return f"expected text in quotes, found {shown(found)}"
    if kind.startswith("bool_"):
        return f"expected true or false, found {shown(found)}"
    if (range_ := number_range(where)) is not None:
        return f"expected {range_}, found {shown(found)}"
    return f"{message[:1].lower()}{message[1:]}, found {shown(found)}"


def _choice(field: str, found: Any, context: Mapping[str, Any]) -> str:
    allowed = [word for word in re.findall(r"'([^']+)'", str(context.get("expected", ""))) if word != "unknown"]
    if field == "schema_version":
        return f"expected schema_version = 1, found {found!r}"
    near = difflib.get_close_matches(str(found), allowed, n=1, cutoff=0.5)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return f"expected one of {', '.join(allowed)}, found {shown(found)}{hint}"


def number_range(where: Key) -> str | None:
    """What a numeric field takes: "a whole number from 1 to 100"; None for other fields.

    >>> number_range(("steps", 0, "reps"))
    'a whole number from 1 to 100'
    >>> number_range(("steps", 0, "seconds"))
    'a number above 0, at most 3600'
    """
    field = _schema(_model_of(where)).get(str(where[-1]) if where else "", {})
    kinds = [field, *field.get("anyOf", ())]
    number = next((kind for kind in kinds if kind.get("type") in ("integer", "number")), None)
    if number is None:
        return None
    what = "a whole number" if number["type"] == "integer" else "a number"
    least, most = number.get("minimum"), number.get("maximum")
    if "exclusiveMinimum" in number:
        return f"{what} above {number['exclusiveMinimum']:g}, at most {most:g}"
    return f"{what} from {least:g} to {most:g}" if least is not None and most is not None else what


def near_field(where: Key) -> str | None:
    """The field that a mistyped one was probably meant to be."""
    known = [*_schema(_model_of(where))]
    found = difflib.get_close_matches(str(where[-1]).lower(), known, n=1, cutoff=0.5)
    return found[0] if found else None


def shown(found: Any) -> str:
    """A value as it stands in the file, at most 60 characters."""
    text = f'"{found}"' if isinstance(found, str) else str(found).lower() if isinstance(found, bool) else str(found)
    return text if len(text) <= 60 else text[:57] + "..."


def _model_of(where: Key) -> type[BaseModel]:
    names = [part for part in where[:-1] if isinstance(part, str)]
    models: dict[str, type[BaseModel]] = {"band": Band, "defaults": Defaults}
    return models.get(names[-1], Step) if names else Plan


@cache
def _schema(model: type[BaseModel]) -> dict[str, Any]:
    fields: dict[str, Any] = model.model_json_schema()["properties"]
    return fields

"""Plans for people: a plan changed, shown as a table, and written as a file that can be changed by hand."""

from __future__ import annotations

import json
from typing import Any

from sensorsoma.coach.order import fit, mirrored, one_sensor_order, one_side, scaled, shortened
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.summary import expected_s, expected_times, plan_summary

__all__ = [
    "expected_s", "expected_times", "fit", "mirrored", "one_sensor_order", "one_side", "plan_summary", "plan_toml",
    "scaled", "shortened",
]  # fmt: skip


def plan_toml(plan: Plan) -> str:
    """The plan as TOML text, without what is as usual anyway; it loads as the same plan."""
    head = plan.model_dump(include={"schema_version", "name", "title"})
    if plan.description:
        head["description"] = plan.description
    if plan.either_side:
        head["either_side"] = True
    defaults = plan.defaults.model_dump(include={"breath_in_s", "breath_out_s"}) | plan.defaults.model_dump(
        exclude_defaults=True
    )
    lines = ["# Written by `sensorsoma plan new`; change what you like, then run `sensorsoma plan check` on it."]
    lines += [*_pairs(head), "", "[defaults]", *_pairs(defaults)]
    for step in plan.steps:
        lines += ["", "[[steps]]", *_pairs(_given(step))]
    return "\n".join(lines) + "\n"


def _given(step: Step) -> dict[str, Any]:
    """The fields of a step that are not as usual, in the order of the schema."""
    given = step.model_dump(exclude_defaults=True)
    if step.continues:
        given.pop("side", None)  # it has that of the fall that it continues
    return given


def _pairs(values: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

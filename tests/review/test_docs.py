"""The written contract names every field that the tables read, and its example is JSON."""

from __future__ import annotations

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

from sensorsoma.review.tables import (
    BREATH_FIELDS,
    CYCLE_FIELDS,
    FALL_DETAILS,
    FALL_MEASURES,
    FALL_TIMES,
    OTHER_MEASURES,
    REP_FIELDS,
    TREMOR_FIELDS,
)

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize(
    "fields",
    [REP_FIELDS, FALL_TIMES, FALL_MEASURES, FALL_DETAILS, TREMOR_FIELDS, OTHER_MEASURES, CYCLE_FIELDS,
     tuple(BREATH_FIELDS.values())],
)  # fmt: skip
def test_every_field_of_the_tables_is_described(fields):
    """A field that a table shows stands in the contract."""
    text = (DOCS / "analysis-json.md").read_text("utf-8")
    assert [field for field in fields if f"`{field}`" not in text] == []


def test_the_example_is_an_object_of_the_schema():
    """The example parses and holds what every object holds."""
    text = (DOCS / "analysis-json.md").read_text("utf-8")
    example = json.loads(re.search(r"```json\n(.*?)```", text, re.DOTALL).group(1))
    assert set(example) == {"schema", "input", "link", "duration_s", "rate_hz", "segments"}
    assert set(REP_FIELDS) <= set(example["segments"][0]["reps"][0])


def test_the_python_shown_to_researchers_exists():
    """Every name that the page imports can be imported."""
    text = (DOCS / "researchers.md").read_text("utf-8")
    imported = [
        (node.module, alias.name)
        for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("sensorsoma")
        for alias in node.names
    ]
    assert len(imported) >= 6
    for module, name in imported:
        found = importlib.import_module(module)
        assert hasattr(found, name) or importlib.import_module(f"{module}.{name}")

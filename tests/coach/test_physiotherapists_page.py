"""The page for physiotherapists says what the schema says, and what stands there to be typed can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest
import typer.main

from sensorsoma.cli.app import app
from sensorsoma.coach.own_words import check_own_words, looks_like_words
from sensorsoma.coach.plain import number_range
from sensorsoma.coach.plan import check_text
from sensorsoma.coach.steps import Band, Defaults, Plan, Step
from sensorsoma.messages import EXERCISES

PAGE = (Path(__file__).resolve().parents[2] / "docs/physiotherapists.md").read_text("utf-8")
ROWS = [row for row in PAGE.splitlines() if row.startswith("| `")]
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", PAGE, re.DOTALL)
TYPED = [
    line.split("#")[0].strip()
    for kind, block in BLOCKS
    for line in block.splitlines()
    if not kind and line.startswith("sensorsoma ")
] + re.findall(r"`(sensorsoma [^`]+)`", PAGE)


@pytest.mark.parametrize("model", [Plan, Defaults, Step, Band])
def test_every_field_has_a_row(model: type[Plan | Defaults | Step | Band]) -> None:
    """Each field that may stand in a plan is explained in one of the tables, with an example."""
    explained = {name for row in ROWS for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert set(model.model_fields) - {"steps", "defaults"} <= explained


def test_no_field_is_explained_that_is_not_there() -> None:
    """What stands first in a row is a field, or a movement."""
    fields = {*Plan.model_fields, *Defaults.model_fields, *Step.model_fields, *Band.model_fields}
    explained = {name for row in ROWS for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert explained - fields <= set(EXERCISES)


def test_every_movement_has_a_row() -> None:
    """Each movement that a plan may ask for is explained."""
    assert {row.split("`")[1] for row in ROWS} >= set(EXERCISES) - {"unknown"}


@pytest.mark.parametrize("field", ["reps", "breaths", "seconds"])
def test_the_limits_of_the_ends_are_those_of_the_schema(field: str) -> None:
    """From … to in the table is what `plan check` accepts."""
    row = next(row for row in ROWS if row.startswith(f"| `{field}` |"))
    told = re.findall(r"\d+", row.split("|")[3])
    assert told == re.findall(r"\d+", str(number_range(("steps", 0, field))))


def test_the_examples_are_a_good_plan_and_good_words() -> None:
    """What is shown as TOML passes the check without a note."""
    examples = [block for kind, block in BLOCKS if kind == "toml"]
    assert [looks_like_words(block) for block in examples] == [False, True]
    assert check_text(examples[0]) == []
    assert check_own_words(examples[1]) == []


@pytest.mark.parametrize("row", ROWS)
def test_the_example_of_a_field_is_accepted(row: str) -> None:
    """The last cell of a field's row is no mistake where it belongs: neither its name nor its value."""
    example = row.split("|")[-2].strip().strip("`")
    if " = " not in example or "`" in example:
        return
    field = row.split("`")[1]
    heads = {Plan: "", Defaults: "[defaults]\n", Step: "[[steps]]\n", Band: "[[steps]]\n[steps.band]\n"}
    texts = [head + example for model, head in heads.items() if example.split(" = ")[0] in model.model_fields]
    fields = [[p.field.rpartition(".")[2] for p in check_text(text) if "expected" in p.message] for text in texts]
    assert texts or field in EXERCISES
    assert not texts or any(example.split(" = ")[0] not in found for found in fields)


@pytest.mark.parametrize("line", sorted(set(TYPED)))
def test_every_command_can_be_typed(line: str) -> None:
    """Each command on the page exists with the options that it is shown with."""
    words = shlex.split(line)[1:]
    command: click.Command = typer.main.get_command(app)
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    with click.Context(command) as context:
        command.parse_args(context, words)

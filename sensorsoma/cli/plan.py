"""`plan`: look at plans, check one, write a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sensorsoma.cli.common import print_json, refuse_overwrite

app = typer.Typer(
    help="Look at session plans, check one, write a new one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: sensorsoma plan show hips-and-core",
)


@app.command(name="list", epilog="Example: sensorsoma plan list")
def list_(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Bundled plans, and your own beside the recordings."""
    from dataclasses import asdict

    from sensorsoma.coach.plan import list_plans
    from sensorsoma.config import load_config

    entries = list_plans([load_config().recordings_folder])
    if as_json:
        print_json([asdict(entry) for entry in entries])
        return
    for entry in entries:
        print(f"{entry.path or entry.name:<16} {entry.title}. {entry.description}")


@app.command(epilog="Example: sensorsoma plan show hips-and-core")
def show(
    plan: Annotated[str, typer.Argument(help="A bundled plan's name or a file.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every step with what ends it and about how long it takes."""
    from sensorsoma.coach.editing import plan_summary
    from sensorsoma.coach.plan import load_plan

    loaded = load_plan(plan)
    if as_json:
        print_json(loaded.model_dump(mode="json"))
    else:
        print(plan_summary(loaded))


@app.command(epilog="Example: sensorsoma plan check my-plan.toml")
def check(
    plan: Annotated[Path, typer.Argument(help="A plan file (TOML).")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Point at every mistake in a plan, with line and field."""
    from dataclasses import asdict

    from sensorsoma.coach.plan import check_plan

    problems = check_plan(plan)
    if as_json:
        print_json([asdict(problem) for problem in problems])
    elif problems:
        for problem in problems:
            print(problem)
    else:
        print(f"{plan}: fine.")
    if problems:
        raise typer.Exit(2)


@app.command(epilog="Example: sensorsoma plan new my-plan.toml")
def new(
    file: Annotated[Path, typer.Argument(help="Where to write it, for example my-plan.toml.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Ask a few questions and write a plan that you can edit afterwards."""
    from sensorsoma.coach.editing import QUESTIONS, new_plan
    from sensorsoma.coach.plan import check_text

    refuse_overwrite(file, force)
    answers = {name: typer.prompt(question, default=default) for name, question, default in QUESTIONS}
    text = new_plan(answers)
    assert not check_text(text)
    print("\n" + text)
    if typer.confirm(f"Write this to {file}?", default=True):
        file.write_text(text, encoding="utf-8")
        print(f"Written. Try it: sensorsoma plan show {file}")

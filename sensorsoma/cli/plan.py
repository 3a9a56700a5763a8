"""`plan`: look at plans, check one, write a new one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sensorsoma.cli.common import print_json, refuse_overwrite
from sensorsoma.errors import UsageError

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
        where = f" ({entry.path})" if entry.path else ""
        print(f"{Path(entry.path or entry.name).stem:<16} {entry.title}. {entry.description}".rstrip() + where)


@app.command(epilog="Example: sensorsoma plan show hips-and-core")
def show(
    plan: Annotated[str, typer.Argument(help="A plan's name (sensorsoma plan list) or a file.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every step with what ends it and about how long it takes."""
    from sensorsoma.coach.editing import plan_summary
    from sensorsoma.coach.plan import load_plan
    from sensorsoma.config import load_config

    loaded = load_plan(plan, [load_config().recordings_folder])
    if as_json:
        print_json(loaded.model_dump(mode="json"))
    else:
        print(plan_summary(loaded))


@app.command(epilog="Example: sensorsoma plan check my-plan.toml")
def check(
    plan: Annotated[str, typer.Argument(help="A plan file (TOML), or the name of a plan of yours.")],
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Point at every mistake in a plan, with line and field; notes are no mistakes."""
    from dataclasses import asdict

    from sensorsoma.coach.plan import check_plan, own_plan
    from sensorsoma.config import load_config

    problems = check_plan(own_plan(plan, [load_config().recordings_folder]) or plan)
    if as_json:
        print_json([asdict(problem) for problem in problems])
    elif problems:
        for problem in problems:
            print(problem)
    else:
        print(f"{plan}: fine.")
    if not all(problem.is_note for problem in problems):
        raise typer.Exit(2)


@app.command(epilog="Example: sensorsoma plan new my-plan.toml")
def new(
    file: Annotated[
        Path,
        typer.Argument(help="Where to write it, for example my-plan.toml; a bare name goes beside your recordings."),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Ask a few questions and write a plan that you can edit afterwards."""
    from sensorsoma.coach.editing import QUESTIONS, new_plan
    from sensorsoma.coach.plan import BUNDLED
    from sensorsoma.config import load_config

    name = str(file)
    is_bare = file.name == name and not file.suffix
    if is_bare:
        if name in BUNDLED:
            raise UsageError(f"Expected a name of your own, found {name}, which comes with SensorSoma; take another.")
        file = load_config().recordings_folder / f"{name}.toml"
    refuse_overwrite(file, force)
    text = new_plan(
        {
            key: typer.prompt(question, default=name if is_bare and key == "name" else default)
            for key, question, default in QUESTIONS
        }
    )
    print("\n" + text)
    if typer.confirm(f"Write this to {file}?", default=True):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(f"Written. Try it: sensorsoma plan show {name}")

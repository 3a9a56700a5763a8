"""`plan`: look at plans and their words, check them, write a new one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import note, print_json, refuse_overwrite
from sensorsoma.errors import PlanError, UsageError

if TYPE_CHECKING:
    from sensorsoma.coach.asking import Question
    from sensorsoma.coach.plan import Plan
    from sensorsoma.messages import Placement

app = typer.Typer(
    help="Look at session plans, check them, write a new one.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: sensorsoma plan show hips-and-core",
)

Worn = Annotated[
    list[str] | None,
    typer.Argument(help="Where sensors sit, for example right-thigh pelvis: what they see, in the order it is done."),
]
WORDS_OPTION = typer.Option("--words", help="File with sentences of your own (TOML) that replace the usual ones.")


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


@app.command(epilog="Example: sensorsoma plan show hips-and-core right-thigh pelvis")
def show(
    plan: Annotated[str, typer.Argument(help="A plan's name (sensorsoma plan list) or a file.")],
    worn: Worn = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Every step with what ends it, about how long it takes, and what sees it."""
    from sensorsoma.coach.editing import fit, plan_summary
    from sensorsoma.coach.own_words import plan_and_words
    from sensorsoma.config import load_config

    loaded, _, _ = plan_and_words(plan, None, [load_config().recordings_folder])
    places = [_placement(word) for word in worn or ()]
    if places:
        loaded = fit(loaded, places)
    if as_json:
        print_json(loaded.model_dump(mode="json"))
    else:
        print(plan_summary(loaded, places or None))


def _placement(word: str) -> Placement:
    from sensorsoma.cli.analyze import one_of
    from sensorsoma.messages import PLACEMENTS

    place: Placement = one_of("where a sensor sits", word.partition("=")[0], PLACEMENTS)
    return place


@app.command(epilog="Example: sensorsoma plan words hips-and-core right-thigh belly")
def words(
    plan: Annotated[str, typer.Argument(help="A plan's name (sensorsoma plan list) or a file.")],
    worn: Annotated[
        list[str] | None,
        typer.Argument(help="Where sensors sit, for example right-thigh belly: what is said with them, in that order."),
    ] = None,
    words: Annotated[Path | None, WORDS_OPTION] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Also what is said only when it is needed: again, slower, paused ...")
    ] = False,
) -> None:
    """The sentences of a plan, in the order in which they are said.

    What is said only with some sensors (laying a phone aside, tapping, moving one) comes when these are named.
    """
    from sensorsoma.coach.editing import fit
    from sensorsoma.coach.own_words import plan_and_words
    from sensorsoma.coach.sentences import sentences_of
    from sensorsoma.coach.words import load_words
    from sensorsoma.config import load_config

    config = load_config()
    loaded, own, path = plan_and_words(plan, words, [config.recordings_folder])
    if path is not None:
        note(f"Words of your own: {path}")
    places = [_placement(word) for word in worn or ()]
    if places:
        loaded = fit(loaded, places)
    said = sentences_of(
        loaded, load_words(own.get("language", config.language), own), is_belly_worn="belly" in places,
        can_tap=bool(set(places) - {"belly"}),
    )  # fmt: skip
    told: int | None = -1
    for saying in said:
        if not (saying.is_sure or every) or saying.is_count:
            continue
        if saying.step_index != told:
            told = saying.step_index
            print(f"\n{told + 1}. {loaded.steps[told].title}" if told is not None else "\n-")
        mark = "" if saying.is_sure else f"({saying.key}) "
        print(f"   {mark}{' '.join(saying.sentences)}")


@app.command(epilog="Example: sensorsoma plan check my-plan.toml")
def check(
    plan: Annotated[str, typer.Argument(help="A plan or a words file (TOML), or the name of a plan of yours.")],
    words: Annotated[Path | None, WORDS_OPTION] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Point at every mistake in a plan or in words of your own, with line and field; notes are no mistakes."""
    from dataclasses import asdict

    from sensorsoma.coach.own_words import FILE_NAME, check_both
    from sensorsoma.coach.plan import own_plan
    from sensorsoma.coach.writing import NO_PLAN
    from sensorsoma.config import load_config

    folder = load_config().recordings_folder
    path = own_plan(plan, [folder]) or plan
    beside = folder / FILE_NAME
    found = check_both(path, words or (beside if beside.is_file() else None), [folder])
    problems = [problem for _, listed in found for problem in listed]
    if as_json:
        print_json([asdict(problem) for problem in problems])
    for name, listed in [] if as_json else found:
        for problem in listed:
            if problem.message == NO_PLAN:
                print(f"{name}: {NO_PLAN}")
            else:
                print(problem if len(found) == 1 else f"{name}, {problem}")
        if not any(not problem.is_note for problem in listed):
            print(f"{name}: fine." if not listed else f"{name}: can be practised like this.")
    if not all(problem.is_note for problem in problems):
        raise typer.Exit(2)


@app.command(epilog="Example: sensorsoma plan new my-plan.toml --from hips-and-core")
def new(
    file: Annotated[
        Path,
        typer.Argument(help="Where to write it, for example my-plan.toml; a bare name goes beside your recordings."),
    ],
    base: Annotated[
        str | None, typer.Option("--from", help="Plan to begin with: a name or a file, or own: movement by movement.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="What it is called.")] = None,
    sides: Annotated[str | None, typer.Option(help="Which hips: both, right or left.")] = None,
    minutes: Annotated[str | None, typer.Option(help="How long in all, without steps as long as one likes.")] = None,
    counts: Annotated[str | None, typer.Option(help="Counted aloud: every, other, last_two or never.")] = None,
    breath: Annotated[str | None, typer.Option(help="Guided breaths, seconds in and out, for example 4-6.")] = None,
    defaults: Annotated[bool, typer.Option("--defaults", help="Ask nothing: what is not given is as usual.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")] = False,
) -> None:
    """Ask a few questions, show the plan, and write it as a file that you can edit afterwards."""
    from sensorsoma.cli.questions import yes_or_no
    from sensorsoma.coach.asking import QUESTIONS, as_name, new_plan
    from sensorsoma.coach.editing import plan_summary, plan_toml
    from sensorsoma.coach.plan import check_text

    file = _where(file)
    refuse_overwrite(file, force)
    name = as_name(file.stem)
    given = {"title": title, "base": base, "sides": sides, "minutes": minutes, "counts": counts, "breath": breath}
    typed = {key: value for key, value in given.items() if value is not None}
    answers: dict[str, Any] = {"name": name}
    for question in QUESTIONS:
        if question.name in typed:
            answers[question.name] = _read(question, typed[question.name], answers)
        elif not question.is_due(answers):
            continue
        elif defaults:
            answers[question.name] = question.read(question.default(answers))
        else:
            answers[question.name] = _ask(question, answers, lambda: new_plan(name, answers))
    plan = new_plan(name, answers)
    print("\n" + plan_summary(plan) + "\n")
    for problem in check_text(plan_toml(plan)):
        print(f"Note: {problem.message}.")
    if defaults or yes_or_no(f"Write this to {file}?", default=True):
        _write(plan, file)


def _where(file: Path) -> Path:
    """A bare name lies beside the recordings, in letters that can be typed without quotes: my-evening.toml."""
    from sensorsoma.coach.asking import as_name
    from sensorsoma.coach.own_words import FILE_NAME
    from sensorsoma.coach.plan import BUNDLED
    from sensorsoma.config import load_config

    is_bare = file.name == str(file) and not file.suffix
    name = as_name(str(file))
    if is_bare and name in BUNDLED:
        raise UsageError(f"Expected a name of your own, found {name}, which comes with SensorSoma; take another.")
    where = load_config().recordings_folder / f"{name}.toml" if is_bare else file
    if where.name == FILE_NAME:
        raise UsageError(
            f"Expected a name for a plan, found {FILE_NAME}, which is for words of your own; take another."
        )
    return where


def _read(question: Question, text: str, answers: dict[str, Any]) -> Any:
    """An answer that was given as an option."""
    from sensorsoma.coach.own_words import plan_and_words
    from sensorsoma.config import load_config

    if question.name == "base" and text != "own":
        return plan_and_words(text, None, [load_config().recordings_folder])[0]
    if not question.is_due(answers):
        raise UsageError(f"Expected no --{question.name} for this practice, which leaves nothing to choose there.")
    return question.read(text)


def _ask(question: Question, answers: dict[str, Any], plan_of: Any) -> Any:
    """Asks until the answer can be used; the last question only once the plan can be made of it."""
    while True:
        text = typer.prompt(question.text, default=question.default(answers))
        try:
            answer = question.read(text)
            if question.name == "minutes":
                answers["minutes"] = answer
                plan_of()
            return answer
        except PlanError as error:
            answers.pop("minutes", None)
            print(error)


def _write(plan: Plan, file: Path) -> None:
    from sensorsoma.coach.editing import plan_toml
    from sensorsoma.coach.plan import own_plan
    from sensorsoma.config import load_config

    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(plan_toml(plan), encoding="utf-8")
    folder = load_config().recordings_folder
    is_found = own_plan(file.stem, [folder]) == file  # its name alone is enough
    name = file.stem if is_found else str(file)
    print(f"Written: {file}. Look at it: sensorsoma plan show {_typed(name)}")


def _typed(word: str) -> str:
    """A word as it is typed in a terminal of any system."""
    return f'"{word}"' if re.search(r"[^\w./\\:@+-]", word) else word

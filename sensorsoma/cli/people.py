"""`people`: who practises here, and what is remembered of each; nothing leaves this computer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import note, print_json
from sensorsoma.cli.questions import yes_or_no
from sensorsoma.errors import InputFileError, UsageError

if TYPE_CHECKING:
    from sensorsoma.people.book import Book
    from sensorsoma.people.profile import Profile

app = typer.Typer(
    help=(
        "Who practises here, and what is remembered of each: usual ranges and comfort, learnt from the recordings.\n\n"
        "Without a word after it, everybody is listed. Nothing leaves this computer."
    ),
    invoke_without_command=True,
    rich_markup_mode=None,
    epilog="Example: sensorsoma people show Anna",
)

NOBODY = "(no name)"
"""How whoever practises without a name is listed."""
LATEST = 10
"""Sessions that `show` lists; `--json` has all of them."""

Machines = Annotated[bool, typer.Option("--json", help="For machines.")]
Name = Annotated[
    str | None,
    typer.Argument(help="The person's name as `sensorsoma people` lists it; left out: who practises here by default."),
]


@app.callback()
def list_(context: typer.Context, as_json: Machines = False) -> None:
    """Everybody who has practised here, with the number of sessions and the last one."""
    if context.invoked_subcommand is not None:
        return
    from sensorsoma.cli.whose import the_book

    profiles = _readable(the_book().profiles())
    if as_json:
        print_json([_entry(profile) for profile in profiles])
        return
    # who has no name and only read the safety text is nobody yet
    profiles = [profile for profile in profiles if profile.name is not None or profile.sessions]
    if not profiles:
        print("Nobody has practised here yet. Try: sensorsoma coach short right-thigh=ble --person Anna")
    width = max((len(_label(profile)) for profile in profiles), default=0)
    for profile in profiles:
        n = len(profile.sessions)
        last = f", last on {profile.sessions[-1].started[:10]}" if n else ""
        print(f"{_label(profile):<{width}}  {n} session{'' if n == 1 else 's'}{last}")


@app.command(epilog="Example: sensorsoma people show Anna")
def show(name: Name = None, as_json: Machines = False) -> None:
    """Usual ranges, and the latest sessions with comfort before and after."""
    book, who = _known(name)
    profiles = [book.profile(who, is_simulated) for is_simulated in (False, True)]
    profiles = [profile for profile in profiles if profile.sessions] or profiles[:1]
    if as_json:
        print_json([_entry(profile) | {"sessions": profile.to_json()["sessions"]} for profile in profiles])
        return
    print("\n\n".join(_told(profile) for profile in profiles))


@app.command(epilog="Example: sensorsoma people forget Anna")
def forget(
    name: Name = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before it is removed.")] = False,
) -> None:
    """Remove what is remembered of a person. Recordings stay.

    `sensorsoma people rebuild` would learn it again from them; to be rid of those too, delete their folder.
    """
    from sensorsoma.cli.whose import Whose
    from sensorsoma.config import load_config

    book, who = _known(name)
    files = book.files_of(who)
    print("This is removed:")
    for path in files:
        print(f"  {path}")
    folder = Whose(who, book.profile_or_empty(who)).folder(load_config())
    print(f"Recordings stay where they are, in {folder} or wherever --out put them.")
    if not yes and not yes_or_no("Remove it?", default=False):
        raise typer.Exit(1)
    book.forget(who)
    print("Removed.")


@app.command(epilog="Example: sensorsoma people rebuild")
def rebuild(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Folders to look through, with all below them; by default where recordings go."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, even when something would be lost.")] = False,
    as_json: Machines = False,
) -> None:
    """Learn everything again from the recordings, for everybody.

    What cannot be read is named and left out.
    """
    from sensorsoma.cli.whose import the_book
    from sensorsoma.config import load_config

    book, places = the_book(), folders or [load_config().recordings_folder]
    for place in places:
        if not place.is_dir():
            raise InputFileError(f"Expected a folder with recordings at {place}, found none; name where they are.")
    rebuilt = book.rebuilt(places, on_refused=lambda path, error: note(f"Left out: {path}: {error}"))
    for one in rebuilt:
        n = len(one.profile.sessions)
        note(f"{_label(one.profile)}: {n} session{'' if n == 1 else 's'} in the recordings, {one.n_before} remembered")
    n_lost = sum(one.n_lost for one in rebuilt)
    if n_lost and not yes:
        what = "a session has no recording" if n_lost == 1 else f"{n_lost} sessions have no recording"
        if not yes_or_no(f"{what[:1].upper()}{what[1:]} here and would be forgotten. Go on?", default=False):
            raise typer.Exit(1)
    book.write_rebuilt(rebuilt)
    if as_json:
        print_json([_entry(one.profile) for one in rebuilt])


# --------------------------------------------------------------------------------------------------- telling


def _known(name: str | None) -> tuple[Book, str | None]:
    """The book, and the name in it; the configured person, or whoever has no name, where none is given.

    Raises:
        UsageError: nobody has that name here.
    """
    from sensorsoma.cli.whose import the_book
    from sensorsoma.config import load_config
    from sensorsoma.people.names import alike, shown

    book, who = the_book(), shown(name or load_config().person)
    if not book.is_known(who):
        known = book.names()
        if who is None:
            here = f"here are {', '.join(known)}" if known else "nobody has practised here yet"
            raise UsageError(f"Expected the name of somebody who practises here, found none; {here}")
        near = alike(who, known)
        hint = f"did you mean {near}?" if near else "`sensorsoma people` lists everybody"
        raise UsageError(f"Expected the name of somebody who practises here, found '{who}'; {hint}")
    return book, who


def _readable(profiles: Iterable[Profile | InputFileError]) -> list[Profile]:
    found = []
    for profile in profiles:
        if isinstance(profile, InputFileError):
            note(str(profile))
        else:
            found.append(profile)
    return found


def _label(profile: Profile) -> str:
    return (profile.name or NOBODY) + (" (simulated)" if profile.is_simulated else "")


def _entry(profile: Profile) -> dict[str, Any]:
    from sensorsoma.people.usual import usual_ranges

    usual = {key: asdict(one) for key, one in usual_ranges(profile.sessions).items()}
    return {
        "name": profile.name,
        "is_simulated": profile.is_simulated,
        "n_sessions": len(profile.sessions),
        "last": profile.sessions[-1].started if profile.sessions else None,
        "usual": usual,
        "safety_read": json.loads(json.dumps(profile.safety_read)),
    }


def _told(profile: Profile) -> str:
    from sensorsoma.people.learning import LearningParams
    from sensorsoma.people.usual import usual_ranges
    from sensorsoma.review.words import comfort

    n = len(profile.sessions)
    lines = [f"{_label(profile)}: {n} session{'' if n == 1 else 's'}"]
    usual = usual_ranges(profile.sessions)
    for key, one in usual.items():
        span = f"{one.low_deg:.0f}-{one.high_deg:.0f}°"
        lines.append(f"  usual, {key.replace('_', ' ')}: {span} (middle {one.deg:.0f}°, {one.n_sessions} sessions)")
    if n and not usual:
        lines.append(f"  Nothing is called usual before {LearningParams().least_sessions} sessions have measured it.")
    for each in profile.sessions[-LATEST:]:
        what = (each.plan or "without a plan") + ("" if each.is_finished else ", not to the end")
        said = comfort(each.comfort)
        what += f"; comfort {said}" if said else ""
        lines.append(f"  {each.started[:16].replace('T', ' ')}  {what}")
    return "\n".join(lines)

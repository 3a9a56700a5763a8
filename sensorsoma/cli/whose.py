"""Whose session it is: a person by name, kept apart from others, with what is remembered of them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sensorsoma.cli.common import note
from sensorsoma.cli.questions import yes_or_no
from sensorsoma.errors import InputFileError

if TYPE_CHECKING:
    from sensorsoma.coach.plan import Plan
    from sensorsoma.config import Config
    from sensorsoma.people.book import Book
    from sensorsoma.people.profile import Profile
    from sensorsoma.sources.spec import SourceSpec

FOLDER = "people"
"""Beside the configuration."""

NEXT = "next"
"""`--only-side next`: the side that was not practised last time."""


@dataclass(frozen=True, slots=True)
class Whose:
    """The person of a session."""

    name: str | None
    """None: nobody said."""
    profile: Profile
    """Of what real bodies did, or of what simulated ones did; empty when new or not readable."""

    def folder(self, config: Config) -> Path:
        """Where recordings of this person go: a folder of their own below the recordings, so that they stay apart."""
        from sensorsoma.people.names import slug_of

        return config.recordings_folder if self.name is None else config.recordings_folder / slug_of(self.name)

    def remembered(self, plan: str | None) -> dict[str, Any]:
        """What a session is told of earlier ones: fields of `LiveChoices`."""
        from sensorsoma.people.usual import n_finished, usual_ranges

        usual = usual_ranges(self.profile.sessions)
        return {
            "person": self.name,
            "usual_deg": {key: one.deg for key, one in usual.items()},
            "usual_span_deg": {key: (one.low_deg, one.high_deg) for key, one in usual.items()},
            "n_before": 0 if plan is None else n_finished(self.profile.sessions, plan),
        }


def the_book() -> Book:
    """Everybody who practises on this computer."""
    from sensorsoma.config import config_path
    from sensorsoma.people.book import Book

    return Book(config_path().with_name(FOLDER))


def whose(given: str | None, config: Config, specs: Sequence[SourceSpec], *, may_ask: bool) -> Whose:
    """The person who practises, as `--person` or the configuration names them; a new name is asked about once.

    What is remembered and cannot be read stops nothing: it is told, and the session goes on without.

    Raises:
        UsageError: nobody is called that.
        typer.Exit: the name was a slip.
    """
    from sensorsoma.people.names import named, shown

    book = the_book()
    is_simulated = any(spec.kind == "virtual" for spec in specs)
    name = shown(config.person) if given is None else named(given)
    if name is not None and not book.is_known(name):
        name = _new_name(name, book, may_ask=may_ask and sys.stdin.isatty())
    try:
        profile = book.profile(name, is_simulated)
    except InputFileError as error:
        from sensorsoma.people.profile import Profile

        note(f"{error} For now nothing is known of earlier sessions.")
        profile = Profile(name, is_simulated)
    return Whose(profile.name if name is not None else None, profile)


def _new_name(name: str, book: Book, *, may_ask: bool) -> str:
    from sensorsoma.people.names import alike

    known = book.names()
    near = alike(name, known)
    if may_ask and near is not None and yes_or_no(f"{name} is new here. Did you mean {near}?", default=True):
        return near
    others = f" (known here: {', '.join(known)})" if known else ""
    note(f"New here: {name}{others}.")
    if may_ask and known and near is None and not yes_or_no(f"Go on as {name}?", default=True):
        raise typer.Exit(0)
    return name


# ------------------------------------------------------------------------------------------- one side tonight


def side_tonight(
    only_side: str | None, plan: Plan, specs: tuple[SourceSpec, ...], who: Whose
) -> tuple[str | None, tuple[SourceSpec, ...]]:
    """The one side that is practised, `next` made out, and the sensors for it; says which side, and why.

    Raises:
        UsageError: a side that does not exist.
    """
    from sensorsoma.cli.analyze import one_of
    from sensorsoma.messages import placement_side, thigh_of
    from sensorsoma.people.usual import next_side
    from sensorsoma.sources.spec import DEVICES, PHONES

    thighs = [spec for spec in specs if placement_side(spec.placement) is not None]
    has_both_sides = len({step.side for step in plan.steps if step.side is not None}) > 1
    if only_side is not None:
        only_side = one_of("--only-side", only_side, ("left", "right", NEXT))
    if only_side is None:
        if len(thighs) == 1 and has_both_sides:
            note(
                "One thigh sensor: it changes legs once on the way. With --only-side next you practise one side "
                "tonight and the other tomorrow."
            )
        return None, specs
    if only_side != NEXT:
        return only_side, specs
    if not (has_both_sides or plan.either_side):
        note("This plan has no two sides to take in turns; it is practised as it is.")
        return None, specs
    worn = [side for spec in thighs if (side := placement_side(spec.placement)) is not None]
    found = next_side(who.profile.sessions, plan.name, worn)
    note(f"Tonight the {found.side} side: {found.why}.")
    can_move = {"virtual", *DEVICES, *PHONES}
    if len(thighs) == 1 and worn != [found.side] and thighs[0].kind in can_move:
        moved = replace(thighs[0], placement=thigh_of(found.side))
        note(f"Wear the sensor on the {found.side} thigh.")
        specs = tuple(moved if spec is thighs[0] else spec for spec in specs)
    return found.side, specs


# -------------------------------------------------------------------------------------------- after a session


def remember(path: Path) -> None:
    """Adds a finished recording to what is remembered of its person; what goes wrong there stops nothing."""
    try:
        learnt = the_book().remember(path)
    except InputFileError as error:
        note(f"This session is recorded, but not yet remembered: {error}")
        return
    if learnt is not None and learnt.is_simulated:
        note("Simulated: kept apart from what real sessions tell.")

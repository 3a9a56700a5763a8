"""Before the lights go out: the safety text once, then sound, batteries and seat, and how the body is."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import typer

from sensorsoma.cli.common import note
from sensorsoma.cli.opening import open_sources, source_settings
from sensorsoma.cli.questions import yes_or_no
from sensorsoma.cli.running import LiveChoices
from sensorsoma.cli.voicing import recorded_of, texts_of, voice_of
from sensorsoma.cli.whose import the_book
from sensorsoma.clock import Clock
from sensorsoma.config import Config
from sensorsoma.errors import InputFileError
from sensorsoma.live.findings import Finding, worst
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.loop import run
from sensorsoma.sources.spec import DEVICES, PHONES, SourceSpec

if TYPE_CHECKING:
    from sensorsoma.live.speech import Speaker
    from sensorsoma.session import Source

PATIENCE_S = 40.0
"""Seconds that Bluetooth sensors get to be found, started and looked at."""
PHONE_PATIENCE_S = 300.0
"""Seconds when there is a phone: something must be typed or tapped there first."""


def before_the_lights_go_out(choices: LiveChoices, config: Config, *, is_asking: bool = True) -> LiveChoices:
    """Shows and checks what must be seen while there is still light; asks for comfort, and once whether to begin.

    With `is_asking` false the safety text is shown all the same, and nothing is checked or asked.

    Gives the choices with what was said of comfort.

    Raises:
        typer.Exit: the person would rather not begin now, or has not understood the safety text.
    """
    show_safety_text(config.language, choices.person, may_ask=is_asking)
    if not is_asking:
        return choices
    choices = replace(choices, asks_comfort=True)
    findings = run(_check(choices))
    for finding in findings:
        note(finding.line())
    if not sys.stdin.isatty():
        return choices
    choices = replace(choices, comfort_before=ask_comfort_before(config.language))
    question = "Something is not right yet. Begin all the same?" if worst(findings) == "bad" else "Begin?"
    if not yes_or_no(question, default=worst(findings) != "bad"):
        raise typer.Exit(0)
    return choices


def ask_comfort_before(language: str) -> int | None:
    """Comfort from 0 to 10; None when Enter or Ctrl-C left the question."""
    from sensorsoma.people.comfort import parse_comfort, question

    asked = question("before", language)
    while True:
        try:
            answer = typer.prompt(asked, default="", show_default=False, prompt_suffix=" ", err=True)
        except (KeyboardInterrupt, EOFError, typer.Abort):
            note("")
            return None
        if not answer.strip():
            return None
        if (value := parse_comfort(answer)) is not None:
            return value
        asked = f"A whole number from 0 to 10, found '{answer.strip()[:20]}'; Enter skips:"


def show_safety_text(language: str, person: str | None = None, *, may_ask: bool = True) -> None:
    """The whole text until the person has said that it was understood, and again when it has changed; then one line.

    Where nobody can answer it is shown and not taken as read.

    Raises:
        typer.Exit: it was not understood; nothing is started.
    """
    from sensorsoma.people.safety import safety_text

    text, book = safety_text(language), the_book()
    try:
        read = book.profile(person).safety_read.get(text.language, {})
    except InputFileError:
        read = {}
    if read.get("version") == text.version:
        note(text.line)
        return
    if read:
        note(f"What follows has changed since you read it on {read.get('date', 'an earlier day')}.\n")
    note(text.plain() + "\n")
    if not (may_ask and sys.stdin.isatty()):
        return
    if not _is_understood():
        note("Nothing was started. The same command shows this again any time; take it up when it suits you.")
        raise typer.Exit(0)
    with contextlib.suppress(InputFileError):  # nowhere to remember it: it is shown again next time
        book.note_read(person, text, f"{datetime.now():%Y-%m-%d}")


def _is_understood() -> bool:
    """Asks, and once more after a no: Enter is pressed before anything was read."""
    try:
        return yes_or_no("Read and understood?", default=False) or yes_or_no(
            "The practice begins only after a yes; no ends here. Read and understood?", default=False
        )
    except typer.Abort:
        note("")
        return False


async def _check(choices: LiveChoices) -> list[Finding]:
    from sensorsoma.live.speech import Speaker

    clock = Clock()
    findings: list[Finding] = []
    has_sound = choices.has_voice and choices.speed == 1.0
    speaker = Speaker(clock, lambda _: None, voice_of(choices).mouths if has_sound else ())
    try:
        if has_sound:
            findings.extend(await _check_sound(choices, speaker))
        real = tuple(spec for spec in choices.specs if spec.kind in DEVICES)
        if real:
            note("Looking at the sensors for a few seconds; lie still ...")  # a phone is given time to be switched on
            findings.extend(await _look_at_specs(choices, real, clock))
    finally:
        await speaker.close()
    return findings


async def _check_sound(choices: LiveChoices, speaker: Speaker) -> list[Finding]:
    """What rings and speaks; the sentences of the practice are made ready while the sensors are looked at."""
    from sensorsoma.checks import try_sound

    findings = [await try_sound(speaker)]
    speaker.prepare(texts_of(choices))
    recorded = recorded_of(choices)
    if recorded is not None:
        findings.extend(Finding("Own voice", "warn", one.problem) for one in recorded.unusable)
        findings.append(Finding("Own voice", "ok", f"{len(recorded)} sentences of this plan are recorded."))
    return findings


async def _look_at_specs(choices: LiveChoices, specs: tuple[SourceSpec, ...], clock: Clock) -> list[Finding]:
    async with AsyncExitStack() as stack:
        sources = await open_sources(replace(choices, specs=specs), clock, None, stack)
        patience_s = PHONE_PATIENCE_S if any(spec.kind in PHONES for spec in specs) else PATIENCE_S
        return await look_at(sources, [source_settings(spec, choices.boards) for spec in specs], clock, patience_s)


async def look_at(
    sources: Sequence[Source], settings: Sequence[SourceSettings], clock: Clock, patience_s: float = PATIENCE_S
) -> list[Finding]:
    """A few seconds of every source, judged: does it send, at which rate, is gravity as long as it should be."""
    from sensorsoma.checks import SeatCheck, look
    from sensorsoma.sources.decoding import Decoding

    return await look(
        sources,
        Decoding(settings, clock.now_ns()).feed,
        {each.channel: SeatCheck(each.channel) for each in settings},
        clock,
        patience_s,
        on_status=lambda status: note(status.text) if status.text and status.state != "failed" else None,
    )

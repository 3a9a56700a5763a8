"""Before the lights go out: the safety text once, then sound, batteries and seat."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import typer

from sensorsoma.cli.common import note
from sensorsoma.cli.running import LiveChoices, open_sources, source_settings
from sensorsoma.clock import Clock
from sensorsoma.coach.words import load_words
from sensorsoma.config import Config, config_path
from sensorsoma.live.findings import Finding, worst
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.loop import run
from sensorsoma.sources.spec import DEVICES, PHONES, SourceSpec

if TYPE_CHECKING:
    from sensorsoma.session import Source

PATIENCE_S = 40.0
"""Seconds that Bluetooth sensors get to be found, started and looked at."""
PHONE_PATIENCE_S = 300.0
"""Seconds when there is a phone: something must be typed or tapped there first."""

SAFETY_READ = "safety-text-read"
"""Name of the empty file beside the configuration that remembers that the safety text was shown."""


def before_the_lights_go_out(choices: LiveChoices, config: Config, *, is_asking: bool = True) -> None:
    """Shows and checks what must be seen while there is still light; asks once whether to begin.

    With `is_asking` false the safety text is shown all the same, and nothing is checked.

    Raises:
        typer.Exit: the person would rather not begin now.
    """
    show_safety_text(config.language, may_ask=is_asking)
    if not is_asking:
        return
    findings = run(_check(choices))
    for finding in findings:
        note(finding.line())
    if not sys.stdin.isatty():
        return
    question = "Something is not right yet. Begin all the same?" if worst(findings) == "bad" else "Begin?"
    if not typer.confirm(question, default=worst(findings) != "bad"):
        raise typer.Exit(0)


def show_safety_text(language: str, *, may_ask: bool = True) -> None:
    """The whole text until somebody on this computer has said that it was understood, then one line each time."""
    words = load_words(language)
    marker = config_path().with_name(SAFETY_READ)
    if marker.exists():
        note(" ".join(words.sentences("safety", "line", {})))
        return
    note(" ".join(words.sentences("safety", "about", {})) + "\n")
    note(" ".join(words.sentences("safety", "stop_rule", {})) + "\n")
    for part in ("emergency", "ask_first"):
        note("".join(words.sentences("safety", f"{part}_title", {})))
        note("\n".join(f"- {line}" for line in words.sentences("safety", part, {})) + "\n")
    if may_ask and sys.stdin.isatty() and typer.confirm("Read and understood?", default=False):
        with contextlib.suppress(OSError):  # nowhere to remember it: it is shown again next time
            marker.parent.mkdir(parents=True, exist_ok=True)
            marker.touch()


async def _check(choices: LiveChoices) -> list[Finding]:
    from sensorsoma.checks import try_sound
    from sensorsoma.live.speech import Speaker

    clock = Clock()
    findings: list[Finding] = []
    if choices.has_voice and choices.speed == 1.0:
        speaker = Speaker(clock, lambda _: None)
        findings.append(await try_sound(speaker))
        await speaker.close()
    real = tuple(spec for spec in choices.specs if spec.kind in DEVICES)
    if real:
        note("Looking at the sensors for a few seconds; lie still ...")  # a phone is given time to be switched on
        findings.extend(await _look_at_specs(choices, real, clock))
    return findings


async def _look_at_specs(choices: LiveChoices, specs: tuple[SourceSpec, ...], clock: Clock) -> list[Finding]:
    from dataclasses import replace

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

"""`record`: without a plan."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensorsoma.cli.common import finite, note

if TYPE_CHECKING:
    from sensorsoma.sources.spec import SourceSpec


def record(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="PLACEMENT=KIND[:ADDRESS], for example right-thigh=ble; several are fine."),
    ] = None,
    exercise: Annotated[
        str | None, typer.Option("--exercise", "-e", help="Count and measure this while it is recorded.")
    ] = None,
    side: Annotated[str | None, typer.Option(help="The hip that is practised: left or right.")] = None,
    person: Annotated[
        str | None, typer.Option(help="Whose session this is, when several people use this computer.")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(callback=finite, help="Stop by itself after so long.", min=0.1)
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the recording.")] = None,
    speed: Annotated[
        float, typer.Option(callback=finite, help="For virtual sensors and files: how fast time goes.", min=0.1)
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="For virtual sensors: which virtual person.", min=0)] = 1,
    kind: Annotated[
        str | None, typer.Option(help="The odd case: take every Bluetooth sensor for this kind, as scan names it.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="For a phone: the port that it pushes to.", min=1, max=65535)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="At the end, print the analysis as JSON.")] = False,
) -> None:
    """Record without a plan, with or without counting.

    Until you stop (q or Ctrl-C) or a played file is through.

    PLACEMENT and KIND as in `sensorsoma coach --help`.

    Example: sensorsoma record right-thigh=ble --exercise clamshell --side right
    """
    from sensorsoma.cli import EXIT_INTERRUPTED
    from sensorsoma.cli.analyze import requests_of
    from sensorsoma.cli.asked import check_sources
    from sensorsoma.cli.common import print_json
    from sensorsoma.cli.whose import remember, whose
    from sensorsoma.config import boards_of, load_config, resolve_sources
    from sensorsoma.sources.spec import parse_sources

    config = load_config()
    requests = requests_of(exercise, side, None, None) or ()
    specs = resolve_sources(parse_sources(sources) if sources else (), config, kind)
    check_sources(specs)
    who = whose(person, config, specs, may_ask=not as_json)
    from sensorsoma.cli.running import LiveChoices, run_interruptible, run_live

    choices = LiveChoices(
        specs=specs,
        folder=out or who.folder(config),
        name=exercise or "recording",
        segments=requests,
        language=config.language,
        **who.remembered(None),
        speed=speed,
        seed=seed,
        seconds=seconds,
        boards=boards_of(config),
        phone_port=port or config.phone_port,
        has_voice=False,
    )
    if (nobody_coaches := says_nobody_coaches(choices.specs)) is not None:
        note(nobody_coaches)
    result = run_interruptible(run_live(choices))
    if not result.outcome.has_begun:
        note("Stopped before it began; nothing was recorded.")
        raise typer.Exit(EXIT_INTERRUPTED)
    note(f"Recorded: {result.path}")
    remember(result.path)
    if as_json or requests:
        from sensorsoma.analysis import analyze_recording
        from sensorsoma.review.text import describe

        trace = analyze_recording(result.path)
        if as_json:
            print_json(trace.analysis)
        else:
            print(describe(trace))
    if result.is_interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def says_nobody_coaches(specs: Iterable[SourceSpec]) -> str | None:
    """What to say of a virtual person, who moves only when coached; None when the specs have none in them."""
    from sensorsoma.virtual.devices import DEVICES

    for spec in specs:
        if spec.kind == "virtual" and (spec.address or "").rpartition("@")[2] in ("", "person", *DEVICES):
            it = f"{spec.placement}=virtual"
            return (
                "Nobody tells the virtual person what to do here, so they lie still; to see movement use "
                f"`sensorsoma coach short {it}`, or play a file with {it}:FILE."
            )
    return None

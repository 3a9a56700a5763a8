"""`coach`: the live session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import WRITING, check_folder, finite, note

if TYPE_CHECKING:
    from sensorsoma.coach.plan import Plan
    from sensorsoma.sources.spec import SourceSpec


def coach(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="Name of a plan (sensorsoma plan list) or a file.")],
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="SOURCE", help="PLACEMENT=KIND[:ADDRESS], for example right-thigh=ble pelvis=ble; several are fine."
        ),
    ] = None,
    only_side: Annotated[
        str | None,
        typer.Option(help="Practise one side tonight: left, right, or next: the one that was not practised last time."),
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Whose session this is, when several people use this computer.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for the recording.")] = None,
    big: Annotated[bool, typer.Option("--big", help="Large digits on the whole screen.")] = False,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet",
            help="Say nothing, only measure; steps go on with what you do, by a double tap or the space key.",
        ),
    ] = False,
    silent: Annotated[bool, typer.Option("--silent", help="No voice and no bell; the words are only shown.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing, neither before nor after.")] = False,
    report: Annotated[bool, typer.Option(help="Write the report at the end.")] = True,
    speed: Annotated[
        float, typer.Option(callback=finite, help="For virtual sensors: how fast time goes.", min=0.1)
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="For virtual sensors: which virtual person.", min=0)] = 1,
    kind: Annotated[
        str | None, typer.Option(help="The odd case: take every Bluetooth sensor for this kind, as scan names it.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="For a phone: the port that it pushes to.", min=1, max=65535)] = None,
    page: Annotated[bool, typer.Option("--page", help="Show the session on a dark page in the browser.")] = False,
    tablet: Annotated[
        bool, typer.Option("--tablet", help="Show that page on a tablet in your home network instead, by a code.")
    ] = False,
    page_port: Annotated[int, typer.Option(help="Port of the page; 0: any that is free.", min=0, max=65535)] = 0,
    voice_folder: Annotated[
        Path | None, typer.Option("--voice", help="Folder of recorded sentences (WAV) that replace the voice.")
    ] = None,
    pace: Annotated[
        str | None, typer.Option(help="Pace the breath: own, or seconds in and out such as 4-6. Off by default.")
    ] = None,
    words: Annotated[
        Path | None, typer.Option(help="File with sentences of your own (TOML) that replace the usual ones.")
    ] = None,
    taps: Annotated[bool, typer.Option(help="A double tap on a sensor means next.")] = True,
) -> None:
    """Practise: coached, counted, measured and recorded.

    Keys: space next, b back, r repeat, p pause, s a pillow supports the knee, c comfort, q stop, ? all of them.

    PLACEMENT is left-thigh, right-thigh, pelvis or belly. KIND is ble (a Bluetooth sensor of any maker), phone (its
    browser), sensor-logger or phyphox (apps on a phone), virtual (a simulated person) or file. What setup remembers
    need not be typed.

    Example: sensorsoma coach hips-and-core right-thigh=ble
    """
    from sensorsoma.cli import EXIT_INTERRUPTED
    from sensorsoma.cli.asked import check_adapter, check_page_port, check_sources, voice_wanted
    from sensorsoma.cli.whose import remember, side_tonight, whose
    from sensorsoma.config import boards_of, load_config, resolve_sources
    from sensorsoma.sources.spec import parse_sources

    config = load_config()
    specs = resolve_sources(parse_sources(sources) if sources else (), config, kind)
    loaded, said = own_words(plan, words, config.recordings_folder)
    who = whose(person, config, specs, may_ask=not yes)
    only_side, specs = side_tonight(only_side, loaded, specs, who)
    fitted = fit_plan(loaded, specs, only_side)
    pacer = pacer_settings(pace) if pace is not None else None
    check_sources(specs)
    voice_folder = voice_wanted(voice_folder, is_heard=not (silent or quiet))
    if page or tablet:
        check_page_port(page_port, is_on_lan=tablet)
    # what a session needs takes a second to import: a slip of the pen is answered before
    from sensorsoma.cli.beginning import before_the_lights_go_out
    from sensorsoma.cli.running import LiveChoices, run_interruptible, run_live
    from sensorsoma.cli.voicing import recorded_of, remembered_voice

    choices = LiveChoices(
        specs=specs,
        folder=out or who.folder(config),
        name=fitted.name,
        plan=fitted.model_dump(mode="json"),
        language=said.get("language", config.language),
        **who.remembered(fitted.name),
        speed=speed,
        seed=seed,
        is_quiet=quiet,
        has_voice=not (silent or quiet),
        mode="big" if big else "auto",
        boards=boards_of(config),
        phone_port=port or config.phone_port,
        voice_folder=voice_folder,
        has_page=page or tablet,
        is_page_on_lan=tablet,
        page_port=page_port,
        waits_for_start=(page or tablet) and not (yes or quiet),
        pacer=pacer,
        words=said,
        has_taps=taps,
    )
    if voice_folder is not None:
        recorded_of(choices)
    elif config.own_voice_folder is not None and choices.has_voice:
        choices = replace(choices, voice_folder=remembered_voice(choices, config.own_voice_folder))
    check_folder(choices.folder)
    if any(spec.kind == "ble" for spec in specs):
        check_adapter()
    choices = before_the_lights_go_out(choices, config, is_asking=not yes)
    result = run_interruptible(run_live(choices))
    if not result.outcome.has_begun:
        note("Stopped before it began; nothing was recorded.")
        raise typer.Exit(EXIT_INTERRUPTED)
    note(f"Recorded: {result.path}")
    remember(result.path)
    if report:
        print(f"Report: {write_report(result.path)}")
    if result.is_interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def pacer_settings(pace: str) -> dict[str, Any]:
    """What `--pace` asks for: {"own": True}, or {"in_s": 4.0, "out_s": 6.0}.

    Raises:
        UsageError: neither of them.
    """
    import re

    from sensorsoma.coach.pacer import PacerParams
    from sensorsoma.errors import UsageError

    if pace.strip().lower() == "own":
        return {"own": True}
    least_s, longest_s = PacerParams().shortest_s, PacerParams().longest_s
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[-/: ]\s*(\d+(?:\.\d+)?)\s*", pace, re.ASCII)
    numbers = [float(text) for text in found.groups()] if found else []
    if not numbers or min(numbers) < PacerParams().apart_s or not least_s <= sum(numbers) <= longest_s:
        raise UsageError(
            f"Expected --pace as own, or as seconds in and out such as 4-6, each at least {PacerParams().apart_s:.0f} "
            f"and {least_s:.0f} to {longest_s:.0f} together, found '{pace}'."
        )
    return {"in_s": numbers[0], "out_s": numbers[1]}


def own_words(plan: str, words: Path | None, folder: Path) -> tuple[Plan, dict[str, Any]]:
    """The plan, and sentences of one's own from a file or from `words.toml` beside the recordings, checked.

    Raises:
        PlanError: a mistake in the plan, a section or moment that is never said, a sentence that cannot be spoken.
    """
    from sensorsoma.coach.own_words import plan_and_words

    loaded, own, path = plan_and_words(plan, words, [folder])
    if path is not None:
        note(f"Words of your own: {path}")
    return loaded, own


def fit_plan(plan: Plan, specs: tuple[SourceSpec, ...], only_side: str | None) -> Plan:
    """The plan as it can be practised with what is worn: one thigh sensor for two legs moves once.

    Raises:
        UsageError: a side that does not exist.
    """
    from sensorsoma.cli.analyze import one_of
    from sensorsoma.coach.editing import fit

    side: Any = None if only_side is None else one_of("--only-side", only_side, ("left", "right"))
    return fit(plan, [spec.placement for spec in specs], side)


def write_report(path: Path) -> Path:
    """The report about a recording, in a folder beside it; gives the page's path."""
    from sensorsoma.cli.analyze import trace_of
    from sensorsoma.review.report import review

    note(WRITING)
    return review(trace_of(path, None), path.with_name(path.stem + "_review")).report_path

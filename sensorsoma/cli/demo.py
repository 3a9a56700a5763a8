"""`demo`: everything without hardware."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import WRITING, finite, note, print_json

if TYPE_CHECKING:
    from sensorsoma.cli.running import LiveResult

DEMO_SOURCES = ("right-thigh=virtual", "left-thigh=virtual", "pelvis=virtual")


def demo(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for recording and report.")] = None,
    speed: Annotated[float, typer.Option(callback=finite, help="How fast time goes.", min=0.1, max=40)] = 8.0,
    seed: Annotated[int, typer.Option(help="Which virtual person.", min=0)] = 3,
    brief: Annotated[bool, typer.Option("--brief", help="The short plan on one hip instead: within a minute.")] = False,
    page: Annotated[bool, typer.Option("--page", help="Show it on the dark page in the browser, too.")] = False,
    open_: Annotated[bool, typer.Option("--open", help="Show the report in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done and what was measured as JSON.")] = False,
) -> None:
    """See it all without hardware, in two minutes.

    A virtual person practises over a virtual Bluetooth link; it ends with a report.

    Example: sensorsoma demo --open
    """
    from importlib.util import find_spec

    from sensorsoma.config import load_config

    folder = out or load_config().recordings_folder
    if find_spec("bumble") is None:
        _play_the_sample(folder)
        return
    from sensorsoma.cli import EXIT_INTERRUPTED
    from sensorsoma.cli.against_truth import compare, comparison_lines
    from sensorsoma.cli.analyze import trace_of
    from sensorsoma.review.report import review
    from sensorsoma.review.text import describe

    note(
        "A virtual person with sensors on both thighs and the pelvis practises; time runs faster. Nothing is real here."
    )
    result = _practise(folder, speed, seed, brief, has_page=page)
    if not result.outcome.has_begun:
        note("Stopped before it began; nothing was recorded.")
        raise typer.Exit(EXIT_INTERRUPTED)
    note(WRITING)
    trace = trace_of(result.path, None)
    written = review(trace, result.path.with_name(result.path.stem + "_review"))
    rows = compare(trace.analysis, result.truth or {})
    if as_json:
        print_json(
            {
                "report": str(written.report_path),
                "recording": str(result.path),
                "comparison": rows,
                "ended_by": result.outcome.ended_by,
            }
        )
    else:
        print("\n" + describe(trace) + "\n")
        print("\n".join(comparison_lines(rows)))
        print(f"\nRecording: {result.path}\nReport: {written.report_path}")
    if open_:
        import webbrowser

        webbrowser.open(written.report_path.resolve().as_uri())
    if result.is_interrupted:
        raise typer.Exit(EXIT_INTERRUPTED)


def _practise(folder: Path, speed: float, seed: int, is_brief: bool, *, has_page: bool = False) -> LiveResult:
    from sensorsoma.cli.running import LiveChoices, run_interruptible, run_live
    from sensorsoma.coach.editing import shortened
    from sensorsoma.coach.plan import load_plan
    from sensorsoma.sources.spec import parse_sources

    plan: Any = shortened(load_plan("short"), 0.8) if is_brief else shortened(load_plan("hips-and-core"), 0.5)
    choices = LiveChoices(
        specs=parse_sources(DEMO_SOURCES),
        folder=folder,
        name="demo",
        plan=plan.model_dump(mode="json"),
        speed=speed,
        seed=seed,
        has_voice=False,
        has_page=has_page,
        virtual_options={"person": {"shaking": True}},
    )
    return run_interruptible(run_live(choices))


def _play_the_sample(folder: Path) -> None:
    """Without the virtual link: the bundled recording is replayed and reviewed, and that is said."""
    from sensorsoma.cli.analyze import trace_of
    from sensorsoma.cli.samples import bundled_sample
    from sensorsoma.review.report import review
    from sensorsoma.review.text import describe

    sample = bundled_sample("hips-and-core")
    note(
        "The virtual link is not installed, so a bundled recording of a virtual person is played instead; "
        'for the whole line, in the folder of SensorSoma: pip install ".[virtual]"'
    )
    trace = trace_of(sample, None)
    written = review(trace, folder / f"{sample.stem}_review")
    print("\n" + describe(trace))
    print(f"\nReport: {written.report_path}")

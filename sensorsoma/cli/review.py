"""`review`: report and pictures of one session."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from sensorsoma.cli.analyze import trace_of
from sensorsoma.cli.common import existing_input, note, print_json


def review(
    file: Annotated[
        Path, typer.Argument(help="A recording (.mcap), a table (.csv) or an app's export (.zip, .json, its folder).")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the report; beside the file by default.")
    ] = None,
    exercise: Annotated[
        str | None, typer.Option("--exercise", "-e", help="For a table or export: what was done in it.")
    ] = None,
    side: Annotated[str | None, typer.Option(help="For a table or export: left or right.")] = None,
    placement: Annotated[str | None, typer.Option(help="For a table or export: where the sensor sat.")] = None,
    segments: Annotated[
        Path | None, typer.Option(help="A table of stretches: exercise, side, placement, start_s, end_s (TSV).")
    ] = None,
    is_unasked: Annotated[
        bool, typer.Option("--found", help="Find what was done by itself, even where a recording tells.")
    ] = False,
    acc_unit: Annotated[str, typer.Option(help="For a headed table: unit of acceleration, mps2 or g.")] = "mps2",
    gyr_unit: Annotated[str, typer.Option(help="For a headed table: unit of angular rate, radps or dps.")] = "radps",
    fit_sensor: Annotated[
        bool, typer.Option("--fit-sensor", help="Take off what the still poses show the accelerometer to be wrong by.")
    ] = False,
    open_: Annotated[bool, typer.Option("--open", help="Show the page in the browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the paths that were written as JSON.")] = False,
) -> None:
    """Write pictures (PNG) and one page (HTML) about a session.

    Example: sensorsoma review recordings/2026-11-20T2130_hips-and-core.mcap --open
    """
    from sensorsoma.cli.analyze import one_way_of_asking, requests_of
    from sensorsoma.review.report import review as write_review

    path = existing_input(file)
    one_way_of_asking(exercise, segments, is_unasked or None)
    requests = requests_of(exercise, side, placement, segments)
    measure = partial(
        trace_of, path, requests, placement=placement, side=side, acc_unit=acc_unit, gyr_unit=gyr_unit,
        is_unasked=is_unasked,
    )  # fmt: skip
    trace = measure()
    if fit_sensor:
        from sensorsoma.cli.fitting import fitted

        trace, _ = fitted(trace, measure)
    beside = path.resolve() if path.is_dir() else path  # a folder may be called `.`
    folder = out or beside.with_name(beside.stem + "_review")
    written = write_review(trace, folder)
    if as_json:
        print_json({"report": str(written.report_path), "pictures": [str(p) for p in written.png_paths]})
    else:
        print(f"Report: {written.report_path}")
        note(f"{len(written.png_paths)} pictures lie beside it.")
    if open_:
        import webbrowser

        webbrowser.open(written.report_path.resolve().as_uri())

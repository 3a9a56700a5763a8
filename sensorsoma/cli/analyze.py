"""`analyze`: events and measures of a recording or an imported file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, get_args

import typer

from sensorsoma.cli.common import existing_file, existing_input, is_recording, print_json, progress
from sensorsoma.errors import InputFileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sensorsoma.analysis import Fits
    from sensorsoma.messages import Input
    from sensorsoma.review.trace import SessionTrace
    from sensorsoma.settings import SegmentRequest


def analyze(
    input_: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="A recording (.mcap), a table (.csv) or an app's export (.zip, .json)."),
    ],
    exercise: Annotated[
        str | None, typer.Option("--exercise", "-e", help="What was done all through: clamshell, knee_fall ...")
    ] = None,
    side: Annotated[str | None, typer.Option(help="The hip that was practised: left or right.")] = None,
    placement: Annotated[
        str | None,
        typer.Option(
            help="Where a table's sensor sat: right-thigh, left-thigh, pelvis, belly; else --side or its name tell."
        ),
    ] = None,
    plan: Annotated[str | None, typer.Option(help="Coach this plan over the input, name or file.")] = None,
    segments: Annotated[
        Path | None, typer.Option(help="A table of stretches: exercise, side, placement, start_s, end_s (TSV).")
    ] = None,
    is_unasked: Annotated[
        bool, typer.Option("--found", help="Find what was done by itself, even where a recording tells.")
    ] = False,
    acc_unit: Annotated[str, typer.Option(help="Unit of acceleration in a headed CSV: mps2 or g.")] = "mps2",
    gyr_unit: Annotated[str, typer.Option(help="Unit of the angular rate in a headed CSV: radps or dps.")] = "radps",
    fit_sensor: Annotated[
        bool, typer.Option("--fit-sensor", help="Take off what the still poses show the accelerometer to be wrong by.")
    ] = False,
    keep_fit: Annotated[
        bool, typer.Option("--keep-fit", help="The same, and remember it for the sensor that setup has kept.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")] = False,
) -> None:
    """Find reps, angles, holds and shaking in a file.

    Without --exercise, --plan and --segments what was done is found in the samples (a recording knows its own plan).

    The file is a recording (.mcap), a table (.csv), or what Sensor Logger, phyphox, Movesense or Xsens DOT exported
    (.zip, .csv, .json, or the unpacked folder).

    Example: sensorsoma analyze leg.csv --exercise clamshell --side right --json
    """
    one_way_of_asking(exercise, plan, segments, is_unasked or None)
    requests = requests_of(exercise, side, placement, segments)
    trace = trace_of(
        existing_input(input_), requests, plan, placement=placement, side=side, acc_unit=acc_unit, gyr_unit=gyr_unit,
        is_unasked=is_unasked,
    )  # fmt: skip
    if fit_sensor or keep_fit:
        from sensorsoma.cli.fitting import fitted, kept

        again = partial(
            trace_of, input_, requests, plan, placement=placement, side=side, acc_unit=acc_unit, gyr_unit=gyr_unit,
            is_unasked=is_unasked,
        )  # fmt: skip
        trace, fits = fitted(trace, again)
        if keep_fit:
            kept(trace, fits)
    if as_json:
        print_json(trace.analysis)
    else:
        _print_for_people(trace)


def one_way_of_asking(*options: object) -> None:
    """Refuses two answers to what was done.

    Raises:
        UsageError: more than one of them was given (is not None).
    """
    if sum(option is not None for option in options) > 1:
        raise UsageError(
            "Expected one of --exercise, --plan, --segments and --found, found more than one; keep the one you mean."
        )


def trace_of(
    path: Path,
    requests: tuple[SegmentRequest, ...] | None,
    plan: str | None = None,
    *,
    placement: str | None = None,
    side: str | None = None,
    acc_unit: str = "mps2",
    gyr_unit: str = "radps",
    is_unasked: bool = False,
    fits: Fits | None = None,
) -> SessionTrace:
    """A file through the pipeline, with a progress line on a terminal; found without being told where nothing tells.

    Raises:
        InputFileError: the file is not what it claims to be.
        PlanError: the plan has a mistake.
    """
    from sensorsoma.analysis import analyze_inputs, analyze_recording, analyze_unasked, with_fits

    plan_json = None if plan is None else _plan_json(plan)
    with progress(f"reading {path.name}:") as report:
        if is_recording(path):
            return analyze_recording(
                path, segments=requests, plan=plan_json, progress=report, is_unasked=is_unasked, fits=fits
            )
        from sensorsoma.recording.imports import inputs_of, read_imported

        imported = read_imported(
            path,
            acc_unit=one_of("--acc-unit", acc_unit, ("mps2", "g")),
            gyr_unit=one_of("--gyr-unit", gyr_unit, ("radps", "dps")),
        )
        at, assumed = placement_of(path, placement, side)
        notes = (*imported.notes, *assumed)
        source = {"path": path.name, "kind": "imported"}
        if requests is None and plan_json is None:

            def unasked() -> Iterator[Input]:
                return with_fits(inputs_of(imported, path.name, at), fits or {})

            return analyze_unasked(unasked, source=source, notes=notes, progress=report)
        inputs = inputs_of(imported, path.name, at, segments=requests or (), plan=plan_json)
        inputs = with_fits(inputs, fits or {})
        return analyze_inputs(inputs, source=source, notes=notes, progress=report)


def _plan_json(name: str) -> dict[str, Any]:
    from sensorsoma.coach.plan import load_plan
    from sensorsoma.config import load_config

    return load_plan(name, [load_config().recordings_folder]).model_dump(mode="json")


def requests_of(
    exercise: str | None, side: str | None, placement: str | None, segments: Path | None
) -> tuple[SegmentRequest, ...] | None:
    from sensorsoma.messages import PLACEMENTS, Exercise, Side
    from sensorsoma.settings import SegmentRequest

    if segments is not None:
        return read_segments(existing_file(segments))
    if exercise is None:
        return None
    return (
        SegmentRequest(
            exercise=one_of("--exercise", exercise, get_args(Exercise)),
            side=None if side is None else one_of("--side", side, get_args(Side)),
            placement=None if placement is None else one_of("--placement", placement, PLACEMENTS),
        ),
    )


def placement_of(path: Path, placement: str | None, side: str | None) -> tuple[Any, tuple[str, ...]]:
    """Where an imported file's sensor sat, and a note where nobody said so.

    As said, else the thigh of the practised side, else what the file's name says, else the right thigh.

    Raises:
        UsageError: no such place.
    """
    from sensorsoma.messages import PLACEMENTS, thigh_of

    if placement is not None:
        return one_of("--placement", placement, PLACEMENTS), ()
    if side is not None:
        return thigh_of("left" if side == "left" else "right"), ()
    name = path.stem.lower().replace("_", "-")
    named = [place for place in PLACEMENTS if place in name]
    if len(named) == 1:
        return named[0], ("the sensor is taken to have sat where the file's name says; if not, say --placement",)
    return "right-thigh", ("nobody said where the sensor sat, so the right thigh was taken; if not, say --placement",)


def one_of(option: str, word: str, known: tuple[str, ...]) -> Any:
    """The word itself, if it is known.

    Raises:
        UsageError: it is not; says what is, and what may have been meant.
    """
    if word in known:
        return word
    from difflib import get_close_matches

    close = get_close_matches(word.replace("-", "_"), known, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    raise UsageError(f"Expected {option} to be one of {', '.join(known)}, found {word!r}{hint}")


def read_segments(path: Path) -> tuple[SegmentRequest, ...]:
    """Stretches from a tab-separated table with the columns exercise, side, placement, start_s, end_s.

    Empty cells mean: no side, any placement, from the start, to the end.

    Raises:
        InputFileError: names the line that does not fit.
    """
    import csv
    import math

    from sensorsoma.messages import EXERCISES, PLACEMENTS
    from sensorsoma.settings import SegmentRequest

    found: list[SegmentRequest] = []
    with _text_of(path) as file:
        table = csv.DictReader(file, delimiter="\t")
        if "exercise" not in (table.fieldnames or ()):
            raise InputFileError(
                f"Expected the column `exercise` in the first line of {path}, found {table.fieldnames}."
            )
        for row in table:
            where = f"{path}, line {table.line_num}"
            exercise, side, placement = (row.get(name) or None for name in ("exercise", "side", "placement"))
            if exercise not in EXERCISES or side not in (None, "left", "right") or placement not in (None, *PLACEMENTS):
                raise InputFileError(f"Expected an exercise, side and placement that exist in {where}, found {row}.")
            try:
                start_s = float(row.get("start_s") or 0.0)
                end_s = float(row["end_s"]) if row.get("end_s") else None
            except ValueError as error:
                raise InputFileError(f"Expected seconds in start_s and end_s in {where}; {error}.") from error
            if not (math.isfinite(start_s) and (end_s is None or start_s < end_s < math.inf)):
                raise InputFileError(f"Expected start_s before end_s in {where}, found {start_s:g} and {end_s}.")
            found.append(SegmentRequest(exercise, side, placement, start_s, end_s))  # type: ignore[arg-type]
    return tuple(found)


def _text_of(path: Path) -> TextIO:
    import io

    try:
        return io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        raise InputFileError(
            f"Expected a table as UTF-8 text in {path}, found other bytes; save it as UTF-8."
        ) from None


def _print_for_people(trace: SessionTrace) -> None:
    from sensorsoma.review.text import describe

    print(describe(trace))

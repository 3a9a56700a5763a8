"""`import`: other people's files into recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import existing_input, is_recording, note, print_json, progress, refuse_overwrite

if TYPE_CHECKING:
    from collections.abc import Callable

    from sensorsoma.messages import Placement
    from sensorsoma.recording.imported import ImportedFile


def import_(
    input_: Annotated[
        Path,
        typer.Argument(metavar="INPUT", help="A table (.csv), an app's export (.zip, .json) or its unpacked folder."),
    ],
    placement: Annotated[
        str, typer.Option(help="Where the sensor sat: right-thigh, left-thigh, pelvis, belly.")
    ] = "right-thigh",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Recording to write; INPUT's name in the folder of recordings by default."),
    ] = None,
    person: Annotated[
        str | None, typer.Option(help="Whose session this is, when several people use this computer.")
    ] = None,
    acc_unit: Annotated[str, typer.Option(help="Unit of acceleration in a headed CSV: mps2 or g.")] = "mps2",
    gyr_unit: Annotated[str, typer.Option(help="Unit of the angular rate in a headed CSV: radps or dps.")] = "radps",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is in the file; write nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a recording that is there already.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output, nothing else.")] = False,
) -> None:
    """Turn another app's file into a recording.

    Reads exports of Sensor Logger, phyphox, Movesense and Xsens DOT, Motion-BIDS, headed CSV and Axivity CSV
    (docs/files.md).

    Example: sensorsoma import evening.zip --placement left-thigh
    """
    from sensorsoma.cli.analyze import one_of
    from sensorsoma.config import load_config
    from sensorsoma.errors import InputFileError
    from sensorsoma.messages import PLACEMENTS
    from sensorsoma.recording.imports import read_imported

    path = existing_input(input_)
    if is_recording(path):
        raise InputFileError(f"Expected a file of another app, but {path} is a recording already; nothing to import.")
    where: Placement = one_of("--placement", placement, PLACEMENTS)
    config = load_config()
    target = _target(path, out, config.recordings_folder)
    if not dry_run:
        refuse_overwrite(target, force)
    imported = read_imported(
        path,
        acc_unit=one_of("--acc-unit", acc_unit, ("mps2", "g")),
        gyr_unit=one_of("--gyr-unit", gyr_unit, ("radps", "dps")),
    )
    found = _found(imported, path, where)
    if not as_json:
        _print_for_people(found)
    if not dry_run:
        with progress(f"writing {target.name}:", imported.duration_s) as report:
            _write(target, imported, path.name, where, person or config.person, report)
    if as_json:
        print_json({**found, "recording": None if dry_run else str(target)})
    elif not dry_run:
        print(f"Recording: {target}")


def _target(path: Path, out: Path | None, folder: Path) -> Path:
    """The recording to write: as said, or named after the input."""
    name = f"{path.resolve().stem or 'imported'}.mcap"
    if out is None:
        return folder / name
    return out / name if out.is_dir() else out


def _found(imported: ImportedFile, path: Path, placement: str) -> dict[str, Any]:
    """What was found, as plain JSON data."""
    from sensorsoma.recording.imports import WHAT

    return {
        "input": path.name,
        "kind": imported.kind,
        "what": WHAT[imported.kind],
        "placement": placement,
        "n_samples": len(imported.t_s),
        "rate_hz": round(imported.rate_hz, 3),
        "duration_s": round(imported.duration_s, 3),
        "has_gyroscope": imported.gyr_sensor_radps is not None,
        "started": _started(imported) or None,
        "notes": list(imported.notes),
    }


def _print_for_people(found: dict[str, Any]) -> None:
    gyroscope = "with gyroscope" if found["has_gyroscope"] else "without gyroscope"
    print(f"{found['input']}: {found['what']}, {gyroscope}, for the {found['placement']}")
    print(f"{found['n_samples']} samples at {found['rate_hz']:.1f} Hz, {found['duration_s'] / 60:.1f} min")
    for remark in found["notes"]:
        note(remark)


def _started(imported: ImportedFile) -> str:
    """Local wall time of the first sample with offset, as live recordings have it; empty where it is not known."""
    from datetime import UTC, datetime

    if imported.started_ns is None:
        return ""
    try:
        at = datetime.fromtimestamp(imported.started_ns / 1e9, UTC).astimezone()
    except (ValueError, OverflowError, OSError):
        return ""
    return at.isoformat(timespec="seconds")


def _write(
    target: Path,
    imported: ImportedFile,
    name: str,
    placement: Placement,
    person: str | None,
    report: Callable[[float], None],
) -> None:
    """The samples as a recording that a live session might have written; a half-written one is never left behind."""
    import os

    from sensorsoma.cli.opening import software_versions
    from sensorsoma.messages import Packet
    from sensorsoma.pipeline import Pipeline
    from sensorsoma.recording.imports import imported_settings, inputs_of
    from sensorsoma.recording.writer import Recorder
    from sensorsoma.settings import SessionSettings
    from sensorsoma.units import NS_PER_S

    epoch_ns = max(imported.started_ns or 0, 0)
    inputs = inputs_of(
        imported,
        name,
        placement,
        person=person,
        started=_started(imported),
        software=software_versions(),
        epoch_ns=epoch_ns,
    )
    unfinished = target.with_name(f".{target.name}.part")
    unfinished.unlink(missing_ok=True)
    pipeline = Pipeline()
    settings = SessionSettings((imported_settings(imported, placement, address=name),))
    try:
        recorder = Recorder(unfinished, settings)
        try:
            for message in inputs:
                recorder.write(message)
                for output in pipeline.feed(message):
                    recorder.write(output)
                if isinstance(message, Packet):
                    report((message.host_ns - epoch_ns) / NS_PER_S)
            for output in pipeline.finish():
                recorder.write(output)
        finally:
            recorder.close()
        os.replace(unfinished, target)
    finally:
        unfinished.unlink(missing_ok=True)

"""`repair`: a broken recording mended into a new file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sensorsoma.cli.common import existing_file, note


def repair(
    file: Annotated[Path, typer.Argument(help="A recording (.mcap) that was cut off or damaged.")],
) -> None:
    """Mend a recording that was cut off or damaged.

    What is intact goes into a new file, the old one stays as it is.

    Example: sensorsoma repair recordings/2026-11-20T2130_hips-and-core.mcap
    """
    from sensorsoma.recording.reader import open_recording
    from sensorsoma.recording.repair import repair as mend

    path = existing_file(file)
    recording = open_recording(path)
    for remark in recording.notes:
        note(remark)
    if recording.is_complete or recording.notes == tuple(recording.contents.repair_notes):
        print(f"Nothing to mend in {path}.")
    else:
        print(f"Mended: {mend(path)}")

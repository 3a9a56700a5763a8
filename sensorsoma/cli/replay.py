"""`replay`: the same session again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sensorsoma.cli.common import existing_file, finite, json_text, note, print_json


def replay(
    file: Annotated[Path, typer.Argument(help="A recording (.mcap).")],
    speed: Annotated[
        float,
        typer.Option(callback=finite, help="Session seconds per second; 0 is as fast as this computer can.", min=0),
    ] = 1.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Events and cues as JSON, one a line, as fast as possible.")
    ] = False,
    page: Annotated[bool, typer.Option("--page", help="Show it on the dark page in the browser, too.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare with what was recorded live; exit code 1 when they differ.")
    ] = False,
) -> None:
    """Live a session again, at any speed.

    The same bytes give the same events and the same words.

    Example: sensorsoma replay recordings/samples/short.mcap --speed 4
    """
    from sensorsoma.recording.reader import open_recording

    recording = open_recording(existing_file(file))
    for remark in recording.notes:
        note(remark)
    if check:
        _check(file, is_complete=recording.is_complete)
    elif as_json or speed == 0:
        _print_all(file, as_json)
    else:
        from sensorsoma.cli.live_page import PageChoices
        from sensorsoma.cli.running import replay_on_screen, run_interruptible
        from sensorsoma.live.view import View

        wanted = PageChoices(View(language=recording.settings.language)) if page else None
        run_interruptible(replay_on_screen(recording, speed, wanted))


def _print_all(path: Path, as_json: bool) -> None:
    from sensorsoma.analysis import replayed
    from sensorsoma.recording.format import to_json

    for output in replayed(path):
        if as_json:
            print(json_text({"type": type(output).__name__, **to_json(output)}))
        elif (line := _line(output)) is not None:
            print(line)


def _line(output: object) -> str | None:
    from sensorsoma.messages import Cue, RepCompleted, StepStarted

    if isinstance(output, Cue):
        return f"{output.t_s:7.1f}  {output.text or '(bell)'}"
    if isinstance(output, StepStarted):
        return f"{output.t_s:7.1f}  [{output.index + 1}/{output.n_steps} {output.title}]"
    if isinstance(output, RepCompleted):
        return f"{output.known_s:7.1f}  {output.exercise} {output.index}"
    return None


def _check(path: Path, *, is_complete: bool) -> None:
    from sensorsoma.analysis import differences_from_live

    different = differences_from_live(path)
    if not different:
        how_far = "" if is_complete else ", as far as the recording goes"
        print(f"Identical: every event and every cue of the live session came again{how_far}.")
        return
    for line in different[:20]:
        print(line)
    print_json({"differences": len(different)})
    raise typer.Exit(1)

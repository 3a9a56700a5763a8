"""`voice`: record the sentences of a plan in a voice of one's own, and try how it sounds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sensorsoma.cli.common import note, print_json

if TYPE_CHECKING:
    from sensorsoma.live.recorded import Heard, Line

app = typer.Typer(
    help="Record the sentences of a plan in your own voice.",
    no_args_is_help=True,
    rich_markup_mode=None,
    epilog="Example: sensorsoma voice sheet hips-and-core",
)

MOST_NAMED = 10
"""So many lines are read at a glance."""

PlanName = Annotated[str, typer.Argument(help="A plan's name (sensorsoma plan list) or a file.")]
OneSensor = Annotated[
    str | None, typer.Option(help="With one sensor, on left-thigh or right-thigh: the order in which it moves once.")
]
OnlySide = Annotated[str | None, typer.Option(help="One side alone: left or right.")]
Belly = Annotated[bool, typer.Option("--belly", help="With a phone on the belly, which is laid aside before a roll.")]
OwnWords = Annotated[
    Path | None, typer.Option("--words", help="File with sentences of your own (TOML) that replace the usual ones.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command(epilog="Example: sensorsoma voice sheet hips-and-core --csv > to-record.csv")
def sheet(
    plan: PlanName,
    one_sensor: OneSensor = None,
    only_side: OnlySide = None,
    belly: Belly = False,
    words: OwnWords = None,
    csv: Annotated[bool, typer.Option("--csv", help="As a table to print or to open in a spreadsheet.")] = False,
    as_json: AsJson = False,
) -> None:
    """List every sentence to be recorded, with the name of its file.

    Sentences with a star are said in every practice; the others depend on how it goes. What is not recorded is spoken
    by the computer's voice.
    """
    lines = _lines(plan, one_sensor, only_side, belly, words)
    if as_json:
        print_json([{"file": f"{line.name}.wav", "text": line.text, "step": line.step, "always": line.is_sure}
                    for line in lines])  # fmt: skip
    elif csv:
        _print_csv(lines)
    else:
        for line in lines:
            print(f"{'*' if line.is_sure else ' '} {line.name}.wav\n      {line.text}")
        note(f"{len(lines)} files, {sum(line.is_sure for line in lines)} of them (*) said in every practice. "
             "Record what stands below each name into a file of that name: WAV, signed 16-bit PCM. "
             "bell.wav replaces the bell.")  # fmt: skip


@app.command(epilog="Example: sensorsoma voice check my-voice hips-and-core")
def check(
    folder: Annotated[Path, typer.Argument(help="The folder with the recordings.")],
    plan: PlanName,
    one_sensor: OneSensor = None,
    only_side: OnlySide = None,
    belly: Belly = False,
    words: OwnWords = None,
    every: Annotated[bool, typer.Option("--all", help="Name every file that is missing or fine.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which recordings are there, missing, not readable, too long or too quiet.

    Of what is missing the sentences of every practice are named, and some more; --all names everything.
    """
    from sensorsoma.live.recorded import BELL, files_in, look_at_recording, other_sounds_in

    lines = _lines(plan, one_sensor, only_side, belly, words)
    files = files_in(folder.expanduser())
    heard = [look_at_recording(line, files.get(line.name.lower())) for line in lines]
    strange = sorted(files.keys() - {line.name.lower() for line in lines} - {BELL})
    if as_json:
        print_json([{"file": f"{one.line.name}.wav", "is_there": one.path is not None, "is_usable": one.is_usable,
                     "problem": one.problem} for one in heard])  # fmt: skip
    else:
        others = [path.name for path in other_sounds_in(folder.expanduser())]
        _print_check(heard, [files[name].name for name in strange], others, None if every else MOST_NAMED)
    if any(one.path is not None and not one.is_usable for one in heard):
        raise typer.Exit(2)


@app.command(epilog='Example: sensorsoma voice say "Rest here, and breathe."')
def say(
    text: Annotated[str, typer.Argument(help="A sentence.")],
) -> None:
    """Ring the bell, then say a sentence as in a practice."""
    from sensorsoma.checks import try_sound
    from sensorsoma.clock import Clock
    from sensorsoma.config import load_config
    from sensorsoma.live.computer import computer_voice
    from sensorsoma.live.speech import Speaker
    from sensorsoma.sources.loop import run

    async def speak() -> bool:
        voice = computer_voice(load_config().language)
        speaker = Speaker(Clock(), lambda _: None, voice.mouths)
        finding = await try_sound(speaker, text)
        await speaker.close()
        note(finding.line())
        return finding.outcome == "ok"

    if not run(speak()):
        raise typer.Exit(1)


def _lines(
    name: str, one_sensor: str | None, only_side: str | None, has_belly: bool, words: Path | None
) -> tuple[Line, ...]:
    """What the plan says as it is practised with these sensors.

    Raises:
        UsageError: a placement or side that does not exist.
    """
    from sensorsoma.cli.analyze import one_of
    from sensorsoma.cli.coach import own_words
    from sensorsoma.cli.voicing import script_for
    from sensorsoma.coach.editing import one_sensor_order, one_side
    from sensorsoma.coach.words import load_words
    from sensorsoma.config import load_config
    from sensorsoma.live.recorded import sheet_of

    config = load_config()
    plan, own = own_words(name, words, config.recordings_folder)
    if only_side is not None:
        plan = one_side(plan, one_of("--only-side", only_side, ("left", "right")))
    elif one_sensor is not None:
        thigh = one_of("--one-sensor", one_sensor, ("left-thigh", "right-thigh"))
        plan = one_sensor_order(plan, thigh)
    return sheet_of(script_for(plan, load_words(config.language, own), is_belly_worn=has_belly, can_tap=True))


def _print_csv(lines: tuple[Line, ...]) -> None:
    import csv

    table = csv.writer(sys.stdout)
    table.writerow(["file", "always", "step", "text"])
    table.writerows([f"{line.name}.wav", "yes" if line.is_sure else "", line.step, line.text] for line in lines)


def _print_check(heard: list[Heard], strange: list[str], others: list[str], most: int | None) -> None:
    """The answer, then what is to be mended, what is missing and what is fine; `most` of each, None for all."""
    sure = [one for one in heard if one.line.is_sure]
    usable, usable_sure = sum(one.is_usable for one in heard), sum(one.is_usable for one in sure)
    rest = "" if usable == len(heard) else "; the computer's voice says the others"
    print(f"{usable} of {len(heard)} sentences are recorded, {usable_sure} of the {len(sure)} of every practice{rest}.")
    for name in others:
        print(f'{name}: is not read; save it as "WAV, signed 16-bit PCM".')
    for one in heard:
        if one.problem:
            print(f"{one.path.name if one.path else one.line.name}: {one.problem}")
    _print_some("", [f"{name}: nothing that this plan says has that name." for name in strange], most)
    missing = sorted((one.line for one in heard if one.path is None), key=lambda line: not line.is_sure)
    lines = [f"{'*' if line.is_sure else ' '} {line.name}.wav   {line.text}" for line in missing]
    _print_some("Missing (* said in every practice):", lines, most)
    fine = [f"  {one.path.name}" for one in heard if one.path is not None and one.is_usable and not one.problem]
    _print_some("Fine:", fine, most)


def _print_some(heading: str, lines: list[str], most: int | None) -> None:
    if not lines:
        return
    if heading:
        print(heading)
    for line in lines[:most]:
        print(line)
    if most is not None and len(lines) > most:
        print(f"  and {len(lines) - most} more; --all lists them.")

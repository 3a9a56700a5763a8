"""The voice of a session from what was chosen: what it may say, recordings, the computer's own ways of being heard."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from sensorsoma.checks import SOUND_SENTENCE
from sensorsoma.cli.common import note
from sensorsoma.coach.plan import plan_from_json
from sensorsoma.coach.words import load_words
from sensorsoma.errors import InputFileError
from sensorsoma.live.bells import cache_folder
from sensorsoma.live.computer import ComputerVoice, computer_voice
from sensorsoma.live.recorded import Line, RecordedVoice, Script, script_of

if TYPE_CHECKING:
    from pathlib import Path

    from sensorsoma.cli.running import LiveChoices
    from sensorsoma.coach.steps import Plan
    from sensorsoma.coach.words import Words

SOUND_LINE = Line("sound", SOUND_SENTENCE, "before the practice", True)
"""Said once while there is light."""


def script_for(plan: Plan, words: Words, *, is_belly_worn: bool, can_tap: bool) -> Script:
    """Everything that a session may say, in order; what depends on the sensors that are there comes both ways."""
    script: Script = {SOUND_SENTENCE: (SOUND_LINE,)}
    for taps in (True, False) if can_tap else (False,):
        for belly in (True, False) if is_belly_worn else (False,):
            for text, lines in script_of(plan, words, is_belly_worn=belly, can_tap=taps).items():
                script.setdefault(text, lines)
    return script


def texts_of(choices: LiveChoices) -> list[str]:
    """What may be said in a session, in order; then what is said when time is short. Without a plan nothing is said."""
    script = _script_of(choices)
    if script is None:
        return []
    shortened = [text for whole, lines in script.items() if lines[0].is_sure for text in _beginnings(whole)]
    return [*script, *shortened]


def _beginnings(text: str) -> list[str]:
    """The first sentence of a text, the first two ..., as a cue is shortened."""
    ends = [at + 1 for at, (mark, after) in enumerate(pairwise(text)) if mark in ".?!" and after == " "]
    return [text[:end] for end in ends]


def recorded_of(choices: LiveChoices) -> RecordedVoice | None:
    """The recordings that were chosen; None without any.

    Raises:
        InputFileError: there is no such folder, or nothing in it belongs to the plan.
    """
    script = _script_of(choices)
    if choices.voice_folder is None or script is None:
        return None
    return RecordedVoice(script, choices.voice_folder.expanduser(), cache_folder() / "voice")


def remembered_voice(choices: LiveChoices, folder: Path) -> Path | None:
    """The folder that the config names, where it serves this session; else None, told in one sentence.

    Recordings of one plan, or a stick that is not plugged in tonight, keep nobody from practising another.
    """
    try:
        recorded_of(replace(choices, voice_folder=folder))
    except InputFileError as error:
        note(f"{error} Tonight the computer's own voice speaks.")
        return None
    return folder


def voice_of(choices: LiveChoices) -> ComputerVoice:
    """The computer's voice, with recordings where there are some.

    Raises:
        InputFileError: as `recorded_of`.
    """
    return computer_voice(load_words(choices.language, choices.words).language, recorded_of(choices))


def _script_of(choices: LiveChoices) -> Script | None:
    if choices.plan is None:
        return None
    worn = {spec.placement for spec in choices.specs}
    return script_for(
        plan_from_json(choices.plan),
        load_words(choices.language, choices.words),
        is_belly_worn="belly" in worn,
        can_tap=choices.has_taps and bool(worn - {"belly"}),
    )

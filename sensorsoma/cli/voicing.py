"""The voice of a session from what was chosen: what it may say, recordings, the computer's own ways of being heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sensorsoma.checks import SOUND_SENTENCE
from sensorsoma.coach.plan import plan_from_json
from sensorsoma.coach.sentences import sentences_of
from sensorsoma.coach.words import load_words
from sensorsoma.live.computer import ComputerVoice, computer_voice
from sensorsoma.live.recorded import Line, RecordedVoice, sheet_of

if TYPE_CHECKING:
    from sensorsoma.cli.running import LiveChoices
    from sensorsoma.coach.steps import Plan
    from sensorsoma.coach.words import Words

SOUND_LINE = Line("sound", SOUND_SENTENCE, "before the practice", True)
"""Said once while there is light."""


def lines_of(plan: Plan, words: Words, *, is_belly_worn: bool) -> tuple[Line, ...]:
    """Everything that may be recorded for a plan, in order."""
    return (SOUND_LINE, *sheet_of(plan, words, is_belly_worn=is_belly_worn))


def texts_of(choices: LiveChoices) -> list[str]:
    """What may be said in a session, in order; then what is said when time is short."""
    if choices.plan is None:
        return [SOUND_SENTENCE]
    sayings = sentences_of(
        plan_from_json(choices.plan), load_words(choices.language, choices.words), is_belly_worn=_is_belly_worn(choices)
    )
    texts = [" ".join(saying.sentences) for saying in sayings]
    short = [
        " ".join(saying.sentences[:n]) for saying in sayings if saying.is_sure for n in range(1, len(saying.sentences))
    ]
    return [SOUND_SENTENCE, *texts, *short]


def recorded_of(choices: LiveChoices) -> RecordedVoice | None:
    """The recordings that were chosen; None without any.

    Raises:
        InputFileError: there is no such folder, or nothing in it belongs to the plan.
    """
    if choices.voice_folder is None or choices.plan is None:
        return None
    words = load_words(choices.language, choices.words)
    lines = lines_of(plan_from_json(choices.plan), words, is_belly_worn=_is_belly_worn(choices))
    return RecordedVoice(lines, choices.voice_folder.expanduser())


def voice_of(choices: LiveChoices) -> ComputerVoice:
    """The computer's voice, with recordings where there are some.

    Raises:
        InputFileError: as `recorded_of`.
    """
    return computer_voice(choices.language, recorded_of(choices))


def _is_belly_worn(choices: LiveChoices) -> bool:
    return any(spec.placement == "belly" for spec in choices.specs)

"""Recorded sentences: a physiotherapist's or one's own voice, one WAV file for each thing that a plan says.

A file is named by what is said, as it stands in the words file: section, moment, side, number of repetitions where the
sentence names them. `clamshell.start.right.8.wav` opens eight clamshells of the right hip, `count.3.wav` is "Three.".
A recording belongs to the whole text of a cue, or to one of two parts that follow each other ("first, lay the phone
aside"); a cue that was shortened, or has no recording, is rendered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sensorsoma.coach.cues import CueParams
from sensorsoma.coach.pace import speaking_s
from sensorsoma.coach.sentences import AT_ANY_TIME, Saying, sentences_of
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.words import Words, places
from sensorsoma.errors import InputFileError
from sensorsoma.live.wav import Sound, joined, read_wav, silence_before_s, trimmed, write_wav
from sensorsoma.messages import Cue

OTHER_FORMATS = frozenset({".m4a", ".mp3", ".ogg", ".opus", ".flac", ".aac", ".aif", ".aiff", ".wma", ".3gp", ".amr"})
"""Endings of sounds that have to be saved as WAV first."""

BELL = "bell"
"""Name of a recording that replaces the bell."""


@dataclass(frozen=True, slots=True)
class RecordedParams:
    """What a recording should be like."""

    least_loudness: float = 0.02
    """-34 dB of full scale, a fifth of the computer's voice: below it is hard to hear beside the bell."""
    most_lead_s: float = 0.4
    """Silence before the first word; more is heard as hesitation, and a count comes too late."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the sheet: something to be recorded."""

    name: str
    """Name of its file without the ending."""
    text: str
    step: str
    """Title of the first step that says it; "" when it may come at any time."""
    is_sure: bool
    """Said in every practice that goes through to its end."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was found under the name of a line."""

    line: Line
    path: Path | None
    problem: str = ""
    """One sentence; "" when it is fine or missing."""
    is_usable: bool = False


Script = dict[str, tuple[Line, ...]]
"""Text of a cue, the lines that it is made of: mostly one, two where something is put before or after."""


def script_of(plan: Plan, words: Words, *, is_belly_worn: bool = False, can_tap: bool = False) -> Script:
    """Everything that a plan may say, in order, with the lines that are recorded for it."""
    script: Script = {}
    for saying in sentences_of(plan, words, is_belly_worn=is_belly_worn, can_tap=can_tap):
        step = None if saying.step_index is None else plan.steps[saying.step_index]
        title = step.title if step else ""
        script.setdefault(
            " ".join(saying.sentences),
            tuple(Line(name, text, title, saying.is_sure) for name, text in _parts_of(saying, step, words)),
        )
    return script


def sheet_of(script: Script) -> tuple[Line, ...]:
    """The lines of a script, each once, in the order in which they are first said."""
    found: dict[str, Line] = {}
    for lines in script.values():
        for line in lines:
            found.setdefault(line.name, line)
    return tuple(found.values())


def _parts_of(saying: Saying, step: Step | None, words: Words) -> list[tuple[str, str]]:
    """Names and texts of the files that a saying is made of; a name is the same in every plan that says these words."""
    text = " ".join(saying.sentences)
    if saying.is_count:
        number = saying.sentences[0].strip(".").lower()
        numbers = [str(each) for each in words.names["numbers"]]
        return [(f"count.{numbers.index(number) + 1 if number in numbers else number}", text)]
    known = dict(_known(saying, step, words))
    if saying.sentences in known:
        return [(known[saying.sentences], text)]
    for at in range(1, len(saying.sentences)):  # "first, lay the phone aside", "tap twice to move on"
        halves = saying.sentences[:at], saying.sentences[at:]
        if halves[0] in known and halves[1] in known:
            return [(known[half], " ".join(half)) for half in halves]
    return [(".".join((saying.key, *((step.id,) if step else ()))), text)]


def _known(saying: Saying, step: Step | None, words: Words) -> Iterator[tuple[tuple[str, ...], str]]:
    """Sentences that the words file has for this step, and the name of their file; the likeliest last."""
    values = {} if step is None else words.values(step.side, step.title, step.reps)
    for section, moment in reversed(list(_sources(saying, step, words))):
        said = words.sentences(section, moment, values)
        if said:
            yield said, ".".join((section, moment, *_varies_by(words.sections[section][moment], step)))


def _sources(saying: Saying, step: Step | None, words: Words) -> Iterator[tuple[str, str]]:
    """Sections and moments that the words may come from, the likeliest first."""
    own = (step.words, step.do) if step is not None else ()
    for section in dict.fromkeys((*own, saying.key.split(".")[0], "session", *AT_ANY_TIME)):
        for moment in words.sections.get(section or "", {}):
            yield section or "", moment


def _varies_by(lines: Sequence[str], step: Step | None) -> list[str]:
    """What else tells one saying from others of the same section and moment."""
    used = {place for line in lines for place in places(line)}
    parts: list[str] = []
    if step is not None and step.side is not None and used & {"side", "other"}:
        parts.append(step.side)
    if step is not None and step.reps is not None and step.reps > 1 and used & {"reps", "Reps"}:
        parts.append(str(step.reps))
    if step is not None and "title" in used:
        parts.append(step.id)
    return parts


def files_in(folder: Path) -> dict[str, Path]:
    """WAV files of a folder by name without ending, in small letters.

    Raises:
        InputFileError: there is no such folder, or it cannot be read.
    """
    try:
        paths = sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        raise InputFileError(
            f"Expected a folder with recorded sentences, found none at {folder}; check the name."
        ) from None
    except OSError as error:
        why = (error.strerror or "an error").lower()
        raise InputFileError(
            f"Expected a folder with recorded sentences at {folder}, found one that cannot be read ({why})."
        ) from error
    return {path.stem.lower(): path for path in paths if path.suffix.lower() == ".wav"}


def other_sounds_in(folder: Path) -> list[Path]:
    """Recordings in formats that are not read here, as phones make them."""
    return [path for path in sorted(folder.iterdir()) if path.suffix.lower() in OTHER_FORMATS]


def look_at_recording(line: Line, path: Path | None, params: RecordedParams | None = None) -> Heard:
    """One recording, judged: readable, long and loud enough, not longer than the coach waits."""
    if path is None:
        return Heard(line, None)
    try:
        sound = read_wav(path)
    except InputFileError as error:
        return Heard(line, path, str(error))
    heard = trimmed(sound)
    if not len(heard.samples):
        return Heard(line, path, "There is nothing in it; record it again.")
    return Heard(line, path, _trouble_of(line, sound, heard, params or RecordedParams()), is_usable=True)


def _trouble_of(line: Line, whole: Sound, heard: Sound, params: RecordedParams) -> str:
    cues = CueParams()
    longest_s = speaking_s(line.text) * cues.overrun + cues.overrun_s
    if line.text and whole.length_s > longest_s:
        return (
            f"It lasts {whole.length_s:.1f} s and the practice waits {longest_s:.1f} s at most; "
            "say it more briefly, or cut silence off."
        )
    if heard.loudness < params.least_loudness:
        return "It is very quiet; go closer to the microphone, or make it louder."
    lead_s = silence_before_s(whole)
    if lead_s > params.most_lead_s:
        return f"It begins after {lead_s:.1f} s of silence; cut that off."
    return ""


def _one_file(paths: Sequence[Path], cache: Path) -> Path | None:
    """The recording itself, or two of them in one file; None where they do not fit together or cannot be kept."""
    if len(paths) == 1:
        return paths[0]
    try:
        stamps = "\n".join(f"{path.resolve()} {path.stat().st_mtime_ns}" for path in paths)
        path = cache / f"joined-{hashlib.sha256(stamps.encode()).hexdigest()[:32]}.wav"
        if not path.is_file():
            write_wav(path, joined([read_wav(each) for each in paths]))
    except (OSError, ValueError):
        return None
    return path


class RecordedVoice:
    """Recordings of a folder, found by the text of a cue.

    Args:
        script: what the plan may say.
        folder: where the files lie.
        cache: folder for cues that are put together from two recordings.

    Raises:
        InputFileError: there is no such folder, or nothing in it belongs to the plan.
    """

    def __init__(self, script: Script, folder: Path, cache: Path) -> None:
        files = files_in(folder)
        lines = sheet_of(script)
        heard = [look_at_recording(line, files.get(line.name.lower())) for line in lines]
        self.unusable = tuple(one for one in heard if one.path is not None and not one.is_usable)
        """Files that cannot be played; these sentences are rendered."""
        usable = {one.line.name: one.path for one in heard if one.path is not None and one.is_usable}
        self._n_lines = len(usable)
        self._by_text: dict[str, Path] = {}
        for text, parts in script.items():
            paths = [usable[line.name] for line in parts if line.name in usable]
            path = _one_file(paths, cache) if len(paths) == len(parts) else None
            if path is not None:
                self._by_text[text] = path
        bell = look_at_recording(Line(BELL, "", "", False), files.get(BELL))
        self._bell = bell.path if bell.is_usable else None
        if not usable:
            raise InputFileError(
                f"Expected recorded sentences such as {lines[0].name}.wav in {folder}, found none that can be used; "
                "sensorsoma voice sheet PLAN lists all names."
            )

    def __len__(self) -> int:
        return self._n_lines

    def path_for(self, cue: Cue) -> Path | None:
        """The recording of exactly this cue, or None."""
        return self._bell if cue.kind == "bell" else self._by_text.get(cue.text)

"""Recorded sentences: names that a plan foretells, files that are looked at, the right one for each cue."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.coach.plan import BUNDLED, load_plan
from sensorsoma.coach.sentences import sentences_of
from sensorsoma.coach.words import load_words
from sensorsoma.errors import InputFileError
from sensorsoma.live.computer import SoundMouth
from sensorsoma.live.players import ProgramPlayer
from sensorsoma.live.recorded import Line, RecordedVoice, look_at_recording, script_of, sheet_of
from sensorsoma.live.rendering import Renderer
from sensorsoma.live.speech import Speaker
from sensorsoma.live.wav import Sound, length_s, write_wav
from sensorsoma.messages import Cue

LINE = Line("count.3", "Three.", "Clamshells, right", False)
SCRIPT = {"Three.": (LINE,)}


def record(path: Path, seconds: float = 0.6, level: float = 0.3, lead_s: float = 0.05) -> Path:
    """Somebody who hums."""
    lead = np.zeros(round(8000 * lead_s))
    write_wav(path, Sound(np.concatenate((lead, level * np.sin(np.arange(round(8000 * seconds))))), 8000))
    return path


def cue(text: str, kind: str = "say") -> Cue:
    """One cue."""
    return Cue(1, 0.0, "test", kind, text, 1.0)  # type: ignore[arg-type] # a literal


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize(("is_belly_worn", "can_tap"), [(True, True), (False, False)])
def test_every_sentence_of_a_plan_has_one_name(name: str, is_belly_worn: bool, can_tap: bool) -> None:
    """Nothing that may be said is missing from the sheet, no two sentences share a name, and a name is a file's."""
    plan, words = load_plan(name), load_words()
    script = script_of(plan, words, is_belly_worn=is_belly_worn, can_tap=can_tap)
    sheet = sheet_of(script)
    sayings = sentences_of(plan, words, is_belly_worn=is_belly_worn, can_tap=can_tap)
    assert list(script) == list(dict.fromkeys(" ".join(saying.sentences) for saying in sayings))
    assert all(" ".join(line.text for line in lines) == text for text, lines in script.items())
    assert {line for lines in script.values() for line in lines} >= set(sheet)
    assert len({line.name.lower() for line in sheet}) == len(sheet)
    assert all(part.replace("_", "").replace("-", "").isalnum() for line in sheet for part in line.name.split("."))


def test_the_same_words_have_the_same_name_in_every_plan() -> None:
    """One folder serves all plans: a name stands for one text only, whatever the plan."""
    words = load_words()
    texts: dict[str, str] = {}
    for name in BUNDLED:
        for line in sheet_of(script_of(load_plan(name), words, is_belly_worn=True, can_tap=True)):
            assert texts.setdefault(line.name, line.text) == line.text
    assert texts["count.3"] == "Three."
    assert "Eight times" in texts["clamshell.start.right.8"]
    assert "Five times" in texts["clamshell.start.right.5"]
    assert texts["clamshell.start_other.left.8"].startswith("And the same here")
    assert texts["roll_over.belly_aside"].startswith("First, lay the phone")
    assert not [
        name
        for name, text in texts.items()
        if "Tap the sensor twice" in text and not name.startswith(("session.", "move_sensor"))
    ]


def test_ones_own_words_keep_the_names() -> None:
    """Sentences that were replaced are recorded under the name of what they replace."""
    words = load_words("en", {"clamshell": {"start": ["Let the {side} knee open."]}})
    texts = {line.name: line.text for line in sheet_of(script_of(load_plan("hips-and-core"), words))}
    assert texts["clamshell.start.right"] == "Let the right knee open."


def test_a_recording_is_played_for_its_own_cue_only(tmp_path: Path) -> None:
    """The whole text finds its file, however its name is written; a shortened text, another side and a gap do not."""
    script = script_of(load_plan("hips-and-core"), load_words())
    texts = {line.name: line.text for line in sheet_of(script)}
    opening = record(tmp_path / "Clamshell.start.right.8.WAV")
    count = record(tmp_path / "count.3.wav")
    renderer = Renderer(None, RecordedVoice(script, tmp_path, tmp_path / "cache"))
    whole = texts["clamshell.start.right.8"]
    assert asyncio.run(renderer.wav_for(cue(whole))) == opening
    assert renderer.ready(cue("Three.", "count")) == count
    assert renderer.ready(cue(whole.split(". ")[0] + ".")) is None
    assert renderer.ready(cue(texts["clamshell.start_other.left.8"])) is None


def test_two_recordings_make_one_cue(tmp_path: Path) -> None:
    """A phone that is laid aside before a roll: both recordings with a pause; with one of them missing, neither."""
    script = script_of(load_plan("hips-and-core"), load_words(), is_belly_worn=True)
    text, parts = next((text, lines) for text, lines in script.items() if len(lines) == 2)
    record(tmp_path / f"{parts[0].name}.wav", 1.0, lead_s=0.0)
    assert RecordedVoice(script, tmp_path, tmp_path / "cache").path_for(cue(text)) is None
    record(tmp_path / f"{parts[1].name}.wav", 2.0, lead_s=0.0)
    for _ in range(2):
        voice = RecordedVoice(script, tmp_path, tmp_path / "cache")
        path = voice.path_for(cue(text))
        assert path is not None
        assert length_s(path) == pytest.approx(3.6)
        assert len(voice) == 2
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(("recorded_s", "planned_s"), [(0.6, 0.1), (0.2, 3.0)])
def test_a_recording_takes_as_long_as_it_is(tmp_path: Path, recorded_s: float, planned_s: float) -> None:
    """The practice goes on when the recorded sentence has ended, neither earlier nor later."""
    record(tmp_path / "count.3.wav", recorded_s, lead_s=0.0)
    renderer = Renderer(None, RecordedVoice(SCRIPT, tmp_path, tmp_path), tmp_path)
    player = ProgramPlayer(sys.executable, "-S", "-c", "pass")
    ended: list[float] = []

    async def talk() -> float:
        speaker = Speaker(Clock(), lambda _cue_id: ended.append(time.monotonic()), [SoundMouth(renderer, player)])
        began = time.monotonic()
        speaker.on_message(Cue(1, 0.0, "count", "count", "Three.", planned_s))
        await speaker.drained()
        return began

    began = asyncio.run(talk())
    assert len(ended) == 1
    assert recorded_s <= ended[0] - began < recorded_s + 2.0


def test_a_recorded_bell_replaces_the_bell(tmp_path: Path) -> None:
    """`bell.wav` is rung where there is one."""
    record(tmp_path / "count.3.wav")
    bell = record(tmp_path / "bell.wav", 3.0)
    assert RecordedVoice(SCRIPT, tmp_path, tmp_path).path_for(cue("", "bell")) == bell


@pytest.mark.parametrize(
    ("seconds", "level", "lead_s", "problem"),
    [
        (0.6, 0.3, 0.05, ""),
        (9.0, 0.3, 0.05, "lasts"),
        (0.6, 0.01, 0.05, "quiet"),
        (0.6, 0.3, 0.7, "silence"),
        (0.6, 0.0, 0.05, "nothing in it"),
    ],
)
def test_what_is_wrong_with_a_recording_is_said(
    tmp_path: Path, seconds: float, level: float, lead_s: float, problem: str
) -> None:
    """Too long, too quiet, a late beginning or silence; what can be heard all the same is used."""
    heard = look_at_recording(LINE, record(tmp_path / "count.3.wav", seconds, level, lead_s))
    assert problem in heard.problem
    assert bool(heard.problem) == bool(problem)
    assert heard.is_usable == (level > 0.0)


def test_other_files_are_refused_in_one_sentence(tmp_path: Path) -> None:
    """No WAV file, one that ends early and one of 24-bit samples are named with what to do."""
    fine = record(tmp_path / "fine.wav").read_bytes()
    bytes_24 = fine[:32] + (3).to_bytes(2, "little") + (24).to_bytes(2, "little") + fine[36:]
    for content in (b"ID3 an mp3", b"", fine[:20], bytes_24):
        path = tmp_path / "count.3.wav"
        path.write_bytes(content)
        heard = look_at_recording(LINE, path)
        assert not heard.is_usable
        assert "16-bit" in heard.problem
        assert "save it as" in heard.problem


def test_a_folder_without_anything_of_the_plan_is_refused(tmp_path: Path) -> None:
    """A wrong folder is noticed before the lights go out."""
    with pytest.raises(InputFileError, match=r"count\.3\.wav"):
        RecordedVoice(SCRIPT, tmp_path, tmp_path)
    with pytest.raises(InputFileError, match="found none at"):
        RecordedVoice(SCRIPT, tmp_path / "nowhere", tmp_path)

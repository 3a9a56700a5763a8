"""`voice`: what is to be recorded, what is there, and a session with recorded sentences."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.cli import main
from sensorsoma.cli.beginning import _check
from sensorsoma.cli.running import LiveChoices
from sensorsoma.cli.voicing import remembered_voice, texts_of, voice_of
from sensorsoma.coach.plan import load_plan
from sensorsoma.live.wav import Sound, write_wav
from sensorsoma.messages import Cue
from sensorsoma.sources.spec import parse_sources


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def call(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """Exit code of the command line."""
    monkeypatch.setattr("sys.argv", ["sensorsoma", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def record(path: Path, seconds: float = 0.5) -> None:
    """Somebody who hums."""
    write_wav(path, Sound(0.3 * np.sin(np.arange(round(8000 * seconds))), 8000))


def choices_with(folder: Path | None, *sources: str) -> LiveChoices:
    """A session of the short plan."""
    plan = load_plan("short").model_dump(mode="json")
    return LiveChoices(parse_sources(sources), Path(), "short", plan=plan, voice_folder=folder)


def test_the_sheet_lists_files_and_sentences(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a table every line has a file and its text; with one side alone the other side is not asked for."""
    assert call(monkeypatch, "voice", "sheet", "hips-check", "--csv", "--only-side", "right") == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    files = {row["file"]: row["text"] for row in table}
    assert files["count.3.wav"] == "Three."
    assert any(name.startswith("clamshell.start.right") for name in files)
    assert not any(".left" in name for name in files)
    assert call(monkeypatch, "voice", "sheet", "hips-check", "--one-sensor", "left-thigh") == 0
    assert "move_sensor" in capsys.readouterr().out
    assert call(monkeypatch, "voice", "sheet", "hips-check", "--one-sensor", "pelvis") == 2


def test_the_check_tells_what_is_there_and_what_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Good, too long, unreadable, missing and strange files are told apart; what cannot be played is exit code 2."""
    record(tmp_path / "count.1.wav")
    record(tmp_path / "count.2.wav", 9.0)
    record(tmp_path / "hello.wav")
    (tmp_path / "count.4.m4a").write_bytes(b"from a phone")
    assert call(monkeypatch, "voice", "check", str(tmp_path), "short", "--all") == 0
    said = capsys.readouterr().out
    assert "count.2.wav: It lasts 9.0 s" in said
    assert said.index("Missing") < said.index("count.3.wav   Three.") < said.index("Fine:") < said.index("count.1.wav")
    assert "hello.wav: nothing that this plan says" in said
    assert 'count.4.m4a: is not read; save it as "WAV' in said
    assert said.startswith("2 of ")
    (tmp_path / "count.3.wav").write_bytes(b"not a sound")
    assert call(monkeypatch, "voice", "check", str(tmp_path), "short", "--json") == 2
    found = {one["file"]: one for one in json.loads(capsys.readouterr().out)}
    assert found["count.1.wav"] == {"file": "count.1.wav", "is_there": True, "is_usable": True, "problem": ""}
    assert "16-bit" in found["count.3.wav"]["problem"]
    assert not found["count.4.wav"]["is_there"]


def test_an_empty_folder_is_answered_in_a_few_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """How much is recorded comes first, then what every practice says, and how to see the rest."""
    assert call(monkeypatch, "voice", "check", str(tmp_path), "short") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("0 of ")
    assert len(said) <= 13
    assert all(line.startswith("* ") for line in said[2:12])
    assert said[-1].endswith("more; --all lists them.")


def test_a_session_takes_recordings_first(tmp_path: Path) -> None:
    """The voice of a session gives the recorded file for what is recorded, and knows all that may be said."""
    record(tmp_path / "count.3.wav")
    choices = choices_with(tmp_path, "right-thigh=virtual")
    voice = voice_of(choices)
    assert voice.renderer.recorded_for(Cue(1, 0.0, "count", "count", "Three.", 0.8)) == tmp_path / "count.3.wav"
    texts = texts_of(choices)
    assert "Three." in texts
    assert any(text.startswith("Welcome. Let") for text in texts)
    assert "Welcome." in texts


def test_before_the_lights_go_out_a_bad_recording_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check says how many sentences are recorded and which file cannot be played."""
    monkeypatch.setenv("PATH", str(tmp_path))
    record(tmp_path / "count.3.wav")
    (tmp_path / "count.2.wav").write_bytes(b"not a sound")
    findings = asyncio.run(_check(choices_with(tmp_path, "right-thigh=virtual")))
    lines = [finding.line() for finding in findings]
    assert any("count.2.wav" in line for line in lines)
    assert any("1 sentence" in line for line in lines)
    assert any("no voice" in line for line in lines)


def test_a_folder_that_is_not_there_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`coach --voice` and `voice check` end with what was expected, before anything begins."""
    nowhere = str(tmp_path / "nowhere")
    assert call(monkeypatch, "voice", "check", nowhere, "short") == 2
    assert call(monkeypatch, "coach", "short", "right-thigh=virtual", "--voice", nowhere, "--yes") == 2
    said = capsys.readouterr().err
    assert said.count("Expected a folder with recorded sentences") == 2
    assert "Traceback" not in said


def test_a_remembered_folder_keeps_nobody_from_another_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the config names is taken where it fits; where it does not, or is away, one sentence says who speaks."""
    choices = choices_with(None, "right-thigh=virtual")
    assert remembered_voice(choices, tmp_path / "stick") is None
    (tmp_path / "of-another-plan.wav").write_bytes(b"")
    assert remembered_voice(choices, tmp_path) is None
    assert capsys.readouterr().err.count("Tonight the computer's own voice speaks.") == 2
    record(tmp_path / "count.3.wav")
    assert remembered_voice(choices, tmp_path) == tmp_path
    assert not capsys.readouterr().err

"""Files around the command line: recordings as sources, plans by name, mending, and what goes into a recording."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from sensorsoma.analysis import analyze_recording
from sensorsoma.cli import main
from sensorsoma.cli.analyze import placement_of
from sensorsoma.cli.beginning import before_the_lights_go_out
from sensorsoma.cli.common import finite
from sensorsoma.cli.opening import source_settings
from sensorsoma.cli.record import says_nobody_coaches
from sensorsoma.cli.repair import repair
from sensorsoma.cli.running import LiveChoices, _StopAfter, run_live
from sensorsoma.coach.plan import load_plan, own_plan
from sensorsoma.config import Config
from sensorsoma.errors import InputFileError, PlanError
from sensorsoma.messages import SettingsSnapshot, Tick
from sensorsoma.recording.reader import open_recording
from sensorsoma.review.text import describe
from sensorsoma.settings import SegmentRequest
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.simulate.files import write_csv
from sensorsoma.sources.spec import parse_source, parse_sources

PLAN = """schema_version = 1
name = "evening"
title = "Evening"
[[steps]]
id = "rest"
title = "Rest"
do = "rest"
open = true
"""


def record(source: str, folder: Path) -> Path:
    """The path of a recording of that source, made forty times as fast as life."""
    asked = (SegmentRequest("clamshell", "right", "right-thigh"),)
    specs = parse_sources([source])
    choices = LiveChoices(specs, folder, "clams", segments=asked, speed=40.0, has_voice=False, mode="plain")
    return asyncio.run(run_live(choices)).path


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three clamshells out of a table."""
    folder = tmp_path_factory.mktemp("clams")
    write_csv(simulate_exercise("clamshell", side="right", seed=7, difficulties=Difficulties.none(), n_reps=3), folder)
    return record(f"right-thigh=file:{folder / 'right-thigh.csv'}", folder / "rec")


def test_a_recording_is_a_source_like_any_table(recorded: Path, tmp_path: Path) -> None:
    """What one session recorded feeds another one, which counts the same."""
    again = record(f"right-thigh=file:{recorded}", tmp_path)
    counts = [analyze_recording(path).analysis["segments"][0]["count"] for path in (recorded, again)]
    assert counts == [3, 3]
    assert open_recording(again).settings.link == open_recording(recorded).settings.link == "imported"


def test_a_recording_of_another_place_is_refused_only_when_it_is_unclear(recorded: Path) -> None:
    """The only sensor of a recording may be worn anywhere; a file that is not there is named."""
    assert source_settings(parse_source(f"pelvis=file:{recorded}")).placement == "pelvis"
    with pytest.raises(InputFileError, match="nothing there"):
        source_settings(parse_source("pelvis=file:nowhere.mcap"))


def test_no_folders_and_no_secret_words_go_into_a_recording(recorded: Path) -> None:
    """Of a file only its name is kept, of a phone's secret word nothing."""
    folder = str(recorded.parent).encode()
    assert folder not in b"".join(repr(message).encode() for message in open_recording(recorded).inputs())
    assert source_settings(parse_source(f"right-thigh=virtual:{recorded}")).address == recorded.name
    assert source_settings(parse_source("right-thigh=sensor-logger:secretword")).address is None


def test_what_cannot_be_seen_from_where_the_sensor_sits_is_said(recorded: Path) -> None:
    """A wish for the other leg is not taken for no wish."""
    said = describe(analyze_recording(recorded, segments=(SegmentRequest("clamshell", "left", None),)))
    assert "What was worn on the right thigh cannot see: clamshell left." in said
    assert "Say what was done" not in said
    elsewhere = describe(analyze_recording(recorded, segments=(SegmentRequest("pelvic_rock", None, "pelvis"),)))
    assert "Nothing was worn on the pelvis, where this was to be measured: pelvic rock." in elsewhere
    assert "Say what was done" in describe(analyze_recording(recorded, segments=()))


@pytest.mark.parametrize(
    ("source", "is_person"),
    [("virtual", True), ("virtual:movesense", True), ("virtual:movesense@person", True),
     ("virtual:movesense@still", False), ("virtual:movesense@leg.csv", False), ("virtual:leg.csv", False),
     ("ble", False)],
)  # fmt: skip
def test_a_virtual_person_whom_nobody_coaches_is_told_from_a_file(source: str, is_person: bool) -> None:
    """Only of a person is it said before `record` begins that they will lie still."""
    assert (says_nobody_coaches([parse_source(f"pelvis={source}")]) is not None) == is_person


def test_a_length_counts_from_the_beginning_and_not_from_the_search() -> None:
    """`--seconds` starts when the session does, however long a sensor was looked for."""

    async def story() -> list[str]:
        stopped: list[str] = []
        timer = _StopAfter(0.05, lambda: stopped.append("stop"))
        timer.on_message(Tick(0))
        await asyncio.sleep(0.1)
        assert stopped == []
        timer.on_message(SettingsSnapshot(0, {}))
        await asyncio.sleep(0.1)
        return stopped

    assert asyncio.run(story()) == ["stop"]


def test_own_plans_beside_the_recordings_are_found_by_name(tmp_path: Path) -> None:
    """`coach evening` finds evening.toml there; bundled names and paths mean what they always meant."""
    (tmp_path / "evening.toml").write_text(PLAN)
    (tmp_path / "short.toml").write_text(PLAN)
    assert load_plan("evening", [tmp_path]).title == "Evening"
    assert load_plan("evening.toml", [tmp_path]).title == "Evening"
    assert own_plan("short", [tmp_path]) is None
    assert own_plan("other/evening", [tmp_path]) is None
    with pytest.raises(PlanError, match="evening"):
        load_plan("evening")


def test_a_cut_recording_is_mended_once(recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`repair` writes a new file, says what is missing, and leaves whole and mended files alone."""
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(recorded.read_bytes()[: recorded.stat().st_size * 3 // 4])
    repair(cut)
    said = capsys.readouterr()
    assert "was not finished" in said.err
    mended = tmp_path / "cut.repaired.mcap"
    assert said.out == f"Mended: {mended}\n"
    for path in (mended, recorded):
        repair(path)
        assert capsys.readouterr().out == f"Nothing to mend in {path}.\n"


def test_the_safety_text_is_shown_even_when_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--yes` skips the questions and checks, never the text, and does not count as having read it."""
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    choices = LiveChoices(parse_sources(["right-thigh=virtual"]), tmp_path, "short")
    for _ in range(2):
        before_the_lights_go_out(choices, Config(), is_asking=False)
        assert "emergency care" in capsys.readouterr().err


def test_a_place_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder that is a file is told in words, wherever in the program it is met."""
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    (tmp_path / "taken").touch()
    monkeypatch.setattr(sys, "argv", ["sensorsoma", "plan", "new", str(tmp_path / "taken" / "mine.toml")])
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n" * 12))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    sentence = capsys.readouterr().err.splitlines()[-1]
    assert sentence.startswith("sensorsoma: Expected to be able to use ")
    assert str(tmp_path / "taken") in sentence


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    """`--speed nan` is a usage error."""
    assert finite(None) is None
    assert finite(2.5) == 2.5
    with pytest.raises(typer.BadParameter, match="ordinary number"):
        finite(value)


def test_a_terminal_without_our_letters_gets_the_rest(recorded: Path) -> None:
    """Where ° cannot be shown, the text for people has a ? in its place and JSON is escaped."""
    words = [sys.executable, "-m", "sensorsoma", "analyze", str(recorded)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=60)
    assert (done.returncode, "?" in done.stdout) == (0, True), done.stderr


def test_ctrl_c_while_a_library_is_loaded_is_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A compiled module that is interrupted while it starts tells it as an ImportError; people see that it stopped."""

    def interrupted(**_: object) -> None:
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr("sensorsoma.cli.app.app", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert "Stopped." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "side", "place", "words"),
    [("left-thigh.csv", None, "left-thigh", "file's name"), ("my_pelvis.csv", None, "pelvis", "file's name"),
     ("leg.csv", None, "right-thigh", "right thigh was taken"), ("pelvis.csv", "left", "left-thigh", None)],
)  # fmt: skip
def test_where_a_table_comes_from_is_never_assumed_in_silence(name, side, place, words) -> None:
    """What was said goes before the file's name, and that before the right thigh; what was assumed is noted."""
    found, notes = placement_of(Path(name), None, side)
    assert found == place
    assert (words is None and notes == ()) or words in notes[0]

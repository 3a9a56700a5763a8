"""`import`: what was found is said, and the recording is one like any other."""

from __future__ import annotations

import json
import stat
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from recording.app_files import (
    START_NS,
    knee_fall,
    phyphox_files,
    sensor_logger_files,
    unpacked,
    zipped,
)
from typer.testing import CliRunner, Result

from sensorsoma.analysis import analyze_recording, differences_from_live
from sensorsoma.cli.app import app
from sensorsoma.cli.opening import source_settings
from sensorsoma.decode import make_decoder
from sensorsoma.errors import InputFileError, UsageError
from sensorsoma.messages import ImuBlock, Packet
from sensorsoma.recording.reader import open_recording
from sensorsoma.sources.spec import parse_source


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The zip of an iPhone, in a folder without configuration."""
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "evening.zip"
    path.write_bytes(zipped(sensor_logger_files(knee_fall(), platform="ios")))
    return path


def run(*words: str | Path) -> Result:
    """The command line in this process; an error that people are told comes out as it is."""
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def samples(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times, specific force and angular rate of a recording."""
    recording = open_recording(path)
    (source,) = recording.settings.sources
    decoder = make_decoder(source.decoder, source.channel, 0, source.config)
    packets = [message for message in recording.inputs() if isinstance(message, Packet)]
    blocks = [item for packet in packets for item in decoder.feed(packet) if isinstance(item, ImuBlock)]
    gyrs = [block.gyr_sensor_radps for block in blocks if block.gyr_sensor_radps is not None]
    times, accs = [block.t_s for block in blocks], [block.acc_sensor_mps2 for block in blocks]
    return np.concatenate(times), np.concatenate(accs), np.concatenate(gyrs)


def test_an_export_becomes_a_recording_of_ours(export: Path) -> None:
    """Every sample and its sign, where it sat, when it began, and complete."""
    done = run("import", export, "--placement", "left-thigh")
    target = export.parent / "recordings" / "evening.mcap"
    assert done.stdout == (
        "evening.zip: Sensor Logger export, with gyroscope, for the left-thigh\n"
        "2000 samples at 100.0 Hz, 0.3 min\n"
        "Recording: recordings/evening.mcap\n"
    )
    assert "iOS without standardised frames: the sign was turned over" in done.stderr
    times, acc, gyr = samples(target)
    assert np.array_equal(times, knee_fall().t_s)
    np.testing.assert_allclose(acc, knee_fall().acc, atol=1e-12)
    np.testing.assert_allclose(gyr, knee_fall().gyr, atol=1e-12)
    recording = open_recording(target)
    (source,) = recording.settings.sources
    assert (source.placement, source.link, source.address) == ("left-thigh", "imported", "evening.zip")
    assert source.config["format"] == "sensor-logger"
    assert "the sign was turned over" in source.config["notes"][0]
    assert recording.is_complete
    assert next(recording.inputs()).host_ns == START_NS
    assert datetime.fromisoformat(recording.settings.started).timestamp() == START_NS // 10**9
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert not list(target.parent.glob("*.part"))


def test_a_replay_says_what_the_import_said(export: Path) -> None:
    """What was concluded while importing is in the recording, and a replay concludes the same."""
    run("import", export)
    target = export.parent / "recordings" / "evening.mcap"
    assert differences_from_live(target) == []
    assert analyze_recording(target).analysis["input"]["sources"][0]["n_samples"] == 2000


def test_for_machines_there_is_one_object(export: Path) -> None:
    """--json says the same as data, and where it was written."""
    said = json.loads(run("import", export, "--out", "mine.mcap", "--json").stdout)
    notes = said.pop("notes")
    assert "the sign was turned over" in notes[0]
    assert said.pop("started").startswith("2023-10-28T")
    assert said == {
        "input": "evening.zip", "kind": "sensor-logger", "what": "Sensor Logger export", "placement": "right-thigh",
        "n_samples": 2000, "rate_hz": 100.0, "duration_s": 19.99, "has_gyroscope": True, "recording": "mine.mcap",
    }  # fmt: skip
    assert (export.parent / "mine.mcap").exists()


def test_looking_writes_nothing(export: Path) -> None:
    """--dry-run only says what is in the file."""
    assert json.loads(run("import", export, "--dry-run", "--json").stdout)["recording"] is None
    assert "Sensor Logger export" in run("import", export, "--dry-run").stdout
    assert list(export.parent.iterdir()) == [export]


def test_nothing_is_replaced_unasked(export: Path) -> None:
    """An existing recording is named and kept; with --force it is replaced, but only by a whole one."""
    run("import", export)
    target = export.parent / "recordings" / "evening.mcap"
    first = target.read_bytes()
    with pytest.raises(UsageError, match=r"evening.mcap exists already .* add --force"):
        run("import", export)
    export.write_bytes(export.read_bytes()[:-100])
    with pytest.raises(InputFileError, match="damaged"):
        run("import", export, "--force")
    assert target.read_bytes() == first
    export.write_bytes(zipped(phyphox_files(knee_fall())))
    run("import", export, "--force", "--placement", "pelvis")
    assert open_recording(target).settings.sources[0].placement == "pelvis"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("evening.zip", "--placement", "left-tigh"), "did you mean left-thigh"),
        (("nowhere.zip",), "found nothing there"),
        (("noise.csv",), "noise.csv: expected a CSV table"),
        (("ours.mcap",), "is a recording already"),
    ],
)
def test_what_cannot_be_imported_leaves_nothing(export: Path, words: tuple[str, ...], sentence: str) -> None:
    """A wrong word, a file that is missing, broken, or needs no import: one sentence, and no file."""
    (export.parent / "noise.csv").write_bytes(bytes(range(256)))
    (export.parent / "ours.mcap").write_bytes(b"\x89MCAP0\r\n")
    before = sorted(export.parent.iterdir())
    with pytest.raises((InputFileError, UsageError), match=sentence):
        run("import", *words)
    assert sorted(export.parent.iterdir()) == before


def test_analyze_takes_an_export_and_says_how_the_sign_was_told(export: Path) -> None:
    """A zip and its unpacked folder give the same falls, with the reader's notes among those of the input."""
    folder = unpacked(sensor_logger_files(knee_fall(), platform="ios"), export.parent / "unpacked")
    words = ("--exercise", "knee_fall", "--side", "right", "--json")
    by_zip, by_folder = (json.loads(run("analyze", path, *words).stdout) for path in (export, folder))
    assert by_zip["segments"] == by_folder["segments"]
    assert len(by_zip["segments"][0]["falls"]) == 1
    assert "the sign was turned over" in by_zip["input"]["notes"][0]


def test_what_was_decided_at_the_import_is_said_of_the_recording_too(export: Path) -> None:
    """The sign that was turned over stays known: `analyze` of the recording prints it, and JSON has it."""
    run("import", export, "--out", "mine.mcap")
    assert "the sign was turned over" in run("analyze", "mine.mcap").stdout
    (note,) = json.loads(run("analyze", "mine.mcap", "--json").stdout)["input"]["notes"]
    assert note == json.loads(run("import", export, "--dry-run", "--json").stdout)["notes"][0]


def test_an_unpacked_export_is_reviewed_and_played_like_its_zip(export: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder goes wherever the zip does; from inside it, the report lies beside it and not in it."""
    folder = unpacked(sensor_logger_files(knee_fall(), platform="ios"), export.parent / "unpacked")
    played = [source_settings(parse_source(f"pelvis=file:{path}")) for path in (export, folder)]
    assert played[0].config == played[1].config
    assert played[1].address == "unpacked"
    monkeypatch.chdir(folder)
    done = run("review", ".", "--exercise", "knee_fall", "--side", "right", "--json")
    report = Path(json.loads(done.stdout)["report"])
    assert report.is_file()
    assert report.parent == folder.with_name("unpacked_review")

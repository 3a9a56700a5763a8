"""Stretches found without being told, measured by the ordinary detectors and told apart from what was asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sensorsoma.analysis import analyze_inputs, analyze_recording, analyze_unasked
from sensorsoma.cli.analyze import trace_of
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Input, RepCompleted, SettingsSnapshot
from sensorsoma.review.report import review
from sensorsoma.review.text import describe
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import encode_soma_v1, packets, simulate_exercise


def clamshell_inputs() -> list[Input]:
    """Five clamshells after the poses of an alignment, one thigh sensor, no plan and no exercise."""
    simulation = simulate_exercise("clamshell", side="right", seed=4, rate_hz=26.0, n_reps=5, range_deg=40.0)
    source = SourceSettings("right-thigh", "right-thigh", "virtual", "soma_v1", None, "simulated")
    return [
        SettingsSnapshot(0, SessionSettings((source,)).to_json()),
        *packets(simulation.samples["right-thigh"], encode_soma_v1),
    ]


def test_a_found_stretch_is_measured_as_one_that_was_asked_for() -> None:
    """Same reps as when the stretch is named; the report says that the name is an inference."""
    inputs = clamshell_inputs()
    trace = analyze_unasked(lambda: inputs, source={"path": "it", "kind": "recording"})
    found = next(segment for segment in trace.segments if segment["exercise"] == "clamshell")
    turned = next(segment for segment in trace.segments if segment["exercise"] == "roll_over")
    assert (turned["posture_before"], turned["posture_after"]) == ("supine", "right_up")
    asked = SegmentRequest("clamshell", "right", None, found["start_s"] + trace.start_s, found["end_s"] + trace.start_s)
    first = inputs[0]
    assert isinstance(first, SettingsSnapshot)
    settings = replace(SessionSettings.from_json(first.settings), segments=(asked,))
    told = analyze_inputs([SettingsSnapshot(0, settings.to_json()), *inputs[1:]], source={}).segments[0]
    assert found["reps"] == told["reps"]
    assert found["count"] == told["count"] == 6, "five whole ones and a partial one"
    assert found["is_found"] is True
    assert "is_found" not in told
    assert found["notes"][0].startswith("found without being told; the name is an inference")
    assert "name is an inference" in describe(trace)


@pytest.fixture
def swinging_file(tmp_path: Path) -> Path:
    """A thigh that swings eight times by 50 degrees, in a table without a word on it; acceleration only."""
    t_s = np.arange(0.0, 40.0, 0.04)
    angle = np.radians(25.0) * (1.0 - np.cos(2.0 * np.pi * t_s / 5.0))
    rows = np.column_stack([t_s, 9.81 * np.sin(angle), np.zeros_like(t_s), 9.81 * np.cos(angle)])
    path = tmp_path / "leg.csv"
    lines = [",".join(f"{value:.4f}" for value in row) for row in rows]
    path.write_text("\n".join(["time_s,acc_x,acc_y,acc_z", *lines]), encoding="utf-8")
    return path


def test_a_movement_without_a_name_is_counted_and_no_more(swinging_file: Path, tmp_path: Path) -> None:
    """A large arc of an unknown strap: unknown, its swings counted as a hint, no rep called a clamshell; a report."""
    trace = trace_of(swinging_file, None)
    (segment,) = trace.segments
    assert (segment["exercise"], segment["side"], segment["seen_as"]) == ("unknown", None, "large arc")
    assert segment["count"] in (7, 8)
    assert segment["reps"] == []
    assert segment["weak"] is True
    assert not [event for event in trace.events if isinstance(event, RepCompleted)]
    assert "large arc" in describe(trace)
    assert review(trace, tmp_path / "out").report_path.is_file()


def test_a_file_without_samples_is_still_said_so() -> None:
    """Nothing to find is no excuse for another message than before."""
    source = SourceSettings("right-thigh", "right-thigh", "virtual", "soma_v1")
    empty = [SettingsSnapshot(0, SessionSettings((source,)).to_json())]
    with pytest.raises(InputFileError, match="Expected sensor samples"):
        analyze_unasked(lambda: empty, source={})


def test_a_plan_that_moves_the_sensor_is_not_left_aside(tmp_path: Path) -> None:
    """The other leg's movements are not named as this one's: the recording is refused with a sentence."""
    from sensorsoma.recording.writer import Recorder

    source = SourceSettings("right-thigh", "right-thigh", "virtual", "soma_v1")
    steps = [{"moves_sensor_to": None}, {"moves_sensor_to": "left-thigh"}]
    settings = SessionSettings((source,), plan={"steps": steps})
    path = tmp_path / "moved.mcap"
    recorder = Recorder(path, settings)
    recorder.write(SettingsSnapshot(0, settings.to_json()))
    recorder.close()
    with pytest.raises(InputFileError, match="moves one to the other thigh"):
        analyze_recording(path, is_unasked=True)


def test_to_find_and_to_be_told_exclude_each_other(swinging_file: Path) -> None:
    """`--found` with `--exercise` is refused with a sentence."""
    from sensorsoma.cli.app import app

    done = CliRunner().invoke(app, ["analyze", str(swinging_file), "--found", "--exercise", "clamshell"])
    assert done.exit_code != 0
    assert "--found" in str(done.exception) + done.output

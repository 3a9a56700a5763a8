"""Live against replay: the same bytes give the same events and the same words, however they are grouped."""

from __future__ import annotations

import json
import random
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorsoma.messages import ImuBlock, LiveAngle, OrientedBlock, Packet, SegmentCurve, SettingsSnapshot, Tick
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.format import to_json
from sensorsoma.recording.imports import imported_inputs
from sensorsoma.recording.reader import open_recording
from sensorsoma.settings import SegmentRequest

SAMPLES = sorted((Path(__file__).resolve().parents[2] / "recordings" / "samples").glob("*.mcap"))
ASKED = (SegmentRequest("clamshell", "right", "right-thigh"),)


@pytest.mark.link
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_every_sample_recording_replays_identically(cli, path):
    """`replay --check` finds every event and cue of the live session again."""
    checked = cli("replay", path, "--check")
    assert checked.code == 0, checked.out
    assert checked.out.startswith("Identical")


@pytest.mark.link
@pytest.mark.parametrize("path", [path for path in SAMPLES if path.stem != "hips-and-core"], ids=lambda path: path.stem)
def test_what_a_sample_tells(cli, path):
    """`replay --json` tells events and cues, one a line; the recording itself says that it was simulated."""
    told = cli("replay", path, "--json")
    kinds = {json.loads(line)["type"] for line in told.out.splitlines()}
    is_coached = open_recording(path).settings.plan is not None
    assert ({"Cue", "StepStarted", "SessionEnded"} if is_coached else {"RepCompleted", "SegmentMeasured"}) <= kinds
    assert open_recording(path).settings.link == "simulated"


@pytest.mark.link
def test_a_check_that_finds_something_says_what(cli, one_recording):
    """When a replay differs, the exit code is 1 and the difference is shown."""
    assert cli("replay", one_recording, "--check").code == 0
    shown = cli("replay", one_recording, "--speed", "0")
    assert shown.out.count("clamshell") == 5
    code = (
        "import sensorsoma.analysis as a; from sensorsoma.cli import main; r = a.replayed; "
        "a.replayed = lambda p, **k: (o for i, o in enumerate(r(p, **k)) if i != 1); main()"
    )
    import subprocess
    import sys

    done = subprocess.run(
        [sys.executable, "-c", code, "replay", str(one_recording), "--check"], capture_output=True, text=True,
        env=cli.environment, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "differences" in done.stdout


def told(inputs: list[Any], groups: list[int] | None = None) -> list[Any]:
    """Events and cues of these inputs, worked through in groups of these sizes."""
    pipeline = Pipeline()
    out: list[Any] = []
    at = 0
    for size in groups or [len(inputs)]:
        outputs = [output for message in inputs[at : at + size] for output in pipeline.feed(message)]
        out += outputs
        at += size
    out += [output for message in inputs[at:] for output in pipeline.feed(message)]
    out += pipeline.finish()
    kept = (o for o in out if not isinstance(o, ImuBlock | OrientedBlock | SegmentCurve | LiveAngle))
    return [(type(o).__name__, to_json(o)) for o in kept]


@pytest.fixture(scope="module")
def bytes_of_a_set(clams: Path) -> list[Any]:
    """A minute of clamshells as the inputs of an imported file."""
    return list(imported_inputs(clams / "right-thigh.csv", "right-thigh", segments=ASKED))


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.0, 1.0))
def test_ticks_between_packets_change_nothing(bytes_of_a_set, seed, share):
    """More ticks, fewer ticks, at any moments between the same packets: the same events."""
    dice = random.Random(seed)
    settings_, *rest = [m for m in bytes_of_a_set if not isinstance(m, Tick)]
    assert isinstance(settings_, SettingsSnapshot)
    mixed: list[Any] = [settings_]
    for message in rest:
        mixed.append(message)
        while dice.random() < share * 0.8:
            mixed.append(Tick(message.host_ns))
    assert told(mixed) == told(bytes_of_a_set)


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), longest=st.integers(1, 400))
def test_samples_in_blocks_of_any_size_give_the_same_reps(clams, seed, longest):
    """The same samples in packets of any size, through decoder, filter, body and detector: the same reps and count."""
    from sensorsoma.decode.rows import encode_rows
    from sensorsoma.recording.imports import read_imported
    from sensorsoma.settings import SessionSettings, SourceSettings

    table = read_imported(clams / "right-thigh.csv")
    source = SourceSettings(
        "right-thigh", "right-thigh", "file", "rows", link="imported", config={"columns": 7, "rate_hz": table.rate_hz}
    )
    snapshot = SettingsSnapshot(0, SessionSettings((source,), segments=ASKED).to_json())

    def through(sizes: list[int]) -> list[Any]:
        inputs: list[Any] = [snapshot]
        at = 0
        for size in sizes:
            part = slice(at, at + size)
            t_s = table.t_s[part]
            assert table.gyr_sensor_radps is not None
            rows = encode_rows(t_s, table.acc_sensor_mps2[part], table.gyr_sensor_radps[part])
            inputs.append(Packet(round(float(t_s[-1]) * 1e9), "right-thigh", rows))
            at += size
        kept = told(inputs)
        return [(kind, rounded(value)) for kind, value in kept if kind in ("RepCompleted", "SegmentMeasured")]

    dice = random.Random(seed)
    n = len(table.t_s)
    sizes: list[int] = []
    while sum(sizes) < n:
        sizes.append(min(dice.randint(1, longest), n - sum(sizes)))
    ours, theirs = through(sizes), through([20] * (n // 20) + ([n % 20] if n % 20 else []))
    assert ours == theirs
    assert sum(1 for kind, _ in groupby(entry[0] for entry in ours) if kind == "SegmentMeasured") == 1


def rounded(value: Any) -> Any:
    """Without the last bits, which depend on where in memory a block lies."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value

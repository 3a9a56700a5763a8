"""Makes `recordings/samples` afresh: three short recordings of a virtual person, marked simulated.

Usage: python recordings/make_samples.py [FOLDER]
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any

from sensorsoma.cli.running import LiveChoices, run_live
from sensorsoma.coach.editing import shortened
from sensorsoma.coach.plan import Plan, load_plan
from sensorsoma.messages import Packet, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import simulate_exercise
from sensorsoma.sources.phone.pushes import pushes
from sensorsoma.sources.spec import SourceSpec

RATE_HZ = 52
"""Half the usual rate: a sample is downloaded with every checkout."""

STARTED_NS = 1_767_225_600_000_000_000
"""A fixed date for the one recording that no clock paces."""


def virtual(*placements: Any) -> tuple[SourceSpec, ...]:
    """Virtual sensors at the lower rate."""
    return tuple(SourceSpec(placement, "virtual", options={"rate_hz": RATE_HZ}) for placement in placements)


def coached(name: str, plan: Plan, specs: tuple[SourceSpec, ...], seed: int, folder: Path) -> None:
    """A coached session over the virtual link, eight times as fast as life."""
    with tempfile.TemporaryDirectory() as temporary:
        choices = LiveChoices(
            specs=specs,
            folder=Path(temporary),
            name=name,
            plan=plan.model_dump(mode="json"),
            speed=8.0,
            seed=seed,
            has_voice=False,
            virtual_options={"person": {"shaking": True, "rate_hz": RATE_HZ}},
        )
        result = asyncio.run(run_live(choices))
        (folder / f"{name}.mcap").write_bytes(result.path.read_bytes())


def phone_clamshells(folder: Path) -> None:
    """Five clamshells with a phone on the left thigh, as Sensor Logger pushes them."""
    samples = simulate_exercise("clamshell", side="left", seed=11, n_reps=5, shaking=True).samples["left-thigh"]
    settings = SessionSettings(
        sources=(SourceSettings("left-thigh", "left-thigh", "sensor-logger", "sensor_logger", link="simulated"),),
        segments=(SegmentRequest("clamshell", "left", "left-thigh"),),
        started="2026-01-01T01:00:00+01:00",
    )
    path = folder / "phone-clamshells.mcap"
    path.unlink(missing_ok=True)
    recorder, pipeline = Recorder(path, settings), Pipeline()
    inputs: list[Any] = [SettingsSnapshot(STARTED_NS, settings.to_json())]
    inputs += [
        Packet(STARTED_NS + round((push.send_s + 0.05) * 1e9), "left-thigh", push.body)
        for push in pushes(samples.t_s, samples.acc_sensor_mps2, samples.gyr_sensor_radps)
    ]
    for message in inputs:
        recorder.write(message)
        for output in pipeline.feed(message):
            recorder.write(output)
    for output in pipeline.finish():
        recorder.write(output)
    recorder.close()


def main() -> None:
    """All three, with a line about each."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "samples"
    folder.mkdir(parents=True, exist_ok=True)
    coached("short", shortened(load_plan("short"), 0.7), virtual("right-thigh", "pelvis"), 4, folder)
    both = shortened(load_plan("hips-and-core"), 0.5)
    coached("hips-and-core", both, virtual("right-thigh", "left-thigh", "pelvis"), 6, folder)
    phone_clamshells(folder)
    for path in sorted(folder.glob("*.mcap")):
        path.chmod(0o644)
        print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

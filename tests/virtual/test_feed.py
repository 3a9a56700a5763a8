"""Recorded files played by a virtual sensor."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.decode.soma_v1 import SomaV1Decoder
from sensorsoma.decode.soma_v1_control import StartCommand
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Gap, ImuBlock, Packet, SegmentMeasured, SettingsSnapshot, SourceStatus
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.imports import imported_inputs, read_imported
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.units import STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.feed import FileWaveform, open_file
from sensorsoma.virtual.firmware import Firmware


def axivity(path, t_s, acc_g):
    lines = [
        f"{np.datetime64(1_528_276_427_000_000 + round(t * 1e6), 'us')}".replace("T", " ")
        + "," + ",".join(f"{value:.6f}" for value in row)
        for t, row in zip(t_s, acc_g, strict=True)
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


def played(waveform, config=None):
    """All that a client decodes when the file is played through the firmware, without a radio."""
    firmware = Firmware(waveform, clock_offset_s=5.0)
    firmware.command(StartCommand(samples_per_frame=4).to_bytes(), 0.0, 244)
    decoder = SomaV1Decoder("x", 0, config or {})
    out, now_s = [], 0.0
    while not firmware.is_through:
        now_s += 0.02
        for payload in firmware.frames_until(now_s):
            firmware.account(payload, is_sent=True)
            out += decoder.feed(Packet(round(now_s * 1e9), "x", payload))
    return out, firmware


def test_a_file_comes_out_with_its_own_samples_and_timing():
    """Every sample of an unevenly timed file arrives, to within int16, at the file's own spacing."""
    rng = np.random.default_rng(1)
    t_s = np.cumsum(rng.uniform(0.009, 0.011, 600))
    acc = rng.normal(0, 3, (600, 3))
    out, firmware = played(FileWaveform(t_s, acc, None))
    blocks = [item for item in out if isinstance(item, ImuBlock)]
    assert not [item for item in out if isinstance(item, Gap)]
    got = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    np.testing.assert_allclose(got, acc, atol=0.51 * 8 * STANDARD_GRAVITY_MPS2 / 32768)
    assert firmware.sent == 600
    times = np.concatenate([block.t_s for block in blocks])
    error = (times - times[0]) - (t_s - t_s[0])
    assert np.ptp(error[200:]) < 0.006


def test_a_hole_in_a_file_stays_a_hole():
    """A second without samples in the file is a gap of a second at the client, with nothing lost on the way."""
    t_s = np.concatenate((np.arange(100) * 0.01, 2.0 + np.arange(100) * 0.01))
    out, _ = played(FileWaveform(t_s, np.zeros((200, 3)), None))
    (gap,) = [item for item in out if isinstance(item, Gap)]
    assert gap.n_lost == 0
    assert gap.end_s - gap.start_s == pytest.approx(1.01, abs=0.03)


def test_an_axivity_file_over_the_link_is_the_file(kit, tmp_path):
    """A headerless file in g goes through sensor, radio and client at eight times its speed and comes out whole."""
    t_s = np.arange(600) / 100
    acc_g = np.stack([0.5 * np.sin(t_s), np.zeros_like(t_s), np.cos(t_s)], axis=1)
    path = axivity(tmp_path / "thigh.csv", t_s, acc_g)

    async def story():
        world = await kit.start_in_process([f"right-thigh={path}"], Clock(8.0))
        stage = kit.start(world, [kit.settings()])
        await asyncio.wait_for(stage.tasks[0], 15)
        await world.close()
        return stage.heard

    heard = kit.run(story())
    got = np.concatenate([block.acc_sensor_mps2 for block in heard.of(ImuBlock)])
    np.testing.assert_allclose(got, read_imported(path).acc_sensor_mps2, atol=2e-3)
    assert not heard.of(Gap)
    assert heard.states[-1] == "stopped"


def test_a_file_that_is_none_is_refused(tmp_path):
    """What cannot be read is refused before anything is switched on."""
    path = tmp_path / "notes.csv"
    path.write_text("hello\nworld\n")
    with pytest.raises(InputFileError):
        open_file(path)


def test_our_own_recording_is_played(tmp_path):
    """A recording gives the samples that its own bytes hold, of the sensor at the asked place."""
    rng = np.random.default_rng(2)
    source = FileWaveform(np.arange(300) / 104, rng.normal(0, 5, (300, 3)), rng.normal(0, 1, (300, 3)))
    firmware = Firmware(source)
    firmware.command(StartCommand().to_bytes(), 0.0, 244)
    places = ("pelvis", "belly")
    settings = SessionSettings(tuple(SourceSettings(place, place, "virtual", "soma_v1") for place in places))
    recorder = Recorder(tmp_path / "session.mcap", settings)
    recorder.write(SettingsSnapshot(10**18, settings.to_json()))
    for i, payload in enumerate(firmware.frames_until(10.0)):
        recorder.write(Packet(10**18 + round((i + 1) * 5 / 104 * 1e9), "belly", payload))
    recorder.close()
    waveform = open_file(tmp_path / "session.mcap", "belly")
    out, _ = played(waveform)
    got = np.concatenate([block.acc_sensor_mps2 for block in out if isinstance(block, ImuBlock)])
    np.testing.assert_allclose(got, source._acc, atol=2e-3)
    with pytest.raises(InputFileError, match="pelvis"):
        open_file(tmp_path / "session.mcap", "pelvis")


def test_a_real_clam_file_is_counted_over_the_link_as_it_is_from_the_file(kit, mex_dir):
    """A person's clams, streamed through the virtual sensor and counted live, give the count of the file itself."""
    path = mex_dir / "06" / "04_act_2.csv"  # 21 s, the sensor on the moving leg
    asked = (SegmentRequest("clamshell", "right", "right-thigh"),)

    def counts(outputs):
        return [out.measures["count"] for out in outputs if isinstance(out, SegmentMeasured)]

    async def story():
        clock = Clock(6.0)
        world = await kit.start_in_process([f"right-thigh={path}"], clock)
        source = kit.settings(decoder="soma_v1")
        pipeline, outputs = Pipeline(), []
        outputs += pipeline.feed(SettingsSnapshot(clock.now_ns(), SessionSettings((source,), segments=asked).to_json()))
        stage = kit.start(world, [source])
        stage.heard.on_put = lambda m: None if isinstance(m, SourceStatus) else outputs.extend(pipeline.feed(m))
        await asyncio.wait_for(stage.tasks[0], 60)
        await world.close()
        return counts([*outputs, *pipeline.finish()])

    pipeline, direct = Pipeline(), []
    for message in imported_inputs(path, "right-thigh", segments=asked):
        direct += pipeline.feed(message)
    wanted = counts([*direct, *pipeline.finish()])
    assert wanted[0] > 3
    assert kit.run(story()) == wanted

"""Recorded files played by a virtual sensor."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.decode.soma_v1 import SomaV1Decoder
from sensorsoma.decode.soma_v1_control import StartCommand
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Gap, ImuBlock, Packet
from sensorsoma.recording.imports import read_imported
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

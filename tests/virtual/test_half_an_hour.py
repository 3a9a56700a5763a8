"""Half an hour of two sensors at once, with lost links, through recorder and file: every sample is accounted for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.messages import Gap, ImuBlock, Packet, SettingsSnapshot, StreamInterrupted, StreamResumed
from sensorsoma.recording.reader import open_recording
from sensorsoma.recording.writer import Recorder
from sensorsoma.session import Session
from sensorsoma.settings import AUTO, SessionSettings, SourceSettings
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.sources.decoding import Decoding
from sensorsoma.units import STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.waveform import StillWaveform

PLACES = ("right-thigh", "left-thigh")
TURN = 1000
"""Samples in which gravity goes round once: every format tells neighbours apart by it, and which one is missing."""


class CountingWaveform(StillWaveform):
    """A sensor that is turned about z by the same angle from sample to sample, so that each tells its number."""

    def read(self, now_s):
        first = self._next
        taken = super().read(now_s)
        angle = 2 * np.pi * (first + np.arange(len(taken.device_t_s))) / TURN
        acc = STANDARD_GRAVITY_MPS2 * np.stack([np.cos(angle), np.sin(angle), np.zeros_like(angle)], axis=1)
        return replace(taken, acc_sensor_mps2=acc)


def numbers_of(acc):
    """Sample numbers modulo `TURN`."""
    return np.rint(np.arctan2(acc[:, 1], acc[:, 0]) / (2 * np.pi) * TURN).astype(int) % TURN


@pytest.fixture(autouse=True)
def counting(monkeypatch):
    """Still sensors count aloud in this file."""
    monkeypatch.setattr("sensorsoma.virtual.room.StillWaveform", CountingWaveform)


async def record(kit, path, kinds, minutes, speed, n_losses, away_s=30.0):
    """A session of still sensors; links are lost in turn, by silence and by hanging up, at even times."""
    clock = Clock(speed)
    world = await kit.start_in_process([f"{p}={k}@still" for p, k in zip(PLACES, kinds, strict=True)], clock)
    settings = SessionSettings(tuple(SourceSettings(p, p, "virtual", AUTO, None, "simulated") for p in PLACES))
    sources = [BleSource(each, world.door, clock) for each in settings.sources]
    session = Session(settings, sources, clock, lambda found: Recorder(path, found))

    async def trouble():
        pause_s = minutes * 60 / (n_losses + 1)
        for n in range(n_losses):
            await asyncio.sleep(clock.real_seconds(pause_s))
            place = PLACES[n % 2]
            if n % 3 == 2:
                await world.ask(type="hang_up", sensor=place)
            else:
                await world.ask(type="blackout", seconds=away_s, sensor=place)
        await asyncio.sleep(clock.real_seconds(pause_s))
        session.mark_stop()

    troubling = asyncio.create_task(trouble())
    await session.run()
    await troubling
    await world.close()


def accounts(path):
    """By channel: times and numbers of all samples in the file, recorded gaps, interruptions, returns, rate."""
    recording = open_recording(path)
    inputs = list(recording.inputs())
    (begin,) = [m for m in inputs if isinstance(m, SettingsSnapshot)]
    decoding = Decoding(SessionSettings.from_json(begin.settings).sources, begin.host_ns)
    blocks = [b for m in inputs if isinstance(m, Packet | StreamResumed) for b in decoding.feed(m)]
    outputs = list(recording.outputs())
    found = {}
    for place in PLACES:
        mine = [b for b in blocks if isinstance(b, ImuBlock) and b.channel == place]
        found[place] = (
            np.concatenate([b.t_s for b in mine]),
            numbers_of(np.concatenate([b.acc_sensor_mps2 for b in mine])),
            [g for g in outputs if isinstance(g, Gap) and g.channel == place],
            sum(isinstance(m, StreamInterrupted) and m.channel == place for m in inputs),
            sum(isinstance(m, StreamResumed) and m.channel == place for m in inputs),
            mine[-1].rate_hz,
        )
    return found


def _is_of_the_clock(gap):
    return gap.reason == "clock_restart" or (gap.reason == "lost_packets" and gap.n_lost is None)


def check_accounts(path, n_losses):
    """Outside recorded gaps every sample is followed by the next one, by its own number; each loss is one such gap.

    In accelerated time a busy computer may stand still for what looks like ten seconds: a gap of the clock, not of
    samples. A sensor without a clock tells such a stall as a loss that nobody counted.
    """
    n_interrupted = 0
    for t_s, numbers, gaps, interrupted, resumed, rate_hz in accounts(path).values():
        n_interrupted += interrupted
        assert interrupted == resumed
        assert (np.diff(t_s) > 0).all()
        steps = np.diff(numbers) % TURN
        starts = np.searchsorted(t_s, [gap.start_s for gap in gaps]) if gaps else np.array([], int)
        np.testing.assert_allclose(t_s[starts], [gap.start_s for gap in gaps], atol=1e-6)
        assert (np.delete(steps, starts) == 1).all()
        is_loss = steps[starts] != 1
        assert is_loss.sum() == interrupted
        assert all(loss or _is_of_the_clock(gap) for loss, gap in zip(is_loss, gaps, strict=True))
        gaps, starts = [gap for loss, gap in zip(is_loss, gaps, strict=True) if loss], starts[is_loss]
        missing = [(gap.end_s - gap.start_s) * rate_hz - 1 for gap in gaps]
        off = (steps[starts] - 1 - np.array(missing) + TURN / 2) % TURN - TURN / 2
        assert np.abs(off).max(initial=0.0) < 0.5 * rate_hz  # how long a gap is, is known by two clocks
    assert n_interrupted == n_losses


@pytest.mark.soak
@pytest.mark.parametrize("kinds", [("movesense", "xsens_dot")])
def test_a_minute_of_two_sensors_with_a_lost_link(kit, tmp_path, kinds):
    """The short form: one link is lost for ten seconds; the other sensor does not notice."""
    path = tmp_path / "session.mcap"
    kit.run(record(kit, path, kinds, minutes=1.2, speed=6.0, n_losses=1, away_s=10.0))
    check_accounts(path, 1)


@pytest.mark.soak
@pytest.mark.parametrize("kinds", [("movesense", "polar_pmd"), ("witmotion", "thingy52"), ("soma_v1", "xsens_dot")])
def test_half_an_hour_of_two_sensors_with_five_lost_links(kit, tmp_path, kinds):
    """30 minutes at ten times the pace of life, five losses: every sample is received or in a recorded gap."""
    path = tmp_path / "session.mcap"
    kit.run(record(kit, path, kinds, minutes=30, speed=10.0, n_losses=5))
    check_accounts(path, 5)

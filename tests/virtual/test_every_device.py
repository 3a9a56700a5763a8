"""Every kind of virtual sensor through the real Bluetooth client: found, started, heard without a hole, stopped."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.decode import DECODERS
from sensorsoma.messages import BadPacket, Gap, ImuBlock, SourceStatus, StreamInterrupted, StreamResumed
from sensorsoma.sources.ble.scan import scan
from sensorsoma.units import STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices import DEVICES, device_class

IN_FLIGHT = 80
"""Samples that may be in the air, or held for their counterpart, when a sensor is stopped: about a second."""


def joined(blocks, attribute):
    return np.concatenate([getattr(block, attribute) for block in blocks])


async def stream(kit, kind, seconds, speed):
    """A still sensor of a kind heard for some session seconds; what was heard, and the device."""
    clock = Clock(speed)
    world = await kit.start_in_process([f"right-thigh={kind}@still"], clock)
    device = world.room.sensor("right-thigh").device
    stage = kit.start(world, [kit.settings("right-thigh")])

    def heard_s():
        blocks = stage.heard.of(ImuBlock)
        return blocks[-1].t_s[-1] - blocks[0].t_s[0] if blocks else 0.0

    await stage.heard.until(lambda: heard_s() >= seconds or stage.tasks[0].done(), within_s=20 + 2 * seconds / speed)
    await stage.stop()
    await asyncio.sleep(0.05)
    await world.close()
    return stage.heard, device


def check_stream(heard, device, seconds):
    """Nothing lost, gravity on z, one time line at the rate of the sensor."""
    assert [status.text for status in heard.of(SourceStatus) if status.state == "failed"] == []
    assert heard.of(BadPacket) == []
    assert heard.of(Gap) == []
    assert device.dropped == 0
    assert 0 <= device.sent - heard.n_samples() <= IN_FLIGHT
    blocks = heard.of(ImuBlock)
    t_s, acc = joined(blocks, "t_s"), joined(blocks, "acc_sensor_mps2")
    assert (np.diff(t_s) > 0).all()
    np.testing.assert_allclose(acc[:, 2], STANDARD_GRAVITY_MPS2, atol=0.03)
    np.testing.assert_allclose(np.median(np.diff(t_s)) * blocks[-1].rate_hz, 1.0, atol=0.05)
    assert t_s[-1] - t_s[0] >= seconds
    assert not device.is_streaming


@pytest.mark.parametrize("kind", sorted(DEVICES))
def test_a_sensor_of_every_kind_is_heard_without_a_hole(kit, kind):
    """Found by what it advertises, started, streamed and stopped, without anybody naming its protocol."""
    heard, device = kit.run(stream(kit, kind, seconds=3.0, speed=3.0))
    check_stream(heard, device, 3.0)
    assert heard.found["right-thigh"].decoder == kind


@pytest.mark.soak
@pytest.mark.parametrize("kind", sorted(DEVICES))
def test_a_minute_of_every_kind_is_heard_whole(kit, kind):
    """60 s in real time, as in a bed."""
    heard, device = kit.run(stream(kit, kind, seconds=60.0, speed=1.0))
    check_stream(heard, device, 60.0)


@pytest.mark.parametrize("kind", sorted(DEVICES))
def test_a_scan_names_every_kind(kit, kind):
    """What is advertised is enough to say what it is."""

    async def story():
        world = await kit.start_in_process([f"pelvis={kind}@still"])
        found = await scan(world.door, 0.4)
        await world.close()
        return found

    (found,) = kit.run(story())
    assert found.kind.name == kind
    assert found.kind.decoder in DECODERS


@pytest.mark.parametrize("kind", sorted(DEVICES))
def test_a_lost_link_is_one_gap_and_the_sensor_comes_back(kit, kind):
    """After a silence the same sensor is found, started and decoded again, and the hole is told."""

    async def story():
        world = await kit.start_in_process([f"right-thigh={kind}@still"], Clock(4.0))
        stage = kit.start(world, [kit.settings("right-thigh")])
        heard = stage.heard
        await heard.until(lambda: heard.n_samples() > 60, within_s=20)
        await world.ask(type="hang_up", sensor="right-thigh")
        await heard.until(lambda: bool(heard.of(StreamResumed)), within_s=20)
        n_before = heard.n_samples()
        await heard.until(lambda: heard.n_samples() > n_before + 60, within_s=20)
        await stage.stop()
        await world.close()
        return heard

    heard = kit.run(story())
    assert len(heard.of(StreamInterrupted)) == 1
    assert len(heard.of(Gap)) == 1
    t_s = joined(heard.of(ImuBlock), "t_s")
    assert (np.diff(t_s) > 0).all()


@pytest.mark.parametrize("kind", sorted(DEVICES))
def test_a_virtual_sensor_is_of_a_known_kind(kind):
    """Each row of the table of virtual sensors names its own kind, and that kind can be decoded."""
    assert device_class(kind).kind == kind
    assert kind in DECODERS

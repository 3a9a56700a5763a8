"""Boards of one's own through the real Bluetooth client: recognised by their tables, started, heard, stopped."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.decode.generic import driver_for
from sensorsoma.messages import BadPacket, Gap, ImuBlock
from sensorsoma.sources.ble.kinds import Kind
from sensorsoma.units import STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices import DEVICES
from sensorsoma.virtual.devices.generic import PackingBoard, WritingBoard


@pytest.mark.parametrize("made", [PackingBoard, WritingBoard])
def test_a_board_from_the_config_file_is_heard_without_a_hole(kit, monkeypatch, made):
    """Found by the name in its table, started as it says, streamed and stopped; the config tells how to replay it."""
    monkeypatch.setitem(DEVICES, "board", f"{made.__module__}:{made.__name__}")

    async def story():
        world = await kit.start_in_process(["right-thigh=board@still"], Clock(3.0))
        world.door.boards = (Kind("mine", "generic", driver_for(made.table), {**made.table, "board": "mine"}),)
        device = world.room.sensor("right-thigh").device
        stage = kit.start(world, [kit.settings("right-thigh")])
        await stage.heard.until(lambda: stage.heard.n_samples() > 150, within_s=20)
        await stage.stop()
        await world.close()
        return stage.heard, device

    heard, device = kit.run(story())
    found = heard.found["right-thigh"]
    assert (found.decoder, found.config["board"]) == ("generic", "mine")
    assert heard.of(BadPacket) == []
    assert heard.of(Gap) == []
    assert 0 <= device.sent - heard.n_samples() <= 40
    assert not device.is_streaming
    acc = np.concatenate([block.acc_sensor_mps2 for block in heard.of(ImuBlock)])
    np.testing.assert_allclose(acc[:, 2], STANDARD_GRAVITY_MPS2, atol=0.03)

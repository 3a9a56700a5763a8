"""Several sensors at once for a moment, to learn which of them somebody holds in the hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.errors import SourceError
from sensorsoma.messages import Floats, ImuBlock, Input, SourceStatus
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.sources.ble.scan import Found
from sensorsoma.sources.decoding import Decoding

LISTEN_S = 4.0
"""Real seconds of samples from every sensor: a few shakes of a hand."""
PATIENCE_S = 30.0
"""Real seconds until all of them stream; whoever does not by then is left out."""


async def listen_to_all(door: Door, found: Sequence[Found], listen_s: float = LISTEN_S) -> dict[str, Floats]:
    """The last seconds of every sensor that could be started: address → `(n, 3)` specific force, m/s²."""
    clock = Clock()
    settings = [_settings(each) for each in found]
    decoding = Decoding(settings, clock.now_ns())
    blocks: dict[str, list[Floats]] = {each.address: [] for each in found}
    has_all = asyncio.Event()

    def put(message: Input | SourceStatus) -> None:
        for block in decoding.feed(message):
            if isinstance(block, ImuBlock):
                blocks[block.channel].append(block.acc_sensor_mps2)
        if all(blocks.values()):
            has_all.set()

    async def run(source: BleSource) -> None:
        with contextlib.suppress(SourceError):  # one that cannot be started is left out
            await source.run(put)

    tasks = [asyncio.create_task(run(BleSource(each, door, clock))) for each in settings]
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(has_all.wait(), PATIENCE_S)
        for held in blocks.values():
            held.clear()
        await asyncio.sleep(listen_s)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return {address: np.concatenate(held) for address, held in blocks.items() if held}


def _settings(found: Found) -> SourceSettings:
    kind = found.kind
    return SourceSettings(found.address, "right-thigh", "ble", kind.decoder, found.address, config=kind.config)

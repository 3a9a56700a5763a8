"""Several sensors at once for a moment, to learn which of them somebody holds in the hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.decode.base import Decoder, make_decoder
from sensorsoma.errors import SourceError
from sensorsoma.messages import Floats, ImuBlock, Input, Packet, SourceStatus
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.sources.ble.scan import Found

LISTEN_S = 4.0
"""Real seconds of samples from every sensor: a few shakes of a hand."""
PATIENCE_S = 30.0
"""Real seconds until all of them stream; whoever does not by then is left out."""


async def listen_to_all(door: Door, found: Sequence[Found], listen_s: float = LISTEN_S) -> dict[str, Floats]:
    """The last seconds of every sensor that could be started: address → `(n, 3)` specific force, m/s²."""
    clock = Clock()
    blocks: dict[str, list[Floats]] = {each.address: [] for each in found}
    decoders: dict[str, Decoder] = {}
    kinds: dict[str, SourceStatus] = {}
    has_all = asyncio.Event()

    def put(message: Input | SourceStatus) -> None:
        if isinstance(message, SourceStatus) and message.decoder is not None:
            kinds[message.channel] = message
        if not isinstance(message, Packet):
            return
        decoder = decoders.get(message.channel)
        if decoder is None:
            said = kinds[message.channel]
            decoder = make_decoder(str(said.decoder), message.channel, message.host_ns, said.config)
            decoders[message.channel] = decoder
        blocks[message.channel] += [b.acc_sensor_mps2 for b in decoder.feed(message) if isinstance(b, ImuBlock)]
        if all(blocks.values()):
            has_all.set()

    async def run(source: BleSource) -> None:
        with contextlib.suppress(SourceError):  # one that cannot be started is left out
            await source.run(put)

    sources = [BleSource(_settings(each), door, clock) for each in found]
    tasks = [asyncio.create_task(run(source)) for source in sources]
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

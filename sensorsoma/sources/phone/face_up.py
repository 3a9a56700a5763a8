"""A phone's sign convention, asked once: it lies on the table, screen up, and says which way up is for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.decode.sensor_logger import SensorLoggerDecoder
from sensorsoma.messages import Floats, ImuBlock, Input, Packet, SourceStatus
from sensorsoma.sources.phone.sensor_logger import SensorLoggerSource
from sensorsoma.units import STANDARD_GRAVITY_MPS2

PhoneSign = Literal["+", "-"]


@dataclass(frozen=True, slots=True)
class FaceUpParams:
    """When the phone is taken to lie."""

    look_s: float = 2.0
    """Seconds of samples that are looked at."""
    least_share: float = 0.8
    """Share of gravity on the screen's axis: lying within 37°, so that a phone in the hand decides nothing."""


async def learn_sign(
    source: SensorLoggerSource,
    clock: Clock,
    on_status: Callable[[SourceStatus], None] = lambda _status: None,
    params: FaceUpParams | None = None,
) -> PhoneSign:
    """Serves one phone until it has lain screen up for a moment; returns its sign.

    Raises:
        SourceError: the port cannot be used.
        DeviceNotFoundError: the phone was never heard.
    """
    p = params or FaceUpParams()
    decoder = SensorLoggerDecoder("phone", clock.now_ns(), {"sign": "+"})
    blocks: list[ImuBlock] = []
    found: asyncio.Future[PhoneSign] = asyncio.get_running_loop().create_future()

    def put(message: Input | SourceStatus) -> None:
        if isinstance(message, SourceStatus):
            on_status(message)
        if not isinstance(message, Packet) or found.done():
            return
        blocks.extend(one for one in decoder.feed(message) if isinstance(one, ImuBlock))
        while len(blocks) > 1 and blocks[-1].t_s[-1] - blocks[1].t_s[0] > p.look_s:
            del blocks[0]
        if blocks and blocks[-1].t_s[-1] - blocks[0].t_s[0] >= p.look_s:
            sign = sign_of_face_up(np.concatenate([block.acc_sensor_mps2 for block in blocks]), p)
            if sign is not None:
                found.set_result(sign)

    running = asyncio.create_task(source.run(put))
    waiting: list[asyncio.Future[object]] = [running, found]  # type: ignore[list-item] # waited for, not read
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if not found.done():
            await running  # raises what ended it
        return await found
    finally:
        found.cancel()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def sign_of_face_up(acc_mps2: Floats, params: FaceUpParams | None = None) -> PhoneSign | None:
    """The sign of a phone that lies screen up, from samples read with sign "+"; None when it does not lie still so.

    Screen up, +9.81 stands on the z axis of Android and standardised phones, and -9.81 on that of an iPhone with its
    own convention.
    """
    p = params or FaceUpParams()
    up = np.median(acc_mps2, axis=0) / STANDARD_GRAVITY_MPS2
    if abs(up[2]) < p.least_share or float(np.std(acc_mps2[:, 2])) > 0.1 * STANDARD_GRAVITY_MPS2:
        return None
    return "+" if up[2] > 0 else "-"

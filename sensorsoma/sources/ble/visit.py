"""A short visit to one sensor: letting it show itself, asking for its charge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager

from bleak import BleakClient
from bleak.exc import BleakError

from sensorsoma.decode.driver import Read, Step
from sensorsoma.errors import LinkError
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.faults import one_line
from sensorsoma.sources.ble.link import LinkParams
from sensorsoma.sources.ble.scan import Found
from sensorsoma.sources.ble.talk import Talk, hang_up

SHOW_S = 4
"""Seconds that a sensor blinks or buzzes."""


async def identify(door: Door, found: Found, params: LinkParams | None = None) -> bool:
    """Connects, asks the sensor to show itself for some seconds, and hangs up; False for a kind that cannot.

    Raises:
        LinkError: it cannot be connected or does not answer.
    """
    p = params or LinkParams()
    script = found.kind.driver.identify
    if script is None:
        return False
    async with connected(door, found, p) as talk:
        await talk.play(script(SHOW_S))
        await asyncio.sleep(SHOW_S)
    return True


async def read_battery(door: Door, found: Found, params: LinkParams | None = None) -> int | None:
    """Connects, reads the charge in percent, and hangs up; None where it cannot be read.

    A sensor without a characteristic for it may tell while it is started.

    Raises:
        LinkError: it cannot be connected.
    """
    driver, config = found.kind.driver, found.kind.config
    async with connected(door, found, params or LinkParams()) as talk:
        level = await talk.play(_level(driver.battery_uuid))
        if level:
            return min(level[0], 100)
        learned = await talk.play(driver.start(config))
        await talk.play(driver.stop({**config, **learned.config}))
    return learned.battery_percent


def _level(uuid: str) -> Generator[Step, bytes | None, bytes | None]:
    return (yield Read(uuid, is_optional=True))


@asynccontextmanager
async def connected(door: Door, found: Found, params: LinkParams) -> AsyncIterator[Talk]:
    """A connection for the length of the block, with the radio to itself.

    Raises:
        LinkError: it cannot be connected, or the link broke.
    """
    async with door.radio_lock:
        client = BleakClient(found.device, timeout=params.connect_s, **door.backend(door.client_class))
        try:
            await client.connect()
            yield Talk(client, params.command_s)
        except (BleakError, TimeoutError, OSError) as error:
            raise LinkError(f"Found {found.name} but could not reach it ({one_line(error)}).") from error
        finally:
            await hang_up(client, params.stop_s)

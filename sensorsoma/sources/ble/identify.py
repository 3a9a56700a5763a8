"""Letting a sensor show itself, so that a person sees which one it is."""

from __future__ import annotations

import asyncio

from bleak import BleakClient
from bleak.exc import BleakError

from sensorsoma.errors import DeviceNotFoundError, LinkError
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.faults import one_line
from sensorsoma.sources.ble.link import LinkParams
from sensorsoma.sources.ble.profiles import PROFILES
from sensorsoma.sources.ble.scan import find
from sensorsoma.sources.ble.talk import Talk, hang_up

SHOW_S = 4
"""Seconds that a sensor blinks or buzzes."""


async def identify(door: Door, kind: str, address: str, params: LinkParams | None = None) -> None:
    """Connects, asks the sensor to show itself for some seconds, and hangs up.

    Args:
        door: which air.
        kind: key of `PROFILES`.
        address: as scanned.
        params: patience.

    Raises:
        DeviceNotFoundError: it is not heard any more.
        LinkError: it cannot be connected or does not answer.
    """
    p = params or LinkParams()
    profile = PROFILES[kind]
    async with door.radio_lock:
        found = await find(door, profile, "", address, p.rescan_s)
        if found is None:
            raise DeviceNotFoundError(f"Expected the sensor {address} nearby, but it is not heard any more; wake it.")
        client = BleakClient(found.device, timeout=p.connect_s, **door.backend(door.client_class))
        try:
            await client.connect()
            await profile.identify(Talk(client, p.command_s), SHOW_S)
            await asyncio.sleep(SHOW_S)
        except (BleakError, TimeoutError, OSError) as error:
            raise LinkError(f"Found {found.name} but could not reach it ({one_line(error)}).") from error
        finally:
            await hang_up(client, p.stop_s)

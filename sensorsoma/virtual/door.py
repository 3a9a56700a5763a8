"""The door to a virtual room: what `sources.ble.doors.open_door("virtual:HOST:PORT")` opens."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sensorsoma.errors import LinkError, SourceSpecError
from sensorsoma.sources.ble.doors import Door
from sensorsoma.virtual.extra import need_bumble

if TYPE_CHECKING:
    from sensorsoma.virtual.adapter import BumbleAdapter
    from sensorsoma.virtual.radio import Radio

CLOSE_S = 2.0
"""Real seconds that leaving may take; the process behind the port may be gone already."""
LAST_PORT = 65535
OPEN_S = 20.0
"""Real seconds until the process behind the port must have answered."""


async def open_virtual_door(address: str, interval_ms: float = 15.0) -> Door:
    """A door to the virtual room whose HCI port is at `HOST:PORT`.

    Raises:
        SourceSpecError: the address is not HOST:PORT.
        MissingExtraError: bumble is not installed.
        LinkError: nobody answers there.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= LAST_PORT:
        raise SourceSpecError(
            f"Expected the door as virtual:HOST:PORT, for example virtual:127.0.0.1:6402, found 'virtual:{address}'."
        )
    need_bumble()
    from bumble.core import BaseBumbleError

    from sensorsoma.virtual.adapter import BumbleAdapter

    try:
        async with asyncio.timeout(OPEN_S):
            adapter = await BumbleAdapter.open(f"tcp-client:{address}", interval_ms)
    except (OSError, ValueError, TimeoutError, BaseBumbleError) as error:
        raise LinkError(
            f"Expected virtual sensors at {address}, but nobody answers there; check the address."
        ) from error
    return _door(f"virtual:{address}", adapter)


async def open_door_on(radio: Radio, interval_ms: float = 15.0) -> Door:
    """A door to the virtual room within this process."""
    from sensorsoma.virtual.adapter import BumbleAdapter

    return _door("virtual", await BumbleAdapter.on_radio(radio, interval_ms))


def _door(name: str, adapter: BumbleAdapter) -> Door:
    scanner_class, client_class = adapter.backends()

    async def close() -> None:
        try:
            async with asyncio.timeout(CLOSE_S):
                await adapter.close()
        except (TimeoutError, OSError):
            return

    return Door(name, scanner_class, client_class, is_simulated=True, on_close=close)

"""Talking to a connected sensor, each request with a time limit of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from sensorsoma.errors import LinkError

OnData = Callable[[bytes], None]
"""Takes the bytes of one notification; called by the radio stack, must return at once."""


@dataclass(frozen=True, slots=True)
class Talk:
    """A connected client, with its requests bounded.

    A coroutine as a notification callback would lose the order of notifications, so callbacks here are plain functions.
    """

    client: BleakClient
    command_s: float
    """Real seconds that a request may take."""

    def has(self, uuid: str) -> bool:
        """Whether the sensor has this characteristic."""
        return self.client.services.get_characteristic(uuid) is not None

    async def subscribe(self, uuid: str, on_data: OnData) -> None:
        """Calls `on_data` with a copy of every notification from now on."""

        def forward(_characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
            on_data(bytes(data))

        async with self._bounded(uuid):
            await self.client.start_notify(self._characteristic(uuid), forward)

    async def write(self, uuid: str, data: bytes) -> None:
        """Writes and waits for the answer."""
        async with self._bounded(uuid):
            await self.client.write_gatt_char(self._characteristic(uuid), data, response=True)

    async def read(self, uuid: str) -> bytes:
        """The value of a characteristic."""
        async with self._bounded(uuid):
            return bytes(await self.client.read_gatt_char(self._characteristic(uuid)))

    def _characteristic(self, uuid: str) -> BleakGATTCharacteristic:
        found = self.client.services.get_characteristic(uuid)
        if found is None:
            raise LinkError(f"Expected the characteristic {uuid} on the sensor, but it has none; check its firmware.")
        return found

    def _bounded(self, uuid: str) -> _Bounded:
        return _Bounded(uuid, self.command_s)


class _Bounded:
    """A time limit whose end is a `LinkError`."""

    def __init__(self, uuid: str, within_s: float) -> None:
        self._uuid = uuid
        self._within_s = within_s
        self._timeout = asyncio.timeout(within_s)

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._timeout.__aexit__(*exc)  # type: ignore[arg-type]  # passed on as it came
        except TimeoutError as error:
            message = f"The sensor did not answer within {self._within_s:g} s (characteristic {self._uuid[:8]})."
            raise LinkError(message) from error


async def hang_up(client: BleakClient, within_s: float) -> None:
    """Disconnects within `within_s` real seconds; never an error, and being cancelled does not cut it short."""
    farewell = asyncio.get_running_loop().create_task(_disconnect(client, within_s))
    try:
        await asyncio.shield(farewell)
    except asyncio.CancelledError:
        await asyncio.wait([farewell])
        raise


async def _disconnect(client: BleakClient, within_s: float) -> None:
    with contextlib.suppress(BleakError, TimeoutError, OSError):  # what cannot be reached has hung up itself
        async with asyncio.timeout(within_s):
            await client.disconnect()

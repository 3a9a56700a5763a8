"""Talking to a connected sensor, each request with a time limit of its own; plays the scripts of drivers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from bleak import BleakClient
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.exc import BleakError

from sensorsoma.decode.driver import Ask, Await, Pause, Read, Step, Subscribe, Write
from sensorsoma.errors import LinkError
from sensorsoma.sources.ble.faults import one_line

OnData = Callable[[bytes], None]
"""Takes the bytes of one notification; called by the radio stack, must return at once."""

T = TypeVar("T")

_NOTIFYING = frozenset({"notify", "indicate"})
_READABLE = frozenset({"read"})
_WRITABLE = frozenset({"write", "write-without-response"})
"""Properties of a characteristic that make a request possible, as bleak names them."""


def ignore(_data: bytes) -> None:
    """For scripts whose notifications nobody wants."""


class Talk:
    """A connected client, with its requests bounded.

    A coroutine as a notification callback would lose the order of notifications, so callbacks here are plain functions.

    Args:
        client: connected.
        command_s: real seconds that a request may take.
    """

    def __init__(self, client: BleakClient, command_s: float) -> None:
        self.client = client
        self.command_s = command_s
        self._waiting: list[tuple[Callable[[bytes], bool], asyncio.Future[bytes]]] = []

    async def play(self, script: Generator[Step, bytes | None, T], on_stream: OnData = ignore) -> T:
        """What the script returns; `on_stream` gets what its stream characteristics send from now on.

        A request that fails is thrown into the script as a `LinkError`, so that a driver can try another way.

        Raises:
            LinkError: the sensor does not answer, refuses, or is not what the script expects; one sentence.
        """
        given: bytes | None = None
        failure: LinkError | None = None
        while True:
            try:
                step = script.send(given) if failure is None else script.throw(failure)
            except StopIteration as end:
                result: T = end.value
                return result
            given, failure = None, None
            try:
                given = await self._do(step, on_stream)
            except LinkError as error:
                failure = error
            except (BleakError, OSError) as error:
                failure = LinkError(
                    f"A request to the sensor failed ({one_line(error)}); bring it near, and try again."
                )
                failure.__cause__ = error

    async def _do(self, step: Step, on_stream: OnData) -> bytes | None:
        match step:
            case Subscribe(uuid, is_stream):
                await self.subscribe(uuid, on_stream if is_stream else ignore)
            case Write(uuid, data):
                await self.write(uuid, data)
            case Read(uuid, is_optional):
                return await self.read_if_there(uuid) if is_optional else await self.read(uuid)
            case Ask(uuid, data, is_answer, within_s):
                with self._hearing(is_answer) as heard:
                    await self.write(uuid, data)
                    return await _given(heard, within_s)
            case Await(is_awaited, within_s):
                with self._hearing(is_awaited) as heard:
                    return await _given(heard, within_s)
            case Pause(seconds):
                await asyncio.sleep(seconds)
        return None

    # ---------------------------------------------------------------------------------------------- single requests

    def has(self, uuid: str) -> bool:
        """Whether the sensor has this characteristic."""
        return bool(self._all(uuid))

    def can_notify(self, uuid: str) -> bool:
        """Whether it has it and tells of changes by itself."""
        return any(not _NOTIFYING.isdisjoint(each.properties) for each in self._all(uuid))

    async def subscribe(self, uuid: str, on_data: OnData) -> None:
        """Calls `on_data` with a copy of every notification from now on."""

        def forward(_characteristic: BleakGATTCharacteristic, data: bytearray) -> None:
            payload = bytes(data)
            for is_awaited, heard in self._waiting:
                if not heard.done() and is_awaited(payload):
                    heard.set_result(payload)
            on_data(payload)

        async with self._bounded(uuid):
            await self.client.start_notify(self._characteristic(uuid, _NOTIFYING), forward)

    async def write(self, uuid: str, data: bytes) -> None:
        """Writes, and waits for the answer where the characteristic gives one."""
        async with self._bounded(uuid):
            characteristic = self._characteristic(uuid, _WRITABLE)
            has_answer = "write" in characteristic.properties
            await self.client.write_gatt_char(characteristic, data, response=has_answer)

    async def read(self, uuid: str) -> bytes:
        """The value of a characteristic."""
        async with self._bounded(uuid):
            return bytes(await self.client.read_gatt_char(self._characteristic(uuid, _READABLE)))

    async def read_if_there(self, uuid: str) -> bytes | None:
        """The value of a characteristic; None when it is missing or cannot be read."""
        if not self.has(uuid):
            return None
        try:
            return await self.read(uuid)
        except (BleakError, LinkError, OSError):
            return None

    def _all(self, uuid: str) -> list[BleakGATTCharacteristic]:
        """Every characteristic of this name: firmware exists that has one twice, where bleak refuses to choose."""
        return [each for each in self.client.services.characteristics.values() if each.uuid == uuid]

    def _characteristic(self, uuid: str, wanted: frozenset[str]) -> BleakGATTCharacteristic:
        """The one of this name that has a wanted property; the first where none has."""
        found = self._all(uuid)
        if not found:
            raise LinkError(f"Expected the characteristic {uuid} on the sensor, but it has none; check its firmware.")
        return next((each for each in found if not wanted.isdisjoint(each.properties)), found[0])

    @contextlib.contextmanager
    def _hearing(self, is_awaited: Callable[[bytes], bool]) -> Iterator[asyncio.Future[bytes]]:
        """The first notification of that sort, whenever it comes while the block runs."""
        entry = (is_awaited, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            yield entry[1]
        finally:
            self._waiting.remove(entry)

    def _bounded(self, uuid: str) -> _Bounded:
        return _Bounded(uuid, self.command_s)


async def _given(heard: asyncio.Future[bytes], within_s: float) -> bytes | None:
    await asyncio.wait([heard], timeout=within_s)
    return heard.result() if heard.done() else None


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
            raise LinkError(
                f"The sensor did not answer within {self._within_s:g} s (characteristic {self._uuid[:8]}); bring it "
                "near, and try again."
            ) from error


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

"""bleak's client interface on a bumble host."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from bleak import BleakScanner
from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakDeviceNotFoundError, BleakError, BleakGATTProtocolError
from bumble import att, core, hci
from bumble.device import Connection, Peer

from sensorsoma.virtual.bleak_scanner import BumbleScanner, uuid_text

if TYPE_CHECKING:
    from sensorsoma.virtual.adapter import BumbleAdapter

log = logging.getLogger(__name__)

T = TypeVar("T")
LARGEST_MTU = 517


def _take_result(task: asyncio.Future[Any]) -> None:
    """Looks at a result that nobody waits for, so that an error in it is not reported as forgotten."""
    if not task.cancelled():
        task.exception()


class BumbleClient(BaseBleakClient):
    """Connects with the adapter that `BumbleAdapter.backends` has put into `adapter`."""

    adapter: ClassVar[BumbleAdapter]
    scanner_class: ClassVar[type[BumbleScanner]]

    def __init__(self, address_or_ble_device: BLEDevice | str, *, services: Any = None, **kwargs: Any) -> None:
        super().__init__(address_or_ble_device, **kwargs)
        self._target = address_or_ble_device if isinstance(address_or_ble_device, BLEDevice) else None
        self._wanted_services = services
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._notified: dict[int, Callable[[bytes], None]] = {}
        self.disconnect_reason: int | None = None
        """HCI reason of the last disconnection."""

    @property
    def name(self) -> str:
        """The advertised name, else the address."""
        return (self._target.name if self._target else None) or self.address

    @property
    def mtu_size(self) -> int:
        """ATT MTU; 23 when not connected."""
        return self._connection.att_mtu if self._connection is not None else 23

    @property
    def is_connected(self) -> bool:
        """Whether the link stands."""
        return self._connection is not None

    # ------------------------------------------------------------------------------------------------- connection

    async def connect(self, pair: bool, **kwargs: Any) -> None:
        """Connects and discovers services within `timeout` seconds."""
        if pair:
            raise BleakError("pairing before the connection is not supported on a virtual link")
        if self.is_connected:
            raise BleakError("already connected")
        timeout = kwargs.get("timeout", self._timeout)
        target = self._target or await self._find(timeout)
        try:
            async with asyncio.timeout(timeout):
                # bumble's own time-out would wait for the event that follows its cancellation
                connection = await self.adapter.device.connect_le(
                    target.details, connection_parameters_preferences=self.adapter.connection_preferences
                )
                self._connection, self._peer = connection, Peer(connection)
                connection.on("disconnection", self._on_disconnection)
                await self._ask(self._peer.request_mtu(LARGEST_MTU))
                self.services = await self._discover()
        except BaseException as error:
            await self._give_up()
            if isinstance(error, core.BaseBumbleError | hci.HCI_Error):
                raise BleakError(f"could not connect: {error}") from error
            raise

    async def _find(self, within_s: float) -> BLEDevice:
        found = await BleakScanner.find_device_by_address(self.address, timeout=within_s, backend=self.scanner_class)
        if found is None:
            raise BleakDeviceNotFoundError(self.address, f"{self.address} was not heard")
        self._target = found
        return found

    async def _give_up(self) -> None:
        if self._connection is not None:
            await self.disconnect()
        else:
            cancel = hci.HCI_LE_Create_Connection_Cancel_Command()
            await self.adapter.device.send_sync_command(cancel)

    async def disconnect(self) -> None:
        """Hangs up; nothing when there is no link."""
        if self._connection is not None:
            try:
                await self._connection.disconnect()
            except (core.BaseBumbleError, hci.HCI_Error) as error:
                log.debug("disconnecting from what is gone: %s", error)

    def _on_disconnection(self, reason: int) -> None:
        self.disconnect_reason = reason
        self._connection = self._peer = None
        self.services = None
        self._notified.clear()
        if self._disconnected_callback is not None:
            self._disconnected_callback()

    async def pair(self, *_args: Any, **_kwargs: Any) -> None:
        """Pairs (Just Works)."""
        await self._need_peer().connection.pair()

    async def unpair(self) -> None:
        """Forgets the keys."""
        if self.adapter.device.keystore is not None:
            await self.adapter.device.keystore.delete(self.address)

    # ----------------------------------------------------------------------------------------------------- GATT

    def _need_peer(self) -> Peer:
        if self._peer is None:
            raise BleakError("not connected")
        return self._peer

    async def _ask(self, operation: Awaitable[T]) -> T:
        """The answer to an ATT request, with bleak's errors.

        bumble cancels a pending request when the link drops, which would look as if the caller's own task were being
        cancelled: so the request gets a task of its own. That task waits on when the caller is cancelled, or the
        answer would be taken for the answer to the next request.
        """
        task = asyncio.ensure_future(operation)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if task.cancelled() and not (current is not None and current.cancelling()):
                raise BleakError("the link was lost during a request") from None
            task.add_done_callback(_take_result)
            raise
        except att.ATT_Error as error:
            raise BleakGATTProtocolError(error.error_code) from error
        except (core.BaseBumbleError, hci.HCI_Error) as error:
            raise BleakError(str(error)) from error

    async def _discover(self) -> BleakGATTServiceCollection:
        collection = BleakGATTServiceCollection()
        for service in await self._ask(self._need_peer().discover_services()):
            uuid = uuid_text(service.uuid)
            if self._wanted_services is not None and uuid not in self._wanted_services:
                continue
            listed = BleakGATTService(service, service.handle, uuid)
            collection.add_service(listed)
            for found in await self._ask(service.discover_characteristics()):
                characteristic = BleakGATTCharacteristic(
                    found,
                    found.handle,
                    uuid_text(found.uuid),
                    sorted(gatt_char_props_to_strs(int(found.properties))),
                    lambda: self.mtu_size - 3,
                    listed,
                )
                collection.add_characteristic(characteristic)
                for descriptor in await self._ask(found.discover_descriptors()):
                    kind = uuid_text(descriptor.type)
                    collection.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, kind, characteristic))
        return collection

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        """The value, read in as many requests as it takes."""
        return bytearray(await self._ask(self._need_peer().gatt_client.read_value(characteristic.obj)))

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        """The value of a descriptor."""
        return bytearray(await self._ask(self._need_peer().gatt_client.read_value(descriptor.obj)))

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        """Writes, waiting for the answer if asked to."""
        client = self._need_peer().gatt_client
        await self._ask(client.write_value(characteristic.obj, bytes(data), response))

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        """Writes a descriptor."""
        await self._ask(self._need_peer().gatt_client.write_value(descriptor.obj, bytes(data), True))

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **_: Any
    ) -> None:
        """Subscribes; a failing callback is logged, it must not unwind into the HCI parser."""
        if characteristic.handle in self._notified:
            raise BleakError("notifications are already on")

        def forward(value: bytes) -> None:
            try:
                callback(bytearray(value))
            except Exception:
                log.exception("a notification callback failed")

        self._notified[characteristic.handle] = forward
        await self._ask(self._need_peer().gatt_client.subscribe(characteristic.obj, forward))

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        """Unsubscribes."""
        forward = self._notified.pop(characteristic.handle)
        await self._ask(self._need_peer().gatt_client.unsubscribe(characteristic.obj, forward))

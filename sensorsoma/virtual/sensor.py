"""A virtual sensor of any kind on the virtual air: advertises, accepts one client, streams what its device produces."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine

from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service

from sensorsoma.clock import Clock
from sensorsoma.decode.driver import BATTERY_LEVEL_UUID, BATTERY_SERVICE_UUID
from sensorsoma.units import NS_PER_S
from sensorsoma.virtual.controller import VirtualController
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice
from sensorsoma.virtual.radio import Radio

log = logging.getLogger(__name__)

QUEUE_FRAMES = 32
"""Notifications that wait for the radio at most; beyond it new ones are dropped and counted."""
ADVERTISING_INTERVAL_MS = 60.0
"""Real milliseconds: how soon a scanner sees it."""
MIN_SLEEP_S = 0.004
"""Real seconds; accelerated runs bundle frames, so that the computer is not woken more often."""
CATCH_UP_FRAMES = 8
"""Notifications handed over at once after the computer was busy elsewhere: a real sensor is never late, so this must
not fill its queue."""

_ATT_HEADER = 3


class VirtualSensor:
    """A sensor that exists only in this process.

    Args:
        radio: the air that it shares with others.
        device: what runs inside; its battery falls by one per cent each ten minutes of streaming.
        clock: session time.
        epoch_ns: session time when the virtual room was opened; the device's `now_s` counts from there.
        address: static random address, `XX:XX:XX:XX:XX:XX`.
        max_mtu: 247 as on common chips; 23 for the smallest. The device may agree to less.
    """

    def __init__(
        self,
        radio: Radio,
        device: VirtualDevice,
        clock: Clock,
        epoch_ns: int,
        *,
        address: str,
        max_mtu: int = 247,
    ) -> None:
        self.device = device
        self.name = device.name
        self.address = address
        self._radio = radio
        self._clock = clock
        self._epoch_ns = epoch_ns
        self._connection: Connection | None = None
        self._pump: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self._ports: dict[str, Characteristic[bytes]] = {}
        self.controller = VirtualController(device.name, radio)
        self._host = Device.from_config_with_hci(
            DeviceConfiguration(
                name=device.name,
                address=hci.Address(address),
                advertising_interval_min=ADVERTISING_INTERVAL_MS,
                advertising_interval_max=ADVERTISING_INTERVAL_MS,
            ),
            self.controller,
            self.controller,
        )
        for uuid, ports in device.services.items():
            self._host.add_service(Service(uuid, [self._characteristic(each) for each in ports]))
        if device.has_battery_service:
            level = Port(BATTERY_LEVEL_UUID, frozenset({"read", "notify"}))
            self._host.add_service(Service(BATTERY_SERVICE_UUID, [self._characteristic(level)]))
        self._host.gatt_server.max_mtu = min(max_mtu, device.max_mtu)
        self._host.advertising_data, self._host.scan_response_data = advertising_data(device.advert)
        self._host.on("connection", self._on_connection)

    # ----------------------------------------------------------------------------------------------------- set-up

    def _characteristic(self, each: Port) -> Characteristic[bytes]:
        flags = {
            "read": Characteristic.Properties.READ,
            "write": Characteristic.Properties.WRITE,
            "write-without-response": Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            "notify": Characteristic.Properties.NOTIFY,
            "indicate": Characteristic.Properties.INDICATE,
        }
        properties = Characteristic.Properties(0)
        for name in each.properties:
            properties |= flags[name]
        value = CharacteristicValue[bytes](
            read=lambda _connection: self._on_read(each.uuid),
            write=lambda connection, data: self._on_write(each.uuid, connection, data),
        )
        permissions = Characteristic.Permissions.READABLE | Characteristic.Permissions.WRITEABLE
        made = Characteristic[bytes](each.uuid, properties, permissions, value)
        made.on("subscription", lambda connection, is_notified, is_indicated: self._on_subscription(
            each.uuid, connection, is_notified or is_indicated
        ))  # fmt: skip
        self._ports[each.uuid] = made
        return made

    async def start(self) -> None:
        """Switches it on: it advertises from now on."""
        await self._host.power_on()
        await self._host.start_advertising()

    async def close(self) -> None:
        """Switches it off."""
        self._stop_pump()
        for task in self._tasks:
            task.cancel()
        await self._host.power_off()

    # ------------------------------------------------------------------------------------------------- for tests

    @property
    def is_connected(self) -> bool:
        """Whether a client holds it."""
        return self._connection is not None

    async def hang_up(self) -> None:
        """Ends the connection from its side, as with an empty battery."""
        if self._connection is not None:
            await self._connection.disconnect()

    async def send_raw(self, payload: bytes) -> None:
        """Notifies any bytes on the first characteristic that notifies."""
        uuid = next(
            each.uuid for ports in self.device.services.values() for each in ports if "notify" in each.properties
        )
        await self._send(Notification(uuid, payload))

    async def set_battery(self, percent: int) -> None:
        """Changes the battery level and tells the client."""
        self.device.battery_percent = percent
        level = self._ports.get(BATTERY_LEVEL_UUID)
        if level is not None:
            await self._host.notify_subscribers(level, bytes([percent]))

    # -------------------------------------------------------------------------------------------------- its life

    def _now_s(self) -> float:
        return (self._clock.now_ns() - self._epoch_ns) / NS_PER_S

    def _on_connection(self, connection: Connection) -> None:
        self._connection = connection
        connection.on("disconnection", self._on_disconnection)

    def _on_disconnection(self, reason: int) -> None:
        log.info("%s: link gone, reason 0x%02x", self.name, reason)
        self._connection = None
        self._stop_pump()
        self.device.stop()
        self._spawn(self._host.start_advertising())

    def _spawn(self, coroutine: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_read(self, uuid: str) -> bytes:
        if uuid == BATTERY_LEVEL_UUID:
            return bytes([self.device.battery_percent])
        try:
            return self.device.on_read(uuid)
        except RefusedError as error:
            raise att.ATT_Error(att.ErrorCode.READ_NOT_PERMITTED) from error
        except Exception as error:
            raise self._fault(error) from error

    def _on_write(self, uuid: str, connection: Connection | None, data: bytes) -> None:
        try:
            answers = self.device.on_write(uuid, bytes(data), self._now_s(), _room_in(connection))
        except RefusedError as error:
            log.info("%s refuses a write: %s", self.name, error)
            raise att.ATT_Error(att.ErrorCode.VALUE_NOT_ALLOWED) from error
        except Exception as error:
            raise self._fault(error) from error
        self._follow_device()
        if answers:
            self._spawn(self._answer(answers))

    def _on_subscription(self, uuid: str, connection: Connection, is_on: bool) -> None:
        if uuid != BATTERY_LEVEL_UUID:
            self.device.on_subscribe(uuid, is_on, self._now_s(), _room_in(connection))
            self._follow_device()

    def _fault(self, error: Exception) -> att.ATT_Error:
        """Anything but an ATT_Error would leave the client waiting for 30 s."""
        log.error("%s failed on a request", self.name, exc_info=error)
        return att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR)

    async def _answer(self, answers: tuple[Notification, ...]) -> None:
        for answer in answers:
            await self._send(answer)

    def _follow_device(self) -> None:
        """Begins or ends to stream, as the device now wants; a stream that goes on is left alone."""
        if not self.device.is_streaming:
            self._stop_pump()
        elif self._pump is None or self._pump.done():
            self._pump = asyncio.get_running_loop().create_task(self._stream())

    def _stop_pump(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _stream(self) -> None:
        """Hands over each packet when it is full; catches up gently when the computer was busy."""
        device = self.device
        began_s = self._now_s()
        while not device.is_through:
            await asyncio.sleep(max(MIN_SLEEP_S, self._clock.real_seconds(device.packet_s / 2)))
            for n_at_once, packet in enumerate(device.due(self._now_s()), start=1):
                if n_at_once % CATCH_UP_FRAMES == 0:
                    await asyncio.sleep(0.005)
                await self._offer(packet)
            minutes = (self._now_s() - began_s) / 60
            if minutes >= 10 and device.battery_percent > 1:
                began_s += 600
                await self.set_battery(device.battery_percent - 1)
        while self._radio.backlog(self.controller) >= QUEUE_FRAMES:  # noqa: ASYNC110 - a queue of the model, no event
            await asyncio.sleep(0.01)
        last = device.last_words()
        if last is not None:
            await self._send(last)

    async def _offer(self, packet: Notification) -> None:
        """To the radio, or away with it when the radio does not keep up."""
        has_room = self._connection is not None and self._radio.backlog(self.controller) < QUEUE_FRAMES
        self.device.account(packet, is_sent=has_room)
        if has_room:
            await self._send(packet)

    async def _send(self, packet: Notification) -> None:
        if self._connection is None:
            return
        characteristic = self._ports[packet.uuid]
        if characteristic.properties & Characteristic.Properties.INDICATE:
            await self._host.indicate_subscriber(self._connection, characteristic, packet.payload)
        else:
            await self._host.notify_subscriber(self._connection, characteristic, packet.payload)


def _room_in(connection: Connection | None) -> int:
    """Bytes that fit into one notification."""
    return (connection.att_mtu if connection is not None else 23) - _ATT_HEADER


def advertising_data(advert: Advert) -> tuple[bytes, bytes]:
    """Advertisement and scan response, 31 bytes each at most: services first, then name, charge and maker.

    Raises:
        ValueError: it does not fit.
    """
    kinds = AdvertisingData
    first: list[tuple[int, bytes]] = [(kinds.FLAGS, bytes([6]))]
    services = b"".join(bytes(core.UUID(uuid)) for uuid in advert.service_uuids)
    if services:
        first.append((kinds.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS, services))
    then: list[tuple[int, bytes]] = [(kinds.COMPLETE_LOCAL_NAME, advert.name.encode())]
    more = [
        (kinds.SERVICE_DATA_16_BIT_UUID, uuid.to_bytes(2, "little") + data)
        for uuid, data in advert.service_data.items()
    ]
    if advert.manufacturer is not None:
        company, data = advert.manufacturer
        more.append((kinds.MANUFACTURER_SPECIFIC_DATA, company.to_bytes(2, "little") + data))
    for item in more:
        (then if len(bytes(AdvertisingData([*then, item]))) <= 31 else first).append(item)
    packed = bytes(AdvertisingData(first)), bytes(AdvertisingData(then))
    if max(map(len, packed)) > 31:
        raise ValueError(f"expected at most 31 bytes to advertise, found {max(map(len, packed))}")
    return packed

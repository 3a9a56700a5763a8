"""A virtual soma_v1 sensor on the virtual air: advertises, accepts one client, streams what its firmware produces."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import Coroutine

from bumble import att, core, hci
from bumble.core import AdvertisingData
from bumble.device import Connection, Device, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service

from sensorsoma.clock import Clock
from sensorsoma.decode.soma_v1 import FrameError
from sensorsoma.decode.soma_v1_control import (
    BATTERY_LEVEL_UUID,
    BATTERY_SERVICE_UUID,
    CONTROL_UUID,
    DATA_UUID,
    INFO_UUID,
    SERVICE_UUID,
)
from sensorsoma.units import NS_PER_S
from sensorsoma.virtual.controller import VirtualController
from sensorsoma.virtual.firmware import Firmware
from sensorsoma.virtual.radio import Radio

log = logging.getLogger(__name__)

QUEUE_FRAMES = 32
"""Frames that wait for the radio at most; beyond it new ones are dropped and counted."""
ADVERTISING_INTERVAL_MS = 60.0
"""Real milliseconds: how soon a scanner sees it."""
MIN_SLEEP_S = 0.004
"""Real seconds; accelerated runs bundle frames, so that the computer is not woken more often."""
CATCH_UP_FRAMES = 8
"""Frames handed over at once after the computer was busy elsewhere: a real sensor is never late, so this must not
fill its queue."""


class VirtualSensor:
    """A sensor that exists only in this process.

    Args:
        radio: the air that it shares with others.
        firmware: what it does.
        clock: session time.
        epoch_ns: session time when the virtual room was opened; the firmware's `now_s` counts from there.
        name: advertised.
        address: static random address, `XX:XX:XX:XX:XX:XX`.
        battery_percent: at the start; falls by one each ten minutes of streaming.
        max_mtu: 247 as on common chips; 23 for the smallest.
    """

    def __init__(
        self,
        radio: Radio,
        firmware: Firmware,
        clock: Clock,
        epoch_ns: int,
        *,
        name: str,
        address: str,
        battery_percent: int = 87,
        max_mtu: int = 247,
    ) -> None:
        self.name = name
        self.address = address
        self.firmware = firmware
        self.battery_percent = battery_percent
        self._radio = radio
        self._clock = clock
        self._epoch_ns = epoch_ns
        self._max_mtu = max_mtu
        self._connection: Connection | None = None
        self._pump: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[object]] = set()
        self.controller = VirtualController(name, radio)
        self._device = Device.from_config_with_hci(
            DeviceConfiguration(
                name=name,
                address=hci.Address(address),
                advertising_interval_min=ADVERTISING_INTERVAL_MS,
                advertising_interval_max=ADVERTISING_INTERVAL_MS,
            ),
            self.controller,
            self.controller,
        )
        self._build_gatt()
        self._device.on("connection", self._on_connection)

    # ----------------------------------------------------------------------------------------------------- set-up

    def _build_gatt(self) -> None:
        properties, permissions = Characteristic.Properties, Characteristic.Permissions
        self._data = Characteristic[bytes](DATA_UUID, properties.NOTIFY, permissions.READABLE)
        read, write = properties.READ, properties.WRITE
        level = CharacteristicValue[bytes](read=lambda _connection: bytes([self.battery_percent]))
        self._battery = Characteristic[bytes](BATTERY_LEVEL_UUID, read | properties.NOTIFY, permissions.READABLE, level)
        obey = CharacteristicValue[bytes](write=self._on_control)
        control = Characteristic[bytes](CONTROL_UUID, write, permissions.WRITEABLE, obey)
        tell = CharacteristicValue[bytes](read=lambda _connection: self.firmware.info.to_bytes())
        info = Characteristic[bytes](INFO_UUID, read, permissions.READABLE, tell)
        self._device.add_service(Service(SERVICE_UUID, [self._data, control, info]))
        self._device.add_service(Service(BATTERY_SERVICE_UUID, [self._battery]))
        self._device.gatt_server.max_mtu = self._max_mtu
        uuid_list = AdvertisingData.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS
        self._device.advertising_data = bytes(
            AdvertisingData([(AdvertisingData.FLAGS, bytes([6])), (uuid_list, bytes(core.UUID(SERVICE_UUID)))])
        )
        battery_data = struct.pack("<HB", 0x180F, self.battery_percent)
        self._device.scan_response_data = bytes(
            AdvertisingData([
                (AdvertisingData.COMPLETE_LOCAL_NAME, self.name.encode()),
                (AdvertisingData.SERVICE_DATA_16_BIT_UUID, battery_data),
            ])
        )  # fmt: skip

    async def start(self) -> None:
        """Switches it on: it advertises from now on."""
        await self._device.power_on()
        await self._device.start_advertising()

    async def close(self) -> None:
        """Switches it off."""
        self._stop_pump()
        for task in self._tasks:
            task.cancel()
        await self._device.power_off()

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
        """Notifies any bytes on the data characteristic."""
        if self._connection is not None:
            await self._device.notify_subscriber(self._connection, self._data, payload)

    async def set_battery(self, percent: int) -> None:
        """Changes the battery level and tells the client."""
        self.battery_percent = percent
        await self._device.notify_subscribers(self._battery, bytes([percent]))

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
        self.firmware.stop()
        self._spawn(self._device.start_advertising())

    def _spawn(self, coroutine: Coroutine[object, object, object]) -> None:
        task: asyncio.Task[object] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_control(self, connection: Connection | None, value: bytes) -> None:
        mtu = connection.att_mtu if connection is not None else 23
        try:
            self.firmware.command(value, self._now_s(), max_payload=mtu - 3)
        except FrameError as error:
            log.info("%s refuses a command: %s", self.name, error)
            raise att.ATT_Error(att.ErrorCode.VALUE_NOT_ALLOWED) from error
        except Exception as error:  # anything but an ATT_Error would leave the client waiting for 30 s
            log.exception("%s failed on a command", self.name)
            raise att.ATT_Error(att.ErrorCode.UNLIKELY_ERROR) from error
        self._stop_pump()
        if self.firmware.is_streaming:
            self._pump = asyncio.get_running_loop().create_task(self._stream())

    def _stop_pump(self) -> None:
        if self._pump is not None:
            self._pump.cancel()
            self._pump = None

    async def _stream(self) -> None:
        """Hands over each frame when it is full; catches up gently when the computer was busy."""
        firmware = self.firmware
        began_s = self._now_s()
        while not firmware.is_through:
            await asyncio.sleep(max(MIN_SLEEP_S, self._clock.real_seconds(firmware.frame_s / 2)))
            for n_at_once, payload in enumerate(firmware.frames_until(self._now_s()), start=1):
                if n_at_once % CATCH_UP_FRAMES == 0:
                    await asyncio.sleep(0.005)
                await self._offer(payload)
            minutes = (self._now_s() - began_s) / 60
            if minutes >= 10 and self.battery_percent > 1:
                began_s += 600
                await self.set_battery(self.battery_percent - 1)
        while self._radio.backlog(self.controller) >= QUEUE_FRAMES:  # noqa: ASYNC110 - a queue of the model, no event
            await asyncio.sleep(0.01)
        await self.send_raw(firmware.last_frame())

    async def _offer(self, payload: bytes) -> None:
        """To the radio, or away with it when the radio does not keep up."""
        has_room = self._connection is not None and self._radio.backlog(self.controller) < QUEUE_FRAMES
        self.firmware.account(payload, is_sent=has_room)
        if has_room:
            await self.send_raw(payload)

"""The client's side of the virtual link: a Bluetooth host on bumble, and bleak backends that use it."""

from __future__ import annotations

import asyncio
import itertools

from bleak.exc import BleakError
from bumble import hci
from bumble.device import ConnectionParametersPreferences, Device, DeviceConfiguration
from bumble.transport import open_transport
from bumble.transport.common import Transport, TransportSink, TransportSource

from sensorsoma.virtual.bleak_client import BumbleClient
from sensorsoma.virtual.bleak_scanner import BumbleScanner
from sensorsoma.virtual.controller import VirtualController
from sensorsoma.virtual.radio import Radio

_host_numbers = itertools.count(1)


class BumbleAdapter:
    """A Bluetooth host for one event loop.

    Args:
        source: where HCI events come from.
        sink: where HCI commands go to.
        transport: closed with the adapter.
        interval_ms: connection interval that it asks for, session milliseconds; 15 is what phones and laptops allow.
        supervision_timeout_ms: silence after which a link is lost, session milliseconds.
    """

    def __init__(
        self,
        source: TransportSource,
        sink: TransportSink,
        transport: Transport | None = None,
        *,
        interval_ms: float = 15.0,
        supervision_timeout_ms: float = 2000.0,
    ) -> None:
        self._transport = transport
        configuration = DeviceConfiguration(name="SensorSoma", address=hci.Address.generate_static_address())
        self.device = Device.from_config_with_hci(configuration, source, sink)
        self._preferences = ConnectionParametersPreferences(
            connection_interval_min=interval_ms,
            connection_interval_max=interval_ms,
            supervision_timeout=round(supervision_timeout_ms),
        )
        self._terminated: asyncio.Future[object] | None = getattr(source, "terminated", None)
        self._n_scanning = 0

    @classmethod
    async def open(cls, hci_name: str, interval_ms: float = 15.0) -> BumbleAdapter:
        """An adapter on any bumble transport, for example `tcp-client:127.0.0.1:9101`."""
        transport = await open_transport(hci_name)
        adapter = cls(transport.source, transport.sink, transport, interval_ms=interval_ms)
        await adapter.device.power_on()
        return adapter

    @classmethod
    async def on_radio(cls, radio: Radio, interval_ms: float = 15.0) -> BumbleAdapter:
        """An adapter within the process of the virtual sensors."""
        controller = VirtualController(f"host {next(_host_numbers)}", radio)
        adapter = cls(controller, controller, interval_ms=interval_ms)
        await adapter.device.power_on()
        return adapter

    @property
    def connection_preferences(self) -> dict[hci.Phy, ConnectionParametersPreferences]:
        """What is asked for when connecting."""
        return {hci.HCI_LE_1M_PHY: self._preferences}

    @property
    def is_gone(self) -> bool:
        """Whether the other end of the transport has vanished, as when a dongle is pulled out."""
        return self._terminated is not None and self._terminated.done()

    async def start_scanning(self, is_active: bool) -> None:
        """Scans until as many have stopped as started."""
        if self.is_gone:
            raise BleakError("the virtual adapter has gone away")
        self._n_scanning += 1
        if self._n_scanning == 1:
            await self.device.start_scanning(active=is_active)

    async def stop_scanning(self) -> None:
        """One less who wants to scan."""
        self._n_scanning -= 1
        if self._n_scanning == 0 and not self.is_gone:
            await self.device.stop_scanning()

    def backends(self) -> tuple[type[BumbleScanner], type[BumbleClient]]:
        """Classes for `BleakScanner(backend=...)` and `BleakClient(backend=...)` on this adapter."""
        scanner = type("BumbleScannerHere", (BumbleScanner,), {"adapter": self})
        client = type("BumbleClientHere", (BumbleClient,), {"adapter": self, "scanner_class": scanner})
        return scanner, client

    async def close(self) -> None:
        """Hangs up everywhere and leaves the air."""
        if not self.is_gone:
            for connection in list(self.device.connections.values()):
                await connection.disconnect()
            await self.device.power_off()
        if self._transport is not None:
            await self._transport.close()

"""Looking for sensors: everything in reach, or the one that a source wants."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from bleak import BleakScanner
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from sensorsoma.decode.driver import BATTERY_SERVICE_UUID
from sensorsoma.messages import PLACEMENTS
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.faults import bluetooth_errors
from sensorsoma.sources.ble.kinds import Kind, kind_of

SETTLE_S = 1.0
"""Real seconds to go on listening after a first sensor that is not named for the place: a better one may follow."""
STACK_S = 10.0
"""Real seconds that a Bluetooth stack may take to start or stop a scan."""


@dataclass(frozen=True, slots=True)
class Found:
    """A sensor in reach."""

    name: str
    """As advertised; the address when it has no name."""
    address: str
    """Bluetooth address; on a Mac an identifier that is valid on that Mac only."""
    kind: Kind
    rssi_dbm: int
    battery_percent: int | None
    """None unless it is advertised."""
    device: BLEDevice
    """What bleak connects to."""


OnFound = Callable[[Found], None]


async def scan(door: Door, within_s: float = 5.0) -> list[Found]:
    """All usable sensors heard within `within_s` real seconds, strongest first.

    Args:
        door: which air.
        within_s: how long to listen.

    Raises:
        BluetoothUnavailableError: no adapter, switched off, or not permitted.
    """
    found: dict[str, Found] = {}

    def remember(each: Found) -> None:
        found[each.address] = each

    async with door.radio_lock, _listening(door, _recognise(door), remember):
        await asyncio.sleep(within_s)
    return sorted(found.values(), key=lambda each: -each.rssi_dbm)


async def find(door: Door, kind: Kind | None, channel: str, wanted: str | None, within_s: float) -> Found | None:
    """The sensor that a channel should take, or None. The caller holds the radio lock.

    With `wanted` (an address or a name) only that one. Otherwise a sensor that carries the channel's name, or, after a
    moment, the strongest one that nobody else holds or is named for. With `kind` only sensors of that kind; one that is
    wanted by its address is then taken for that kind, whatever it calls itself.
    """
    recognise = _recognise(door) if kind is None else _as_kind(kind, wanted)
    heard: dict[str, Found] = {}
    is_sure, is_any = asyncio.Event(), asyncio.Event()

    def look(each: Found) -> None:
        if not _is_free(door, each, channel):
            return
        if wanted is not None:
            if wanted.lower() not in (each.address.lower(), each.name.lower()):
                return
            is_sure.set()
        elif channel in _placements_in(each.name):
            is_sure.set()
        elif any(other in door.wanted for other in _placements_in(each.name)):
            return
        heard[each.address] = each
        is_any.set()

    async with _listening(door, recognise, look):
        if await _happens(is_any, within_s):
            await _happens(is_sure, SETTLE_S)
    ranked = sorted(heard.values(), key=lambda each: (channel not in _placements_in(each.name), -each.rssi_dbm))
    return ranked[0] if ranked else None


def _is_free(door: Door, found: Found, channel: str) -> bool:
    return door.claims.get(found.address, channel) == channel


def _placements_in(name: str) -> Sequence[str]:
    return [placement for placement in PLACEMENTS if placement in name.lower()]


async def _happens(event: asyncio.Event, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            await event.wait()
    except TimeoutError:
        return False
    return True


Recognise = Callable[[BLEDevice, AdvertisementData], Kind | None]
"""Which kind an advertisement comes from; None for those that are of no use."""


def _recognise(door: Door) -> Recognise:
    return lambda device, data: kind_of(data.local_name or device.name, data.service_uuids, door.boards)


def _as_kind(kind: Kind, wanted: str | None) -> Recognise:
    def recognise(device: BLEDevice, data: AdvertisementData) -> Kind | None:
        name = data.local_name or device.name
        is_wanted = wanted is not None and wanted.lower() in (device.address.lower(), (name or "").lower())
        return kind if is_wanted or kind.driver.is_heard_in(name, data.service_uuids) else None

    return recognise


@asynccontextmanager
async def _listening(door: Door, recognise: Recognise, on_found: OnFound) -> AsyncIterator[None]:
    """Scans while the block runs."""

    def on_advertisement(device: BLEDevice, data: AdvertisementData) -> None:
        kind = recognise(device, data)
        if kind is None:
            return
        battery = data.service_data.get(BATTERY_SERVICE_UUID)
        percent = battery[0] if battery else None
        name = data.local_name or device.name or device.address
        on_found(Found(name, device.address, kind, data.rssi, percent, device))

    with bluetooth_errors():
        # no filter: most sensors do not advertise their service
        scanner = BleakScanner(on_advertisement, **door.backend(door.scanner_class))
        async with asyncio.timeout(STACK_S):
            await scanner.start()
    try:
        yield
    finally:
        with bluetooth_errors():
            async with asyncio.timeout(STACK_S):
                await scanner.stop()

"""bleak's scanner interface on a bumble host."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from bleak.backends.scanner import AdvertisementData, AdvertisementDataCallback, BaseBleakScanner
from bleak.uuids import normalize_uuid_str
from bumble import core
from bumble.core import AdvertisingData
from bumble.device import Advertisement

if TYPE_CHECKING:
    from sensorsoma.virtual.adapter import BumbleAdapter

_Kind = AdvertisingData.Type
_UUID_OCTETS = {
    _Kind.INCOMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Kind.COMPLETE_LIST_OF_16_BIT_SERVICE_CLASS_UUIDS: 2,
    _Kind.INCOMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
    _Kind.COMPLETE_LIST_OF_128_BIT_SERVICE_CLASS_UUIDS: 16,
}
_SERVICE_DATA_OCTETS = {_Kind.SERVICE_DATA_16_BIT_UUID: 2, _Kind.SERVICE_DATA_128_BIT_UUID: 16}


def uuid_text(uuid: core.UUID) -> str:
    """A bumble UUID as bleak writes it: 128 bits, lower case."""
    return normalize_uuid_str(uuid.to_hex_str("-"))


def _uuid_of(raw: bytes) -> str:
    return uuid_text(core.UUID.from_bytes(raw))


@dataclass(slots=True)
class _Heard:
    """All that one device has said; advertisement and scan response come apart."""

    name: str | None = None
    uuids: list[str] = field(default_factory=list)
    manufacturer: dict[int, bytes] = field(default_factory=dict)
    service: dict[str, bytes] = field(default_factory=dict)
    tx_power: int | None = None

    def take(self, kind: int, raw: bytes) -> None:
        """One AD structure."""
        if kind in (_Kind.COMPLETE_LOCAL_NAME, _Kind.SHORTENED_LOCAL_NAME):
            self.name = raw.decode("utf-8", "replace")
        elif kind == _Kind.TX_POWER_LEVEL and raw:
            self.tx_power = struct.unpack("b", raw[:1])[0]
        elif kind == _Kind.MANUFACTURER_SPECIFIC_DATA and len(raw) >= 2:
            self.manufacturer[int.from_bytes(raw[:2], "little")] = bytes(raw[2:])
        elif (n := _UUID_OCTETS.get(_Kind(kind))) is not None:
            found = [_uuid_of(raw[i : i + n]) for i in range(0, len(raw) - n + 1, n)]
            self.uuids += [uuid for uuid in found if uuid not in self.uuids]
        elif (n := _SERVICE_DATA_OCTETS.get(_Kind(kind))) is not None and len(raw) >= n:
            self.service[_uuid_of(raw[:n])] = bytes(raw[n:])


class BumbleScanner(BaseBleakScanner):
    """Scans with the adapter that `BumbleAdapter.backends` has put into `adapter`."""

    adapter: ClassVar[BumbleAdapter]

    def __init__(
        self,
        detection_callback: AdvertisementDataCallback | None,
        service_uuids: list[str] | None,
        scanning_mode: Literal["active", "passive"],
        **_: Any,
    ) -> None:
        super().__init__(detection_callback, service_uuids)
        self._is_active = scanning_mode == "active"
        self._heard: dict[str, _Heard] = {}

    async def start(self) -> None:
        """Starts to listen."""
        self.seen_devices = {}
        self._heard.clear()
        self.adapter.device.on("advertisement", self._on_advertisement)
        await self.adapter.start_scanning(self._is_active)

    async def stop(self) -> None:
        """Stops listening."""
        self.adapter.device.remove_listener("advertisement", self._on_advertisement)
        await self.adapter.stop_scanning()

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        address = advertisement.address.to_string(with_type_qualifier=False)
        heard = self._heard.setdefault(address, _Heard())
        for kind, raw in advertisement.data.ad_structures:
            heard.take(int(kind), raw)
        if not self.is_allowed_uuid(heard.uuids):
            return
        data = AdvertisementData(
            local_name=heard.name,
            manufacturer_data=dict(heard.manufacturer),
            service_data=dict(heard.service),
            service_uuids=list(heard.uuids),
            tx_power=heard.tx_power,
            rssi=advertisement.rssi,
            platform_data=(advertisement,),
        )
        device = self.create_or_update_device(address, address, heard.name, advertisement.address, data)
        self.call_detection_callbacks(device, data)

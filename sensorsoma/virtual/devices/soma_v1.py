"""A virtual soma_v1 sensor: its GATT around the firmware in `virtual/firmware.py`."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import ClassVar

from sensorsoma.decode.soma_v1_control import CONTROL_UUID, DATA_UUID, INFO_UUID, SERVICE_UUID
from sensorsoma.decode.soma_v1_frame import FrameError
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice, port
from sensorsoma.virtual.firmware import Firmware
from sensorsoma.virtual.waveform import Waveform

BATTERY_SERVICE = 0x180F


class SomaV1Device(VirtualDevice):
    """A sensor as `firmware_notes/soma_v1.md` wants it."""

    kind = "soma_v1"
    default_name = "Soma"
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        SERVICE_UUID: (port(DATA_UUID, "notify"), port(CONTROL_UUID, "write"), port(INFO_UUID, "read"))
    }

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self.firmware = Firmware(waveform, clock_offset_s)

    @property
    def advert(self) -> Advert:
        """Name, service and charge."""
        battery = {BATTERY_SERVICE: struct.pack("<B", self.battery_percent)}
        return Advert(self.name, (SERVICE_UUID,), battery)

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        """Start, stop, identify."""
        if uuid != CONTROL_UUID:
            return super().on_write(uuid, data, now_s, max_payload)
        try:
            self.firmware.command(data, now_s, max_payload)
        except FrameError as error:
            raise RefusedError(str(error)) from error
        self._follow()
        return ()

    def on_read(self, uuid: str) -> bytes:
        """The information record."""
        return self.firmware.info.to_bytes() if uuid == INFO_UUID else super().on_read(uuid)

    def stop(self) -> None:
        """Ends streaming; the counters stay readable."""
        self.firmware.stop()
        self._follow()

    @property
    def packet_s(self) -> float:
        """How long a frame takes to fill."""
        return self.firmware.frame_s

    def due(self, now_s: float) -> Iterator[Notification]:
        """Frames that have become full by `now_s`."""
        for frame in self.firmware.frames_until(now_s):
            yield Notification(DATA_UUID, frame, n_samples=frame[1])
        self._follow()

    def account(self, notification: Notification, *, is_sent: bool) -> None:
        """The firmware counts, since its frames tell what was dropped."""
        self.firmware.account(notification.payload, is_sent=is_sent)
        self._follow()

    def last_words(self) -> Notification:
        """The report that says that nothing more will come."""
        return Notification(DATA_UUID, self.firmware.last_frame())

    def _follow(self) -> None:
        firmware = self.firmware
        self.is_streaming, self.is_through = firmware.is_streaming, firmware.is_through
        self.sent, self.dropped = firmware.sent, firmware.dropped

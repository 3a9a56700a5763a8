"""Virtual boards of one's own: one that packs numbers, one that writes lines. Each carries the table that reads it."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from sensorsoma.decode.generic_board import UART_FROM_BOARD_UUID, UART_SERVICE_UUID, UART_TO_BOARD_UUID
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice, port
from sensorsoma.virtual.waveform import Waveform

_SERVICE = "5a0e0001-70f1-4d3c-9c2e-3b1d6a2f9c10"
_DATA = "5a0e0002-70f1-4d3c-9c2e-3b1d6a2f9c10"
_CONTROL = "5a0e0003-70f1-4d3c-9c2e-3b1d6a2f9c10"


class PackingBoard(VirtualDevice):
    """A sketch that sends four samples at once, with the time and the number of the first, after a start command."""

    kind: ClassVar[str] = "generic"
    default_name: ClassVar[str] = "MyNano"
    table: ClassVar[Mapping[str, Any]] = {
        "name": "MyNano",
        "format": "struct",
        "characteristic": _DATA,
        "control": _CONTROL,
        "start": "01",
        "stop": "00",
        "head": "<IH",
        "head_fields": ["t_us", "n"],
        "layout": "<6h",
        "fields": ["ax", "ay", "az", "gx", "gy", "gz"],
        "samples_per_packet": 4,
        "acc_unit": "g",
        "acc_scale": 8 / 32768,
        "gyr_unit": "dps",
        "gyr_scale": 500 / 32768,
        "rate_hz": 100,
    }
    """What stands in the config file under `[boards.NAME]`."""
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {_SERVICE: (port(_DATA, "notify"), port(_CONTROL, "write"))}

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self._number = 0

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        """Start and stop."""
        if uuid != _CONTROL or data not in (b"\x01", b"\x00"):
            return super().on_write(uuid, data, now_s, max_payload)
        if data == b"\x00":
            self.stop()
        elif max_payload < 6 + 12 * 4:
            raise RefusedError(f"expected room for {6 + 12 * 4} bytes, found {max_payload}")
        else:
            self._number = 0
            self.begin(now_s, 100.0, 4)
        return ()

    def pack(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats) -> tuple[Notification, ...]:
        """Head and rows."""
        head = struct.pack("<IH", round(t_s[0] * 1e6) % 2**32, self._number % 2**16)
        self._number += len(t_s)
        acc_lsb = acc_sensor_mps2 * (32768 / 8 / STANDARD_GRAVITY_MPS2)
        gyr_lsb = gyr_sensor_radps * (32768 / 500 / DEG)
        rows = np.clip(np.rint(np.hstack((acc_lsb, gyr_lsb))), -32768, 32767).astype("<i2")
        if len(rows) < 4:
            return ()  # the sketch waits for four
        return (Notification(_DATA, head + rows.tobytes(), n_samples=len(rows)),)


class WritingBoard(VirtualDevice):
    """A sketch that prints a line for each sample to the Nordic UART, twenty bytes in a notification."""

    kind: ClassVar[str] = "generic"
    default_name: ClassVar[str] = "MyXiao"
    table: ClassVar[Mapping[str, Any]] = {
        "name": "MyXiao",
        "format": "text",
        "fields": ["t_ms", "ax", "ay", "az", "gx", "gy", "gz"],
        "acc_unit": "mps2",
        "gyr_unit": "dps",
    }
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        UART_SERVICE_UUID: (
            port(UART_TO_BOARD_UUID, "write", "write-without-response"),
            port(UART_FROM_BOARD_UUID, "notify"),
        )
    }
    _CHUNK: ClassVar[int] = 20

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self._rest = b""

    @property
    def advert(self) -> Advert:
        """Name and UART service."""
        return Advert(self.name, (UART_SERVICE_UUID,))

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:  # noqa: ARG002 - pieces are always short
        """Prints as long as somebody listens."""
        if uuid == UART_FROM_BOARD_UUID:
            self._rest = b""
            if is_on:
                self.begin(now_s, 50.0, 1)
            else:
                self.stop()

    def pack(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats) -> tuple[Notification, ...]:
        """A line, cut into pieces; what does not fill a piece waits for the next line."""
        rows = np.hstack((acc_sensor_mps2, gyr_sensor_radps / DEG))
        for at_s, row in zip(t_s.tolist(), rows.tolist(), strict=True):
            numbers = ",".join(f"{value:.3f}" for value in row)
            self._rest += f"{round(at_s * 1000) % 2**32},{numbers}\r\n".encode()
        pieces = []
        while len(self._rest) >= self._CHUNK:
            piece, self._rest = self._rest[: self._CHUNK], self._rest[self._CHUNK :]
            pieces.append(Notification(UART_FROM_BOARD_UUID, piece, n_samples=piece.count(b"\n")))
        return tuple(pieces)

    def last_words(self) -> Notification | None:
        """The end of the last line."""
        return Notification(UART_FROM_BOARD_UUID, self._rest) if self._rest else None

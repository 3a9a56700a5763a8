"""A virtual Movesense: subscriptions by reference, frames in one part or two, status words in either byte order."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal

import numpy as np

from sensorsoma.decode.movesense_control import COMMAND_UUID, DATA_UUID, SERVICE_UUID
from sensorsoma.decode.movesense_frame import (
    BLOCKS,
    DATA,
    DATA_PART2,
    GET,
    HELLO,
    RESULT,
    SPLIT_AT,
    SUBSCRIBE,
    UNSUBSCRIBE,
)
from sensorsoma.messages import Floats
from sensorsoma.units import DEG
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice, port
from sensorsoma.virtual.waveform import Waveform

RATES_HZ = (13, 26, 52, 104, 208, 416, 833, 1666)
FRAMES_PER_S = 13
"""At any rate: a frame holds 77 ms."""
N_SUBSCRIPTIONS = 4

FirmwareKind = Literal["default", "sample"]
"""As sold since 2.3.0, or the vendor's sample application, which knows fewer commands and says less."""


class MovesenseDevice(VirtualDevice):
    """A Movesense with GSP. One rate at a time: a second subscription at another rate is refused.

    Args:
        waveform: what it measures.
        name: advertised.
        clock_offset_s: its clock when the virtual room was opened.
        battery_percent: at the start; told when asked.
        firmware: which of the two it runs.
        refused: paths that it does not have.
        loses_second_parts: as firmware before 2.2.1 does.
    """

    kind = "movesense"
    default_name = "Movesense 200000000001"
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        SERVICE_UUID: (port(COMMAND_UUID, "write"), port(DATA_UUID, "notify"))
    }
    has_battery_service = False
    max_mtu = 161

    def __init__(
        self,
        waveform: Waveform,
        name: str = "",
        clock_offset_s: float = 0.0,
        battery_percent: int = 87,
        *,
        firmware: FirmwareKind = "default",
        refused: tuple[str, ...] = (),
        loses_second_parts: bool = False,
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self.subscriptions: dict[int, str] = {}
        """Reference → path."""
        self._is_sample_firmware = firmware == "sample"
        self._refused = refused
        self._loses_second_parts = loses_second_parts
        self._max_payload = 20
        self._subscribed_hz = 0
        self._is_cut = False
        """The first part of a frame was thrown away; its second part stays at home."""

    @property
    def advert(self) -> Advert:
        """The name alone: 128 bits of service do not fit beside it."""
        return Advert(self.name)

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:  # noqa: ARG002 - what is heard does not matter
        """Learns how much fits into a notification."""
        self._max_payload = max_payload

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        """Hello, subscribe, unsubscribe, and get of the charge."""
        if uuid != COMMAND_UUID or len(data) < 2:
            raise RefusedError(f"expected a command with a reference, found {data.hex()} for {uuid}")
        self._max_payload = max_payload
        code, ref, text = data[0], data[1], data[2:].rstrip(b"\0").decode("ascii", "replace")
        if code == HELLO:
            return self._result(ref, self._hello())
        if code == SUBSCRIBE:
            return self._subscribe(ref, text, now_s)
        if code == UNSUBSCRIBE:
            return self._unsubscribe(ref)
        if code == GET and not self._is_sample_firmware:
            is_known = text == "/System/Energy/Level"
            return self._result(ref, struct.pack("<HB", 200, self.battery_percent) if is_known else b"\x94\x01")
        return ()

    def stop(self) -> None:
        """Forgets all subscriptions: the client went away."""
        self.subscriptions.clear()
        super().stop()

    def due(self, now_s: float) -> Iterator[Notification]:
        """Frames that have become full; what is longer than the link allows cannot be sent."""
        for notification in super().due(now_s):
            is_second = notification.payload[0] == DATA_PART2
            is_away = is_second and (self._is_cut or self._loses_second_parts)
            if is_away or len(notification.payload) > self._max_payload:
                self.account(notification, is_sent=False)
            else:
                yield notification

    def account(self, notification: Notification, *, is_sent: bool) -> None:
        """Counts a frame by its last part, and notices a first part that went nowhere."""
        super().account(notification, is_sent=is_sent)
        if notification.payload[0] == DATA:
            self._is_cut = not is_sent

    def pack(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats) -> tuple[Notification, ...]:
        """The frame for each subscription: stamp of the first sample, then one sensor after the other."""
        stamp = struct.pack("<I", int(t_s[0] * 1000) % 2**32)
        values = {"acc": acc_sensor_mps2, "gyr": gyr_sensor_radps / DEG, "magn": np.zeros_like(acc_sensor_mps2)}
        out: list[Notification] = []
        for ref, path in self.subscriptions.items():
            blocks = BLOCKS[path.split("/")[2]]
            body = stamp + b"".join(values[block].astype("<f4").tobytes() for block in blocks)
            first, rest = body[:SPLIT_AT], body[SPLIT_AT:]
            out.append(Notification(DATA_UUID, bytes([DATA, ref]) + first, 0 if rest else len(t_s)))
            if rest:
                out.append(Notification(DATA_UUID, bytes([DATA_PART2, ref]) + rest, len(t_s)))
        return tuple(out)

    # ---------------------------------------------------------------------------------------------------- answers

    def _result(self, ref: int, body: bytes) -> tuple[Notification, ...]:
        return (Notification(DATA_UUID, bytes([RESULT, ref]) + body),)

    def _status(self, ref: int, status: int) -> tuple[Notification, ...]:
        """The sample firmware only speaks when it has no room, and turns the bytes round."""
        if not self._is_sample_firmware:
            return self._result(ref, struct.pack("<H", status))
        return self._result(ref, struct.pack(">H", status)) if status == 507 else ()

    def _hello(self) -> bytes:
        if self._is_sample_firmware:
            return b"Hello"
        names = (self.name.split()[-1], "Movesense virtual", "00-00-00-00-00-00", "virtual GSP", "2.3.0")
        return b"\x01" + b"".join(name.encode() + b"\0" for name in names)

    def _subscribe(self, ref: int, path: str, now_s: float) -> tuple[Notification, ...]:
        rate_hz = _rate_of(path) if path not in self._refused else None
        if rate_hz is None:
            return self._status(ref, 404)
        if ref in self.subscriptions:
            return self._status(ref, 409)
        if len(self.subscriptions) == N_SUBSCRIPTIONS:
            return self._status(ref, 507)
        if self.subscriptions and rate_hz != self._subscribed_hz:
            return self._status(ref, 503)
        if not self.subscriptions:
            self._subscribed_hz = rate_hz
            self.begin(now_s, rate_hz, max(1, rate_hz // FRAMES_PER_S))
        self.subscriptions[ref] = path
        return self._status(ref, 200)

    def _unsubscribe(self, ref: int) -> tuple[Notification, ...]:
        if self.subscriptions.pop(ref, None) is None:
            return self._status(ref, 404)
        if not self.subscriptions:
            super().stop()
        return self._status(ref, 200)


def _rate_of(path: str) -> int | None:
    """Hz of a resource of the motion sensors; None for anything else."""
    parts = path.split("/")
    if len(parts) != 4 or parts[:2] != ["", "Meas"] or parts[2] not in BLOCKS or not parts[3].isdecimal():
        return None
    return int(parts[3]) if int(parts[3]) in RATES_HZ else None

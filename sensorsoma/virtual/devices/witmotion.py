"""A virtual WitMotion sensor: streams when listened to, 10 Hz until told otherwise, settings behind an unlock.

Facts: `firmware_notes/witmotion.md`. Like the real one it knows no packet boundaries at higher rates: several frames
share a notification and one may be cut by two.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensorsoma.decode.witmotion import COMMAND_UUID, DATA_UUID, SERVICE_UUID, UNLOCK
from sensorsoma.decode.witmotion_frame import (
    ANSWER_HEAD,
    BATTERY_PERCENT,
    RATES_HZ,
    REGISTER_BATTERY,
    REGISTER_RATE,
    SAMPLE_HEAD,
    SHORT,
)
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.base import Advert, Notification, Port, VirtualDevice, port
from sensorsoma.virtual.waveform import Waveform

UNLOCKED_S = 10.0
"""How long settings may be changed after an unlock."""
_READ = 0x27
_SAVE = 0x00
_CUT = 44
"""Bytes of a notification above 10 Hz: two frames and a piece of the third."""
_COLLECT_S = 0.04
"""How much it collects before it sends."""


class WitMotionDevice(VirtualDevice):
    """Speaks WitMotion's byte stream; takes no notice of settings while it is locked."""

    kind: ClassVar[str] = "witmotion"
    default_name: ClassVar[str] = "WT901BLE68"
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        SERVICE_UUID: (port(DATA_UUID, "notify"), port(COMMAND_UUID, "write", "write-without-response")),
    }
    has_battery_service: ClassVar[bool] = False

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self.rate_code = 0x06
        """Register 03; lost when it is switched off."""
        self.n_saves = 0
        """How often its flash was written."""
        self._unlocked_until_s = -np.inf
        self._queue = bytearray()
        self._max_payload = SHORT

    @property
    def advert(self) -> Advert:
        """The name only: most of these sensors do not advertise their service."""
        return Advert(self.name)

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:
        """Streams as long as somebody listens."""
        if uuid != DATA_UUID:
            return
        self._queue.clear()
        self._max_payload = max_payload
        if is_on:
            self._begin(now_s)
        else:
            self.stop()

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:  # noqa: ARG002 - answers wait in the queue
        """Obeys a command of five bytes; others, and settings while locked, are ignored as the real one does.

        Answers join the stream.
        """
        if uuid != COMMAND_UUID or len(data) != 5 or data[:2] != b"\xff\xaa":
            return ()
        if data == UNLOCK:
            self._unlocked_until_s = now_s + UNLOCKED_S
        elif data[2] == _READ:
            self._queue += self._answer(data[3])
        elif now_s < self._unlocked_until_s:
            self._set(data[2], data[3] | data[4] << 8, now_s)
        return ()

    def pack(
        self,
        t_s: Floats,  # noqa: ARG002 - it sends no time
        acc_sensor_mps2: Floats,
        gyr_sensor_radps: Floats,
    ) -> tuple[Notification, ...]:
        """Frames into the queue, and out of it what fills a notification."""
        acc_lsb = acc_sensor_mps2 * (32768.0 / 16.0 / STANDARD_GRAVITY_MPS2)
        gyr_lsb = gyr_sensor_radps * (32768.0 / 2000.0 / DEG)
        rows = np.hstack((acc_lsb, gyr_lsb, np.zeros_like(acc_lsb)))
        for row in np.clip(np.rint(rows), -32768, 32767).astype("<i2"):
            self._queue += SAMPLE_HEAD + row.tobytes()
        size = _CUT if self._rate_hz > 10 and self._max_payload >= _CUT else SHORT
        sent = []
        while len(self._queue) >= size:
            sent.append(self._cut(size))
        return tuple(sent)

    def last_words(self) -> Notification | None:
        """What is still in the queue."""
        return self._cut(len(self._queue)) if self._queue else None

    def _cut(self, size: int) -> Notification:
        """The first bytes of the queue; a sample counts where it is completed."""
        payload = bytes(self._queue[:size])
        del self._queue[:size]
        return Notification(DATA_UUID, payload, n_samples=payload.count(SAMPLE_HEAD))

    def _begin(self, now_s: float) -> None:
        rate_hz = RATES_HZ.get(self.rate_code, 200.0)
        self.begin(now_s, rate_hz, max(1, round(rate_hz * _COLLECT_S)))

    def _set(self, register: int, value: int, now_s: float) -> None:
        if register == _SAVE:
            self.n_saves += 1
        elif register == REGISTER_RATE:
            self.rate_code = value
            if self.is_streaming:
                self._begin(now_s)

    def _answer(self, register: int) -> bytes:
        value = 0
        if register == REGISTER_RATE:
            value = self.rate_code
        elif register == REGISTER_BATTERY:
            voltage, percent = zip(*BATTERY_PERCENT, strict=True)
            value = round(100 * float(np.interp(self.battery_percent, percent, voltage)))
        return ANSWER_HEAD + struct.pack("<H8h", register, value, 0, 0, 0, 0, 0, 0, 0)

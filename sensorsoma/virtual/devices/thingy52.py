"""A virtual Nordic Thingy:52: one raw sample a notification, without clock, for as long as somebody listens."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import numpy as np

from sensorsoma.decode.thingy52_frame import (
    ACC_LSB_PER_G,
    CONFIG_SERVICE_UUID,
    EULER_UUID,
    GRAVITY_UUID,
    GYR_LSB_PER_DPS,
    HEADING_UUID,
    MOTION_SERVICE_UUID,
    QUATERNION_UUID,
    RAW_UUID,
    ROTATION_UUID,
    SETTINGS_UUID,
    UUID_BASE,
    FrameError,
    RawMotion,
    Settings,
    pack_raw,
    parse_settings,
)
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice, port
from sensorsoma.virtual.waveform import Waveform

NAME_UUID = UUID_BASE.format(0x0101)
CHIP_RATE_HZ = 200
_ACC_RANGE_G = 2.0
_GYR_MAX_DPS = 1023.0


class Thingy52Device(VirtualDevice):
    """A Thingy as `firmware_notes/thingy52.md` describes it; of its notifications it sends the raw motion."""

    kind = "thingy52"
    default_name = "Thingy"
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        CONFIG_SERVICE_UUID: (port(NAME_UUID, "read"),),
        MOTION_SERVICE_UUID: (
            port(SETTINGS_UUID, "read", "write"),
            port(QUATERNION_UUID, "notify"),
            port(RAW_UUID, "notify"),
            port(EULER_UUID, "notify"),
            port(ROTATION_UUID, "notify"),
            port(HEADING_UUID, "notify"),
            port(GRAVITY_UUID, "notify"),
        ),
    }

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self.settings = Settings()
        """Kept over connections."""
        self.n_flash_writes = 0

    @property
    def advert(self) -> Advert:
        """Name and configuration service."""
        return Advert(self.name, (CONFIG_SERVICE_UUID,))

    def on_read(self, uuid: str) -> bytes:
        """Name and motion settings."""
        if uuid == NAME_UUID:
            return self.name.encode()
        return self.settings.to_bytes() if uuid == SETTINGS_UUID else super().on_read(uuid)

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        """Motion settings; while it measures, it starts anew with them."""
        if uuid != SETTINGS_UUID:
            return super().on_write(uuid, data, now_s, max_payload)
        try:
            settings = parse_settings(data)
        except FrameError as error:
            raise RefusedError(str(error)) from error
        if not settings.is_allowed:
            raise RefusedError(f"expected values within their limits, found {settings}")
        self.settings = settings
        self.n_flash_writes += 1
        if self.is_streaming:
            self._measure(now_s)
        return ()

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:  # noqa: ARG002 - a sample fits any link
        """Listening starts it, and no longer listening stops it."""
        if uuid != RAW_UUID:
            return
        if is_on:
            self._measure(now_s)
        else:
            self.stop()

    def _measure(self, now_s: float) -> None:
        self.begin(now_s, CHIP_RATE_HZ / (CHIP_RATE_HZ // self.settings.motion_hz), n_per_packet=1)

    def pack(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats) -> tuple[Notification, ...]:  # noqa: ARG002 - it sends no time
        """One sample, turned round, clipped and cut off as the firmware does."""
        acc_g = np.clip(-acc_sensor_mps2[0] / STANDARD_GRAVITY_MPS2, -_ACC_RANGE_G, _ACC_RANGE_G)
        gyr_dps = np.clip(gyr_sensor_radps[0] / DEG, -_GYR_MAX_DPS, _GYR_MAX_DPS)
        raw = RawMotion(
            np.floor(acc_g * ACC_LSB_PER_G).astype(np.int16),
            np.floor(gyr_dps * GYR_LSB_PER_DPS).astype(np.int16),
            np.zeros(3, np.int16),
        )
        return (Notification(RAW_UUID, pack_raw(raw), n_samples=1),)

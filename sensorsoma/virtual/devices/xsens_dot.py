"""A virtual Xsens (Movella) DOT: one sample a notification, padded as the real one pads, by a clock in microseconds."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import ClassVar

from sensorsoma.decode.xsens_dot_control import (
    BATTERY_SERVICE_UUID,
    BATTERY_UUID,
    CONFIG_SERVICE_UUID,
    CONTROL_UUID,
    INFO_UUID,
    MEASUREMENT_SERVICE_UUID,
    REPORT_UUID,
    SETTINGS_SIZE,
    SETTINGS_UUID,
    STREAM_RATES_HZ,
    VISIT_IDENTIFY,
    VISIT_RATE,
    rate_of,
    with_rate,
)
from sensorsoma.decode.xsens_dot_frame import (
    FULL_LENGTHS,
    LONG_UUID,
    MEDIUM_UUID,
    MODES,
    SHORT_UUID,
    Payload,
    pack_payload,
)
from sensorsoma.messages import Floats
from sensorsoma.units import DEG
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice, port
from sensorsoma.virtual.waveform import Waveform

COMPANY_ID = 0x0886
_SUPPORTED_RATES_HZ = (1, 4, *STREAM_RATES_HZ, 120)
_TAG = b"Movella DOT"
_INFO_SIZE = 34
_IDENTIFY_S = 10.0
_U32 = 1 << 32


class XsensDotDevice(VirtualDevice):
    """A DOT as `firmware_notes/xsens_dot.md` describes it.

    It measures in modes 20, 21 and 26; the orientation in mode 26 is that of a sensor lying level, and the
    magnetometer of mode 20 reads zero. A mode that it does not know is passed over in silence, as old firmware does.
    """

    kind = "xsens_dot"
    default_name = "Movella DOT"
    has_battery_service = False
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        CONFIG_SERVICE_UUID: (
            port(INFO_UUID, "read"),
            port(SETTINGS_UUID, "read", "write"),
            port(REPORT_UUID, "notify"),
        ),
        MEASUREMENT_SERVICE_UUID: (
            port(CONTROL_UUID, "read", "write"),
            port(LONG_UUID, "notify"),
            port(MEDIUM_UUID, "notify"),
            port(SHORT_UUID, "notify"),
        ),
        BATTERY_SERVICE_UUID: (port(BATTERY_UUID, "read", "notify"),),
    }
    modes: ClassVar[frozenset[int]] = frozenset({20, 21, 26})

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        tag = bytes([len(_TAG)]) + _TAG.ljust(16, b"\0")
        self.settings = bytes([0, 0, 0, 10, 0, 30, 0]) + tag + struct.pack("<HB5x", 60, 0)
        """The 32 bytes of the settings record: sleep after 10 min unconnected, 30 min idle; 60 Hz, general filter."""
        self.mode = 4
        self.blinks_until_s = 0.0
        self._subscribed: set[str] = set()
        self._is_mute = False

    @property
    def advert(self) -> Advert:
        """Name and maker; no service."""
        return Advert(self.name, manufacturer=(COMPANY_ID, b""))

    def on_read(self, uuid: str) -> bytes:
        """Information, settings, state of the measurement, battery."""
        if uuid == INFO_UUID:
            return bytes(_INFO_SIZE - 6) + b"XS-T02"
        if uuid == SETTINGS_UUID:
            return self.settings
        if uuid == CONTROL_UUID:
            return bytes([1, int(self.is_streaming), self.mode])
        if uuid == BATTERY_UUID:
            return bytes([self.battery_percent, 0])
        return super().on_read(uuid)

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:  # noqa: ARG002 - listening alone starts nothing
        """Remembers who listens, for the next start."""
        (self._subscribed.add if is_on else self._subscribed.discard)(uuid)

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        """Settings and measurement control."""
        if uuid == SETTINGS_UUID:
            self._change_settings(data, now_s)
        elif uuid == CONTROL_UUID:
            self._control(data, now_s, max_payload)
        else:
            return super().on_write(uuid, data, now_s, max_payload)
        return ()

    def _change_settings(self, data: bytes, now_s: float) -> None:
        if len(data) != SETTINGS_SIZE:
            raise RefusedError(f"expected {SETTINGS_SIZE} bytes, found {len(data)}")
        if data[0] & VISIT_IDENTIFY and data[1] == 1:
            self.blinks_until_s = now_s + _IDENTIFY_S
        if data[0] & VISIT_RATE:
            rate_hz = rate_of(data)
            if self.is_streaming or rate_hz not in _SUPPORTED_RATES_HZ:
                raise RefusedError(f"expected a known rate while nothing is measured, found {rate_hz} Hz")
            self.settings = b"\0" + with_rate(self.settings, rate_hz)[1:]

    def _control(self, data: bytes, now_s: float, max_payload: int) -> None:
        if len(data) != 3 or data[0] != 1 or data[1] > 1:
            raise RefusedError(f"expected start or stop of a measurement, found {data.hex()}")
        if data[1] == 0:
            self.stop()
            return
        rate_hz = rate_of(self.settings)
        if self.is_streaming or rate_hz > STREAM_RATES_HZ[-1]:
            raise RefusedError(f"expected a start while nothing is measured, at 60 Hz at most, found {rate_hz} Hz")
        if data[2] not in self.modes:
            return
        self.mode = data[2]
        uuid = MODES[self.mode].uuid
        self._is_mute = uuid not in self._subscribed or max_payload < FULL_LENGTHS[uuid]
        self.begin(now_s, float(rate_hz), n_per_packet=1)

    def pack(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats) -> tuple[Notification, ...]:
        """One sample; nothing when nobody listened at the start, or when it does not fit the MTU."""
        if self._is_mute:
            return ()
        sample = Payload(
            round(float(t_s[0]) * 1e6) % _U32,
            {
                "quat_wxyz": (1.0, 0.0, 0.0, 0.0),
                "acc_sensor_mps2": tuple(acc_sensor_mps2[0].tolist()),
                "gyr_sensor_dps": tuple((gyr_sensor_radps[0] / DEG).tolist()),
                "mag_sensor_lsb": (0, 0, 0),
            },
        )
        return (Notification(MODES[self.mode].uuid, pack_payload(sample, self.mode), n_samples=1),)

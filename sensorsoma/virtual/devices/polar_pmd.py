"""A virtual Polar Verity Sense, H10 or OH1+: control point with indications, frames that leave when they are full.

The name says which model it is, as with the real ones. A Verity Sense compresses, so a frame holds the more samples the
less it is moved; acceleration and rotation fill frames of their own. Streams go on when the link is lost, as the real
ones do, so a client that does not stop them first hears "already".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sensorsoma.decode.polar_pmd_control import (
    ALREADY,
    ANSWER,
    CHANNELS,
    CONTROL_UUID,
    DATA_UUID,
    FACTOR,
    FEATURES,
    GET_SETTINGS,
    NOT_SUPPORTED,
    OK,
    RANGE,
    RATE,
    RESOLUTION,
    SERVICE_UUID,
    START,
    STOP,
    decode_settings,
)
from sensorsoma.decode.polar_pmd_frame import ACC, COMPRESSED, GYRO
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.base import Advert, Notification, Port, RefusedError, VirtualDevice, port
from sensorsoma.virtual.devices.polar_pmd_packing import HEAD, Filling
from sensorsoma.virtual.waveform import Waveform

ACC_FACTOR, GYR_FACTOR = 0.000244, 0.06103515625
"""g and °/s per step of a Verity Sense; the first is the one in Polar's document, the second 2000 °/s over 15 bits."""

_BAD_OP, _BAD_TYPE, _BAD_PARAMETER, _BAD_MTU, _IN_CHARGER = 1, 2, 5, 10, 13
_REFUSED_SETTING = {RATE: 8, RESOLUTION: 7, RANGE: 9, CHANNELS: 11}
_VALUE_FORMAT = {RATE: "H", RESOLUTION: "H", RANGE: "H", CHANNELS: "B"}
_MOST_PAYLOAD = 229
_LEAST_PAYLOAD = 100
_POLAR_COMPANY = 0x006B

Offer = Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Model:
    """What one of Polar's sensors offers."""

    features: int
    """Second byte of the feature map."""
    offers: Mapping[int, Offer]
    """Measurement type → settings."""
    is_compressing: bool
    tail: bytes = b""
    """What follows the answer to a start command where no factor does."""


H10 = Model(0x05, {ACC: {RATE: (25, 50, 100, 200), RESOLUTION: (16,), RANGE: (2, 4, 8)}}, False, tail=b"\x01")
OH1 = Model(0x0E, {ACC: {RATE: (50,), RESOLUTION: (16,), RANGE: (8,)}}, False)
VERITY = Model(
    0x6E,
    {
        ACC: {RATE: (52,), RESOLUTION: (16,), RANGE: (8,), CHANNELS: (3,)},
        GYRO: {RATE: (52,), RESOLUTION: (16,), RANGE: (2000,), CHANNELS: (3,)},
    },
    True,
)


def model_of(name: str) -> Model:
    """The model with an advertised name."""
    return H10 if name.startswith("Polar H10") else OH1 if name.startswith("Polar OH1") else VERITY


class PolarPmdDevice(VirtualDevice):
    """A Verity Sense, or with a name that begins with "Polar H10" or "Polar OH1" one of those."""

    kind = "polar_pmd"
    default_name = "Polar Sense 0A1B2C3D"
    services: ClassVar[Mapping[str, tuple[Port, ...]]] = {
        SERVICE_UUID: (port(CONTROL_UUID, "read", "write", "indicate"), port(DATA_UUID, "notify"))
    }
    max_mtu = 232

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        super().__init__(waveform, name, clock_offset_s, battery_percent)
        self.model = model_of(self.name)
        self.is_in_charger = False
        self.firmware_scales = False
        """As later firmware of the Verity Sense: acceleration comes in thousandths of g and no factor is told."""
        self._running: dict[int, int] = {}
        """Measurements that were started and not stopped, whoever listens → rate in Hz."""
        self._heard: set[str] = set()
        self._fillings: dict[int, Filling] = {}
        self._n_acc_before_gyr = 0
        self._n_done = 0

    @property
    def advert(self) -> Advert:
        """Name and company; what it says of the heart is left out. The service is not advertised."""
        return Advert(self.name, manufacturer=(_POLAR_COMPANY, bytes(4)))

    def on_read(self, uuid: str) -> bytes:
        """The feature map."""
        if uuid != CONTROL_UUID:
            return super().on_read(uuid)
        return bytes([FEATURES, self.model.features]) + bytes(15)

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:
        """Without indications a command is refused; what was never stopped is heard again."""
        if not is_on:
            self._heard.discard(uuid)
            return
        self._heard.add(uuid)
        if uuid == DATA_UUID and self._running and not self.is_streaming:
            self._stream(now_s, max_payload)

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        """A command; the answer comes as an indication."""
        if uuid != CONTROL_UUID:
            return super().on_write(uuid, data, now_s, max_payload)
        if CONTROL_UUID not in self._heard or len(data) < 2:
            raise RefusedError("expected indications switched on and a command of at least two bytes")
        op, measurement = data[0], data[1]
        status, parameters = self._obey(op, measurement, data[2:], now_s, max_payload)
        head = bytes([ANSWER, op, measurement, status])
        return tuple(
            Notification(CONTROL_UUID, head + bytes([has_more]) + part)
            for has_more, part in _parts(parameters, max_payload - 5)
        )

    def stop(self) -> None:
        """The client went away; what was started goes on, but nobody hears it."""
        super().stop()
        self._heard.clear()

    def due(self, now_s: float) -> Iterator[Notification]:
        """Frames that have become full by `now_s`."""
        taken = self._waveform.read(now_s)
        gyr = taken.gyr_sensor_radps if taken.gyr_sensor_radps is not None else np.zeros_like(taken.acc_sensor_mps2)
        values = {ACC: taken.acc_sensor_mps2, GYRO: gyr}
        for row, t_s in enumerate((taken.device_t_s + self.clock_offset_s).tolist()):
            for measurement, filling in self._fillings.items():
                yield from self._sent(filling.add(t_s, values[measurement][row]))
        if taken.is_through and not self.is_through:
            self.is_through = True
            for filling in self._fillings.values():
                yield from self._sent(filling.flush())

    def _sent(self, frame: bytes | None) -> Iterator[Notification]:
        """A frame with the number of samples that it completes: with rotation where there is rotation."""
        if frame is None:
            return
        n_done = self._fillings[ACC].n_sent if ACC in self._fillings else 0
        if GYRO in self._fillings:
            n_done = min(n_done - self._n_acc_before_gyr, self._fillings[GYRO].n_sent)
        n_new = max(0, n_done - self._n_done)
        self._n_done += n_new
        yield Notification(DATA_UUID, frame, n_samples=n_new)

    # ------------------------------------------------------------------------------------------------- its commands

    def _obey(self, op: int, measurement: int, settings: bytes, now_s: float, max_payload: int) -> tuple[int, bytes]:
        """Status and parameters of the answer."""
        if op not in (GET_SETTINGS, START, STOP):
            return _BAD_OP, b""
        offer = self.model.offers.get(measurement)
        if offer is None:
            return (NOT_SUPPORTED if measurement in (ACC, GYRO) else _BAD_TYPE), b""
        if op == GET_SETTINGS:
            return OK, b"".join(_setting(kind, values) for kind, values in offer.items())
        if op == STOP:
            return self._halt(measurement), b""
        status = self._refusal(measurement, offer, settings, max_payload)
        if status != OK:
            return status, b""
        self._start(measurement, decode_settings(settings).offered[RATE][0], now_s, max_payload)
        return OK, self._start_tail(measurement)

    def _refusal(self, measurement: int, offer: Offer, settings: bytes, max_payload: int) -> int:
        if self.is_in_charger:
            return _IN_CHARGER
        if measurement in self._running:
            return ALREADY
        if max_payload < _LEAST_PAYLOAD:
            return _BAD_MTU
        chosen = decode_settings(settings).offered
        if chosen.keys() != offer.keys() or any(len(values) != 1 for values in chosen.values()):
            return _BAD_PARAMETER
        return next((_REFUSED_SETTING[kind] for kind, (value,) in chosen.items() if value not in offer[kind]), OK)

    def _start(self, measurement: int, rate_hz: int, now_s: float, max_payload: int) -> None:
        self._running[measurement] = rate_hz
        if not self.is_streaming:
            self._stream(now_s, max_payload)
            return
        acc = self._fillings.get(ACC)
        if measurement == GYRO and acc is not None:
            self._n_acc_before_gyr = acc.n_sent + len(acc.samples)
        self._fillings[measurement] = self._filling(measurement, max_payload)

    def _stream(self, now_s: float, max_payload: int) -> None:
        """Everything that runs, from now on."""
        n_per_frame = (_MOST_PAYLOAD - HEAD.size) // 6
        self.begin(now_s, float(max(self._running.values())), n_per_frame)
        self._n_done = self._n_acc_before_gyr = 0
        self._fillings = {measurement: self._filling(measurement, max_payload) for measurement in self._running}

    def _filling(self, measurement: int, max_payload: int) -> Filling:
        frame_type, steps_per_si = self._format(measurement)
        return Filling(measurement, frame_type, min(max_payload, _MOST_PAYLOAD), steps_per_si)

    def _format(self, measurement: int) -> tuple[int, float]:
        """Frame type, and steps per m/s² or rad/s."""
        if measurement == GYRO:
            return COMPRESSED, 1.0 / (GYR_FACTOR * DEG)
        if self.model.is_compressing and not self.firmware_scales:
            return COMPRESSED, 1.0 / (ACC_FACTOR * STANDARD_GRAVITY_MPS2)
        return (COMPRESSED if self.model.is_compressing else 0) | 1, 1000.0 / STANDARD_GRAVITY_MPS2

    def _start_tail(self, measurement: int) -> bytes:
        if not self.model.is_compressing:
            return self.model.tail
        if measurement == ACC and self.firmware_scales:
            return b""
        return struct.pack("<BBf", FACTOR, 1, ACC_FACTOR if measurement == ACC else GYR_FACTOR)

    def _halt(self, measurement: int) -> int:
        if measurement not in self._running:
            return ALREADY
        del self._running[measurement]
        self._fillings.pop(measurement, None)
        if not self._running:
            self.is_streaming = False
        return OK


def _setting(kind: int, values: tuple[int, ...]) -> bytes:
    return struct.pack(f"<BB{len(values)}{_VALUE_FORMAT[kind]}", kind, len(values), *values)


def _parts(parameters: bytes, size: int) -> list[tuple[bool, bytes]]:
    """Parameters in pieces that fit, each with whether more follows; at least one."""
    pieces = [parameters[at : at + size] for at in range(0, len(parameters), size)] or [b""]
    return [(at < len(pieces) - 1, piece) for at, piece in enumerate(pieces)]

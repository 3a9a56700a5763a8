"""What runs inside a virtual sensor, without any radio: writes in, notifications out, counters in between.

A device says what it advertises and which characteristics it has; `virtual/sensor.py` puts that on the virtual air and
hands on what is written, read and subscribed. Samples come from a `Waveform`; a device packs them as its vendor does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from sensorsoma.messages import Floats
from sensorsoma.virtual.waveform import Waveform

Property = Literal["read", "write", "write-without-response", "notify", "indicate"]


class RefusedError(ValueError):
    """A write that the device answers with an ATT error."""


@dataclass(frozen=True, slots=True)
class Port:
    """A characteristic."""

    uuid: str
    """128 bits, lower case."""
    properties: frozenset[Property]


def port(uuid: str, *properties: Property) -> Port:
    """A characteristic with these properties."""
    return Port(uuid, frozenset(properties))


@dataclass(frozen=True, slots=True)
class Advert:
    """What is advertised; flags are added."""

    name: str
    service_uuids: tuple[str, ...] = ()
    """128 bits."""
    service_data: Mapping[int, bytes] = field(default_factory=dict)
    """By 16-bit service UUID."""
    manufacturer: tuple[int, bytes] | None = None
    """Company id and data."""


@dataclass(frozen=True, slots=True)
class Notification:
    """What the device wants to send."""

    uuid: str
    payload: bytes
    n_samples: int = 0
    """How many samples are in it, for the counters."""


class VirtualDevice:
    """A sensor of one kind. Subclasses say what it has, obey what is written and pack samples.

    Args:
        waveform: what it measures.
        name: advertised; the default name of the kind when empty.
        clock_offset_s: its clock when the virtual room was opened; a sensor has been on for a while.
        battery_percent: at the start.
    """

    kind: ClassVar[str]
    """Key of `decode.DECODERS`."""
    default_name: ClassVar[str]
    """As the vendor's sensors call themselves."""
    services: ClassVar[Mapping[str, tuple[Port, ...]]]
    """Service UUID → characteristics."""
    has_battery_service: ClassVar[bool] = True
    """Whether it has the standard battery service; `VirtualSensor` plays that one."""
    max_mtu: ClassVar[int] = 247
    """The largest ATT MTU that it agrees to."""

    def __init__(
        self, waveform: Waveform, name: str = "", clock_offset_s: float = 0.0, battery_percent: int = 87
    ) -> None:
        self.name = name or self.default_name
        self.clock_offset_s = clock_offset_s
        self.battery_percent = battery_percent
        self.is_streaming = False
        self.is_through = False
        """The waveform has ended: nothing will follow."""
        self.sent = 0
        """Samples handed to the radio since streaming began."""
        self.dropped = 0
        """Samples thrown away since streaming began, because the radio did not keep up."""
        self._waveform = waveform
        self._rate_hz = 0.0
        self._n_per_packet = 1
        self._held_t_s: list[float] = []
        self._held_rows: list[Floats] = []

    # -------------------------------------------------------------------------------------- what subclasses say

    @property
    def advert(self) -> Advert:
        """What it advertises now."""
        return Advert(self.name)

    def on_write(
        self,
        uuid: str,
        data: bytes,
        now_s: float,  # noqa: ARG002 - for those that start
        max_payload: int,  # noqa: ARG002 - for those that answer at length
    ) -> tuple[Notification, ...]:
        """Obeys what was written; what it answers at once.

        Raises:
            RefusedError: it cannot.
        """
        raise RefusedError(f"expected no write to {uuid}, found {data.hex()}")

    def on_read(self, uuid: str) -> bytes:
        """The value of a readable characteristic.

        Raises:
            RefusedError: it has none.
        """
        raise RefusedError(f"expected no read of {uuid}")

    def on_subscribe(self, uuid: str, is_on: bool, now_s: float, max_payload: int) -> None:
        """Notices that a client wants, or no longer wants, notifications; some kinds start by this alone."""

    def pack(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats) -> tuple[Notification, ...]:
        """One packet's samples as its vendor sends them.

        Args:
            t_s: `(n,)` by the device's own clock, offset included.
            acc_sensor_mps2: `(n, 3)`.
            gyr_sensor_radps: `(n, 3)`; zeros where the waveform has none.
        """
        raise NotImplementedError

    def last_words(self) -> Notification | None:
        """What it sends when nothing more will follow; most kinds fall silent."""
        return None

    # ------------------------------------------------------------------------------------- what they all share

    @property
    def packet_s(self) -> float:
        """How long a packet takes to fill."""
        return self._n_per_packet / self._rate_hz if self._rate_hz else 0.05

    def begin(self, now_s: float, rate_hz: float, n_per_packet: int) -> None:
        """Begins to stream; counters start at zero."""
        self._rate_hz = self._waveform.start(now_s, rate_hz)
        self._n_per_packet = n_per_packet
        self.sent = self.dropped = 0
        self._held_t_s, self._held_rows = [], []
        self.is_streaming, self.is_through = True, False

    def stop(self) -> None:
        """Ends streaming: by command, or because the client went away."""
        self.is_streaming = False

    def due(self, now_s: float) -> Iterator[Notification]:
        """Packets that have become full by `now_s`."""
        taken = self._waveform.read(now_s)
        gyr = taken.gyr_sensor_radps if taken.gyr_sensor_radps is not None else np.zeros_like(taken.acc_sensor_mps2)
        rows = np.hstack((taken.acc_sensor_mps2, gyr))
        for t_s, row in zip(taken.device_t_s.tolist(), rows, strict=True):
            self._held_t_s.append(t_s + self.clock_offset_s)
            self._held_rows.append(row)
            if len(self._held_t_s) >= self._n_per_packet:
                yield from self._packet()
        if taken.is_through and not self.is_through:
            self.is_through = True
            if self._held_t_s:
                yield from self._packet()

    def account(self, notification: Notification, *, is_sent: bool) -> None:
        """Counts the samples of a notification as sent or as thrown away."""
        if is_sent:
            self.sent += notification.n_samples
        else:
            self.dropped += notification.n_samples

    def _packet(self) -> tuple[Notification, ...]:
        t_s, rows = np.array(self._held_t_s), np.stack(self._held_rows)
        self._held_t_s, self._held_rows = [], []
        return self.pack(t_s, rows[:, :3], rows[:, 3:])

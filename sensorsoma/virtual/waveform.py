"""What a virtual sensor measures: a person, a file, or a sensor that lies on the table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sensorsoma.messages import Floats, Placement
from sensorsoma.units import STANDARD_GRAVITY_MPS2

if TYPE_CHECKING:
    from sensorsoma.simulate.device import LiveDevice
    from sensorsoma.simulate.live_person import LivePerson


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Samples that a sensor has taken since it was read last."""

    device_t_s: Floats
    """`(n,)` by the sensor's own clock, strictly increasing over all reads."""
    acc_sensor_mps2: Floats
    """`(n, 3)`."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)`; None without gyroscope."""
    is_through: bool = False
    """Nothing will follow."""


class Waveform(Protocol):
    """Where samples come from; `now_s` is true time since the virtual room was opened."""

    has_gyroscope: bool

    def start(self, now_s: float, rate_hz: float) -> float:
        """Begins, or goes on after a break whose samples are lost; the rate that it really runs at."""
        ...

    def read(self, now_s: float) -> Taken:
        """What has been measured up to `now_s` and not been read yet."""
        ...


class PersonWaveform:
    """A sensor worn by a virtual person."""

    has_gyroscope = True

    def __init__(self, person: LivePerson, channel: Placement) -> None:
        self._person = person
        self._channel = channel
        self._device: LiveDevice | None = None
        self._rate_hz = 0.0
        self._offset_s = 0.0

    def start(self, now_s: float, rate_hz: float) -> float:
        """Switches the sensor on, or skips what was measured while nobody listened."""
        if self._device is None or rate_hz != self._rate_hz:
            self._offset_s = now_s
            self._device = self._person.device(self._channel, rate_hz, now_s)
            self._rate_hz = rate_hz
        self._device.read(now_s)
        return rate_hz

    def read(self, now_s: float) -> Taken:
        """What the person did up to now."""
        assert self._device is not None, "start comes first"
        got = self._device.read(now_s)
        return Taken(got.device_t_s + self._offset_s, got.acc_sensor_mps2, got.gyr_sensor_radps)


class StillWaveform:
    """A sensor that lies still with its z axis up, with a small wave on x, so that samples can be told apart.

    Args:
        drift: how much faster its clock runs than true time, s/s.
        seconds: it is through after this; None for never.
    """

    has_gyroscope = True

    def __init__(self, drift: float = 0.0, seconds: float | None = None) -> None:
        self._drift = drift
        self._seconds = seconds
        self._begin_s: float | None = None
        self._rate_hz = 0.0
        self._next = 0

    def start(self, now_s: float, rate_hz: float) -> float:
        """Begins to count samples, or goes on with the sample that is due."""
        if self._begin_s is None:
            self._begin_s = now_s
        self._rate_hz = rate_hz
        self._next = self._n_due(now_s)
        return rate_hz

    def read(self, now_s: float) -> Taken:
        """The samples due up to now."""
        end = self._n_due(now_s)
        index = np.arange(self._next, max(end, self._next))
        self._next = max(end, self._next)
        acc = np.zeros((len(index), 3))
        acc[:, 0] = 0.01 * np.sin(index / 20)
        acc[:, 2] = STANDARD_GRAVITY_MPS2
        is_through = self._seconds is not None and now_s - (self._begin_s or 0.0) >= self._seconds
        return Taken(index / self._rate_hz, acc, np.zeros((len(index), 3)), is_through)

    def _n_due(self, now_s: float) -> int:
        elapsed_s = now_s - (self._begin_s or 0.0)
        if self._seconds is not None:
            elapsed_s = min(elapsed_s, self._seconds)
        return max(0, int(np.floor(elapsed_s * (1 + self._drift) * self._rate_hz + 1e-9)))

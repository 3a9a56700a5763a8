"""A live sensor with its own clock, read in order: what a virtual sensor streams from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sensorsoma.messages import Floats, Placement

if TYPE_CHECKING:
    from sensorsoma.simulate.live_person import LivePerson


@dataclass(frozen=True, slots=True, eq=False)
class DeviceSamples:
    """Samples that a live sensor has taken since it was read last."""

    first_index: int
    """Number of the first one since the start."""
    device_t_s: Floats
    """`(n,)` by the device's clock, 0 at the first sample ever."""
    acc_sensor_mps2: Floats
    """`(n, 3)`"""
    gyr_sensor_radps: Floats
    """`(n, 3)`"""


class LiveDevice:
    """Reads ahead in larger pieces (still within what cannot change any more), so that small reads cost little."""

    def __init__(self, person: LivePerson, channel: Placement, rate_hz: float, start_s: float) -> None:
        self._person = person
        self._channel = channel
        self._rate_hz = rate_hz
        self._start_s = start_s
        self._drift = 1 + person.errors(channel).clock_ppm * 1e-6
        self._index = 0
        self._ahead_from = 0
        self._acc = self._gyr = np.zeros((0, 3))

    def read(self, now_s: float) -> DeviceSamples:
        """All samples taken up to the true time `now_s` that have not been read yet."""
        end = self._count(now_s)
        if end > self._ahead_from + len(self._acc):
            self._read_ahead(now_s, end)
        first, self._index = self._index, max(end, self._index)
        begin, stop = first - self._ahead_from, self._index - self._ahead_from
        device_t_s = np.arange(first, self._index) / self._rate_hz
        return DeviceSamples(first, device_t_s, self._acc[begin:stop], self._gyr[begin:stop])

    def _count(self, t_s: float) -> int:
        """How many samples have been taken by `t_s`."""
        return max(0, int(np.floor((t_s - self._start_s) * self._drift * self._rate_hz + 1e-9)) + 1)

    def _read_ahead(self, now_s: float, end: int) -> None:
        from sensorsoma.simulate.live_person import READ_AHEAD_S

        first = self._ahead_from + len(self._acc)
        upto = max(end, self._count(now_s + READ_AHEAD_S))
        t_s = self._start_s + np.arange(first, upto) / self._rate_hz / self._drift
        acc, gyr = self._person.samples(self._channel, t_s)
        keep = self._index - self._ahead_from
        self._acc = np.concatenate((self._acc[keep:], acc))
        self._gyr = np.concatenate((self._gyr[keep:], gyr))
        self._ahead_from = self._index

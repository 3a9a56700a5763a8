"""Sensors on a living person: where each channel sits over time, also while it is moved from thigh to thigh."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats, Placement
from sensorsoma.simulate.sensor import Sensor
from sensorsoma.simulate.tracks import Burst, Track

FitOn = Callable[[Placement, int], Sensor]
"""Makes the sensor at a placement, strapped on for the n-th time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Handling:
    """A sensor in the hand, on its way from one thigh to the other."""

    start_s: float
    end_s: float
    shakes: tuple[Track, ...]


class WornSensor:
    """One channel: reads where it sits, and what a hand does to it while it is moved."""

    def __init__(self, placement: Placement, fit_on: FitOn) -> None:
        self.placement = placement
        self.is_worn = True
        """False once it has come off or was laid aside."""
        self.read_until_s = -np.inf
        self._fit_on = fit_on
        self._sensor = fit_on(placement, 0)
        self._next: Sensor | None = None
        self._handling: _Handling | None = None
        self._strapping = 0

    @property
    def sensor(self) -> Sensor:
        """The sensor as it sits now (or sat until it is moved)."""
        return self._sensor

    def move_to(self, placement: Placement, start_s: float, end_s: float, rng: np.random.Generator) -> None:
        """From `start_s` it is taken off, from `end_s` it sits on `placement`, strapped on anew."""
        if placement == self.placement:
            return
        self._strapping += 1
        self.placement = placement
        if self._next is not None:
            self._sensor = self._next
        self._next = self._fit_on(placement, self._strapping)
        self._handling = _Handling(start_s, end_s, tuple(_shaken(start_s, end_s, rng) for _ in range(6)))

    def take_off(self, lying: Sensor, start_s: float, end_s: float, rng: np.random.Generator) -> None:
        """From `start_s` it is on its way, from `end_s` it lies on the mattress, as `lying` says how."""
        self.is_worn = False
        if self._next is not None:
            self._sensor = self._next
        self._next = lying
        self._handling = _Handling(start_s, end_s, tuple(_shaken(start_s, end_s, rng) for _ in range(6)))

    def read(self, t_s: Floats) -> tuple[Floats, Floats]:
        """Accelerometer and gyroscope at increasing true times, `(n, 3)` each."""
        if len(t_s) == 0:
            return np.zeros((0, 3)), np.zeros((0, 3))
        self.read_until_s = max(self.read_until_s, float(t_s[-1]))
        if self._handling is None or self._next is None or t_s[-1] <= self._handling.start_s:
            return self._sensor.read(t_s)
        begin, end = np.searchsorted(t_s, (self._handling.start_s, self._handling.end_s), side="right")
        before = self._sensor.read(t_s[:end]) if end else (np.zeros((0, 3)), np.zeros((0, 3)))
        after = self._next.read(t_s[begin:])
        mixed = self._in_hand(self._handling, t_s[begin:end], before, after, int(begin))
        out = [np.concatenate((b[:begin], m, a[end - begin :])) for b, m, a in zip(before, mixed, after, strict=True)]
        if begin == 0 and end == 0:
            self._sensor, self._next, self._handling = self._next, None, None
        return out[0], out[1]

    @staticmethod
    def _in_hand(
        handling: _Handling, t_s: Floats, before: tuple[Floats, Floats], after: tuple[Floats, Floats], begin: int
    ) -> list[Floats]:
        x = ((t_s - handling.start_s) / (handling.end_s - handling.start_s))[:, None]
        share = x**3 * (10 - 15 * x + 6 * x**2)
        shakes = [np.broadcast_to(track.evaluate(t_s).value, t_s.shape) for track in handling.shakes]
        out = []
        for index in range(2):
            old, new = before[index][begin:], after[index][: len(t_s)]
            shake = np.stack(shakes[3 * index : 3 * index + 3], axis=1)
            out.append((1 - share) * old + share * new + shake)
        return out


def _shaken(start_s: float, end_s: float, rng: np.random.Generator) -> Track:
    track = Track()
    size = np.array([2.0, 1.0, 0.6]) * rng.uniform(0.6, 1.2, 3)
    track.add(Burst(start_s, end_s, rng.uniform(0.4, 2.5, 3), size, rng.uniform(0, 6.28, 3), 0.3, 0.3))
    return track

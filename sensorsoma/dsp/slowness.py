"""Speed of gravity's direction, and how long it has been slow: the clock of every slow movement.

Speed is the angle between two means of 0.2 s that lie 0.4 s apart. Tremor and noise cancel in the means; the price is
a value that describes the middle of the last 0.6 s. Works with and without a gyroscope.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class SlownessParams:
    """When a direction counts as slow."""

    slow_dps: float = 2.0
    """Below this speed a slow movement is over (science section 9)."""
    baseline_s: float = 0.4
    """Distance of the two means."""
    mean_s: float = 0.2
    """Length of each mean."""
    hole_s: float = 0.5
    """After a longer hole speed is unknown until the baseline is full again."""

    @property
    def lag_s(self) -> float:
        """How far before the newest bin the middle of the described time lies."""
        return (self.baseline_s + self.mean_s) / 2


@dataclass(slots=True)
class Slowness:
    """Fed bin by bin; `up` is the newest mean direction `(3,)`."""

    params: SlownessParams = field(default_factory=SlownessParams)
    speed_radps: float | None = None
    """None until the baseline is full."""
    up: Floats = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))
    slow_from_s: float | None = None
    """Since when it has been slow without a break; None while it is not."""
    last_slow_s: float | None = None
    """The last slow moment."""
    _bins: deque[tuple[float, Floats]] = field(default_factory=deque)

    def update(self, t_s: float, up: Floats) -> None:
        """Take one bin: its time and mean direction."""
        params = self.params
        if self._bins and t_s - self._bins[-1][0] > params.hole_s:
            self._bins.clear()
            self.speed_radps = self.slow_from_s = None
        self._bins.append((t_s, up))
        while len(self._bins) > 2 and self._bins[1][0] <= t_s - params.baseline_s - params.mean_s:
            self._bins.popleft()
        self.up = mean_direction([u for s, u in self._bins if s > t_s - params.mean_s])
        early = [u for s, u in self._bins if s <= t_s - params.baseline_s]
        if not early:
            return
        self.speed_radps = angle_between(mean_direction(early), self.up) / params.baseline_s
        if self.speed_radps < params.slow_dps * DEG:
            self.last_slow_s = t_s - params.lag_s
            self.slow_from_s = self.last_slow_s if self.slow_from_s is None else self.slow_from_s
        else:
            self.slow_from_s = None

    def slow_for_s(self, t_s: float) -> float:
        """Seconds of slowness so far, as of the bin at `t_s`."""
        return 0.0 if self.slow_from_s is None else t_s - self.params.lag_s - self.slow_from_s


def mean_direction(directions: list[Floats]) -> Floats:
    """Unit mean `(3,)` of one or more unit vectors; the last one when they cancel.

    >>> mean_direction([np.array([1.0, 0, 0]), np.array([0, 1.0, 0])]).round(3).tolist()
    [0.707, 0.707, 0.0]
    """
    total = directions[0].copy()
    for direction in directions[1:]:
        total += direction
    norm = float(np.sqrt(total @ total))
    return total / norm if norm > 1e-9 else directions[-1]

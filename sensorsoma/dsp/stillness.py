"""Is a sensor at rest? Judged by the spread of its signals, never by their level.

The level says nothing: an uncorrected gyroscope offset of several deg/s is ordinary, and a leg at rest may lie at any
angle.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class StillnessParams:
    """When a sensor counts as still."""

    window_s: float = 1.5
    """Shortest pause that is accepted as a still pose."""
    gyr_sd_dps: float = 1.0
    """Standard deviation of the angular rate (all axes together) stays below this [assumed in the design]."""
    up_sd_deg: float = 0.5
    """Standard deviation of the direction of up stays below this [assumed in the design]."""
    hole_s: float = 0.5
    """After a hole longer than this the judgement starts anew."""


class StillWindow:
    """Mean and spread over the last `window_s` seconds of binned rows, one bin at a time.

    Running sums in plain floats: the same bits for any cut, since a bin is always one step.

    >>> window = StillWindow(StillnessParams(window_s=0.1))
    >>> for k in range(5):
    ...     window.update(k * 0.04, (0.0, 0.0, 1.0), None)
    >>> window.is_still, window.mean_up
    (True, (0.0, 0.0, 1.0))
    """

    def __init__(self, params: StillnessParams | None = None) -> None:
        self.params = params or StillnessParams()
        self._bins: deque[tuple[float, tuple[float, ...]]] = deque()
        self._sums = [0.0] * 6
        self._squares = [0.0] * 6

    def reset(self) -> None:
        """Forget everything."""
        self._bins.clear()
        self._sums, self._squares = [0.0] * 6, [0.0] * 6

    def update(self, t_s: float, up: Sequence[float], gyr_radps: Sequence[float] | None) -> None:
        """Take one bin: mean up `(3,)` and mean rate `(3,)` or None; a gyroscope that comes or goes is a new start."""
        row = (*up, *gyr_radps) if gyr_radps is not None else tuple(up)
        if self._bins:
            last_s, last_row = self._bins[-1]
            if not 0.0 < t_s - last_s <= self.params.hole_s or len(row) != len(last_row):
                self.reset()
        self._bins.append((t_s, row))
        self._add(row, 1.0)
        oldest = t_s - self.params.window_s
        while len(self._bins) > 1 and self._bins[1][0] <= oldest:
            self._add(self._bins.popleft()[1], -1.0)

    def _add(self, row: tuple[float, ...], sign: float) -> None:
        sums, squares = self._sums, self._squares
        for i, value in enumerate(row):
            sums[i] += sign * value
            squares[i] += sign * value * value

    @property
    def is_full(self) -> bool:
        """True once the window covers its whole length without a hole."""
        bins = self._bins
        return len(bins) >= 3 and bins[-1][0] - bins[0][0] >= self.params.window_s - 1e-9

    @property
    def start_s(self) -> float:
        """Time of the oldest bin inside."""
        return self._bins[0][0]

    @property
    def mean_up(self) -> tuple[float, float, float]:
        """Mean direction of up, unit length."""
        x, y, z = self._sums[:3]
        norm = math.sqrt(x * x + y * y + z * z) or 1.0
        return (x / norm, y / norm, z / norm)

    def _sd(self, first: int) -> float:
        n = len(self._bins)
        total = 0.0
        for i in range(first, first + 3):
            mean = self._sums[i] / n
            total += self._squares[i] / n - mean * mean
        return math.sqrt(max(total, 0.0))

    @property
    def up_sd_rad(self) -> float:
        """Standard deviation of up, all directions together."""
        return self._sd(0)

    def is_within(self, factor: float) -> bool:
        """True when full and both spreads are below `factor` times their limits."""
        if not self.is_full or self._sd(0) >= factor * self.params.up_sd_deg * DEG:
            return False
        return len(self._bins[-1][1]) == 3 or self._sd(3) < factor * self.params.gyr_sd_dps * DEG

    @property
    def is_still(self) -> bool:
        """True when the whole window was still."""
        return self.is_within(1.0)

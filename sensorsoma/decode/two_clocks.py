"""Two sensors of one device that sample at times of their own: one sensor's values at the other's times.

A phone or a watch reads its accelerometer and its gyroscope separately, so no two readings belong together. One of
them, usually the gyroscope, gives the samples' times (the grid); the other is interpolated between its two neighbours.
A grid sample therefore waits until the other sensor has reached it, and never longer: nothing later is looked at.

What comes out depends only on the two series, not on how packets cut or interleave them, as long as neither sensor
runs behind the other by more than `keep_s`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sensorsoma.messages import Floats


@dataclass(frozen=True, slots=True)
class TwoClocksParams:
    """How far apart neighbours may be, and how long a sensor is waited for."""

    hole_s: float = 0.08
    """Neighbours further apart are not interpolated between: a movement may have turned round in there. Two steps at
    25 Hz, the slowest rate that is of use, are still bridged."""
    keep_s: float = 2.0
    """Samples without their counterpart are kept this long; it bounds memory when one sensor falls silent."""


class Paired(NamedTuple):
    """Samples of both sensors at the same times."""

    t_s: Floats
    """`(n,)` device seconds, strictly increasing over all calls."""
    grid: Floats
    """`(n, 3)` values of the grid sensor, as given."""
    other: Floats
    """`(n, 3)` values of the other sensor at these times."""


@dataclass(slots=True)
class _Track:
    """Samples of one sensor that are not used up."""

    t_s: Floats = field(default_factory=lambda: np.empty(0))
    values: Floats = field(default_factory=lambda: np.empty((0, 3)))
    last_s: float = -np.inf

    def add(self, t_s: ArrayLike, values: ArrayLike) -> None:
        times, rows = np.asarray(t_s, dtype=np.float64), np.asarray(values, dtype=np.float64)
        if times.ndim != 1 or rows.shape != (len(times), 3):
            raise ValueError(f"expected one row of three values for each time, found {rows.shape} for {times.shape}")
        before = np.maximum.accumulate(np.concatenate(([self.last_s], times)))[:-1]
        is_new = times > before
        self.last_s = float(max(before[-1], times[-1])) if len(times) else self.last_s
        self.values = np.concatenate([self.values, rows[is_new]])
        self.t_s = np.concatenate([self.t_s, times[is_new]])

    def drop(self, n: int) -> None:
        """Forgets the first `n` samples."""
        self.t_s, self.values = self.t_s[n:], self.values[n:]

    def forget_before(self, t_s: float) -> None:
        """Forgets what lies before `t_s`, but keeps the last sample at or before it as a left neighbour."""
        self.drop(max(0, int(np.searchsorted(self.t_s, t_s, side="right")) - 1))


class TwoClocks:
    """Brings the other sensor onto the grid sensor's times.

    Args:
        params: how far apart neighbours may be.

    >>> clocks = TwoClocks()
    >>> clocks.add_grid([0.00, 0.02, 0.04], [[0.1, 0.0, 0.0], [0.2, 0.0, 0.0], [0.3, 0.0, 0.0]])
    >>> clocks.add_other([-0.01, 0.01, 0.03], [[0.0, 0.0, 9.0], [0.0, 0.0, 10.0], [0.0, 0.0, 11.0]])
    >>> clocks.ready().other.tolist()
    [[0.0, 0.0, 9.5], [0.0, 0.0, 10.5]]
    """

    def __init__(self, params: TwoClocksParams | None = None) -> None:
        self.params = params or TwoClocksParams()
        self._grid = _Track()
        self._other = _Track()

    def add_grid(self, t_s: ArrayLike, values: ArrayLike) -> None:
        """Takes samples of the sensor whose times count.

        Args:
            t_s: `(n,)` finite device seconds; a time at or below an earlier one is left out, so the first of two stays.
            values: `(n, 3)`, finite.

        Raises:
            ValueError: the shapes do not fit together.
        """
        self._grid.add(t_s, values)

    def add_other(self, t_s: ArrayLike, values: ArrayLike) -> None:
        """Takes samples of the sensor that is interpolated; arguments and errors as for `add_grid`."""
        self._other.add(t_s, values)

    def ready(self) -> Paired:
        """Grid samples that the other sensor has reached since the last call, in order.

        Left out are those before the other's first sample and those inside a hole of the other sensor.
        """
        grid, other = self._grid, self._other
        n = int(np.searchsorted(grid.t_s, other.last_s, side="right"))
        t_s, values = grid.t_s[:n], grid.values[:n]
        between, is_known = _interpolate(other, t_s, self.params.hole_s)
        grid.drop(n)
        other.forget_before(min(grid.last_s, other.last_s))
        for track in (grid, other):
            track.forget_before(max(grid.last_s, other.last_s) - self.params.keep_s)
        return Paired(t_s[is_known], values[is_known], between[is_known])

    def clear(self) -> None:
        """Forgets everything: the device's clock has begun anew."""
        self._grid, self._other = _Track(), _Track()


def _interpolate(track: _Track, when_s: Floats, hole_s: float) -> tuple[Floats, NDArray[np.bool_]]:
    """`(n, 3)` values at the given times, and where there are neighbours close enough on both sides."""
    if not len(when_s) or not len(track.t_s):
        return np.empty((len(when_s), 3)), np.zeros(len(when_s), dtype=bool)
    right = np.minimum(np.searchsorted(track.t_s, when_s, side="left"), len(track.t_s) - 1)
    is_exact = track.t_s[right] == when_s
    left = np.where(is_exact, right, right - 1)
    is_inside = (left >= 0) & (track.t_s[right] >= when_s)
    left = np.maximum(left, 0)
    span_s = track.t_s[right] - track.t_s[left]
    share = np.divide(when_s - track.t_s[left], span_s, out=np.zeros(len(when_s)), where=span_s > 0)
    between: Floats = track.values[left] + share[:, np.newaxis] * (track.values[right] - track.values[left])
    return between, is_inside & (span_s <= hole_s)

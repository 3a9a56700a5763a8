"""Sensors of one device that were written with times of their own, brought onto one time line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats

HOLE_S = 0.08
"""As in the live decoder of phones: neighbours further apart are not interpolated between."""
HOLE_STEPS = 2.5
"""For slower sensors: one missing reading is bridged, two are not."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Readings of one sensor, times strictly increasing."""

    t_s: Floats
    """`(n,)`."""
    values: Floats
    """`(n, k)`."""
    n_dropped: int = 0
    """Readings whose time was there already."""


@dataclass(frozen=True, slots=True, eq=False)
class Joined:
    """Tracks at the times of one of them."""

    t_s: Floats
    """`(n,)`: those times at which every track is known."""
    values: tuple[Floats, ...]
    """`(n, k)` for each track, in the order they were given."""
    n_left_out: int
    """Times at which another track was not known."""


def track(times_s: Floats, values: Floats) -> Track:
    """Readings in the order of time; the first of two with the same time is kept.

    >>> import numpy as np
    >>> made = track(np.array([0.0, 2.0, 1.0, 1.0]), np.array([[0.0], [2.0], [1.0], [9.0]]))
    >>> made.values[:, 0].tolist(), made.n_dropped
    ([0.0, 1.0, 2.0], 1)
    """
    order = np.argsort(times_s, kind="stable")
    times, rows = times_s[order], values[order]
    is_new = np.concatenate(([True], np.diff(times) > 0)) if len(times) else np.zeros(0, dtype=bool)
    return Track(times[is_new], rows[is_new], int((~is_new).sum()))


def joined(tracks: Sequence[Track]) -> Joined:
    """Every track at the times of the first, linear between neighbours; nothing is invented in holes or at the ends.

    >>> import numpy as np
    >>> slow = Track(np.array([0.0, 0.04]), np.array([[0.0], [4.0]]))
    >>> fast = Track(np.array([-0.01, 0.0, 0.01, 0.02]), np.zeros((4, 1)))
    >>> at = joined([fast, slow])
    >>> at.values[1][:, 0].tolist(), at.n_left_out
    ([0.0, 1.0, 2.0], 1)
    """
    grid = tracks[0]
    is_known = np.ones(len(grid.t_s), dtype=bool)
    found = [grid.values]
    for other in tracks[1:]:
        values, is_there = _at(other, grid.t_s)
        found.append(values)
        is_known &= is_there
    kept = tuple(values[is_known] for values in found)
    return Joined(grid.t_s[is_known], kept, int((~is_known).sum()))


def _at(other: Track, times_s: Floats) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Values of a track at other times, and where its neighbours are near enough to say so."""
    if len(other.t_s) < 2:
        return np.zeros((len(times_s), other.values.shape[1])), np.zeros(len(times_s), dtype=bool)
    steps = np.diff(other.t_s)
    hole_s = max(HOLE_S, HOLE_STEPS * float(np.median(steps)))
    right = np.clip(np.searchsorted(other.t_s, times_s, side="left"), 1, len(other.t_s) - 1)
    is_inside = (times_s >= other.t_s[0]) & (times_s <= other.t_s[-1])
    is_exact = (times_s == other.t_s[right]) | (times_s == other.t_s[right - 1])
    is_there = is_inside & ((steps[right - 1] <= hole_s) | is_exact)
    columns = [np.interp(times_s, other.t_s, column) for column in other.values.T]
    return np.column_stack(columns), is_there

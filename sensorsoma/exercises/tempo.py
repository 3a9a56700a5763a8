"""Smoothness of the ways of a repetition, from the gyroscope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from sensorsoma.dsp.smoothness import sparc
from sensorsoma.messages import Floats, OrientedBlock


@dataclass(frozen=True, slots=True, eq=False)
class Speeds:
    """Angular speed sample by sample; both `(n,)`, empty without gyroscope."""

    t_s: Floats
    radps: Floats


class SpeedTrace:
    """Collects the angular speed of a stretch for the measures at its end: 6 MB for an hour at 104 Hz."""

    def __init__(self) -> None:
        self._t_s: list[Floats] = []
        self._radps: list[Floats] = []

    def add(self, block: OrientedBlock) -> None:
        """Keep what a block's gyroscope says; nothing from a block without one."""
        if block.gyr_sensor_radps is not None:
            self._t_s.append(block.t_s)
            self._radps.append(np.sqrt((block.gyr_sensor_radps**2).sum(axis=1)))

    def speeds(self) -> Speeds:
        """Everything so far, joined."""
        return Speeds(np.concatenate([np.empty(0), *self._t_s]), np.concatenate([np.empty(0), *self._radps]))


def ways_sparc(speeds: Speeds, ways: Sequence[tuple[float, float]]) -> float | None:
    """Mean SPARC of the angular speed over the ways (start and end, s) of a repetition; None without gyroscope.

    A way with samples missing (more than a tenth) is left out.
    """
    found: list[float] = []
    for start_s, end_s in ways:
        first, last = np.searchsorted(speeds.t_s, [start_s, end_s])
        t_s = speeds.t_s[first:last]
        if len(t_s) < 8:
            continue
        step_s = float(np.median(np.diff(t_s)))
        grid = np.arange(t_s[0], t_s[-1], step_s)
        if len(t_s) < 0.9 * len(grid):
            continue
        value = sparc(np.interp(grid, t_s, speeds.radps[first:last]), 1.0 / step_s)
        if value is not None:
            found.append(value)
    return mean(found) if found else None

"""Smoothness of the ways of a repetition, from the gyroscope."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

import numpy as np

from sensorsoma.dsp.smoothness import sparc
from sensorsoma.exercises.base import Samples


def ways_sparc(samples: Samples, ways: Sequence[tuple[float, float]]) -> float | None:
    """Mean SPARC of the angular speed over the ways (start and end, s) of a repetition; None without gyroscope.

    A way with samples missing (more than a tenth) is left out.
    """
    if samples.gyr_sensor_radps is None or len(samples.t_s) < 2:
        return None
    found: list[float] = []
    for start_s, end_s in ways:
        first, last = np.searchsorted(samples.t_s, [start_s, end_s])
        t_s = samples.t_s[first:last]
        if len(t_s) < 8:
            continue
        step_s = float(np.median(np.diff(t_s)))
        grid = np.arange(t_s[0], t_s[-1], step_s)
        if len(t_s) < 0.9 * len(grid):
            continue
        speed = np.sqrt((samples.gyr_sensor_radps[first:last] ** 2).sum(axis=1))
        value = sparc(np.interp(grid, t_s, speed), 1.0 / step_s)
        if value is not None:
            found.append(value)
    return mean(found) if found else None

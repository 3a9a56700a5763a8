"""How far the pelvis rolled along with a leg that opens: seen by a second sensor, at the pelvis.

Gravity's turn about the body's long axis, by the plain mean of the accelerometer where the pelvis hardly moves; towards
the moving side is positive, lying on the back and on the side alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_about
from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.exercises.alignment import side_factor
from sensorsoma.messages import Floats, OrientedBlock, Side
from sensorsoma.units import DEG

LEAST_DEG = 10.0
"""Shares of a smaller opening are not told: the pelvis' own half degree would make them."""


def hip_and_pelvis(opening_deg: float | None, pelvis_roll_deg: float | None) -> dict[str, Any]:
    """What of a thigh's opening the pelvis did, and what is left for the hip; None without a pelvis sensor.

    >>> hip_and_pelvis(60.0, 6.0)
    {'pelvis_share': 0.1, 'hip_only_deg': 54.0}
    """
    if opening_deg is None or pelvis_roll_deg is None or abs(opening_deg) < LEAST_DEG:
        return {"pelvis_share": None, "hip_only_deg": None}
    share = round(pelvis_roll_deg / opening_deg, 3)
    return {"pelvis_share": share, "hip_only_deg": round(opening_deg - pelvis_roll_deg, 2)}


class PelvisRoll:
    """Keeps what the pelvis sensor felt during a stretch; asked for angles when it is over."""

    def __init__(self) -> None:
        self._binner = Binner()
        self._bins: list[Bins] = []

    def add(self, block: OrientedBlock) -> None:
        """Keep a block of the pelvis sensor."""
        self._bins.append(self._binner.feed(block.t_s, block.acc_sensor_mps2))

    @property
    def last_s(self) -> float | None:
        """Time of the newest bin; None without a pelvis sensor."""
        times = [float(bins.t_s[-1]) for bins in self._bins if len(bins.t_s)]
        return times[-1] if times else None

    def deg(self, side: Side | None, before: tuple[float, float], after: tuple[float, float]) -> float | None:
        """Roll towards `side` between two spans of time (s); None where the sensor felt nothing in one of them."""
        start, end = self._up(*before), self._up(*after)
        if start is None or end is None:
            return None
        return float(angle_about(_towards_head(start), start, end)[0]) * side_factor(side) / DEG

    def along(self, side: Side | None, start_s: float, top_s: float) -> float | None:
        """Roll towards `side` from the beginning of a way out to its top, degrees; None where that was not felt."""
        return self.deg(side, (start_s - 0.5, start_s + 0.1), (top_s - 0.25, top_s + 0.25))

    def _up(self, start_s: float, end_s: float) -> Floats | None:
        """`(3,)` unit median of the accelerometer with start <= t < end."""
        found = [bins.rows[(bins.t_s >= start_s) & (bins.t_s < end_s)] for bins in self._bins]
        rows = np.concatenate([np.empty((0, 3)), *found])
        if len(rows) == 0:
            return None
        middle = np.median(rows, axis=0)
        norm = float(np.sqrt(middle @ middle))
        return middle / norm if norm > 1e-6 else None


def _towards_head(up: Floats) -> Floats:
    """`(3,)` the pelvis sensor's mark (y, to the head) made level; x when the mark points up."""
    for mark in (np.array([0.0, 1.0, 0.0]), np.array([1.0, 0.0, 0.0])):
        level = mark - float(mark @ up) * up
        size = float(np.sqrt(level @ level))
        if size > 0.3:
            return np.asarray(level / size)
    return np.array([0.0, 1.0, 0.0])

"""Lying still, resting, moving freely: how much of the time was quiet, when it became so, how far things moved.

Breathing is guided here and not measured: a thigh says too little of it, so its numbers are None.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.dsp.stillness import StillWindow
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Floats, Gap, OrientedBlock
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class StillParams:
    """What is meant by settled and by movement."""

    settled_s: float = 5.0
    """Settled: the first quiet stretch of at least this length; shorter ones lie between fidgets."""
    path_step_deg: float = 2.0
    """Movement is measured in steps of this size, so that noise and breath do not add up."""


@dataclass(slots=True)
class _Quiet:
    """Quiet stretches, merged, as [start_s, end_s]."""

    stretches: list[list[float]] = field(default_factory=list)

    def add(self, start_s: float, end_s: float) -> None:
        if self.stretches and start_s <= self.stretches[-1][1]:
            self.stretches[-1][1] = end_s
        else:
            self.stretches.append([start_s, end_s])


class StillDetector:
    """Rest, stillness, free movement and guided breathing."""

    def __init__(self, stretch: Stretch, body: Body, params: StillParams | None = None) -> None:
        del body
        self.stretch = stretch
        self.params = params or StillParams()
        self._binner = Binner()
        self._window = StillWindow()
        self._quiet = _Quiet()
        self._first_s: float | None = None
        self._last_s: float | None = None
        self._seen_s = 0.0
        self._path_rad = 0.0
        self._path_from: Floats | None = None
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Nothing: all is said at the end."""
        if isinstance(block, OrientedBlock) and block.placement == self.stretch.placement and not self._is_finished:
            gyr = block.gyr_sensor_radps
            self._take(
                self._binner.feed(block.t_s, block.up_sensor if gyr is None else np.hstack([block.up_sensor, gyr]))
            )
        return ()

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """One `SegmentMeasured`; nothing when called again."""
        if self._is_finished:
            return ()
        self._take(self._binner.finish())
        self._is_finished = True
        return (measured(self.stretch, end_s, self._measures()),)

    def _take(self, bins: Bins) -> None:
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            if self._last_s is not None and t_s - self._last_s < self._window.params.hole_s:
                self._seen_s += t_s - self._last_s
            self._first_s = t_s if self._first_s is None else self._first_s
            self._last_s = t_s
            values = row.tolist()
            self._window.update(t_s, values[:3], values[3:6] if len(values) == 6 else None)
            if self._window.is_still:
                self._quiet.add(self._window.start_s, t_s)
            up = np.array(values[:3])
            if self._path_from is None:
                self._path_from = up
            way = angle_between(self._path_from, up)
            if way >= self.params.path_step_deg * DEG:
                self._path_rad += way
                self._path_from = up

    def _measures(self) -> dict[str, Any]:
        if self.stretch.exercise == "breathing":
            note = "breathing was guided by time and not measured"
            return {"rate_per_min": None, "inhale_share": None, "amplitude_deg": None, "weak": False, "notes": [note]}
        if self._first_s is None or self._seen_s < self._window.params.window_s:
            return {
                "settle_s": None,
                "still_share": None,
                "movement_deg": None,
                "weak": False,
                "notes": ["too few samples"],
            }
        quiet_s = sum(end_s - start_s for start_s, end_s in self._quiet.stretches)
        settled = [start_s for start_s, end_s in self._quiet.stretches if end_s - start_s >= self.params.settled_s]
        return {
            "settle_s": round(settled[0] - self._first_s, 2) if settled else None,
            "still_share": round(min(quiet_s / self._seen_s, 1.0), 3),
            "movement_deg": round(self._path_rad / DEG, 1),
            "weak": False,
            "notes": [],
        }

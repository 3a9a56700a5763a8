"""Lying still, resting, moving freely: how much of the time was quiet, when it became so, how much moved.

Where a pelvis sensor is worn beside the one that measures, what it felt is told as well. A leg slide that is a stretch
of its own (both legs down, nothing fell open) has in addition when the leg was straight, and how long it took.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.quiet import Quiet, QuietParams
from sensorsoma.exercises.slide import Slide
from sensorsoma.messages import Gap, OrientedBlock


class _Worn:
    """One sensor during the stretch."""

    def __init__(self, params: QuietParams) -> None:
        self.binner = Binner()
        self.quiet = Quiet(params)

    def feed(self, block: OrientedBlock) -> Bins:
        gyr = block.gyr_sensor_radps
        return self.binner.feed(block.t_s, block.up_sensor if gyr is None else np.hstack([block.up_sensor, gyr]))

    def take(self, bins: Bins) -> None:
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            self.quiet.update(t_s, row[:3], row[3:6] if len(row) == 6 else None)


class StillDetector:
    """Rest, stillness, free movement, legs that slide down."""

    def __init__(self, stretch: Stretch, body: Body, params: QuietParams | None = None) -> None:
        del body
        self.stretch = stretch
        self._worn = _Worn(params or QuietParams())
        self._pelvis = _Worn(params or QuietParams())
        self._slide = Slide() if stretch.exercise == "leg_slide" else None
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Nothing: all is said at the end."""
        if self._is_finished or isinstance(block, Gap):
            return ()
        if block.placement == self.stretch.placement:
            self._take(self._worn.feed(block))
        elif block.placement == "pelvis":
            self._pelvis.take(self._pelvis.feed(block))
        return ()

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """One `SegmentMeasured`; nothing when called again."""
        if self._is_finished:
            return ()
        self._take(self._worn.binner.finish())
        self._pelvis.take(self._pelvis.binner.finish())
        self._is_finished = True
        return (measured(self.stretch, end_s, self._measures()),)

    def _take(self, bins: Bins) -> None:
        self._worn.take(bins)
        if self._slide is not None:
            for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
                self._slide.update(t_s, row[:3])

    def _measures(self) -> dict[str, Any]:
        measures = figures(self._worn.quiet)
        notes: list[str] = []
        if self._worn.quiet.is_too_short:
            notes.append("too few samples")
        elif measures["settle_s"] is None and self.stretch.exercise != "free" and self._worn.quiet.could_settle:
            notes.append("it did not become still for five seconds")
        if self._pelvis.quiet.first_s is not None:
            measures["pelvis"] = figures(self._pelvis.quiet)
        if self._slide is not None:
            measures |= self._slide.measures()
        return {**measures, "weak": False, "notes": notes}


def figures(quiet: Quiet) -> dict[str, Any]:
    """Stillness and movement of one sensor, JSON-ready."""
    settled_s, share = quiet.settled_s(), quiet.still_share()
    return {
        "settle_s": None if settled_s is None or quiet.first_s is None else round(settled_s - quiet.first_s, 2),
        "still_share": None if share is None else round(share, 3),
        **quiet.amounts(),
    }

"""The knees that drop inward until they touch: how far the worn thigh turned from upright to where it rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.dsp.slowness import Slowness
from sensorsoma.exercises.alignment import side_factor
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.fall_course import Course, FallMeasureParams
from sensorsoma.exercises.fall_measure import measure_fall
from sensorsoma.exercises.fall_phases import FallRecord
from sensorsoma.exercises.fall_plane import fall_geometry
from sensorsoma.messages import Floats, Gap, OrientedBlock, SegmentCurve
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class KneeInParams:
    """What counts as a pause and as a drop."""

    pause_s: float = 1.0
    """A pause is slow for at least this long (science section 9)."""
    same_deg: float = 6.0
    """Two pauses closer than this are one, with a fidget between."""
    least_deg: float = 8.0
    """A smaller way is no drop; feet wide and knees together make 15 deg and more."""


@dataclass(slots=True)
class _Pause:
    from_s: float
    to_s: float
    up: Floats


class KneeInDetector:
    """From the pause before the last larger movement to the rest after it."""

    def __init__(self, stretch: Stretch, body: Body, params: KneeInParams | None = None) -> None:
        self.stretch = stretch
        self.params = params or KneeInParams()
        self._body = body
        self._binner = Binner()
        self._bins: list[Bins] = []
        self._slowness = Slowness()
        self._pauses: list[_Pause] = []
        self._has_gyro = True
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Nothing: the rest angle is known at the end."""
        if isinstance(block, OrientedBlock) and block.placement == self.stretch.placement and not self._is_finished:
            gyr = block.gyr_sensor_radps
            if gyr is None:
                self._has_gyro = False
                gyr = np.full((len(block.t_s), 3), np.nan)
            self._take(self._binner.feed(block.t_s, np.hstack([block.up_sensor, block.acc_sensor_mps2, gyr])))
        return ()

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """One curve where there was a drop and one `SegmentMeasured`; nothing when called again."""
        if self._is_finished:
            return ()
        self._take(self._binner.finish())
        self._is_finished = True
        measures, curve = self._conclude()
        out: list[DetectorOutput] = [] if curve is None else [curve]
        return (*out, measured(self.stretch, end_s, measures))

    def _take(self, bins: Bins) -> None:
        if len(bins.t_s) == 0:
            return
        self._bins.append(bins)
        slowness = self._slowness
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            slowness.update(t_s, row[:3])
            if slowness.slow_from_s is None or slowness.slow_for_s(t_s) < self.params.pause_s:
                continue
            last = self._pauses[-1] if self._pauses else None
            if last is not None and angle_between(last.up, slowness.up) < self.params.same_deg * DEG:
                last.to_s, last.up = t_s - slowness.params.lag_s, slowness.up
            else:
                self._pauses.append(_Pause(slowness.slow_from_s, t_s - slowness.params.lag_s, slowness.up))

    def _conclude(self) -> tuple[dict[str, Any], SegmentCurve | None]:
        names = ("angle_deg", "sink_deg", "angle_uncertainty_deg", "rest_start_s", "rest_still_share")
        nothing = dict.fromkeys(names)
        if len(self._pauses) < 2 or self.stretch.placement is None:
            return {**nothing, "weak": False, "notes": ["no movement of the knee was seen"]}, None
        before, rest = self._pauses[-2:]
        if angle_between(before.up, rest.up) < self.params.least_deg * DEG:
            return {**nothing, "weak": False, "notes": ["no movement of the knee was seen"]}, None
        course = Course.of(self._bins, self._has_gyro)
        record = FallRecord(before.from_s, before.up, before.to_s, before.to_s, rest.from_s, rest.to_s)
        alignment = self._body.alignment(self.stretch.placement)
        found = measure_fall(course, record, alignment, side_factor(self.stretch.side), None, FallMeasureParams())
        final_deg, sink_deg = found["final_deg"], found["sink_deg"]
        change = 0.0 if alignment is None else float((alignment.outward(rest.up) - alignment.outward(before.up))[0])
        sign = -1.0 if change > 0.2 else 1.0  # the alignment says that the knee went outward
        away = -1.0 if final_deg is not None and final_deg < 0 else 1.0
        measures = {
            "angle_deg": None if final_deg is None else sign * away * final_deg,
            "sink_deg": None if sink_deg is None else sign * away * sink_deg,
            "angle_uncertainty_deg": found["angle_uncertainty_deg"],
            "rest_start_s": found["rest_start_s"],
            "rest_still_share": found["rest_still_share"],
            "weak": False,
            "notes": [] if alignment is not None else ["the direction is not known without the two still poses"],
        }
        geometry = fall_geometry(course, record, alignment, side_factor(self.stretch.side), FallMeasureParams())
        curve = None
        if geometry is not None:
            curve = thin_curve(self.stretch, course.t_s, sign * geometry.opening_rad(course.up) / DEG, "knee in (deg)")
        return measures, curve

"""The knee that falls open and rests: phases live, angles in the fall's own plane at the end.

The phases come from a state machine (`fall_phases`), the numbers from the whole course (`fall_measure`). Several falls
within one stretch are possible: a recording that is analysed without a plan is one stretch.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.exercises.alignment import Alignment, side_factor
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.fall_course import Course, FallMeasureParams
from sensorsoma.exercises.fall_measure import measure_fall
from sensorsoma.exercises.fall_phases import FallParams, FallPhases, FallRecord
from sensorsoma.exercises.fall_plane import FallGeometry, fall_geometry
from sensorsoma.exercises.pelvis_roll import PelvisRoll, hip_and_pelvis
from sensorsoma.exercises.plausible import doubt
from sensorsoma.exercises.slip import FallPlane
from sensorsoma.exercises.uncertainty import fall_uncertainties
from sensorsoma.messages import Gap, KneeFallPhaseReached, LiveAngle, OrientedBlock, SegmentCurve
from sensorsoma.units import DEG

LIVE_RATE_HZ = 10.0
"""A screen needs no more."""


class KneeFallDetector:
    """One or several knee falls of one leg."""

    def __init__(
        self, stretch: Stretch, body: Body, params: FallParams | None = None, measure: FallMeasureParams | None = None
    ) -> None:
        self.stretch = stretch
        self._body = body
        self._measure = measure or FallMeasureParams()
        self._phases = FallPhases(params)
        self._binner = Binner()
        self._bins: list[Bins] = []
        self._pelvis = PelvisRoll()
        self._has_gyro = True
        self._live_cell: float | None = None
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Phases and live angles that these samples make known."""
        if self._is_finished or isinstance(block, Gap):
            return ()
        if block.placement == "pelvis" and self.stretch.placement != "pelvis":
            self._pelvis.add(block)
            return ()
        if block.placement != self.stretch.placement:
            return ()
        gyr = block.gyr_sensor_radps
        if gyr is None:
            self._has_gyro = False
            gyr = np.full((len(block.t_s), 3), np.nan)
        return self._step(self._binner.feed(block.t_s, np.hstack([block.up_sensor, block.acc_sensor_mps2, gyr])))

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """The remaining phases, one curve where there was a fall, one `SegmentMeasured`."""
        if self._is_finished:
            return ()
        out = list(self._step(self._binner.finish()))
        self._is_finished = True
        measures, curve = self._conclude()
        if curve is not None:
            out.append(curve)
        out.append(measured(self.stretch, end_s, measures))
        return tuple(out)

    # ---------------------------------------------------------------------------------------------------- live

    def _step(self, bins: Bins) -> tuple[DetectorOutput, ...]:
        if len(bins.t_s) == 0:
            return ()
        self._bins.append(bins)
        out: list[DetectorOutput] = []
        placement = self.stretch.placement
        assert placement is not None
        side = self.stretch.side
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            straight, alignment = self._body.straight_pose(placement, t_s), self._body.alignment(placement, t_s)
            knee_up = None if alignment is None else alignment.knee_up_sensor
            for change in self._phases.update(t_s, row[:3], straight, knee_up):
                angle_deg = None if change.angle_rad is None else round(change.angle_rad / DEG, 2)
                out.append(KneeFallPhaseReached(change.t_s, change.known_s, side, change.phase, angle_deg))
            cell = math.floor(t_s * LIVE_RATE_HZ)
            if cell != self._live_cell:
                self._live_cell = cell
                angle = self._phases.angle_rad
                if angle is not None:
                    out.append(LiveAngle(t_s, "knee_fall", side, placement, round(angle / DEG, 2)))
        return tuple(out)

    # ----------------------------------------------------------------------------------------------- afterwards

    def _conclude(self) -> tuple[dict[str, Any], SegmentCurve | None]:
        course = Course.of(self._bins, self._has_gyro)
        placement = self.stretch.placement
        falls: list[dict[str, Any]] = []
        notes: list[str] = []
        curve = None
        self._tell_planes(course)
        sensor_sd_deg = self._body.sensor_sd_deg(placement)
        if sensor_sd_deg is not None:
            self._measure = replace(self._measure, acc_deg=sensor_sd_deg)
        straight = self._body.straight_for_comparing(placement) if placement is not None else None
        sign = side_factor(self.stretch.side)
        for record in self._phases.records:
            if record.fall_start_s is None:
                if record.arrival_s is not None:
                    notes.append("the knee fell without a pause with the knee up before it, so it was not measured")
                continue
            found = measure_fall(course, record, self._alignment(record), sign, straight, self._measure)
            found["pelvis_roll_deg"] = self._pelvis_roll_deg(record)
            found |= hip_and_pelvis(found["final_deg"], found["pelvis_roll_deg"])
            found |= fall_uncertainties(found, sensor_sd_deg, has_gyro=self._has_gyro)
            falls.append(found)
        if placement is not None:
            notes.extend(self._body.notes(placement))
        if not falls:
            notes.append("no fall of the knee was seen" if len(course.t_s) else "no samples in this stretch")
        else:
            curve = self._curve(course)
        strange = doubt("knee_fall", (fall[name] for fall in falls for name in ("arrival_deg", "final_deg")))
        notes.extend([] if strange is None else [strange])
        return {"count": len(falls), "falls": falls, "weak": strange is not None, "notes": notes}, curve

    def _tell_planes(self, course: Course) -> None:
        """Every fall whose own plane was seen tells how the strap sits."""
        for record in self._phases.records:
            geometry = self._geometry(course, record)
            if geometry is not None and not geometry.is_two_pose and self.stretch.placement is not None:
                plane = FallPlane(record.knee_up_to_s, geometry.axis, geometry.start, course.gyr is not None)
                self._body.saw_fall(self.stretch.placement, plane)

    def _alignment(self, record: FallRecord) -> Alignment | None:
        placement = self.stretch.placement
        return None if placement is None else self._body.alignment(placement, record.arrival_s)

    def _geometry(self, course: Course, record: FallRecord) -> FallGeometry | None:
        sign = side_factor(self.stretch.side)
        return fall_geometry(course, record, self._alignment(record), sign, self._measure)

    def _curve(self, course: Course) -> SegmentCurve | None:
        """Opening over the whole stretch about the axis of its first measured fall."""
        for record in self._phases.records:
            geometry = self._geometry(course, record)
            if geometry is not None:
                angle_deg = geometry.opening_rad(course.up) / DEG
                return thin_curve(self.stretch, course.t_s, angle_deg, "fall-out (deg)")
        return None

    def _pelvis_roll_deg(self, record: FallRecord) -> float | None:
        """How far the pelvis rolled along from knee up to the end of the rest; None without a sensor there."""
        if record.fall_start_s is None or record.arrival_s is None:
            return None
        end_s = record.rest_end_s if record.rest_end_s is not None else self._pelvis.last_s
        if end_s is None:
            return None
        before = (record.fall_start_s - 3.0, record.fall_start_s - 0.3)
        found = self._pelvis.deg(self.stretch.side, before, (end_s - 3.6, end_s - 0.6))
        return None if found is None else round(found, 2)

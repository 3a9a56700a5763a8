"""The plane of a knee fall: its axis in the sensor, and angles about it.

- With a gyroscope the axis is that of the whole turn from before the fall to after it: what wobbles on the way cancels.
- Without, it is the normal of the circle that gravity traces. What an accelerometer adds by being accelerated lies
  within that plane, so a fast fall does not tilt it; skin that wobbles does, so the circle is held to the lean that a
  hip-foot line has in a person who lies on the back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial.transform import Rotation

from sensorsoma.dsp.arc import ArcFit, ArcFitParams, angle_about, angle_between, fit_arc_axis, two_pose_axis
from sensorsoma.exercises.alignment import Alignment
from sensorsoma.exercises.fall_course import Course, FallMeasureParams, smooth
from sensorsoma.exercises.fall_phases import FallRecord
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True, eq=False)
class FallGeometry:
    """Axis and start of one fall; turns directions into opening angles."""

    axis: Floats
    start: Floats
    """`(3,)` up in the knee-up pose."""
    is_two_pose: bool

    def opening_rad(self, up: Floats) -> Floats:
        """`(n,)` turn about the axis away from the knee-up pose."""
        return angle_about(self.axis, self.start, up)


def fall_geometry(
    course: Course, record: FallRecord, alignment: Alignment | None, side_sign: float, params: FallMeasureParams
) -> FallGeometry | None:
    """Axis and start pose; None when there are not enough samples."""
    if record.fall_start_s is None or record.arrival_s is None:
        return None
    until_s = min(record.fall_start_s - 0.3, record.knee_up_to_s)
    start = course.pose(max(record.knee_up_from_s, until_s - params.pose_s), until_s)
    start = record.knee_up_sensor if start is None else start
    end_s = record.arrival_s + params.pose_s
    end = course.pose(record.arrival_s, end_s if record.rest_end_s is None else min(end_s, record.rest_end_s + 0.2))
    path = _path(course, course.between(record.fall_start_s - 0.3, record.arrival_s + 0.5))
    if end is None or len(path) < 5 or float(np.linalg.norm(np.cross(start, end))) < 1e-3:
        return None
    by_rate = _net_axis(course, start, record.fall_start_s - 0.3, record.arrival_s + 0.1)
    if by_rate is not None:
        turned = float(angle_about(by_rate, start, end)[0])
        return FallGeometry(by_rate if turned > 0.0 else -by_rate, start, False)
    # About the axis that opens a right leg, or closes a left one, gravity turns as a screw toward the hip: upward.
    upward = side_sign * outward_sign(start, end, alignment)
    arc = _fit_leaning(path, upward, record.arrival_s - record.fall_start_s, params)
    is_short = arc.arc_rad < params.short_arc_deg * DEG
    axis = two_pose_axis(start, end) if is_short else arc.axis
    if float(angle_about(axis, start, end)[0]) < 0.0:
        axis = -axis
    return FallGeometry(axis, start, is_short)


def _fit_leaning(path: Floats, upward: float, fall_s: float, params: FallMeasureParams) -> ArcFit:
    """The circle of gravity, held to the expected lean the more, the less the path itself says."""
    priors = ArcFitParams(
        off_level_deg=params.off_level_spread_deg, expected_off_level_deg=upward * params.off_level_deg,
        independent_points=max(fall_s / params.alike_s, 3.0),
    )  # fmt: skip
    noise_deg = fit_arc_axis(path, priors).residual_rad / DEG
    return fit_arc_axis(path, replace(priors, noise_deg=max(priors.noise_deg, noise_deg)))


def _net_axis(course: Course, start: Floats, start_s: float, end_s: float) -> Floats | None:
    """`(3,)` axis of the whole turn between two moments, from the rates.

    None without gyroscope, with holes, for a small turn, and where it does not bring gravity to where it then points:
    a gyroscope that clipped or missed something.

    What wobbles on the way cancels: an error of half a degree in a turn of 60 tips this axis by half a degree, where
    the circle of gravity, of which 60 degrees are a flat arc, is tipped by several.
    """
    if course.gyr is None:
        return None
    part = course.between(start_s, end_s)
    t_s, gyr = course.t_s[part], course.gyr[part]
    if len(t_s) < 8 or float(np.diff(t_s).max()) > 0.3:
        return None
    steps = 0.5 * (gyr[1:] + gyr[:-1]) * np.diff(t_s)[:, None]
    turn = Rotation.identity()
    for step in steps:
        turn = turn * Rotation.from_rotvec(step)
    vector = turn.as_rotvec()
    size = float(np.sqrt(vector @ vector))
    off_rad = angle_between(turn.inv().apply(start), course.up[part][-1])
    return None if size < 8.0 * DEG or off_rad > max(5.0 * DEG, 0.1 * size) else np.asarray(-vector / size)


def _path(course: Course, part: slice) -> Floats:
    """Points on the plane of the fall.

    Without gyroscope these are the measured accelerations in g, not unit vectors: what the movement itself adds lies
    within the plane, but scaling a point to unit length would lift it out (an axis 15 deg off level loses 1 deg of 60).
    """
    if course.gyr is not None:
        return course.up[part]
    acc = course.acc[part] / STANDARD_GRAVITY_MPS2
    return np.stack([smooth(column) for column in acc.T], axis=1) if len(acc) else acc


def outward_sign(before: Floats, after: Floats, alignment: Alignment | None) -> float:
    """+1 when the thigh turned outward or nothing tells; -1 when its alignment says inward."""
    if alignment is None:
        return 1.0
    return -1.0 if float((alignment.outward(after) - alignment.outward(before))[0]) < -0.2 else 1.0

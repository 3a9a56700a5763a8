"""The numbers of one knee fall, from its whole course: angles in the fall's own plane.

- Where the leg rests, its pose is the plain mean of the accelerometer, not the orientation filter's up: after a fall
  the filter still leans on its gyroscope for some seconds, and would show the accelerometer's own error between
  the two poses as sink. Between arrival and end of rest that error is nearly the same and cancels.
- With a gyroscope the turn itself is known twice: from gravity at both ends (wrong by the accelerometer's offset and
  gain, 1 deg and more), and from the rates about the axis (wrong by scale and remaining bias). They are averaged by
  their variances.
- Openness asin(-s u.z) needs the mediolateral axis z: at right angles to the fall's axis and to up with the knee up.
  The two-pose frame gives its sign only.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sensorsoma.exercises.alignment import Alignment
from sensorsoma.exercises.fall_course import Course, FallMeasureParams, smooth
from sensorsoma.exercises.fall_pace import fall_speeds, stillness_around
from sensorsoma.exercises.fall_phases import FallRecord
from sensorsoma.exercises.fall_plane import FallGeometry, fall_geometry, outward_sign
from sensorsoma.exercises.uncertainty import SKIN_DEG
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


def measure_fall(
    course: Course, record: FallRecord, alignment: Alignment | None, side_sign: float, straight: Floats | None,
    params: FallMeasureParams,
) -> dict[str, Any]:  # fmt: skip
    """One entry of `falls`: degrees and seconds, None where something was not seen."""
    found: dict[str, Any] = {
        "knee_up_s": record.knee_up_from_s, "fall_start_s": record.fall_start_s, "rest_start_s": record.arrival_s,
        "rest_end_s": record.rest_end_s, "slide_end_s": record.slide_end_s, "arrival_deg": None, "final_deg": None,
        "sink_deg": None, "sink_deg_per_min": None, "fall_s": None, "began_on_exhale": None,
        "openness_kept_share": None, "residual_deg": None, "supported": False, "pelvis_roll_deg": None,
        "breaths_per_min": None, "sink_on_exhale_deg": None, "angle_uncertainty_deg": None,
        "fall_speed_deg_per_s": None, "fall_peak_deg_per_s": None, "slide_s": None, "rest_still_share": None,
        "settle_s": None, "settled_still_share": None, "pelvis_share": None, "hip_only_deg": None,
    }  # fmt: skip
    geometry = fall_geometry(course, record, alignment, side_sign, params)
    if geometry is None:
        return _rounded(found)
    opening = np.unwrap(geometry.opening_rad(course.up))
    arrival_s = _refine_arrival(course, opening, record, params)
    start_s = _refine_start(course, opening, record, arrival_s)
    found["fall_start_s"], found["rest_start_s"], found["fall_s"] = start_s, arrival_s, arrival_s - start_s
    rest_end_s = record.rest_end_s if record.rest_end_s is not None else float(course.t_s[-1])
    at_arrival = _gravity_at_arrival(course, geometry, arrival_s, rest_end_s, params)
    final = _final_pose(course, arrival_s, rest_end_s, params)
    if at_arrival is None:
        return _rounded(found)
    arrival, sigma = _combine(course, geometry, start_s, arrival_s, at_arrival, params)
    sign = _outward_sign(geometry, alignment)
    found["arrival_deg"] = sign * arrival / DEG
    found["angle_uncertainty_deg"] = math.hypot(sigma / DEG, SKIN_DEG)
    if geometry.is_two_pose:
        found["angle_uncertainty_deg"] = math.hypot(found["angle_uncertainty_deg"], 2.0)
    if final is not None:
        if record.slide_end_s is not None:
            found["rest_end_s"] = rest_end_s = _refine_rest_end(course, record, final, arrival_s)
            better = _final_pose(course, arrival_s, rest_end_s, params)
            final = final if better is None else better
        sink = float(geometry.opening_rad(final)[0]) - at_arrival
        rest_s = rest_end_s - arrival_s
        found["final_deg"] = sign * (arrival + sink) / DEG
        found["sink_deg"] = sign * sink / DEG
        found["sink_deg_per_min"] = sign * sink / DEG / rest_s * 60.0 if rest_s > 5.0 else None
        _measure_slide(found, course, record, geometry, final, side_sign, straight, sign, params)
    _measure_pace(found, course, record, geometry, opening)
    return _rounded(found)


def _measure_pace(
    found: dict[str, Any], course: Course, record: FallRecord, geometry: FallGeometry, opening: Floats
) -> None:
    """Speeds, the length of the slide, stillness."""
    start_s, arrival_s = found["fall_start_s"], found["rest_start_s"]
    part = course.between(start_s, arrival_s + 0.02)
    rate = None if course.gyr is None else course.gyr[part] @ -geometry.axis
    found |= fall_speeds(course.t_s[part], opening[part], rate)
    slide_end_s = record.slide_end_s
    straight = None if slide_end_s is None else (slide_end_s, record.straight_to_s or slide_end_s)
    rest_end_s = found["rest_end_s"]
    if rest_end_s is not None and slide_end_s is not None:
        found["slide_s"] = slide_end_s - rest_end_s
    rest = (arrival_s, float(course.t_s[-1]) if rest_end_s is None else rest_end_s)
    found |= stillness_around(course.t_s, course.up, course.gyr, rest, straight)


def _refine_arrival(course: Course, opening: Floats, record: FallRecord, params: FallMeasureParams) -> float:
    """The first moment after the fastest one at which the turn is slow and nearly where it then rests.

    The live arrival waits for a slow second, which a fidget right after the fall puts off.
    """
    assert record.fall_start_s is not None
    assert record.arrival_s is not None
    part = course.between(record.fall_start_s - 0.3, record.arrival_s + 0.6)
    t_s, angle = course.t_s[part], smooth(opening[part])
    if len(t_s) < 8:
        return record.arrival_s
    speed = np.gradient(angle, t_s)
    there = angle[-1]
    near = np.abs(angle - there) < max(4.0 * DEG, 0.08 * abs(there))
    after = np.arange(len(t_s)) > int(np.argmax(np.abs(np.where(t_s <= record.arrival_s, speed, 0.0))))
    slow = np.flatnonzero(near & after & (np.abs(speed) < params.arrived_dps * DEG))
    return float(t_s[slow[0]]) if len(slow) else record.arrival_s


def _onset(t_s: Floats, way: Floats) -> float | None:
    """When a smooth movement began; `way` `(n,)` grows from about 0 to its size.

    The first percent is lost in noise. A smooth course takes as long to its first tenth as from there to its half, so
    the beginning is extrapolated from these two, by half a second at most.
    """
    size = float(np.abs(way[-5:]).mean()) if len(way) >= 8 else 0.0
    if size < 3.0 * DEG:
        return None
    share = np.abs(way) / size
    last = [np.flatnonzero(share < level) for level in (0.02, 0.1, 0.5)]
    if any(len(low) == 0 for low in last):
        return None
    first_s, tenth_s, half_s = (float(t_s[low[-1]]) for low in last)
    return min(max(tenth_s - (half_s - tenth_s), first_s - 0.5), first_s)


def _refine_start(course: Course, opening: Floats, record: FallRecord, arrival_s: float) -> float:
    """When the knee was let go."""
    assert record.fall_start_s is not None
    part = course.between(record.fall_start_s - 1.0, arrival_s)
    found = _onset(course.t_s[part], smooth(opening[part]))
    return record.fall_start_s if found is None else found


def _final_pose(course: Course, arrival_s: float, rest_end_s: float, params: FallMeasureParams) -> Floats | None:
    """`(3,)` where the leg lay at the end of its rest."""
    until_s = rest_end_s - params.guard_s
    return course.pose(max(arrival_s + 0.5, until_s - params.pose_s), until_s)


def _refine_rest_end(course: Course, record: FallRecord, final: Floats, arrival_s: float) -> float:
    """When the leg left its resting place."""
    assert record.rest_end_s is not None
    end_s = record.slide_end_s if record.slide_end_s is not None else record.rest_end_s + 4.0
    part = course.between(max(record.rest_end_s - 2.5, arrival_s), end_s)
    way = np.linalg.norm(course.up[part] - final, axis=1)
    found = _onset(course.t_s[part], smooth(way))
    return record.rest_end_s if found is None else min(found, record.rest_end_s)


def _gravity_at_arrival(
    course: Course, geometry: FallGeometry, arrival_s: float, rest_end_s: float, params: FallMeasureParams
) -> float | None:
    """Opening by the accelerometer at `arrival_s`: a robust line through the first seconds of rest."""
    part = course.between(arrival_s, min(arrival_s + params.sink_fit_s, rest_end_s))
    t_s, acc = course.t_s[part], course.acc[part]
    if len(t_s) < 10:  # hardly a rest at all: the filter's up, which does not mind the movement
        near = course.up[course.between(arrival_s - 0.1, arrival_s + 0.1)]
        return float(np.median(geometry.opening_rad(near))) if len(near) else None
    angle = np.unwrap(geometry.opening_rad(acc / np.maximum(np.linalg.norm(acc, axis=1), 1e-9)[:, None]))
    half = len(t_s) // 2
    slope = float(np.median((angle[half : 2 * half] - angle[:half]) / (t_s[half : 2 * half] - t_s[:half])))
    slope = float(np.clip(slope, -3.0 * DEG, 3.0 * DEG))
    return float(np.median(angle - slope * (t_s - arrival_s)))


def _combine(
    course: Course, geometry: FallGeometry, start_s: float, arrival_s: float, by_gravity: float,
    params: FallMeasureParams,
) -> tuple[float, float]:  # fmt: skip
    """Opening at arrival and its standard deviation, rad."""
    acc_sigma = params.acc_deg * DEG * max(abs(by_gravity) / (60.0 * DEG), 0.3)
    part = course.between(start_s - 0.3, arrival_s + 0.02)
    if course.gyr is None or part.stop - part.start < 5:
        return by_gravity, acc_sigma
    t_s = course.t_s[part]
    if float(np.diff(t_s).max()) > 0.3:
        return by_gravity, acc_sigma
    by_rate = float(np.trapezoid(course.gyr[part] @ -geometry.axis, t_s))
    scale_sigma = params.gyr_scale * abs(by_rate)
    if abs(by_gravity) < params.slowest_dps * DEG * float(t_s[-1] - t_s[0]):
        return by_gravity, acc_sigma
    rate_sigma = math.hypot(scale_sigma, params.gyr_bias_dps * DEG * float(t_s[-1] - t_s[0]))
    if abs(by_rate - by_gravity) > 4.0 * math.hypot(rate_sigma, acc_sigma):
        return by_gravity, max(acc_sigma, abs(by_rate - by_gravity) / 2.0)
    weight = acc_sigma**2 / (acc_sigma**2 + rate_sigma**2)
    return weight * by_rate + (1.0 - weight) * by_gravity, math.sqrt(weight) * rate_sigma


def _mediolateral(geometry: FallGeometry, side_sign: float, outward: float) -> Floats | None:
    """`(3,)` z to the person's right; an outward fall turns up towards -s z."""
    leaves = np.cross(geometry.axis, geometry.start)
    size = float(np.sqrt(leaves @ leaves))
    return None if size < 0.3 else leaves * (-side_sign * outward / size)


def _outward_sign(geometry: FallGeometry, alignment: Alignment | None) -> float:
    """+1 when the fall went outward or nothing tells; -1 when the aligned thigh says that it went inward."""
    return outward_sign(geometry.start, geometry.start + np.cross(geometry.axis, geometry.start), alignment)


def _measure_slide(
    found: dict[str, Any], course: Course, record: FallRecord, geometry: FallGeometry, final: Floats,
    side_sign: float, straight: Floats | None, sign: float, params: FallMeasureParams,
) -> None:  # fmt: skip
    """Openness kept during the slide, and what is left of it when the straight leg has settled."""
    z = _mediolateral(geometry, side_sign, sign)
    if z is None or record.slide_end_s is None:
        return

    def openness(up: Floats) -> float:
        return math.asin(max(-1.0, min(1.0, float(-side_sign * (up @ z)))))

    slid = course.pose(record.slide_end_s, record.slide_end_s + 0.6)
    before = openness(final)
    if slid is not None and before > 10.0 * DEG:
        found["openness_kept_share"] = openness(slid) / before
    if straight is None or record.straight_to_s is None or record.straight_to_s - record.slide_end_s < 4.0:
        return
    settled = course.pose(record.straight_to_s - params.pose_s, record.straight_to_s)
    if settled is not None:
        found["residual_deg"] = (openness(settled) - openness(course.corrected(straight))) / DEG


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 3)
        if isinstance(value, float) and math.isfinite(value)
        else None
        if isinstance(value, float)
        else value
        for name, value in found.items()
    }

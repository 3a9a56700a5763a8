"""The numbers of one knee fall, from its whole course: angles in the fall's own plane.

- The axis is the normal of the circle that up traces from the knee-up pose to the arrival. What an accelerometer adds
  by being accelerated lies within that plane, so a fast fall does not tilt it.
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
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.spatial.transform import Rotation

from sensorsoma.dsp.accelerometer import AccelerometerFit, fit_accelerometer
from sensorsoma.dsp.arc import ArcFit, ArcFitParams, angle_about, fit_arc_axis, two_pose_axis
from sensorsoma.dsp.bins import Bins
from sensorsoma.exercises.alignment import Alignment
from sensorsoma.exercises.fall_pace import fall_speeds, stillness_around
from sensorsoma.exercises.fall_phases import FallRecord
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class FallMeasureParams:
    """Windows and error budget."""

    pose_s: float = 3.0
    """A pose is the median over at most this long: fidgets last less than half of it."""
    guard_s: float = 0.6
    """Kept clear of a movement's slow beginning."""
    sink_fit_s: float = 4.0
    """The angle at arrival is a robust line over this long after it, so that a fidget does not move it."""
    arrived_dps: float = 2.0
    """Arrived: the turn about the axis is slower than this (science section 9)."""
    short_arc_deg: float = 20.0
    """Below this the axis comes from the two poses only."""
    acc_deg: float = 1.0
    """Error of a 60 deg arc by gravity with offsets of 25 mg and gains of 1.5 % (science: 0.7 with 20 mg and 1 %)."""
    gyr_scale: float = 0.01
    """Scale error of a consumer gyroscope."""
    gyr_bias_dps: float = 0.1
    """Bias left after the filter's estimate."""
    slowest_dps: float = 6.0
    """A steady turn slower than this on average may pass for bias in the filter: then gravity alone is read."""
    off_level_deg: float = 10.0
    """The foot stands on the mattress and the hip joint lies 8-10 cm above it: the hip-foot line rises by about this
    much toward the hip ..."""
    off_level_spread_deg: float = 8.0
    """... give or take a pillow, a soft bed, a foot drawn nearer. Only asked without gyroscope."""
    alike_s: float = 0.3
    """Soft tissue swings at 2-4 Hz: points of the path that are nearer than this err alike."""
    skin_deg: float = 0.5
    """What skin and strap add to any angle of a relaxed thigh [assumed]."""


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """A stretch on the 25 Hz grid."""

    t_s: Floats
    up: Floats
    """`(n, 3)` of the orientation filter."""
    acc: Floats
    """`(n, 3)` mean specific force."""
    gyr: Floats | None
    """`(n, 3)` mean rate without bias; None without gyroscope."""
    errors: AccelerometerFit | None = None
    """What was taken off `acc`."""

    @classmethod
    def of(cls, pieces: Sequence[Bins], has_gyro: bool) -> Course:
        """From bins whose rows are up, acc, gyr (9 columns); offset and gain of the accelerometer are taken off."""
        if not pieces:
            return cls(np.empty(0), np.empty((0, 3)), np.empty((0, 3)), None)
        rows, t_s = np.concatenate([bins.rows for bins in pieces]), np.concatenate([bins.t_s for bins in pieces])
        errors = fit_accelerometer(t_s, rows[:, 3:6])
        return cls(t_s, rows[:, :3], errors.correct(rows[:, 3:6]), rows[:, 6:9] if has_gyro else None, errors)

    def corrected(self, up: Floats) -> Floats:
        """`(3,)` a direction that was measured at rest, with the accelerometer's errors taken off."""
        if self.errors is None:
            return up
        better = self.errors.correct(up * STANDARD_GRAVITY_MPS2)
        return better / float(np.sqrt(better @ better))

    def between(self, start_s: float, end_s: float) -> slice:
        """Indices with start <= t < end."""
        begin, end = np.searchsorted(self.t_s, [start_s, end_s])
        return slice(int(begin), int(end))

    def pose(self, start_s: float, end_s: float) -> Floats | None:
        """`(3,)` where gravity points while at rest: the median of the accelerometer; None without samples."""
        acc = self.acc[self.between(start_s, end_s)]
        if len(acc) == 0:
            return None
        middle = np.median(acc, axis=0)
        norm = float(np.sqrt(middle @ middle))
        return middle / norm if norm > 1e-6 else None


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
    by_rate = _net_axis(course, record.fall_start_s - 0.3, record.arrival_s + 0.1)
    if by_rate is not None:
        turned = float(angle_about(by_rate, start, end)[0])
        return FallGeometry(by_rate if turned > 0.0 else -by_rate, start, False)
    # About the axis that opens a right leg, or closes a left one, gravity turns as a screw toward the hip: upward.
    upward = side_sign * _outward(start, end, alignment)
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


def _net_axis(course: Course, start_s: float, end_s: float) -> Floats | None:
    """`(3,)` axis of the whole turn between two moments, from the rates; None without gyroscope, with holes, or small.

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
    return None if size < 8.0 * DEG else np.asarray(-vector / size)


def _path(course: Course, part: slice) -> Floats:
    """Points on the plane of the fall.

    Without gyroscope these are the measured accelerations in g, not unit vectors: what the movement itself adds lies
    within the plane, but scaling a point to unit length would lift it out (an axis 15 deg off level loses 1 deg of 60).
    """
    if course.gyr is not None:
        return course.up[part]
    acc = course.acc[part] / STANDARD_GRAVITY_MPS2
    return np.stack([_smooth(column) for column in acc.T], axis=1) if len(acc) else acc


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
    found["angle_uncertainty_deg"] = math.hypot(sigma / DEG, params.skin_deg)
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
    t_s, angle = course.t_s[part], _smooth(opening[part])
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
    found = _onset(course.t_s[part], _smooth(opening[part]))
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
    found = _onset(course.t_s[part], _smooth(way))
    return record.rest_end_s if found is None else min(found, record.rest_end_s)


def _smooth(values: Floats, n: int = 5) -> Floats:
    """Centred running mean; the ends repeat."""
    padded = np.concatenate([np.repeat(values[:1], n // 2), values, np.repeat(values[-1:], n // 2)])
    return np.convolve(padded, np.full(n, 1.0 / n), mode="valid")


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
    return _outward(geometry.start, geometry.start + np.cross(geometry.axis, geometry.start), alignment)


def _outward(before: Floats, after: Floats, alignment: Alignment | None) -> float:
    """+1 when the thigh turned outward or nothing tells; -1 when its alignment says inward."""
    if alignment is None:
        return 1.0
    return -1.0 if float((alignment.outward(after) - alignment.outward(before))[0]) < -0.2 else 1.0


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

"""How far an angle may be off, as a standard deviation: parts that know nothing of each other.

    sensor   offset and gain of the accelerometer: 0.9 deg on an arc of 60, growing with its chord (`gravity_fit`);
             what is left of it once a fit is kept
    skin     what skin and strap add to any angle of a relaxed limb: 0.5 deg [assumed]
    axis     without a gyroscope the plane of a fall is known to 4 deg; with the axis 15 deg off level that moves an
             arc of 60 deg by 1.2
    motion   without a gyroscope a rep turns while the leg is accelerated, which reads as tilt

A side, a plan or a wish never makes it smaller.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sensorsoma.dsp.gravity_fit import USUAL_SD_DEG, scaled_sd_deg
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

SKIN_DEG = 0.5
"""What skin and strap add to any angle of a relaxed thigh [assumed]."""
SHORT_ARC_DEG = 20.0
"""Arcs under this hardly show their own circle; the axis is then that of their end poses ..."""
SHORT_ARC_SHARE = 0.06
"""... and up to 20 deg off level, which shortens the arc by up to this share (science section 3)."""


AXIS_SD_DEG = 4.0
"""How well gravity alone tells the axis of one fall: two falls of one person differ by 3.6 deg, and share a part."""
OFF_LEVEL_DEG = 15.0
"""Middle of the 5-20 degrees by which hip and foot lie at different heights."""
RADIUS_M = 0.3
"""From the hip to the sensor: a hand's width above the kneecap."""


def axis_uncertainty_deg(arc_deg: float) -> float:
    """What an axis from gravity alone leaves open of an arc: the chord is seen, and the circle's width is not.

    The chord is 2 cos(e) sin(arc/2) for an axis e off level; an error of e moves the arc by 2 tan(arc/2) tan(e) of it.

    >>> round(axis_uncertainty_deg(60.0), 1)
    1.2
    """
    return AXIS_SD_DEG * 2.0 * math.tan(min(abs(arc_deg), 120.0) / 2.0 * DEG) * math.tan(OFF_LEVEL_DEG * DEG)


def motion_uncertainty_deg(arc_deg: float, cycle_s: float) -> float:
    """What the acceleration of a rep adds to its range where only gravity is read: radius (2 pi / cycle)^2 / g of it.

    >>> round(motion_uncertainty_deg(40.0, 4.0), 1), round(motion_uncertainty_deg(40.0, 8.0), 1)
    (3.0, 0.8)
    """
    return abs(arc_deg) * RADIUS_M * (2.0 * math.pi / cycle_s) ** 2 / STANDARD_GRAVITY_MPS2 if cycle_s > 0.0 else 0.0


def arc_uncertainty_deg(arc_deg: float, sensor_sd_deg: float | None = None, other_deg: float = 0.0) -> float:
    """Standard deviation of an arc read from gravity at both of its ends.

    Args:
        arc_deg: its size.
        sensor_sd_deg: what the sensor adds to an arc of 60 degrees; None: an ordinary one.
        other_deg: standard deviation of what else there is: axis, motion.

    >>> round(arc_uncertainty_deg(60.0), 2), round(arc_uncertainty_deg(10.0), 2)
    (1.03, 0.8)
    """
    sensor_deg = scaled_sd_deg(arc_deg, USUAL_SD_DEG if sensor_sd_deg is None else sensor_sd_deg)
    axis_deg = SHORT_ARC_SHARE * abs(arc_deg) if abs(arc_deg) < SHORT_ARC_DEG else 0.0
    return math.sqrt(sensor_deg**2 + SKIN_DEG**2 + axis_deg**2 + other_deg**2)


def fall_uncertainties(
    fall: Mapping[str, Any], sensor_sd_deg: float | None = None, *, has_gyro: bool = True
) -> dict[str, float | None]:
    """What a knee fall's angle, openness and residual roll may be off by, as standard deviations.

    The angle's own comes from how it was measured (`fall_measure`); without a gyroscope the axis adds to it.

    Openness is read from one direction: the sensor turns it by what it turns an arc of the same size. Kept openness is
    a ratio of two such readings. The residual roll compares two nearly equal poses: the sensor's part nearly cancels,
    the skin's does not.
    """
    final, share, residual = fall.get("final_deg"), fall.get("openness_kept_share"), fall.get("residual_deg")
    kept_sd = residual_sd = None
    if final and share is not None:
        kept_sd = arc_uncertainty_deg(final, sensor_sd_deg) / abs(final) * math.hypot(1.0, share)
    if residual is not None:
        sensor_deg = scaled_sd_deg(residual, USUAL_SD_DEG if sensor_sd_deg is None else sensor_sd_deg)
        residual_sd = math.hypot(sensor_deg, math.sqrt(2.0) * SKIN_DEG)
    angle_sd = fall.get("angle_uncertainty_deg")
    if angle_sd is not None and final is not None and not has_gyro:
        angle_sd = round(math.hypot(angle_sd, axis_uncertainty_deg(final)), 3)
    return {
        "angle_uncertainty_deg": angle_sd,
        "openness_kept_uncertainty": None if kept_sd is None else round(kept_sd, 3),
        "residual_uncertainty_deg": None if residual_sd is None else round(residual_sd, 2),
    }

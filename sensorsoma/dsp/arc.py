"""The circle that gravity traces in a moving sensor: its axis, and angles about it.

When a segment turns about one axis, the direction of gravity seen by the sensor walks along a circle on the unit
sphere. The normal of that circle is the axis; angles about it do not shrink when the axis is off level, as the plain
angle between two directions does (60 degrees read as 56 with the axis 20 degrees off level).

The trap: in a short arc the circle's own bulge is smaller than the noise, and a plain plane fit then returns the
radial direction instead of the axis. Here the distance of the plane from the centre gets a prior width (axes of bed
movements lie within some 20 degrees of level), so that long arcs are fitted as free circles and short ones turn
smoothly into great circles, which is the axis from their two end poses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class ArcFitParams:
    """What is assumed about the circle before seeing it."""

    noise_deg: float = 0.5
    """Scatter of a low-passed gravity direction about its circle: skin and strap wobble of a moving thigh."""
    off_level_deg: float = 15.0
    """Prior width of the axis' angle off level: hip and ankle lie at heights that make 5-20 degrees."""
    expected_off_level_deg: float = 0.0
    """Middle of that prior, as the angle between axis and level: positive when the axis points upward. Known where
    the movement tells which end of the leg lies higher."""
    independent_points: float = 20.0
    """Neighbouring samples err alike; this many count as independent, however many there are."""
    trim: float = 3.5
    """Points farther from the circle than this many robust standard deviations do not count (twice that at first)."""


@dataclass(frozen=True, slots=True)
class ArcFit:
    """A circle on the unit sphere."""

    axis: Floats
    """`(3,)` unit normal in sensor axes; turning right-handed about it goes from the first point to the farthest."""
    arc_rad: float
    """Extent of the points about the axis."""
    residual_rad: float
    """Root mean square distance of the points from the circle."""


def _unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector))


def _normal(up: Floats, params: ArcFitParams, is_great_circle: bool = False) -> tuple[Floats, float]:
    """Normal `(3,)` and signed distance of the most probable plane.

    In the basis v (along the movement), m (middle of the arc, radial), w = m x v, the normal is w + b v + c m up to
    length, so a plane fit is a regression of the w coordinates on the other two. c is the tangent of the axis' angle
    off level and carries the prior; errors count along w only, so the radial direction cannot win.
    """
    mean = up.mean(axis=0)
    middle = _unit(mean)
    centred = up - mean
    tangent = centred - np.outer(centred @ middle, middle)
    along = np.linalg.eigh(tangent.T @ tangent)[1][:, 2]
    if abs(float(along @ middle)) > 0.5:  # nothing moves: any direction on the sphere will do
        along = _unit(np.cross(middle, np.eye(3)[int(np.argmin(np.abs(middle)))]))
    if float(along @ (up[-1] - up[0])) < 0.0:
        along = -along
    across = np.cross(middle, along)
    if is_great_circle:
        return across, float(across @ mean)
    x = centred @ np.stack([along, middle], axis=1)
    variance = (params.noise_deg * DEG) ** 2
    prior = variance / min(float(len(up)), params.independent_points)
    gram = x.T @ x / len(up) + np.diag([1e-12, prior / np.tan(params.off_level_deg * DEG) ** 2])
    expected = np.tan(params.expected_off_level_deg * DEG)
    pull = np.array([0.0, expected * prior / np.tan(params.off_level_deg * DEG) ** 2])
    b, c = np.linalg.solve(gram, pull - x.T @ (centred @ across) / len(up))
    normal = _unit(across + b * along + c * middle)
    return normal, float(normal @ mean)


def fit_arc_axis(up: Floats, params: ArcFitParams | None = None) -> ArcFit:
    """The circle through directions of gravity `up` `(n, 3)`, n >= 3, unit vectors in sensor axes and in order of time.

    Non-finite rows are left out. Points far off the circle (a knock) are left out.
    Directions that do not move give an arbitrary axis with a small `arc_rad`: look at that before using the axis.

    Raises:
        ValueError: fewer than 3 finite directions, or a wrong shape.

    >>> turn = np.linspace(0.0, 1.0, 50)
    >>> fit = fit_arc_axis(np.stack([np.zeros(50), -np.sin(turn), np.cos(turn)], axis=1))
    >>> np.round(fit.axis, 3).tolist(), round(fit.arc_rad, 3)
    ([1.0, 0.0, 0.0], 1.0)
    """
    params = params or ArcFitParams()
    up = np.asarray(up, dtype=np.float64)
    if up.ndim != 2 or up.shape[1] != 3:
        raise ValueError(f"expected directions of shape (n, 3), got {up.shape}")
    up = up[np.isfinite(up).all(axis=1)]
    if len(up) < 3:
        raise ValueError(f"a circle needs at least 3 finite directions, got {len(up)}")
    kept = up
    normal, distance = _normal(up, params, is_great_circle=True)
    for trim in (2.0 * params.trim, params.trim):
        off = np.abs(up @ normal - distance - np.median(up @ normal - distance))
        kept = up[off <= trim * max(float(np.median(off)) * 1.4826, params.noise_deg * DEG)]
        kept = kept if len(kept) >= 3 else up
        normal, distance = _normal(kept, params)
    angle = angle_about(normal, kept[0], kept)
    if angle[int(np.argmax(np.abs(angle)))] < 0.0:
        normal, distance, angle = -normal, -distance, -angle
    residual = float(np.sqrt(np.mean((kept @ normal - distance) ** 2)))
    return ArcFit(axis=normal + 0.0, arc_rad=float(angle.max() - angle.min()), residual_rad=residual)


def angle_about(axis: Floats, start: Floats, up: Floats) -> Floats:
    """Angles `(n,)` rad, -pi to pi, by which `up` `(n, 3)` is turned about `axis` `(3,)` away from `start` `(3,)`.

    All are unit vectors in the same axes; right-handed about `axis` is positive. The part of `up` along the axis is
    projected out. NaN in gives NaN out.

    >>> x, z = np.array([1.0, 0, 0]), np.array([0, 0, 1.0])
    >>> float(np.rad2deg(angle_about(x, z, np.array([[0, -1.0, 0]]))[0]))
    90.0
    """
    up = np.atleast_2d(np.asarray(up, dtype=np.float64))
    along_start = float(axis @ start)
    across = up @ np.cross(axis, start)
    return np.asarray(np.arctan2(across, up @ start - (up @ axis) * along_start))


def angle_between(a: Floats, b: Floats) -> float:
    """Angle in rad, 0 to pi, between two unit vectors `(3,)`; exact for small angles, where an arc cosine is not."""
    return float(2.0 * np.arctan2(np.linalg.norm(a - b), np.linalg.norm(a + b)))


def two_pose_axis(start: Floats, end: Floats) -> Floats:
    """Unit axis `(3,)` of the shortest turn from `start` to `end` (unit vectors, not parallel)."""
    return _unit(np.cross(start, end))

"""Which sign convention a phone uses: told by its readings of the first second.

On an iPhone without "Standardise Units & Frames" both accelerometer and gravity have the opposite sign; the gyroscope
has not. That is a mirrored world: every motion in it is possible, only left and right are exchanged, so motion alone
cannot tell. What can: the unit of the uncalibrated accelerometer, which is g on exactly those phones; the orientation
quaternion, whose world has its z axis up on both systems; and, failing both, the screen, which faces up on a phone
that was just started in the hand or on a table. Source: the app's pages on units and platforms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sensorsoma.decode.sensor_logger_body import Vector
from sensorsoma.messages import Floats

SignFoundBy = Literal["config", "unit", "orientation", "screen_up", "assumed"]


@dataclass(frozen=True, slots=True)
class SignParams:
    """When a hint is believed."""

    g_below_mps2: float = 3.0
    """Gravity shorter than this is written in g: between 1 (g) and 9.81 (m/s²)."""
    agree_share: float = 0.9
    """Orientation and gravity agree on what is vertical when their directions are within 26° (or opposite)."""
    screen_share: float = 0.5
    """The screen faces up or down when gravity lies on its axis with at least this share: within 60°."""


def find_sign(seen: Mapping[str, Sequence[Vector]], params: SignParams) -> tuple[int, SignFoundBy]:
    """1 or -1 to bring what was sent to the convention of this package, and what told it.

    Args:
        seen: readings of the first second by sensor, as sent.
        params: thresholds.

    >>> find_sign({"gravity": [(0.0, 0.0, -9.8)]}, SignParams())
    (-1, 'screen_up')
    """
    raw = seen.get("accelerometeruncalibrated", ())
    if raw:
        return (-1 if typical_length(raw) < params.g_below_mps2 else 1), "unit"
    gravity = seen.get("gravity") or seen.get("totalacceleration") or ()
    if not gravity:
        return 1, "assumed"
    up = np.median(np.array(gravity), axis=0)
    up /= max(float(np.linalg.norm(up)), 1e-9)
    quaternions = seen.get("orientation", ())
    if quaternions:
        share = _share_upward(up, np.array(quaternions, dtype=np.float64))
        if abs(share) >= params.agree_share:
            return (1 if share > 0 else -1), "orientation"
    if abs(up[2]) >= params.screen_share:
        return (1 if up[2] > 0 else -1), "screen_up"
    return 1, "assumed"


def _share_upward(up: Floats, quaternions: Floats) -> float:
    """Cosine between a measured vertical and the world's z axis in the phone, -1 to 1.

    Whether the quaternion turns phone into world or world into phone is not documented, so both readings are tried and
    the one that agrees better, in either direction, is believed.
    """
    w, x, y, z = (quaternions / np.maximum(np.linalg.norm(quaternions, axis=1, keepdims=True), 1e-9)).T
    vertical = 1.0 - 2.0 * (x * x + y * y)
    readings = (
        np.column_stack([2.0 * (x * z - w * y), 2.0 * (y * z + w * x), vertical]),
        np.column_stack([2.0 * (x * z + w * y), 2.0 * (y * z - w * x), vertical]),
    )
    shares = [float(np.median(reading @ up)) for reading in readings]
    if shares[0] * shares[1] < 0 and abs(abs(shares[0]) - abs(shares[1])) < 0.2:
        return 0.0  # both fit as well, in opposite directions
    return max(shares, key=abs)


def typical_length(vectors: Sequence[Vector]) -> float:
    """Median length of vectors, in their own unit."""
    return float(np.median(np.linalg.norm(np.array(vectors, dtype=np.float64), axis=1)))

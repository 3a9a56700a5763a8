"""The thigh's axes in the sensor from two still poses, whatever way the strap sits.

Straight leg: gravity gives the anterior axis x. Knee to the ceiling, foot flat: the turn between the two poses is about
the mediolateral axis z. y = z x x points to the hip. A relaxed straight leg lies rolled outward by 10-40 deg,
differently on each side, so this frame tells outward from inward and which face is up; it is never used for the size of
an angle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.messages import Floats, Placement, Side, placement_side
from sensorsoma.units import DEG

MIN_BEND_DEG = 25.0
"""Two poses closer than this make no reliable mediolateral axis: refused."""
USUAL_ROLL_DEG = 25.0
"""Middle of the 10-40 deg by which a relaxed straight leg lies rolled outward."""
MAX_BEND_DEG = 100.0
"""A thigh with the foot on the bed rises by 45-80 deg, rolled outward or not; lying on the side is 90 and more away."""


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Segment axes (x anterior, y to the hip, z to the person's right) in sensor axes."""

    placement: Placement
    known_s: float
    """Sample time from which on it may be used."""
    x_sensor: Floats
    y_sensor: Floats
    z_sensor: Floats
    knee_up_sensor: Floats
    """`(3,)` up in the knee-up pose."""
    bend_rad: float
    """Angle between the two poses."""

    def in_body(self, vectors_sensor: Floats) -> Floats:
        """`(n, 3)` along front, hip and right, for telling postures: with the leg's outward roll taken off as expected.

        Of `USUAL_ROLL_DEG` in the straight pose, that is; the two-pose axes alone are off by 30 deg for a roll of 25.
        """
        z = self.lateral_sensor()
        x = self.x_sensor - float(self.x_sensor @ z) * z
        x = x / np.linalg.norm(x)
        return np.atleast_2d(vectors_sensor) @ np.stack([x, np.cross(z, x), z], axis=1)

    def lateral_sensor(self) -> Floats:
        """`(3,)` to the person's right: at right angles to up with the knee up, and off level as the roll says."""
        across = self.x_sensor - float(self.x_sensor @ self.knee_up_sensor) * self.knee_up_sensor
        size = float(np.sqrt(across @ across))
        share = -side_factor(placement_side(self.placement)) * np.sin(USUAL_ROLL_DEG * DEG) / size
        share = float(np.clip(share, -0.8, 0.8))
        return np.asarray(share * across / size + np.sqrt(1.0 - share**2) * self.z_sensor)

    def outward(self, up_sensor: Floats) -> Floats:
        """`(n,)` how far the front of the thigh faces outward: -s u.z; 1 = wholly outward, negative = inward."""
        return np.asarray(-side_factor(placement_side(self.placement)) * (np.atleast_2d(up_sensor) @ self.z_sensor))

    def elevation_rad(self, up_sensor: Floats) -> Floats:
        """`(n,)` angle of the thigh above the bed, knee up positive."""
        return np.arcsin(np.clip(-(np.atleast_2d(up_sensor) @ self.y_sensor), -1.0, 1.0))


def side_factor(side: Side | None) -> float:
    """+1 for the right leg, -1 for the left: every signed formula is mirrored by it.

    >>> side_factor("right"), side_factor("left")
    (1.0, -1.0)
    """
    return -1.0 if side == "left" else 1.0


def align(placement: Placement, known_s: float, straight: Floats, knee_up: Floats) -> Alignment | str:
    """The alignment from unit up vectors `(3,)` of the two poses, or one sentence on why there is none."""
    bend_rad = angle_between(straight, knee_up)
    bend_deg = bend_rad / DEG
    if bend_deg < MIN_BEND_DEG:
        return f"expected the thigh to rise {MIN_BEND_DEG:.0f} degrees or more between the poses, found {bend_deg:.0f}"
    if bend_deg > 170.0:
        return f"expected the thigh to rise by less than 170 degrees between the poses, found {bend_deg:.0f}"
    z = np.cross(knee_up, straight)
    z = z / np.linalg.norm(z)
    y = np.cross(z, straight)
    return Alignment(
        placement=placement,
        known_s=known_s,
        x_sensor=straight / np.linalg.norm(straight),
        y_sensor=y / np.linalg.norm(y),
        z_sensor=z,
        knee_up_sensor=knee_up,
        bend_rad=bend_rad,
    )

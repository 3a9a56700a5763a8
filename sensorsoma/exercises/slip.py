"""How good an alignment is, and whether the strap still sits as it sat.

The knee-up pose alone cannot tell a slip from a foot that stands elsewhere or a knee that leans. Together with the
plane of the fall it can: a strap slips about the thigh's long axis, a foot moves the thigh about the mediolateral axis,
and a knee leans about the fall's own axis. The turn between the seats of two falls splits into these three.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_about
from sensorsoma.exercises.alignment import Alignment
from sensorsoma.messages import Floats, Placement

SAME_SEAT_DEG = 4.0
"""Planes of two falls that agree within this show the strap where it was."""


@dataclass(slots=True)
class Slip:
    """The strap, or the pose, was no longer what it had been."""

    since_s: float
    """The last moment at which it still agreed, session seconds."""
    t_s: float
    """When it was noticed."""
    off_deg: float | None
    """How far the knee-up pose was off; None when the plane of the falls told."""
    turn_deg: float | None
    """Size of the strap's turn about the thigh by the planes of the falls before and after; None when not seen."""

    @property
    def is_of_the_strap(self) -> bool:
        """False when the planes of the falls before and after show that only the pose was another."""
        return self.turn_deg is None or self.turn_deg > SAME_SEAT_DEG

    def to_json(self) -> dict[str, Any]:
        """As in `input.sources[].slips`."""
        return {
            "since_s": round(self.since_s, 3), "noticed_s": round(self.t_s, 3), "off_deg": _rounded(self.off_deg),
            "turn_deg": _rounded(self.turn_deg),
        }  # fmt: skip


@dataclass(slots=True)
class AlignmentQuality:
    """What speaks for or against one pair of still poses."""

    placement: Placement
    t_s: float
    """When the knee-up pose was taken."""
    bend_deg: float
    """Angle between the poses; 25 is the least, 45-80 is usual."""
    spreads_deg: tuple[float, float]
    """How much the sensor swayed in the straight and in the knee-up pose, standard deviations."""
    agreed_s: float
    """The last time at which the knee-up pose was found again."""
    again_deg: list[float] = field(default_factory=list)
    """How far later knee-up poses were off."""
    planes_off_deg: list[float] = field(default_factory=list)
    """Angle between the thigh's sideways axis by the two poses and by each fall's own plane."""

    def again(self, t_s: float, off_deg: float) -> None:
        """The knee-up pose came back."""
        self.again_deg.append(off_deg)
        self.agreed_s = t_s

    def to_json(self) -> dict[str, Any]:
        """As in `input.sources[].alignments`."""
        return {
            "placement": self.placement, "taken_s": round(self.t_s, 3), "bend_deg": round(self.bend_deg, 2),
            "straight_spread_deg": round(self.spreads_deg[0], 3), "knee_up_spread_deg": round(self.spreads_deg[1], 3),
            "again_off_deg": _rounded(max(self.again_deg, default=None)),
            "plane_off_deg": _rounded(float(np.median(self.planes_off_deg)) if self.planes_off_deg else None),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class FallPlane:
    """One measured fall: where up was with the knee up, and the axis about which it fell, in sensor axes."""

    knee_up_s: float
    axis: Floats
    start: Floats
    has_gyro: bool
    """Without a gyroscope a fall's plane is too rough to tell a slip (3.6 deg, now and then 15)."""

    def sideways(self) -> Floats:
        """`(3,)` at right angles to the fall's axis and to up: the thigh's mediolateral axis, sign as the fall goes."""
        across = np.cross(self.axis, self.start)
        return np.asarray(across / np.linalg.norm(across))

    def right_of(self, alignment: Alignment) -> Floats:
        """The same with the sign of the alignment's."""
        side = self.sideways()
        return side if float(side @ alignment.z_sensor) >= 0.0 else -side


def strap_turn(before: FallPlane, now: FallPlane, straight: Floats) -> Floats | None:
    """`(3,)` turn of the strap about the thigh's long axis between two falls, as a rotation vector in sensor axes, rad.

    None where the axes do not separate it. `straight` `(3,)` is up in the straight pose: at right angles to the long
    axis, as the sideways axis is.
    """
    side = before.sideways()
    long_axis = np.cross(side, straight)
    size = float(np.linalg.norm(long_axis))
    if size < 0.3:
        return None
    long_axis = long_axis / size
    axes = np.stack([long_axis, side, before.axis], axis=1)
    if abs(float(np.linalg.det(axes))) < 0.3:
        return None
    from scipy.spatial.transform import Rotation  # only where falls are compared: it takes a while to load

    turn = Rotation.from_matrix(_frame(now) @ _frame(before).T).as_rotvec()
    return np.asarray(float(np.linalg.solve(axes, turn)[0]) * long_axis)


def turned(direction: Floats, turn: Floats) -> Floats:
    """`(3,)` a direction, turned by a rotation vector `(3,)`."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_rotvec(turn).apply(direction))


def turned_along(alignment: Alignment, straight: Floats, knee_up: Floats) -> Floats:
    """`(3,)` the straight pose as the strap sits now: turned about the thigh as far as the knee-up pose was.

    A strap slips about the thigh's long axis; what else changed (the foot stands nearer) leaves the straight pose be.
    """
    y = alignment.y_sensor
    return turned(straight, float(angle_about(y, alignment.knee_up_sensor, knee_up)[0]) * y)


def _frame(plane: FallPlane) -> Floats:
    side = plane.sideways()
    return np.stack([plane.start, side, np.cross(plane.start, side)], axis=1)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)

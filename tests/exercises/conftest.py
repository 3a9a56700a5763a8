"""A thigh moved by hand: poses as rotations, joined by smooth turns. Small, exact, independent of `simulate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.messages import Floats, ImuBlock, OrientedBlock, Placement
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

RATE_HZ = 104.0
MOUNTING = Rotation.from_euler("xyz", [35, -60, 110], degrees=True)
"""Sensor axes in the segment: an arbitrary strap."""


@dataclass(frozen=True)
class Key:
    """Be in this pose (segment to world) at this time."""

    t_s: float
    pose: Rotation


def lying(elevation_deg: float = 0.0, outward_deg: float = 0.0, side: str = "right") -> Rotation:
    """Segment to world (z up, y to the head; so the person's right is -x); thigh raised, then turned out.

    Turning out is about the thigh's own long axis for the straight leg; see `fallen` for the fall.
    """
    s = -1.0 if side == "left" else 1.0
    supine = Rotation.from_matrix(np.stack([[0.0, 0, 1], [0, 1.0, 0], [-1.0, 0, 0]], axis=1))  # where x, y, z point
    raise_knee = Rotation.from_rotvec([-elevation_deg * DEG, 0, 0])
    out = Rotation.from_rotvec([0, -s * outward_deg * DEG, 0])
    return raise_knee * out * supine


def fallen(theta_deg: float, elevation_deg: float = 55.0, off_level_deg: float = 10.0, side: str = "right") -> Rotation:
    """The knee-up leg turned outward by `theta_deg` about the hip-foot line, which is `off_level_deg` off level."""
    s = -1.0 if side == "left" else 1.0
    axis = np.array([0.0, np.cos(off_level_deg * DEG), np.sin(off_level_deg * DEG)])
    return Rotation.from_rotvec(-s * theta_deg * DEG * axis) * lying(elevation_deg, 0.0, side)


def imu(
    keys: Sequence[Key], rate_hz: float = RATE_HZ, bias_dps: float = 1.0, noise: float = 1.0, seed: int = 0
) -> ImuBlock:
    """Exact samples of the key poses joined by minimum-jerk turns, seen through the arbitrary mounting."""
    t_s = np.arange(keys[0].t_s, keys[-1].t_s, 1 / rate_hz)
    times = np.array([key.t_s for key in keys])
    slerp = Slerp(times, Rotation.concatenate([key.pose for key in keys]))

    def at(t: Floats) -> Rotation:
        i = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(times) - 2)
        width = np.diff(times)[i]
        x = np.clip((t - times[i]) / width, 0, 1)
        return slerp(times[i] + width * (10 * x**3 - 15 * x**4 + 6 * x**5))

    pose = at(t_s) * MOUNTING
    half = 0.5 / rate_hz
    before, after = at(np.maximum(t_s - half, times[0])) * MOUNTING, at(np.minimum(t_s + half, times[-1])) * MOUNTING
    rng = np.random.default_rng(seed)
    gyr = (before.inv() * after).as_rotvec() * rate_hz + bias_dps * DEG + rng.normal(0, 0.002 * noise, (len(t_s), 3))
    acc = pose.inv().apply([0, 0, STANDARD_GRAVITY_MPS2]) + rng.normal(0, 0.03 * noise, (len(t_s), 3))
    return ImuBlock("right-thigh", rate_hz, t_s, acc, gyr)


@dataclass(frozen=True)
class Hand:
    """What the tests of this folder build movements with."""

    Key: type[Key]
    lying: Callable[..., Rotation]
    fallen: Callable[..., Rotation]
    imu: Callable[..., ImuBlock]

    def oriented(
        self, keys: Sequence[Key], placement: Placement = "right-thigh", has_gyro: bool = True, **how: float
    ) -> OrientedBlock:
        """The samples through the orientation filter, in one block."""
        block = imu(keys, **how)  # type: ignore[arg-type]
        block = ImuBlock(
            placement, block.rate_hz, block.t_s, block.acc_sensor_mps2, block.gyr_sensor_radps if has_gyro else None
        )
        return OrientationFilter(placement).feed(block, placement)


def cut(block: OrientedBlock, edges: Sequence[int]) -> list[OrientedBlock]:
    """The block in pieces at these sample numbers."""
    n = len(block.t_s)
    inner = sorted(min(max(edge, 0), n) for edge in edges)
    pieces = []
    for a, b in zip([0, *inner], [*inner, n], strict=True):
        gyr, quat = block.gyr_sensor_radps, block.quat_sensor_to_earth
        pieces.append(
            OrientedBlock(
                block.channel,
                block.placement,
                block.rate_hz,
                block.t_s[a:b],
                block.up_sensor[a:b],
                None if quat is None else quat[a:b],
                block.acc_sensor_mps2[a:b],
                None if gyr is None else gyr[a:b],
            )
        )
    return pieces


@pytest.fixture(scope="session")
def hand() -> Hand:
    """Movements made by hand."""
    return Hand(Key, lying, fallen, imu)


@pytest.fixture(scope="session")
def cutter() -> Callable[[OrientedBlock, Sequence[int]], list[OrientedBlock]]:
    """Cuts a block into pieces."""
    return cut

"""A thigh moved by hand: poses as rotations, joined by smooth turns. Small, exact, independent of `simulate`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises.base import Detector, DetectorOutput, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Exercise, Floats, ImuBlock, OrientedBlock, Placement, Side
from sensorsoma.simulate import Difficulties, Simulation, simulate_exercise
from sensorsoma.simulate.truth import StretchTruth
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


# ------------------------------------------------------------------------------ counted movements, from `simulate`


@dataclass(frozen=True)
class Watched:
    """One simulated stretch as a detector sees it."""

    simulation: Simulation
    truth: StretchTruth
    stretch: Stretch
    body: Body
    block: OrientedBlock
    """Every sample from the start of the stretch on."""

    def through(self, detector: Detector, cuts: Sequence[int] = (), size: int = 8) -> list[DetectorOutput]:
        """What the detector tells, fed in pieces of `size` samples (0: whole), or cut at `cuts`."""
        edges = list(cuts) or (list(range(size, len(self.block.t_s), size)) if size else [])
        out: list[DetectorOutput] = []
        for piece in cut(self.block, edges):
            out.extend(detector.feed(piece))
        out.extend(detector.finish(float(self.block.t_s[-1])))
        return out


def watch(
    exercise: Exercise, placement: Placement = "right-thigh", *, seed: int = 1, side: Side | None = "right",
    rate_hz: float = 52.0, acc_only: bool = False, difficulties: Difficulties | None = None, whole: bool = False,
    lacks_s: tuple[float, float] | None = None, **options: Any,
) -> Watched:  # fmt: skip
    """Simulate an exercise, pass it through orientation and body, and hold it ready for a detector.

    `whole` begins the stretch with the still poses; `lacks_s` cuts out samples (times after the start of the movement).
    """
    simulation = simulate_exercise(
        exercise, side=side or "right", seed=seed, rate_hz=rate_hz, acc_only=acc_only, placements=(placement,),
        difficulties=difficulties or Difficulties.none(), **options,
    )  # fmt: skip
    truth = next(stretch for stretch in simulation.truth.stretches if stretch.exercise == exercise)
    samples = simulation.samples[placement]
    keep = np.ones(len(samples.t_s), dtype=bool)
    if lacks_s is not None:
        keep = (samples.t_s < truth.start_s + lacks_s[0]) | (samples.t_s > truth.start_s + lacks_s[1])
    gyr = None if samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[keep]
    raw = ImuBlock(placement, rate_hz, samples.t_s[keep], samples.acc_sensor_mps2[keep], gyr)
    oriented = OrientationFilter(placement).feed(raw, placement)
    body = Body()
    body.feed(oriented)
    stretch = Stretch(exercise, side, placement, 0.0 if whole else truth.start_s)
    first = int(np.searchsorted(oriented.t_s, stretch.start_s))
    return Watched(simulation, truth, stretch, body, cut(oriented, [first])[-1])


@pytest.fixture(name="watch")
def watch_fixture() -> Callable[..., Watched]:
    """`watch`, for tests that count simulated movements."""
    return watch

"""Offset and gain of an accelerometer from its own still poses: at rest it should read one g, whichever way it lies.

Four or five poses cannot fix six numbers, but an angle between two poses suffers most from what is common to
both, and exactly that shows in their norms: an offset along the middle of an arc makes both readings too long and the
arc too small. The rest is held down by what accelerometers are ordinarily like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class AccelerometerPriors:
    """Ordinary sizes, as standard deviations in g or shares."""

    offset_g: float = 0.02
    """Zero-g offset of consumer sensors after assembly."""
    gain_share: float = 0.01
    """Sensitivity error of an axis."""
    gravity_share: float = 0.002
    """Gravity differs over the earth by half a percent."""
    reading_g: float = 0.002
    """What a still pose's mean norm leaves open: skin, breath, cross-axis errors."""
    window_s: float = 1.0
    """Poses are collected in windows of this length."""
    still_mps2: float = 0.08
    """A window is still when its scatter stays below this on every axis."""
    apart_deg: float = 8.0
    """Windows closer than this are one pose."""


@dataclass(frozen=True, slots=True, eq=False)
class AccelerometerFit:
    """What to take off a reading."""

    offset_mps2: Floats
    gain: Floats
    n_poses: int

    def correct(self, acc_mps2: Floats) -> Floats:
        """`(n, 3)` without offset and gain error."""
        return np.asarray((acc_mps2 - self.offset_mps2) / self.gain)


def fit_accelerometer(t_s: Floats, acc_mps2: Floats, priors: AccelerometerPriors | None = None) -> AccelerometerFit:
    """The most probable offset and gain, from the still windows of binned readings `(n, 3)` at times `(n,)`.

    With no still pose: no correction.
    """
    priors = priors or AccelerometerPriors()
    poses = still_poses(t_s, acc_mps2, priors)
    if not poses:
        return AccelerometerFit(np.zeros(3), np.ones(3), 0)
    means = np.array(poses)
    norms = np.linalg.norm(means, axis=1)
    up = means / norms[:, None]
    rows = np.hstack([up, up**2, np.ones((len(up), 1))])  # offset in g, gain, gravity
    weight = np.array([priors.offset_g] * 3 + [priors.gain_share] * 3 + [priors.gravity_share]) ** 2
    excess = norms / STANDARD_GRAVITY_MPS2 - 1.0
    spread = (rows * weight) @ rows.T + priors.reading_g**2 * np.eye(len(up))
    found = weight * (rows.T @ np.linalg.solve(spread, excess))
    found = np.clip(found, -0.1, 0.1)
    return AccelerometerFit(found[:3] * STANDARD_GRAVITY_MPS2, 1.0 + found[3:6], len(up))


def still_poses(t_s: Floats, acc_mps2: Floats, priors: AccelerometerPriors) -> list[Floats]:
    """Mean readings of distinct still poses; a pose that is held for long counts once."""
    poses: list[Floats] = []
    counts: list[int] = []
    if len(t_s) == 0:
        return poses
    edges = np.searchsorted(t_s, np.arange(t_s[0], t_s[-1], priors.window_s))
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        window = acc_mps2[begin:end]
        if len(window) < 5 or float(window.std(axis=0).max()) > priors.still_mps2:
            continue
        mean = window.mean(axis=0)
        norm = float(np.linalg.norm(mean))
        if not 0.85 * STANDARD_GRAVITY_MPS2 < norm < 1.15 * STANDARD_GRAVITY_MPS2:
            continue
        for i, pose in enumerate(poses):
            cosine = float(pose @ mean) / (norm * float(np.linalg.norm(pose)))
            if cosine > np.cos(priors.apart_deg * DEG):
                counts[i] += 1
                poses[i] = pose + (mean - pose) / counts[i]
                break
        else:
            poses.append(mean)
            counts.append(1)
    return poses

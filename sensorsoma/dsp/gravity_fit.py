"""Offset and gain of an accelerometer from the still poses of a whole session, and how far they can be believed.

A sensor at rest should read one g whichever way it lies. How much too long or too short a pose reads is, to first
order, linear in offset and gain:

    |a|/g - 1  =  u . offset  +  sum of u_i^2 gain_i  +  (gravity of the place)

With six poses all round, the six numbers are fixed. A practice passes through five to nine poses that are not all
round, so each number also carries a prior, what such sensors are ordinarily like: what the poses do not tell stays at
its prior, and the posterior says so. A pose that was not really at rest counts little (Huber weights).

`dsp.accelerometer` does the same within one stretch; this is for a session, with bounded memory and a verdict.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class GravityFitParams:
    """What such sensors are like, and how much a session must show before its fit is believed."""

    offset_g: float = 0.025
    """Zero-g offset of consumer sensors after soldering, standard deviation (data sheets: 20-40 mg typical)."""
    gain_share: float = 0.015
    """Sensitivity error of an axis, standard deviation (data sheets: 0.5-3 % typical)."""
    gravity_share: float = 0.002
    """Gravity differs over the earth by half a percent; common to all axes it turns no angle."""
    reading_g: float = 0.003
    """What the mean length of a still pose leaves open: axes not quite at right angles (0.2 deg), heat, creep."""
    huber: float = 2.0
    """Poses further off than this many `reading_g` lose weight: the leg swayed slowly there."""
    apart_deg: float = 8.0
    """Rests closer than this are one pose: what they say of the sensor is nearly the same."""
    most_poses: int = 64
    """Poses that are kept; a practice has five to twenty."""
    least_poses: int = 4
    """Fewer poses than this are no session's worth: no fit."""
    least_spread_deg: float = 60.0
    """The two poses farthest apart differ by this, or the poses say too little: a knee that stands up makes 50."""
    determined_share: float = 0.5
    """A number counts as determined once its uncertainty is this share of its prior."""
    most_residual_g: float = 0.01
    """What offset and gain leave over; more is something else, such as a bent scale, and is not corrected."""
    most_priors: float = 4.0
    """A number this many priors off is no ordinary sensor: its unit or range is wrong, and that is not hidden."""


USUAL_SD_DEG = 0.9
"""Standard deviation of a 60 deg arc by an ordinary accelerometer of which nothing is known: offsets up to 25 mg and
gains up to 1.5 %, all equally likely (`arc_sd_rad`; science section 3 has 0.7 deg for 20 mg and 1 %)."""


def scaled_sd_deg(arc_deg: float, sd_60_deg: float = USUAL_SD_DEG) -> float:
    """Standard deviation of an arc of this size for a sensor that has `sd_60_deg` on an arc of 60 deg.

    The offset, which is most of it, turns both ends: what is left of the arc grows with its chord.

    >>> round(scaled_sd_deg(60.0), 2), round(scaled_sd_deg(20.0), 2)
    (0.9, 0.31)
    """
    return sd_60_deg * 2.0 * math.sin(min(abs(arc_deg), 180.0) / 2.0 * DEG)


@dataclass(slots=True)
class RestPose:
    """One direction in which the sensor rested."""

    sum_acc_mps2: Floats
    sum_length_mps2: float
    n: int

    @property
    def up(self) -> Floats:
        """`(3,)` unit mean direction."""
        return self.sum_acc_mps2 / float(np.sqrt(self.sum_acc_mps2 @ self.sum_acc_mps2))

    @property
    def length_g(self) -> float:
        """Mean length; not that of the mean vector, which a slow sink would shorten."""
        return self.sum_length_mps2 / self.n / STANDARD_GRAVITY_MPS2


class PoseBook:
    """Keeps distinct rests, one window at a time; bounded.

    >>> book = PoseBook()
    >>> book.add(np.array([0.0, 0.0, 9.7])); book.add(np.array([0.0, 0.1, 9.7])); book.add(np.array([9.9, 0.0, 0.0]))
    >>> [(pose.n, round(pose.length_g, 3)) for pose in book.poses]
    [(2, 0.989), (1, 1.01)]
    """

    def __init__(self, params: GravityFitParams | None = None) -> None:
        self.params = params or GravityFitParams()
        self.poses: list[RestPose] = []

    def add(self, acc_mps2: Floats) -> None:
        """The mean reading `(3,)` of a still window."""
        length = float(np.sqrt(acc_mps2 @ acc_mps2))
        if length < 1e-3:
            return
        nearest = max(self.poses, key=lambda pose: float(pose.up @ acc_mps2), default=None)
        if nearest is not None and float(nearest.up @ acc_mps2) > math.cos(self.params.apart_deg * DEG) * length:
            nearest.sum_acc_mps2 = nearest.sum_acc_mps2 + acc_mps2
            nearest.sum_length_mps2 += length
            nearest.n += 1
        elif len(self.poses) < self.params.most_poses:
            self.poses.append(RestPose(acc_mps2.astype(np.float64), length, 1))


@dataclass(frozen=True, slots=True, eq=False)
class GravityFit:
    """The most probable offset and gain, and what is left open."""

    offset_mps2: Floats
    """`(3,)` in sensor axes."""
    gain: Floats
    """`(3,)` near 1."""
    covariance: Floats
    """`(6, 6)` of offset in g and gain."""
    n_poses: int
    spread_deg: float
    """Angle between the two poses farthest apart."""
    residual_before_g: float
    """Root mean square of what the poses' lengths are off by."""
    residual_after_g: float
    """The same with the fit taken off."""
    determined: tuple[str, ...]
    """Which of `offset_x` ... `gain_z` the poses fixed; the others stay near their priors."""
    refused: str | None
    """One sentence on why it should not be used, or None."""

    def correct(self, acc_mps2: Floats) -> Floats:
        """`(n, 3)` without offset and gain error."""
        return np.asarray((acc_mps2 - self.offset_mps2) / self.gain)

    def angle_sd_deg(self, covariance: Floats | None = None, arc_deg: float = 60.0) -> float:
        """Standard deviation of an arc of this size in any plane and from any pose, by what is left open."""
        return arc_sd_rad(self.covariance if covariance is None else covariance, arc_deg * DEG) / DEG

    def to_json(self) -> dict[str, Any]:
        """As `input.sources[].health.fit` in `analyze --json`."""
        return {
            "offset_mps2": [round(value, 4) for value in self.offset_mps2.tolist()],
            "gain": [round(value, 5) for value in self.gain.tolist()],
            "poses": self.n_poses,
            "spread_deg": round(self.spread_deg, 1),
            "residual_mps2_before": round(self.residual_before_g * STANDARD_GRAVITY_MPS2, 4),
            "residual_mps2_after": round(self.residual_after_g * STANDARD_GRAVITY_MPS2, 4),
            "determined": list(self.determined),
            "angle_sd_deg": round(self.angle_sd_deg(), 2),
            "refused": self.refused,
        }


NAMES = tuple(f"{kind}_{axis}" for kind in ("offset", "gain") for axis in "xyz")


def prior_covariance(params: GravityFitParams | None = None) -> Floats:
    """`(6, 6)` of offset in g and gain before a pose was seen."""
    p = params or GravityFitParams()
    return np.diag([p.offset_g**2] * 3 + [p.gain_share**2] * 3)


def fit_gravity(poses: Sequence[RestPose], params: GravityFitParams | None = None) -> GravityFit:
    """Offset and gain from rests in several directions; says itself when it should not be used."""
    p = params or GravityFitParams()
    prior = np.zeros((7, 7))
    prior[:6, :6], prior[6, 6] = prior_covariance(p), p.gravity_share**2
    if not poses:
        nothing = "there was no still pose"
        return GravityFit(np.zeros(3), np.ones(3), prior[:6, :6], 0, 0.0, 0.0, 0.0, (), nothing)
    up = np.array([pose.up for pose in poses])
    excess = np.array([pose.length_g for pose in poses]) - 1.0
    rows = np.hstack([up, up**2, np.ones((len(up), 1))])
    weight = np.ones(len(up))
    found, covariance = np.zeros(7), prior
    for _ in range(6):
        gain = prior @ rows.T @ np.linalg.inv(rows @ prior @ rows.T + np.diag(p.reading_g**2 / weight))
        found, covariance = gain @ excess, prior - gain @ rows @ prior
        off = np.abs(excess - rows @ found) / (p.huber * p.reading_g)
        weight = 1.0 / np.maximum(off, 1.0)
    spread_deg = max((angle_between(a, b) / DEG for a, b in combinations(up, 2)), default=0.0)
    sds, priors = np.sqrt(np.diag(covariance)[:6]), np.sqrt(np.diag(prior)[:6])
    after = excess - rows @ found
    residual_g = float(np.sqrt(np.average(after**2, weights=weight)))
    return GravityFit(
        offset_mps2=found[:3] * STANDARD_GRAVITY_MPS2,
        gain=1.0 + found[3:6],
        covariance=covariance[:6, :6],
        n_poses=len(up),
        spread_deg=spread_deg,
        residual_before_g=float(np.sqrt(np.mean(excess**2))),
        residual_after_g=residual_g,
        determined=tuple(name for name, sd, was in zip(NAMES, sds, priors, strict=True)
                         if sd < p.determined_share * was),
        refused=_refusal(len(up), spread_deg, residual_g, np.abs(found[:6]) / priors, p),
    )  # fmt: skip


def _refusal(n: int, spread_deg: float, residual_g: float, sizes: Floats, p: GravityFitParams) -> str | None:
    if n < p.least_poses:
        return f"{n} still pose{'' if n == 1 else 's'} came by; {p.least_poses} are needed"
    if spread_deg < p.least_spread_deg:
        return f"the still poses lie within {spread_deg:.0f} degrees; {p.least_spread_deg:.0f} are needed"
    if residual_g > p.most_residual_g:
        return f"offset and gain do not explain the readings: {1000 * residual_g:.0f} mg are left"
    if float(sizes.max()) > p.most_priors:
        return "the errors are larger than any usual sensor's: check its unit and range"
    return None


def arc_sd_rad(covariance: Floats, arc_rad: float) -> float:
    """Standard deviation, rad, of an arc between two rests, over all planes and starting poses.

    An error d of the reading turns a direction u by the part of d that lies along the arc, so the arc is off by
    t1.d1 - t0.d0 with the tangents t at both ends, and d = offset + gain u. Averaged over all rotations, the offset
    adds its mean variance times (2 sin(arc/2))^2, and the gains add theirs times (4/5) sin(arc)^2.
    """
    offset, gain = np.diag(covariance)[:3].mean(), np.diag(covariance)[3:6].mean()
    return math.sqrt(4.0 * math.sin(arc_rad / 2) ** 2 * offset + 0.8 * math.sin(arc_rad) ** 2 * gain)


def corrected(acc_mps2: Floats, acc_fit: Mapping[str, Any]) -> Floats:
    """`(n, 3)` readings with a kept fit (`{"offset_mps2": [3], "gain": [3]}`) taken off.

    >>> corrected(np.array([[0.1, 0.0, 9.9]]), {"offset_mps2": [0.1, 0.0, 0.0], "gain": [1.0, 1.0, 1.1]}).tolist()
    [[0.0, 0.0, 9.0]]
    """
    return np.asarray((acc_mps2 - np.array(acc_fit["offset_mps2"])) / np.array(acc_fit["gain"]))

"""A stretch with a knee fall as it was felt, on a fixed grid; and the windows and errors by which it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensorsoma.dsp.accelerometer import AccelerometerFit, fit_accelerometer
from sensorsoma.dsp.bins import Bins
from sensorsoma.exercises.uncertainty import SHORT_ARC_DEG
from sensorsoma.messages import Floats
from sensorsoma.units import STANDARD_GRAVITY_MPS2


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
    short_arc_deg: float = SHORT_ARC_DEG
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


def smooth(values: Floats, n: int = 5) -> Floats:
    """Centred running mean; the ends repeat."""
    padded = np.concatenate([np.repeat(values[:1], n // 2), values, np.repeat(values[-1:], n // 2)])
    return np.convolve(padded, np.full(n, 1.0 / n), mode="valid")

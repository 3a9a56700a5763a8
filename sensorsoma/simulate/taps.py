"""Finger taps on a worn sensor, as the sensor reports them: assumed shapes, no recordings of real taps.

A tap is a half-sine pulse of 5-20 ms on the sensor, which sits on skin as a mass on a damped spring and rings at
20-40 Hz for 30-60 ms. At 52 Hz that is one or two samples, or the pulse falls between two and only the ringing is seen.
So the pulse is worked out on a fine time grid, goes through the device's own low-pass (or none) and is sampled last.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from sensorsoma.messages import Floats
from sensorsoma.simulate.sensor import ACC_STEP_MPS2, GYR_STEP_RADPS, Samples
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

AntiAlias = Literal["none", "half", "quarter"]
"""What the device does before it samples: nothing (the pulse may fall between two samples), or a second-order low-pass
at half or at a quarter of the sampling rate, as the data sheets of consumer inertial sensors offer."""

ANTI_ALIAS: tuple[AntiAlias, ...] = ("none", "half", "quarter")

FINE_HZ = 20_000.0
LASTS_S = 0.4
"""A tap is over after this, slow low-pass included."""
RANGE_MPS2 = 8 * STANDARD_GRAVITY_MPS2
"""Stronger force is cut off, as at a range of ±8 g."""


@dataclass(frozen=True, slots=True, eq=False)
class Tap:
    """One tap."""

    t_s: float
    """True time at which the finger touches."""
    peak_g: float
    """Largest force before the device's low-pass."""
    width_s: float
    """Of the pulse."""
    ring_hz: float
    ring_s: float
    """Until a tenth of the ringing is left."""
    ring_share: float
    """1: on soft skin, the sensor swings freely; less: a firm strap takes part of it."""
    direction: Floats
    """`(3,)` unit vector in sensor axes."""
    turn_axis: Floats
    """`(3,)` unit vector in sensor axes: a tap beside the middle makes the sensor rock, too."""
    turn_dps: float
    """Largest rate of that rocking; it leaves nothing behind."""

    @classmethod
    def draw(cls, rng: np.random.Generator, t_s: float, peak_g: float | None = None) -> Tap:
        """A tap of drawn shape, and of drawn strength where none is given."""
        ways = rng.standard_normal((2, 3))
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        peak = float(np.exp(rng.uniform(*np.log(STRENGTHS_G))))
        peak = peak if peak_g is None else peak_g
        return cls(
            t_s, peak, rng.uniform(0.005, 0.020), rng.uniform(20, 40), rng.uniform(0.03, 0.06), rng.uniform(0.3, 1.0),
            ways[0], ways[1], peak * rng.uniform(2, 15),
        )  # fmt: skip


STRENGTHS_G = (1.5, 8.0)


def draw_double(rng: np.random.Generator, t_s: float) -> tuple[Tap, Tap]:
    """Two taps of one finger, 150-500 ms apart; the second up to twice as strong or half as strong."""
    first = Tap.draw(rng, t_s)
    ratio = float(np.exp(rng.uniform(-math.log(2), math.log(2))))
    second = Tap.draw(rng, t_s + rng.uniform(0.15, 0.5), float(np.clip(first.peak_g * ratio, *STRENGTHS_G)))
    return first, replace(second, ring_hz=first.ring_hz, ring_s=first.ring_s, ring_share=first.ring_share)


@dataclass(slots=True)
class Tapping:
    """All taps on one sensor.

    Args:
        rate_hz: sampling rate, for the device's own low-pass.
        anti_alias: which low-pass.
    """

    rate_hz: float
    anti_alias: AntiAlias = "half"
    _taps: list[tuple[Tap, Floats, Floats]] = field(default_factory=list)
    """Every tap with its force `(k,)` and its rate `(k,)` on the fine grid."""

    def add(self, *taps: Tap) -> None:
        """Later ones may still be added; what lies before a tap is not changed by it."""
        self._taps += [(tap, *_course(tap, self.rate_hz, self.anti_alias)) for tap in taps]

    def on(self, t_s: Floats, acc: Floats, gyr: Floats | None, *, is_stepped: bool = True) -> tuple[Floats, Floats]:
        """Accelerometer (m/s²) and gyroscope (rad/s) `(n, 3)` with the taps in them, at true times `(n,)`.

        Cut off at ±8 g and stepped like an int16 sensor where a tap is; without a gyroscope the second is empty.
        """
        gyr = np.zeros((0, 3)) if gyr is None else gyr
        if not len(t_s) or not any(t_s[0] <= tap.t_s + LASTS_S and tap.t_s <= t_s[-1] for tap, _, _ in self._taps):
            return acc, gyr
        acc, gyr = acc.copy(), gyr.copy()
        for tap, force, rate in self._taps:
            at = slice(*np.searchsorted(t_s, (tap.t_s, tap.t_s + LASTS_S)))
            fine = (t_s[at] - tap.t_s) * FINE_HZ
            grid = np.arange(len(force))
            felt = np.clip(acc[at] + np.multiply.outer(np.interp(fine, grid, force), tap.direction), -RANGE_MPS2,
                           RANGE_MPS2)  # fmt: skip
            acc[at] = np.rint(felt / ACC_STEP_MPS2) * ACC_STEP_MPS2 if is_stepped else felt
            if len(gyr):
                turned = gyr[at] + np.multiply.outer(np.interp(fine, grid, rate), tap.turn_axis)
                gyr[at] = np.rint(turned / GYR_STEP_RADPS) * GYR_STEP_RADPS if is_stepped else turned
        return acc, gyr


KNEE_TO_HIP_M = 0.4
"""Lever of a dropping knee."""


def dropped(
    rng: np.random.Generator, at_s: float, t_s: Floats, acc: Floats, rate_hz: float, anti_alias: AntiAlias = "half"
) -> Floats:
    """No tap: the leg drops its last degrees, lands at `at_s` and bounces; `(n, 3)` acceleration with that in it.

    It drops for 0.1-0.3 s up to 30-150 °/s; the blow stops that speed within 50-150 ms and rings at 6-14 Hz.
    """
    speed, fall_s, bounce_s = rng.uniform(30, 150) * DEG, rng.uniform(0.1, 0.3), rng.uniform(0.15, 0.5)
    back, width_s = rng.uniform(0.2, 0.6), rng.uniform(0.05, 0.15)
    blow_g = speed * KNEE_TO_HIP_M * (1 + back) / (width_s * 2 / np.pi) / STANDARD_GRAVITY_MPS2
    first = replace(
        Tap.draw(rng, at_s, blow_g), width_s=width_s, ring_hz=rng.uniform(6, 14), ring_s=rng.uniform(0.1, 0.2),
        ring_share=rng.uniform(0.0, 0.7),
    )  # fmt: skip
    tapping = Tapping(rate_hz, anti_alias)
    tapping.add(first, replace(first, t_s=at_s + bounce_s, peak_g=back * blow_g))
    height = speed * fall_s / 2
    lift = np.clip((t_s - at_s + fall_s + 1.5) / 1.5, 0, 1)
    fall = np.clip((t_s - at_s + fall_s) / fall_s, 0, 1)
    hop = np.clip((t_s - at_s) / bounce_s, 0, 1)
    angle = height * (lift**3 * (10 - 15 * lift + 6 * lift**2) - fall**2)
    angle += back * speed * bounce_s * hop * (1 - hop)
    return tapping.on(t_s, _turned(acc, first.turn_axis, angle), None)[0]


def _turned(rows: Floats, axis: Floats, angle_rad: Floats) -> Floats:
    """`(n, 3)` rows turned about one axis by `(n,)` angles (Rodrigues)."""
    sine, cosine = np.sin(angle_rad)[:, None], np.cos(angle_rad)[:, None]
    along = np.multiply.outer(rows @ axis, axis)
    return np.asarray(cosine * rows + sine * np.cross(axis, rows) + (1 - cosine) * along)


def tapped(samples: Samples, taps: Sequence[Tap], anti_alias: AntiAlias = "half") -> Samples:
    """The same samples with taps on the sensor."""
    tapping = Tapping(samples.rate_hz, anti_alias)
    tapping.add(*taps)
    acc, gyr = tapping.on(samples.t_s, samples.acc_sensor_mps2, samples.gyr_sensor_radps)
    return replace(samples, acc_sensor_mps2=acc, gyr_sensor_radps=None if samples.gyr_sensor_radps is None else gyr)


def _course(tap: Tap, rate_hz: float, anti_alias: AntiAlias) -> tuple[Floats, Floats]:
    """Force (m/s²) and rate (rad/s) `(k,)` on the fine grid from the touch on, behind the device's low-pass."""
    from scipy.signal import bilinear, butter, lfilter, sosfilt  # only where somebody taps: it takes a while to load

    t = np.arange(int(LASTS_S * FINE_HZ)) / FINE_HZ
    pulse = np.where(t < tap.width_s, np.sin(np.pi * t / tap.width_s), 0.0)
    w, decay = 2 * np.pi * tap.ring_hz, math.log(10) / tap.ring_s
    b, a = bilinear([1, 0, 0], [1, 2 * decay, w * w + decay * decay], FINE_HZ)
    swinging = np.asarray(lfilter(b, a, pulse))
    force = pulse + tap.ring_share * (swinging - pulse)
    force *= tap.peak_g * STANDARD_GRAVITY_MPS2 / np.abs(force).max()
    rate = np.gradient(np.cumsum(swinging - pulse))
    rate *= tap.turn_dps * DEG / max(np.abs(rate).max(), 1e-9)
    if anti_alias == "none":
        return force, rate
    sos = butter(2, rate_hz / (2 if anti_alias == "half" else 4), fs=FINE_HZ, output="sos")
    return np.asarray(sosfilt(sos, force)), np.asarray(sosfilt(sos, rate))

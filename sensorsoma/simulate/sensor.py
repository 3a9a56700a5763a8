"""From ideal motion to what a strapped-on consumer sensor reports: mounting, errors, noise, steps, clock, packets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats, Placement, placement_side
from sensorsoma.simulate.body import Body
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.seeds import stream
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

BY_THE_MARK = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
"""Sensor axes as columns in segment axes when mounted by the mark: y to the head or hip, z out of the body."""

ACC_STEP_MPS2 = 8 * STANDARD_GRAVITY_MPS2 / 32768
"""int16 step at ±8 g."""
GYR_STEP_RADPS = 500 * DEG / 32768
"""int16 step at ±500 °/s."""


def rotation_matrix(axis: Floats, angle_rad: float) -> Floats:
    """Rotation by `angle_rad` about a unit vector (Rodrigues)."""
    x, y, z = axis
    k = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle_rad) * k + (1 - np.cos(angle_rad)) * (k @ k))


def random_rotation(rng: np.random.Generator) -> Floats:
    """A rotation matrix, uniform over all orientations (Shoemake 1992)."""
    w, x, y, z = (q := rng.standard_normal(4)) / np.linalg.norm(q)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def _nearly_by_the_mark(rng: np.random.Generator, spread_deg: float = 20.0) -> Floats:
    """By the mark, but up to `spread_deg` wrong about each axis."""
    wrong = np.eye(3)
    for axis in np.eye(3):
        wrong = wrong @ rotation_matrix(axis, rng.uniform(-spread_deg, spread_deg) * DEG)
    return np.asarray(wrong @ BY_THE_MARK)


WARMING_TAU_S = 240.0
"""A sensor that is strapped on warms within some minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class GyroError:
    """What data sheets of consumer gyroscopes allow beside a constant offset."""

    matrix: Floats
    """`(3, 3)` gain and cross-axis: +-1.5 % and +-1 %."""
    per_gravity: Floats
    """`(3, 3)` rad/s per m/s2: offset that follows how the sensor lies, up to 0.1 deg/s for one g."""
    warming_radps: Floats
    """Offset that warming adds: up to 0.3 deg/s an axis (0.02 deg/s per degree)."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> GyroError:
        """One sensor's."""
        matrix = np.eye(3) + 0.01 * rng.uniform(-1, 1, (3, 3))
        matrix[np.diag_indices(3)] = 1 + 0.015 * rng.uniform(-1, 1, 3)
        per_gravity = 0.1 * DEG / STANDARD_GRAVITY_MPS2 * rng.uniform(-1, 1, (3, 3))
        return cls(matrix, per_gravity, 0.3 * DEG * rng.uniform(-1, 1, 3))

    def of(self, omega: Floats, force: Floats, t_s: Floats) -> Floats:
        """`(n, 3)` what is measured for true rates and specific forces in sensor axes, noise and offset apart."""
        warm = np.multiply.outer(1 - np.exp(-t_s / WARMING_TAU_S), self.warming_radps)
        return np.asarray(omega @ self.matrix + force @ self.per_gravity + warm)


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """What one sensor adds to the ideal; drawn once per strapping-on."""

    mounting: Floats
    """Sensor axes as columns in segment axes."""
    acc_offset_mps2: Floats
    acc_gain: Floats
    gyr_bias_radps: Floats
    acc_noise_mps2: float
    """Standard deviation per sample."""
    gyr_noise_radps: float
    is_stepped: bool
    clock_ppm: float
    frame_samples: int
    """Samples per packet."""
    loss_frac: float
    gyr_error: GyroError | None = None
    acc_cross: Floats | None = None
    """`(3, 3)` what an axis reads of the others, as a share; None: right angles."""

    @classmethod
    def draw(cls, seed: int, placement: Placement, rate_hz: float, on: Difficulties, strapping: int = 0) -> Errors:
        """The errors of the sensor at `placement`; `strapping` counts how often it has been moved."""
        rng = stream(seed, "sensor", placement)
        if placement_side(placement) is None:
            mounting = _nearly_by_the_mark(rng)
        else:
            mounting = random_rotation(rng)
            for _ in range(strapping):
                mounting = random_rotation(rng)
        rng = stream(seed, "errors", placement)
        half_band_hz = rate_hz / 2
        offset, gain, bias = rng.uniform(-1, 1, 3), rng.uniform(-1, 1, 3), rng.uniform(-1, 1, 3)
        acc_density = rng.uniform(80e-6, 180e-6) * STANDARD_GRAVITY_MPS2
        gyr_density = rng.uniform(0.004, 0.012) * DEG
        ppm, samples, loss = rng.uniform(-50, 50), int(rng.integers(4, 11)), rng.uniform(0, 0.03)
        return cls(
            mounting=mounting if on.mounting else BY_THE_MARK,
            acc_offset_mps2=(0.040 if on.acc_worse else 0.025) * STANDARD_GRAVITY_MPS2 * offset * on.acc_error,
            acc_gain=1 + (0.03 if on.acc_worse else 0.015) * gain * on.acc_error,
            gyr_bias_radps=3 * DEG * bias * on.gyro_bias,
            acc_noise_mps2=float(acc_density * np.sqrt(half_band_hz)) * on.noise,
            gyr_noise_radps=float(gyr_density * np.sqrt(half_band_hz)) * on.noise,
            is_stepped=on.noise,
            clock_ppm=float(ppm) * on.clock_drift,
            frame_samples=samples,
            loss_frac=float(loss) * on.packet_loss,
            gyr_error=GyroError.draw(stream(seed, "gyro", placement)) if on.gyro_error else None,
            acc_cross=_cross(stream(seed, "cross", placement)) if on.acc_worse and on.acc_error else None,
        )


def _cross(rng: np.random.Generator, most_deg: float = 0.3) -> Floats:
    """Axes that are not quite at right angles to each other: a symmetric matrix with nothing on its diagonal."""
    upper = np.triu(rng.uniform(-1, 1, (3, 3)) * most_deg * DEG, 1)
    return np.asarray(upper + upper.T)


class Sensor:
    """One sensor at one place; noise is drawn in the order of the samples, so any cut into calls gives the same."""

    def __init__(self, body: Body, placement: Placement, errors: Errors, seed: int, strapping: int = 0) -> None:
        self.body = body
        self.placement = placement
        self.errors = errors
        self._noise = stream(seed, "noise", placement, str(strapping))

    def read(self, t_s: Floats) -> tuple[Floats, Floats]:
        """Accelerometer (m/s²) and gyroscope (rad/s) at true times, `(n, 3)` each, in sensor axes."""
        e = self.errors
        force, omega = self.body.sense(self.placement, t_s)
        noise = self._noise.standard_normal((len(t_s), 6))
        felt = force.T @ e.mounting
        acc = felt * e.acc_gain + e.acc_offset_mps2 + e.acc_noise_mps2 * noise[:, :3]
        if e.acc_cross is not None:
            acc += felt @ e.acc_cross
        turning = omega.T @ e.mounting
        if e.gyr_error is not None:
            turning = e.gyr_error.of(turning, force.T @ e.mounting, t_s)
        gyr = turning + e.gyr_bias_radps + e.gyr_noise_radps * noise[:, 3:]
        if e.is_stepped:
            acc, gyr = np.rint(acc / ACC_STEP_MPS2) * ACC_STEP_MPS2, np.rint(gyr / GYR_STEP_RADPS) * GYR_STEP_RADPS
        return acc, gyr


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What one sensor measured."""

    placement: Placement
    rate_hz: float
    """Nominal rate by the device's own clock."""
    t_s: Floats
    """`(n,)` true time."""
    acc_sensor_mps2: Floats
    """`(n, 3)`"""
    gyr_sensor_radps: Floats | None
    """`(n, 3)`; None for an acceleration-only sensor."""
    packet_index: np.ndarray[tuple[int], np.dtype[np.int64]]
    """`(n,)` which packet carries the sample."""
    is_lost: np.ndarray[tuple[int], np.dtype[np.bool_]]
    """`(n,)` True for every sample of a packet that never arrives."""
    device_t_s: Floats
    """`(n,)` time by the device's clock, from its first sample."""


def record(sensor: Sensor, rate_hz: float, duration_s: float, seed: int, *, acc_only: bool = False) -> Samples:
    """All samples from 0 to `duration_s` true seconds, with lost packets marked (not removed)."""
    e = sensor.errors
    n = int(duration_s * rate_hz)
    device_t_s = np.arange(n) / rate_hz
    t_s = device_t_s / (1 + e.clock_ppm * 1e-6)
    acc, gyr = sensor.read(t_s)
    packet_index = np.arange(n, dtype=np.int64) // e.frame_samples
    n_packets = int(packet_index[-1]) + 1 if n else 0
    lost = stream(seed, "loss", sensor.placement).random(n_packets) < e.loss_frac
    return Samples(
        placement=sensor.placement, rate_hz=rate_hz, t_s=t_s, acc_sensor_mps2=acc,
        gyr_sensor_radps=None if acc_only else gyr, packet_index=packet_index,
        is_lost=lost[packet_index] if n else np.zeros(0, dtype=bool), device_t_s=device_t_s,
    )  # fmt: skip

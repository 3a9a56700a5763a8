"""Exact orientation, angular velocity and acceleration of a point at the end of a chain of elementary rotations.

World axes, right-handed: x toward the head of a person lying on the back, z up, y = z × x (their right).
Segment axes (ISB, Wu 2002): x anterior, y toward the head or hip, z to the person's right.

With a the axis of one joint in world axes, ω and α of everything before it, and its angle φ:
ω' = ω + a φ̇ and α' = α + ω × a φ̇ + a φ̈. A point fixed at r in the last frame, carried by an origin with
acceleration a0, has a0 + α × r + ω × (ω × r); an accelerometer there reads this minus gravity, in its own axes.

Vectors are stored as `(3, n)` (or `(3, 1)` while nothing moves): components contiguous, no transposing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from sensorsoma.messages import Floats
from sensorsoma.simulate.tracks import Motion
from sensorsoma.units import STANDARD_GRAVITY_MPS2

Axis = Literal["x", "y", "z"]

_UNIT = {"x": np.array([[1.0], [0], [0]]), "y": np.array([[0.0], [1], [0]]), "z": np.array([[0.0], [0], [1]])}
_NOTHING = np.zeros((3, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A moving frame: its axes, angular velocity and acceleration, all in world axes, `(3, n)` or `(3, 1)`."""

    x: Floats
    y: Floats
    z: Floats
    omega_radps: Floats
    alpha_radps2: Floats

    def matrix(self) -> Floats:
        """Frame to world, `(n, 3, 3)`."""
        n = max(axis.shape[1] for axis in (self.x, self.y, self.z))
        axes = [np.broadcast_to(axis, (3, n)) for axis in (self.x, self.y, self.z)]
        return np.asarray(np.stack(axes, axis=-1).transpose(1, 0, 2), dtype=np.float64)

    def to_world(self, vector: Floats) -> Floats:
        """A vector that is constant in the frame, in world axes."""
        world: Floats = self.x * vector[0] + self.y * vector[1] + self.z * vector[2]
        return world

    def from_world(self, vector: Floats) -> Floats:
        """World components as components of this frame, `(3, n)`."""
        parts = [(axis * vector).sum(axis=0) for axis in (self.x, self.y, self.z)]
        return np.stack(np.broadcast_arrays(*parts))


WORLD = Frame(_UNIT["x"], _UNIT["y"], _UNIT["z"], _NOTHING, _NOTHING)


def cross(a: Floats, b: Floats) -> Floats:
    """a × b for `(3, n)` arrays; several times quicker than `numpy.cross` on small blocks."""
    out = np.empty((3, max(a.shape[1], b.shape[1])))
    out[0] = a[1] * b[2] - a[2] * b[1]
    out[1] = a[2] * b[0] - a[0] * b[2]
    out[2] = a[0] * b[1] - a[1] * b[0]
    return out


def turn(frame: Frame, axis: Axis, motion: Motion) -> Frame:
    """The frame after a rotation by `motion` (rad) about one of its own axes."""
    c, s = np.cos(motion.value), np.sin(motion.value)
    x, y, z = frame.x, frame.y, frame.z
    if axis == "x":
        about, y, z = x, c * y + s * z, c * z - s * y
    elif axis == "y":
        about, z, x = y, c * z + s * x, c * x - s * z
    else:
        about, x, y = z, c * x + s * y, c * y - s * x
    if motion.is_static:
        return Frame(x, y, z, frame.omega_radps, frame.alpha_radps2)
    relative = about * motion.rate
    alpha = frame.alpha_radps2 + cross(frame.omega_radps, relative) + about * motion.accel
    return Frame(x, y, z, frame.omega_radps + relative, alpha)


def lie_down(frame: Frame) -> Frame:
    """Segment axes of a straight, unrotated segment lying on the back: anterior up, head along x, right along y."""
    return Frame(frame.z, frame.x, frame.y, frame.omega_radps, frame.alpha_radps2)


def point_acceleration(frame: Frame, place: Floats) -> Floats:
    """Acceleration against the frame's origin of a point fixed at `place` (m, frame axes), world axes, `(3, n)`."""
    arm = frame.to_world(place)
    return cross(frame.alpha_radps2, arm) + cross(frame.omega_radps, cross(frame.omega_radps, arm))


def specific_force(frame: Frame, acceleration_mps2: Floats) -> Floats:
    """What an ideal accelerometer with the frame's axes reads, `(3, n)`: +9.81 upward at rest."""
    force = np.array(np.broadcast_to(acceleration_mps2, (3, acceleration_mps2.shape[1])))
    force[2] += STANDARD_GRAVITY_MPS2
    return frame.from_world(force)

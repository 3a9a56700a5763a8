"""A body lying on a bed: angle tracks of trunk and legs, and the exact motion of every place a sensor can sit.

Chains, from the world inwards (each a rotation about one axis of the frame before it):

    trunk   z heading · x roll (right side up +) · lie down · z −(tilt)                    tilt: anterior (arch) +
    thigh   z heading · y −(axis tilt) · x roll − s·plane · lie down · z bend             s = +1 right, −1 left

so that after the axis tilt the x axis is the hip-foot line (toward the head), `plane` turns the leg plane outward about
it (0 = knee to the ceiling when supine) and `bend` is the angle of the thigh against it within the leg plane.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sensorsoma.messages import Floats, Placement, Side, placement_side
from sensorsoma.simulate.kinematics import (
    WORLD,
    Frame,
    lie_down,
    point_acceleration,
    specific_force,
    turn,
)  # fmt: skip
from sensorsoma.simulate.tracks import Motion, Track, mix

SIDES: tuple[Side, Side] = ("left", "right")

BELLY_TILT_SHARE = 0.6
"""How much of a pelvic tilt a phone on the lower belly follows [assumed]."""
PELVIS_BREATH_SHARE = 0.2
"""How much of the belly's breathing tilt reaches a strap at the front hip bones [assumed]."""
THIGH_BREATH_SHARE = 0.06
"""How much of it reaches the thigh: weak, but seen [assumed]."""
THIGH_TILT_SHARE = 0.25
"""Thigh movement in a pelvic tilt with bent knees, per degree of pelvis (MEx: about 5° of thigh)."""


def sign_of(side: Side) -> int:
    """+1 for the right leg, −1 for the left: every formula is mirrored by it."""
    return 1 if side == "right" else -1


@dataclass(slots=True)
class Leg:
    """Angle tracks of one leg, radians."""

    side: Side
    plane: Track = field(default_factory=Track)
    bend: Track = field(default_factory=Track)
    axis_tilt: Track = field(default_factory=Track)
    heading: Track = field(default_factory=Track)
    """About the vertical, against the trunk; behind the body in side-lying is `−s` for the top leg."""
    follow: Track = field(default_factory=Track)
    """The pelvic tilt as this thigh follows it."""


@dataclass(slots=True)
class Wobble:
    """Small rotations of a sensor on the skin, about the segment's axes, radians."""

    x: Track = field(default_factory=Track)
    y: Track = field(default_factory=Track)
    z: Track = field(default_factory=Track)


@dataclass(slots=True)
class Places:
    """Where sensors sit, metres in segment axes."""

    thigh_m: dict[Side, Floats]
    """From the hip joint."""
    pelvis_m: Floats
    """From the middle of the hips."""
    belly_m: Floats
    hip_m: dict[Side, Floats]
    """Hip joints from the line the body rolls about, lying on the back, world axes."""


DEFAULT_PLACES = Places(
    thigh_m={side: np.array([0.06, -0.30, 0.0]) for side in SIDES},
    pelvis_m=np.array([0.09, 0.03, 0.10]),
    belly_m=np.array([0.12, 0.10, 0.0]),
    hip_m={side: np.array([0.0, 0.09 * sign_of(side), 0.09]) for side in SIDES},
)


@dataclass(slots=True)
class Body:
    """Everything that moves."""

    places: Places = field(default_factory=lambda: DEFAULT_PLACES)
    heading: Track = field(default_factory=Track)
    roll: Track = field(default_factory=Track)
    """0 on the back, +π/2 with the right side up."""
    pelvis_roll: Track = field(default_factory=Track)
    """Pelvis against the trunk, right side up +."""
    pelvic_tilt: Track = field(default_factory=Track)
    breath: Track = field(default_factory=Track)
    """Tilt of the belly, inhale +."""
    legs: dict[Side, Leg] = field(default_factory=lambda: {side: Leg(side) for side in SIDES})
    wobble: dict[Placement, Wobble] = field(
        default_factory=lambda: {name: Wobble() for name in ("left-thigh", "right-thigh", "pelvis", "belly")}
    )

    def frame(self, placement: Placement, t_s: Floats) -> Frame:
        """The segment's frame (without skin wobble) at increasing times."""
        roll = self.roll.evaluate(t_s)
        side = placement_side(placement)
        if side is not None:
            return self._thigh(self.legs[side], roll, t_s)
        share = 1.0 if placement == "pelvis" else BELLY_TILT_SHARE
        breath_share = PELVIS_BREATH_SHARE if placement == "pelvis" else 1.0
        frame = turn(WORLD, "z", self.heading.evaluate(t_s))
        frame = turn(frame, "x", mix((1.0, roll), (share, self.pelvis_roll.evaluate(t_s))))
        tilt = mix((-share, self.pelvic_tilt.evaluate(t_s)), (-breath_share, self.breath.evaluate(t_s)))
        return turn(lie_down(frame), "z", tilt)

    def _thigh(self, leg: Leg, roll: Motion, t_s: Floats) -> Frame:
        s = sign_of(leg.side)
        frame = turn(WORLD, "z", mix((1.0, self.heading.evaluate(t_s)), (1.0, leg.heading.evaluate(t_s))))
        frame = turn(frame, "y", mix((-1.0, leg.axis_tilt.evaluate(t_s))))
        frame = turn(frame, "x", mix((1.0, roll), (-s, leg.plane.evaluate(t_s))))
        bend = mix(
            (1.0, leg.bend.evaluate(t_s)),
            (1.0, leg.follow.evaluate(t_s)),
            (THIGH_BREATH_SHARE, self.breath.evaluate(t_s)),
        )
        return turn(lie_down(frame), "z", bend)

    def sense(self, placement: Placement, t_s: Floats) -> tuple[Floats, Floats]:
        """Specific force and angular velocity at the sensor in segment axes (skin wobble included), `(3, n)` each."""
        frame = self.frame(placement, t_s)
        side = placement_side(placement)
        place = self.places.thigh_m[side] if side else self._trunk_place(placement)
        acceleration = point_acceleration(frame, place) + self._origin_acceleration(side, t_s)
        wobble = self.wobble[placement]
        for axis, track in (("x", wobble.x), ("y", wobble.y), ("z", wobble.z)):
            motion = track.evaluate(t_s)
            if not motion.is_static or motion.value[0]:  # a strap that has slipped stays where it is
                frame = turn(frame, axis, motion)  # type: ignore[arg-type]  # the literal is lost in the loop
        shape = (3, len(t_s))
        force = np.array(np.broadcast_to(specific_force(frame, acceleration), shape))
        return force, np.array(np.broadcast_to(frame.from_world(frame.omega_radps), shape))

    def _trunk_place(self, placement: Placement) -> Floats:
        return self.places.pelvis_m if placement == "pelvis" else self.places.belly_m

    def _origin_acceleration(self, side: Side | None, t_s: Floats) -> Floats:
        """Hips are carried on a circle when the body rolls or rocks."""
        roll = self.roll.evaluate(t_s)
        if roll.is_static:
            return np.zeros((3, 1))
        frame = turn(turn(WORLD, "z", self.heading.evaluate(t_s)), "x", roll)
        place = self.places.hip_m[side] if side else np.array([0.0, 0.0, self.places.hip_m["right"][2]])
        return point_acceleration(frame, place)

    def position(self, placement: Placement, t_s: Floats) -> Floats:
        """World position of a sensor, metres, `(3, n)`: for checking the acceleration by differences."""
        side = placement_side(placement)
        place = self.places.thigh_m[side] if side else self._trunk_place(placement)
        roll = turn(turn(WORLD, "z", self.heading.evaluate(t_s)), "x", self.roll.evaluate(t_s))
        hip = self.places.hip_m[side] if side else np.array([0.0, 0.0, self.places.hip_m["right"][2]])
        return np.array(np.broadcast_to(roll.to_world(hip) + self.frame(placement, t_s).to_world(place), (3, len(t_s))))

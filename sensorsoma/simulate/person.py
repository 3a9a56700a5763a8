"""A person on a bed: their build, where they are in time, and the smallest things they can do.

Movements (`movements.py`) are generators that plan ahead: each `yield` hands back the time at which the next piece
of movement must be planned. What is planned starts at `at_s` or later, so samples before it stay as they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Placement, Pose, Posture, Side, placement_side, thigh_of
from sensorsoma.simulate.body import SIDES, Body, Places, Wobble, sign_of
from sensorsoma.simulate.breath import Breathing
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.tracks import Burst, Creep, Kick, MinJerk, Track
from sensorsoma.simulate.truth import PoseTruth, PostureTruth, Truth
from sensorsoma.units import DEG

Plan = Iterator[float]


@dataclass(frozen=True, slots=True)
class LegBuild:
    """Poses of one leg, degrees."""

    straight_roll_deg: float
    straight_tilt_deg: float
    straight_bend_deg: float
    up_bend_deg: float
    up_plane_deg: float
    up_tilt_deg: float
    side_bend_deg: float
    """In side-lying, knees bent in front."""
    top_tilt_deg: float
    """Hip above ankle when this leg is on top."""
    bottom_tilt_deg: float
    closed_plane_deg: float
    """Leg plane when the knees lie on each other."""
    fall_deg: float
    """Where this knee usually arrives when it falls out."""
    sink_deg: float
    """How far it usually sinks from there."""
    clam_deg: float
    """How far it usually opens in a clamshell."""


def draw_leg(rng: np.random.Generator, on: Difficulties) -> LegBuild:
    """One leg of one person."""
    roll, plane = rng.uniform(10, 40), rng.uniform(-3, 4)
    tilts = rng.uniform([5, 5, 12, 5], [10, 20, 20, 8])
    bends = rng.uniform([0.5, 45, 42], [4, 60, 58])
    closed = rng.uniform(-14, -2)
    usual = rng.uniform([43, 1.2, 25], [67, 6.8, 65])
    level = on.axis_tilt
    return LegBuild(
        straight_roll_deg=roll * on.leg_roll, straight_tilt_deg=tilts[0] * level, straight_bend_deg=bends[0],
        up_bend_deg=bends[1], up_plane_deg=plane * on.leg_roll, up_tilt_deg=tilts[1] * level,
        side_bend_deg=bends[2], top_tilt_deg=tilts[2] * level, bottom_tilt_deg=tilts[3] * level,
        closed_plane_deg=closed * on.leg_roll, fall_deg=usual[0], sink_deg=usual[1], clam_deg=usual[2],
    )  # fmt: skip


class Person:
    """The body, its plan in time and the truth about it."""

    def __init__(self, seed: int, difficulties: Difficulties) -> None:
        self.seed = seed
        self.on = difficulties
        self.rng = stream(seed, "person")
        self.truth = Truth()
        self.build = {side: draw_leg(stream(seed, "leg", side), difficulties) for side in SIDES}
        self.body = Body(places=_draw_places(stream(seed, "places")))
        self.breathing = Breathing(self.body.breath, stream(seed, "breath"), self.truth.breaths)
        self.at_s = 0.0
        """Where planning goes on."""
        self.busy_s = 0.0
        """When the last movement that has been planned is over."""
        self.closing = False
        """The coach has left the step: finish what is going on."""
        self.heard: set[str] = set()
        """Moments that the coach has announced within the step ("fall", "back")."""
        self.posture: Posture = "supine"
        self.leg_pose: dict[Side, str] = dict.fromkeys(SIDES, "straight")
        self.first_straight_open_deg: dict[Side, float] = {}
        self._tissue = stream(seed, "tissue")
        self._lie_straight()

    # ------------------------------------------------------------------------------------------ start

    def _lie_straight(self) -> None:
        for side, build in self.build.items():
            leg = self.body.legs[side]
            leg.plane.initial = build.straight_roll_deg * DEG
            leg.bend.initial = build.straight_bend_deg * DEG
            leg.axis_tilt.initial = build.straight_tilt_deg * DEG
            self.first_straight_open_deg[side] = self.openness_deg(side, 0.0)
            self.truth.person[f"{side}_straight_roll_deg"] = build.straight_roll_deg
            self.truth.person[f"{side}_up_tilt_deg"] = build.up_tilt_deg
        self.truth.postures.append(PostureTruth(0.0, "supine"))

    def openness_deg(self, side: Side, t_s: float) -> float:
        """asin(−s u·z) of a thigh, degrees: how far its lateral face looks down."""
        frame = self.body.frame(thigh_of(side), np.array([t_s]))
        return float(np.arcsin(-sign_of(side) * frame.z[2].flat[0]) / DEG)

    # --------------------------------------------------------------------------------------- small parts

    def uniform(self, low: float, high: float) -> float:
        """One draw of the person's own randomness."""
        return float(self.rng.uniform(low, high))

    def wait(self, seconds: float) -> float:
        """Move on in time; what to `yield`."""
        self.at_s += seconds
        return self.at_s

    def move(self, track: Track, to_deg: float, seconds: float, *, after_s: float = 0.0) -> None:
        """A smooth movement of one angle to a new value, from `at_s + after_s`."""
        amount = to_deg * DEG - track.settled
        if abs(amount) > 1e-9:
            track.add(MinJerk(self.at_s + after_s, seconds, amount))
            self.busy_until(self.at_s + after_s + seconds)

    def busy_until(self, t_s: float) -> None:
        """Note that a movement goes on until `t_s`."""
        self.busy_s = max(self.busy_s, t_s)

    def sink(self, track: Track, by_deg: float, tau_s: float) -> None:
        """Creep from `at_s` on."""
        track.add(Creep(self.at_s, by_deg * DEG, tau_s))

    def move_leg(
        self, side: Side, seconds: float, *, plane_deg: float | None = None, bend_deg: float | None = None,
        tilt_deg: float | None = None,
    ) -> None:  # fmt: skip
        """Move one leg's angles together; the skin wobbles along."""
        leg = self.body.legs[side]
        change = 0.0
        for track, to_deg in ((leg.plane, plane_deg), (leg.bend, bend_deg), (leg.axis_tilt, tilt_deg)):
            if to_deg is not None:
                change += abs(to_deg - track.settled / DEG)
                self.move(track, to_deg, seconds)
        self.wobble(thigh_of(side), change, seconds)

    def wobble(self, placement: Placement, change_deg: float, seconds: float) -> None:
        """What is not smooth about a movement, the more the faster: skin against bone, and an unsteady drive."""
        if not self.on.wobble or change_deg < 0.5:
            return
        peak_speed_deg_s = 1.9 * change_deg / seconds
        self._slip_skin(self.body.wobble[placement], peak_speed_deg_s, seconds)
        side = placement_side(placement)
        if side is None:
            tracks = (self.body.pelvic_tilt, self.body.pelvis_roll)
        else:
            tracks = (self.body.legs[side].plane, self.body.legs[side].bend)
        self._drive_unsteadily(tracks, peak_speed_deg_s, seconds)

    def _slip_skin(self, wobble: Wobble, peak_speed_deg_s: float, seconds: float) -> None:
        """Rotation with a steeply falling spectrum while moving, and a short damped swing at the end."""
        rng = self._tissue
        size_deg = min(1.0, 0.012 * peak_speed_deg_s) * rng.uniform(0.6, 1.2)
        end_s, ramp_s = self.at_s + seconds + 0.15, min(0.4, seconds / 3)
        for track in (wobble.x, wobble.y, wobble.z):
            freqs = np.geomspace(0.7, 6.5, 9) * rng.uniform(0.9, 1.1, 9)
            peaks = size_deg * DEG * 0.8 * (freqs / 0.7) ** -2.3 * rng.uniform(0.4, 1.0, 9)
            track.add(Burst(self.at_s, end_s, freqs, peaks, rng.uniform(0, 2 * np.pi, 9), ramp_s, ramp_s))
            kick_deg = 0.10 * size_deg * rng.uniform(-1, 1)
            track.add(Kick(end_s - 0.3, kick_deg * DEG, rng.uniform(2, 6), rng.uniform(0.05, 0.09)))

    def _drive_unsteadily(self, tracks: tuple[Track, ...], peak_speed_deg_s: float, seconds: float) -> None:
        """Broad noise in the joint itself: about 5 mg at the thigh between 3.5 and 14 Hz for a rep at 40 °/s.

        Clamshells of the MEx thigh data hold 2-28 mg there (median 9, part of it their coarse steps). Angular
        acceleration falls with frequency as a power, so that no line stands out.
        """
        rng = self._tissue
        rms_radps2 = min(0.6, 0.18 * peak_speed_deg_s / 40)
        n = 46
        for track in tracks:
            freqs = np.linspace(1.0, 24.0, n) + rng.uniform(-0.24, 0.24, n)
            accels = rms_radps2 * np.sqrt(2 / 22) * rng.rayleigh(0.8, n) * (freqs / 7) ** -0.9
            ramp_s = min(0.5, seconds / 2)
            peaks = accels / (2 * np.pi * freqs) ** 2
            phases = rng.uniform(0, 2 * np.pi, n)
            track.add(Burst(self.at_s, self.at_s + seconds, freqs, peaks, phases, ramp_s, ramp_s))

    def fidget(self) -> float:
        """A small movement of one leg out and back; its length in seconds."""
        side = SIDES[int(self.rng.integers(2))]
        leg = self.body.legs[side]
        track = (leg.plane, leg.bend)[int(self.rng.integers(2))]
        amount, out_s, back_s = self.uniform(0.5, 2.5) * DEG, self.uniform(0.35, 0.8), self.uniform(0.4, 1.0)
        track.add(MinJerk(self.at_s, out_s, amount))
        track.add(MinJerk(self.at_s + out_s, back_s, -amount))
        self._disturbed("fidget", out_s + back_s)
        return out_s + back_s

    def cough(self) -> float:
        """Two or three jerks of the trunk that shake the legs; its length in seconds."""
        n = int(self.rng.integers(2, 4))
        for i in range(n):
            start_s = self.at_s + 0.45 * i
            for track, low, high in (
                (self.body.breath, 1.5, 3.5),
                (self.body.pelvic_tilt, 0.5, 1.5),
                *((leg.bend, 0.2, 1.0) for leg in self.body.legs.values()),
                *((leg.plane, 0.2, 0.8) for leg in self.body.legs.values()),
            ):
                amount = self.uniform(low, high) * DEG
                track.add(MinJerk(start_s, 0.14, amount))
                track.add(MinJerk(start_s + 0.14, 0.28, -amount))
        self._disturbed("cough", 0.45 * n)
        return 0.45 * n

    def _disturbed(self, kind: str, seconds: float) -> None:
        self.busy_until(self.at_s + seconds)
        entry = {"kind": kind, "start_s": self.at_s, "end_s": self.at_s + seconds}
        self.truth.disturbances.append(entry)

    def shake(
        self, tracks: dict[Placement, Track], start_s: float, end_s: float, freq_hz: float, peak_deg: float,
        fade_s: float = 0.4,
    ) -> None:  # fmt: skip
        """Shaking around one frequency: not a pure tone, its strength and pace wander a little over seconds."""
        freqs = freq_hz + np.array([0.0, -0.19, 0.17, -0.41, 0.38])
        peaks = peak_deg * DEG * np.array([0.9, 0.2, 0.2, 0.15, 0.15])
        phases = np.array([0.3, 1.1, 2.0, 4.4, 5.3])
        for track in tracks.values():
            track.add(Burst(start_s, end_s, freqs, peaks, phases, fade_s, fade_s))

    def took_pose(self, side: Side, pose: Pose, start_s: float, end_s: float) -> None:
        """Note a still calibration pose."""
        self.truth.poses.append(PoseTruth(side, pose, start_s, end_s))

    def lies(self, posture: Posture) -> None:
        """Note a new posture at `at_s`."""
        self.posture = posture
        self.truth.postures.append(PostureTruth(self.at_s, posture))


def _draw_places(rng: np.random.Generator) -> Places:
    thigh = {
        side: np.array([rng.uniform(0.05, 0.07), -rng.uniform(0.27, 0.33), rng.uniform(-0.02, 0.02)]) for side in SIDES
    }
    return Places(
        thigh_m=thigh,
        pelvis_m=np.array([0.09, 0.03, 0.10]),
        belly_m=np.array([0.12, 0.10, 0.0]),
        hip_m={side: np.array([0.0, 0.09 * sign_of(side), 0.09]) for side in SIDES},
    )

"""One strapped sensor: its still poses, its alignment, whether it rests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.bins import Binner
from sensorsoma.dsp.stillness import StillnessParams, StillWindow
from sensorsoma.exercises.alignment import MAX_BEND_DEG, MIN_BEND_DEG, Alignment, align
from sensorsoma.exercises.slip import AlignmentQuality, FallPlane, Slip, strap_turn, turned, turned_along
from sensorsoma.messages import (
    AlignmentReady,
    AlignmentRefused,
    Event,
    Floats,
    Gap,
    OrientedBlock,
    Placement,
    Pose,
    PoseTaken,
    StillnessChanged,
)
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class WornParams:
    """How still poses are chosen."""

    preferred_s: float = 3.0
    """A pose that lasts this long is taken at once, from these seconds."""
    accepted_s: float = 1.5
    """A shorter one is taken when it ends."""
    auto_knee_up_s: float = 2.5
    """With nothing expected, a shorter pause is not believed to be the knee-up pose (a held clamshell is shorter)."""
    slip_deg: float = 5.0
    """Back in the knee-up pose but further off than this: the strap slipped or the pose is new (science section 2). By
    the planes of two falls, too: a turn about the thigh of more than this is a slip."""
    most_slip_deg: float = 40.0
    """Further off than this it is another pose altogether."""
    patience_s: float = 120.0
    """How long after its step began a knee-up pose is awaited."""
    directness: float = 0.75
    """The leg is drawn up in one sweep: the angle between the poses over the way between them. A knee that was drawn up
    and fell open without a pause shows about 0.5, and its resting place must not be taken for the knee-up pose."""
    path_step_deg: float = 3.0
    """The way is measured in steps of this size, so that noise does not lengthen it."""


@dataclass(slots=True)
class _Run:
    """A pause: from when on the sensor was still, and its last good mean."""

    start_s: float
    end_s: float
    up: tuple[float, float, float]
    sd_rad: float
    is_offered: bool = False


class Worn:
    """State of one placement; `step` is fed blocks and works bin by bin."""

    def __init__(self, placement: Placement, params: WornParams | None = None) -> None:
        self.placement = placement
        self.params = params or WornParams()
        self.is_thigh = placement.endswith("thigh")
        self.channel: str = placement
        self.is_still: bool | None = None
        self.up: tuple[float, float, float] = (0.0, 0.0, 1.0)
        self.notes: list[str] = []
        self.slips: list[Slip] = []
        self.qualities: list[AlignmentQuality] = []
        self._plane: FallPlane | None = None
        self._straight_sd_rad = 0.0
        self._now_s = 0.0
        self._binner = Binner()
        self._short = StillWindow(StillnessParams(window_s=self.params.accepted_s))
        self._long = StillWindow(StillnessParams(window_s=self.params.preferred_s))
        self._run: _Run | None = None
        self._expected: Pose | None = None
        self._from_s = float("-inf")
        self._is_fulfilled = False
        self._is_unasked = False
        self._straight: tuple[float, Floats] | None = None
        self._last_pose: Floats | None = None
        self._alignments: list[Alignment] = []
        self._path_rad = self._sweep_rad = 0.0
        self._path_from: Floats | None = None
        self._has_refused = False

    # --------------------------------------------------------------------------------------------------- asked

    def alignment(self, at_s: float | None) -> Alignment | None:
        """The latest alignment known by `at_s`."""
        for found in reversed(self._alignments):
            if at_s is None or found.known_s <= at_s:
                return found
        return None

    def straight(self, at_s: float | None) -> Floats | None:
        """`(3,)` up in the straight pose known by `at_s`."""
        if self._straight is None or (at_s is not None and self._straight[0] > at_s):
            return None
        return self._straight[1]

    @property
    def has_slipped(self) -> bool:
        """True once the straight pose belongs to another seat of the strap than the latest poses."""
        return any(slip.is_of_the_strap for slip in self.slips)

    @property
    def is_calm(self) -> bool:
        """True when the last 1.5 s moved little, if not perfectly still."""
        return self._short.is_within(4.0)

    # ---------------------------------------------------------------------------------------------------- told

    def expect(self, pose: Pose, from_s: float) -> None:
        """From `from_s` on this pose is awaited."""
        if self._is_unasked:  # found without being asked for: the plan's own poses count
            self._alignments.clear()
            self._is_unasked = False
        self._expected, self._from_s = pose, from_s
        self._is_fulfilled = False
        self._has_refused = False
        if self._run is not None:
            self._run.is_offered = False

    def saw_fall(self, plane: FallPlane) -> None:
        """A fall was measured: how its plane lies to the two poses, and whether the strap sits as in the last fall."""
        alignment = self.alignment(plane.knee_up_s)
        if alignment is not None and self.qualities:
            self.qualities[-1].planes_off_deg.append(angle_between(alignment.z_sensor, plane.right_of(alignment)) / DEG)
        before, self._plane = self._plane, plane
        if before is not None and self._straight is not None and plane.has_gyro and before.has_gyro:
            self._compare(before, plane, self._straight[1])

    def _compare(self, before: FallPlane, now: FallPlane, straight: Floats) -> None:
        turn = strap_turn(before, now, straight)
        if turn is None:
            return
        turn_deg = float(np.linalg.norm(turn)) / DEG
        known = next((slip for slip in self.slips if before.knee_up_s < slip.t_s <= now.knee_up_s + 4.0), None)
        if known is not None:
            known.turn_deg = turn_deg
        elif turn_deg > self.params.slip_deg:
            self.slips.append(Slip(before.knee_up_s, now.knee_up_s, None, turn_deg))
            self.notes.append(
                f"between {before.knee_up_s:.0f} and {now.knee_up_s:.0f} s the strap turned about the thigh by "
                f"{turn_deg:.0f} degrees: each fall counts from its own knee-up pose, the straight leg is not compared "
                "any more"
            )
            self._align_anew(turned(straight, turn), now)

    def _align_anew(self, straight: Floats, plane: FallPlane) -> None:
        """The strap turned without the knee-up pose being noticed: the axes as they are since."""
        self._straight = (self._now_s, straight)
        found = align(self.placement, self._now_s, straight, plane.start)
        if isinstance(found, Alignment):
            self._take_alignment(found, plane.knee_up_s, self.qualities[-1].spreads_deg if self.qualities else (0, 0))

    def _take_alignment(self, found: Alignment, t_s: float, spreads_deg: tuple[float, float]) -> None:
        self._alignments.append(found)
        self.qualities.append(AlignmentQuality(self.placement, t_s, found.bend_rad / DEG, spreads_deg, t_s))

    def gap(self, gap: Gap) -> None:
        """A hole: pauses do not reach over it."""
        if gap.end_s - gap.start_s > self._short.params.hole_s:
            self._run = None

    def step(self, block: OrientedBlock, events: list[Event]) -> Iterator[float]:
        """Works through a block; appends to `events` and yields the time after every bin."""
        self.channel = block.channel
        gyr = block.gyr_sensor_radps
        rows = block.up_sensor if gyr is None else np.hstack([block.up_sensor, gyr])
        bins = self._binner.feed(block.t_s, rows)
        for t_s, row in zip(bins.t_s.tolist(), bins.rows.tolist(), strict=True):
            self._now_s, self.up = t_s, (row[0], row[1], row[2])
            rate = row[3:6] if len(row) == 6 else None
            self._short.update(t_s, self.up, rate)
            self._long.update(t_s, self.up, rate)
            self._measure_path()
            self._pause(t_s, events)
            yield t_s

    def _measure_path(self) -> None:
        up = np.array(self.up)
        if self._path_from is None:
            self._path_from = up
            return
        way = angle_between(self._path_from, up)
        if way >= self.params.path_step_deg * DEG:
            self._path_rad += way
            self._path_from = up

    def _pause(self, t_s: float, events: list[Event]) -> None:
        """Keep the books of the current pause and offer it as a pose when it is long enough or ends."""
        short, run = self._short, self._run
        if short.is_still:
            if run is None:
                run = self._run = _Run(short.start_s, t_s, short.mean_up, short.up_sd_rad)
                self._sweep_rad, self._path_rad, self._path_from = self._path_rad, 0.0, np.array(short.mean_up)
            run.end_s, run.up, run.sd_rad = t_s, short.mean_up, short.up_sd_rad
            if self.is_still is not True:
                self.is_still = True
                events.append(StillnessChanged(run.start_s, t_s, self.channel, self.placement, True))
            if not run.is_offered and t_s - max(run.start_s, self._from_s) >= self.params.preferred_s:
                if self._long.is_still:
                    run.up, run.sd_rad = self._long.mean_up, self._long.up_sd_rad
                run.is_offered = True
                self._offer(run, t_s, events)
        elif run is not None:
            self._run = None
            if not run.is_offered and run.end_s - max(run.start_s, self._from_s) >= self.params.accepted_s:
                self._offer(run, t_s, events)
        if self.is_still is not False and short.is_full and not short.is_within(2.0):
            self.is_still = False
            events.append(StillnessChanged(t_s, t_s, self.channel, self.placement, False))

    # --------------------------------------------------------------------------------------------------- poses

    def _offer(self, run: _Run, t_s: float, events: list[Event]) -> None:
        """A pause of good length: is it the pose that is awaited?"""
        pose = np.array(run.up)
        if self._expected is None:
            self._offer_unasked(run, pose, t_s, events)
        elif self._expected == "straight":
            if not self._alignments:
                self._take_straight(run, pose, t_s, events)
        elif not self._is_fulfilled and t_s - self._from_s < self.params.patience_s:
            self._offer_knee_up(run, pose, t_s, events)
        self._last_pose = pose

    def _offer_unasked(self, run: _Run, pose: Floats, t_s: float, events: list[Event]) -> None:
        if self._straight is None:
            self._take_straight(run, pose, t_s, events)
        elif self.is_thigh and not self._alignments and run.end_s - run.start_s >= self.params.auto_knee_up_s:
            bend = angle_between(self._straight[1], pose)
            if MIN_BEND_DEG * DEG <= bend <= MAX_BEND_DEG * DEG and self._is_direct(bend):
                self._take_knee_up(run, pose, t_s, events)
                self._is_unasked = True

    def _offer_knee_up(self, run: _Run, pose: Floats, t_s: float, events: list[Event]) -> None:
        if self._straight is None:
            if self._last_pose is None or angle_between(self._last_pose, pose) < MIN_BEND_DEG * DEG:
                return
            self._straight = (t_s, self._last_pose)
        straight = self._straight[1]
        bend = angle_between(straight, pose)
        if bend < MIN_BEND_DEG * DEG:
            if bend > 10.0 * DEG and not self._has_refused and not self._alignments:
                self._refuse(t_s, str(align(self.placement, t_s, straight, pose)), events)
            return
        if bend > MAX_BEND_DEG * DEG:
            return
        if not self._alignments:
            if self._is_direct(bend):
                self._take_knee_up(run, pose, t_s, events)
            elif not self._has_refused:
                self._refuse(t_s, "expected a pause with the knee to the ceiling, found none before it fell", events)
            return
        latest = self._alignments[-1]
        off_deg = angle_between(latest.knee_up_sensor, pose) / DEG
        self._is_fulfilled = off_deg <= self.params.slip_deg
        if self._is_fulfilled:
            self.qualities[-1].again(run.end_s, off_deg)
        is_knee_up = float(latest.outward(pose)[0]) < 0.35 and self._is_direct(bend)
        if self.params.slip_deg < off_deg < self.params.most_slip_deg and is_knee_up:
            self.notes.append(
                f"the knee-up pose at {run.end_s:.0f} s differs by {off_deg:.0f} degrees from the earlier one: "
                "the strap may have slipped; the new pose is used from here on"
            )
            self.slips.append(Slip(self.qualities[-1].agreed_s, run.end_s, off_deg, None))
            self._straight = (t_s, turned_along(latest, straight, pose))
            self._take_knee_up(run, pose, t_s, events)

    def _is_direct(self, bend_rad: float) -> bool:
        """True when the leg came here in one sweep from the pause before."""
        return bend_rad >= self.params.directness * self._sweep_rad - 2 * self.params.path_step_deg * DEG

    def _take_straight(self, run: _Run, pose: Floats, t_s: float, events: list[Event]) -> None:
        is_news = self._straight is None or angle_between(self._straight[1], pose) > self.params.slip_deg * DEG
        self._straight, self._straight_sd_rad = (t_s, pose), run.sd_rad
        if is_news:
            events.append(self._taken("straight", run, t_s))

    def _take_knee_up(self, run: _Run, pose: Floats, t_s: float, events: list[Event]) -> None:
        assert self._straight is not None
        self._is_fulfilled = True
        events.append(self._taken("knee_up", run, t_s))
        found = align(self.placement, t_s, self._straight[1], pose)
        if isinstance(found, str):
            self._refuse(t_s, found, events)
            return
        self._take_alignment(found, run.end_s, (self._straight_sd_rad / DEG, run.sd_rad / DEG))
        x, y, z = (tuple(axis.tolist()) for axis in (found.x_sensor, found.y_sensor, found.z_sensor))
        events.append(
            AlignmentReady(
                run.end_s,
                t_s,
                self.channel,
                self.placement,
                round(found.bend_rad / DEG, 2),
                x,
                y,
                z,
            )
        )

    def _refuse(self, t_s: float, reason: str, events: list[Event]) -> None:
        self._has_refused = True
        self.notes.append(reason)
        events.append(AlignmentRefused(t_s, t_s, self.channel, self.placement, reason))

    def _taken(self, pose: Pose, run: _Run, t_s: float) -> PoseTaken:
        return PoseTaken(run.end_s, t_s, self.channel, self.placement, pose, run.up, round(run.sd_rad / DEG, 3))

"""Knee rolling: lying on the back with the knees up, both knees swing to one side and to the other.

A swing leads to one side and back (`swings`); a cycle is one swing to each side, or one to the only side that is
practised. The rest pose is the one that is held before the first swing; with an alignment it is known to be the one
with the knee up. Which side is outward follows from the alignment too; without one the first swing is called `out`, and
a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

import numpy as np

from sensorsoma.dsp.arc import ArcFit
from sensorsoma.dsp.slowness import mean_direction
from sensorsoma.dsp.turning_points import Direction, angle_rad
from sensorsoma.exercises.base import DetectorOutput, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.knee_roll_measures import knee_roll_measures
from sensorsoma.exercises.repetitions import SlowParams, SlowSample, SlowTrack, fit_axis, in_order, seconds_between
from sensorsoma.exercises.shaking import Shaking
from sensorsoma.exercises.swings import Swing, SwingFinder, SwingParams
from sensorsoma.exercises.tempo import SpeedTrace
from sensorsoma.messages import Floats, Gap, LiveAngle, MovementBegan, OrientedBlock, RepCompleted
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class KneeRollParams:
    """What is a swing."""

    slow: SlowParams = field(default_factory=SlowParams)
    """Smoothing before anything is decided."""
    swings: SwingParams = field(default_factory=SwingParams)
    """When a way to one side counts."""
    partial_share: float = 0.5
    """Swings below this share of the median are marked partial: half-hearted ones reach 25-45 percent."""
    longest_share: float = 1.7
    """A swing larger than this share of the running median ..."""
    longest_deg: float = 60.0
    """... and larger than knees swing to one side (25-50 degrees) is getting up or turning over."""
    off_plane_deg: float = 20.0
    """So is a top farther than this from where the tops of its side lay across the movement ..."""
    off_plane_share: float = 0.5
    """... or farther than this share of the swing, whichever is more: knees roll in a looser plane than a clamshell."""
    shortest_s: float = 0.4
    """Less time in the upper half of an excursion is a knock or a landing; both sides in 2 s spend 0.5 s in each."""
    rest_s: float = 0.6
    """A pose held for this long before the first swing is the rest pose ..."""
    calm_deg: float = 0.5
    """... if it stays within this angle."""
    knee_up_deg: float = 20.0
    """With an alignment the rest pose lies this near to the knee-up pose: feet are set down a little differently."""


class KneeRollDetector:
    """Counts swings to both sides; see `exercises.base.Detector` for the contract."""

    def __init__(self, stretch: Stretch, body: Body, params: KneeRollParams | None = None) -> None:
        if stretch.placement is None:
            raise ValueError("knee rolling is seen from a thigh; this stretch has no placement")
        self.stretch, self.body, self.placement = stretch, body, stretch.placement
        self.params = params or KneeRollParams()
        self._start_rad = self.params.swings.from_rest.start_deg * DEG
        self._track = SlowTrack(self.params.slow)
        self._speeds = SpeedTrace()
        self._shaking = Shaking(stretch)
        self._finder = SwingFinder(self.params.swings)
        self._swings: list[Swing] = []
        self._open: Swing | None = None
        self._n_cycles = self._n_other = 0
        self._fit: ArcFit | None = None
        self._first_up: Direction | None = None
        self._calm: SlowSample | None = None
        self._near_start_s = stretch.start_s
        self._has_left = self._has_begun = self._is_finished = False
        self._live_cell: float | None = None

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Cycles, shaking and the live angle that these samples make known."""
        if self._is_finished or isinstance(block, Gap) or block.placement != self.placement:
            return ()
        self._speeds.add(block)
        timed = self._shaking.feed(block)
        for sample in self._track.feed(block):
            timed.extend((sample.known_s, output) for output in self._step(sample))
        return in_order(timed)

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """What is still pending, then the curve and the measures."""
        if self._is_finished:
            return ()
        self._is_finished = True
        out: list[DetectorOutput] = []
        for sample in self._track.finish():
            out.extend(self._step(sample))
        newest_s = min(end_s, self._track.newest_s)
        for swing in self._finder.finish():
            out.extend(self._swung(swing, max(swing.known_s, newest_s)))
        is_one_sided = len({swing.is_first_side for swing in self._swings}) == 1
        if self._open is not None and is_one_sided and len(self._swings) > 1:
            out.extend(self._complete(self._open, max(self._open.known_s, newest_s)))
        out.extend(
            knee_roll_measures(
                self.stretch, end_s, self._swings, self._finder.rest_up, self._track, self._speeds.speeds(),
                self._shaking, self.body.alignment(self.placement, end_s), n_cycles=self._n_cycles,
                n_other=self._n_other, partial_share=self.params.partial_share,
            )
        )  # fmt: skip
        return tuple(out)

    # ------------------------------------------------------------------------------------------------- per cell

    def _step(self, sample: SlowSample) -> list[DetectorOutput]:
        out: list[DetectorOutput] = []
        if sample.after_hole:
            self._finder.gap()
        self._first_up = self._first_up or sample.up
        self._take_rest_pose(sample)
        from_up = self._finder.rest_up or self._first_up
        away = angle_rad(from_up, sample.up)
        self._has_left |= away >= self._start_rad
        if not self._has_begun and away < 0.25 * self._start_rad:
            self._near_start_s = max(self.stretch.start_s, sample.t_s)
        if not self._has_begun and away >= self._start_rad:
            self._has_begun = True
            out.append(MovementBegan(self._near_start_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        for swing in self._finder.feed(sample):
            out.extend(self._swung(swing, sample.known_s))
        cell = np.floor(sample.known_s * 10.0)
        if cell != self._live_cell:
            self._live_cell = cell
            t_s = max(sample.t_s, self.stretch.start_s)
            out.append(LiveAngle(t_s, self.stretch.exercise, self.stretch.side, self.placement, away / DEG))
        return out

    def _take_rest_pose(self, sample: SlowSample) -> None:
        """The pose held before the first swing; with an alignment one with the knee up, whatever came before it."""
        params, calm = self.params, self._calm
        if calm is None or sample.after_hole or angle_rad(calm.up, sample.up) > params.calm_deg * DEG:
            self._calm = sample
            return
        if sample.t_s - calm.t_s < params.rest_s:
            return
        alignment = self.body.alignment(self.placement, sample.known_s)
        knee_up = None if alignment is None else _direction(alignment.knee_up_sensor)
        is_knee_up = knee_up is not None and angle_rad(knee_up, sample.up) < params.knee_up_deg * DEG
        start = self._first_up or sample.up
        if is_knee_up and knee_up is not None and angle_rad(knee_up, start) > params.knee_up_deg * DEG:
            if len(self._swings) < 2:
                self._begin_anew(sample)
        elif self._has_left:
            return
        if not self._finder.has_turned:
            self._finder.rest(self._held_up(sample), is_sure=is_knee_up)

    def _held_up(self, sample: SlowSample) -> Direction:
        """Mean of the earlier half of a held pose: its newest samples may already leave it."""
        t_s, up = self._track.since(sample.t_s - self.params.rest_s)
        held = up[t_s <= sample.t_s - 0.5 * self.params.rest_s]
        return sample.up if len(held) == 0 else _direction(mean_direction(list(held)))

    def _begin_anew(self, sample: SlowSample) -> None:
        """The knees have come up into the rest pose: what came before was no swing."""
        self._finder = SwingFinder(self.params.swings)
        self._swings, self._open, self._fit = [], None, None
        self._first_up, self._has_left = sample.up, False

    # -------------------------------------------------------------------------------------------------- swings

    def _swung(self, swing: Swing, known_s: float) -> list[DetectorOutput]:
        if self._is_other_movement(swing):
            self._n_other += 1
            return []
        self._swings.append(swing)
        up = self._track.since(self._swings[max(0, len(self._swings) - 4)].from_s)[1]
        self._fit = fit_axis(up) or self._fit
        before, self._open = self._open, swing
        if before is None:
            return []
        if before.is_first_side != swing.is_first_side:
            self._open = None
            return self._complete(swing, known_s, before)
        return self._complete(before, known_s)

    def _is_other_movement(self, swing: Swing) -> bool:
        """A knock, getting up or turning over."""
        params, sizes = self.params, [one.size_rad for one in self._swings[-6:]]
        if self._finder.rest_up is not None and self._time_outside(swing) < params.shortest_s:
            return True
        if len(sizes) < 2:
            return False
        if swing.size_rad > max(params.longest_share * median(sizes), params.longest_deg * DEG):
            return True
        same = [one.up for one in self._swings if one.is_first_side == swing.is_first_side]
        if self._fit is None or not same:
            return False
        height = np.arcsin(np.clip(np.array([swing.up, *same]) @ self._fit.axis, -1.0, 1.0))
        off = abs(float(height[0] - np.median(height[1:])))
        return off > max(params.off_plane_deg * DEG, params.off_plane_share * swing.size_rad)

    def _time_outside(self, swing: Swing) -> float:
        """Seconds spent beyond half the way from the rest pose, until the swing was known."""
        t_s, up = self._track.since(swing.from_s)
        rest = np.array(self._finder.rest_up)
        is_near = up @ rest > np.cos(0.5 * swing.size_rad)
        return seconds_between(t_s, is_near, swing.top_s, swing.from_s, swing.known_s)

    def _complete(self, last: Swing, known_s: float, first: Swing | None = None) -> list[DetectorOutput]:
        """A cycle that ends with the swing `last`."""
        self._n_cycles += 1
        usual = median(one.size_rad for one in self._swings)
        both = [last] if first is None else [first, last]
        start_s = max(both[0].from_s, self.stretch.start_s)
        end_s = max(last.top_s, self.stretch.start_s)
        return [
            RepCompleted(
                t_s=end_s,
                known_s=known_s,
                exercise=self.stretch.exercise,
                side=self.stretch.side,
                index=self._n_cycles,
                start_s=start_s,
                end_s=end_s,
                range_deg=sum(one.size_rad for one in both) / DEG,
                is_partial=all(one.size_rad < self.params.partial_share * usual for one in both),
                tremor=self._shaking.within(start_s, end_s, known_s),
            )
        ]


def _direction(up: Floats) -> Direction:
    x, y, z = (float(value) for value in up)
    return (x, y, z)

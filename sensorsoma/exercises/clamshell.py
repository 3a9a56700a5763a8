"""Clamshells: side-lying, ankles together, the top knee opens towards the ceiling and comes back.

Counting needs no calibration: turning points of gravity on the sphere (`dsp.turning_points`), the first leg leading
out. With an alignment the closed pose tells more: before the thigh has come to rest with its outer face up nothing is
a rep, and a bottom leg (outer face down) that is dragged along makes none. Angles are about the movement's own axis,
from the closed pose.

A rep is announced once it is clearly on its way back. A small one (less than three quarters of the running range) is
told from the beginning of some other movement only by coming back to rest: it is announced then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median

import numpy as np

from sensorsoma.dsp.arc import ArcFit
from sensorsoma.dsp.turning_points import Direction, TurningParams, TurningPoint, TurningPointFinder, angle_rad
from sensorsoma.exercises.base import DetectorOutput, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.clamshell_measures import CountedRep, clamshell_measures
from sensorsoma.exercises.pelvis_roll import PelvisRoll
from sensorsoma.exercises.repetitions import (
    SlowParams,
    SlowSample,
    SlowTrack,
    angles_from,
    fit_axis,
    in_order,
    measure_rep,
    time_at_top,
)
from sensorsoma.exercises.shaking import Shaking
from sensorsoma.exercises.tempo import SpeedTrace
from sensorsoma.messages import Gap, LiveAngle, MovementBegan, OrientedBlock, RepCompleted
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class ClamshellParams:
    """What is a rep and what is not."""

    slow: SlowParams = field(default_factory=SlowParams)
    """Smoothing before anything is decided."""
    turning: TurningParams = field(default_factory=TurningParams)
    """When a leg of the movement counts."""
    partial_share: float = 0.5
    """Reps below this share of the running range, in the end of the set's median, are marked partial: half-hearted ones
    reach 25-45 percent (below a quarter they are not seen at all)."""
    small_share: float = 0.75
    """Reps below this share of the running range count only once the leg is back at rest."""
    returned_share: float = 0.8
    """Back at rest: this share of the way out has been undone ..."""
    returned_s: float = 0.5
    """... for this long."""
    begun_share: float = 0.1
    """When the samples end, a whole rep that has undone this share of its way counts: its top was seen."""
    off_plane_deg: float = 12.0
    """A top farther than this from the circle of the reps so far is getting up or turning over ..."""
    off_plane_share: float = 0.35
    """... or farther than this share of the leg, whichever is more."""
    longest_share: float = 1.7
    """So is a leg longer than this share of the running range ..."""
    longest_deg: float = 75.0
    """... if it is also longer than hips open: uncoached people reach 27-79 degrees."""
    shortest_s: float = 0.5
    """Less time in the upper half of the way is a knock (0.4 s after smoothing); fast reps, of 2 s, spend 1 s there."""
    unseen_s: float = 0.5
    """A top within this time after missing samples was not seen: only the way back was. It is not counted."""
    side_up: float = 0.5
    """The outer face of the top thigh points up to within 60 degrees in the closed pose (cosine)."""
    rest_deg: float = 3.0
    """The closed pose is taken when the thigh moves less than this ..."""
    rest_s: float = 0.6
    """... for this long."""
    more_closed_deg: float = 3.0
    """Before the first top a pose that is more closed than the first one by this much takes its place."""
    calm_deg: float = 0.5
    """Before the first top a pose held within this angle (for `rest_s`) is the closed one, if it lies ..."""
    settled_deg: float = 2.0
    """... this near to the first: orientation recovers from turning over by 1.5 degrees within three seconds."""


class ClamshellDetector:
    """Counts and measures clamshells of one thigh; see `exercises.base.Detector` for the contract."""

    def __init__(self, stretch: Stretch, body: Body, params: ClamshellParams | None = None) -> None:
        if stretch.placement is None:
            raise ValueError("a clamshell is seen from a thigh; this stretch has no placement")
        self.stretch, self.body, self.placement = stretch, body, stretch.placement
        self.params = params or ClamshellParams()
        self._track = SlowTrack(self.params.slow)
        self._speeds = SpeedTrace()
        self._pelvis = PelvisRoll()
        self._finder = TurningPointFinder(self.params.turning)
        self._shaking = Shaking(stretch)
        self._reps: list[CountedRep] = []
        self._pending: TurningPoint | None = None
        self._returned_since_s: float | None = None
        self._from_up: Direction | None = None
        self._closed_up: Direction | None = None
        self._unseen_until_s = -np.inf
        self._fit: ArcFit | None = None
        self._near_start_s = stretch.start_s
        self._has_begun = False
        self._has_turned = False
        self._first_up: Direction | None = None
        self._calm: SlowSample | None = None
        self._rest: SlowSample | None = None
        self._live_cell: float | None = None
        self._n_dragged = 0
        self._n_other = 0
        self._is_finished = False

    # ------------------------------------------------------------------------------------------------ the line

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Reps, shaking and the live angle that these samples make known."""
        if self._is_finished or isinstance(block, Gap):
            return ()
        if block.placement == "pelvis":
            self._pelvis.add(block)
        if block.placement != self.placement:
            return ()
        self._speeds.add(block)
        timed = self._shaking.feed(block)
        for sample in self._track.feed(block):
            timed.extend((sample.known_s, output) for output in self._step(sample))
        return in_order(timed)

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """A rep on its way back, then the curve and the measures. A small rep that never came back is no rep."""
        if self._is_finished:
            return ()
        self._is_finished = True
        out: list[DetectorOutput] = []
        for sample in self._track.finish():
            out.extend(self._step(sample))
        out.extend(self._take_last(end_s))
        alignment = self.body.alignment(self.placement, end_s)
        out.extend(
            clamshell_measures(
                self.stretch,
                end_s,
                self._reps,
                self._track,
                self._speeds.speeds(),
                self._pelvis,
                self._shaking,
                partial_share=self.params.partial_share,
                is_aligned=alignment is not None,
                n_dragged=self._n_dragged,
                n_other=self._n_other,
                sensor_sd_deg=self.body.sensor_sd_deg(self.placement),
            )
        )
        return tuple(out)

    # ------------------------------------------------------------------------------------------------- per cell

    def _step(self, sample: SlowSample) -> list[DetectorOutput]:
        out: list[DetectorOutput] = []
        if sample.after_hole:
            self._restart(sample, is_new_size=False)
        elif self._settles_on_the_side(sample) or self._is_still_closing(sample):
            self._restart(sample, is_new_size=True)
        elif not self._has_turned:
            self._take_rest_pose(sample)
        out.extend(self._begin(sample))
        out.extend(self._await_return(sample))
        turn = self._finder.feed(sample.t_s, sample.up)
        if turn is not None:
            out.extend(self._turned(turn, sample.known_s))
        cell = np.floor(sample.known_s * 10.0)
        if cell != self._live_cell:
            self._live_cell = cell
            out.append(self._live(sample))
        return out

    def _restart(self, sample: SlowSample, is_new_size: bool) -> None:
        """A new beginning, in the closed pose as far as is known. Reps that began in another posture were none."""
        if is_new_size:
            self._has_turned = False
            self._finder = TurningPointFinder(self.params.turning)
            self._reps = [rep for rep in self._reps if self._side_up(rep.turn.from_up, sample.known_s) > 0.0]
            self._fit = None
        else:
            self._finder.gap(sample.t_s, self._closed_up)
            self._unseen_until_s = sample.t_s + self.params.unseen_s
        self._pending = None
        self._from_up = sample.up if is_new_size else self._closed_up or sample.up
        self._first_up, self._calm = self._from_up, None

    def _side_up(self, up: Direction, at_s: float) -> float:
        """How far the outer face points up, -1 to 1; 0 when there is no alignment to tell."""
        alignment = self.body.alignment(self.placement, at_s)
        if alignment is None:
            return 0.0
        cosine = -float(alignment.outward(np.array(up))[0])
        return cosine if abs(cosine) > self.params.side_up else 0.0

    def _settles_on_the_side(self, sample: SlowSample) -> bool:
        """True when the thigh has come to rest with its outer face up and the leg in flight began in another pose."""
        rest = self._rest
        if rest is None or angle_rad(rest.up, sample.up) > self.params.rest_deg * DEG:
            self._rest = sample
            return False
        if sample.t_s - rest.t_s < self.params.rest_s or self._side_up(sample.up, sample.known_s) <= 0.0:
            return False
        return self._from_up is not None and self._side_up(self._from_up, sample.known_s) <= 0.0

    def _take_rest_pose(self, sample: SlowSample) -> None:
        """Before the first top the closed pose is the last one at rest, and not that of the very first sample."""
        params, calm = self.params, self._calm
        if calm is None or angle_rad(calm.up, sample.up) > params.calm_deg * DEG:
            self._calm = sample
            return
        if sample.t_s - calm.t_s < params.rest_s or self._first_up is None:
            return
        if angle_rad(self._first_up, sample.up) < params.settled_deg * DEG:
            self._calm = sample
            self._from_up = sample.up
            self._finder = TurningPointFinder(params.turning)

    def _is_still_closing(self, sample: SlowSample) -> bool:
        """True while the leg only comes into its closed pose: the stretch began before the person lay on the side.

        Opening turns the front of the upper thigh to the ceiling and lifts the knee. The end of turning over, and
        closing, do the reverse of both: such a way before the first top is none out.
        """
        start, at_s = self._from_up, sample.known_s
        if self._has_turned or start is None or angle_rad(start, sample.up) < self.params.more_closed_deg * DEG:
            return False
        alignment = self.body.alignment(self.placement, at_s)
        if alignment is None or self._side_up(start, at_s) <= 0.0 or self._side_up(sample.up, at_s) <= 0.0:
            return False
        before, now = alignment.in_body(np.array([start, sample.up]))
        return bool(now[0] < before[0] and now[1] > before[1])

    def _begin(self, sample: SlowSample) -> list[DetectorOutput]:
        if self._has_begun or self._from_up is None:
            return []
        away = angle_rad(self._from_up, sample.up)
        if away < 0.25 * self.params.turning.start_deg * DEG:
            self._near_start_s = max(self.stretch.start_s, sample.t_s)
        if away < self.params.turning.start_deg * DEG:
            return []
        self._has_begun = True
        return [MovementBegan(self._near_start_s, sample.known_s, self.stretch.exercise, self.stretch.side)]

    def _live(self, sample: SlowSample) -> LiveAngle:
        closed = self._from_up or sample.up
        angle = angle_rad(closed, sample.up)
        if self._fit is not None and self._reps:
            outward = np.array(self._reps[-1].turn.up)
            angle = float(angles_from(self._fit, np.array(closed), np.array([sample.up]), outward)[0])
        t_s = max(sample.t_s, self.stretch.start_s)
        return LiveAngle(t_s, self.stretch.exercise, self.stretch.side, self.placement, angle / DEG)

    # ---------------------------------------------------------------------------------------------------- turns

    def _turned(self, turn: TurningPoint, known_s: float) -> list[DetectorOutput]:
        self._has_turned = True
        if not turn.is_out:
            self._from_up = self._closed_up = turn.up
            if self._reps and self._reps[-1].closed_s is None:
                self._reps[-1].closed_s = turn.t_s
            return self._count_pending(turn.known_s, known_s)
        if turn.t_s < self._unseen_until_s and self._closed_up is not None:
            return []
        self._closed_up = turn.from_up
        if self._side_up(turn.from_up, known_s) < 0.0:
            self._n_dragged += 1
        elif self._is_other_movement(turn):
            self._n_other += 1
        elif self._is_small(turn):
            self._pending, self._returned_since_s = turn, None
        else:
            return self._count(turn, turn.known_s, known_s)
        return []

    def _take_last(self, end_s: float) -> list[DetectorOutput]:
        """A rep as large as the others that had begun to close when the samples ended."""
        turn = self._finder.turn_in_flight
        if turn is None or not turn.is_out or not self._ranges() or self._is_small(turn):
            return []
        t_s, up = self._track.since(turn.t_s)
        if len(up) == 0:
            return []
        last_up = up[-1].tolist()
        back = angle_rad(turn.up, (last_up[0], last_up[1], last_up[2]))
        if back < self.params.begun_share * turn.leg_rad:
            return []
        known_s = max(turn.t_s, min(end_s, self._track.newest_s))
        return self._turned(replace(turn, known_s=min(known_s, float(t_s[-1]))), known_s)

    def _ranges(self) -> list[float]:
        """Sizes of the last full reps, rad."""
        return [rep.turn.leg_rad for rep in self._reps if not rep.is_partial][-self.params.turning.n_legs :]

    def _is_small(self, turn: TurningPoint) -> bool:
        ranges = self._ranges()
        return bool(ranges) and turn.leg_rad < self.params.small_share * median(ranges)

    def _await_return(self, sample: SlowSample) -> list[DetectorOutput]:
        """Counts a small rep once it has stayed back for a while."""
        turn = self._pending
        if turn is None:
            return []
        if angle_rad(turn.up, sample.up) < self.params.returned_share * turn.leg_rad:
            self._returned_since_s = None
        elif self._returned_since_s is None:
            self._returned_since_s = sample.t_s
        elif sample.t_s - self._returned_since_s >= self.params.returned_s:
            # Its way back may be too short to be a turn; the next way leads out, from the closed pose.
            self._finder.gap(sample.t_s, turn.from_up)
            return self._count_pending(sample.t_s, sample.known_s)
        return []

    def _count_pending(self, end_s: float, known_s: float) -> list[DetectorOutput]:
        turn, self._pending = self._pending, None
        return [] if turn is None else self._count(turn, end_s, known_s)

    def _is_other_movement(self, turn: TurningPoint) -> bool:
        """A knock, getting up or turning over."""
        params, ranges = self.params, self._ranges()
        if time_at_top(self._track, turn) < params.shortest_s:
            return True
        if len(ranges) < 2:
            return False
        if turn.leg_rad > max(params.longest_share * median(ranges), params.longest_deg * DEG):
            return True
        if self._fit is None:
            return False
        height = np.arcsin(np.clip(np.array([turn.up, *(rep.turn.up for rep in self._reps)]) @ self._fit.axis, -1, 1))
        off = abs(float(height[0] - np.median(height[1:])))
        return off > max(params.off_plane_deg * DEG, params.off_plane_share * turn.leg_rad)

    def _count(self, turn: TurningPoint, end_s: float, known_s: float) -> list[DetectorOutput]:
        """A rep, of which the way back is seen up to `end_s`, known by the samples up to `known_s`."""
        ranges = self._ranges()
        is_partial = bool(ranges) and turn.leg_rad < self.params.partial_share * median(ranges)
        self._reps.append(CountedRep(turn, is_partial))
        t_s, up = self._track.since(self._reps[max(0, len(self._reps) - 4)].turn.from_s)
        self._fit = fit_axis(up) or self._fit
        range_rad, start_s = turn.leg_rad, turn.from_s
        if self._fit is not None:
            angle = angles_from(self._fit, np.array(turn.from_up), up, np.array(turn.up))
            shape = measure_rep(t_s, angle, turn.from_s, turn.t_s, turn.known_s)
            if shape is not None:
                range_rad, start_s = shape.range_rad, shape.start_s
        start_s = max(start_s, self.stretch.start_s)
        return [
            RepCompleted(
                t_s=max(turn.t_s, self.stretch.start_s),
                known_s=known_s,
                exercise=self.stretch.exercise,
                side=self.stretch.side,
                index=len(self._reps),
                start_s=start_s,
                end_s=end_s,
                range_deg=range_rad / DEG,
                is_partial=is_partial,
                tremor=self._shaking.within(start_s, end_s, known_s),
                pelvis_roll_deg=self._pelvis.along(self.stretch.side, start_s, turn.t_s),
            )
        ]

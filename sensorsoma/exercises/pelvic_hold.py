"""The flattened low back, held: how long, how far, and the shaking that may come.

A hold begins when the pelvis has moved and come to rest for a while, or, if it does not move at all, when it has lain
still for longer: then it was flattened already. It ends when the pelvis leaves the held pose and stays away; a cough
does not end it. The pause between the rocking before and the flattening can look like a short hold, and lying loose
afterwards like another: the longest is the one that is measured. Where a coach asks for the hold, the words take some
seconds: a rest that begins before them is left over from the movement before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorsoma.dsp.turning_points import Direction, angle_rad
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.repetitions import SlowParams, SlowSample, SlowTrack, in_order
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.messages import Gap, HoldEnded, HoldReached, LiveAngle, MovementBegan, OrientedBlock
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class PelvicHoldParams:
    """When a hold begins and ends."""

    moved_deg: float = 2.0
    """The pelvis has moved: flattening takes 4-12 degrees, breath half a degree."""
    rest_deg: float = 0.8
    """It rests while it stays within this ..."""
    rest_s: float = 2.5
    """... for this long; between two movements people pause for less."""
    patience_s: float = 6.0
    """Still for this long without having moved: it was flattened before the step began (people react within 2 s)."""
    asked_s: float = 5.0
    """The sentence that asks for a hold takes 4 s and pressing another: a rest that begins sooner is no answer."""
    real_s: float = 5.0
    """After a hold of at least this length, lying where it began from is letting go and no new hold."""
    left_share: float = 0.5
    """The hold is left by this share of its depth ..."""
    left_deg: float = 1.5
    """... or by this, whichever is more ..."""
    left_s: float = 1.5
    """... and not returned to for this long: a cough takes 1.4 s."""


THIGH = PelvicHoldParams(moved_deg=0.8, rest_deg=0.4, left_deg=0.7)
"""A thigh follows the pelvis by about a quarter."""


@dataclass(slots=True)
class _Hold:
    """One hold."""

    start_s: float
    up: Direction
    before_up: Direction
    """Where the pelvis lay before it moved into the hold."""
    depth_rad: float
    has_moved: bool
    end_s: float | None = None

    @property
    def length_s(self) -> float:
        return 0.0 if self.end_s is None else self.end_s - self.start_s


class PelvicHoldDetector:
    """Watches one hold; see `exercises.base.Detector` for the contract."""

    def __init__(self, stretch: Stretch, body: Body, params: PelvicHoldParams | None = None) -> None:
        if stretch.placement is None:
            raise ValueError("a pelvic hold is seen from the pelvis or a thigh; this stretch has no placement")
        del body
        self.stretch, self.placement = stretch, stretch.placement
        self.is_weak = self.placement != "pelvis"
        self.params = params or (THIGH if self.is_weak else PelvicHoldParams())
        self._track = SlowTrack(SlowParams(cut_hz=0.8))
        self._shaking = Shaking(stretch)
        self._start: SlowSample | None = None
        self._still: SlowSample | None = None
        self._before: Direction | None = None
        self._hold: _Hold | None = None
        self._done: list[_Hold] = []
        self._left_s: float | None = None
        self._near_s = stretch.start_s
        self._last_s = stretch.start_s
        self._has_moved = False
        self._live_cell: float | None = None
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """The hold's beginning and end, shaking and the live tilt that these samples make known."""
        if self._is_finished or isinstance(block, Gap) or block.placement != self.placement:
            return ()
        timed = self._shaking.feed(block)
        for sample in self._track.feed(block):
            timed.extend((sample.known_s, output) for output in self._step(sample))
        return in_order(timed)

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """A hold that goes on ends with the stretch; then the curve and the measures."""
        if self._is_finished:
            return ()
        self._is_finished = True
        out: list[DetectorOutput] = []
        for sample in self._track.finish():
            out.extend(self._step(sample))
        if self._hold is not None:
            last_s = max(self._hold.start_s, min(end_s, self._last_s))
            stop_s = self._near_s if self._left_s is not None else last_s
            out.append(self._end(self._hold, stop_s, max(end_s, stop_s)))
        out.extend(self._measure(end_s))
        return tuple(out)

    # ------------------------------------------------------------------------------------------------- per cell

    def _step(self, sample: SlowSample) -> list[DetectorOutput]:
        out: list[DetectorOutput] = []
        t_s = max(sample.t_s, self.stretch.start_s)
        self._last_s = t_s
        if self._start is None:
            self._start = self._still = sample
        if sample.after_hole:
            self._still = sample
        out.extend(self._await(sample, t_s) if self._hold is None else self._watch(self._hold, sample, t_s))
        cell = np.floor(sample.known_s * 10.0)
        if cell != self._live_cell:
            self._live_cell = cell
            angle = angle_rad(self._start.up, sample.up) / DEG
            out.append(LiveAngle(t_s, self.stretch.exercise, self.stretch.side, self.placement, angle))
        return out

    def _await(self, sample: SlowSample, t_s: float) -> list[DetectorOutput]:
        assert self._start is not None
        assert self._still is not None
        out: list[DetectorOutput] = []
        params = self.params
        if not self._has_moved and angle_rad(self._start.up, sample.up) > params.moved_deg * DEG:
            self._has_moved = True
            out.append(MovementBegan(t_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        still_s = sample.t_s - self._still.t_s
        if angle_rad(self._still.up, sample.up) > params.rest_deg * DEG:
            if still_s > 0.5 or self._before is None:
                self._before = self._still.up
            self._still = sample
        elif still_s >= (params.rest_s if self._has_moved else params.patience_s):
            before = self._before or self._start.up
            if any(self._is_let_go(done, sample.up) for done in self._done):
                return out
            start_s = max(self._still.t_s, self.stretch.start_s)
            depth = angle_rad(before, sample.up)
            self._hold = _Hold(start_s, sample.up, before, depth, has_moved=self._has_moved)
            self._near_s, self._left_s = t_s, None
            out.append(HoldReached(start_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        return out

    def _is_let_go(self, done: _Hold, up: Direction) -> bool:
        """True when the pelvis lies loose again after a real hold."""
        if done.length_s < self.params.real_s or self._is_left_over(done):
            return False
        return angle_rad(done.before_up, up) < angle_rad(done.up, up)

    def _is_left_over(self, hold: _Hold) -> bool:
        """True when a coach asks for a hold and this one began before anybody could answer."""
        return self.stretch.step_id is not None and hold.start_s < self.stretch.start_s + self.params.asked_s

    def _watch(self, hold: _Hold, sample: SlowSample, t_s: float) -> list[DetectorOutput]:
        params = self.params
        limit = max(params.left_share * hold.depth_rad, params.left_deg * DEG)
        away = angle_rad(hold.up, sample.up)
        if away < 0.3 * limit:
            self._near_s = t_s
        if away < limit:
            self._left_s = None
        elif self._left_s is None:
            self._left_s = t_s
        elif t_s - self._left_s >= params.left_s:
            self._still, self._before, self._has_moved = sample, hold.up, True
            return [self._end(hold, self._near_s, sample.known_s)]
        return []

    def _end(self, hold: _Hold, t_s: float, known_s: float) -> HoldEnded:
        hold.end_s = t_s
        self._done.append(hold)
        self._hold = None
        return HoldEnded(t_s, known_s, self.stretch.exercise, self.stretch.side, hold.length_s)

    # ------------------------------------------------------------------------------------------------- measures

    def _measure(self, end_s: float) -> list[DetectorOutput]:
        notes: list[str] = []
        real_s = self.params.real_s
        answers = [done for done in self._done if done.length_s >= real_s and not self._is_left_over(done)]
        hold = max(
            answers or self._done,
            key=lambda done: (done.has_moved and done.length_s >= real_s, done.length_s),
            default=None,
        )
        tremor = None
        if hold is None or hold.end_s is None:
            notes.append("no hold seen")
        else:
            tremor = self._shaking.overall(hold.start_s, hold.end_s)
            if not hold.has_moved:
                notes.append("no movement into the hold seen: it is taken to have begun before")
        measures: dict[str, Any] = {
            "count": None,
            "hold_start_s": None if hold is None else hold.start_s,
            "hold_s": None if hold is None else hold.length_s,
            "depth_deg": hold.depth_rad / DEG if hold is not None and hold.has_moved else None,
            "tremor": tremor_json(tremor),
            "weak": self.is_weak,
            "notes": notes,
        }
        t_s, up = self._track.t_s, self._track.up
        out: list[DetectorOutput] = []
        if self._start is not None and len(t_s):
            away = 2.0 * np.arcsin(np.clip(0.5 * np.linalg.norm(up - np.array(self._start.up), axis=1), 0.0, 1.0))
            inside = t_s >= self.stretch.start_s
            curve = thin_curve(self.stretch, t_s[inside], away[inside] / DEG, "away from the start (deg)")
            out.extend([] if curve is None else [curve])
        out.append(measured(self.stretch, end_s, measures))
        return out

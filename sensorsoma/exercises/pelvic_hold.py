"""The flattened low back, held: how long, how far, and the shaking that may come.

The hold begins when the pelvis has moved from where it lay and come to rest, or, if it does not move, when it has
lain still for a while: then it was flattened already. It ends when the pelvis leaves the held pose and stays away; a
cough does not end it.
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
    rest_s: float = 0.8
    """... for this long."""
    patience_s: float = 6.0
    """Still for this long without having moved: it was flattened before the step began (people react within 2 s)."""
    left_share: float = 0.5
    """The hold is left by this share of its depth ..."""
    left_deg: float = 1.5
    """... or by this, whichever is more ..."""
    left_s: float = 1.5
    """... and not returned to for this long: a cough takes 1.4 s."""


THIGH = PelvicHoldParams(moved_deg=0.8, rest_deg=0.4, left_deg=0.7)
"""A thigh follows the pelvis by about a quarter."""


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
        self._held: Direction | None = None
        self._depth_rad = 0.0
        self._hold_start_s: float | None = None
        self._hold_end_s: float | None = None
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
        if self._hold_start_s is not None and self._hold_end_s is None:
            stop_s = self._near_s if self._left_s is not None else max(self._hold_start_s, min(end_s, self._last_s))
            out.append(self._end(stop_s, max(end_s, stop_s)))
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
        if self._hold_start_s is None:
            out.extend(self._await(sample, t_s))
        elif self._hold_end_s is None:
            out.extend(self._watch(sample, t_s))
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
        params, depth = self.params, angle_rad(self._start.up, sample.up)
        if not self._has_moved and depth > params.moved_deg * DEG:
            self._has_moved = True
            out.append(MovementBegan(t_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        if angle_rad(self._still.up, sample.up) > params.rest_deg * DEG:
            self._still = sample
        needed_s = params.rest_s if depth > params.moved_deg * DEG else params.patience_s
        if sample.t_s - self._still.t_s >= needed_s:
            self._held, self._depth_rad = sample.up, depth
            self._hold_start_s = self._near_s = max(self._still.t_s, self.stretch.start_s)
            out.append(HoldReached(self._hold_start_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        return out

    def _watch(self, sample: SlowSample, t_s: float) -> list[DetectorOutput]:
        assert self._held is not None
        params = self.params
        limit = max(params.left_share * self._depth_rad, params.left_deg * DEG)
        away = angle_rad(self._held, sample.up)
        if away < 0.3 * limit:
            self._near_s = t_s
        if away < limit:
            self._left_s = None
        elif self._left_s is None:
            self._left_s = t_s
        elif t_s - self._left_s >= params.left_s:
            return [self._end(self._near_s, sample.known_s)]
        return []

    def _end(self, t_s: float, known_s: float) -> HoldEnded:
        assert self._hold_start_s is not None
        self._hold_end_s = t_s
        hold_s = t_s - self._hold_start_s
        return HoldEnded(t_s, known_s, self.stretch.exercise, self.stretch.side, hold_s)

    # ------------------------------------------------------------------------------------------------- measures

    def _measure(self, end_s: float) -> list[DetectorOutput]:
        notes: list[str] = []
        start_s, stop_s = self._hold_start_s, self._hold_end_s
        if start_s is None or stop_s is None:
            notes.append("no hold seen")
            hold_s = tremor = None
        else:
            hold_s = stop_s - start_s
            tremor = self._shaking.overall(start_s, stop_s)
            if not self._has_moved:
                notes.append("no movement into the hold seen: it is taken to have begun before")
        measures: dict[str, Any] = {
            "count": None,
            "hold_start_s": start_s,
            "hold_s": hold_s,
            "depth_deg": self._depth_rad / DEG if self._has_moved and start_s is not None else None,
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

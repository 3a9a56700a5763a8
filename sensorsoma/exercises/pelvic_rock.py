"""Pelvic rocking: the low back arches (anterior, positive), then flattens (posterior, negative); both make a cycle.

From a pelvis sensor the tilt is measured about the movement's own axis, which is the body's left-right axis, from the
pose at the start. Which way is anterior follows from the instruction: the first movement is the arch; the mounting
mark (sensor y towards the head) is a check. From a phone on the belly, which tilts about half as far and with every
breath, and from a thigh, which follows by some 5 degrees, it is weak evidence: counted only when the legs of the
movement are alike, never spoken.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import ArcFit
from sensorsoma.dsp.turning_points import Direction, TurningParams, TurningPoint, TurningPointFinder, angle_rad
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.pelvic_rock_measures import Cycle, cycle_json, tilt_angle, waver_json, wavers
from sensorsoma.exercises.repetitions import (
    SlowParams,
    SlowSample,
    SlowTrack,
    angles_from,
    fit_axis,
    in_order,
    time_at_top,
)
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.exercises.tempo import SpeedTrace
from sensorsoma.messages import Floats, Gap, LiveAngle, MovementBegan, OrientedBlock, RepCompleted
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class PelvicRockParams:
    """What is a cycle; one set for the pelvis, one for a thigh."""

    turning: TurningParams
    """When a way of the movement counts."""
    slow: SlowParams
    """Smoothing: cycles last 3 s and more."""
    largest_deg: float
    """A longer way is not a tilt but a change of pose: what came before it does not count, unless it was a set."""
    least_share: float = 0.5
    """Cycles below this share of the set's median are left out at the end: half-hearted ones reach 25-45 percent."""
    least_median_deg: float = 0.0
    """With a smaller median way the count is not told ..."""
    most_spread: float = 10.0
    """... nor when a typical way differs from the median by more than this share ..."""
    longest_pause: float = 1.6
    """... nor when two arches lie farther apart than this many usual cycles: one was missed ..."""
    longest_edge: float = 3.0
    """... nor when nothing was seen for this many cycles at the beginning or at the end."""
    rest_s: float | None = None
    """A flattening that is kept this long is counted without waiting for what comes after it; None: it waits. The last
    one of a set is often kept until the voice goes on, and the voice must not wait for it."""
    rest_share: float = 0.15
    """Kept means within this share of the usual way: breath moves the pelvis by less."""
    unseen_s: float = 0.5
    """An arch within this time after missing samples was not seen: its cycle is not counted."""
    shortest_s: float = 0.5
    """Less time in the upper half of the way to the arch is a knock; fast cycles, of 2 s, spend a second there."""
    n_set: int = 2
    """Cycles that make a set: a change of pose after them ends it, and before them it was how the person lay down."""
    mark_cosine: float = 0.7
    """The movement's axis within 45 degrees of the sensor's x: the mounting mark can be believed."""


PELVIS = PelvicRockParams(
    turning=TurningParams(
        start_deg=1.5, lowest_deg=1.2, highest_deg=10.0, out_share=0.5, back_share=0.5, away_share=0.25,
        needs_whole_back=True,
    ),
    slow=SlowParams(cut_hz=0.8),
    largest_deg=45.0,
    rest_s=3.0,
)  # fmt: skip
"""Tilts of 5-25 degrees in all, half of that in the first arch; breath moves the pelvis by half a degree."""

THIGH = PelvicRockParams(
    turning=TurningParams(start_deg=2.5, lowest_deg=1.5, highest_deg=8.0, out_share=0.4, away_share=0.4,
                          needs_whole_back=True),
    slow=SlowParams(cut_hz=0.5),
    largest_deg=20.0,
    least_median_deg=2.5,
    most_spread=0.35,
)  # fmt: skip
"""The thigh follows by 5.4 degrees (3.8-13.9); above 1 Hz its noise breaks the count."""


@dataclass(slots=True)
class _State:
    cycles: list[Cycle] = field(default_factory=list)
    arch: TurningPoint | None = None
    rest_up: Direction | None = None
    kept: SlowSample | None = None
    """Where and since when the pelvis stays."""
    unseen_until_s: float = -np.inf
    fit: ArcFit | None = None
    near_start_s: float = 0.0
    has_begun: bool = False
    live_cell: float | None = None
    is_finished: bool = False


class PelvicRockDetector:
    """Counts and measures cycles of arch and flatten; see `exercises.base.Detector` for the contract."""

    def __init__(self, stretch: Stretch, body: Body, params: PelvicRockParams | None = None) -> None:
        if stretch.placement is None:
            raise ValueError("pelvic rocking is seen from the pelvis or a thigh; this stretch has no placement")
        self.stretch, self.body, self.placement = stretch, body, stretch.placement
        self.is_weak = self.placement != "pelvis"
        self.params = params or (THIGH if self.placement.endswith("thigh") else PELVIS)
        self._track = SlowTrack(self.params.slow)
        self._finder = TurningPointFinder(self.params.turning)
        self._speeds = SpeedTrace()
        self._shaking = Shaking(stretch)
        self._state = _State(near_start_s=stretch.start_s)

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Cycles, shaking and the live tilt that these samples make known."""
        if self._state.is_finished or isinstance(block, Gap) or block.placement != self.placement:
            return ()
        self._speeds.add(block)
        timed = self._shaking.feed(block)
        for sample in self._track.feed(block):
            timed.extend((sample.known_s, output) for output in self._step(sample))
        return in_order(timed)

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """A flattening in flight closes the last cycle; then the curve and the measures."""
        state = self._state
        if state.is_finished:
            return ()
        state.is_finished = True
        out: list[DetectorOutput] = []
        for sample in self._track.finish():
            out.extend(self._step(sample))
        last = self._finder.turn_in_flight
        if last is not None and not last.is_out:
            out.extend(self._turned(last, min(end_s, self._track.newest_s)))
        out.extend(self._measure(end_s))
        return tuple(out)

    # ------------------------------------------------------------------------------------------------- per cell

    def _step(self, sample: SlowSample) -> list[DetectorOutput]:
        state, out = self._state, list[DetectorOutput]()
        if sample.after_hole:
            self._finder.gap(sample.t_s, state.cycles[-1].flatten.up if state.cycles else state.rest_up)
            state.arch = None
            state.unseen_until_s = sample.t_s + self.params.unseen_s
        state.rest_up = state.rest_up or sample.up
        if not state.has_begun:
            away = angle_rad(state.rest_up, sample.up) / DEG
            if away < 0.25 * self.params.turning.start_deg:
                state.near_start_s = max(self.stretch.start_s, sample.t_s)
            if away >= self.params.turning.start_deg:
                state.has_begun = True
                out.append(MovementBegan(state.near_start_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        turn = self._finder.feed(sample.t_s, sample.up)
        if turn is None and self._is_kept(sample):
            turn = self._finder.rested(sample.t_s, sample.up)
        if turn is not None:
            out.extend(self._turned(turn, sample.known_s))
        cell = np.floor(sample.known_s * 10.0)
        if cell != state.live_cell:
            state.live_cell = cell
            out.extend(self._live(sample))
        return out

    def _is_kept(self, sample: SlowSample) -> bool:
        """Whether a flattening is in flight and the pelvis has stayed at its end for long."""
        state, params = self._state, self.params
        typical, last = self._finder.median_leg_rad, self._finder.turn_in_flight
        if params.rest_s is None or typical is None or last is None or last.is_out:
            state.kept = None
            return False
        limit = params.rest_share * typical
        if state.kept is None or sample.after_hole or angle_rad(state.kept.up, sample.up) > limit:
            state.kept = sample
        is_at_end = angle_rad(last.up, sample.up) <= 2.0 * limit
        return is_at_end and sample.t_s - state.kept.t_s >= params.rest_s

    def _turned(self, turn: TurningPoint, known_s: float) -> list[DetectorOutput]:
        state = self._state
        if turn.leg_rad > self.params.largest_deg * DEG:
            self._finder = TurningPointFinder(self.params.turning)
            state.arch, state.rest_up = None, turn.up
            state.cycles = state.cycles if len(state.cycles) >= self.params.n_set else []
            return []
        if turn.is_out:
            is_unseen = turn.t_s < state.unseen_until_s and bool(state.cycles)
            is_knock = time_at_top(self._track, turn) < self.params.shortest_s
            state.arch = None if is_unseen or is_knock else turn
            return []
        if state.arch is None:
            return []
        cycle = Cycle(state.arch, turn)
        state.cycles.append(cycle)
        state.fit = fit_axis(self._track.since(cycle.arch.from_s)[1]) or state.fit
        state.arch = None
        start_s = max(cycle.arch.from_s, self.stretch.start_s)
        if self.is_weak:
            return []
        return [
            RepCompleted(
                t_s=max(turn.t_s, self.stretch.start_s),
                known_s=max(known_s, turn.t_s, self.stretch.start_s),
                exercise=self.stretch.exercise,
                side=self.stretch.side,
                index=len(state.cycles),
                start_s=start_s,
                end_s=max(turn.t_s, self.stretch.start_s),
                range_deg=turn.leg_rad / DEG,
                is_partial=False,
                tremor=self._shaking.within(start_s, turn.t_s, known_s),
            )
        ]

    def _live(self, sample: SlowSample) -> list[DetectorOutput]:
        state = self._state
        if not state.cycles or state.rest_up is None:
            return []
        if state.fit is None:
            return []
        angle = angles_from(
            state.fit, np.array(state.rest_up), np.array([sample.up]), np.array(state.cycles[-1].arch.up)
        )
        t_s = max(sample.t_s, self.stretch.start_s)
        return [LiveAngle(t_s, self.stretch.exercise, self.stretch.side, self.placement, float(angle[0]) / DEG)]

    # ------------------------------------------------------------------------------------------------- measures

    def _measure(self, end_s: float) -> list[DetectorOutput]:
        state, params = self._state, self.params
        notes: list[str] = []
        sizes = [cycle.flatten.leg_rad for cycle in state.cycles]
        least = params.least_share * median(sizes) if sizes else 0.0
        cycles = [cycle for cycle in state.cycles if cycle.flatten.leg_rad >= least]
        partial = [cycle for cycle in state.cycles if cycle.flatten.leg_rad < least]
        if partial:
            notes.append(f"{len(partial)} much smaller cycles: not counted")
        t_s = self._track.t_s
        start_s = cycles[0].arch.from_s if cycles else self.stretch.start_s
        stop_s = cycles[-1].flatten.known_s if cycles else end_s
        fit = fit_axis(self._track.up[(t_s >= start_s) & (t_s <= stop_s)])
        count: int | None = len(cycles)
        if self.is_weak and not self._is_clear(sizes):
            count, cycles, partial = None, [], []
            where = "belly" if self.placement == "belly" else "thigh"
            notes.append(f"the {where} moves too little or too unevenly to count pelvic rocking from it")
        if fit is None and not cycles:
            notes.append("no movement seen")
        angle = None
        if fit is not None and cycles:
            angle = tilt_angle(fit, self._track, cycles, self.placement, params.mark_cosine, notes)
        measures: dict[str, Any] = {
            "count": count,
            "cycles": self._cycles_json(cycles, t_s, angle, is_partial=False),
            "partial_cycles": self._partial_json(cycles, partial, t_s, angle),
            "tremor": tremor_json(self._shaking.overall(start_s, stop_s)) if cycles else None,
            "weak": self.is_weak,
            "notes": notes,
        }
        out: list[DetectorOutput] = []
        if angle is not None:
            inside = t_s >= self.stretch.start_s
            curve = thin_curve(self.stretch, t_s[inside], angle[inside] / DEG, "pelvic tilt, anterior + (deg)")
            out.extend([] if curve is None else [curve])
        out.append(measured(self.stretch, end_s, measures))
        return out

    def _is_clear(self, sizes: list[float]) -> bool:
        """Whether the cycles seen from a thigh are large, alike and regular enough to be believed.

        A cycle that was missed leaves twice the usual time between two others, or a long time at either end.
        """
        if len(sizes) < 3:
            return False
        params, typical = self.params, median(sizes)
        spread = median(abs(size - typical) for size in sizes) / typical
        tops = [cycle.arch.t_s for cycle in self._state.cycles]
        between = np.diff(tops)
        usual_s = float(np.median(between))
        edges_s = max(tops[0] - self.stretch.start_s, self._track.t_s[-1] - tops[-1])
        is_regular = between.max() <= params.longest_pause * usual_s and edges_s <= params.longest_edge * usual_s
        return bool(is_regular and typical >= params.least_median_deg * DEG and spread <= params.most_spread)

    def _partial_json(
        self, cycles: list[Cycle], partial: list[Cycle], t_s: Floats, angle: Floats | None
    ) -> list[dict[str, Any]]:
        """Half-hearted cycles: those that turned, and those inside the way of a whole one; in order of time."""
        found = self._cycles_json(partial, t_s, angle, is_partial=True)
        if angle is None or self.is_weak:
            return found
        speeds, start_s = self._speeds.speeds(), self.stretch.start_s
        for cycle in cycles:
            for (foot_s, top_s), (low_s, _) in pairwise(wavers(cycle, t_s, angle)):
                one = waver_json(foot_s, top_s, low_s, t_s, angle, speeds, start_s)
                found += [] if one is None else [one]
        return sorted(found, key=lambda one: float(one["arch_s"]))

    def _cycles_json(
        self, cycles: list[Cycle], t_s: Floats, angle: Floats | None, *, is_partial: bool
    ) -> list[dict[str, Any]]:
        if angle is None:
            return []
        speeds, start_s = self._speeds.speeds(), self.stretch.start_s
        return [
            cycle_json(cycle, t_s, angle, speeds, self._shaking, start_s=start_s, is_partial=is_partial)
            for cycle in cycles
        ]

"""Knee rolling: lying on the back with the knees up, both knees swing to one side and to the other.

Both ends are turning points of the same movement; the rest pose lies between them. A cycle is one swing to each side.
Which side a turn belongs to follows from the thigh's alignment; without one the first swing is called `out`, and a
note says so.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import ArcFit
from sensorsoma.dsp.turning_points import Direction, TurningParams, TurningPoint, TurningPointFinder, angle_rad
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.repetitions import SlowSample, SlowTrack, angles_from, fit_axis, top_time
from sensorsoma.messages import Floats, Gap, LiveAngle, MovementBegan, OrientedBlock, RepCompleted
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class KneeRollParams:
    """What is a swing."""

    turning: TurningParams = field(
        default_factory=lambda: TurningParams(out_share=0.4, back_share=0.4, away_share=0.4, needs_whole_back=True)
    )
    """Both directions are alike: one share for all."""
    longest_share: float = 1.7
    """A way longer than this share of the running median ..."""
    longest_deg: float = 120.0
    """... and longer than knees swing from side to side is getting up or turning over."""


class KneeRollDetector:
    """Counts swings to both sides; see `exercises.base.Detector` for the contract."""

    def __init__(self, stretch: Stretch, body: Body, params: KneeRollParams | None = None) -> None:
        if stretch.placement is None:
            raise ValueError("knee rolling is seen from a thigh; this stretch has no placement")
        self.stretch, self.body, self.placement = stretch, body, stretch.placement
        self.params = params or KneeRollParams()
        self._track = SlowTrack()
        self._finder = TurningPointFinder(self.params.turning)
        self._turns: list[TurningPoint] = []
        self._rest_up: Direction | None = None
        self._near_start_s = stretch.start_s
        self._has_begun = False
        self._live_cell: float | None = None
        self._n_other = 0
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Cycles and the live angle that these samples make known."""
        if self._is_finished or isinstance(block, Gap) or block.placement != self.placement:
            return ()
        out: list[DetectorOutput] = []
        for sample in self._track.feed(block):
            out.extend(self._step(sample))
        return tuple(out)

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """The curve and the measures."""
        if self._is_finished:
            return ()
        self._is_finished = True
        out: list[DetectorOutput] = []
        for sample in self._track.finish():
            out.extend(self._step(sample))
        out.extend(self._measure(end_s))
        return tuple(out)

    # ------------------------------------------------------------------------------------------------- per cell

    def _step(self, sample: SlowSample) -> list[DetectorOutput]:
        out: list[DetectorOutput] = []
        if sample.after_hole:
            self._finder.gap()
        self._rest_up = self._rest_up or sample.up
        away = angle_rad(self._rest_up, sample.up) / DEG
        if not self._has_begun and away < 0.25 * self.params.turning.start_deg:
            self._near_start_s = max(self.stretch.start_s, sample.t_s)
        if not self._has_begun and away >= self.params.turning.start_deg:
            self._has_begun = True
            out.append(MovementBegan(self._near_start_s, sample.known_s, self.stretch.exercise, self.stretch.side))
        turn = self._finder.feed(sample.t_s, sample.up)
        if turn is not None:
            out.extend(self._turned(turn))
        cell = np.floor(sample.known_s * 10.0)
        if cell != self._live_cell:
            self._live_cell = cell
            t_s = max(sample.t_s, self.stretch.start_s)
            out.append(LiveAngle(t_s, self.stretch.exercise, self.stretch.side, self.placement, away))
        return out

    def _turned(self, turn: TurningPoint) -> list[DetectorOutput]:
        legs = [one.leg_rad for one in self._turns[-self.params.turning.n_legs :]]
        if len(legs) >= 2 and turn.leg_rad > max(
            self.params.longest_share * median(legs), self.params.longest_deg * DEG
        ):
            self._n_other += 1
            return []
        self._turns.append(turn)
        if len(self._turns) % 2:
            return []
        first = self._turns[-2]
        start_s = max(first.from_s, self.stretch.start_s)
        return [
            RepCompleted(
                t_s=max(turn.t_s, self.stretch.start_s),
                known_s=turn.known_s,
                exercise=self.stretch.exercise,
                side=self.stretch.side,
                index=len(self._turns) // 2,
                start_s=start_s,
                end_s=max(turn.t_s, self.stretch.start_s),
                range_deg=turn.leg_rad / DEG,
                is_partial=False,
                tremor=None,
            )
        ]

    # ------------------------------------------------------------------------------------------------- measures

    def _measure(self, end_s: float) -> list[DetectorOutput]:
        t_s, up = self._track.t_s, self._track.up
        notes: list[str] = []
        fit = fit_axis(up[t_s >= self._turns[0].from_s]) if self._turns else None
        if not self._turns:
            notes.append("no movement seen")
        if self._n_other:
            notes.append(f"movements by far too large ({self._n_other}): not counted")
        angle = self._angle(fit, up, notes)
        sides: dict[str, dict[str, Any]] = {"out": _side(), "in": _side()}
        for turn in self._turns if angle is not None else []:
            assert angle is not None
            top_s, top_rad = top_time(t_s, angle, turn.t_s)
            side = sides["out" if top_rad > 0.0 else "in"]
            side["count"] += 1
            side["peaks_s"].append(max(top_s, self.stretch.start_s))
            side["_tops"].append(abs(top_rad) / DEG)
        for side in sides.values():
            tops = side.pop("_tops")
            side["range_deg"] = median(tops) if tops else None
        measures: dict[str, Any] = {
            "count": len(self._turns) // 2,
            "sides": sides,
            "reps": [],
            "tremor": None,
            "weak": False,
            "notes": notes,
        }
        out: list[DetectorOutput] = []
        if angle is not None:
            inside = t_s >= self.stretch.start_s
            curve = thin_curve(self.stretch, t_s[inside], angle[inside] / DEG, "knee roll, outward + (deg)")
            out.extend([] if curve is None else [curve])
        out.append(measured(self.stretch, end_s, measures))
        return out

    def _angle(self, fit: ArcFit | None, up: Floats, notes: list[str]) -> Floats | None:
        """Angle `(n,)` rad from the rest between the two ends, outward positive."""
        if fit is None or not self._turns:
            return None
        first = self._turns[0]
        alignment = self.body.alignment(self.placement, self._track.t_s[-1])
        outward, angle = np.array(first.up), angles_from(fit, np.array(first.from_up), up, np.array(first.up))
        if alignment is not None and len(self._turns) > 1:
            ends = np.array([self._turns[0].up, self._turns[1].up])
            outward = ends[int(np.argmax(alignment.outward(ends)))]
            angle = angles_from(fit, np.array(first.from_up), up, outward)
        else:
            notes.append("strap orientation unknown: the first swing is taken as outward")
        tops = np.sort(np.interp([turn.t_s for turn in self._turns], self._track.t_s, angle))
        half = len(tops) // 2
        middle = 0.5 * (float(np.median(tops[:half])) + float(np.median(tops[-half:]))) if half else 0.0
        size = abs(float(np.median(tops[-half:])) - middle) if half else abs(float(tops[0]))
        if abs(middle) > 0.5 * size:
            notes.append("the stretch did not begin between the two ends: angles count from their middle")
            angle = angle - middle
        return np.asarray(angle)


def _side() -> dict[str, Any]:
    return {"count": 0, "peaks_s": [], "range_deg": None, "_tops": []}

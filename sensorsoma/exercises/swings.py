"""Swings of a movement that goes to both sides of a rest pose, such as both knees from side to side.

Where the rest pose is known a swing is an excursion from it: the angle from the rest pose is folded, so that both sides
are tops of one curve, and partial swings and swings to one side only are told as what they are. A recording that begins
in mid-movement shows no rest pose; then the two ends alone are known, each a turning point of the way from one to the
other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from sensorsoma.dsp.arc import fit_arc_axis
from sensorsoma.dsp.turning_points import Direction, TurningParams, TurningPoint, TurningPointFinder, angle_rad
from sensorsoma.exercises.repetitions import SlowSample
from sensorsoma.messages import Floats


@dataclass(frozen=True, slots=True)
class SwingParams:
    """When a way to one side is a swing."""

    from_rest: TurningParams = field(default_factory=TurningParams)
    """An excursion from the rest pose is like an opening of a clamshell: a quarter of the usual size is enough."""
    between_ends: TurningParams = field(
        default_factory=lambda: TurningParams(out_share=0.4, back_share=0.2, away_share=0.2, needs_whole_back=True)
    )
    """From end to end both directions are alike. An end is known once a fifth of the way is undone: two fifths of one
    side, as from a rest pose. The way to the other end must then be two fifths of the usual one, so that a hesitation
    makes no swing."""


@dataclass(frozen=True, slots=True)
class Swing:
    """One side reached."""

    top_s: float
    up: Direction
    """At the top."""
    known_s: float
    """Time of the direction that confirmed it; see `TurningPoint.known_s`."""
    size_rad: float
    """From the rest pose; half the way from the other end where no rest pose is known."""
    from_s: float
    """The rest pose, or the other end, was left."""
    is_first_side: bool
    """It went to the side of the first swing."""


class SwingFinder:
    """Feed slow samples; swings come back when they are confirmed, those from the rest pose or those between ends.

    Both are looked for until the second swing tells which it is: a rest pose lies between two swings to different
    sides. Two to the same side began at an end (`is_sure` False), or go to one side only (`is_sure` True).
    """

    def __init__(self, params: SwingParams | None = None) -> None:
        self.params = params or SwingParams()
        self._ends = TurningPointFinder(self.params.between_ends)
        self._turns: list[Swing] = []
        self._rest: Direction | None = None
        self._is_sure = False
        self._folded = TurningPointFinder(self.params.from_rest)
        self._excursions: list[Swing] = []
        self._since_closed: list[tuple[float, Direction]] = []
        self._is_from_rest: bool | None = None
        self._n_told = 0
        self._axis: Floats | None = None

    @property
    def rest_up(self) -> Direction | None:
        """The rest pose that swings are counted from; None between ends."""
        return None if self._is_from_rest is False else self._rest

    @property
    def has_turned(self) -> bool:
        """Whether any swing is known."""
        return bool(self._turns or self._excursions)

    def rest(self, up: Direction, *, is_sure: bool) -> None:
        """This is the rest pose; to be told before the first swing."""
        self._rest, self._is_sure = up, is_sure
        self._folded = TurningPointFinder(self.params.from_rest)
        self._since_closed.clear()

    def gap(self) -> None:
        """Samples are missing for long: what was in flight is dropped."""
        self._ends.gap()
        self._folded.gap()
        self._since_closed.clear()

    def feed(self, sample: SlowSample) -> Sequence[Swing]:
        """The swings that this sample makes known."""
        turn = self._ends.feed(sample.t_s, sample.up)
        if turn is not None:
            self._turns.append(self._between_ends(turn))
        if self._is_from_rest is not False:
            self._feed_folded(sample)
        if self._rest is None and self._turns:
            self._is_from_rest = False
        if self._is_from_rest is None and len(self._excursions) == 2:
            self._is_from_rest = self._is_sure or not self._excursions[1].is_first_side
        if self._is_from_rest is None:
            return ()
        return self._new()

    def finish(self) -> Sequence[Swing]:
        """A lone swing that waited for a second one."""
        if self._is_from_rest is None:
            self._is_from_rest = self._rest is not None
        return self._new()

    def _new(self) -> Sequence[Swing]:
        known = self._excursions if self._is_from_rest else self._turns
        new, self._n_told = known[self._n_told :], len(known)
        return new

    def _between_ends(self, turn: TurningPoint) -> Swing:
        size = turn.leg_rad if turn.is_first else 0.5 * turn.leg_rad
        return Swing(turn.t_s, turn.up, turn.known_s, size, turn.from_s, turn.is_out)

    def _feed_folded(self, sample: SlowSample) -> None:
        rest = self._rest
        if rest is None:
            return
        self._since_closed.append((sample.t_s, sample.up))
        away = angle_rad(rest, sample.up)
        turn = self._folded.feed(sample.t_s, (0.0, math.sin(away), math.cos(away)))
        if turn is None:
            return
        if turn.is_out:
            way = [up for t_s, up in self._since_closed if t_s <= turn.t_s]
            is_first_side = self._is_first_side(way)
            size = angle_rad(rest, way[-1])
            self._excursions.append(Swing(turn.t_s, way[-1], turn.known_s, size, turn.from_s, is_first_side))
        else:
            self._since_closed = [one for one in self._since_closed if one[0] >= turn.t_s]

    def _is_first_side(self, way: Sequence[Direction]) -> bool:
        """Whether a way to a top turns about its own axis as the first one did, and not the other way round.

        Tops alone do not tell: knees swing on a circle so small that both ends may lie to one side of the rest pose.
        """
        axis = fit_arc_axis(np.array(way)).axis if len(way) >= 3 else None
        if axis is None:
            return True
        if self._axis is None:
            self._axis = axis
        is_first = float(axis @ self._axis) > 0.0
        self._axis = axis if is_first else -axis
        return is_first

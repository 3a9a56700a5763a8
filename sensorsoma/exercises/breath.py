"""Breath through the whole session: turns as they happen, and what is known of it added to a stretch when that ends.

Beside `Body`, it is fed every sample. Belly comes before pelvis comes before thigh; a thigh is only asked afterwards,
and what it says is weak. The last hour is kept, 2 MB for each sensor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.dsp.breath import BREATH_RATE_HZ
from sensorsoma.dsp.breath_direction import Direction, direction_of
from sensorsoma.dsp.breath_figures import TRUNK
from sensorsoma.dsp.breath_live import BreathFinder, BreathTurn, unit_rows
from sensorsoma.exercises.base import DetectorOutput
from sensorsoma.exercises.breath_measures import with_breath
from sensorsoma.messages import (
    BreathPhase,
    BreathTurned,
    Exercise,
    Floats,
    Gap,
    OrientedBlock,
    Placement,
    SegmentCurve,
    SegmentMeasured,
)

BY_BREATH: frozenset[Exercise] = frozenset({"pelvic_rock", "pelvic_hold", "knee_roll", "rocking", "free"})
"""While these are done the trunk moves by instruction, and a turn may be one of the movement."""


@dataclass(frozen=True, slots=True)
class ListenerParams:
    """What is kept and who is believed."""

    kept_s: float = 3600.0
    """How far back breath can still be told: longer than any rest that is guided."""
    silent_s: float = 20.0
    """After this long without a turn from the belly the pelvis is listened to: longer than the slowest breath."""
    sign_breaths: int = 8
    """Over so many breaths it is judged which way is in: a minute of them, so that it follows a sensor laid anew."""


class BreathTrack:
    """Directions of one sensor in cells of 80 ms, for as long as they are kept."""

    def __init__(self, kept_s: float) -> None:
        self._kept_s = kept_s
        self._binner = Binner(BREATH_RATE_HZ)
        self._pieces: deque[Bins] = deque()

    def feed(self, block: OrientedBlock) -> Bins:
        """The cells that this block finishes, unit length."""
        bins = unit_rows(self._binner.feed(block.t_s, block.acc_sensor_mps2))
        if len(bins.t_s):
            if self._pieces and bins.t_s[0] <= self._pieces[-1].t_s[-1]:
                self._pieces.clear()  # the clock went back: what was before cannot be told apart
            self._pieces.append(bins)
            oldest_s = float(bins.t_s[-1]) - self._kept_s
            while float(self._pieces[0].t_s[-1]) < oldest_s:
                self._pieces.popleft()
        return bins

    def between(self, start_s: float, end_s: float) -> tuple[Floats, Floats]:
        """Times `(n,)` and directions `(n, 3)` with start <= t < end."""
        pieces = [piece for piece in self._pieces if piece.t_s[-1] >= start_s and piece.t_s[0] < end_s]
        if not pieces:
            return np.empty(0), np.empty((0, 3))
        t_s, rows = np.concatenate([p.t_s for p in pieces]), np.concatenate([p.rows for p in pieces])
        first, last = np.searchsorted(t_s, [start_s, end_s])
        return t_s[first:last], rows[first:last]


@dataclass(slots=True)
class _Trunk:
    """A sensor whose breath is told as it happens."""

    finder: BreathFinder = field(default_factory=BreathFinder)
    last: BreathTurn | None = None
    lopsided: deque[float] = field(default_factory=deque)
    """Asymmetries of the last breaths."""
    told_s: float = -np.inf


class BreathListener:
    """Fed all blocks in order; gives `BreathTurned`, and adds breath to what detectors measured."""

    def __init__(self, params: ListenerParams | None = None) -> None:
        self.params = params or ListenerParams()
        self._tracks: dict[Placement, BreathTrack] = {}
        self._trunks: dict[Placement, _Trunk] = {}

    def feed(self, block: OrientedBlock | Gap, doing: Sequence[Exercise] = ()) -> tuple[BreathTurned, ...]:
        """Turns that these samples make known; `doing`: what is being practised right now."""
        if isinstance(block, Gap):
            return ()
        if block.placement not in self._tracks:
            self._tracks[block.placement] = BreathTrack(self.params.kept_s)
        track = self._tracks[block.placement]
        bins = track.feed(block)
        if block.placement.endswith("thigh"):
            return ()
        if block.placement not in self._trunks:
            self._trunks[block.placement] = _Trunk()
        trunk = self._trunks[block.placement]
        is_led = not BY_BREATH.isdisjoint(doing)
        told = [self._told(block, trunk, turn, is_led) for turn in trunk.finder.feed(bins)]
        return tuple(event for event in told if event is not None)

    def forget(self, placement: Placement) -> None:
        """The sensor was moved away from here."""
        self._tracks.pop(placement, None)
        self._trunks.pop(placement, None)

    def tell(self, outputs: Sequence[DetectorOutput]) -> list[DetectorOutput]:
        """The same outputs, with what is known of the breath in each `SegmentMeasured`."""
        curves = [output for output in outputs if isinstance(output, SegmentCurve)]
        return [
            replace(output, measures=with_breath(output, self._tracks, curves[0] if curves else None))
            if isinstance(output, SegmentMeasured)
            else output
            for output in outputs
        ]

    def _told(self, block: OrientedBlock, trunk: _Trunk, turn: BreathTurn, is_led: bool) -> BreathTurned | None:
        is_new = trunk.last is None or turn.t_s > trunk.last.t_s
        trunk.last = turn
        direction = self._direction(trunk, turn)
        belly = self._trunks.get("belly")
        is_second = block.placement != "belly" and belly is not None
        if not is_new or (is_second and belly is not None and turn.known_s - belly.told_s < self.params.silent_s):
            return None
        trunk.told_s = turn.known_s
        is_unsure = not direction.is_sure or turn.depth_deg < trunk.finder.live.share_deg
        phase: BreathPhase = "inhale" if turn.is_upward == direction.is_up else "exhale"
        return BreathTurned(turn.t_s, turn.known_s, block.channel, block.placement, phase, is_led or is_unsure)

    def _direction(self, trunk: _Trunk, turn: BreathTurn) -> Direction:
        """In and out by the mark and the last breaths."""
        if turn.asymmetry is not None:
            trunk.lopsided.append(turn.asymmetry)
            if len(trunk.lopsided) > self.params.sign_breaths:
                trunk.lopsided.popleft()
        return direction_of(turn.axis[1], trunk.lopsided, TRUNK.direction)

"""Guided breathing: rate, inhale share and depth of a stretch that is all breath.

From belly or pelvis; from a thigh only where it is clear, and marked weak.
"""

from __future__ import annotations

from typing import Any

from sensorsoma.exercises.base import DetectorOutput, Stretch, measured
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.breath import BreathTrack, ListenerParams
from sensorsoma.exercises.breath_measures import FIGURES, breath_json, figures_of
from sensorsoma.messages import Gap, OrientedBlock

NOTHING = dict.fromkeys(FIGURES)


class BreathingDetector:
    """One stretch of breathing; see `exercises.base.Detector` for the contract. All is said at the end."""

    def __init__(self, stretch: Stretch, body: Body) -> None:
        del body
        self.stretch = stretch
        self._track = BreathTrack(ListenerParams().kept_s)
        self._is_finished = False

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Nothing: turns of the breath are told by the session's listener."""
        if isinstance(block, OrientedBlock) and block.placement == self.stretch.placement and not self._is_finished:
            self._track.feed(block)
        return ()

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """One `SegmentMeasured`; nothing when called again."""
        if self._is_finished:
            return ()
        self._is_finished = True
        return (measured(self.stretch, end_s, self._measures(end_s)),)

    def _measures(self, end_s: float) -> dict[str, Any]:
        placement = self.stretch.placement
        if placement is None:
            return {**NOTHING, "weak": False, "notes": ["nothing that was worn sees breath"]}
        found = figures_of(*self._track.between(self.stretch.start_s, end_s), placement)
        told = breath_json(found, placement)
        if found is None or told is None:
            return {**NOTHING, "weak": placement.endswith("thigh"), "notes": ["breath was not seen clearly"]}
        del told["placement"]
        notes = []
        if found.inhale_share is None:
            notes.append("in and out could not be told apart")
        elif found.is_other_way:
            notes.append("the sensor lay the other way round than its mark says, as the long exhales show")
        if placement.endswith("thigh"):
            notes.append("seen from a thigh, which follows the breath a little: weak evidence")
        return {**told, "notes": notes}

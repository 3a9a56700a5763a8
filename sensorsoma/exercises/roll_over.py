"""Turning over in bed: which posture it was, which it became, and when."""

from __future__ import annotations

from typing import Any

from sensorsoma.exercises.base import DetectorOutput, Stretch, measured
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Gap, OrientedBlock


class RollOverDetector:
    """Reads the postures that the body knows; the event itself is the body's `PostureChanged`."""

    def __init__(self, stretch: Stretch, body: Body) -> None:
        self.stretch = stretch
        self._body = body
        self._is_finished = False
        self._is_asked = stretch.step_id is not None or stretch.start_s <= 0.0
        if self._is_asked:
            body.expect_turn(True)

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Nothing: `Body.feed` says it. A stretch of a list of stretches begins with its first samples."""
        if not self._is_asked and isinstance(block, OrientedBlock):
            self._is_asked = True
            self._body.expect_turn(True)
        return ()

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """One `SegmentMeasured`; nothing when called again."""
        if self._is_finished:
            return ()
        self._is_finished = True
        self._body.expect_turn(False)
        return (measured(self.stretch, end_s, self._measures(end_s)),)

    def _measures(self, end_s: float) -> dict[str, Any]:
        known = self._body.postures_by(end_s)
        turned_s, after = known[-1] if known else (None, "unknown")
        before = after
        if turned_s is not None and turned_s > self.stretch.start_s:
            before = known[-2][1] if len(known) > 1 else "unknown"
        notes = ["the posture could not be told from the worn sensors"] if after == "unknown" else []
        return {
            "posture_before": None if before == "unknown" else before,
            "posture_after": None if after == "unknown" else after,
            "turned_s": round(turned_s, 2) if turned_s is not None and after != before else None,
            "weak": False,
            "notes": notes,
        }

"""What a review looks at: the measured session, as plain data.

Two time lines meet here: `analysis` counts seconds from the first sample, everything else counts session seconds.
`SessionTrace.from_first_sample` is the only place where one becomes the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorsoma.messages import Cue, Event, Gap, HoldReached, SegmentCurve, StepFinished
from sensorsoma.settings import SessionSettings

Segment = Mapping[str, Any]
"""One entry of `segments` in `analyze --json` (docs/analysis-json.md)."""


@dataclass(frozen=True, slots=True)
class SessionTrace:
    """A session that went through the pipeline: numbers, events and curves."""

    settings: SessionSettings
    """What was chosen before the first sample."""
    analysis: dict[str, Any]
    """Exactly the `analyze --json` object; its times are seconds from the first sample."""
    steps: tuple[StepFinished, ...]
    """Planned against done, session seconds; empty without a plan."""
    events: tuple[Event, ...]
    """All events in order, session seconds."""
    cues: tuple[Cue, ...]
    """What was said or rung."""
    gaps: tuple[Gap, ...]
    """Where samples are missing, session seconds."""
    curves: tuple[SegmentCurve, ...]
    """Angle curves per stretch, session seconds."""
    bad_packets: int
    """How many packets could not be understood."""
    notes: tuple[str, ...]
    """Sentences about the recording as a whole."""
    start_s: float
    """Session time of the first sample."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The measured stretches, in order."""
        return tuple(self.analysis.get("segments") or ())

    @property
    def link(self) -> str:
        """`real`, `simulated` or `imported`."""
        return str(self.analysis.get("link") or self.settings.link)

    def usual_of(self, segment: Segment) -> Mapping[str, Any] | None:
        """What was usual for the person before this session: `range_deg` and `span_deg`; None where nothing was."""
        side = segment.get("side")
        key = f"{segment.get('exercise')} {side}" if side else str(segment.get("exercise"))
        found: Mapping[str, Any] | None = (self.analysis.get("usual") or {}).get(key)
        return found

    @property
    def plan_title(self) -> str | None:
        """The plan's title, or its name; None without a plan."""
        plan = self.settings.plan or {}
        title = plan.get("title") or plan.get("name")
        return None if title is None else str(title)

    def from_first_sample(self, session_s: float) -> float:
        """Session seconds as seconds from the first sample."""
        return session_s - self.start_s

    def curve_of(self, segment: Segment) -> SegmentCurve | None:
        """The curve of a segment: same movement, side and sensor, most time in common; None without one."""
        begin = _seconds(segment.get("start_s"), -np.inf) + self.start_s
        end = _seconds(segment.get("end_s"), np.inf) + self.start_s
        best: SegmentCurve | None = None
        most_s = 0.0
        for curve in self.curves:
            same = (curve.exercise, curve.side, curve.placement) == (
                segment.get("exercise"),
                segment.get("side"),
                segment.get("placement"),
            )
            if not same or curve.t_s.size == 0:
                continue
            shared_s = min(float(curve.t_s[-1]), end) - max(float(curve.t_s[0]), begin)
            if shared_s > most_s:
                best, most_s = curve, shared_s
        return best

    def hold_start_s(self, segment: Segment) -> float | None:
        """When a segment's hold was reached, seconds from the first sample; None when nothing tells."""
        if segment.get("hold_start_s") is not None:
            return float(segment["hold_start_s"])
        begin, end = _seconds(segment.get("start_s"), -np.inf), _seconds(segment.get("end_s"), np.inf)
        who = (segment.get("exercise"), segment.get("side"))
        for event in self.events:
            if isinstance(event, HoldReached) and (event.exercise, event.side) == who:
                t_s = self.from_first_sample(event.t_s)
                if begin <= t_s <= end:
                    return t_s
        return None

    def shaking_from_s(self, segment: Segment) -> float | None:
        """From where `tremor.onset_s` of a segment counts: its hold, its first rep, or its start."""
        begin = self.hold_start_s(segment)
        if begin is None:
            first = next(iter(segment.get("reps") or ()), segment)
            begin = first.get("start_s") if first.get("start_s") is not None else segment.get("start_s")
        return None if begin is None else float(begin)


def _seconds(value: Any, otherwise: float) -> float:
    return otherwise if value is None else float(value)

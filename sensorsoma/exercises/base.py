"""What every movement detector is made of: the stretch it watches, the contract it keeps, what comes out of it.

A detector is made by `DETECTORS[exercise](stretch, body)`, is fed the blocks of its placement (and of the pelvis, where
one is worn) in time order, and is finished once. It decides per sample or per bin of a fixed time grid (`dsp.bins`), so
that its events do not depend on how the samples were cut into blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sensorsoma.messages import (
    Event,
    Exercise,
    Floats,
    Gap,
    LiveAngle,
    OrientedBlock,
    Placement,
    SegmentCurve,
    SegmentMeasured,
    Side,
)

DetectorOutput = Event | SegmentCurve | LiveAngle
"""What a detector may give back."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What a detector is asked to watch: one exercise, from `start_s` until it is finished."""

    exercise: Exercise
    side: Side | None
    placement: Placement | None
    """Whose samples show the movement; None when nothing that is worn can see it."""
    start_s: float
    step_id: str | None = None


class Detector(Protocol):
    """One exercise, signals to events. See the module's first lines for the contract."""

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """Events that these samples make known, in order of `known_s`."""
        ...

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """What is still pending and exactly one `SegmentMeasured`; empty when called again."""
        ...


CURVE_RATE_HZ = 26.0
"""Curves for pictures hold at most this many points a second; slow movement has nothing above 5 Hz."""


def thin_curve(stretch: Stretch, t_s: Floats, angle_deg: Floats, label: str) -> SegmentCurve | None:
    """A `SegmentCurve` at 26 Hz or less, NaN in every hole above 0.25 s; None without points or placement."""
    if stretch.placement is None or len(t_s) == 0:
        return None
    cell = np.floor((t_s - t_s[0]) * CURVE_RATE_HZ)
    keep = np.concatenate([[True], np.diff(cell) > 0])
    t_s, angle_deg = t_s[keep], angle_deg[keep]
    holes = np.flatnonzero(np.diff(t_s) > 0.25) + 1
    if len(holes):
        middle = (t_s[holes - 1] + t_s[holes]) / 2
        t_s, angle_deg = np.insert(t_s, holes, middle), np.insert(angle_deg, holes, np.nan)
    return SegmentCurve(stretch.exercise, stretch.side, stretch.placement, t_s, angle_deg, label, stretch.step_id)


def measured(stretch: Stretch, end_s: float, measures: dict[str, Any]) -> SegmentMeasured:
    """The `SegmentMeasured` of a stretch that ended at `end_s`."""
    end_s = max(end_s, stretch.start_s)
    return SegmentMeasured(
        t_s=end_s,
        known_s=end_s,
        exercise=stretch.exercise,
        side=stretch.side,
        placement=stretch.placement,
        start_s=stretch.start_s,
        end_s=end_s,
        measures=measures,
        step_id=stretch.step_id,
    )

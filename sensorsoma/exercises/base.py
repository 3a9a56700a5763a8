"""What every movement detector is made of: the stretch it watches, the contract it keeps, the trace it collects.

A detector is made by `DETECTORS[exercise](stretch, body)`, is fed the blocks of its placement (and of the pelvis, where
one is worn) in time order, and is finished once. It decides per sample or per bin of a fixed time grid (`dsp.bins`), so
that its events do not depend on how the samples were cut into blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, cast

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


@dataclass(frozen=True, slots=True)
class Samples:
    """All samples of a stretch as plain arrays."""

    t_s: Floats
    """`(n,)` session seconds."""
    up_sensor: Floats
    """`(n, 3)` unit vectors."""
    acc_sensor_mps2: Floats
    """`(n, 3)` as measured."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)` bias removed; None when any block came without gyroscope."""
    quat_sensor_to_earth: Floats | None
    """`(n, 4)`; None when any block came without gyroscope."""


class Trace:
    """Collects the samples and gaps of one placement from `start_s` on, for the measures at the end of a stretch."""

    def __init__(self, start_s: float) -> None:
        self.start_s = start_s
        self.gaps: list[Gap] = []
        self._blocks: list[OrientedBlock] = []

    def add(self, block: OrientedBlock) -> None:
        """Keep a block; samples before `start_s` are left out when the arrays are asked for."""
        self._blocks.append(block)

    def add_gap(self, gap: Gap) -> None:
        """Keep a gap."""
        self.gaps.append(gap)

    def samples(self, end_s: float | None = None) -> Samples:
        """Everything from `start_s` to `end_s` (inclusive), joined."""
        blocks = self._blocks
        if not blocks:
            return Samples(np.empty(0), np.empty((0, 3)), np.empty((0, 3)), None, None)
        t_s = np.concatenate([block.t_s for block in blocks])
        keep = (t_s >= self.start_s) & (t_s <= (np.inf if end_s is None else end_s))
        has_gyro = all(block.gyr_sensor_radps is not None for block in blocks)
        has_quat = all(block.quat_sensor_to_earth is not None for block in blocks)
        gyr = np.concatenate([cast(Floats, block.gyr_sensor_radps) for block in blocks])[keep] if has_gyro else None
        quat = (
            np.concatenate([cast(Floats, block.quat_sensor_to_earth) for block in blocks])[keep] if has_quat else None
        )
        return Samples(
            t_s=t_s[keep],
            up_sensor=np.concatenate([block.up_sensor for block in blocks])[keep],
            acc_sensor_mps2=np.concatenate([block.acc_sensor_mps2 for block in blocks])[keep],
            gyr_sensor_radps=gyr,
            quat_sensor_to_earth=quat,
        )


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

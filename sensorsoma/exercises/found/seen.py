"""What was seen of the body over a whole recording, on one slow grid: the ground on which stretches are found.

The samples are averaged in cells of 80 ms and forgotten: two hours of three sensors stay below 20 MB. Cells hang on
session time, so that what is found does not depend on how the samples were cut into blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import uniform_filter1d

from sensorsoma.dsp.bins import Binner, Bins
from sensorsoma.exercises.alignment import USUAL_ROLL_DEG, Alignment, side_factor
from sensorsoma.messages import (
    PLACEMENTS,
    AlignmentReady,
    Floats,
    OrientedBlock,
    Output,
    Placement,
    PoseTaken,
    Side,
    placement_side,
)
from sensorsoma.units import DEG

GRID_HZ = 12.5
"""Cells of 80 ms: six in one swing of the fastest rocking (2 Hz), and far shorter than any slow movement."""
SMOOTH_CELLS = 5
"""Directions are averaged over 0.4 s: no slow movement turns round within that, a knock does."""
BRIDGE_S = 0.5
"""Holes up to this long are bridged by a straight line; over longer ones nothing is claimed."""


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One sensor on the grid; NaN where it did not measure."""

    placement: Placement
    up: Floats
    """`(n, 3)` up in sensor axes, smoothed, unit length."""
    raw_up: Floats
    """`(n, 3)` the same, not smoothed."""
    turn_radps: Floats
    """`(n,)` rate about the vertical, counter-clockwise seen from above; NaN without gyroscope."""
    alignment: Alignment | None
    supine_sensor: Floats | None
    """`(3,)` up in the first still pose (pelvis)."""
    roll_deg: float = USUAL_ROLL_DEG
    """How far the straight leg lay rolled outward, as far as is known."""

    @property
    def side(self) -> Side | None:
        """The leg it sits on."""
        return placement_side(self.placement)

    @property
    def is_known(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """`(n,)` True where it measured."""
        return np.isfinite(self.up[:, 0])

    def in_body(self, up: Floats | None = None) -> Floats:
        """`(n, 3)` up along the front, the hip and the outer face of an aligned thigh, for telling postures.

        As `Alignment.in_body`, with the roll of this leg instead of the usual one.
        """
        assert self.alignment is not None
        z = self._right_sensor(self.alignment)
        x = self.alignment.x_sensor - float(self.alignment.x_sensor @ z) * z
        x = x / np.linalg.norm(x)
        axes = np.stack([x, np.cross(z, x), side_factor(self.side) * z], axis=1)
        return np.asarray(np.atleast_2d(self.up if up is None else up) @ axes)

    def _right_sensor(self, alignment: Alignment) -> Floats:
        """`(3,)` to the person's right: level with the knee up, and off level as the roll says in the straight pose."""
        knee_up = alignment.knee_up_sensor
        across = alignment.x_sensor - float(alignment.x_sensor @ knee_up) * knee_up
        size = max(float(np.linalg.norm(across)), 1e-9)
        share = float(np.clip(-side_factor(self.side) * np.sin(self.roll_deg * DEG) / size, -0.8, 0.8))
        return np.asarray(share * across / size + np.sqrt(1.0 - share**2) * alignment.z_sensor)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """All sensors of a recording on one grid."""

    start_s: float
    """Session time of the first cell."""
    n: int
    tracks: dict[Placement, Track]

    @property
    def thighs(self) -> tuple[Track, ...]:
        """Those at the thighs."""
        return tuple(track for track in self.tracks.values() if track.side is not None)

    @property
    def aligned(self) -> tuple[Track, ...]:
        """Thighs whose axes are known."""
        return tuple(track for track in self.thighs if track.alignment is not None)

    @property
    def pelvis(self) -> Track | None:
        """The sensor at the pelvis, once its pose on the back is known."""
        track = self.tracks.get("pelvis")
        return track if track is not None and track.supine_sensor is not None else None

    def time_s(self, cell: int) -> float:
        """Session time of the middle of a cell."""
        return self.start_s + cell / GRID_HZ


@dataclass(slots=True)
class _Gathering:
    binner: Binner = field(default_factory=lambda: Binner(GRID_HZ))
    parts: list[Bins] = field(default_factory=list)


class Watch:
    """Feed it every output of a pipeline; `finish` gives what was seen."""

    def __init__(self) -> None:
        self._gathered: dict[Placement, _Gathering] = {}
        self._alignments: dict[Placement, Alignment] = {}
        self._first_poses: dict[Placement, Floats] = {}

    def feed(self, output: Output) -> None:
        """Samples are averaged and forgotten; poses and alignments are kept, the latest of each."""
        if isinstance(output, OrientedBlock):
            self._add(output)
        elif isinstance(output, AlignmentReady):
            self._alignments[output.placement] = _alignment(output)
        elif isinstance(output, PoseTaken) and output.pose == "straight":
            self._first_poses.setdefault(output.placement, np.array(output.up_sensor))

    def _add(self, block: OrientedBlock) -> None:
        gyr = block.gyr_sensor_radps
        turn = np.full(len(block.t_s), np.nan) if gyr is None else (gyr * block.up_sensor).sum(axis=1)
        rows = np.column_stack([block.up_sensor, turn])
        gathering = self._gathered.setdefault(block.placement, _Gathering())
        bins = gathering.binner.feed(block.t_s, rows)
        if len(bins.t_s):
            gathering.parts.append(bins)

    def finish(self) -> Seen:
        """Everything on one grid."""
        times, rows = {}, {}
        for placement in PLACEMENTS:
            if placement in self._gathered:
                gathering = self._gathered[placement]
                parts = [*gathering.parts, gathering.binner.finish()]
                parts = [part for part in parts if len(part.t_s)]
                if parts:
                    times[placement] = np.concatenate([part.t_s for part in parts])
                    rows[placement] = np.concatenate([part.rows for part in parts])
        if not times:
            return Seen(0.0, 0, {})
        first = min(int(np.floor(t_s[0] * GRID_HZ)) for t_s in times.values())
        last = max(int(np.floor(t_s[-1] * GRID_HZ)) for t_s in times.values())
        n = last - first + 1
        tracks = {
            placement: self._track(placement, np.floor(t_s * GRID_HZ).astype(np.int64) - first, rows[placement], n)
            for placement, t_s in times.items()
        }
        return Seen((first + 0.5) / GRID_HZ, n, tracks)

    def _track(
        self, placement: Placement, cells: np.ndarray[tuple[int], np.dtype[np.int64]], rows: Floats, n: int
    ) -> Track:
        grid = np.full((n, 4), np.nan)
        grid[cells] = rows
        grid = _bridged(grid)
        up = _smooth(grid[:, :3])
        return Track(
            placement=placement,
            up=up / np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-9),
            raw_up=grid[:, :3],
            turn_radps=_smooth(grid[:, 3:])[:, 0],
            alignment=self._alignments.get(placement),
            supine_sensor=self._first_poses.get(placement),
        )


def _alignment(ready: AlignmentReady) -> Alignment:
    """The alignment that the event tells of."""
    x, y, z = (np.array(axis) for axis in (ready.x_sensor, ready.y_sensor, ready.z_sensor))
    bend_rad = ready.bend_deg * DEG
    knee_up = np.cos(bend_rad) * x - np.sin(bend_rad) * y
    return Alignment(ready.placement, ready.known_s, x, y, z, knee_up, bend_rad)


def _bridged(grid: Floats) -> Floats:
    """Short holes filled by straight lines."""
    grid = grid.copy()
    known = np.flatnonzero(np.isfinite(grid[:, 0]))
    if len(known) == 0:
        return grid
    for hole in np.flatnonzero(np.diff(known) > 1).tolist():
        before, after = int(known[hole]), int(known[hole + 1])
        if after - before <= BRIDGE_S * GRID_HZ + 1:
            share = (np.arange(1, after - before) / (after - before))[:, None]
            grid[before + 1 : after] = (1.0 - share) * grid[before] + share * grid[after]
    return grid


def _smooth(values: Floats) -> Floats:
    """Centred means `(n, k)`; what is missing takes no part and stays missing."""
    known = np.isfinite(values)
    weight = uniform_filter1d(known.astype(np.float64), SMOOTH_CELLS, axis=0, mode="nearest")
    total = uniform_filter1d(np.where(known, values, 0.0), SMOOTH_CELLS, axis=0, mode="nearest")
    return np.where(known, total / np.maximum(weight, 1e-9), np.nan)

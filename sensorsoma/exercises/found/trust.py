"""Whether the two poses that were taken for straight and knee up can have been those.

A recording may begin in the middle: lying on the side, knees up, a knee fallen open. Then the first still pose is not
the straight leg, every name that follows from it is wrong, and some of the poses that come later are ones that no leg
can take. Such an alignment is given up: no name is better than a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sensorsoma.exercises.found.lying import trunk_axes
from sensorsoma.exercises.found.moves import Cells, speed_dps
from sensorsoma.exercises.found.seen import Seen, Track
from sensorsoma.messages import Floats


@dataclass(frozen=True, slots=True)
class TrustParams:
    """Poses that cannot be (components of up, cosine-like), and how much of the resting time may hold them."""

    most_share: float = 0.05
    """Arms that push, a sensor that is put on: more of the resting time is no accident."""
    quiet_dps: float = 2.0
    """Resting: slower than this."""
    head_down: float = 0.6
    """The hip lies higher than the knee by more than 37 degrees only in bridges and headstands."""
    face_down: float = -0.5
    """The front of the thigh looks down while the person is not known to lie on the belly."""
    inward: float = 0.65
    """A knee that falls in on the back comes 40 degrees at most: hips turn inward by 32 +- 8."""
    across: float = 0.35
    """Lying on the side both thighs lie on their sides: the outer face looks up or down, beyond 20 degrees."""
    rolls_deg: tuple[float, ...] = (25.0, 20.0, 30.0, 15.0, 35.0, 10.0, 40.0, 5.0)
    """By how much a relaxed straight leg may lie rolled outward, the usual first; the poses that follow tell."""
    belly_up: float = 0.6
    """A sensor at the pelvis worn by its mark looks up with its face on the back."""


def trusted(seen: Seen, params: TrustParams | None = None) -> Seen:
    """The same without poses and alignments that cannot be."""
    params = params or TrustParams()
    tracks = dict(seen.tracks)
    if seen.pelvis is not None:
        tracks["pelvis"] = _pelvis(seen.pelvis, params)
    seen = replace(seen, tracks=tracks)
    tracks |= {track.placement: _rolled(seen, track, params) for track in seen.aligned}
    seen = replace(seen, tracks=tracks)
    doubtful = {track.placement for track in seen.aligned if _share(seen, track, params) > params.most_share}
    if seen.pelvis is None and len(seen.aligned) == 2 and _contradict(seen.aligned[0], seen.aligned[1], params):
        doubtful = {track.placement for track in seen.aligned}
    tracks = {
        name: replace(track, alignment=None) if name in doubtful else track for name, track in seen.tracks.items()
    }
    return replace(seen, tracks=tracks)


def _pelvis(track: Track, params: TrustParams) -> Track:
    """Its pose on the back: the first still one, unless its face did not look up then and does later."""
    assert track.supine_sensor is not None
    if track.supine_sensor[2] >= params.belly_up:
        return track
    faces_up = (track.up[:, 2] >= params.belly_up) & (speed_dps(track.up) < params.quiet_dps) & track.is_known
    if not faces_up.any():
        return track
    mean = track.up[faces_up].mean(axis=0)
    return replace(track, supine_sensor=mean / np.linalg.norm(mean))


def _rolled(seen: Seen, track: Track, params: TrustParams) -> Track:
    """With the roll in which the fewest poses are impossible and a thigh of somebody on the side lies on its side."""
    quiet = _quiet(track, params)
    _, on_side = _trunk(seen)
    on_side = on_side & quiet
    best, least = track, np.inf
    for roll_deg in params.rolls_deg:
        rolled = replace(track, roll_deg=roll_deg)
        cost = _share(seen, rolled, params)
        if on_side.any():
            cost += float(np.mean(1.0 - np.abs(rolled.in_body()[on_side, 2])))
        if cost < least - 0.005:
            best, least = rolled, cost
    return best


def _trunk(seen: Seen) -> tuple[Cells, Cells]:
    """Where the pelvis lies on the back, and where on a side; nowhere without one."""
    if seen.pelvis is None:
        return np.zeros(seen.n, dtype=bool), np.zeros(seen.n, dtype=bool)
    trunk = np.nan_to_num(seen.pelvis.up @ trunk_axes(seen.pelvis))
    return trunk[:, 0] > 0.85, np.abs(trunk[:, 2]) > 0.85


def _share(seen: Seen, track: Track, params: TrustParams) -> float:
    """Share of this thigh's resting time spent in poses that cannot be."""
    up = np.nan_to_num(track.in_body())
    on_back, on_side = _trunk(seen)
    wrong = (up[:, 1] > params.head_down) | (up[:, 0] < params.face_down)
    wrong |= (on_back & (up[:, 2] > params.inward)) | (on_side & (np.abs(up[:, 2]) < params.across))
    return _of(wrong, _quiet(track, params))


def _contradict(one: Track, other: Track, params: TrustParams) -> bool:
    """True when both legs claim to lie on top, or one does and the other lies across."""
    outer = [np.nan_to_num(track.in_body()[:, 2]) for track in (one, other)]
    quiet = _quiet(one, params) & _quiet(other, params)
    wrong = (np.maximum(*outer) > 0.85) & (np.minimum(*outer) > -params.across)
    return _of(wrong, quiet) > params.most_share


def _quiet(track: Track, params: TrustParams) -> Cells:
    return np.asarray((speed_dps(track.up) < params.quiet_dps) & track.is_known)


def _of(wrong: Cells | Floats, quiet: Cells) -> float:
    return float(np.mean(wrong[quiet])) if quiet.any() else 0.0

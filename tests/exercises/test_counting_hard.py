"""What real sets hold, one difficulty at a time, for every counted movement; the answer is known by construction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import Exercise, Floats, ImuBlock, OrientedBlock, Placement, RepCompleted
from sensorsoma.simulate import Difficulties

RATE_HZ = 52.0
Corners = list[tuple[float, float]]


@dataclass(frozen=True)
class Kind:
    """One movement as it is seen: by which sensor, how large, and where its tops lie within a repetition."""

    exercise: Exercise
    placement: Placement
    size_deg: float
    path: tuple[float, ...]
    """Ends of the ways of one repetition, as shares of the size; it begins at the rest pose."""


KINDS = {
    "clamshell": Kind("clamshell", "right-thigh", 50.0, (1.0, 0.0)),
    "knee_roll": Kind("knee_roll", "right-thigh", 35.0, (1.0, 0.0, -1.0, 0.0)),
    "pelvic_rock": Kind("pelvic_rock", "pelvis", 6.0, (1.0, -1.0)),
    "pelvic_tilt": Kind("pelvic_rock", "right-thigh", 6.0, (1.0, 0.0)),
}


def path(kind: Kind, shares: Sequence[float], way_s: float = 2.0, hold_s: float = 0.3, rest_s: float = 2.0) -> Corners:
    """Corners (s, deg) of one repetition for every share of the size, after `rest_s` of rest, and a rest at the end."""
    corners = [(0.0, 0.0), (rest_s, 0.0)]
    for share in shares:
        for end in kind.path:
            t = corners[-1][0]
            corners += [(t + way_s, end * share * kind.size_deg), (t + way_s + hold_s, end * share * kind.size_deg)]
    t = corners[-1][0]
    return [*corners, (t + 1.0, 0.0), (t + 3.0, 0.0)]


def angles(corners: Corners) -> tuple[Floats, Floats]:
    """Times and angles (deg) through the corners, joined by minimum-jerk movements."""
    t = np.arange(corners[0][0], corners[-1][0], 1 / RATE_HZ)
    times, values = np.array(corners).T
    i = np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(times) - 2)
    x = (t - times[i]) / np.diff(times)[i]
    return t, values[i] + np.diff(values)[i] * (10 * x**3 - 15 * x**4 + 6 * x**5)


def told(
    kind: Kind, t: Floats, angle_deg: Floats, *, off_plane_deg: Floats | None = None, jolt_mps2: Floats | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """All outputs and the measures, from an accelerometer in an arbitrary strap; the axis is 12 degrees off level."""
    tilt = np.deg2rad(12.0)
    axis = np.array([np.cos(tilt), 0.0, np.sin(tilt)])
    up = Rotation.from_rotvec(np.outer(-np.deg2rad(angle_deg), axis)).apply([0.0, 0.0, 1.0])
    if off_plane_deg is not None:
        up = Rotation.from_rotvec(np.outer(np.deg2rad(off_plane_deg), np.cross(axis, [0.0, 0.0, 1.0]))).apply(up)
    acc = 9.81 * up + np.random.default_rng(1).normal(scale=0.03, size=up.shape)
    if jolt_mps2 is not None:
        acc += jolt_mps2[:, None] * np.array([1.0, -1.0, 0.5])
    acc = Rotation.from_euler("xyz", [20, 50, -70], degrees=True).apply(acc)
    block = OrientationFilter(kind.placement).feed(ImuBlock(kind.placement, RATE_HZ, t, acc, None), kind.placement)
    detector = make_detector(Stretch(kind.exercise, "right", kind.placement, 0.0), Body())
    out = [*detector.feed(block), *detector.finish(float(t[-1]))]
    return out, dict(out[-1].measures)  # type: ignore[union-attr]  # the last output is the SegmentMeasured


def counted(kind: Kind, corners: Corners, **how: Any) -> int | None:
    """The count alone."""
    count: int | None = told(kind, *angles(corners), **how)[1]["count"]
    return count


def jolts(t: Floats, at_s: Sequence[float], size_mps2: float, freq_hz: float) -> Floats:
    """Knocks and landings: a swaying that dies away within a quarter of a second and leaves no speed behind."""
    total = np.zeros(len(t))
    omega, fade_s = 2 * np.pi * freq_hz, 0.08
    for at in at_s:
        s = np.maximum(t - at, 0.0)
        sway = np.cos(omega * s) - np.sin(omega * s) / (omega * fade_s)
        total += np.where(t >= at, size_mps2 * np.exp(-s / fade_s) * sway, 0.0)
    return total


EVERY = pytest.mark.parametrize("name", KINDS)
STRONG = pytest.mark.parametrize("name", ["clamshell", "knee_roll", "pelvic_rock"])
"""A thigh that follows the pelvis by six degrees may abstain from what is hard."""


@EVERY
@pytest.mark.parametrize(("cycle_s", "n"), [(2.0, 6), (14.0, 4)])
def test_fast_and_very_slow_repetitions(name: str, cycle_s: float, n: int) -> None:
    """Two seconds or fourteen for one repetition: each is counted once."""
    kind = KINDS[name]
    assert counted(kind, path(kind, [1] * n, way_s=cycle_s / len(kind.path) - 0.1, hold_s=0.1)) == n


@EVERY
def test_long_holds(name: str) -> None:
    """Eight seconds at every turn change nothing, and the hold is told."""
    kind = KINDS[name]
    measures = told(kind, *angles(path(kind, [1] * 4, hold_s=8.0)))[1]
    assert measures["count"] == 4
    whole = measures.get("reps") or measures["cycles"]
    assert [rep["hold_s"] for rep in whole] == pytest.approx([8.0] * len(whole), abs=0.7)


@EVERY
def test_a_range_that_shrinks_threefold(name: str) -> None:
    """Nine repetitions, the last a third of the first, are nine."""
    kind = KINDS[name]
    assert counted(kind, path(kind, list(np.linspace(1.0, 1 / 3, 9)))) == 9


@STRONG
def test_a_range_that_grows_threefold(name: str) -> None:
    """Nine repetitions, the first a third of the last, are nine."""
    kind = KINDS[name]
    assert counted(kind, path(kind, list(np.linspace(1 / 3, 1.0, 9)))) == 9


@STRONG
def test_ten_degrees_are_a_repetition(name: str) -> None:
    """Two movements of ten degrees, without anything larger to compare with, are two."""
    kind = KINDS[name]
    assert counted(kind, path(kind, [10.0 / kind.size_deg] * 2)) == 2


@pytest.mark.parametrize("name", ["clamshell", "knee_roll"])
@pytest.mark.parametrize("at", [0, 3])
def test_a_partial_repetition_is_counted_and_marked(name: str, at: int) -> None:
    """A third of the range, first of all or between whole ones, is counted and marked; events say the same count."""
    kind = KINDS[name]
    shares = [1.0] * 6
    shares[at] = 0.35
    out, measures = told(kind, *angles(path(kind, shares)))
    assert measures["count"] == 6
    n_marked = len(kind.path) // 2
    marked = [rep["partial"] for rep in measures["reps"]]
    assert [i for i, one in enumerate(marked) if one] == list(range(at * n_marked, (at + 1) * n_marked))
    events = [item for item in out if isinstance(item, RepCompleted)]
    assert [event.index for event in events] == [1, 2, 3, 4, 5, 6]
    assert [i for i, event in enumerate(events) if event.is_partial] == ([at] if at else [])


@pytest.mark.parametrize("at", [0, 3])
def test_a_partial_pelvic_cycle_is_no_full_one(at: int) -> None:
    """A third of the range, first of all or between whole cycles, is listed apart with its size and not counted."""
    kind = KINDS["pelvic_rock"]
    shares = [1.0] * 6
    shares[at] = 0.35
    measures = told(kind, *angles(path(kind, shares)))[1]
    assert measures["count"] == 5
    assert [cycle["partial"] for cycle in measures["cycles"]] == [False] * 5
    assert [cycle["range_deg"] for cycle in measures["cycles"]] == pytest.approx([12.0] * 5, abs=0.7)
    assert [cycle["out_s"] for cycle in measures["cycles"]] == pytest.approx([2.0] * 5, abs=0.4)
    assert [cycle["back_s"] for cycle in measures["cycles"]] == pytest.approx([2.0] * 5, abs=0.4)
    (partial,) = measures["partial_cycles"]
    assert partial["partial"] is True
    assert partial["range_deg"] == pytest.approx(4.2, abs=0.5)
    assert partial["arch_s"] == pytest.approx(2.0 + at * 4.6 + 2.15, abs=0.3)


@EVERY
def test_a_recording_that_begins_in_mid_movement(name: str) -> None:
    """Cut into the first way out, the first top is still counted."""
    kind = KINDS[name]
    t, angle = angles(path(kind, [1] * 6))
    inside = t >= 2.9
    measures = told(kind, t[inside] - 2.9, angle[inside])[1]
    assert measures["count"] == 6


@EVERY
def test_a_recording_that_ends_in_mid_movement(name: str) -> None:
    """Cut into the last way back, the last repetition is still counted; cut before its top it is not."""
    kind = KINDS[name]
    corners = path(kind, [1] * 6)
    t, angle = angles(corners)
    last_back_s = corners[-4][0] - 2.0  # the last way ends at the fourth corner from the end
    for end_s, wanted in ((last_back_s + 1.7, 6), (last_back_s - 1.5, 5)):
        inside = t < end_s
        assert told(kind, t[inside], angle[inside])[1]["count"] == wanted


@EVERY
@pytest.mark.parametrize(("size_mps2", "freq_hz"), [(12.0, 9.0), (20.0, 6.0)])
def test_knocks_and_landings(name: str, size_mps2: float, freq_hz: float) -> None:
    """Jolts of one and two g while at rest, on the way, at the top and on landing make no repetition and hide none."""
    kind = KINDS[name]
    t, angle = angles(path(kind, [1] * 6))
    assert told(kind, t, angle, jolt_mps2=jolts(t, (1.0, 5.1, 6.3, 10.6, 15.0), size_mps2, freq_hz))[1]["count"] == 6


@STRONG
@pytest.mark.parametrize("comes_back", [False, True])
def test_getting_up_at_the_end(name: str, comes_back: bool) -> None:
    """The set ends where the person sits up or turns over, for good or to come back."""
    kind = KINDS[name]
    corners = path(kind, [1] * 6)
    end = corners[-1][0]
    t, angle = angles([*corners, (end + 6.0, 0.0)])
    away = np.interp(t, [end, end + 2.0, end + 4.5], [0.0, 80.0, 0.0 if comes_back else 80.0])
    out, measures = told(kind, t, angle, off_plane_deg=away)
    assert measures["count"] == 6
    assert sum(isinstance(item, RepCompleted) for item in out) == 6


@EVERY
def test_a_leg_that_does_not_move_says_so(name: str) -> None:
    """Thirty seconds of rest: no event, no count but zero or none, and the words."""
    kind = KINDS[name]
    out, measures = told(kind, *angles([(0.0, 0.0), (30.0, 0.0)]))
    assert not measures["count"]
    assert "no movement seen" in measures["notes"]
    assert not [item for item in out if isinstance(item, RepCompleted)]


# ---------------------------------------------------------------------------------------------- both sides


def test_every_swing_tells_its_side_size_and_times() -> None:
    """Each swing carries its direction, range, times and mark; without a stop in the middle as well as with one."""
    kind = KINDS["knee_roll"]
    for ends, out_s in (((1.0, 0.0, -1.0, 0.0), 2.0), ((1.0, -1.0), 1.0)):
        corners = path(replace(kind, path=ends), [1] * 5)
        measures = told(kind, *angles(corners))[1]
        inner = measures["reps"][1:-1]
        assert [rep["direction"] for rep in measures["reps"]] == ["out", "in"] * 5
        assert [rep["range_deg"] for rep in inner] == pytest.approx([35.0] * 8, abs=1.0)
        assert [rep["out_s"] for rep in inner] == pytest.approx([out_s] * 8, abs=0.4)
        assert {rep["partial"] for rep in inner} == {False}
        assert {rep["sparc"] for rep in inner} == {None}


def test_swings_to_one_side_only(watch: Any) -> None:
    """With the knee-up pose known, five swings out and back are five to one side, none to the other."""
    kind = replace(KINDS["knee_roll"], path=(1.0, 0.0))
    watched = watch("knee_roll", seed=3, n_reps=2)
    alignment = watched.body.alignment("right-thigh")
    t, angle = angles(path(kind, [1] * 5))
    up = Rotation.from_rotvec(np.outer(np.deg2rad(angle), alignment.y_sensor)).apply(alignment.knee_up_sensor)
    block = OrientedBlock("right-thigh", "right-thigh", RATE_HZ, t + watched.truth.start_s, up, None, 9.81 * up, None)
    detector = make_detector(Stretch("knee_roll", "right", "right-thigh", watched.truth.start_s), watched.body)
    out = [*detector.feed(block), *detector.finish(float(block.t_s[-1]))]
    measures = out[-1].measures  # type: ignore[union-attr]
    assert measures["count"] == sum(isinstance(item, RepCompleted) for item in out) == 5
    assert sorted(side["count"] for side in measures["sides"].values()) == [0, 5]
    assert "swings to one side only" in measures["notes"]


def test_swings_are_counted_from_the_still_poses_on(watch: Any) -> None:
    """A stretch that begins with the straight leg: drawing it up is no swing, and sides are as they were."""
    watched = watch("knee_roll", seed=4, n_reps=4, whole=True, difficulties=Difficulties.all())
    measures = watched.through(make_detector(watched.stretch, watched.body))[-1].measures
    assert measures["count"] == 4
    assert [rep["direction"] for rep in measures["reps"]] == [rep.direction for rep in watched.truth.reps]
    assert [rep["range_deg"] for rep in measures["reps"]] == pytest.approx(
        [rep.range_deg for rep in watched.truth.reps], abs=2.5
    )
    assert all(-2.5 < rep["sparc"] < -1.3 for rep in measures["reps"])


# ------------------------------------------------------------------------------------------- a first rep open


def test_with_an_alignment_a_set_that_begins_open_keeps_its_tops(watch: Any) -> None:
    """Begun at the first top, which is not counted since only its closing was seen; every later top is where it was."""
    watched = watch("clamshell", seed=3, n_reps=4, range_deg=50, difficulties=Difficulties.all())
    begin_s = watched.truth.reps[0].top_start_s + 0.1
    t = watched.block.t_s
    block = watched.block
    keep = t >= begin_s
    later = OrientedBlock(
        block.channel, block.placement, block.rate_hz, t[keep], block.up_sensor[keep], None,
        block.acc_sensor_mps2[keep], None,
    )  # fmt: skip
    detector = make_detector(replace(watched.stretch, start_s=begin_s), watched.body)
    out = [*detector.feed(later), *detector.finish(float(t[-1]))]
    tops = [rep["peak_s"] for rep in out[-1].measures["reps"]]  # type: ignore[union-attr]
    assert tops == pytest.approx([rep.peak_s for rep in watched.truth.reps[1:]], abs=0.3)

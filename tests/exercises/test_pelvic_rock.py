"""Cycles of arch and flatten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.pelvic_rock import PelvicRockDetector
from sensorsoma.messages import LiveAngle, MovementBegan, OrientedBlock, RepCompleted, SegmentCurve, SegmentMeasured
from sensorsoma.simulate import Difficulties

Watch = Callable[..., Any]


def detector(watched: Any) -> PelvicRockDetector:
    """A fresh detector for a watched stretch."""
    return PelvicRockDetector(watched.stretch, watched.body)


@pytest.mark.parametrize("total_deg", [5.0, 12.0, 25.0])
def test_cycles_are_counted_and_measured(watch: Watch, total_deg: float) -> None:
    """Tilts of 5-25 degrees in all are counted with breath on top; both ways within a degree, times within 0.3 s."""
    watched = watch("pelvic_rock", "pelvis", side=None, seed=2, n_reps=5, range_deg=total_deg)
    out = watched.through(detector(watched))
    measures = out[-1].measures
    assert measures["count"] == 5
    for found, true in zip(measures["cycles"], watched.truth.cycles, strict=True):
        assert found["anterior_deg"] == pytest.approx(true.anterior_deg, abs=1.0)
        assert found["posterior_deg"] == pytest.approx(true.posterior_deg, abs=1.0)
        assert found["arch_s"] == pytest.approx(true.arch_s, abs=0.3)
    assert measures["weak"] is False
    assert measures["notes"] == []


def test_events_of_a_set(watch: Watch) -> None:
    """One MovementBegan, one RepCompleted a cycle, all five known by the time the person lies still again."""
    watched = watch("pelvic_rock", "pelvis", side=None, seed=2, n_reps=5, range_deg=12)
    out = watched.through(detector(watched))
    assert sum(isinstance(item, MovementBegan) for item in out) == 1
    cycles = [item for item in out if isinstance(item, RepCompleted)]
    assert [cycle.index for cycle in cycles] == [1, 2, 3, 4, 5]
    assert cycles[-1].known_s < watched.truth.cycles[-1].end_s + 1.2
    assert all(cycle.t_s <= cycle.known_s for cycle in cycles)
    assert sum(isinstance(item, SegmentCurve) for item in out) == 1
    assert any(isinstance(item, LiveAngle) for item in out)


def test_hard_sets_with_a_half_hearted_cycle_are_counted(watch: Watch) -> None:
    """With a cough, a partial cycle, lost packets and noise, whole cycles are counted, from the still poses on."""
    for seed in (3, 7):
        watched = watch(
            "pelvic_rock", "pelvis", side=None, seed=seed, difficulties=Difficulties.all(), whole=True, n_reps=5
        )
        assert watched.through(detector(watched))[-1].measures["count"] == 5


def test_an_accelerometer_alone_counts_as_well(watch: Watch) -> None:
    """Gravity is enough for counting and for the tilt."""
    watched = watch("pelvic_rock", "pelvis", side=None, seed=4, n_reps=4, acc_only=True)
    measures = watched.through(detector(watched))[-1].measures
    assert measures["count"] == 4
    assert [c["anterior_deg"] for c in measures["cycles"]] == pytest.approx(
        [c.anterior_deg for c in watched.truth.cycles], abs=1.5
    )


def test_an_unknown_strap_takes_its_sign_from_the_first_movement(watch: Watch) -> None:
    """Turned by a quarter, the sensor's mark says nothing: the arch is first and positive, with a note."""
    watched = watch("pelvic_rock", "pelvis", side=None, seed=2, n_reps=4, range_deg=14)
    quarter = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    b = watched.block
    turned = OrientedBlock(
        b.channel, b.placement, b.rate_hz, b.t_s, b.up_sensor @ quarter, None, b.acc_sensor_mps2, None
    )
    one = detector(watched)
    one.feed(turned)
    measures = one.finish(float(b.t_s[-1]))[-1].measures
    assert measures["count"] == 4
    assert all(cycle["anterior_deg"] > 0 > cycle["posterior_deg"] for cycle in measures["cycles"])
    assert any("first movement is taken as the arch" in note for note in measures["notes"])


def test_a_thigh_is_weak_evidence(watch: Watch) -> None:
    """From the thigh large rocking is counted but marked weak and never announced; small rocking is not told."""
    large = watch("pelvic_rock", "right-thigh", seed=4, n_reps=5, range_deg=24)
    out = large.through(detector(large))
    assert out[-1].measures["weak"] is True
    assert out[-1].measures["count"] == 5
    assert not [item for item in out if isinstance(item, RepCompleted)]
    small = watch("pelvic_rock", "right-thigh", seed=4, n_reps=5, range_deg=7)
    assert small.through(detector(small))[-1].measures["count"] is None


def test_a_still_pelvis_is_said_to_be_still() -> None:
    """Breathing alone makes no cycle."""
    t = np.arange(0, 40, 1 / 52)
    sway = np.deg2rad(0.4) * np.sin(2 * np.pi * 0.15 * t)
    up = np.stack([np.zeros_like(t), np.sin(sway), np.cos(sway)], axis=1)
    one = PelvicRockDetector(Stretch("pelvic_rock", None, "pelvis", 0.0), Body())
    out = [*one.feed(OrientedBlock("pelvis", "pelvis", 52.0, t, up, None, 9.81 * up, None)), *one.finish(40.0)]
    assert isinstance(out[-1], SegmentMeasured)
    assert out[-1].measures["count"] == 0
    assert out[-1].measures["notes"] == ["no movement seen"]
    assert one.finish(41.0) == ()


def test_nothing_is_counted_inside_a_gap(watch: Watch) -> None:
    """A cycle that is lost in a gap is missing; those before and after are counted."""
    lacks = (12.0, 22.0)
    watched = watch("pelvic_rock", "pelvis", side=None, seed=5, n_reps=8, range_deg=15, lacks_s=lacks)
    gap = tuple(watched.truth.start_s + edge for edge in lacks)
    whole = [c for c in watched.truth.cycles if c.flatten_s < gap[0] - 1 or c.start_s > gap[1]]
    measures = watched.through(detector(watched))[-1].measures
    assert not [c for c in measures["cycles"] if gap[0] < c["arch_s"] < gap[1] or gap[0] < c["flatten_s"] < gap[1]]
    assert len(whole) <= measures["count"] <= len(whole) + 1


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(1, 3000), max_size=20))
def test_any_cut_gives_the_same_events(watch: Watch, kept: dict[str, Any], cuts: list[int]) -> None:
    """However the samples are cut, the same events come in the same order."""
    if not kept:
        kept["w"] = watch("pelvic_rock", "pelvis", side=None, seed=9, n_reps=3, difficulties=Difficulties.all())
        kept["out"] = [
            item for item in kept["w"].through(detector(kept["w"]), size=1) if not isinstance(item, SegmentCurve)
        ]
    out = kept["w"].through(detector(kept["w"]), cuts=cuts, size=0)
    assert [item for item in out if not isinstance(item, SegmentCurve)] == kept["out"]


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """Kept over all cuts."""
    return {}

"""What every movement detector owes, whatever is listed in the table of detectors."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.exercises import DETECTORS, make_detector
from sensorsoma.exercises.base import DetectorOutput, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import (
    Gap,
    HoldEnded,
    HoldReached,
    LiveAngle,
    MovementBegan,
    OrientedBlock,
    RepCompleted,
    SegmentCurve,
    SegmentMeasured,
)

RATE_HZ = 52.0


def wandering_block(seed: int, n: int, has_gyro: bool) -> OrientedBlock:
    """Slow, meaningless movement: gravity wanders over the sphere."""
    rng = np.random.default_rng(seed)
    t_s = np.arange(n) / RATE_HZ
    angles = np.cumsum(rng.normal(0, 0.02, (n, 3)), axis=0)
    up = np.stack([np.sin(angles[:, 0]), np.sin(angles[:, 1]), np.cos(angles[:, 2])], axis=1)
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    quat = np.tile([1.0, 0.0, 0.0, 0.0], (n, 1))
    gyr = rng.normal(0, 0.2, (n, 3)) if has_gyro else None
    return OrientedBlock("c", "right-thigh", RATE_HZ, t_s, up, quat if has_gyro else None, up * 9.81, gyr)


def cut(block: OrientedBlock, at: list[int]) -> list[OrientedBlock]:
    """The same samples in several blocks."""
    edges = [0, *sorted(set(at)), len(block.t_s)]
    return [
        replace(
            block,
            t_s=block.t_s[a:b],
            up_sensor=block.up_sensor[a:b],
            acc_sensor_mps2=block.acc_sensor_mps2[a:b],
            gyr_sensor_radps=None if block.gyr_sensor_radps is None else block.gyr_sensor_radps[a:b],
            quat_sensor_to_earth=None if block.quat_sensor_to_earth is None else block.quat_sensor_to_earth[a:b],
        )
        for a, b in itertools.pairwise(edges)
        if b > a
    ]


def run(exercise: str, blocks: list[OrientedBlock | Gap], end_s: float) -> list[DetectorOutput]:
    """All that a fresh detector says."""
    stretch = Stretch(exercise, "right", "right-thigh", 0.0)  # type: ignore[arg-type]
    detector = make_detector(stretch, Body())
    said = [output for block in blocks for output in detector.feed(block)]
    said += detector.finish(end_s)
    assert detector.finish(end_s) == (), "finishing twice must be harmless"
    return said


def comparable(outputs: list[DetectorOutput]) -> list[str]:
    """Events as text; curves by their numbers; live angles left out, they follow the screen's pace."""
    return [
        f"{o.t_s.tolist()} {o.angle_deg.tolist()}" if isinstance(o, SegmentCurve) else repr(o)
        for o in outputs
        if not isinstance(o, LiveAngle)
    ]


@pytest.mark.parametrize("exercise", sorted(DETECTORS))
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 899), max_size=8), has_gyro=st.booleans())
@settings(max_examples=8, deadline=None)
def test_any_cut_gives_the_same_events(exercise: str, seed: int, cuts: list[int], has_gyro: bool) -> None:
    """Events do not depend on where blocks end, and meaningless movement never raises."""
    block = wandering_block(seed, 900, has_gyro)
    end_s = float(block.t_s[-1])
    assert comparable(run(exercise, [block], end_s)) == comparable(run(exercise, list(cut(block, cuts)), end_s))


@pytest.mark.parametrize("exercise", sorted(DETECTORS))
@pytest.mark.parametrize("has_gyro", [True, False])
def test_nothing_claims_to_be_known_before_its_samples_were_there(exercise: str, has_gyro: bool) -> None:
    """Fed sample by sample, an event comes within a grid cell of the time it names: filters' delays are in it."""
    detector = make_detector(Stretch(exercise, "right", "right-thigh", 0.0), Body())  # type: ignore[arg-type]
    for sample in cut(wandering_block(7, 1500, has_gyro), list(range(1, 1500))):
        for event in detector.feed(sample):
            if isinstance(event, RepCompleted | MovementBegan | HoldReached | HoldEnded):
                assert sample.t_s[0] - 0.06 < event.known_s <= sample.t_s[0]


@pytest.mark.parametrize("exercise", sorted(DETECTORS))
def test_a_stretch_without_one_sample_still_ends_in_one_measure(exercise: str) -> None:
    """A sensor that never sent anything gives a finished stretch, with nothing invented."""
    measures = [o for o in run(exercise, [], 5.0) if isinstance(o, SegmentMeasured)]
    assert len(measures) == 1
    assert not measures[0].measures.get("count")


@pytest.mark.parametrize("exercise", sorted(DETECTORS))
@pytest.mark.parametrize("has_gyro", [True, False])
def test_a_gyroscope_that_comes_or_goes_is_survived(exercise: str, has_gyro: bool) -> None:
    """A sensor that restarts with or without its gyroscope within a stretch is measured on to its end."""
    first, _ = cut(wandering_block(3, 900, has_gyro), [401])
    _, second = cut(wandering_block(3, 900, not has_gyro), [401])
    body = Body()
    events = [event for block in (first, second) for event in body.feed(block)]
    said = run(exercise, [first, second], float(second.t_s[-1]))
    assert sum(isinstance(o, SegmentMeasured) for o in said) == 1
    assert all(event.known_s <= second.t_s[-1] for event in events)


@pytest.mark.parametrize("exercise", sorted(DETECTORS))
def test_a_gap_in_the_middle_is_survived(exercise: str) -> None:
    """Samples missing for seconds end in one finished measure, with events in order of knowing."""
    block = wandering_block(3, 900, True)
    first, second = cut(block, [400])
    later = replace(second, t_s=second.t_s + 10.0)
    gap = Gap("c", float(first.t_s[-1]), float(later.t_s[0]), 520, "link_lost")
    said = run(exercise, [first, gap, later], float(later.t_s[-1]))
    assert sum(isinstance(o, SegmentMeasured) for o in said) == 1

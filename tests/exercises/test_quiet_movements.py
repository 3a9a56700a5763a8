"""Knee in, leg back, roll over, rest and stillness: known answers from simulated people and from movements by hand."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Detector, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.messages import (
    Exercise,
    HoldEnded,
    HoldReached,
    ImuBlock,
    OrientedBlock,
    Placement,
    SegmentCurve,
    SegmentMeasured,
    Side,
    TremorBegan,
)
from sensorsoma.simulate import Simulation, simulate_exercise
from sensorsoma.simulate.seeds import stream

MINE: tuple[Exercise, ...] = ("rest", "breathing", "knee_in", "leg_slide", "leg_back", "stillness", "roll_over", "free")


def simulated(
    exercise: Exercise, seed: int, is_acc_only: bool = False, **options: float
) -> tuple[Simulation, OrientedBlock, Side]:
    """A person with all difficulties, side and rate by the seed, as the line sees the thigh."""
    side: Side = "right" if seed % 2 else "left"
    placement: Placement = "right-thigh" if seed % 2 else "left-thigh"
    rate_hz = (52.0, 104.0, 208.0)[seed % 3]
    simulation = simulate_exercise(exercise, side=side, seed=seed, rate_hz=rate_hz, **options)
    samples = simulation.samples[placement]
    kept = ~samples.is_lost
    gyr = samples.gyr_sensor_radps
    block = ImuBlock(
        placement, samples.rate_hz, samples.t_s[kept], samples.acc_sensor_mps2[kept],
        None if is_acc_only or gyr is None else gyr[kept],
    )  # fmt: skip
    return simulation, OrientationFilter(placement).feed(block, placement), side


def since(block: OrientedBlock, start_s: float) -> OrientedBlock:
    keep = block.t_s >= start_s
    gyr, quat = block.gyr_sensor_radps, block.quat_sensor_to_earth
    return replace(
        block, t_s=block.t_s[keep], up_sensor=block.up_sensor[keep], acc_sensor_mps2=block.acc_sensor_mps2[keep],
        gyr_sensor_radps=None if gyr is None else gyr[keep], quat_sensor_to_earth=None if quat is None else quat[keep],
    )  # fmt: skip


def watch(exercise: Exercise, block: OrientedBlock, side: Side | None, start_s: float = 0.0) -> list[Any]:
    """Everything that one detector says."""
    body = Body()
    body.feed(block)
    detector = make_detector(Stretch(exercise, side, block.placement, start_s), body)
    return [*detector.feed(since(block, start_s)), *detector.finish(float(block.t_s[-1]))]


def measures(out: list[Any]) -> dict[str, Any]:
    assert isinstance(out[-1], SegmentMeasured)
    assert sum(isinstance(event, SegmentMeasured) for event in out) == 1
    return dict(out[-1].measures)


@pytest.mark.parametrize("is_acc_only", [False, True])
def test_the_knee_that_drops_inward_is_measured_positive(is_acc_only: bool) -> None:
    """Eight people: the angle inward is right within 3 degrees each and 1.5 overall."""
    errors = []
    for seed in range(1, 9):
        simulation, block, side = simulated("knee_in", seed, is_acc_only)
        truth = simulation.truth.of("knee_in")[0]
        found = measures(watch("knee_in", block, side, truth.start_s))
        errors.append(found["angle_deg"] - truth.values["angle_deg"])
        assert found["rest_start_s"] == pytest.approx(truth.values["arrival_s"], abs=0.6)
    assert np.abs(errors).max() < 3.0
    assert np.sqrt(np.mean(np.square(errors))) < 1.5


def test_a_knee_that_stays_upright_has_no_angle(hand: Any) -> None:
    """No movement, no number."""
    up = hand.fallen(0)
    block = hand.oriented([hand.Key(0, up), hand.Key(20, up)])
    found = measures(watch("knee_in", block, "right"))
    assert found["angle_deg"] is None
    assert "no movement" in found["notes"][0]


def test_the_swing_behind_the_body_is_read_from_the_gyroscope() -> None:
    """Eight people: the swing about the vertical is right within a degree, its hold begins and ends with events."""
    for seed in range(1, 9):
        simulation, block, side = simulated("leg_back", seed)
        truth = simulation.truth.of("leg_back")[0]
        out = watch("leg_back", block, side, truth.start_s)
        found = measures(out)
        assert found["back_swing_deg"] == pytest.approx(truth.values["back_swing_deg"], abs=1.0)
        assert 0.3 <= found["uncertainty_deg"] <= 1.0
        (reached,) = [event for event in out if isinstance(event, HoldReached)]
        (ended,) = [event for event in out if isinstance(event, HoldEnded)]
        assert reached.t_s == pytest.approx(truth.values["swing_end_s"], abs=0.6)
        assert ended.known_s >= ended.t_s
        assert found["hold_s"] == pytest.approx(truth.hold_s, abs=3.5)


def test_without_a_gyroscope_the_swing_is_not_measured() -> None:
    """Gravity cannot see a turn about the vertical: None, and a note."""
    simulation, block, side = simulated("leg_back", 3, is_acc_only=True)
    found = measures(watch("leg_back", block, side, simulation.truth.of("leg_back")[0].start_s))
    assert found["back_swing_deg"] is None
    assert found["hold_s"] is None
    assert "gyroscope" in found["notes"][0]


def test_a_swing_without_the_pause_in_line_is_not_measured() -> None:
    """The straightening turns the thigh as well: without the still pause between them there is no number."""
    simulation, block, side = simulated("leg_back", 5)
    truth = simulation.truth.of("leg_back")[0]
    found = measures(watch("leg_back", block, side, truth.values["swing_start_s"] + 0.3))
    assert found["back_swing_deg"] is None
    assert "pause" in found["notes"][0]


@pytest.mark.parametrize("seed", [2, 5])
def test_a_swing_that_halts_half_way_is_one_swing(seed: int) -> None:
    """A second and a half of rest at half the way, then on: the whole swing is read, and the leg has not come back."""
    simulation, block, side = simulated("leg_back", seed, swing_deg=24.0, swing_s=4.0, halt_s=1.6, trembles_deg=0.06)
    out = watch("leg_back", block, side, simulation.truth.of("leg_back")[0].start_s)
    found = measures(out)
    assert found["back_swing_deg"] == pytest.approx(24.0, abs=1.0)
    assert found["hold_s"] == pytest.approx(simulation.truth.of("leg_back")[0].hold_s, abs=3.5)
    assert sum(isinstance(event, HoldReached) for event in out) == 1
    assert sum(isinstance(event, HoldEnded) for event in out) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leg_that_shakes_behind_the_body_is_told(seed: int) -> None:
    """The leg trembles while it swings and only then: at its frequency, for a part of the time; a calm one is None."""
    for peak_deg in (0.0, 0.06):
        simulation, block, side = simulated("leg_back", seed, trembles_deg=peak_deg)
        truth = simulation.truth.of("leg_back")[0]
        out = watch("leg_back", block, side, truth.start_s)
        tremor = measures(out)["tremor"]
        began = [event for event in out if isinstance(event, TremorBegan)]
        if not peak_deg:
            assert tremor is None
            assert not began
            continue
        freq_hz = float(stream(seed, "trembling leg").uniform(4.5, 9.0))
        assert tremor["freq_hz"] == pytest.approx(freq_hz, abs=1.0)
        assert 0.05 < tremor["share"] < 0.4
        assert len(began) == 1


def test_turning_over_names_both_postures_and_the_time() -> None:
    """Onto the side with the practised leg up, and onto the back again."""
    for seed in (1, 2, 3):
        simulation, block, side = simulated("roll_over", seed)
        body = Body()
        body.feed(block)
        first, second = simulation.truth.of("roll_over")
        for truth, before, after in ((first, "supine", f"{side}_up"), (second, f"{side}_up", "supine")):
            detector = make_detector(Stretch("roll_over", truth.side, block.placement, truth.start_s), body)
            detector.feed(since(block, truth.start_s))
            found = measures(list(detector.finish(truth.end_s or 0.0)))
            assert (found["posture_before"], found["posture_after"]) == (before, after)
            assert truth.start_s < found["turned_s"] < (truth.end_s or 0.0)


@pytest.mark.parametrize("is_acc_only", [False, True])
def test_the_lower_leg_tells_the_side_once_turning_was_asked_for(is_acc_only: bool) -> None:
    """With one sensor, on the leg that comes to lie below, six people's turns are seen all the same."""
    for seed in range(1, 7):
        top: Side = "right" if seed % 2 else "left"
        below: Placement = "left-thigh" if seed % 2 else "right-thigh"
        simulation = simulate_exercise("roll_over", side=top, seed=seed, rate_hz=52.0, placements=(below,))
        samples = simulation.samples[below]
        gyr = None if is_acc_only else samples.gyr_sensor_radps
        block = ImuBlock(below, 52.0, samples.t_s, samples.acc_sensor_mps2, gyr)
        oriented = OrientationFilter(below).feed(block, below)
        body = Body()
        make_detector(Stretch("roll_over", top, below, 0.0), body)
        body.feed(oriented)
        assert [posture for _, posture in body.postures_by(999.0)] == ["supine", f"{top}_up", "supine"]


def test_a_posture_that_nothing_can_tell_is_none() -> None:
    """Without poses and alignment there is no posture, and the note says so."""
    (only,) = make_detector(Stretch("roll_over", "left", "left-thigh", 0.0), Body()).finish(9.0)
    assert isinstance(only, SegmentMeasured)
    assert only.measures["posture_after"] is None
    assert len(only.measures["notes"]) == 1


def test_settling_is_the_start_of_the_first_long_quiet(hand: Any) -> None:
    """Ten seconds of moving about, then thirty of lying still: settled at ten, still for three quarters of the time."""
    poses = itertools.cycle([hand.lying(0, 20), hand.lying(25, 10)])
    keys = [hand.Key(float(t), next(poses)) for t in range(0, 11, 1)]
    block = hand.oriented([*keys, hand.Key(40.0, keys[-1].pose)])
    found = measures(watch("stillness", block, None))
    assert found["settle_s"] == pytest.approx(10.0, abs=0.7)
    assert found["still_share"] == pytest.approx(0.75, abs=0.04)
    assert found["movement_deg"] > 150


def test_breathing_that_no_sensor_sees_is_not_measured(hand: Any) -> None:
    """A thigh that lies still: the numbers are None, with a note."""
    lying = hand.lying(0, 20)
    found = measures(watch("breathing", hand.oriented([hand.Key(0, lying), hand.Key(20, lying)]), None))
    assert found["rate_per_min"] is None
    assert "not seen" in found["notes"][0]


def test_whoever_never_becomes_still_has_no_time_to_stillness(hand: Any) -> None:
    """Twenty seconds of moving about: None, not zero and not twenty, and a note; moving freely needs no note."""
    poses = itertools.cycle([hand.lying(0, 20), hand.lying(25, 10)])
    block = hand.oriented([hand.Key(float(t), next(poses)) for t in range(21)])
    found = measures(watch("stillness", block, None))
    assert found["settle_s"] is None
    assert found["still_share"] == 0.0
    assert "did not become still" in found["notes"][0]
    assert measures(watch("free", block, None))["notes"] == []


@pytest.mark.parametrize("has_gyro", [True, False])
def test_free_movement_is_told_by_amount(hand: Any, has_gyro: bool) -> None:
    """Ten seconds of 25 degrees a second to and fro, ten of rest: way, way a minute, share of time, strength."""
    poses = itertools.cycle([hand.lying(0, 0), hand.lying(25, 0)])
    keys = [hand.Key(float(t), next(poses)) for t in range(11)]
    found = measures(watch("free", hand.oriented([*keys, hand.Key(20.0, keys[-1].pose)], has_gyro=has_gyro), None))
    assert found["movement_deg"] == pytest.approx(250, rel=0.12)
    assert found["movement_deg_per_min"] == pytest.approx(3 * found["movement_deg"], rel=0.02)
    assert found["moving_share"] == pytest.approx(0.45, abs=0.06)
    if has_gyro:  # a smooth 25 degrees within a second: root mean square 29.9 deg/s, for half of the time
        assert found["turn_rms_deg_per_s"] == pytest.approx(29.9 / np.sqrt(2), rel=0.05)
    else:
        assert found["turn_rms_deg_per_s"] is None


def test_a_pelvis_sensor_tells_of_itself_beside_the_thigh(hand: Any) -> None:
    """The thigh moves and the pelvis rests: each has its own figures."""
    poses = itertools.cycle([hand.lying(0, 20), hand.lying(25, 10)])
    thigh = hand.oriented([hand.Key(float(t), next(poses)) for t in range(13)])
    pelvis = hand.oriented([hand.Key(0, hand.lying()), hand.Key(12, hand.lying())], placement="pelvis")
    detector = make_detector(Stretch("free", None, "right-thigh", 0.0), Body())
    out = [*detector.feed(thigh), *detector.feed(pelvis), *detector.finish(12.0)]
    found = measures(out)
    assert found["moving_share"] > 0.8
    assert found["pelvis"]["moving_share"] == 0.0
    assert found["pelvis"]["still_share"] > 0.9


def test_legs_that_slide_straight_have_a_time_and_a_length() -> None:
    """Both legs down from the bent pose: when the worn one was straight, and how long it slid."""
    for seed in (1, 2):
        simulation, block, side = simulated("leg_slide", seed)
        truth = simulation.truth.of("leg_slide")[0]
        found = measures(watch("leg_slide", block, side, truth.start_s))
        assert found["slide_end_s"] == pytest.approx(truth.values[f"{side}_straight_s"], abs=0.7)
        assert 1.5 < found["slide_s"] < 5.0


@pytest.mark.parametrize("exercise", ["breathing", "knee_in", "leg_slide", "leg_back", "stillness", "roll_over"])
@settings(max_examples=6, deadline=None)
@given(cuts=st.lists(st.integers(0, 6000), max_size=8))
def test_any_cut_gives_the_same_answer(cutter: Any, exercise: Exercise, cuts: list[int]) -> None:
    """Events and measures of every detector here are the same however the samples are cut (rest and free: as still)."""
    if "block" not in _SHARED:
        _SHARED["block"] = simulated("leg_back", 7)[1]
    block: OrientedBlock = _SHARED["block"]
    if exercise not in _SHARED:
        _SHARED[exercise] = _plain(watch(exercise, block, "right"))
    body = Body()
    detector = make_detector(Stretch(exercise, "right", block.placement, 0.0), body)
    pieces: list[Any] = []
    for piece in cutter(block, cuts):
        body.feed(piece)
        pieces.extend(detector.feed(piece))
    pieces.extend(detector.finish(float(block.t_s[-1])))
    assert _plain(pieces) == _SHARED[exercise]
    assert detector.finish(99.0) == ()


_SHARED: dict[str, Any] = {}


def _plain(out: list[Any]) -> list[Any]:
    return [event for event in out if not isinstance(event, SegmentCurve)]


@pytest.mark.parametrize("exercise", MINE)
@pytest.mark.parametrize("has_gyro", [True, False])
def test_no_finite_numbers_raise(exercise: Exercise, has_gyro: bool) -> None:
    """Noise of any size, holes and a constant zero give one segment of plain JSON."""
    for scale in (0.0, 1.0, 1e5):
        rng = np.random.default_rng(3)
        t_s = np.cumsum(rng.choice([0.02, 0.02, 0.4, 3.0], 500))
        acc, gyr = rng.normal(0, 1, (500, 3)) * scale, rng.normal(0, 1, (500, 3)) * min(scale, 100.0)
        block = ImuBlock("c", 50.0, t_s, acc, gyr if has_gyro else None)
        found = measures(watch(exercise, OrientationFilter("c").feed(block, "right-thigh"), "right"))
        assert json.dumps(found, allow_nan=False)


def test_every_detector_keeps_the_contract_of_an_empty_stretch() -> None:
    """Never fed, every detector here still gives exactly one segment with a note or nothing measured."""
    for exercise in MINE:
        detector: Detector = make_detector(Stretch(exercise, "left", "left-thigh", 1.0), Body())
        (only,) = detector.finish(4.0)
        assert isinstance(only, SegmentMeasured)
        assert (only.start_s, only.end_s) == (1.0, 4.0)

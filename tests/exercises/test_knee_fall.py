"""The knee fall: phases, angles in the fall's own plane, and what may go otherwise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.knee_fall import KneeFallDetector
from sensorsoma.messages import (
    Gap,
    ImuBlock,
    KneeFallPhaseReached,
    LiveAngle,
    OrientedBlock,
    Placement,
    SegmentCurve,
    SegmentMeasured,
    Side,
)
from sensorsoma.simulate import Difficulties, Simulation, simulate_exercise

FALL_KEYS = {
    "pelvis_share", "hip_only_deg", "fall_speed_deg_per_s", "fall_peak_deg_per_s", "slide_s", "rest_still_share",
    "settle_s", "settled_still_share", "sink_on_exhale_deg",
    "knee_up_s", "fall_start_s", "rest_start_s", "rest_end_s", "slide_end_s", "arrival_deg", "final_deg", "sink_deg",
    "sink_deg_per_min", "fall_s", "began_on_exhale", "openness_kept_share", "residual_deg", "supported",
    "pelvis_roll_deg", "breaths_per_min", "angle_uncertainty_deg", "residual_uncertainty_deg",
    "openness_kept_uncertainty",
}  # fmt: skip


def watch(block: OrientedBlock, side: Side = "right") -> tuple[list[Any], dict[str, Any]]:
    """Everything that comes out for one block, and the measures."""
    body = Body()
    body.feed(block)
    detector = KneeFallDetector(Stretch("knee_fall", side, block.placement, 0.0), body)
    out = [*detector.feed(block), *detector.finish(float(block.t_s[-1]))]
    assert isinstance(out[-1], SegmentMeasured)
    return out, dict(out[-1].measures)


def phases(out: list[Any]) -> list[str]:
    return [event.phase for event in out if isinstance(event, KneeFallPhaseReached)]


def story(hand: Any, *keys: tuple[float, Any], side: str = "right", **how: Any) -> OrientedBlock:
    """Straight and rolled out, knee up at 8.5-12 s, then whatever `keys` say."""
    begin = [(0.0, hand.lying(0, 25, side)), (6.0, hand.lying(0, 25, side)), (8.5, hand.fallen(0, side=side))]
    block: OrientedBlock = hand.oriented([hand.Key(*key) for key in [*begin, *keys]], placement=f"{side}-thigh", **how)
    return block


def usual(hand: Any, side: str = "right", **how: Any) -> OrientedBlock:
    """A fall of 60 deg from 12 to 15 s, a rest to 30 s, a slide to 35 s, 12 s straight."""
    fallen, slid = hand.fallen(60, side=side), hand.lying(0, 45, side)
    return story(hand, (12, hand.fallen(0, side=side)), (15, fallen), (30, fallen), (35, slid), (47, slid),
                 side=side, **how)  # fmt: skip


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("has_gyro", [True, False])
def test_a_fall_is_followed_and_measured_on_both_legs(hand: Any, side: Side, has_gyro: bool) -> None:
    """All five phases come in order with their times, and 60 degrees read as 60 with the leg rolled out by 25."""
    out, measures = watch(usual(hand, side, has_gyro=has_gyro), side)
    assert phases(out) == ["knee_up", "falling", "arrived", "sliding", "straight"]
    events = {event.phase: event for event in out if isinstance(event, KneeFallPhaseReached)}
    assert events["knee_up"].t_s == pytest.approx(8.5, abs=0.3)
    assert events["falling"].t_s == pytest.approx(12.0, abs=0.4)
    assert events["arrived"].t_s == pytest.approx(15.0, abs=0.4)
    assert events["straight"].t_s == pytest.approx(35.0, abs=0.8)
    assert all(event.known_s >= event.t_s for event in events.values())
    (fall,) = measures["falls"]
    assert set(fall) == FALL_KEYS
    assert fall["arrival_deg"] == pytest.approx(60.0, abs=1.0)
    assert fall["final_deg"] == pytest.approx(60.0, abs=1.0)
    assert fall["sink_deg"] == pytest.approx(0.0, abs=0.3)
    assert fall["residual_deg"] == pytest.approx(20.0, abs=1.5)
    assert fall["began_on_exhale"] is None
    assert fall["breaths_per_min"] is None
    assert json.loads(json.dumps(measures)) == measures


@pytest.mark.parametrize("has_gyro", [True, False])
def test_pace_and_stillness_of_a_fall_are_told(hand: Any, has_gyro: bool) -> None:
    """60 degrees in 3 s are 20 degrees a second, 37.5 at the fastest; a slide of 5 s; still after it at once."""
    _, measures = watch(usual(hand, has_gyro=has_gyro))
    (fall,) = measures["falls"]
    assert fall["fall_speed_deg_per_s"] == pytest.approx(20.0, rel=0.12)
    assert fall["fall_peak_deg_per_s"] == pytest.approx(37.5, rel=0.08)
    assert fall["slide_s"] == pytest.approx(5.0, abs=0.8)
    assert fall["rest_still_share"] > 0.8
    assert fall["settle_s"] == pytest.approx(0.0, abs=1.0)
    assert fall["settled_still_share"] > 0.8
    assert fall["pelvis_share"] is None


def test_the_pelvis_that_rolls_along_is_taken_off_the_hip() -> None:
    """A tenth of the fall is the pelvis': its share, and what is left for the hip."""
    simulation = simulate_exercise(
        "knee_fall", seed=12, rate_hz=52.0, placements=("right-thigh", "pelvis"), pelvis_share=0.1, arrival_deg=60.0,
        rest_s=12.0,
    )  # fmt: skip
    thigh, pelvis = (seen(simulation, placement, False) for placement in ("right-thigh", "pelvis"))  # type: ignore[arg-type]  # literals in a tuple
    body = Body()
    body.feed(thigh)
    detector = KneeFallDetector(Stretch("knee_fall", "right", "right-thigh", 0.0), body)
    out = [*detector.feed(pelvis), *detector.feed(thigh), *detector.finish(simulation.duration_s)]
    (fall,) = out[-1].measures["falls"]  # type: ignore[union-attr]  # the last is the segment
    assert fall["pelvis_roll_deg"] == pytest.approx(6.0, abs=0.5)
    assert fall["pelvis_share"] == pytest.approx(6.0 / fall["final_deg"], abs=0.01)
    assert fall["hip_only_deg"] == pytest.approx(fall["final_deg"] - fall["pelvis_roll_deg"], abs=0.02)


def test_the_foot_may_stand_elsewhere_each_time() -> None:
    """Three falls to one angle from knee-up poses that differ by up to 4 degrees read the same within 1.5 degrees."""
    simulation = simulate_exercise(
        "knee_fall", side="left", seed=33, n_falls=3, rest_s=10.0, rate_hz=52.0, arrival_deg=55.0, sink_deg=3.0,
        pose_spread_deg=4.0, difficulties=Difficulties.hardest(),
    )  # fmt: skip
    _, measures = watch(seen(simulation, "left-thigh", False), "left")
    truths = [stretch.fall for stretch in simulation.truth.of("knee_fall")]
    errors = [fall["final_deg"] - true.final_deg for fall, true in zip(measures["falls"], truths, strict=True) if true]
    assert np.ptp(errors) < 1.5


def test_the_axis_off_level_does_not_shorten_the_angle(hand: Any) -> None:
    """With the hip-foot line 20 degrees off level, where the plain arc reads 56, the fall still reads 60."""
    up, fallen = hand.fallen(0, off_level_deg=20), hand.fallen(60, off_level_deg=20)
    _, measures = watch(story(hand, (12, up), (15, fallen), (35, fallen)))
    assert measures["falls"][0]["arrival_deg"] == pytest.approx(60.0, abs=1.0)


def test_a_fall_inward_has_a_negative_angle(hand: Any) -> None:
    """The aligned thigh tells inward from outward."""
    _, measures = watch(story(hand, (12, hand.fallen(0)), (15, hand.fallen(-30)), (35, hand.fallen(-30))))
    assert measures["falls"][0]["final_deg"] == pytest.approx(-30.0, abs=1.0)


def test_without_a_pause_before_the_slide_both_are_still_told_apart(hand: Any) -> None:
    """Fallen open and slid straight in one go: the fall keeps its angle, the slide its share."""
    out, measures = watch(
        story(hand, (12, hand.fallen(0)), (15, hand.fallen(60)), (15.3, hand.fallen(60)), (19, hand.lying(0, 50)),
              (40, hand.lying(0, 50)))
    )  # fmt: skip
    assert phases(out) == ["knee_up", "falling", "arrived", "sliding", "straight"]
    (fall,) = measures["falls"]
    assert fall["arrival_deg"] == pytest.approx(60.0, abs=2.0)
    assert fall["slide_end_s"] == pytest.approx(19.0, abs=0.5)


def test_turning_over_early_ends_the_rest_and_is_no_slide(hand: Any) -> None:
    """Rolled onto the side out of the open rest: arrival and final stay, slide and residual are not measured."""
    over = hand.fallen(-88, off_level_deg=0)
    out, measures = watch(story(hand, (12, hand.fallen(0)), (15, hand.fallen(60)), (25, hand.fallen(60)), (29, over),
                                (45, over)))  # fmt: skip
    assert "straight" not in phases(out)
    (fall,) = measures["falls"]
    assert fall["final_deg"] == pytest.approx(60.0, abs=1.0)
    assert fall["rest_end_s"] == pytest.approx(25.0, abs=0.6)
    assert fall["slide_end_s"] is None
    assert fall["openness_kept_share"] is None
    assert fall["residual_deg"] is None


def test_a_fall_that_halts_on_its_way_is_one_fall(hand: Any) -> None:
    """A second and a half at 30 degrees, then on to 60: one fall, arrived at 60."""
    halt = hand.fallen(30)
    _, measures = watch(story(hand, (12, hand.fallen(0)), (14, halt), (15.5, halt), (17, hand.fallen(60)),
                              (40, hand.fallen(60))))  # fmt: skip
    (fall,) = measures["falls"]
    assert fall["arrival_deg"] == pytest.approx(60.0, abs=1.5)
    assert fall["rest_start_s"] == pytest.approx(17.0, abs=0.4)


def test_two_falls_in_one_stretch_are_two(hand: Any) -> None:
    """Brought up again by hand and let fall a second time."""
    up = hand.fallen(0)
    _, measures = watch(story(hand, (12, up), (15, hand.fallen(60)), (40, hand.fallen(60)), (43, up), (47, up),
                              (50, hand.fallen(50)), (70, hand.fallen(50))))  # fmt: skip
    assert measures["count"] == 2
    assert [fall["arrival_deg"] for fall in measures["falls"]] == pytest.approx([60.0, 50.0], abs=1.0)


def test_a_leg_that_is_lowered_again_did_not_fall(hand: Any) -> None:
    """Knee up and straight again: no fall, and the notes say so."""
    _, measures = watch(story(hand, (12, hand.fallen(0)), (15, hand.lying(0, 25)), (40, hand.lying(0, 25))))
    assert measures["falls"] == []
    assert measures["count"] == 0
    assert "no fall" in measures["notes"][0]


def test_a_knee_that_falls_without_a_pause_before_is_reported_not_measured(hand: Any) -> None:
    """Its resting place is not taken for the knee-up pose: the arrival is told, an angle is not."""
    out, measures = watch(story(hand, (8.8, hand.fallen(0)), (12, hand.fallen(65)), (40, hand.fallen(65))))
    assert phases(out) == ["arrived"]
    assert measures["falls"] == []
    assert "without a pause" in measures["notes"][0]


def test_the_live_angle_comes_ten_times_a_second_and_ends_where_the_fall_does(hand: Any) -> None:
    """While the knee is open there is an angle for the screen, near the measured one."""
    block = usual(hand)
    out, _ = watch(block)
    live = [event for event in out if isinstance(event, LiveAngle)]
    resting = [event.angle_deg for event in live if 17 < event.t_s < 29]
    assert len(resting) == pytest.approx(120, abs=3)
    assert np.abs(np.array(resting) - 60).max() < 2.0
    (curve,) = [event for event in out if isinstance(event, SegmentCurve)]
    assert curve.angle_deg[np.searchsorted(curve.t_s, 25.0)] == pytest.approx(60.0, abs=1.5)
    assert np.diff(curve.t_s).min() > 1 / 27


def test_the_pelvis_rolling_along_is_reported_where_a_sensor_sees_it(hand: Any) -> None:
    """A pelvis sensor that rolls by 8 degrees towards the fallen side reads 8."""
    from scipy.spatial.transform import Rotation

    block = usual(hand)
    angle = np.interp(block.t_s, [12.0, 15.0], [0.0, 8.0])
    marked = Rotation.from_matrix(np.stack([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], axis=1))  # y to the head, z up
    pose = Rotation.from_rotvec(np.radians(angle)[:, None] * np.array([0, -1.0, 0])) * marked
    acc = pose.inv().apply([0, 0, 9.81])
    pelvis = OrientationFilter("pelvis").feed(ImuBlock("pelvis", block.rate_hz, block.t_s, acc, None), "pelvis")
    body = Body()
    body.feed(block)
    detector = KneeFallDetector(Stretch("knee_fall", "right", "right-thigh", 0.0), body)
    detector.feed(block)
    detector.feed(pelvis)
    last = detector.finish(47.0)[-1]
    assert isinstance(last, SegmentMeasured)
    assert last.measures["falls"][0]["pelvis_roll_deg"] == pytest.approx(8.0, abs=0.5)


@settings(max_examples=15, deadline=None)
@given(cuts=st.lists(st.integers(0, 4888), max_size=12), has_gyro=st.booleans())
def test_any_cut_gives_the_same_events_and_measures(hand: Any, cutter: Any, cuts: list[int], has_gyro: bool) -> None:
    """Phases, live angles and every number are the same however the samples are cut."""
    if has_gyro not in _STORIES:
        story_block = usual(hand, has_gyro=has_gyro)
        _STORIES[has_gyro] = (story_block, watch(story_block)[0])
    block, whole = _STORIES[has_gyro]
    body = Body()
    detector = KneeFallDetector(Stretch("knee_fall", "right", "right-thigh", 0.0), body)
    pieces: list[Any] = []
    for piece in cutter(block, cuts):
        body.feed(piece)
        pieces.extend(detector.feed(piece))
    pieces.extend(detector.finish(float(block.t_s[-1])))
    plain = [event for event in pieces if not isinstance(event, SegmentCurve)]
    assert plain == [event for event in whole if not isinstance(event, SegmentCurve)]


_STORIES: dict[bool, tuple[OrientedBlock, list[Any]]] = {}


def test_a_lost_link_during_the_rest_leaves_the_numbers(hand: Any) -> None:
    """Eight seconds without samples in the open rest: the same fall, angles and slide, and a hole in the curve."""
    block = usual(hand)
    keep = (block.t_s < 18.0) | (block.t_s > 26.0)
    assert block.gyr_sensor_radps is not None
    assert block.quat_sensor_to_earth is not None
    holed = OrientedBlock(
        block.channel, block.placement, block.rate_hz, block.t_s[keep], block.up_sensor[keep],
        block.quat_sensor_to_earth[keep], block.acc_sensor_mps2[keep], block.gyr_sensor_radps[keep],
    )  # fmt: skip
    out, measures = watch(holed)
    (fall,) = measures["falls"]
    assert fall["arrival_deg"] == pytest.approx(60.0, abs=1.0)
    assert fall["final_deg"] == pytest.approx(60.0, abs=1.0)
    assert fall["slide_end_s"] == pytest.approx(35.0, abs=0.8)
    (curve,) = [event for event in out if isinstance(event, SegmentCurve)]
    assert np.isnan(curve.angle_deg).sum() == 1


def test_finishing_twice_is_harmless(hand: Any) -> None:
    """The second time nothing comes."""
    block = usual(hand)
    body = Body()
    detector = KneeFallDetector(Stretch("knee_fall", "right", "right-thigh", 0.0), body)
    detector.feed(block)
    assert len(detector.finish(47.0)) >= 1
    assert detector.finish(47.0) == ()
    assert detector.feed(block) == ()


@settings(max_examples=25, deadline=None)
@example(seed=180, scale=1e-6, has_gyro=False)
@given(seed=st.integers(0, 10_000), scale=st.sampled_from([0.0, 1e-6, 1.0, 30.0, 1e6]), has_gyro=st.booleans())
def test_no_finite_numbers_raise(seed: int, scale: float, has_gyro: bool) -> None:
    """Noise of any size and with jumps in time gives a segment, doubted where its angles fit no fall, no exception."""
    rng = np.random.default_rng(seed)
    n = 600
    t_s = np.cumsum(rng.choice([0.02, 0.02, 0.02, 0.3, 2.0], n))
    acc = rng.normal(0, 1, (n, 3)) * scale + np.repeat(rng.normal(0, 9, (6, 3)), 100, axis=0) * (scale > 0)
    gyr = rng.normal(0, 1, (n, 3)) * min(scale, 1e3)
    one = OrientationFilter("left-thigh").feed(ImuBlock("c", 50.0, t_s, acc, gyr if has_gyro else None), "left-thigh")
    body = Body()
    body.feed(one)
    body.feed(Gap("c", float(t_s[-1]), float(t_s[-1]) + 9, None, "link_lost"))
    detector = KneeFallDetector(Stretch("knee_fall", "left", "left-thigh", 0.0), body)
    detector.feed(one)
    last = detector.finish(float(t_s[-1]))[-1]
    assert isinstance(last, SegmentMeasured)
    told = json.loads(json.dumps(dict(last.measures), allow_nan=False))
    assert told["weak"] is any("does not fit a knee fall" in note for note in told["notes"])


def test_nothing_at_all_is_a_segment_with_a_note() -> None:
    """Without any sample there is one segment, and it says why it is empty."""
    detector = KneeFallDetector(Stretch("knee_fall", "left", "left-thigh", 2.0), Body())
    (only,) = detector.finish(5.0)
    assert isinstance(only, SegmentMeasured)
    assert only.measures["notes"] == ["no samples in this stretch"]


def seen(simulation: Simulation, placement: Placement, is_acc_only: bool) -> OrientedBlock:
    """What the line makes of simulated samples whose lost packets are gone."""
    samples = simulation.samples[placement]
    kept = ~samples.is_lost
    gyr = samples.gyr_sensor_radps
    block = ImuBlock(
        placement, samples.rate_hz, samples.t_s[kept], samples.acc_sensor_mps2[kept],
        None if is_acc_only or gyr is None else gyr[kept],
    )  # fmt: skip
    return OrientationFilter(placement).feed(block, placement)


@pytest.mark.parametrize("is_acc_only", [False, True])
def test_simulated_people_with_all_difficulties_are_measured(is_acc_only: bool) -> None:
    """Nine people at three rates: arrival, final and sink within the promised errors, residual and share close."""
    errors: dict[str, list[float]] = {name: [] for name in ("arrival_deg", "final_deg", "sink_deg", "residual_deg")}
    shares: list[float] = []
    for seed in range(101, 110):
        side: Side = "right" if seed % 2 else "left"
        placement: Placement = "right-thigh" if seed % 2 else "left-thigh"
        simulation = simulate_exercise("knee_fall", side=side, seed=seed, rate_hz=(52.0, 104.0, 208.0)[seed % 3])
        truth = simulation.truth.of("knee_fall")[0].fall
        assert truth is not None
        out, measures = watch(seen(simulation, placement, is_acc_only), side)
        assert phases(out) == ["knee_up", "falling", "arrived", "sliding", "straight"], seed
        (fall,) = measures["falls"]
        for name, values in errors.items():
            values.append(fall[name] - getattr(truth, name))
        shares.append(fall["openness_kept_share"] - (truth.openness_kept_share or 0.0))
    rmse = {name: float(np.sqrt(np.mean(np.square(values)))) for name, values in errors.items()}
    assert rmse["arrival_deg"] < (2.5 if is_acc_only else 1.0)
    assert rmse["final_deg"] < (2.5 if is_acc_only else 1.0)
    assert rmse["sink_deg"] < 1.0
    assert rmse["residual_deg"] < 1.5
    assert np.sqrt(np.mean(np.square(shares))) < 0.1


def test_three_falls_in_one_file_are_three() -> None:
    """A whole file with three falls, analysed as one stretch."""
    simulation = simulate_exercise("knee_fall", side="left", seed=31, n_falls=3, rest_s=20.0)
    _, measures = watch(seen(simulation, "left-thigh", False), "left")
    truths = [stretch.fall for stretch in simulation.truth.of("knee_fall")]
    assert measures["count"] == 3
    for fall, truth in zip(measures["falls"], truths, strict=True):
        assert truth is not None
        assert fall["arrival_deg"] == pytest.approx(truth.arrival_deg, abs=2.0)
        assert fall["sink_deg"] == pytest.approx(truth.sink_deg, abs=1.5)

"""What is known of the wearer: poses, alignment, stillness, posture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.exercises.body import Body
from sensorsoma.messages import (
    AlignmentReady,
    AlignmentRefused,
    OrientedBlock,
    PoseTaken,
    PostureChanged,
    StillnessChanged,
)


def fall_story(hand: Any, side: str = "right", has_gyro: bool = True, off_level_deg: float = 10.0) -> OrientedBlock:
    """Straight and rolled out by 25 deg, knee up, fallen open by 60, slid straight."""
    key, straight, up = hand.Key, hand.lying(0, 25, side), hand.fallen(0, side=side)
    fallen, slid = hand.fallen(60, off_level_deg=off_level_deg, side=side), hand.lying(0, 40, side)
    keys = [
        key(0, straight), key(6, straight), key(8.5, up), key(12, up), key(15, fallen), key(30, fallen), key(35, slid),
        key(45, slid),
    ]  # fmt: skip
    block: OrientedBlock = hand.oriented(keys, placement=f"{side}-thigh", has_gyro=has_gyro)
    return block


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("has_gyro", [True, False])
def test_two_still_poses_give_the_axes_for_any_mounting(hand: Any, side: str, has_gyro: bool) -> None:
    """Straight and knee up are found unasked, and the axes tell outward and elevation on both legs."""
    block = fall_story(hand, side, has_gyro)
    body = Body()
    events = body.feed(block)
    assert [event.pose for event in events if isinstance(event, PoseTaken)] == ["straight", "knee_up"]
    alignment = body.alignment(block.placement)
    assert alignment is not None
    ready = [event for event in events if isinstance(event, AlignmentReady)]
    assert len(ready) == 1
    assert ready[0].known_s == alignment.known_s
    assert body.alignment(block.placement, alignment.known_s - 0.01) is None
    axes = np.stack([alignment.x_sensor, alignment.y_sensor, alignment.z_sensor])
    assert axes @ axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1.0)
    at = np.searchsorted(block.t_s, [11.0, 28.0, 44.0])
    outward, elevation = (
        alignment.outward(block.up_sensor[at]),
        np.degrees(alignment.elevation_rad(block.up_sensor[at])),
    )
    assert outward == pytest.approx([0, 0.7, 0.25], abs=0.15)
    assert elevation[0] > 45
    assert abs(elevation[2]) < 10


def test_a_later_rest_is_not_taken_for_the_straight_pose(hand: Any) -> None:
    """The straight pose is taken once: the leg that rests 15 deg further out later does not replace it."""
    block = fall_story(hand)
    body = Body()
    early = int(np.searchsorted(block.t_s, 13.0))
    straight = block.up_sensor[300]
    body.feed(block)
    pose = body.straight_pose("right-thigh")
    assert pose is not None
    assert np.degrees(np.arccos(pose @ straight)) < 1.0
    assert early > 300


def test_asked_poses_are_taken_from_their_steps_only(hand: Any) -> None:
    """With the knee-up pose asked from 7 s on, the straight rest before it is not mistaken for it."""
    block = fall_story(hand)
    body = Body()
    body.expect_pose("right-thigh", "straight", 0.0)
    events = list(body.feed(_until(block, 6.0)))
    body.expect_pose("right-thigh", "knee_up", 5.0)
    events += body.feed(_until(block, 99.0, 6.0))
    poses = [(event.pose, round(event.known_s)) for event in events if isinstance(event, PoseTaken)]
    assert poses == [("straight", 3), ("knee_up", 11)]


def test_the_straight_pose_is_corrected_when_the_leg_was_still_bent(hand: Any) -> None:
    """Asked to slide straight, the person first lies with the knee bent: the later, straight pose counts."""
    key, bent, straight = hand.Key, hand.fallen(0), hand.lying(0, 20)
    body = Body()
    body.expect_pose("right-thigh", "straight", 0.0)
    block = hand.oriented([key(0, bent), key(4, bent), key(7, straight), key(14, straight)])
    body.feed(block)
    pose = body.straight_pose("right-thigh")
    assert pose is not None
    assert np.degrees(np.arccos(pose @ block.up_sensor[-50])) < 1.0


def test_a_fall_without_a_pause_is_refused_with_a_reason(hand: Any) -> None:
    """Knee drawn up and fallen open in one go: its resting place is not taken for the knee-up pose."""
    key, straight = hand.Key, hand.lying(0, 25)
    keys = [
        key(0, straight),
        key(6, straight),
        key(8, hand.fallen(0)),
        key(10, hand.fallen(65)),
        key(20, hand.fallen(65)),
    ]
    body = Body()
    body.expect_pose("right-thigh", "straight", 0.0)
    block = hand.oriented(keys)
    body.feed(_until(block, 5.0))
    body.expect_pose("right-thigh", "knee_up", 5.0)
    events = body.feed(_until(block, 99.0, 5.0))
    assert body.alignment("right-thigh") is None
    refused = [event for event in events if isinstance(event, AlignmentRefused)]
    assert len(refused) == 1
    assert "pause" in refused[0].reason


def test_poses_that_hardly_differ_are_refused(hand: Any) -> None:
    """A knee raised by 18 deg makes no frame, and the reason names both numbers."""
    key, straight, low = hand.Key, hand.lying(0, 0), hand.lying(18, 0)
    body = Body()
    body.expect_pose("right-thigh", "straight", 0.0)
    block = hand.oriented([key(0, straight), key(5, straight), key(7, low), key(15, low)])
    body.feed(_until(block, 5.0))
    body.expect_pose("right-thigh", "knee_up", 5.0)
    events = body.feed(_until(block, 99.0, 5.0))
    reasons = [event.reason for event in events if isinstance(event, AlignmentRefused)]
    assert len(reasons) == 1
    assert "25" in reasons[0]
    assert "18" in reasons[0]


def test_a_slipped_strap_is_noticed_when_the_pose_comes_back(hand: Any) -> None:
    """Back in the knee-up pose but 12 deg off: a note says so and the new pose is used."""
    key, straight, up = hand.Key, hand.lying(0, 10), hand.fallen(0)
    slipped_straight, slipped_up = hand.lying(0, 0), hand.lying(67, 0)
    body = Body()
    body.expect_pose("right-thigh", "straight", 0.0)
    block = hand.oriented(
        [key(0, straight), key(5, straight), key(7, up), key(12, up), key(14, slipped_straight),
         key(20, slipped_straight), key(22, slipped_up), key(30, slipped_up)]
    )  # fmt: skip
    body.feed(_until(block, 5.0))
    body.expect_pose("right-thigh", "knee_up", 5.0)
    body.feed(_until(block, 18.0, 5.0))
    first = body.alignment("right-thigh")
    body.expect_pose("right-thigh", "knee_up", 18.0)
    body.feed(_until(block, 99.0, 18.0))
    assert len(body.notes("right-thigh")) == 1
    assert "slipped" in body.notes("right-thigh")[0]
    assert body.alignment("right-thigh") is not first


def test_a_moved_sensor_is_a_stranger(hand: Any) -> None:
    """After `forget` nothing of the old strap is left."""
    body = Body()
    body.feed(fall_story(hand))
    body.forget("right-thigh")
    assert body.alignment("right-thigh") is None
    assert body.straight_pose("right-thigh") is None


def test_the_posture_follows_a_roll_and_survives_an_open_clamshell(hand: Any) -> None:
    """Supine, then the right leg on top; opening the knee by 60 deg and holding it is still lying on the side."""
    key, straight, up = hand.Key, hand.lying(0, 20), hand.fallen(0)
    side_lying, opened = hand.fallen(-88, off_level_deg=0), hand.fallen(-28, off_level_deg=0)
    keys = [
        key(0, straight), key(5, straight), key(7, up), key(12, up), key(15, side_lying), key(20, side_lying),
        key(22, opened), key(26, opened), key(28, side_lying), key(32, side_lying),
        key(35, straight), key(41, straight),
    ]  # fmt: skip
    body = Body()
    events = body.feed(hand.oriented(keys))
    postures = [(event.posture, event.t_s) for event in events if isinstance(event, PostureChanged)]
    assert [posture for posture, _ in postures] == ["supine", "right_up", "supine"]
    assert postures[1][1] == pytest.approx(14.0, abs=1.5)
    assert body.posture == "supine"
    assert body.posture_at(25.0) == "right_up"
    assert body.posture_at(0.0) == "unknown"


def test_with_two_thighs_the_upper_one_tells_the_side(hand: Any) -> None:
    """Both thighs worn, lying on the left: whatever the lower leg shows, the right side is up."""
    up, over = hand.fallen(0), hand.fallen(-88, off_level_deg=0)
    begin = [hand.Key(0, hand.lying(0, 20)), hand.Key(5, hand.lying(0, 20)), hand.Key(7, up), hand.Key(12, up)]
    right = hand.oriented([*begin, hand.Key(15, over), hand.Key(30, over)])
    lower = hand.fallen(65, off_level_deg=0, side="left")  # turned out, but less than the body turned
    left_begin = [
        hand.Key(0, hand.lying(0, 20, "left")), hand.Key(5, hand.lying(0, 20, "left")),
        hand.Key(7, hand.fallen(0, side="left")), hand.Key(12, hand.fallen(0, side="left")),
    ]  # fmt: skip
    left = hand.oriented([*left_begin, hand.Key(15, lower), hand.Key(30, lower)], placement="left-thigh")
    body = Body()
    postures = []
    for start in np.arange(0.0, 30.0, 0.1):
        for block in (right, left):
            events = body.feed(_until(block, start + 0.1, start))
            postures += [event.posture for event in events if isinstance(event, PostureChanged)]
    assert postures == ["supine", "right_up"]


def test_stillness_is_judged_by_spread_not_by_level(hand: Any) -> None:
    """With an offset of 3 deg/s the leg is still before and after it moves, and moving in between."""
    key, straight, up = hand.Key, hand.lying(0, 20), hand.fallen(0)
    block = hand.oriented([key(0, straight), key(6, straight), key(9, up), key(15, up)], bias_dps=3.0)
    changes = [
        (event.is_still, round(event.t_s)) for event in Body().feed(block) if isinstance(event, StillnessChanged)
    ]
    assert [is_still for is_still, _ in changes] == [True, False, True]
    assert 6 <= changes[1][1] <= 7
    assert 8 <= changes[2][1] <= 9


@settings(max_examples=8, deadline=None)
@given(cuts=st.lists(st.integers(0, 4680), max_size=14))
def test_any_cut_gives_the_same_events(hand: Any, cutter: Any, cuts: list[int]) -> None:
    """The same events in the same order, however the samples are cut."""
    block = _STORY.setdefault("block", fall_story(hand))
    whole = Body().feed(block)
    body = Body()
    pieces = [event for piece in cutter(block, cuts) for event in body.feed(piece)]
    assert pieces == list(whole)


_STORY: dict[str, OrientedBlock] = {}


def _until(block: OrientedBlock, end_s: float, start_s: float = -1.0) -> OrientedBlock:
    keep = (block.t_s >= start_s) & (block.t_s < end_s)
    gyr, quat = block.gyr_sensor_radps, block.quat_sensor_to_earth
    return OrientedBlock(
        block.channel, block.placement, block.rate_hz, block.t_s[keep], block.up_sensor[keep],
        None if quat is None else quat[keep], block.acc_sensor_mps2[keep], None if gyr is None else gyr[keep],
    )  # fmt: skip

"""The person who listens: does what is asked, after a human pause, and the past never changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorsoma.messages import (
    Cue,
    Placement,
    SensorMoved,
    SessionContinued,
    SessionPaused,
    StepClosed,
    StepStarted,
)  # fmt: skip
from sensorsoma.simulate import Difficulties, LivePerson

Script = list[tuple[float, Any]]


def started(t_s: float, do: Any, side: Any = None, *, continues: bool = False, pose: Any = None, **asked: Any) -> Any:
    """A step as the coach announces it."""
    return t_s, StepStarted(t_s, f"{do}-{t_s}", 0, 9, do, do, side, continues, pose, asked)


def closed(t_s: float, *, goes_on: bool = False) -> Any:
    """A step as the coach leaves it."""
    return t_s, StepClosed(t_s, "step", 0, goes_on)


def cue(t_s: float, key: str) -> Any:
    """Something said."""
    return t_s, Cue(1, t_s, key, "say", "...", 1.0)


EVENING: Script = [
    started(1, "stillness", pose="straight", seconds=20),
    closed(16), started(16, "knee_fall", "right", pose="knee_up"), cue(26, "knee_fall.fall"),
    closed(42, goes_on=True), started(42, "rest", "right", continues=True),
    closed(70, goes_on=True), started(70, "leg_slide", "right", continues=True),
    closed(82, goes_on=True), started(82, "stillness", "right", continues=True),
    closed(100), started(100, "pelvic_rock", reps=3),
    closed(135), started(135, "pelvic_hold", seconds=10),
    closed(152), started(152, "rest"),
    closed(160), started(160, "roll_over", "right"),
    closed(175), started(175, "clamshell", "right", reps=4),
    closed(215), started(215, "leg_back", "right"), cue(228, "leg_back.back"),
    closed(250), started(250, "rest", "right"),
    closed(262), started(262, "rocking"),
    closed(285), started(285, "roll_over"),
    closed(300), started(300, "free"), cue(306, "move_sensor.start"), closed(315),
]  # fmt: skip


def live(person: LivePerson, channels: tuple[Placement, ...], step_s: float, until_s: float = 320.0) -> Any:
    """Feed the evening while reading in pieces of `step_s`; gives all samples by channel."""
    pending = list(EVENING)
    devices = {channel: person.device(channel, 52.0) for channel in channels}
    read: dict[str, list[Any]] = {channel: [] for channel in channels}
    now_s = 0.0
    while now_s < until_s:
        now_s = min(now_s + step_s, pending[0][0] if pending else until_s)
        while pending and pending[0][0] <= now_s:
            person.hear(*pending.pop(0))
        for channel, device in devices.items():
            piece = device.read(now_s)
            read[channel].append(np.hstack((piece.device_t_s[:, None], piece.acc_sensor_mps2, piece.gyr_sensor_radps)))
    return {channel: np.concatenate(pieces) for channel, pieces in read.items()}


def test_a_whole_evening_is_done_as_asked() -> None:
    """Every step finds its movement, in order, with the numbers that were asked for."""
    person = LivePerson(4, shaking=True)
    live(person, ("right-thigh", "pelvis"), 0.25)
    fall = person.truth.of("knee_fall", "right")[0].fall
    assert fall is not None
    assert fall.fall_start_s is not None
    assert fall.fall_start_s > 26.8
    assert fall.sink_deg is not None
    assert 0.5 < fall.sink_deg < 9
    assert fall.slide_end_s is not None
    assert fall.openness_kept_share is not None
    assert fall.residual_deg is not None
    assert person.truth.of("pelvic_rock")[0].count == 3
    hold = person.truth.of("pelvic_hold")[0]
    assert hold.hold_s is not None
    assert 8 < hold.hold_s < 18
    assert hold.tremor is not None
    assert person.truth.of("clamshell", "right")[0].count in (4, 5)  # one more when the coach is slow to go on
    assert "back_swing_deg" in person.truth.of("leg_back")[0].values
    assert "duration_s" in person.truth.of("rocking")[0].values
    assert [p.posture for p in person.truth.postures] == ["supine", "right_up", "supine"]
    assert all(stretch.end_s is not None for stretch in person.truth.stretches)


@pytest.mark.parametrize("step_s", [0.02, 0.31])
def test_any_cut_of_reading_gives_the_same_samples_and_truth(step_s: float) -> None:
    """Reading in crumbs or in large pieces changes neither samples nor truth."""
    one, other = LivePerson(5), LivePerson(5)
    channels: tuple[Placement, ...] = ("right-thigh", "belly")
    expected, found = live(one, channels, 0.1), live(other, channels, step_s)
    for channel in channels:
        n = min(len(expected[channel]), len(found[channel]))
        np.testing.assert_allclose(found[channel][:n], expected[channel][:n], atol=1e-9)
    assert one.truth.to_json() == other.truth.to_json()


def test_nothing_moves_before_a_human_reaction_time() -> None:
    """Between the announcement of a step and 0.6 s later the samples are those of a person who heard nothing."""
    still, told = LivePerson(6, Difficulties.none()), LivePerson(6, Difficulties.none())
    t_s = np.arange(5.0, 5.6, 0.01)
    for person in (still, told):
        person.samples("left-thigh", np.arange(0, 5.0, 0.01))
    told.hear(*started(5.0, "knee_fall", "left", pose="knee_up"))
    np.testing.assert_array_equal(told.samples("left-thigh", t_s)[0], still.samples("left-thigh", t_s)[0])


def test_messages_may_come_as_json() -> None:
    """The JSON of a message does what the message does."""
    one, other = LivePerson(7), LivePerson(7)
    one.hear(*started(2.0, "clamshell", "left", reps=2))
    other.hear(2.0, {"type": "StepStarted", "t_s": 2.0, "step_id": "clamshell-2.0", "do": "clamshell", "side": "left",
                     "continues": False, "pose": None, "asked": {"reps": 2}})  # fmt: skip
    t_s = np.arange(0, 40, 0.05)
    np.testing.assert_array_equal(one.samples("left-thigh", t_s)[0], other.samples("left-thigh", t_s)[0])
    assert one.truth.of("clamshell")[0].count >= 2


def test_a_moved_sensor_reads_the_other_thigh() -> None:
    """After SensorMoved the channel shows the other leg's movement, strapped on anew."""
    person = LivePerson(8, Difficulties(noise=False, cough=False, fidgets=False))
    person.samples("right-thigh", np.arange(0, 3, 0.01))
    person.hear(3.0, SensorMoved(3.0, "right-thigh", "left-thigh"))
    person.samples("right-thigh", np.arange(3, 8, 0.01))
    person.hear(*started(8.0, "knee_fall", "left", pose="knee_up"))
    acc, _ = person.samples("right-thigh", np.arange(8, 16, 0.01))
    up = acc / np.linalg.norm(acc, axis=1, keepdims=True)
    assert np.degrees(np.arccos(np.clip(up[0] @ up[-1], -1, 1))) > 25


def test_without_an_answer_one_more_repetition_comes() -> None:
    """Somebody whose count was missed does another one after a while instead of waiting for ever."""
    person = LivePerson(9, Difficulties.none())
    person.hear(*started(1.0, "clamshell", "right", reps=2))
    person.samples("right-thigh", np.arange(0, 60, 0.1))
    assert person.truth.of("clamshell")[0].count > 2


def test_a_message_that_comes_late_changes_nothing_that_was_read() -> None:
    """When reading is already ahead of the message, the movement begins after what was read, without a jump."""
    person = LivePerson(10, Difficulties.none())
    first, _ = person.samples("right-thigh", np.arange(0, 12, 0.01))
    person.hear(*started(9.0, "knee_fall", "right", pose="knee_up"))
    after, _ = person.samples("right-thigh", np.arange(12, 20, 0.01))
    assert np.linalg.norm(after[0] - first[-1]) < 0.02
    assert np.linalg.norm(after[-1] - first[-1]) > 3


def test_a_step_left_before_its_cue_is_left_undone() -> None:
    """Without the word to let the knee fall, the next step begins from the raised knee."""
    person = LivePerson(11, Difficulties.none())
    person.hear(*started(1.0, "knee_fall", "right", pose="knee_up"))
    person.advance(14.0)
    person.hear(*closed(14.0))
    person.hear(*started(14.0, "leg_slide", seconds=10))
    person.advance(30.0)
    fall = person.truth.stretches[0].fall
    assert fall is not None
    assert fall.fall_start_s is None
    assert person.person.leg_pose["right"] == "straight"


def test_a_pause_stops_the_set_and_it_goes_on_afterwards() -> None:
    """No repetition begins while the session is paused."""
    person = LivePerson(12, Difficulties.none())
    person.hear(*started(1.0, "clamshell", "left", reps=6))
    person.advance(24.0)
    person.hear(24.0, SessionPaused(24.0))
    before = len(person.truth.stretches[0].reps)
    person.advance(60.0)
    during = len(person.truth.stretches[0].reps)
    person.hear(60.0, SessionContinued(60.0))
    person.advance(90.0)
    assert during <= before + 1
    assert person.truth.stretches[0].count >= 6
    assert not any(28 < rep.start_s < 60 for rep in person.truth.stretches[0].reps)


def test_the_only_thigh_sensor_changes_legs_when_the_coach_says_so() -> None:
    """After the cue to move the sensor its channel sits on the other thigh."""
    person = LivePerson(13)
    person.samples("right-thigh", np.arange(0, 3, 0.02))
    person.hear(*cue(3.0, "move_sensor.start"))
    assert person.worn("right-thigh").placement == "left-thigh"
    acc, gyr = person.samples("right-thigh", np.arange(3, 15, 0.02))
    assert np.abs(gyr).max() > 0.5
    assert np.linalg.norm(acc[-1]) == pytest.approx(9.8, abs=0.6)

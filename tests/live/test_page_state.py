"""What the page is told: the same facts as on the terminal, and nothing that is not known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from live.page_session import CLAMSHELL, REST, SAID, SEARCHING, SNAPSHOT, STREAMING, angle, at, rep

from sensorsoma.live.page.state import comfort_due, state_of
from sensorsoma.live.view import View
from sensorsoma.messages import (
    BreathPhase,
    BreathTurned,
    CueFinished,
    HoldEnded,
    HoldReached,
    Message,
    SensorFellOff,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    StepStarted,
    UserMark,
)

HOLD = StepStarted(10.0, "hold", 4, 12, "Hold the flatten", "pelvic_hold", None, False, None, {"seconds": 15.0})


def shown(*messages: Message) -> dict[str, Any]:
    """The state after these messages."""
    view = View()
    for message in messages:
        view.take(message)
    return state_of(view, "none", comfort_due(view))


def breath(phase: BreathPhase, t_s: float) -> BreathTurned:
    """A turn that the thigh saw weakly."""
    return BreathTurned(t_s, t_s + 1.0, "right-thigh", "right-thigh", phase, is_weak=True)


def picked(state: dict[str, Any], *names: str) -> tuple[Any, ...]:
    """Some of its values."""
    return tuple(state[name] for name in names)


def test_before_the_beginning_the_sensor_is_looked_for_and_all_else_is_unknown() -> None:
    """Nothing is 0 that was not measured."""
    state = shown(SEARCHING)
    assert picked(state, "phase", "step", "count", "angle_deg", "ring") == ("before", None, None, None, None)
    assert picked(state, "breaths", "hold_s", "asks_comfort", "is_simulated") == (None, None, "before", True)
    assert state["sensors"] == [
        {"channel": "right-thigh", "state": "searching", "words": "looking for it", "battery_percent": None}
    ]


def test_a_set_is_counted_against_what_is_asked() -> None:
    """Step n of m, count, ring and the angle of the moving limb."""
    state = shown(SNAPSHOT, STREAMING, CLAMSHELL, SAID, rep(1, 4.0), rep(2, 8.0), angle(31.23))
    assert state["step"] == {"index": 3, "of": 12, "title": "Clamshell, right", "do": "clamshell", "side": "right"}
    assert picked(state, "count", "asked_reps", "ring", "angle_deg") == (2, 8, 0.25, 31.2)
    assert picked(state, "sentence", "phase") == ("Open the knee, slowly.", "practice")


def test_reps_that_nothing_worn_sees_well_are_not_counted_as_none() -> None:
    """A thigh alone sees pelvic rocking weakly: no number is shown for it, least of all 0."""
    rocking = replace(CLAMSHELL, do="pelvic_rock", side=None)
    state = shown(SNAPSHOT, rocking, replace(rep(1, 4.0), exercise="pelvic_rock", side=None))
    assert picked(state, "count", "ring", "asked_reps") == (None, None, 8)


def test_a_sensor_that_came_off_says_so_and_counts_nothing_more() -> None:
    """It still streams, from the mattress; the set of its leg has no number then, and no 0."""
    state = shown(SNAPSHOT, STREAMING, SensorFellOff(9.0, "right-thigh", "right-thigh"), STREAMING, CLAMSHELL)
    assert [sensor["words"] for sensor in state["sensors"]] == ["came off"]
    assert picked(state, "count", "ring") == (None, None)


def test_breaths_count_from_the_end_of_the_words_as_the_coach_counts_them() -> None:
    """A breath is whole when the next one begins; until one is seen, the ring follows the time that is planned."""
    begun = [SNAPSHOT, REST, replace(SAID, cue_id=5), breath("exhale", 3.0), at(6.0), CueFinished(6_000_000_000, 5)]
    assert picked(shown(*begun, at(12.0)), "breaths", "ring", "asked_s") == (None, 0.1, None)
    turns = [breath("inhale", 7.0), breath("exhale", 9.0), breath("inhale", 12.0), breath("exhale", 14.0)]
    assert picked(shown(*begun, *turns), "breaths", "asked_breaths", "ring") == (1, 6, round(1 / 6, 3))


HOLD_SAID = [SNAPSHOT, HOLD, replace(SAID, cue_id=7), CueFinished(15_000_000_000, 7)]


def hold_reached(t_s: float) -> HoldReached:
    """The back is pressed down."""
    return HoldReached(t_s, t_s + 1.0, "pelvic_hold", None)


def let_go(t_s: float, hold_s: float) -> HoldEnded:
    """... and let go."""
    return HoldEnded(t_s, t_s + 1.0, "pelvic_hold", None, hold_s)


def test_a_hold_runs_with_the_time_and_stands_still_in_a_pause() -> None:
    """Seconds held, against those asked; a hold that was let go keeps its length."""
    held = [*HOLD_SAID, hold_reached(16.0), at(22.0)]
    assert picked(shown(*held), "hold_s", "asked_s", "ring") == (6.0, 15.0, 0.4)
    paused = [*held, SessionPaused(22.0), at(44.0)]
    assert picked(shown(*paused), "hold_s", "phase") == (6.0, "paused")
    assert picked(shown(*paused, SessionContinued(44.0), at(47.0)), "hold_s", "phase") == (9.0, "practice")
    assert shown(*held, let_go(23.0, 7.0), at(30.0))["hold_s"] == 7.0
    assert shown(*held, let_go(17.0, 1.0), at(30.0))["hold_s"] is None


def test_a_flattening_left_over_from_rocking_is_not_the_hold() -> None:
    """It counts from the end of the words, and let go with them it was none; as the coach has it."""
    left_over = [SNAPSHOT, HOLD, hold_reached(10.5), replace(SAID, cue_id=7), at(14.0)]
    assert picked(shown(*left_over), "hold_s", "ring") == (None, 0.0)
    words_over = [*left_over, CueFinished(15_000_000_000, 7)]
    assert shown(*words_over, at(18.0))["hold_s"] == 3.0
    assert picked(shown(*words_over, let_go(16.0, 5.5), at(18.0)), "hold_s", "ring") == (None, 0.0)


def test_a_repeat_begins_to_count_anew_within_the_same_stretch() -> None:
    """Breaths of the first time do not fill the ring of the second."""
    state = shown(
        SNAPSHOT, replace(REST, continues=True), replace(SAID, cue_id=5), CueFinished(6_000_000_000, 5),
        breath("inhale", 7.0), breath("exhale", 9.0), breath("inhale", 12.0), UserMark(0, "repeat"),
    )  # fmt: skip
    assert picked(state, "breaths", "ring") == (None, 0.0)


def test_comfort_is_asked_before_and_from_the_last_step_on_and_not_twice() -> None:
    """A number that was given is shown; in between nothing is asked."""
    assert shown(SNAPSHOT, CLAMSHELL)["asks_comfort"] is None
    last = [SNAPSHOT, replace(CLAMSHELL, index=11)]
    assert shown(*last)["asks_comfort"] == "after"
    answered = shown(
        UserMark(0, "comfort", "before 6"), *last, UserMark(0, "comfort", "after 3"), SessionEnded(9, "plan")
    )
    assert picked(answered, "asks_comfort", "comfort", "phase") == (None, {"before": 6, "after": 3}, "over")

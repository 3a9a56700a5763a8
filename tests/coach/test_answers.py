"""What the person asks for, by key or by tap, at any moment; and what is offered to somebody who does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from sensorsoma.coach.order import one_sensor_order
from sensorsoma.coach.plan import load_plan, plan_from_json
from sensorsoma.messages import (
    Cue,
    DeviceInfo,
    DoubleTapped,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    StepClosed,
    StepFinished,
    StepStarted,
)  # fmt: skip

ALL = ("right-thigh", "left-thigh", "pelvis")
TAPS = {"has_taps": True}


def tap(person: Any, ago_s: float = 0.5, place: Any = "right-thigh") -> None:
    """Two taps that are known half a second later."""
    person.give(DoubleTapped(person.t_s - ago_s, person.t_s, place, place))


def started(person: Any) -> list[str]:
    """Steps that have begun."""
    return [output.step_id for output in person.of(StepStarted)]


def until(person: Any, step_id: str, more_s: float = 0.0) -> Any:
    """Practises until a step has begun, and some more."""
    while step_id not in started(person):
        person.run(person.t_s + 0.1)
        assert person.t_s < 3000
    return person.run(person.t_s + more_s)


def test_a_double_tap_means_next_and_cuts_in(paper_person: Any) -> None:
    """In the middle of the words of a step the next one begins at once, with its own words."""
    person = until(paper_person(load_plan("soft-hips"), ALL), "constructive-rest", 3.0)
    tap(person)
    assert started(person)[-1] == "belly-breathing"
    assert person.of(Cue)[-1].key == "breathing.start"
    assert person.of(Cue)[-1].is_interrupting


def test_a_double_tap_skips_the_welcome(paper_person: Any) -> None:
    """Whoever knows the welcome begins at once."""
    person = paper_person(load_plan("soft-hips"), ALL).run(2.0)
    tap(person)
    person.run(2.2)
    assert started(person) == ["constructive-rest"]
    assert person.of(Cue)[-1].is_interrupting


def test_a_double_tap_answers_a_pause(paper_person: Any) -> None:
    """While paused it goes on within the same step."""
    person = until(paper_person(load_plan("soft-hips"), ALL), "belly-breathing", 5.0)
    person.mark("pause")
    person.run(person.t_s + 30.0)
    tap(person)
    assert len(person.of(SessionContinued)) == 1
    assert started(person)[-1] == "belly-breathing"


def test_a_double_tap_that_comes_as_a_step_ends_skips_no_other(paper_person: Any) -> None:
    """Meant for the step that had just ended by itself, it is taken as fulfilled; a second later it counts."""
    person = until(paper_person(load_plan("soft-hips"), ALL), "belly-breathing", 1.0)
    tap(person, ago_s=0.6)
    assert started(person)[-1] == "belly-breathing"
    person.run(person.t_s + 1.0)
    tap(person)
    assert started(person)[-1] == "legs-straight"
    tap(person, ago_s=0.0)
    assert started(person)[-1] == "right-fall", "a step that was asked for has no such second"


def test_the_moved_sensor_is_confirmed_by_a_tap_but_not_by_strapping_it(paper_person: Any) -> None:
    """Knocks within the first ten seconds are the strap; then a double tap says that it sits."""
    plan = one_sensor_order(load_plan("hips-check"), "right-thigh")
    person = until(paper_person(plan, ("right-thigh",), settings=TAPS, presses_next_after_s=0.0), "move-sensor", 6.0)
    said = person.of(Cue)[-1].text
    assert "tap it twice" in said
    tap(person)
    assert not person.of(SensorMoved)
    person.run(person.t_s + 10.0)
    tap(person)
    assert person.of(SensorMoved)[0].placement == "left-thigh"


def test_a_phone_that_was_put_aside_is_not_heard_tapping(paper_person: Any) -> None:
    """What lies beside the bed may be knocked as it likes."""
    person = until(paper_person(load_plan("hips-and-core"), ("belly", "right-thigh")), "right-clamshells", 5.0)
    tap(person, place="belly")
    assert started(person)[-1] == "right-clamshells"


@pytest.mark.parametrize("after_s", [2.0, 12.0, 100.0])
@pytest.mark.parametrize("before", [(), ("pause",)])
def test_stop_ends_it_wherever_it_is(paper_person: Any, after_s: float, before: tuple[str, ...]) -> None:
    """During the welcome, in the words of a step, in a rest, paused or not: one sentence, and the session has ended."""
    person = paper_person(load_plan("hips-and-core"), ALL).run(after_s)
    for kind in before:
        person.mark(kind)
    person.mark("stop")
    assert person.of(Cue)[-1].key == "stopped"
    assert person.of(Cue)[-1].is_interrupting
    person.run(person.t_s + 10.0)
    assert person.of(SessionEnded)[0].ended_by == "person"
    assert len(person.of(StepFinished)) == len(person.of(StepStarted)) == len(person.of(StepClosed))


def test_stop_works_while_the_sensor_is_moved_and_while_the_end_is_spoken(paper_person: Any) -> None:
    """With a strap in one's hands, and in the last words, which then end at once."""
    plan = one_sensor_order(load_plan("hips-check"), "right-thigh")
    person = until(paper_person(plan, ("right-thigh",), presses_next_after_s=0.0), "move-sensor", 2.0)
    person.mark("stop")
    assert person.run(person.t_s + 10.0).of(SessionEnded)
    person = paper_person(load_plan("short"), ALL)
    while not any(cue.key == "end" for cue in person.of(Cue)):
        person.run(person.t_s + 0.1)
    person.mark("stop")
    assert person.of(SessionEnded)[0].ended_by == "plan"


def test_pause_works_in_the_welcome_and_in_the_last_words(paper_person: Any) -> None:
    """Nothing goes on until one says so, and then it goes on where it was."""
    person = paper_person(load_plan("short"), ALL).run(3.0)
    person.mark("pause")
    person.run(60.0)
    assert started(person) == []
    person.mark("resume")
    assert started(person.run(70.0)) == ["settle"]
    while not any(cue.key == "end" for cue in person.of(Cue)):
        person.run(person.t_s + 0.1)
    person.mark("pause")
    assert not person.run(person.t_s + 60.0).of(SessionEnded)
    person.mark("resume")
    assert person.run(person.t_s + 10.0).of(SessionEnded)


def test_a_number_is_noted_in_a_quiet_moment_only(paper_person: Any) -> None:
    """Eyes closed, one hears that the key was understood; over other words nothing is said."""
    person = until(paper_person(load_plan("soft-hips"), ALL), "belly-breathing", 2.0)
    person.mark("comfort")
    person.run(person.t_s + 20.0)
    assert not [cue for cue in person.of(Cue) if cue.key == "noted"]
    person.mark("comfort")
    assert person.of(Cue)[-1].text == "Noted."


# ------------------------------------------------------------------------------------------------- nothing happens


def test_a_movement_that_does_not_begin_is_offered_once_and_says_how_to_pass_on(paper_person: Any) -> None:
    """One offer, with the tap where one is felt; then silence for as long as it takes."""
    skips = frozenset({"right-fall"})
    person = paper_person(load_plan("short"), ALL, skips=skips, settings=TAPS)
    until(person, "right-fall", 40.0 * 60.0)
    start = person.of(StepStarted)[-1].t_s
    keys = [cue.key for cue in person.of(Cue) if cue.t_s >= start]
    assert keys[:2] == ["knee_fall.start", "again"]
    offer = next(cue for cue in person.of(Cue) if cue.key == "again")
    assert offer.text.startswith("Whenever you are ready")
    assert offer.text.endswith("Or tap the sensor twice, and we move on.")
    assert len(keys) <= 4, "the fall may be invited and offered; nothing else"
    person.mark("next")
    assert started(person)[-1] == "right-rest"


@pytest.mark.parametrize(("worn", "settings"), [(ALL, {}), (("belly",), TAPS)])
def test_a_tap_is_only_offered_where_it_would_be_felt(paper_person: Any, worn: Any, settings: Any) -> None:
    """With taps off, or with nothing but a phone on the belly, nobody is told to tap."""
    person = paper_person(load_plan("short"), worn, settings=settings, skips=frozenset({"right-clamshells"})).run(
        1500.0
    )
    assert not [cue.text for cue in person.of(Cue) if "tap" in cue.text.lower()]


def test_open_steps_never_nag_and_never_end(paper_person: Any) -> None:
    """A whole night in the long rest: not a word, and it is still there."""
    person = paper_person(load_plan("soft-hips"), ALL, presses_next_after_s=0.0)
    until(person, "long-rest", 30.0)
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 3.0 * 3600.0)
    assert len(person.of(Cue)) == n_cues
    assert person.coach.run.step.id == "long-rest"


def test_somebody_who_has_fallen_asleep_is_let_sleep(paper_person: Any) -> None:
    """A step that waits for a movement is ended after three quarters of an hour, without a word, and truthfully."""
    person = paper_person(load_plan("hips-and-core"), ALL, skips=frozenset({"onto-left-side", "right-clamshells"}))
    until(person, "onto-left-side", 60.0)
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 50.0 * 60.0)
    assert len(person.of(Cue)) == n_cues
    asleep = person.finished("onto-left-side")
    assert (asleep.ended_by, asleep.is_measured, asleep.done) == ("stop", False, {"event": None})
    assert asleep.end_s - asleep.start_s == pytest.approx(45.0 * 60.0, abs=1.0)
    assert person.of(SessionEnded)[0].ended_by == "person"


def test_an_hour_that_the_plan_asks_for_is_no_sleep(paper_person: Any) -> None:
    """A timed step ends by its own time, however long."""
    steps = [{"id": "rest", "title": "Rest", "do": "rest", "seconds": 3600}]
    plan = plan_from_json({"schema_version": 1, "name": "hour", "title": "Hour", "steps": steps})
    assert paper_person(plan, ALL).run(3700.0).finished("rest").ended_by == "seconds"


# --------------------------------------------------------------------------------------------------- quiet sessions


def test_a_quiet_session_is_marked_by_taps_keys_and_movement(paper_person: Any) -> None:
    """Beside one's own audio guide nothing is said; taps and keys go on, and so do the fall and the slide."""
    person = paper_person(load_plan("soft-hips"), ALL, settings={"is_quiet": True} | TAPS).run(20.0)
    tap(person)
    person.run(40.0)
    person.mark("next")
    person.run(60.0)
    tap(person)
    person.run(70.0)
    for phase in ("knee_up", "falling", "arrived"):
        person.give(person._phase(phase))
        person.run(person.t_s + 4.0)
    assert started(person)[-1] == "right-rest"
    person.give(person._phase("sliding"))
    person.run(person.t_s + 3.0)
    person.give(person._phase("straight"))
    person.run(person.t_s + 0.5)
    assert started(person)[-1] == "right-settle"
    person.mark("next")
    assert person.finished("right-fall").done["arrival_deg"] == 52.0
    assert person.of(Cue) == []


# ------------------------------------------------------------------------------------------------------- batteries


def test_a_low_battery_is_spoken_of_once_between_two_steps(paper_person: Any) -> None:
    """Not in the middle of a rest, not twice, and not at all while it is full."""
    person = until(paper_person(load_plan("soft-hips"), ALL), "belly-breathing", 20.0)
    n_cues = len(person.of(Cue))
    person.give(DeviceInfo(person.ns(), "right-thigh", battery_percent=40))
    person.give(DeviceInfo(person.ns(), "right-thigh", battery_percent=9))
    person.run(person.t_s + 5.0)
    assert len(person.of(Cue)) == n_cues
    until(person, "legs-straight")
    person.give(DeviceInfo(person.ns(), "right-thigh", battery_percent=8))
    person.run()
    keys = [cue.key for cue in person.of(Cue)]
    assert keys.count("low_battery") == 1
    assert keys[keys.index("low_battery") + 1] == "leg_slide.start"


def test_an_open_step_says_once_how_it_ends(paper_person: Any) -> None:
    """Where a tap is felt the opening words tell of it, and nothing follows."""
    person = paper_person(load_plan("soft-hips"), ALL, settings=TAPS, presses_next_after_s=0.0)
    until(person, "long-rest", 600.0)
    start = person.of(StepStarted)[-1].t_s
    (said,) = [cue.text for cue in person.of(Cue) if cue.t_s >= start]
    assert said.endswith("Tap the sensor twice when you have rested enough.")

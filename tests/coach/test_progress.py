"""The coach through whole practices: steps in order, ends, marks, links, and what was done beside what was asked."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sensorsoma.coach.order import one_sensor_order
from sensorsoma.coach.plan import BUNDLED, load_plan
from sensorsoma.messages import (
    Cue,
    Placement,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    StepClosed,
    StepFinished,
    StepStarted,
    StreamInterrupted,
    StreamResumed,
)  # fmt: skip

ALL: tuple[Placement, ...] = ("right-thigh", "left-thigh", "pelvis")
GOLDEN = Path(__file__).parent / "golden" / "hips-and-core.txt"


def _keys(person: Any) -> list[str]:
    return [cue.key for cue in person.of(Cue)]


def _until(person: Any, step_id: str) -> Any:
    """Practises until a step has begun."""
    while not any(started.step_id == step_id for started in person.of(StepStarted)):
        person.run(person.t_s + 0.5)
        assert person.t_s < 3000
    return person


def _sentences_in_any_minute(cues: Sequence[Cue], steps: Sequence[StepStarted]) -> int:
    """Most sentences within 60 s of one step, counts apart."""
    most = 0
    for start, end in itertools.pairwise([*(step.t_s for step in steps), 1e9]):
        said = [cue for cue in cues if cue.kind == "say" and start <= cue.t_s < end and cue.key != "end"]
        for first in said:
            within = [cue for cue in said if first.t_s <= cue.t_s < first.t_s + 60.0]
            most = max(most, sum(len(re.findall(r"[.?!]", cue.text)) for cue in within))
    return most


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("worn", [ALL, ("pelvis",), ("belly", "right-thigh"), ()])
def test_a_practice_runs_to_its_end(name: str, worn: tuple[Placement, ...], paper_person: Any) -> None:
    """Every step starts, closes and finishes once, in order; cues never overlap; at most six sentences a minute."""
    plan = load_plan(name)
    person = paper_person(plan, worn).run()
    ids = [step.id for step in plan.steps]
    assert [o.step_id for o in person.of(StepStarted)] == ids
    assert [o.step_id for o in person.of(StepClosed)] == ids
    assert [o.step_id for o in person.of(StepFinished)] == ids
    assert person.of(SessionEnded)[0].ended_by == "plan"
    assert person.out[-1] == person.of(SessionEnded)[0]
    cues = person.of(Cue)
    assert [cue.cue_id for cue in cues] == list(range(1, len(cues) + 1))
    for before, after in itertools.pairwise(cues):
        assert after.is_interrupting or after.t_s >= before.t_s + before.length_s - 0.01
    assert _sentences_in_any_minute(cues, person.of(StepStarted)) <= 6
    for finished in person.of(StepFinished):
        assert finished.asked.keys() <= {*finished.done, "open", "moves_sensor_to"}


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize(
    "habits",
    [
        {"rep_s": 2.3},
        {"rep_s": 9.0, "shakes_at_rep": 2},
        {"rep_s": 2.0, "presses_next_after_s": 4.0},
        {"skips": frozenset({"right-fall", "right-clamshells", "rocking-pelvis", "onto-left-side", "left-slide"})},
    ],
    ids=["hasty", "slow", "hastier", "does not begin"],
)
def test_it_stays_quiet_with_anybody(name: str, habits: dict[str, Any], paper_person: Any) -> None:
    """Six sentences a minute at most in any step, nothing overlaps, and no sentence comes twice in a step."""
    person = paper_person(load_plan(name), ALL, settings={"has_taps": True}, **habits).run(1500.0)
    cues, steps = person.of(Cue), person.of(StepStarted)
    assert _sentences_in_any_minute(cues, steps) <= 6
    for before, after in itertools.pairwise(cues):
        assert after.is_interrupting or after.t_s >= before.t_s + before.length_s - 0.01
    for start, end in itertools.pairwise([*(step.t_s for step in steps), 1e9]):
        said = [cue.text for cue in cues if cue.kind == "say" and start <= cue.t_s < end and "slower" not in cue.key]
        assert len(said) == len(set(said))


def test_with_all_sensors_everything_is_measured(paper_person: Any) -> None:
    """Both thighs and the pelvis see the whole of hips-and-core, and the steps end as the plan asks."""
    person = paper_person(load_plan("hips-and-core"), ALL).run()
    assert all(finished.is_measured for finished in person.of(StepFinished))
    by_id = {finished.step_id: finished for finished in person.of(StepFinished)}
    ends = {id_: finished.ended_by for id_, finished in by_id.items()}
    assert (ends["right-fall"], ends["right-rest"], ends["right-slide"]) == ("event", "timed", "event")
    assert (ends["right-clamshells"], ends["rocking-pelvis"], ends["flatten-hold"]) == ("reps", "reps", "seconds")
    assert (ends["onto-left-side"], ends["rocking"], ends["end"]) == ("event", "seconds", "person")
    assert by_id["right-fall"].done["arrival_deg"] == 52.0
    assert by_id["right-rest"].done["sink_deg"] == 5.0
    assert by_id["right-slide"].done["openness_kept_share"] == 0.9
    assert by_id["right-settle"].done["residual_deg"] == 2.0
    assert by_id["left-clamshells"].done["reps"] == 8
    assert by_id["flatten-hold"].done["seconds"] == 15.2


def test_without_sensors_nothing_is_measured(paper_person: Any) -> None:
    """Everything is guided by time, and every value reads None."""
    person = paper_person(load_plan("soft-hips"), ()).run()
    for finished in person.of(StepFinished):
        assert not finished.is_measured
        assert finished.ended_by in ("timed", "person")
        assert set(finished.done.values()) == {None}
    assert _keys(person).count("knee_fall.fall") == 2


def test_a_thigh_alone_does_not_count_the_pelvis_aloud(paper_person: Any) -> None:
    """Pelvic rocking seen from the thigh is guided by time, never counted aloud, and marked weak."""
    person = paper_person(load_plan("short"), ("right-thigh",)).run()
    rocking = person.finished("rocking-pelvis")
    assert (rocking.ended_by, rocking.done["weak"]) == ("timed", True)
    counted = [cue.t_s for cue in person.of(Cue) if cue.key == "count"]
    assert len(counted) == 5
    assert min(counted) > rocking.end_s


def test_one_sensor_for_two_legs(paper_person: Any) -> None:
    """The sensor moves once, after the person has said so, and both legs are measured."""
    person = paper_person(one_sensor_order(load_plan("hips-and-core"), "right-thigh"), ("right-thigh",))
    _until(person, "move-sensor")
    assert not person.of(SensorMoved)
    person.sits = {"left-thigh"}
    person.run()
    (moved,) = person.of(SensorMoved)
    assert (moved.channel, moved.placement) == ("right-thigh", "left-thigh")
    measured = {f.step_id for f in person.of(StepFinished) if f.is_measured}
    assert {"right-fall", "left-fall", "right-clamshells", "left-clamshells"} <= measured
    assert "move_sensor" in _keys(person)


def test_the_fall_is_invited_once_the_knee_is_up_and_still(paper_person: Any) -> None:
    """`knee_fall.fall` comes after the pose was taken, and nothing is said until the knee has arrived."""
    person = paper_person(load_plan("hips-and-core"), ALL).run()
    start = next(o.t_s for o in person.of(StepStarted) if o.step_id == "right-fall")
    fall = next(cue for cue in person.of(Cue) if cue.key == "knee_fall.fall")
    rest = next(o.t_s for o in person.of(StepStarted) if o.step_id == "right-rest")
    assert fall.t_s >= start + 8.0
    assert not [cue for cue in person.of(Cue) if fall.t_s < cue.t_s < rest]


def test_shaking_is_greeted_once(paper_person: Any) -> None:
    """However often shaking begins, it is welcomed once."""
    assert _keys(paper_person(load_plan("hips-and-core"), ALL).run()).count("shaking") == 1


def test_reps_are_counted_as_the_plan_says(paper_person: Any) -> None:
    """Every repetition of the clamshells is counted on its return, in order."""
    person = paper_person(load_plan("short"), ALL, shakes_at_rep=0).run()
    step = next(o for o in person.of(StepStarted) if o.step_id == "right-clamshells")
    said = [cue.text for cue in person.of(Cue) if cue.key == "count" and cue.t_s > step.t_s]
    assert said == ["One.", "Two.", "Three.", "Four.", "Five."]


def test_a_movement_that_does_not_begin_is_offered_once_more(paper_person: Any) -> None:
    """The coach asks again once, then waits in silence until the person goes on."""
    person = paper_person(load_plan("short"), ALL, skips=frozenset({"right-clamshells"}))
    _until(person, "right-clamshells").run(person.t_s + 300.0)
    assert _keys(person)[-1] == "again"
    assert _keys(person).count("again") == 1
    assert person.coach.run.step.id == "right-clamshells"
    person.mark("next")
    done = person.finished("right-clamshells")
    assert done.ended_by == "person"


def test_an_open_step_never_ends_by_itself(paper_person: Any) -> None:
    """A long rest goes on for as long as the person likes, without a word."""
    person = paper_person(load_plan("soft-hips"), ALL, presses_next_after_s=0)
    _until(person, "long-rest").run(person.t_s + 1200.0)
    assert not person.of(SessionEnded)
    assert person.of(Cue)[-1].key == "long_rest.start"


def test_a_hold_ends_even_when_no_sensor_notices_it(paper_person: Any) -> None:
    """Nobody is left holding in the dark."""
    person = paper_person(load_plan("short"), ALL, skips=frozenset({"flatten-hold"})).run()
    hold = person.finished("flatten-hold")
    assert hold.ended_by == "timed"
    assert hold.end_s - hold.start_s < 35.0


def test_a_pause_stops_the_clock_of_the_step(paper_person: Any) -> None:
    """A minute's pause makes a timed step a minute longer, and only the pause is spoken of."""
    plain = paper_person(load_plan("short"), ALL).run().finished("settle")
    person = paper_person(load_plan("short"), ALL)
    _until(person, "settle").run(person.t_s + 18.0)
    person.mark("pause")
    n_cues = len(person.of(Cue))
    person.run(person.t_s + 60.0)
    assert len(person.of(Cue)) == n_cues
    person.mark("resume")
    person.run()
    paused = person.finished("settle")
    assert paused.end_s - paused.start_s == pytest.approx(plain.end_s - plain.start_s + 60.0, abs=0.3)
    assert (len(person.of(SessionPaused)), len(person.of(SessionContinued))) == (1, 1)
    assert person.of(Cue)[n_cues - 1].is_interrupting


def test_next_back_and_repeat(paper_person: Any) -> None:
    """Next goes on, back returns to the head of the stretch before, repeat begins the step again."""
    person = paper_person(load_plan("hips-and-core"), ALL)
    _until(person, "right-fall")
    person.mark("next")
    person.mark("back")
    person.run(person.t_s + 1.0)
    person.mark("repeat")
    person.run(person.t_s + 1.0)
    assert [o.step_id for o in person.of(StepStarted)] == [
        "settle",
        "right-fall",
        "right-rest",
        "right-fall",
        "right-fall",
    ]
    assert [o.stretch_goes_on for o in person.of(StepClosed)] == [False, True, False, False]
    person.run()
    assert len(person.of(StepFinished)) == len(person.of(StepStarted))


def test_stop_always_works(paper_person: Any) -> None:
    """Stop closes the step, finishes it, says one thing and ends the session."""
    person = paper_person(load_plan("hips-and-core"), ALL)
    _until(person, "right-rest").run(person.t_s + 5.0)
    person.mark("pause")
    person.mark("stop")
    person.run(person.t_s + 20.0)
    assert person.of(SessionEnded)[0].ended_by == "person"
    assert [f.step_id for f in person.of(StepFinished)] == ["settle", "right-fall", "right-rest"]
    assert _keys(person)[-1] == "stopped"


def test_a_lost_link_is_one_sentence_and_guidance_goes_on(paper_person: Any) -> None:
    """The set goes on by time while the link is lost; its return is one sentence; the counts before are kept."""
    person = paper_person(load_plan("short"), ("right-thigh",), skips=frozenset({"right-clamshells"}))
    _until(person, "right-clamshells").run(person.t_s + 12.0)
    person.give(StreamInterrupted(person.ns(), "right-thigh", "no data"))
    _until(person, "rocking")
    assert person.finished("right-clamshells").ended_by == "timed"
    person.give(StreamResumed(person.ns(), "right-thigh"))
    person.run()
    assert (_keys(person).count("link_lost"), _keys(person).count("link_back")) == (1, 1)


def test_the_slide_that_begins_early_is_followed(paper_person: Any) -> None:
    """When the leg slides before the breaths are over, the coach goes along without asking for it."""
    person = paper_person(load_plan("hips-and-core"), ALL)
    _until(person, "right-rest").run(person.t_s + 20.0)
    person.give(person._phase("sliding"))
    assert person.coach.run.step.id == "right-slide"
    person.run(person.t_s + 2.0)
    person.give(person._phase("straight"))
    assert person.coach.run.step.id == "right-settle"
    assert person.of(Cue)[-1].key != "slide_open.start"


def test_supported_is_kept_with_the_rest(paper_person: Any) -> None:
    """A pillow that the person tells of is written beside the rest."""
    person = paper_person(load_plan("hips-and-core"), ALL)
    _until(person, "right-rest").mark("supported")
    person.run()
    assert person.finished("right-rest").done["supported"] is True
    assert person.finished("left-rest").done["supported"] is False


def test_a_belly_phone_is_put_aside_before_rolling_over(paper_person: Any) -> None:
    """The first roll begins with the phone, later ones do not, and from then on the belly measures nothing."""
    person = paper_person(load_plan("hips-and-core"), ("belly",)).run()
    rolls = [cue.text for cue in person.of(Cue) if cue.key == "roll_over.start"]
    assert ["phone" in text for text in rolls] == [True, False, False]
    assert not person.finished("stillness").is_measured
    assert person.finished("settle").is_measured


def test_a_sensor_that_saw_nothing_has_measured_nothing(paper_person: Any) -> None:
    """A worn sensor whose stretch holds no value leaves the step not measured."""
    person = paper_person(load_plan("soft-hips"), ("belly",))
    person._measures = lambda _: {"count": None, "rate_per_min": None}
    person.run()
    breathing = person.finished("belly-breathing")
    assert not breathing.is_measured
    assert set(breathing.done.values()) == {None}


def test_a_quiet_session_says_nothing_and_follows_the_person(paper_person: Any) -> None:
    """Beside one's own audio guide nothing is said and time ends nothing."""
    person = paper_person(load_plan("soft-hips"), ALL, settings={"is_quiet": True}).run(200.0)
    assert person.of(Cue) == []
    assert [o.step_id for o in person.of(StepStarted)] == ["constructive-rest"]
    person.mark("next")
    assert person.coach.run.step.id == "belly-breathing"


def test_an_input_that_ends_early_is_closed(paper_person: Any) -> None:
    """`finish` closes and finishes what is open, and ends the session once."""
    person = paper_person(load_plan("hips-and-core"), ALL)
    _until(person, "right-rest")
    outputs = []
    while given := person.coach.finish():
        outputs += given
    assert [type(o) for o in outputs] == [StepClosed, StepFinished, StepFinished, SessionEnded]
    assert person.coach.finish() == ()


def test_the_same_messages_give_the_same_cues(paper_person: Any) -> None:
    """Two coaches that hear the same say the same."""
    first = paper_person(load_plan("hips-and-core"), ALL).run()
    second = paper_person(load_plan("hips-and-core"), ALL).run()
    assert first.out == second.out


def _transcript(person: Any) -> str:
    """What is heard, as it would be read aloud."""
    lines = []
    for output in person.out:
        clock = f"{int(output.t_s) // 60:>2}:{int(output.t_s) % 60:02d}"
        if isinstance(output, StepStarted):
            lines.append(f"\n{clock}  [{output.index + 1} of {output.n_steps}: {output.title}]")
        elif isinstance(output, Cue):
            lines.append(f"{clock}  {output.text}")
    return "\n".join(lines).strip() + "\n"


def test_the_transcript_reads_as_before(paper_person: Any) -> None:
    """Everything that is heard in hips-and-core; delete the golden file and run again to write it anew."""
    text = _transcript(paper_person(load_plan("hips-and-core"), ALL).run())
    if not GOLDEN.exists():
        GOLDEN.write_text(text, "utf-8")
    assert text == GOLDEN.read_text("utf-8")

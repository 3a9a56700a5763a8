"""What a recording leaves behind of a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensorsoma.people.learning import learn, ranges_of
from sensorsoma.people.profile import Range, SessionNote
from sensorsoma.people.usual import n_finished, next_side, usual_ranges


def note(day: int, plan: str = "clams", **other: object) -> SessionNote:
    """A finished session on a day of March."""
    plain = SessionNote(day, f"{day}.mcap", f"2026-03-{day:02d}T21:00:00", plan, True)
    return replace(plain, **other)  # type: ignore[arg-type]


def clams(day: int, deg: float, **other: object) -> SessionNote:
    """A session with one set of clamshells."""
    return note(day, ranges={"clamshell right": Range(deg, 8)}, sides=("right",), **other)


def test_a_session_tells_its_range_its_side_and_what_was_said(recorded, evening) -> None:
    """Median of the whole repetitions, the hip that was practised, comfort as the person said it last."""
    learnt = learn(recorded("one", comfort=("before 6", "before 5", "after 3")))
    assert learnt is not None
    assert (learnt.name, learnt.is_simulated) == ("Anna", False)
    assert learnt.note.is_finished
    assert (learnt.note.plan, learnt.note.sides) == ("clams", ("right",))
    assert learnt.note.comfort == {"before": 5, "after": 3}
    assert learnt.note.ranges["clamshell right"].median_deg == pytest.approx(evening.range_deg, abs=0.06)


def test_what_was_not_said_is_none(recorded) -> None:
    """Nobody asked, nothing said: not a zero."""
    learnt = learn(recorded("one"))
    assert learnt is not None
    assert learnt.note.comfort == {"before": None, "after": None}


def test_a_session_that_was_left_early_is_not_finished(recorded) -> None:
    """It tells what was measured, but does not count as a practice that was done to its end."""
    left = learn(recorded("left", ended_by="person"))
    assert left is not None
    assert not left.note.is_finished
    assert "clamshell right" in left.note.ranges
    assert learn(recorded("cut", ended_by=None)) is None, "a session without an end tells nothing"


def test_files_of_other_programs_tell_nothing(recorded) -> None:
    """Whose evening an imported file was is not known."""
    assert learn(recorded("imported", link="imported")) is None


def test_ranges_are_those_that_the_coach_compares_with() -> None:
    """Closed to top of whole clamshells, arch to flatten, outward and inward together."""
    reps = [{"range_deg": 50.0, "partial": False}, {"range_deg": 12.0, "partial": True}, {"range_deg": None}]
    assert ranges_of("clamshell", {"reps": reps}) == [50.0]
    cycles = [{"anterior_deg": 8.0, "posterior_deg": -6.0}, {"anterior_deg": None, "posterior_deg": -6.0}]
    assert ranges_of("pelvic_rock", {"cycles": cycles}) == [14.0]
    swings = [{"range_deg": 30.0, "direction": "out"}, {"range_deg": 25.0, "direction": "in"}]
    assert ranges_of("knee_roll", {"reps": swings}) == [55.0]
    assert ranges_of("knee_fall", {"falls": [{"final_deg": 60.0}]}) == []


def test_nothing_is_usual_before_the_third_session() -> None:
    """Two evenings are chance; the third makes a usual range of their medians."""
    sessions = [clams(1, 48.0), clams(2, 55.0)]
    assert usual_ranges(sessions) == {}
    usual = usual_ranges([*sessions, clams(3, 50.0)])["clamshell right"]
    assert (usual.deg, usual.low_deg, usual.high_deg, usual.n_sessions) == (50.0, 48.0, 55.0, 3)


def test_what_is_usual_follows_the_latest_ten_sessions() -> None:
    """A body changes, and what lies long back is not held against it."""
    sessions = [clams(day, 20.0) for day in range(1, 6)] + [clams(day, 50.0) for day in range(6, 16)]
    assert usual_ranges(sessions)["clamshell right"].low_deg == 50.0


def test_finished_sessions_are_counted_plan_by_plan() -> None:
    """Only those of this plan, only those that came to its end."""
    assert n_finished([note(1), note(2, "short"), note(3, is_finished=False), note(4)], "clams") == 2


def test_the_side_that_was_not_practised_last_time_is_next() -> None:
    """Right, then left, then right again; other plans between them change nothing."""
    right = clams(1, 50.0)
    tonight = next_side([right, note(2, "short", sides=("left", "right"))], "clams", worn=["right"])
    assert tonight.side == "left"
    assert "2026-03-01" in tonight.why
    assert next_side([right, note(3, sides=("left",))], "clams", worn=[]).side == "right"


def test_without_a_last_time_the_worn_side_is_next() -> None:
    """Where the sensor sits, or right; and it says why."""
    first = next_side([], "clams", worn=["left"])
    assert (first.side, "worn there" in first.why) == ("left", True)
    assert next_side([], "clams", worn=["left", "right"]).side == "right"
    both = next_side([note(1, sides=("left", "right"))], "clams", worn=[])
    assert (both.side, "both" in both.why) == ("right", True)

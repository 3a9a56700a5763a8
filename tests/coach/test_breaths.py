"""Steps that end by breaths: real breaths where a sensor gives them, else time at the plan's pace."""

from __future__ import annotations

from typing import Any

import pytest

from sensorsoma.coach.plan import plan_from_json
from sensorsoma.messages import BreathTurned, StepFinished, StepStarted

PLAN: dict[str, Any] = {
    "schema_version": 1, "name": "six", "title": "Six breaths",
    "steps": [{"id": "rest", "title": "Rest", "do": "rest", "breaths": 6},
              {"id": "after", "title": "After", "do": "stillness", "seconds": 5}],
}  # fmt: skip


def practise(
    paper_person: Any, breaths_s: list[float], *, is_weak: bool = False, late_s: float = 1.5, do: str = "rest"
) -> StepFinished:
    """The rest's end, for a person whose breaths last so long one after the other; then no more are seen."""
    plan = PLAN | {"steps": [{**PLAN["steps"][0], "do": do}, PLAN["steps"][1]]}
    person = paper_person(plan_from_json(plan), ("belly",))
    heard = person._heard

    def turn(at_s: float, phase: Any) -> BreathTurned:
        return BreathTurned(at_s, person.t_s, "belly", "belly", phase, is_weak)

    def breathe(output: Any) -> None:
        heard(output)
        if isinstance(output, StepStarted) and output.step_id == "rest":
            inhale_s = person.t_s + 8.0
            for length_s in breaths_s:
                for at_s, phase in ((inhale_s + 0.4 * length_s, "exhale"), (inhale_s + length_s, "inhale")):
                    person.after(at_s + late_s - person.t_s, lambda at_s=at_s, phase=phase: turn(at_s, phase))
                inhale_s += length_s

    person._heard = breathe
    return person.run().finished("rest")


@pytest.mark.parametrize(("length_s", "took_s"), [(4.0, 33.5), (10.0, 69.5), (15.0, 99.5)])
def test_real_breaths_end_a_step_at_their_own_pace(paper_person: Any, length_s: float, took_s: float) -> None:
    """From fifteen to four a minute: the sixth inhale after the words ends it, sooner or later than planned."""
    rest = practise(paper_person, [length_s] * 20)
    assert rest.ended_by == "breaths"
    assert rest.done["breaths"] == 6
    assert rest.end_s - rest.start_s == pytest.approx(took_s, abs=0.3)


@pytest.mark.parametrize("seen", [0, 3])
def test_breaths_that_fall_silent_are_made_up_for_by_time(paper_person: Any, seen: int) -> None:
    """Never seen: a minute, as planned. Lost after three: half a minute more, and it is shown as timed."""
    rest = practise(paper_person, [10.0] * seen)
    assert rest.ended_by == "timed"
    planned_s = 60.0 if seen == 0 else 8.0 + 30.0 + 1.5 + 30.0 + 12.0 - 5.0
    assert rest.end_s - rest.start_s == pytest.approx(planned_s, abs=6.0)


def test_weak_turns_count_where_the_body_rests(paper_person: Any) -> None:
    """Whether in and out are told apart or not, one inhale comes with every breath: the rest ends after six."""
    rest = practise(paper_person, [4.0] * 30, is_weak=True)
    assert rest.ended_by == "breaths"
    assert rest.done["breaths"] == 6


def test_weak_turns_do_not_count_where_the_body_may_move(paper_person: Any) -> None:
    """A belly that rocks ends nothing."""
    rest = practise(paper_person, [4.0] * 30, is_weak=True, do="free")
    assert rest.ended_by == "timed"


def test_no_breath_holds_a_step_for_ever(paper_person: Any) -> None:
    """Only exhales are seen: after two and a half times the planned minute it goes on."""
    person = paper_person(plan_from_json(PLAN), ("belly",))
    heard = person._heard

    def sigh(output: Any) -> None:
        heard(output)
        if isinstance(output, StepStarted) and output.step_id == "rest":
            for k in range(10, 400, 8):
                person.after(
                    float(k), lambda: BreathTurned(person.t_s - 1.0, person.t_s, "belly", "belly", "exhale", False)
                )

    person._heard = sigh
    rest = person.run().finished("rest")
    assert rest.ended_by == "timed"
    assert 145.0 < rest.end_s - rest.start_s < 160.0

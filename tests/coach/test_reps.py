"""Repetitions: counted as the plan says, remarked rarely and less with practice, and never talked over."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from sensorsoma.coach.plan import Plan, load_plan, plan_from_json
from sensorsoma.coach.progress import Coach
from sensorsoma.messages import Cue, RepCompleted, StepFinished, StepStarted, StillnessChanged, TremorBegan

ALL = ("right-thigh", "left-thigh", "pelvis")


def clamshells(**changes: Any) -> Plan:
    """One set of eight on the right, with something to do after it."""
    band = {"rep_s": [3.0, 20.0], "usual_share": [0.6, 1.3], "pelvis_roll_deg": 15}
    steps = [
        {"id": "roll", "title": "Roll", "do": "roll_over", "side": "right", "event": "turned"},
        {"id": "clams", "title": "C", "do": "clamshell", "side": "right", "reps": 8, "band": band} | changes,
        {"id": "end", "title": "End", "do": "rest", "open": True},
    ]
    return plan_from_json({"schema_version": 1, "name": "set", "title": "Set", "steps": steps})


def practise(paper_person: Any, plan: Plan | None = None, n_reps: int = 8, n_before: int = 0, **of_rep: Any) -> Any:
    """A person whose repetitions have their top half-way and are announced 45 percent into the way back."""
    rep_s = of_rep.pop("rep_s", 5.0)
    usual = of_rep.pop("usual_deg", None)
    person = paper_person(plan or clamshells(), ALL, shakes_at_rep=0, skips=frozenset({"clams"}))
    person.coach = Coach(person.plan, ALL, usual_deg=usual, n_before=n_before)
    heard = person._heard

    def rep(n: int) -> RepCompleted:
        top_s = person.t_s - 0.3 - 0.225 * rep_s
        made = RepCompleted(
            top_s, person.t_s, "clamshell", "right", n, top_s - rep_s / 2, person.t_s, 50.0, False, None
        )
        return replace(made, **of_rep)

    def move(output: Any) -> None:
        heard(output)
        if isinstance(output, StepStarted) and output.step_id == "clams":
            for n in range(1, n_reps + 1):
                person._agenda.append((round(person.t_s + 18.0 + n * rep_s, 1), lambda n=n: rep(n)))

    person._heard = move
    return person


def texts(person: Any) -> list[str]:
    """What was said within the set, after its opening."""
    start = next(o.t_s for o in person.of(StepStarted) if o.step_id == "clams")
    end = person.finished("clams").end_s
    return [cue.text for cue in person.of(Cue) if start < cue.t_s < end]


NUMBERS = ["One.", "Two.", "Three.", "Four.", "Five.", "Six.", "Seven.", "Eight."]


@pytest.mark.parametrize(
    ("counts", "said"),
    [("every", NUMBERS), ("other", NUMBERS[1::2]), ("last_two", NUMBERS[-2:]), ("never", [])],
)
def test_counts_are_spoken_as_the_plan_says(paper_person: Any, counts: str, said: list[str]) -> None:
    """Every repetition, every other, the last two or none is heard."""
    assert texts(practise(paper_person, clamshells(counts=counts)).run()) == said


@pytest.mark.parametrize("rep_s", [2.0, 2.3])
def test_a_remark_takes_no_count_away(paper_person: Any, rep_s: float) -> None:
    """Somebody hasty hears all eight counts, and after two of them one word, at most at every second one."""
    said = texts(practise(paper_person, rep_s=rep_s).run())
    assert [text for text in said if text in NUMBERS] == NUMBERS
    assert [text for text in said if text not in NUMBERS] == ["Slowly.", "Slowly."]
    assert "Slowly." not in (said[0], said[1])
    first, second = (n for n, text in enumerate(said) if text == "Slowly.")
    assert second - first >= 3


@pytest.mark.parametrize("of_rep", [{"rep_s": 2.3}, {"pelvis_roll_deg": 22.0}, {"pelvis_roll_deg": 22.0, "rep_s": 8.0}])
def test_what_is_said_after_a_repetition_ends_before_the_next_top(paper_person: Any, of_rep: Any) -> None:
    """Counts aside, nothing reaches into the next repetition."""
    rep_s = of_rep.get("rep_s", 5.0)
    person = practise(paper_person, **of_rep).run()
    start = next(o.t_s for o in person.of(StepStarted) if o.step_id == "clams") + 18.0
    tops = [start + n * rep_s - 0.3 - 0.225 * rep_s for n in range(1, 9)]
    remarks = [cue for cue in person.of(Cue) if cue.kind == "say" and tops[0] < cue.t_s < tops[-1]]
    assert remarks
    for cue in remarks:
        assert not [top for top in tops if cue.t_s < top < cue.t_s + cue.length_s - 0.4]


def test_the_pelvis_that_rolls_along_is_spoken_of(paper_person: Any) -> None:
    """Beyond the band one gentle sentence, shorter the second time; within it silence."""
    said = [
        text for text in texts(practise(paper_person, pelvis_roll_deg=22.0, rep_s=7.0).run()) if text not in NUMBERS
    ]
    assert said == ["Let the pelvis stay where it is.", "Let the pelvis rest."]
    assert texts(practise(paper_person, pelvis_roll_deg=8.0).run()) == NUMBERS


def test_the_usual_range_is_a_band_of_ones_own(paper_person: Any) -> None:
    """Far beyond what one usually does less is offered, far below a little more; without a usual range nothing."""
    for usual_deg, word in (({"clamshell right": 30.0}, "Smaller"), ({"clamshell right": 100.0}, "A little more")):
        said = [text for text in texts(practise(paper_person, usual_deg=usual_deg).run()) if text not in NUMBERS]
        assert said
        assert all(text.startswith(word) for text in said)
    assert texts(practise(paper_person, usual_deg={"clamshell left": 30.0}).run()) == NUMBERS


@pytest.mark.parametrize(("n_before", "n_remarks"), [(0, 2), (2, 2), (3, 1), (7, 1), (8, 1), (9, 0), (10, 1)])
def test_remarks_fade_with_practice(paper_person: Any, n_before: int, n_remarks: int) -> None:
    """Two a set while it is new, then one, then only in every second session; counts stay."""
    said = texts(practise(paper_person, n_before=n_before, rep_s=2.3).run())
    assert len(said) == 8 + n_remarks


def test_more_repetitions_than_asked_are_let_be(paper_person: Any) -> None:
    """Fifteen instead of eight: none beyond the eighth is counted aloud, and the next words wait for rest."""
    person = practise(paper_person, n_reps=15)
    heard = person._heard

    def move(output: Any) -> None:
        heard(output)
        if isinstance(output, StepStarted) and output.step_id == "clams":
            for at_s, is_still in ((20.0, False), (96.0, True)):
                still = lambda s=is_still: StillnessChanged(person.t_s, person.t_s, "right-thigh", "right-thigh", s)  # noqa: E731
                person._agenda.append((round(person.t_s + at_s, 1), still))

    person._heard = move
    person.run()
    assert texts(person) == NUMBERS
    clams = person.finished("clams")
    assert clams.end_s - clams.start_s == pytest.approx(99.0, abs=0.3)


def test_a_leg_that_does_not_come_to_rest_holds_nobody(paper_person: Any) -> None:
    """Some seconds after the last repetition the practice goes on, though the thigh shakes and is never still."""
    person = practise(paper_person)
    while not any(output.step_id == "clams" for output in person.of(StepStarted)):
        person.run(person.t_s + 1.0)
    person.give(StillnessChanged(person.t_s, person.t_s, "right-thigh", "right-thigh", False))
    person.run()
    clams = person.finished("clams")
    assert clams.end_s - clams.start_s == pytest.approx(18.0 + 40.0 + 12.5, abs=0.5)


def test_partial_repetitions_are_not_counted(paper_person: Any) -> None:
    """Half-hearted ones are not heard and end no set, and nobody is asked to begin who has begun."""
    person = practise(paper_person, is_partial=True, n_reps=12).run(200.0)
    start = next(o.t_s for o in person.of(StepStarted) if o.step_id == "clams")
    assert [cue.key for cue in person.of(Cue) if cue.t_s >= start] == ["clamshell.start"]
    assert not person.of(StepFinished)[1:]


def test_shaking_from_the_third_repetition_is_greeted_between_two(paper_person: Any) -> None:
    """It is welcomed once, after a count and before the next top, and no count is lost."""
    person = practise(paper_person)
    heard = person._heard

    def move(output: Any) -> None:
        heard(output)
        if isinstance(output, StepStarted) and output.step_id == "clams":
            for n in range(3, 9):
                shake = lambda: TremorBegan(person.t_s, person.t_s, "clamshell", "right", 8.0)  # noqa: E731
                person._agenda.append((round(person.t_s + 17.0 + n * 5.0, 1), shake))

    person._heard = move
    said = texts(person.run())
    assert [text for text in said if text in NUMBERS] == NUMBERS
    assert [text for text in said if text not in NUMBERS] == ["Some shaking is welcome."]
    assert said.index("Some shaking is welcome.") == 3


def test_no_plan_remarks_on_a_fall_or_a_sink() -> None:
    """How far a hip opens is not the person's doing: such steps have no band."""
    for name in ("soft-hips", "hips-and-core", "hips-check", "short"):
        for step in load_plan(name).steps:
            band = step.band
            assert step.reps is not None or (band.rep_s, band.usual_share, band.pelvis_roll_deg) == (None, None, None)


def test_every_counted_set_has_a_band_for_tempo_and_for_the_usual_range() -> None:
    """Whatever is repeated in the bundled plans is remarked when it is hasty or far from one's own usual range."""
    for name, do in itertools.product(("hips-and-core", "hips-check", "short"), ("clamshell", "pelvic_rock")):
        for step in load_plan(name).steps:
            if step.do == do and (step.reps or 0) > 1:
                assert step.band.rep_s is not None, (name, step.id)
                assert step.band.usual_share is not None, (name, step.id)
                assert (step.band.pelvis_roll_deg is not None) == (do == "clamshell"), (name, step.id)


def test_what_had_no_room_in_the_set_is_not_said_after_it(paper_person: Any) -> None:
    """A remark about a repetition helps with the next one; after the last count it would only be a verdict."""
    plan = clamshells(band={"pelvis_roll_deg": 15})
    assert texts(practise(paper_person, plan, rep_s=2.0, pelvis_roll_deg=22.0).run()) == NUMBERS

"""The sentences that a report begins with, and the list below them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensorsoma.review.sentence import summary_points, summary_sentences

from .traces import clamshells, hips_check, knee_falls, pelvic_rocks, trace_of, whole_session


def test_it_is_short_enough_for_somebody_just_out_of_bed(session):
    """How long, what was done and what can be said of the hips: two sentences without a semicolon."""
    said = summary_sentences(session)
    assert "the knee fall and clamshells on both sides, and pelvic rocking and the flatten-hold." in said
    assert said.endswith("In the clamshells the right side went 10° further, more than measuring again can bring.")
    assert said.count(". ") == 1
    assert ";" not in said


def test_it_says_comfort_as_it_was_said(session):
    """The person's own numbers, never what they mean."""
    trace = replace(session, analysis={**session.analysis, "comfort": {"before": 6, "after": 4}})
    assert summary_sentences(trace).endswith("Comfort, 0 to 10: 6 before, 4 after.")


def test_it_says_how_the_hips_compare_where_that_can_be_said():
    """Eleven degrees apart over three rests a side are named with their side."""
    assert "In the knee fall the right side went 11° further, more than" in summary_sentences(hips_check())


def test_it_says_where_the_repeats_are_too_few():
    """One fall a side is no comparison."""
    trace = trace_of([knee_falls("right", 0, [51]), knee_falls("left", 90, [40])])
    assert summary_sentences(trace).endswith("The repeats are too few to compare the two hips.")


def test_finding_the_tilt_is_no_rock_of_the_set():
    """Six rocks were asked and counted aloud; the one before them is told apart."""
    parts = [pelvic_rocks(0), pelvic_rocks(80)]
    (first, line), *rest = parts
    first = {**first, "count": 1, "cycles": first["cycles"][:1], "plan": {"asked": {"reps": 1}}}
    points = summary_points(trace_of([(first, line), *rest]))
    assert points[:2] == ("The pelvic tilt once, to find it.", "6 pelvic rocks.")


def test_the_list_names_what_was_measured(session):
    """Counts, angles, sink and hold, a line each."""
    sentence = " ".join(summary_points(session))
    for fact in (
        "8 clamshells and a small one on the right, 8 on the left",
        "53°",
        "48°",
        "sinking 5°",
        "6 pelvic rocks",
        "15\u00a0s",
    ):
        assert fact in sentence


@pytest.mark.parametrize(
    ("link", "started", "opening"),
    [
        ("simulated", "2026-03-02T22:41:07+01:00", "A simulated session"),
        ("imported", "2026-03-02T22:41:07+01:00", "A file of another program"),
        ("real", "2026-03-02T22:41:07+01:00", "Tonight"),
        ("real", "2026-03-02T02:10:00+01:00", "Tonight"),
        ("real", "2026-03-02T09:41:07+01:00", "This session"),
        ("real", "", "This session"),
    ],
)
def test_it_says_where_the_numbers_come_from(link, started, opening):
    """Simulated and imported numbers say so first; only an evening is called tonight."""
    trace = whole_session(link)
    assert summary_sentences(replace(trace, settings=replace(trace.settings, started=started))).startswith(opening)


def test_without_measures_it_says_so(empty):
    """Nothing measured is not the same as nothing done."""
    assert "nothing was measured" in summary_sentences(empty)
    assert summary_points(empty) == ()


def test_weak_evidence_is_left_out():
    """Pelvic rocking seen from the thigh alone is not spoken of."""
    segment, line = pelvic_rocks(0)
    trace = trace_of([({**segment, "weak": True}, line)])
    assert "pelvic" not in summary_sentences(trace)
    assert summary_points(trace) == ()


def test_one_of_a_thing_is_singular():
    """One clamshell, not one clamshells."""
    trace = trace_of([with_tremor_off(clamshells("left", 0, [40]))])
    assert summary_points(trace) == ("1 clamshell on the left.",)


def test_several_falls_are_given_as_their_mean():
    """Three falls of one side make one number and say how many they are."""
    (point,) = summary_points(trace_of([knee_falls("right", 0, [51, 52, 53])]))
    assert "52° after sinking 5° (mean of 3 falls)" in point


def with_tremor_off(part):
    """A set without shaking, which would be named too."""
    segment, line = part
    return {**segment, "tremor": None, "reps": [{**rep, "tremor": None} for rep in segment["reps"]]}, line

"""The sentence that a report begins with."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sensorsoma.review.sentence import summary_sentence

from .traces import clamshells, knee_falls, pelvic_rocks, trace_of, whole_session


def test_it_names_what_was_measured(session):
    """Counts, angles, sink, hold and shaking, in one sentence with one full stop."""
    sentence = summary_sentence(session)
    for fact in (
        "8 clamshells and a small one on the right, 8 on the left",
        "53°",
        "48°",
        "sinking 5°",
        "6 pelvic rocks",
        "15\u00a0s",
    ):
        assert fact in sentence
    assert sentence.endswith(".")
    assert ". " not in sentence


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
    assert summary_sentence(replace(trace, settings=replace(trace.settings, started=started))).startswith(opening)


def test_without_measures_it_says_so(empty):
    """Nothing measured is not the same as nothing done."""
    assert "nothing was measured" in summary_sentence(empty)


def test_weak_evidence_is_left_out():
    """Pelvic rocking seen from the thigh alone is not spoken of."""
    segment, line = pelvic_rocks(0)
    sentence = summary_sentence(trace_of([({**segment, "weak": True}, line)]))
    assert "pelvic" not in sentence


def test_one_of_a_thing_is_singular():
    """One clamshell, not one clamshells."""
    assert "1 clamshell on the left." in summary_sentence(trace_of([with_tremor_off(clamshells("left", 0, [40]))]))


def test_several_falls_are_given_as_their_mean():
    """Three falls of one side make one number and say how many they are."""
    assert "52° after sinking 5° (mean of 3 falls)" in summary_sentence(
        trace_of([knee_falls("right", 0, [51, 52, 53])])
    )


def with_tremor_off(part):
    """A set without shaking, which would be named too."""
    segment, line = part
    return {**segment, "tremor": None, "reps": [{**rep, "tremor": None} for rep in segment["reps"]]}, line

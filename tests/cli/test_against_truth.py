"""The demo's own check: what was measured beside what the virtual person really did."""

from __future__ import annotations

from typing import Any

import pytest

from sensorsoma.cli.against_truth import compare, comparison_lines


def rep(start_s: float, end_s: float, range_deg: float = 40.0) -> dict[str, Any]:
    return {"start_s": start_s, "end_s": end_s, "range_deg": range_deg, "partial": False}


def truth_of(reps: list[dict[str, Any]], end_s: float) -> dict[str, Any]:
    stretch = {"exercise": "clamshell", "side": "right", "step_id": "clams", "start_s": 0.0, "end_s": end_s}
    return {"stretches": [{**stretch, "reps": reps, "cycles": [], "tremor": None, "fall": None}]}


def analysis_of(count: int | None, range_deg: float = 40.0) -> dict[str, Any]:
    segment = {
        "exercise": "clamshell",
        "side": "right",
        "placement": "right-thigh",
        "plan": {"step": "clams"},
        "start_s": 0.0,
        "end_s": 60.0,
        "count": count,
        "reps": [{"range_deg": range_deg, "partial": False}] * (count or 0),
        "tremor": None,
    }
    return {"segments": [segment], "input": {"sources": []}}


@pytest.mark.parametrize(
    ("measured", "real", "agrees"), [(2, 2.0, True), (3, 3.0, True), (1, 2.0, False), (4, 3.0, False)]
)
def test_a_rep_under_way_when_the_step_ended_may_be_counted_or_not(measured: int, real: float, agrees: bool) -> None:
    """Two reps were over and one had begun when the step closed: two and three agree, one and four differ."""
    reps = [rep(0, 4), rep(5, 9), rep(10, 14), rep(20, 24)]
    row = compare(analysis_of(measured), truth_of(reps, 12.0))[0]
    assert (row["real"], row["agrees"]) == (real, agrees)


def test_what_was_not_measured_says_so_and_does_not_agree() -> None:
    """A missing count is shown as not measured, never as zero."""
    rows = compare(analysis_of(None), truth_of([rep(0, 4)], 12.0))
    assert not rows[0]["agrees"]
    assert "not measured" in list(comparison_lines(rows))[1]


def test_an_opening_beyond_the_tolerance_differs() -> None:
    """Four degrees may lie between what was and what was measured, six may not."""
    truth = truth_of([rep(0, 4)], 12.0)
    assert compare(analysis_of(1, 43.0), truth)[1]["agrees"]
    assert not compare(analysis_of(1, 46.0), truth)[1]["agrees"]


def test_a_small_one_counts_on_neither_side() -> None:
    """The demo's table says how many were counted aloud: a far smaller one is in neither number."""
    reps = [rep(0, 4), {**rep(5, 8, 15.0), "partial": True}, rep(10, 14)]
    analysis = analysis_of(3)
    analysis["segments"][0]["reps"] = [{"range_deg": one["range_deg"], "partial": one["partial"]} for one in reps]
    row = compare(analysis, truth_of(reps, 60.0))[0]
    assert (row["real"], row["measured"], row["agrees"]) == (2.0, 2.0, True)

"""The session as DataFrames."""

from __future__ import annotations

import pytest

from sensorsoma.review import tables

from .traces import knee_falls, knee_rolls, trace_of

TABLES = (
    tables.reps_table,
    tables.falls_table,
    tables.cycles_table,
    tables.shaking_table,
    tables.segments_table,
    tables.steps_table,
    tables.gaps_table,
)


def test_reps_keep_the_numbers_under_which_they_were_counted(session):
    """Reps count 1 to 8 as they were spoken; the small one among them has no number."""
    reps = tables.reps_table(session)
    right = reps[reps["side"] == "right"]
    assert right["rep"].dropna().tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert right.loc[right["rep"].isna(), ["partial", "range_deg"]].to_numpy().tolist() == [[True, 21.0]]
    assert right["tremor_freq_hz"].notna().sum() == 2


def test_what_was_not_measured_is_missing_and_never_zero(session):
    """A null in the JSON is missing in the table."""
    falls = tables.falls_table(session)
    assert falls["breaths_per_min"].isna().all()
    assert tables.reps_table(session)["pelvis_roll_deg"].isna().all()
    assert falls["began_on_exhale"].tolist() == [None, None]


def test_falls_carry_the_numbers_of_the_json(session):
    """Arrival, final angle and sink arrive unchanged, one row per fall."""
    falls = tables.falls_table(session)
    assert falls["final_deg"].tolist() == [53.4, 47.8]
    assert falls["arrival_deg"].tolist() == pytest.approx([48.2, 42.6])
    assert falls["supported"].tolist() == [False, False]


def test_steps_say_not_measured_where_it_is_so(session):
    """An unmeasured step reads 'not measured'; an unmeasured part of a step too."""
    steps = tables.steps_table(session).set_index("step")
    assert steps.loc[8, "done"] == "not measured"
    assert steps.loc[3, "ended_by"] == "timed"
    assert steps.loc[10, ["asked", "done"]].tolist() == ["8 reps", "9 reps"]
    assert steps["side"].iloc[0] is None


def test_step_times_count_from_the_first_sample(session):
    """Steps come in session seconds and are shown on the line of the analysis."""
    assert tables.steps_table(session)["start_s"].iloc[1] == pytest.approx(38.0)


def test_gaps_are_summed_by_sensor_and_reason(session):
    """Three short losses and one lost link make two rows."""
    gaps = tables.gaps_table(session).set_index("channel")
    assert gaps.loc["left-thigh", ["n_gaps", "n_lost"]].tolist() == [3, 9]
    assert gaps.loc["right-thigh", "total_s"] == pytest.approx(10.4)
    assert gaps["n_lost"].isna().tolist() == [True, False]


def test_shaking_of_a_set_is_marked_as_the_sum_of_its_reps(session):
    """The set's own row is a sum, the hold's is not, and the hold's time is where shaking first came."""
    shaking = tables.shaking_table(session)
    assert shaking.loc[shaking["is_sum"].astype(bool), "where"].unique().tolist() == ["whole stretch"]
    hold = shaking[shaking["where"] == "hold"].iloc[0]
    assert hold["t_s"] == pytest.approx(283 + 6.0)


@pytest.mark.parametrize("make", TABLES, ids=lambda make: make.__name__)
def test_every_table_has_its_columns_when_it_is_empty(make, session, empty):
    """An empty session gives the columns and dtypes of a full one, and no rows."""
    full, none = make(session), make(empty)
    assert list(none.columns) == list(full.columns)
    assert none.dtypes.tolist() == full.dtypes.tolist()
    assert len(none) == 0
    assert len(full) > 0


def test_missing_keys_are_as_good_as_null():
    """A segment that leaves a field out is read like one that says null."""
    segment, line = knee_falls("right", 0, [50.0])
    del segment["falls"][0]["sink_deg"], segment["tremor"], segment["notes"]
    falls = tables.falls_table(trace_of([(segment, line)]))
    assert falls["sink_deg"].isna().all()
    assert tables.segments_table(trace_of([(segment, line)]))["notes"].tolist() == [""]


def test_knee_rolls_are_told_by_direction():
    """Out and in each have their own number and range."""
    rolls = tables.rolls_table(trace_of([knee_rolls(0)]))
    assert rolls[["direction", "n_rolls", "range_deg"]].to_numpy().tolist() == [["out", 3, 30.0], ["in", 3, 25.0]]

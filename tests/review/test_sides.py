"""What is said about two hips, and what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.review.sides import SidesParams, bootstrap_interval, compare_sides

from .traces import clamshells, hips_check, knee_falls, trace_of


def by_measure(trace):
    """Comparisons by the end of their name."""
    return {c.measure.split(", ")[1]: c for c in compare_sides(trace)}


def test_a_large_difference_is_stated_as_right_minus_left(check):
    """Eleven degrees apart with enough repeats: signed, in degrees, with an interval around it."""
    found = by_measure(check)["angle at the end of the rest"]
    assert found.verdict == "beyond"
    assert found.delta_deg == pytest.approx(11.0)
    assert found.interval_deg[0] < 11.0 < found.interval_deg[1]
    assert "+11.0°" in found.sentence


def test_the_sign_follows_the_larger_left_side():
    """A left knee that rests lower gives a negative difference, without praise or blame."""
    found = by_measure(hips_check(right_deg=40, left_deg=52))["range"]
    assert found.delta_deg == pytest.approx(-12.0)
    assert "−12.0°" in found.sentence


def test_a_difference_within_the_detectable_change_is_not_named():
    """Five degrees are less than the seven that measuring again can bring, so no number is given."""
    found = by_measure(hips_check(right_deg=50, left_deg=45))["angle at the end of the rest"]
    assert (found.verdict, found.delta_deg, found.interval_deg) == ("within", None, None)
    assert "5.0" not in found.sentence


def test_one_rest_a_side_is_not_enough_to_say(session):
    """The practices hold one rest a side: nothing is said, however far apart."""
    found = by_measure(session)["angle at the end of the rest"]
    assert found.verdict == "too_few"
    assert found.delta_deg is None
    assert "not enough repeats to say" in found.sentence


def test_supported_rests_stay_out_of_a_difference():
    """A pillow under the knee caps the angle: two of three rests supported leave too few."""
    found = by_measure(hips_check(supported=(0, 1)))["angle at the end of the rest"]
    assert found.right_deg == (56.0,)
    assert found.verdict == "too_few"


def test_partial_reps_stay_out_of_a_difference():
    """Only whole reps are compared."""
    trace = trace_of([clamshells("right", 0, [40, 41, 12], partial=(2,)), clamshells("left", 60, [40, 41, 42])])
    assert by_measure(trace)["range"].right_deg == (40.0, 41.0)


def test_a_one_sided_session_has_nothing_to_compare(empty):
    """No comparison without both sides."""
    assert compare_sides(trace_of([knee_falls("right", 0, [50, 51, 52])])) == ()
    assert compare_sides(empty) == ()


@given(st.lists(st.floats(0, 90), min_size=3, max_size=8), st.lists(st.floats(0, 90), min_size=3, max_size=8))
def test_the_interval_lies_between_the_extreme_differences(right, left):
    """No resample can differ by more than the repeats do, and the same values give the same interval."""
    params = SidesParams(n_bootstrap=200)
    low, high = bootstrap_interval(np.array(right), np.array(left), params)
    assert min(right) - max(left) - 1e-9 <= low <= high <= max(right) - min(left) + 1e-9
    assert (low, high) == bootstrap_interval(np.array(right), np.array(left), params)

"""The lower hull that is kept is the one that would be found afresh."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from sensorsoma.decode.envelope import LowerHull


@given(heights=st.lists(st.integers(-50, 50), min_size=4, max_size=60), window=st.integers(3, 30))
def test_the_hull_of_a_moving_window_is_the_hull_of_its_points(heights, window):
    """As points come and fall out, the touching line is that of the plain set, for any slope."""
    hull = LowerHull()
    for x, y in enumerate(heights):
        hull.append((float(x), float(y)))
        hull.forget_before(x - window)
        inside = [(i, heights[i]) for i in range(max(0, x - window), x + 1)]
        assert len(hull) == len(inside)
        for slope in (-7.0, -0.5, 0.0, 2.0):
            assert hull.floor(slope) == min(height - slope * at for at, height in inside)


def test_the_edge_below_the_middle_is_that_of_scipys_hull():
    """The slope is that of the lower edge that spans the middle of the points."""
    heights = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3]
    hull = LowerHull()
    for x, y in enumerate(heights):
        hull.append((float(x), float(y)))
    corners = ConvexHull([(x, y) for x, y in enumerate(heights)])
    middle = 0.5 * (len(heights) - 1)
    lower = [
        -normal[0] / normal[1]
        for normal, (a, b) in zip(corners.equations, corners.simplices, strict=True)
        if normal[1] < 0 and min(a, b) <= middle <= max(a, b)
    ]
    assert [hull.slope_below_middle()] == pytest.approx(lower)

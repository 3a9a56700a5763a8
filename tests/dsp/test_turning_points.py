"""The spherical zigzag counter."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from sensorsoma.dsp.turning_points import TurningParams, TurningPoint, TurningPointFinder, angle_rad


def turns(angles_deg: list[float], mounting: int = 0, params: TurningParams | None = None) -> list[TurningPoint]:
    """Turning points of a direction that swings by these angles, one second apart, in some mounting."""
    finder = TurningPointFinder(params)
    up = np.stack([np.zeros(len(angles_deg)), np.sin(np.deg2rad(angles_deg)), np.cos(np.deg2rad(angles_deg))], axis=1)
    up = Rotation.random(random_state=mounting).apply(up)
    return [point for i, row in enumerate(up.tolist()) if (point := finder.feed(float(i), (row[0], row[1], row[2])))]


def swing(*corners: float, step: float = 1.0) -> list[float]:
    """Angles from corner to corner in small steps."""
    out: list[float] = [corners[0]]
    for a, b in itertools.pairwise(corners):
        n = max(1, round(abs(b - a) / step))
        out += [a + (b - a) * k / n for k in range(1, n + 1)]
    return out


@given(mounting=st.integers(0, 30), sizes=st.lists(st.floats(30, 70), min_size=2, max_size=6))
def test_every_turn_is_found_in_any_mounting(mounting: int, sizes: list[float]) -> None:
    """Out and back again n times has 2n turns, the last not yet known; they alternate and have the right size."""
    found = turns(swing(0.0, *[angle for size in sizes for angle in (size, 0.0)]), mounting)
    assert len(found) == 2 * len(sizes) - 1
    assert [point.is_out for point in found] == [k % 2 == 0 for k in range(len(found))]
    assert [math.degrees(p.leg_rad) for p in found if p.is_out] == pytest.approx(sizes, abs=1e-6)


def test_a_hold_of_any_length_is_one_turn() -> None:
    """A thousand samples at the top are one turning point."""
    assert len(turns(swing(0, 50) + [50.0] * 1000 + swing(50, 0) + swing(0, 50))) == 2


def test_a_turn_is_known_on_the_way_back_and_not_before() -> None:
    """A 50 degree leg is confirmed after coming back by 40 percent of it."""
    found = turns(swing(0, 50, 0))
    assert found[0].t_s == 50.0
    assert found[0].known_s == pytest.approx(71.0, abs=1.0)


def test_small_sway_makes_no_turn() -> None:
    """Swings of 4 degrees are no movement, at the start and between large ones."""
    assert turns(swing(0, 4, 0, 4, 0, 4)) == []
    assert len(turns(swing(0, 50, 0, 4, 0, 4, 0, 50, 0))) == 3


def test_a_partial_leg_counts_from_a_quarter_of_the_usual_one() -> None:
    """After legs of 60 degrees one of 18 is a movement, one of 12 is not."""
    usual = [0.0, 60, 0, 60, 0, 60, 0]
    assert len(turns(swing(*usual, 18, 0, 60, 0))) == 9
    assert len(turns(swing(*usual, 12, 0, 60, 0))) == 7


def test_whole_back_keeps_partial_excursions_from_turning() -> None:
    """Where half a leg back is needed, the 30 percent waver between two ends is part of one way."""
    params = TurningParams(out_share=0.5, back_share=0.5, away_share=0.25, needs_whole_back=True)
    corners = [0.0, 20, -20, 20, -20, 6, -6, 20, -20, 20]
    assert [p.is_out for p in turns(swing(*corners), params=params)] == [True, False] * 3


def test_a_gap_drops_the_leg_and_keeps_the_size() -> None:
    """After a gap the leg in flight is gone, the threshold stays, and the next leg begins at the rest pose."""
    finder = TurningPointFinder()
    for i, angle in enumerate(swing(0, 60, 0, 30)):
        finder.feed(float(i), (0.0, math.sin(math.radians(angle)), math.cos(math.radians(angle))))
    size = finder.median_leg_rad
    finder.gap(500.0, (0.0, 0.0, 1.0))
    assert finder.turn_in_flight is None
    assert finder.median_leg_rad == size
    found = [
        finder.feed(500.0 + i, (0.0, math.sin(math.radians(angle)), math.cos(math.radians(angle))))
        for i, angle in enumerate(swing(40, 60, 0))
    ]
    tops = [point for point in found if point]
    assert len(tops) == 1
    assert tops[0].is_out
    assert math.degrees(tops[0].leg_rad) == pytest.approx(60.0)


def test_the_turn_in_flight_is_told() -> None:
    """At the end of a recording the farthest point since the last turn can be asked for."""
    finder = TurningPointFinder()
    for i, angle in enumerate(swing(0, 60, 10)):
        finder.feed(float(i), (0.0, math.sin(math.radians(angle)), math.cos(math.radians(angle))))
    last = finder.turn_in_flight
    assert last is not None
    assert not last.is_out
    assert math.degrees(last.leg_rad) == pytest.approx(50.0)


def test_angles_are_exact_when_small() -> None:
    """A thousandth of a degree is measured as such."""
    tiny = math.radians(1e-3)
    assert angle_rad((0.0, 0.0, 1.0), (0.0, math.sin(tiny), math.cos(tiny))) == pytest.approx(tiny, rel=1e-6)

"""One sensor's values at another's times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode.two_clocks import Paired, TwoClocks, TwoClocksParams
from sensorsoma.messages import Floats


def joined(parts: list[Paired]) -> Paired:
    """All that came out, as one."""
    return Paired(*(np.concatenate([part[column] for part in parts]) for column in range(3)))


def rows(values: Floats | list[float]) -> Floats:
    """The same value on all three axes."""
    return np.repeat(np.asarray(values)[:, np.newaxis], 3, axis=1)


def series() -> tuple[Floats, Floats]:
    """Times of a grid at 100 Hz and of another sensor at 87 Hz that was silent for 0.3 s."""
    grid_s, other_s = 5.0 + np.arange(200) / 100, 5.0031 + np.arange(180) / 87
    return grid_s, other_s[(other_s < 5.9) | (other_s > 6.2)]


def test_values_are_those_of_the_moment() -> None:
    """A slow turn seen by the other sensor is read off at the grid's times, to the error of a straight line."""
    grid_s = np.arange(1000) / 100
    other_s = 0.0047 + np.arange(1000) / 98.7
    clocks = TwoClocks()
    clocks.add_grid(grid_s, rows(grid_s))
    clocks.add_other(other_s, np.column_stack([np.sin(2 * other_s), np.cos(2 * other_s), other_s]))
    paired = clocks.ready()
    assert len(paired.t_s) == 999  # the first lies before the other sensor's first sample
    np.testing.assert_array_equal(paired.grid[:, 0], paired.t_s)
    wanted = np.column_stack([np.sin(2 * paired.t_s), np.cos(2 * paired.t_s), paired.t_s])
    assert np.abs(paired.other - wanted).max() < 1e-4


def test_a_sample_waits_for_the_other_sensor_and_no_longer() -> None:
    """A grid sample comes out with the first other sample at or after it, not before and not later."""
    clocks = TwoClocks()
    clocks.add_other([0.0], rows([0.0]))
    clocks.add_grid([0.01], rows([1.0]))
    assert len(clocks.ready().t_s) == 0
    clocks.add_other([0.01], rows([7.0]))
    assert clocks.ready().other[:, 0].tolist() == [7.0]
    assert len(clocks.ready().t_s) == 0


def test_a_hole_of_the_other_sensor_is_not_bridged() -> None:
    """Grid samples within the silence are left out; those at both its edges stay."""
    grid_s, other_s = series()
    clocks = TwoClocks()
    clocks.add_grid(grid_s, rows(grid_s))
    clocks.add_other(other_s, rows(other_s))
    t_s = clocks.ready().t_s
    edges = other_s[other_s < 6.0][-1], other_s[other_s > 6.0][0]
    wanted = grid_s[(grid_s >= other_s[0]) & (grid_s <= other_s[-1]) & ((grid_s <= edges[0]) | (grid_s >= edges[1]))]
    np.testing.assert_array_equal(t_s, wanted)


def test_the_first_of_two_samples_of_one_time_stays() -> None:
    """Doubled and late samples change nothing."""
    clocks = TwoClocks()
    clocks.add_other([0.0, 0.0, 0.02, 0.01], rows([1.0, 9.0, 3.0, 9.0]))
    clocks.add_grid([0.01, 0.01], rows([1.0, 2.0]))
    clocks.add_grid([0.01], rows([3.0]))
    paired = clocks.ready()
    assert [part.ravel()[0] for part in paired] == [0.01, 1.0, 2.0]
    assert len(paired.t_s) == 1


@settings(max_examples=60, deadline=None)
@given(
    grid_cuts=st.lists(st.integers(0, 200), max_size=12),
    other_cuts=st.lists(st.integers(0, 155), max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_any_cut_and_interleaving_gives_the_same_samples(grid_cuts: list[int], other_cuts: list[int], order) -> None:  # type: ignore[no-untyped-def]
    """However packets cut the two series, the same samples come out, bit for bit."""
    grid_s, other_s = series()
    whole = TwoClocks()
    whole.add_grid(grid_s, rows(np.cos(grid_s)))
    whole.add_other(other_s, rows(np.sin(other_s)))
    wanted = whole.ready()
    cut = TwoClocks(TwoClocksParams(keep_s=10.0))
    grid_parts, other_parts = np.split(grid_s, sorted(grid_cuts)), np.split(other_s, sorted(other_cuts))
    out = []
    while grid_parts or other_parts:
        if grid_parts and (not other_parts or order.random() < 0.5):
            part = grid_parts.pop(0)
            cut.add_grid(part, rows(np.cos(part)))
        else:
            part = other_parts.pop(0)
            cut.add_other(part, rows(np.sin(part)))
        out.append(cut.ready())
    for ours, theirs in zip(joined(out), wanted, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("silent", ["grid", "other"])
def test_memory_is_bounded_when_one_sensor_falls_silent(silent: str) -> None:
    """Only the last seconds are kept, and once the silent sensor is back, samples come again."""
    clocks = TwoClocks()
    add, add_silent = (clocks.add_grid, clocks.add_other) if silent == "other" else (clocks.add_other, clocks.add_grid)
    times = np.arange(100_000) / 100
    for part in np.split(times, 1000):
        add(part, rows(part))
        assert len(clocks.ready().t_s) == 0
    assert len(clocks._grid.t_s) + len(clocks._other.t_s) < 210
    back = 999.5 + np.arange(40) / 100
    add_silent(back, rows(back))
    assert len(clocks.ready().t_s) == 40


def test_a_clock_that_begins_anew_is_followed_after_clear() -> None:
    """After `clear` early times count again and no old neighbour is used."""
    clocks = TwoClocks()
    clocks.add_grid([50.0], rows([1.0]))
    clocks.add_other([50.0], rows([1.0]))
    assert len(clocks.ready().t_s) == 1
    clocks.clear()
    clocks.add_grid([0.0, 0.01], rows([1.0, 2.0]))
    clocks.add_other([0.005, 0.015], rows([4.0, 6.0]))
    assert clocks.ready().other[:, 0].tolist() == [5.0]


def test_rows_that_do_not_fit_are_refused() -> None:
    """Misuse says what was found."""
    with pytest.raises(ValueError, match="one row of three values for each time"):
        TwoClocks().add_grid([0.0, 1.0], rows([1.0]))

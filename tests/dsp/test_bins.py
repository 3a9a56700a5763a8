"""Means over the fixed time grid."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.dsp.bins import Binner


@given(cuts=st.lists(st.integers(0, 400), max_size=12), rate_hz=st.sampled_from([52.0, 104.0, 208.0]))
def test_any_cut_gives_the_same_bits(cuts: list[int], rate_hz: float) -> None:
    """The same cells come out, bit by bit, however the samples are cut."""
    rng = np.random.default_rng(1)
    t_s = np.arange(400) / rate_hz + 3.01
    rows = rng.normal(size=(400, 6))
    whole = Binner()
    expected = whole.feed(t_s, rows)
    edges = [0, *sorted(cuts), 400]
    pieces = Binner()
    got = [pieces.feed(t_s[a:b], rows[a:b]) for a, b in itertools.pairwise(edges)]
    assert np.array_equal(np.concatenate([g.t_s for g in got]), expected.t_s)
    assert np.array_equal(np.concatenate([g.rows for g in got]), expected.rows)
    assert np.array_equal(pieces.finish().rows, whole.finish().rows)


def test_a_gap_leaves_no_cells() -> None:
    """No cell is invented inside a gap."""
    binner = Binner(10.0)
    t_s = np.array([0.0, 0.05, 2.0, 2.05, 2.1])
    bins = binner.feed(t_s, np.arange(5.0)[:, None])
    assert bins.t_s.tolist() == [0.025, 2.025]
    assert bins.rows[:, 0].tolist() == [0.5, 2.5]


def test_other_columns_begin_a_new_cell() -> None:
    """A stream that goes on with other columns loses the cell that was filling and nothing else."""
    binner = Binner(10.0)
    assert binner.feed(np.array([0.0, 0.11]), np.ones((2, 6))).rows.shape == (1, 6)
    bins = binner.feed(np.array([0.13, 0.21]), np.full((2, 3), 2.0))
    assert bins.t_s.tolist() == [0.13]
    assert bins.rows.tolist() == [[2.0, 2.0, 2.0]]

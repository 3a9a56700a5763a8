"""Rows whose time stamps are coarser than their samples, placed evenly.

Whole-second stamps are repeated for every row of that second; a logger that stamps its packets gives all rows of a
packet one time, or each a moment later as it comes to it. The order of the rows is sure and the sensor runs evenly, so
the rows are put on a straight line of time over index, fitted to the rows at which the stamp changes. A hole is kept
where a stamp jumps further than its rows and its own coarseness explain; within a hole nothing is invented.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sensorsoma.messages import Floats
from sensorsoma.recording.stamps import BURST_FRAC, LONGEST_STEP_S, MANY_EQUAL_FRAC, mean_step

SURE_HOLE = 0.95
"""Share of the stamp's step that has to be missing: less could be the rounding of the stamp alone."""
SMALL_SPREAD = 0.05
"""Share of the stamp's step by which rows and stamps may disagree before it is worth telling."""

FULL_FRAC = 0.9
"""When so many steps of the stamp hold as many rows as their length asks for, a step with fewer has lost some. Packets
that get the whole second of their first row do not comply: there only a hole of a whole step is sure."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Times of rows."""

    t_s: Floats
    """`(n,)` seconds, the first is 0."""
    notes: tuple[str, ...] = ()


def placed(t_s: Floats, values: Floats) -> Placed:
    """Times that advance with every row, where the stamps of a table do not.

    Args:
        t_s: `(n,)` stamps.
        values: `(n, k)` samples beside them: rows that repeat stamp and samples are copies, not coarse stamps.

    >>> made = placed(np.repeat(np.arange(5.0), 50), np.arange(250.0)[:, np.newaxis])
    >>> float(np.diff(made.t_s).round(6).max())
    0.02
    """
    steps = np.diff(t_s)
    if len(t_s) < 3 or (steps < 0).any() or not (steps > 0).any():
        return Placed(t_s)
    is_equal = steps == 0
    if is_equal.mean() < MANY_EQUAL_FRAC:
        is_together = steps < BURST_FRAC * mean_step(steps)
        return _on_lines(t_s, is_together) if is_together.mean() >= MANY_EQUAL_FRAC else Placed(t_s)
    is_copy = is_equal & (np.diff(values, axis=0) == 0).all(axis=1)
    has_rate = float(np.median(steps[steps > 0])) <= LONGEST_STEP_S
    if has_rate and (is_equal & ~is_copy).sum() < MANY_EQUAL_FRAC * (~is_copy).sum():
        return Placed(t_s)
    return _on_lines(t_s, is_equal)


def _on_lines(t_s: Floats, is_together: NDArray[np.bool_]) -> Placed:
    starts = np.concatenate(([0], np.flatnonzero(~is_together) + 1))
    stamps = t_s[starts]
    has_one_stamp = bool((np.diff(t_s)[is_together] == 0).all())
    coarse_s = float(np.diff(stamps).min() if has_one_stamp else np.median(np.diff(stamps)))
    stretches = _stretches(starts, stamps, coarse_s)
    row_s = _row_s(starts, stamps, stretches)
    out = np.empty(len(t_s))
    spread_s = 0.0
    for first, last in stretches:
        rows = np.arange(starts[first], starts[last] if last < len(starts) else len(t_s))
        begins = slice(first + 1, last) if last - first > 1 else slice(first, last)  # the first may begin midway
        zeros_s = stamps[begins] - starts[begins] * row_s
        out[rows] = float(zeros_s.mean()) + 0.5 * row_s + rows * row_s
        spread_s = max(spread_s, float(np.ptp(zeros_s)))
    out = _in_order(out, starts[[first for first, _ in stretches]], row_s)
    return Placed(out - out[0], (_note(coarse_s, row_s, spread_s, len(stretches) - 1, has_one_stamp),))


def _stretches(starts: NDArray[np.int64], stamps: Floats, coarse_s: float) -> list[tuple[int, int]]:
    """Runs of equal stamps that follow each other without a hole, as half-open ranges of runs."""
    n_rows, jumps = np.diff(starts), np.diff(stamps)
    is_usual = jumps <= 2.5 * np.median(jumps)
    row_s = float(jumps[is_usual].sum() / n_rows[is_usual].sum())
    usual_row_s = float(np.median(jumps / n_rows))
    missing_s = jumps - n_rows * row_s
    least_s = SURE_HOLE * coarse_s
    if (np.abs(jumps - n_rows * usual_row_s) <= 1.5 * usual_row_s).mean() >= FULL_FRAC:
        missing_s = jumps - n_rows * usual_row_s
        least_s = max(3.0 * usual_row_s, SMALL_SPREAD * coarse_s)
    edges = [0]
    for run in np.flatnonzero(missing_s >= least_s).tolist():
        may_begin_midway = edges[-1] == run
        if not may_begin_midway or missing_s[run] >= least_s + coarse_s:
            edges.append(run + 1)
    edges.append(len(starts))
    return list(pairwise(edges))


def _row_s(starts: NDArray[np.int64], stamps: Floats, stretches: list[tuple[int, int]]) -> float:
    """Time between rows: one slope for all stretches. A stretch's first stamp may have begun midway and is left out."""
    up = across = 0.0
    for first, last in stretches:
        rows, times = starts[first + 1 : last].astype(np.float64), stamps[first + 1 : last]
        if len(rows) > 1:
            up += float(((rows - rows.mean()) * (times - times.mean())).sum())
            across += float(((rows - rows.mean()) ** 2).sum())
    if across > 0.0 and up > 0.0:
        return up / across
    return float((stamps[-1] - stamps[0]) / (starts[-1] - starts[0]))


def _in_order(t_s: Floats, begins: NDArray[np.int64], row_s: float) -> Floats:
    """Stretches pushed apart where their lines overlap, so that time never goes back."""
    for begin in begins[1:].tolist():
        missing = t_s[begin - 1] + row_s - t_s[begin]
        if missing > 0:
            t_s[begin:] += missing
    return t_s


def _note(coarse_s: float, row_s: float, spread_s: float, n_holes: int, has_one_stamp: bool) -> str:
    step = "are whole seconds" if abs(coarse_s - 1.0) < 1e-9 else f"are in steps of {coarse_s:.3g} s"
    step = f"{step}, coarser than the samples" if has_one_stamp else f"come in bursts every {coarse_s:.2g} s"
    note = f"Time stamps {step}; the rows were placed evenly at {1.0 / row_s:.2f} Hz"
    if n_holes:
        note += f", with {n_holes} {'hole' if n_holes == 1 else 'holes'} left open"
    if spread_s > max(SMALL_SPREAD * coarse_s, 2.5 * row_s):
        note += f"; they agree with the stamps within {spread_s:.1g} s"
    return note + "."

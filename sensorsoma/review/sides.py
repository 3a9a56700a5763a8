"""What can honestly be said about the two hips of one session.

The difference is right minus left in degrees, with a bootstrap interval over repeats, and it is stated only beyond
the minimal detectable change (MDC95), the size that repeating the measurement alone can produce. No index, no score,
no side called good or bad.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from sensorsoma.messages import Floats
from sensorsoma.review.tables import falls_table, reps_table
from sensorsoma.review.trace import SessionTrace

Verdict = Literal["too_few", "within", "beyond"]


@dataclass(frozen=True, slots=True)
class SidesParams:
    """How much evidence a statement needs."""

    mdc_deg: float = 7.0
    """MDC95 to use until three sessions of the person exist: limits of agreement of one rater with a single hip sensor
    (Stołowski 2023)."""
    min_rests: int = 3
    """Rests a side; below that no interval means anything."""
    min_reps: int = 5
    """Reps a side; they vary more than rests."""
    n_bootstrap: int = 4000
    """Resamples; the interval's ends are then steady to about 0.1°."""
    seed: int = 20
    """Fixed, so that the same session always gives the same sentence."""


@dataclass(frozen=True, slots=True)
class SideComparison:
    """One measure on both sides."""

    measure: str
    """What is compared, for people."""
    right_deg: tuple[float, ...]
    """One value per repeat that counts."""
    left_deg: tuple[float, ...]
    """One value per repeat that counts."""
    verdict: Verdict
    """Whether there are enough repeats, and whether the difference is beyond the MDC95."""
    delta_deg: float | None
    """Right minus left, means; only with `beyond`."""
    interval_deg: tuple[float, float] | None
    """95 % bootstrap interval of it; only with `beyond`."""
    sentence: str
    """The statement."""


def compare_sides(trace: SessionTrace, params: SidesParams | None = None) -> tuple[SideComparison, ...]:
    """Comparisons of everything that was measured on both sides; empty for a one-sided session.

    Supported rests and partial reps are left out.
    """
    params = params or SidesParams()
    falls = falls_table(trace)
    # `not True` keeps rests of which nobody said anything: only a rest marked as supported is left out.
    rests = falls.loc[falls["supported"].map(lambda value: value is not True).astype(bool)]
    reps = reps_table(trace)
    clams = reps[(reps["exercise"] == "clamshell") & ~reps["partial"].astype(bool)]
    wanted = (
        ("Knee fall, angle on arrival", rests, "arrival_deg", params.min_rests, "rests"),
        ("Knee fall, angle at the end of the rest", rests, "final_deg", params.min_rests, "rests"),
        ("Knee fall, sink during the rest", rests, "sink_deg", params.min_rests, "rests"),
        ("Clamshell, range", clams, "range_deg", params.min_reps, "reps"),
    )
    found = []
    for measure, table, column, minimum, what in wanted:
        right, left = (_values(table, column, side) for side in ("right", "left"))
        if right and left:
            found.append(_compare(measure, right, left, minimum, what, params))
    return tuple(found)


def _values(table: pd.DataFrame, column: str, side: str) -> tuple[float, ...]:
    return tuple(float(value) for value in table.loc[table["side"] == side, column].dropna())


def _compare(
    measure: str, right: Sequence[float], left: Sequence[float], minimum: int, what: str, params: SidesParams
) -> SideComparison:
    right_deg, left_deg = tuple(right), tuple(left)
    if min(len(right_deg), len(left_deg)) < minimum:
        sentence = (
            f"not enough repeats to say; {minimum} {what} a side are needed, "
            f"{len(right_deg)} on the right and {len(left_deg)} on the left were measured."
        )
        return SideComparison(measure, right_deg, left_deg, "too_few", None, None, sentence)
    delta = float(np.mean(right_deg) - np.mean(left_deg))
    low, high = bootstrap_interval(np.array(right_deg), np.array(left_deg), params)
    if abs(delta) <= params.mdc_deg or low <= 0 <= high:
        sentence = f"no difference beyond the {params.mdc_deg:g}° that measuring again can bring by itself."
        return SideComparison(measure, right_deg, left_deg, "within", None, None, sentence)
    sentence = (
        f"right minus left is {signed(delta)}° (95 % interval {signed(low)}° to {signed(high)}°), "
        f"more than the {params.mdc_deg:g}° that measuring again can bring by itself."
    )
    return SideComparison(measure, right_deg, left_deg, "beyond", delta, (low, high), sentence)


def bootstrap_interval(right: Floats, left: Floats, params: SidesParams) -> tuple[float, float]:
    """95 % percentile interval of mean(right) - mean(left), both sides resampled; the same for the same values."""
    rng = np.random.default_rng(params.seed)
    right_means = right[rng.integers(0, right.size, (params.n_bootstrap, right.size))].mean(axis=1)
    left_means = left[rng.integers(0, left.size, (params.n_bootstrap, left.size))].mean(axis=1)
    low, high = np.percentile(right_means - left_means, (2.5, 97.5))
    return float(low), float(high)


def signed(value: float) -> str:
    """With one decimal and a sign that is as wide as a digit.

    >>> signed(9.25), signed(-3.04)
    ('+9.2', '−3.0')
    """
    return f"{value:+.1f}".replace("-", "−")

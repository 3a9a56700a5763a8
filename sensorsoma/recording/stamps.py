"""Time stamps that are numbers into seconds since the first row.

Seconds, milliseconds, micro- or nanoseconds since 1970 or since the start, days since 1900 (Excel), since year 0
(Matlab) or since the start. A sensor gives 5 to 5000 samples a second, three decades: of the units of a number only one
fits, so nothing has to be asked. Dates and times of day stand in `dates`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Floats

LONGEST_STEP_S, SHORTEST_STEP_S = 0.2, 0.0002
"""5 and 5000 samples a second, the range that a worn sensor may have."""
MANY_BACK_FRAC = 0.1
"""More steps than this back in time: the column is no time. A clock that is set goes back once."""
MANY_EQUAL_FRAC = 0.25
"""From this share of equal neighbours on, stamps are coarser than samples."""

_SCALES = (("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("days", 86400.0))
_SCALE = dict(_SCALES)
_WHAT = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds", "days": "days"}
_SINCE_1970 = (("s", 1e8), ("ms", 1e11), ("us", 1e14), ("ns", 1e17))
"""Smallest number of a unit that is taken as since 1970: 1973 as seconds; each is too large for the unit before it."""
BURST_FRAC = 0.2
"""Rows nearer than this share of the mean step were stamped together: no clock of a worn sensor is that uneven."""


class BadStampError(ValueError):
    """A stamp that is none: which row, what was expected, what was found."""

    def __init__(self, row: int, expected: str, found: str) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.row, self.expected, self.found = row, expected, found


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Time stamps as numbers."""

    t_s: Floats
    """`(n,)` seconds since the first row, in the order of the file."""
    started_ns: int | None = None
    """Unix time of the first row, where the stamp names its zone."""
    notes: tuple[str, ...] = ()


def is_stamp(text: str) -> bool:
    """True for a number or something that begins like a date or a time of day.

    >>> [is_stamp(text) for text in ("0.5", "08/11/2018 11:46", "11:46:57", "8-Nov-2018", "time", "3 axes")]
    [True, True, True, True, False, False]
    """
    try:
        float(text)
    except ValueError:
        return re.match(r"\d{4}|\d{1,2}([-/.])(\d{1,2}|[A-Za-z]{3,9})\1\d{2}|\d{1,2}:\d{2}", text) is not None
    return True


def number_times(values: Floats, unit: str | None = None) -> Times:
    """Seconds since the first row.

    Args:
        values: `(n,)` finite numbers.
        unit: as the header says; None to tell it from the numbers.

    Raises:
        BadStampError: they go back and forth, or count rows.

    >>> number_times(np.array([43412.5, 43412.5 + 0.01 / 86400, 43412.5 + 0.02 / 86400])).t_s.round(3).tolist()
    [0.0, 0.01, 0.02]
    """
    steps = np.diff(values)
    refuse_disorder(steps, values)
    if unit is None:
        unit, notes = _unit_of(values, steps)
    else:
        notes = ()
    return Times(np.asarray((values - values[0]) * _SCALE[unit], dtype=np.float64), None, notes)


def _unit_of(values: Floats, steps: Floats) -> tuple[str, tuple[str, ...]]:
    """The unit that makes a sensible rate, and what to say of it."""
    step = _typical_step(steps)
    first = float(values[0])
    for unit, least in reversed(_SINCE_1970):
        if first >= least and SHORTEST_STEP_S <= step * _SCALE[unit] <= LONGEST_STEP_S:
            return unit, ()
    if step == 1.0 and first < 1e8:  # no sensor is known that runs at 1000 Hz and counts milliseconds
        expected = "time stamps with 5 to 5000 samples a second"
        raise BadStampError(1, expected, f"{first + 1:.10g} after {first:.10g}, a row number or one sample a second")
    for unit, scale in _SCALES:
        fits = SHORTEST_STEP_S <= step * scale <= LONGEST_STEP_S
        if fits and (scale >= 1.0 or step >= 2.0):  # halves of a millisecond are seconds that are too slow
            return unit, () if unit == "s" else (f"Time stamps without a unit were read as {_said(unit, first)}.",)
    return "s", ()


def _said(unit: str, first: float) -> str:
    if unit != "days":
        return _WHAT[unit]
    return f"days{' (Excel)' if 20_000 < first < 80_000 else ' (Matlab)' if first > 600_000 else ''}"


def _typical_step(steps: Floats) -> float:
    """Median step forward; where many rows come at once, the mean over rows outside gaps."""
    forward = steps[steps > 0]
    if not forward.size:
        return 0.0
    mean = mean_step(steps)
    return mean if (steps < BURST_FRAC * mean).mean() >= MANY_EQUAL_FRAC else float(np.median(forward))


def mean_step(steps: Floats) -> float:
    """Mean step in the unit of the steps, which holds also where many rows come at once; gaps count little.

    >>> round(mean_step(np.array([0.0, 0.0, 0.0, 0.04] * 20 + [60.0])), 4)
    0.0114
    """
    forward = steps[steps > 0]
    if not forward.size:
        return 0.0
    half, most = np.quantile(forward, (0.5, 0.95))
    usual = most if most > 20.0 * half else half  # between packets of up to 20 rows, each with a stamp a moment later
    return float(np.clip(steps, 0.0, 3.0 * usual).mean())


def refuse_disorder(steps: Floats, values: Floats) -> None:
    """Refuses a column that goes back again and again.

    Raises:
        BadStampError: with the first row that does.
    """
    back = np.flatnonzero(steps < 0)
    if len(back) > max(2, MANY_BACK_FRAC * len(steps)):
        row = int(back[0]) + 1
        raise BadStampError(row, "time stamps that advance", f"{values[row]:.10g} after {values[row - 1]:.10g}")

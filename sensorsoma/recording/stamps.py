"""Time stamps of other people's files into seconds since the first row.

Written as text: a date and a time in the usual orders and separators, with or without a zone, a time of day alone. As
numbers: seconds, milliseconds, micro- or nanoseconds since 1970 or since the start, days since 1900 (Excel), since year
0 (Matlab) or since the start. A sensor gives 5 to 5000 samples a second, three decades: of the units of a number only
one fits, so nothing has to be asked.

Sources: what cwa-convert and omconvert (Open Movement), ActiLife, GENEActiv, the UK Biobank tools and R write.
cwa-convert rounds 59.99999 s to `:60.000`, which is understood; R leaves out a time of 00:00:00.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

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
_HALF_DAY_US, _DAY_US = 43_200_000_000, 86_400_000_000

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_FORM = re.compile(
    r"\s*(?:(?P<a>\d{1,4})(?P<sep>[-/. ])(?P<b>\d{1,2}|[A-Za-z]{3,9})(?P=sep)(?P<c>\d{2,4})(?:,?\s+|T|$))?"
    r"(?:(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.,:](?P<f>\d{1,12}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*(?:\[[^\]]*\])?\s*"
)
_ISO_ZONE = re.compile(r".*:\d{2}(?:\.\d+)?(?P<zone>Z|[+-]\d{2}:?\d{2}(?: \[[^\]]*\])?)")
EXAMPLE = "a time such as 2018-11-08 11:46:57.006"


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


# ----------------------------------------------------------------------------------------------------------- numbers


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
    _refuse_disorder(steps, values)
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
    """Median step forward; where many neighbours are equal, the mean over rows outside gaps."""
    forward = steps[steps > 0]
    if not forward.size:
        return 0.0
    median = float(np.median(forward))
    if (steps == 0).mean() < MANY_EQUAL_FRAC:
        return median
    return float(np.minimum(forward, 2.0 * median).sum()) / len(steps)


def _refuse_disorder(steps: Floats, values: Floats) -> None:
    back = np.flatnonzero(steps < 0)
    if len(back) > max(2, MANY_BACK_FRAC * len(steps)):
        row = int(back[0]) + 1
        raise BadStampError(row, "time stamps that advance", f"{values[row]:.10g} after {values[row - 1]:.10g}")


# -------------------------------------------------------------------------------------------------------------- text


def text_times(stamps: NDArray[np.bytes_], is_day_first: bool | None = None) -> Times:
    """Seconds since the first row.

    Args:
        stamps: `(n,)` as they stand in the file, without quotes.
        is_day_first: order of day and month, where something else tells it.

    Raises:
        BadStampError: one is no time, or they go back and forth.

    >>> text_times(np.array([b"08/11/2018 23:59:59.995", b"09/11/2018 00:00:00.005"])).t_s.round(6).tolist()
    [0.0, 0.01]
    """
    fast = _iso_us(stamps)
    at_us, is_absolute, notes = fast if fast is not None else _any_us(stamps, is_day_first)
    t_s = np.asarray((at_us - at_us[0]) / 1e6, dtype=np.float64)
    _refuse_disorder(np.diff(t_s), t_s)
    return Times(t_s, int(at_us[0]) * 1000 if is_absolute else None, notes)


def _iso_us(stamps: NDArray[np.bytes_]) -> tuple[NDArray[np.int64], bool, tuple[str, ...]] | None:
    """Microseconds of ISO dates, all in one zone: the usual case, in one go; None for the slow way."""
    match = _ISO_ZONE.fullmatch(stamps[0].decode("latin-1"))
    offset_us = 0
    if match is not None:
        zone = match["zone"]
        if not np.char.endswith(stamps, zone.encode("latin-1")).all():
            return None
        stamps = stamps.astype(f"S{len(stamps[0]) - len(zone)}") if _has_one_length(stamps) else _cut(stamps, len(zone))
        offset_us = _offset_us(zone.partition(" ")[0])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy only warns of a time zone that it drops
            at = stamps.astype("datetime64[us]")
    except (ValueError, Warning):
        return None
    if np.isnat(at).any():
        return None
    return at.astype(np.int64) - offset_us, match is not None, ()


def _has_one_length(stamps: NDArray[np.bytes_]) -> bool:
    return bool((np.char.str_len(stamps) == len(stamps[0])).all())


def _cut(stamps: NDArray[np.bytes_], n: int) -> NDArray[np.bytes_]:
    return np.array([stamp[:-n] for stamp in stamps.tolist()], dtype=stamps.dtype)


def _offset_us(zone: str) -> int:
    """What a zone is ahead of UTC."""
    if zone[:1] not in ("+", "-"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:4])
    return (-1 if zone[0] == "-" else 1) * minutes * 60_000_000


def _any_us(stamps: NDArray[np.bytes_], is_day_first: bool | None) -> tuple[NDArray[np.int64], bool, tuple[str, ...]]:
    """Microseconds of any form that is known, one by one."""
    found = []
    for row, stamp in enumerate(stamps.tolist()):
        match = _FORM.fullmatch(stamp.decode("latin-1"))
        if match is None or (match["a"] is None and match["h"] is None):
            raise _no_time(row, stamp)
        found.append(match)
    with_date = [match["a"] is not None for match in found]
    if any(with_date) and not all(with_date):
        row = with_date.index(not with_date[0])
        raise BadStampError(row, "times of one form", _quoted(stamps[row]))
    day_first, notes = _order(found, is_day_first) if with_date[0] else (True, ())
    days: dict[tuple[str, str, str], int] = {}
    at_us = np.zeros(len(found), dtype=np.int64)
    for row, match in enumerate(found):
        try:
            at_us[row] = _day(match, day_first, days) * _DAY_US + _us_of_day(match)
        except ValueError:
            raise _no_time(row, stamps[row]) from None
    if not with_date[0]:  # the clock starts again at midnight
        at_us += np.concatenate(([0], np.cumsum(np.diff(at_us) < -_HALF_DAY_US))) * _DAY_US
    is_absolute = with_date[0] and all(match["zone"] for match in found)
    return at_us, is_absolute, notes


def _no_time(row: int, stamp: bytes) -> BadStampError:
    return BadStampError(row, EXAMPLE, _quoted(stamp))


def _quoted(stamp: bytes) -> str:
    return repr(stamp.decode("latin-1")[:60])


def _us_of_day(match: re.Match[str]) -> int:
    if match["h"] is None:
        return 0
    hour, minute, second = int(match["h"]), int(match["m"]), int(match["s"] or 0)
    half = (match["half"] or "").lower()
    if hour > (12 if half else 24) or minute > 59 or second > 60 or (half and not hour):
        raise ValueError("no time of day")
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    us = int((match["f"] or "0").ljust(6, "0")[:6])
    return ((hour * 60 + minute) * 60 + second) * 1_000_000 + us - _offset_us(match["zone"] or "")


def _day(match: re.Match[str], day_first: bool, known: dict[tuple[str, str, str], int]) -> int:
    """Days since 1970."""
    if match["a"] is None:
        return 0
    parts = (match["a"], match["b"], match["c"])
    if parts not in known:
        a, b, c = parts
        year, day = (a, c) if len(a) == 4 else (c, a)
        month = b
        if len(a) < 4 and not day_first:
            month, day = a, b
        number = _MONTHS.get(month[:3].lower()) or int(month)
        known[parts] = date(int(year) + (2000 if len(year) == 2 else 0), number, int(day)).toordinal() - 719163
    return known[parts]


def _order(found: Sequence[re.Match[str]], is_day_first: bool | None) -> tuple[bool, tuple[str, ...]]:
    """Whether the day stands before the month, and what to say when nothing tells it."""
    pairs = list(dict.fromkeys((match["a"], match["b"]) for match in found))
    if len(pairs[0][0]) == 4 or not pairs[0][1].isdigit():
        return True, ()
    if any(int(a) > 12 for a, _ in pairs):
        return True, ()
    if any(b.isdigit() and int(b) > 12 for _, b in pairs):
        return False, ()
    if is_day_first is not None:
        return is_day_first, ()
    if found[0]["half"]:
        return False, ()  # a.m. and p.m. come with the American order
    if len(pairs) > 1:  # past midnight the day has grown
        return pairs[0][0] != pairs[1][0], ()
    shown = "/".join(pairs[0])
    return True, (f"The date {shown}/... was read with the day first; no angle and no count depends on it.",)

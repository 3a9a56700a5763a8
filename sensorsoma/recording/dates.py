"""Time stamps that are written as dates and times of day, into seconds since the first row.

Year, month and day in the usual orders and separators, months as numbers or English names, seconds with any number of
decimals, a.m. and p.m., a zone at the end, or a time of day alone, which starts again at midnight.

Sources: what cwa-convert and omconvert (Open Movement), ActiLife, GENEActiv, the UK Biobank tools
(`... 13:29:50.439+0100 [Europe/London]`), pandas, Matlab and R write. cwa-convert rounds 59.99999 s to `:60.000`, which
is understood; GENEActiv parts milliseconds by a colon; R leaves out a time of 00:00:00.

Files hold millions of stamps. Those that all have the digits in the same places are read as one matrix of digits, ISO
dates of changing length by numpy; only what is left is walked one by one.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from sensorsoma.recording.stamps import BadStampError, Times, refuse_disorder

Ints = NDArray[np.int64]

_AT_ONCE = 100_000
"""Stamps made text at once, which takes four times their bytes. numpy 2.4 must not be given the bytes themselves: one
that is no date, in an array of some thousand, ends the interpreter (its cast reports the error without the lock)."""
_HALF_DAY_US, _DAY_US = 43_200_000_000, 86_400_000_000
_NO_TIME = -100 * _DAY_US
_UNIX_DAY = date(1970, 1, 1).toordinal()

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_FORM = re.compile(
    r"\s*(?:(?P<a>\d{1,4})(?P<sep>[-/. ])(?P<b>\d{1,2}|[A-Za-z]{3,9})(?P=sep)(?P<c>\d{2,4})(?:,?\s+|T|$))?"
    r"(?:(?P<h>\d{1,2}):(?P<m>\d{1,2})(?::(?P<s>\d{1,2})(?:[.,:](?P<f>\d{1,12}))?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?\s*(?:\[[^\]]*\])?\s*",
    re.ASCII,
)
_PARTS = ("a", "b", "c", "h", "m", "s", "f")
_EXAMPLE = "a time such as 2018-11-08 11:46:57.006"


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """What the first stamp tells of all."""

    has_date: bool
    is_year_first: bool
    has_name: bool
    """The month is a word."""
    has_half: bool
    """a.m. or p.m. follows."""
    is_zoned: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Columns:
    """The parts of `n` stamps as they stand, before day and month are told apart."""

    form: _Form
    a: Ints
    b: Ints
    c: Ints
    us_of_day: Ints
    """In UTC where a zone is written; around `_NO_TIME` for what is no time of day."""


def text_times(stamps: NDArray[np.bytes_], is_day_first: bool | None = None) -> Times:
    """Seconds since the first row.

    Args:
        stamps: `(n,)` as they stand in the file, without quotes and blanks around them.
        is_day_first: order of day and month, where something else tells it.

    Raises:
        BadStampError: one is no time, or they go back and forth.

    >>> text_times(np.array([b"08/11/2018 23:59:59.995", b"09/11/2018 00:00:00.005"])).t_s.round(6).tolist()
    [0.0, 0.01]
    """
    notes: tuple[str, ...] = ()
    columns = _same_places(stamps)
    at_us = None if columns is not None else _iso_us(stamps)
    is_absolute = False
    if at_us is None:
        columns = columns or _one_by_one(stamps)
        at_us, notes = _at_us(columns, stamps, is_day_first)
        is_absolute = columns.form.is_zoned and columns.form.has_date
    t_s = np.asarray((at_us - at_us[0]) / 1e6, dtype=np.float64)
    refuse_disorder(np.diff(t_s), t_s)
    return Times(t_s, int(at_us[0]) * 1000 if is_absolute else None, notes)


# ------------------------------------------------------------------------------------------------------ three ways


def _same_places(stamps: NDArray[np.bytes_]) -> _Columns | None:
    """The parts of stamps that differ in nothing but digits, each in its place; None for others."""
    first = stamps[0]
    match = _FORM.fullmatch(first.decode("latin-1"))
    if match is None or not first:
        return None
    chars = np.ascontiguousarray(stamps).view(np.uint8).reshape(len(stamps), stamps.dtype.itemsize)
    digits = np.zeros(chars.shape[1], dtype=bool)
    for part in _PARTS:
        if (match[part] or "x").isdigit():
            digits[slice(*match.span(part))] = True
    is_digit = (chars[:, digits] >= ord("0")) & (chars[:, digits] <= ord("9"))
    if (chars[:, ~digits] != chars[0, ~digits]).any() or not is_digit.all():
        return None
    values = {part: _number(chars, match, part) for part in _PARTS}
    form = _form(match)
    half = np.full(len(stamps), _half(match), dtype=np.int64)
    us = _us_of_day(values["h"], values["m"], values["s"], values["f"], half)
    return _Columns(form, values["a"], values["b"], values["c"], us - _offset_us(match["zone"]))


def _number(chars: NDArray[np.uint8], match: re.Match[str], part: str) -> Ints:
    """`(n,)` values of a part; a fraction in microseconds, a month by name as its number."""
    text = match[part]
    if not text or not text.isdigit():
        return np.full(len(chars), _MONTHS.get((text or "")[:3].lower(), 0), dtype=np.int64)
    begin, end = match.span(part)
    if part == "f":
        end = min(end, begin + 6)
    value = np.zeros(len(chars), dtype=np.int64)
    for place in range(begin, end):
        value = value * 10 + (chars[:, place] - np.int64(ord("0")))
    return value * 10 ** (6 - (end - begin)) if part == "f" else value


def _iso_us(stamps: NDArray[np.bytes_]) -> Ints | None:
    """Microseconds of ISO dates without a zone, whose length may change; None for others."""
    parts = [stamps[begin : begin + _AT_ONCE] for begin in range(0, len(stamps), _AT_ONCE)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # numpy only warns of a time zone that it drops
            at = np.concatenate([part.astype(np.str_).astype("datetime64[us]") for part in parts])
    except (ValueError, Warning):
        return None
    return None if np.isnat(at).any() else at.astype(np.int64)


def _one_by_one(stamps: NDArray[np.bytes_]) -> _Columns:
    """The parts of any form that is known.

    Raises:
        BadStampError: one is no time, or some have a date and others have none.
    """
    form: _Form | None = None
    rows = np.zeros((len(stamps), 9), dtype=np.int64)
    for row, stamp in enumerate(stamps.tolist()):
        match = _FORM.fullmatch(stamp.decode("latin-1"))
        if match is None or (match["a"] is None and match["h"] is None):
            raise BadStampError(row, _EXAMPLE, _quoted(stamp))
        form = form or _form(match)
        if form.has_date != (match["a"] is not None):
            raise BadStampError(row, "times of one form", _quoted(stamp))
        a, b, c, h, m, s, f = (match[part] or "0" for part in _PARTS)
        month = int(b) if b.isdigit() else _MONTHS.get(b[:3].lower(), 0)
        rows[row, :7] = int(a), month, int(c), int(h), int(m), int(s), int(f.ljust(6, "0")[:6])
        rows[row, 7:] = _half(match), _offset_us(match["zone"])
    assert form is not None
    hour, minute, second, us, half, offset_us = rows[:, 3:].T
    us_of_day = _us_of_day(hour, minute, second, us, half) - offset_us
    return _Columns(form, rows[:, 0], rows[:, 1], rows[:, 2], us_of_day)


def _form(match: re.Match[str]) -> _Form:
    a, b = match["a"], match["b"]
    return _Form(
        a is not None,
        len(a or "") == 4,
        bool(b) and not b.isdigit(),
        match["half"] is not None,
        match["zone"] is not None,
    )


def _us_of_day(hour: Ints, minute: Ints, second: Ints, us: Ints, half: Ints) -> Ints:
    """Microseconds since midnight, `_NO_TIME` for what is no time of day.

    Args:
        hour: `(n,)` as written; so are minute and second.
        minute: see there.
        second: see there.
        us: `(n,)` the fraction.
        half: `(n,)` 1 for a.m., 2 for p.m., 0 for a clock of 24 hours.
    """
    is_bad = (hour > np.where(half > 0, 12, 24)) | (minute > 59) | (second > 60) | ((half > 0) & (hour == 0))
    of_day = np.where(half > 0, hour % 12 + np.where(half == 2, 12, 0), hour)
    return np.asarray(np.where(is_bad, _NO_TIME, ((of_day * 60 + minute) * 60 + second) * 1_000_000 + us))


def _half(match: re.Match[str]) -> int:
    return {"a": 1, "p": 2}.get((match["half"] or "").lower(), 0)


def _offset_us(zone: str | None) -> int:
    """What a zone is ahead of UTC."""
    if not zone or zone[0] not in "+-":
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    return (-1 if zone[0] == "-" else 1) * (int(digits[:2]) * 60 + int(digits[2:4])) * 60_000_000


def _quoted(stamp: bytes) -> str:
    return repr(stamp.decode("latin-1")[:60])


# ------------------------------------------------------------------------------------------------------------ dates


def _at_us(columns: _Columns, stamps: NDArray[np.bytes_], is_day_first: bool | None) -> tuple[Ints, tuple[str, ...]]:
    """Microseconds since 1970, of a time of day alone since its first midnight, and what to say of it."""
    us = columns.us_of_day
    is_bad = us < -_DAY_US  # a zone is less than a day ahead
    if not columns.form.has_date:
        _refuse(is_bad, stamps)
        turns = np.cumsum(np.diff(us) < -_HALF_DAY_US)
        return us + np.concatenate(([0], turns)) * _DAY_US, ()
    written = (columns.a * 10_000 + columns.b) * 10_000 + columns.c
    begins = np.flatnonzero(np.diff(written, prepend=-1))  # a night has two dates
    dates = [(int(columns.a[row]), int(columns.b[row]), int(columns.c[row])) for row in begins]
    day_first, notes = _order(columns.form, dates, is_day_first)
    known = {one: _day(columns.form, day_first, *one) for one in set(dates)}
    day = np.repeat([known[one] for one in dates], np.diff(begins, append=len(written)))
    _refuse(is_bad | (day < 0), stamps)
    return (day - _UNIX_DAY) * _DAY_US + us, notes


def _refuse(is_bad: NDArray[np.bool_], stamps: NDArray[np.bytes_]) -> None:
    if is_bad.any():
        row = int(np.flatnonzero(is_bad)[0])
        raise BadStampError(row, _EXAMPLE, _quoted(stamps[row]))


def _day(form: _Form, day_first: bool, a: int, b: int, c: int) -> int:
    """Ordinal of a day; -1 for what is none."""
    if form.is_year_first:
        year, month, day = a, b, c
    else:
        year = c + (2000 if c < 100 else 0)
        day, month = (a, b) if day_first else (b, a)
    try:
        return date(year, month, day).toordinal()
    except ValueError:
        return -1


def _order(
    form: _Form, dates: Sequence[tuple[int, int, int]], is_day_first: bool | None
) -> tuple[bool, tuple[str, ...]]:
    """Whether the day stands before the month, and what to say when nothing tells it."""
    if form.is_year_first or form.has_name or any(a > 12 for a, _, _ in dates):
        return True, ()
    if any(b > 12 for _, b, _ in dates):
        return False, ()
    if is_day_first is not None:
        return is_day_first, ()
    if form.has_half:
        return False, ()  # a.m. and p.m. come with the American order
    if len(dates) > 1:  # past midnight the day has grown
        return dates[0][0] != dates[1][0], ()
    shown = "/".join(f"{number:02d}" for number in dates[0][:2])
    return True, (f"The date {shown}/... was read with the day first; no angle and no count depends on it.",)

"""What the header of a table says: which column is time, acceleration or angular rate, along which axis, in which unit.

Names are taken apart into words (`accX [m/s^2]` -> acc, x; m/s²), so that the spellings of many tools mean the same.
What is neither time nor a raw axis (temperature, light, battery, a mean over an epoch) is left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Quantity = Literal["acc", "gyr", "bare"]
"""`bare` is an axis without a word for what it measures: x, y, z."""
AXES = ("x", "y", "z")

UNITS: Mapping[str, tuple[str, ...]] = {
    "g": ("g", "gs", "g0", "gn", "gee", "gforce", "gunits"),
    "mg": ("mg", "millig"),
    "mps2": (
        "m/s^2",
        "m/s2",
        "m/s/s",
        "m/s**2",
        "m/(s^2)",
        "ms-2",
        "ms^-2",
        "ms^2",
        "ms2",
        "mps2",
        "mpss",
        "meterspersecondsquared",
    ),
    "dps": ("dps", "deg/s", "d/s", "deg/second", "degs-1", "degs^-1", "degs", "degps", "degpers"),
    "mdps": ("mdps", "mdeg/s", "millidps"),
    "radps": ("rad/s", "radps", "rads", "rads-1", "rads^-1", "radpers", "radians/s", "radian/s"),
    "s": ("s", "second", "seconds"),
    "ms": ("ms", "msec", "millis", "millisecond", "milliseconds"),
    "us": ("us", "usec", "micros", "microsecond", "microseconds"),
    "ns": ("ns", "nsec", "nanos", "nanosecond", "nanoseconds"),
    "days": ("day", "days"),
}
"""Our name of a unit -> how it is spelled, without blanks, dots and multiplication signs."""
_SPELLINGS = (
    ("⁻²", "-2"), ("⁻¹", "-1"), ("²", "^2"), ("°", "deg"), ("µ", "u"), ("μ", "u"), ("degrees", "deg"),
    ("degree", "deg"), ("sec^", "s^"), ("sec2", "s2"), ("-force", "force"), ('"', ""),
)  # fmt: skip
_UNIT_OF = {spelling: unit for unit, spellings in UNITS.items() for spelling in spellings}

ACC_UNITS = ("g", "mg", "mps2")
GYR_UNITS = ("dps", "mdps", "radps")
TIME_UNITS = ("s", "ms", "us", "ns", "days")

_STEMS: Mapping[str, Quantity] = {
    **dict.fromkeys(("acc", "accel", "accelero", "acceleration", "accelerometer", "accelerations"), "acc"),
    **dict.fromkeys(("gyr", "gyro", "gyroscope", "gyrometer", "angular", "angvel", "omega", "rotation", "rot"), "gyr"),
}  # fmt: skip
_SHORT: Mapping[str, Quantity] = {"a": "acc", "g": "gyr", "w": "gyr"}
"""`ax`, `gx`, `wx`: one letter is a word only beside an axis and nothing else."""
_FILLERS = frozenset(
    {"axis", "data", "value", "sensor", "imu", "velocity", "rate", "speed", "in", "unit", "units", "cal"}
)
"""Words that change nothing."""
_DERIVED = frozenset({
    "linear", "lin", "user", "free", "gravity", "grav", "mag", "magn", "mean", "avg", "std", "sd", "var", "range",
    "min", "max", "median", "svm", "enmo", "count", "counts", "quat", "quaternion", "euler", "angle",
})  # fmt: skip
"""Words of what was computed from raw axes, or is something else along an axis."""
_UNCALIBRATED = frozenset({"raw", "uncal", "uncalibrated"})
_TIME = frozenset({"time", "times", "timestamp", "timestamps", "datetime", "t", "unix", "epoch", "elapsed", "utc"})

_BRACKETED = re.compile(r"[(\[{]\s*(?P<unit>[^()\[\]{}]*(?:\([^()]*\))?[^()\[\]{}]*?)\s*[)\]}]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Column:
    """One cell of a header."""

    index: int
    words: tuple[str, ...]
    """In lower case, without axis and unit."""
    axis: str | None
    quantity: Quantity | None
    unit: str | None
    """Our name of the unit; None where the header gives none."""
    said: str
    """The unit as it is written, for sentences; empty without one."""

    @property
    def is_time(self) -> bool:
        """True for a column of time stamps."""
        return self.quantity is None and not _TIME.isdisjoint(self.words)

    @property
    def is_date(self) -> bool:
        """True for a column of dates whose time of day stands in another."""
        return self.quantity is None and "date" in self.words


@dataclass(frozen=True, slots=True)
class Axes:
    """The three columns of one sensor, or as many of them as there are."""

    words: tuple[str, ...]
    columns: Mapping[str, Column]
    """By axis."""

    @property
    def is_whole(self) -> bool:
        """True with x, y and z."""
        return len(self.columns) == 3

    @property
    def indices(self) -> tuple[int, ...]:
        """Where x, y, z stand."""
        return tuple(self.columns[axis].index for axis in AXES)

    @property
    def units(self) -> set[str | None]:
        """Units of the axes; more than one when they contradict each other."""
        return {column.unit for column in self.columns.values()}

    @property
    def said(self) -> str:
        """A unit as it is written."""
        return next((column.said for column in self.columns.values() if column.said), "")


def columns_of(header: Sequence[str]) -> list[Column]:
    """The meaning of every cell.

    >>> [(c.quantity, c.axis, c.unit) for c in columns_of(["time_ms", "accX [m/s^2]", "gx_dps", "Accel-Z (g)"])]
    [(None, None, 'ms'), ('acc', 'x', 'mps2'), ('gyr', 'x', 'dps'), ('acc', 'z', 'g')]
    """
    return [_column(index, cell) for index, cell in enumerate(header)]


def axes_of(columns: Iterable[Column], quantity: Quantity) -> list[Axes]:
    """The sensors of a kind, in the order of the header."""
    found: dict[tuple[str, ...], dict[str, Column]] = {}
    for column in columns:
        if column.quantity == quantity and column.axis is not None:
            found.setdefault(column.words, {}).setdefault(column.axis, column)
    return [Axes(words, axes) for words, axes in found.items()]


def without_raw(sensors: list[Axes]) -> list[Axes]:
    """Those that are calibrated, where a table has both."""
    return [one for one in sensors if _UNCALIBRATED.isdisjoint(one.words)] or sensors


def unit_of(text: str) -> str | None:
    """Our name of a unit, None when it is not known.

    >>> unit_of("m/s²"), unit_of("°/s"), unit_of("furlongs")
    ('mps2', 'dps', None)
    """
    plain = re.sub(r"[\s·*.⋅_]", "", text.lower().replace("**", "^"))
    for old, new in _SPELLINGS:
        plain = plain.replace(old, new)
    return _UNIT_OF.get(re.sub(r"(?<=.)sec$|(?<=/)sec(?!ond)", "s", plain))


def is_units_row(cells: Sequence[str]) -> bool:
    """True for a second header line that holds units alone."""
    filled = [without_brackets(cell) for cell in cells if cell.strip()]
    return len(filled) > 1 and all(unit_of(cell) or re.fullmatch(r"[ymdhs/.:\- ]+0*", cell.lower()) for cell in filled)


def without_brackets(cell: str) -> str:
    """A unit without the brackets around it.

    >>> without_brackets(" (m/(s^2)) "), without_brackets("m/(s^2)")
    ('m/(s^2)', 'm/(s^2)')
    """
    cell = cell.strip()
    return cell[1:-1].strip() if cell[:1] + cell[-1:] in ("()", "[]") else cell


def _column(index: int, cell: str) -> Column:
    name = cell.strip().strip("\"'").strip()
    match = _BRACKETED.search(name)
    said = match["unit"] if match else ""
    rest = name[: match.start()] + " " + name[match.end() :] if match else name
    words = _WORDS.findall(_CAMEL.sub(" ", rest).lower().replace("²", "2"))
    words, axis = _without_axis(words)
    if not match and axis is None and len(words) == 1 and unit_of(words[0]) in TIME_UNITS:
        words, said = ["time"], words[0]
    elif not match:
        words, said = _without_unit(words)
    kept = tuple(word for word in words if word not in _FILLERS)
    return Column(index, kept, axis, _quantity(kept, axis, unit_of(said)), unit_of(said), said)


def _without_axis(words: list[str]) -> tuple[list[str], str | None]:
    """The words but the axis, which is a word of its own or the last letter of one."""
    for index, word in enumerate(words):
        if word in AXES:
            return words[:index] + words[index + 1 :], word
        stem, last = word[:-1], word[-1]
        if last in AXES and (stem in _STEMS or stem in _SHORT):
            return [*words[:index], stem, *words[index + 1 :]], last
    return words, None


def _without_unit(words: list[str]) -> tuple[list[str], str]:
    """The words but a unit at their end (`acc_x_g`, `gyr_x_deg_s`, `time_s`); it is never the only word."""
    for n in (4, 3, 2, 1):
        if len(words) > n:
            last = "".join(words[-n:])
            if unit_of(last) or unit_of("/".join(words[-n:])):
                return words[:-n], last if unit_of(last) else "/".join(words[-n:])
    return words, ""


def _quantity(words: tuple[str, ...], axis: str | None, unit: str | None) -> Quantity | None:
    if axis is None or not _DERIVED.isdisjoint(words):
        return None
    if unit in GYR_UNITS:
        return "gyr"
    found = [_STEMS[word] for word in words if word in _STEMS]
    if found:
        return found[0]
    if len(words) == 1 and words[0] in _SHORT:
        return "acc" if unit in ACC_UNITS else _SHORT[words[0]]
    return "bare" if not words else None

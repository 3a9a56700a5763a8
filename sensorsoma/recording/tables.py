"""Text tables into columns, fast, with the line of the first mistake.

numpy reads the whole table at once; only when it refuses is the text walked line by line to say where and why.
"""

from __future__ import annotations

import csv
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats

DELIMITERS = (",", ";", "\t")

_MS_FROM = 1e11
"""Time stamps from here on are milliseconds since 1970; as seconds this would be the year 5138."""
_STAMP_WIDTH = 40
"""Characters kept of a time stamp; the longest known form has 32."""


@dataclass(slots=True)
class Table:
    """The lines of a table and how they are split. Columns are parsed when they are asked for."""

    label: str
    """File, and member where it has several, for sentences."""
    header: tuple[str, ...] | None
    header_line: int
    """1-based; 0 without a header."""
    delimiter: str
    n_columns: int
    lines: list[str]
    line_numbers: range | list[int]
    """1-based line in the file of each of `lines`."""
    notes: list[str] = field(default_factory=list)

    @property
    def first_line(self) -> int:
        """1-based number of the first line with samples."""
        return self.line_numbers[0]

    def numbers(self, columns: Iterable[int], *, may_miss: bool = False) -> Floats:
        """`(n, len(columns))` finite numbers; with `may_miss` also the NaN that an app writes where it has none.

        Raises:
            InputFileError: a field is not a number; says which line.
        """
        wanted = tuple(columns)
        try:
            values: Floats = self._load(np.float64, wanted)
        except ValueError:
            raise self._mistake(wanted) from None
        is_bad = np.isinf(values) if may_miss else ~np.isfinite(values)
        if is_bad.any():
            raise self._error(int(np.flatnonzero(is_bad.any(axis=1))[0]), "a number", "a missing value")
        return values

    def integers(self, column: int) -> NDArray[np.int64]:
        """`(n,)` whole numbers, exact up to 64 bits: nanoseconds since 1970 do not fit into a float.

        Raises:
            InputFileError: a field is not a whole number; says which line.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # numpy only warns when it takes the way over a float
                values: NDArray[np.int64] = self._load(np.int64, (column,))[:, 0]
        except (ValueError, Warning, OverflowError):
            raise self._mistake((column,), is_whole=True) from None
        return values

    def columns(self, *names: str) -> list[int]:
        """Where columns stand, whatever the case of their names.

        Raises:
            InputFileError: one is missing; says what the header is.
        """
        header = self.names
        missing = [name for name in names if name.lower() not in header]
        if missing:
            raise InputFileError(
                f"{self.label}: expected the {'columns' if len(names) > 1 else 'column'} {', '.join(names)}; "
                f"{', '.join(missing)} is missing in line {self.header_line}, which says "
                f"{short(', '.join(self.header or ()))}."
            )
        return [header.index(name.lower()) for name in names]

    @property
    def names(self) -> list[str]:
        """The header in lower case without quotes."""
        return [name.strip().strip('"').strip().lower() for name in self.header or ()]

    def times(self, column: int) -> Floats:
        """`(n,)` seconds since the first sample of time stamps: seconds, milliseconds since 1970, or date and time.

        Raises:
            InputFileError: a field is no time; says which line.
        """
        if _is_number(self._fields(0)[column]):
            seconds: Floats = self.numbers((column,))[:, 0]
            if np.abs(seconds).max() >= _MS_FROM:
                seconds = (seconds - seconds[0]) / 1000.0
            return np.asarray(seconds - seconds[0], dtype=np.float64)
        try:
            stamps = self._load(np.dtype(f"U{_STAMP_WIDTH}"), (column,))[:, 0]
        except ValueError:
            raise self._mistake((column,), is_time=True) from None
        try:
            at_us = _as_us(stamps)
        except ValueError:
            raise self._bad_time(stamps) from None
        return np.asarray((at_us - at_us[0]) / 1e6, dtype=np.float64)

    def _load(self, dtype: Any, columns: tuple[int, ...]) -> NDArray[Any]:
        return np.loadtxt(
            self.lines, dtype=dtype, delimiter=self.delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"'
        )

    def _fields(self, row: int) -> list[str]:
        return _split(self.lines[row], self.delimiter)

    def _mistake(self, columns: tuple[int, ...], is_time: bool = False, is_whole: bool = False) -> InputFileError:
        """The first line whose fields cannot be read."""
        for row in range(len(self.lines)):
            fields = self._fields(row)
            if len(fields) <= max(columns):
                return self._error(row, f"{self.n_columns} columns", f"{len(fields)}")
            for column in columns:
                found = repr(fields[column][:40]) if fields[column] else "nothing"
                if is_whole and not _is_whole(fields[column]):
                    return self._error(row, "a whole number", found)
                if not is_time and not _is_number(fields[column]):
                    return self._error(row, "a number", found)
        return InputFileError(f"{self.label}: expected a table of samples, found something that cannot be read.")

    def _bad_time(self, stamps: NDArray[np.str_]) -> InputFileError:
        for row, stamp in enumerate(stamps):
            try:
                _as_us(np.array([stamp]))
            except ValueError:
                return self._error(row, "a time such as 2018-11-08 11:46:57.006", repr(str(stamp)))
        return self._error(0, "times of one form", repr(str(stamps[0])))

    def _error(self, row: int, expected: str, found: str) -> InputFileError:
        return InputFileError(f"{self.label}: expected {expected} in line {self.line_numbers[row]}, found {found}.")


def text_of(data: bytes, label: str) -> str:
    """The text of a file, lines ended by a line feed alone.

    Raises:
        InputFileError: it is empty or not text.
    """
    if not data.strip():
        raise InputFileError(f"{label}: expected a table of samples, found an empty file.")
    if b"\0" in data[:65536]:
        raise InputFileError(f"{label}: expected a CSV table, found binary data.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def table_of(text: str, label: str, *, is_whole: bool = False, header_line: int = 1) -> Table:
    """A text table, split but not yet parsed.

    A last line without a line end may have been cut in the middle of a number: it is left out, with a note.

    Args:
        text: as `text_of` gives it.
        label: file and member, for sentences.
        is_whole: something else vouches that nothing was cut off; the last line then needs no line end.
        header_line: 1-based number of the line at which the table begins; what stands before is passed over.

    Raises:
        InputFileError: it holds no line of samples.
    """
    lines = text.split("\n")
    notes = []
    if not is_whole or not lines[-1].strip():
        cut_off = lines.pop()
        if cut_off.strip():
            notes.append(f"Line {len(lines) + 1} has no line end and may be cut; it was left out.")
    lines = lines[header_line - 1 :]
    numbers: range | list[int] = range(header_line, header_line + len(lines))
    if not all(map(str.strip, lines)):
        numbers = [number for number, line in enumerate(lines, header_line) if line.strip()]
        lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputFileError(f"{label}: expected a table of samples, found no complete line.")
    delimiter = delimiter_of(lines[0])
    first = _split(lines[0], delimiter)
    header, header_at = None, 0
    if not _is_stamp(first[0]):
        header, header_at = tuple(field.strip() for field in first), numbers[0]
        lines, numbers = lines[1:], numbers[1:]
    table = Table(label, header, header_at, delimiter, len(first), lines, numbers, notes)
    if header is not None and not _looks_like_names(header):
        raise InputFileError(
            f"{label}: expected a CSV table with a header (time_s,acc_x,acc_y,acc_z ...) or Axivity rows "
            f"(timestamp,x,y,z), found {_printable(table.header[0] if table.header else '')} in line {header_at}."
        )
    if not lines:
        raise InputFileError(f"{label}: expected samples below the header in line {header_at}, found none.")
    return table


def delimiter_of(line: str) -> str:
    """What most probably parts the fields of a line."""
    return max(DELIMITERS, key=line.count)


def header_of(text: str) -> list[str]:
    """Names in the first line that is not empty, in lower case and without quotes; empty when it is no header.

    >>> header_of('\\n"Time (s)","X (m/s^2)"\\n1,2\\n')
    ['time (s)', 'x (m/s^2)']
    """
    line = next((line for line in text.split("\n") if line.strip()), "")
    fields = _split(line, delimiter_of(line)) if line else [""]
    return [] if not fields[0] or _is_stamp(fields[0]) else [field.lower() for field in fields]


def with_points(text: str) -> str:
    """A table with a header, decimal commas turned into points; a table that is parted by commas stays as it is.

    >>> with_points("time_s;acc_x\\n0,01;-0,5\\n")
    'time_s;acc_x\\n0.01;-0.5\\n'
    """
    header = text.lstrip().partition("\n")[0]
    if delimiter_of(header) == ",":
        return text
    above, _, rows = text.partition(header)
    return f"{above}{header}{rows.replace(',', '.')}"


def short(text: str) -> str:
    """Quoted, and cut to what fits into a sentence."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def _split(line: str, delimiter: str) -> list[str]:
    try:
        fields = next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        fields = line.split(delimiter)
    return [field.strip() for field in fields]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_whole(text: str) -> bool:
    try:
        return -(2**63) <= int(text) < 2**63
    except ValueError:
        return False


def _is_stamp(text: str) -> bool:
    """True for a number or something that begins like a date."""
    return _is_number(text) or text[:4].isdigit()


def _looks_like_names(header: tuple[str, ...]) -> bool:
    return len(header) > 1 and all(name.isprintable() for name in header) and any(c.isalpha() for c in header[0])


def _as_us(stamps: NDArray[np.str_]) -> NDArray[np.int64]:
    """Microseconds since 1970; a trailing Z is understood, other offsets only where all are equal."""
    stamps = np.char.strip(stamps)
    first = str(stamps[0])
    zone = _zone(first)
    if zone:
        if not np.char.endswith(stamps, zone).all():
            raise ValueError("mixed time zones")
        stamps = np.char.rstrip(stamps, "Z") if zone == "Z" else stamps.astype(f"U{len(first) - len(zone)}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy only warns of a time zone that it drops
        try:
            at = stamps.astype("datetime64[us]")
        except Warning as warning:
            raise ValueError(str(warning)) from None
    if np.isnat(at).any():
        raise ValueError("not a time")
    return at.astype(np.int64)


def _zone(stamp: str) -> str:
    """The offset at the end of an ISO time: "Z", "+01:00", "+0100" or nothing."""
    if stamp.endswith("Z"):
        return "Z"
    for width in (6, 5):
        if len(stamp) > 16 and stamp[-width : 1 - width] in ("+", "-") and ":" in stamp[:-width]:
            return stamp[-width:]
    return ""


def _printable(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text[:40])
    return repr(shown)

"""Text tables into columns, fast, with the line of the first mistake.

numpy reads the whole table at once; only when it refuses is the text walked line by line to say where and why.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.dates import text_times
from sensorsoma.recording.lines import complete_lines, delimiter_of, short, split
from sensorsoma.recording.stamps import BadStampError, Times, is_stamp, number_times

_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_DATE = re.compile(r"\d{1,4}([-/. ])(\d{1,2}|[A-Za-z]{3,9})\1\d{2}")
EMPTY = frozenset({"", "nan", "na", "n/a", "null", "none", "-"})
"""What tools write where they have no sample, in lower case."""
_MORE_WIDTH = 32
"""Letters that a time stamp may have more than the first one."""


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

    def times(self, column: int, unit: str | None = None, *, is_day_first: bool | None = None) -> Times:
        """Time stamps of a column: numbers, or dates and times.

        Args:
            column: where they stand.
            unit: of numbers, as the header says; None to tell it from them.
            is_day_first: order of day and month, where something tells it.

        Raises:
            InputFileError: a field is no time, or they go back and forth; says which line.
        """
        try:
            if _is_number(self._fields(0)[column]):
                return number_times(self.numbers((column,))[:, 0], unit)
            return text_times(self.texts(column), is_day_first)
        except BadStampError as bad:
            raise self._error(bad.row, bad.expected, bad.found) from None

    def times_of_two(self, date: int, time: int, *, is_day_first: bool | None = None) -> Times:
        """Time stamps whose date stands in a column of its own.

        Raises:
            InputFileError: as `times`.
        """
        both = np.char.add(np.char.add(self.texts(date), b" "), self.texts(time))
        try:
            return text_times(both, is_day_first)
        except BadStampError as bad:
            raise self._error(bad.row, bad.expected, bad.found) from None

    def texts(self, column: int) -> NDArray[np.bytes_]:
        """`(n,)` fields as they stand, without quotes.

        Raises:
            InputFileError: a row is too short; says which line.
        """
        width = len(self._fields(0)[column]) + _MORE_WIDTH
        try:
            found: NDArray[np.bytes_] = self._load(np.dtype(f"S{width}"), (column,))[:, 0]
        except ValueError:
            raise self._mistake((column,), is_time=True) from None
        return np.char.strip(found)

    def cell(self, row: int, column: int) -> str:
        """A field as it stands, without quotes; empty where the row is too short."""
        fields = self._fields(row)
        return fields[column] if column < len(fields) else ""

    def is_number(self, column: int) -> bool:
        """True for a column that begins with a number."""
        return _is_number(self.cell(0, column))

    def is_date(self, column: int) -> bool:
        """True for a column that begins with a date, a time of day behind it or not."""
        return not self.is_number(column) and _DATE.match(self.cell(0, column)) is not None

    def is_clock(self, column: int) -> bool:
        """True for a column that begins with a time of day, a date before it or not."""
        return _CLOCK.search(self.cell(0, column)) is not None

    def is_time_of_day(self, column: int) -> bool:
        """True for a column that begins with a time of day alone."""
        return self.is_clock(column) and not self.is_date(column)

    def drop_empty(self, columns: Iterable[int]) -> int:
        """Takes out the rows that hold nothing in all of these columns, and says how many they were."""
        wanted = tuple(columns)
        numbered = zip(self.line_numbers, self.lines, strict=True)
        kept = [(number, line) for number, line in numbered if not self._is_empty(line, wanted)]
        n_dropped = len(self.lines) - len(kept)
        if kept and n_dropped:
            self.line_numbers, self.lines = [number for number, _ in kept], [line for _, line in kept]
            return n_dropped
        return 0

    def _is_empty(self, line: str, columns: tuple[int, ...]) -> bool:
        fields = split(line, self.delimiter)
        return len(fields) > max(columns) and all(fields[column].lower() in EMPTY for column in columns)

    def _load(self, dtype: Any, columns: tuple[int, ...]) -> NDArray[Any]:
        return np.loadtxt(
            self.lines, dtype=dtype, delimiter=self.delimiter, usecols=columns, ndmin=2, comments=None, quotechar='"'
        )

    def _fields(self, row: int) -> list[str]:
        return split(self.lines[row], self.delimiter)

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

    def _error(self, row: int, expected: str, found: str) -> InputFileError:
        return InputFileError(f"{self.label}: expected {expected} in line {self.line_numbers[row]}, found {found}.")


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
    lines, notes = complete_lines(text, is_whole)
    lines = lines[header_line - 1 :]
    numbers: range | list[int] = range(header_line, header_line + len(lines))
    if not all(map(str.strip, lines)):
        numbers = [number for number, line in enumerate(lines, header_line) if line.strip()]
        lines = [line for line in lines if line.strip()]
    if not lines:
        raise InputFileError(f"{label}: expected a table of samples, found no complete line.")
    delimiter = delimiter_of(lines[0])
    first = split(lines[0], delimiter)
    header, header_at = None, 0
    if not is_stamp(first[0]):
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


def _looks_like_names(header: tuple[str, ...]) -> bool:
    return len(header) > 1 and all(name.isprintable() for name in header) and any(c.isalpha() for c in header[0])


def _printable(text: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in text[:40])
    return repr(shown)

"""Where the samples of a table begin, what stands above them, and how its lines are split.

Tools put lines of their own above the samples: `sep=;`, comments, the ten lines of ActiLife, the hundred of GENEActiv
(omconvert writes both forms). The samples begin at the first line that starts with a number, a date or a time; the
names of the columns, where there are any, stand right above.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sensorsoma.errors import InputFileError
from sensorsoma.recording.columns import is_units_row, without_brackets
from sensorsoma.recording.lines import complete_lines, split
from sensorsoma.recording.stamps import is_stamp
from sensorsoma.recording.tables import Table

MAX_PREAMBLE_LINES = 150
"""The longest known has 100."""
COMMENTS = ("#", "%", "//")

_RATE = re.compile(r"(?:\bat|(?:rate|freq|frequency)\W+)\s*(\d+(?:\.\d+)?)\s*Hz", re.IGNORECASE)
_IN_G = re.compile(r"ActiGraph|GENEActiv")
_DAY_FIRST = re.compile(r"date format (?P<first>[dM])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the lines of a table are to be read."""

    header: tuple[str, ...] | None
    header_line: int
    """1-based; 0 without a header."""
    first_line: int
    """1-based number of the first line with samples."""
    delimiter: str
    has_decimal_commas: bool
    said_rate_hz: float | None
    """What the lines above say; used only where nothing else tells it."""
    is_in_g: bool
    """True below the lines of ActiLife and GENEActiv, whose samples are in g."""
    is_day_first: bool | None
    """Order of day and month, where the lines above tell it."""


def layout_of(head: str) -> Layout | None:
    """The layout of a table, None when no line begins like a sample.

    Args:
        head: its beginning as text; a cut last line does no harm.

    >>> layout_of("# made by hand\\nTime,Accel-X (g)\\n08/11/2018 11:46,0.5\\n").header
    ('Time', 'Accel-X (g)')
    """
    lines = head.split("\n")
    for index, line in enumerate(lines[:MAX_PREAMBLE_LINES]):
        delimiter = _delimiter(line)
        cells = split(_with_points(line, delimiter), delimiter)
        if len(cells) < 2 or line.lstrip().startswith(COMMENTS) or not _begins_a_row(cells):
            continue
        header, at = _header_above(lines, index, delimiter, len(cells) - (not cells[-1]))
        above = "\n".join(lines[:index])
        rate, order = _RATE.search(above), _DAY_FIRST.search(above)
        return Layout(
            header,
            at,
            index + 1,
            delimiter,
            delimiter != "," and "," in line,
            float(rate[1]) if rate else None,
            _IN_G.search(above) is not None,
            order["first"] == "d" if order else None,
        )
    return None


def laid_out(text: str, label: str, layout: Layout, *, is_whole: bool) -> Table:
    """The samples of a table, split but not yet parsed.

    Args:
        text: all of it.
        label: file and member, for sentences.
        layout: as `layout_of` found it.
        is_whole: something else vouches that nothing was cut off.

    Raises:
        InputFileError: it holds no complete line of samples.
    """
    lines, notes = complete_lines(text, is_whole)
    begin = layout.first_line - 1
    lines = lines[begin:]
    numbers: range | list[int] = range(begin + 1, begin + 1 + len(lines))
    if not all(map(str.strip, lines)) or any(f"\n{mark}" in text for mark in COMMENTS):
        kept = [(n, line) for n, line in zip(numbers, lines, strict=True) if line.strip()]
        kept = [(n, line) for n, line in kept if not line.startswith(COMMENTS)]
        numbers, lines = [n for n, _ in kept], [line for _, line in kept]
    if layout.has_decimal_commas:
        lines = [line.replace(",", ".") for line in lines]
    if not lines:
        where = f" below the header in line {layout.header_line}" if layout.header else ""
        raise InputFileError(f"{label}: expected samples{where}, found no complete line.")
    n_columns = len(layout.header or split(lines[0], layout.delimiter))
    return Table(label, layout.header, layout.header_line, layout.delimiter, n_columns, lines, numbers, notes)


def _delimiter(line: str) -> str:
    """Tabs and semicolons part fields wherever they stand; commas may then be decimal."""
    for delimiter in ("\t", ";"):
        if line.count(delimiter) >= 2:
            return delimiter
    return ","


def _with_points(line: str, delimiter: str) -> str:
    return line if delimiter == "," else line.replace(",", ".")


def _begins_a_row(cells: list[str]) -> bool:
    """True for a stamp in front, or behind a row number in quotes that R writes."""
    return is_stamp(cells[0].strip('"'))


def _header_above(lines: list[str], index: int, delimiter: str, n_cells: int) -> tuple[tuple[str, ...] | None, int]:
    """The names of the columns and their 1-based line; a line of units is taken together with the names above it."""
    above = [(number, line) for number, line in enumerate(lines[:index], 1) if line.strip()]
    if not above:
        return None, 0
    number, line = above[-1]
    cells = _cells(line, delimiter)
    if is_units_row(cells) and len(above) > 1 and len(_cells(above[-2][1], delimiter)) == len(cells):
        names = _cells(above[-2][1], delimiter)
        cells = [f"{name} [{without_brackets(unit)}]" for name, unit in zip(names, cells, strict=True)]
        number = above[-2][0]
    if cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) == n_cells - 1:  # R names the rows but not their column
        cells = ["", *cells] if not is_stamp(cells[0]) else cells
    if not _are_names(cells, n_cells):
        return None, 0
    return tuple(cells), number


def _cells(line: str, delimiter: str) -> list[str]:
    text = line.strip(" ")
    for mark in COMMENTS:
        text = text.removeprefix(mark)
    return split(text, delimiter)


def _are_names(cells: list[str], n_cells: int) -> bool:
    """True for as many names as a row has fields, or at least three of them: a short row is the row's mistake."""
    if len(cells) < 2 or (len(cells) < 3 and len(cells) != n_cells):
        return False
    has_letters = [any(letter.isalpha() for letter in cell) for cell in cells]
    return (has_letters[0] or not cells[0]) and sum(has_letters) >= 2 and all(cell.isprintable() for cell in cells)

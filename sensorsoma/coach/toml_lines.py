"""Mistakes that point at a line and a field.

`tomllib` forgets where a value stood, so the lines are found by a second, simple reading of the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

Key = tuple[str | int, ...]

_HEADER = re.compile(r"^\s*(\[\[?)\s*([A-Za-z0-9_.\-\s]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(r"^\s*([A-Za-z0-9_\-]+(?:\s*\.\s*[A-Za-z0-9_\-]+)*)\s*=")


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One mistake in a plan, or something that is worth a second look."""

    line: int
    """1-based; the line of the step's heading when the field is missing."""
    field: str
    """`steps[3].reps`, counted from 1 as people count; empty for a mistake in the file as a whole."""
    message: str
    is_note: bool = False
    """It can be practised like this, but perhaps it was meant otherwise."""

    def __str__(self) -> str:
        at = f"line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{at}: {'note: ' if self.is_note else ''}{self.message}"


def problem_at(where: Key, text: str, lines: Mapping[Key, int], *, is_note: bool = False) -> Problem:
    """With the line of the key itself, or of the heading that it belongs under."""
    name = ""
    for part in where:
        name += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if name else part
    return Problem(line_of(where, lines), name, text, is_note)


def line_of(where: Key, lines: Mapping[Key, int]) -> int:
    """Line of a key, or of the nearest heading above it; 1 for a file without it."""
    return next((lines[where[:n]] for n in range(len(where), 0, -1) if where[:n] in lines), 1)


def order_of_lines(text: str) -> dict[Key, int]:
    """1-based line of every heading and key, as `("steps", 2, "reps")`.

    >>> order_of_lines('name = "a"\\n[[steps]]\\nid = "x"')
    {('name',): 1, ('steps', 0): 2, ('steps', 0, 'id'): 3}
    """
    lines: dict[Key, int] = {}
    prefix: Key = ()
    count: dict[str, int] = {}
    quote: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if quote is not None:
            quote = None if quote in line else quote
            continue
        if header := _HEADER.match(line):
            parts = [part.strip() for part in header[2].split(".")]
            if header[1] == "[[":
                count[parts[0]] = count.get(parts[0], -1) + 1
                prefix = (parts[0], count[parts[0]])
            else:
                inner: Key = (parts[0], count[parts[0]]) if parts[0] in count else (parts[0],)
                prefix = inner + tuple(parts[1:])
            lines[prefix] = number
        elif key := _KEY.match(line):
            names = tuple(part.strip() for part in key[1].split("."))
            for n in range(1, len(names) + 1):
                lines.setdefault((*prefix, *names[:n]), number)
        quote = next((mark for mark in ('"""', "'''") if line.count(mark) == 1), None)
    return lines

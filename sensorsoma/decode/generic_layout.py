"""How the numbers of one row are packed: Python's `struct` notation, taken apart without numpy."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Literal

_CODES = re.compile(r"(\d*)([xbBhHiIlLqQefd])")
_WRAPPING = frozenset("bBhHiIlL")
"""Codes whose values come round within the life of a board."""
MOST_NUMBERS = 64


@dataclass(frozen=True, slots=True)
class Layout:
    """A row of packed numbers."""

    order: Literal["<", ">"]
    codes: tuple[str, ...]
    offsets: tuple[int, ...]
    size: int
    """Bytes of a row, padding included."""

    def wrap_of(self, at: int) -> int | None:
        """Number of values of the field at this place; None when it never comes round."""
        code = self.codes[at]
        return 1 << 8 * struct.calcsize("<" + code) if code in _WRAPPING else None


def parse_layout(text: str) -> Layout:
    """A row from Python's `struct` notation.

    Raises:
        ValueError: says which part is not understood.

    >>> parse_layout("<I3h").offsets
    (0, 4, 6, 8)
    """
    order: Literal["<", ">"] = ">" if text[:1] in (">", "!") else "<"
    body = text.lstrip("<>!").replace(" ", "")
    parts = _CODES.findall(body)
    if not parts or "".join(count + code for count, code in parts) != body or text[:1] in ("@", "="):
        raise ValueError("a struct layout such as <I6h, of the codes x b B h H i I l L q Q e f d")
    if sum(int(count or 1) for count, _ in parts) > MOST_NUMBERS:
        raise ValueError(f"at most {MOST_NUMBERS} numbers in a row")
    codes: list[str] = []
    offsets: list[int] = []
    at = 0
    for count, code in parts:
        for _ in range(int(count or 1)):
            if code != "x":
                codes.append(code)
                offsets.append(at)
            at += struct.calcsize("<" + code)
    if not codes:
        raise ValueError("at least one number")
    return Layout(order, tuple(codes), tuple(offsets), at)

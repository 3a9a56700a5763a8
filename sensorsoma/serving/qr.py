"""A QR picture of an address, for a terminal and for a page."""

from __future__ import annotations

import segno

QUIET = 4
"""Empty modules around the picture, as the standard asks."""
_INK = "\x1b[38;5;16;48;5;231m"
_PLAIN = "\x1b[0m"


def qr_text(text: str, *, is_colored: bool = True) -> str:
    """The picture in half blocks: 21 lines for an address with its code.

    With colours, black on white whatever the terminal's theme is; without, for a dark background.
    """
    rows = [list(row) for row in segno.make_qr(text, error="l").matrix_iter(border=QUIET)]
    if len(rows) % 2:
        rows.append([0] * len(rows[0]))
    marks = {(0, 0): " ", (1, 1): "█", (1, 0): "▀", (0, 1): "▄"}
    if not is_colored:
        marks = {(1 - above, 1 - below): mark for (above, below), mark in marks.items()}
    lines = [
        "".join(marks[min(above, 1), min(below, 1)] for above, below in zip(*pair, strict=True))
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]
    return "\n".join(f"{_INK}{line}{_PLAIN}" if is_colored else line for line in lines)


def qr_svg(text: str) -> str:
    """The picture as an SVG element that takes the size of what it stands in."""
    return segno.make_qr(text, error="l").svg_inline(border=QUIET, light="#fff", dark="#000", omitsize=True)

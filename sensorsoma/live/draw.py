"""A view as text: one line, or a dark screen with a large count."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from sensorsoma.live.view import View

DIGITS: Mapping[str, tuple[str, ...]] = {
    "0": ("█████", "█   █", "█   █", "█   █", "█████"),
    "1": ("   █ ", "  ██ ", "   █ ", "   █ ", "  ███"),
    "2": ("█████", "    █", "█████", "█    ", "█████"),
    "3": ("█████", "    █", " ████", "    █", "█████"),
    "4": ("█   █", "█   █", "█████", "    █", "    █"),
    "5": ("█████", "█    ", "█████", "    █", "█████"),
    "6": ("█████", "█    ", "█████", "█   █", "█████"),
    "7": ("█████", "    █", "   █ ", "  █  ", "  █  "),
    "8": ("█████", "█   █", "█████", "█   █", "█████"),
    "9": ("█████", "█   █", "█████", "    █", "█████"),
    "°": ("██ ", "██ ", "   ", "   ", "   "),
    "-": ("   ", "   ", "███", "   ", "   "),
}
"""Large digits, five rows each."""


ANSWER_CELLS = 56
"""So much of an answer to a key is seen at least, however many sensors are worn: the question for comfort fits. What is
longer stands above the line."""


STEP_CELLS = 6
"""So much of the step is seen at least: "12/26…"."""


@dataclass(frozen=True, slots=True)
class Ink:
    """Colours of the 256-colour table, all dark and warm: red keeps eyes adapted to the night."""

    is_colored: bool = True
    low: int = 52
    """Deep red, for what is only looked for."""
    mid: int = 94
    """Brown, for the sentence."""
    high: int = 130
    """Amber, for the count."""

    def __call__(self, text: str, color: int) -> str:
        """The text in a colour, or as it is."""
        return f"\x1b[38;5;{color}m{text}\x1b[0m" if self.is_colored and text else text


def draw_line(view: View, columns: int, ink: Ink) -> str:
    """Step, count, angle, sentence and sensors in at most `columns` cells.

    A sentence of the practice gives way first, since it is heard or stands above. An answer to a key, or "paused",
    stands nowhere else: for that the sensors give way, all but whether they are simulated, then figures and step.
    """
    head = view.step_text
    figures = " · ".join(text for text in (view.count_text, view.angle_text) if text)
    answer = view.notice or ("paused" if view.is_paused else "")
    middle, tail = answer or view.sentence, view.sensors_text
    room = columns - sum(width(text) + 3 for text in (head, figures, middle, tail) if text) + 3
    if room < 0 and answer:
        missing = min(width(answer), ANSWER_CELLS) - (width(answer) + room)
        least = width("simulated …") if view.is_simulated else 0
        whole, tail = width(tail), shorten(tail, max(least, width(tail) - max(0, missing)))
        room += whole - width(tail)
        missing -= whole - width(tail)
        if missing > 0 and figures:
            room, missing, figures = room + width(figures) + 3, missing - width(figures) - 3, ""
        if missing > 0:
            whole, head = width(head), shorten(head, max(STEP_CELLS, width(head) - missing))
            room += whole - width(head)
    if room < 0 and middle:
        middle = shorten(middle, max(0, width(middle) + room))
    parts = [(head, ink.low), (figures, ink.high), (middle, ink.mid), (tail, ink.low)]
    out: list[str] = []
    used = 0
    for text, color in parts:
        separator = 3 if out else 0
        text = shorten(text, columns - used - separator)
        if not text:
            continue
        used += separator + width(text)
        out.append(ink(text, color))
    return "   ".join(out)


def draw_big(view: View, columns: int, rows: int, ink: Ink) -> str:
    """A whole screen: step above, large count or angle in the middle, sentence below, sensors at the bottom."""
    figure = str(view.count) if view.count is not None else view.angle_text
    beside = view.angle_text if view.count is not None else ""
    middle = [ink(row, ink.high) for row in _centered(big_rows(figure), columns)] if figure else []
    sentence = view.notice or ("paused" if view.is_paused else view.sentence)
    blocks: list[list[str]] = [
        [ink(_center(shorten(view.step_text, columns), columns), ink.low)],
        middle,
        [ink(_center(beside, columns), ink.mid)] if beside else [],
        [ink(_center(line, columns), ink.mid) for line in wrap(sentence, min(columns - 4, 60))],
    ]
    lines = [line for block in blocks if block for line in (*block, "")]
    above = max(0, (rows - 1 - len(lines)) // 2)
    page = ([""] * above + lines)[: rows - 1]
    page += [""] * (rows - 1 - len(page))
    page.append(ink(shorten(view.sensors_text, columns - 1), ink.low))
    return "\x1b[H" + "\r\n".join(line + "\x1b[K" for line in page)


def big_rows(text: str) -> list[str]:
    """Five rows of large digits; letters that have no large form are left out."""
    glyphs = [DIGITS[letter] for letter in text if letter in DIGITS]
    return ["  ".join(glyph[row] for glyph in glyphs) for row in range(5)] if glyphs else []


def width(text: str) -> int:
    """Cells that a text takes on a terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def shorten(text: str, columns: int) -> str:
    """The text in at most `columns` cells, with an ellipsis where it was cut.

    >>> shorten("Let the knee rest", 10)
    'Let the k…'
    """
    if width(text) <= columns:
        return text
    if columns < 2:
        return ""
    out = ""
    for letter in text:
        if width(out + letter) > columns - 1:
            break
        out += letter
    return out + "…"


def wrap(text: str, columns: int) -> list[str]:
    """The text in lines of at most `columns` cells, cut between words; a list with dots between, at the dots."""
    lines: list[str] = []
    for word in text.replace(" · ", " ·\n").split("\n") if " · " in text else text.split():
        if lines and width(lines[-1]) + 1 + width(word) <= columns:
            lines[-1] += " " + word
        else:
            lines.append(shorten(word, max(columns, 2)))
    return lines


def _center(text: str, columns: int) -> str:
    return " " * max(0, (columns - width(text)) // 2) + text


def _centered(rows: list[str], columns: int) -> list[str]:
    return [_center(row, columns) for row in rows]

"""Comfort from 0 to 10, before and after: said by the person, kept as said, never judged."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

from sensorsoma.coach.words import load_words, read_in
from sensorsoma.messages import Input, UserMark

When = Literal["before", "after"]

Comfort = dict[str, int | None]
"""`{"before": 6, "after": None}`; None was not said."""


def question(when: When, language: str = "en") -> str:
    """How it is asked on a screen."""
    return " ".join(load_words(read_in(language)).sentences("safety", f"comfort_{when}", {}))


def parse_comfort(text: str) -> int | None:
    """A whole number from 0 to 10, or None for anything else.

    >>> parse_comfort(" 7 "), parse_comfort("11"), parse_comfort("")
    (7, None, None)
    """
    found = re.fullmatch(r"\s*([0-9]|10)\s*", text)
    return int(found[1]) if found else None


def comfort_of(marks: Iterable[Input]) -> Comfort:
    """What was said before and after, the last word each time.

    >>> comfort_of([UserMark(1, "comfort", "before 6"), UserMark(2, "comfort", "before 5")])
    {'before': 5, 'after': None}
    """
    said: Comfort = {"before": None, "after": None}
    for mark in marks:
        if isinstance(mark, UserMark) and mark.comfort is not None:
            when, value = mark.comfort
            said[when] = value
    return said

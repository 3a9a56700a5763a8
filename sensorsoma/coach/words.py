"""What is said, from one file per language: sentences by section and moment, with left and right filled in."""

from __future__ import annotations

import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from sensorsoma.errors import PlanError
from sensorsoma.messages import Side

Sentences = tuple[str, ...]

OTHER: dict[Side, Side] = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Words:
    """The wording of one language."""

    language: str
    sections: Mapping[str, Mapping[str, Sentences]]
    """Section, moment, sentences with their places."""
    names: Mapping[str, Any]
    """`left`, `right` and the list `numbers`."""

    def has(self, section: str, moment: str) -> bool:
        """True when there is something to say."""
        return moment in self.sections.get(section, {})

    def sentences(self, section: str, moment: str, values: Mapping[str, str]) -> Sentences:
        """The filled-in sentences, without those that have a place without a value; empty when nothing is written."""
        lines = self.sections.get(section, {}).get(moment, ())
        return tuple(line.format_map(values) for line in lines if places(line) <= values.keys())

    def number(self, n: int) -> str:
        """A count as it is spoken; digits beyond the words of the language."""
        numbers = self.names["numbers"]
        return str(numbers[n - 1]) if 1 <= n <= len(numbers) else str(n)

    def values(self, side: Side | None, title: str, reps: int | None) -> dict[str, str]:
        """What fills the places of a step's sentences."""
        filled = {"title": title}
        if side is not None:
            filled |= {"side": str(self.names[side]), "other": str(self.names[OTHER[side]])}
        if reps is not None and reps > 1:
            filled |= {"reps": self.number(reps), "Reps": self.number(reps).capitalize()}
        return filled


def places(line: str) -> set[str]:
    """Names of the places in a sentence.

    >>> sorted(places("The {side} knee, {Reps} times."))
    ['Reps', 'side']
    """
    return {name for _, name, _, _ in string.Formatter().parse(line) if name}


NOT_SECTIONS = ("language", "names")
"""What else stands in a words file."""


def load_words(language: str = "en", own: Mapping[str, Any] | None = None) -> Words:
    """The wording of a language; with `own`, sentences of one's own are laid over it, moment by moment.

    A whole other language is such a file with a `language` and `names` of its own; what it leaves out is English.

    Raises:
        PlanError: there is no file for it.
    """
    own = own or {}
    words = _bundled("en" if language == own.get("language") else language)
    if not own:
        return words
    sections = {section: dict(moments) for section, moments in words.sections.items()}
    for section, moments in own.items():
        if section not in NOT_SECTIONS:
            sections.setdefault(section, {}).update({moment: tuple(lines) for moment, lines in moments.items()})
    return Words(own.get("language", words.language), sections, {**words.names, **own.get("names", {})})


def read_in(language: str) -> str:
    """The language in which what is read on a screen is shown: words of one's own are heard, and bring no such texts.

    >>> read_in("en"), read_in("de")
    ('en', 'en')
    """
    return language if _file_of(language) is not None else "en"


def _file_of(language: str) -> Traversable | None:
    file = resources.files("sensorsoma.coach").joinpath(f"words/{language}.toml")
    return file if language.isalpha() and file.is_file() else None


@cache
def _bundled(language: str) -> Words:
    file = _file_of(language)
    if file is None:
        raise PlanError(f"expected a language that there are words for (en), found '{language}'; choose en")
    data = tomllib.loads(file.read_text("utf-8"))
    names = data.pop("names")
    name = data.pop("language")
    sections = {
        section: {moment: tuple(lines) for moment, lines in moments.items()} for section, moments in data.items()
    }
    return Words(name, sections, names)

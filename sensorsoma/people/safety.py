"""The safety text as data, with a version, so that a changed text is shown again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

from sensorsoma.coach.words import load_words, read_in

PARTS = ("about", "stop_rule", "emergency_title", "emergency", "ask_first_title", "ask_first", "line")
"""Moments of the words file's `safety` section that make up the text."""


@dataclass(frozen=True, slots=True)
class SafetyText:
    """What a person reads before the first session, on a terminal or a page."""

    language: str
    about: tuple[str, ...]
    """What this is and what it is not, in sentences."""
    stop_rule: tuple[str, ...]
    """When to do less or to stop."""
    emergency_title: str
    emergency: tuple[str, ...]
    """What sends a person to emergency care, one thing each."""
    ask_first_title: str
    ask_first: tuple[str, ...]
    """What is asked a doctor first, one thing each."""
    line: str
    """The one line of every later session."""
    version: str
    """Changes with any word of the text."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data

    def plain(self) -> str:
        """The whole text for a terminal, in paragraphs."""
        lists = (
            "\n".join([title, *(f"- {one}" for one in items)])
            for title, items in ((self.emergency_title, self.emergency), (self.ask_first_title, self.ask_first))
        )
        return "\n\n".join([" ".join(self.about), " ".join(self.stop_rule), *lists])


def safety_text(language: str = "en") -> SafetyText:
    """The text in a language, in English where it has none; sentences of one's own never replace it."""
    words = load_words(read_in(language))
    parts = {part: words.sentences("safety", part, {}) for part in PARTS}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
    return SafetyText(
        language=words.language,
        about=parts["about"],
        stop_rule=parts["stop_rule"],
        emergency_title=" ".join(parts["emergency_title"]),
        emergency=parts["emergency"],
        ask_first_title=" ".join(parts["ask_first_title"]),
        ask_first=parts["ask_first"],
        line=" ".join(parts["line"]),
        version=digest,
    )

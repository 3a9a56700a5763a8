"""How things are said: what a sentence that is heard in the dark must be, for the bundled words and for one's own."""

from __future__ import annotations

import re
import string

MOST_WORDS = 22
"""Of a sentence that is heard: about ten seconds of a calm voice."""

PLACES = ("side", "other", "reps", "Reps", "title")
"""Places that the script can fill."""

FORBIDDEN = (
    "treat", "therap", "heal", "releas", "normal", "score", "cure", "fix", "correct", "wrong", "fail", "must",
    r"should\b", "symptom", "exercise", "diagnos",
)  # fmt: skip
"""Clinical promises, judgement and pressure, as the beginnings of words."""


def mistakes_in(line: object) -> list[str]:
    """What makes a sentence impossible to say: no text, or a place that nobody can fill."""
    if not isinstance(line, str) or not line.strip():
        return ["expected a sentence in quotes"]
    try:
        found = [part[1:] for part in string.Formatter().parse(line) if part[1] is not None]
    except ValueError:
        found = [("", ":", None)]
    if any(spec or conversion for _, spec, conversion in found):
        return ["a { or } stands alone; a place is written {side}"]
    return [
        f"there is no place {{{name}}}; there are {', '.join(f'{{{place}}}' for place in PLACES)}"
        for name, _, _ in found
        if name not in PLACES
    ]


def doubts_about(line: str) -> list[str]:
    """What makes a sentence hard to hear in the dark, or promise or judge."""
    doubts = []
    n_words = len(line.split())
    if n_words > MOST_WORDS:
        doubts.append(f"{n_words} words are long for something heard in the dark; {MOST_WORDS} at most are easy")
    n_ends = len(re.findall(r"[.?!…]+(?=\s|$)", line))
    if n_ends == 0:
        doubts.append("a sentence ends with a full stop, so that a voice knows how to say it")
    elif n_ends > 1:
        doubts.append("one entry is one sentence, so that the rest can be left out when time is short")
    if "!" in line:
        doubts.append("nobody calls out in the dark: end it with a full stop")
    words = [word for word in FORBIDDEN if re.search(rf"\b{word}", line.lower())]
    found = [match[0] for word in words if (match := re.search(rf"\b{word}\w*", line.lower()))]
    doubts += [f"'{word}' promises, judges or presses; say what can be felt instead" for word in found]
    return doubts

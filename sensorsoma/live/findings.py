"""What a check found, in calm words for people and as JSON for machines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

Outcome = Literal["ok", "warn", "bad"]

MARKS: dict[Outcome, str] = {"ok": "ok  ", "warn": "note", "bad": "mend"}
"""How an outcome stands at the beginning of a line."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    """What was looked at, in a few words."""
    outcome: Outcome
    """`ok`; `warn`: works, but something is less than it could be; `bad`: stands in the way."""
    found: str
    """One sentence."""
    mend: str = ""
    """What to do about it; empty when nothing needs doing."""

    def line(self) -> str:
        """One line for the screen.

        >>> Finding("Voice", "warn", "No voice is installed.", "Install espeak-ng.").line()
        'note  Voice: No voice is installed. Install espeak-ng.'
        """
        return f"{MARKS[self.outcome]}  {self.name}: {self.found}" + (f" {self.mend}" if self.mend else "")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data."""
        return asdict(self)


def worst(findings: Iterable[Finding]) -> Outcome:
    """The worst outcome of all; `ok` of none."""
    outcomes = {finding.outcome for finding in findings}
    return "bad" if "bad" in outcomes else "warn" if "warn" in outcomes else "ok"

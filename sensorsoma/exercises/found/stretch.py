"""What is found: a named stretch, and the words that say how sure the name is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sensorsoma.messages import Exercise, Placement, Side

SeenAs = Literal["large arc", "tilt", "movement"]


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch on the grid, cells `start` to `end`."""

    exercise: Exercise
    side: Side | None
    start: int
    end: int
    why: str
    """What in the samples led to the name, as a clause for a note."""
    seen_as: SeenAs | None = None
    """What an unknown movement looks like."""
    placement: Placement | None = None
    """Which sensor must measure it; None: whichever sees it best."""

    def meets(self, others: Iterable[Found]) -> bool:
        """True when it shares time with one of the others."""
        return any(other.start < self.end and self.start < other.end for other in others)


@dataclass(frozen=True, slots=True)
class FoundStretch:
    """A named stretch in session seconds."""

    exercise: Exercise
    side: Side | None
    placement: Placement | None
    start_s: float
    end_s: float
    why: str
    seen_as: SeenAs | None

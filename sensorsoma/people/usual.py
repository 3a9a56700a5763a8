"""What is usual for a person, and which side is next: both from the sessions that were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from sensorsoma.messages import Side
from sensorsoma.people.learning import LearningParams
from sensorsoma.people.profile import SessionNote

OTHER: dict[Side, Side] = {"left": "right", "right": "left"}


@dataclass(frozen=True, slots=True)
class Usual:
    """How far a movement usually goes: a description of the last sessions, not a goal."""

    deg: float
    """Median of the sessions' medians."""
    low_deg: float
    """Smallest of them ..."""
    high_deg: float
    """... and largest: with three to ten sessions quartiles would be guesses between neighbours."""
    n_sessions: int


def usual_ranges(sessions: Sequence[SessionNote], params: LearningParams | None = None) -> dict[str, Usual]:
    """Usual ranges by movement and side; a movement that was measured too rarely has none."""
    p = params or LearningParams()
    found: dict[str, Usual] = {}
    for key in sorted({key for note in sessions for key in note.ranges}):
        medians = [note.ranges[key].median_deg for note in sessions if key in note.ranges][-p.n_sessions :]
        if len(medians) >= p.least_sessions:
            found[key] = Usual(round(median(medians), 1), min(medians), max(medians), len(medians))
    return found


def n_finished(sessions: Sequence[SessionNote], plan: str) -> int:
    """How many sessions of a plan were finished."""
    return sum(note.plan == plan and note.is_finished for note in sessions)


@dataclass(frozen=True, slots=True)
class NextSide:
    """The side of tonight, and why in a clause."""

    side: Side
    why: str


def next_side(sessions: Sequence[SessionNote], plan: str, worn: Sequence[Side]) -> NextSide:
    """The side that was not practised last time with this plan.

    Args:
        sessions: of one person, in their order.
        plan: its name.
        worn: sides of the thighs that wear a sensor.
    """
    last = next((note for note in reversed(sessions) if note.plan == plan and note.sides), None)
    if last is not None and len(last.sides) == 1:
        return NextSide(OTHER[last.sides[0]], f"last time, on {last.started[:10]}, it was the {last.sides[0]} one")
    why = "this plan was not practised before" if last is None else "last time it was both"
    if len(worn) == 1:
        return NextSide(worn[0], f"{why}, and the sensor is worn there")
    return NextSide("right", why)

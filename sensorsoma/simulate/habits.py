"""People who do not do as they are asked: each habit by itself, or by the names that tests and demonstrations use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sensorsoma.errors import UsageError
from sensorsoma.messages import PLACEMENTS, Placement


@dataclass(frozen=True, slots=True)
class Habits:
    """What somebody does of their own will; times are seconds since the first word was heard."""

    sleeps_after_s: float | None = None
    """Falls asleep: lets go of what is going on and follows nothing more; breath and a fidget now and then."""
    gets_up_after_s: float | None = None
    """Gets up and walks away with the sensors on, and follows nothing more."""
    reps: int | None = None
    """Does so many repetitions wherever some are asked for, whatever is said meanwhile."""
    shakes_from_rep: int | None = None
    """Clamshells shake from this repetition on (1 is the first)."""
    rolls_after_reps: int | None = None
    """Rolls onto the back of their own accord after so many clamshells."""
    rolls_in_rest_after_s: float | None = None
    """Lying on the side, rolls over to the other one so long after a rest began, before anybody asks."""
    drops: Placement | None = None
    """The strap of this sensor comes off; it falls onto the mattress and lies there, turned any way."""
    drops_after_s: float = 0.0
    coughs_every_s: float | None = None
    """Coughs about so often ..."""
    talks_every_s: float | None = None
    """... and talks for a few seconds about so often."""

    @classmethod
    def of(cls, wish: str | Mapping[str, Any] | Habits | None) -> Habits:
        """From a name of `HABITS`, a mapping of the fields, or nothing.

        Raises:
            UsageError: neither a name nor fields that there are.
        """
        if wish is None or isinstance(wish, Habits):
            return wish or cls()
        if isinstance(wish, str):
            if wish not in HABITS:
                raise UsageError(f"Expected a habit out of {', '.join(HABITS)}, found {wish!r}.")
            return HABITS[wish]
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(wish) - known)
        if unknown or wish.get("drops") not in (None, *PLACEMENTS):
            found = unknown[0] if unknown else wish["drops"]
            raise UsageError(f"Expected habits out of {', '.join(sorted(known))}, found {found!r}.")
        return cls(**wish)

    def due(self, now_s: float) -> list[tuple[float, str]]:
        """What will be done and when, for somebody who hears the first word at `now_s`; soonest first."""
        after = {
            "falls asleep": self.sleeps_after_s,
            "gets up": self.gets_up_after_s,
            "drops": None if self.drops is None else self.drops_after_s,
            "coughs": self.coughs_every_s,
            "talks": self.talks_every_s,
        }
        return sorted((now_s + seconds, whim) for whim, seconds in after.items() if seconds is not None)


HABITS: dict[str, Habits] = {
    "falls-asleep": Habits(sleeps_after_s=150.0),
    "gets-up": Habits(gets_up_after_s=150.0),
    "fifteen-reps": Habits(reps=15),
    "shakes-from-the-third": Habits(shakes_from_rep=3),
    "rolls-early": Habits(rolls_after_reps=3),
    "rolls-unasked": Habits(rolls_in_rest_after_s=4.0),
    "drops-the-sensor": Habits(drops="right-thigh", drops_after_s=150.0),
    "coughs-and-talks": Habits(coughs_every_s=20.0, talks_every_s=15.0),
}
"""By name, as `python -m sensorsoma.virtual --person '{"habits": "falls-asleep"}'` takes them."""

"""A strap that slips: the sensor turns about the thigh's long axis and stays so."""

from __future__ import annotations

from dataclasses import dataclass

from sensorsoma.messages import Placement
from sensorsoma.simulate.person import Person
from sensorsoma.simulate.tracks import MinJerk
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class StrapSlip:
    """One slip."""

    placement: Placement
    share: float
    """When, as a share of the session."""
    turn_deg: float
    """About the thigh, from hip to knee; a loose strap gives 8-15 degrees."""
    seconds: float = 0.8
    """How long it takes."""

    def happen(self, person: Person) -> None:
        """Plans it into what has been planned so far, and notes it in the truth."""
        start_s = self.share * person.at_s
        person.body.wobble[self.placement].y.add(MinJerk(start_s, self.seconds, self.turn_deg * DEG))
        person.truth.disturbances.append({"kind": "slip", "start_s": start_s, "end_s": start_s + self.seconds})

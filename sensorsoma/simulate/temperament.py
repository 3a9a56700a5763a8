"""How a virtual person follows a coach."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Temperament:
    """Reaction and tempo of a person who listens."""

    reaction_s: tuple[float, float] = (0.8, 2.0)
    """From a cue to the first movement; never below 0.6 s, so that devices may read half a second ahead."""
    rep_s: tuple[float, float] = (2.5, 6.0)
    """Length of one repetition."""
    patience_s: float = 12.0
    """After the last repetition asked for: how long until they do another one when nobody says anything."""


TEMPERAMENTS: dict[str, Temperament] = {
    "steady": Temperament(),
    "slow": Temperament(reaction_s=(1.5, 3.5), rep_s=(5.0, 9.0), patience_s=20.0),
    "brisk": Temperament(reaction_s=(0.7, 1.2), rep_s=(2.0, 3.5)),
}

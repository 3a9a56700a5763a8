"""Which browser may be what (a sensor, a screen): a code that works once, and a key that a paired device keeps.

The code stands in the QR picture and nowhere else. The first browser that shows it gets the key; whoever comes second
is refused, so a stranger in the same network can at most make the pairing fail visibly. A code that nobody used grows
old and is replaced, because a picture on a screen may be photographed.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from sensorsoma.units import NS_PER_S

LIFE_S = 300.0
"""How long an unused code is good for: time to find the phone and to be asked about the certificate."""

Refusal = Literal["unknown", "used", "expired"]

Place = TypeVar("Place", bound=str)
"""What a device is paired as: where a phone is worn, or a name for a screen."""


@dataclass(slots=True)
class _Seat(Generic[Place]):
    """One place's code and key."""

    place: Place
    token: str
    made_ns: int
    key: str | None = None
    """None until the code was used."""


class Pairings(Generic[Place]):
    """Codes and keys of the devices of one run of the program.

    Outlives the source that serves the page: what was paired while the sensors were looked at stays paired for the
    session.

    Args:
        places: what devices may be paired as, one each.
        now_ns: session time.
        life_s: how long an unused code is good for.
    """

    def __init__(self, places: Iterable[Place], now_ns: int, life_s: float = LIFE_S) -> None:
        self._life_ns = round(life_s * NS_PER_S)
        self._seats = [_Seat(place, _secret(), now_ns) for place in places]

    @property
    def places(self) -> tuple[Place, ...]:
        """What devices may be paired as, in the order given."""
        return tuple(seat.place for seat in self._seats)

    def token(self, place: str) -> str | None:
        """The code that waits to be scanned; None once a phone has used it."""
        waiting = (seat.token for seat in self._seats if seat.place == place and seat.key is None)
        return next(waiting, None)

    def renewed(self, now_ns: int) -> tuple[Place, ...]:
        """Replaces codes that nobody used in time; gives the places that have a new one."""
        old = [seat for seat in self._seats if seat.key is None and now_ns - seat.made_ns > self._life_ns]
        for seat in old:
            seat.token, seat.made_ns = _secret(), now_ns
        return tuple(seat.place for seat in old)

    def redeem(self, token: str, now_ns: int) -> tuple[Place, str] | Refusal:
        """The place and a new key for the first browser that shows a code; why not for any other."""
        seat = self._matching(token, [(seat, seat.token) for seat in self._seats])
        if seat is None:
            return "unknown"
        if seat.key is not None:
            return "used"
        if now_ns - seat.made_ns > self._life_ns:
            return "expired"
        seat.key = _secret()
        return seat.place, seat.key

    def place_of(self, key: str) -> Place | None:
        """What the browser with this key is; None for a key that is not known."""
        seat = self._matching(key, [(seat, seat.key) for seat in self._seats if seat.key is not None])
        return None if seat is None else seat.place

    @staticmethod
    def _matching(word: str, known: Iterable[tuple[_Seat[Place], str | None]]) -> _Seat[Place] | None:
        """The seat with this secret; looks at all of them, and takes as long for a word that is nearly right."""
        found = None
        for seat, secret in known:
            if secrets.compare_digest((secret or "").encode(), word.encode(errors="replace")):
                found = seat
        return found


def _secret() -> str:
    """128 bits in 22 letters."""
    return secrets.token_urlsafe(16)

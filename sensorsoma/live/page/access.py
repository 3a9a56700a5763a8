"""Who may see the page and speak through it.

On this computer the address holds one key, made for this session. For a tablet it holds a code that works once, for
which the first device gets a key. Beside that a request must name this server as its host, so that a foreign name that
was made to point here opens nothing, and must not come from a foreign page.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from sensorsoma.serving.pairing import Pairings

REFUSALS = {
    "unknown": "This code is not known here.",
    "used": "This code has been used already, and it works only once.",
    "expired": "This code has grown old.",
}
"""Why a code is refused, for the tablet's screen."""

LOCAL_NAMES = ("127.0.0.1", "localhost")

USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class Access:
    """The keys of one session's page.

    Args:
        names: by which names or addresses the page may be asked for.
        scheme: "http" on this computer, "https" in the home network.
        pairing: one-time codes for a tablet; None where the address itself holds the key.
    """

    names: tuple[str, ...] = LOCAL_NAMES
    scheme: str = "http"
    pairing: Pairings[str] | None = None
    _key: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def secret(self) -> str | None:
        """What stands in the address behind the `#`; None once a tablet has used its code."""
        return self._key if self.pairing is None else self.pairing.token("tablet")

    def is_known(self, key: str) -> bool:
        """True for the session's key; takes as long for one that is nearly right."""
        if self.pairing is not None:
            return self.pairing.place_of(key) is not None
        return secrets.compare_digest(self._key.encode(), key.encode(errors="replace"))

    def redeem(self, code: str, now_ns: int) -> tuple[str, str]:
        """The key for a code, or an empty key and the reason in words."""
        if self.pairing is None:
            return "", REFUSALS["unknown"]
        found = self.pairing.redeem(code, now_ns)
        return ("", REFUSALS[found]) if isinstance(found, str) else (found[1], "")

    def is_welcome(self, headers: Iterable[tuple[bytes, bytes]], port: int) -> bool:
        """Whether a request names this server as its host, and its own page (or none) as its origin."""
        names = {name.lower() for name in self.names}  # as browsers write them
        hosts = {f"{name}:{port}" for name in names}
        if port == USUAL_PORTS[self.scheme]:
            hosts |= names  # browsers leave it out then
        named = {name.lower(): value.decode("latin-1").lower() for name, value in headers}
        if named.get(b"host") not in hosts:
            return False
        origin = named.get(b"origin")
        return origin is None or origin in {f"{self.scheme}://{host}" for host in hosts}


def tablet_access(names: Iterable[str], now_ns: int) -> Access:
    """Access for one tablet in the home network, by a code that works once."""
    return Access(tuple(dict.fromkeys((*names, *LOCAL_NAMES))), "https", Pairings(["tablet"], now_ns))

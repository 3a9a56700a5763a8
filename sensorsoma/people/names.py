"""Names of people: as they are shown, as they are compared, and as part of a file name."""

from __future__ import annotations

import difflib
import hashlib
import re
import unicodedata
from collections.abc import Iterable

from sensorsoma.errors import UsageError

NAMELESS = "_nameless"
"""File name of whoever practises here without a name; no slug has an underscore."""

LONGEST_SLUG = 40
"""Letters; with folder and ending well below what any file system takes."""

RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"com{n}" for n in range(10)), *(f"lpt{n}" for n in range(10))})
"""Windows takes these for devices, whatever follows the dot."""

ALIKE = 0.75
"""Similarity (difflib, 0-1) from which a new name may be a slip of the keys: "Ana" is like "Anna", "Ben" is not."""


def shown(name: str | None) -> str | None:
    """The name as it is shown: no space around it, one between words, None for none.

    >>> shown("  Anna   Maria "), shown("  ")
    ('Anna Maria', None)
    """
    return " ".join(unicodedata.normalize("NFC", name or "").split()) or None


def named(name: str) -> str:
    """A name that somebody typed, as it is shown.

    Raises:
        UsageError: nobody is called that.

    >>> named(" Anna ")
    'Anna'
    """
    found = shown(name)
    if found is None or not any(letter.isalpha() for letter in found) or any(letter in found for letter in "/\\"):
        raise UsageError(f"Expected a name with letters and without / or \\, such as Anna, found {name!r}.")
    return found


def key_of(name: str | None) -> str:
    """What two spellings of one name share: neither case nor the way in which letters are coded tells people apart.

    >>> key_of("Anna") == key_of("ANNA "), key_of("Anna") == key_of("Änna")
    (True, False)
    """
    return unicodedata.normalize("NFKC", shown(name) or "").casefold()


def slug_of(name: str | None) -> str:
    """The name as part of a file name, on every system; other names give other slugs.

    A name that a slug cannot hold whole gets a part of its checksum.

    >>> slug_of("Anna"), slug_of("Anna Maria"), slug_of(None)
    ('anna', 'anna-maria-dfa29c', '_nameless')
    """
    key = key_of(name)
    if not key:
        return NAMELESS
    is_plain = re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key) and len(key) <= LONGEST_SLUG
    # What ends like a checksum must not meet one.
    if is_plain and key not in RESERVED and not re.search(r"-[0-9a-f]{6}$", key):
        return key
    plain = unicodedata.normalize("NFKD", key).encode("ascii", "ignore").decode()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:LONGEST_SLUG].strip("-") or "person"
    return f"{base}-{hashlib.sha256(key.encode()).hexdigest()[:6]}"


def alike(name: str, known: Iterable[str]) -> str | None:
    """The known name that a new one may be a slip of; None when none is near.

    >>> alike("Ana", ["Anna", "Ben"]), alike("Zoe", ["Anna", "Ben"])
    ('Anna', None)
    """
    by_key = {key_of(one): one for one in known}
    near = difflib.get_close_matches(key_of(name), list(by_key), n=1, cutoff=ALIKE)
    return by_key[near[0]] if near else None

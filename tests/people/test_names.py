"""Names as files: any name, on any system, and nobody takes another one's place."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.people.names import NAMELESS, RESERVED, alike, key_of, shown, slug_of

NAMES = st.text(min_size=1, max_size=60).filter(lambda text: shown(text) is not None)


@given(NAMES)
def test_any_name_is_safe_as_a_file_name(name: str) -> None:
    """Small letters, digits and single dashes, not too long, no device of Windows, never the place of the nameless."""
    slug = slug_of(name)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug)
    assert len(slug) <= 50
    assert slug not in RESERVED
    assert slug != NAMELESS


@given(NAMES, NAMES)
def test_other_names_are_other_files(one: str, other: str) -> None:
    """Two names share a file only when they are one name."""
    assert (slug_of(one) == slug_of(other)) == (key_of(one) == key_of(other))


def test_names_that_would_look_alike_as_files_are_told_apart() -> None:
    """Accents, dashes and foreign letters make other people, and so does a name that looks like a checksum."""
    names = ["Anna", "Änna", "anna-", "An na", "an-na", "李", "张", "con", "Con.", slug_of("Änna")]
    assert len({slug_of(name) for name in names}) == len(names)


def test_one_name_in_other_spelling_is_one_person() -> None:
    """Case, spaces around it and the way in which an accent is coded do not make another person."""
    assert slug_of("Änna") == slug_of("  änna ") == slug_of(unicodedata.normalize("NFD", "ÄNNA"))
    assert slug_of(None) == slug_of("  ") == NAMELESS


def test_a_slip_of_the_keys_is_noticed() -> None:
    """A name that is nearly one of those known is taken for it; another name is not."""
    assert alike("Annna", ["Ben", "Anna"]) == "Anna"
    assert alike("Bena", ["Anna", "Clara"]) is None

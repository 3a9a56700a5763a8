"""One table of the config file, read key by key; what is wrong is said in one sentence."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Any, cast

from sensorsoma.errors import InputFileError

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORT_UUID = re.compile(r"[0-9a-f]{4}|[0-9a-f]{8}")
_EXAMPLE_UUID = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"


class Table:
    """Values of a table, each checked as it is taken; what is missing is None unless said otherwise.

    Every method raises `InputFileError` with the key, what was expected and what was found.

    Args:
        data: as read from TOML.
        where: the table's name and file, for the sentence.
    """

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self.data = data
        self.where = where

    def wrong(self, key: str, expected: str) -> InputFileError:
        """The sentence for a key that is missing or wrong."""
        found = f"is {self.data[key]!r}" if key in self.data else "is missing"
        return self.says(f"{key} {found}; expected {expected}.")

    def says(self, what: str) -> InputFileError:
        """A sentence about this table, for what takes more than one key to say; `what` brings its own full stop."""
        return InputFileError(f"In {self.where}, {what}")

    def refuse_unknown(self, known: Collection[str]) -> None:
        """Raises for a key that is none of these."""
        for key in self.data:
            if key not in known:
                raise self.says(f"the key {key!r} is not known{hint(str(key), known)}")

    def one_of(self, key: str, known: Collection[str]) -> str:
        """One of some words; never missing."""
        value = self.data.get(key)
        if not isinstance(value, str) or value not in known:
            raise self.wrong(key, f"one of {', '.join(known)}")
        return value

    def text(self, key: str) -> str | None:
        """Text that is not empty."""
        value = self.data.get(key)
        if value is not None and (not isinstance(value, str) or not value.strip()):
            raise self.wrong(key, "text in quotes")
        return value

    def uuid(self, key: str) -> str | None:
        """A UUID of 128 bits in lower case; short ones are those of the Bluetooth SIG."""
        text = self.text(key)
        if text is None:
            return None
        uuid = text.strip().lower()
        if _SHORT_UUID.fullmatch(uuid):
            return f"{uuid:0>8}-0000-1000-8000-00805f9b34fb"
        if not _UUID.fullmatch(uuid):
            raise self.wrong(key, f"a UUID such as {_EXAMPLE_UUID}")
        return uuid

    def hex_bytes(self, key: str) -> bytes:
        """Bytes written in hex; none when missing."""
        try:
            return bytes.fromhex(self.text(key) or "")
        except ValueError as error:
            raise self.wrong(key, 'bytes in hex such as "01 64"') from error

    def names(self, key: str, default: tuple[str, ...] | None) -> tuple[str, ...]:
        """A list of names; `default` when missing, and never missing where that is None."""
        value = self.data.get(key, default)
        is_list = isinstance(value, list | tuple) and all(isinstance(name, str) for name in value)
        if not is_list or not (value or default == ()):
            raise self.wrong(key, 'names of the numbers in order, such as ["t_ms", "ax", "ay", "az"]')
        return tuple(cast(list[str], value))

    def scale(self, key: str) -> float:
        """A factor, 1 when missing."""
        value = self.data.get(key, 1.0)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < abs(value) < 1e12:
            raise self.wrong(key, "how much of the unit one count is, not 0")
        return float(value)

    def number(self, key: str, above: float, most: float) -> float | None:
        """A number within limits."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not above < value <= most:
            raise self.wrong(key, f"a number above {above:g} and at most {most:g}")
        return float(value)

    def count(self, key: str, least: int, most: int) -> int | None:
        """A whole number within limits."""
        value = self.data.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.wrong(key, f"a whole number from {least} to {most}")
        return value

    def flag(self, key: str) -> bool:
        """True or false, false when missing."""
        value = self.data.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, "true or false")
        return value


def hint(word: str, known: Collection[str]) -> str:
    """The end of a sentence about an unknown word, with its stop."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}."

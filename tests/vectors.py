"""Known packets of each wire format with their known answers, from `tests/decode/vectors`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "decode" / "vectors"
FORMATS = tuple(sorted(path.stem for path in FOLDER.glob("*.json")))
"""Keys of `decode.DECODERS` for which there are known packets."""

Entry = dict[str, Any]
"""`id`, `hex`, `expected`, where they come from, and `kind`: `captured` for bytes of a real sensor, else `computed`."""


def load(name: str) -> list[Entry]:
    """Every entry of a format, in the order of its file."""
    entries: list[Entry] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return entries


def by_id(name: str) -> dict[str, Entry]:
    """The same, found by id."""
    return {entry["id"]: entry for entry in load(name)}


def label(entry: Entry) -> str:
    """What pytest calls an entry: its id, with a mark for bytes of a real sensor."""
    return f"{entry['id']}-{entry['kind']}"

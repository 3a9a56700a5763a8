"""What a page may ask for, read with care: anything else is nothing."""

from __future__ import annotations

import json
import re
from typing import Any, get_args

from sensorsoma.messages import MarkKind

KINDS: frozenset[str] = frozenset(get_args(MarkKind)) - {"note"}
"""Marks that a page may send; a note is free text, which nobody types with closed eyes."""

_COMFORT = re.compile(r"(before|after) (10|[0-9])")


def read_messages(text: str | bytes) -> list[dict[str, Any]] | None:
    """One message or a list of them; None when it is neither."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    several = found if isinstance(found, list) else [found]
    if not all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in several):
        return None
    return several


def read_mark(message: dict[str, Any]) -> tuple[MarkKind, str] | None:
    """Kind and detail of a mark; None for one that makes no sense.

    >>> read_mark({"type": "mark", "kind": "comfort", "detail": "before 6"}), read_mark({"kind": "explode"})
    (('comfort', 'before 6'), None)
    """
    kind, detail = message.get("kind"), message.get("detail") or ""
    if not isinstance(kind, str) or kind not in KINDS or not isinstance(detail, str):
        return None
    if kind == "comfort":
        return (kind, detail) if _COMFORT.fullmatch(detail) else None  # type: ignore[return-value] # a MarkKind
    return kind, ""  # type: ignore[return-value] # one of KINDS

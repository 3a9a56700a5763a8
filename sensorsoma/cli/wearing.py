"""Which sensors are worn: from the command line, else from what `setup` remembered, else the one in reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sensorsoma.sources.spec import SourceSpec, parse_sources

if TYPE_CHECKING:
    from sensorsoma.config import Config


def chosen_sources(words: Sequence[str] | None, config: Config) -> tuple[SourceSpec, ...]:
    """The sources of a session; an address that was left out is filled in from the configuration.

    Raises:
        SourceSpecError: one is mistyped, or one sensor would be in two places.
    """
    from sensorsoma.config import resolve_sources

    return resolve_sources(parse_sources(words) if words else (), config)

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
        SourceSpecError: one is mistyped.
    """
    remembered = config.sensors
    if not words and remembered:
        return parse_sources([str(spec) for spec in remembered.values()])
    return tuple(
        remembered[spec.placement]
        if spec.address is None and spec.placement in remembered and remembered[spec.placement].kind == spec.kind
        else spec
        for spec in parse_sources(words or ())
    )

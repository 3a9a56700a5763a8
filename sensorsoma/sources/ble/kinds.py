"""Which kind of sensor an advertisement comes from: the drivers of all formats, and boards from the config file."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from sensorsoma.decode import drivers
from sensorsoma.decode.driver import Driver
from sensorsoma.errors import SourceSpecError
from sensorsoma.messages import Placement
from sensorsoma.settings import AUTO, SourceSettings


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sensor that can be used."""

    name: str
    """Key of `decode.DECODERS`; for a board of the config file its name there."""
    decoder: str
    """Key of `decode.DECODERS`."""
    driver: Driver
    config: Mapping[str, Any] = field(default_factory=dict)
    """What the driver and the decoder are told; empty but for boards."""

    def measures(self, name: str | None) -> str:
        """What the model with this advertised name can measure, for people."""
        if self.driver.sees_rotation(name):
            return "everything"
        return "all but leg back and the size of rocking (no gyroscope)"


def known_kinds() -> tuple[Kind, ...]:
    """All kinds that this version knows, in the order of the table of formats."""
    return tuple(Kind(name, name, driver) for name, driver in drivers().items())


def kind_named(name: str, boards: Sequence[Kind] = ()) -> Kind:
    """The kind that a person, a config file or a recording names.

    Raises:
        SourceSpecError: there is none; one sentence.
    """
    every = (*boards, *known_kinds())
    for kind in every:
        if kind.name == name:
            return kind
    names = [kind.name for kind in every]
    close = get_close_matches(name.casefold().replace("-", "_"), names, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    raise SourceSpecError(f"Expected a kind of Bluetooth sensor out of {', '.join(names)}, found {name!r}{hint}")


def kind_of(name: str | None, service_uuids: Collection[str], boards: Sequence[Kind] = ()) -> Kind | None:
    """Which kind an advertisement comes from; a person's own boards come first. None for all others."""
    every = (*boards, *known_kinds())
    return next((kind for kind in every if kind.driver.is_heard_in(name, service_uuids)), None)


def kind_for(decoder: str, config: Mapping[str, Any], boards: Sequence[Kind] = ()) -> Kind | None:
    """The kind that a source's settings ask for; None when it is to be found out.

    Raises:
        SourceSpecError: no Bluetooth sensor sends that format.
    """
    if decoder == AUTO:
        return None
    board = config.get("board")
    return kind_named(str(board) if board is not None else decoder, boards)


def settings_of(
    placement: Placement, address: str | None, kind: Kind | None, options: Mapping[str, Any] | None = None
) -> SourceSettings:
    """How a Bluetooth sensor at a placement is reached and read; without a kind it is found out when it is heard.

    Args:
        placement: where it sits; also the channel's name.
        address: address or name; None for any.
        kind: what it is taken for.
        options: what its driver and decoder are told beside what a board's table says.
    """
    decoder, config = (AUTO, {}) if kind is None else (kind.decoder, kind.config)
    return SourceSettings(placement, placement, "ble", decoder, address, config={**config, **(options or {})})

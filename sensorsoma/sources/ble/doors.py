"""Doors to the air: this computer's own Bluetooth, or a virtual link. What comes behind cannot tell the difference."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

from bleak.backends.client import BaseBleakClient
from bleak.backends.scanner import BaseBleakScanner

from sensorsoma.errors import SourceSpecError
from sensorsoma.sources.ble.kinds import Kind

_DOORS: dict[str, str] = {"virtual": "sensorsoma.virtual.door:open_virtual_door"}
"""Kind of door → `module:coroutine` that opens it at an address; imported only when asked for."""


async def _nothing_to_close() -> None:
    return None


@dataclass(slots=True)
class Door:
    """One way to the air, shared by all sources of a session."""

    name: str
    """As given to `open_door`."""
    scanner_class: type[BaseBleakScanner] | None = None
    """Given to `BleakScanner(backend=...)`; None for the system's own."""
    client_class: type[BaseBleakClient] | None = None
    """Given to `BleakClient(backend=...)`; None for the system's own."""
    is_simulated: bool = False
    on_close: Callable[[], Awaitable[None]] = _nothing_to_close
    radio_lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while scanning and connecting: stacks do one at a time."""
    claims: dict[str, str] = field(default_factory=dict)
    """Device address → channel that holds it, so that two sources never take the same sensor."""
    boards: Sequence[Kind] = ()
    """A person's own boards, from the config file: they are recognised like every other kind."""
    wanted: set[str] = field(default_factory=set)
    """Channels of all running sources: a sensor named after one of them is left to it."""

    def backend(self, of: type[BaseBleakScanner] | type[BaseBleakClient] | None) -> dict[str, Any]:
        """Keyword arguments for bleak: empty for the system's own backend."""
        return {} if of is None else {"backend": of}

    async def close(self) -> None:
        """Leaves the air; harmless when called twice."""
        on_close, self.on_close = self.on_close, _nothing_to_close
        await on_close()


async def open_door(spec: str = "native") -> Door:
    """The door that a word names: `native`, or `virtual:HOST:PORT` for a virtual link.

    Raises:
        SourceSpecError: no door has that name.
        MissingExtraError: a virtual link needs the extra `virtual`.
        LinkError: nobody answers at that address.
    """
    kind, _, address = spec.partition(":")
    if kind == "native" and not address:
        return Door("native")
    target = _DOORS.get(kind)
    if target is None:
        raise SourceSpecError(f"Expected the door native or virtual:HOST:PORT, found {spec!r}.")
    module, _, attribute = target.partition(":")
    opener = cast(Callable[[str], Awaitable[Door]], getattr(import_module(module), attribute))
    return await opener(address)

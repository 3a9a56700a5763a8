"""Whether comfort is being asked right now, and what was said: one place for keys, page and the end of a session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from sensorsoma.messages import Message, SettingsSnapshot, UserMark

PATIENCE_S = 75.0
"""Real seconds that the question after the session stays open: whoever is awake answers soon after the last sentence,
many fall asleep, and the report waits behind it."""


class ComfortQuestion:
    """Comfort before and after, as said so far; a listener.

    Before the session has begun `asks` is "before" until a number is there; during it nothing is asked.
    """

    def __init__(self) -> None:
        self.asks: Literal["before", "after"] | None = "before"
        """What a screen should ask right now."""
        self.before: int | None = None
        self.after: int | None = None
        self.on_change: list[Callable[[], None]] = []
        """Told whenever any of these is another."""
        self._is_done = asyncio.Event()

    def on_message(self, message: Message) -> None:
        """Follows what is said, by whatever way it came."""
        if isinstance(message, SettingsSnapshot):
            self._ask(None if self.asks == "before" else self.asks)
        elif isinstance(message, UserMark) and message.comfort is not None:
            when, value = message.comfort
            if when == "before":
                self.before = value
            else:
                self.after = value
            if self.asks == when:
                self._is_done.set()
                self.asks = None
            self._tell()

    def skip(self) -> None:
        """Leaves the question that is open; nothing is said."""
        self._is_done.set()
        self._ask(None)

    async def ask_after(self, patience_s: float = PATIENCE_S) -> None:
        """Asks, and waits for a number, for `skip`, or until nobody answers."""
        self._is_done.clear()
        self._ask("after")
        try:
            await asyncio.wait_for(self._is_done.wait(), patience_s)
        except TimeoutError:
            pass
        finally:
            self._ask(None)

    def _ask(self, what: Literal["before", "after"] | None) -> None:
        if what != self.asks:
            self.asks = what
            self._tell()

    def _tell(self) -> None:
        for told in tuple(self.on_change):
            told()

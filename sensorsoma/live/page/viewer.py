"""One page that looks on: what it has yet to be told, newest state first thrown away, and what it was asked to say."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MAX_ORDERS = 32
"""Orders (say, hush) that wait for a page that does not read; older ones are long past their moment."""


@dataclass(eq=False, slots=True)
class Viewer:
    """The server's side of one page, whichever way it is connected."""

    page: str = ""
    """Which page it is, by its own random name; a page that comes back has the same."""
    speaks: bool = False
    """Its browser's own voice worked."""
    is_gone: bool = False
    seen_at: float = 0.0
    """Real time when it was last heard of."""
    is_polling: bool = False
    """It asks again and again, because its socket fails."""
    close_code: int | None = None
    """Set when its socket is to be closed, once all orders are sent."""
    shown: dict[str, Any] | None = None
    """The state that was sent last, without its number."""
    shown_at: float = float("-inf")
    due_at: float = float("-inf")
    """Before this no further state is sent."""
    n: int = 0
    _orders: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MAX_ORDERS))
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _urgent: asyncio.Event = field(default_factory=asyncio.Event)
    _said: dict[int, asyncio.Future[bool | None]] = field(default_factory=dict)

    def tell(self) -> None:
        """There may be a new state to be sent; how many times does not matter, only the newest counts."""
        self._news.set()

    def order(self, message: dict[str, Any]) -> None:
        """Something to be sent as soon as possible, in order."""
        self._orders.append(message)
        self._news.set()
        self._urgent.set()

    def take_orders(self) -> list[dict[str, Any]]:
        """Everything that waits to be sent."""
        orders = list(self._orders)
        self._orders.clear()
        self._urgent.clear()
        return orders

    async def due(self, quiet_s: float) -> None:
        """Returns when it is time to send: at once for orders, in its turn for a newer state, and after `quiet_s` in
        any case."""
        await _happens(self._news, quiet_s)
        left_s = self.due_at - time.monotonic()
        if left_s > 0:
            await _happens(self._urgent, left_s)
        self._news.clear()

    def as_shown(self, state: dict[str, Any], gap_s: float, quiet_s: float) -> dict[str, Any] | None:
        """The state with its number, or None when the page has it already and heard from us not long ago.

        Turns are `gap_s` apart on a schedule, not from one sending to the next: what comes at just that pace, now and
        then a little late, is not held up by its own lateness.
        """
        now = time.monotonic()
        if state == self.shown and now - self.shown_at < quiet_s:
            return None
        self.due_at = max(self.due_at, now - gap_s / 2) + gap_s
        self.shown, self.shown_at, self.n = state, now, self.n + 1
        return {**state, "n": self.n}

    # ------------------------------------------------------------------------------------------------ the voice

    async def say(self, message: dict[str, Any], limit_s: float) -> bool | None:
        """Sends something to be performed: True once the page has performed it, None when it says that it could not,
        False when it has left or did not answer in time."""
        if self.is_gone:
            return None
        number = message["id"]
        said = self._said[number] = asyncio.get_running_loop().create_future()
        self.order(message)
        try:
            return await asyncio.wait_for(said, limit_s)
        except TimeoutError:
            self.hush()
            return False
        except asyncio.CancelledError:
            self.hush()
            raise
        finally:
            self._said.pop(number, None)

    def hush(self) -> None:
        """Silence at once; what was not yet sent is not said any more."""
        kept = [order for order in self._orders if order["type"] not in ("say", "hush")]
        self._orders.clear()
        self._orders.extend(kept)
        self.order({"type": "hush"})

    def said(self, number: Any, is_heard: bool) -> None:
        """The page has performed something, or could not."""
        waiting = self._said.get(number) if isinstance(number, int) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(True if is_heard else None)

    def silence(self) -> None:
        """Whatever was being said is not heard any more."""
        for waiting in self._said.values():
            if not waiting.done():
                waiting.set_result(False)

    def end(self, code: int, *last: dict[str, Any]) -> None:
        """Sends the last orders, then closes its socket."""
        self.close_code = code
        self._orders.extend(last)
        self._news.set()
        self._urgent.set()

    def gone(self) -> None:
        """The page has left."""
        self.is_gone = True
        self.silence()
        self._news.set()
        self._urgent.set()


async def _happens(event: asyncio.Event, at_most_s: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), at_most_s)

"""Recorded or simulated inputs once more: at the pace of a clock, or as fast as the computer can."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from sensorsoma.clock import Clock
from sensorsoma.messages import Input, SettingsSnapshot, SourceStatus, Tick
from sensorsoma.units import NS_PER_S


class PlaybackSource:
    """Delivers inputs when the clock has come as far as they were apart.

    Args:
        inputs: in order of time; anything iterable, so a recording need not fit into memory.
        clock: paces; its speed is the speed of the playback.
        is_live: for a recording that feeds a new session. Its settings and ticks are left out, because the session has
            its own, and the stamps are moved to the session's time. Otherwise every input passes as it was.
    """

    def __init__(self, inputs: Iterable[Input], clock: Clock, *, is_live: bool = False) -> None:
        self._inputs = inputs
        self._clock = clock
        self._is_live = is_live

    async def run(self, put: Callable[[Input | SourceStatus], None]) -> None:
        """Delivers all inputs, each at its time; ends after the last."""
        shift_ns: int | None = None
        for message in self._inputs:
            if shift_ns is None:
                shift_ns = self._clock.now_ns() - message.host_ns
            await self._until(message.host_ns + shift_ns)
            if not self._is_live:
                put(message)
            elif not isinstance(message, SettingsSnapshot | Tick):
                put(replace(message, host_ns=message.host_ns + shift_ns))

    async def _until(self, session_ns: int) -> None:
        ahead_ns = session_ns - self._clock.now_ns()
        # Sleeping for zero lets others run even when playback is late.
        await asyncio.sleep(max(self._clock.real_seconds(ahead_ns / NS_PER_S), 0.0))


def playback(inputs: Iterable[Input]) -> Iterator[Input]:
    """The same inputs in the same order, without waiting: what a pipeline is fed for replay and analysis."""
    yield from inputs

"""Helpers for everything that runs over the virtual link."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

pytest.importorskip("bumble", reason="virtual sensors need the extra sensorsoma[virtual]")

from sensorsoma.clock import Clock
from sensorsoma.decode.soma_v1_frame import decode_frame
from sensorsoma.messages import (
    BadPacket,
    Gap,
    ImuBlock,
    Input,
    Packet,
    SourceStatus,
    StreamInterrupted,
    StreamResumed,
)
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.ble.link import BleSource, LinkParams
from sensorsoma.sources.decoding import Decoding
from sensorsoma.virtual.launcher import InProcessWorld, VirtualWorld, start_virtual_in_process
from sensorsoma.virtual.room import RoomParams

T = TypeVar("T")


def ble_settings(
    channel: str = "right-thigh", address: str | None = None, decoder: str = "auto", **config: Any
) -> SourceSettings:
    return SourceSettings(channel, channel, "virtual", decoder, address, "simulated", config)


@dataclass
class Heard:
    """Everything that sources put, with the samples decoded beside."""

    messages: list[Input | SourceStatus] = field(default_factory=list)
    decoding: Decoding | None = None
    found: dict[str, SourceStatus] = field(default_factory=dict)
    decoded: list[Any] = field(default_factory=list)
    on_put: Callable[[Any], None] | None = None

    def put(self, message: Input | SourceStatus) -> None:
        self.messages.append(message)
        if isinstance(message, SourceStatus) and message.decoder is not None:
            self.found.setdefault(message.channel, message)
        if self.decoding is not None:
            self.decoded += self.decoding.feed(message)
        if self.on_put is not None:
            self.on_put(message)

    def of(self, kind: type[T], channel: str | None = None) -> list[T]:
        pool = [*self.messages, *self.decoded]
        return [m for m in pool if isinstance(m, kind) and channel in (None, m.channel)]  # type: ignore[attr-defined]

    @property
    def states(self) -> list[str]:
        """States in order, without repetitions."""
        states = [status.state for status in self.of(SourceStatus)]
        return [state for i, state in enumerate(states) if i == 0 or states[i - 1] != state]

    def n_samples(self, channel: str | None = None) -> int:
        return sum(len(block.t_s) for block in self.of(ImuBlock, channel))

    def counts(self) -> Counter[str]:
        kinds = (Packet, ImuBlock, Gap, BadPacket, StreamInterrupted, StreamResumed)
        return Counter(type(m).__name__ for m in [*self.messages, *self.decoded] if isinstance(m, kinds))

    async def until(self, condition: Callable[[], bool], within_s: float = 8.0) -> None:
        """Waits until something has been heard."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - the condition is anything that was heard
                await asyncio.sleep(0.005)


@dataclass
class Stage:
    """A virtual world with running sources."""

    world: VirtualWorld
    clock: Clock
    heard: Heard
    tasks: list[asyncio.Task[None]]

    async def stop(self) -> None:
        """Cancels the sources, as Ctrl-C does."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def start_sources(
    world: Any, settings: Sequence[SourceSettings], params: LinkParams | None = None, clock: Clock | None = None
) -> Stage:
    """Sources on the room's own clock, or the given one."""
    clock = clock or world.room.clock
    heard = Heard(decoding=Decoding(settings, clock.now_ns()))
    sources = [BleSource(each, world.door, clock, params=params) for each in settings]
    return Stage(world, clock, heard, [asyncio.create_task(source.run(heard.put)) for source in sources])


SPEED = 6.0
"""Session seconds per real second: ten seconds of silence cost two."""


async def start_in_process(
    sensors: Sequence[str], clock: Clock | None = None, params: RoomParams | None = None, interval_ms: float = 15.0
) -> InProcessWorld:
    """An accelerated room."""
    return await start_virtual_in_process(sensors, clock or Clock(SPEED), params, interval_ms=interval_ms)


def frames(heard: Heard) -> list[Any]:
    return [decode_frame(packet.payload) for packet in heard.of(Packet)]


@pytest.fixture
def kit() -> SimpleNamespace:
    """The helpers above; test modules cannot import a conftest."""
    return SimpleNamespace(
        run=asyncio.run,
        settings=ble_settings,
        start=start_sources,
        frames=frames,
        start_in_process=start_in_process,
    )

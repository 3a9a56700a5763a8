"""Recorded inputs once more, in time."""

from __future__ import annotations

import asyncio
import time

import pytest

from sensorsoma.clock import Clock
from sensorsoma.messages import Input, Packet, SettingsSnapshot, SourceStatus, Tick, UserMark
from sensorsoma.sources.playback import PlaybackSource, playback

INPUTS: list[Input] = [
    SettingsSnapshot(10**15, {"sources": []}),
    Packet(10**15 + 1_000_000_000, "pelvis", b"a"),
    Tick(10**15 + 1_500_000_000),
    UserMark(10**15 + 2_000_000_000, "next"),
    Packet(10**15 + 4_000_000_000, "pelvis", b"b"),
]


def run(source: PlaybackSource) -> list[tuple[float, Input | SourceStatus]]:
    """Seconds since the start and message, as they were delivered."""
    begin = time.monotonic()
    out: list[tuple[float, Input | SourceStatus]] = []
    asyncio.run(source.run(lambda message: out.append((time.monotonic() - begin, message))))
    return out


def test_inputs_pass_unchanged_at_the_pace_of_the_clock() -> None:
    """At 20 times the speed, four recorded seconds take a fifth of a second, and every stamp is the recorded one."""
    delivered = run(PlaybackSource(iter(INPUTS), Clock(speed=20)))
    assert [message for _, message in delivered] == INPUTS
    for (at_s, _), message in zip(delivered, INPUTS, strict=True):
        assert at_s == pytest.approx((message.host_ns - 10**15) / 1e9 / 20, abs=0.08)
        assert at_s >= (message.host_ns - 10**15) / 1e9 / 20 - 0.005


def test_a_live_playback_is_stamped_anew() -> None:
    """In a new session, the recording's settings and ticks are left out and the distances in time are kept."""
    clock = Clock(speed=50, start_ns=5_000_000_000)
    messages = [message for _, message in run(PlaybackSource(INPUTS, clock, is_live=True))]
    assert [type(message) for message in messages] == [Packet, UserMark, Packet]
    first, mark, last = messages
    assert first.host_ns == pytest.approx(6_000_000_000, abs=1_000_000_000)
    assert mark.host_ns - first.host_ns == 1_000_000_000
    assert last.host_ns - first.host_ns == 3_000_000_000


def test_playback_can_be_stopped() -> None:
    """Cancelling ends the playback at once."""

    async def stop_early() -> int:
        out: list[Input | SourceStatus] = []
        task = asyncio.create_task(PlaybackSource(INPUTS, Clock()).run(out.append))
        await asyncio.sleep(0.05)
        task.cancel()
        await asyncio.wait([task])
        return len(out)

    assert asyncio.run(stop_early()) == 1


def test_nothing_to_play_ends_at_once() -> None:
    """An empty recording is over."""
    assert run(PlaybackSource([], Clock())) == []


def test_without_a_clock_everything_comes_at_once() -> None:
    """Replay and analysis do not wait."""
    assert list(playback(iter(INPUTS))) == INPUTS

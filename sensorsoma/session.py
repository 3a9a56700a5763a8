"""One session from the first sample to the closed file: source → recorder → pipeline → listeners.

The session owns every lifetime. It begins when every source has sent something, so that a practice does not start
talking while a sensor is still being looked for. From then on inputs go into one queue in the order in which they
arrive; each is recorded before anything interprets it, then worked through the pipeline, and what follows is recorded
and shown. A failing listener is logged and dropped; a failing recorder ends the session, because an unrecorded session
cannot be looked at again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from sensorsoma.clock import Clock
from sensorsoma.errors import RecordingError, SensorSomaError, SourceError
from sensorsoma.messages import (
    Input,
    Message,
    Packet,
    SessionEnded,
    SettingsSnapshot,
    SourceStatus,
    Tick,
    UserMark,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import AUTO, BLUETOOTH, SessionSettings, SourceSettings

log = logging.getLogger(__name__)

Put = Callable[[Input | SourceStatus], None]

TICK_S = 0.1
"""Session seconds between ticks: the coach's sense of time; a tenth is below what anybody hears as late."""

STOP_SOURCES_S = 5.0
"""Real seconds that sources get to stop their devices when a session ends."""


class Source(Protocol):
    """Whatever delivers packets."""

    async def run(self, put: Put) -> None:
        """Delivers until it is exhausted or cancelled; stops its device on the way out."""
        ...


class Listener(Protocol):
    """Whatever wants to know: terminal, speech, page."""

    def on_message(self, message: Message) -> None:
        """Takes every input and output, in order."""
        ...


class Sink(Protocol):
    """Where a session is written."""

    def write(self, message: Message) -> None:
        """Writes one message; raises `RecordingError` when it cannot."""
        ...

    def close(self) -> None:
        """Finishes the file; harmless when called twice."""
        ...


@dataclass(frozen=True, slots=True)
class SessionOutcome:
    """How a session ended."""

    ended_by: Literal["plan", "person", "sources", "error"]
    error: SensorSomaError | None = None
    has_begun: bool = True
    """False when it was stopped before every source had sent something: then nothing is recorded."""


class Session:
    """Runs sources, recorder, pipeline and listeners together until the plan, the person or the sources end.

    Args:
        settings: everything that was chosen; becomes the first input.
        sources: run side by side; the session ends when all are exhausted.
        clock: session time for stamps, ticks and waits.
        open_recorder: opens the file when the session begins, given the settings with what the devices turned out to
            be; None to record nothing (replay).
        listeners: told of every message, inputs and outputs alike.
        is_replay: the sources bring settings, ticks and marks of their own.
    """

    def __init__(
        self,
        settings: SessionSettings,
        sources: Sequence[Source],
        clock: Clock,
        open_recorder: Callable[[SessionSettings], Sink] | None = None,
        listeners: Sequence[Listener] = (),
        *,
        is_replay: bool = False,
    ) -> None:
        self._settings = settings
        self._sources = sources
        self._clock = clock
        self._open_recorder = open_recorder
        self._recorder: Sink | None = None
        self._listeners = list(listeners)
        self._queue: asyncio.Queue[Input | SourceStatus | _SourceEnded] = asyncio.Queue()
        self._pipeline = Pipeline()
        self._has_begun = is_replay
        self._is_replay = is_replay
        self._replayed_ns: int | None = None
        """How far a replay has come, on its own time."""
        self._silent = {source.channel for source in settings.sources}
        self._statuses: dict[str, SourceStatus] = {}
        self.waits_for_start = False
        """Set to begin only once the person has said so, by a mark `next`; the sensors are made ready meanwhile."""
        self._early: list[UserMark] = []
        """Numbers for comfort that were given while sensors were still looked for."""
        self.before_close: Callable[[], Awaitable[None]] | None = None
        """Awaited when the plan or the person ended the session and its sensors are stopped, while the recording is
        still open: what is said of comfort until then belongs to the session."""

    def add_listeners(self, *listeners: Listener) -> None:
        """Adds listeners that need the session itself, such as a voice that reports finished cues."""
        self._listeners.extend(listeners)

    def put(self, message: Input | SourceStatus) -> None:
        """Hands in one input from within the event loop: a key, a finished cue, a packet."""
        self._queue.put_nowait(message)

    def mark_stop(self) -> None:
        """Asks for the end, as the person's own stop key does."""
        self.put(UserMark(self._clock.now_ns() if self._replayed_ns is None else self._replayed_ns, "stop"))

    async def run(self) -> SessionOutcome:
        """Runs to the end and closes the recording, whatever happens.

        Raises:
            SensorSomaError: what ended the session early (a sensor that was never found, a full disk); the recording
                holds everything up to then.
        """
        tasks = [asyncio.create_task(self._run_source(source)) for source in self._sources]
        if not self._is_replay:
            tasks.append(asyncio.create_task(self._tick()))
        outcome = None
        try:
            outcome = await self._work(n_sources=len(self._sources))
        finally:
            try:
                await _stop(tasks)
                if outcome is not None and outcome.has_begun and outcome.ended_by in ("plan", "person"):
                    await self._linger()
            finally:  # being cancelled once more while sensors stop must not leave the file without its end
                self._finish()
        if outcome.error is not None:
            raise outcome.error
        return outcome

    # ------------------------------------------------------------------------------------------ the loop

    async def _work(self, n_sources: int) -> SessionOutcome:
        n_running = n_sources
        while True:
            message = await self._queue.get()
            if isinstance(message, _SourceEnded):
                if message.error is not None:
                    return SessionOutcome("error", message.error)
                n_running -= 1
                if not n_running:
                    return SessionOutcome("sources")
                continue
            if not self._has_begun and not self._begins(message):
                if isinstance(message, UserMark) and message.kind == "stop":
                    return SessionOutcome("person", has_begun=False)
                continue
            ended = self._take(message)
            if ended is not None:
                return SessionOutcome("plan" if ended.ended_by == "plan" else "person")

    def _begins(self, message: Input | SourceStatus) -> bool:
        """Takes what comes before the beginning; True once the last silent source has sent its first packet, and the
        person has said so where they are waited for.

        Without a plan nobody is waited for: recording begins with the first packet once every Bluetooth sensor has said
        how it is to be read, since the settings are written before anything else.
        """
        if isinstance(message, SourceStatus):
            self._statuses[message.channel] = message
            self._settings = self._settings.as_found(message)
            self._show(message)
        elif isinstance(message, UserMark) and message.kind == "comfort":
            self._early.append(message)
        elif isinstance(message, UserMark) and message.kind == "next":
            self.waits_for_start = False
        if not isinstance(message, Packet):
            return False
        self._silent.discard(message.channel)
        is_unknown = any(not self._is_known(source) for source in self._settings.sources)
        if is_unknown or self.waits_for_start or (self._silent and self._settings.plan is not None):
            return False
        self._has_begun = True
        if self._open_recorder is not None:
            self._recorder = self._open_recorder(self._settings)
        self._take(SettingsSnapshot(message.host_ns, self._settings.to_json()))
        for status in self._statuses.values():
            self._record(status)
        for mark in self._early:  # stamped with the beginning: nothing lies before the settings
            self._take(replace(mark, host_ns=message.host_ns))
        return True

    def _is_known(self, source: SourceSettings) -> bool:
        """Whether it is settled how a source is decoded: its kind alone does not tell a factor, a rate or columns."""
        if source.decoder == AUTO:
            return False
        status = self._statuses.get(source.channel)
        return source.kind not in BLUETOOTH or (status is not None and status.decoder is not None)

    def _take(self, message: Input | SourceStatus) -> SessionEnded | None:
        """Records, interprets and shows one message."""
        if self._is_replay:
            self._replayed_ns = message.host_ns
        self._record(message)
        self._show(message)
        if isinstance(message, SourceStatus):
            return None
        ended = None
        for output in self._pipeline.feed(message):
            self._record(output)
            self._show(output)
            if isinstance(output, SessionEnded):
                ended = output
        return ended

    async def _linger(self) -> None:
        """Takes what comes until `before_close` is through: of all marks only comfort, the practice is over."""
        if self.before_close is None:
            return
        asking = asyncio.ensure_future(self.before_close())
        taking = asyncio.create_task(self._take_the_last())
        try:
            await asyncio.wait((asking, taking), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            taking.cancel()
            await asyncio.gather(asking, taking, return_exceptions=True)
        if not asking.cancelled() and (failed := asking.exception()) is not None:
            log.error("the question at the end failed; the session is closed without it", exc_info=failed)
        if not taking.cancelled() and (failed := taking.exception()) is not None:
            raise failed  # a disk that is full ends the question too

    async def _take_the_last(self) -> None:
        while True:
            message = await self._queue.get()
            if isinstance(message, _SourceEnded | Tick) or (
                isinstance(message, UserMark) and message.kind != "comfort"
            ):
                continue
            self._take(message)

    def _finish(self) -> None:
        """Takes what is still queued, lets the pipeline finish, closes the file."""
        try:
            while not self._queue.empty():
                message = self._queue.get_nowait()
                if self._has_begun and not isinstance(message, _SourceEnded | Tick):
                    self._take(message)
            for output in self._pipeline.finish():
                self._record(output)
                self._show(output)
        finally:
            if self._recorder is not None:
                self._recorder.close()

    def _record(self, message: Message) -> None:
        if self._recorder is None:
            return
        try:
            self._recorder.write(message)
        except RecordingError:
            failed, self._recorder = self._recorder, None  # finishing must not fail a second time
            with contextlib.suppress(RecordingError):
                failed.close()
            raise

    def _show(self, message: Message) -> None:
        for listener in tuple(self._listeners):
            try:
                listener.on_message(message)
            except Exception:
                log.exception("%s failed and is left out from here on", type(listener).__name__)
                self._listeners.remove(listener)

    # ----------------------------------------------------------------------------------------- the tasks

    async def _run_source(self, source: Source) -> None:
        try:
            await source.run(self.put)
        except SensorSomaError as error:
            self._queue.put_nowait(_SourceEnded(error))
        except Exception as error:  # a fault of ours must end the session with its recording closed, not hang it
            log.exception("a source failed")
            self._queue.put_nowait(
                _SourceEnded(SourceError(f"A sensor source stopped with an internal error: {error}"))
            )
        else:
            self._queue.put_nowait(_SourceEnded(None))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._clock.real_seconds(TICK_S))
            self.put(Tick(self._clock.now_ns()))


@dataclass(frozen=True, slots=True)
class _SourceEnded:
    """A source is through: exhausted (None) or with an error."""

    error: SensorSomaError | None


async def _stop(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    done, pending = await asyncio.wait(tasks, timeout=STOP_SOURCES_S)
    for task in done:
        if not task.cancelled() and task.exception() is not None:
            log.error("a source failed while stopping", exc_info=task.exception())
    if pending:
        log.warning("%d source(s) did not stop within %.0f s", len(pending), STOP_SOURCES_S)

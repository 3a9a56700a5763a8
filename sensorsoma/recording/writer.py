"""A session on disk: one MCAP file that loses at most about a second when the computer dies.

Everything is handed to one thread, so that a slow disk never holds up a sensor. Once a second the thread closes a
chunk (compressed, with CRC) and passes it to the operating system, every five seconds and at the end of a step
it asks for it to be on the disk. The definitions of all topics come first; they and the settings are repeated outside
the chunks, so that the rest of the file keeps its meaning should its first chunk be damaged.
"""

from __future__ import annotations

import math
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from sensorsoma.errors import RecordingError
from sensorsoma.messages import (
    ImuBlock,
    Message,
    OrientedBlock,
    SegmentCurve,
    SessionEnded,
    SessionPaused,
    SettingsSnapshot,
    StepFinished,
    StreamInterrupted,
)
from sensorsoma.recording.disk import DiskFile, write_error
from sensorsoma.recording.sheet import Sheet, SheetAttachment, SheetMessage, SheetMetadata, json_text
from sensorsoma.recording.topics import Topic, encode, session_topics, topic_of
from sensorsoma.settings import SessionSettings
from sensorsoma.units import NS_PER_S

_NOT_WRITTEN = (ImuBlock, OrientedBlock, SegmentCurve)
_WORTH_SYNCING = (StepFinished, SessionEnded, SessionPaused, StreamInterrupted)


@dataclass(frozen=True, slots=True)
class RecorderParams:
    """How often the file is made safe."""

    flush_s: float = 1.0
    """A crash loses at most this; below half a second the chunks' indexes cost more than they save."""
    sync_s: float = 5.0
    """A power cut loses at most about this; syncing stalls for tens of milliseconds on a busy disk."""
    chunk_bytes: int = 1 << 20
    """A chunk is closed earlier when it grows beyond this (accelerated playback)."""


class Recorder:
    """Writes a session.

    Args:
        path: file to create; missing folders are made, an existing file is never overwritten.
        settings: its sources give the topics.
        params: how often the file is made safe.

    Raises:
        RecordingError: the file cannot be created.
    """

    def __init__(self, path: Path | str, settings: SessionSettings, params: RecorderParams | None = None) -> None:
        self.path = Path(path)
        self._params = params or RecorderParams()
        self._error: RecordingError | None = None
        self._is_told = False
        """Whoever writes has heard of the error."""
        self._is_closed = False
        self._sequence = 0
        self._now_ns = 0
        self._epoch_ns = 0
        self._queue: queue.SimpleQueue[_Item] = queue.SimpleQueue()
        topics = session_topics(tuple(source.channel for source in settings.sources))
        self._file = DiskFile(self.path)
        self._thread = threading.Thread(target=self._run, args=(topics,), name="recorder", daemon=True)
        self._thread.start()

    def write(self, message: Message) -> None:
        """Takes one input or output; blocks of samples are left out, since a replay makes them again.

        Raises:
            RecordingError: an earlier message could not be written. What is in the file stays readable.
            TypeError: the message holds something that is not JSON data.
        """
        self._tell_error()
        if self._is_closed:
            raise RecordingError(
                f"Expected an open recording, but {self.path.name} is closed; nothing more is written."
            )
        if isinstance(message, _NOT_WRITTEN):
            return
        if isinstance(message, SettingsSnapshot):
            self._epoch_ns = message.host_ns
        host_ns = getattr(message, "host_ns", None)
        if host_ns is not None:
            self._now_ns = host_ns
        t_s = getattr(message, "t_s", math.nan)
        happened_ns = self._epoch_ns + round(t_s * NS_PER_S) if math.isfinite(t_s) else self._now_ns
        item = SheetMessage(
            topic_of(message), encode(message), max(self._now_ns, 0), max(happened_ns, 0), self._sequence
        )
        self._sequence += 1
        self._queue.put(item)
        if isinstance(message, SettingsSnapshot):
            settings = {"host_ns": str(message.host_ns), "settings": json_text(message.settings)}
            self._queue.put(SheetMetadata("session", settings))
            self._queue.put(_Sync())
        if isinstance(message, _WORTH_SYNCING):
            self._queue.put(_Sync())

    def attach(self, name: str, data: bytes, media_type: str = "application/octet-stream") -> None:
        """Puts a whole file (a plan, a report) into the recording.

        Raises:
            RecordingError: an earlier message could not be written.
        """
        self._tell_error()
        self._queue.put(SheetAttachment(name, media_type, bytes(data), max(self._now_ns, 0)))

    def fileno(self) -> int:
        """Descriptor of the open file."""
        return self._file.fileno()

    def flush(self) -> None:
        """Asks for everything so far to be put on disk soon; does not wait for it."""
        self._queue.put(_Sync())

    def close(self) -> None:
        """Writes what is pending and the file's index; harmless when called twice.

        Raises:
            RecordingError: the last messages could not be written.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self._queue.put(None)
        self._thread.join()
        if not self._is_told:
            self._tell_error()

    def _tell_error(self) -> None:
        if self._error is not None:
            self._is_told = True
            raise self._error

    # ------------------------------------------------------------------------------------ the writing thread

    def _run(self, topics: tuple[Topic, ...]) -> None:
        try:
            sheet = Sheet(self._file, self._params.chunk_bytes)
            sheet.define(topics)
            self._drain(sheet)
            sheet.add(SheetMetadata("end", {"n_messages": str(sheet.n_messages)}))
            sheet.finish()
            self._file.sync()
        except OSError as error:
            self._file.cut_to_last_whole()
            self._error = write_error(self.path, error)
        except Exception as error:
            self._file.cut_to_last_whole()
            self._error = RecordingError(f"The recording {self.path.name} stopped with an internal error: {error!r}.")
        finally:
            self._file.close()

    def _drain(self, sheet: Sheet) -> None:
        """Writes items until the end is asked for."""
        flush_at = time.monotonic() + self._params.flush_s
        sync_at = time.monotonic() + self._params.sync_s
        while True:
            try:
                item = self._queue.get(timeout=max(flush_at - time.monotonic(), 0.0) + 1e-3)
            except queue.Empty:
                item = _Sync(is_needed=False)
            if item is None:
                return
            if isinstance(item, _Sync):
                if item.is_needed:
                    flush_at = sync_at = 0.0
            else:
                sheet.add(item)
            now = time.monotonic()
            if now >= flush_at:
                sheet.flush()
                flush_at = now + self._params.flush_s
            if now >= sync_at:
                self._file.sync()
                sync_at = now + self._params.sync_s


@dataclass(frozen=True, slots=True)
class _Sync:
    is_needed: bool = True


_Item = SheetMessage | SheetMetadata | SheetAttachment | _Sync | None

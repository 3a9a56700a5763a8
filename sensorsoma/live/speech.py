"""Cues as sound: one at a time, by the system's voice, and in silence of the same length where there is none.

The session waits for `finished(cue_id)`, so every cue finishes exactly once, also when it is dropped, cut off or could
not be spoken. Nothing here raises into the session: a voice that fails is named once and the practice goes on in text.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensorsoma.clock import Clock
from sensorsoma.live.bells import bell_file
from sensorsoma.live.voices import Voice, find_player, find_voice
from sensorsoma.messages import Cue, Message

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpeakerParams:
    """How long to wait for a voice."""

    too_long_factor: float = 3.0
    """A sentence that takes this many times its computed length ..."""
    too_long_s: float = 8.0
    """... and this many real seconds more hangs: a slow first start of a speech service takes 2-5 s."""
    unheard_share: float = 0.25
    """A voice that ends within this share of the computed length was most likely not heard; the pace is kept."""


class Speaker:
    """Speaks and rings cues; a listener of the session.

    Args:
        clock: session time; at any speed but 1 nothing is spoken and lengths are computed.
        finished: called on the event loop with each cue's id when it is over.
        voice: the program that speaks; None for silence. By default what `find_voice` finds.
        player: how a WAV is played; None for silent bells. By default what `find_player` finds.
        notice: told once, in one sentence, when the voice fails.
        params: waiting times.
    """

    def __init__(
        self,
        clock: Clock,
        finished: Callable[[int], None],
        *,
        voice: Voice | str | None = "system",
        player: Callable[..., list[str]] | str | None = "system",
        language: str = "en",
        notice: Callable[[str], None] = lambda _text: None,
        params: SpeakerParams | None = None,
    ) -> None:
        is_real = clock.speed == 1.0
        found = find_voice(language) if isinstance(voice, str) else voice
        playing = find_player() if isinstance(player, str) else player
        self.voice: Voice | None = found if is_real else None
        """What speaks now; None for silence."""
        self._player: Callable[..., list[str]] | None = playing if is_real else None
        self._clock = clock
        self._finished = finished
        self._notice = notice
        self._params = params or SpeakerParams()
        self._waiting: deque[Cue] = deque()
        self._now: Cue | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False

    def on_message(self, message: Message) -> None:
        """Takes cues; everything else is passed over."""
        if not isinstance(message, Cue) or self._is_closed:
            return
        if message.is_interrupting:
            self._cut()
        elif message.kind == "count":
            self._drop([cue for cue in self._waiting if cue.kind == "count"])
        self._waiting.append(message)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())

    async def drained(self) -> None:
        """Returns when nothing is being said or waiting: the last words before a program ends."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    async def close(self) -> None:
        """Falls silent at once; harmless when called twice."""
        self._is_closed = True
        task, self._task = self._task, None
        self._waiting.clear()
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    # ------------------------------------------------------------------------------------------------ the line

    def _cut(self) -> None:
        """Ends what is said now and forgets what waits."""
        self._drop(list(self._waiting))
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._task = None

    def _drop(self, cues: Sequence[Cue]) -> None:
        for cue in cues:
            self._waiting.remove(cue)
            self._finished(cue.cue_id)

    async def _work(self) -> None:
        while self._waiting:
            cue = self._waiting.popleft()
            try:
                await self._perform(cue)
            except Exception:
                log.exception("cue %d could not be performed", cue.cue_id)
            finally:
                self._finished(cue.cue_id)

    async def _perform(self, cue: Cue) -> None:
        loop = asyncio.get_running_loop()
        length_s = self._clock.real_seconds(cue.length_s)
        begin = loop.time()
        command, text = await self._command(cue)
        is_heard = False
        if command:
            is_heard = await self._play(command, text, length_s)
            if not is_heard:
                self._give_up(cue)
        elapsed = loop.time() - begin
        if not is_heard or elapsed < self._params.unheard_share * length_s:
            await asyncio.sleep(max(0.0, length_s - elapsed))

    async def _command(self, cue: Cue) -> tuple[list[str] | None, str | None]:
        """What to run and what to write to it."""
        if cue.kind == "bell":
            if self._player is None:
                return None, None
            try:
                return self._player(await asyncio.to_thread(bell_file)), None
            except OSError:  # no folder to keep it in: the bell stays silent
                self._player = None
                return None, None
        if self.voice is None or not cue.text:
            return None, None
        return self.voice.command(cue.text), cue.text if self.voice.uses_stdin else None

    async def _play(self, command: list[str], text: str | None, length_s: float) -> bool:
        """Runs one program to its end; False when it could not start, failed or hung."""
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE if text is not None else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the session, which still says its last sentence
            )
        except (OSError, ValueError):
            return False
        limit_s = self._params.too_long_factor * length_s + self._params.too_long_s
        try:
            await asyncio.wait_for(process.communicate(text.encode() if text is not None else None), limit_s)
        except (TimeoutError, OSError):
            return False
        except asyncio.CancelledError:
            await self._silence(process)
            raise
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(process.wait())
        return process.returncode == 0

    async def _silence(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if self.voice is not None and self.voice.stop_argv:
            with contextlib.suppress(OSError):
                await asyncio.create_subprocess_exec(
                    *self.voice.stop_argv, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
                )

    def _give_up(self, cue: Cue) -> None:
        """Goes on without what failed, and says so once."""
        if cue.kind == "bell":
            self._player = None
            return
        name = self.voice.name if self.voice else "voice"
        self.voice = None
        self._notice(f"The voice ({name}) could not speak, so the words are only shown from here on.")

"""Cues as sound: one at a time, by exactly one voice, and in silence of the same length where there is none.

Each cue is given to the first mouth that can say it: the page that has the voice, else a file that the computer plays
(recorded or rendered), else a program that speaks. What one has begun no other repeats, also when it breaks off: the
next cue goes to the next. The session waits for `finished(cue_id)`, so every cue finishes exactly once, also when it is
dropped, cut off or could not be spoken. Nothing here raises into the session: a voice that fails is named once and the
practice goes on in text.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sensorsoma.clock import Clock
from sensorsoma.live.computer import computer_voice
from sensorsoma.live.mouth import Mouth, Soundless, Unspoken
from sensorsoma.messages import Cue, Message

log = logging.getLogger(__name__)

_ORDINARY = Cue(0, 0.0, "", "say", "A sentence.", 1.0)
"""Asks a mouth whether it speaks at all."""


@dataclass(frozen=True, slots=True)
class SpeakerParams:
    """How long to wait for a voice."""

    too_long_factor: float = 3.0
    """A sentence that takes this many times its computed length ..."""
    too_long_s: float = 8.0
    """... and this many real seconds more hangs: a slow first start of a speech service takes 2-5 s."""
    n_failures: int = 2
    """A mouth that failed so many times in a row is left out: once may be headphones that were just switched on."""


class Speaker:
    """Speaks and rings cues; a listener of the session.

    Args:
        clock: session time; at any speed but 1 nothing is spoken and lengths are computed.
        finished: called on the event loop with each cue's id when it is over.
        mouths: ways of being heard, the first that can say a cue says it; None: what this computer has.
        language: of the computer's voice.
        notice: told once, in one sentence, when a voice fails.
        params: waiting times.
    """

    def __init__(
        self,
        clock: Clock,
        finished: Callable[[int], None],
        mouths: Sequence[Mouth] | None = None,
        *,
        language: str = "en",
        notice: Callable[[str], None] = lambda _text: None,
        params: SpeakerParams | None = None,
    ) -> None:
        self._is_real = clock.speed == 1.0
        found = mouths if mouths is not None or not self._is_real else computer_voice(language).mouths
        self._mouths: list[Mouth] = list(found or ()) if self._is_real else []
        self._clock = clock
        self._finished = finished
        self._notice = notice
        self._params = params or SpeakerParams()
        self._failures: dict[int, int] = {}
        """How often a mouth (by its `id`) failed in a row."""
        self._guests: set[int] = set()
        """Mouths that come and go."""
        self.heard_by: str | None = None
        """What performed the last cue to its end; None: nothing did."""
        self.soundless = ""
        """Why no sound can leave this computer ("aplay found no sound device"); empty when it can, as far as is known:
        a program that speaks by itself says nothing of it."""
        self._soundless_mouth: Mouth | None = None
        """Whose word that is."""
        self._waiting: deque[Cue] = deque()
        self._said: asyncio.Task[None] | None = None
        """What is being said."""
        self._work: asyncio.Task[None] | None = None
        self._preparing: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def voice_name(self) -> str | None:
        """What would say an ordinary sentence now; None: nothing, it would only be shown."""
        return next((mouth.name for mouth in self._mouths if self._is_able(mouth, _ORDINARY)), None)

    def would_be_heard(self, cue: Cue) -> bool:
        """True when something could perform this cue now."""
        return any(self._is_able(mouth, cue) for mouth in self._mouths)

    def put_first(self, mouth: Mouth) -> None:
        """Adds a way of being heard that goes before all others, and that may come and go, as a page does."""
        if self._is_real:
            self._mouths.insert(0, mouth)
            self._guests.add(id(mouth))

    def prepare(self, texts: Sequence[str]) -> None:
        """Lets every mouth get ready in the background for what may be said; nothing waits for it."""
        if self._is_real and not self._is_closed and texts:
            self._preparing = asyncio.get_running_loop().create_task(self._prepare(tuple(texts)))

    def on_message(self, message: Message) -> None:
        """Takes cues; everything else is passed over."""
        if not isinstance(message, Cue) or self._is_closed:
            return
        if message.is_interrupting:
            self._cut()
        elif message.kind == "count":
            self._drop([cue for cue in self._waiting if cue.kind == "count"])
        self._waiting.append(message)
        if self._work is None or self._work.done():
            self._work = asyncio.get_running_loop().create_task(self._say_all())

    async def drained(self) -> None:
        """Returns when nothing is being said or waiting: the last words before a program ends."""
        while self._work is not None and not self._work.done():
            await asyncio.wait([self._work])

    async def close(self) -> None:
        """Falls silent at once; harmless when called twice."""
        self._is_closed = True
        self._waiting.clear()
        tasks = [task for task in (self._said, self._work, self._preparing) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for mouth in self._mouths:
            with contextlib.suppress(Exception):
                await mouth.close()

    # ------------------------------------------------------------------------------------------------ the line

    def _cut(self) -> None:
        """Ends what is said now and forgets what waits; what comes next begins once that has fallen silent."""
        self._drop(list(self._waiting))
        if self._said is not None:
            self._said.cancel()

    def _drop(self, cues: Sequence[Cue]) -> None:
        for cue in cues:
            self._waiting.remove(cue)
            self._finished(cue.cue_id)

    async def _say_all(self) -> None:
        while self._waiting:
            cue = self._waiting.popleft()
            self._said = asyncio.get_running_loop().create_task(self._perform(cue))
            try:
                await asyncio.wait([self._said])
                if not self._said.cancelled() and (error := self._said.exception()) is not None:
                    log.error("cue %d could not be performed", cue.cue_id, exc_info=error)
            finally:
                self._said = None
                self._finished(cue.cue_id)

    async def _perform(self, cue: Cue) -> None:
        loop = asyncio.get_running_loop()
        length_s = self._clock.real_seconds(cue.length_s)
        begin_s = loop.time()
        self.heard_by = None
        self.heard_by = await self._let_say(cue, self._params.too_long_factor * length_s + self._params.too_long_s)
        if self.heard_by is None:
            await asyncio.sleep(length_s - (loop.time() - begin_s))

    async def _let_say(self, cue: Cue, limit_s: float) -> str | None:
        """Name of the mouth that said it to its end: the first that can; another one only when nothing was heard."""
        for mouth in tuple(self._mouths):
            if not self._is_able(mouth, cue):
                continue
            try:
                is_heard = await mouth.say(cue, limit_s)
            except Unspoken as error:
                log.info("%s: %s", mouth.name, error)
                if isinstance(error, Soundless):
                    self.soundless, self._soundless_mouth = str(error), mouth
                self._failed(mouth)
                continue
            except Exception:
                log.exception("%s failed", mouth.name)
                is_heard = False
            if not is_heard:
                self._failed(mouth)
                return None
            self._failures.pop(id(mouth), None)
            if mouth is self._soundless_mouth:
                self.soundless = ""
            return mouth.name
        return None

    # ---------------------------------------------------------------------------------------------- the mouths

    def _is_able(self, mouth: Mouth, cue: Cue) -> bool:
        """A mouth that failed is left out; a guest gets another chance once it has been away (a page opened anew)."""
        if id(mouth) in self._guests and not mouth.can_say(_ORDINARY):
            self._failures.pop(id(mouth), None)
        return mouth.can_say(cue) and self._failures.get(id(mouth), 0) < self._params.n_failures

    def _failed(self, mouth: Mouth) -> None:
        """Goes on without what has failed, and says so once."""
        count = self._failures[id(mouth)] = self._failures.get(id(mouth), 0) + 1
        if count != self._params.n_failures:
            return
        if self.soundless and mouth is self._soundless_mouth:
            self._notice(f"No sound comes out: {self.soundless}. The words are shown here.")
            return
        instead = self.voice_name
        follows = f"{instead} speaks" if instead else "the words are only shown"
        self._notice(f"The voice ({mouth.name}) could not speak, so {follows} from here on.")

    async def _prepare(self, texts: Sequence[str]) -> None:
        for mouth in tuple(self._mouths):
            try:
                await mouth.prepare(texts)
            except Exception:
                log.exception("%s could not prepare", mouth.name)

"""The page as a voice: a cue is performed on the one page where sound was started, or not at all."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from sensorsoma.live.mouth import Unspoken
from sensorsoma.live.page.server import PageServer
from sensorsoma.live.page.viewer import Viewer
from sensorsoma.messages import Cue

UNHEARD_SHARE = 0.25
"""A browser that ends a sentence within this share of its computed length was most likely silent."""


def _no_recording(_cue: Cue) -> Path | None:
    return None


async def _no_sound(_cue: Cue) -> Path | None:
    return None


class PageMouth:
    """Performs cues on a page; a `live.mouth.Mouth`.

    A page that does not answer in time, or that nothing could be heard on, has the voice no more until its person
    starts the sound again: so the computer takes over at once instead of waiting for the page at every cue.

    Args:
        server: where the pages are.
        recorded: the person's own recording of a cue, which goes before every other voice.
        sound: any file of a cue, rendered if need be, for browsers that have no voice of their own.
    """

    name = "the page"

    def __init__(
        self,
        server: PageServer,
        recorded: Callable[[Cue], Path | None] = _no_recording,
        sound: Callable[[Cue], Awaitable[Path | None]] = _no_sound,
    ) -> None:
        self._server = server
        self._recorded = recorded
        self._sound = sound
        self._numbers = itertools.count(1)

    def can_say(self, cue: Cue) -> bool:  # noqa: ARG002 # words and bells alike
        """True while a page has the voice."""
        return self._server.voice is not None

    async def prepare(self, texts: Sequence[str]) -> None:
        """Nothing to be done: what renders gets ready by itself."""

    async def say(self, cue: Cue, limit_s: float) -> bool:
        """Performs one cue on the page. Cancelled, the page falls silent at once.

        Raises:
            Unspoken: nothing of it was heard there.
        """
        viewer = self._server.voice
        if viewer is None:
            raise Unspoken("no page has the voice")
        if cue.kind == "bell":  # without a recorded one the page makes its own
            is_heard = await self._perform(viewer, cue, self._recorded(cue), limit_s)
        else:
            is_heard = await self._speak(viewer, cue, limit_s)
        if is_heard is None:
            self._server.release_voice(viewer)
            raise Unspoken("nothing was heard on the page")
        if not is_heard:
            self._server.release_voice(viewer)
        return is_heard

    async def _speak(self, viewer: Viewer, cue: Cue, limit_s: float) -> bool | None:
        """As a recording, in the browser's own voice, or as a file; None when none of them was heard."""
        path = self._recorded(cue)
        if path is None and viewer.speaks:
            loop = asyncio.get_running_loop()
            began_s = loop.time()
            is_heard = await self._perform(viewer, cue, None, limit_s)
            elapsed_s = loop.time() - began_s
            if is_heard and cue.kind == "say" and elapsed_s < UNHEARD_SHARE * cue.length_s:
                viewer.speaks = False  # files from the next cue on; the pace of this one is kept
                await asyncio.sleep(cue.length_s - elapsed_s)
            if is_heard is not None:
                return is_heard
            viewer.speaks = False
        if path is None:
            path = await self._sound(cue)
        return None if path is None else await self._perform(viewer, cue, path, limit_s)

    async def _perform(self, viewer: Viewer, cue: Cue, path: Path | None, limit_s: float) -> bool | None:
        """True when the page has performed it, None when it says that it could not, False when it does not answer."""
        audio = None if path is None else self._server.sound_url(path)
        message = {"type": "say", "id": next(self._numbers), "kind": cue.kind, "text": cue.text, "audio": audio}
        return await viewer.say(message, limit_s)

    async def close(self) -> None:
        """Falls silent; the page itself goes on."""
        if self._server.voice is not None:
            self._server.voice.hush()

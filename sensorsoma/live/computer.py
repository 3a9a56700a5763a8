"""What this computer can be heard by: files that a player plays, else a program that speaks."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from sensorsoma.live.mouth import Mouth, Unspoken
from sensorsoma.live.players import Player, find_player
from sensorsoma.live.programs import run_to_end
from sensorsoma.live.rendering import Recorded, Renderer
from sensorsoma.live.voices import Voice, Which, find_rendering_voice, find_voice
from sensorsoma.messages import Cue

UNHEARD_SHARE = 0.25
"""A voice that ends within this share of the computed length was most likely not heard; the pace is kept."""


class SoundMouth:
    """Plays the file of a cue: recorded or rendered.

    Args:
        renderer: gives the file.
        player: plays it.
    """

    def __init__(self, renderer: Renderer, player: Player) -> None:
        self._renderer = renderer
        self._player = player

    @property
    def name(self) -> str:
        """See `Mouth`."""
        return f"{self._renderer.name} by {self._player.name}"

    def can_say(self, cue: Cue) -> bool:
        """True for a bell, for what has a file, and for everything when files are made in no time."""
        if cue.kind == "bell" or self._renderer.ready(cue) is not None:
            return True
        voice = self._renderer.voice
        return voice is not None and voice.is_quick and bool(cue.text)

    async def prepare(self, texts: Sequence[str]) -> None:
        """See `Mouth`."""
        await self._renderer.prepare(texts)

    async def say(self, cue: Cue, limit_s: float) -> bool:  # noqa: ARG002 # a file says itself how long it is
        """See `Mouth`."""
        path = await self._renderer.wav_for(cue)
        if path is None:
            raise Unspoken(f"{self.name} has no sound for it")
        return await self._player.play(path)

    async def close(self) -> None:
        """See `Mouth`."""


class DirectMouth:
    """A program that speaks by itself.

    Args:
        voice: how it is called.
    """

    def __init__(self, voice: Voice) -> None:
        self.voice = voice
        self.name = voice.name

    def can_say(self, cue: Cue) -> bool:
        """True for words."""
        return cue.kind != "bell" and bool(cue.text)

    async def prepare(self, texts: Sequence[str]) -> None:
        """See `Mouth`; there is nothing to do."""

    async def say(self, cue: Cue, limit_s: float) -> bool:
        """See `Mouth`."""
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        text = cue.text if self.voice.uses_stdin else None
        try:
            is_heard = await run_to_end(self.voice.command(cue.text), text, limit_s)
        except asyncio.CancelledError:
            await self._silence()
            raise
        elapsed_s = loop.time() - began_s
        if is_heard and elapsed_s < UNHEARD_SHARE * cue.length_s:
            await asyncio.sleep(cue.length_s - elapsed_s)
        return is_heard

    async def close(self) -> None:
        """See `Mouth`."""

    async def _silence(self) -> None:
        if self.voice.stop_argv:
            with contextlib.suppress(Unspoken):
                await run_to_end(self.voice.stop_argv, None, 1.0)


@dataclass(frozen=True, slots=True)
class ComputerVoice:
    """The computer's own ways of being heard."""

    renderer: Renderer
    """Gives files, also to a page whose browser has no voice."""
    mouths: tuple[Mouth, ...]
    """In the order in which they are tried; empty: it is silent."""


def computer_voice(
    language: str = "en",
    recorded: Recorded | None = None,
    *,
    platform: str = sys.platform,
    which: Which = shutil.which,
) -> ComputerVoice:
    """What is installed here, put together."""
    renderer = Renderer(find_rendering_voice(language, platform, which), recorded)
    player, voice = find_player(platform, which), find_voice(language, platform, which)
    mouths: list[Mouth] = []
    if player is not None:
        mouths.append(SoundMouth(renderer, player))
    if voice is not None:
        mouths.append(DirectMouth(voice))
    return ComputerVoice(renderer, tuple(mouths))

"""How a WAV file is played here: by a program of the system, on Windows by the system itself."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sensorsoma.errors import InputFileError
from sensorsoma.live.mouth import Soundless, Unspoken
from sensorsoma.live.programs import run_to_end
from sensorsoma.live.wav import length_s

Which = Callable[[str], str | None]

SLACK_S = 3.0
"""A player may take this much longer than the sound: waking a sound card or headphones takes a second or two."""


NO_DEVICE = (b"cannot find card", b"unknown pcm", b"audio open error", b"connection refused", b"connection failure",
             b"host is down", b"no such device", b"no sound device")  # fmt: skip
"""What aplay (the first three), paplay and pw-play say when there is nothing that could sound."""


class Player(Protocol):
    """Plays one file at a time."""

    name: str
    """For people."""

    async def play(self, path: Path) -> bool:
        """Plays a file to its end, which is never before the sound's own length has passed; False when it failed.

        Cancelled, it falls silent at once.

        Raises:
            Unspoken: it could not begin.
            Soundless: because there is nothing here that could sound.
        """
        ...


class ProgramPlayer:
    """A program that plays the file named last in its command, and then ends.

    Args:
        argv: the command without the file.
    """

    def __init__(self, *argv: str) -> None:
        self.argv = argv
        self.name = Path(argv[0]).name

    async def play(self, path: Path) -> bool:
        """See `Player`."""
        sound_s = _length_of(path)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        complaints = bytearray()
        if not await run_to_end([*self.argv, str(path)], None, sound_s + SLACK_S, {"LC_ALL": "C"}, complaints):
            if any(words in complaints.lower() for words in NO_DEVICE):
                raise Soundless(f"{self.name} found no sound device")
            return False
        await asyncio.sleep(sound_s - (loop.time() - began_s))  # some hand the sound on and end before it was heard
        return True


class WindowsPlayer:
    """Plays within this process: a PowerShell that plays takes longer to start than a sentence may wait."""

    name = "Windows"

    async def play(self, path: Path) -> bool:
        """See `Player`."""
        if sys.platform != "win32":
            raise Unspoken("this is not Windows")
        import winsound

        sound_s = _length_of(path)
        try:
            winsound.PlaySound(str(path), winsound.SND_FILENAME | winsound.SND_ASYNC | winsound.SND_NODEFAULT)
        except RuntimeError as error:
            raise Unspoken(str(error)) from error
        try:
            await asyncio.sleep(sound_s)
        except asyncio.CancelledError:
            winsound.PlaySound(None, 0)
            raise
        return True


def _length_of(path: Path) -> float:
    try:
        return length_s(path)
    except InputFileError as error:
        raise Unspoken(str(error)) from error


def find_player(platform: str = sys.platform, which: Which = shutil.which) -> Player | None:
    """What plays a WAV file here, or None: macOS `afplay`, Linux `pw-play`, `paplay` or `aplay`, Windows itself."""
    if platform == "win32":
        return WindowsPlayer()
    programs: tuple[tuple[str, ...], ...] = (("pw-play",), ("paplay",), ("aplay", "-q"))
    for program in (("afplay",),) if platform == "darwin" else programs:
        if which(program[0]):
            return ProgramPlayer(*program)
    return None

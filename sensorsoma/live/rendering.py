"""Speech as files: what a practice may say is rendered beforehand and kept, so that a sentence begins at once.

A file is found again by what shapes its sound: the program and its version, language, rate and the text. It is made
under another name, checked to be neither silent nor broken, trimmed, and only then put in its place.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sensorsoma.errors import InputFileError
from sensorsoma.live.bells import bell_file, cache_folder
from sensorsoma.live.mouth import Unspoken
from sensorsoma.live.programs import run_to_end
from sensorsoma.live.voices import RenderingVoice
from sensorsoma.live.wav import MAKING, read_wav, trimmed, write_wav
from sensorsoma.messages import Cue

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RenderParams:
    """Limits of rendering and of what is kept."""

    prepare_s: float = 240.0
    """Real seconds that preparing a practice may take: 200 sentences at a second each, the slowest seen of a voice."""
    one_s: float = 20.0
    """A sentence that takes longer than this hangs; a speech service that starts takes 2-5 s."""
    most_bytes: int = 200_000_000
    """Kept at most; a practice takes 20-30 MB, and what was not heard for longest goes first."""
    stale_s: float = 3600.0
    """A half-made file this old was left by a program that was ended."""


class Recorded(Protocol):
    """Sentences that somebody has recorded."""

    def path_for(self, cue: Cue) -> Path | None:
        """The recording of exactly this cue, or None."""
        ...


class Renderer:
    """The sound of a cue as a file: a recording where there is one, else rendered.

    Args:
        voice: the program that renders; None: only recordings and bells have files.
        recorded: sentences that replace rendered ones.
        folder: where rendered sentences are kept; the user's cache by default.
        params: limits.
    """

    def __init__(
        self,
        voice: RenderingVoice | None,
        recorded: Recorded | None = None,
        folder: Path | None = None,
        params: RenderParams | None = None,
    ) -> None:
        self.params = params or RenderParams()
        self.voice = voice
        """What renders now; None once it has failed twice in a row."""
        self._recorded = recorded
        self.folder = folder or cache_folder() / "voice"
        self._stamp = "" if voice is None else _stamp_of(voice)
        self._bell: Path | None = None
        self._one_at_a_time = asyncio.Lock()
        self._n_failures = 0

    @property
    def name(self) -> str:
        """What speaks, for people."""
        return self.voice.name if self.voice is not None else "a recorded voice"

    def recorded_for(self, cue: Cue) -> Path | None:
        """The recording of a cue, or None."""
        return None if self._recorded is None else self._recorded.path_for(cue)

    def ready(self, cue: Cue) -> Path | None:
        """The file of a cue if it is there already, or None."""
        recorded = self.recorded_for(cue)
        if recorded is not None:
            return recorded
        if cue.kind == "bell":
            return self._bell
        path = self._path_of(cue.text)
        return path if path is not None and path.is_file() else None

    async def wav_for(self, cue: Cue) -> Path | None:
        """The file of a cue, rendered now when it has to be; None: there is none."""
        found = self.ready(cue)
        if found is not None:
            return found
        if cue.kind == "bell":
            with contextlib.suppress(OSError):  # no folder to keep it in: there is no bell
                self._bell = await asyncio.to_thread(bell_file)
            return self._bell
        return await self._render(cue.text)

    async def prepare(self, texts: Sequence[str]) -> None:
        """Renders what is not there yet, in order, within limits; the bell too."""
        await asyncio.to_thread(self._tidy_up, texts)
        await self.wav_for(Cue(0, 0.0, "bell", "bell", "", 0.0))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.params.prepare_s):
                for text in dict.fromkeys(texts):
                    if self.voice is None:
                        return
                    await self._render(text)

    # ---------------------------------------------------------------------------------------------- one file

    async def _render(self, text: str) -> Path | None:
        async with self._one_at_a_time:
            path = self._path_of(text)
            if path is None or self.voice is None or path.is_file():
                return path
            try:
                is_made = await self._make(self.voice, text, path)
            except (OSError, InputFileError, Unspoken) as error:
                log.info("a sentence could not be rendered: %s", error)
                is_made = False
            self._n_failures = 0 if is_made else self._n_failures + 1
            if self._n_failures > 1:
                self.voice = None
            return path if is_made else None

    async def _make(self, voice: RenderingVoice, text: str, path: Path) -> bool:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=MAKING) as folder:
            raw = Path(folder) / "raw.wav"
            environ = {"SENSORSOMA_WAV": str(raw)}
            if not await run_to_end(voice.command(raw), text, self.params.one_s, environ):
                return False
            return await asyncio.to_thread(_finish, raw, path)

    def _path_of(self, text: str) -> Path | None:
        if self.voice is None or not any(letter.isalnum() for letter in text):
            return None
        shaped_by = "\n".join(("1", self._stamp, *self.voice.argv, text))
        return self.folder / f"{hashlib.sha256(shaped_by.encode()).hexdigest()[:32]}.wav"

    # -------------------------------------------------------------------------------------------- the folder

    def _tidy_up(self, texts: Sequence[str]) -> None:
        """Marks what is wanted again, and removes what is left over: half-made files, then the oldest."""
        now_s = time.time()
        wanted = {path for path in map(self._path_of, texts) if path is not None}
        for path in self.folder.glob(f"{MAKING}*"):
            with contextlib.suppress(OSError):
                if now_s - path.stat().st_mtime > self.params.stale_s:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        files = []
        for path in self.folder.glob("*.wav"):
            with contextlib.suppress(OSError):
                if path in wanted:
                    path.touch()
                files.append((path.stat().st_mtime, path.stat().st_size, path))
        size = sum(size for _, size, _ in files)
        for _, bytes_, path in sorted(files):
            if size <= self.params.most_bytes or path in wanted:
                return
            with contextlib.suppress(OSError):
                path.unlink()
            size -= bytes_


def _finish(raw: Path, path: Path) -> bool:
    """Puts a rendered file in its place, trimmed; False when nothing sounds in it."""
    sound = trimmed(read_wav(raw))
    if not len(sound.samples):
        return False
    write_wav(path, sound)
    return True


def _stamp_of(voice: RenderingVoice) -> str:
    """Changes with the program, so that an updated voice does not mix with the old one."""
    program = shutil.which(voice.argv[0])
    if program is None:
        return voice.name
    about = Path(program).stat()
    return f"{program} {about.st_size} {about.st_mtime_ns}"

"""The system's own voices and players: which program speaks or plays here, and how it is called."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

Which = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Voice:
    """A program that speaks one sentence and then ends."""

    name: str
    """For people: "espeak-ng", "say" ..."""
    argv: tuple[str, ...]
    """Its command; `{text}` is replaced by the sentence."""
    uses_stdin: bool = True
    """True when the sentence is written to its standard input instead of standing in `argv`."""
    stop_argv: tuple[str, ...] = ()
    """A second command that silences it, where ending the program does not."""

    def command(self, text: str) -> list[str]:
        """What to run for one sentence."""
        return [text if word == "{text}" else word for word in self.argv]


_POWERSHELL_SPEAK = (
    "[Console]::InputEncoding = [Text.Encoding]::UTF8; Add-Type -AssemblyName System.Speech; "
    "$voice = New-Object System.Speech.Synthesis.SpeechSynthesizer; $voice.Rate = -2; "
    "$voice.Speak([Console]::In.ReadToEnd())"
)
"""Rate -2 of -10..10: slower than a screen reader's usual pace."""


def find_voice(language: str = "en", platform: str = sys.platform, which: Which = shutil.which) -> Voice | None:
    """The voice of this computer, or None: macOS `say`, Linux `spd-say` or `espeak-ng`, Windows System.Speech.

    Rates lie a fifth below the programs' defaults, since the sentences are heard with closed eyes.
    """
    if platform == "darwin" and which("say"):
        return Voice("say", ("say", "-r", "150", "-f", "-"))
    if platform == "win32":
        shell = which("powershell") or which("pwsh")
        return (
            Voice("System.Speech", (shell, "-NoProfile", "-NonInteractive", "-Command", _POWERSHELL_SPEAK))
            if shell
            else None
        )
    if which("spd-say"):
        argv = ("spd-say", "--wait", "--rate", "-20", "--language", language, "--", "{text}")
        return Voice("spd-say", argv, uses_stdin=False, stop_argv=("spd-say", "--cancel"))
    for name in ("espeak-ng", "espeak"):
        if which(name):
            return Voice(name, (name, "-v", language, "-s", "140", "--stdin"))
    return None


def find_player(platform: str = sys.platform, which: Which = shutil.which) -> Callable[[Path], list[str]] | None:
    """How a WAV file is played here, or None."""
    if platform == "darwin":
        programs: tuple[tuple[str, ...], ...] = (("afplay",),)
    elif platform == "win32":
        shell = which("powershell") or which("pwsh")
        if not shell:
            return None
        return lambda path: [
            shell, "-NoProfile", "-NonInteractive", "-Command",
            f"(New-Object System.Media.SoundPlayer '{str(path).replace(chr(39), chr(39) * 2)}').PlaySync()",
        ]  # fmt: skip
    else:
        programs = (("pw-play",), ("paplay",), ("aplay", "-q"))
    for program in programs:
        if which(program[0]):
            return partial(_with_path, program)
    return None


def _with_path(program: tuple[str, ...], path: Path) -> list[str]:
    return [*program, str(path)]

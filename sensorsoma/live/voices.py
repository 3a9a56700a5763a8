"""The system's own voices: which program speaks here or renders speech into a file, and how it is called."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Which = Callable[[str], str | None]

WORDS_PER_MIN = 140
"""A fifth below what programs speak by default, since the sentences are heard with closed eyes."""
ESPEAK_RATE = 115
"""What espeak-ng has to be asked for: at 140 it says 167 of our short words a minute and pauses 0.45 s between two
sentences, at 115 it says 136 with 0.6 s (66 sentences of a practice)."""
SPD_RATE = -60
"""The same for speech-dispatcher with espeak-ng, its usual voice, where 0 means 170, -100 means 80, evenly between."""

ENGLISH_PEOPLE = ("Samantha", "Daniel", "Karen", "Moira", "Alex")
"""Voices of macOS that read English sentences as a person does; the first that is there is taken."""
LISTING_S = 5.0
"""`say -v ?` answers in well under a second; a practice does not wait for it longer than this."""


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


@dataclass(frozen=True, slots=True)
class RenderingVoice:
    """A program that writes the sentence on its standard input, spoken, into a WAV file."""

    name: str
    """For people."""
    argv: tuple[str, ...]
    """Its command; `{path}` is replaced by the file, which it also finds in the environment as `SENSORSOMA_WAV`."""
    is_quick: bool = False
    """True when a sentence takes some hundredths of a second, so that even one that was not foreseen is rendered."""

    def command(self, path: Path) -> list[str]:
        """What to run for one file."""
        return [str(path) if word == "{path}" else word for word in self.argv]


_SYNTHESIZER = (
    "[Console]::InputEncoding = [Text.Encoding]::UTF8; Add-Type -AssemblyName System.Speech; "
    "$voice = New-Object System.Speech.Synthesis.SpeechSynthesizer; $voice.Rate = -2; "
)
"""Rate -2 of -10..10: slower than a screen reader's usual pace."""
_SPEAK = _SYNTHESIZER + "$voice.Speak([Console]::In.ReadToEnd())"
_RENDER = (
    _SYNTHESIZER
    + "$voice.SetOutputToWaveFile($env:SENSORSOMA_WAV); $voice.Speak([Console]::In.ReadToEnd()); $voice.Dispose()"
)


def find_voice(language: str = "en", platform: str = sys.platform, which: Which = shutil.which) -> Voice | None:
    """The voice of this computer, or None: macOS `say`, Linux `spd-say` or `espeak-ng`, Windows System.Speech."""
    if platform == "darwin" and (say := which("say")):
        return Voice("say", ("say", *_of_language(language, say), "-r", str(WORDS_PER_MIN), "-f", "-"))
    if platform == "win32":
        shell = which("powershell") or which("pwsh")
        return Voice("System.Speech", _powershell(shell, _SPEAK)) if shell else None
    if which("spd-say"):
        argv = ("spd-say", "--wait", "--rate", str(SPD_RATE), "--language", language, "--", "{text}")
        return Voice("spd-say", argv, uses_stdin=False, stop_argv=("spd-say", "--cancel"))
    name = _espeak(which)
    return Voice(name, (name, "-v", language, "-s", str(ESPEAK_RATE), "--stdin")) if name else None


def find_rendering_voice(
    language: str = "en", platform: str = sys.platform, which: Which = shutil.which
) -> RenderingVoice | None:
    """What renders speech into files here, or None: macOS `say`, Linux `espeak-ng`, Windows System.Speech.

    `spd-say` cannot; where both are there `espeak-ng` speaks alone, so that a practice keeps one voice.
    """
    if platform == "darwin" and (say := which("say")):
        form = ("-r", str(WORDS_PER_MIN), "-o", "{path}", "--file-format=WAVE", "--data-format=LEI16@22050")
        return RenderingVoice("say", ("say", *_of_language(language, say), *form, "-f", "-"))
    if platform == "win32":
        shell = which("powershell") or which("pwsh")
        return RenderingVoice("System.Speech", _powershell(shell, _RENDER)) if shell else None
    name = _espeak(which)
    if not name:
        return None
    argv = (name, "-v", language, "-s", str(ESPEAK_RATE), "-w", "{path}", "--stdin")
    return RenderingVoice(name, argv, is_quick=True)


def say_voice(language: str, listing: str) -> str | None:
    """The voice of a language in what `say -v ?` lists, or None.

    Names without brackets come first: those with brackets are mostly the robots of old screen readers. In English
    only names that are known to be people's voices are taken, since many others sing or ring bells.

    >>> say_voice("de", "Alice  it_IT  # Ciao!\\nEddy (German (Germany)) de_DE  # Hallo!\\nAnna  de_DE  # Hallo!")
    'Anna'
    """
    rows = (re.match(r"(\S.*?)\s+([a-z]{2,3})[_-]\w+\s+#", line) for line in listing.splitlines())
    names = [row[1] for row in rows if row is not None and row[2] == language]
    if language == "en":
        return next((name for name in ENGLISH_PEOPLE if name in names), None)
    return min(names, key=lambda name: "(" in name, default=None)


def _of_language(language: str, say: str) -> tuple[str, ...]:
    """What asks macOS for a voice of the language; nothing where the computer's own voice should speak it anyway."""
    own = next((text for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (text := os.environ.get(name))), "")
    if language == (own[:2] if own[:2].isalpha() else "en"):
        return ()
    try:
        done = subprocess.run([say, "-v", "?"], capture_output=True, timeout=LISTING_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ()
    name = say_voice(language, done.stdout.decode("utf-8", errors="replace"))
    return ("-v", name) if name else ()


def _espeak(which: Which) -> str | None:
    return next((name for name in ("espeak-ng", "espeak") if which(name)), None)


def _powershell(shell: str, script: str) -> tuple[str, ...]:
    return (shell, "-NoProfile", "-NonInteractive", "-Command", script)

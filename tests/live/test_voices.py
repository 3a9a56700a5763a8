"""Which programs speak, render and play on which system."""

from __future__ import annotations

from pathlib import Path

import pytest

from sensorsoma.live.computer import computer_voice
from sensorsoma.live.players import find_player
from sensorsoma.live.voices import find_rendering_voice, find_voice


@pytest.mark.parametrize(
    ("platform", "installed", "name"),
    [
        ("darwin", {"say"}, "say"),
        ("linux", {"spd-say", "espeak-ng"}, "spd-say"),
        ("linux", {"espeak-ng"}, "espeak-ng"),
        ("linux", {"espeak"}, "espeak"),
        ("win32", {"powershell"}, "System.Speech"),
        ("linux", set(), None),
        ("darwin", set(), None),
        ("win32", set(), None),
    ],
)
def test_the_voice_of_each_system(platform: str, installed: set[str], name: str | None) -> None:
    """The first program that is there speaks; a sentence that looks like an option stays a sentence."""
    voice = find_voice("en", platform, lambda program: program if program in installed else None)
    assert (voice.name if voice else None) == name
    if voice is not None:
        command = voice.command("-x rest")
        assert ("-x rest" in command) is not voice.uses_stdin
        assert voice.uses_stdin or command[command.index("-x rest") - 1] == "--"


@pytest.mark.parametrize(
    ("platform", "installed", "name"),
    [
        ("darwin", {"say"}, "say"),
        ("linux", {"spd-say", "espeak-ng"}, "espeak-ng"),
        ("linux", {"spd-say"}, None),
        ("win32", {"powershell"}, "System.Speech"),
        ("win32", set(), None),
    ],
)
def test_what_renders_on_each_system(platform: str, installed: set[str], name: str | None) -> None:
    """The file stands in the command or is found in the environment, never in a script where a quote could end it."""
    voice = find_rendering_voice("en", platform, lambda program: program if program in installed else None)
    assert (voice.name if voice else None) == name
    if voice is not None:
        words = voice.command(Path("it's here.wav"))
        assert "it's here.wav" in words or "$env:SENSORSOMA_WAV" in words[-1]


LISTED = """Albert              en_US    # Hello! My name is Albert.
Alice               it_IT    # Ciao! Mi chiamo Alice.
Eddy (Deutsch (Deutschland)) de_DE    # Hallo! Ich heisse Eddy.
Anna                de_DE    # Hallo! Ich heisse Anna.
Samantha            en_US    # Hello! My name is Samantha.
"""


def test_another_language_is_read_by_a_voice_of_it_on_a_mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`say` speaks with the system's voice; sentences in another language than the system's ask for one of theirs."""
    say = tmp_path / "say"
    say.write_text(f"#!/bin/sh\ncat <<'END'\n{LISTED}END\n")
    say.chmod(0o755)
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")

    def asked(language: str) -> tuple[str, ...]:
        found = (find(language, "darwin", lambda _: str(say)) for find in (find_voice, find_rendering_voice))
        return tuple(voice.argv[voice.argv.index("-v") + 1] if "-v" in voice.argv else "" for voice in found if voice)

    assert [asked(language) for language in ("de", "it", "en", "fr")] == [
        ("Anna", "Anna"), ("Alice", "Alice"), ("", ""), ("", ""),
    ]  # fmt: skip
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    assert [asked(language) for language in ("de", "en")] == [("", ""), ("Samantha", "Samantha")]


@pytest.mark.parametrize(
    ("platform", "installed", "name"),
    [
        ("darwin", {"afplay"}, "afplay"),
        ("linux", {"paplay", "aplay"}, "paplay"),
        ("linux", {"aplay"}, "aplay"),
        ("win32", set(), "Windows"),
        ("linux", set(), None),
    ],
)
def test_the_player_of_each_system(platform: str, installed: set[str], name: str | None) -> None:
    """The first program that is there plays; Windows plays by itself."""
    player = find_player(platform, lambda program: program if program in installed else None)
    assert (player.name if player else None) == name


@pytest.mark.parametrize(
    ("installed", "names"),
    [
        ({"espeak-ng", "aplay", "spd-say"}, ["espeak-ng by aplay", "spd-say"]),
        ({"espeak-ng"}, ["espeak-ng"]),
        ({"aplay"}, ["a recorded voice by aplay"]),
        (set(), []),
    ],
)
def test_a_computer_is_heard_by_what_it_has(installed: set[str], names: list[str]) -> None:
    """Files come before a program that speaks by itself; with nothing installed it is silent."""
    voice = computer_voice(platform="linux", which=lambda program: program if program in installed else None)
    assert [mouth.name for mouth in voice.mouths] == names

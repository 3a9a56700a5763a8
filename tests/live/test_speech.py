"""Speech with real programs that write down what they were told to say."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from sensorsoma.clock import Clock
from sensorsoma.live.speech import Speaker
from sensorsoma.live.voices import Voice, find_player, find_voice
from sensorsoma.messages import Cue, Tick


def cue(number: int, text: str, kind: str = "say", length_s: float = 0.2, is_interrupting: bool = False) -> Cue:
    """One cue."""
    return Cue(number, 0.0, "test", kind, text, length_s, is_interrupting)  # type: ignore[arg-type] # a literal


def writing_voice(path: Path, seconds: float = 0.0) -> Voice:
    """A voice that takes `seconds` and appends each sentence, before and after, to a file."""
    code = (
        "import sys, time; text = sys.stdin.read(); out = open(sys.argv[1], 'a'); out.write('<' + text); out.flush(); "
        "time.sleep(float(sys.argv[2])); out.write('>'); out.close()"
    )
    return Voice("pen", (sys.executable, "-S", "-c", code, str(path), str(seconds)))


def broken_voice() -> Voice:
    """A voice whose program ends with an error."""
    return Voice("broken", (sys.executable, "-S", "-c", "import sys; sys.exit(3)"))


def wait_for(path: Path, text: str) -> None:
    """Returns when the file holds the text."""
    while not path.exists() or text not in path.read_text():
        time.sleep(0.01)


def test_sentences_are_spoken_one_after_another(tmp_path: Path) -> None:
    """Cues that come at once are said in turn and each finishes once, in order."""
    path = tmp_path / "said"
    ended: list[int] = []

    async def talk() -> None:
        speaker = Speaker(Clock(), ended.append, voice=writing_voice(path, 0.05))
        for number, text in enumerate(["Lie down.", "Breathe.", "Rest – calm…"], start=1):
            speaker.on_message(cue(number, text))
        speaker.on_message(Tick(0))
        assert ended == []
        await speaker.drained()

    asyncio.run(talk())
    assert path.read_text(encoding="utf-8") == "<Lie down.><Breathe.><Rest – calm…>"
    assert ended == [1, 2, 3]


def test_the_newest_count_wins(tmp_path: Path) -> None:
    """Counts that wait behind a sentence give way to the newest; the dropped ones finish too."""
    path = tmp_path / "said"
    ended: list[int] = []

    async def talk() -> None:
        speaker = Speaker(Clock(), ended.append, voice=writing_voice(path, 0.1))
        speaker.on_message(cue(1, "Slowly."))
        for number in (2, 3, 4):
            speaker.on_message(cue(number, str(number), "count"))
        await speaker.drained()

    asyncio.run(talk())
    assert path.read_text() == "<Slowly.><4>"
    assert ended == [2, 3, 1, 4]


def test_an_interrupting_cue_cuts_the_rest_off(tmp_path: Path) -> None:
    """What is being said stops, what waits is forgotten, and the interrupting cue is heard at once."""
    path = tmp_path / "said"
    ended: list[int] = []

    async def talk() -> float:
        speaker = Speaker(Clock(), ended.append, voice=writing_voice(path, 5.0))
        speaker.on_message(cue(1, "A long sentence", length_s=5.0))
        speaker.on_message(cue(2, "another"))
        await asyncio.to_thread(wait_for, path, "<A")
        speaker.voice = writing_voice(path, 0.0)
        begin = time.monotonic()
        speaker.on_message(cue(3, "Paused.", is_interrupting=True))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) < 2.0
    assert path.read_text() == "<A long sentence<Paused.>"
    assert sorted(ended) == [1, 2, 3]
    assert ended[-1] == 3


@pytest.mark.parametrize("voice", [broken_voice(), Voice("gone", ("/does/not/exist",))])
def test_a_voice_that_fails_is_named_once_and_silence_keeps_the_pace(voice: Voice) -> None:
    """After a failure the lengths are kept in silence and one sentence says so."""
    ended: list[int] = []
    notices: list[str] = []

    async def talk() -> float:
        speaker = Speaker(Clock(), ended.append, voice=voice, notice=notices.append)
        begin = time.monotonic()
        speaker.on_message(cue(1, "Hello", length_s=0.2))
        speaker.on_message(cue(2, "there", length_s=0.2))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) >= 0.39
    assert ended == [1, 2]
    assert len(notices) == 1
    assert voice.name in notices[0]


def test_a_voice_that_ends_at_once_keeps_the_pace(tmp_path: Path) -> None:
    """A program that succeeds without sounding for long enough does not hurry the practice."""
    ended: list[int] = []

    async def talk() -> float:
        speaker = Speaker(Clock(), ended.append, voice=writing_voice(tmp_path / "said"))
        begin = time.monotonic()
        speaker.on_message(cue(1, "A longer sentence.", length_s=1.0))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) >= 0.99
    assert ended == [1]


def test_accelerated_sessions_are_silent_and_keep_computed_lengths(tmp_path: Path) -> None:
    """At twenty times the speed nothing is spoken and a four-second cue takes a fifth of a second."""
    ended: list[int] = []

    async def talk() -> float:
        speaker = Speaker(Clock(speed=20.0), ended.append, voice=writing_voice(tmp_path / "said"))
        begin = time.monotonic()
        speaker.on_message(cue(1, "Hello", length_s=4.0))
        speaker.on_message(cue(2, "", "bell", length_s=2.0))
        await speaker.drained()
        return time.monotonic() - begin

    assert 0.29 <= asyncio.run(talk()) < 1.0
    assert ended == [1, 2]
    assert not (tmp_path / "said").exists()


def test_bells_are_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bell cue plays the bell's file."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    code = "import sys, shutil; shutil.copy(sys.argv[2], sys.argv[1])"

    async def talk() -> None:
        speaker = Speaker(
            Clock(),
            lambda _cue_id: None,
            voice=None,
            player=lambda path: [sys.executable, "-S", "-c", code, str(tmp_path / "played.wav"), str(path)],
        )
        speaker.on_message(cue(1, "", "bell", length_s=0.1))
        await speaker.drained()

    asyncio.run(talk())
    assert (tmp_path / "played.wav").read_bytes()[:4] == b"RIFF"


def test_closing_falls_silent_and_twice_is_harmless(tmp_path: Path) -> None:
    """Closing ends the sentence; later cues are passed over."""
    path = tmp_path / "said"

    async def talk() -> float:
        speaker = Speaker(Clock(), lambda _cue_id: None, voice=writing_voice(path, 30.0))
        speaker.on_message(cue(1, "Hello", length_s=30.0))
        await asyncio.sleep(0.1)
        begin = time.monotonic()
        await speaker.close()
        await speaker.close()
        speaker.on_message(cue(2, "more"))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) < 2.0


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
    ("platform", "installed", "first"),
    [
        ("darwin", {"afplay"}, "afplay"),
        ("linux", {"paplay", "aplay"}, "paplay"),
        ("linux", {"aplay"}, "aplay"),
        ("win32", {"powershell"}, "powershell"),
        ("linux", set(), None),
        ("win32", set(), None),
    ],
)
def test_the_player_of_each_system(platform: str, installed: set[str], first: str | None) -> None:
    """The first program that is there plays; the path stands in its command."""
    player = find_player(platform, lambda program: program if program in installed else None)
    command = player(Path("it's a bell.wav")) if player else [None]
    assert command[0] == first
    assert first is None or "bell.wav" in str(command[-1])

"""Speech in files: made once, kept, found again, and never half."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.clock import Clock
from sensorsoma.live.computer import SoundMouth
from sensorsoma.live.players import ProgramPlayer
from sensorsoma.live.rendering import Renderer, RenderParams
from sensorsoma.live.speech import Speaker
from sensorsoma.live.voices import WORDS_PER_MIN, RenderingVoice, find_rendering_voice
from sensorsoma.live.wav import Sound, read_wav, write_wav
from sensorsoma.messages import Cue

HAS_ESPEAK = shutil.which("espeak-ng") is not None
LONG = "Keep the ankles together, and let the right knee open. As you breathe out, it comes down. Slow and easy."

TONE = """
import math, os, struct, sys, wave
text = sys.stdin.read()
with open(sys.argv[1], "a") as log:
    log.write(text + "|")
if "broken" in text:
    sys.exit(1)
level = 0 if "silent" in text else 9000
with wave.open(os.environ["SENSORSOMA_WAV"], "wb") as out:
    out.setparams((1, 2, 8000, 0, "NONE", ""))
    quiet = b"\\0\\0" * 4000
    tone = b"".join(struct.pack("<h", round(level * math.sin(i))) for i in range(800 * len(text.split())))
    out.writeframes(quiet + tone + quiet)
"""
"""A voice that hums a tenth of a second for every word, between two half seconds of silence, and keeps the text."""


def humming(tmp_path: Path) -> Renderer:
    """A renderer by that voice."""
    voice = RenderingVoice("hum", (sys.executable, "-S", "-c", TONE, str(tmp_path / "log")), is_quick=True)
    return Renderer(voice, folder=tmp_path / "voice")


def say(text: str) -> Cue:
    """A sentence."""
    return Cue(1, 0.0, "test", "say", text, 1.0)


def wait_until(is_true: Callable[[], bool]) -> None:
    """Returns when it is."""
    while not is_true():
        time.sleep(0.005)


def said_in(tmp_path: Path) -> list[str]:
    """What the voice was asked for."""
    path = tmp_path / "log"
    return path.read_text().split("|")[:-1] if path.exists() else []


def test_what_was_prepared_is_ready_and_rendered_once(tmp_path: Path) -> None:
    """Preparing twice, in two sessions, renders each sentence once, in order; others are not ready."""
    texts = ["One.", "Two calm words.", "One."]
    for _ in range(2):
        renderer = humming(tmp_path)
        asyncio.run(renderer.prepare(texts))
        assert renderer.ready(say("Two calm words.")) is not None
        assert renderer.ready(say("Three.")) is None
    assert said_in(tmp_path) == ["One.", "Two calm words."]
    assert not list((tmp_path / "voice").glob("making-*"))


def test_silence_around_the_words_is_cut_off(tmp_path: Path) -> None:
    """A sentence begins within some hundredths of a second and ends soon after its last sound."""
    path = asyncio.run(humming(tmp_path).wav_for(say("Four words of humming.")))
    assert path is not None
    sound = read_wav(path)
    assert 0.5 < sound.length_s < 0.6
    assert np.abs(sound.samples[: round(0.02 * sound.rate_hz)]).max() > 0.1


def test_a_sentence_wanted_while_others_are_prepared_is_rendered_next(tmp_path: Path) -> None:
    """A page that needs a sound now does not wait for the whole practice."""

    async def both() -> None:
        renderer = humming(tmp_path)
        preparing = asyncio.create_task(renderer.prepare([f"Sentence {n}." for n in range(12)]))
        await asyncio.to_thread(wait_until, (tmp_path / "log").exists)
        assert await renderer.wav_for(say("Now.")) is not None
        assert not preparing.done()
        await preparing

    asyncio.run(both())
    said = said_in(tmp_path)
    assert len(said) == 13
    assert said.index("Now.") < 10


def test_leaving_in_the_middle_leaves_nothing_half(tmp_path: Path) -> None:
    """A session that ends while sentences are prepared ends at once, and every file that is there is whole."""

    async def leave() -> float:
        mouth = SoundMouth(humming(tmp_path), ProgramPlayer("true"))
        speaker = Speaker(Clock(), lambda _cue_id: None, [mouth])
        speaker.prepare([f"Sentence {n}." for n in range(200)])
        await asyncio.to_thread(wait_until, (tmp_path / "log").exists)
        begin = time.monotonic()
        await speaker.close()
        return time.monotonic() - begin

    assert asyncio.run(leave()) < 3.0
    files = list((tmp_path / "voice").iterdir())
    assert len(files) < 100
    assert all(read_wav(file).length_s > 0.1 for file in files)


def test_what_cannot_be_rendered_leaves_nothing_behind(tmp_path: Path) -> None:
    """A failure, a silent file and a text without words give no file; after two failures it is not tried again."""
    renderer = humming(tmp_path)
    assert asyncio.run(renderer.wav_for(say("..."))) is None
    assert said_in(tmp_path) == []
    assert asyncio.run(renderer.wav_for(say("This is broken."))) is None
    assert asyncio.run(renderer.wav_for(say("This is well."))) is not None
    assert asyncio.run(renderer.wav_for(say("This is silent."))) is None
    assert asyncio.run(renderer.wav_for(say("This is broken."))) is None
    assert renderer.voice is None
    assert len(list((tmp_path / "voice").iterdir())) == 1


def test_what_is_kept_is_bounded(tmp_path: Path) -> None:
    """What was not wanted for longest goes first, what this practice says stays, and half-made files go."""
    folder = tmp_path / "voice"
    asyncio.run(humming(tmp_path).prepare(["Old.", "Older.", "Wanted."]))
    for text, age_s in (("Old.", 1000), ("Older.", 2000), ("Wanted.", 3000)):
        path = humming(tmp_path).ready(say(text))
        assert path is not None
        os.utime(path, (time.time() - age_s,) * 2)
    left_over = folder / "making-something"
    left_over.mkdir()
    os.utime(left_over, (time.time() - 7200,) * 2)
    size = sum(path.stat().st_size for path in folder.glob("*.wav"))
    voice = humming(tmp_path).voice
    small = Renderer(voice, folder=folder, params=RenderParams(most_bytes=size - 1))
    asyncio.run(small.prepare(["Wanted."]))
    assert [small.ready(say(text)) is not None for text in ("Old.", "Older.", "Wanted.")] == [True, False, True]
    assert not left_over.exists()


def test_an_unwritable_folder_is_no_trouble(tmp_path: Path) -> None:
    """Where nothing can be kept, preparing ends and sentences have no file."""
    (tmp_path / "voice").write_text("a file is in the way")
    renderer = humming(tmp_path)
    asyncio.run(renderer.prepare(["One.", "Two.", "Three."]))
    assert asyncio.run(renderer.wav_for(say("One."))) is None


@pytest.mark.skipif(not HAS_ESPEAK, reason="needs espeak-ng (on Debian: apt-get install espeak-ng)")
def test_the_real_voice_is_calm(tmp_path: Path) -> None:
    """espeak-ng says about 140 words a minute, pauses between sentences, is neither silent nor distorted, and ends."""
    renderer = Renderer(find_rendering_voice("en"), folder=tmp_path)
    path = asyncio.run(renderer.wav_for(say(LONG)))
    assert path is not None
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
    sound = read_wav(path)
    per_min = 60 * len(LONG.split()) / sound.length_s
    assert 0.85 * WORDS_PER_MIN < per_min < 1.1 * WORDS_PER_MIN
    assert 0.05 < sound.loudness < 0.5
    assert np.abs(sound.samples).max() < 1.0
    quiet = np.flatnonzero(np.abs(sound.samples) > 0.01)
    pauses_s = np.diff(quiet) / sound.rate_hz
    assert np.sum(pauses_s > 0.5) >= 2
    assert np.abs(sound.samples[-200:]).max() < 0.01
    assert quiet[0] < 0.1 * sound.rate_hz


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """Writing leaves one file, also over an old one; what was written is read back."""
    path = tmp_path / "sounds" / "a.wav"
    for level in (0.5, 0.25):
        write_wav(path, Sound(np.full(100, level), 8000))
        sound = read_wav(path)
        assert (sound.rate_hz, sound.length_s) == (8000, 0.0125)
        np.testing.assert_allclose(sound.samples, level, atol=1e-4)
    assert [file.name for file in path.parent.iterdir()] == ["a.wav"]

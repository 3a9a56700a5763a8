"""Speech with real programs that write down what they were told to say."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.checks import try_sound
from sensorsoma.clock import Clock
from sensorsoma.live.computer import DirectMouth, SoundMouth
from sensorsoma.live.findings import Finding
from sensorsoma.live.mouth import Unspoken
from sensorsoma.live.players import ProgramPlayer
from sensorsoma.live.rendering import Renderer
from sensorsoma.live.speech import Speaker
from sensorsoma.live.voices import Voice
from sensorsoma.live.wav import Sound, write_wav
from sensorsoma.messages import Cue, Tick


def cue(number: int, text: str, kind: str = "say", length_s: float = 0.2, is_interrupting: bool = False) -> Cue:
    """One cue."""
    return Cue(number, 0.0, "test", kind, text, length_s, is_interrupting)  # type: ignore[arg-type] # a literal


def writing_voice(path: Path, seconds: float = 0.0) -> DirectMouth:
    """A voice that takes `seconds` and appends each sentence, before and after, to a file."""
    code = (
        "import sys, time; text = sys.stdin.read(); out = open(sys.argv[1], 'a'); out.write('<' + text); out.flush(); "
        "time.sleep(float(sys.argv[2])); out.write('>'); out.close()"
    )
    return DirectMouth(Voice("pen", (sys.executable, "-S", "-c", code, str(path), str(seconds))))


def broken_voice() -> DirectMouth:
    """A voice whose program ends with an error."""
    return DirectMouth(Voice("broken", (sys.executable, "-S", "-c", "import sys; sys.exit(3)")))


def gone_voice() -> DirectMouth:
    """A voice whose program is not there."""
    return DirectMouth(Voice("gone", ("/does/not/exist",)))


def wait_for(path: Path, text: str) -> None:
    """Returns when the file holds the text."""
    wait_until(lambda: path.exists() and text in path.read_text())


def wait_until(is_true: Callable[[], bool]) -> None:
    """Returns when it is."""
    while not is_true():
        time.sleep(0.005)


class Page:
    """A page that comes, fails and goes as it is told; every cue that it begins is noted."""

    name = "the page"

    def __init__(self) -> None:
        self.is_here = True
        self.begun: list[str] = []
        self.leave = asyncio.Event()

    def can_say(self, cue: Cue) -> bool:
        """While it is open."""
        return self.is_here

    async def prepare(self, texts: Sequence[str]) -> None:
        """Nothing to do."""

    async def say(self, cue: Cue, limit_s: float) -> bool:
        """True at its end, False as soon as the page has left."""
        self.begun.append(cue.text)
        try:
            await asyncio.wait_for(self.leave.wait(), 0.1)
        except TimeoutError:
            return True
        return False

    async def close(self) -> None:
        """Nothing to do."""


def test_sentences_are_spoken_one_after_another(tmp_path: Path) -> None:
    """Cues that come at once are said in turn and each finishes once, in order."""
    path = tmp_path / "said"
    ended: list[int] = []

    async def talk() -> None:
        speaker = Speaker(Clock(), ended.append, [writing_voice(path, 0.05)])
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
        speaker = Speaker(Clock(), ended.append, [writing_voice(path, 0.1)])
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
        voice = writing_voice(path, 5.0)
        speaker = Speaker(Clock(), ended.append, [voice])
        speaker.on_message(cue(1, "A long sentence", length_s=5.0))
        speaker.on_message(cue(2, "another"))
        await asyncio.to_thread(wait_for, path, "<A")
        voice.voice = writing_voice(path, 0.0).voice
        begin = time.monotonic()
        speaker.on_message(cue(3, "Paused.", is_interrupting=True))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) < 2.0
    assert path.read_text() == "<A long sentence<Paused.>"
    assert sorted(ended) == [1, 2, 3]
    assert ended[-1] == 3


@pytest.mark.parametrize("voice", [broken_voice(), gone_voice()], ids=lambda voice: voice.name)
def test_a_voice_that_fails_is_named_once_and_silence_keeps_the_pace(voice: DirectMouth) -> None:
    """After two failures the lengths are kept in silence and one sentence says so."""
    ended: list[int] = []
    notices: list[str] = []

    async def talk() -> float:
        speaker = Speaker(Clock(), ended.append, [voice], notice=notices.append)
        begin = time.monotonic()
        for number in (1, 2, 3):
            speaker.on_message(cue(number, "Hello", length_s=0.1))
        await speaker.drained()
        assert speaker.voice_name is None
        return time.monotonic() - begin

    assert asyncio.run(talk()) >= 0.29
    assert ended == [1, 2, 3]
    assert len(notices) == 1
    assert voice.name in notices[0]
    assert "only shown" in notices[0]


def test_a_sentence_that_was_begun_is_repeated_by_nobody(tmp_path: Path) -> None:
    """A voice that breaks off leaves silence; once it has failed twice the other one says what comes next."""
    path = tmp_path / "said"
    ended: list[int] = []
    notices: list[str] = []

    async def talk() -> None:
        mouths = [broken_voice(), writing_voice(path)]
        speaker = Speaker(Clock(), ended.append, mouths, notice=notices.append)
        for number, text in enumerate(("One.", "Two.", "Three."), start=1):
            speaker.on_message(cue(number, text, length_s=0.05))
        await speaker.drained()

    asyncio.run(talk())
    assert path.read_text() == "<Three.>"
    assert ended == [1, 2, 3]
    assert notices == ["The voice (broken) could not speak, so pen speaks from here on."]


def test_what_nobody_began_is_said_by_the_next_voice(tmp_path: Path) -> None:
    """A program that is not there costs no sentence when another voice is."""
    path = tmp_path / "said"

    async def talk() -> None:
        speaker = Speaker(Clock(), lambda _cue_id: None, [gone_voice(), writing_voice(path)])
        speaker.on_message(cue(1, "One.", length_s=0.05))
        await speaker.drained()
        assert speaker.heard_by == "pen"

    asyncio.run(talk())
    assert path.read_text() == "<One.>"


def test_where_no_sound_can_come_out_nobody_is_said_to_have_spoken(tmp_path: Path) -> None:
    """A player without a sound card is believed, not the program that ends well without being heard; told once."""
    notices: list[str] = []
    code = "import sys; sys.exit('ALSA lib confmisc.c:855:(parse_card) cannot find card')"
    silent_player = ProgramPlayer(sys.executable, "-S", "-c", code)
    silent_player.name = "aplay"
    renderer = Renderer(None, Humming(tmp_path))

    async def check() -> Finding:
        mouths = [SoundMouth(renderer, silent_player), writing_voice(tmp_path / "said")]
        return await try_sound(Speaker(Clock(), lambda _cue_id: None, mouths, notice=notices.append), "Hello.")

    finding = asyncio.run(check())
    assert (finding.outcome, finding.found) == ("warn", "No sound came out: aplay found no sound device.")
    assert notices == ["No sound comes out: aplay found no sound device. The words are shown here."]


class Humming:
    """Has a recording of everything."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "hum.wav"
        write_wav(self._path, Sound(0.2 * np.ones(800), 8000))

    def path_for(self, cue: Cue) -> Path | None:
        """The same for every cue."""
        return self._path


def test_a_page_that_leaves_within_a_sentence_hands_over_the_next_one(tmp_path: Path) -> None:
    """The sentence that it had begun is not begun again; when the page is back, it speaks again."""
    path = tmp_path / "said"
    ended: list[int] = []

    async def talk() -> Page:
        page = Page()
        speaker = Speaker(Clock(), ended.append, [writing_voice(path)])
        speaker.put_first(page)
        speaker.on_message(cue(1, "One."))
        speaker.on_message(cue(2, "Two.", length_s=0.3))
        await asyncio.to_thread(wait_until, lambda: "Two." in page.begun)
        page.is_here = False
        page.leave.set()
        speaker.on_message(cue(3, "Three.", length_s=0.05))
        await speaker.drained()
        page.is_here = True
        page.leave.clear()
        speaker.on_message(cue(4, "Four."))
        await speaker.drained()
        assert speaker.voice_name == "the page"
        return page

    assert asyncio.run(talk()).begun == ["One.", "Two.", "Four."]
    assert path.read_text() == "<Three.>"
    assert ended == [1, 2, 3, 4]


def test_a_page_that_fails_is_left_out_until_it_is_opened_anew(tmp_path: Path) -> None:
    """Two sentences that it did not say to their end are enough; a page opened anew speaks again."""
    path = tmp_path / "said"

    async def talk() -> Page:
        page = Page()
        page.leave.set()
        speaker = Speaker(Clock(), lambda _cue_id: None, [writing_voice(path)])
        speaker.put_first(page)
        for number, text in enumerate(("One.", "Two.", "Three."), start=1):
            speaker.on_message(cue(number, text, length_s=0.02))
        await speaker.drained()
        page.leave.clear()
        page.is_here = False
        assert speaker.voice_name == "pen"
        page.is_here = True
        speaker.on_message(cue(4, "Four."))
        await speaker.drained()
        return page

    assert asyncio.run(talk()).begun == ["One.", "Two.", "Four."]
    assert path.read_text() == "<Three.>"


class Flaky:
    """A voice of a few milliseconds that may be away, break off or not begin; it notes when it sounds."""

    def __init__(self, name: str, chance: random.Random, sounds: list[tuple[float, float, str, int]]) -> None:
        self.name = name
        self._chance = chance
        self._sounds = sounds

    def can_say(self, cue: Cue) -> bool:
        """Often."""
        return self._chance.random() < 0.8

    async def prepare(self, texts: Sequence[str]) -> None:
        """Nothing to do."""

    async def say(self, cue: Cue, limit_s: float) -> bool:
        """Sounds for a while, or not at all; falling silent takes a moment."""
        if self._chance.random() < 0.2:
            raise Unspoken("away")
        begin = time.monotonic()
        try:
            await asyncio.sleep(self._chance.uniform(0.0, 0.006))
        finally:
            await asyncio.sleep(0.001)
            self._sounds.append((begin, time.monotonic(), self.name, cue.cue_id))
        return self._chance.random() < 0.8

    async def close(self) -> None:
        """Nothing to do."""


@pytest.mark.parametrize("seed", range(12))
def test_there_are_never_two_voices(seed: int) -> None:
    """Whatever fails, leaves, cuts in or comes at once: no two sound together, no cue sounds twice or ends twice."""
    chance = random.Random(seed)
    sounds: list[tuple[float, float, str, int]] = []
    ended: list[int] = []

    async def talk() -> None:
        speaker = Speaker(Clock(), ended.append, [Flaky("a", chance, sounds), Flaky("b", chance, sounds)])
        speaker.put_first(Flaky("page", chance, sounds))
        for number in range(30):
            kind = chance.choice(("say", "say", "count", "bell"))
            speaker.on_message(cue(number, "Rest.", kind, 0.002, is_interrupting=chance.random() < 0.2))
            await asyncio.sleep(chance.choice((0.0, 0.0, 0.003, 0.008)))
        await speaker.drained()

    asyncio.run(talk())
    assert sorted(ended) == list(range(30))
    numbers = [number for _, _, _, number in sounds]
    assert len(numbers) == len(set(numbers)) > 5
    ordered = sorted(sounds)
    assert all(before[1] <= after[0] for before, after in pairwise(ordered))


def test_a_voice_that_ends_at_once_keeps_the_pace(tmp_path: Path) -> None:
    """A program that succeeds without sounding for long enough does not hurry the practice."""
    ended: list[int] = []

    async def talk() -> float:
        speaker = Speaker(Clock(), ended.append, [writing_voice(tmp_path / "said")])
        begin = time.monotonic()
        speaker.on_message(cue(1, "A longer sentence.", length_s=0.6))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) >= 0.59
    assert ended == [1]


def test_accelerated_sessions_are_silent_and_keep_computed_lengths(tmp_path: Path) -> None:
    """At twenty times the speed nothing is spoken and a four-second cue takes a fifth of a second."""
    ended: list[int] = []

    async def talk() -> float:
        speaker = Speaker(Clock(speed=20.0), ended.append, [writing_voice(tmp_path / "said")])
        speaker.put_first(Page())
        begin = time.monotonic()
        speaker.on_message(cue(1, "Hello", length_s=4.0))
        speaker.on_message(cue(2, "", "bell", length_s=2.0))
        await speaker.drained()
        assert speaker.voice_name is None
        return time.monotonic() - begin

    assert 0.29 <= asyncio.run(talk()) < 1.0
    assert ended == [1, 2]
    assert not (tmp_path / "said").exists()


def test_bells_are_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bell cue plays the bell's file, also where nothing can speak."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "platform", "linux")
    code = "import sys, shutil; shutil.copy(sys.argv[2], sys.argv[1])"
    player = ProgramPlayer(sys.executable, "-S", "-c", code, str(tmp_path / "played.wav"))

    async def talk() -> None:
        speaker = Speaker(Clock(), lambda _cue_id: None, [SoundMouth(Renderer(None), player)])
        assert speaker.voice_name is None
        speaker.on_message(cue(1, "", "bell", length_s=0.1))
        await asyncio.to_thread(wait_until, (tmp_path / "played.wav").is_file)
        await speaker.close()

    asyncio.run(talk())
    assert (tmp_path / "played.wav").read_bytes()[:4] == b"RIFF"


def test_closing_falls_silent_and_twice_is_harmless(tmp_path: Path) -> None:
    """Closing ends the sentence; later cues are passed over."""
    path = tmp_path / "said"

    async def talk() -> float:
        speaker = Speaker(Clock(), lambda _cue_id: None, [writing_voice(path, 30.0)])
        speaker.on_message(cue(1, "Hello", length_s=30.0))
        await asyncio.sleep(0.1)
        begin = time.monotonic()
        await speaker.close()
        await speaker.close()
        speaker.on_message(cue(2, "more"))
        await speaker.drained()
        return time.monotonic() - begin

    assert asyncio.run(talk()) < 2.0

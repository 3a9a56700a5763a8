"""The page as the voice of a session: heard there or on the computer, never on both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from live.page_session import SNAPSHOT, Page, PageSession, stage

from sensorsoma.clock import Clock
from sensorsoma.live.mouth import Unspoken
from sensorsoma.live.page.page_mouth import PageMouth
from sensorsoma.live.speech import Speaker
from sensorsoma.messages import Cue


def wav_file(folder: Path) -> Path:
    """A sound that is served as it is."""
    path = folder / "sentence.wav"
    path.write_bytes(b"RIFF and so on")
    return path


def cue(number: int, text: str, kind: str = "say", length_s: float = 0.05, is_interrupting: bool = False) -> Cue:
    """One cue."""
    return Cue(number, 0.0, "test", kind, text, length_s, is_interrupting)  # type: ignore[arg-type] # a literal


class Computer:
    """The computer's own voice: notes what it says."""

    name = "the computer"

    def __init__(self) -> None:
        self.said: list[str] = []

    def can_say(self, _cue: Cue) -> bool:
        """Always."""
        return True

    async def prepare(self, _texts: Sequence[str]) -> None:
        """Nothing to do."""

    async def say(self, cue: Cue, _limit_s: float) -> bool:
        """At once."""
        self.said.append(cue.text)
        return True

    async def close(self) -> None:
        """Nothing to let go of."""


class Room:
    """A session's page, computer and speaker."""

    def __init__(self, session: PageSession, wav: Path | None, recorded: dict[str, Path] | None = None) -> None:
        async def sound(_cue: Cue) -> Path | None:
            return wav

        self.session = session
        self.computer = Computer()
        self.finished: list[int] = []
        self.speaker = Speaker(Clock(), self.finished.append, [self.computer])
        self.speaker.put_first(PageMouth(session.server, lambda cue: (recorded or {}).get(cue.text), sound))

    async def say(self, *cues: Cue) -> None:
        """Until all of them are over."""
        for one in cues:
            self.speaker.on_message(one)
        await self.speaker.drained()


Tell = Callable[..., Room]


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    """Runs a story in a room: `tell(story, wav, recorded)`."""
    with stage() as told:

        def in_room(
            story: Callable[[Room], Awaitable[None]], wav: Path | None = None, recorded: dict[str, Path] | None = None
        ) -> Room:
            rooms: list[Room] = []

            async def around(session: PageSession) -> None:
                rooms.append(Room(session, wav, recorded))
                await story(rooms[0])
                await rooms[0].speaker.close()

            told(around)
            return rooms[0]

        yield in_room


async def performing(page: Page, heard: list[str], *, n: int, fails_without_audio: bool = False) -> None:
    """A page that performs the next n things that it is asked to."""
    for _ in range(n):
        order = await page.order("say")
        is_heard = order["audio"] is not None or not fails_without_audio
        if is_heard:
            heard.append(order["text"] or order["kind"])
        await asyncio.sleep(0.02)
        await page.send(type="said", id=order["id"], heard=is_heard)


def test_the_page_where_sound_was_started_speaks_and_the_computer_is_silent(tell: Tell) -> None:
    """One voice: words and bells on the page, each finished once; with no page the computer speaks."""

    async def story(room: Room) -> None:
        await room.say(cue(1, "Nobody is there yet."))
        heard: list[str] = []
        async with room.session.page(voice=True) as page:
            assert page.seen[-1]["voice"] == "page"
            cues = cue(2, "Rest here."), cue(3, "", "bell"), cue(4, "five", "count")
            await asyncio.gather(room.say(*cues), performing(page, heard, n=3))
        assert heard == ["Rest here.", "bell", "five"]

    room = tell(story)
    assert room.computer.said == ["Nobody is there yet."]
    assert room.finished == [1, 2, 3, 4]


def test_a_browser_without_a_voice_gets_a_file_under_a_name_that_nobody_guesses(tell: Tell, tmp_path: Path) -> None:
    """The sentence comes as sound, the same file under the same address each time."""
    wav = wav_file(tmp_path)

    async def story(room: Room) -> None:
        async with room.session.page(voice=False) as page, room.session.http("") as http:
            addresses = []
            for number in (1, 2):
                saying = asyncio.create_task(room.say(cue(number, "Rest here.")))
                order = await page.order("say")
                answer = await http.get(order["audio"])
                assert (answer.headers["content-type"], answer.content) == ("audio/wav", wav.read_bytes())
                await page.send(type="said", id=order["id"], heard=True)
                await saying
                addresses.append(order["audio"])
        assert addresses[0] == addresses[1]
        assert len(addresses[0]) > len("/sound/.wav") + 20

    assert tell(story, wav).computer.said == []


def test_a_recording_of_ones_own_goes_before_every_voice(tell: Tell, tmp_path: Path) -> None:
    """Also where the browser could speak by itself."""
    wav = wav_file(tmp_path)

    async def story(room: Room) -> None:
        async with room.session.page(voice=True) as page:
            for number, text in ((1, "Recorded."), (2, "Not recorded.")):
                saying = asyncio.create_task(room.say(cue(number, text)))
                order = await page.order("say")
                assert (order["audio"] is not None) == (text == "Recorded.")
                await page.send(type="said", id=order["id"], heard=True)
                await saying

    tell(story, recorded={"Recorded.": wav})


def test_a_page_that_leaves_amid_a_sentence_is_followed_by_the_computer(tell: Tell) -> None:
    """The cue ends at once instead of being waited for; the next one comes from the computer."""

    async def story(room: Room) -> None:
        async with room.session.page(voice=True) as page:
            room.speaker.on_message(cue(1, "Half of this is heard."))
            await page.order("say")
        begin = time.monotonic()
        await room.say(cue(2, "The computer goes on."))
        assert time.monotonic() - begin < 1.0

    room = tell(story)
    assert room.computer.said == ["The computer goes on."]
    assert room.finished == [1, 2]


@pytest.mark.parametrize("has_files", [True, False])
def test_a_page_whose_voice_fails_gets_files_else_the_computer_says_it(
    tell: Tell, tmp_path: Path, has_files: bool
) -> None:
    """Nothing of the sentence was heard, so it is said by whoever can; exactly once."""
    heard: list[str] = []

    async def story(room: Room) -> None:
        async with room.session.page(voice=True) as page:
            n = 2 if has_files else 1
            await asyncio.gather(room.say(cue(1, "First.")), performing(page, heard, n=n, fails_without_audio=True))

    room = tell(story, wav_file(tmp_path) if has_files else None)
    assert (heard, room.computer.said) == ((["First."], []) if has_files else ([], ["First."]))


def test_a_page_that_does_not_answer_has_the_voice_no_more(tell: Tell) -> None:
    """It is hushed, the computer takes over, and the page is told; its person may start the sound again."""

    async def story(room: Room) -> None:
        mouth = PageMouth(room.session.server)
        async with room.session.page(voice=True) as page:
            assert not await mouth.say(cue(1, "Is anybody there?"), 0.05)
            await page.order("hush")
            state = await page.state()
            assert (state["is_voice_here"], state["voice"]) == (False, "none")
            with pytest.raises(Unspoken):
                await mouth.say(cue(2, "Nobody."), 0.05)
            await page.send(type="voice", wants=True, speaks=True)
            await page.state(lambda state: state["is_voice_here"])
            assert mouth.can_say(cue(3, "Again."))

    tell(story)


def test_what_cuts_in_hushes_the_page_first(tell: Tell) -> None:
    """Stop is not said over the sentence before it."""

    async def story(room: Room) -> None:
        async with room.session.page(voice=True) as page:
            room.speaker.on_message(cue(1, "A long sentence."))
            await page.order("say")
            saying = asyncio.create_task(room.say(cue(2, "We end here.", is_interrupting=True)))
            await page.order("hush")
            order = await page.order("say")
            assert order["text"] == "We end here."
            await page.send(type="said", id=order["id"], heard=True)
            await saying

    assert tell(story).finished == [1, 2]


def test_of_two_pages_the_one_where_sound_was_started_last_speaks(tell: Tell) -> None:
    """The other falls silent and knows it; switched off there too, the computer speaks again."""

    async def story(room: Room) -> None:
        room.session.feed(SNAPSHOT)
        heard: list[str] = []
        async with room.session.page("a", voice=True) as first, room.session.page("b", voice=True) as second:
            await first.order("hush")
            state = await first.state(lambda state: not state["is_voice_here"])
            assert state["voice"] == "page"
            await asyncio.gather(room.say(cue(1, "Here.")), performing(second, heard, n=1))
            await second.send(type="voice", wants=False, speaks=True)
            await second.state(lambda state: state["voice"] != "page")
            await room.say(cue(2, "There."))
        assert heard == ["Here."]

    assert tell(story).computer.said == ["There."]

"""Keys, typed on a real pseudo-terminal."""

from __future__ import annotations

import asyncio
import io
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.clock import Clock
from sensorsoma.live.keys import HELP, Keyboard, KeyReader, Said
from sensorsoma.messages import SessionContinued, SessionPaused, StepFinished, UserMark


def marks(text: str, reader: KeyReader | None = None) -> list[tuple[str, str]]:
    """The marks that a typed text asks for."""
    reader = reader or KeyReader()
    return [answer for letter in text for answer in reader.feed(letter) if not isinstance(answer, Said)]


@pytest.mark.parametrize(
    ("typed", "kinds"),
    [
        (" ", ["next"]), ("\r", ["next"]), ("\n", ["next"]), ("b", ["back"]), ("B", ["back"]), ("r", ["repeat"]),
        ("p", ["pause"]), ("s", ["supported"]), ("q", ["stop"]), ("xyz\t", []), ("\x1b[C", ["next"]),
        ("\x1b[D", ["back"]), ("\x1bOC", ["next"]), ("\x1b[A", []), ("\x1b[15~", []), ("\x1b[1;5C", []),
        ("\x1bq", ["stop"]),
        ("\x1b[Cb", ["next", "back"]),
    ],
)  # fmt: skip
def test_each_key_has_one_meaning(typed: str, kinds: list[str]) -> None:
    """Letters, space, Enter and the arrow keys; everything else is passed over."""
    assert [kind for kind, _ in marks(typed)] == kinds


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("c7", [("comfort", "before 7")]),
        ("c0", [("comfort", "before 0")]),
        ("c10", [("comfort", "before 10")]),
        ("c1 ", [("comfort", "before 1")]),
        ("c1\r", [("comfort", "before 1")]),
        ("c1b", [("comfort", "before 1"), ("back", "")]),
        ("c15", [("comfort", "before 1")]),
        ("c b", [("back", "")]),
        ("cq", [("stop", "")]),
        ("c\x1bb", [("back", "")]),
    ],
)
def test_comfort_is_a_number_from_0_to_10(typed: str, expected: list[tuple[str, str]]) -> None:
    """One digit or ten; any other key leaves the question and keeps its own meaning."""
    assert marks(typed) == expected


def test_p_goes_on_after_a_pause_and_comfort_turns_to_after() -> None:
    """The keyboard follows the session."""
    typed: list[UserMark] = []
    keyboard = Keyboard(Clock(start_ns=0), typed.append, stream=io.StringIO())
    keyboard.on_message(SessionPaused(1.0))
    keyboard._take("p")
    keyboard.on_message(SessionContinued(2.0))
    keyboard._take("p")
    keyboard.on_message(StepFinished(3.0, "a", 0, "A", "rest", None, 0.0, 3.0, {}, {}, "seconds", True))
    keyboard._take("c3")
    assert [(mark.kind, mark.detail) for mark in typed] == [("resume", ""), ("pause", ""), ("comfort", "after 3")]


@pytest.mark.parametrize(
    ("typed", "said", "is_left"),
    [
        ("4", ["after 4"], True), ("10", ["after 10"], True), ("1", [], False), ("1\r", ["after 1"], True),
        ("\r", [], True), (" ", [], True), ("\x1b", [], True), ("q", [], True), ("xyp?", [], False),
        ("n7", ["after 7"], True), ("4b", ["after 4"], True),
    ],
)  # fmt: skip
def test_after_the_session_only_comfort_is_asked(typed: str, said: list[str], is_left: bool) -> None:
    """A number answers, Enter and the like leave the question, a slip of the fingers does neither."""
    marked: list[UserMark] = []
    left: list[bool] = []
    keyboard = Keyboard(Clock(start_ns=0), marked.append, stream=io.StringIO())
    keyboard.ask_comfort(lambda _text: None, lambda: left.append(True))
    keyboard._take(typed)
    assert [(mark.kind, mark.detail) for mark in marked] == [("comfort", detail) for detail in said]
    assert bool(left) == is_left


def test_help_names_every_key() -> None:
    """The help line is one line and names all keys."""
    assert KeyReader().feed("?") == [Said(HELP)]
    assert all(word in HELP for word in ("next", "back", "repeat", "pause", "supported", "comfort", "stop"))


@given(st.text(max_size=60))
def test_no_typing_raises(text: str) -> None:
    """Whatever is typed, comfort stays within 0 to 10."""
    for kind, detail in marks(text):
        assert kind != "comfort" or 0 <= int(detail.split()[1]) <= 10


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal exists on POSIX systems only")
def test_a_real_terminal_is_read_and_restored() -> None:
    """Keys arrive without Enter and without waiting; the terminal's settings are as before, also after an error."""
    import pty
    import termios

    kinds: list[str] = []

    async def session(stream: io.TextIOWrapper, ours: int) -> None:
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()

        def put(mark: UserMark) -> None:
            kinds.append(mark.kind)
            arrived.set()

        with Keyboard(Clock(), put, stream=stream) as keyboard:
            assert keyboard.is_listening
            assert not termios.tcgetattr(stream.fileno())[3] & termios.ICANON
            await loop.run_in_executor(None, os.write, ours, b"b")
            await asyncio.wait_for(arrived.wait(), 5)
            raise RuntimeError("anything")

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as stream:
        before = termios.tcgetattr(stream.fileno())
        with pytest.raises(RuntimeError, match="anything"):
            asyncio.run(session(stream, ours))
        assert kinds == ["back"]
        assert termios.tcgetattr(stream.fileno()) == before
    os.close(ours)


def test_without_a_terminal_nothing_happens() -> None:
    """Input from a file or a pipe is left alone."""

    async def session() -> bool:
        with Keyboard(Clock(), lambda _mark: None, stream=io.StringIO("bq")) as keyboard:
            return keyboard.is_listening

    assert asyncio.run(session()) is False

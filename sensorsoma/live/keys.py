"""Keys as marks: what the person asks for while lying there, one letter each.

`KeyReader` is the meaning of the keys, free of terminals and clocks; `Keyboard` reads the terminal without waiting for
it and always leaves it as it was.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO, Any

from sensorsoma.clock import Clock
from sensorsoma.messages import (
    MarkKind,
    Message,
    SessionContinued,
    SessionPaused,
    StepFinished,
    UserMark,
)

HELP = (
    "space next · b back · r repeat · p pause, again to go on · s leg supported · c comfort 0-10 · q stop · ? this line"
)
"""All keys in one line."""

_PLAIN: dict[str, MarkKind] = {
    " ": "next", "\r": "next", "\n": "next", "n": "next", "b": "back", "r": "repeat", "s": "supported", "q": "stop",
}  # fmt: skip
_ARROWS: dict[str, MarkKind] = {"C": "next", "D": "back"}
_ESCAPE = "\x1b"
_OF_COMFORT = "0123456789 \r\n" + _ESCAPE
"""What answers or leaves the question after the session; a sleepy hand on any other key changes nothing."""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for the screen: the answer to a key."""

    text: str


Answer = tuple[MarkKind, str] | Said
"""A mark's kind and detail, or a sentence."""


class KeyReader:
    """Characters into marks.

    >>> reader = KeyReader()
    >>> reader.feed("c"), reader.feed("7")[0]
    ([Said(text='Comfort now, from 0 (not at all) to 10 (wholly):')], ('comfort', 'before 7'))
    """

    def __init__(self) -> None:
        self.is_paused = False
        """Set by the session; decides what `p` asks for."""
        self.is_after = False
        """True once a step is finished: a comfort number is then one for after."""
        self._digits: str | None = None
        self._escape = ""

    @property
    def is_asking(self) -> bool:
        """True while a number for comfort is being typed."""
        return self._digits is not None

    def ask_comfort(self) -> None:
        """What is typed next is a number for comfort; Enter, space or Escape leaves it."""
        self._digits, self._escape = "", ""

    def feed(self, letter: str) -> list[Answer]:
        """What one typed character asks for; unknown ones ask for nothing."""
        if self._escape or letter == _ESCAPE:
            return self._feed_escape(letter)
        if self._digits is not None:
            return self._feed_comfort(letter)
        key = letter.lower()
        if key in _PLAIN:
            return [(_PLAIN[key], "")]
        if key == "p":
            return [("resume" if self.is_paused else "pause", "")]
        if key == "c":
            self._digits = ""
            return [Said(f"Comfort {'afterwards' if self.is_after else 'now'}, from 0 (not at all) to 10 (wholly):")]
        if key in "?h":
            return [Said(HELP)]
        return []

    def _feed_escape(self, letter: str) -> list[Answer]:
        """Arrow keys come as escape sequences; Escape alone, before anything else, leaves the comfort question."""
        if letter == _ESCAPE:
            self._escape = letter
            was_asking, self._digits = self._digits is not None, None
            return [Said("")] if was_asking else []
        self._escape += letter
        if self._escape in ("\x1b[", "\x1bO") or (self._escape.startswith("\x1b[") and not "@" <= letter <= "~"):
            if len(self._escape) < 16:
                return []
            self._escape = ""
            return []
        sequence, self._escape = self._escape, ""
        if len(sequence) == 2:  # Escape, then an ordinary key
            return self.feed(letter)
        kind = _ARROWS.get(letter) if len(sequence) == 3 else None
        return [(kind, "")] if kind else []

    def _feed_comfort(self, letter: str) -> list[Answer]:
        """One or two digits; a 1 waits, since it may become 10."""
        digits = self._digits or ""
        if letter.isascii() and letter.isdigit() and int(digits + letter) <= 10:
            digits += letter
            if digits == "1":
                self._digits = digits
                return [Said("Comfort 1 (0 for ten, space for one):")]
            return self._comfort(digits)
        if digits:
            rest = [] if letter in " \r\n" else self._again(letter)
            return [*self._comfort(digits), *rest]
        self._digits = None
        return [Said(""), *([] if letter in " \r\n" else self._again(letter))]

    def _comfort(self, digits: str) -> list[Answer]:
        self._digits = None
        when = "after" if self.is_after else "before"
        return [("comfort", f"{when} {int(digits)}"), Said(f"Comfort {int(digits)}, noted.")]

    def _again(self, letter: str) -> list[Answer]:
        self._digits = None
        return self.feed(letter)


class Keyboard:
    """Typed keys as `UserMark`s; a listener, so that it knows of pauses. Does nothing where nobody can type.

    Args:
        clock: session time for the stamps.
        put: takes the marks, on the event loop.
        say: takes the sentences for the screen.
        stream: where keys are typed; standard input by default.

    Use as `with keyboard:` inside the running event loop; the terminal is restored on the way out, whatever happens.
    """

    def __init__(
        self,
        clock: Clock,
        put: Callable[[UserMark], None],
        say: Callable[[str], None] = lambda _text: None,
        stream: IO[str] | None = None,
    ) -> None:
        self._clock = clock
        self._put = put
        self._say = say
        self._stream = stream if stream is not None else sys.stdin
        self._reader = KeyReader()
        self._held = contextlib.ExitStack()
        self._on_left: Callable[[], None] | None = None
        """Set when the session is over: then only comfort is asked, and this is called when it is answered or left."""
        self.is_listening = False
        """True while keys are read."""

    def on_message(self, message: Message) -> None:
        """Follows pauses and finished steps."""
        if isinstance(message, SessionPaused | SessionContinued):
            self._reader.is_paused = isinstance(message, SessionPaused)
        elif isinstance(message, StepFinished):
            self._reader.is_after = True

    def ask_comfort(self, say: Callable[[str], None], on_left: Callable[[], None]) -> None:
        """After the session: what is typed next is comfort, until a number is given or the question left.

        Args:
            say: takes the sentences, now that the session's screen is closed.
            on_left: called when nothing more is asked here, after the number's mark where there is one.
        """
        self._reader.is_after = True
        self._reader.ask_comfort()
        self._say, self._on_left = say, on_left

    def __enter__(self) -> Keyboard:
        if not _can_type(self._stream):
            return self
        loop = asyncio.get_running_loop()
        try:
            if sys.platform == "win32":
                self._held.enter_context(_windows_keys(loop, self._take))
            else:
                self._held.enter_context(_posix_keys(loop, self._stream.fileno(), self._take))
        except (OSError, ValueError, NotImplementedError, _termios_error()):
            self._held.close()
            return self
        self.is_listening = True
        return self

    def __exit__(self, *_: object) -> None:
        self.is_listening = False
        self._held.close()

    def _take(self, text: str) -> None:
        for letter in text:
            if self._on_left is None:
                self._answer(self._reader.feed(letter))
            elif letter in _OF_COMFORT and self._reader.is_asking:
                self._answer([a for a in self._reader.feed(letter) if isinstance(a, Said) or a[0] == "comfort"])
                if not self._reader.is_asking:
                    self._on_left()
            elif letter in "qQ":
                self._on_left()

    def _answer(self, answers: list[Answer]) -> None:
        for answer in answers:
            if not isinstance(answer, Said):
                self._put(UserMark(self._clock.now_ns(), *answer))
            elif answer.text or self._on_left is None:
                self._say(answer.text)


def _can_type(stream: IO[str] | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _termios_error() -> type[Exception]:
    if sys.platform == "win32":
        return OSError
    import termios

    return termios.error


@contextlib.contextmanager
def _posix_keys(loop: asyncio.AbstractEventLoop, fd: int, take: Callable[[str], None]) -> Iterator[None]:
    """Reads single keys, without echo; Ctrl-C stays Ctrl-C."""
    import codecs
    import termios
    import tty

    before: list[Any] = termios.tcgetattr(fd)
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def restore() -> None:
        with contextlib.suppress(termios.error, ValueError):
            termios.tcsetattr(fd, termios.TCSADRAIN, before)

    def read() -> None:
        try:
            data = os.read(fd, 256)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:  # the terminal is gone
            loop.remove_reader(fd)
            return
        take(decoder.decode(data))

    atexit.register(restore)
    try:
        tty.setcbreak(fd)
        loop.add_reader(fd, read)
        yield
    finally:
        loop.remove_reader(fd)
        restore()
        atexit.unregister(restore)


@contextlib.contextmanager
def _windows_keys(loop: asyncio.AbstractEventLoop, take: Callable[[str], None]) -> Iterator[None]:
    """Asks the console twenty times a second; the console has no file to wait on."""
    import msvcrt

    arrows = {"M": "\x1b[C", "K": "\x1b[D"}
    handle: asyncio.TimerHandle | None = None

    def poll() -> None:
        nonlocal handle
        while msvcrt.kbhit():  # type: ignore[attr-defined,unused-ignore] # Windows only
            letter = msvcrt.getwch()  # type: ignore[attr-defined,unused-ignore] # Windows only
            if letter in "\x00\xe0":
                letter = arrows.get(msvcrt.getwch(), "")  # type: ignore[attr-defined,unused-ignore] # Windows only
            take(letter)
        handle = loop.call_later(0.05, poll)

    handle = loop.call_soon(poll)  # type: ignore[assignment] # both can be cancelled
    try:
        yield
    finally:
        if handle is not None:
            handle.cancel()

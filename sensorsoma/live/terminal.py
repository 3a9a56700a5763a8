"""The session on a terminal: near-dark, one calm line or a few large digits; plain lines where it is none."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from typing import Literal, TextIO

from sensorsoma.live.draw import Ink, draw_big, draw_line, wrap
from sensorsoma.live.view import STATE_WORDS, View, done_text
from sensorsoma.messages import Cue, Message, SessionEnded, SourceStatus, StepFinished, StepStarted, Tick

Mode = Literal["auto", "line", "big", "plain"]

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_OTHER_SCREEN, _FIRST_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
_CLEAR_LINE = "\r\x1b[K"


class Terminal:
    """Shows a session; a listener.

    Args:
        stream: where to write; standard error by default, so that standard output stays free for results.
        mode: `line` rewrites one line, `big` fills the screen with the count, `plain` prints a line for each thing that
            happens (log files, screen readers); `auto` is `line` on a terminal and `plain` elsewhere.
        size: columns and rows; by default the terminal's own.

    Where nothing speaks (`is_unspoken`), each sentence stands whole above the one line, which has no room for it.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        mode: Mode = "auto",
        size: Callable[[], tuple[int, int]] = shutil.get_terminal_size,
    ) -> None:
        self._stream = stream or sys.stderr
        is_tty = _is_tty(self._stream)
        self.mode: Mode = ("line" if is_tty else "plain") if mode == "auto" else mode
        self.view = View()
        self.is_unspoken: Callable[[], bool] = lambda: False
        self._ink = Ink(is_colored=is_tty and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb")
        self._size = size
        self._is_stale = False
        self._is_open = False
        self._drawn = ""

    def on_message(self, message: Message) -> None:
        """Takes every message; draws at once what matters and the rest with the next tick."""
        before = self.view.sensors_text
        is_urgent = self.view.take(message)
        if self.mode == "plain":
            self._print(message, before)
            return
        if self.mode == "line" and isinstance(message, Cue) and message.kind == "say" and self.is_unspoken():
            self._show_whole(message.text)
        if isinstance(message, SourceStatus) and message.text and message.state != "failed":
            self._tell(message)
        self._is_stale = True
        if is_urgent or isinstance(message, Tick):
            self._draw()
        if isinstance(message, SessionEnded):
            self.close()

    def notice(self, sentence: str) -> None:
        """Shows one sentence of ours: help, a voice that failed, a key's answer."""
        self.view.notice = sentence
        if self.mode == "plain":
            self._write(sentence + "\n")
        else:
            self._is_stale = True
            self._draw()

    def close(self) -> None:
        """Leaves the terminal as it was; harmless when called twice."""
        if not self._is_open:
            return
        self._is_open = False
        self._write(_SHOW_CURSOR + (_FIRST_SCREEN if self.mode == "big" else "\n"))

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --------------------------------------------------------------------------------------------------- drawing

    def _draw(self) -> None:
        if not self._is_stale or (self.view.is_over and not self._is_open):
            return
        self._is_stale = False
        columns, rows = self._size()
        if self.mode == "big":
            text = draw_big(self.view, columns, rows, self._ink)
        else:
            text = _CLEAR_LINE + draw_line(self.view, columns - 1, self._ink)
        if text == self._drawn:
            return
        self._drawn = text
        if not self._is_open:
            self._is_open = True
            text = (_OTHER_SCREEN if self.mode == "big" else "") + _HIDE_CURSOR + text
        self._write(text)

    def _show_whole(self, sentence: str) -> None:
        """The sentence above the line, wrapped; it is not repeated in the line."""
        columns, _ = self._size()
        lines = (self._ink(line, self._ink.mid) + "\n" for line in wrap(sentence, max(2, min(columns - 1, 78))))
        self._write(_CLEAR_LINE + "".join(lines))
        self.view.sentence = self._drawn = ""

    def _tell(self, status: SourceStatus) -> None:
        """What a source has to say, such as the address to type into a phone; why it failed is said at the end."""
        if self.mode == "line":
            self._show_whole(f"{status.channel}: {status.text}")
        else:
            self.view.notice = status.text

    def _print(self, message: Message, sensors_before: str) -> None:
        """One line for each thing that happens."""
        match message:
            case StepStarted():
                self._write(f"{self.view.step_text}\n")
            case Cue(kind="say") if message.text:
                self._write(f"  {message.text}\n")
            case Cue(kind="count") if message.text:
                self._write(f"  {message.text}\n")
            case StepFinished():
                self._write(f"  {message.title}: {done_text(message)}\n")
            case SourceStatus():
                if message.text or self.view.sensors_text != sensors_before:
                    is_end = message.state == "failed"  # why is said once, at the end of the program
                    words = STATE_WORDS["failed"] if is_end else message.text or STATE_WORDS[message.state]
                    mark = " (simulated)" if message.is_simulated else ""
                    self._write(f"{message.channel}{mark}: {words}\n")
            case _:
                pass

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except UnicodeEncodeError:  # a terminal without these letters still gets the rest
            self._stream.write(text.encode("ascii", "replace").decode())
            self._stream.flush()


def _is_tty(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except ValueError:  # closed
        return False

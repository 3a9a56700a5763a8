"""The session on a terminal: near-dark, one calm line or a few large digits; plain lines where it is none."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import Literal, TextIO

from sensorsoma.live.draw import ANSWER_CELLS, Ink, draw_big, draw_line, width, wrap
from sensorsoma.live.view import STATE_WORDS, View, done_text
from sensorsoma.messages import Cue, Message, SessionEnded, SourceStatus, StepFinished, StepStarted, Tick

Mode = Literal["auto", "line", "big", "plain"]

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_OTHER_SCREEN, _FIRST_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
_CLEAR_LINE = "\r\x1b[K"


ON_THE_WAY = ("searching", "connecting", "starting")
"""States of a sensor that does not send yet."""
ANSWER_S = 6.0
"""Real seconds that an answer to a key stays in the line: two glances of somebody tired."""


class Terminal:
    """Shows a session; a listener.

    Args:
        stream: where to write; standard error by default, so that standard output stays free for results.
        mode: `line` rewrites one line, `big` fills the screen with the count, `plain` prints a line for each thing that
            happens (log files, screen readers); `auto` is `line` on a terminal and `plain` elsewhere.
        size: columns and rows; by default the terminal's own.
        now_s: real seconds; answers are there to be read, whatever the session's speed.

    Where nothing speaks (`is_unspoken`), each sentence stands whole above the one line, which has no room for it.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        mode: Mode = "auto",
        size: Callable[[], tuple[int, int]] = shutil.get_terminal_size,
        now_s: Callable[[], float] = time.monotonic,
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
        self._now_s = now_s
        self._noticed_s = 0.0
        """When the last notice came."""
        self._told: dict[str, SourceStatus] = {}
        """What was printed of each sensor."""

    def on_message(self, message: Message) -> None:
        """Takes every message; draws at once what matters and the rest with the next tick."""
        is_urgent = self.view.take(message)
        if self.mode == "plain":
            self._print(message)
            return
        self._let_answer_go(message)
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
        self._noticed_s = self._now_s()
        if self.mode == "plain":
            self._write(f"{sentence}\n" if sentence else "")
            return
        is_long = self.mode == "line" and width(sentence) > ANSWER_CELLS
        if is_long:
            self._write_above(sentence)
        self.view.notice = "" if is_long else sentence
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
        """The sentence above the line; it is not repeated in the line."""
        self._write_above(sentence)
        self.view.sentence = ""

    def _write_above(self, sentence: str) -> None:
        """A sentence above the line, wrapped; the line is drawn anew below it."""
        columns, _ = self._size()
        lines = (self._ink(line, self._ink.mid) + "\n" for line in wrap(sentence, max(2, min(columns - 1, 78))))
        self._write(_CLEAR_LINE + "".join(lines))
        self._drawn = ""

    def _let_answer_go(self, message: Message) -> None:
        """Clears an answer that was there to be read long enough; a question stays, and so does what is said before the
        beginning."""
        notice = self.view.notice
        if not isinstance(message, Tick) or not notice or notice.endswith(":") or not self.view.has_begun:
            return
        if self._now_s() - self._noticed_s >= ANSWER_S:
            self.view.notice = ""
            self._is_stale = True

    def _tell(self, status: SourceStatus) -> None:
        """What a source has to say, such as the address to type into a phone; why it failed is said at the end."""
        if self.mode == "line":
            self._show_whole(f"{status.channel}: {status.text}")
        else:
            self.view.notice = status.text

    def _print(self, message: Message) -> None:
        """One line for each thing that happens."""
        match message:
            case StepStarted():
                self._write(f"{self.view.step_text}\n")
            case Cue(kind="say") if message.text:
                self._write(f"  {message.text}\n")
            case Cue(kind="count") if message.text:
                self._write(f"  {message.text}\n")
            case StepFinished():
                self._write(f"    looking back at {message.title}: {done_text(message)}\n")
            case SourceStatus():
                self._print_status(message)
            case _:
                pass

    def _print_status(self, status: SourceStatus) -> None:
        """How a sensor is, when that has changed or it says something new; a battery told again is no news."""
        before = self._told.get(status.channel)
        text = status.text if before is None or status.text != before.text else ""
        if before is not None and before.state not in ON_THE_WAY and status.state in ON_THE_WAY:
            return  # it was there already: that it is away has been told, and that it is back will be
        self._told[status.channel] = status
        if before is None or text or status.state != before.state:
            is_end = status.state == "failed"  # why is said once, at the end of the program
            words = STATE_WORDS["failed"] if is_end else text or STATE_WORDS[status.state]
            mark = " (simulated)" if status.is_simulated else ""
            self._write(f"{status.channel}{mark}: {words}\n")

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

"""The session's side of the page: who looks on, what they are told, what they ask for, and which of them speaks.

No web in here. A message changes one view; each viewer is told that there is news and takes the newest state when it is
ready for it, so that nobody who looks on can hold the session up.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from sensorsoma.clock import Clock
from sensorsoma.live.page.commands import read_mark
from sensorsoma.live.page.params import PageParams
from sensorsoma.live.page.state import AsksComfort, WhoSpeaks, comfort_due, state_of
from sensorsoma.live.page.viewer import Viewer
from sensorsoma.live.view import View
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Message, OrientedBlock, Packet, SegmentCurve, UserMark

REPLACED, OVER, FULL = 4001, 1000, 4429
"""Close codes of a socket: the same page came back on another one; the session is over; as many pages as may be look
on already."""

_UNSEEN = (Packet, ImuBlock, OrientedBlock, Gap, BadPacket, SegmentCurve)
"""Hundreds a second that change nothing on the page."""


class Question(Protocol):
    """The question for a number of comfort, which may be answered by key or page."""

    @property
    def asks(self) -> AsksComfort:
        """Which number is asked for now."""
        ...

    def skip(self) -> None:
        """Goes on without a number."""
        ...


class Audience:
    """All pages that look on; a listener of the session.

    Args:
        clock: session time, for the stamps of marks.
        view: what is shown at first.
        params: rates, limits and patience.
    """

    def __init__(self, clock: Clock, view: View | None = None, params: PageParams | None = None) -> None:
        self.clock = clock
        self.params = params or PageParams()
        self.view = view or View()
        self.may_speak = True
        """Whether anything is said in this session at all; otherwise no page gets the voice."""
        self.is_computer_heard: Callable[[], bool] = lambda: False
        """Whether the computer itself speaks where no page does."""
        self.starts_session = False
        """Whether the session waits until sound was decided on a page, which is how a person starts there."""
        self.safety_line = ""
        """Shown before the session begins."""
        self.safety: dict[str, Any] | None = None
        """The whole safety text, for whoever has no terminal before them; a page gets it once, before it begins."""
        self.is_safety_read = False
        """Whether the person has said that it was read; otherwise it lies open on the page."""
        self.on_arrival: Callable[[], None] = lambda: None
        """Told when a page has said who it is."""
        self.question: Question | None = None
        """Set where somebody keeps the numbers of comfort; by default they are asked for by the view alone."""
        self.on_echo: Callable[[dict[str, Any]], None] = lambda _message: None
        """Told when a page says that it has drawn a state (only for measurements)."""
        self.on_sent: Callable[[dict[str, Any]], None] = lambda _state: None
        """Told of every state that is sent (only for measurements)."""
        self._viewers: list[Viewer] = []
        self._voice: Viewer | None = None
        self._sounds: dict[str, Path] = {}
        self._put: Callable[[UserMark], None] | None = None
        self._early: list[UserMark] = []
        self._is_ending = False
        self._all_left = asyncio.Event()

    @property
    def viewers(self) -> tuple[Viewer, ...]:
        """Everybody who looks on."""
        return tuple(self._viewers)

    @property
    def has_page_open(self) -> bool:
        """True while at least one page looks on."""
        return bool(self._viewers)

    def send_marks_to(self, put: Callable[[UserMark], None]) -> None:
        """From here on marks go to the session; a number or a stop that came before is handed in now."""
        self._put = put
        early, self._early = self._early, []
        for mark in early:
            put(mark)

    def on_message(self, message: Message) -> None:
        """Follows the session."""
        if isinstance(message, _UNSEEN):
            return
        self.view.take(message)
        self.refresh()

    def notice(self, sentence: str) -> None:
        """Shows one sentence of ours."""
        self.view.notice = sentence
        self.refresh()

    def refresh(self) -> None:
        """Something may have changed: every page gets the newest state when it is due."""
        for viewer in self._viewers:
            viewer.tell()

    @property
    def voice(self) -> Viewer | None:
        """The one page that speaks; None when none does."""
        return self._voice

    def release_voice(self, viewer: Viewer) -> None:
        """That page does not speak any more, until its person asks for sound again."""
        if self._voice is viewer:
            self._voice = None
        self.refresh()

    def sound(self, name: str) -> Path | None:
        """The file behind a name that was given out; None for a guess."""
        return self._sounds.get(name)

    def sound_url(self, path: Path) -> str:
        """Where the page gets a sound file; the name is random and known to nobody else."""
        for name, known in self._sounds.items():
            if known == path:
                return f"/sound/{name}"
        name = secrets.token_urlsafe(16) + ".wav"
        self._sounds[name] = path
        return f"/sound/{name}"

    def state_for(self, viewer: Viewer) -> dict[str, Any]:
        """What that page shows, without a number."""
        speaks: WhoSpeaks = "page" if self._voice is not None else "computer" if self.is_computer_heard() else "none"
        asks = comfort_due(self.view) if self.question is None else self.question.asks
        asks = None if asks in self.view.comfort else asks
        safety = None if self.view.has_begun else self.safety_line or None
        return {**state_of(self.view, speaks, asks), "safety": safety, "is_voice_here": self._voice is viewer}

    async def say_goodbye(self) -> None:
        """Tells every page that it is over and lets them hear it; nobody comes in any more."""
        self._is_ending = True
        self._all_left.clear()
        for viewer in self._viewers:
            viewer.end(OVER, {"type": "bye"})
        if self._viewers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), self.params.bye_s)

    # ------------------------------------------------------------------------------------------------ the pages

    def entered(self, viewer: Viewer) -> int | None:
        """A page is here; the same page on an older connection is let go of. The close code when it cannot look on."""
        for older in tuple(self._viewers):
            if viewer.page and older.page == viewer.page:
                older.end(REPLACED)
                self.left(older)
        if self._is_ending:
            return OVER
        if len(self._viewers) >= self.params.max_viewers:
            return FULL
        self._viewers.append(viewer)
        if self.safety is not None and not self.view.has_begun:
            viewer.order({"type": "safety", "text": self.safety, "is_read": self.is_safety_read})
        viewer.tell()
        self.on_arrival()
        return None

    def left(self, viewer: Viewer) -> None:
        """A page has gone; harmless when told twice."""
        viewer.gone()
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            if not self._viewers:
                self._all_left.set()
        if self._voice is viewer:
            self.release_voice(viewer)

    def heard(self, viewer: Viewer, message: dict[str, Any]) -> None:
        """One message of a page; what makes no sense is passed over."""
        match message["type"]:
            case "voice":
                self._voice_asked(viewer, message.get("wants") is True, message.get("speaks") is True)
            case "said":
                viewer.said(message.get("id"), message.get("heard") is True)
            case "mark":
                self._marked(message)
            case "echo":
                self.on_echo(message)
            case _:
                pass

    def _voice_asked(self, viewer: Viewer, is_wanted: bool, speaks: bool) -> None:
        """The page where sound was started last is the one that speaks."""
        if self.starts_session and not self.view.has_begun and self._put is not None:
            self.starts_session = False  # a second press would be a "next" for the welcome
            self.view.notice = ""
            self._put(UserMark(self.clock.now_ns(), "next"))
        viewer.speaks = speaks
        if not is_wanted or not self.may_speak:
            viewer.silence()
            self.release_voice(viewer)
            return
        older, self._voice = self._voice, viewer
        if older is not None and older is not viewer:
            older.hush()
            older.silence()
        self.refresh()

    def _marked(self, message: dict[str, Any]) -> None:
        found = read_mark(message)
        if found is None:
            return
        mark = UserMark(self.clock.now_ns(), *found)
        if self.question is not None and self.question.asks == "after" and mark.kind in ("next", "stop"):
            self.question.skip()
            return
        if mark.kind == "comfort":  # shown at once, also while the sensors are looked for
            self.view.take(mark)
            self.refresh()
        if self._put is not None:
            self._put(mark)
        elif mark.kind in ("comfort", "stop"):
            self._early.append(mark)

    def due(self, viewer: Viewer) -> list[dict[str, Any]]:
        """All that is to be sent now: orders before the state, but the last state before the farewell."""
        orders = viewer.take_orders()
        state = viewer.as_shown(self.state_for(viewer), self.params.gap_s, self.params.quiet_s)
        if state is None:
            return orders
        self.on_sent(state)
        return [state, *orders] if viewer.close_code == OVER else [*orders, state]

"""The live page's server: a listener of the session that shows it in browsers and hands in what is asked for there.

It runs beside the session and never holds it up: a message changes the view, and each page fetches the newest state
when it is ready for one, some 30 times a second at most.

| request | from | answer |
|---|---|---|
| `GET /`, `/*.js`, `/*.css` | anybody at home | the page, which holds nothing secret |
| `POST /join`, code as bearer | a tablet, once | its key; 403 |
| `/live`, WebSocket | the page, key in its first message | state and orders out; voice, marks in |
| `POST /poll?page=`, key as bearer | the page, where the socket fails | the same, as lists |
| `GET /sound/NAME.wav` | the page that was told the name | a sentence as sound |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sensorsoma.clock import Clock
from sensorsoma.live.page.access import Access
from sensorsoma.live.page.commands import read_mark, read_messages
from sensorsoma.live.page.state import AsksComfort, WhoSpeaks, comfort_due, state_of
from sensorsoma.live.page.viewer import Viewer
from sensorsoma.live.page.web import WEB, Guard, answer, answer_json, bearer, web_files
from sensorsoma.live.view import View
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Message, OrientedBlock, Packet, SegmentCurve, UserMark
from sensorsoma.serving.http import end_server, make_server, open_port, read_body
from sensorsoma.serving.tls import TlsFiles

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

log = logging.getLogger(__name__)

REFUSED, REPLACED, OVER = 4403, 4001, 1000
"""Close codes of a socket: a key that is not known; the same page came back on another one; the session is over."""

_UNSEEN = (Packet, ImuBlock, OrientedBlock, Gap, BadPacket, SegmentCurve)
"""Hundreds a second that change nothing on the page."""


@dataclass(frozen=True, slots=True)
class PageParams:
    """Rates, limits and patience; real seconds."""

    gap_s: float = 1 / 33
    """Time between two states to one page where more come: thirty a second are as many as an eye can use; a tenth more,
    so that thirty events a second which once had to wait catch up instead of waiting each time."""
    quiet_s: float = 2.0
    """A state is sent at least this often: the page takes three times as long a silence for a lost link."""
    poll_s: float = 1.0
    """Longest that a poll waits for news: proxies and phones cut what is open for long."""
    poll_gone_s: float = 5.0
    """A polling page that was silent for this long has left: five polls were missed."""
    bye_s: float = 0.5
    """Time for pages to hear that it is over."""
    hello_s: float = 10.0
    """Time for a socket to say who it is."""
    check_s: float = 0.5
    """Between looks for pages that have left and codes that have grown old."""
    max_message_bytes: int = 16 * 1024
    """The largest honest message, a list of marks, has some hundred bytes."""
    max_viewers: int = 16
    """More pages than a home has screens are a fault that would only cost time."""
    send_buffer_bytes: int = 16 * 1024
    """Kept small in the system, so that a page that does not read has old states waiting for a second, not a minute."""


class Question(Protocol):
    """The question for a number of comfort, which may be answered by key or page."""

    @property
    def asks(self) -> AsksComfort:
        """Which number is asked for now."""
        ...

    def skip(self) -> None:
        """Goes on without a number."""
        ...


class PageServer:
    """Serves one session's page; `async with` it, then add it to the session's listeners.

    Args:
        clock: session time, for the stamps of marks.
        access: who may come in.
        port: where to listen; 0 takes any free one.
        host: which of this computer's addresses to listen on; itself only, unless a tablet was asked for.
        tls: certificate and key, for a tablet.
        view: what is shown at first.
        is_computer_heard: whether the computer itself speaks where no page does.
        show: shows the address to the person; called again when a code had to be renewed.
        web: folder of the page's files.
        params: rates, limits and patience.
    """

    def __init__(
        self,
        clock: Clock,
        access: Access | None = None,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        tls: TlsFiles | None = None,
        view: View | None = None,
        is_computer_heard: Callable[[], bool] = lambda: False,
        show: Callable[[str], None] = lambda _url: None,
        web: Path = WEB,
        params: PageParams | None = None,
    ) -> None:
        self.access = access or Access()
        self.port = port
        """The port that is listened on; known once it is open."""
        self.view = view or View()
        self.may_speak = True
        """Whether anything is said in this session at all; otherwise no page gets the voice."""
        self.is_computer_heard = is_computer_heard
        self.safety_line = ""
        """Shown before the session begins."""
        self.question: Question | None = None
        """Set where somebody keeps the numbers of comfort; by default they are asked for by the view alone."""
        self.on_echo: Callable[[dict[str, Any]], None] = lambda _message: None
        """Told when a page says that it has drawn a state (only for measurements)."""
        self.on_sent: Callable[[dict[str, Any]], None] = lambda _state: None
        """Told of every state that is sent (only for measurements)."""
        self.clock = clock
        self._host = host
        self._tls = tls
        self._show = show
        self._web = web
        self._params = params or PageParams()
        self._viewers: list[Viewer] = []
        self._voice: Viewer | None = None
        self._sounds: dict[str, Path] = {}
        self._put: Callable[[UserMark], None] | None = None
        self._early: list[UserMark] = []
        self._is_ending = False
        self._all_left = asyncio.Event()
        self._server: uvicorn.Server | None = None
        self._tasks: list[asyncio.Task[None]] = []

    # ---------------------------------------------------------------------------------------------- lifetime

    async def __aenter__(self) -> PageServer:
        """Opens the port and serves from here on.

        Raises:
            SourceError: the port cannot be used.
        """
        import socket

        advice = "choose another with --page-port, or leave it out"
        listening = open_port(self._host, self.port, advice, loss="the page cannot be shown")
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._params.send_buffer_bytes)
        self.port = listening.getsockname()[1]
        tls = self._tls
        ssl = {} if tls is None else {"ssl_certfile": str(tls.certificate), "ssl_keyfile": str(tls.key)}
        self._server = make_server(
            self.app(), ws="websockets-sansio", ws_max_size=self._params.max_message_bytes,
            ws_per_message_deflate=False, ws_ping_interval=5.0, ws_ping_timeout=5.0, **ssl,
        )  # fmt: skip
        serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        self._tasks = [serving, asyncio.create_task(self._watch())]
        self._show(self.url)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Tells every page that it is over and closes everything."""
        if self._server is None:
            return
        self._is_ending = True
        self._all_left.clear()
        for viewer in self._viewers:
            viewer.end(OVER, {"type": "bye"})
        if self._viewers:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_left.wait(), self._params.bye_s)
        serving, watching = self._tasks
        watching.cancel()
        await end_server(self._server, serving)
        for viewer in tuple(self._viewers):
            self._left(viewer)
        self._server = None

    @property
    def url(self) -> str:
        """The page's address, with its key or its one-time code as long as that waits to be used."""
        secret = self.access.secret()
        return f"{self.access.scheme}://{self.access.names[0]}:{self.port}/" + (f"#{secret}" if secret else "")

    @property
    def has_page_open(self) -> bool:
        """True while at least one page looks on."""
        return bool(self._viewers)

    # ------------------------------------------------------------------------------------------- the session

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
        viewer.wants_voice = False
        if self._voice is viewer:
            self._voice = None
        self.refresh()

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

    # -------------------------------------------------------------------------------------------- the routes

    def app(self) -> Starlette:
        """The web application, as the table at the top has it."""
        from starlette.applications import Starlette
        from starlette.middleware import Middleware
        from starlette.routing import Route, WebSocketRoute

        return Starlette(
            routes=[
                *web_files(self._web),
                Route("/join", self._join, methods=["POST"]),
                Route("/poll", self._poll, methods=["POST"]),
                Route("/sound/{name}", self._sound),
                WebSocketRoute("/live", self._live),
            ],
            middleware=[Middleware(Guard, is_welcome=lambda found: self.access.is_welcome(found, self.port))],
        )

    async def _join(self, request: Request) -> Response:
        key, why_not = self.access.redeem(bearer(request), time.monotonic_ns())
        return answer_json({"key": key}) if key else answer(403, why_not)

    async def _sound(self, request: Request) -> Response:
        path = self._sounds.get(request.path_params["name"])
        if path is None:
            return answer(404, "There is no such sound.")
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError:
            return answer(404, "This sound is not there any more.")
        return answer(200, data, "audio/wav")

    async def _poll(self, request: Request) -> Response:
        from starlette.requests import ClientDisconnect

        if not self.access.is_known(bearer(request)):
            return answer(403, "This page does not belong to the session that is running.")
        try:
            body = await read_body(request, self._params.max_message_bytes)
        except ClientDisconnect:
            return answer(400)
        messages = None if body is None else read_messages(body)
        if messages is None:
            return answer(400, "Expected a list of messages.")
        viewer = self._polling(request.query_params.get("page", "")[:64])
        if viewer is None:
            return answer(503, "Too many pages are open.")
        for message in messages:
            self._heard(viewer, message)
        if not messages:
            await viewer.due(self._params.poll_s)
        viewer.seen_at = time.monotonic()
        due = self._due(viewer)
        if viewer.close_code is not None:
            self._left(viewer)
        return answer_json(due)

    def _polling(self, page: str) -> Viewer | None:
        """The viewer of a page that polls; a new one when it has not been here before."""
        viewer = next((one for one in self._viewers if one.is_polling and one.page == page), None)
        if viewer is None:
            viewer = self._entered(Viewer(page, is_polling=True))
        if viewer is not None:
            viewer.seen_at = time.monotonic()
        return viewer

    async def _live(self, socket: WebSocket) -> None:
        from starlette.websockets import WebSocketDisconnect

        await socket.accept()
        try:
            viewer = await self._greeted(socket)
            if viewer is None:
                await socket.close(REFUSED)
                return
        except (WebSocketDisconnect, RuntimeError, TimeoutError):
            with contextlib.suppress(RuntimeError):
                await socket.close(REFUSED)
            return
        sending = asyncio.create_task(self._send_all(viewer, socket))
        try:
            while (text := (await socket.receive()).get("text")) is not None:
                for message in read_messages(text) or ():
                    self._heard(viewer, message)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._left(viewer)
            sending.cancel()

    async def _greeted(self, socket: WebSocket) -> Viewer | None:
        """The viewer of a socket that has said hello with the right key."""
        first = await asyncio.wait_for(socket.receive_text(), self._params.hello_s)
        hello = (read_messages(first) or [{}])[0]
        key, page = hello.get("key"), hello.get("page")
        if hello.get("type") != "hello" or not isinstance(key, str) or not self.access.is_known(key):
            return None
        return self._entered(Viewer(page[:64] if isinstance(page, str) else ""))

    async def _send_all(self, viewer: Viewer, socket: WebSocket) -> None:
        """Sends what is due until the page leaves; waits for a slow page, which then gets the newest state only."""
        from starlette.websockets import WebSocketDisconnect

        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                for message in self._due(viewer):
                    await socket.send_text(_text(message))
                if viewer.close_code is not None:
                    await socket.close(viewer.close_code)
                    return
                await viewer.due(self._params.quiet_s)

    def _due(self, viewer: Viewer) -> list[dict[str, Any]]:
        """All that is to be sent now: orders before the state, but the last state before the farewell."""
        orders = viewer.take_orders()
        state = viewer.as_shown(self.state_for(viewer), self._params.gap_s, self._params.quiet_s)
        if state is None:
            return orders
        self.on_sent(state)
        return [state, *orders] if viewer.close_code == OVER else [*orders, state]

    # --------------------------------------------------------------------------------------------- the pages

    def _entered(self, viewer: Viewer) -> Viewer | None:
        """A page is here; the same page on an older connection is let go of. None when there are too many."""
        for older in tuple(self._viewers):
            if viewer.page and older.page == viewer.page:
                older.end(REPLACED)
                self._left(older)
        if self._is_ending or len(self._viewers) >= self._params.max_viewers:
            return None
        self._viewers.append(viewer)
        viewer.tell()
        return viewer

    def _left(self, viewer: Viewer) -> None:
        viewer.gone()
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            if not self._viewers:
                self._all_left.set()
        if self._voice is viewer:
            self.release_voice(viewer)

    def _heard(self, viewer: Viewer, message: dict[str, Any]) -> None:
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
        viewer.wants_voice, viewer.speaks = is_wanted, speaks
        if not is_wanted or not self.may_speak:
            viewer.silence()
            self.release_voice(viewer)
            return
        older, self._voice = self._voice, viewer
        if older is not None and older is not viewer:
            older.hush()
            older.silence()
            older.wants_voice = False
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

    async def _watch(self) -> None:
        """Lets go of polling pages that fell silent, and renews a code that nobody used."""
        while True:
            await asyncio.sleep(self._params.check_s)
            now = time.monotonic()
            for viewer in tuple(self._viewers):
                if viewer.is_polling and now - viewer.seen_at > self._params.poll_gone_s:
                    self._left(viewer)
            if self.access.pairing is not None and self.access.pairing.renewed(time.monotonic_ns()):
                self._show(self.url)


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), allow_nan=False)

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
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sensorsoma.clock import Clock
from sensorsoma.live.page.access import Access
from sensorsoma.live.page.audience import OVER, Audience
from sensorsoma.live.page.commands import read_messages
from sensorsoma.live.page.params import PageParams
from sensorsoma.live.page.viewer import Viewer
from sensorsoma.live.page.web import WEB, Guard, answer, answer_json, bearer, web_files
from sensorsoma.live.view import View
from sensorsoma.serving.http import end_server, make_server, open_port, read_body
from sensorsoma.serving.tls import TlsFiles

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

__all__ = ["PageParams", "PageServer"]

REFUSED = 4403
"""Close code of a socket whose key is not known; `audience.py` has the others."""


class PageServer(Audience):
    """Serves one session's page; `async with` it, then add it to the session's listeners.

    Args:
        clock: session time, for the stamps of marks.
        access: who may come in.
        port: where to listen; 0 takes any free one.
        host: which of this computer's addresses to listen on; itself only, unless a tablet was asked for.
        tls: certificate and key, for a tablet.
        view: what is shown at first.
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
        show: Callable[[str], None] = lambda _url: None,
        web: Path = WEB,
        params: PageParams | None = None,
    ) -> None:
        super().__init__(clock, view, params)
        self.access = access or Access()
        self.port = port
        """The port that is listened on; known once it is open."""
        self._host = host
        self._tls = tls
        self._show = show
        self._web = web
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
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.params.send_buffer_bytes)
        self.port = listening.getsockname()[1]
        tls = self._tls
        ssl = {} if tls is None else {"ssl_certfile": str(tls.certificate), "ssl_keyfile": str(tls.key)}
        self._server = make_server(
            self.app(), ws="websockets-sansio", ws_max_size=self.params.max_message_bytes,
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
        await self.say_goodbye()
        serving, watching = self._tasks
        watching.cancel()
        await end_server(self._server, serving)
        for viewer in self.viewers:
            self.left(viewer)
        self._server = None

    @property
    def url(self) -> str:
        """The page's address, with its key or its one-time code as long as that waits to be used."""
        secret = self.access.secret()
        return f"{self.access.scheme}://{self.access.names[0]}:{self.port}/" + (f"#{secret}" if secret else "")

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
        path = self.sound(request.path_params["name"])
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
            body = await read_body(request, self.params.max_message_bytes)
        except ClientDisconnect:
            return answer(400)
        messages = None if body is None else read_messages(body)
        if messages is None:
            return answer(400, "Expected a list of messages.")
        viewer = self._polling(request.query_params.get("page", "")[:64])
        if viewer == OVER:
            return answer_json([{"type": "bye"}])
        if isinstance(viewer, int):
            return answer(429, "As many pages as may be look on already; close one of them.")
        for message in messages:
            self.heard(viewer, message)
        if not messages:
            await viewer.due(self.params.poll_s)
        viewer.seen_at = time.monotonic()
        due = self.due(viewer)
        if viewer.close_code is not None:
            self.left(viewer)
        return answer_json(due)

    def _polling(self, page: str) -> Viewer | int:
        """The viewer of a page that polls; a new one when it has not been here before, or why it cannot look on."""
        viewer = next((one for one in self.viewers if one.is_polling and one.page == page), None)
        if viewer is None:
            viewer = Viewer(page, is_polling=True)
            if (why_not := self.entered(viewer)) is not None:
                return why_not
        viewer.seen_at = time.monotonic()
        return viewer

    async def _live(self, socket: WebSocket) -> None:
        from starlette.websockets import WebSocketDisconnect

        await socket.accept()
        try:
            viewer = await self._greeted(socket)
            why_not = REFUSED if viewer is None else self.entered(viewer)
            if viewer is None or why_not is not None:
                if why_not == OVER:
                    await socket.send_text(_text({"type": "bye"}))
                await socket.close(why_not or REFUSED)
                return
        except (WebSocketDisconnect, RuntimeError, TimeoutError, KeyError):  # KeyError: bytes where a text should be
            with contextlib.suppress(RuntimeError):
                await socket.close(REFUSED)
            return
        sending = asyncio.create_task(self._send_all(viewer, socket))
        try:
            while (text := (await socket.receive()).get("text")) is not None:
                for message in read_messages(text) or ():
                    self.heard(viewer, message)
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.left(viewer)
            sending.cancel()

    async def _greeted(self, socket: WebSocket) -> Viewer | None:
        """The viewer of a socket that has said hello with the right key."""
        first = await asyncio.wait_for(socket.receive_text(), self.params.hello_s)
        hello = (read_messages(first) or [{}])[0]
        key, page = hello.get("key"), hello.get("page")
        if hello.get("type") != "hello" or not isinstance(key, str) or not self.access.is_known(key):
            return None
        return Viewer(page[:64] if isinstance(page, str) else "")

    async def _send_all(self, viewer: Viewer, socket: WebSocket) -> None:
        """Sends what is due until the page leaves; waits for a slow page, which then gets the newest state only."""
        from starlette.websockets import WebSocketDisconnect

        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                for message in self.due(viewer):
                    await socket.send_text(_text(message))
                if viewer.close_code is not None:
                    await socket.close(viewer.close_code)
                    return
                await viewer.due(self.params.quiet_s)

    async def _watch(self) -> None:
        """Lets go of polling pages that fell silent, and renews a code that nobody used."""
        while True:
            await asyncio.sleep(self.params.check_s)
            now = time.monotonic()
            for viewer in self.viewers:
                if viewer.is_polling and now - viewer.seen_at > self.params.poll_gone_s:
                    self.left(viewer)
            if self.access.pairing is not None and self.access.pairing.renewed(time.monotonic_ns()):
                self._show(self.url)


def _text(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"), allow_nan=False)

"""The phone's own browser as a sensor: a page that this computer serves over TLS in the home network; no app needed.

The page is paired once by the code in its address (`pairing.py`), then sends what it measures over a WebSocket, or by
POST where the browser refuses that. It keeps what was not acknowledged, so that an absence of some seconds loses
nothing. Every message is stamped and handed on untouched; `decode/phone_page.py` reads it.

| request | from | answer |
|---|---|---|
| `GET /`, `/page.js`, `/page.css` | anybody | the page, which holds nothing secret |
| `GET /pair` | this computer only | the code as a picture |
| `POST /join`, code as bearer | the page, once | its key and where it is worn; 403 |
| `POST /hello`, key as bearer | the page, before it sends | where it is worn, how far it was heard; 403 |
| `/stream?key=`, WebSocket | the page | frames in, acknowledgements out |
| `POST /packets`, key as bearer | the page | frames in, acknowledgement out |
| `POST /stop`, key as bearer | the page | the last frames; the person wants to end |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.decode.phone_page_frame import FrameError, PageFrame, decode_frames
from sensorsoma.errors import DeviceNotFoundError, SourceError
from sensorsoma.messages import Input, Packet, Placement, SourceStatus, StreamInterrupted, StreamResumed, UserMark
from sensorsoma.serving.address import lan_address
from sensorsoma.serving.http import end_server, make_server, open_port, read_body
from sensorsoma.serving.pairing import Pairings
from sensorsoma.serving.qr import qr_svg
from sensorsoma.serving.tls import TlsFiles
from sensorsoma.units import NS_PER_S

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.websockets import WebSocket

Put = Callable[[Input | SourceStatus], None]
State = Literal["searching", "connecting", "streaming", "lost", "stopped"]

DEFAULT_PORT = 8443
"""The usual second choice for TLS; ports below 1024 are reserved for the system."""

REPLACED = 4001
"""Close code of a socket whose page was opened a second time; `page.js` knows it."""

REFUSALS = {
    "unknown": "This code is not known here.",
    "used": "This code has been used already, and it works only once.",
    "expired": "This code has grown old.",
}
"""Why a code is refused, for the phone's screen."""

_NOT_PAIRED = "This page is not paired with the session that is running."

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' wss:; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "accelerometer=(self), gyroscope=(self), screen-wake-lock=(self), fullscreen=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True)
class PageSourceParams:
    """Limits and patience."""

    max_body_bytes: int = 256 * 1024
    """Largest message: the 20 s that the page keeps are 40 kB."""
    silent_s: float = 2.0
    """Session time without a frame, of which twenty come each second, after which the phone is away."""
    find_s: float = 900.0
    """How long to wait for the first phone: time to scan the code and to be asked about the certificate."""
    ack_s: float = 0.25
    """Session time between acknowledgements on a socket."""
    check_s: float = 0.25
    """Real time between looks at the watch."""


@dataclass(slots=True)
class _Phone:
    """One placement's state."""

    channel: Placement
    has_greeted: bool = False
    """Whether its page has said hello to this listener."""
    clock: int | None = None
    """Which run of the page's clock was heard last, and ..."""
    got: int = 0
    """... up to which number."""
    last_ns: int | None = None
    """Arrival of the newest samples; None before the first."""
    is_away: bool = False
    is_stopped: bool = False
    socket: WebSocket | None = None


class PhonePageSource:
    """Serves the page and delivers what phones send until cancelled.

    Args:
        pairings: which placements wait for a phone, and which phones are known.
        clock: session time.
        tls: certificate and key, see `tls.py`.
        port: where to listen; 0 takes any free one.
        host: which of this computer's addresses to listen on; all by default, since the phone comes from outside.
        name: by which name or address the phone reaches this computer; found out by default.
        show: shows the address with its code to the person; by default it stands on the page `/pair` only.
        params: limits and patience.
    """

    def __init__(
        self,
        pairings: Pairings[Placement],
        clock: Clock,
        tls: TlsFiles,
        port: int = DEFAULT_PORT,
        host: str = "0.0.0.0",
        name: str | None = None,
        show: Callable[[str], None] | None = None,
        params: PageSourceParams | None = None,
    ) -> None:
        self.port = port
        """The port that is listened on; known once `run` has begun if it was 0."""
        self._pairings = pairings
        self._phones = {placement: _Phone(placement) for placement in pairings.places}
        self._clock = clock
        self._tls = tls
        self._host = host
        self._name = name
        self._show = show
        self._params = params or PageSourceParams()
        self._put: Put = lambda _message: None

    def url(self, channel: str) -> str:
        """The page's address for a phone, with its code as long as one waits to be used."""
        default = lan_address() if self._host in ("0.0.0.0", "::") else self._host
        token = self._pairings.token(channel)
        return f"https://{self._name or default}:{self.port}/" + (f"#{token}" if token else "")

    async def run(self, put: Put) -> None:
        """Serves until cancelled.

        Raises:
            SourceError: the port cannot be used.
            DeviceNotFoundError: no phone was paired within `find_s`.
        """
        self._put = put
        listening = open_port(self._host, self.port, "choose another phone_page_port in the config")
        self.port = listening.getsockname()[1]
        server = make_server(
            self.app(), ws="websockets-sansio", ws_max_size=self._params.max_body_bytes, ws_per_message_deflate=False,
            ssl_certfile=str(self._tls.certificate), ssl_keyfile=str(self._tls.key),
        )  # fmt: skip
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        self._pairings.renewed(self._clock.now_ns())
        for phone in self._phones.values():
            self._invite(phone)
        try:
            await self._watch(serving)
        finally:
            await end_server(server, serving)
            listening.close()
            for phone in self._phones.values():
                self._tell(phone, "stopped")

    # ---------------------------------------------------------------------------------------------- the pages

    def app(self) -> Starlette:
        """The web application, as the table at the top has it."""
        from starlette.applications import Starlette
        from starlette.routing import Route, WebSocketRoute

        return Starlette(
            routes=[
                Route("/", _file("page.html", "text/html")),
                Route("/page.js", _file("page.js", "text/javascript")),
                Route("/page.css", _file("page.css", "text/css")),
                Route("/favicon.ico", _no_icon),
                Route("/pair", self._pair_page),
                Route("/join", self._join, methods=["POST"]),
                Route("/hello", self._hello, methods=["POST"]),
                Route("/packets", self._packets, methods=["POST"]),
                Route("/stop", self._stop, methods=["POST"]),
                WebSocketRoute("/stream", self._stream),
            ]
        )

    async def _pair_page(self, request: Request) -> Response:
        """The code, for this computer's own browser: nobody else may see it."""
        is_here = request.client is not None and request.client.host in ("127.0.0.1", "::1")
        if not is_here or request.url.hostname not in ("127.0.0.1", "::1", "localhost"):
            return _answer(403, f"The code is shown on the computer itself, at https://localhost:{self.port}/pair")
        codes = "\n".join(self._code(phone.channel) for phone in self._phones.values())
        return _answer(200, web_file("pair.html").replace("{codes}", codes), "text/html")

    def _code(self, channel: Placement) -> str:
        title = f"<h2>For the {_spoken(channel)}</h2>"
        if self._pairings.token(channel) is None:
            return f"{title}\n<p>A phone is paired.</p>"
        url = self.url(channel)
        picture = f'<div class="code" role="img" aria-label="QR code of the address below">{qr_svg(url)}</div>'
        return f'{title}\n{picture}\n<p class="url">{url}</p>'

    # ------------------------------------------------------------------------------------------------ pairing

    async def _join(self, request: Request) -> Response:
        found = self._pairings.redeem(_bearer(request), self._clock.now_ns())
        if isinstance(found, str):
            return _answer(403, REFUSALS[found])
        channel, key = found
        self._tell(self._phones[channel], "connecting", "The phone is paired; tap Start on it.")
        return _json({"key": key, "place": _spoken(channel)})

    async def _hello(self, request: Request) -> Response:
        phone = self._phone_of(_bearer(request))
        if phone is None:
            return _answer(403, _NOT_PAIRED)
        # what a page kept for an earlier listener is not for this one
        is_fresh, phone.has_greeted, phone.is_stopped = not phone.has_greeted, True, False
        return _json({"place": _spoken(phone.channel), "fresh": is_fresh, "clock": phone.clock, "got": phone.got})

    def _phone_of(self, key: str) -> _Phone | None:
        placement = self._pairings.place_of(key)
        return None if placement is None else self._phones.get(placement)

    # -------------------------------------------------------------------------------------------- what arrives

    async def _packets(self, request: Request) -> Response:
        phone = self._phone_of(_bearer(request))
        if phone is None:
            return _answer(403, _NOT_PAIRED)
        if not phone.has_greeted:
            return _json({"fresh": True})
        body = await _body(request, self._params.max_body_bytes)
        if not isinstance(body, bytes):
            return body
        self._arrived(phone, body)
        return _json({"clock": phone.clock, "got": phone.got})

    async def _stop(self, request: Request) -> Response:
        phone = self._phone_of(_bearer(request))
        if phone is None:
            return _answer(403, _NOT_PAIRED)
        body = await _body(request, self._params.max_body_bytes)
        if not isinstance(body, bytes):
            return body
        if phone.has_greeted and body:
            self._arrived(phone, body)
        if not phone.is_stopped:
            phone.is_stopped = True
            self._tell(phone, "stopped", "The session was stopped on the phone.")
            self._put(UserMark(self._clock.now_ns(), "stop"))
        return _json({})

    async def _stream(self, socket: WebSocket) -> None:
        from starlette.websockets import WebSocketDisconnect

        phone = self._phone_of(socket.query_params.get("key", ""))
        if phone is None or not _is_same_origin(socket):
            await socket.close()  # before it is accepted: the browser sees 403
            return
        phone.has_greeted = True
        await socket.accept()
        older, phone.socket = phone.socket, socket
        if older is not None:
            with contextlib.suppress(RuntimeError):  # it was closing already
                await older.close(REPLACED)
        acked_ns = 0
        try:
            while True:
                payload = (await socket.receive()).get("bytes")
                if payload is None:
                    break
                self._arrived(phone, payload)
                now_ns = self._clock.now_ns()
                if now_ns - acked_ns >= self._params.ack_s * NS_PER_S:
                    acked_ns = now_ns
                    await socket.send_text(json.dumps({"clock": phone.clock, "got": phone.got}))
        except (WebSocketDisconnect, RuntimeError):  # gone while it was being answered
            pass
        finally:
            if phone.socket is socket:
                phone.socket = None

    def _arrived(self, phone: _Phone, payload: bytes) -> None:
        """Hands on one message; bytes that are no frames go on too, to be counted as such."""
        now_ns = self._clock.now_ns()
        frames: list[PageFrame] = []
        with contextlib.suppress(FrameError):
            frames = decode_frames(payload)
        for frame in frames:
            is_same = frame.clock == phone.clock
            phone.clock, phone.got = frame.clock, max(phone.got, frame.end) if is_same else frame.end
        if phone.is_away:
            phone.is_away = False
            self._put(StreamResumed(now_ns, phone.channel))
            self._tell(phone, "streaming", "The phone is back.")
        elif phone.last_ns is None and frames:
            self._tell(phone, "streaming", _first_words(frames))
        if frames:
            phone.last_ns = now_ns
        self._put(Packet(now_ns, phone.channel, payload))

    # ------------------------------------------------------------------------------------------------ the watch

    async def _watch(self, serving: asyncio.Task[None]) -> None:
        """Notices phones that fall silent, codes that grow old, and a server that ends by itself."""
        begin_ns = self._clock.now_ns()
        while not serving.done():
            await asyncio.wait([serving], timeout=self._params.check_s)
            now_ns = self._clock.now_ns()
            for channel in self._pairings.renewed(now_ns):
                self._invite(self._phones[channel])
            for phone in self._phones.values():
                self._check(phone, now_ns)
            is_nobody = all(self._pairings.token(channel) is not None for channel in self._phones)
            if is_nobody and now_ns - begin_ns > self._params.find_s * NS_PER_S:
                raise DeviceNotFoundError(
                    f"No phone has opened the page on port {self.port}; check that it is in the same Wi-Fi and that "
                    "this computer's firewall lets it in."
                )
        why = serving.exception() if not serving.cancelled() else None
        raise SourceError(f"The page for phones ended by itself: {why or 'no reason was given'}.")

    def _check(self, phone: _Phone, now_ns: int) -> None:
        if phone.last_ns is None or phone.is_away or phone.is_stopped:
            return
        if now_ns - phone.last_ns <= self._params.silent_s * NS_PER_S:
            return
        phone.is_away = True
        reason = f"nothing came from the phone for {self._params.silent_s:.0f} s"
        self._put(StreamInterrupted(now_ns, phone.channel, reason))
        self._tell(phone, "lost", "The phone is silent: is its page in front and the screen on? The guidance goes on.")

    def _invite(self, phone: _Phone) -> None:
        """Shows the code; the status, which goes into the recording, does not hold it."""
        if self._pairings.token(phone.channel) is None:
            self._tell(phone, "searching", "The phone is paired; tap Start on it if it does not measure yet.")
            return
        if self._show is not None:
            self._show(self.url(phone.channel))
        here = f"https://localhost:{self.port}/pair"
        self._tell(phone, "searching", f"Scan the code with the phone; it is also at {here} on this computer.")

    def _tell(self, phone: _Phone, state: State, text: str = "") -> None:
        self._put(SourceStatus(self._clock.now_ns(), phone.channel, state, text, device_name="phone"))


def _first_words(frames: list[PageFrame]) -> str:
    has_gyr = not any(np.isnan(frame.rot_page_dps).any() for frame in frames)
    return "The phone measures." if has_gyr else "The phone measures, without a gyroscope: some things stay unseen."


def _spoken(channel: str) -> str:
    """A placement as words: "right thigh"."""
    return channel.replace("-", " ")


def _bearer(request: HTTPConnection) -> str:
    """The secret of a request; empty when there is none."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.casefold() == "bearer" else ""


def _is_same_origin(socket: WebSocket) -> bool:
    """Whether a socket was opened by the page itself; programs that are no browser name no origin."""
    origin = socket.headers.get("origin")
    return origin is None or origin.partition("://")[2] == socket.headers.get("host")


async def _body(request: Request, limit: int) -> bytes | Response:
    from starlette.requests import ClientDisconnect

    try:
        body = await read_body(request, limit)
    except ClientDisconnect:  # half a message is none: the page sends it again
        return _answer(400)
    return _answer(413, "Too much at once.") if body is None else body


def _file(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    """What answers with a file of the page."""

    async def endpoint(_request: Request) -> Response:
        return _answer(200, web_file(name), kind)

    return endpoint


def web_file(name: str) -> str:
    """A file of the phone's page, which travels with the package."""
    return (Path(__file__).parent / "web" / name).read_text(encoding="utf-8")


async def _no_icon(_request: Request) -> Response:
    return _answer(204)


def _json(value: Any) -> Response:
    return _answer(200, json.dumps(value), "application/json")


def _answer(status: int, text: str = "", kind: str = "text/plain") -> Response:
    from starlette.responses import Response

    return Response(text, status, headers=_HEADERS, media_type=kind)

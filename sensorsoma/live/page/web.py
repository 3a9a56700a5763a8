"""What every answer of the page's server has in common: files, headers, and the door that foreign pages fail."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
    from starlette.routing import Route
    from starlette.types import ASGIApp, Receive, Scope, Send

WEB = Path(__file__).parent / "web"
"""The page's files, which travel with the package."""

_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
    "media-src 'self' blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from elsewhere, nothing written into the page; `ws:` stands there for browsers that do not count a socket to
the same host as `self`."""

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Permissions-Policy": "autoplay=(self), screen-wake-lock=(self), fullscreen=(self)",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def web_files(folder: Path) -> list[Route]:
    """A route for the page itself and each of its files; they are read when they are asked for."""
    from starlette.routing import Route

    files = sorted(path for path in folder.glob("*") if path.suffix in _KINDS)
    return [
        Route("/", _file(folder / "coach.html", "text/html")),
        Route("/favicon.ico", _no_icon),
        *(Route(f"/{path.name}", _file(path, _KINDS[path.suffix])) for path in files),
    ]


def _file(path: Path, kind: str) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(_request: Request) -> Response:
        return answer(200, await asyncio.to_thread(path.read_bytes), kind)

    return endpoint


async def _no_icon(_request: Request) -> Response:
    return answer(204)


def answer(status: int, content: str | bytes = "", kind: str = "text/plain") -> Response:
    """An answer with the headers that all have."""
    from starlette.responses import Response

    return Response(content, status, headers=_HEADERS, media_type=kind)


def answer_json(value: Any) -> Response:
    """An answer for a program."""
    return answer(200, json.dumps(value, separators=(",", ":"), allow_nan=False), "application/json")


def bearer(request: HTTPConnection) -> str:
    """The secret of a request; empty when there is none."""
    kind, _, secret = request.headers.get("authorization", "").partition(" ")
    return secret.strip() if kind.casefold() == "bearer" else ""


class Guard:
    """Turns away requests that name another host or come from another page, before anything looks at them."""

    def __init__(self, app: ASGIApp, is_welcome: Callable[[Iterable[tuple[bytes, bytes]]], bool]) -> None:
        self._app = app
        self._is_welcome = is_welcome

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or self._is_welcome(scope["headers"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await answer(403, "This page is opened by the address that SensorSoma shows.")(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the browser sees 403

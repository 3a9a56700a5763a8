"""What the small web servers share: the port, a server that leaves signals alone, bodies with a limit."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Any

from sensorsoma.errors import SourceError

if TYPE_CHECKING:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request


def open_port(host: str, port: int, advice: str, loss: str = "the phone cannot be heard") -> socket.socket:
    """A socket that listens.

    Raises:
        SourceError: the port cannot be used; says what is lost by that and ends with the advice.
    """
    try:
        listening = socket.create_server((host, port))
    except (OSError, OverflowError) as error:
        why = "cannot be opened"
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            why = "is used by another program"
        elif isinstance(error, OSError) and error.errno == errno.EACCES:
            why = "is reserved for the system"
        raise SourceError(f"Port {port} on this computer {why}, so {loss}; {advice}.") from error
    # Connections inherit this. asyncio sets it only on sockets that name their protocol, which these do not, and
    # without it an answer in two parts waits 40 ms for the other side's acknowledgement.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


def make_server(app: Starlette, **options: Any) -> uvicorn.Server:
    """A quiet server that leaves Ctrl-C to the session; `options` go to uvicorn."""
    import uvicorn

    class Server(uvicorn.Server):
        """Leaves Ctrl-C to the session."""

        def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override] # same use
            return contextlib.nullcontext()

    config = uvicorn.Config(
        app, log_config=None, log_level="critical", access_log=False, lifespan="off", server_header=False,
        date_header=False, timeout_graceful_shutdown=1, **options,
    )  # fmt: skip
    return Server(config)


async def end_server(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    """Lets a server answer what it is answering, then closes every connection; takes half a second.

    Over TLS a connection waits for the other side's farewell, which a phone that was switched off never sends.
    """
    server.should_exit = True
    await asyncio.wait([serving], timeout=0.5)
    for connection in tuple(server.server_state.connections):
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.abort()
    await asyncio.wait([serving], timeout=2.0)
    serving.cancel()
    await asyncio.sleep(0.01)  # closing is done in the loop's next turns


async def read_body(request: Request, limit: int) -> bytes | None:
    """The body; None when it is longer than `limit` bytes, of which no more is read then.

    Raises:
        starlette.requests.ClientDisconnect: the other side left in the middle.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)

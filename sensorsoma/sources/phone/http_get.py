"""One HTTP/1.1 GET over asyncio, for the small servers that run inside phone apps.

A new connection for each request: such servers often mishandle a second one. The path goes out exactly as it is given,
because one spelling of a reserved letter may be understood where another is not.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass


class NoAnswerError(Exception):
    """No whole answer came; says why in a few words."""


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """A whole answer."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpParams:
    """Limits and patience; real seconds."""

    connect_s: float = 2.0
    """Until the phone accepts: within a home network it takes some hundredths, and a second when it was asleep."""
    silent_s: float = 2.0
    """Without a byte for this long the answer is given up; a large one may take longer altogether."""
    max_body_bytes: int = 16 * 1024 * 1024
    """Largest answer that is read."""


async def http_get(host: str, port: int, path: str, params: HttpParams | None = None) -> HttpAnswer:
    """What the server answers, whatever its status.

    Args:
        host: name or address.
        port: TCP port.
        path: with query, encoded as the server wants it.
        params: limits and patience.

    Raises:
        NoAnswerError: nobody there, or the answer is cut short, malformed, too slow or too large.
    """
    p = params or HttpParams()
    try:
        async with asyncio.timeout(p.connect_s):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError as error:
        raise NoAnswerError("it does not answer") from error
    except (OSError, UnicodeError) as error:
        raise NoAnswerError(_reason(error)) from error
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        return await _read(reader, p)
    except TimeoutError as error:
        raise NoAnswerError("its answer takes too long") from error
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError) as error:
        raise NoAnswerError("its answer is cut short") from error
    except OSError as error:
        raise NoAnswerError(_reason(error)) from error
    finally:
        with contextlib.suppress(OSError, RuntimeError):
            writer.close()


def _reason(error: Exception) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "nobody listens there"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return "its address is not understood"


async def _read(reader: asyncio.StreamReader, p: HttpParams) -> HttpAnswer:
    async with asyncio.timeout(p.silent_s):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    words = head[0].split(" ", 2)
    if len(words) < 2 or not words[0].startswith("HTTP/"):
        raise NoAnswerError("it does not speak HTTP")
    headers = {key.strip().lower(): value.strip() for key, _, value in (line.partition(":") for line in head[1:])}
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = await _read_chunks(reader, p)
    elif "content-length" in headers:
        body = await _read_exactly(reader, int(headers["content-length"]), p)
    else:
        body = await _read_to_end(reader, p)
    return HttpAnswer(int(words[1]), body)


async def _read_exactly(reader: asyncio.StreamReader, n: int, p: HttpParams) -> bytes:
    if not 0 <= n <= p.max_body_bytes:
        raise NoAnswerError("its answer is too large")
    body = bytearray()
    while len(body) < n:
        piece = await _read_some(reader, n - len(body), p)
        if not piece:
            raise NoAnswerError("its answer is cut short")
        body += piece
    return bytes(body)


async def _read_to_end(reader: asyncio.StreamReader, p: HttpParams) -> bytes:
    body = bytearray()
    while piece := await _read_some(reader, 65536, p):
        body += piece
        if len(body) > p.max_body_bytes:
            raise NoAnswerError("its answer is too large")
    return bytes(body)


async def _read_chunks(reader: asyncio.StreamReader, p: HttpParams) -> bytes:
    body = bytearray()
    while True:
        async with asyncio.timeout(p.silent_s):
            line = await reader.readuntil(b"\r\n")
        size = int(line.partition(b";")[0].strip(), 16)
        if size == 0:
            return bytes(body)
        if len(body) + size > p.max_body_bytes:
            raise NoAnswerError("its answer is too large")
        body += await _read_exactly(reader, size, p)
        async with asyncio.timeout(p.silent_s):
            await reader.readexactly(2)


async def _read_some(reader: asyncio.StreamReader, n: int, p: HttpParams) -> bytes:
    async with asyncio.timeout(p.silent_s):
        return await reader.read(n)

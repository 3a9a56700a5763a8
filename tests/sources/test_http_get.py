"""One GET against small servers that do it in their own ways."""

from __future__ import annotations

import asyncio
import socket

import pytest

from sensorsoma.sources.phone.http_get import HttpAnswer, HttpParams, NoAnswerError, http_get

QUICK = HttpParams(connect_s=0.5, silent_s=0.15, max_body_bytes=1000)


def ask(*pieces: bytes, path: str = "/x", is_closing: bool = True) -> tuple[HttpAnswer | str, bytes]:
    """What comes of a question to a server that says these pieces, and the question as it arrived."""

    async def both() -> tuple[HttpAnswer | str, bytes]:
        heard = b""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal heard
            heard = await reader.readuntil(b"\r\n\r\n")
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.01)
            if not is_closing:
                await asyncio.sleep(0.5)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            return await http_get("127.0.0.1", server.sockets[0].getsockname()[1], path, QUICK), heard
        except NoAnswerError as error:
            return str(error), heard
        finally:
            server.close()

    return asyncio.run(both())


@pytest.mark.parametrize(
    "pieces",
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe", b"llo"),
        (b"HTTP/1.0 200\r\n\r\nhel", b"lo"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", b"3;x=y\r\nllo\r\n0\r\n\r\n"),
    ],
    ids=["length", "in pieces", "to the end", "chunked"],
)
def test_every_way_of_ending_an_answer_is_understood(pieces: tuple[bytes, ...]) -> None:
    """Length, chunks or the end of the connection: the body is the same."""
    assert ask(*pieces)[0] == HttpAnswer(200, b"hello")


def test_a_connection_that_stays_open_is_not_waited_for() -> None:
    """A server that keeps the connection does not hold up the answer."""
    assert ask(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", is_closing=False)[0] == HttpAnswer(404, b"no")


def test_the_path_goes_out_as_it_is() -> None:
    """No letter of it is encoded or decoded on the way, and the server is asked to hang up."""
    heard = ask(b"HTTP/1.1 200 OK\r\n\r\n", path="/get?a=1|b&c=1%7Cb")[1]
    assert heard.startswith(b"GET /get?a=1|b&c=1%7Cb HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"Connection: close" in heard


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ((), "its answer is cut short"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhel",), "its answer is cut short"),
        ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhel",), "its answer is cut short"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nhello",), "its answer is cut short"),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",), "its answer is too large"),
        ((b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,), "its answer is too large"),
        ((b"SSH-2.0-OpenSSH\r\n\r\n",), "it does not speak HTTP"),
    ],
)
def test_half_an_answer_is_none(pieces: tuple[bytes, ...], words: str) -> None:
    """Cut short, too large or another protocol: a few words say so."""
    assert ask(*pieces)[0] == words


def test_silence_is_bounded() -> None:
    """A server that says nothing, or stops in the middle, is given up."""
    assert ask(is_closing=False)[0] == "its answer takes too long"
    assert ask(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhe", is_closing=False)[0] == "its answer takes too long"


def test_nobody_there_is_said() -> None:
    """A closed port and a name that does not exist are told apart from silence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(NoAnswerError, match="nobody listens there"):
        asyncio.run(http_get("127.0.0.1", port, "/", QUICK))
    with pytest.raises(NoAnswerError):
        asyncio.run(http_get("a" * 300, port, "/", QUICK))

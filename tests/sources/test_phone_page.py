"""The page's server over real TLS on the loopback interface: who is let in, and what arrives."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sensorsoma.clock import Clock
from sensorsoma.decode.phone_page import PhonePageDecoder
from sensorsoma.decode.phone_page_frame import encode_frame, page_frame
from sensorsoma.errors import DeviceNotFoundError, SourceError
from sensorsoma.messages import (
    Gap,
    ImuBlock,
    Packet,
    Placement,
    SourceStatus,
    StreamInterrupted,
    StreamResumed,
    UserMark,
)
from sensorsoma.serving.pairing import Pairings
from sensorsoma.serving.tls import TlsFiles, own_certificate
from sensorsoma.sources.phone.page import PageSourceParams, PhonePageSource

CHANNEL = "right-thigh"
Client = Callable[[httpx.AsyncClient, PhonePageSource], Awaitable[None]]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A certificate for this computer."""
    return own_certificate(tmp_path_factory.mktemp("tls"), ["127.0.0.1", "localhost"])


def frame(index: int, clock: int = 7, sign: int = 1) -> bytes:
    """The index-th frame of a phone that lies still: three samples in 50 ms."""
    ms = 1000.0 + 50.0 * index + np.array([0.0, 16.7, 33.3])
    return encode_frame(page_frame(clock, 3 * index, ms, [[0.0, 0.1, 9.8]] * 3, [[0.1, 0.0, index % 7]] * 3, sign))


def trusting(tls: TlsFiles) -> ssl.SSLContext:
    """What a phone does that was told once: trusts exactly this certificate."""
    return ssl.create_default_context(cafile=str(tls.certificate))


def serve(
    client: Client,
    tls: TlsFiles,
    pairings: Pairings[Placement] | None = None,
    shown: list[str] | None = None,
    params: PageSourceParams | None = None,
) -> list[Any]:
    """Everything that a source puts while a client talks to it; then it is cancelled and the port is free again."""

    async def both() -> list[Any]:
        put: list[Any] = []
        is_up = asyncio.Event()
        clock = Clock()
        pairs = pairings or Pairings([CHANNEL], clock.now_ns())
        show = None if shown is None else shown.append
        source = PhonePageSource(pairs, clock, tls, 0, "127.0.0.1", show=show, params=params)

        def take(message: Any) -> None:
            put.append(message)
            is_up.set()

        running = asyncio.create_task(source.run(take))
        await asyncio.wait_for(is_up.wait(), 10)
        try:
            base = f"https://127.0.0.1:{source.port}"
            async with httpx.AsyncClient(verify=trusting(tls), timeout=10, base_url=base) as http:
                await client(http, source)
        finally:
            running.cancel()
            await asyncio.wait([running], timeout=5)
        assert running.cancelled()
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(("127.0.0.1", source.port))
        return put

    return asyncio.run(both())


def bearer(secret: str | None) -> dict[str, str]:
    """The header that carries a code or a key."""
    return {"Authorization": f"Bearer {secret}"}


async def pair(http: httpx.AsyncClient, source: PhonePageSource, channel: str = CHANNEL) -> str:
    """What the page does first: hands in the code of its address, gets a key, says hello."""
    token = source.url(channel).partition("#")[2]
    answer = await http.post("/join", headers=bearer(token))
    assert answer.status_code == 200
    key: str = answer.json()["key"]
    assert (await http.post("/hello", headers=bearer(key))).json()["fresh"] is True
    return key


def stream(source: PhonePageSource, tls: TlsFiles, key: str, **options: Any) -> connect:
    """A WebSocket as the page opens it."""
    return connect(f"wss://127.0.0.1:{source.port}/stream?key={key}", ssl=trusting(tls), proxy=None, **options)


def of(put: list[Any], kind: type) -> list[Any]:
    """Messages of one kind among what was put."""
    return [message for message in put if isinstance(message, kind)]


def states(put: list[Any]) -> list[str]:
    """The states among what was put."""
    return [message.state for message in of(put, SourceStatus)]


def test_frames_over_a_socket_arrive_untouched_and_are_acknowledged(tls: TlsFiles) -> None:
    """Each message becomes one packet as it came, and the page is told up to which number it was heard."""
    sent = [frame(index) for index in range(12)]

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        async with stream(source, tls, key, origin=f"https://127.0.0.1:{source.port}") as socket:
            for payload in sent[:6]:
                await socket.send(payload)
            assert json.loads(await socket.recv())["clock"] == 7
            await asyncio.sleep(0.3)
            for payload in sent[6:]:
                await socket.send(payload)
            assert json.loads(await socket.recv()) == {"clock": 7, "got": 21}

    put = serve(client, tls)
    assert [packet.payload for packet in of(put, Packet)] == sent
    assert states(put) == ["searching", "connecting", "streaming", "stopped"]
    blocks = of([one for packet in of(put, Packet) for one in PhonePageDecoder(CHANNEL, 0, {}).feed(packet)], ImuBlock)
    assert blocks[0].acc_sensor_mps2[0].round(3).tolist() == [0.0, 0.1, 9.8]


def test_a_wrong_a_reused_and_an_old_code_are_refused(tls: TlsFiles) -> None:
    """403 with a calm sentence; nothing of it reaches the session."""
    pairings = Pairings([CHANNEL, "belly"], Clock().now_ns(), life_s=1.0)

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        async def refusal(secret: str | None) -> str:
            answer = await http.post("/join", headers=bearer(secret))
            assert answer.status_code == 403
            return answer.text

        token = source.url(CHANNEL).partition("#")[2]
        assert await refusal("wrong") == await refusal(token[:-1]) == "This code is not known here."
        assert (await http.post("/join")).status_code == 403
        await pair(http, source)
        assert await refusal(token) == "This code has been used already, and it works only once."
        assert source.url(CHANNEL).partition("#")[2] == ""
        old = source.url("belly").partition("#")[2]
        await asyncio.sleep(1.05)
        assert await refusal(old) in ("This code has grown old.", "This code is not known here.")

    assert of(serve(client, tls, pairings), Packet) == []


def test_without_the_key_nothing_is_taken(tls: TlsFiles) -> None:
    """Frames, hellos and stops need the key; so does the socket, and it must come from the page itself."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        token = source.url(CHANNEL).partition("#")[2]
        key = await pair(http, source)
        for path in ("/packets", "/hello", "/stop"):
            for secret in ("none", "wrong", token):
                answer = await http.post(path, headers=bearer(secret), content=frame(0))
                assert (answer.status_code, "not paired" in answer.text) == (403, True)
            assert (await http.get(path, headers=bearer(key))).status_code == 405
        for secret, origin in (("wrong", None), (token, None), (key, "https://elsewhere.example")):
            with pytest.raises(InvalidStatus) as caught:
                async with stream(source, tls, secret, origin=origin):
                    pass
            assert caught.value.response.status_code == 403

    put = serve(client, tls)
    assert of(put, Packet) == of(put, UserMark) == []


def test_posts_do_what_the_socket_does(tls: TlsFiles) -> None:
    """Where a browser refuses the socket, several frames go into one body, and the answer acknowledges them."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        for begin in range(0, 12, 4):
            body = b"".join(frame(index) for index in range(begin, begin + 4))
            answer = await http.post("/packets", headers=bearer(key), content=body)
            assert answer.json() == {"clock": 7, "got": 3 * (begin + 4)}

    put = serve(client, tls)
    made = PhonePageDecoder(CHANNEL, of(put, Packet)[0].host_ns, {})
    out = [one for packet in of(put, Packet) for one in made.feed(packet)]
    assert sum(len(block.t_s) for block in of(out, ImuBlock)) + made.n_repeats == 36
    assert of(out, Gap) == []


def test_a_reconnect_goes_on_where_it_was(tls: TlsFiles) -> None:
    """After a broken socket hello tells how far the page was heard; it sends the rest again and nothing is missing."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        async with stream(source, tls, key) as socket:
            for index in range(4):
                await socket.send(frame(index))
            await socket.recv()
            socket.transport.abort()  # the Wi-Fi is gone
        await asyncio.sleep(0.5)
        told = (await http.post("/hello", headers=bearer(key))).json()
        assert (told["fresh"], told["clock"]) == (False, 7)
        begin = told["got"] // 3
        assert begin <= 4
        async with stream(source, tls, key) as socket:
            await socket.send(b"".join(frame(index) for index in range(max(0, begin - 1), 12)))
            assert json.loads(await socket.recv())["got"] == 36

    params = PageSourceParams(silent_s=0.2, check_s=0.02)
    put = [one for one in serve(client, tls, params=params) if not isinstance(one, SourceStatus)]
    kinds = [type(message).__name__ for message in put]
    assert kinds[-3:] == ["StreamInterrupted", "StreamResumed", "Packet"]
    made = PhonePageDecoder(CHANNEL, of(put, Packet)[0].host_ns, {})
    out: list[Any] = []
    for message in put:
        if isinstance(message, StreamResumed):
            made.resumed(message.host_ns)
        elif isinstance(message, Packet):
            out += made.feed(message)
    assert sum(len(block.t_s) for block in of(out, ImuBlock)) + made.n_repeats == 36
    assert of(out, Gap) == []


def test_a_listener_that_is_new_wants_only_what_is_new(tls: TlsFiles) -> None:
    """Between the check and the session the page keeps its key; a post without hello is answered and not taken."""
    clock = Clock()
    pairings = Pairings([CHANNEL], clock.now_ns())
    keys: list[str] = []

    async def first(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        keys.append(await pair(http, source))
        await http.post("/packets", headers=bearer(keys[0]), content=frame(0))

    async def second(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        assert (await http.post("/packets", headers=bearer(keys[0]), content=frame(1))).json() == {"fresh": True}
        assert (await http.post("/hello", headers=bearer(keys[0]))).json()["fresh"] is True
        assert (await http.post("/packets", headers=bearer(keys[0]), content=frame(9))).json()["got"] == 30

    assert len(of(serve(first, tls, pairings), Packet)) == 1
    shown: list[str] = []
    put = serve(second, tls, pairings, shown)
    assert [packet.payload for packet in of(put, Packet)] == [frame(9)]
    assert shown == []
    assert "paired" in of(put, SourceStatus)[0].text


def test_silence_is_noticed_and_the_return_too(tls: TlsFiles) -> None:
    """A page that is hidden or away is said to be silent once, and to be back with its next frame."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        await http.post("/packets", headers=bearer(key), content=frame(0))
        await asyncio.sleep(0.5)
        await http.post("/packets", headers=bearer(key), content=frame(10))

    put = serve(client, tls, params=PageSourceParams(silent_s=0.2, check_s=0.02))
    assert states(put) == ["searching", "connecting", "streaming", "lost", "streaming", "stopped"]
    assert [type(one) for one in put if isinstance(one, StreamInterrupted | StreamResumed)] == [
        StreamInterrupted, StreamResumed,
    ]  # fmt: skip


def test_stop_on_the_phone_asks_the_session_to_end(tls: TlsFiles) -> None:
    """The last frames are taken first; however often it is pressed, the session is asked once."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        await http.post("/packets", headers=bearer(key), content=frame(0))
        for _ in range(2):
            assert (await http.post("/stop", headers=bearer(key), content=frame(1))).status_code == 200
        await asyncio.sleep(0.3)

    put = serve(client, tls, params=PageSourceParams(silent_s=0.1, check_s=0.02))
    kinds = [type(one).__name__ for one in put if not isinstance(one, SourceStatus)]
    assert kinds == ["Packet", "Packet", "UserMark", "Packet"]
    assert of(put, UserMark)[0].kind == "stop"
    assert "lost" not in states(put)


def test_a_page_opened_twice_measures_once(tls: TlsFiles) -> None:
    """The newer socket wins; the older page is told by a close code that it knows."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        older: ClientConnection = await stream(source, tls, key)
        async with stream(source, tls, key) as newer:
            with pytest.raises(ConnectionClosed) as caught:
                await older.recv()
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 4001
            await newer.send(frame(0))
            await newer.recv()
        await older.close()

    assert len(of(serve(client, tls), Packet)) == 1


def test_too_large_a_message_is_refused(tls: TlsFiles) -> None:
    """By POST with 413, on the socket by closing it; memory stays bounded."""

    async def chunks() -> Any:
        for _ in range(30):
            yield b"x" * 100

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        assert (await http.post("/packets", headers=bearer(key), content=b"x" * 2000)).status_code == 413
        assert (await http.post("/packets", headers=bearer(key), content=chunks())).status_code == 413
        async with stream(source, tls, key) as socket:
            await socket.send(b"x" * 2000)
            with pytest.raises(ConnectionClosed):
                await socket.recv()

    assert of(serve(client, tls, params=PageSourceParams(max_body_bytes=1000)), Packet) == []


def test_bytes_that_are_no_frames_are_handed_on_and_do_not_count_as_measuring(tls: TlsFiles) -> None:
    """They become bad packets in the pipeline; the phone is not said to stream because of them."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        key = await pair(http, source)
        await http.post("/packets", headers=bearer(key), content=b"nonsense")
        async with stream(source, tls, key) as socket:
            await socket.send("text instead of bytes")
            with pytest.raises(ConnectionClosed):
                await socket.recv()

    put = serve(client, tls)
    assert [packet.payload for packet in of(put, Packet)] == [b"nonsense"]
    assert "streaming" not in states(put)


def test_the_code_is_shown_and_never_recorded(tls: TlsFiles) -> None:
    """The person is shown the address, and later a new one; the status, which is recorded, has no secret."""
    shown: list[str] = []
    pairings = Pairings([CHANNEL], Clock().now_ns(), life_s=0.3)
    seen: list[str] = []

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        seen.append(source.url(CHANNEL))
        await asyncio.sleep(0.5)
        seen.append(source.url(CHANNEL))

    put = serve(client, tls, pairings, shown, PageSourceParams(check_s=0.02))
    assert shown[0] == seen[0]
    assert seen[1] in shown[1:]
    secrets = [url.partition("#")[2] for url in seen]
    assert not any(secret in status.text for status in of(put, SourceStatus) for secret in secrets)


def test_the_pairing_page_is_for_this_computer_only(tls: TlsFiles) -> None:
    """At localhost it shows the code; under another name of this computer it says where to look."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        url = source.url(CHANNEL)
        answer = await http.get("/pair")
        assert answer.status_code == 200
        assert url in answer.text
        assert "<svg" in answer.text
        stranger = await http.get("/pair", headers={"Host": f"evil.example:{source.port}"})
        assert stranger.status_code == 403
        assert url.partition("#")[2] not in stranger.text
        await pair(http, source)
        assert "A phone is paired" in (await http.get("/pair")).text

    serve(client, tls)


def test_the_page_is_whole_and_strict(tls: TlsFiles) -> None:
    """Page, script and style come from here, nothing may come from elsewhere, and nothing secret is in them."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        token = source.url(CHANNEL).partition("#")[2]
        for path, kind in (("/", "text/html"), ("/page.js", "text/javascript"), ("/page.css", "text/css")):
            answer = await http.get(path)
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith(kind)
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["cache-control"] == "no-store"
            assert token not in answer.text
            assert "http://" not in answer.text
        assert (await http.get("/favicon.ico")).status_code == 204
        assert (await http.get("/nothing")).status_code == 404

    serve(client, tls)


def test_two_phones_are_told_apart(tls: TlsFiles) -> None:
    """Each code belongs to one placement, and so does each key."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        keys = {channel: await pair(http, source, channel) for channel in ("belly", CHANNEL)}
        for index, channel in enumerate(("belly", CHANNEL, "belly")):
            await http.post("/packets", headers=bearer(keys[channel]), content=frame(index))

    put = serve(client, tls, Pairings([CHANNEL, "belly"], Clock().now_ns()))
    assert [packet.channel for packet in of(put, Packet)] == ["belly", CHANNEL, "belly"]


def test_a_port_that_is_taken_is_one_sentence(tls: TlsFiles) -> None:
    """The sentence names the setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        source = PhonePageSource(Pairings([CHANNEL], 0), Clock(), tls, port, "127.0.0.1")
        with pytest.raises(SourceError, match="phone_page_port"):
            asyncio.run(source.run(lambda _message: None))


def test_nobody_there_is_one_sentence(tls: TlsFiles) -> None:
    """When no phone was ever paired, the wait ends with what to check."""
    params = PageSourceParams(find_s=0.1, check_s=0.02)
    source = PhonePageSource(Pairings([CHANNEL], Clock().now_ns()), Clock(), tls, 0, "127.0.0.1", params=params)
    with pytest.raises(DeviceNotFoundError, match="same Wi-Fi"):
        asyncio.run(source.run(lambda _message: None))


def test_the_certificate_that_is_served_is_ours(tls: TlsFiles, tmp_path: Path) -> None:
    """A browser that was not told to trust it refuses; one that was does not."""

    async def client(http: httpx.AsyncClient, source: PhonePageSource) -> None:
        assert (await http.get("/")).status_code == 200
        async with httpx.AsyncClient() as strict:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await strict.get(f"https://127.0.0.1:{source.port}/")
        served = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", source.port))
        assert served.strip() in tls.certificate.read_text()

    serve(client, tls)

"""Who is let in: the session's own page, one tablet, and nobody else."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from live.page_session import Page, PageSession, Story, page_session, stage
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sensorsoma.clock import Clock
from sensorsoma.live.page.access import tablet_access
from sensorsoma.live.page.server import PageParams, PageServer
from sensorsoma.serving.tls import own_certificate

Tell = Callable[[Story], PageSession]


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    """Runs a story beside a page server."""
    with stage(PageParams(bye_s=0.1)) as told:
        yield told


async def refused(session: PageSession, hello: Any, **options: Any) -> int | None:
    """The code with which a socket is closed; the status when it is not even accepted."""
    try:
        async with session.socket(**options) as socket:
            await socket.send(hello if isinstance(hello, str | bytes) else json.dumps(hello))
            await asyncio.wait_for(socket.recv(), 3)
    except InvalidStatus as error:
        return error.response.status_code
    except ConnectionClosed as ended:
        return None if ended.rcvd is None else ended.rcvd.code
    return None


def test_a_socket_needs_the_key_in_its_first_message(tell: Tell) -> None:
    """A wrong key, none, nonsense, or a mark before the key: closed, and nothing is heard."""

    async def story(session: PageSession) -> None:
        wrong = [{"type": "hello", "key": "x" * 22}, {"type": "hello"}, {"type": "mark", "kind": "stop"}, "no json"]
        assert [await refused(session, hello) for hello in wrong] == [4403] * 4
        half_a_letter = json.dumps({"type": "hello", "key": "\ud800"})
        assert [await refused(session, hello) for hello in (half_a_letter, b"\x00")] == [4403] * 2
        assert not session.marks
        assert await refused(session, {"type": "hello", "key": session.key}) is None

    tell(story)


def test_who_comes_when_all_places_are_taken_or_all_is_over_is_told_so() -> None:
    """With the right key nobody hears that it is wrong: over a socket and by polling."""

    async def story() -> None:
        async with page_session(PageParams(max_viewers=1, bye_s=0.1)) as session:
            hello = {"type": "hello", "key": session.key}
            async with session.page(), session.http() as http:
                assert await refused(session, hello) == 4429
                assert (await http.post("/poll?page=b", json=[])).status_code == 429
            await session.server.say_goodbye()
            async with session.socket() as socket, session.http() as http:
                page = Page(socket)
                await page.send(**hello)
                assert (await page.next())["type"] == "bye"
                assert (await http.post("/poll?page=b", json=[])).json() == [{"type": "bye"}]

    asyncio.run(story())


def test_foreign_pages_and_foreign_names_are_turned_away(tell: Tell) -> None:
    """Neither a page from elsewhere nor a name that was made to point here gets in, even with the key."""

    async def story(session: PageSession) -> None:
        hello = {"type": "hello", "key": session.key}
        port = session.server.port
        assert await refused(session, hello, origin="https://evil.example") == 403
        assert await refused(session, hello, origin=f"http://127.0.0.1:{port + 1}") == 403
        assert await refused(session, hello, origin=f"https://127.0.0.1:{port}") == 403
        for foreign in ({"Origin": "https://evil.example"}, {"Host": f"evil.example:{port}"}, {"Host": "127.0.0.1"}):
            async with session.http(**foreign) as http:
                assert (await http.post("/poll", json=[])).status_code == 403
                assert (await http.get("/")).status_code == 403
        async with session.http(Host=f"localhost:{port}", Origin=f"http://localhost:{port}") as http:
            assert (await http.post("/poll", json=[])).status_code == 200

    tell(story)


def test_a_browser_leaves_out_the_usual_port() -> None:
    """On port 443 a tablet names its host without the port, and only there."""
    access = tablet_access(["192.168.1.5"], 0)
    headers = [(b"host", b"192.168.1.5"), (b"origin", b"https://192.168.1.5")]
    assert access.is_welcome(headers, 443)
    assert not access.is_welcome(headers, 80)
    assert not access.is_welcome([(b"host", b"evil.example")], 443)


def test_a_name_in_capitals_is_the_same_name() -> None:
    """A computer that is configured as MyMac.local is asked for as mymac.local by every browser."""
    access = tablet_access(["MyMac.local"], 0)
    assert access.is_welcome([(b"host", b"mymac.local:8444"), (b"origin", b"https://mymac.local:8444")], 8444)


def test_polling_and_joining_need_their_secrets(tell: Tell) -> None:
    """A wrong key is refused, nonsense and floods are not read, and there is no code to be guessed on this computer."""

    async def story(session: PageSession) -> None:
        async with session.http("x" * 22) as http:
            assert (await http.post("/poll", json=[])).status_code == 403
            assert (await http.post("/join")).status_code == 403
        async with session.http() as http:
            assert (await http.post("/poll", content=b"[1")).status_code == 400
            assert (await http.post("/poll", content=b" " * 20_000)).status_code == 400
            assert (await http.post("/join")).status_code == 403
            assert (await http.get("/sound/guess.wav")).status_code == 404
            assert (await http.get("/sound/..%2f..%2fcoach.html")).status_code == 404

    tell(story)


def test_every_answer_forbids_what_the_page_does_not_need(tell: Tell) -> None:
    """Nothing from elsewhere may run in it, nobody may frame it, and nothing is kept."""

    async def story(session: PageSession) -> None:
        async with session.http() as http:
            for path in ("/", "/coach.css", "/favicon.ico", "/nothing"):
                answer = await http.get(path)
                if path != "/nothing":
                    assert "default-src 'none'" in answer.headers["content-security-policy"], path
                    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"], path
                    assert answer.headers["cache-control"] == "no-store", path
                assert session.key not in answer.text, path

    tell(story)


def test_a_tablet_gets_in_once_by_its_code_over_tls(tmp_path: Path) -> None:
    """The first device gets a key that goes on working; the code is worth nothing after that."""
    tls = own_certificate(tmp_path, ["127.0.0.1", "localhost"])
    trust = ssl.create_default_context(cafile=str(tls.certificate))

    async def story() -> None:
        access = tablet_access(["127.0.0.1"], time.monotonic_ns())
        async with PageServer(Clock(), access, tls=tls) as server:
            base, _, code = server.url.partition("/#")
            assert base == f"https://127.0.0.1:{server.port}"
            async with httpx.AsyncClient(base_url=base, verify=trust, headers={"Origin": base}) as http:
                assert (await http.post("/poll", json=[], headers=bearer(code))).status_code == 403
                key = (await http.post("/join", headers=bearer(code))).json()["key"]
                again = await http.post("/join", headers=bearer(code))
                assert (again.status_code, again.text) == (
                    403, "This code has been used already, and it works only once.",
                )  # fmt: skip
                assert (await http.post("/poll", json=[], headers=bearer(key))).json()[0]["type"] == "state"
            assert code not in server.url
            session = PageSession(server)
            async with session.socket(ssl=trust) as socket:
                await socket.send(json.dumps({"type": "hello", "key": key}))
                assert json.loads(await socket.recv())["type"] == "state"

    asyncio.run(story())


def bearer(secret: str) -> dict[str, str]:
    """The header that carries a code or a key."""
    return {"Authorization": f"Bearer {secret}"}


def test_a_code_that_nobody_used_grows_old_and_is_shown_anew() -> None:
    """A picture on a screen may be photographed."""
    shown: list[str] = []

    async def story() -> None:
        is_renewed = asyncio.Event()

        def show(url: str) -> None:
            shown.append(url)
            if len(shown) == 2:
                is_renewed.set()

        access = tablet_access(["127.0.0.1"], time.monotonic_ns() - round(299.95e9))
        async with PageServer(Clock(), access, show=show, params=PageParams(check_s=0.05)):
            await asyncio.wait_for(is_renewed.wait(), 3)

    asyncio.run(story())
    assert shown[0] != shown[1]

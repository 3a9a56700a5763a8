"""The live page's server over real sockets: what pages are told and when, and what they may ask for."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from live.page_session import (
    CLAMSHELL,
    SEARCHING,
    SNAPSHOT,
    STREAMING,
    Page,
    PageSession,
    Story,
    angle,
    page_session,
    rep,
    stage,
)
from websockets.exceptions import ConnectionClosed

from sensorsoma.clock import Clock
from sensorsoma.errors import SourceError
from sensorsoma.live.page.server import PageParams, PageServer

Tell = Callable[[Story], PageSession]

QUICK = PageParams(quiet_s=0.2, poll_s=0.1, poll_gone_s=0.3, check_s=0.05, bye_s=0.1)


@pytest.fixture(scope="module")
def tell() -> Iterator[Tell]:
    """Runs a story beside a page server."""
    with stage(QUICK) as told:
        yield told


def alone(story: Story, params: PageParams = QUICK) -> PageSession:
    """Runs a story beside a server of its own, which is closed after it."""

    async def both() -> PageSession:
        async with page_session(params) as session:
            await story(session)
        return session

    return asyncio.run(both())


def code_of(ended: ConnectionClosed) -> int | None:
    """With which code the server closed."""
    return None if ended.rcvd is None else ended.rcvd.code


def test_a_page_that_comes_at_any_time_gets_everything(tell: Tell) -> None:
    """Also in the middle of a set, and again after its connection was lost."""

    async def story(session: PageSession) -> None:
        session.feed(SNAPSHOT, STREAMING, CLAMSHELL, rep(1, 4.0), angle(31.2))
        for _ in range(2):
            async with session.page("bed") as page:
                state = await page.next()
                assert (state["count"], state["step"]["index"], state["angle_deg"]) == (1, 3, 31.2)

    tell(story)


def test_many_changes_become_few_states_and_the_newest_wins(tell: Tell) -> None:
    """Four hundred angles in an eighth of a second are a handful of states, of which the last is the truth."""

    async def story(session: PageSession) -> None:
        session.feed(SNAPSHOT, CLAMSHELL)
        async with session.page() as page:
            await page.state()
            begin = time.monotonic()
            for index in range(400):
                session.feed(angle(index / 10))
                if not index % 30:
                    await asyncio.sleep(0.01)
            lasted_s = time.monotonic() - begin
            await page.state(lambda state: state["angle_deg"] == 39.9)
            assert len(page.seen) <= 3 + 33 * lasted_s

    tell(story)


def test_thirty_changes_a_second_are_thirty_states_a_second(tell: Tell) -> None:
    """What comes at the page's own pace is shown whole, one by one."""

    async def story(session: PageSession) -> None:
        session.feed(SNAPSHOT, CLAMSHELL)
        async with session.page() as page:
            await page.state()
            loop = asyncio.get_running_loop()
            begin = loop.time()
            for index in range(1, 13):
                await asyncio.sleep(begin + index / 30 - loop.time())
                session.feed(angle(index))
            await page.state(lambda state: state["angle_deg"] == 12)
            assert len(page.seen) >= 8  # on a busy computer one or two may come late and be left out

    tell(story)


def test_a_single_change_is_sent_at_once_and_a_quiet_page_hears_of_us_all_the_same(tell: Tell) -> None:
    """An event after a pause does not wait for a rhythm; without any the same state comes again, to show the link."""

    async def story(session: PageSession) -> None:
        session.feed(SNAPSHOT, CLAMSHELL)
        async with session.page() as page:
            first = await page.state()
            await asyncio.sleep(0.05)
            begin = time.monotonic()
            session.feed(rep(1, 4.0))
            await page.state(lambda state: state["count"] == 1)
            assert time.monotonic() - begin < 0.5
            again = await page.state()
            assert {**again, "n": 0, "count": 0, "ring": 0} == {**first, "n": 0, "ring": 0}

    tell(story)


def test_a_page_that_does_not_read_holds_nobody_up_and_then_finds_the_newest() -> None:
    """What waits for it is bounded by the system's buffers; all that came meanwhile is left out but the newest."""

    async def story(session: PageSession) -> None:
        session.feed(SNAPSHOT, CLAMSHELL)
        session.server.notice("x" * 8000)  # fills the buffers sooner
        sent: list[int] = []
        async with session.socket(max_queue=1, close_timeout=0.1) as slow:
            page = Page(slow)
            await page.send(type="hello", key=session.key)
            await page.state()
            slow.transport.pause_reading()
            session.server.on_sent = lambda state: sent.append(state["n"])
            for index in range(300):
                session.feed(angle(index / 10))
                await asyncio.sleep(0.001)
            assert len(sent) < 150
            slow.transport.resume_reading()
            await page.state(lambda state: state["angle_deg"] == 29.9)
            assert len(page.seen) < 150

    alone(story, PageParams(gap_s=0.0))


def test_marks_reach_the_session_and_nonsense_does_not(tell: Tell) -> None:
    """Only what a person may ask for, with a number of comfort from 0 to 10."""

    async def story(session: PageSession) -> None:
        async with session.page() as page:
            for kind, detail in (
                ("next", ""), ("explode", ""), ("note", "free text"), ("comfort", "before 11"), ("comfort", "before 6"),
                (None, ""), ("pause", "for ever"), (["stop"], ""),
            ):  # fmt: skip
                await page.send(type="mark", kind=kind, detail=detail)
            await page.socket.send("no json")
            await page.socket.send("[1, 2]")
            await page.send(type="mark", kind="stop")
            await page.state(lambda state: state["comfort"]["before"] == 6)
            await page.send(type="mark", kind="comfort", detail="after 2")
            await page.state(lambda state: state["comfort"]["after"] == 2)

    marks = tell(story).marks
    assert [(mark.kind, mark.detail) for mark in marks] == [
        ("next", ""), ("comfort", "before 6"), ("pause", ""), ("stop", ""), ("comfort", "after 2"),
    ]  # fmt: skip
    assert abs(marks[0].host_ns - time.time_ns()) < 10e9


def test_a_number_given_before_there_is_a_session_waits_for_it() -> None:
    """The page is open before the sensors are; a number or a stop is kept, a next would be for nothing."""

    async def story() -> None:
        async with PageServer(Clock()) as server:
            session = PageSession.__new__(PageSession)
            session.server, session.marks = server, []
            session.feed(SEARCHING)
            async with session.page() as page:
                await page.send(type="mark", kind="next")
                await page.send(type="mark", kind="comfort", detail="before 4")
                await page.state(lambda state: state["comfort"]["before"] == 4)
            server.send_marks_to(session.marks.append)
            assert [mark.kind for mark in session.marks] == ["comfort"]

    asyncio.run(story())


def test_polling_gives_the_same_where_sockets_fail() -> None:
    """Lists in, lists out: the state at once, the next one when it comes, orders and the end as well."""

    async def story(session: PageSession) -> None:
        session.feed(SNAPSHOT, CLAMSHELL)
        async with session.http() as http:
            (state,) = (await http.post("/poll?page=a", json=[])).json()
            assert (state["type"], state["count"]) == ("state", 0)
            waiting = asyncio.create_task(http.post("/poll?page=a", json=[]))
            await asyncio.sleep(0.05)
            session.feed(rep(1, 4.0))
            (state,) = (await asyncio.wait_for(waiting, 0.5)).json()
            assert state["count"] == 1
            assert (await http.post("/poll?page=a", json=[{"type": "mark", "kind": "pause"}])).status_code == 200
            assert [mark.kind for mark in session.marks] == ["pause"]
            assert (await http.post("/poll?page=a", json=[])).json() == []
            assert session.server.has_page_open
            await asyncio.sleep(0.4)
            assert not session.server.has_page_open, "a page that polls no more has left"
            await http.post("/poll?page=b", json=[])
            ending = asyncio.create_task(http.post("/poll?page=b", json=[]))
            await asyncio.sleep(0.05)
            await session.server.__aexit__()
            assert (await ending).json()[0] == {"type": "bye"}

    alone(story)


def test_at_the_end_pages_are_told_and_the_port_is_free() -> None:
    """bye, then a close that says it is over; the address may be used again at once."""

    async def story(session: PageSession) -> None:
        async with session.page() as page:
            await page.state()
            await asyncio.gather(session.server.__aexit__(), page.order("bye"))
            with pytest.raises(ConnectionClosed) as ended:
                await page.next()
            assert code_of(ended.value) == 1000

    port = alone(story).server.port
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_the_same_page_on_a_new_socket_takes_the_place_of_the_old_one(tell: Tell) -> None:
    """A half-open connection after sleep does not stay; other pages do."""

    async def story(session: PageSession) -> None:
        async with session.page("one") as other, session.page("bed") as older, session.page("bed") as newer:
            await newer.state()
            await older.state()
            with pytest.raises(ConnectionClosed) as ended:
                await older.next()
            assert code_of(ended.value) == 4001
            await other.state()
            assert session.server.has_page_open

    tell(story)


def test_a_port_that_is_taken_is_one_sentence() -> None:
    """What is lost by it, and what to do."""

    async def second(port: int) -> None:
        async with PageServer(Clock(), port=port):
            pass

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SourceError, match="the page cannot be shown; choose another with --page-port"):
            asyncio.run(second(port))

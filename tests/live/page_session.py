"""A live page fed by scripted messages: the real server in this process, for tests and browsers."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from sensorsoma.clock import Clock
from sensorsoma.live.page.server import PageParams, PageServer
from sensorsoma.live.view import View
from sensorsoma.messages import (
    Cue,
    LiveAngle,
    Message,
    RepCompleted,
    SettingsSnapshot,
    SourceStatus,
    StepStarted,
    Tick,
    UserMark,
)

SNAPSHOT = SettingsSnapshot(0, {"sources": [{"channel": "right-thigh", "link": "simulated"}]})
SEARCHING = SourceStatus(0, "right-thigh", "searching", is_simulated=True)
STREAMING = SourceStatus(0, "right-thigh", "streaming", battery_percent=87, is_simulated=True)
CLAMSHELL = StepStarted(1.0, "clam-right", 2, 12, "Clamshell, right", "clamshell", "right", False, None, {"reps": 8})
REST = StepStarted(
    2.0, "rest", 3, 12, "Rest open, right", "rest", "right", False, None, {"breaths": 6, "seconds": 60.0}
)
SAID = Cue(1, 1.0, "clamshell.start", "say", "Open the knee, slowly.", 2.0)


def at(t_s: float) -> Tick:
    """Time passing, in session seconds."""
    return Tick(round(t_s * 1e9))


def rep(index: int, t_s: float) -> RepCompleted:
    """One clamshell."""
    return RepCompleted(t_s, t_s, "clamshell", "right", index, t_s - 2, t_s, 32.0, False, None)


def angle(deg: float, t_s: float = 3.0) -> LiveAngle:
    """The right thigh's angle."""
    return LiveAngle(t_s, "clamshell", "right", "right-thigh", deg)


class PageSession:
    """A running page server and what its pages have asked for."""

    def __init__(self, server: PageServer) -> None:
        self.server = server
        self.marks: list[UserMark] = []
        server.send_marks_to(self.marks.append)

    def feed(self, *messages: Message) -> None:
        """What a session would tell its listeners."""
        for message in messages:
            self.server.on_message(message)

    @property
    def base(self) -> str:
        """The page's address without its key."""
        return self.server.url.partition("#")[0].rstrip("/")

    @property
    def key(self) -> str:
        """What the address holds."""
        return self.server.url.partition("#")[2]

    def http(self, key: str | None = None, **headers: str) -> httpx.AsyncClient:
        """A client as the page's `fetch` is."""
        return httpx.AsyncClient(
            base_url=self.base,
            headers={"Authorization": f"Bearer {key or self.key}", "Origin": self.base, **headers},
            timeout=5,
            verify=False,  # plain HTTP here: reading a list of authorities would only cost time
        )

    def socket(self, **options: Any) -> connect:
        """A WebSocket as the page opens it; says nothing yet."""
        return connect(self.base.replace("http", "ws", 1) + "/live", proxy=None, **{"origin": self.base, **options})

    @contextlib.asynccontextmanager
    async def page(self, name: str = "", voice: bool | None = None) -> AsyncIterator[Page]:
        """A page that has said hello; `voice`: it starts the sound, with a voice of its own or without."""
        async with self.socket() as socket:
            page = Page(socket)
            await page.send(type="hello", key=self.key, page=name)
            if voice is not None:
                await page.send(type="voice", wants=True, speaks=voice)
                await page.state(lambda state: state["is_voice_here"])
            yield page


Story = Callable[[PageSession], Awaitable[None]]
"""What happens in a test."""


@contextlib.contextmanager
def stage(params: PageParams | None = None) -> Iterator[Callable[[Story], PageSession]]:
    """One server for many stories, each of which begins with an empty page (closing one takes a fifth of a second)."""
    with asyncio.Runner() as runner:
        around = page_session(params)
        session = runner.run(around.__aenter__())

        def tell(story: Story) -> PageSession:
            session.server.view = View()
            session.marks.clear()
            runner.run(asyncio.wait_for(story(session), 10))
            return session

        yield tell
        runner.run(around.__aexit__(None, None, None))


class Page:
    """What a test sees of one page."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.seen: list[dict[str, Any]] = []

    async def send(self, **message: Any) -> None:
        """One message to the server."""
        await self.socket.send(json.dumps(message))

    async def next(self) -> dict[str, Any]:
        """The next message from the server."""
        message: dict[str, Any] = json.loads(await asyncio.wait_for(self.socket.recv(), 5))
        self.seen.append(message)
        return message

    async def order(self, kind: str) -> dict[str, Any]:
        """The next message of a kind, states passed over."""
        while (message := await self.next())["type"] != kind:
            pass
        return message

    async def state(self, is_it: Any = lambda _state: True) -> dict[str, Any]:
        """The next state that is as wanted."""
        while not is_it(state := await self.order("state")):
            pass
        return state


@contextlib.asynccontextmanager
async def page_session(params: PageParams | None = None, **options: Any) -> AsyncIterator[PageSession]:
    """A page server that runs inside this block; nothing is opened and nothing is printed."""
    async with PageServer(Clock(), params=params, **options) as server:
        yield PageSession(server)

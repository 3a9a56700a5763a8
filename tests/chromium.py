"""Real headless Chromium for tests, spoken to in its own protocol (CDP) over a WebSocket; nothing else is needed.

Motion is simulated below the page: readings are given to the browser's sensors, so that rounding, permission and the
60 Hz timer are the browser's own.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PROGRAM = next((path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))), None)
"""None where there is no Chromium; on Debian: apt install chromium."""

_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-port=0",
)  # fmt: skip

_CODES = {
    "Enter": 13, "Tab": 9, "Escape": 27, " ": 32, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40,
    "+": 187, "-": 189, "?": 191,
}  # fmt: skip
"""Windows' number of a key, by which the browser knows what a key does by itself."""


class Chromium:
    """A running browser with an empty profile; made by `chromium`."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.complaints: list[str] = []
        """Errors and warnings of all pages: what a console shows in red and yellow, failed requests too."""
        self._listening = asyncio.create_task(self._listen())

    async def call(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """What one command of the protocol answers; fails when it is refused."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params, **({"sessionId": session} if session else {})}
        await self._socket.send(json.dumps(message))
        answer = await asyncio.wait_for(self._waiting[number], 20)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    async def _listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            self._note(message.get("method"), message.get("params", {}))
            waiting = self._waiting.pop(message.get("id"), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(message)

    def _note(self, method: str | None, params: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(one.get("value", "")) for one in params["args"]))

    async def tab(self, before: str = "", width: int = 390, height: int = 844, is_stranger: bool = False) -> Tab:
        """A new page of a phone's size; `before` is a script that runs before every page's own.

        A stranger is like another device: it shares no memory with the other pages.
        """
        context = await self.call("Target.createBrowserContext") if is_stranger else {}
        target = (await self.call("Target.createTarget", url="about:blank", **context))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        tab = Tab(self, session, target)
        await tab.call("Page.enable")
        await tab.call("Runtime.enable")
        await tab.call("Log.enable")
        await tab.resize(width, height)
        await tab.call("Emulation.setTouchEmulationEnabled", enabled=True, maxTouchPoints=5)
        if before:
            await tab.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        return tab


class Tab:
    """One page."""

    def __init__(self, browser: Chromium, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        """A command for this page."""
        return await self._browser.call(method, self._session, **params)

    async def close(self) -> None:
        await self._browser.call("Target.closeTarget", targetId=self._target)

    async def open(self, url: str) -> None:
        """Goes to an address and waits until it is loaded."""
        await self.call("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str, within_s: float = 15.0) -> None:
        """Waits until an expression is true in the page."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + within_s
        while not await self.ask(expression):
            assert loop.time() < limit, f"waited in vain for {expression}; the page says {await self.text()!r}"
            await asyncio.sleep(0.02)

    async def text(self) -> str:
        """What can be read on the page."""
        found: str = await self.ask("document.body.innerText")
        return found

    async def press(self, selector: str, for_s: float = 0.0) -> None:
        """Touches the middle of an element, for so long."""
        x, y = await self.ask(
            f"(() => {{ const r = document.querySelector({selector!r}).getBoundingClientRect();"
            " return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        await self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        await asyncio.sleep(for_s)
        await self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def key(self, key: str) -> None:
        """Presses and lets go of a key, by its name in the browser ("q", "Tab", "ArrowRight" ...)."""
        text = {"Enter": "\r", "Tab": ""}.get(key, key if len(key) == 1 else "")
        code = _CODES.get(key) or ord(key.upper())
        for kind in ("keyDown" if text else "rawKeyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            await self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, **extra)

    async def resize(self, width: int, height: int) -> None:
        """Gives the page another size, in CSS pixels."""
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True
        )

    async def picture(self) -> bytes:
        """A screenshot, PNG."""
        shot = await self.call("Page.captureScreenshot", format="png")
        return base64.b64decode(shot["data"])

    async def roles(self) -> list[tuple[str, str]]:
        """Role and name of everything that assistive technology is told of."""
        tree = await self.call("Accessibility.getFullAXTree")
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tree["nodes"]
            if not node["ignored"]
        ]

    async def can_move(self) -> None:
        """Gives the page sensors; events come once `move` has given all of them a reading."""
        for kind in ("accelerometer", "linear-acceleration", "gyroscope"):
            await self.call("Emulation.setSensorOverrideEnabled", enabled=True, type=kind)

    async def move(self, acc_mps2: list[float], gyr_radps: list[float], beta_deg: float, gamma_deg: float) -> None:
        """What the sensors read from now on; screen orientation angles as deviceorientation has them."""
        readings = (("accelerometer", acc_mps2), ("linear-acceleration", [0.0] * 3), ("gyroscope", gyr_radps))
        await asyncio.gather(
            *(
                self.call("Emulation.setSensorOverrideReadings", type=kind, reading={"xyz": {"x": x, "y": y, "z": z}})
                for kind, (x, y, z) in readings
            ),
            self.call("DeviceOrientation.setDeviceOrientationOverride", alpha=0.0, beta=beta_deg, gamma=gamma_deg),
        )

    async def keep_moving(self, motion: Callable[[float], tuple[list[float], list[float], float, float]]) -> None:
        """Gives new readings 60 times a second until cancelled; `motion` takes the event loop's time."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            await self.move(*motion(loop.time()))
            due = max(due + 1 / 60, loop.time())
            await asyncio.sleep(due - loop.time())


@contextlib.asynccontextmanager
async def chromium(*flags: str) -> AsyncIterator[Chromium]:
    """A browser for as long as it is needed."""
    assert PROGRAM is not None
    root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            PROGRAM, *_FLAGS, *root, *flags, f"--user-data-dir={profile}", "about:blank",
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert process.stderr is not None
            address = await asyncio.wait_for(_address(process.stderr), 30)
            draining = asyncio.create_task(_drain(process.stderr))
            async with connect(address, max_size=None, proxy=None) as socket:
                browser = Chromium(socket)
                try:
                    yield browser
                finally:
                    with contextlib.suppress(Exception):
                        await browser.call("Browser.close")
            await asyncio.wait_for(process.wait(), 10)
            draining.cancel()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _address(stream: asyncio.StreamReader) -> str:
    while line := await stream.readline():
        found = re.search(rb"DevTools listening on (ws://\S+)", line)
        if found:
            return found[1].decode()
    raise AssertionError("Chromium ended before it listened")


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass

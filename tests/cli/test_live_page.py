"""`coach --page` and `--tablet` as a whole: a real session with a page beside it, from the address to the last word."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from live.page_session import Page
from websockets.asyncio.client import connect

from sensorsoma.cli import live_page
from sensorsoma.cli.live_page import PageChoices
from sensorsoma.cli.running import LiveChoices, LiveResult, replay_on_screen, run_live
from sensorsoma.cli.samples import bundled_sample
from sensorsoma.coach.plan import load_plan
from sensorsoma.errors import SourceError
from sensorsoma.live.view import View
from sensorsoma.messages import UserMark
from sensorsoma.recording.reader import open_recording
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import simulate_exercise
from sensorsoma.simulate.files import write_csv
from sensorsoma.sources.spec import parse_sources

PLAN = """schema_version = 1
name = "evening"
title = "Evening"
[[steps]]
id = "lie"
title = "Lie"
do = "rest"
open = true
[[steps]]
id = "stay"
title = "Stay"
do = "rest"
open = true
"""


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thigh that does a few clamshells, as a table."""
    folder = tmp_path_factory.mktemp("table")
    write_csv(simulate_exercise("clamshell", side="right", seed=7, difficulties=Difficulties.none(), n_reps=3), folder)
    return folder / "right-thigh.csv"


def practise(
    table: Path, folder: Path, story: Callable[[str], Awaitable[None]], monkeypatch: pytest.MonkeyPatch, **choices: Any
) -> LiveResult:
    """Runs a session of open steps beside a story that is told the page's address."""
    shown: list[str] = []
    monkeypatch.setattr(live_page, "note", shown.append)
    monkeypatch.setattr(live_page, "show_code", shown.append)
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(folder / "config.toml"))
    (folder / "config.toml").write_text('phone_page_host = "127.0.0.1"\n')
    (folder / "evening.toml").write_text(PLAN)
    plan = load_plan(folder / "evening.toml").model_dump(mode="json")
    live = LiveChoices(
        parse_sources([f"right-thigh=file:{table}"]), folder, "evening", plan=plan, speed=20.0, has_voice=False,
        mode="plain", has_page=True, opens_browser=False, **choices,
    )  # fmt: skip

    async def both() -> LiveResult:
        running = asyncio.create_task(run_live(live), name="session")
        while not shown or "http" not in shown[-1]:
            await asyncio.wait([running], timeout=0.01)
            assert not running.done(), running.exception()
        telling = asyncio.create_task(story(shown[-1].removeprefix("Page: ")))
        await asyncio.wait([running, telling], timeout=20, return_when=asyncio.FIRST_EXCEPTION)
        await telling
        return await asyncio.wait_for(running, 10)

    return asyncio.run(both())


def marks_in(result: LiveResult) -> list[str]:
    """What the person asked for, as it was recorded."""
    found = [message for message in open_recording(result.path).inputs() if isinstance(message, UserMark)]
    return [f"{mark.kind} {mark.detail}".strip() for mark in found]


def test_a_practice_can_be_led_from_the_page_alone(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page is there while the sensor is looked for, says next, comfort and stop, and hears of the end."""

    async def story(url: str) -> None:
        base, _, key = url.partition("/#")
        async with connect(base.replace("http", "ws") + "/live", origin=base, proxy=None) as socket:
            page = Page(socket)
            await page.send(type="hello", key=key)
            assert (await page.state())["sensors"][0]["channel"] == "right-thigh"
            await page.send(type="mark", kind="comfort", detail="before 6")
            await page.state(lambda state: (state["step"] or {}).get("title") == "Lie")
            await page.send(type="mark", kind="next")
            await page.state(lambda state: (state["step"] or {}).get("title") == "Stay")
            await page.send(type="mark", kind="stop")
            await page.state(lambda state: state["phase"] == "over")
            await page.state(lambda state: state["asks_comfort"] == "after")
            await page.send(type="mark", kind="comfort", detail="after 3")
            await page.order("bye")

    result = practise(table, tmp_path, story, monkeypatch, asks_comfort=True)
    assert result.outcome.ended_by == "person"
    assert marks_in(result) == ["comfort before 6", "next", "stop", "comfort after 3"]


def test_a_tablet_leads_it_from_elsewhere_by_its_code(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS, with the certificate made here; a stranger who comes later with the same code is refused."""

    async def story(url: str) -> None:
        base, _, code = url.partition("/#")
        assert base.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(tmp_path / "phone-page.pem"))
        async with httpx.AsyncClient(base_url=base, verify=trust, headers={"Origin": base}) as http:
            key = (await http.post("/join", headers={"Authorization": f"Bearer {code}"})).json()["key"]
            assert (await http.post("/join", headers={"Authorization": f"Bearer {code}"})).status_code == 403
            http.headers["Authorization"] = f"Bearer {key}"
            while True:
                answers = (await http.post("/poll", json=[])).json()
                if any((answer.get("step") or {}).get("title") == "Lie" for answer in answers):
                    break
            await http.post("/poll", json=[{"type": "mark", "kind": "stop"}])
            while not any(answer["type"] == "bye" for answer in (await http.post("/poll", json=[])).json()):
                pass

    result = practise(table, tmp_path, story, monkeypatch, is_page_on_lan=True)
    assert marks_in(result) == ["stop"]


def test_a_practice_waits_until_it_is_started_on_the_page(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sensor is ready and nothing begins, until the person decides about sound there; twice is once. Until then the
    whole safety text can be read."""

    async def story(url: str) -> None:
        base, _, key = url.partition("/#")
        async with connect(base.replace("http", "ws") + "/live", origin=base, proxy=None) as socket:
            page = Page(socket)
            await page.send(type="hello", key=key)
            safety = await page.order("safety")  # nobody has said that it was read
            assert safety["text"]["emergency"]
            assert not safety["is_read"]
            await page.send(type="mark", kind="comfort", detail="before 6")
            await asyncio.sleep(0.3)
            state = await page.state(lambda state: state["comfort"]["before"] == 6)
            assert (state["phase"], state["notice"]) == ("before", "Press Start when you lie comfortably.")
            await page.send(type="voice", wants=False, speaks=False)
            await page.send(type="voice", wants=False, speaks=False)
            await page.state(lambda state: not state["notice"])
            await page.state(lambda state: (state["step"] or {}).get("title") == "Lie")
            await page.send(type="mark", kind="stop")
            await page.order("bye")

    result = practise(table, tmp_path, story, monkeypatch, waits_for_start=True)
    assert marks_in(result) == ["comfort before 6", "stop"]


def test_a_session_that_is_broken_off_says_where_it_lies(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever presses Ctrl-C twice keeps what was recorded until then, and is told so; with a page nothing hangs."""

    async def story(url: str) -> None:
        base, _, key = url.partition("/#")
        async with connect(base.replace("http", "ws") + "/live", origin=base, proxy=None) as socket:
            page = Page(socket)
            await page.send(type="hello", key=key)
            await page.state(lambda state: (state["step"] or {}).get("title") == "Lie")
            next(task for task in asyncio.all_tasks() if task.get_name() == "session").cancel()
            await page.order("bye")

    with pytest.raises(asyncio.CancelledError):
        practise(table, tmp_path, story, monkeypatch)
    (path,) = tmp_path.glob("*.mcap")
    assert f"Recorded: {path}" in capsys.readouterr().err
    assert open_recording(path).is_complete


def test_a_replay_is_seen_on_the_page_and_ended_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked, nothing is spoken at another speed than life's, and no mark but stop does anything."""
    shown: list[str] = []
    monkeypatch.setattr(live_page, "note", shown.append)

    async def both() -> None:
        wanted = PageChoices(View(), opens_browser=False)
        running = asyncio.create_task(replay_on_screen(open_recording(bundled_sample("short")), 20.0, wanted))
        while not shown:
            await asyncio.wait([running], timeout=0.01)
        base, _, key = shown[0].removeprefix("Page: ").partition("/#")
        async with connect(base.replace("http", "ws") + "/live", origin=base, proxy=None) as socket:
            page = Page(socket)
            await page.send(type="hello", key=key)
            await page.send(type="voice", wants=True, speaks=True)
            state = await page.state(lambda state: state["step"] is not None)
            assert (state["asks_comfort"], state["voice"], state["is_simulated"]) == (None, "none", True)
            await page.send(type="mark", kind="comfort", detail="before 6")
            await page.send(type="mark", kind="stop")
            await page.state(lambda state: state["phase"] == "over")
            await page.order("bye")
        await asyncio.wait_for(running, 5)

    asyncio.run(both())


def test_without_a_network_a_tablet_is_refused_in_one_sentence(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was expected, what was found, and what to do instead; nothing is opened."""
    monkeypatch.setenv("SENSORSOMA_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setattr("sensorsoma.serving.address.lan_address", lambda: "127.0.0.1")
    choices = LiveChoices(
        parse_sources([f"right-thigh=file:{table}"]), tmp_path, "evening", has_page=True, is_page_on_lan=True
    )
    with pytest.raises(SourceError, match=r"found none; join the Wi-Fi, or use --page"):
        asyncio.run(run_live(choices))


def test_no_browser_is_opened_in_automatic_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor where there is no screen."""
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("CI", raising=False)
    assert live_page.has_browser()
    monkeypatch.setenv("CI", "true")
    assert not live_page.has_browser()

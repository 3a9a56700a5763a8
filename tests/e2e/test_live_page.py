"""The page at the bedside in real headless Chromium, served by its own server: seen, touched, typed on, heard."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from chromium import PROGRAM, Chromium, Tab, chromium
from live.page_session import CLAMSHELL, SAID, SNAPSHOT, STREAMING, PageSession, angle, page_session, rep

from sensorsoma.cli.page_browser import PrivateAddress
from sensorsoma.clock import Clock
from sensorsoma.live.bells import BellParams, bell_file
from sensorsoma.live.page.access import Access, tablet_access
from sensorsoma.live.page.page_mouth import PageMouth
from sensorsoma.live.page.server import PageParams, PageServer
from sensorsoma.messages import Cue, Message, SessionEnded, SessionPaused, StepStarted
from sensorsoma.people.safety import safety_text
from sensorsoma.serving.tls import own_certificate

pytestmark = [
    pytest.mark.link,
    pytest.mark.skipif(PROGRAM is None, reason="no Chromium here; on Debian: apt-get install chromium"),
]

TRUSTING = "--ignore-certificate-errors"
"""Stands for the person who goes on to a tablet's page in spite of the warning."""

Run = Callable[[Callable[[Chromium], Awaitable[None]]], None]

FALL = StepStarted(1.0, "fall", 4, 12, "Knee falls out, right", "knee_fall", "right", False, None, {})
BEGUN: tuple[Message, ...] = (SNAPSHOT, STREAMING, CLAMSHELL, SAID, rep(0, 4.0), rep(1, 8.0), rep(2, 12.0), angle(24.4))

SOON = """
const later = setTimeout, sooner = { 50: 5, 500: 100, 1200: 300, 1500: 300, 8000: 250, 60000: 60 };
globalThis.setTimeout = (act, ms, ...rest) => later(act, sooner[ms] ?? ms, ...rest);
"""
"""What the page waits for by the clock comes soon: the browser's voices, half a second to try again or to see a touch,
a held stop, a lost link, eight seconds until the buttons fade, a minute until the panel closes."""

EAR = """
globalThis.heard = [];
globalThis.locks = 0;
const lock = WakeLock.prototype.request;
WakeLock.prototype.request = function (...rest) { locks++; return lock.apply(this, rest); };
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode) {
    const ear = this.context.ear ??= this.context.createScriptProcessor(1024, 1, 1);
    ear.onaudioprocess = ({ inputBuffer }) => {
      const block = inputBuffer.getChannelData(0);
      heard.push(Math.sqrt(block.reduce((sum, one) => sum + one * one, 0) / block.length));
    };
    connect.call(ear, to);
    connect.call(this, ear);
  }
  return connect.call(this, to, ...rest);
};
"""
"""Notes how loud all is that goes to the loudspeaker (root mean square of every 1024 samples), and wake locks."""

VOICE = """
globalThis.spoken = [];
globalThis.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
Object.defineProperty(globalThis, "speechSynthesis", { value: {
  getVoices: () => [{ name: "one" }],
  speak(words) {
    spoken.push(words);
    words.timer = setTimeout(() => words.onend({}), 150);
    this.now = words;
  },
  cancel() { if (this.now) { clearTimeout(this.now.timer); this.now.cut = true; this.now.onerror({}); } },
} });
"""
"""A browser with a voice of its own, which headless Chromium has not."""

STILL = [{"name": "prefers-reduced-motion", "value": "reduce"}]

NO_SOCKET = """
globalThis.WebSocket = class {
  static OPEN = 1;
  constructor() { setTimeout(() => this.onclose?.({ code: 1006 }), 10); }
  close() {}
};
"""
"""What an iPhone does with a certificate of our own."""


@pytest.fixture(scope="module")
def in_browser() -> Iterator[Run]:
    """Runs a test's steps in one browser, which all tests of this file share; its console has to stay silent."""
    with asyncio.Runner() as runner, contextlib.ExitStack() as held:
        opened = chromium("--autoplay-policy=user-gesture-required", TRUSTING)
        browser = runner.run(opened.__aenter__())
        held.callback(lambda: runner.run(opened.__aexit__(None, None, None)))

        def run(steps: Callable[[Chromium], Awaitable[None]]) -> None:
            browser.complaints.clear()
            runner.run(asyncio.wait_for(steps(browser), 60))  # type: ignore[arg-type] # any awaitable
            assert [
                one for one in browser.complaints if "ScriptProcessorNode" not in one
            ] == []  # that is the tests' ear

        yield run
        runner.run(all_closed())


@contextlib.asynccontextmanager
async def opened(
    browser: Chromium,
    *messages: Message,
    before: str = "",
    size: tuple[int, int] = (390, 844),
    is_silent: bool = True,
    is_moving: bool = False,
) -> AsyncIterator[tuple[PageSession, Tab]]:
    """A session's page in a tab that shares nothing with others; by default its person wants no sound there, and
    nothing fades, so that nobody has to wait for it."""
    around = page_session()
    session = await around.__aenter__()
    try:
        tab = await browser.tab(before, *size, is_stranger=True)
        await tab.call("Emulation.setFocusEmulationEnabled", enabled=True)  # other tabs may be in front
        if not is_moving:
            await tab.call("Emulation.setEmulatedMedia", features=STILL)
        session.feed(*messages)
        await tab.open(session.server.url)
        await tab.until("document.getElementById('place').textContent !== 'One moment'")  # a state is drawn
        if is_silent:
            await tab.press("#silent")
            await tab.until("document.getElementById('welcome').hidden")
        yield session, tab
        await tab.close()
    finally:
        CLOSING.append(asyncio.create_task(around.__aexit__(None, None, None)))


CLOSING: list[asyncio.Task[bool | None]] = []
"""Servers that end while the next test begins; each takes a fifth of a second."""


async def all_closed() -> None:
    await asyncio.gather(*CLOSING)
    CLOSING.clear()


async def marks(session: PageSession, n: int) -> list[tuple[str, str]]:
    """Kind and detail of the marks so far, once there are `n`."""
    for _ in range(100):
        if len(session.marks) >= n:
            break
        await asyncio.sleep(0.03)
    return [(mark.kind, mark.detail) for mark in session.marks]


async def shown(tab: Tab, name: str) -> str:
    """Text of one element."""
    text: str = await tab.ask(f"document.getElementById({name!r}).textContent")
    return text


# ------------------------------------------------------------------------------------------------ what is shown


def test_one_number_one_ring_one_sentence(in_browser: Run) -> None:
    """A counted step shows its count, ring, sentence, place, angle, sensor and that it is simulated; the tab its title;
    a pause is told, and so is the end."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN) as (session, tab):
            await tab.until("document.getElementById('number').textContent === '3'")
            assert await shown(tab, "unit") == "of 8"
            assert await shown(tab, "sentence") == "Open the knee, slowly."
            assert await shown(tab, "place") == "Step 3 of 12"
            assert await shown(tab, "title") == "Clamshell, right"
            assert await tab.ask("document.title") == "3 of 12 Clamshell, right · SensorSoma"
            small = await tab.ask("[...document.querySelectorAll('#facts span')].map((one) => one.textContent)")
            assert small == ["simulated", "24°", "right thigh ok 87 %"]
            offset = "parseFloat(document.getElementById('ring').style.strokeDashoffset)"
            assert await tab.ask(offset) == pytest.approx(100 * 5 / 8)
            session.feed(SessionPaused(20.0))
            await tab.until("document.getElementById('place').textContent === 'Step 3 of 12, paused'")
            assert await shown(tab, "pause") == "Go on"
            session.feed(SessionEnded(30.0, "plan"))
            await tab.until("document.getElementById('place').textContent === 'The practice is over'")

    in_browser(steps)


FIGURES: list[tuple[dict[str, Any], str, str]] = [
    ({"do": "clamshell", "asked_reps": 8, "count": 0, "angle_deg": 12.0}, "0", "of 8"),
    ({"do": "clamshell", "asked_reps": 8, "count": None, "angle_deg": 12.0}, "", ""),
    ({"do": "knee_fall", "angle_deg": -0.4}, "0°", ""),
    ({"do": "leg_back", "angle_deg": 17.6, "asked_breaths": 6, "breaths": None}, "18°", ""),
    ({"do": "leg_back", "angle_deg": 17.6, "asked_breaths": 6, "breaths": 2}, "2", "of 6 breaths"),
    ({"do": "rest", "angle_deg": 41.0, "asked_breaths": 6, "breaths": 0}, "0", "of 6 breaths"),
    ({"do": "rest", "angle_deg": 41.0, "asked_breaths": 6, "breaths": None}, "", ""),
    ({"do": "rest", "breaths": 1}, "1", "breath"),
    ({"do": "pelvic_hold", "hold_s": 12.96, "asked_s": 15, "angle_deg": 6.0}, "12", "s of 15"),
    ({"do": "pelvic_rock", "asked_reps": 6, "count": 2}, "2", "of 6"),
    ({"do": "roll_over"}, "", ""),
]


def test_what_matters_now_is_the_number(in_browser: Run) -> None:
    """Reps where they are counted, breaths in rests, seconds in holds, the angle while a leg is on its way; nothing,
    and never 0, where nothing is measured."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser) as (_session, tab):
            for asked, number, unit in FIGURES:
                step = {"index": 1, "of": 2, "title": "", "do": asked["do"], "side": None}
                state = json.dumps({**asked, "step": step, "phase": "practice"})
                found = await tab.ask(f"import('/shown.js').then((module) => module.figure({state}))")
                assert (found["text"], found["unit"]) == (number, unit), asked

    in_browser(steps)


def test_the_newest_state_is_drawn(in_browser: Run) -> None:
    """Of a burst of angles the last one stands on the page, and nothing of it is read out by a screen reader."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, SNAPSHOT, STREAMING, FALL, SAID) as (session, tab):
            for n in range(300):
                session.feed(angle(n / 10))
                if n % 10 == 0:
                    await asyncio.sleep(0.01)
            await tab.until("document.getElementById('number').textContent === '30°'")
            live = "document.getElementById('number').closest('[aria-live]')"
            assert await tab.ask(f"{live} === null")
            label = "document.getElementById('dial').getAttribute('aria-label')"
            await tab.until(f"{label} === 'The leg is at 30 degrees'")

    in_browser(steps)


SIZES = ((360, 640), (360, 780), (740, 360), (900, 600), (800, 1280), (1280, 800))
LONG = Cue(
    2, 2.0, "roll_over.start", "say",
    "Now roll onto your left side, in your own time. Rest your head on a pillow or an arm, and bend both knees in "
    "front of you. Shoulder, hip and feet make one line, ankles together.", 12.0,
)  # fmt: skip

MISFITS = """
[...document.querySelectorAll('button, #number, #unit, #place, #title, #sentence, #facts span')].flatMap((one) => {
  const box = one.getBoundingClientRect();
  if (!box.width) return [];
  const isOut = box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5;
  const isCut = one.scrollWidth > Math.ceil(box.width) + 1;
  const isSmall = one.matches('button') && (box.height < 48 || box.width < 48);
  return isOut || isCut || isSmall ? [`${one.id || one.textContent}: ${JSON.stringify(box)}`] : [];
})
"""


LEFT_OPEN = """
(() => {
  const box = (name) => document.getElementById(name).getBoundingClientRect(), panel = box('panel');
  const last = document.querySelector('#panel dl div:last-child');
  last.scrollIntoView();
  const isReached = last.getBoundingClientRect().bottom <= panel.bottom;
  document.getElementById('panel').scrollTop = 0;
  const shows = (name) => box(name).top >= 0 && box(name).bottom <= panel.top + 1;
  return [panel.bottom <= box('more').top, isReached, shows('title'), shows('sentence'), shows('number')];
})()
"""
"""With the panel open: it ends above the buttons, its last line can be scrolled to, and nothing lies under it."""


def test_everything_fits_and_can_be_touched(in_browser: Run) -> None:
    """From a small phone to a tablet, upright and lying, with usual and big text, before the practice, in it with a
    long sentence, and with the panel open: nothing is cut off or leaves the screen, every button is at least 48 pixels
    high and wide, and the number stays the largest. The panel covers neither sentence nor number of usual text."""
    sizes = "['number', 'sentence', 'title'].map((one) => getComputedStyle(document.getElementById(one)).fontSize)"

    async def steps(browser: Chromium) -> None:
        async with opened(browser, STREAMING, is_silent=False) as (session, tab):

            async def look(n_free: int) -> None:
                for size in SIZES:
                    await tab.resize(*size)
                    assert await tab.ask(MISFITS) == [], size
                await tab.key("?")
                for size in SIZES:
                    await tab.resize(*size)
                    assert (await tab.ask(LEFT_OPEN))[:n_free] == [True] * n_free, size
                await tab.key("?")

            await look(4)
            await tab.ask("document.getElementById('silent').click()")
            session.feed(*BEGUN, LONG)
            await tab.until("document.getElementById('number').textContent === '3'")
            for n_free in (5, 2):
                await look(n_free)
                number, *others = [float(size.removesuffix("px")) for size in await tab.ask(sizes)]
                assert number > max(others)
                await tab.key("t")
            await tab.key("t")
            await tab.call("Page.reload")
            await tab.until("document.body?.classList.contains('big')")  # remembered

    in_browser(steps)


def test_the_dark_is_dark_and_the_bright_is_bright(in_browser: Run) -> None:
    """While practising little is lit until somebody asks for more; + goes to a bright page, - back to black, and the
    choice is remembered."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, STREAMING) as (session, tab):
            ground = "getComputedStyle(document.body).backgroundColor"
            ink = "getComputedStyle(document.documentElement).getPropertyValue('--ink')"
            setting_up = await tab.ask(ink)
            session.feed(*BEGUN)
            await tab.until(f"{ink} !== {setting_up!r}")  # nobody chose: dimmer once it begins
            assert await tab.ask(ground) == "rgb(0, 0, 0)"
            for _ in range(8):
                await tab.key("+")
            await tab.until(f"{ground} === 'rgb(251, 243, 236)'")
            assert await tab.ask("document.getElementById('light').getAttribute('aria-valuetext')") == (
                "bright, for setting up"
            )
            for _ in range(9):
                await tab.key("-")
            await tab.until(f"{ground} === 'rgb(0, 0, 0)'")
            assert await tab.ask(ink) == "rgb(107 42 18)"
            await tab.call("Page.reload")
            await tab.until(f"document.body?.dataset.link === 'here' && {ink} === 'rgb(107 42 18)'")

    in_browser(steps)


ROLL = StepStarted(17.0, "roll", 6, 12, "Roll onto the left side", "roll_over", "left", False, None, {})


def test_one_thing_at_a_time(in_browser: Run) -> None:
    """A sentence is gone before the next one comes, digits change at once, and what was counted in one step is never
    seen in the next; where the person asked their system for less motion nothing fades."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, is_moving=True) as (session, tab):
            await tab.until("document.getElementById('number').textContent === '3'")
            session.feed(rep(3, 16.0), LONG)
            await tab.until("document.getElementById('number').textContent === '4'")
            assert await tab.ask("document.getAnimations().length > 0")
            assert await tab.ask("document.querySelectorAll('.figure > *, .words > *').length") == 4
            await tab.until("document.getElementById('sentence').textContent.startsWith('Now roll')")
            session.feed(ROLL)
            await tab.until("document.getElementById('title').textContent.startsWith('Roll')")
            ring = "getComputedStyle(document.getElementById('ring')).opacity"
            assert await tab.ask(f"[document.getElementById('number').textContent, {ring}]") == ["", "0"]
            session.feed(CLAMSHELL, rep(3, 16.0))
            await tab.call("Emulation.setEmulatedMedia", features=STILL)
            await tab.until("document.getAnimations().length === 0")
            session.feed(rep(4, 20.0))
            await tab.until("document.getElementById('number').textContent !== '1'")
            assert await tab.ask("document.getAnimations().length") == 0

    in_browser(steps)


# --------------------------------------------------------------------------------------- keys, touches, readers


def test_every_command_by_key(in_browser: Run) -> None:
    """Each key asks for what the list on the page says; stop wants its key twice; letters can be switched off, the
    space bar stays."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN) as (session, tab):
            for key in (" ", "Enter", "ArrowRight", "b", "ArrowLeft", "r", "s", "p"):
                await tab.key(key)
            asked = ["next", "next", "next", "back", "back", "repeat", "supported", "pause"]
            assert [kind for kind, _ in await marks(session, 8)] == asked
            session.feed(SessionPaused(20.0))
            await tab.until("document.body.dataset.phase === 'paused'")
            await tab.key("p")
            for key in ("c", "7", "Enter", "c", "1", "0", "Enter"):
                await tab.key(key)
            assert (await marks(session, 11))[8:] == [("resume", ""), ("comfort", "after 7"), ("comfort", "after 10")]
            await tab.key("q")
            once_more = "Press stop once more to end the practice."
            await tab.until(f"document.getElementById('notice').textContent === {once_more!r}")
            await tab.key("Escape")  # thought better of it
            await tab.key("q")
            assert len(session.marks) == 11
            await tab.key("q")
            assert (await marks(session, 12))[11:] == [("stop", "")]
            await tab.key("?")
            assert not await tab.ask("document.getElementById('panel').hidden")
            await tab.ask("document.getElementById('letters').focus()")
            await tab.key(" ")
            await tab.key("Escape")
            assert await tab.ask("document.getElementById('panel').hidden")
            await tab.ask("document.activeElement.blur()")
            await tab.key("r")
            await tab.key(" ")
            assert (await marks(session, 13))[12:] == [("next", "")]

    in_browser(steps)


TABBED = """
(() => {
  const one = document.activeElement, style = getComputedStyle(one.matches('[type=radio]') ? one.nextSibling : one);
  const isSeen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 3 && style.opacity === '1';
  return [one.id || one.name || one.tagName, isSeen];
})()
"""


def test_tab_goes_through_everything_in_order(in_browser: Run) -> None:
    """Tab visits comfort, start and every button in the order in which they stand, and each is seen to have the focus;
    the panel's parts come when it is open; a focused button is pressed by Enter, and not the default next."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, STREAMING, is_silent=False) as (session, tab):

            async def tabbed(n: int) -> list[str]:
                names = []
                for _ in range(n):
                    await tab.key("Tab")
                    name, is_seen = await tab.ask(TABBED)
                    assert is_seen, name
                    names.append(name)
                return names

            assert await tabbed(5) == ["comfort", "start", "silent", "more", "stop"]
            await tab.ask("document.getElementById('silent').focus()")
            await tab.key("Enter")
            session.feed(*BEGUN)
            await tab.until("document.body.dataset.phase === 'practice'")
            await tab.ask("document.activeElement.blur()")
            await tab.key("?")
            buttons = ["next", "pause", "repeat", "back", "supported", "more", "stop"]
            await tab.ask("document.getElementById('next').focus()")
            assert await tabbed(6) == buttons[1:]
            await tab.ask("document.getElementById('sound').focus()")
            assert await tabbed(5) == ["give-comfort", "light", "big", "full", "letters"]
            await tab.ask("document.getElementById('repeat').focus()")
            await tab.key("Enter")
            await tab.key(" ")
            assert [kind for kind, _ in await marks(session, 2)] == ["repeat", "repeat"]

    in_browser(steps)


def test_a_touch_in_the_dark_only_wakes_the_buttons(in_browser: Run) -> None:
    """After some seconds the buttons fade from sight; a touch where one lies shows them and presses nothing, the next
    one does; Tab shows the one that it reaches; on the bright page they stay."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, before=SOON) as (session, tab):
            asleep = "document.body.classList.contains('asleep')"
            unseen = f"{asleep} && getComputedStyle(document.getElementById('next')).opacity === '0'"
            await tab.until(unseen)
            await tab.press("#next")
            assert not await tab.ask(asleep)
            await asyncio.sleep(0.1)
            assert session.marks == []
            await tab.press("#next")
            assert await marks(session, 1) == [("next", "")]
            await tab.until(asleep)
            await tab.ask("document.getElementById('back').focus({ focusVisible: true })")
            await tab.until("getComputedStyle(document.getElementById('back')).opacity === '1'")
            await tab.key("Enter")
            assert (await marks(session, 2))[1:] == [("back", "")]
            for _ in range(8):
                await tab.key("+")
            await asyncio.sleep(0.4)
            assert not await tab.ask(asleep)

    in_browser(steps)


def test_the_panel_goes_by_itself(in_browser: Run) -> None:
    """A minute after the last touch, but under nobody's keyboard: then once they leave it; and at the end, before the
    last words."""
    is_closed = "document.getElementById('panel').hidden"

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, before=SOON) as (session, tab):
            await tab.key("?")
            await tab.until(is_closed)
            await tab.key("?")
            await tab.ask("document.getElementById('light').focus({ focusVisible: true })")
            await asyncio.sleep(0.15)
            assert not await tab.ask(is_closed)
            await tab.ask("document.getElementById('pause').focus()")
            assert await tab.ask(f"{is_closed} && document.activeElement.id === 'pause'")
            await tab.key("?")
            await tab.ask("document.getElementById('light').focus({ focusVisible: true })")
            session.feed(SessionEnded(30.0, "plan"))
            await tab.until(is_closed)

    in_browser(steps)


def test_stop_is_held_or_pressed_twice(in_browser: Run) -> None:
    """One touch of stop ends nothing; a second one does, and so does one that lasts; no window is in the way."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, before=SOON) as (session, tab):
            await tab.press("#stop")
            await tab.until("document.getElementById('stop-words').textContent === 'Once more'")
            await tab.press("#next")
            assert await marks(session, 1) == [("next", "")]
            await tab.press("#stop")
            assert (await marks(session, 2))[1:] == [("stop", "")]
            await tab.press("#stop", 0.4)
            assert (await marks(session, 3))[2:] == [("stop", "")]
            await asyncio.sleep(0.1)
            assert len(session.marks) == 3  # letting go is no further press

    in_browser(steps)


def test_comfort_by_touch_before_and_after(in_browser: Run) -> None:
    """The question stands there before the practice and after it, a touch answers, the answer is seen, and after the
    end it may be left out."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, STREAMING, before=SOON) as (session, tab):
            await tab.press("[name=comfort][value='6']")
            assert await marks(session, 1) == [("comfort", "before 6")]
            await tab.until("document.getElementById('comfort').hidden")
            await tab.until("document.getElementById('notice').textContent === 'Comfort 6, noted.'")
            session.feed(*BEGUN)
            await tab.until("document.body.dataset.phase === 'practice'")
            assert await tab.ask("document.getElementById('comfort').hidden")
            session.feed(SessionEnded(30.0, "plan"))
            await tab.until("!document.getElementById('comfort').hidden")
            asked = await tab.ask("document.querySelector('#comfort legend').textContent")
            assert asked == "Comfort afterwards, from 0 (not at all) to 10 (wholly)"
            await tab.press("#skip")
            assert (await marks(session, 2))[1:] == [("next", "")]

    in_browser(steps)


def test_a_screen_reader_is_told(in_browser: Run) -> None:
    """Every control has a name and a role; step and sentence are told when they change, the sentence not while a voice
    says it; the ring is a picture with a text; language and title are right."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN) as (session, tab):
            await tab.until("document.getElementById('number').textContent === '3'")
            await tab.key("?")
            roles = await tab.roles()
            await tab.key("c")  # closes the panel: one thing at a time
            await tab.until("document.getElementById('panel').hidden")
            roles += await tab.roles()
            for role, name in (
                ("button", "Next"), ("button", "Pause"), ("button", "Repeat"), ("button", "Back"),
                ("button", "Pillow supports the knee"), ("button", "Stop"), ("image", "3 of 8 repetitions"),
                ("heading", "Clamshell, right"), ("slider", "Brightness"), ("checkbox", "Big text"), ("radio", "10"),
                ("group", "Comfort now, from 0 (not at all) to 10 (wholly)"),
            ):  # fmt: skip
                # what is asked for late is one for afterwards
                name = name.replace("Comfort now", "Comfort afterwards")
                assert (role, name) in roles, (role, name, [one for one in roles if one[0] == role])
            live = "document.getElementById('sentence').getAttribute('aria-live')"
            assert await tab.ask(live) == "polite"
            assert await tab.ask("document.querySelector('header').getAttribute('aria-live')") == "polite"
            assert await tab.ask("document.documentElement.lang") == "en"
            session.server.is_computer_heard = lambda: True
            session.server.refresh()
            await tab.until(f"{live} === 'off'")

    in_browser(steps)


async def axe(tab: Tab, *without: str) -> list[str]:
    """Serious and critical findings of axe-core."""
    package = pytest.importorskip("axe_core_python", reason="axe-core-python is not installed: pip install '.[dev]'")
    if not await tab.ask("typeof axe !== 'undefined'"):
        source = (Path(package.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
        await tab.call("Runtime.evaluate", expression=source)
    await tab.until("document.getAnimations().length === 0")  # half faded texts have no contrast yet
    rules = json.dumps({rule: {"enabled": False} for rule in without})
    found = await tab.ask(f"axe.run(document, {{ rules: {rules} }}).then((found) => found.violations)")
    return [
        f"{one['id']}: {node['html']}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def test_axe_finds_nothing_serious(in_browser: Run) -> None:
    """axe-core on the bright page with every rule, contrast too, and on the dark page with all but contrast: dim lines
    on black are what is wanted there, and + is the way out of them."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, STREAMING, size=(360, 740)) as (session, tab):
            for _ in range(8):
                await tab.key("+")
            assert await axe(tab) == []
            session.feed(*BEGUN)
            await tab.until("document.getElementById('number').textContent === '3'")
            await tab.key("?")
            assert await axe(tab) == []
            for _ in range(8):
                await tab.key("-")
            assert await axe(tab, "color-contrast") == []
            await tab.key("Escape")
            session.feed(SessionEnded(30.0, "plan"))
            await tab.until("!document.getElementById('comfort').hidden")
            assert await axe(tab, "color-contrast") == []

    in_browser(steps)


# -------------------------------------------------------------------------------------------------- the line


def test_it_comes_back_by_itself(in_browser: Run) -> None:
    """The server goes away without a word and comes again: the page says so after a moment, comes back untouched, and
    what was asked for just before arrives; a session that ends says so."""

    async def steps(browser: Chromium) -> None:
        access = Access()
        async with opened_at(browser, access, 0) as (first, tab):
            port = first.server.port
            end_abruptly(first.server)
            await tab.until("document.body.dataset.link === 'away'")
            text = "The page has lost the session, coming back by itself."
            await tab.until(f"document.getElementById('notice').textContent === {text!r}")
            await tab.key("r")
            await gone(first.server)
            async with PageServer(Clock(), access, port=port) as again:
                second = PageSession(again)
                second.feed(*BEGUN, rep(3, 16.0))
                await tab.until("document.getElementById('number').textContent === '4'", 5)
                assert await marks(second, 1) == [("repeat", "")]
                await tab.until(f"document.getElementById('notice').textContent !== {text!r}")
            await tab.until("document.getElementById('notice').textContent.startsWith('The session is over')")
            browser.complaints.clear()  # the browser itself tells of connections that failed

    in_browser(steps)


@contextlib.asynccontextmanager
async def opened_at(browser: Chromium, access: Access, port: int) -> AsyncIterator[tuple[PageSession, Tab]]:
    """As `opened`, on a server that may be broken off."""
    server = PageServer(Clock(), access, port=port)
    await server.__aenter__()
    session = PageSession(server)
    session.feed(*BEGUN)
    tab = await browser.tab(SOON, is_stranger=True)
    await tab.open(server.url)
    await tab.until("document.getElementById('number').textContent === '3'")
    await tab.press("#silent")
    try:
        yield session, tab
    finally:
        await tab.close()


def end_abruptly(server: PageServer) -> None:
    """Cuts every connection and listens no more, as when the program is killed."""
    assert server._server is not None
    for listening in server._server.servers:
        listening.close()
    for connection in tuple(server._server.server_state.connections):
        connection.transport.abort()


async def gone(server: PageServer) -> None:
    """Ends what is left of a server that was cut off."""
    await asyncio.sleep(0.05)
    await server.__aexit__(None, None, None)


def test_where_no_socket_opens_it_asks(in_browser: Run) -> None:
    """A browser that refuses the socket gets the same by POST: states come at once, and marks arrive."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, before=NO_SOCKET + SOON) as (session, tab):
            await tab.until("document.getElementById('number').textContent === '3'")
            await tab.key("r")
            assert await marks(session, 1) == [("repeat", "")]
            session.feed(rep(3, 16.0))
            await tab.until("document.getElementById('number').textContent === '4'", 0.5)

    in_browser(steps)


def test_a_choice_of_sound_holds_for_one_session(in_browser: Run) -> None:
    """A page that is loaded anew in the middle does not ask again; the next session's page in the same tab does, and
    tells the computer nothing by itself, since its first word begins the practice."""

    async def steps(browser: Chromium) -> None:
        noting = "globalThis.sent = []; const send = WebSocket.prototype.send;"
        noting += "WebSocket.prototype.send = function (text) { sent.push(text); send.call(this, text); };"
        async with opened(browser, *BEGUN, before=noting) as (session, tab):
            port = session.server.port
            await tab.call("Page.reload")
            await tab.until("document.getElementById('place')?.textContent === 'Step 3 of 12'")
            assert await tab.ask("document.getElementById('welcome').hidden")
            await session.server.__aexit__(None, None, None)
            async with PageServer(Clock(), port=port) as server:
                server.on_message(STREAMING)
                await tab.call("Page.navigate", url="about:blank")
                await tab.open(server.url)
                await tab.until("document.getElementById('place').textContent === 'Getting ready'")
                assert not await tab.ask("document.getElementById('welcome').hidden")
                assert await tab.ask("sent.map((one) => JSON.parse(one).type)") == ["hello"]

    in_browser(steps)


def test_who_cannot_look_on_is_told_why(in_browser: Run) -> None:
    """A page of another evening says that it does not belong here, and asks no more; the key leaves the address. One
    page too many hears just that, with the right key."""

    async def steps(browser: Chromium) -> None:
        async with page_session(PageParams(max_viewers=1)) as session:
            tab = await browser.tab(is_stranger=True)
            await tab.open(session.base + "/#an-old-key")
            words = "document.getElementById('notice').textContent"
            await tab.until(f"{words}.includes('does not belong to a session that is running')")
            assert await tab.ask("location.hash") == ""
            async with session.page():
                await tab.call("Page.navigate", url="about:blank")
                await tab.open(session.server.url)
                await tab.until(f"{words}.includes('on as many pages as it can be')")
            await tab.close()

    in_browser(steps)


def test_the_browser_is_sent_on_and_shows_the_safety_text(in_browser: Run) -> None:
    """The browser gets a file of our own instead of a key on its command line; it arrives with the key, the file goes,
    and the whole safety text lies open until it is folded, while Start can be pressed."""

    async def steps(browser: Chromium) -> None:
        async with page_session() as session:
            text = safety_text()
            session.server.safety = text.to_json()
            address = PrivateAddress(session.server.url)
            session.server.on_arrival = address.remove
            tab = await browser.tab(is_stranger=True)
            await tab.call("Emulation.setEmulatedMedia", features=STILL)
            await tab.open(address.path.as_uri())
            await tab.until("document.body?.dataset.link === 'here' && document.body.classList.contains('reading')")
            assert not address.path.exists()
            assert await tab.ask("location.hash") == ""
            read = await tab.text()
            assert all(line in read for line in (*text.emergency, *text.ask_first, text.emergency_title))
            at_start = """(() => {
              const box = document.getElementById('start').getBoundingClientRect();
              return document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2).id;
            })()"""
            assert await tab.ask(at_start) == "start"
            assert await axe(tab, "color-contrast") == []
            await tab.press("summary")
            await tab.until("!document.body.classList.contains('reading')")
            session.feed(*BEGUN)
            await tab.until("document.getElementById('safety').hidden")
            await tab.close()

    in_browser(steps)


def test_a_tablet_comes_in_once(in_browser: Run, tmp_path: Path) -> None:
    """A code opens the page on one tablet, which also comes back after its tab was closed; on a second device the same
    code opens nothing, and it is told why."""
    tls = own_certificate(tmp_path, ["127.0.0.1"])

    async def steps(browser: Chromium) -> None:
        clock = Clock()
        async with PageServer(clock, tablet_access(["127.0.0.1"], time.monotonic_ns()), tls=tls) as server:
            url = server.url
            tablet, other = await browser.tab(is_stranger=True), await browser.tab(is_stranger=True)
            await tablet.open(url)
            await tablet.until("document.body.dataset.link === 'here'")
            await tablet.ask("sessionStorage.clear()")  # as when the tab is closed
            await tablet.open(url.partition("#")[0])
            await tablet.until("document.body.dataset.link === 'here'")
            await other.open(url)
            await other.until("document.body.dataset.link === 'refused'")
            await other.until("document.getElementById('notice').textContent.includes('works only once')")
            await tablet.close()
            await other.close()
        browser.complaints = [one for one in browser.complaints if "403" not in one]  # the refusal itself

    in_browser(steps)


# ---------------------------------------------------------------------------------------------------- the sound


def test_sound_comes_from_the_page(in_browser: Run, tmp_path: Path) -> None:
    """After Start, without a voice of the browser: a file is heard to its end; the bell rises for a fifth of a second,
    and a hush in the middle is silence at once; a sentence without a file is not heard, and nobody claims so."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, before=EAR + SOON, is_silent=False) as (session, tab):
            tone = bell_file(tmp_path, BellParams(length_s=0.8))

            async def file(cue: Cue) -> Path | None:
                return tone

            mouth = PageMouth(session.server, sound=file)
            assert not mouth.can_say(SAID)
            await tab.press("#start")
            await tab.until("document.getElementById('sound').checked")
            assert session.server.voice is not None
            assert not session.server.voice.speaks  # headless Chromium has none
            assert await tab.ask("locks") == 1  # the screen stays on
            await tab.ask("heard.length = 0")
            assert await mouth.say(SAID, 10.0)
            assert await tab.ask("Math.max(...heard)") > 0.02
            await tab.ask("heard.length = 0")
            ringing = asyncio.create_task(mouth.say(Cue(3, 3.0, "bell", "bell", "", 2.5), 10.0))
            await asyncio.sleep(0.8)
            ringing.cancel()
            await asyncio.sleep(0.2)
            loud = await tab.ask("heard.splice(0)")
            begin = next(n for n, one in enumerate(loud) if one > 0)
            assert max(loud) > 0.02
            assert max(loud[begin : begin + 4]) < 0.6 * max(loud)  # 4 x 1024 samples at 44.1 kHz: 93 ms
            await tab.until("heard.length > 4")
            assert await tab.ask("Math.max(...heard)") == 0
            unsaid = {"type": "say", "id": 9, "kind": "say", "text": "One.", "audio": None}
            assert await session.server.voice.say(unsaid, 5.0) is None
            session.server.release_voice(session.server.voice)  # what the mouth does then
            await tab.until("!document.getElementById('sound').checked")

    in_browser(steps)


def test_the_browsers_own_voice_is_used_where_it_works(in_browser: Run) -> None:
    """A browser whose test phrase ends well speaks by itself: slower than talking, one sentence at a time, breath words
    softer, and is cut at a hush."""

    async def steps(browser: Chromium) -> None:
        async with opened(browser, *BEGUN, before=VOICE, is_silent=False) as (session, tab):
            mouth = PageMouth(session.server)
            await tab.key(" ")  # a reload in the middle of the practice: the space bar is next, not start
            assert await marks(session, 1) == [("next", "")]
            await tab.press("#start")
            await tab.until("document.getElementById('sound').checked")
            assert session.server.voice is not None
            assert session.server.voice.speaks
            assert await mouth.say(Cue(5, 5.0, "x", "say", "One.", 0.2), 5.0)
            assert await mouth.say(Cue(6, 6.0, "y", "breath", "In.", 0.2), 5.0)
            saying = asyncio.create_task(mouth.say(Cue(7, 7.0, "z", "say", "Two.", 0.2), 5.0))
            await asyncio.sleep(0.05)
            saying.cancel()
            await tab.until("spoken.at(-1).cut")
            said = await tab.ask("spoken.slice(1).map((one) => [one.text, one.rate, one.volume, one.lang])")
            assert [one[0] for one in said] == ["One.", "In.", "Two."]
            assert {one[1] for one in said} == {0.9}
            assert said[1][2] < said[0][2]
            assert {one[3] for one in said} == {"en"}

    in_browser(steps)

"""The live page for one session: on this computer in its browser, or, when asked for, on one tablet at home."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sensorsoma.cli.common import note
from sensorsoma.cli.page_browser import PrivateAddress, open_browser
from sensorsoma.cli.phone_page import own_tls, show_code
from sensorsoma.cli.whose import the_book
from sensorsoma.errors import InputFileError, SourceError
from sensorsoma.live.comfort import ComfortQuestion
from sensorsoma.live.page.page_mouth import PageMouth
from sensorsoma.live.page.server import PageServer
from sensorsoma.live.view import SensorView, View
from sensorsoma.people.safety import SafetyText, safety_text

if TYPE_CHECKING:
    from sensorsoma.cli.running import LiveChoices
    from sensorsoma.clock import Clock
    from sensorsoma.live.computer import ComputerVoice
    from sensorsoma.live.speech import Speaker
    from sensorsoma.live.terminal import Terminal
    from sensorsoma.session import Session

TABLET_WORDS = (
    "For the tablet: scan the code or type the address. Its browser warns once, because this computer vouches for "
    "itself: choose Advanced, then go on. The code is good for one device and for five minutes."
)


@dataclass(frozen=True, slots=True)
class PageChoices:
    """Where the page is served and what it shows at first."""

    view: View
    port: int = 0
    is_on_lan: bool = False
    opens_browser: bool = True
    safety: SafetyText | None = None
    """To be read on the page; None where nobody practises."""
    is_safety_read: bool = False


async def open_page(choices: PageChoices, clock: Clock, stack: AsyncExitStack) -> PageServer:
    """The page, served from here on until the stack is left.

    Raises:
        SourceError: the port cannot be used, or there is no network for a tablet.
        MissingExtraError: nothing here can make a certificate for a tablet.
    """
    server = _for_tablet(choices, clock) if choices.is_on_lan else _for_here(choices, clock)
    server.safety_line = safety_text(choices.view.language).line
    if choices.safety is not None:
        server.safety, server.is_safety_read = choices.safety.to_json(), choices.is_safety_read
    await stack.enter_async_context(server)
    if choices.opens_browser and not choices.is_on_lan and has_browser():
        with contextlib.suppress(OSError):  # no room for a file: the address stands on the terminal
            address = PrivateAddress(server.url)
            stack.callback(address.remove)
            server.on_arrival = address.remove
            await asyncio.to_thread(open_browser, address.path)
    return server


def page_choices(choices: LiveChoices) -> PageChoices | None:
    """The page of a live session; None when none was asked for."""
    if not choices.has_page:
        return None
    view = View(
        sensors={spec.placement: SensorView(is_simulated=spec.kind == "virtual") for spec in choices.specs},
        is_simulated=any(spec.kind == "virtual" for spec in choices.specs),
        is_quiet=choices.is_quiet,
        language=choices.language,
    )
    text = safety_text(choices.language)
    return PageChoices(
        view, choices.page_port, choices.is_page_on_lan, choices.opens_browser, text, _has_read(choices.person, text)
    )


def _has_read(person: str | None, text: SafetyText) -> bool:
    """Whether the person has said that just this text was read."""
    try:
        read = the_book().profile(person).safety_read.get(text.language, {})
    except InputFileError:
        return False
    return read.get("version") == text.version


def join(
    server: PageServer, session: Session, speaker: Speaker, question: ComfortQuestion, voice: ComputerVoice | None
) -> None:
    """Puts the page into a session: it looks on, hands in marks, and speaks where sound is started on it."""
    look_on(server, session, speaker, voice)
    server.question = question
    server.send_marks_to(session.put)
    question.on_change.append(server.refresh)


def wait_for_start(server: PageServer, session: Session, terminal: Terminal) -> None:
    """Lets the practice begin when the person says so, there or here: who scans a code or turns down the light wants no
    voice yet."""
    session.waits_for_start = server.starts_session = True
    terminal.notice("Press Start on the page, or space here, when you lie comfortably.")
    server.notice("Press Start when you lie comfortably.")


def look_on(server: PageServer, session: Session, speaker: Speaker, voice: ComputerVoice | None) -> None:
    """Lets the page show a session and speak in it; without a voice, or at another speed than life's, nothing does."""
    server.may_speak = voice is not None and server.clock.speed == 1.0
    server.is_computer_heard = lambda: speaker.voice_name is not None and not speaker.soundless
    if voice is not None:
        speaker.put_first(PageMouth(server, voice.renderer.recorded_for, voice.renderer.wav_for))
    session.add_listeners(server)


class NoQuestion:
    """Asks for nothing: what is replayed was answered long ago."""

    asks = None

    def skip(self) -> None:
        """There is nothing to skip."""


def watch_replay(server: PageServer, session: Session, speaker: Speaker, voice: ComputerVoice | None) -> None:
    """Lets the page show a replay; the only thing that it may ask for is the end."""
    look_on(server, session, speaker, voice)
    server.question = NoQuestion()
    server.send_marks_to(lambda mark: session.mark_stop() if mark.kind == "stop" else None)


def notices(terminal: Terminal, server: PageServer | None) -> Callable[[str], None]:
    """Shows a sentence of ours wherever somebody looks."""
    if server is None:
        return terminal.notice
    page = server.notice

    def show(sentence: str) -> None:
        terminal.notice(sentence)
        page(sentence)

    return show


def has_browser() -> bool:
    """Whether a browser may be opened here: not in automatic runs, and only where there is a screen."""
    if os.environ.get("CI"):
        return False
    if sys.platform.startswith("linux"):
        return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return True


def _for_here(choices: PageChoices, clock: Clock) -> PageServer:
    return PageServer(clock, port=choices.port, view=choices.view, show=lambda url: note(f"Page: {url}"))


def _for_tablet(choices: PageChoices, clock: Clock) -> PageServer:
    from sensorsoma.config import load_config
    from sensorsoma.live.page.access import tablet_access
    from sensorsoma.serving.address import lan_address

    configured = load_config().phone_page_host
    name = configured or lan_address()
    if not configured and name == "127.0.0.1":
        raise SourceError(
            "Expected a home network in which a tablet can reach this computer, found none; join the Wi-Fi, or use "
            "--page to see the page on this computer."
        )

    def show(url: str) -> None:
        note(TABLET_WORDS)
        show_code(url)

    access = tablet_access([name], time.monotonic_ns())
    return PageServer(clock, access, port=choices.port, host="0.0.0.0", tls=own_tls(name), view=choices.view, show=show)

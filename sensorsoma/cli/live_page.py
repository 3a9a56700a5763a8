"""The live page for one session: on this computer in its browser, or, when asked for, on one tablet at home."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from sensorsoma.cli.common import note
from sensorsoma.cli.phone_page import own_tls, show_code
from sensorsoma.errors import SourceError
from sensorsoma.live.comfort import ComfortQuestion
from sensorsoma.live.page.page_mouth import PageMouth
from sensorsoma.live.page.server import PageServer
from sensorsoma.live.view import SensorView, View
from sensorsoma.people.safety import safety_text

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


async def open_page(choices: LiveChoices, clock: Clock, stack: AsyncExitStack) -> PageServer | None:
    """The page, served from here on until the stack is left; None when none was asked for.

    Raises:
        SourceError: the port cannot be used, or there is no network for a tablet.
        MissingExtraError: nothing here can make a certificate for a tablet.
    """
    if not choices.has_page:
        return None
    server = _for_tablet(choices, clock) if choices.is_page_on_lan else _for_here(choices, clock)
    server.safety_line = safety_text(choices.language).line
    await stack.enter_async_context(server)
    if choices.opens_browser and not choices.is_page_on_lan and has_browser():
        await asyncio.to_thread(_open_browser, server.url)
    return server


def join(
    server: PageServer,
    session: Session,
    speaker: Speaker,
    question: ComfortQuestion,
    voice: ComputerVoice | None,
) -> None:
    """Puts the page into a session: it looks on, hands in marks, and speaks where sound is started on it."""
    server.is_computer_heard = lambda: speaker.voice_name is not None
    server.question = question
    server.send_marks_to(session.put)
    question.on_change.append(server.refresh)
    if voice is not None:
        speaker.put_first(PageMouth(server, voice.renderer.recorded_for, voice.renderer.wav_for))
    session.add_listeners(server)


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


def _for_here(choices: LiveChoices, clock: Clock) -> PageServer:
    return PageServer(clock, port=choices.page_port, view=_first_view(choices), show=lambda url: note(f"Page: {url}"))


def _for_tablet(choices: LiveChoices, clock: Clock) -> PageServer:
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
    return PageServer(
        clock, access, port=choices.page_port, host="0.0.0.0", tls=own_tls(name), view=_first_view(choices), show=show
    )


def _first_view(choices: LiveChoices) -> View:
    """What can be shown before anything has been heard."""
    return View(
        sensors={spec.placement: SensorView(is_simulated=spec.kind == "virtual") for spec in choices.specs},
        is_simulated=any(spec.kind == "virtual" for spec in choices.specs),
        is_quiet=choices.is_quiet,
        language=choices.language,
    )


def _open_browser(url: str) -> None:
    import webbrowser

    with contextlib.suppress(webbrowser.Error, OSError):  # the address stands on the terminal
        webbrowser.open(url)

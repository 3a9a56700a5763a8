"""A live session from what was typed: sources, recording, voice, screen and keys put together and taken down again."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sensorsoma.cli.common import check_folder, note
from sensorsoma.cli.live_page import PageChoices, join, notices, open_page, page_choices, wait_for_start, watch_replay
from sensorsoma.cli.opening import open_sources, open_virtual_world, session_settings
from sensorsoma.cli.phone_page import PhonePage
from sensorsoma.cli.voicing import texts_of, voice_of
from sensorsoma.clock import Clock
from sensorsoma.errors import UsageError
from sensorsoma.live.awake import KeepAwake
from sensorsoma.live.comfort import PATIENCE_S, ComfortQuestion
from sensorsoma.live.computer import computer_voice
from sensorsoma.live.keys import Keyboard
from sensorsoma.live.speech import Speaker
from sensorsoma.live.terminal import Mode, Terminal
from sensorsoma.messages import CueFinished, Message, SettingsSnapshot, UserMark
from sensorsoma.session import Listener, Session, SessionOutcome
from sensorsoma.settings import SegmentRequest
from sensorsoma.sources.ble.kinds import Kind
from sensorsoma.sources.loop import run
from sensorsoma.sources.spec import DEVICES, SourceSpec

if TYPE_CHECKING:
    from sensorsoma.live.page.server import PageServer
    from sensorsoma.recording.reader import Recording

T = TypeVar("T")

LAST_WORDS_S = 15.0
"""Real seconds that the last sentence gets to be said before the program leaves."""


@dataclass(frozen=True, slots=True)
class LiveChoices:
    """What a live session is made of."""

    specs: tuple[SourceSpec, ...]
    folder: Path
    name: str
    """Goes into the recording's file name."""
    plan: Mapping[str, Any] | None = None
    segments: tuple[SegmentRequest, ...] = ()
    person: str | None = None
    language: str = "en"
    speed: float = 1.0
    seed: int = 1
    is_quiet: bool = False
    has_voice: bool = True
    voice_folder: Path | None = None
    """Recorded sentences that replace the computer's voice."""
    has_page: bool = False
    """Serve the live page on this computer ..."""
    is_page_on_lan: bool = False
    """... or, opened deliberately, to one tablet in the home network."""
    page_port: int = 0
    opens_browser: bool = True
    """Show the page in this computer's browser, where there is one."""
    waits_for_start: bool = False
    """Begin only once the person presses Start on the page, or the space key."""
    usual_deg: Mapping[str, float] = field(default_factory=dict)
    usual_span_deg: Mapping[str, Sequence[float]] = field(default_factory=dict)
    n_before: int = 0
    comfort_before: int | None = None
    """What was said on the terminal before the session, 0-10."""
    asks_comfort: bool = False
    """Ask again when it is over, where somebody can answer."""
    pacer: Mapping[str, Any] | None = None
    words: Mapping[str, Any] = field(default_factory=dict)
    has_taps: bool = True
    mode: Mode = "auto"
    seconds: float | None = None
    """Stop this many session seconds after the beginning."""
    boards: tuple[Kind, ...] = ()
    """A person's own boards, from the config file."""
    phone_port: int = 8000
    phone_page: PhonePage = field(default_factory=PhonePage)
    """The page for phones' browsers; who is paired there stays paired for all that is done with these choices."""
    virtual_options: Mapping[str, Any] = field(default_factory=dict)
    """Passed to the virtual world: difficulties, radio."""


@dataclass(frozen=True, slots=True)
class LiveResult:
    """What a live session leaves behind."""

    path: Path
    """The recording; there is none when the session was stopped before it had begun."""
    outcome: SessionOutcome
    truth: Mapping[str, Any] | None = None
    """What the virtual person really did; None without one."""
    is_interrupted: bool = False
    """True when a signal (Ctrl-C) ended it."""


def run_interruptible(coroutine: Coroutine[Any, Any, T]) -> T:
    """What the coroutine gives.

    Raises:
        KeyboardInterrupt: a second Ctrl-C, or one before the session had begun, ended it; everything is put away.
    """
    try:
        return run(coroutine)
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def run_live(choices: LiveChoices, extra_listeners: Sequence[Listener] = ()) -> LiveResult:
    """Runs one session to its end.

    Raises:
        SensorSomaError: a sensor that is not there, a disk that is full; what was recorded until then is kept.
    """
    from sensorsoma.recording.writer import Recorder

    if choices.speed != 1.0 and any(spec.kind in DEVICES for spec in choices.specs):
        raise UsageError("Expected real time for real sensors, found --speed; leave it out, or use virtual sensors.")
    clock = Clock(choices.speed)
    check_folder(choices.folder)
    path = recording_path(choices.folder, choices.name)
    async with AsyncExitStack() as stack:
        stack.push(partial(_tell_what_is_kept, path))
        wanted = page_choices(choices)
        page = None if wanted is None else await open_page(wanted, clock, stack)
        world = await open_virtual_world(choices, stack)
        settings = session_settings(choices)
        sources = await open_sources(choices, clock, world, stack)
        terminal = stack.enter_context(Terminal(mode=choices.mode))
        session = Session(
            settings, sources, clock, lambda found: Recorder(path, found), listeners=(terminal, *extra_listeners)
        )
        voice = voice_of(choices) if choices.has_voice else None
        speaker = Speaker(
            clock,
            lambda cue_id: session.put(CueFinished(clock.now_ns(), cue_id)),
            voice.mouths if voice is not None else (),
            notice=notices(terminal, page),
        )
        speaker.prepare(texts_of(choices))
        terminal.is_unspoken = lambda: speaker.voice_name is None or bool(speaker.soundless)
        stack.push_async_callback(speaker.close)
        keyboard = Keyboard(clock, session.put, terminal.notice)
        question = ComfortQuestion()
        session.add_listeners(speaker, keyboard, question, *([] if world is None else [world]))
        if page is not None:
            join(page, session, speaker, question, voice)
            if choices.waits_for_start:
                wait_for_start(page, session, terminal)
        stack.enter_context(KeepAwake())
        stack.enter_context(keyboard)
        asked = stack.enter_context(_stop_on_signals(session, question.skip))
        if choices.comfort_before is not None:
            session.put(UserMark(clock.now_ns(), "comfort", f"before {choices.comfort_before}"))
        if choices.asks_comfort:
            session.before_close = partial(_ask_comfort_after, question, keyboard, page, asked, settings.language)
        if choices.seconds is not None:
            session.add_listeners(_StopAfter(clock.real_seconds(choices.seconds), session.mark_stop))
        outcome = await session.run()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(speaker.drained(), LAST_WORDS_S)
        truth = await world.truth() if world is not None else None
    return LiveResult(path, outcome, truth, bool(asked))


def _tell_what_is_kept(path: Path, kind: type[BaseException] | None, *_: object) -> None:
    """Where the recording lies of a session that was broken off: by a second Ctrl-C, or a sensor that failed."""
    if kind is not None and path.exists():
        note(f"Recorded: {path}")


async def _ask_comfort_after(
    question: ComfortQuestion, keyboard: Keyboard, page: PageServer | None, asked: list[int], language: str
) -> None:
    """Asks how the body is now, where somebody can answer; whoever ended it by Ctrl-C wants to be gone."""
    from sensorsoma.people.comfort import question as comfort_question

    if asked or not (keyboard.is_listening or (page is not None and page.has_page_open)):
        return
    note(f"{comfort_question('after', language)} After {PATIENCE_S:.0f} s it goes on by itself.")
    keyboard.ask_comfort(note, question.skip)
    await question.ask_after()
    asked.clear()  # Ctrl-C there left the question, not the session


class _StopAfter:
    """Ends a session so many real seconds after it has begun; looking for sensors does not count."""

    def __init__(self, real_s: float, stop: Callable[[], None]) -> None:
        self._real_s = real_s
        self._stop = stop

    def on_message(self, message: Message) -> None:
        if isinstance(message, SettingsSnapshot):
            asyncio.get_running_loop().call_later(self._real_s, self._stop)


def recording_path(folder: Path, name: str, now: datetime | None = None) -> Path:
    """A new file name: local date and time, then what was practised; never one that exists."""
    stem = f"{(now or datetime.now()):%Y-%m-%dT%H%M}_{name}"
    path = folder / f"{stem}.mcap"
    n = 2
    while path.exists():
        path = folder / f"{stem}_{n}.mcap"
        n += 1
    return path


@contextlib.contextmanager
def _stop_on_signals(session: Session, also: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """The first Ctrl-C ends the session as the stop key does, a second one at once; gives the signals so far.

    Each of them calls `also`.
    """
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    asked: list[int] = []

    def ask(number: int) -> None:
        if asked and task is not None:
            task.cancel()
        asked.append(number)
        session.mark_stop()
        also()

    signals = (signal.SIGINT, signal.SIGTERM, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))
    handled = []
    for number in signals:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, ask, number)
            handled.append(number)
    try:
        yield asked
    finally:
        for number in handled:
            loop.remove_signal_handler(number)


async def replay_on_screen(recording: Recording, speed: float, wanted: PageChoices | None = None) -> None:
    """A recording at the pace it had, or `speed` times that: on the screen, in the voice, on a page if one is wanted.

    Raises:
        SourceError: the page's port cannot be used.
    """
    from sensorsoma.sources.playback import PlaybackSource

    settings = recording.settings
    clock = Clock(speed)
    async with AsyncExitStack() as stack:
        page = None if wanted is None else await open_page(wanted, clock, stack)
        terminal = stack.enter_context(Terminal())
        session = Session(
            settings, [PlaybackSource(recording.inputs(), clock)], clock, listeners=(terminal,), is_replay=True
        )
        voice = computer_voice(settings.language)
        speaker = Speaker(clock, lambda _: None, voice.mouths, notice=notices(terminal, page))
        stack.push_async_callback(speaker.close)
        session.add_listeners(speaker)
        if page is not None:
            watch_replay(page, session, speaker, voice)
        with _stop_on_signals(session):
            await session.run()
            await speaker.drained()

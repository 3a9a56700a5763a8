"""A phone with the app phyphox, asked over Wi-Fi: its remote access is a small HTTP server, and this is its client.

Every tenth of a second the phone is asked for what is newer than the last reading that came. What it measured while it
could not be reached comes with the next answer, so a short absence loses nothing.

The measurement is left as it was found: one that was started from here is stopped at the end, so that the phone does
not go on filling its memory and its evening; one that the person started goes on, because it is theirs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from sensorsoma.clock import Clock
from sensorsoma.decode.phyphox_body import Answer, Experiment
from sensorsoma.errors import DeviceNotFoundError, LinkError, SourceError
from sensorsoma.messages import Input, Packet, SourceStatus, StreamInterrupted, StreamResumed
from sensorsoma.sources.phone.http_get import HttpParams, NoAnswerError
from sensorsoma.sources.phone.phyphox_api import NotPhyphoxError, PhyphoxApi
from sensorsoma.sources.phone.phyphox_bounds import Bounds
from sensorsoma.units import NS_PER_S

log = logging.getLogger(__name__)

Put = Callable[[Input | SourceStatus], None]
State = Literal["searching", "connecting", "starting", "streaming", "lost", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class PhyphoxSourceParams:
    """Pace, limits and patience."""

    poll_s: float = 0.1
    """Session time between questions: what is heard is as old as this, and the phone answers in some hundredths."""
    silent_s: float = 3.0
    """Session time without a new reading after which the phone is away."""
    stale_s: float = 1.0
    """Session time without a new reading after which it is looked up whether the phone's clock was begun anew."""
    backlog_s: float = 120.0
    """What the phone measured longer ago than this while it was away is not fetched: at 100 Hz that is 1.4 MB."""
    find_s: float = 120.0
    """Session time to wait for the phone at the beginning."""
    backoff_s: float = 0.25
    """Real. First wait after a question that was not answered; doubled each time."""
    backoff_max_s: float = 2.0
    """Real. Longest wait."""
    restart_s: float = 3.0
    """Session time between requests to go on, while the measurement on the phone is paused."""
    timed_restart_s: float = 15.0
    """The same for a timed run, whose own countdown must not be begun again and again."""
    least_size: int = 50
    """Values that a buffer must hold: half a second at 100 Hz, so that a late question finds nothing gone."""
    check_s: float = 0.1
    """Real time between looks at the watch."""
    leave_s: float = 2.0
    """Real. What stopping the measurement may take at the end."""
    http: HttpParams = field(default_factory=HttpParams)
    """Limits of one question."""


class _UselessError(NoAnswerError):
    """The phone answers, but with an experiment that is of no use; that has been said."""


class PhyphoxSource:
    """Answers of one phone until cancelled.

    Args:
        channel: where it is worn.
        address: HOST or HOST:PORT; without a port the usual ones are tried.
        clock: session time.
        params: pace, limits and patience.
    """

    def __init__(self, channel: str, address: str, clock: Clock, params: PhyphoxSourceParams | None = None) -> None:
        self._channel = channel
        self._clock = clock
        self._params = params or PhyphoxSourceParams()
        self._api = PhyphoxApi(address, self._params.http)
        self._bounds = Bounds(self._params.backlog_s)
        self._put: Put = lambda _message: None
        self._status = SourceStatus(0, channel, "searching", device_name="phyphox")
        self._told = ""
        """The last sentence on the screen."""
        self._experiment: Experiment | None = None
        """None: to be looked up before the next question."""
        self._config_body: bytes | None = None
        """The answer of `/config` until it has been handed on."""
        self._is_measuring = False
        self._has_started = False
        """The measurement was started from here."""
        self._asked_ns: int | None = None
        """When it was last asked to start."""
        self._last_ns: int | None = None
        """Arrival of the last new reading; None before the first."""
        self._looked_ns = 0
        self._is_away = False
        self._trouble = ""
        """Why nothing comes, in a sentence."""

    async def run(self, put: Put) -> None:
        """Asks until cancelled.

        Raises:
            DeviceNotFoundError: the phone did not answer within `find_s`.
            LinkError: what answers is not phyphox, or its experiment has no accelerometer.
        """
        self._put = put
        asking = asyncio.create_task(self._ask())
        try:
            await self._watch(asking)
        except SourceError as error:
            self._tell("failed", str(error))
            raise
        finally:
            asking.cancel()
            await asyncio.wait([asking])
            await self._leave()
            if self._status.state != "failed":
                self._tell("stopped")

    # ------------------------------------------------------------------------------------------- the conversation

    async def _ask(self) -> None:
        """Question after question; only what cannot mend itself ends it."""
        self._tell("searching", f"Looking for phyphox at {self._api.host}; allow remote access in its menu.")
        p, loop = self._params, asyncio.get_running_loop()
        n_failed = 0
        while True:
            begin_s = loop.time()
            try:
                if self._experiment is None:
                    await self._look()
                else:
                    await self._poll(self._experiment)
                n_failed = 0
                wait_s = begin_s + self._clock.real_seconds(p.poll_s) - loop.time()
            except NoAnswerError as error:
                log.info("%s: %s", self._channel, error)
                self._experiment = None
                wait_s = 0.0 if n_failed == 0 else min(p.backoff_max_s, p.backoff_s * 2.0 ** min(n_failed - 1, 10))
                n_failed += 1
                if n_failed > 1 and not isinstance(error, _UselessError):
                    self._say_trouble(f"The phone at {self._api.host} cannot be asked: {error}.")
            await asyncio.sleep(max(0.0, wait_s))

    async def _look(self) -> None:
        """Finds out where phyphox answers, which experiment is open and where its measurement stands.

        Raises:
            NoAnswerError: not now.
            LinkError: not at all, while nothing has come yet.
        """
        try:
            experiment, body = await self._api.config()
        except NotPhyphoxError as error:
            if self._last_ns is None:
                raise LinkError(
                    f"Expected phyphox, but {error}; type the address that phyphox shows when remote access is "
                    "allowed, and use a version of the last years."
                ) from error
            raise
        flaw = self._flaw_of(experiment)
        if flaw:
            if self._last_ns is None:
                raise LinkError(flaw)
            self._say_trouble(flaw)
            raise _UselessError(flaw)
        answer, _ = await self._api.get(self._bounds.newest_question(experiment), experiment)
        config = {"buffers": experiment.buffers}
        if answer.session != self._bounds.session or config != self._status.config:
            self._config_body = body
            self._status = replace(self._status, decoder="phyphox", config=config)
        self._bounds.catch_up(answer, is_first=self._last_ns is None)
        self._experiment = experiment
        self._looked_ns = self._clock.now_ns()
        if self._last_ns is None:
            self._tell("starting")
        if not answer.is_measuring:
            await self._start(answer.is_timed)

    def _flaw_of(self, experiment: Experiment) -> str:
        """Why an experiment is of no use, as a sentence; empty when it is."""
        advice = 'add a simple experiment with accelerometer and gyroscope ("+" in phyphox) and open it.'
        title = experiment.title or "without a name"
        acc = experiment.buffers.get("acc")
        if acc is None:
            return f'The experiment "{title}" in phyphox has no accelerometer with gravity and time; {advice}'
        size = min((n for name in acc.values() if (n := experiment.sizes.get(name, 0)) > 0), default=0)
        if 0 < size < self._params.least_size:
            return f'The experiment "{title}" in phyphox keeps only the last {size} values; {advice}'
        return ""

    async def _poll(self, experiment: Experiment) -> None:
        """One question and what follows from its answer.

        Raises:
            NoAnswerError: not answered, or not understood.
        """
        try:
            answer, body = await self._api.get(self._bounds.question(experiment), experiment)
        except NoAnswerError:
            self._bounds.not_answered()
            raise
        now_ns = self._clock.now_ns()
        if answer.session != self._bounds.session or "acc" not in answer.tracks:
            self._experiment = None
            return
        self._take(now_ns, answer, body)
        if not answer.is_measuring:
            await self._start(answer.is_timed)
        elif self._last_ns is not None:
            idle_ns = now_ns - max(self._last_ns, self._looked_ns)
            if idle_ns > self._params.stale_s * NS_PER_S:
                self._experiment = None

    # -------------------------------------------------------------------------------------------- what was answered

    def _take(self, now_ns: int, answer: Answer, body: bytes) -> None:
        """Hands an answer on that has something new in it: readings, a new beginning, a pause or its end."""
        news = self._bounds.take(answer)
        has_changed = answer.is_measuring != self._is_measuring
        self._is_measuring = answer.is_measuring
        has_readings = news == "readings" or (news == "began_anew" and _has_readings(answer))
        if not has_readings:
            if self._last_ns is not None and (news == "began_anew" or has_changed):
                self._put(Packet(now_ns, self._channel, body))
            return
        if self._is_away:
            self._is_away = False
            self._put(StreamResumed(now_ns, self._channel))
            self._tell("streaming", "The phone is back.")
        elif self._last_ns is None:
            has_gyr = self._experiment is not None and "gyr" in self._experiment.buffers
            advice = "The phone streams without gyroscope; add it to the experiment to measure more."
            self._tell("streaming", "The phone streams." if has_gyr else advice)
        self._last_ns, self._trouble = now_ns, ""
        if self._config_body is not None:
            self._put(Packet(now_ns, self._channel, self._config_body))
            self._config_body = None
        self._put(Packet(now_ns, self._channel, body))

    async def _start(self, is_timed: bool) -> None:
        """Asks the phone to measure: at the beginning, and when a finger on the screen has paused it in the dark."""
        p, now_ns = self._params, self._clock.now_ns()
        patience_s = p.timed_restart_s if is_timed else p.restart_s
        if self._asked_ns is not None and now_ns - self._asked_ns < patience_s * NS_PER_S:
            return
        self._asked_ns = now_ns
        if not await self._api.start():
            self._say_trouble("The measurement in phyphox is paused and cannot be started from here; press play there.")
            return
        self._has_started = self._has_started or self._last_ns is None
        if self._last_ns is not None:
            self._say_trouble("The measurement on the phone was paused; it is asked to go on.")

    async def _leave(self) -> None:
        """Stops a measurement that was started from here; whatever happens, it takes no longer than `leave_s`."""
        if not self._has_started:
            return
        stopping = asyncio.create_task(self._api.stop())
        await asyncio.wait([stopping], timeout=self._params.leave_s)
        stopping.cancel()
        await asyncio.gather(stopping, return_exceptions=True)

    # ------------------------------------------------------------------------------------------------- the watch

    async def _watch(self, asking: asyncio.Task[None]) -> None:
        """Notices a phone that falls silent or is never found, and an end of the asking."""
        p, begin_ns = self._params, self._clock.now_ns()
        while not asking.done():
            await asyncio.wait([asking], timeout=p.check_s)
            now_ns = self._clock.now_ns()
            if self._last_ns is None:
                if now_ns - begin_ns > p.find_s * NS_PER_S and not asking.done():
                    raise self._never_found()
            elif not self._is_away and now_ns - self._last_ns > p.silent_s * NS_PER_S:
                self._is_away = True
                reason = self._trouble or f"nothing new came from the phone for {p.silent_s:g} s"
                self._put(StreamInterrupted(now_ns, self._channel, reason))
                self._tell("lost", self._trouble or "The phone is silent; the guidance goes on.")
        asking.result()

    def _never_found(self) -> SourceError:
        where = f"{self._api.host} (port {' or '.join(str(port) for port in sorted(self._api.ports))})"
        if self._status.config is not None:
            return LinkError(
                f"phyphox at {where} answers but measures nothing; press play there and see that values appear."
            )
        return DeviceNotFoundError(
            f"No phone with phyphox answered at {where}; check that remote access is allowed, that phyphox is in front "
            "and shows this address, and that phone and computer are in the same Wi-Fi."
        )

    def _say_trouble(self, text: str) -> None:
        """Keeps why nothing comes, and shows it once."""
        self._trouble = text
        if self._last_ns is None or self._is_away:
            self._tell("lost" if self._is_away else self._status.state, text)

    def _tell(self, state: State, text: str = "") -> None:
        if text and text == self._told and state == self._status.state:
            return
        self._told = text or self._told
        self._status = replace(self._status, host_ns=self._clock.now_ns(), state=state, text=text)
        self._put(self._status)


def _has_readings(answer: Answer) -> bool:
    return any(track.newest_s is not None for track in answer.tracks.values())

"""One Bluetooth sensor, held through a whole session: the link supervisor.

    searching ──▶ connecting ──▶ starting ──▶ streaming ──▶ stopped      (through, or told to stop)
        ▲                                         │
        └───────────── back-off ◀── lost ◀────────┘

Radio stacks notice a lost link late or never, so silence counts as loss. After a loss everything is new: scan, client,
subscription, start command; nothing of the old link is trusted. The session goes on meanwhile; what is missing is
recorded as `StreamInterrupted` … `StreamResumed`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from bleak import BleakClient
from bleak.exc import BleakError

from sensorsoma.clock import Clock
from sensorsoma.decode.driver import Driver
from sensorsoma.errors import BluetoothUnavailableError, DeviceNotFoundError, LinkError, SourceError
from sensorsoma.messages import Packet, SourceStatus, StreamInterrupted, StreamResumed
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.base import Put
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.faults import one_line
from sensorsoma.sources.ble.kinds import kind_for
from sensorsoma.sources.ble.scan import Found, find
from sensorsoma.sources.ble.talk import Talk

log = logging.getLogger(__name__)

State = Literal["searching", "connecting", "starting", "streaming", "lost", "stopped", "failed"]


@dataclass(frozen=True, slots=True)
class LinkParams:
    """Patience. Waits for the computer's own Bluetooth are real seconds, waits for the world are session seconds."""

    scan_s: float = 15.0
    """Real. First search: sleeping sensors advertise every 1-10 s."""
    rescan_s: float = 5.0
    """Real. Search after a loss: short, because scanning takes radio time from the other sensors."""
    connect_s: float = 30.0
    """Real. Connecting with discovery takes up to 20 s on some stacks."""
    command_s: float = 5.0
    """Real. One request to a connected sensor."""
    stop_s: float = 3.0
    """Real. What saying goodbye may take altogether."""
    silence_s: float = 2.0
    """Session. No data for this long is a lost link; many batches long, shorter than most stacks need to notice."""
    silence_real_s: float = 3.0
    """Real, in scaled time: never less, since a busy computer is silent for a moment without a link being lost."""
    first_data_s: float = 4.0
    """Real. Until the first data after the start command; sleepy links take a second."""
    backoff_s: float = 0.5
    """Session. First wait after a failed try; doubled each time."""
    backoff_max_s: float = 8.0
    """Session. Longest wait."""
    n_first_tries: int = 3
    """Tries to connect before the sensor has streamed at all; then it is an error, so that a person hears soon."""
    give_up_s: float | None = None
    """Session. How long a lost link is looked for; None: as long as the session runs, since guidance goes on anyway."""


class _LinkLostError(Exception):
    """The link went away; says how, for the recording."""


class BleSource:
    """Packets of one Bluetooth sensor.

    Args:
        settings: which sensor (`address` is an address or a name, None for any), where it is worn, how it is started;
            with the decoder `AUTO` its kind is found out when it is heard.
        door: which air.
        clock: stamps, and the waits that belong to the session.
        radio_lock: shared by everything that scans and connects; the door's own by default.
        params: patience.
    """

    def __init__(
        self,
        settings: SourceSettings,
        door: Door,
        clock: Clock,
        radio_lock: asyncio.Lock | None = None,
        params: LinkParams | None = None,
    ) -> None:
        self._settings = settings
        self._door = door
        self._clock = clock
        self._lock = radio_lock or door.radio_lock
        self._params = params or LinkParams()
        self._kind = kind_for(settings.decoder, settings.config, door.boards)
        self._wanted = settings.address
        self._status = SourceStatus(0, settings.channel, "searching", is_simulated=door.is_simulated)
        self._has_streamed = False
        self._is_interrupted = False
        door.wanted.add(settings.channel)

    async def run(self, put: Put) -> None:
        """Holds the sensor until it has nothing more to send or this is cancelled.

        Raises:
            BluetoothUnavailableError: no adapter, switched off, not permitted.
            DeviceNotFoundError: it was never heard.
            LinkError: it cannot be connected or started, or was lost for longer than `give_up_s`.
        """
        try:
            await self._hold(put)
        except SourceError as error:
            self._tell(put, "failed", str(error))
            raise
        except asyncio.CancelledError:
            self._tell(put, "stopped")
            raise
        finally:
            self._release()
        self._tell(put, "stopped")

    async def _hold(self, put: Put) -> None:
        n_failed, lost_since_ns = 0, 0
        while True:
            try:
                await self._one_link(put)
                return
            except _LinkLostError as lost:
                n_failed, lost_since_ns = 0, self._clock.now_ns()
                self._interrupt(put, str(lost))
            except SourceError as error:
                n_failed += 1
                self._check_patience(error, n_failed, lost_since_ns)
                log.info("%s: %s", self._settings.channel, error)
            pause_s = min(self._params.backoff_max_s, self._params.backoff_s * 2.0 ** min(n_failed, 10))
            await asyncio.sleep(self._clock.real_seconds(pause_s))

    def _check_patience(self, error: SourceError, n_failed: int, lost_since_ns: int) -> None:
        """Raises when it is no use to go on."""
        p = self._params
        if not self._has_streamed:
            is_final = isinstance(error, BluetoothUnavailableError | DeviceNotFoundError)
            if is_final or n_failed >= p.n_first_tries:
                raise error
        elif p.give_up_s is not None and (self._clock.now_ns() - lost_since_ns) / 1e9 > p.give_up_s:
            raise LinkError(
                f"The sensor at the {_place(self._settings)} was lost and did not come back within {p.give_up_s:g} s."
            ) from error

    # --------------------------------------------------------------------------------------------------- one link

    async def _one_link(self, put: Put) -> None:
        """From searching to the end of one connection; returns when the sensor is through."""
        async with self._lock:
            found = await self._find(put)
            link = _Link(asyncio.Event(), found.kind.driver)
            client = BleakClient(
                found.device,
                disconnected_callback=lambda _client: link.end("the sensor hung up or went out of reach"),
                timeout=self._params.connect_s,
                **self._door.backend(self._door.client_class),
            )
            await self._connect(put, client, found)
        talk = Talk(client, self._params.command_s)
        try:
            await self._stream(put, talk, link)
        finally:
            link.is_over = True
            await self._say_goodbye(talk, link)

    async def _find(self, put: Put) -> Found:
        p, channel = self._params, self._settings.channel
        self._tell(
            put, "searching", "" if self._has_streamed else f"Looking for the sensor at the {_place(self._settings)}."
        )
        within_s = p.rescan_s if self._has_streamed else p.scan_s
        found = await find(self._door, self._kind, channel, self._wanted, within_s)
        if found is None:
            title, wake = (self._kind.driver.title, self._kind.driver.wake) if self._kind else ("sensor", "wake it")
            what = f"the sensor {self._settings.address}" if self._settings.address else f"a free {title}"
            odd = "; if `sensorsoma scan` does not list it, say with --kind what it is"
            raise DeviceNotFoundError(
                f"Listened {within_s:g} s for {what} for the {_place(self._settings)} and did not hear it; {wake}, "
                f"bring it near, and see that no phone holds it{odd if self._is_unrecognised() else ''}."
            )
        self._door.claims[found.address] = channel
        self._wanted, self._kind = found.address, found.kind  # after a loss the same one again
        self._status = replace(
            self._status,
            rssi_dbm=found.rssi_dbm,
            device_name=found.name,
            battery_percent=found.battery_percent
            if found.battery_percent is not None
            else self._status.battery_percent,
        )
        return found

    def _is_unrecognised(self) -> bool:
        """Whether it is known by its address alone: what calls itself by an unusual name is then passed over."""
        return self._kind is None and self._settings.address is not None

    async def _connect(self, put: Put, client: BleakClient, found: Found) -> None:
        self._tell(put, "connecting")
        try:
            async with asyncio.timeout(self._params.connect_s + 1.0):
                await client.connect()
        except (BleakError, TimeoutError, OSError) as error:
            await self._say_goodbye(Talk(client, self._params.command_s), None)
            raise LinkError(
                f"Found {found.name} but could not connect ({one_line(error)}); bring it near; no phone may hold it."
            ) from error

    async def _stream(self, put: Put, talk: Talk, link: _Link) -> None:
        """Starts the sensor and waits for the end of its data."""
        self._tell(put, "starting")
        try:
            await self._start(put, talk, link)
            await self._watch_battery(put, talk, link)
        except (BleakError, OSError) as error:
            raise LinkError(
                f"The sensor {self._status.device_name} did not start ({one_line(error)}); switch it off and on, "
                "and try again."
            ) from error
        await self._watch(link)
        if link.is_through:
            return
        if not self._has_streamed:
            raise LinkError(
                f"The sensor {self._status.device_name} was started but sends nothing ({link.reason}); switch it "
                "off and on, and try again."
            )
        raise _LinkLostError(link.reason)

    def _config(self) -> dict[str, Any]:
        """What scripts are given: the board's table, what was asked for, and what the sensor said at an earlier start,
        since a recording has one description of the stream."""
        return {**(self._kind.config if self._kind else {}), **self._settings.config, **(self._status.config or {})}

    async def _start(self, put: Put, talk: Talk, link: _Link) -> None:
        """Plays the start script. What comes meanwhile waits, since only its end tells how it is to be decoded."""
        assert self._kind is not None
        config = self._config()
        learned = await talk.play(link.driver.start(config), lambda data: self._on_data(put, link, data))
        battery = learned.battery_percent
        self._status = replace(
            self._status,
            decoder=self._kind.decoder,
            config={**config, **learned.config},
            battery_percent=self._status.battery_percent if battery is None else battery,
        )
        self._tell(put, "starting")  # before any packet, so that whoever decodes knows how
        link.is_started = True
        for now_ns, data in link.early:
            self._pass_on(put, link, now_ns, data)

    async def _watch(self, link: _Link) -> None:
        """Waits until the link is over, by word or by silence."""
        p, loop = self._params, asyncio.get_running_loop()
        session_s = link.driver.silence_s or p.silence_s
        silence_s = session_s
        if self._clock.speed != 1.0:
            silence_s = max(p.silence_real_s, self._clock.real_seconds(session_s))
        started_s = loop.time()
        while not link.over.is_set():
            if link.last_data_s is None:
                left_s = started_s + max(p.first_data_s, silence_s) - loop.time()
            else:
                left_s = link.last_data_s + silence_s - loop.time()
            if left_s <= 0:
                link.end(f"no data for {session_s:g} s")
                return
            try:
                async with asyncio.timeout(left_s):
                    await link.over.wait()
            except TimeoutError:
                continue

    def _on_data(self, put: Put, link: _Link, data: bytes) -> None:
        """Stamps and queues one notification; everything else happens elsewhere."""
        now_ns = self._clock.now_ns()
        if link.is_over:
            return
        if link.is_started:
            self._pass_on(put, link, now_ns, data)
        elif link.driver.is_sample(data):  # an answer is for the script
            link.early.append((now_ns, data))

    def _pass_on(self, put: Put, link: _Link, now_ns: int, data: bytes) -> None:
        if link.driver.is_sample(data):
            if link.last_data_s is None:
                self._begin_streaming(put, now_ns)
            link.last_data_s = asyncio.get_running_loop().time()
        put(Packet(now_ns, self._settings.channel, data))
        if link.driver.is_last(data):
            link.is_through = True
            link.end("everything was sent")

    def _begin_streaming(self, put: Put, now_ns: int) -> None:
        if self._is_interrupted:
            put(StreamResumed(now_ns, self._settings.channel))
        is_back, self._is_interrupted, self._has_streamed = self._is_interrupted, False, True
        self._tell(put, "streaming", f"The sensor at the {_place(self._settings)} is back." if is_back else "")

    def _interrupt(self, put: Put, reason: str) -> None:
        if not self._is_interrupted:
            self._is_interrupted = True
            put(StreamInterrupted(self._clock.now_ns(), self._settings.channel, reason))
        self._tell(put, "lost", f"The sensor at the {_place(self._settings)} is out of reach; the practice goes on.")

    async def _watch_battery(self, put: Put, talk: Talk, link: _Link) -> None:
        """Battery level now and on change, from sensors that tell."""
        uuid = link.driver.battery_uuid

        def on_level(data: bytes) -> None:
            if data and not link.is_over:
                self._status = replace(self._status, battery_percent=min(data[0], 100))
                self._tell(put, self._status.state)

        try:  # read before subscribing: some stacks hand a read of a subscribed characteristic to both
            on_level(await talk.read_if_there(uuid) or b"")
            if talk.can_notify(uuid):
                await talk.subscribe(uuid, on_level)
        except (BleakError, LinkError, OSError) as error:
            log.info("%s: no battery level: %s", self._settings.channel, error)

    # -------------------------------------------------------------------------------------------------- the end

    async def _say_goodbye(self, talk: Talk, link: _Link | None) -> None:
        """Stops the sensor and hangs up, within `stop_s`; being cancelled meanwhile does not cut it short."""
        farewell = asyncio.get_running_loop().create_task(self._part_from(talk, link))
        try:
            await asyncio.shield(farewell)
        except asyncio.CancelledError:
            await asyncio.wait([farewell])
            raise

    async def _part_from(self, talk: Talk, link: _Link | None) -> None:
        if talk.client.is_connected and link is not None:
            await self._bounded(self._stop(talk, link), "the stop command")
        await self._bounded(talk.client.disconnect(), "hanging up")

    async def _stop(self, talk: Talk, link: _Link) -> None:
        await talk.play(link.driver.stop(self._config()))
        if link.driver.drop_count is not None:
            dropped = await talk.play(link.driver.drop_count())
            self._status = replace(self._status, device_dropped=dropped)

    async def _bounded(self, goodbye: Coroutine[object, object, None], what: str) -> None:
        """One part of the goodbye: half of the time, and no error."""
        try:
            async with asyncio.timeout(self._params.stop_s / 2):
                await goodbye
        except (BleakError, LinkError, TimeoutError, OSError, ValueError) as error:
            log.info("%s: %s failed: %s", self._settings.channel, what, one_line(error))

    def _release(self) -> None:
        channel = self._settings.channel
        self._door.wanted.discard(channel)
        for address in [each for each, holder in self._door.claims.items() if holder == channel]:
            del self._door.claims[address]

    def _tell(self, put: Put, state: State, text: str = "") -> None:
        self._status = replace(self._status, host_ns=self._clock.now_ns(), state=state, text=text)
        put(self._status)


@dataclass(slots=True, eq=False)
class _Link:
    """One connection as the supervisor sees it."""

    over: asyncio.Event
    driver: Driver
    reason: str = ""
    is_started: bool = False
    """The start script is through."""
    early: list[tuple[int, bytes]] = field(default_factory=list)
    """Stamps and bytes of what came before that."""
    is_over: bool = False
    """Nothing of it counts any more: late callbacks are ignored."""
    is_through: bool = False
    last_data_s: float | None = None
    """Loop time of the last notification; None before the first."""

    def end(self, reason: str) -> None:
        """Notes why it is over; the first reason counts."""
        if not self.over.is_set():
            self.reason = reason
            self.over.set()


def _place(settings: SourceSettings) -> str:
    return settings.placement.replace("-", " ")

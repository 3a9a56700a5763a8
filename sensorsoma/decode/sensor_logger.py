"""Sensor Logger's HTTP pushes into samples: ordered, freed of duplicates, on one time grid, with one sign convention.

A phone sends its sensors interleaved, each with its own times, in messages that may overtake one another. Specific
force is `accelerometer + gravity` (the app takes gravity out of the first) or, failing that, an accelerometer that
still has it; both are interpolated onto the gyroscope's times.

The sign convention is the one in the configuration (setup asks for the phone face up once) or is found from the first
second (`sensor_logger_sign.py`); it is decided once per phone and kept.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sensorsoma.decode.sensor_logger_body import BodyError, Message, Reading, Vector, parse_body
from sensorsoma.decode.sensor_logger_sign import SignFoundBy, SignParams, find_sign, typical_length
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.messages import BadPacket, DeviceInfo, Floats, Gap, ImuBlock, Packet
from sensorsoma.units import NS_PER_S, STANDARD_GRAVITY_MPS2

Decoded = ImuBlock | Gap | BadPacket | DeviceInfo
Times = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SensorLoggerParams:
    """How long to wait, and for what."""

    start_s: float = 1.0
    """Phone time gathered before the first sample is given: enough to see every sensor and to tell the sign."""
    wait_s: float = 1.0
    """Arrival time to wait for an overtaken message; Wi-Fi retries take some tenths of a second."""
    max_held: int = 64
    """Messages held at most while waiting: six seconds at the shortest batch period, 0.1 s."""
    hole_s: float = 0.08
    """Neighbours further apart are a gap: one lost push at the shortest batch period, 0.1 s, is seen as such; two
    steps at 25 Hz, the slowest rate that is of use, are not."""
    stall_s: float = 2.0
    """Readings without their counterpart are kept this long."""
    clock_back_s: float = 1.0
    """The phone's clock was set back when a whole new message is older by more than this."""
    sign: SignParams = field(default_factory=SignParams)
    """How the sign convention is told."""


@dataclass(slots=True)
class _Track:
    """Readings of one sensor that are not used up: `times_ns` strictly increasing."""

    times_ns: list[int] = field(default_factory=list)
    values: list[Vector] = field(default_factory=list)
    last_ns: int = -1

    def add(self, reading: Reading) -> None:
        """Keeps the first of two readings of the same time."""
        if reading.time_ns > self.last_ns:
            self.times_ns.append(reading.time_ns)
            self.values.append(reading.values)
            self.last_ns = reading.time_ns

    def drop(self, n: int) -> None:
        """Forgets the first `n` readings; they are used up."""
        del self.times_ns[:n], self.values[:n]

    def forget_before(self, time_ns: int) -> None:
        """Drops what lies before `time_ns`, but keeps the last reading at or before it as a left neighbour."""
        cut = int(np.searchsorted(self.times_ns, time_ns, side="right")) - 1
        if cut > 0:
            del self.times_ns[:cut], self.values[:cut]


@dataclass(frozen=True, slots=True, order=True)
class _Held:
    """A message that waits for its turn."""

    number: int
    n_taken: int
    """Counts arrivals, so that no two are equal."""
    host_ns: int = field(compare=False)
    message: Message = field(compare=False)


@dataclass(slots=True)
class _Plan:
    """What was found in the first second of a recording on the phone."""

    gyr: str | None
    acc: tuple[str, ...]
    """Sensors that add up to specific force."""
    scale: float
    """m/s² per unit sent, with the sign."""

    @property
    def grid(self) -> str:
        """The sensor whose times the samples carry."""
        return self.gyr or self.acc[0]

    @property
    def used(self) -> tuple[str, ...]:
        return (self.gyr, *self.acc) if self.gyr else self.acc


class SensorLoggerDecoder:
    """One phone's pushes into samples.

    Args:
        channel: name that the blocks carry.
        epoch_ns: session time at which `t_s` is 0.
        config: `sign`: "auto" (default), "+" (Android, or standardised) or "-" (iPhone, not standardised).
        params: waiting times.
    """

    name = "sensor_logger"

    def __init__(
        self, channel: str, epoch_ns: int, config: Mapping[str, Any], params: SensorLoggerParams | None = None
    ) -> None:
        self.params = params or SensorLoggerParams()
        self.sign: int | None = {"+": 1, "-": -1}.get(str(config.get("sign", "auto")))
        """1 or -1 once it is known; the specific force is this times what was sent."""
        self.sign_found_by: SignFoundBy | None = "config" if self.sign else None
        self._channel = channel
        self._timebase = DeviceTimebase(epoch_ns)
        self._zero_ns: int | None = None
        self._device_id = ""
        self._past_sessions: set[str] = set()
        self._is_resumed = False
        self._last: tuple[int, float] | None = None
        """Phone time and session time of the last sample given."""
        self._n_taken = 0
        self._begin_session("")

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Samples that this body completes, in time order; a body that cannot be read is one `BadPacket`."""
        try:
            message = parse_body(packet.payload)
        except BodyError as error:
            return (BadPacket(packet.host_ns, self._channel, str(error)),)
        out: list[Decoded] = []
        if message.n_bad:
            out.append(BadPacket(packet.host_ns, self._channel, f"{message.n_bad} readings without time or value"))
        session_id = message.session_id or self._session_id
        if session_id in self._past_sessions:
            return tuple(out)
        if session_id != self._session_id:
            if not message.readings:  # the app's test button sends a session of its own
                return tuple(out)
            out += self._release(packet.host_ns, is_all=True)
            if self._session_id:
                self._past_sessions.add(self._session_id)
            self._begin_session(session_id)
        out += self._take(packet.host_ns, message)
        return tuple(out)

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the phone's clock tells how long it was away
        """Notes that the phone was away: nothing from before is waited for, and its clock may have been set."""
        self._timebase.resumed()
        self._is_resumed = True

    def finish(self) -> tuple[Decoded, ...]:
        """The messages that still wait for an earlier one; harmless when called twice."""
        return tuple(self._release(0, is_all=True))

    # -------------------------------------------------------------------------------------- order of messages

    def _begin_session(self, session_id: str) -> None:
        self._session_id = session_id
        self._held: list[_Held] = []
        """Heap of messages that wait for an earlier one or for the first second."""
        self._next_id: int | None = None
        self._ids_seen: set[int] = set()
        self._tracks: dict[str, _Track] = {}
        self._plan: _Plan | None = None
        self._has_complained = False

    def _take(self, host_ns: int, message: Message) -> list[Decoded]:
        """Files a message by its number and releases what is in order now."""
        number = message.message_id
        is_known = number is not None and (number in self._ids_seen or number < (self._next_id or 0))
        if is_known and message.readings and message.readings[0].time_ns > self._newest_ns():
            number = None  # the phone began to count again
        elif number in self._ids_seen:
            return []
        elif is_known:
            self._ids_seen.add(number or 0)
            return [BadPacket(host_ns, self._channel, f"message {number} came too late to be put in its place")]
        if number is None:  # nothing to order by: right after what is held
            number = max((held.number for held in self._held), default=self._next_id or 0)
        self._ids_seen.add(number)
        self._n_taken += 1
        heapq.heappush(self._held, _Held(number, self._n_taken, host_ns, message))
        return self._release(host_ns)

    def _newest_ns(self) -> int:
        held = [entry.message.readings[-1].time_ns for entry in self._held if entry.message.readings]
        return max([*held, *(track.last_ns for track in self._tracks.values())], default=-1)

    def _release(self, host_ns: int, is_all: bool = False) -> list[Decoded]:
        out: list[Decoded] = []
        if self._next_id is None and not (is_all or self._has_first_second()):
            return out
        while self._held and (is_all or self._is_due(host_ns)):
            entry = heapq.heappop(self._held)
            self._next_id = max(entry.number + 1, self._next_id or 0)
            out += self._use(entry.host_ns, entry.message)
        if len(self._ids_seen) > 4096:
            self._ids_seen = {number for number in self._ids_seen if number >= (self._next_id or 0) - 1024}
        return out

    def _has_first_second(self) -> bool:
        times = [reading.time_ns for held in self._held for reading in held.message.readings]
        is_long = bool(times) and max(times) - min(times) >= self.params.start_s * NS_PER_S
        return (is_long and len(self._held) > 1) or len(self._held) >= self.params.max_held

    def _is_due(self, host_ns: int) -> bool:
        """True when the first held message is the next one, or the one before it is no longer waited for."""
        if self._next_id is None or self._held[0].number <= self._next_id or self._is_resumed:
            return True
        oldest_ns = min(held.host_ns for held in self._held)
        return host_ns - oldest_ns > self.params.wait_s * NS_PER_S or len(self._held) > self.params.max_held

    # ------------------------------------------------------------------------------------- readings to samples

    def _use(self, host_ns: int, message: Message) -> list[Decoded]:
        out: list[Decoded] = []
        if message.device_id != self._device_id:
            if self._device_id and self.sign_found_by != "config":
                self.sign, self.sign_found_by = None, None
            self._device_id = message.device_id
        self._notice_clock_set_back(message)
        for reading in message.readings:
            if reading.sensor == "battery":
                percent = round(100 * min(max(reading.values[0], 0.0), 1.0))
                out.append(DeviceInfo(host_ns, self._channel, battery_percent=percent))
            else:
                self._tracks.setdefault(reading.sensor, _Track()).add(reading)
        if self._plan is None:
            self._plan = self._make_plan()
        if self._plan is None:
            if message.readings and not self._has_complained:
                self._has_complained = True
                reason = "gravity is missing: switch on Gravity beside Accelerometer in Sensor Logger"
                out.append(BadPacket(host_ns, self._channel, reason))
            self._forget_stale()
            return out
        out += self._emit(host_ns, self._plan)
        return out

    def _notice_clock_set_back(self, message: Message) -> None:
        """Starts the tracks again when the phone's clock went back; the timebase then begins a new run."""
        newest = max((track.last_ns for track in self._tracks.values()), default=-1)
        back_ns = round(self.params.clock_back_s * NS_PER_S)
        if message.readings and message.readings[-1].time_ns < newest - back_ns:
            self._tracks = {}

    def _make_plan(self) -> _Plan | None:
        """Which sensors to use, in which unit and with which sign; None while gravity is missing.

        The first call comes with the first message alone, so it looks at the held ones too.
        """
        seen = {name: list(track.values) for name, track in self._tracks.items()}
        for held in sorted(self._held):
            for reading in held.message.readings:
                seen.setdefault(reading.sensor, []).append(reading.values)
        if "accelerometer" in seen and "gravity" in seen:
            acc: tuple[str, ...] = ("accelerometer", "gravity")
        elif "accelerometeruncalibrated" in seen:
            acc = ("accelerometeruncalibrated",)
        elif "totalacceleration" in seen:
            acc = ("totalacceleration",)
        else:
            return None
        gyr = next((name for name in ("gyroscope", "gyroscopeuncalibrated") if name in seen), None)
        length = typical_length(seen[acc[-1]])
        unit = STANDARD_GRAVITY_MPS2 if length < self.params.sign.g_below_mps2 else 1.0
        if self.sign is None:
            self.sign, self.sign_found_by = find_sign(seen, self.params.sign)
        return _Plan(gyr, acc, unit * self.sign)

    def _emit(self, host_ns: int, plan: _Plan) -> list[Decoded]:
        """Samples at all grid times that every used sensor has reached."""
        if any(not self._tracks.get(name, _Track()).times_ns for name in plan.used):
            self._forget_stale()
            return []
        grid = self._tracks[plan.grid]
        ready_ns = min(self._tracks[name].times_ns[-1] for name in plan.used)
        n_ready = int(np.searchsorted(grid.times_ns, ready_ns, side="right"))
        times_ns = np.array(grid.times_ns[:n_ready], dtype=np.int64)
        values = np.array(grid.values[:n_ready], dtype=np.float64).reshape(-1, 3)
        is_known = np.ones(n_ready, dtype=bool)
        acc = np.zeros((n_ready, 3))
        for name in plan.acc:
            if name == plan.grid:
                acc += values
                continue
            there, is_there = _interpolate(self._tracks[name], times_ns, self.params.hole_s)
            acc += there
            is_known &= is_there
        grid.drop(n_ready)
        for name in plan.used:
            if name != plan.grid:
                self._tracks[name].forget_before(ready_ns)
        self._forget_stale()
        gyr = values[is_known] if plan.gyr else None
        return self._blocks(host_ns, times_ns[is_known], acc[is_known] * plan.scale, gyr)

    def _blocks(self, host_ns: int, times_ns: Times, acc: Floats, gyr: Floats | None) -> list[Decoded]:
        """Samples on the session line, cut where some are missing, with a `Gap` at each cut."""
        if not len(times_ns):
            return []
        if self._zero_ns is None:
            self._zero_ns = int(times_ns[0])
        n_runs = self._timebase.n_segments
        t_s = self._timebase.place(host_ns, (times_ns - self._zero_ns) / NS_PER_S)
        is_restart = n_runs > 0 and self._timebase.n_segments > n_runs
        rate_hz = self._timebase.rate_hz
        cuts = np.flatnonzero(np.diff(times_ns) > self.params.hole_s * NS_PER_S) + 1
        edges = [0, *(int(cut) for cut in cuts), len(times_ns)]
        out: list[Decoded] = []
        for begin, end in itertools.pairwise(edges):
            if self._last is not None:
                step_ns = int(times_ns[begin]) - self._last[0]
                is_cut = is_restart or not 0 < step_ns <= self.params.hole_s * NS_PER_S
                if is_cut:
                    reason = self._gap_reason(is_restart)
                    out.append(Gap(self._channel, self._last[1], float(t_s[begin]), None, reason))
            piece = slice(begin, end)
            out.append(ImuBlock(self._channel, rate_hz, t_s[piece], acc[piece], None if gyr is None else gyr[piece]))
            self._last = (int(times_ns[end - 1]), float(t_s[end - 1]))
            self._is_resumed = is_restart = False
        return out

    def _gap_reason(self, is_restart: bool) -> Literal["lost_packets", "link_lost", "clock_restart"]:
        return "link_lost" if self._is_resumed else "clock_restart" if is_restart else "lost_packets"

    def _forget_stale(self) -> None:
        """Keeps memory bounded when one sensor falls silent or is of no use."""
        newest = max((track.last_ns for track in self._tracks.values()), default=0)
        for track in self._tracks.values():
            track.forget_before(newest - round(self.params.stall_s * NS_PER_S))


def _interpolate(track: _Track, times_ns: Times, hole_s: float) -> tuple[Floats, NDArray[np.bool_]]:
    """`(n, 3)` values at the given times, and where there were close enough neighbours on both sides."""
    there_ns = np.array(track.times_ns, dtype=np.int64)
    values = np.array(track.values, dtype=np.float64)
    right = np.searchsorted(there_ns, times_ns, side="left")
    is_inside = right < len(there_ns)
    right = np.minimum(right, len(there_ns) - 1)
    is_exact = there_ns[right] == times_ns
    left = np.where(is_exact, right, right - 1)
    is_inside &= left >= 0
    left = np.maximum(left, 0)
    span_ns = there_ns[right] - there_ns[left]
    share = (times_ns - there_ns[left]) / np.maximum(span_ns, 1)
    between = values[left] + share[:, None] * (values[right] - values[left])
    return between, is_inside & (span_ns <= hole_s * NS_PER_S)

"""What the phone's own browser sends: motion readings in small binary frames, into samples.

The browser has quirks that the page leaves as they are, so that recordings keep what was measured: WebKit's
acceleration has the opposite sign, readings are rounded to 0.1 m/s² and 0.1 °/s, and because the browser looks at the
sensor with a timer of its own, some readings come twice. `firmware_notes/phone_page.md` has every byte.

The page keeps what was not acknowledged and sends it again, so frames may come twice, and over POST one may overtake
another. Frames carry the number of their first sample: nothing is counted twice, and a hole is an exact count.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.phone_page_frame import FrameError, PageFrame, decode_frames
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet
from sensorsoma.units import DEG

NOMINAL_RATE_HZ = 60.0
"""What the browsers' motion events come at."""

_MAX_MS = 1e10
"""115 days: no page is open longer, so a time beyond is no time."""
_LEAST_STEP_MS = 1e-3
"""Times nearer to one another than a microsecond are the same time."""
_MAX_ACC_MPS2 = 1000.0
_MAX_ROT_DPS = 1e5
"""No phone has ranges near these; a number beyond is no reading."""

GapReason = Literal["lost_packets", "link_lost", "clock_restart"]
SignFoundBy = Literal["config", "page", "screen_up", "assumed"]


@dataclass(frozen=True, slots=True)
class PhonePageParams:
    """How long to wait, for what, and when a reading counts as the same once more."""

    wait_s: float = 0.5
    """Arrival time to wait for an overtaken frame: two POST round trips of a slow Wi-Fi."""
    max_held: int = 256
    """Frames held at most while waiting."""
    start_s: float = 2.0
    """Arrival time to wait for the page to find its sign; it needs a few tenths of a second."""
    max_waiting: int = 4096
    """Samples kept at most while the sign is waited for."""
    hole_s: float = 0.1
    """Neighbours further apart are a gap: the page was hidden or its browser busy."""
    screen_share: float = 0.5
    """Without a sign from the page, the screen is taken to face up when gravity lies on its axis with at least this
    share: within 60°."""
    repeat_window: int = 32
    """Readings looked back at, half a second ..."""
    most_repeats: int = 8
    """... in which fewer repeats than this mean that readings normally change, so that a repeat is the same reading
    looked at twice. On a still phone rounded readings repeat by themselves, and those are kept."""


@dataclass(frozen=True, slots=True, order=True)
class _Held:
    """A frame that waits for its turn."""

    number: int
    n_taken: int
    """Counts arrivals, so that no two are equal."""
    host_ns: int = field(compare=False)
    frame: PageFrame = field(compare=False)


@dataclass(slots=True)
class _Run:
    """One run of the page's clock: how far its samples have been taken over."""

    clock: int
    offset_s: float | None = None
    """From the page's clock to what the timebase is given; None before the first sample."""
    next_number: int | None = None
    skipped: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=64))
    """Numbers that are no longer waited for: what comes of them now is too late."""
    held: list[_Held] = field(default_factory=list)
    n_received: int = 0
    last_ms: float = -1.0
    n_missing: int | None = None
    """Numbers missing up to the last sample given; counts from the first sample on."""


@dataclass(slots=True)
class _Rows:
    """Samples in order that arrived together."""

    run: _Run
    host_ns: int
    sign: int
    numbers: NDArray[np.int64]
    page_ms: Floats
    values: Floats
    """`(n, 6)` acceleration m/s² and rotation °/s, as sent."""


class PhonePageDecoder:
    """Readings of one phone's browser on the session line.

    Config key: `sign`: "auto" (default: as the page finds), "+" or "-".
    """

    name = "phone_page"

    def __init__(
        self, channel: str, epoch_ns: int, config: Mapping[str, Any], params: PhonePageParams | None = None
    ) -> None:
        self.params = params or PhonePageParams()
        self.sign: int | None = {"+": 1, "-": -1}.get(str(config.get("sign", "auto")))
        """1 or -1 once it is known; specific force is this times what was sent. Decided once."""
        self.sign_found_by: SignFoundBy | None = "config" if self.sign else None
        self.n_repeats = 0
        """Readings left out because they were the one before, looked at twice."""
        self._channel = channel
        self._timebase = DeviceTimebase(epoch_ns, NOMINAL_RATE_HZ)
        self._run: _Run | None = None
        self._past_clocks: deque[int] = deque(maxlen=16)
        self._n_taken = 0
        self._waiting: list[_Rows] = []
        """Samples that wait for the sign."""
        self._last_device_s = 0.0
        self._last_s: float | None = None
        """Session time of the last sample given."""
        self._is_resumed = False
        self._before: Floats | None = None
        """The reading before."""
        self._repeats: deque[bool] = deque(maxlen=self.params.repeat_window)
        """Whether each of the latest readings was a repeat."""

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Samples of the frames that are in order now; what cannot be read or comes too late is a `BadPacket`."""
        try:
            frames = decode_frames(packet.payload)
        except FrameError as error:
            return (BadPacket(packet.host_ns, self._channel, str(error)),)
        out: list[Decoded] = []
        for frame in frames:
            if self._run is None or frame.clock != self._run.clock:
                if frame.clock in self._past_clocks:
                    reason = "samples of a page that has been loaded anew since"
                    out.append(BadPacket(packet.host_ns, self._channel, reason))
                    continue
                out += self._use(self._released(packet.host_ns, is_all=True))
                self._begin(frame.clock)
            out += self._file(packet.host_ns, frame)
        out += self._use(self._released(packet.host_ns))
        return tuple(out)

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the frames tell whether the page's clock went on
        """Notes that the phone was away. What it kept meanwhile comes first, and its clock says from when it is."""
        self._is_resumed = True

    def finish(self) -> tuple[Decoded, ...]:
        """What still waits for an earlier frame or for the sign; harmless when called twice."""
        return tuple(self._use(self._released(0, is_all=True), is_over=True))

    # --------------------------------------------------------------------------------------- order of frames

    def _begin(self, clock: int) -> None:
        if self._run is not None:
            self._past_clocks.append(self._run.clock)
        self._run = _Run(clock)

    def _file(self, host_ns: int, frame: PageFrame) -> list[Decoded]:
        """Puts a frame among those that wait; one that is known already says nothing."""
        run = self._run
        assert run is not None
        if run.next_number is not None and frame.end <= run.next_number:
            if any(begin <= frame.number < end for begin, end in run.skipped):
                reason = f"samples from number {frame.number} came too late to be put in their place"
                return [BadPacket(host_ns, self._channel, reason)]
            return []
        self._n_taken += 1
        heapq.heappush(run.held, _Held(frame.number, self._n_taken, host_ns, frame))
        return []

    def _released(self, host_ns: int, *, is_all: bool = False) -> list[_Rows]:
        """What is in order now, or no longer waits for an earlier frame."""
        run = self._run
        out: list[_Rows] = []
        while run is not None and run.held and (is_all or self._is_due(run, host_ns)):
            entry = heapq.heappop(run.held)
            known = entry.number if run.next_number is None else run.next_number
            if entry.number > known or run.next_number is None:
                run.skipped.append((0 if run.next_number is None else known, entry.number))
            begin = max(known - entry.number, 0)
            run.next_number = max(known, entry.frame.end)
            if begin < len(entry.frame.page_ms):
                out.append(_rows(run, entry, begin))
        return _joined(out)

    def _is_due(self, run: _Run, host_ns: int) -> bool:
        if run.next_number is None or run.held[0].number <= run.next_number:
            return True
        oldest_ns = min(held.host_ns for held in run.held)
        return host_ns - oldest_ns > self.params.wait_s * 1e9 or len(run.held) > self.params.max_held

    # ---------------------------------------------------------------------------------------------- the sign

    def _use(self, rows: list[_Rows], *, is_over: bool = False) -> list[Decoded]:
        """Samples, once it is known which way is up for this browser."""
        self._waiting += rows
        if not self._waiting:
            return []
        if self.sign is None:
            self.sign, self.sign_found_by = self._find_sign(is_over)
        if self.sign is None:
            return []
        rows, self._waiting = self._waiting, []
        return [item for piece in rows for item in self._place(piece, self.sign)]

    def _find_sign(self, is_over: bool) -> tuple[int | None, SignFoundBy | None]:
        found = next((piece.sign for piece in self._waiting if piece.sign), 0)
        if found:
            return found, "page"
        n = sum(len(piece.numbers) for piece in self._waiting)
        waited_ns = self._waiting[-1].host_ns - self._waiting[0].host_ns
        if not (is_over or waited_ns >= self.params.start_s * 1e9 or n > self.params.max_waiting):
            return None, None
        acc = np.concatenate([piece.values[:, :3] for piece in self._waiting])
        acc = acc[_are_readings(acc, _MAX_ACC_MPS2)]
        up = np.median(acc, axis=0) if len(acc) else np.zeros(3)
        share = float(up[2] / max(float(np.linalg.norm(up)), 1e-9))
        if abs(share) >= self.params.screen_share:
            return (1 if share > 0 else -1), "screen_up"
        return 1, "assumed"

    # ------------------------------------------------------------------------------------ samples onto the line

    def _place(self, rows: _Rows, sign: int) -> list[Decoded]:
        """One packet's samples on the session line, cut where some are missing, with a `Gap` at each cut."""
        run = rows.run
        n_missing = rows.numbers - run.n_received - np.arange(len(rows.numbers))
        run.n_received += len(rows.numbers)
        is_good = _are_good(run, rows)
        out: list[Decoded] = []
        if not is_good.all():
            n_bad = int((~is_good).sum())
            out.append(BadPacket(rows.host_ns, self._channel, f"{n_bad} readings without time or value"))
        kept = np.flatnonzero(is_good)
        kept = kept[self._are_new(rows.values[kept])]
        if not len(kept):
            return out
        values = rows.values[kept] * np.array([sign] * 3 + [DEG] * 3)
        return out + self._blocks(run, rows.host_ns, rows.page_ms[kept], n_missing[kept], values)

    def _are_new(self, values: Floats) -> NDArray[np.bool_]:
        """False for a reading that is the one before it, where readings otherwise change."""
        is_new = np.ones(len(values), dtype=bool)
        for index, row in enumerate(values):
            is_repeat = self._before is not None and np.array_equal(row, self._before, equal_nan=True)
            was_repeat = bool(self._repeats) and self._repeats[-1]
            if is_repeat and not was_repeat and sum(self._repeats) < self.params.most_repeats:
                is_new[index] = False
                self.n_repeats += 1
            self._repeats.append(is_repeat)
            self._before = row
        return is_new

    def _blocks(
        self, run: _Run, host_ns: int, page_ms: Floats, n_missing: NDArray[np.int64], values: Floats
    ) -> list[Decoded]:
        n_segments = self._timebase.n_segments
        if run.offset_s is None:  # a second before the last clock's end: that is a new run for the timebase
            run.offset_s = self._last_device_s - 1.0 - float(page_ms[0]) / 1000.0
        device_s = page_ms / 1000.0 + run.offset_s
        t_s = self._timebase.place(host_ns, device_s)
        self._last_device_s = float(device_s[-1])
        is_restart = 0 < n_segments < self._timebase.n_segments
        missing = np.diff(n_missing, prepend=n_missing[0] if run.n_missing is None else run.n_missing)
        steps_ms = np.diff(page_ms, prepend=page_ms[0] if run.n_missing is None else run.last_ms)
        run.last_ms, run.n_missing = float(page_ms[-1]), int(n_missing[-1])
        is_cut = (steps_ms > 1000 * self.params.hole_s) | (missing > 0)
        is_cut[0] |= is_restart
        has_gyr = _are_readings(values[:, 3:], _MAX_ROT_DPS * DEG)
        is_edge = is_cut | np.concatenate(([True], has_gyr[1:] != has_gyr[:-1]))
        rate_hz = self._timebase.rate_hz
        out: list[Decoded] = []
        for begin, end in itertools.pairwise([*np.flatnonzero(is_edge).tolist(), len(t_s)]):
            piece = slice(begin, end)
            if is_cut[begin] and self._last_s is not None:
                out.append(self._gap(self._last_s, float(t_s[begin]), int(missing[begin]), is_restart))
            gyr = values[piece, 3:] if has_gyr[begin] else None
            out.append(ImuBlock(self._channel, rate_hz, t_s[piece], values[piece, :3], gyr))
            self._last_s = float(t_s[end - 1])
            self._is_resumed = is_restart = False
        return out

    def _gap(self, start_s: float, end_s: float, n_missing: int, is_restart: bool) -> Gap:
        reason: GapReason = "lost_packets"
        if is_restart:
            reason = "clock_restart"
        elif self._is_resumed:
            reason = "link_lost"
        n_lost = n_missing if n_missing > 0 and not is_restart else None
        return Gap(self._channel, start_s, end_s, n_lost, reason)


def _rows(run: _Run, entry: _Held, begin: int) -> _Rows:
    frame = entry.frame
    return _Rows(
        run,
        entry.host_ns,
        frame.sign,
        np.arange(frame.number + begin, frame.end, dtype=np.int64),
        frame.page_ms[begin:],
        np.hstack([frame.acc_page_mps2[begin:], frame.rot_page_dps[begin:]]),
    )


def _joined(pieces: list[_Rows]) -> list[_Rows]:
    """Pieces that arrived together as one: the newest of them tells how late they are."""
    out: list[_Rows] = []
    for host_ns, group in itertools.groupby(pieces, key=lambda piece: piece.host_ns):
        same = list(group)
        out.append(
            _Rows(
                same[0].run,
                host_ns,
                next((piece.sign for piece in same if piece.sign), 0),
                np.concatenate([piece.numbers for piece in same]),
                np.concatenate([piece.page_ms for piece in same]),
                np.concatenate([piece.values for piece in same]),
            )
        )
    return out


def _are_good(run: _Run, rows: _Rows) -> NDArray[np.bool_]:
    """True for samples with a time that is later than all before, and an acceleration."""
    is_time = (rows.page_ms >= 0) & (rows.page_ms < _MAX_MS)
    times = np.where(is_time, rows.page_ms, -1.0)
    before = np.maximum.accumulate(np.concatenate(([run.last_ms], times)))[:-1]
    good: NDArray[np.bool_] = (
        is_time & (times >= before + _LEAST_STEP_MS) & _are_readings(rows.values[:, :3], _MAX_ACC_MPS2)
    )
    return good


def _are_readings(values: Floats, limit: float) -> NDArray[np.bool_]:
    """True for rows of finite numbers within the limit."""
    return np.asarray((np.abs(values) <= limit).all(axis=1))  # False for NaN

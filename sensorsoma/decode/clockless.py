"""Samples of a device that sends no time: placed by their number, at the rate at which they really come.

`IndexTimebase` follows a rate that is off by up to 15 %. Here that rate is found first: what a box, a register or a
config file says is compared with what arrives, and when it is far off (a command that was not obeyed, a loop that is
slower than its author thought, a radio that takes only two samples of three) the time base begins anew with what was
seen. So a wrong number in a file costs two seconds and not the session.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from sensorsoma.decode.timebase import INDEX_PARAMS, IndexTimebase, TimebaseParams
from sensorsoma.decode.uncounted import UncountedLosses
from sensorsoma.messages import Floats, Gap, ImuBlock
from sensorsoma.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class PaceParams:
    """When the nominal rate is given up."""

    off_frac: float = 0.12
    """A rate that is further off than this is wrong; below it the time base follows by itself (it can up to 0.15)."""
    first_s: float = 1.0
    """Arrival time of a verdict at the beginning: short, since nothing has been measured yet."""
    later_s: float = 5.0
    """Arrival time of a verdict afterwards."""
    n_first: int = 2
    """How many verdicts are short ones; more, as long as they disagree about another rate."""
    min_samples: int = 12
    """Fewer are no rate."""
    agree_frac: float = 0.1
    """Two verdicts in a row must agree within this: one alone may hold the backlog of a radio that had stalled."""
    catch_up: float = 0.3
    """How fast a time that ran ahead is brought back, s/s: time still goes on at two thirds of its pace."""
    lossy_window_s: float = 20.0
    """Envelope memory where losses are frequent: one that was not noticed is forgotten that soon."""
    lossy_tau_s: float = 2.0
    """Time constant of corrections then."""


@dataclass(slots=True)
class _Window:
    """Samples counted since an arrival."""

    begin_s: float
    n: int = 0
    off_hz: float | None = None
    """What the window before this one found, where that was off."""


class PacedIndex:
    """Session seconds for samples without a clock, whatever rate was promised.

    Args:
        epoch_ns: session time at which `t_s` is 0.
        nominal_rate_hz: what is promised.
        params: when the promise is given up.
        timebase: how the sample count is followed; `INDEX_PARAMS` by default. A shorter `stall_for_s` suits a device
            that holds back little, so that what comes late must be lost.

    >>> paced = PacedIndex(epoch_ns=0, nominal_rate_hz=50.0)
    >>> paced.place(1_000_000_000, 3).round(3).tolist()
    [0.96, 0.98, 1.0]
    """

    def __init__(
        self,
        epoch_ns: int,
        nominal_rate_hz: float,
        params: PaceParams | None = None,
        timebase: TimebaseParams | None = None,
    ) -> None:
        self.params = params or PaceParams()
        self.nominal_rate_hz = nominal_rate_hz
        self._epoch_ns = epoch_ns
        self._timebase = timebase or INDEX_PARAMS
        self._n_verdicts = 0
        self._is_lossy = False
        self._index = IndexTimebase(epoch_ns, nominal_rate_hz, self._timebase_now)
        self._n_segments_before = 0
        self._window: _Window | None = None
        self._is_resumed = False
        self._ahead_s = 0.0
        self._last_placed_s = 0.0
        self._last_s = self._begun_s = -np.inf

    @property
    def rate_hz(self) -> float:
        """Samples per session second, estimated from arrival."""
        return self._index.rate_hz

    @property
    def n_segments(self) -> int:
        """Runs of the sample count so far: it grows on uncounted losses, on restarts and when the rate was wrong."""
        return self._n_segments_before + self._index.n_segments

    @property
    def is_paced(self) -> bool:
        """Whether the rate is known: until then what comes late may come at another rate."""
        is_settled = self._last_s - self._begun_s > self._timebase.settle_s
        return is_settled and self._n_verdicts >= self.params.n_first

    def late_s(self, host_ns: int, n_samples: int) -> float | None:
        """How late a packet's last sample is when nothing was lost before it; None where nothing can be said."""
        if self._is_resumed:
            return None
        late_s = self._index.late_s(host_ns, n_samples)
        return None if late_s is None else late_s - self._ahead_s

    def resumed(self) -> None:
        """Notes that the link was away: nobody counted meanwhile, so the next samples begin a new run."""
        self._is_resumed = True
        self._window = None

    def place(
        self, host_ns: int, n_samples: int, n_lost: int = 0, *, is_sure: bool = True, is_seen: bool = True
    ) -> Floats:
        """`(n_samples,)` session seconds of one packet's samples; `n_lost` counts samples missing before it."""
        n_seen = n_samples + n_lost if is_seen else n_samples
        anew_hz = self._verdict((host_ns - self._epoch_ns) / NS_PER_S, n_seen)
        if self._is_resumed and self._index.n_segments:
            anew_hz = self.rate_hz
        self._is_resumed = False
        if anew_hz is not None:
            self._begin_anew(anew_hz)
            n_lost = 0
        placed = self._index.place(host_ns, n_samples, n_lost, is_sure=is_sure)
        if not n_samples:
            return placed
        if anew_hz is not None:
            self._ahead_s = max(0.0, self._last_s + 1.0 / anew_hz - float(placed[0]))
            self._last_placed_s = float(placed[0])
        ahead = np.maximum(0.0, self._ahead_s - self.params.catch_up * (placed - self._last_placed_s))
        t_s = placed + ahead
        if anew_hz is not None or self._begun_s == -np.inf:
            self._begun_s = float(t_s[0])
        self._ahead_s, self._last_placed_s, self._last_s = float(ahead[-1]), float(placed[-1]), float(t_s[-1])
        return t_s

    def follow_closely(self, is_lossy: bool) -> None:
        """Whether the map has to be quick because losses are frequent."""
        if is_lossy != self._is_lossy:
            self._is_lossy = is_lossy
            self._index.follow_as(self._timebase_now)

    @property
    def _timebase_now(self) -> TimebaseParams:
        """As asked once the rate is known; until then what comes late may come at another rate and is no loss."""
        p, timebase = self.params, self._timebase
        if self._is_lossy:
            timebase = replace(timebase, window_s=self.params.lossy_window_s, tau_s=self.params.lossy_tau_s)
        if self._n_verdicts >= p.n_first:
            return timebase
        return replace(timebase, stall_for_s=max(timebase.stall_for_s, (p.n_first + 1) * p.first_s))

    def _begin_anew(self, rate_hz: float) -> None:
        self._n_segments_before += self._index.n_segments
        self._index = IndexTimebase(self._epoch_ns, rate_hz, self._timebase_now)
        self.nominal_rate_hz = rate_hz

    def _verdict(self, host_s: float, n_samples: int) -> float | None:
        """The rate of what arrives, when it is clearly not the nominal one."""
        p, window = self.params, self._window
        if window is None:
            self._window = _Window(host_s)
            return None
        window.n += n_samples
        span_s = host_s - window.begin_s
        if window.n < p.min_samples or span_s < (p.first_s if self._n_verdicts < p.n_first else p.later_s):
            return None
        seen_hz = window.n / span_s
        is_off = abs(seen_hz / self.nominal_rate_hz - 1.0) > p.off_frac
        is_sure = is_off and window.off_hz is not None and abs(seen_hz / window.off_hz - 1.0) < p.agree_frac
        is_open = is_off and not is_sure
        self._window = _Window(host_s, off_hz=seen_hz if is_open else None)
        if not is_open or self._n_verdicts < p.n_first - 1:  # an open one is followed by another short one
            self._n_verdicts += 1
            self._index.follow_as(self._timebase_now)
        return seen_hz if is_sure else None


@dataclass(frozen=True, slots=True)
class SilenceParams:
    """What is done after a silence, when it is open whether packets were lost in it or only delayed."""

    late_s: float = 0.15
    """A packet later than this, and than `late_packets`, is held back until it is clear why."""
    late_packets: float = 4.0
    """The same in lengths of a packet: slow ones hold a second each."""
    look_s: float = 0.1
    """So long packets are held: what was delayed comes all at once, what follows a loss comes at its pace."""
    drained_frac: float = 0.5
    """A backlog that shrinks by this share of the time that passes is still coming."""
    early_s: float = 0.005
    """How exactly the line of times is known after a silence."""
    most_s: float = 1.0
    """Never held longer."""
    long_packet_s: float = 0.03
    """Losses of packets at least so long, a radio's interval, are seen from the start; of shorter ones only when the
    rate has been looked at, since a rate below the promised one looks the same."""
    gap_s: float = 0.1
    """Uncounted losses shorter than this are no gap: times say what is missing."""


@dataclass(frozen=True, slots=True, eq=False)
class _Arrived:
    """Samples of a packet that are not placed yet."""

    host_ns: int
    acc_sensor_mps2: Floats
    gyr_sensor_radps: Floats | None
    late_s: float = 0.0
    """When it came, by the line of that time, nothing lost before it."""

    @property
    def n(self) -> int:
        return len(self.acc_sensor_mps2)


class ClocklessStream:
    """Blocks and gaps of one device without a clock: what every such decoder does with the samples of a packet.

    Losses that the device does not count are told from arrival (`uncounted.py`). In doubt, and after a silence, samples
    are held back for a tenth of a second of arrivals.

    Args:
        channel: name that the blocks carry.
        epoch_ns: session time at which `t_s` is 0.
        nominal_rate_hz: what is promised.
        timebase: how the sample count is followed, where the device asks for something else than the others.
        is_counted: the device counts, so `n_lost` tells all that is missing.
    """

    def __init__(
        self,
        channel: str,
        epoch_ns: int,
        nominal_rate_hz: float,
        timebase: TimebaseParams | None = None,
        *,
        is_counted: bool = False,
    ) -> None:
        self.params = SilenceParams()
        self._channel = channel
        self._paced = PacedIndex(epoch_ns, nominal_rate_hz, timebase=timebase)
        self._is_counted = is_counted
        self._losses = UncountedLosses()
        self._per_packet = 0.0
        self._waiting: deque[_Arrived] = deque()
        """Packets in doubt, in the order of `_losses`."""
        self._held: list[_Arrived] = []
        """Packets after a silence; none are waiting then."""
        self._last_s: float | None = None
        self._was_away = False
        self._is_resumed = False

    def resumed(self) -> None:
        """Notes that the link was away."""
        self._was_away = True

    def add(
        self, host_ns: int, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats | None, n_lost: int = 0
    ) -> tuple[Gap | ImuBlock, ...]:
        """The samples that are placed with this packet, and gaps before them where there are; nothing for no samples.

        Args:
            host_ns: arrival of the packet that completed them.
            acc_sensor_mps2: `(n, 3)`.
            gyr_sensor_radps: `(n, 3)`, or None without gyroscope.
            n_lost: samples missing before them, where the device counts.
        """
        n = len(acc_sensor_mps2)
        if not n:
            return ()
        out: list[Gap | ImuBlock] = []
        if self._was_away:
            out += self.finish()
            self._was_away = False
            self._is_resumed = True
            self._paced.resumed()
            self._losses.forget()
        if n_lost and not self._is_counted:
            out += self.finish()
            self._is_counted = True
        self._per_packet += (n - self._per_packet) * (0.05 if self._per_packet else 1.0)
        arrived = _Arrived(host_ns, acc_sensor_mps2, gyr_sensor_radps)
        if self._is_readable:
            return (*out, *self._take(arrived))
        return (*out, *self.finish(), *self._place(arrived, n_lost))

    def finish(self) -> tuple[Gap | ImuBlock, ...]:
        """Samples that were held back; harmless when called twice."""
        return (*self._release(0), *self._decided(is_last=True))

    @property
    def _is_readable(self) -> bool:
        """Whether arrival says what was lost."""
        if self._is_counted:
            return False
        is_long = self._packet_s >= self.params.long_packet_s and self._paced.n_segments == 1
        return is_long or self._paced.is_paced

    @property
    def _n_per_packet(self) -> int:
        return max(round(self._per_packet), 1)

    @property
    def _packet_s(self) -> float:
        return self._n_per_packet / self._paced.rate_hz

    def _take(self, arrived: _Arrived) -> tuple[Gap | ImuBlock, ...]:
        """What is clear with this packet."""
        p = self.params
        n_before = sum(each.n for each in (*self._waiting, *self._held))
        late_s = self._paced.late_s(arrived.host_ns, n_before + arrived.n)
        if late_s is None:
            return self._place(arrived, 0)
        out: list[Gap | ImuBlock] = []
        if not self._held and late_s > max(p.late_s, p.late_packets * self._packet_s):
            out += self._decided(is_last=True)
            late_s = self._paced.late_s(arrived.host_ns, arrived.n) or 0.0
            self._held.append(replace(arrived, late_s=late_s))
        elif self._held:
            self._held.append(replace(arrived, late_s=late_s))
            out += self._after_silence()
        else:
            out += self._guessed(arrived, late_s)
        return tuple(out)

    def _after_silence(self) -> tuple[Gap | ImuBlock, ...]:
        """What is held back, as soon as it is clear whether packets were lost before it."""
        p, first, last = self.params, self._held[0], self._held[-1]
        span_s = (last.host_ns - first.host_ns) / NS_PER_S
        if last.late_s < 0.5 * p.late_s:
            return self._release(0)
        is_coming = first.late_s - last.late_s > p.drained_frac * span_s
        if span_s < p.look_s or len(self._held) < 3 or (is_coming and span_s < p.most_s):
            return ()
        earliest_s = min(each.late_s for each in self._held)  # of the smallest delay, which is never negative
        return self._release(int((earliest_s + p.early_s) // self._packet_s))

    def _release(self, n_packets: int) -> tuple[Gap | ImuBlock, ...]:
        held, self._held = self._held, []
        out: list[Gap | ImuBlock] = []
        for i, each in enumerate(held):
            if i == 0 and n_packets:
                self._losses.forget(n_packets)
                out += self._place(each, n_packets * self._n_per_packet)
            else:
                n_before = sum(other.n for other in self._waiting)
                out += self._guessed(each, self._paced.late_s(each.host_ns, n_before + each.n) or 0.0)
        return tuple(out)

    def _guessed(self, arrived: _Arrived, late_s: float) -> tuple[Gap | ImuBlock, ...]:
        self._losses.add(arrived.host_ns / NS_PER_S, late_s, self._packet_s)
        self._waiting.append(arrived)
        return self._decided()

    def _decided(self, *, is_last: bool = False) -> tuple[Gap | ImuBlock, ...]:
        """Packets out of doubt; all of them when no more will come."""
        out: list[Gap | ImuBlock] = []
        while self._waiting and (is_last or self._losses.is_decided):
            n_packets = self._losses.release()
            out += self._place(self._waiting.popleft(), n_packets * self._n_per_packet)
        return tuple(out)

    def _place(self, arrived: _Arrived, n_lost: int) -> tuple[Gap | ImuBlock, ...]:
        n_segments = self._paced.n_segments
        is_seen = self._is_counted or self._paced.is_paced
        t_s = self._paced.place(arrived.host_ns, arrived.n, n_lost, is_sure=self._losses.is_sure, is_seen=is_seen)
        self._paced.follow_closely(self._losses.is_frequent)
        if self._paced.n_segments > n_segments:
            self._losses.forget()
        rate_hz = self._paced.rate_hz
        block = ImuBlock(self._channel, rate_hz, t_s, arrived.acc_sensor_mps2, arrived.gyr_sensor_radps)
        is_gap = n_lost > (0 if self._is_counted else self.params.gap_s * rate_hz)
        is_cut = self._is_resumed or self._paced.n_segments > n_segments or is_gap
        last_s, self._last_s = self._last_s, float(t_s[-1])
        reason: Literal["link_lost", "lost_packets"] = "link_lost" if self._is_resumed else "lost_packets"
        self._is_resumed = False
        if last_s is None or not is_cut:
            return (block,)
        n_counted = n_lost if self._is_counted and n_lost else None
        return (Gap(self._channel, last_s, float(t_s[0]), n_counted, reason), block)

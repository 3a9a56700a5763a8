"""Blocks and gaps of a device that sends no time: what every such decoder does with the samples of a packet.

Samples are placed by their number (`paced.py`), with room for what was lost: by the device's count where it has one,
else as arrivals tell (`uncounted.py`). After a silence it is open whether packets were lost or delayed, so they are
held back until it is clear.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Literal

from sensorsoma.decode.paced import PacedIndex
from sensorsoma.decode.timebase import TimebaseParams
from sensorsoma.decode.uncounted import UncountedLosses
from sensorsoma.messages import Floats, Gap, ImuBlock
from sensorsoma.units import NS_PER_S


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
    most_s: float = 10.0
    """Never held longer, as for a device whose clock stood still."""
    most_packets: int = 2000
    """Never more of them held, whatever their stamps say: ten seconds at 200 Hz."""
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
        much_s = max(p.late_s, p.late_packets * self._packet_s)
        if not self._held and late_s < -much_s:  # before it was taken: far too many were counted in
            out += self._decided(is_last=True)
            late_s = self._paced.late_s(arrived.host_ns, arrived.n) or 0.0
            self._losses.forget()
            out += self._place(arrived, -max(int(-late_s / self._packet_s), 0) * self._n_per_packet)
        elif not self._held and late_s > much_s:
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
        if len(self._held) >= p.most_packets:
            return self._release(0)
        is_coming = first.late_s - last.late_s > p.drained_frac * span_s
        if span_s < p.look_s or len(self._held) < 3 or (is_coming and span_s < p.most_s):
            return ()
        earliest_s = min(each.late_s for each in self._held)  # of the smallest delay, which is never negative
        return self._release(int((earliest_s + p.early_s) // self._packet_s))

    def _release(self, n_packets: int) -> tuple[Gap | ImuBlock, ...]:
        """What is held back, after so many lost packets; with none all of it was only delayed."""
        held, self._held = self._held, []
        out: list[Gap | ImuBlock] = []
        for i, each in enumerate(held):
            if i == 0 or not n_packets:
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
        self._paced.follow(is_read=self._is_readable, is_lossy=self._losses.is_frequent)
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

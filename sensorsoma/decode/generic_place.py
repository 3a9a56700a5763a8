"""When samples of a board from the config file were taken: by its clock, else by its count, else by arrival."""

from __future__ import annotations

from itertools import pairwise
from typing import Literal

import numpy as np

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.clockless import ClocklessStream
from sensorsoma.decode.generic_board import COUNTER_FIELD, TICKS, Board
from sensorsoma.decode.generic_rows import Counting, Samples
from sensorsoma.decode.rows import GAP_INTERVALS, GAP_MIN_S
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.messages import Floats, Gap, ImuBlock
from sensorsoma.units import NS_PER_S

UNKNOWN_RATE_HZ = 50.0
"""Where counting begins for a board that did not tell its rate; what arrives corrects it within seconds."""

GapReason = Literal["lost_packets", "link_lost", "clock_restart"]


class WithoutClock:
    """Places samples by their number; the board's own count tells losses where it has one."""

    def __init__(self, channel: str, epoch_ns: int, board: Board) -> None:
        rate_hz = board.rate_hz or UNKNOWN_RATE_HZ
        self._rate_hz = rate_hz
        self._epoch_ns = epoch_ns
        is_counted = COUNTER_FIELD in (*board.fields, *board.head_fields)
        self._stream = ClocklessStream(channel, epoch_ns, rate_hz, is_counted=is_counted)
        self._count = Counting(board.counter_wrap, rate_hz)
        self._last: float | None = None
        self._last_host_s = 0.0

    def resumed(self) -> None:
        """Notes that the link was away: numbers begin anew."""
        self._stream.resumed()
        self._count.restart()
        self._last = None

    def take(self, host_ns: int, samples: Samples) -> tuple[int, list[Decoded]]:
        """How many samples came late or twice, and the blocks and gaps of the others; at least one sample."""
        if samples.counter is None:
            return 0, list(self._stream.add(host_ns, samples.acc_sensor_mps2, samples.gyr_sensor_radps))
        host_s = (host_ns - self._epoch_ns) / NS_PER_S
        numbers, is_new = self._count.take(samples.counter, host_s)
        kept, numbers = samples.kept(is_new), numbers[is_new]
        out: list[Decoded] = []
        if len(numbers):
            lost = np.diff(numbers, prepend=numbers[0] - 1 if self._last is None else self._last) - 1
            most = 50 + 2 * self._rate_hz * (host_s - self._last_host_s)
            lost[(lost < 0) | (lost > most)] = 0  # a count that began anew, or a broken number
            for begin, end in pairwise([0, *(np.flatnonzero(lost[1:]) + 1).tolist(), len(numbers)]):
                gyr = None if kept.gyr_sensor_radps is None else kept.gyr_sensor_radps[begin:end]
                out += self._stream.add(host_ns, kept.acc_sensor_mps2[begin:end], gyr, int(lost[begin]))
            self._last, self._last_host_s = float(numbers[-1]), host_s
        return int(np.count_nonzero(~is_new)), out

    def finish(self) -> tuple[Decoded, ...]:
        """Samples that wait for those after them."""
        return self._stream.finish()


class WithClock:
    """Places samples by the board's clock; its sample count, where it has one, tells how many a hole swallowed."""

    def __init__(self, channel: str, epoch_ns: int, board: Board) -> None:
        assert board.tick_s is not None
        self._channel = channel
        self._epoch_ns = epoch_ns
        self._tick_s = board.tick_s
        self._counter_wrap = board.counter_wrap
        self._timebase = DeviceTimebase(epoch_ns, board.rate_hz or UNKNOWN_RATE_HZ)
        self._has_one_time = any(field in TICKS or field == "t" for field in board.head_fields)
        """A packet tells the time of its first sample only."""
        self._clock = Counting(board.time_wrap, 1.0 / board.tick_s)
        self._interval_s = 1.0 / (board.rate_hz or UNKNOWN_RATE_HZ)
        """Between the samples of a packet that has one time for all."""
        self._last_packet: tuple[float, int] | None = None
        """Time of the first sample of the last packet, and how many it had."""
        self._last: tuple[float, float, float | None] | None = None
        """Device time, session time and number of the last sample."""
        self._is_resumed = False

    def resumed(self) -> None:
        """Notes that the link was away: the clock shows whether it went on."""
        self._timebase.resumed()
        self._is_resumed = True

    def take(self, host_ns: int, samples: Samples) -> tuple[int, list[Decoded]]:
        """How many samples came late or twice, and the blocks and gaps of the others; at least one sample."""
        assert samples.time is not None
        n = len(samples.acc_sensor_mps2)
        values, is_new = self._clock.take(samples.time, (host_ns - self._epoch_ns) / NS_PER_S)
        if self._has_one_time:
            if not is_new[0]:
                return n, []
            device_s, is_new = self._spread(float(values[0]) * self._tick_s, n), np.ones(n, dtype=np.bool_)
        else:
            device_s = values * self._tick_s
        # Far from zero, or close together, different counts can be the same float of seconds.
        is_new = is_new & (device_s > np.maximum.accumulate(np.concatenate(([-np.inf], device_s[:-1]))))
        kept, device_s = samples.kept(is_new), device_s[is_new]
        if not len(device_s):
            return n, []
        return n - len(device_s), self._blocks(host_ns, kept, device_s)

    def finish(self) -> tuple[Decoded, ...]:
        """Nothing: every sample tells its time."""
        return ()

    def _spread(self, first_s: float, n: int) -> Floats:
        """Times of the samples of a packet that tells only the first one's."""
        if self._last_packet is not None:
            measured_s = (first_s - self._last_packet[0]) / self._last_packet[1]
            if 0.7 < measured_s / self._interval_s < 1.4:
                self._interval_s += 0.2 * (measured_s - self._interval_s)
        self._last_packet = (first_s, n)
        device_s: Floats = np.asarray(first_s + self._interval_s * np.arange(n), dtype=np.float64)
        last_s = self._last[0] if self._last is not None else -np.inf
        if device_s[0] <= last_s < first_s + self._interval_s * n:  # an interval that overshoots: order is kept
            end_s = max(float(device_s[-1]), last_s + 1e-6 * n)
            device_s = np.linspace(last_s, end_s, n + 1)[1:]
        return device_s

    def _blocks(self, host_ns: int, samples: Samples, device_s: Floats) -> list[Decoded]:
        """Blocks, cut where samples are missing, with a gap at each cut."""
        n_runs = self._timebase.n_segments
        t_s = self._timebase.place(host_ns, device_s)
        is_new_run = self._last is not None and self._timebase.n_segments > n_runs
        rate_hz = self._timebase.rate_hz
        before = self._last or (float(device_s[0]), float(t_s[0]), None)
        steps = np.diff(device_s, prepend=before[0])
        lost = self._lost(samples, steps, rate_hz, before[2])
        is_cut = (steps > max(GAP_INTERVALS / rate_hz, GAP_MIN_S)) | (lost > 0)
        is_cut[0] = self._last is not None and (is_cut[0] or is_new_run or self._is_resumed)
        out: list[Decoded] = []
        for begin, end in pairwise(sorted({0, *np.flatnonzero(is_cut).tolist(), len(t_s)})):
            if is_cut[begin]:
                reason: GapReason = "lost_packets"
                if begin == 0 and (is_new_run or self._is_resumed):
                    reason = "clock_restart" if is_new_run else "link_lost"
                n_lost = int(lost[begin]) if lost[begin] > 0 and reason == "lost_packets" else None
                since_s = float(t_s[begin - 1]) if begin else before[1]
                out.append(Gap(self._channel, since_s, float(t_s[begin]), n_lost, reason))
            gyr = None if samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[begin:end]
            out.append(ImuBlock(self._channel, rate_hz, t_s[begin:end], samples.acc_sensor_mps2[begin:end], gyr))
        number = None if samples.counter is None else float(samples.counter[-1])
        self._last = (float(device_s[-1]), float(t_s[-1]), number)
        self._is_resumed = False
        return out

    def _lost(self, samples: Samples, steps: Floats, rate_hz: float, last_number: float | None) -> Floats:
        """`(n,)` samples missing before each, by the board's count where that agrees with its clock; else 0."""
        if samples.counter is None:
            return np.zeros(len(steps))
        numbers = np.diff(samples.counter, prepend=samples.counter[0] - 1 if last_number is None else last_number)
        if self._counter_wrap:
            numbers = numbers % self._counter_wrap
        lost = numbers - 1
        lost[(lost < 0) | (lost > 2 + 1.5 * steps * rate_hz)] = 0
        return np.asarray(lost, dtype=np.float64)

"""Samples of a device that sends no time: placed by their number, at the rate at which they really come.

`IndexTimebase` follows a rate that is off by up to 15 %. Here that rate is found first: what a box, a register or a
config file says is compared with what arrives, and when it is far off (a command that was not obeyed, a loop that is
slower than its author thought, a radio that takes only two samples of three) the time base begins anew with what was
seen. So a wrong number in a file costs two seconds and not the session.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from sensorsoma.decode.timebase import INDEX_PARAMS, IndexTimebase, TimebaseParams
from sensorsoma.messages import Floats
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
    read_stall_s: float = 10.0
    """How long all is late before the count begins anew where losses are read from arrival: a last resort."""
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
        self._is_read = self._is_lossy = False
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
        return self._index.late_s(host_ns, n_samples)

    def resumed(self) -> None:
        """Notes that the link was away: nobody counted meanwhile, so the next samples begin a new run."""
        self._is_resumed = True
        self._window = None

    def place(
        self, host_ns: int, n_samples: int, n_lost: int = 0, *, is_sure: bool = True, is_seen: bool = True
    ) -> Floats:
        """`(n_samples,)` session seconds of one packet's samples; `n_lost` counts samples missing before it."""
        n_seen = n_samples + max(n_lost, 0) if is_seen else n_samples
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

    def follow(self, *, is_read: bool, is_lossy: bool) -> None:
        """How the sample count is followed from now on.

        Args:
            is_read: somebody reads losses from arrival, so lateness alone is no loss for longer.
            is_lossy: losses are frequent, so the map has to be quick.
        """
        if (is_read, is_lossy) != (self._is_read, self._is_lossy):
            self._is_read, self._is_lossy = is_read, is_lossy
            self._index.follow_as(self._timebase_now)

    @property
    def _timebase_now(self) -> TimebaseParams:
        """As asked once the rate is known; until then what comes late may come at another rate and is no loss."""
        p, timebase = self.params, self._timebase
        if self._is_lossy:
            timebase = replace(timebase, window_s=self.params.lossy_window_s, tau_s=self.params.lossy_tau_s)
        if self._is_read:
            timebase = replace(timebase, stall_for_s=max(timebase.stall_for_s, p.read_stall_s))
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

"""How many packets were lost that nobody counted, told from arrival alone.

A packet arrives after its last sample was taken, never before, and usually within some tens of milliseconds. When one
was lost, all that follow seem late by its length, for good; when one was delayed, only that one is late. So arrivals
are read as a chain: before each packet some were lost (seldom), then it was delayed (a little, seldom long). The most
probable chain is kept (Viterbi 1967); a packet is given out as soon as all probable chains agree on what was lost
before it, or after a tenth of a second. A later doubt about a packet that is out is told as a negative loss.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from sensorsoma.messages import Floats


@dataclass(frozen=True, slots=True)
class UncountedParams:
    """What delays and losses are ordinarily like."""

    loss: float = 0.01
    """Share of packets expected to be lost before anything is known."""
    loss_least: float = 0.002
    """Never taken as smaller: a link that was perfect for minutes may still lose a packet."""
    loss_most: float = 0.1
    """Never taken as larger: more is a broken link."""
    scatter_s: float = 0.02
    """Size of delays before anything is known: about one connection interval of Bluetooth LE."""
    scatter_least_s: float = 0.003
    """Never taken as smaller: computers stamp arrivals no better."""
    scatter_most_s: float = 0.03
    """Never taken as larger: what stays late for longer is lost. Without this bound, a line that has fallen behind
    looks like a link that delays more, and stays behind."""
    stall_frac: float = 0.02
    """Share of packets that are delayed by something else than the radio's ordinary rhythm."""
    stall_s: float = 0.2
    """How long such a delay is, on average."""
    early_s: float = 0.002
    """How exactly the line of times is known: a packet earlier than its samples by more than this speaks for fewer."""
    queue_s: float = 0.001
    """Packets that arrive closer together were queued, so the later one only tells that its delay was not longer."""
    interval_s: float = 0.015
    """Packets that are closer together than half a radio's interval share their delay: together they count as one."""
    memory: int = 256
    """Packets over which scatter and loss are learnt: some seconds."""
    n_most: int = 24
    """Lost packets that are considered at a time; more are a silence."""
    odds: float = 50.0
    """A chain is believed at once when it is so many times as probable as the best one that says otherwise."""
    wait_s: float = 0.1
    """Arrival time after which the most probable chain is believed: two or three packets, or intervals of a radio."""
    most_waiting: int = 64
    """Never more packets wait, whatever their stamps say."""
    often: float = 0.015
    """Share of lost packets from which losses are said to be frequent: well above the least, below the usual 5 %."""


@dataclass(slots=True)
class _Pending:
    """A packet that is not given out."""

    arrival_s: float
    late_s: float
    packet_s: float
    is_queued: bool
    came_from: NDArray[np.intp]
    """For each state here, the state before this packet."""


class UncountedLosses:
    """The most probable losses before the packets that wait.

    >>> losses = UncountedLosses()
    >>> for i, late_s in enumerate((0.0, 0.051, 0.05, 0.052)):
    ...     losses.add(0.05 * i + late_s, late_s, 0.05)
    ...     while losses.is_decided:
    ...         print(i, losses.release())
    0 0
    3 1
    3 0
    3 0
    """

    def __init__(self, params: UncountedParams | None = None) -> None:
        self.params = p = params or UncountedParams()
        self._counts = np.arange(-p.n_most, p.n_most + 1).astype(np.float64)
        self._score = self._certain()
        self._pending: deque[_Pending] = deque()
        self._last_s = -math.inf
        self._scatter = p.scatter_s
        self._loss = p.loss
        self._n_counted = 0
        """Lost packets that were counted in and may be taken back."""
        self.is_sure = True
        """Whether hardly too many losses were counted in before the packet that was released last."""

    @property
    def is_frequent(self) -> bool:
        """Whether losses are frequent by now."""
        return self._loss > self.params.often

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, arrival_s: float, late_s: float, packet_s: float) -> None:
        """Takes a packet.

        Args:
            arrival_s: when it came.
            late_s: arrival minus the time of its last sample if nothing was lost before it and before those that wait.
            packet_s: length of a packet.
        """
        p = self.params
        is_queued = arrival_s - self._last_s < p.queue_s
        self._last_s = arrival_s
        score, came_from = self._moved()
        score[: p.n_most - self._n_counted] = -math.inf
        delay_s = late_s - self._counts * packet_s
        weight = min(1.0, packet_s / p.interval_s)
        score = score + weight * (self._log_chance(delay_s) if is_queued else self._log_density(delay_s))
        self._score = score - score.max()
        self._pending.append(_Pending(arrival_s, late_s, packet_s, is_queued, came_from))

    @property
    def is_decided(self) -> bool:
        """Whether the first packet that waits can go."""
        if not self._pending:
            return False
        waited_s = self._pending[-1].arrival_s - self._pending[0].arrival_s
        if waited_s >= self.params.wait_s or len(self._pending) > self.params.most_waiting:
            return True
        return bool(self._best()[1].max() < -math.log(self.params.odds))

    def release(self) -> int:
        """Packets lost before the first one that waits, which goes; negative when too many were counted in before."""
        first_state, other = self._best()
        n = int(self._counts[first_state])
        self.is_sure = bool(other[:first_state].max(initial=-math.inf) < -math.log(self.params.odds))
        first = self._pending.popleft()
        if n:
            self._n_counted = min(max(self._n_counted + n, 0), self.params.n_most)
            self._score = _shifted(self._score, n)
            for each in self._pending:
                each.came_from = np.clip(_shifted(each.came_from, n, 0) - n, 0, len(self._counts) - 1)
                each.late_s -= n * first.packet_s
        self._learn(first.late_s - n * first.packet_s, n, first.is_queued)
        return n

    def forget(self, n_counted: int = 0) -> None:
        """Begins anew after a silence of so many packets; what delays are like is kept, and so are those that wait."""
        self._score = self._certain()
        self._n_counted = min(n_counted, self.params.n_most)

    def _certain(self) -> Floats:
        score = np.full(2 * self.params.n_most + 1, -60.0)
        score[self.params.n_most] = 0.0
        return score

    def _best(self) -> tuple[int, Floats]:
        """State of the most probable chain right before the first packet, and the best score of all others there."""
        states = np.arange(len(self._counts))
        for each in list(self._pending)[:0:-1]:
            states = each.came_from[states]
        best = int(states[int(np.argmax(self._score))])
        other = np.full(len(self._counts), -math.inf)
        np.maximum.at(other, states, self._score)
        other[best] = -math.inf
        return best, other

    def _moved(self) -> tuple[Floats, NDArray[np.intp]]:
        """Best scores after any losses before the next packet, and the states that they come from."""
        loss, n = self._loss, len(self._score)
        rows = np.full((5, n), -math.inf)
        for k in range(4):
            rows[k, k:] = self._score[: n - k] + k * math.log(loss)
        rows[4] = self._score.max() - 40.0  # whatever else may have happened
        pick = rows.argmax(axis=0)
        states = np.arange(n)
        came_from = np.where(pick < 4, states - pick, int(np.argmax(self._score)))
        return rows[pick, states], came_from

    def _log_density(self, delay_s: Floats) -> Floats:
        """Of a delay, against that of the smallest."""
        p, sigma = self.params, self._scatter
        late = np.maximum(delay_s, 0.0)
        stall = p.stall_frac * sigma * math.sqrt(math.pi / 2.0) / p.stall_s
        found = _log((1.0 - p.stall_frac) * np.exp(-0.5 * (late / sigma) ** 2) + stall * np.exp(-late / p.stall_s))
        return np.asarray(found + np.minimum(delay_s, 0.0) / p.early_s)

    def _log_chance(self, delay_s: Floats) -> Floats:
        """That a delay was not longer."""
        p = self.params
        late = np.maximum(delay_s, 0.0) + p.early_s
        usual = erf(late / (self._scatter * math.sqrt(2.0)))
        found = _log((1.0 - p.stall_frac) * usual + p.stall_frac * (1.0 - np.exp(-late / p.stall_s)))
        return np.asarray(found + np.minimum(delay_s, 0.0) / p.early_s)

    def _learn(self, delay_s: float, n: int, is_queued: bool) -> None:
        p = self.params
        gain = 1.0 / p.memory
        reach = max(delay_s, 0.0) / self._scatter
        seen = _mean_square_below(reach + 0.05) if is_queued else min(reach, 3.0) ** 2
        self._scatter *= math.sqrt(1.0 + gain * (seen - 1.0))
        self._scatter = min(max(self._scatter, p.scatter_least_s), p.scatter_most_s)
        self._loss = min(max(self._loss + gain * (n - self._loss), p.loss_least), p.loss_most)


def _log(chance: Floats) -> Floats:
    return np.asarray(np.log(np.maximum(chance, 1e-300)))


def _mean_square_below(reach: float) -> float:
    """Mean square of a half-normal number of scale 1 that is below `reach`."""
    density = math.sqrt(2.0 / math.pi) * math.exp(-0.5 * reach * reach)
    return 1.0 - reach * density / math.erf(reach / math.sqrt(2.0))


def _shifted(values: NDArray[Any], n: int, fill: float = -60.0) -> NDArray[Any]:
    """The same values counted from `n` packets further on."""
    moved = np.full_like(values, fill)
    if n > 0:
        moved[:-n] = values[n:]
    else:
        moved[-n:] = values[:n]
    return moved

"""Double taps on a worn sensor, told apart from knocks, landings and steps of the practice.

A finger's tap is over before the leg has moved: force that changes within hundredths of a second and then rings out,
with the same tilt before and after. Whatever a leg does by itself takes longer, tilts the sensor, or comes as a train.
So only what changes fast is looked at, for two short pulses with quiet before, between and after.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.messages import DoubleTapped, Floats, Gap, OrientedBlock
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class TapParams:
    """What a double tap is, as against everything else that shakes a sensor."""

    fast_s: float = 0.02
    """Time constant of the high-pass (8 Hz): a tap and its ringing pass, what a leg does by itself hardly."""
    floor_mps2: float = 1.2
    """Fast force above this may be a tap; real legs that exercise stay below it nearly always (MEx: `decisions.md`)."""
    full_rate_hz: float = 104.0
    """Below this rate the floor shrinks with it: half the rate, behind the device's low-pass, shows half the pulse."""
    ring_s: float = 0.08
    """Skin rings for 30-60 ms after a tap; later force is another pulse."""
    ring_share: float = 0.1
    """Force below this share of the pulse's peak is its ringing dying away."""
    edge_s: float = 0.04
    """A sample or two before a pulse, at 50 Hz, may hold its beginning: they do not count as unrest."""
    pulse_s: float = 0.1
    """A pulse with its ringing, smeared by the device's low-pass, is over by then; a landing or a shiver is not."""
    fast_share: float = 0.82
    """So much of the force in the two pulses is fast; of a landing that lasts 50-150 ms a half to three quarters ..."""
    smeared: float = 0.2
    """... and so much less, at most, where few samples a second smear a pulse: half of this at half the full rate."""
    apart_s: tuple[float, float] = (0.10, 0.60)
    """A finger's two taps are 150-500 ms apart, and a sample or two of doubt at 50 Hz."""
    before_s: float = 0.4
    """Quiet before the first: the leg rests. Longer than the pause within a train of shaking at 4-12 Hz."""
    rest_deg: float = 0.8
    """Within half of that time a body at rest tilts less: a deep breath turns a belly by 4 °/s, a leg drops with 30."""
    after_s: float = 0.35
    """Quiet after the second, so that a third is awaited; the answer still comes within half a second."""
    clear: float = 3.0
    """The weaker tap is so many times as strong as anything fast in the quiet around both."""
    tilt_deg: float = 3.0
    """A tap leaves the leg where it was: breath and pulse tilt a sensor less than this within a second."""
    hole_s: float = 0.25
    """One lost packet (ten samples at 52 Hz) may lie between two taps; across a longer hole nothing is paired."""


@dataclass(slots=True)
class _Pulse:
    begin_s: float
    end_s: float
    peak_mps2: float


class TapListener:
    """Listens to all sensors for the whole session."""

    def __init__(self, params: TapParams | None = None) -> None:
        self.params = params or TapParams()
        self._channels: dict[str, _Channel] = {}

    def feed(self, block: OrientedBlock) -> list[DoubleTapped]:
        """Double taps that became known with these samples."""
        channel = self._channels.get(block.channel)
        if channel is None:
            channel = self._channels[block.channel] = _Channel(self.params)
        return [
            DoubleTapped(second_s, known_s, block.channel, block.placement)
            for second_s, known_s in channel.feed(block.t_s, block.acc_sensor_mps2, block.rate_hz)
        ]

    def gap(self, gap: Gap) -> None:
        """Samples are missing: a tap before does not pair with one after, unless it was one packet of a steady link."""
        if gap.reason != "lost_packets":
            self._channels.pop(gap.channel, None)


@dataclass(slots=True)
class _Channel:
    """One sensor: its fast force, the last seconds, and the pulses that may become a double tap."""

    params: TapParams
    _rows: Floats = field(default_factory=lambda: np.zeros((0, 5)))
    """`(n, 5)` the last seconds: time, fast force, accelerometer."""
    _fast: Floats = field(default_factory=lambda: np.zeros(3))
    _pulses: list[_Pulse] = field(default_factory=list)
    _is_spoiled: bool = False
    """The pulses at hand are no double tap; a new beginning needs quiet."""
    _seen_from_s: float = math.inf
    _detail: float = 1.0
    """Share of the full rate: how much of a pulse is seen."""

    def feed(self, t_s: Floats, acc: Floats, rate_hz: float) -> list[tuple[float, float]]:
        """Time of the second tap and of the sample that made it known, for every double tap."""
        n_old = len(self._rows)
        self._rows = np.concatenate((self._rows, np.column_stack((t_s, np.zeros(len(t_s)), acc))))
        steps = np.diff(self._rows[max(n_old - 1, 0) :, 0])
        self._rows[n_old:, 1] = self._fast_force(n_old, steps, rate_hz)
        holes = (np.flatnonzero(steps > self.params.hole_s) + max(n_old, 1)).tolist()
        if not n_old:
            self._begin(0)
        self._detail = min(1.0, rate_hz / self.params.full_rate_hz)
        found: list[tuple[float, float]] = []
        first = n_old
        for hole in holes:
            found += self._look(first, hole)
            self._begin(hole)
            first = hole
        found += self._look(first, len(self._rows))
        self._forget()
        return found

    def _fast_force(self, n_old: int, steps: Floats, rate_hz: float) -> Floats:
        """`(n,)` size of the high-passed force; a missing sample is no step."""
        from scipy.signal import lfilter  # loaded with the orientation filter anyway

        keep = math.exp(-1.0 / (rate_hz * self.params.fast_s))
        change = np.zeros((len(self._rows) - n_old, 3))
        begin = len(change) - len(steps)
        change[begin:] = np.diff(self._rows[max(n_old - 1, 0) :, 2:], axis=0)
        change[begin:][steps > 2.5 / rate_hz] = 0.0
        fast, _ = lfilter([(1.0 + keep) / 2.0], [1.0, -keep], change, axis=0, zi=(keep * self._fast)[None])
        if len(fast):
            self._fast = fast[-1]
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", fast, fast)))

    def _begin(self, row: int) -> None:
        """Nothing was seen before this row."""
        self._seen_from_s = float(self._rows[row, 0])
        self._pulses, self._is_spoiled = [], False

    def _look(self, first: int, last: int) -> list[tuple[float, float]]:
        found: list[tuple[float, float]] = []
        part, floor_mps2 = self._rows[first:last], self.params.floor_mps2 * self._detail
        for row in np.flatnonzero(part[:, 1] > floor_mps2).tolist():
            found += self._conclude(first + row + 1)
            self._strike(float(part[row, 0]), float(part[row, 1]))
        return found + self._conclude(last)

    def _strike(self, t_s: float, force_mps2: float) -> None:
        """Fast force above the floor: it goes on with a pulse, begins the second, or spoils the pair."""
        p, pulses = self.params, self._pulses
        if pulses and t_s - pulses[-1].end_s <= p.ring_s:
            pulse = pulses[-1]
            if force_mps2 > p.ring_share * pulse.peak_mps2:
                pulse.end_s, pulse.peak_mps2 = t_s, max(pulse.peak_mps2, force_mps2)
                self._is_spoiled |= t_s - pulse.begin_s > p.pulse_s
            return
        if not pulses or (t_s - pulses[-1].begin_s > p.apart_s[1] and t_s - pulses[-1].end_s > p.before_s):
            self._pulses, self._is_spoiled = [], t_s - self._seen_from_s < p.before_s
        elif len(pulses) == 2 or t_s - pulses[-1].begin_s < p.apart_s[0]:
            self._is_spoiled = True
        self._pulses = [*self._pulses[-1:], _Pulse(t_s, t_s, force_mps2)]

    def _conclude(self, stop: int) -> list[tuple[float, float]]:
        """The double tap that is certain by the rows before `stop`, once."""
        if len(self._pulses) < 2 or self._is_spoiled:
            return []
        due_s = self._pulses[1].end_s + self.params.after_s
        if self._rows[stop - 1, 0] < due_s:
            return []
        row = int(np.searchsorted(self._rows[:stop, 0], due_s))
        self._is_spoiled = True  # decided, either way
        if not self._is_double(self._pulses[0], self._pulses[1], row):
            return []
        return [(self._pulses[1].begin_s, float(self._rows[row, 0]))]

    def _is_double(self, one: _Pulse, two: _Pulse, until: int) -> bool:
        """Quiet around both taps, and the same tilt before and after."""
        p, rows = self.params, self._rows[:until]
        t_s, fast = rows[:, 0], rows[:, 1]
        before = (t_s >= one.begin_s - p.before_s) & (t_s < one.begin_s - p.edge_s)
        between = (t_s > one.end_s + p.ring_s) & (t_s < two.begin_s - p.edge_s)
        after = t_s > two.end_s + p.ring_s
        if min(before.sum(), after.sum()) < 4:
            return False
        if min(one.peak_mps2, two.peak_mps2) < p.clear * fast[before | between | after].max():
            return False
        rest = rows[before, 2:]
        if _tilt_deg(rest[: len(rest) // 2], rest[len(rest) // 2 :]) > p.rest_deg:
            return False
        if _tilt_deg(rest, rows[after, 2:]) > p.tilt_deg:
            return False
        struck = self._around(t_s, one) | self._around(t_s, two)
        force = np.linalg.norm(rows[struck, 2:] - rest.mean(axis=0), axis=1)
        share = p.fast_share - p.smeared * (1.0 - self._detail)
        return bool(fast[struck].sum() >= share * force.sum())

    def _around(self, t_s: Floats, pulse: _Pulse) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Where its force is."""
        p = self.params
        return np.asarray((t_s >= pulse.begin_s - p.edge_s) & (t_s <= pulse.end_s + p.edge_s))

    def _forget(self) -> None:
        """Keep what a later decision may look at."""
        p = self.params
        longest_s = p.before_s + p.apart_s[1] + 2 * p.pulse_s + 2 * p.after_s
        self._rows = self._rows[int(np.searchsorted(self._rows[:, 0], self._rows[-1, 0] - longest_s)) :]


def _tilt_deg(one: Floats, two: Floats) -> float:
    """Angle between the mean directions of `(n, 3)` forces."""
    means = [part.mean(axis=0) for part in (one, two)]
    return angle_between(*(mean / max(float(np.linalg.norm(mean)), 1e-9) for mean in means)) / DEG

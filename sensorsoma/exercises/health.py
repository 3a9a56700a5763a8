"""How well one sensor measured, from all of its samples: seconds in, one summary out, in bounded memory.

Every whole second of session time is looked at once, when a sample of a later second has arrived, so that nothing
depends on how samples were cut into blocks. Seconds in which the sensor rested tell the length of gravity, the
gyroscope's offset and the noise; all of them tell clipping and rate. Readings are judged as the sensor sent them.

Clipping without knowing the range: an extreme value that comes three times in a row, exactly the same, and is larger
than the smallest range that such sensors have (2 g, 125 deg/s). At rest the same coarse step repeats for minutes, but
at one g.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sensorsoma.dsp.gravity_fit import PoseBook, fit_gravity
from sensorsoma.exercises.health_words import health_notes
from sensorsoma.messages import Floats, Gap, ImuBlock
from sensorsoma.units import DEG, NS_PER_S, STANDARD_GRAVITY_MPS2


@dataclass(frozen=True, slots=True)
class HealthParams:
    """What counts as rest and as a clipped reading."""

    rest_acc_mps2: float = 0.08
    """A second is restful when 40 ms means scatter by less than this on every axis: breath and pulse give 0.03."""
    rest_gyr_dps: float = 1.0
    """The same for the rate, all axes together; about its mean, since offsets of several deg/s are ordinary."""
    bin_s: float = 0.04
    """Means over this take the sensor's own noise away."""
    least_acc_mps2: float = 1.9 * STANDARD_GRAVITY_MPS2
    """No sensor's range ends below 2 g; a gain error may take 5 % off."""
    least_gyr_radps: float = 119.0 * DEG
    """No sensor's range ends below 125 deg/s; likewise."""
    clipped_samples: int = 3
    """The same extreme in this many samples in a row: a real peak is round."""
    least_step_mps2: float = 1e-4
    """Smaller differences are those of rounded text and floats, not of a sensor."""


@dataclass(slots=True)
class _Extreme:
    """The largest reading of one axis in one direction, and how often it came."""

    value: float = -math.inf
    n: int = 0
    longest: int = 0
    running: int = 0

    def take(self, values: Floats) -> None:
        top = float(values.max())
        if top > self.value:
            self.value, self.n, self.longest, self.running = top, 0, 0, 0
        is_top = values == self.value
        if not is_top.any():
            self.running = 0
            return
        self.n += int(is_top.sum())
        edges = np.flatnonzero(np.diff(np.concatenate([[False], is_top, [False]]).astype(np.int8)))
        runs = [end - begin for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)]
        if is_top[0]:
            runs[0] += self.running
        self.longest = max(self.longest, *runs)
        self.running = runs[-1] if is_top[-1] else 0


class SensorWatch:
    """Fed every block and gap of one channel, as decoded; `measures` says what was found."""

    def __init__(
        self, expected_hz: float | None = None, acc_fit: Mapping[str, Any] | None = None,
        params: HealthParams | None = None,
    ) -> None:  # fmt: skip
        self.params = params or HealthParams()
        self.n_samples = 0
        self.last_s = 0.0
        self._expected_hz = expected_hz
        self._acc_fit = acc_fit
        self._pending: list[ImuBlock] = []
        self._second: float | None = None
        self._first_s: float | None = None
        self._previous_s: float | None = None
        self._intervals = [0, 0, 0]
        """Number, sum (ns) and sum of squares (ns^2), whole numbers: exact in any order."""
        self._n_gaps = 0
        self._n_lost: int | None = None
        self._missing_s = 0.0
        self._extremes = [_Extreme() for _ in range(12)]
        self._has_gyro = False
        self._step_mps2 = math.inf
        self._book = PoseBook()
        self._n_rest = self._n_rest_gyr = 0
        self._sum_gyr = np.zeros(3)
        self._noise = np.zeros(4)
        """Sums of squared differences of neighbours, acc and gyr, each with its number."""

    # ---------------------------------------------------------------------------------------------------- told

    def feed(self, block: ImuBlock) -> None:
        """Samples of this channel, in order."""
        keep = np.isfinite(block.acc_sensor_mps2).all(axis=1)
        if block.gyr_sensor_radps is not None:
            keep &= np.isfinite(block.gyr_sensor_radps).all(axis=1)
        if not keep.all():
            gyr = None if block.gyr_sensor_radps is None else block.gyr_sensor_radps[keep]
            block = ImuBlock(block.channel, block.rate_hz, block.t_s[keep], block.acc_sensor_mps2[keep], gyr)
        if not len(block.t_s):
            return
        seconds = np.floor(block.t_s)
        edges = [0, *(np.flatnonzero(np.diff(seconds)) + 1).tolist(), len(seconds)]
        for begin, end in pairwise(edges):
            second = float(seconds[begin])
            if second != self._second:
                self._close()
                self._second = second
            self._pending.append(_part(block, begin, end))

    def gap(self, gap: Gap) -> None:
        """Samples that are missing."""
        self._close()
        self._n_gaps += 1
        self._missing_s += gap.end_s - gap.start_s
        if gap.n_lost is not None:
            self._n_lost = (self._n_lost or 0) + gap.n_lost
        self._previous_s = None
        for extreme in self._extremes:
            extreme.running = 0

    # ------------------------------------------------------------------------------------------------ one second

    def _close(self) -> None:
        """Look at the second that is over."""
        parts, self._pending = self._pending, []
        if not parts:
            return
        t_s = np.concatenate([part.t_s for part in parts])
        acc = np.concatenate([part.acc_sensor_mps2 for part in parts])
        rates = [part.gyr_sensor_radps for part in parts]
        gyr = None if any(rate is None for rate in rates) else np.concatenate([r for r in rates if r is not None])
        self._time(t_s)
        columns = np.hstack([acc, -acc] if gyr is None else [acc, -acc, gyr, -gyr])
        for extreme, values in zip(self._extremes, columns.T, strict=False):
            extreme.take(values)
        self._has_gyro |= gyr is not None
        self._step(acc)
        self._rest(t_s, acc, gyr)

    def _time(self, t_s: Floats) -> None:
        self.n_samples += len(t_s)
        self.last_s = float(t_s[-1])
        self._first_s = float(t_s[0]) if self._first_s is None else self._first_s
        joined = t_s if self._previous_s is None else np.concatenate([[self._previous_s], t_s])
        self._previous_s = self.last_s
        ns = np.rint(np.diff(joined) * NS_PER_S).astype(np.int64).tolist()
        self._intervals[0] += len(ns)
        self._intervals[1] += sum(ns)
        self._intervals[2] += sum(value * value for value in ns)

    def _step(self, acc: Floats) -> None:
        """The smallest difference between two readings of an axis."""
        differences = np.abs(np.diff(np.sort(acc, axis=0), axis=0))
        real = differences[differences > self.params.least_step_mps2]
        if len(real):
            self._step_mps2 = min(self._step_mps2, float(real.min()))

    def _rest(self, t_s: Floats, acc: Floats, gyr: Floats | None) -> None:
        p = self.params
        if len(t_s) < 10 or t_s[-1] - t_s[0] < 0.8 or float(np.diff(t_s).max()) > 0.2:
            return
        if float(self._means(t_s, acc).std(axis=0).max()) > p.rest_acc_mps2:
            return
        if gyr is not None:
            if float(np.sqrt((self._means(t_s, gyr).var(axis=0)).sum())) > p.rest_gyr_dps * DEG:
                return
            self._n_rest_gyr += 1
            self._sum_gyr += gyr.mean(axis=0)
            self._noise[2:] += ((np.diff(gyr, axis=0) ** 2).sum(), 3.0 * (len(gyr) - 1))
        self._n_rest += 1
        self._book.add(acc.mean(axis=0))
        self._noise[:2] += ((np.diff(acc, axis=0) ** 2).sum(), 3.0 * (len(acc) - 1))

    def _means(self, t_s: Floats, rows: Floats) -> Floats:
        cell = np.floor(t_s / self.params.bin_s)
        begins = np.concatenate([[0], np.flatnonzero(np.diff(cell)) + 1])
        counts = np.diff(np.append(begins, len(cell)))
        return np.asarray(np.add.reduceat(rows, begins, axis=0) / counts[:, None])

    # ---------------------------------------------------------------------------------------------------- asked

    def measures(self) -> dict[str, Any]:
        """Everything as JSON-ready numbers with notes for people; None where it was not seen."""
        self._close()
        found: dict[str, Any] = {**self._rate(), **self._clipping(), **self._at_rest()}
        found["fit"] = fit_gravity(self._book.poses).to_json() if self._book.poses else None
        found["fit_applied"] = None if self._acc_fit is None else dict(self._acc_fit)
        found["notes"] = health_notes(found)
        return found

    def _rate(self) -> dict[str, Any]:
        n, total_ns, squares = self._intervals
        span_s = 0.0 if self._first_s is None else self.last_s - self._first_s
        mean_ns = total_ns / n if n else 0.0
        spread_ns = math.sqrt(max((squares * n - total_ns * total_ns) / (n * n), 0.0)) if n else 0.0
        return {
            "rate_hz": round(NS_PER_S / mean_ns, 3) if mean_ns > 0 else None,
            "expected_hz": self._expected_hz,
            "interval_sd_ms": round(spread_ns / 1e6, 3) if n else None,
            "n_gaps": self._n_gaps,
            "n_lost": self._n_lost,
            "lost_share": round(self._missing_s / span_s, 4) if span_s > 0 else None,
        }

    def _clipping(self) -> dict[str, Any]:
        p = self.params
        acc = self._clipped(self._extremes[:6], p.least_acc_mps2)
        gyr = self._clipped(self._extremes[6:], p.least_gyr_radps) if self._has_gyro else None
        return {"acc_clipping": acc, "gyr_clipping": gyr}

    def _clipped(self, extremes: list[_Extreme], least: float) -> dict[str, Any]:
        """Of the axis that was clipped longest; share and length are 0 where none was: that is a measurement."""
        hit = [e for e in extremes if e.value >= least and e.longest >= self.params.clipped_samples]
        if not hit:
            return {"limit": None, "share": 0.0, "longest_s": 0.0}
        worst = max(hit, key=lambda extreme: extreme.longest)
        n, total_ns, _ = self._intervals
        interval_s = total_ns / n / NS_PER_S if n else 0.0
        share = max(extreme.n for extreme in hit) / self.n_samples
        return {
            "limit": round(worst.value, 3), "share": round(share, 6), "longest_s": round(worst.longest * interval_s, 4),
        }  # fmt: skip

    def _at_rest(self) -> dict[str, Any]:
        poses = self._book.poses
        lengths = sorted((pose.length_g, pose.n) for pose in poses)
        half, seen, median = sum(n for _, n in lengths) / 2, 0, None
        for length, n in lengths:
            seen += n
            if median is None and seen >= half:
                median = length
        sums = self._noise
        has_gyr = self._n_rest_gyr > 0
        return {
            "rest_s": self._n_rest,
            "rest_norm_g": None if median is None else round(median, 4),
            "rest_norm_low_g": round(lengths[0][0], 4) if lengths else None,
            "rest_norm_high_g": round(lengths[-1][0], 4) if lengths else None,
            "rest_corrected_off_g": self._corrected_off(),
            "gyr_offset_dps": [round(v / DEG / self._n_rest_gyr, 3) for v in self._sum_gyr.tolist()]
            if has_gyr
            else None,
            "acc_noise_mps2": round(math.sqrt(sums[0] / sums[1] / 2), 4) if sums[1] else None,
            "gyr_noise_dps": round(math.sqrt(sums[2] / sums[3] / 2) / DEG, 4) if has_gyr else None,
            "acc_step_mps2": round(self._step_mps2, 5) if math.isfinite(self._step_mps2) else None,
        }

    def _corrected_off(self) -> float | None:
        """How far the worst pose is off one g once the kept fit is taken off; None without one."""
        if self._acc_fit is None or not self._book.poses:
            return None
        offset, gain = np.array(self._acc_fit["offset_mps2"]), np.array(self._acc_fit["gain"])
        off = [
            float(np.linalg.norm((pose.up * pose.length_g * STANDARD_GRAVITY_MPS2 - offset) / gain))
            for pose in self._book.poses
        ]
        return round(max(abs(length / STANDARD_GRAVITY_MPS2 - 1.0) for length in off), 4)


def _part(block: ImuBlock, begin: int, end: int) -> ImuBlock:
    if begin == 0 and end == len(block.t_s):
        return block
    gyr = None if block.gyr_sensor_radps is None else block.gyr_sensor_radps[begin:end]
    return ImuBlock(block.channel, block.rate_hz, block.t_s[begin:end], block.acc_sensor_mps2[begin:end], gyr)

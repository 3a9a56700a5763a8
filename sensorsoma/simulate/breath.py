"""Breathing: the belly tilts up while inhaling and sinks while exhaling, breath after breath."""

from __future__ import annotations

import numpy as np

from sensorsoma.simulate.tracks import MinJerk, Track
from sensorsoma.simulate.truth import BreathTruth
from sensorsoma.units import DEG


class Breathing:
    """Plans breaths on a track as far as they are needed, from its own random stream.

    Args:
        track: belly tilt, inhale positive.
        rng: its own stream, so that breaths do not depend on what else the person does.
        breaths: where the truth is noted.
    """

    def __init__(self, track: Track, rng: np.random.Generator, breaths: list[BreathTruth]) -> None:
        self._track = track
        self._rng = rng
        self._breaths = breaths
        self._planned_s = float(rng.uniform(0.2, 1.5))
        self.period_s = float(rng.uniform(6, 10))
        self.inhale_share = float(rng.uniform(0.3, 0.5))
        self.amplitude_deg = float(rng.uniform(0.5, 2.0))

    def ensure(self, t_s: float) -> None:
        """Plan every breath that begins up to `t_s`."""
        while self._planned_s <= t_s:
            period_s = self.period_s * self._rng.uniform(0.88, 1.12)
            inhale_s = period_s * self.inhale_share * self._rng.uniform(0.9, 1.1)
            amount = self.amplitude_deg * DEG * self._rng.uniform(0.8, 1.2)
            exhale_s = (period_s - inhale_s) * 0.9
            begin = self._planned_s
            self._track.add(MinJerk(begin, inhale_s, amount))
            self._track.add(MinJerk(begin + inhale_s, exhale_s, -amount))
            self._breaths.append(BreathTruth(begin, begin + inhale_s, begin + period_s))
            self._planned_s = begin + period_s

    def is_exhaling(self, t_s: float) -> bool:
        """Whether the belly sinks (or rests before the next inhale) at `t_s`."""
        self.ensure(t_s)
        return any(b.exhale_s <= t_s < b.end_s for b in self._breaths)

    def next_exhale(self, t_s: float) -> float:
        """When the first exhale at or after `t_s` begins."""
        self.ensure(t_s + 2 * self.period_s)
        return next(b.exhale_s for b in self._breaths if b.exhale_s >= t_s)

"""Breathing: the belly tilts up while inhaling and sinks while exhaling, breath after breath."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sensorsoma.simulate.tracks import Burst, MinJerk, Track
from sensorsoma.simulate.truth import BreathTruth, CycleTruth
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class BreathStyle:
    """A way of breathing that is asked for instead of drawn; None leaves a number to the draw."""

    rate_per_min: float | None = None
    """4-20 in people who lie still."""
    inhale_share: float | None = None
    """0.25-0.55 of a breath."""
    depth_deg: float | None = None
    """Tilt of the belly in one breath, 0.3-3."""
    pause_share: float = 0.1
    """Part of the exhale in which the belly rests before the next inhale."""
    top_share: float = 0.0
    """Part of the inhale in which the breath is held before it goes."""
    sigh_every: int = 0
    """Every so many breaths one is 2.2 times as deep and 1.3 times as long; 0: none."""
    rate_drift_per_min: float = 0.0
    """By how much the rate changes within a minute, breaths/min; it stays within half and double."""
    unevenness: float = 0.12
    """Share by which one breath may be longer or shorter than the next."""
    pulse_deg: float = 0.0
    """Beat of the belly's great artery on top, 70 a minute."""
    slip_deg: float = 0.0
    """With every eighth breath a loose phone slides by up to this much and stays there."""
    in_step: bool = False
    """Inhale with every arch of the pelvis and exhale with every flattening, as pelvic rocking is taught."""


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
        self._style = BreathStyle()
        self.period_s = float(rng.uniform(6, 10))
        self.inhale_share = float(rng.uniform(0.3, 0.5))
        self.amplitude_deg = float(rng.uniform(0.5, 2.0))

    def breathe(self, style: BreathStyle) -> None:
        """From the next breath on in this way."""
        self._style = style
        if style.rate_per_min is not None:
            self.period_s = 60.0 / style.rate_per_min
        self.inhale_share = self.inhale_share if style.inhale_share is None else style.inhale_share
        self.amplitude_deg = self.amplitude_deg if style.depth_deg is None else style.depth_deg

    def ensure(self, t_s: float) -> None:
        """Plan every breath that begins up to `t_s`."""
        while self._planned_s <= t_s:
            style = self._style
            period_s = self._usual_s() * self._rng.uniform(1.0 - style.unevenness, 1.0 + style.unevenness)
            inhale_s = period_s * self.inhale_share * self._rng.uniform(0.9, 1.1)
            amount = self.amplitude_deg * DEG * self._rng.uniform(0.8, 1.2)
            is_sigh = style.sigh_every > 0 and len(self._breaths) % style.sigh_every == style.sigh_every - 1
            if is_sigh:
                period_s, inhale_s, amount = 1.3 * period_s, 1.3 * inhale_s, 2.2 * amount
            self._add(self._planned_s, inhale_s, period_s, amount)

    def keep_step(self, cycles: Sequence[CycleTruth]) -> None:
        """In step, where that was asked for: the inhale lasts for the arch and the exhale until the next one."""
        for cycle in cycles if self._style.in_step else ():
            if cycle.start_s >= self._planned_s:
                self._fill_until(cycle.start_s)
                whole_s = cycle.end_s - cycle.start_s
                amount = self.amplitude_deg * DEG * self._rng.uniform(0.8, 1.2)
                self._add(cycle.start_s, min(0.6 * whole_s, cycle.arch_s - cycle.start_s), whole_s, amount)

    def is_exhaling(self, t_s: float) -> bool:
        """Whether the belly sinks (or rests before the next inhale) at `t_s`."""
        self.ensure(t_s)
        return any(b.exhale_s <= t_s < b.end_s for b in self._breaths)

    def next_exhale(self, t_s: float) -> float:
        """When the first exhale at or after `t_s` begins."""
        self.ensure(t_s + 2 * self.period_s)
        return next(b.exhale_s for b in self._breaths if b.exhale_s >= t_s)

    def _usual_s(self) -> float:
        drift = self._style.rate_drift_per_min
        if drift == 0.0:
            return self.period_s
        usual = 60.0 / self.period_s
        return 60.0 / min(max(usual + drift * self._planned_s / 60.0, 0.5 * usual), 2.0 * usual)

    def _fill_until(self, t_s: float) -> None:
        """Whole breaths, evenly stretched, so that the next one begins at `t_s`."""
        left_s = t_s - self._planned_s
        if left_s <= 0.0:
            return
        period_s = left_s / max(1, round(left_s / self.period_s))
        while self._planned_s < t_s - 0.5 * period_s:
            amount = self.amplitude_deg * DEG * self._rng.uniform(0.8, 1.2)
            self._add(self._planned_s, period_s * self.inhale_share, period_s, amount)
        self._planned_s = t_s

    def _add(self, begin_s: float, inhale_s: float, period_s: float, amount_rad: float) -> None:
        exhale_s = (period_s - inhale_s) * (1.0 - self._style.pause_share)
        self._track.add(MinJerk(begin_s, inhale_s * (1.0 - self._style.top_share), amount_rad))
        self._track.add(MinJerk(begin_s + inhale_s, exhale_s, -amount_rad))
        if self._style.pulse_deg:
            peak, freq, end_s = np.array([self._style.pulse_deg * DEG]), np.array([70 / 60]), begin_s + period_s
            self._track.add(Burst(begin_s, end_s + 0.3, freq, peak, np.zeros(1), 0.3, 0.3))
        if self._style.slip_deg and len(self._breaths) % 8 == 7:
            slip = self._style.slip_deg * DEG * self._rng.uniform(-1.0, 1.0)
            self._track.add(MinJerk(begin_s + 0.5 * period_s, 0.6, slip))
        self._breaths.append(BreathTruth(begin_s, begin_s + inhale_s, begin_s + period_s))
        self._planned_s = begin_s + period_s

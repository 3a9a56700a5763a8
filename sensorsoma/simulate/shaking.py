"""Shaking of tired muscles: which repetitions it comes in, how fast and how strong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorsoma.messages import Placement
from sensorsoma.simulate.person import Person
from sensorsoma.simulate.tracks import Track
from sensorsoma.simulate.truth import StretchTruth, TremorTruth


@dataclass(frozen=True, slots=True)
class Shaking:
    """Shaking within one stretch."""

    freq_hz: float
    """5-11 Hz: the fine band of postural and effort tremor (science section 7)."""
    peak_deg: float
    """Amplitude of the rotation, 0.03-0.1°."""
    from_rep: int = 0
    """First repetition (0-based) with shaking; every later one has it too."""
    onset_s: float = 1.0
    """In a hold: when it begins."""

    @classmethod
    def draw(
        cls, rng: np.random.Generator, *, freq_hz: float | None = None, peak_deg: float | None = None, n_reps: int = 8
    ) -> Shaking:
        """Frequency, strength and onset at random unless given."""
        drawn_freq, drawn_peak = float(rng.uniform(5, 11)), float(rng.uniform(0.03, 0.1))
        from_rep, onset = int(rng.integers(0, max(1, n_reps // 2))), float(rng.uniform(0.5, 4.0))
        return cls(
            drawn_freq if freq_hz is None else freq_hz, drawn_peak if peak_deg is None else peak_deg, from_rep, onset
        )

    def for_rep(self, index: int) -> tuple[float, float] | None:
        """Frequency and amplitude in a repetition; None before it begins."""
        return (self.freq_hz, self.peak_deg) if index >= self.from_rep else None

    def for_hold(self) -> tuple[float, float]:
        """Frequency and amplitude in a hold."""
        return self.freq_hz, self.peak_deg

    @staticmethod
    def apply(
        p: Person, tracks: dict[Placement, Track], start_s: float, end_s: float, freq_hz: float, peak_deg: float,
        fade_s: float = 0.3,
    ) -> TremorTruth:  # fmt: skip
        """Shake these angles and tell what was done."""
        p.shake(tracks, start_s, end_s, freq_hz, peak_deg, fade_s)
        return TremorTruth(freq_hz, peak_deg, start_s, end_s)

    @staticmethod
    def note(stretch: StretchTruth, tremor: TremorTruth) -> None:
        """Extend the stretch's shaking from its first to this one."""
        if stretch.tremor is None:
            stretch.tremor = TremorTruth(tremor.freq_hz, tremor.peak_deg, tremor.start_s, tremor.end_s)
        else:
            stretch.tremor.end_s = tremor.end_s

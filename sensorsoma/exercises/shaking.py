"""Shaking within a stretch: announced once, told per repetition, per hold and for the whole."""

from __future__ import annotations

from dataclasses import asdict
from statistics import median
from typing import Any

from sensorsoma.dsp.tremor import TremorFinder, TremorParams, TremorWindow
from sensorsoma.exercises.base import Stretch
from sensorsoma.messages import OrientedBlock, Tremor, TremorBegan

AGREE_HZ = 1.0
"""Two windows in a row show the same shaking when their frequencies differ by less: shaking keeps its rhythm."""


class Shaking:
    """Windows of one placement in order; those confirmed by a neighbour count."""

    def __init__(self, stretch: Stretch, params: TremorParams | None = None) -> None:
        self.stretch = stretch
        self._finder = TremorFinder(params)
        self._windows: list[TremorWindow] = []
        self._shaking: list[TremorWindow] = []
        self._has_begun = False

    def feed(self, block: OrientedBlock) -> list[TremorBegan]:
        """`TremorBegan` the first time that shaking is confirmed."""
        out: list[TremorBegan] = []
        rate = block.rate_hz
        for window in self._finder.feed(block.t_s, block.acc_sensor_mps2, block.gyr_sensor_radps, rate):
            out.extend(self._add(window))
        return out

    def _add(self, window: TremorWindow) -> list[TremorBegan]:
        before = self._windows[-1] if self._windows else None
        self._windows.append(window)
        if not window.is_shaking or before is None or not _agree(before, window):
            return []
        if not self._shaking or self._shaking[-1] is not before:
            self._shaking.append(before)
        self._shaking.append(window)
        if self._has_begun:
            return []
        self._has_begun = True
        start_s = max(before.start_s, self.stretch.start_s)
        return [TremorBegan(start_s, window.end_s, self.stretch.exercise, self.stretch.side, window.freq_hz)]

    def within(self, start_s: float, end_s: float) -> Tremor | None:
        """Shaking between two times, from the windows known by now that lie mostly inside; None when there was none.

        A repetition shorter than a window is judged by the windows that it fills by half or more.
        """
        return self._sum(start_s, end_s, None)

    def overall(self, start_s: float, end_s: float, onset_from_s: float | None = None) -> Tremor | None:
        """Shaking of a whole stretch or hold, with its onset counted from `onset_from_s`."""
        return self._sum(start_s, end_s, start_s if onset_from_s is None else onset_from_s)

    def _sum(self, start_s: float, end_s: float, onset_from_s: float | None) -> Tremor | None:
        inside = [w for w in self._windows if _belongs(w, start_s, end_s)]
        found = [w for w in self._shaking if _belongs(w, start_s, end_s)]
        if not found:
            return None
        rates = [w.rms_radps for w in found if w.rms_radps is not None]
        return Tremor(
            freq_hz=median(w.freq_hz for w in found),
            share=min(1.0, len(found) / len(inside)),
            rms_mps2=median(w.rms_mps2 for w in found),
            rms_radps=median(rates) if rates else None,
            onset_s=None if onset_from_s is None else max(0.0, found[0].start_s - onset_from_s),
        )


def _agree(a: TremorWindow, b: TremorWindow) -> bool:
    is_next = b.start_s - a.start_s < 1.5 * (a.end_s - a.start_s) / 3.0
    return a.is_shaking and is_next and abs(a.freq_hz - b.freq_hz) < AGREE_HZ


def _belongs(window: TremorWindow, start_s: float, end_s: float) -> bool:
    overlap = min(window.end_s, end_s) - max(window.start_s, start_s)
    return overlap >= 0.5 * (window.end_s - window.start_s)


def tremor_json(tremor: Tremor | None) -> dict[str, Any] | None:
    """As in `analyze --json`."""
    return None if tremor is None else asdict(tremor)

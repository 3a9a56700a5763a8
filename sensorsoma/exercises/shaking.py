"""Shaking within a stretch: announced once, told per repetition, per hold and for the whole."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from sensorsoma.dsp.tremor import TremorFinder, TremorParams, TremorWindow
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.repetitions import Timed
from sensorsoma.messages import OrientedBlock, Tremor, TremorBegan


@dataclass(frozen=True, slots=True)
class ShakingParams:
    """Which windows make shaking. One alone never does: shaking keeps its rhythm, an impact does not."""

    agree_hz: float = 1.0
    """Windows in a row show the same shaking when their frequencies differ by less."""
    strong_db: float = 14.0
    """Peaks of this prominence need a run of `n_strong` windows; knocks one after the other that ring stay below."""
    n_strong: int = 2
    """Strong windows in a run that make it shaking."""
    n_any: int = 3
    """Windows in a run that make it shaking at any strength: noise and knocks agree by chance in two at most."""
    fine_hz: float = 6.0
    """Below this shaking is named slow, above fine: that of tired or moving muscles, and that of held postures."""


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """A window of a confirmed run, and when the run was confirmed."""

    window: TremorWindow
    known_s: float


class Shaking:
    """Windows of one placement in order; those in a confirmed run count."""

    def __init__(
        self, stretch: Stretch, params: ShakingParams | None = None, tremor_params: TremorParams | None = None
    ) -> None:
        self.stretch = stretch
        self.params = params or ShakingParams()
        self._finder = TremorFinder(tremor_params)
        self._windows: list[TremorWindow] = []
        self._run: list[TremorWindow] = []
        self._n_confirmed = 0
        self._shaking: list[_Confirmed] = []
        self._has_begun = False

    def feed(self, block: OrientedBlock) -> list[Timed]:
        """`TremorBegan` the first time that shaking is confirmed."""
        out: list[TremorBegan] = []
        rate = block.rate_hz
        for window in self._finder.feed(block.t_s, block.acc_sensor_mps2, block.gyr_sensor_radps, rate):
            out.extend(self._add(window))
        return [(began.known_s, began) for began in out]

    def _add(self, window: TremorWindow) -> list[TremorBegan]:
        self._windows.append(window)
        if not window.is_shaking:
            self._run, self._n_confirmed = [], 0
            return []
        if self._run and not self._goes_on(self._run[-1], window):
            self._run, self._n_confirmed = [], 0
        self._run.append(window)
        n_strong = sum(one.prominence_db >= self.params.strong_db for one in self._run)
        if n_strong < self.params.n_strong and len(self._run) < self.params.n_any:
            return []
        self._shaking.extend(_Confirmed(one, window.end_s) for one in self._run[self._n_confirmed :])
        self._n_confirmed = len(self._run)
        if self._has_begun:
            return []
        self._has_begun = True
        start_s = max(self._run[0].onset_s, self.stretch.start_s)
        return [TremorBegan(start_s, window.end_s, self.stretch.exercise, self.stretch.side, window.freq_hz)]

    def _goes_on(self, before: TremorWindow, window: TremorWindow) -> bool:
        is_next = window.start_s - before.start_s < 0.5 * (window.end_s - window.start_s)
        return is_next and abs(window.freq_hz - before.freq_hz) < self.params.agree_hz

    def within(self, start_s: float, end_s: float, at_s: float = math.inf) -> Tremor | None:
        """Shaking of a repetition, as known at `at_s`, from windows that lie inside by half or more."""
        return self._sum(start_s, end_s, start_s, at_s)

    def overall(self, start_s: float, end_s: float, onset_from_s: float | None = None) -> Tremor | None:
        """Shaking of a whole stretch or hold, with its onset counted from `onset_from_s`."""
        return self._sum(start_s, end_s, start_s if onset_from_s is None else onset_from_s, math.inf)

    def _sum(self, start_s: float, end_s: float, onset_from_s: float, at_s: float) -> Tremor | None:
        inside = [w for w in self._windows if w.end_s <= at_s and _belongs(w, start_s, end_s)]
        known = [confirmed.window for confirmed in self._shaking if confirmed.known_s <= at_s]
        found = [w for w in known if _belongs(w, start_s, end_s)]
        if not found:
            return None
        rates = [w.rms_radps for w in found if w.rms_radps is not None]
        return Tremor(
            freq_hz=median(w.freq_hz for w in found),
            share=min(1.0, len(found) / len(inside)),
            rms_mps2=median(w.rms_mps2 for w in found),
            rms_radps=median(rates) if rates else None,
            onset_s=max(0.0, found[0].onset_s - onset_from_s),
        )


def _belongs(window: TremorWindow, start_s: float, end_s: float) -> bool:
    overlap = min(window.end_s, end_s) - max(window.start_s, start_s)
    return overlap >= 0.5 * (window.end_s - window.start_s)


def tremor_json(tremor: Tremor | None) -> dict[str, Any] | None:
    """As in `analyze --json`: with the name of its band, slow (3.5-6 Hz) or fine (6-14 Hz)."""
    if tremor is None:
        return None
    return {**asdict(tremor), "band": "slow" if tremor.freq_hz < ShakingParams().fine_hz else "fine"}

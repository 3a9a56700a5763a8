"""When a sensor was quiet, when it became so, and how much it moved: figures of resting and of moving freely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.slowness import Slowness
from sensorsoma.dsp.stillness import StillWindow
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class QuietParams:
    """What is meant by settled and by movement."""

    settled_s: float = 5.0
    """Settled: the first quiet stretch of at least this length; shorter ones lie between fidgets."""
    path_step_deg: float = 2.0
    """Movement is measured in steps of this size, so that noise and breath do not add up."""
    moving_dps: float = 3.0
    """Moving: the mean turn over 0.4 s is faster than this; breath, pulse and offset stay below."""
    hole_s: float = 0.5
    """Time within a longer hole is not counted."""


@dataclass(slots=True)
class Quiet:
    """Fed bin by bin with up `(3,)` and, where there is one, the rate `(3,)` of the gyroscope without offset."""

    params: QuietParams = field(default_factory=QuietParams)
    first_s: float | None = None
    last_s: float | None = None
    seen_s: float = 0.0
    """Time without holes."""
    stretches: list[list[float]] = field(default_factory=list)
    """Quiet stretches, merged, as [start_s, end_s]."""
    path_rad: float = 0.0
    """Length of the way that up wandered."""
    moving_s: float = 0.0
    square_s: float = 0.0
    """Integral of the squared rate, rad2/s; with a gyroscope."""
    has_gyro: bool = True
    _window: StillWindow = field(default_factory=StillWindow)
    _slowness: Slowness = field(default_factory=Slowness)
    _path_from: Floats | None = None
    _turning: Floats = field(default_factory=lambda: np.zeros(3))

    def update(self, t_s: float, up: Floats, gyr_radps: Floats | None) -> None:
        """Take one bin."""
        self.first_s = t_s if self.first_s is None else self.first_s
        step_s = 0.0 if self.last_s is None else t_s - self.last_s
        step_s = step_s if step_s < self.params.hole_s else 0.0
        self.last_s = t_s
        self.seen_s += step_s
        self.has_gyro &= gyr_radps is not None
        self._window.update(t_s, up.tolist(), None if gyr_radps is None else gyr_radps.tolist())
        if self._window.is_still:
            self._add(self._window.start_s, t_s)
        self._wander(up)
        self._move(t_s, step_s, up, gyr_radps)

    def _add(self, start_s: float, end_s: float) -> None:
        if self.stretches and start_s <= self.stretches[-1][1]:
            self.stretches[-1][1] = end_s
        else:
            self.stretches.append([start_s, end_s])

    def _wander(self, up: Floats) -> None:
        if self._path_from is None:
            self._path_from = up
        way = angle_between(self._path_from, up)
        if way >= self.params.path_step_deg * DEG:
            self.path_rad += way
            self._path_from = up

    def _move(self, t_s: float, step_s: float, up: Floats, gyr_radps: Floats | None) -> None:
        if gyr_radps is None:
            self._slowness.update(t_s, up)
            speed = self._slowness.speed_radps or 0.0
        else:
            self._turning += min(step_s / 0.2, 1.0) * (gyr_radps - self._turning)
            speed = float(np.sqrt(self._turning @ self._turning))
            self.square_s += step_s * float(gyr_radps @ gyr_radps)
        if speed > self.params.moving_dps * DEG:
            self.moving_s += step_s

    # ---------------------------------------------------------------------------------------------- figures

    @property
    def is_too_short(self) -> bool:
        """True when hardly anything was seen."""
        return self.seen_s < self._window.params.window_s

    @property
    def could_settle(self) -> bool:
        """True when it was seen for long enough to have become still."""
        return self.seen_s >= self.params.settled_s

    def settled_s(self) -> float | None:
        """When the first long quiet began; None when there was none."""
        found = (start for start, end in self.stretches if end - start >= self.params.settled_s)
        return next(found, None)

    def still_share(self) -> float | None:
        """Share of the seen time that was quiet; None when hardly anything was seen."""
        if self.is_too_short:
            return None
        return min(sum(end - start for start, end in self.stretches) / self.seen_s, 1.0)

    def amounts(self) -> dict[str, Any]:
        """How much moved, JSON-ready; no judgement."""
        if self.is_too_short:
            return {
                "movement_deg": None,
                "movement_deg_per_min": None,
                "moving_share": None,
                "turn_rms_deg_per_s": None,
            }
        rms = float(np.sqrt(self.square_s / self.seen_s)) / DEG if self.has_gyro else None
        return {
            "movement_deg": round(self.path_rad / DEG, 1),
            "movement_deg_per_min": round(self.path_rad / DEG / self.seen_s * 60.0, 1),
            "moving_share": round(min(self.moving_s / self.seen_s, 1.0), 3),
            "turn_rms_deg_per_s": None if rms is None else round(rms, 2),
        }


def quiet_of(t_s: Floats, up: Floats, gyr_radps: Floats | None) -> Quiet:
    """The figures of bins that are all there: times `(n,)`, up and rates `(n, 3)`."""
    quiet = Quiet()
    for i, at_s in enumerate(t_s.tolist()):
        quiet.update(at_s, up[i], None if gyr_radps is None else gyr_radps[i])
    return quiet

"""A bent leg that slides straight, with nothing fallen open before: from the pause before to the pause after."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.slowness import Slowness
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class SlideParams:
    """What is a slide."""

    slow_s: float = 1.0
    """A movement is over after it has been slow for this long (science section 9)."""
    least_deg: float = 25.0
    """A thigh with the foot on the bed sinks by 45 degrees and more when the leg slides straight; smaller ways are
    shifts of the body."""


@dataclass(slots=True)
class Slide:
    """The largest way between two pauses of one sensor's up `(3,)`, fed bin by bin."""

    params: SlideParams = field(default_factory=SlideParams)
    _slowness: Slowness = field(default_factory=Slowness)
    _pause: tuple[float, Floats] | None = None
    """When the last pause was last slow, and where up pointed."""
    _largest_rad: float = 0.0
    _start_s: float | None = None
    _end_s: float | None = None

    def update(self, t_s: float, up: Floats) -> None:
        """Take one bin; where the stretch begins counts as a pause."""
        slow = self._slowness
        slow.update(t_s, up)
        if self._pause is None:
            self._pause = (t_s, up)
        if slow.slow_from_s is None or slow.slow_for_s(t_s) < self.params.slow_s:
            return
        way = angle_between(self._pause[1], slow.up)
        if way > max(self._largest_rad, self.params.least_deg * DEG):
            self._largest_rad, self._start_s, self._end_s = way, self._pause[0], slow.slow_from_s
        self._pause = (t_s - slow.params.lag_s, slow.up)

    def measures(self) -> dict[str, Any]:
        """When the leg was straight and how long it slid; None where no slide was seen."""
        if self._start_s is None or self._end_s is None:
            return {"slide_end_s": None, "slide_s": None}
        return {"slide_end_s": round(self._end_s, 3), "slide_s": round(self._end_s - self._start_s, 3)}

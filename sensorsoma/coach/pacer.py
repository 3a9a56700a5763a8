"""The breath pacer: when to say in and out, at a set pace or at the person's own.

Only where the body rests and nothing else is said; the first word of a step meets the person's own breath in, where
that is known. After a few breaths it thins out and falls silent until the next step: the body goes on by itself.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, NamedTuple

from sensorsoma.coach.pace import speaking_s
from sensorsoma.coach.words import Words, load_words
from sensorsoma.messages import BreathPhase, BreathTurned, Cue

PACED = frozenset({"rest", "breathing", "stillness", "leg_back", "knee_in"})
"""Steps in which the body rests and breath is not led by a movement."""


@dataclass(frozen=True, slots=True)
class PacerParams:
    """How the pacer behaves."""

    settle_s: float = 5.0
    """Quiet before the first word of a step: its opening words sink in, the body arrives."""
    n_every: int = 6
    """Breaths with words: a minute at six breaths a minute, enough to find the rhythm [assumed] ..."""
    n_other: int = 6
    """... then every other one of so many, another minute; after that words would only nag."""
    late_s: float = 0.5
    """A word that could not be said by then would lead the breath astray and is left out."""
    apart_s: float = 1.0
    """Shortest time from word to word."""
    shortest_s: float = 3.0
    """A whole breath, whatever is set or measured: never faster than 20 a minute ..."""
    longest_s: float = 20.0
    """... nor slower than 3 a minute: both ends of what people breathe at rest by intention."""
    n_own: int = 8
    """The own pace is the median of so many last breaths: one sigh does not change it."""
    n_own_least: int = 3
    """With fewer the own pace is not known."""
    fresh_s: float = 30.0
    """The own breath in is foretold only from a turn that is not older."""


class Pace(NamedTuple):
    """One breath."""

    in_s: float
    out_s: float

    @property
    def whole_s(self) -> float:
        """From one breath in to the next."""
        return self.in_s + self.out_s


DEFAULT_PACE = Pace(4.0, 6.0)
"""Six breaths a minute with the longer breath out, as the plans have it."""


@dataclass(slots=True)
class _Stretch:
    """One step that is paced."""

    do: str
    quiet_from_s: float | None = None
    pace: Pace | None = None
    """None until the first word is planned; then kept, so that nothing that the words bring about feeds back."""
    next_s: float = 0.0
    is_next_in: bool = True
    n_begun: int = 0
    """Breaths since the first word, spoken or not."""
    said_s: float | None = None
    was_in: bool = False
    """The last word was the one for breathing in."""


class Pacer:
    """Paces the breath in quiet moments of a practice.

    Args:
        settings: {"in_s": 4.0, "out_s": 6.0}, or {"own": true} for the person's own pace: the median of their recent
            breaths; as set, or 4 s in and 6 s out, until that is known.
        words: the wording; English when None.
    """

    def __init__(
        self, settings: Mapping[str, Any], words: Words | None = None, params: PacerParams | None = None
    ) -> None:
        self.params = params or PacerParams()
        self._is_own = bool(settings.get("own"))
        wanted = Pace(*(float(settings.get(name, default)) for name, default in DEFAULT_PACE._asdict().items()))
        self._set = _bounded(wanted, self.params)
        self._words = words or load_words()
        self._last: BreathTurned | None = None
        self._breath_in_s: float | None = None
        self._lasted_s: dict[BreathPhase, deque[float]] = {
            "inhale": deque(maxlen=self.params.n_own), "exhale": deque(maxlen=self.params.n_own)
        }  # fmt: skip
        self._stretch: _Stretch | None = None

    def hear(self, turn: BreathTurned) -> None:
        """A breath of the person, for their own pace; one that a sensor is not sure of says nothing."""
        if turn.is_weak:
            return
        last, self._last = self._last, turn
        if turn.phase == "inhale":
            self._breath_in_s = turn.t_s
        if last is not None and last.phase != turn.phase and 0 < turn.t_s - last.t_s < self.params.longest_s:
            self._lasted_s[last.phase].append(turn.t_s - last.t_s)

    def own_pace(self) -> Pace | None:
        """The person's own; None while too few breaths are known."""
        if min(map(len, self._lasted_s.values())) < self.params.n_own_least:
            return None
        return _bounded(Pace(median(self._lasted_s["inhale"]), median(self._lasted_s["exhale"])), self.params)

    def poll(self, t_s: float, step_do: str | None, is_quiet_moment: bool, cue_id: int) -> Cue | None:
        """The word that is due now, when nothing else is said and the step is one to be paced.

        Args:
            t_s: session time.
            step_do: what the running step does; None between steps.
            is_quiet_moment: nothing is said, waits or is held back.
            cue_id: number of the cue, should there be one.
        """
        if step_do not in PACED:
            self._stretch = None
            return None
        if self._stretch is None or self._stretch.do != step_do:
            self._stretch = _Stretch(step_do)
        stretch = self._stretch
        if stretch.pace is None and not self._plan(stretch, t_s, is_quiet_moment):
            return None
        self._let_go(stretch, t_s)
        if not is_quiet_moment or not self._is_due(stretch, t_s):
            return None
        is_in = stretch.is_next_in
        stretch.said_s, stretch.was_in = t_s, is_in
        _advance(stretch)
        return self._cue("in" if is_in else "out", t_s, cue_id)

    def _plan(self, stretch: _Stretch, t_s: float, is_quiet: bool) -> bool:
        """Once it has been quiet for a while: the pace of this step, and when its first word comes."""
        if not is_quiet:
            stretch.quiet_from_s = None
            return False
        if stretch.quiet_from_s is None:
            stretch.quiet_from_s = t_s
        if t_s - stretch.quiet_from_s < self.params.settle_s:
            return False
        own = self.own_pace()
        stretch.pace = own if self._is_own and own is not None else self._set
        stretch.next_s = self._next_breath_in(t_s, own)
        return True

    def _next_breath_in(self, t_s: float, own: Pace | None) -> float:
        """When the person will breathe in by themselves; now, when that is not known."""
        last = self._breath_in_s
        if own is None or last is None or t_s - last > self.params.fresh_s:
            return t_s
        n_breaths = max(1, -int(-(t_s - last) // own.whole_s))
        return last + n_breaths * own.whole_s

    def _let_go(self, stretch: _Stretch, t_s: float) -> None:
        """Words whose moment has passed."""
        while t_s > stretch.next_s + self.params.late_s:
            _advance(stretch)

    def _is_due(self, stretch: _Stretch, t_s: float) -> bool:
        if t_s < stretch.next_s or not self._has_words(stretch.n_begun):
            return False
        if stretch.is_next_in == stretch.was_in:
            return False  # its counterpart could not be said, or nothing was said yet and this would be the out
        return stretch.said_s is None or t_s - stretch.said_s >= self.params.apart_s

    def _has_words(self, n_begun: int) -> bool:
        """Whether the breath of this number is one with words."""
        p = self.params
        return n_begun < p.n_every or (n_begun < p.n_every + p.n_other and (n_begun - p.n_every) % 2 == 1)

    def _cue(self, moment: str, t_s: float, cue_id: int) -> Cue | None:
        text = " ".join(self._words.sentences("pacer", moment, {}))
        return Cue(cue_id, t_s, f"pacer.{moment}", "breath", text, speaking_s(text)) if text else None


def _advance(stretch: _Stretch) -> None:
    """To the next turn of the breath."""
    assert stretch.pace is not None
    stretch.next_s += stretch.pace.in_s if stretch.is_next_in else stretch.pace.out_s
    stretch.n_begun += not stretch.is_next_in
    stretch.is_next_in = not stretch.is_next_in


def _bounded(pace: Pace, params: PacerParams) -> Pace:
    """The same in its proportions, neither too fast nor too slow."""
    whole_s = min(max(pace.whole_s, params.shortest_s), params.longest_s)
    in_s = min(max(pace.in_s * whole_s / pace.whole_s, params.apart_s), whole_s - params.apart_s)
    return Pace(in_s, whole_s - in_s)

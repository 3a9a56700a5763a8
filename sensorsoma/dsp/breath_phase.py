"""Was somebody breathing out at a given moment, at which another movement began? And how did movements follow breath?

A fall that begins with the exhale begins at a turn, so the turn has to be found although the fall moves the trunk from
then on. It helps that the pelvis rolls about the body's long axis, and the breath tips about the level axis across:
the breath's axis is learnt before the fall and kept. Where the fall moves the trunk by far more than a breath does, the
part that leaks into that axis is as large as the breath; then only what was seen before counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np

from sensorsoma.dsp.breath import BreathParams, BreathSignal, Turn, find_turns
from sensorsoma.dsp.breath_direction import MARK
from sensorsoma.dsp.breath_figures import ClearParams, inhale_up, paced_signal, seen_breath
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class PhaseParams:
    """How a moment is judged."""

    before_s: float = 40.0
    """Breath is learnt over this long before the moment: three slow breaths."""
    after_s: float = 2.5
    """A turn at the moment itself shows in what follows: a third of a slow exhale."""
    clear_s: float = 0.3
    """The axis is learnt up to this long before the moment, which is itself not known better."""
    near_s: float = 0.4
    """With the turn to the exhale counts as on it; so near to the turn to the inhale nothing is said."""
    most_moved: float = 8.0
    """The trunk moved across the breath's axis by more than this many depths: what follows is not looked at."""
    midway: tuple[float, float] = (0.3, 0.6)
    """Without it, a phase is only sure between these shares of its usual way."""
    nearly: float = 0.9
    """An inhale that has come so far may have turned in the moment itself, and the movement hides it."""
    longest_phase_s: float = 12.0
    """A phase that should have lasted longer was lost."""
    least_turns: int = 2
    """One whole way just before the moment, without other movement in it: often there is not time for more."""


def was_exhaling(
    t_s: Floats, up: Floats, at_s: float, clear: ClearParams, params: BreathParams, phase: PhaseParams | None = None,
    rest_s: tuple[float, float] | None = None,
) -> bool | None:  # fmt: skip
    """Whether the moment `at_s` lay in an exhale or with its beginning; None where that cannot be told.

    `t_s` `(n,)`, `up` `(n, 3)`: binned directions of a trunk sensor at 12.5 Hz, around the moment. `rest_s`: from when
    until when the body rests afterwards; that breath also says which way is in.
    """
    phase = phase or PhaseParams()
    keep = (t_s >= at_s - phase.before_s) & (t_s < at_s + phase.after_s)
    is_rest = np.zeros(len(t_s), dtype=bool) if rest_s is None else (t_s >= rest_s[0]) & (t_s < rest_s[1])
    rest = paced_signal(t_s[is_rest], up[is_rest], params) if is_rest.any() else None
    signal = _signal(t_s[keep], up[keep], at_s, clear, params, phase, rest)
    if signal is None:
        return None
    pieces = find_turns(signal, params)
    turns = pieces[-1] if pieces else []
    before = [turn for turn in turns if turn.start_s <= at_s + phase.near_s]
    sizes = [abs(a.value - b.value) for a, b in pairwise(turns) if b.extreme_s < at_s]
    if len(before) < phase.least_turns or not sizes or at_s - before[-1].start_s > phase.longest_phase_s:
        return None
    depth = median(sizes)
    if depth < clear.least_deg * DEG:
        return None
    if _moved(signal, t_s[keep], up[keep], at_s, phase) > phase.most_moved * depth:
        return _midway(signal, turns, at_s, depth, phase)
    last = before[-1]
    if last.is_top:
        return True
    is_early = at_s - last.start_s < phase.near_s
    return None if is_early or _gone(signal, last, at_s - phase.clear_s) > phase.nearly * depth else False


def _signal(
    t_s: Floats, up: Floats, at_s: float, clear: ClearParams, params: BreathParams, phase: PhaseParams,
    rest: BreathSignal | None,
) -> BreathSignal | None:  # fmt: skip
    """The breath's signal with inhale up, its mask lifted around the moment; None where in and out are not known."""
    signal = paced_signal(t_s, up, params, at_s - phase.clear_s)
    if signal is None:
        return None
    signal, _, is_known, _ = inhale_up(signal, clear, params, MARK, rest)
    around = signal.t_s > at_s - 2.0 * params.guard_s
    return replace(signal, is_masked=signal.is_masked & ~around) if is_known else None


def _moved(signal: BreathSignal, t_s: Floats, up: Floats, at_s: float, phase: PhaseParams) -> float:
    """How far the trunk was moved across the breath's axis after the moment, rad."""
    start = up[(t_s >= at_s - 0.8) & (t_s < at_s - phase.clear_s)]
    after = up[t_s >= at_s]
    if len(start) == 0 or len(after) == 0:
        return np.inf
    way = after - start.mean(axis=0)
    across = way - np.outer(way @ signal.axis, signal.axis)
    return float(np.linalg.norm(across, axis=1).max())


def _midway(signal: BreathSignal, turns: Sequence[Turn], at_s: float, depth: float, phase: PhaseParams) -> bool | None:
    """The phase by what was seen before the moment, where it was well under way and not nearly over."""
    seen_s = at_s - phase.clear_s
    before = [turn for turn in turns if turn.start_s < seen_s]
    if not before:
        return None
    last = before[-1]
    gone = _gone(signal, last, seen_s) / depth
    return last.is_top if phase.midway[0] < gone < phase.midway[1] else None


def _gone(signal: BreathSignal, last: Turn, at_s: float) -> float:
    """How far the breath has gone since its last turn, rad."""
    return abs(float(np.interp(at_s, signal.t_s, signal.value)) - last.value)


@dataclass(frozen=True, slots=True)
class Lag:
    """How movements followed the breath."""

    median_s: float
    """Start of the movement minus start of the inhale nearest to it; positive: the movement came later."""
    n_movements: int
    """How many it was measured in."""


LAG_LEAD_S = 40.0
"""Breath is learnt before the set, in the same posture."""

LEAK_SHARE = 1.6
"""Along the breath's axis the trunk moves no more than this many usual depths during the set: what moves it more is
the movement itself, and breath that keeps step with it cannot be told from it."""

LEAST_LAGS = 3


def lag_of(t_s: Floats, up: Floats, starts_s: Sequence[float], clear: ClearParams, params: BreathParams) -> Lag | None:
    """Lag of a set's movements behind the inhale; None where breath was not seen before it or is hidden in it."""
    if len(starts_s) < LEAST_LAGS:
        return None
    keep = t_s >= starts_s[0] - LAG_LEAD_S
    t_s, up = t_s[keep], up[keep]
    is_lead = t_s < starts_s[0]
    lead = seen_breath(t_s[is_lead], up[is_lead], clear, params) if is_lead.sum() > 10 else None
    signal = paced_signal(t_s, up, params, starts_s[0])
    if lead is None or signal is None or lead.inhale_share is None:
        return None
    during = signal.value[(signal.t_s >= starts_s[0])]
    if float(np.subtract(*np.percentile(during, (97, 3)))) > LEAK_SHARE * np.radians(lead.amplitude_deg):
        return None
    signal, breaths, is_known, _ = inhale_up(signal, clear, params, MARK)
    if not is_known or not breaths:
        return None
    usual_s = median(breath.period_s for breath in breaths)
    inhales = np.array([breath.inhale_s for breath in breaths])
    lags = [float(start_s - inhales[np.argmin(np.abs(inhales - start_s))]) for start_s in starts_s]
    near = [lag for lag in lags if abs(lag) <= 0.5 * usual_s]
    return Lag(median(near), len(near)) if len(near) >= max(LEAST_LAGS, 0.6 * len(starts_s)) else None

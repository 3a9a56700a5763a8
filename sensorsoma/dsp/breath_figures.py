"""What is told of a stretch of breathing: rate, inhale share, depth; None where it cannot be told.

Which way is in is judged in `dsp.breath_direction`; where that is unsure the share is not told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import numpy as np
from scipy.stats import theilslopes

from sensorsoma.dsp.breath import (
    BREATH_RATE_HZ,
    Breath,
    BreathParams,
    BreathSignal,
    breath_signal,
    breaths_of,
    find_turns,
    true_runs,
)
from sensorsoma.dsp.breath_direction import MARK, DirectionParams, asymmetry, direction_of
from sensorsoma.messages import Floats
from sensorsoma.units import DEG

DIRECTION = DirectionParams()


@dataclass(frozen=True, slots=True)
class ClearParams:
    """When breathing is clear enough to be told."""

    least_breaths: int = 3
    """Whole breaths (science section 6: at least three cycles)."""
    least_covered: float = 0.6
    """Share of the quiet time that whole breaths fill, one breath at the edges of each quiet piece forgiven."""
    most_spread: float = 0.2
    """Median deviation of the breaths' length from the usual one, as a share of it; calm breath keeps within 0.1 ..."""
    most_depth_spread: float = 0.3
    """... and of their depth, which keeps within 0.15."""
    most_per_min: float = 30.0
    """Quicker than this nobody breathes who lies still."""
    least_deg: float = 0.05
    """Usual depth, five times the scatter of a consumer sensor."""
    most_deg: float = 4.0
    """Deeper than any breath seen from outside: somebody rocks."""
    least_regular: float | None = None
    """Autocorrelation at the usual period; None: not asked, since two sighs a minute spoil it on a clear belly."""
    share_deg: float = 0.2
    """Usual depth under which scatter moves the turns too far to tell the inhale from the exhale."""
    direction: DirectionParams = DIRECTION
    """When the inhale is told from the exhale."""


TRUNK = ClearParams()

THIGH = ClearParams(least_breaths=4, least_covered=0.8, most_spread=0.2, least_deg=0.1, least_regular=0.6)
"""A thigh follows the breath by less than a tenth: only a regular sway is believed."""


@dataclass(frozen=True, slots=True)
class BreathFigures:
    """Breathing in numbers."""

    rate_per_min: float
    n_breaths: int
    """Whole breaths that were seen."""
    inhale_share: float | None
    """0-1; None where in and out cannot be told apart."""
    amplitude_deg: float
    """Usual depth: tilt from the end of an exhale to the end of an inhale."""
    trend_deg_per_min: float | None
    """Change of the depth; None with fewer than six breaths."""
    seen_share: float
    """0-1: share of the time in which no other movement hid the breath."""
    is_other_way: bool
    """The sensor lies the other way round than its mark says."""
    breaths: tuple[Breath, ...]


def seen_breath(
    t_s: Floats, up: Floats, clear: ClearParams, params: BreathParams, mark: Floats | None = MARK,
    axis_until_s: float | None = None,
) -> BreathFigures | None:  # fmt: skip
    """Figures of binned directions `(n, 3)` (12.5 Hz, unit length); None where breath is not clear."""
    signal = paced_signal(t_s, up, params, axis_until_s)
    if signal is None:
        return None
    signal, breaths, is_known, is_other_way = inhale_up(signal, clear, params, mark)
    quiet_s = float((~signal.is_masked).sum()) / BREATH_RATE_HZ
    if len(breaths) < clear.least_breaths:
        return None
    periods = [breath.period_s for breath in breaths]
    usual_s, depth_rad = median(periods), median(breath.depth_rad for breath in breaths)
    spread = median(abs(period - usual_s) for period in periods) / usual_s
    depth_spread = median(abs(breath.depth_rad - depth_rad) for breath in breaths) / depth_rad
    is_clear = (
        sum(periods) >= clear.least_covered * (quiet_s - usual_s * len(find_turns(signal, params)))
        and spread <= clear.most_spread
        and depth_spread <= clear.most_depth_spread
        and usual_s >= 60.0 / clear.most_per_min
        and clear.least_deg * DEG <= depth_rad <= clear.most_deg * DEG
    )
    if not is_clear or (clear.least_regular is not None and regularity(signal, usual_s) < clear.least_regular):
        return None
    inhale_s = sum(breath.exhale_s - breath.inhale_s for breath in breaths)
    has_share = is_known and depth_rad >= clear.share_deg * DEG
    return BreathFigures(
        rate_per_min=_rate_per_min(breaths, usual_s),
        n_breaths=len(breaths),
        inhale_share=inhale_s / sum(periods) if has_share else None,
        amplitude_deg=depth_rad / DEG,
        trend_deg_per_min=_trend(breaths),
        seen_share=quiet_s / max(float(t_s[-1] - t_s[0]), quiet_s, 1e-9),
        is_other_way=is_other_way,
        breaths=tuple(breaths),
    )


def paced_signal(
    t_s: Floats, up: Floats, params: BreathParams, axis_until_s: float | None = None
) -> BreathSignal | None:
    """The signal, low-passed to suit the pace of the breaths that a first look finds in it."""
    signal = breath_signal(t_s, up, params, axis_until_s)
    if signal is None:
        return None
    found = breaths_of(find_turns(signal, params), params)
    if len(found) < 2:
        return signal
    low_hz, high_hz = params.cut_range_hz
    cut_hz = min(max(params.cut_per_rate / median(breath.period_s for breath in found), low_hz), high_hz)
    paced = breath_signal(t_s, up, replace(params, cut_hz=cut_hz), axis_until_s)
    return None if paced is None else levelled(paced, params)


def levelled(signal: BreathSignal, params: BreathParams) -> BreathSignal:
    """The signal without slow drift: its level is the middle of each way, the median of seven ways.

    A body that sinks into the mattress drifts by a degree a minute, which tilts the pauses and moves their ends.
    """
    ways = [pair for piece in find_turns(signal, params) for pair in pairwise(piece)]
    if len(ways) < LEVEL_WAYS:
        return signal
    middle_s = [0.5 * (a.extreme_s + b.extreme_s) for a, b in ways]
    middles = [0.5 * (a.value + b.value) for a, b in ways]
    reach = [min(i, len(ways) - 1 - i, LEVEL_WAYS // 2) for i in range(len(ways))]
    level = [median(middles[i - n : i + n + 1]) for i, n in enumerate(reach)]
    return replace(signal, value=signal.value - np.interp(signal.t_s, middle_s, level))


LEVEL_WAYS = 7
"""Ways over which the level is taken: one deep breath does not move it."""


def inhale_up(
    signal: BreathSignal, clear: ClearParams, params: BreathParams, mark: Floats | None,
    beside: BreathSignal | None = None,
) -> tuple[BreathSignal, list[Breath], bool, bool]:  # fmt: skip
    """The signal with inhale growing, its breaths, whether in and out are known, whether the mark was overruled.

    `beside`: another stretch of the same sensor, whose breaths also say which way is in.
    """
    cosine = 0.0 if mark is None else float(signal.axis @ mark)
    if cosine < 0.0:
        signal, cosine = mirrored(signal), -cosine
    breaths = breaths_of(find_turns(signal, params), params)
    lopsided = [_asymmetry(signal, breath) for breath in breaths]
    if beside is not None and abs(same := float(beside.axis @ signal.axis)) >= clear.direction.mark_cosine:
        beside = beside if same > 0.0 else mirrored(beside)
        lopsided += [_asymmetry(beside, breath) for breath in breaths_of(find_turns(beside, params), params)]
    found = direction_of(cosine, lopsided, clear.direction)
    if not found.is_up:
        signal = mirrored(signal)
        breaths = breaths_of(find_turns(signal, params), params)
    return signal, breaths, found.is_sure, found.is_other_way


def _asymmetry(signal: BreathSignal, breath: Breath) -> float:
    first, last = np.searchsorted(signal.t_s, [breath.inhale_s, breath.end_s])
    return asymmetry(signal.value[first:last], (breath.exhale_s - breath.inhale_s) / breath.period_s)


def mirrored(signal: BreathSignal) -> BreathSignal:
    """The same with up and down exchanged."""
    return replace(signal, value=-signal.value, axis=-signal.axis)


def _rate_per_min(breaths: Sequence[Breath], usual_s: float) -> float:
    """From the first inhale to the last; a short hole is filled with as many breaths as fit, a long one left out."""
    count, seconds = 0.0, 0.0
    for breath, after in zip(breaths, [*breaths[1:], None], strict=True):
        count, seconds = count + 1.0, seconds + breath.period_s
        hole_s = 0.0 if after is None else after.inhale_s - breath.end_s
        if 0.3 * usual_s < hole_s < 3.0 * usual_s:
            count, seconds = count + round(hole_s / usual_s), seconds + hole_s
    return 60.0 * count / seconds


def _trend(breaths: Sequence[Breath]) -> float | None:
    """Slope of the depth, degrees per minute, by the median of all pairs: a sigh does not tilt it."""
    if len(breaths) < 6:
        return None
    slope = theilslopes([breath.depth_rad for breath in breaths], [breath.inhale_s for breath in breaths])[0]
    return float(slope) / DEG * 60.0


def regularity(signal: BreathSignal, period_s: float) -> float:
    """-1 to 1: autocorrelation of the steady part of the signal about one usual period (30 percent to either side)."""
    best = -1.0
    for begin, end in signal.runs:
        for first, last in true_runs(~signal.is_masked[begin:end]):
            value = signal.value[begin + first : begin + last]
            lags = range(int(0.7 * period_s * BREATH_RATE_HZ), int(1.3 * period_s * BREATH_RATE_HZ) + 1)
            if len(value) < 2.0 * period_s * BREATH_RATE_HZ or len(value) <= lags[-1] + 10:
                continue
            line = np.polyval(np.polyfit(np.arange(len(value)), value, 1), np.arange(len(value)))
            rest = value - line
            for lag in lags[::3]:
                a, b = rest[:-lag], rest[lag:]
                best = max(best, float(a @ b / max(1e-15, np.sqrt((a @ a) * (b @ b)))))
    return best

"""Breath in the direction of gravity that a resting trunk sees: the axis, the turns, whole breaths.

Lying still, the belly tilts a sensor by 0.3 to 3 degrees with every breath, mostly about one axis. Directions of the
plain accelerometer are flattened into the tangent plane at their middle, and the first principal component of their
velocity is the breath. (The orientation filter's up is no use here: it takes a pause between breaths for rest and
learns the turning before and after it as the gyroscope's bias, which put inhale shares off by 0.1.)

Three deviations from the plain recipe of band-pass 0.05-0.7 Hz and peaks. There is no high-pass: at 4 breaths a
minute its phase would move the turns by a tenth of a breath, and drift hardly moves the turns of a signal that is
followed from turn to turn; the axis is that of the velocity, which needs none, so that a change of pose spoils no more
than its own time. The low-pass follows the breath's own pace, for quick breaths need more of the spectrum than slow
ones, whose turns the pulse pulls about. And a phase does not begin where the signal is largest: a belly that rests
after the exhale has a flat bottom. It begins where it must have left that, extrapolated from the tenth and three tenths
of the way, but never before the extreme itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import numpy as np
from scipy.signal import butter, sosfiltfilt

from sensorsoma.messages import Floats
from sensorsoma.units import DEG

Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

BREATH_RATE_HZ = 12.5
"""Cells of 80 ms: ten in the quickest inhale, and an hour of a sensor stays below 2 MB."""


@dataclass(frozen=True, slots=True)
class BreathParams:
    """What is taken for a breath."""

    cut_hz: float = 1.0
    """Low-pass: the quickest inhale here takes 0.75 s, and the pulse beats at 1 Hz and above."""
    turn_share: float = 0.3
    """A turn is confirmed once the signal has come back by this share of the recent depth (science section 6)."""
    n_legs: int = 6
    """The recent depth is the median of so many ways: one sigh among them does not change it."""
    least_deg: float = 0.04
    """Ways under this are noise and pulse: consumer sensors scatter by 0.01 degrees below 1 Hz."""
    quickest_dps: float = 15.0
    """Three degrees within an inhale of 0.75 s reach 7.5 deg/s, a sigh twice that; quicker is the body moving."""
    guard_s: float = 0.7
    """Kept clear around movement: the low-pass smears it by so much."""
    sigh_share: float = 4.5
    """A way beyond this many usual depths is movement; sighs are two to three times as deep."""
    quick_share: float = 9.0
    """Along the breath's axis, in usual speeds: the inhale of a quick sigh reaches eight of them."""
    jerk_deg: float = 0.15
    """What the low-pass takes away is noise and pulse, below this, unless somebody coughs (1.5 deg in 0.15 s) ..."""
    jerk_share: float = 10.0
    """... or breathes quickly: then it is less than so many times what it usually takes away."""
    across_dps: float = 0.6
    """Across the breath's axis a trunk that breathes stays slower than this ..."""
    across_share: float = 3.0
    """... or than so many usual speeds along it, whichever is more."""
    cut_per_rate: float = 6.0
    """A second pass is low-passed at so many times the breath's own rate: its shape is in its first harmonics ..."""
    cut_range_hz: tuple[float, float] = (0.7, 1.5)
    """... and within this."""
    shortest_s: float = 0.45
    """No inhale or exhale is shorter: 20 breaths a minute with a quarter of it inhale give 0.75 s."""
    longest_s: float = 25.0
    """A breath longer than this was a pause or was missed."""
    split_share: float = 0.5
    """A breath shorter than so many usual ones is half of one: something else made it turn."""
    missed_share: float = 1.8
    """A breath longer than so many usual ones hides a turn that was missed; a sigh takes 1.3."""
    fade_after_s: float = 12.0
    """A slow exhale with its pause takes 11 s; without a turn for longer, less is asked of the next one ..."""
    fade_s: float = 4.0
    """... half as much after every so many seconds."""
    hole_s: float = 0.5
    """Missing samples for longer than this break the signal."""


@dataclass(frozen=True, slots=True)
class Breath:
    """One whole breath; in, out, and the pause after it."""

    inhale_s: float
    exhale_s: float
    end_s: float
    depth_rad: float

    @property
    def period_s(self) -> float:
        """From inhale to inhale."""
        return self.end_s - self.inhale_s


@dataclass(frozen=True, slots=True, eq=False)
class BreathSignal:
    """A stretch of trunk directions, seen along the breath's axis."""

    t_s: Floats
    value: Floats
    """`(n,)` rad along the axis."""
    is_masked: Flags
    """`(n,)` True where the body moves, so that nothing can be said of the breath."""
    axis: Floats
    """`(3,)` direction in sensor axes towards which up goes when the value grows."""
    runs: tuple[tuple[int, int], ...]
    """First and past-the-last index of each piece without holes."""


def breath_signal(
    t_s: Floats, up: Floats, params: BreathParams, axis_until_s: float | None = None
) -> BreathSignal | None:
    """Binned directions `(n, 3)` along the axis in which they breathe; None with too few samples.

    The axis is that of the velocity: it needs no high-pass, so that a change of pose spoils no more than its own time.
    `axis_until_s`: only what lies before it says where the axis is.
    """
    runs = _runs(t_s, params)
    if not runs:
        return None
    middle = np.median(up, axis=0)
    middle /= max(float(np.linalg.norm(middle)), 1e-9)
    flat = up - np.outer(up @ middle, middle)
    slow, speed = np.zeros_like(flat), np.zeros_like(flat)
    is_masked = np.ones(len(t_s), dtype=bool)
    for begin, end in runs:
        slow[begin:end] = _low_pass(flat[begin:end], params.cut_hz)
        speed[begin:end] = np.gradient(slow[begin:end], t_s[begin:end], axis=0)
        is_masked[begin:end] = False
    jerk = np.linalg.norm(flat - slow, axis=1)
    jerks = jerk > max(params.jerk_deg * DEG, params.jerk_share * float(np.median(jerk)))
    is_early = np.ones(len(t_s), dtype=bool) if axis_until_s is None else t_s < axis_until_s
    moves = jerks | (np.linalg.norm(speed, axis=1) > params.quickest_dps * DEG)
    axis = np.zeros(3)
    for _ in range(3):
        for begin, end in runs:
            is_masked[begin:end] = _widened(moves[begin:end], params.guard_s)
        usable = speed[~is_masked & is_early]
        if len(usable) < 3 * BREATH_RATE_HZ:
            return None
        axis = np.asarray(np.linalg.eigh(usable.T @ usable)[1][:, -1])
        along = speed @ axis
        across = np.linalg.norm(speed - np.outer(along, axis), axis=1)
        usual = float(np.percentile(np.abs(usable @ axis), 75))
        moves = (
            jerks
            | (across > max(params.across_dps * DEG, params.across_share * usual))
            | (np.abs(along) > min(params.quick_share * usual, params.quickest_dps * DEG))
        )
    return BreathSignal(t_s, slow @ axis, is_masked, axis, runs)


@dataclass(frozen=True, slots=True)
class Turn:
    """Where the breath turns round."""

    extreme_s: float
    start_s: float
    """When the phase that follows begins."""
    is_top: bool
    """True: what follows goes down."""
    value: float
    """Signal at the extreme, rad."""


def find_turns(signal: BreathSignal, params: BreathParams) -> list[list[Turn]]:
    """Turning points of every piece without holes and movement, each with where the next phase begins."""
    found = []
    depths: list[float] = []
    for begin, end in signal.runs:
        for first, last in true_runs(~signal.is_masked[begin:end]):
            piece = slice(begin + first, begin + last)
            found.append(_turns_of(signal.t_s[piece], signal.value[piece], depths, params))
    return [turns for turns in found if turns]


def _turns_of(t_s: Floats, value: Floats, depths: list[float], params: BreathParams) -> list[Turn]:
    """The zigzag through one piece; `depths` of the ways so far go on from the piece before."""
    if len(t_s) < BREATH_RATE_HZ:
        return []
    extremes = zigzag(t_s, value, depths, params)
    if extremes and extremes[0][0] < EDGE_S * BREATH_RATE_HZ:  # where the piece begins is not where the breath turned
        extremes = extremes[1:]
    ends = [*(at for at, _ in extremes[1:]), len(t_s) - 1] if extremes else []
    turns = []
    for (at, is_top), end in zip(extremes, ends, strict=True):
        way = abs(float(value[end] - value[at]))
        if end == ends[-1] and depths:
            way = max(way, median(depths[-params.n_legs :]))
        start_s = phase_start(t_s[at : end + 1], np.abs(value[at : end + 1] - value[at]), way, params.cut_hz)
        turns.append(Turn(float(t_s[at]), start_s, is_top, float(value[at])))
    return turns


EDGE_S = 0.3
"""An extreme nearer to the beginning of a piece than this belongs to a phase that began before it."""


def zigzag(t_s: Floats, value: Floats, depths: list[float], params: BreathParams) -> list[tuple[int, bool]]:
    """(index, is top) of every confirmed turn; appends the ways between them to `depths`."""
    first = float(np.subtract(*np.percentile(value, (90, 10))))
    found: list[tuple[int, bool]] = []
    low = high = 0
    is_rising: bool | None = None
    last_s = float(t_s[0])
    for i, v in enumerate(value.tolist()):
        usual = median(depths[-params.n_legs :]) if depths else first
        enough = turn_size(usual, float(t_s[i]) - last_s, params)
        high = i if v > value[high] else high
        low = i if v < value[low] else low
        turned = high if is_rising is not False and value[high] - v > enough else None
        if turned is None and is_rising is not True and v - value[low] > enough:
            turned = low
        if turned is None:
            continue
        if enough < params.turn_share * usual:  # the depth that was usual is no more
            depths[:] = [enough / params.turn_share]
        elif found:
            depths.append(abs(float(value[turned] - value[found[-1][0]])))
        found.append((turned, turned == high))
        is_rising = turned == low
        low = high = i
        last_s = float(t_s[i])
    return found


def turn_size(usual_rad: float, since_s: float, params: BreathParams) -> float:
    """How far the signal has to come back; less after a long time without a turn, since breath may grow shallow."""
    fading = math.pow(0.5, max(0.0, (since_s - params.fade_after_s) / params.fade_s))
    return max(params.least_deg * DEG, params.turn_share * usual_rad * fading)


TENTH_OVER_STEP = 1.7
"""A minimum-jerk way takes 0.247 of its time to its first tenth, and 0.145 from there to three tenths."""


ROUNDED_PERIODS = 0.1
"""By how much earlier, in periods of the low-pass: for minimum-jerk ways of 1 to 4 s after a pause."""


def phase_start(t_s: Floats, gone_rad: Floats, way_rad: float, cut_hz: float) -> float:
    """When a way began: extrapolated from its first and third tenth, not before the extreme (the first sample).

    A low-pass at `cut_hz` rounds the foot of a way that leaves a plateau, so that it seems to begin earlier.

    `gone_rad` `(n,)` how far from the extreme; `way_rad`: the whole way, or the usual one while it goes on.
    """
    three = np.flatnonzero(gone_rad >= 0.3 * way_rad)
    if len(three) == 0:
        return float(t_s[0])
    third = int(three[0])
    below = np.flatnonzero(gone_rad[: third + 1] < 0.1 * way_rad)
    first = int(below[-1]) if len(below) else 0
    start_s = float(t_s[first] - TENTH_OVER_STEP * (t_s[third] - t_s[first]))
    return min(start_s + ROUNDED_PERIODS / cut_hz, float(t_s[first])) if start_s > t_s[0] else float(t_s[0])


def breaths_of(turns: Sequence[Sequence[Turn]], params: BreathParams) -> list[Breath]:
    """Whole breaths from turn to turn, up taken as in; what cannot be one is left out."""
    ways = [abs(a.value - b.value) for piece in turns for a, b in pairwise(piece)]
    if not ways:
        return []
    most = params.sigh_share * median(ways)
    found = []
    for piece in turns:
        for bottom, top, after in zip(piece, piece[1:], piece[2:], strict=False):
            way_in, way_out = abs(top.value - bottom.value), abs(top.value - after.value)
            in_s, out_s = top.start_s - bottom.start_s, after.start_s - top.start_s
            is_breath = min(in_s, out_s) >= params.shortest_s and in_s + out_s <= params.longest_s
            if top.is_top and is_breath and max(way_in, way_out) <= most:
                found.append(Breath(bottom.start_s, top.start_s, after.start_s, 0.5 * (way_in + way_out)))
    usual_s = median(breath.period_s for breath in found) if found else 0.0
    least_s, most_s = params.split_share * usual_s, params.missed_share * usual_s
    return [breath for breath in found if least_s <= breath.period_s <= most_s]


def _runs(t_s: Floats, params: BreathParams) -> tuple[tuple[int, int], ...]:
    """Pieces of at least a second without holes."""
    if len(t_s) == 0:
        return ()
    edges = [0, *(np.flatnonzero(np.diff(t_s) > params.hole_s) + 1).tolist(), len(t_s)]
    return tuple((a, b) for a, b in pairwise(edges) if b - a >= BREATH_RATE_HZ)


def _low_pass(values: Floats, cut_hz: float) -> Floats:
    """Forwards and backwards, so that nothing is late."""
    sos = butter(2, cut_hz, fs=BREATH_RATE_HZ, output="sos")
    pad = min(len(values) - 1, int(2.0 * BREATH_RATE_HZ))
    return np.asarray(sosfiltfilt(sos, values, axis=0, padlen=pad))


def _widened(moves: Flags, guard_s: float) -> Flags:
    """True also within `guard_s` of what is True."""
    wide = 2 * round(guard_s * BREATH_RATE_HZ) + 1
    return np.asarray(np.convolve(moves, np.ones(wide), mode="same") > 0.5)[: len(moves)]


def true_runs(flags: Flags) -> list[tuple[int, int]]:
    """First and past-the-last index of every run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))

"""Small and steady to and fro: the whole body that is rocked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d
from scipy.signal import ShortTimeFFT

from sensorsoma.exercises.found.moves import Cells, joined, runs_of
from sensorsoma.exercises.found.seen import GRID_HZ, Seen, Track
from sensorsoma.exercises.found.stretch import Found
from sensorsoma.messages import Floats
from sensorsoma.units import DEG


@dataclass(frozen=True, slots=True)
class RhythmParams:
    """What counts as rocking."""

    low_hz: float = 0.5
    """Slower is a repetition, not a rock ..."""
    high_hz: float = 2.2
    """... and nobody rocks a whole body faster."""
    window_s: float = 6.0
    """Three swings of the slowest."""
    hop_s: float = 0.48
    """How often it is looked."""
    line_share: float = 0.6
    """Steady: this much of all movement, breath aside, lies at one frequency."""
    breath_hz: float = 0.15
    """Slower is breath (2-4 s a phase), and it goes on while somebody rocks."""
    least_deg: float = 0.35
    """Amplitude below which it may be the heart or a neighbour: breath and heartbeat stay below 0.1 in this band."""
    most_deg: float = 12.0
    """Larger is a movement of a limb."""
    shortest_s: float = 8.0
    """Fewer than about eight rocks are none: knees sway a few times when a foot is put down."""


def rocking(seen: Seen, params: RhythmParams | None = None) -> list[Found]:
    """Stretches of steady rocking, seen by every sensor that tells the trunk's movement."""
    params = params or RhythmParams()
    tracks = [seen.pelvis] if seen.pelvis is not None else list(seen.thighs)
    if not tracks or seen.n < params.window_s * GRID_HZ:
        return []
    steady = np.ones(seen.n, dtype=bool)
    for track in tracks:
        steady &= _is_steady(track, params)
    why = "the body rocked in a small steady rhythm"
    found = []
    for start, end in joined(runs_of(steady), params.window_s / 2):
        start, end = _edges(tracks[0], start, end, params)
        if end - start >= params.shortest_s * GRID_HZ:
            found.append(Found("rocking", None, start, end, why))
    return found


def _is_steady(track: Track, params: RhythmParams) -> Cells:
    """Cell by cell: in the middle of a window of steady small rhythm."""
    known = np.isfinite(track.raw_up[:, 0])
    up = _filled(track.raw_up)
    length = round(params.window_s * GRID_HZ)
    hop = round(params.hop_s * GRID_HZ)
    window = np.hanning(length)
    stft = ShortTimeFFT(window, hop, GRID_HZ, fft_mode="onesided", mfft=256)
    power = (np.abs(stft.stft_detrend(up.T, "linear")) ** 2).sum(axis=0)  # (frequencies, windows)
    at = np.round(stft.t(len(up)) * GRID_HZ).astype(np.int64)
    freqs = stft.f
    band = (freqs >= params.low_hz) & (freqs <= params.high_hz)
    in_band = np.where(band[:, None], power, 0.0)
    peak = in_band.argmax(axis=0)
    near = np.abs(freqs[:, None] - freqs[peak][None, :]) <= 2.0 / params.window_s
    line = np.where(near & band[:, None], power, 0.0).sum(axis=0)
    all_of_it = power[freqs >= params.breath_hz].sum(axis=0)
    amplitude_deg = _amplitude(power, peak, window) / DEG
    good = (line >= params.line_share * np.maximum(all_of_it, 1e-15)) & (amplitude_deg >= params.least_deg)
    good &= amplitude_deg <= params.most_deg
    good &= (at >= 0) & (at < len(up))
    out = np.zeros(len(up), dtype=bool)
    out[at[good]] = True
    return np.asarray(maximum_filter1d(out.astype(np.int8), hop + 1).astype(bool) & known)


def _filled(up: Floats) -> Floats:
    """Straight lines over holes, so that their edges are no movement; whether it measured is asked elsewhere."""
    known = np.flatnonzero(np.isfinite(up[:, 0]))
    if len(known) == 0:
        return np.zeros_like(up)
    cells = np.arange(len(up))
    return np.column_stack([np.interp(cells, known, up[known, axis]) for axis in range(3)])


def _amplitude(power: Floats, peak: np.ndarray[tuple[int], np.dtype[np.int64]], window: Floats) -> Floats:
    """Amplitude in rad of the line at the peak of each window."""
    return np.asarray(2.0 * np.sqrt(np.take_along_axis(power, peak[None, :], axis=0)[0]) / window.sum())


def _edges(track: Track, start: int, end: int, params: RhythmParams) -> tuple[int, int]:
    """Where the rhythm begins and ends: its quick movement is there without a pause, at a third of its usual size."""
    up = _filled(track.raw_up)
    quick = up - uniform_filter1d(up, round(2.0 * GRID_HZ), axis=0)
    size = np.sqrt(np.maximum(uniform_filter1d((quick**2).sum(axis=1), round(1.2 * GRID_HZ)), 0.0))
    reach = round(params.window_s / 2 * GRID_HZ)
    first, last = max(start - reach, 0), min(end + reach, len(up))
    lively = size > max(0.33 * float(np.median(size[start:end])), np.radians(0.15))
    lively[:first] = lively[last:] = False
    parts = [run for run in joined(runs_of(lively), 0.5) if run[0] < end and run[1] > start]
    return max(parts, key=lambda run: run[1] - run[0], default=(start, start))

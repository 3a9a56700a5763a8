"""Plain methods to compare with, each given every advantage that costs nothing.

- counts: `scipy.signal.find_peaks` on the angle between up and the first second of the stretch (the sagittal angle for
  a pelvis), zero-phase low-pass, all settings of a small grid; whoever reads them takes the setting that does best on
  the very files it is judged on;
- counts on real people: `find_peaks` on the angle about the axis of the whole file's arc, low-passed; its settings as
  they were tuned once, or chosen on other people (`mex_tuning`);
- falls: the plain two-pose angle, and the plain arc, read at the true moments of arrival and end of rest;
- shaking: root mean square in the band 4-12 Hz, with the threshold that gives at most one false report in twenty on the
  very files it is judged on, and the highest spectral line as its frequency.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.signal import butter, find_peaks, sosfiltfilt, welch

from sensorsoma.dsp.arc import angle_about, fit_arc_axis

CUTOFFS_HZ = (0.7, 1.5)
SHARES = (0.15, 0.25, 0.4, 0.55)
FLOORS_DEG = (1.5, 3.0, 6.0)
GRID = tuple((cutoff, share, floor) for cutoff in CUTOFFS_HZ for share in SHARES for floor in FLOORS_DEG)
BAND_HZ = (4.0, 12.0)


def plain_counts(t_s: Any, acc: Any, up: Any, *, is_tilt: bool) -> list[int]:
    """How many tops find_peaks sees, for every setting of `GRID`."""
    rate_hz = 1.0 / float(np.median(np.diff(t_s)))
    even = np.arange(t_s[0], t_s[-1], 1.0 / rate_hz)
    source = up if up is not None else acc
    counts = []
    for cutoff in CUTOFFS_HZ:
        low = butter(2, cutoff, fs=rate_hz, output="sos")
        smooth = sosfiltfilt(low, np.column_stack([np.interp(even, t_s, column) for column in source.T]), axis=0)
        smooth /= np.linalg.norm(smooth, axis=1, keepdims=True)
        if is_tilt:  # by the mark: y to the head, z out of the body
            angle = np.rad2deg(np.arctan2(smooth[:, 1], smooth[:, 2]))
        else:
            closed = np.median(smooth[: int(rate_hz)], axis=0)
            angle = np.rad2deg(np.arccos(np.clip(smooth @ (closed / np.linalg.norm(closed)), -1.0, 1.0)))
        span = float(np.diff(np.percentile(angle, [5, 95]))[0])
        for share in SHARES:
            for floor in FLOORS_DEG:
                tops, _ = find_peaks(angle, prominence=max(share * span, floor), distance=max(1, int(rate_hz)))
                counts.append(len(tops))
    return counts


def arc_angle(t_s: Any, acc: Any, cut_hz: float) -> Any:
    """Angle `(n,)` deg about the axis of the whole file's arc from its first second; `acc` `(n, 3)`, zero-phase."""
    rate_hz = (len(t_s) - 1) / (t_s[-1] - t_s[0])
    up = sosfiltfilt(butter(2, cut_hz, fs=rate_hz, output="sos"), acc, axis=0)
    up = up / np.linalg.norm(up, axis=1, keepdims=True)
    return np.rad2deg(angle_about(fit_arc_axis(up).axis, np.median(up[: int(rate_hz)], axis=0), up))


def peak_tops(
    t_s: Any, angle: Any, *, share: float, floor_deg: float, is_two_sided: bool, top: str
) -> tuple[int, tuple[float, ...]]:
    """Count and times of the tops that find_peaks sees on an `arc_angle`.

    Args:
        t_s: `(n,)` times.
        angle: `(n,)` deg.
        share: least prominence, of the 5-95 percent range.
        floor_deg: least prominence.
        is_two_sided: both ends are tops, and two make one repetition.
        top: which end is the top: "more", the one found more often; "start", the one farther from the first second;
            "calm", the one farther from where the leg moves least.
    """
    low, high = np.percentile(angle, [5, 95])
    both = [find_peaks(sign * angle, prominence=max(share * (high - low), floor_deg))[0] for sign in (1.0, -1.0)]
    if is_two_sided:
        tops = np.sort(np.concatenate(both))
        return len(tops) // 2, tuple(t_s[tops].tolist())
    if top == "more":
        tops = max(both, key=len)
    else:
        speed = np.abs(np.gradient(angle))
        rest = 0.0 if top == "start" else float(np.median(angle[speed <= np.percentile(speed, 25)]))
        tops = both[0 if high - rest >= rest - low else 1]
    return len(tops), tuple(t_s[tops].tolist())


def plain_fall(t_s: Any, up: Any, z_sensor: Any, side: str, true: Any) -> tuple[dict[str, float], dict[str, float]]:
    """Arrival, final angle and sink by the two-pose frame alone, and by the plain arc from the knee-up pose."""

    def between(values: Any, from_s: float, to_s: float) -> Any:
        return np.median(values[(t_s >= from_s) & (t_s <= to_s)], axis=0)

    knee_up = between(up, true.fall_start_s - 1.5, true.fall_start_s - 0.2)
    opening = np.arcsin(np.clip((1 if side == "left" else -1) * (up @ z_sensor), -1.0, 1.0))
    arc = np.arccos(np.clip(up @ (knee_up / np.linalg.norm(knee_up)), -1.0, 1.0))
    out = []
    for angle_deg in (np.rad2deg(opening), np.rad2deg(arc)):
        arrival = float(between(angle_deg, true.arrival_s, true.arrival_s + 1.0))
        final = float(between(angle_deg, true.rest_end_s - 1.0, true.rest_end_s))
        out.append({"arrival_deg": arrival, "final_deg": final, "sink_deg": final - arrival})
    return out[0], out[1]


def band_rms(t_s: Any, acc: Any, gyr: Any) -> dict[str, float]:
    """90th percentile of the band's root mean square over two-second windows, and the highest line in the band."""
    signal = acc if gyr is None else gyr
    rate_hz = 1.0 / float(np.median(np.diff(t_s)))
    even = np.arange(t_s[0], t_s[-1], 1.0 / rate_hz)
    columns = np.column_stack([np.interp(even, t_s, column) for column in signal.T])
    band = sosfiltfilt(butter(4, BAND_HZ, "bandpass", fs=rate_hz, output="sos"), columns, axis=0)
    power = np.sum(band**2, axis=1)
    n = int(2 * rate_hz)
    windows = [float(np.sqrt(power[at : at + n].mean())) for at in range(0, len(power) - n + 1, n // 2)]
    freq, density = welch(columns, rate_hz, nperseg=n, axis=0)
    inside = (freq >= BAND_HZ[0]) & (freq <= BAND_HZ[1])
    total = density.sum(axis=1)[inside]
    return {"rms": float(np.percentile(windows, 90)), "freq_hz": float(freq[inside][np.argmax(total)])}

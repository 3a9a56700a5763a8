"""Times of samples from one coarse stamp a frame: a straight line through the stamps over the count of samples.

A frame says in whole milliseconds when its first sample was taken. Laid end to end with the nominal interval, frames
would overlap or gape, since the chip's oscillator is off by some per cent and the stamps are rounded. So the true
interval is the slope of a line through the last ten seconds of stamps, and a sample's time is its place on the line.
Rounding then moves a sample by some hundredths of a millisecond.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from sensorsoma.messages import Floats

TOLERANCE_S = 0.003
"""How far a stamp may be from where it is expected; more is a hole (from the vendor's own loss check)."""
_BREAK_S = 0.010
"""A stamp that is off by more than this and not by whole samples begins a new line."""
_LONG_S = 2.0
"""After a hole of this length the count of samples is not sure enough to go on with the same line."""
_WINDOW = 128
"""Frames; about ten seconds, since a frame holds 77 ms at any rate."""
_YOUNG = 16
"""Frames before the interval is known well enough to miss less than a frame."""
_STAMP_NOISE_S = 0.001
_UNKNOWN_SHARE = 0.02
"""Standard deviation of the interval before anything is known, as a share of it; oscillators of motion chips."""
_KNOWN_SHARE = 0.0005
"""The same when a line was begun anew and the line before it was long."""
_LARGEST_SHARE = 0.15
"""Further from the nominal interval than this is not believed."""


class StampLine:
    """Device seconds of samples.

    Args:
        nominal_s: interval between samples as the sensor is sold.

    >>> line = StampLine(1 / 104)
    >>> line.place(7.0, 8).round(4).tolist()[:2]
    [7.0, 7.0096]
    >>> line.n_missing(7.231)  # two frames later
    16
    """

    def __init__(self, nominal_s: float) -> None:
        self._nominal_s = nominal_s
        self._points: deque[tuple[float, float]] = deque(maxlen=_WINDOW)
        """(number of the first sample, stamp) of the last frames."""
        self._next = 0
        self._n_usual = 1
        self._last_s = -np.inf
        self._believed_s, self._share = nominal_s, _UNKNOWN_SHARE
        self.interval_s = nominal_s
        """Between samples, estimated."""
        self._expected_s = 0.0

    def late_s(self, stamp_s: float) -> float:
        """How much later than the next sample a stamp is; negative when it is earlier. Needs a frame before it."""
        return stamp_s - self._expected_s

    def overlaps(self, stamp_s: float) -> bool:
        """Whether a stamp lies well inside the samples that are already placed."""
        return self.late_s(stamp_s) < -0.5 * self._n_usual * self.interval_s

    def n_missing(self, stamp_s: float) -> int:
        """Samples missing before a frame with this stamp; whole frames where that explains it."""
        late_s, frame_s = self.late_s(stamp_s), self._n_usual * self.interval_s
        is_young = self._share == _UNKNOWN_SHARE and len(self._points) < _YOUNG
        if late_s < (0.5 * frame_s if is_young else max(TOLERANCE_S, 0.75 * self.interval_s)):
            return 0
        n_frames = round(late_s / frame_s)
        if n_frames and abs(late_s - n_frames * frame_s) <= TOLERANCE_S + 1e-3 * late_s:
            return n_frames * self._n_usual
        return round(late_s / self.interval_s)

    def place(self, stamp_s: float, n: int, n_lost: int = 0) -> Floats:
        """`(n,)` device seconds of a frame's samples, strictly increasing until `begin`.

        Args:
            stamp_s: of the first sample, unwrapped.
            n: samples in the frame.
            n_lost: samples missing before it.
        """
        if self._points:
            late_s = self.late_s(stamp_s)
            if abs(late_s - n_lost * self.interval_s) > _BREAK_S or late_s > _LONG_S:
                self._begin_line()
        number = self._next + n_lost
        self._points.append((number, stamp_s))
        first_s = self._fit(number)
        first_s = max(first_s, self._last_s + 0.1 * self.interval_s)
        times = np.asarray(first_s + self.interval_s * np.arange(n), dtype=np.float64)
        self._next, self._n_usual = number + n, n
        self._last_s, self._expected_s = float(times[-1]), float(times[-1]) + self.interval_s
        return times

    def begin(self) -> None:
        """The sensor was started anew, and its clock may be another; the interval stays known."""
        self._begin_line()
        self._last_s = -np.inf

    def _begin_line(self) -> None:
        if len(self._points) > _WINDOW // 4:
            self._believed_s, self._share = self.interval_s, _KNOWN_SHARE
        self._points.clear()

    def _fit(self, number: int) -> float:
        """The line's time of sample `number`, after one more stamp; a belief counts like stamps of its own."""
        points = np.array(self._points)
        middle, middle_s = points.mean(axis=0)
        apart, apart_s = points[:, 0] - middle, points[:, 1] - middle_s
        belief = (_STAMP_NOISE_S / (self._share * self._believed_s)) ** 2
        slope = (apart @ apart_s + belief * self._believed_s) / (apart @ apart + belief)
        low, high = (1 - _LARGEST_SHARE) * self._nominal_s, (1 + _LARGEST_SHARE) * self._nominal_s
        self.interval_s = float(min(max(slope, low), high))
        return float(middle_s + self.interval_s * (number - middle))

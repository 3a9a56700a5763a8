"""The one clock of a session: Unix nanoseconds that only go forward, at real or scaled speed.

Only sources, session and live read it; everything below the pipeline gets time as an argument.
A wall clock that steps (NTP) does not disturb it: it is anchored once and then follows `time.monotonic_ns`.
"""

from __future__ import annotations

import time


class Clock:
    """Session time.

    Args:
        speed: session seconds per real second; 1 for people, more for accelerated demos and tests.
        start_ns: Unix nanoseconds that the clock shows now; the computer's wall clock by default.

    >>> clock = Clock(speed=10, start_ns=0)
    >>> clock.real_seconds(5.0)
    0.5
    """

    def __init__(self, speed: float = 1.0, start_ns: int | None = None) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be above 0, got {speed}")
        self.speed = speed
        self._anchor_ns = time.monotonic_ns()
        self._start_ns = time.time_ns() if start_ns is None else start_ns

    def now_ns(self) -> int:
        """Session time in Unix nanoseconds; never goes back."""
        elapsed = time.monotonic_ns() - self._anchor_ns
        return self._start_ns + (elapsed if self.speed == 1.0 else round(elapsed * self.speed))

    def at_monotonic_ns(self, monotonic_ns: int) -> int:
        """Session time at a `time.monotonic_ns` reading taken earlier or in another process of this computer."""
        elapsed = monotonic_ns - self._anchor_ns
        return self._start_ns + (elapsed if self.speed == 1.0 else round(elapsed * self.speed))

    def real_seconds(self, session_s: float) -> float:
        """How long to wait for `session_s` seconds of session time to pass."""
        return session_s / self.speed

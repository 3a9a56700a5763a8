"""Whether anybody is still taking part: a step that waits for somebody who sleeps is not waited for all night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sensorsoma.coach.course import Course
from sensorsoma.messages import (
    DoubleTapped,
    KneeFallPhaseReached,
    MovementBegan,
    PostureChanged,
    RepCompleted,
    UserMark,
)

TAKING_PART = (UserMark, DoubleTapped, RepCompleted, MovementBegan, KneeFallPhaseReached, PostureChanged)
"""Signs that somebody is there and awake, more or less."""


@dataclass(frozen=True, slots=True)
class PresenceParams:
    """How long somebody is waited for."""

    asleep_s: float = 45.0 * 60.0
    """A step that waits for a movement this long without any sign of the person has lost them to sleep."""


class Presence:
    """Remembers the last sign of the person."""

    def __init__(self, params: PresenceParams | None = None) -> None:
        self.params = params or PresenceParams()
        self._last_s = 0.0

    def hear(self, message: Any, t_s: float) -> None:
        """Notes a sign of the person."""
        if isinstance(message, TAKING_PART):
            self._last_s = t_s

    def is_asleep(self, course: Course, t_s: float) -> bool:
        """True when the running step would wait for ever, and has waited long. Never beside one's own audio guide."""
        if course.run is None or course.is_quiet or not course.waits():
            return False
        return t_s - max(self._last_s, course.run.start_s) >= self.params.asleep_s

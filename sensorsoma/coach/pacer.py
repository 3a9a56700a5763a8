"""The breath pacer: when to say in and out, at a set pace or at the person's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorsoma.messages import BreathTurned, Cue


class Pacer:
    """Paces the breath in quiet moments of a practice.

    Args:
        settings: {"in_s": 4.0, "out_s": 6.0}, or {"own": true} for the person's own pace.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._settings = settings

    def hear(self, turn: BreathTurned) -> None:
        """A breath of the person, for their own pace."""

    def poll(  # nothing is paced yet
        self,
        t_s: float,  # noqa: ARG002
        step_do: str | None,  # noqa: ARG002
        is_quiet_moment: bool,  # noqa: ARG002
        cue_id: int,  # noqa: ARG002
    ) -> Cue | None:
        """The word that is due now, when nothing else is said and the step is one to be paced."""
        return None

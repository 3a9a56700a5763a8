"""The view as the page gets it: one small JSON object that says everything, so that a page may come back any time."""

from __future__ import annotations

import math
from typing import Any, Literal

from sensorsoma.live.view import View

WhoSpeaks = Literal["page", "computer", "none"]
AsksComfort = Literal["before", "after"] | None


def state_of(view: View, who_speaks: WhoSpeaks, asks_comfort: AsksComfort) -> dict[str, Any]:
    """The whole state, JSON-ready; what is not known is None, never 0."""
    counting, asked = view.counting, view.asked
    return {
        "type": "state",
        "step": _step(view),
        "sentence": view.sentence,
        "count": view.count,
        "asked_reps": asked.get("reps"),
        "angle_deg": _rounded(view.angle_deg, 1),
        "ring": _rounded(counting.ring, 3),
        "breaths": counting.breaths if asked.get("breaths") else None,
        "asked_breaths": asked.get("breaths"),
        "hold_s": _rounded(counting.hold_s, 1),
        "asked_s": None if asked.get("breaths") else asked.get("seconds"),
        "phase": _phase(view),
        "sensors": [
            {
                "channel": channel,
                "state": sensor.state,
                "words": sensor.words,
                "battery_percent": sensor.battery_percent,
            }
            for channel, sensor in view.sensors.items()
        ],
        "is_simulated": view.is_simulated,
        "notice": view.notice,
        "voice": who_speaks,
        "comfort": {"before": view.comfort.get("before"), "after": view.comfort.get("after")},
        "asks_comfort": asks_comfort,
        "is_quiet": view.is_quiet,
        "language": view.language,
    }


def comfort_due(view: View) -> AsksComfort:
    """Which number may be given now: one before the practice, one from its last step on."""
    if not view.has_begun:
        return None if "before" in view.comfort else "before"
    is_last = view.index is not None and view.index + 1 >= view.n_steps
    return "after" if (is_last or view.is_over) and "after" not in view.comfort else None


def _step(view: View) -> dict[str, Any] | None:
    if view.index is None:
        return None
    return {"index": view.index + 1, "of": view.n_steps, "title": view.title, "do": view.do, "side": view.side}


def _phase(view: View) -> str:
    if view.is_over:
        return "over"
    if not view.has_begun:
        return "before"
    return "paused" if view.is_paused else "practice"


def _rounded(value: float | None, digits: int) -> float | None:
    """JSON knows no NaN: what is not a number is not known."""
    return None if value is None or not math.isfinite(value) else round(value, digits) + 0.0  # -0.0 becomes 0.0

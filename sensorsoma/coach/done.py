"""What was done in a step, beside what was asked: read out of the measured stretch, None where nothing saw it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorsoma.coach.steps import Step

Measures = Mapping[str, Any]

FALL_PART = {
    "knee_fall": ("arrival_deg", "fall_s", "fall_speed_deg_per_s", "began_on_exhale"),
    "rest": ("final_deg", "sink_deg", "sink_deg_per_min", "supported"),
    "leg_slide": ("openness_kept_share",),
    "stillness": ("residual_deg", "settle_s", "still_share"),
}
"""Which measures of one fall belong to which step of its stretch."""

OWN = {
    "breathing": ("rate_per_min", "inhale_share"),
    "knee_in": ("angle_deg",),
    "pelvic_hold": ("hold_s",),
    "leg_back": ("back_swing_deg", "hold_s"),
    "rocking": ("freq_hz", "amplitude_deg", "steadiness"),
    "stillness": ("settle_s", "still_share"),
}
"""Measures of a stretch that are worth a line beside what the plan asked."""

FALL_FIELD = {"still_share": "settled_still_share"}
"""What a fall calls a measure that a step of its own names otherwise: its leg is straight, and then it settles."""


def asked_of(step: Step, breath_s: float) -> dict[str, Any]:
    """What the plan asks, JSON-ready; `supported` is there only when the plan gives the knee a pillow."""
    return _asked_end(step, breath_s) | ({"supported": True} if step.supported else {})


def _asked_end(step: Step, breath_s: float) -> dict[str, Any]:
    if step.reps is not None:
        return {"reps": step.reps}
    if step.breaths is not None:
        return {"breaths": step.breaths, "seconds": step.breaths * breath_s}
    if step.seconds is not None:
        return {"seconds": step.seconds}
    if step.moves_sensor_to is not None:
        return {"open": True, "moves_sensor_to": step.moves_sensor_to}
    return {"event": step.event} if step.event is not None else {"open": True}


def nothing_done(step: Step) -> dict[str, Any]:
    """The same keys as a measured step, every value None."""
    parts = FALL_PART[step.do] if step.continues else OWN.get(step.do, ())
    if step.do == "knee_fall":
        parts = FALL_PART["knee_fall"]
    return dict.fromkeys((*_asked_keys(step), *parts))


def has_measured(step: Step, measures: Measures) -> bool:
    """True when the stretch holds what the step is about; a sensor that was worn and saw nothing is not a measure."""
    if step.do == "knee_fall" or step.continues:
        return bool(measures.get("falls"))
    if step.reps is not None:
        return measures.get("count") is not None
    if step.do in ("breathing", "knee_in", "leg_back", "rocking", "pelvic_hold"):
        return any(measures.get(name) is not None for name in OWN[step.do])
    return True


def done_in(step: Step, seconds: float, seen: Mapping[str, Any], measures: Measures) -> dict[str, Any]:
    """What was done, JSON-ready.

    Args:
        seconds: how long the step took, pauses left out.
        seen: what the coach itself saw: `reps`, `event`, `breaths`, `supported`.
        measures: of the stretch; for a fall, rest, slide or settle the whole stretch's.
    """
    done = nothing_done(step)
    falls = measures.get("falls") or ()
    if step.do == "knee_fall" or step.continues:
        fall = falls[-1] if falls else {}
        done.update({name: fall.get(FALL_FIELD.get(name, name)) for name in FALL_PART[step.do]})
        if step.continues and step.do == "rest":
            done["supported"] = bool(fall.get("supported")) or bool(seen.get("supported"))
            if step.breaths is not None:
                done["breaths"] = seen.get("breaths") or _breaths(fall.get("breaths_per_min"), seconds)
    else:
        done.update({name: measures.get(name) for name in OWN.get(step.do, ())})
    if "seconds" in done:
        took = measures.get("hold_s") if step.do == "pelvic_hold" else seconds
        done["seconds"] = None if took is None else round(float(took), 1)
    if step.breaths is not None and done.get("breaths") is None:
        rate = measures.get("rate_per_min") or (measures.get("breath") or {}).get("rate_per_min")
        done["breaths"] = seen.get("breaths") or _breaths(rate, seconds)
    if step.reps is not None:
        count = measures.get("count")
        n_partial = sum(bool(rep.get("partial")) for rep in measures.get("reps") or ())
        if step.do == "knee_roll":  # its reps are swings, two to a cycle
            n_partial //= 2
        done["reps"] = seen.get("reps") if count is None else count - n_partial
        n_partial += len(measures.get("partial_cycles") or ())  # listed apart, not in the count
        if n_partial:
            done["partial_reps"] = n_partial
        if measures.get("weak"):
            done["weak"] = True
        rolled = _rolled(step, measures)
        if rolled is not None:
            done["reps_with_pelvis_rolling"] = rolled
    if step.event is not None:
        done["event"] = seen.get("event")
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in done.items()}


def _asked_keys(step: Step) -> tuple[str, ...]:
    if step.breaths is not None:
        return ("breaths", "seconds")
    if step.reps is not None:
        return ("reps",)
    return ("event",) if step.event is not None else ("seconds",)


def _breaths(per_min: Any, seconds: float) -> int | None:
    """Breaths within the step from a measured rate."""
    return round(float(per_min) * seconds / 60.0) if per_min else None


def _rolled(step: Step, measures: Measures) -> int | None:
    """How many repetitions took the pelvis along beyond the comfort band; None when that was not measured."""
    limit = step.band.pelvis_roll_deg
    angles = [rep.get("pelvis_roll_deg") for rep in measures.get("reps") or ()]
    known = [abs(float(angle)) for angle in angles if angle is not None]
    return sum(angle > limit for angle in known) if limit is not None and known else None

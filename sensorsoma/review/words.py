"""How a number is said to a person: quantities with their units, steps asked and done, times as a clock shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

NOT_MEASURED = "not measured"
NEVER_STILL = "never still for five seconds"
STILL_S = 5.0
"""A stretch shorter than this cannot hold five still seconds: nothing is said of its stillness."""
WHOLE_DEGREES_FROM_DEG = 0.5
"""An angle that is not known better than this is told in whole degrees: its tenths would be noise."""
FOUND = "found without being told; the name is an inference: "
"""How the note of a found stretch begins; a page says it once for all of them."""

UNITS: tuple[tuple[str, str], ...] = (
    ("_deg_per_min", "°/min"),
    ("_deg_per_s", "°/s"),
    ("_per_min", "/min"),
    ("_deg", "°"),
    ("_hz", "Hz"),
    ("_mps2", "m/s²"),
    ("_radps", "rad/s"),
    ("_share", "%"),
    ("_kept_uncertainty", "%"),
    ("_s", "s"),
)
"""Name endings and what is printed for them; the first that fits counts. A share is printed in percent."""

NAMES: dict[str, str] = {
    "arrival_deg": "arrived at",
    "final_deg": "rested at",
    "sink_deg": "sink",
    "sink_deg_per_min": "sink rate",
    "fall_s": "fell for",
    "fall_speed_deg_per_s": "how fast it fell",
    "fall_peak_deg_per_s": "where it fell fastest",
    "slide_s": "slid for",
    "rest_still_share": "still while resting",
    "settled_still_share": "still after settling",
    "sink_on_exhale_deg": "sink on exhales",
    "breaths_per_min": "breaths",
    "pelvis_share": "pelvis, part of the angle",
    "hip_only_deg": "angle without the pelvis",
    "openness_kept_uncertainty": "uncertainty of the openness ±",
    "residual_uncertainty_deg": "uncertainty of how the leg lies ±",
    "range_uncertainty_deg": "uncertainty of the range ±",
    "out_s": "way out",
    "hold_s": "hold",
    "back_s": "way back",
    "sparc": "smoothness (SPARC)",
    "began_on_exhale": "began on the exhale",
    "openness_kept_share": "openness kept in the slide",
    "residual_deg": "leg lies further out than before",
    "pelvis_roll_deg": "pelvis rolling along",
    "tremor_share": "shaking, share of time",
    "tremor_freq_hz": "shaking, frequency",
    "tremor_rms_mps2": "shaking, strength",
    "tremor_rms_radps": "shaking, strength",
    "share": "share of time",
    "freq_hz": "frequency",
    "rms_mps2": "strength",
    "rms_radps": "strength",
    "onset_s": "first seen after",
    "angle_uncertainty_deg": "uncertainty ±",
    "uncertainty_deg": "uncertainty ±",
    "arch_s": "arch at",
    "flatten_s": "flatten at",
    "anterior_deg": "arch (anterior tilt)",
    "posterior_deg": "flatten (posterior tilt)",
    "start_s": "from",
    "end_s": "to",
    "do": "movement",
    "back_swing_deg": "swing behind the body",
    "settle_s": "time to stillness",
    "movement_deg": "way wandered",
    "movement_deg_per_min": "movement",
    "moving_share": "moving",
    "turn_rms_deg_per_s": "turning (root mean square)",
    "duration_s": "rocked for",
    "depth_deg": "depth",
    "posture_before": "lay before",
    "posture_after": "lay after",
    "n_rolls": "times",
    "still_share": "still",
    "is_measured": "measured",
    "rate_per_min": "breaths",
    "inhale_share": "inhale",
    "breath_rate_per_min": "breaths",
    "breath_inhale_share": "inhale, share of a breath",
    "breath_depth_deg": "breath, depth",
    "breath_trend_deg_per_min": "breath, change of depth",
    "n_breaths": "breaths seen",
    "breath_seen_share": "time in which breath was seen",
    "breath_lag_s": "starts after the inhale",
    "breath_lag_reps": "repetitions with a breath",
    "pelvis_settle_s": "pelvis, time to stillness",
    "pelvis_still_share": "pelvis still",
    "pelvis_movement_deg_per_min": "pelvis, movement",
    "pelvis_moving_share": "pelvis moving",
    "band": "shaking, kind",
    "where": "where",
}
"""Names that read better than the field name without its unit."""

EXERCISES: dict[str, str] = {
    "rest": "Rest",
    "breathing": "Breathing",
    "knee_in": "Knees together",
    "knee_fall": "Knee fall",
    "knee_roll": "Knee roll",
    "leg_slide": "Leg slide",
    "pelvic_rock": "Pelvic rocking",
    "pelvic_hold": "Flatten-hold",
    "clamshell": "Clamshells",
    "leg_back": "Top leg back",
    "rocking": "Rocking",
    "stillness": "Stillness",
    "roll_over": "Rolling over",
    "free": "Free movement",
    "unknown": "Movement without a name",
}
PLAIN: dict[str, str] = {
    "arrival_deg": "arrived at {:.0f}°",
    "final_deg": "rested at {:.0f}°",
    "fall_s": "fell for {:.1f} s",
    "openness_kept_share": "{:.0%} of the openness kept",
    "back_swing_deg": "{:.0f}° behind the body",
    "freq_hz": "{:.1f} times a second",
    "amplitude_deg": "{:.1f}° to each side",
    "steadiness": "{:.0%} as even as a clock",
    "still_share": "still {:.0%} of the time",
}
"""What a step brought, as people say it; angles against gravity are hardly known better than to a degree."""
CLOSER_LOOK = frozenset(("fall_speed_deg_per_s", "sink_deg_per_min"))
"""Measures of a step that stand in the table of their movement only."""
FINDING = "Finding the pelvic tilt"
"""A single tilt that was asked for before the set: it is told apart from the rocks that follow."""
SEEN_AS: dict[str, str] = {"large arc": "A large arc to and fro", "tilt": "A small tilt to and fro"}
"""What can be said of a found stretch that has no name."""
ENDED_BY: dict[str, str] = {
    "reps": "repetitions",
    "breaths": "breaths",
    "seconds": "time",
    "event": "the movement seen",
    "person": "the person",
    "stop": "stop",
    "timed": "timed",
}
# The side that is lain on, as people say it, not the one that is up.
POSTURES: dict[str, str] = {
    "supine": "on the back",
    "prone": "on the belly",
    "left_up": "on the right side",
    "right_up": "on the left side",
    "upright": "upright",
    "unknown": "",
}
GAP_REASONS: dict[str, str] = {
    "lost_packets": "packets lost on the way",
    "link_lost": "link lost",
    "clock_restart": "sensor restarted",
}


def is_missing(value: Any) -> bool:
    """True for what was not measured: None and NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def clock(seconds: float) -> str:
    """Minutes and seconds, hours when there are any.

    >>> clock(75.4), clock(3725), clock(-0.2)
    ('1:15', '1:02:05', '0:00')
    """
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"


def span(seconds: float) -> str:
    """A length of time in words.

    >>> span(52), span(61), span(545)
    ('52 s', '1 min 1 s', '9 minutes')
    """
    if round(seconds) < 60:
        return f"{round(seconds)} s"
    if round(seconds) < 180:
        minutes, rest = divmod(round(seconds), 60)
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{round(seconds / 60)} minutes"


def unit_of(name: str) -> str:
    """The unit that a field name carries, or an empty string.

    >>> unit_of("sink_deg_per_min"), unit_of("count")
    ('°/min', '')
    """
    return next((unit for ending, unit in UNITS if name.endswith(ending) or name == ending[1:]), "")


def name_of(field: str) -> str:
    """A field's name for people, without its unit.

    >>> name_of("range_deg"), name_of("final_deg")
    ('range', 'rested at')
    """
    if field in NAMES:
        return NAMES[field]
    ending = next((ending for ending, _ in UNITS if field.endswith(ending)), "")
    return field.removesuffix(ending).replace("_", " ")


def header(field: str) -> str:
    """A table heading with its unit.

    >>> header("range_deg"), header("rep")
    ('Range (°)', 'Rep')
    """
    name, unit = name_of(field), unit_of(field)
    name = name[:1].upper() + name[1:]
    return f"{name} ({unit})" if unit else name


def number(field: str, value: Any) -> str:
    """A value as printed under its heading, without its unit.

    >>> number("openness_kept_share", 0.81), number("sink_deg", 5.23), number("sink_deg", None)
    ('81', '5.2', 'not measured')
    """
    if is_missing(value):
        return NOT_MEASURED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if unit_of(field) == "%":
            return f"{100 * value if round(100 * value) else 0.0:.0f}"
        digits = 3 if field.endswith("_radps") else 2 if field.endswith(("_mps2", "sparc", "steadiness")) else 1
        return f"{value if round(value, digits) else 0.0:.{digits}f}".replace("-", "−")
    return str(value)


def quantity(field: str, value: Any) -> str:
    """A value with its unit.

    >>> quantity("sink_deg", 5.23), quantity("hold_s", 15.4), quantity("hold_s", None)
    ('5.2°', '15.4 s', 'not measured')
    """
    text, unit = number(field, value), unit_of(field)
    if is_missing(value) or not unit:
        return text
    return text + (unit if unit.startswith(("°", "/")) else f" {unit}")


def with_uncertainty(field: str, value: float, about: str, uncertain: float) -> str:
    """A measure with its uncertainty, without its unit; a degree's tenths only where they are known.

    >>> with_uncertainty("final_deg", 53.4, "angle_uncertainty_deg", 1.6).replace("\\xa0", " ")
    '53 ± 2'
    >>> with_uncertainty("final_deg", 53.4, "angle_uncertainty_deg", 0.34).replace("\\xa0", " ")
    '53.4 ± 0.3'
    """
    if unit_of(field) == "°" and uncertain >= WHOLE_DEGREES_FROM_DEG:
        return f"{round(value)}\u00a0±\u00a0{max(1, round(uncertain))}".replace("-", "−")
    return f"{number(field, value)}\u00a0±\u00a0{number(about, uncertain)}"


def asked(wish: Mapping[str, Any]) -> str:
    """What the plan asked of a step.

    >>> asked({"reps": 8}), asked({"breaths": 6, "seconds": 60}), asked({"open": True})
    ('8 reps', '6 breaths or 60 s', 'as long as wanted')
    """
    parts = {key: _wish(key, value) for key, value in wish.items() if value is not None and value is not False}
    if {"breaths", "seconds"} <= parts.keys():  # Time is asked for where breath cannot be seen.
        parts["breaths"] += f" or {parts.pop('seconds')}"
    return ", ".join(parts.values()) or "–"


def _wish(key: str, value: Any) -> str:
    if key == "open":
        return "as long as wanted"
    if key == "seconds":
        return f"{value:.0f} s"
    if key in ("reps", "breaths", "cycles"):
        return f"{value} {key[:-1] if value == 1 else key}"
    if key == "event":
        return f"until {str(value).replace('_', ' ')}"
    if key == "moves_sensor_to":
        return f"the sensor moves to the {str(value).replace('-', ' ')}"
    return fact(key, value)


def fact(key: str, value: Any) -> str:
    """One thing that was done or measured."""
    if key == "seconds":
        # Steps are asked for in whole seconds; a tenth more tells nothing.
        return span(value)
    if key in ("reps", "breaths", "cycles"):
        return _wish(key, value)
    if key == "event":
        return str(value).replace("_", " ")
    if key == "weak":
        return "weak evidence"
    if key == "settle_s":
        return f"still after {span(value)}" if round(value) else "still from the start"
    if key == "reps_with_pelvis_rolling":
        return f"the pelvis rolled along in {value}" if value else "the pelvis did not roll along"
    if key == "hold_s":
        return f"held for {span(value)}"
    if key == "sink_deg":
        return f"sank {value:.1f}°" if round(value, 1) >= 0 else f"lifted {-value:.1f}°"
    if key == "residual_deg":
        return f"the leg lies {abs(value):.0f}° further {'out' if value >= 0 else 'in'} than before"
    if key in PLAIN:
        return PLAIN[key].format(value).replace("%", "\u00a0%")
    if isinstance(value, bool):
        return f"{name_of(key)}: {'yes' if value else 'no'}"
    if key == "posture":
        return POSTURES.get(str(value)) or str(value)
    return f"{name_of(key)} {quantity(key, value)}"


def done(result: Mapping[str, Any], is_measured: bool) -> str:
    """What was done in a step; what could not be measured says so.

    >>> done({"reps": 8, "partial_reps": 1}, True), done({"reps": None}, False)
    ('8 reps and a small one', 'not measured')
    >>> done({"event": "arrived", "arrival_deg": 53.9, "fall_s": 2.61, "breaths": None}, True)
    'arrived at 54°, fell for 2.6 s, breaths: not measured'
    >>> done({"seconds": 30.2, "settle_s": None, "still_share": 0.2}, True)
    '30 s, still 20\xa0% of the time, never still for five seconds'
    """
    plain = {key: value for key, value in result.items() if not isinstance(value, Mapping) and value != ""}
    plain = {key: value for key, value in plain.items() if key not in CLOSER_LOOK}
    if not is_missing(plain.get("arrival_deg")):
        plain.pop("event", None)  # "Arrived at 54°" says it already.
    n_small = plain.pop("partial_reps", None) or 0
    if plain.get("hold_s") is not None and abs((plain.get("seconds") or 0.0) - plain["hold_s"]) < 0.15:
        plain.pop("seconds", None)  # The hold is what the step was about; its length is not said twice.
    # Resting without a support is the ordinary case and needs no word.
    known = [
        counted(value, n_small, "rep", "reps") if key == "reps" else fact(key, value)
        for key, value in plain.items()
        if not is_missing(value) and not (key == "supported" and value is False)
    ]
    if not is_measured:
        return "; ".join([NOT_MEASURED, ", ".join(known)]) if known else NOT_MEASURED
    missing = [_missing(key, plain) for key, value in plain.items() if is_missing(value)]
    return ", ".join(known + missing) or "–"


def _missing(key: str, result: Mapping[str, Any]) -> str:
    # Somebody who never lay still was measured very well.
    if key == "settle_s" and not is_missing(result.get("still_share")):
        return NEVER_STILL
    return f"{name_of(key)}: {NOT_MEASURED}"


def usual(found: Mapping[str, Any]) -> str:
    """How far a movement usually goes for a person, without its unit: a span where several sessions make one.

    >>> usual({"range_deg": 52.0, "span_deg": [48.2, 54.9]}), usual({"range_deg": 52.0, "span_deg": None})
    ('48 to 55', '52')
    """
    low, high = (f"{deg:.0f}" for deg in found.get("span_deg") or (found["range_deg"], found["range_deg"]))
    return low if low == high else f"{low} to {high}"


def comfort(said: Mapping[str, Any]) -> str:
    """Comfort as it was said, never judged; empty when it was not.

    >>> comfort({"before": 6, "after": 4}), comfort({"before": None, "after": 7}), comfort({})
    ('6 before, 4 after', '7 after', '')
    """
    return ", ".join(f"{said[when]} {when}" for when in ("before", "after") if said.get(when) is not None)


def counted(n_whole: int, n_small: int = 0, one: str = "", many: str = "") -> str:
    """How often something was done; far smaller ones are named beside the others, in the same way everywhere.

    >>> counted(8, 1, "rep", "reps"), counted(8, 2), counted(1, 0, "rep", "reps"), counted(0, 2, "rep", "reps")
    ('8 reps and a small one', '8 and 2 small ones', '1 rep', '0 reps and 2 small ones')
    """
    name = one if n_whole == 1 else many
    small = {0: "", 1: " and a small one"}.get(n_small, f" and {n_small} small ones")
    return f"{n_whole}{f' {name}' if name else ''}{small}"


def times(n: int) -> str:
    """How often, in words.

    >>> times(1), times(2), times(11)
    ('once', 'twice', '11 times')
    """
    return {1: "once", 2: "twice"}.get(n, f"{n} times")


def as_sentence(text: str) -> str:
    """A remark with a capital and a full stop.

    >>> as_sentence("no movement seen")
    'No movement seen.'
    """
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def listed(parts: Sequence[str]) -> str:
    """Words in a row, with an "and" before the last.

    >>> listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])
    ('a', 'a and b', 'a, b and c')
    """
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1] if parts else ""

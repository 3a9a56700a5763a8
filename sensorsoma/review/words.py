"""How a number is said to a person: quantities with their units, steps asked and done, times as a clock shows them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

NOT_MEASURED = "not measured"

UNITS: tuple[tuple[str, str], ...] = (
    ("_deg_per_min", "°/min"),
    ("_per_min", "/min"),
    ("_deg", "°"),
    ("_hz", "Hz"),
    ("_mps2", "m/s²"),
    ("_radps", "rad/s"),
    ("_share", "%"),
    ("_s", "s"),
)
"""Name endings and what is printed for them; the first that fits counts. A share is printed in percent."""

NAMES: dict[str, str] = {
    "arrival_deg": "arrival angle",
    "final_deg": "angle at the end",
    "sink_deg": "sink",
    "sink_deg_per_min": "sink rate",
    "fall_s": "time of the fall",
    "out_s": "way out",
    "hold_s": "hold",
    "back_s": "way back",
    "sparc": "smoothness (SPARC)",
    "began_on_exhale": "began on the exhale",
    "openness_kept_share": "openness kept in the slide",
    "residual_deg": "outward roll that stays after settling",
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
    "reps_with_pelvis_rolling": "reps with the pelvis rolling along",
    "start_s": "from",
    "end_s": "to",
    "do": "movement",
    "back_swing_deg": "swing behind the body",
    "settle_s": "time to stillness",
    "movement_deg": "way wandered",
    "depth_deg": "depth",
    "posture_before": "lay before",
    "posture_after": "lay after",
    "n_rolls": "times",
    "still_share": "still",
    "is_measured": "measured",
    "rate_per_min": "breaths",
    "inhale_share": "inhale, share of a breath",
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
    "unknown": "Movement",
}
ENDED_BY: dict[str, str] = {
    "reps": "repetitions",
    "breaths": "breaths",
    "seconds": "time",
    "event": "the movement seen",
    "person": "the person",
    "stop": "stop",
    "timed": "timed",
}
POSTURES: dict[str, str] = {
    "supine": "on the back",
    "prone": "on the front",
    "left_up": "left side up",
    "right_up": "right side up",
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
    ('range', 'angle at the end')
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
            return f"{100 * value:.0f}"
        digits = 3 if field.endswith("_radps") else 2 if field.endswith(("_mps2", "sparc")) else 1
        return f"{value:.{digits}f}".replace("-", "−")
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


def asked(wish: Mapping[str, Any]) -> str:
    """What the plan asked of a step.

    >>> asked({"reps": 8}), asked({"breaths": 6, "seconds": 60}), asked({"open": True})
    ('8 reps', '6 breaths, 60 s', 'as long as wanted')
    """
    parts = [_wish(key, value) for key, value in wish.items() if value is not None and value is not False]
    return ", ".join(parts) or "–"


def _wish(key: str, value: Any) -> str:
    if key == "open":
        return "as long as wanted"
    if key == "seconds":
        return f"{value:g} s"
    if key in ("reps", "breaths", "cycles"):
        return f"{value} {key[:-1] if value == 1 else key}"
    if key == "event":
        return f"until {str(value).replace('_', ' ')}"
    if key == "moves_sensor_to":
        return f"the sensor moves to the {str(value).replace('-', ' ')}"
    return _fact(key, value)


def _fact(key: str, value: Any) -> str:
    """One thing that was done or measured."""
    if key in ("reps", "breaths", "cycles", "seconds"):
        return _wish(key, value)
    if key == "event":
        return str(value).replace("_", " ")
    if key == "weak":
        return "weak evidence"
    if isinstance(value, bool):
        return f"{name_of(key)}: {'yes' if value else 'no'}"
    if key == "posture":
        return POSTURES.get(str(value)) or str(value)
    return f"{name_of(key)} {quantity(key, value)}"


def done(result: Mapping[str, Any], is_measured: bool) -> str:
    """What was done in a step; what could not be measured says so.

    >>> done({"reps": 8}, True), done({"event": "arrived", "breaths": None}, True), done({"reps": None}, False)
    ('8 reps', 'arrived, breaths: not measured', 'not measured')
    """
    plain = {key: value for key, value in result.items() if not isinstance(value, Mapping) and value != ""}
    # Resting without a support is the ordinary case and needs no word.
    known = [_fact(key, v) for key, v in plain.items() if not is_missing(v) and not (key == "supported" and v is False)]
    if not is_measured:
        return "; ".join([NOT_MEASURED, ", ".join(known)]) if known else NOT_MEASURED
    missing = [f"{name_of(key)}: {NOT_MEASURED}" for key, value in plain.items() if is_missing(value)]
    return ", ".join(known + missing) or "–"


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

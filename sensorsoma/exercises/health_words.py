"""What is said of a sensor that measures less well than it could: calm sentences, each with what to do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sensorsoma.units import DEG, GOOD_REST_G, STANDARD_GRAVITY_MPS2, USABLE_REST_G

MOST_OFFSET_DPS = 5.0
"""The orientation filter takes a gyroscope offset of up to 5 deg/s off by itself."""
MOST_LOST_SHARE = 0.03
"""Share of the time lost in gaps beyond which the link is named."""
RATE_SHARE = 0.1
"""The rate may differ from the asked one by this share."""
MOST_JITTER = 0.5
"""Intervals that vary by more than half their length: times of single samples cannot be trusted."""
COARSE_STEP_MPS2 = STANDARD_GRAVITY_MPS2 / 100.0
"""Steps above 0.01 g turn gravity by half a degree and more."""
CLIPPED_SHARE = 1e-4
"""Less is a knock."""


def health_notes(found: Mapping[str, Any]) -> list[str]:
    """One sentence for everything that is off; empty for a sensor that measures well."""
    notes = [_rest(found), _clipping(found), _lost(found), _rate(found), _offset(found), _step(found)]
    return [note for note in notes if note is not None]


def _rest(found: Mapping[str, Any]) -> str | None:
    low, high = found["rest_norm_low_g"], found["rest_norm_high_g"]
    if low is None or high is None:
        return "it never rested for a second, so how well it reads gravity is not known"
    reads = f"{low:.3f} g" if high - low < 0.005 else f"{low:.3f} to {high:.3f} g"
    if low < USABLE_REST_G[0] or high > USABLE_REST_G[1]:
        return (
            f"its gravity reads {reads} at rest, far from 1: its unit, range or scale is wrong. Do not rely on its "
            "angles; counts and times hold"
        )
    off = found["rest_corrected_off_g"]
    if off is not None:
        if off <= GOOD_REST_G[1] - 1.0:
            return "offset and gain of its accelerometer, as fitted from still poses, are taken off"
        return (
            f"its gravity is still {off:.2f} g off at rest with the kept correction: the correction may be another "
            "sensor's or an old one's; fit it anew"
        )
    if GOOD_REST_G[0] <= low and high <= GOOD_REST_G[1]:
        return None
    degrees = max(1, round(math.asin(max(1.0 - low, high - 1.0)) / DEG))
    said = f"its gravity reads {reads} at rest: its angles may be off by up to {degrees} degree{'s' * (degrees > 1)}"
    fit = found.get("fit")
    if fit is not None and fit["refused"] is None:
        return f"{said}; the still poses of this session tell by how much, and the option --fit-sensor takes it off"
    return f"{said}; laying it still on its six sides, three seconds each, while recording lets that be taken off"


def _clipping(found: Mapping[str, Any]) -> str | None:
    for name, what in (("acc_clipping", "acceleration"), ("gyr_clipping", "rotation")):
        clipping = found[name]
        if clipping is not None and clipping["share"] > CLIPPED_SHARE:
            return (
                f"its {what} reached the end of its range in {100 * clipping['share']:.2g} % of the samples "
                f"({clipping['longest_s']:.2f} s at the longest): choose a larger range"
            )
    return None


def _lost(found: Mapping[str, Any]) -> str | None:
    share = found["lost_share"]
    if share is None or share <= MOST_LOST_SHARE:
        return None
    return f"{100 * share:.0f} % of its time is missing: bring the computer to the same side of the bed as the sensor"


def _rate(found: Mapping[str, Any]) -> str | None:
    rate, expected, spread = found["rate_hz"], found["expected_hz"], found["interval_sd_ms"]
    if rate is not None and expected is not None and abs(rate / expected - 1.0) > RATE_SHARE:
        return f"it sent {rate:.0f} samples a second where {expected:.0f} were asked for; times are right all the same"
    if rate is not None and spread is not None and spread * rate / 1000.0 > MOST_JITTER:
        return f"its samples come unevenly (intervals vary by {spread:.0f} ms): shaking and smoothness are less sure"
    return None


def _offset(found: Mapping[str, Any]) -> str | None:
    offset = found["gyr_offset_dps"]
    size = 0.0 if offset is None else max(abs(value) for value in offset)
    if size <= MOST_OFFSET_DPS:
        return None
    return (
        f"its gyroscope turns by {size:.0f} degrees a second while it lies still, more than is taken off by itself: "
        "switch it on and leave it lying for a minute, or calibrate it"
    )


def _step(found: Mapping[str, Any]) -> str | None:
    step = found["acc_step_mps2"]
    if step is None or step < COARSE_STEP_MPS2:
        return None
    degrees = math.asin(min(step / STANDARD_GRAVITY_MPS2, 1.0)) / DEG
    return (
        f"it reads gravity in steps of {step / STANDARD_GRAVITY_MPS2:.3f} g, which is {degrees:.1f} degrees: "
        "choose a finer range or filter if it has one"
    )

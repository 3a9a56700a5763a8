"""How fast a knee fell, how long it slid, and how still it lay afterwards."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorsoma.exercises.quiet import quiet_of
from sensorsoma.messages import Floats
from sensorsoma.units import DEG

SMOOTH_BINS = 7
"""Speed is a mean over 0.28 s: skin that swings at 4 Hz cancels, a fall of 1.4 s keeps its peak."""


def fall_speeds(t_s: Floats, opening_rad: Floats, rate_radps: Floats | None) -> dict[str, Any]:
    """Mean and peak speed of a fall from its first to its last bin, degrees a second.

    Args:
        t_s: `(n,)` from the start of the fall to its arrival.
        opening_rad: `(n,)` opening by gravity.
        rate_radps: `(n,)` rate about the fall's axis; None without gyroscope: then gravity's direction is
            differentiated, which a fast fall disturbs.
    """
    if len(t_s) < SMOOTH_BINS + 2 or float(np.diff(t_s).max()) > 0.3:
        return {"fall_speed_deg_per_s": None, "fall_peak_deg_per_s": None}
    rate = np.gradient(opening_rad, t_s) if rate_radps is None else rate_radps
    smooth = np.convolve(rate, np.full(SMOOTH_BINS, 1.0 / SMOOTH_BINS), mode="valid")
    mean = abs(float(opening_rad[-1] - opening_rad[0])) / float(t_s[-1] - t_s[0])
    return {"fall_speed_deg_per_s": mean / DEG, "fall_peak_deg_per_s": float(np.abs(smooth).max()) / DEG}


def stillness_around(
    t_s: Floats, up: Floats, gyr: Floats | None, rest: tuple[float, float], straight: tuple[float, float] | None
) -> dict[str, Any]:
    """Share of the open rest that was still; time from the straight leg to stillness, and its share from there on."""

    def within(start_s: float, end_s: float) -> slice:
        begin, end = np.searchsorted(t_s, [start_s, end_s])
        return slice(int(begin), int(end))

    part = within(*rest)
    found = {
        "rest_still_share": quiet_of(t_s[part], up[part], None if gyr is None else gyr[part]).still_share(),
        "settle_s": None, "settled_still_share": None,
    }  # fmt: skip
    if straight is not None:
        part = within(*straight)
        quiet = quiet_of(t_s[part], up[part], None if gyr is None else gyr[part])
        settled_s = quiet.settled_s()
        found["settle_s"] = None if settled_s is None else settled_s - straight[0]
        found["settled_still_share"] = quiet.still_share()
    return found

"""What is told of finished pelvic rocking: the tilt curve, and every cycle with its size, times and smoothness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import ArcFit
from sensorsoma.dsp.turning_points import TurningPoint
from sensorsoma.exercises.repetitions import SlowTrack, angles_from, measure_rep, top_time
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.exercises.tempo import Speeds, ways_sparc
from sensorsoma.messages import Floats, Placement
from sensorsoma.units import DEG


@dataclass(slots=True)
class Cycle:
    """An arch and the flattening that followed."""

    arch: TurningPoint
    flatten: TurningPoint


def tilt_angle(
    fit: ArcFit, track: SlowTrack, cycles: Sequence[Cycle], placement: Placement, mark_cosine: float, notes: list[str]
) -> Floats:
    """Tilt `(n,)` rad from the starting pose, the first movement positive; how far to trust it goes into `notes`."""
    first = cycles[0]
    angle = angles_from(fit, np.array(first.arch.from_up), track.up, np.array(first.arch.up))
    if placement != "pelvis":
        notes.append(
            "belly tilt: a phone on the belly follows the pelvis in part, and breath is in it: weak evidence"
            if placement == "belly"
            else "seen from a thigh, which follows the pelvis a little: weak evidence"
        )
        return angle
    # Arching tips the front of the pelvis towards the feet, so that gravity's "up" turns towards the head: +y.
    along = np.array(first.arch.up) - np.array(first.flatten.up)
    towards_head = float(along[1]) / max(1e-9, float(np.linalg.norm(along)))
    if abs(towards_head) < mark_cosine:
        notes.append("sensor orientation unknown: the first movement is taken as the arch, as instructed")
    elif towards_head < 0.0:
        notes.append("the first movement is taken as the arch, as instructed, though the sensor's mark says otherwise")
    return angle


WAVER_SHARE = 0.2
"""A way to the arch that gives back this share of the cycle and goes on holds a half-hearted cycle ..."""
WAVER_DEG = 1.5
"""... if it gives back this much: breath moves the pelvis by half a degree."""


def wavers(cycle: Cycle, t_s: Floats, angle: Floats) -> list[tuple[float, float]]:
    """Foot and top (s) of every rise inside the way to an arch, in order of time.

    The last top is the arch; each one before it is that of a half-hearted cycle, which ends at the foot of the next.
    """
    first, last = np.searchsorted(t_s, [cycle.arch.from_s, cycle.arch.t_s])
    size = float(angle[last]) - float(np.interp(cycle.flatten.t_s, t_s, angle))
    least = max(WAVER_SHARE * size, WAVER_DEG * DEG)
    found: list[tuple[float, float]] = []
    top = far = int(last)
    is_falling = True  # backwards in time, from the arch down to its foot
    for i in range(int(last), int(first) - 1, -1):
        sign = 1.0 if is_falling else -1.0
        if sign * angle[i] < sign * angle[far]:
            far = i
        elif sign * (angle[i] - angle[far]) > least:
            if is_falling:
                found.append((float(t_s[far]), float(t_s[top])))
            else:
                top = far
            far, is_falling = i, not is_falling
    if is_falling:
        found.append((float(t_s[far]), float(t_s[top])))
    return found[::-1]


def waver_json(
    foot_s: float, top_s: float, low_s: float, t_s: Floats, angle: Floats, speeds: Speeds, start_s: float
) -> dict[str, Any] | None:
    """A half-hearted cycle inside the way to an arch, from its foot over its top to its low."""
    shape = measure_rep(t_s, angle, foot_s, top_s, low_s)
    if shape is None:
        return None
    arch, flatten = np.interp([top_s, low_s], t_s, angle) / DEG
    return {
        "arch_s": max(shape.peak_s, start_s),
        "flatten_s": max(low_s, start_s),
        "anterior_deg": float(arch),
        "posterior_deg": float(flatten),
        "start_s": max(shape.start_s, start_s),
        "end_s": max(low_s, start_s),
        "range_deg": float(arch - flatten),
        "out_s": shape.top_start_s - shape.start_s,
        "hold_s": shape.top_end_s - shape.top_start_s,
        "back_s": low_s - shape.top_end_s,
        "sparc": ways_sparc(speeds, [(shape.start_s, shape.top_start_s), (shape.top_end_s, low_s)]),
        "partial": True,
        "tremor": None,
    }


def cycle_json(
    cycle: Cycle, t_s: Floats, angle: Floats, speeds: Speeds, shaking: Shaking, *, start_s: float, is_partial: bool
) -> dict[str, Any]:
    """One cycle: to the arch, the time there, and the way to the flattening."""
    (arch_s, arch), (flatten_s, flatten) = (top_time(t_s, angle, turn.t_s) for turn in (cycle.arch, cycle.flatten))
    rises = wavers(cycle, t_s, angle)
    foot_s = rises[-1][0] if rises else cycle.arch.from_s
    found: dict[str, Any] = {
        "arch_s": max(arch_s, start_s),
        "flatten_s": max(flatten_s, start_s),
        "anterior_deg": arch / DEG,
        "posterior_deg": flatten / DEG,
        "start_s": max(foot_s, start_s),
        "end_s": max(cycle.flatten.t_s, start_s),
        "range_deg": (arch - flatten) / DEG,
        "out_s": None,
        "hold_s": None,
        "back_s": None,
        "sparc": None,
        "partial": is_partial,
        "tremor": None,
    }
    shape = measure_rep(t_s, angle, foot_s, cycle.arch.t_s, max(cycle.flatten.t_s, flatten_s))
    if shape is not None:
        found |= {
            "start_s": max(shape.start_s, start_s),
            "end_s": max(shape.end_s, start_s),
            "out_s": shape.top_start_s - shape.start_s,
            "hold_s": shape.top_end_s - shape.top_start_s,
            "back_s": shape.end_s - shape.top_end_s,
            "sparc": ways_sparc(speeds, [(shape.start_s, shape.top_start_s), (shape.top_end_s, shape.end_s)]),
            "tremor": tremor_json(shaking.within(shape.start_s, shape.end_s)),
        }
    return found

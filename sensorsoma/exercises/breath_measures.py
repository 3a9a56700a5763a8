"""What breath adds to a measured stretch: figures at rest, a fall on the exhale, sink while breathing out, a lag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sensorsoma.dsp.breath import BreathParams
from sensorsoma.dsp.breath_figures import THIGH, TRUNK, BreathFigures, seen_breath
from sensorsoma.dsp.breath_phase import lag_of, was_exhaling
from sensorsoma.messages import Floats, Placement, SegmentCurve, SegmentMeasured

ORDER: tuple[Placement, ...] = ("belly", "pelvis", "right-thigh", "left-thigh")
"""From best to worst."""

FIGURES = (
    "rate_per_min", "inhale_share", "amplitude_deg", "amplitude_trend_deg_per_min", "n_breaths", "seen_share",
)  # fmt: skip
"""What is told of breathing, all None when it was not seen."""

ROCKS_SHARE = 0.8
"""Breath moves a strap at the hip bones by a fifth of what it moves the belly; a pelvis that rocks moves more than a
phone on the belly, which follows it in part. A strap that moves by more than this share of the belly's depth rocks."""

AT_REST = frozenset({"rest", "stillness"})

PARAMS = BreathParams()


class Track(Protocol):
    """Where the directions of a sensor are kept."""

    def between(self, start_s: float, end_s: float) -> tuple[Floats, Floats]:
        """Times `(n,)` and directions `(n, 3)` with start <= t < end."""
        ...


Tracks = Mapping[Placement, Track]


def with_breath(output: SegmentMeasured, tracks: Tracks, curve: SegmentCurve | None) -> dict[str, Any]:
    """The measures of a stretch, with breath where it belongs to them."""
    measures = dict(output.measures)
    if output.exercise in AT_REST:
        measures["breath"] = _at_rest(tracks, output.start_s, output.end_s)
    elif (
        output.exercise == "breathing"
        and output.placement == "belly"
        and _rocks(tracks, measures.get("amplitude_deg"), output.start_s, output.end_s)
    ):
        measures |= dict.fromkeys(FIGURES)
        measures["notes"] = ["the pelvis moved with the belly, so that breath is not told from that movement"]
    elif output.exercise == "knee_fall":
        measures["falls"] = [_with_fall(fall, output, tracks, curve) for fall in measures.get("falls") or ()]
    elif output.exercise == "clamshell":
        starts_s = [float(rep["start_s"]) for rep in measures.get("reps") or ()]
        lag = _lag(tracks, starts_s, output.end_s)
        measures |= {"breath_lag_s": lag[0], "breath_lag_reps": lag[1]}
    elif output.exercise == "pelvic_rock":
        measures |= {"breath_lag_s": None, "breath_lag_reps": 0}
        if _trunks(tracks):
            note = "breath and rocking keep step by instruction, so that breath is not told from the movement"
            measures["notes"] = [*measures.get("notes", ()), note]
    return measures


def breath_json(found: BreathFigures | None, placement: Placement | None) -> dict[str, Any] | None:
    """Figures as JSON; None stays None."""
    if found is None:
        return None
    return {
        "rate_per_min": round(found.rate_per_min, 2),
        "inhale_share": None if found.inhale_share is None else round(found.inhale_share, 3),
        "amplitude_deg": round(found.amplitude_deg, 3),
        "amplitude_trend_deg_per_min": None if found.trend_deg_per_min is None else round(found.trend_deg_per_min, 3),
        "n_breaths": found.n_breaths,
        "seen_share": round(min(found.seen_share, 1.0), 3),
        "placement": placement,
        "weak": placement is None or placement.endswith("thigh"),
    }


def figures_of(t_s: Floats, up: Floats, placement: Placement) -> BreathFigures | None:
    """Figures of one sensor; a thigh has to be clearer and has no mark that tells in from out."""
    if placement.endswith("thigh"):
        return seen_breath(t_s, up, THIGH, PARAMS, mark=None)
    return seen_breath(t_s, up, TRUNK, PARAMS)


def _at_rest(tracks: Tracks, start_s: float, end_s: float) -> dict[str, Any] | None:
    for placement in ORDER:
        if placement in tracks:
            found = figures_of(*tracks[placement].between(start_s, end_s), placement)
            if placement == "belly" and found is not None and _rocks(tracks, found.amplitude_deg, start_s, end_s):
                return None
            if found is not None:
                return breath_json(found, placement)
    return None


def _rocks(tracks: Tracks, belly_deg: float | None, start_s: float, end_s: float) -> bool:
    """True when a pelvis sensor shows that what the belly does is the pelvis moving."""
    if "pelvis" not in tracks or belly_deg is None:
        return False
    _, up = tracks["pelvis"].between(start_s, end_s)
    if len(up) < 2:
        return False
    moved_rad = float(np.subtract(*np.percentile(up, (85, 15), axis=0)).max())
    return bool(moved_rad > ROCKS_SHARE * np.radians(belly_deg))


def _trunks(tracks: Tracks) -> list[Placement]:
    return [placement for placement in ORDER[:2] if placement in tracks]


def _with_fall(
    fall: Mapping[str, Any], output: SegmentMeasured, tracks: Tracks, curve: SegmentCurve | None
) -> dict[str, Any]:
    found = dict(fall)
    start_s, rest_s = fall.get("fall_start_s"), fall.get("rest_start_s")
    end_s = fall.get("rest_end_s") or output.end_s
    for placement in _trunks(tracks):
        if start_s is not None and found.get("began_on_exhale") is None:
            found["began_on_exhale"] = _exhaling(tracks[placement], float(start_s), rest_s, float(end_s))
        if rest_s is None or found.get("breaths_per_min") is not None:
            continue
        figures = figures_of(*tracks[placement].between(float(rest_s), float(end_s)), placement)
        if figures is not None:
            found["breaths_per_min"] = round(figures.rate_per_min, 2)
            found["sink_on_exhale_deg"] = _sink_on_exhale(figures, curve, fall, float(rest_s), float(end_s))
    return found


def _exhaling(track: Track, at_s: float, rest_s: float | None, end_s: float) -> bool | None:
    end_s = min(end_s, at_s + 120.0)
    rest = None if rest_s is None else (float(rest_s), end_s)
    return was_exhaling(*track.between(at_s - 60.0, max(at_s + 5.0, end_s)), at_s, TRUNK, PARAMS, rest_s=rest)


def _sink_on_exhale(
    figures: BreathFigures, curve: SegmentCurve | None, fall: Mapping[str, Any], start_s: float, end_s: float
) -> float | None:
    """Degrees of the sink that were gained while breathing out; None unless breaths fill most of the rest.

    Told as the exhales' share of what the curve gained over whole breaths, times the measured sink: the curve itself
    may still settle after the fall.
    """
    sink, known_s = fall.get("sink_deg"), sum(breath.period_s for breath in figures.breaths)
    if curve is None or sink is None or figures.inhale_share is None or known_s < 0.7 * (end_s - start_s):
        return None
    keep = np.isfinite(curve.angle_deg)
    if not keep.any():
        return None
    at = [np.interp([b.inhale_s, b.exhale_s, b.end_s], curve.t_s[keep], curve.angle_deg[keep]) for b in figures.breaths]
    out, whole = sum(float(c - b) for a, b, c in at), sum(float(c - a) for a, b, c in at)
    return round(out / whole * float(sink), 2) if abs(whole) > 0.5 else None


def _lag(tracks: Tracks, starts_s: Sequence[float], end_s: float) -> tuple[float | None, int]:
    for placement in _trunks(tracks) if starts_s else ():
        found = lag_of(*tracks[placement].between(starts_s[0] - 60.0, end_s), starts_s, TRUNK, PARAMS)
        if found is not None:
            return round(found.median_s, 2), found.n_movements
    return None, 0

"""The session as DataFrames, units in the column names, for the page, the notebook and whoever wants to count further.

Every table has all its columns even when it is empty. Times are seconds from the first sample; what was not measured is
missing (NaN or None), never 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from sensorsoma.review import words
from sensorsoma.review.trace import Segment, SessionTrace

TREMOR_FIELDS = ("share", "freq_hz", "rms_mps2", "rms_radps")
FALL_TIMES = ("knee_up_s", "fall_start_s", "rest_start_s", "rest_end_s", "slide_end_s")
FALL_MEASURES = (
    "arrival_deg", "final_deg", "sink_deg", "sink_deg_per_min", "fall_s", "fall_speed_deg_per_s", "began_on_exhale",
    "openness_kept_share", "residual_deg", "supported", "pelvis_roll_deg", "hip_only_deg", "breaths_per_min",
)  # fmt: skip
"""What is read first of a fall."""
FALL_DETAILS = (
    "fall_peak_deg_per_s", "sink_on_exhale_deg", "rest_still_share", "slide_s", "settle_s", "settled_still_share",
    "pelvis_share", "angle_uncertainty_deg", "openness_kept_uncertainty", "residual_uncertainty_deg",
)  # fmt: skip
REP_FIELDS = (
    "start_s",
    "peak_s",
    "end_s",
    "range_deg",
    "out_s",
    "hold_s",
    "back_s",
    "sparc",
    "partial",
    "pelvis_roll_deg",
    "pelvis_share",
    "hip_only_deg",
)
CYCLE_FIELDS = ("arch_s", "flatten_s", "anterior_deg", "posterior_deg", "out_s", "hold_s", "back_s", "sparc", "partial")
WHO = ("exercise", "side", "placement")
OTHER_MEASURES = (
    "hold_s", "freq_hz", "amplitude_deg", "steadiness", "back_swing_deg", "uncertainty_deg", "angle_deg", "sink_deg",
    "depth_deg", "angle_uncertainty_deg", "duration_s", "settle_s", "still_share", "rest_still_share", "slide_s",
    "movement_deg_per_min", "moving_share", "range_uncertainty_deg", "breath_lag_s", "posture_before",
    "posture_after", "turned_s",
)  # fmt: skip
"""Single values that a segment may carry."""
BREATH_FIELDS: dict[str, str] = {
    "breath_rate_per_min": "rate_per_min",
    "breath_inhale_share": "inhale_share",
    "breath_depth_deg": "amplitude_deg",
    "breath_trend_deg_per_min": "amplitude_trend_deg_per_min",
    "n_breaths": "n_breaths",
    "breath_seen_share": "seen_share",
}
"""Columns of breath, and what they are called where they stand in a segment."""
BREATH_FIRST = ("breath_rate_per_min", "breath_inhale_share", "breath_depth_deg")
PELVIS_FIELDS = tuple(f"pelvis_{f}" for f in ("settle_s", "still_share", "movement_deg_per_min", "moving_share"))
QUIET_DETAILS = (
    "movement_deg", "turn_rms_deg_per_s", *PELVIS_FIELDS, "breath_trend_deg_per_min", "n_breaths", "breath_seen_share",
    "breath_lag_reps",
)  # fmt: skip
"""Single values for those who look closer."""


def reps_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per repetition, numbered as it was counted; `partial` marks those far smaller, which have no number."""
    rows = []
    for segment in trace.segments:
        for label, rep in numbered_reps(segment):
            tremor = rep.get("tremor") or {}
            rows.append(
                _who(segment)
                | {"rep": label}
                | {field: rep.get(field) for field in REP_FIELDS}
                | {f"tremor_{field}": tremor.get(field) for field in TREMOR_FIELDS}
            )
    return _frame(rows, (*WHO, "rep", *REP_FIELDS, *(f"tremor_{field}" for field in TREMOR_FIELDS)))


def falls_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per knee fall, with its five moments and its measures; `supported` rests enter no difference."""
    fields = (*FALL_TIMES, *FALL_MEASURES, *FALL_DETAILS)
    rows = [
        _who(segment) | {"fall": index} | {field: fall.get(field) for field in fields}
        for segment in trace.segments
        for index, fall in enumerate(segment.get("falls") or (), start=1)
    ]
    return _frame(rows, (*WHO, "fall", *fields))


def cycles_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per pelvic rocking cycle, far smaller ones (`partial`) after the others and without a number.

    `weak` where a thigh saw it, `is_finding` where one tilt was asked for, to find it.
    """
    rows = [
        _who(segment)
        | {"cycle": None if is_partial else index, "is_finding": is_finding(segment)}
        | {field: cycle.get(field) for field in CYCLE_FIELDS}
        | {"weak": bool(segment.get("weak")), "partial": is_partial}
        for segment in trace.segments
        for is_partial, key in ((False, "cycles"), (True, "partial_cycles"))
        for index, cycle in enumerate(segment.get(key) or (), start=1)
    ]
    return _frame(rows, (*WHO, "cycle", *CYCLE_FIELDS, "weak", "is_finding"))


def rolls_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per direction of a set of knee rolls: how often the knees went there, and how far."""
    rows = [
        _who(segment) | {"direction": direction, "n_rolls": one.get("count"), "range_deg": one.get("range_deg")}
        for segment in trace.segments
        for direction, one in (segment.get("sides") or {}).items()
    ]
    return _frame(rows, (*WHO, "direction", "n_rolls", "range_deg"))


def shaking_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per stretch, rep or hold in which shaking was seen: share of the time, frequency, strength.

    `is_sum` marks a whole set that has rows of its own reps too, `is_part` the rows of reps in such a set.
    """
    rows = []
    for segment in trace.segments:
        shaking_reps = [(label, rep) for label, rep in numbered_reps(segment) if rep.get("tremor")]
        tremor = segment.get("tremor")
        if tremor:
            begin = trace.shaking_from_s(segment)
            t_s = None if begin is None else float(begin) + float(tremor.get("onset_s") or 0)
            where = "hold" if segment.get("hold_s") is not None else "whole stretch"
            rows.append(_shaking(segment, where, t_s, tremor, is_sum=bool(shaking_reps)))
        for label, rep in shaking_reps:
            where = "small rep" if label is None else f"rep {label}"
            rows.append(_shaking(segment, where, rep.get("peak_s"), rep["tremor"], is_part=bool(tremor)))
    return _frame(
        rows,
        (*WHO, "where", "t_s", "band", *TREMOR_FIELDS, "onset_s", "is_sum", "is_part"),
    )


def segments_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per measured stretch: what, where, when, how many, and the single numbers that belong to it."""
    rows = [
        _who(segment)
        | {field: segment.get(field) for field in ("start_s", "end_s", "count", *OTHER_MEASURES, *QUIET_DETAILS)}
        | _breath(segment)
        | {field: (segment.get("pelvis") or {}).get(field.removeprefix("pelvis_")) for field in PELVIS_FIELDS}
        | {"weak": bool(segment.get("weak")), "notes": " ".join(segment.get("notes") or ())}
        for segment in trace.segments
    ]
    columns = dict.fromkeys((*WHO, "start_s", "end_s", "count", *OTHER_MEASURES, *BREATH_FIELDS, *QUIET_DETAILS))
    return _frame(rows, (*columns, "weak", "notes"))


def counts_of(segment: Segment) -> tuple[int | None, int]:
    """How many whole repetitions or full cycles a stretch held, and how many far smaller ones besides.

    A swing out and one in make one knee roll, so that two small swings make one small roll.
    """
    count = segment.get("count")
    if count is None:
        return None, 0
    if segment.get("partial_cycles"):
        return int(count), len(segment["partial_cycles"])
    reps = segment.get("reps") or ()
    n_small = sum(bool(rep.get("partial")) for rep in reps)
    if has_swings(segment):
        n_small //= 2
    return int(count) - n_small, n_small


def has_swings(segment: Segment) -> bool:
    """True where `reps` are swings to one side and back, two to a cycle."""
    return any(rep.get("direction") for rep in segment.get("reps") or ())


def steps_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per step of the plan: asked against done, in words; empty without a plan."""
    rows = [
        {
            "step": step.index + 1,
            "title": step.title,
            "side": step.side,
            "start_s": trace.from_first_sample(step.start_s),
            "end_s": trace.from_first_sample(step.end_s),
            "asked": words.asked(step.asked),
            "done": words.done(step.done, step.is_measured),
            "ended_by": step.ended_by,
            "is_measured": step.is_measured,
        }
        for step in trace.steps
    ]
    return _frame(rows, ("step", "title", "side", "start_s", "end_s", "asked", "done", "ended_by", "is_measured"))


def gaps_table(trace: SessionTrace) -> pd.DataFrame:
    """One row per sensor and reason: how many gaps, samples known to be lost, seconds in all, longest."""
    kinds = dict.fromkeys((gap.channel, gap.reason) for gap in trace.gaps)
    rows = []
    for channel, reason in kinds:
        gaps = [gap for gap in trace.gaps if (gap.channel, gap.reason) == (channel, reason)]
        lost = [gap.n_lost for gap in gaps if gap.n_lost is not None]
        lengths_s = [gap.end_s - gap.start_s for gap in gaps]
        rows.append(
            {
                "channel": channel,
                "reason": reason,
                "n_gaps": len(gaps),
                "n_lost": sum(lost) if lost else None,
                "total_s": sum(lengths_s),
                "longest_s": max(lengths_s),
            }
        )
    return _frame(rows, ("channel", "reason", "n_gaps", "n_lost", "total_s", "longest_s"))


def is_finding(segment: Segment) -> bool:
    """True where one pelvic tilt was asked for, to find it: it is no part of the set that follows."""
    asked = (segment.get("plan") or {}).get("asked") or {}
    return segment.get("exercise") == "pelvic_rock" and asked.get("reps") == 1


def numbered_reps(segment: Segment) -> list[tuple[int | None, Mapping[str, Any]]]:
    """The reps of a segment with the numbers under which they were counted and spoken; None for far smaller ones."""
    numbers = itertools.count(1)
    return [(None if rep.get("partial") else next(numbers), rep) for rep in segment.get("reps") or ()]


def _who(segment: Segment) -> dict[str, Any]:
    return {field: segment.get(field) for field in WHO}


def _breath(segment: Segment) -> dict[str, Any]:
    found = segment if segment.get("exercise") == "breathing" else segment.get("breath") or {}
    # Depth of breath and size of a rocking have one name in the JSON; side by side they need two.
    size = {"amplitude_deg": None} if found is segment else {}
    return {column: found.get(field) for column, field in BREATH_FIELDS.items()} | size


def _shaking(
    segment: Segment, where: str, t_s: Any, tremor: Mapping[str, Any], is_sum: bool = False, is_part: bool = False
) -> dict[str, Any]:
    found = {field: tremor.get(field) for field in (*TREMOR_FIELDS, "onset_s", "band")}
    return _who(segment) | {"where": where, "t_s": t_s, "is_sum": is_sum, "is_part": is_part} | found


TEXT_COLUMNS = frozenset((
    *WHO, "where", "direction", "posture_before", "posture_after", "title", "asked", "done", "ended_by", "notes",
    "channel", "reason", "partial", "supported", "began_on_exhale", "weak", "is_measured", "is_sum", "is_part", "band",
    "is_finding",
))  # fmt: skip
WHOLE_COLUMNS = frozenset(
    ("rep", "fall", "cycle", "step", "count", "n_rolls", "n_gaps", "n_lost", "n_breaths", "breath_lag_reps")
)


def _frame(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    # Objects first: pandas would turn a missing word into NaN, and a missing count into a float.
    frame = pd.DataFrame(list(rows), columns=list(columns), dtype="object")
    for column in columns:
        if column in WHOLE_COLUMNS:
            frame[column] = frame[column].astype("Int64")
        elif column not in TEXT_COLUMNS:
            frame[column] = frame[column].astype("float64")
    return frame

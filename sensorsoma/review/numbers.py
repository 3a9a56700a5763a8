"""The tables below a movement's pictures: first what most people want to know, then the rest, folded away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean
from typing import Any

import pandas as pd

from sensorsoma.review import tables, words
from sensorsoma.review.page import PageTable, page_table, turned_table
from sensorsoma.review.tables import (
    BREATH_FIRST,
    FALL_DETAILS,
    FALL_MEASURES,
    OTHER_MEASURES,
    QUIET_DETAILS,
    TREMOR_FIELDS,
)
from sensorsoma.review.trace import Segment, SessionTrace

UNCERTAIN = {
    "arrival_deg": "angle_uncertainty_deg",
    "final_deg": "angle_uncertainty_deg",
    "openness_kept_share": "openness_kept_uncertainty",
    "residual_deg": "residual_uncertainty_deg",
    "range_mean_deg": "range_uncertainty_deg",
    "back_swing_deg": "uncertainty_deg",
    "angle_deg": "angle_uncertainty_deg",
}
"""Measures that stand with their uncertainty in one cell, so that neither is read without the other."""
USUAL_NOTE = " Usual: where the middle of the latest sessions before this one lay, from the smallest to the largest."
USUAL_ROLLS = " Of knee rolls it is the whole way, outward and inward together."
SET_MEASURES = ("range_mean_deg", "range_span_deg", "out_mean_s", "back_mean_s")


def movement_tables(trace: SessionTrace, exercises: Sequence[str]) -> Iterator[PageTable]:
    """All tables of a section; `exercises` share it."""
    falls, reps, cycles, rolls = (
        table[table["exercise"].isin(exercises)]
        for table in (
            tables.falls_table(trace),
            tables.reps_table(trace),
            tables.cycles_table(trace),
            tables.rolls_table(trace),
        )
    )
    if not len(falls):  # A fall's own table says when it was let go, and all the rest.
        yield summary_table(trace, exercises)
    else:
        yield from _fall_tables(falls)
    if len(rolls):
        yield page_table(rolls, "Rolls to each side.", ("side", "direction", "n_rolls", "range_deg"))
    if len(reps):
        yield _reps_table(reps, any(tables.has_swings(s) for s in _segments(trace, exercises)))
    if len(cycles):
        yield _cycles_table(cycles)
    details = _detail_table(trace, exercises)
    if details is not None:
        yield details


def summary_table(trace: SessionTrace, exercises: Sequence[str]) -> PageTable:
    """One row per stretch: where, when, how often, how far."""
    segments = _segments(trace, exercises)
    frame = _frame(trace, exercises)
    frame["count"] = [_count(segment) for segment in segments]
    means = pd.DataFrame([_means(segment) for segment in segments], columns=list(SET_MEASURES), index=frame.index)
    frame = _with_uncertainty(pd.concat([frame, means.astype("object")], axis=1))
    usual = [trace.usual_of(segment) for segment in segments]
    frame["usual_deg"] = [None if found is None else words.usual(found) for found in usual]
    frame["settle_s"] = [_settled(segment) for segment in segments]
    frame["breath"] = [_breath(segment) for segment in segments]
    breath = BREATH_FIRST if "breathing" in exercises else ("breath",)
    wanted = ("count", *SET_MEASURES[:2], "usual_deg", *SET_MEASURES[2:], *OTHER_MEASURES, *breath)
    shown = [name for name in wanted if frame[name].notna().any() and name not in UNCERTAIN.values()]
    is_found = [tables.is_finding(segment) for segment in segments]
    frame["exercise"] = frame["exercise"].mask(pd.Series(is_found, index=frame.index, dtype=bool), words.FINDING)
    has_names = len(exercises) > 1 or any(is_found)
    who = ("exercise", "side", "placement", "start_s", "end_s") if has_names else None
    caption = "Where and when." + (USUAL_NOTE if any(usual) else "")
    caption += USUAL_ROLLS if any(usual) and "knee_roll" in exercises else ""
    table = page_table(frame, caption, (*(who or ("side", "placement", "start_s", "end_s")), *shown))
    if shown or set(exercises) & {"knee_fall", "free"}:
        return table
    return PageTable(table.caption, table.headers, table.rows, ("anything but its time",))


def _fall_tables(falls: pd.DataFrame) -> Iterator[PageTable]:
    names = _fall_names(falls)
    first = [f for f in FALL_MEASURES if f != "supported" or falls["supported"].map(lambda value: value is True).any()]
    shown = _with_uncertainty(falls)
    note = " ± is the standard deviation to be expected." if shown["final_deg"].map(_is_text).any() else ""
    yield turned_table(shown, f"Knee falls in numbers.{note}", names, ("fall_start_s", *first))
    rest = [field for field in FALL_DETAILS if field not in UNCERTAIN.values() and falls[field].notna().any()]
    if rest:
        yield turned_table(falls, "More of the falls", names, rest, is_folded=True)


def _reps_table(reps: pd.DataFrame, are_swings: bool) -> PageTable:
    reps = reps.assign(rep=_numbers(reps["rep"], reps["partial"]))
    measured = ("range_deg", "out_s", "hold_s", "back_s", "sparc", "pelvis_roll_deg", "hip_only_deg")
    columns = [name for name in ("side", "rep", "peak_s", *measured) if name != "side" or reps["side"].notna().any()]
    what = "Each swing, to one side and back" if are_swings else "Each repetition"
    body = page_table(reps, "", columns)
    if reps["tremor_freq_hz"].isna().all():
        return PageTable(f"{what} (no shaking was seen)", body.headers, body.rows, body.not_measured, is_folded=True)
    shaking = [f"tremor_{field}" for field in TREMOR_FIELDS if field != "rms_radps"]
    extra = page_table(reps, "", [column for column in shaking if reps[column].notna().any()], missing="–")
    rows = tuple((*left, *right) for left, right in zip(body.rows, extra.rows, strict=True))
    caption = f"{what}; a dash under shaking: none was seen"
    return PageTable(caption, (*body.headers, *extra.headers), rows, body.not_measured, is_folded=True)


def _cycles_table(cycles: pd.DataFrame) -> PageTable:
    names = _numbers(cycles["cycle"], cycles["partial"])
    if cycles["is_finding"].any():
        names = [
            f"{words.FINDING}, {name}" if one else name for name, one in zip(names, cycles["is_finding"], strict=True)
        ]
    columns = ["cycle", "arch_s", "flatten_s", "anterior_deg", "posterior_deg"]
    columns += [name for name in ("out_s", "hold_s", "back_s", "sparc") if cycles[name].notna().any()]
    return page_table(cycles.assign(cycle=names), "Each cycle", columns, is_folded=True)


def _numbers(numbers: pd.Series, is_small: pd.Series) -> list[str]:
    """As they were counted; a far smaller one was not."""
    return ["small" if small else str(n) for n, small in zip(numbers, is_small, strict=True)]


def _detail_table(trace: SessionTrace, exercises: Sequence[str]) -> PageTable | None:
    frame = _frame(trace, exercises)
    shown = [name for name in QUIET_DETAILS if frame[name].notna().any()]
    if frame["breath_lag_s"].isna().all():  # How many repetitions the lag rests on says nothing without one.
        shown = [name for name in shown if name != "breath_lag_reps"]
    if not shown:
        return None
    who = ("exercise", "side", "start_s") if len(exercises) > 1 else ("side", "start_s")
    return page_table(frame, "More of these stretches", (*who, *shown), missing="–", is_folded=True)


def _segments(trace: SessionTrace, exercises: Sequence[str]) -> list[Segment]:
    return [segment for segment in trace.segments if segment.get("exercise") in exercises]


def _frame(trace: SessionTrace, exercises: Sequence[str]) -> pd.DataFrame:
    frame = tables.segments_table(trace)
    frame = frame[frame["exercise"].isin(exercises)].copy()
    frame["side"] = frame["side"].map(lambda side: side or "–")
    return frame


def _count(segment: Segment) -> str | None:
    n_whole, n_small = tables.counts_of(segment)
    return None if n_whole is None else words.counted(n_whole, n_small)


def _means(segment: Segment) -> dict[str, Any]:
    """Mean and span of a set; far smaller repetitions would blur them and stay out."""
    reps = [rep for rep in (segment.get("reps") or segment.get("cycles") or ()) if not rep.get("partial")]
    ranges, outs, backs = (
        [float(rep[field]) for rep in reps if rep.get(field) is not None] for field in ("range_deg", "out_s", "back_s")
    )
    return {
        "range_mean_deg": fmean(ranges) if ranges else None,
        "range_span_deg": _span(ranges),
        "out_mean_s": fmean(outs) if outs else None,
        "back_mean_s": fmean(backs) if backs else None,
    }


def _span(ranges: Sequence[float]) -> str | None:
    if not ranges:
        return None
    low, high = f"{min(ranges):.0f}", f"{max(ranges):.0f}"
    return low if low == high else f"{low} to {high}"


def _settled(segment: Segment) -> Any:
    # Somebody who never lay still was measured very well.
    was_long = float(segment.get("end_s") or 0) - float(segment.get("start_s") or 0) >= words.STILL_S
    is_never = was_long and segment.get("settle_s") is None and segment.get("still_share") is not None
    return "never" if is_never else segment.get("settle_s")


def _breath(segment: Segment) -> str | None:
    """Breath during a rest in a few words: "6.1/min, inhale 32 %, 0.3° deep"."""
    breath = segment.get("breath") or {}
    parts = [
        text.format(words.quantity(field, float(breath[field])))
        for field, text in (("rate_per_min", "{}"), ("inhale_share", "inhale {}"), ("amplitude_deg", "{} deep"))
        if breath.get(field) is not None
    ]
    return ", ".join(parts) + (" (weak)" if breath.get("weak") else "") if parts else None


def _with_uncertainty(frame: pd.DataFrame) -> pd.DataFrame:
    """Measures as text "71.5 ± 0.8" where both are known."""
    frame = frame.astype("object")
    for field, about in UNCERTAIN.items():
        if field in frame and about in frame:
            pairs = zip(frame[field], frame[about], strict=True)
            frame[field] = [_pair(field, value, uncertain, about) for value, uncertain in pairs]
    return frame


def _pair(field: str, value: Any, uncertain: Any, about: str) -> Any:
    if words.is_missing(value) or words.is_missing(uncertain):
        return value
    return words.with_uncertainty(field, float(value), about, float(uncertain))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _fall_names(falls: pd.DataFrame) -> list[str]:
    seen: dict[Any, int] = {}
    names = []
    for side in falls["side"]:
        seen[side] = seen.get(side, 0) + 1
        names.append(f"{side or 'Fall'} {seen[side]}".capitalize())
    return names

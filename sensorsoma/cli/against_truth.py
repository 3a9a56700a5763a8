"""What was measured beside what the virtual person really did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensorsoma.review.tables import counts_of

TOLERANCE: Mapping[str, float] = {
    "count": 0.0,
    "final_deg": 4.0,
    "arrival_deg": 4.0,
    "sink_deg": 3.0,
    "range_deg": 4.0,
    "tilt_range_deg": 3.0,
    "freq_hz": 0.5,
}
"""How far one value may be off: twice the root mean square that the benchmarks ask for; counts are exact."""


def compare(analysis: Mapping[str, Any], truth: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One row per quantity: name, what it really was, what was measured (None: not measured), whether it agrees.

    `was_away`: the sensor that measured it was out of reach for some of the time, so that a part may be missing.
    """
    rows = []
    for stretch in truth.get("stretches", ()):
        segment = _segment_of(analysis, stretch)
        for name, key, real in _real_values(stretch):
            measured = None if segment is None else _measured_value(segment, key)
            if key == "count":
                real = _count_at_the_end(stretch, measured)
            away = segment is not None and _was_away(analysis, segment)
            agrees = measured is not None and abs(measured - real) <= TOLERANCE[key]
            rows.append(
                {"name": name, "real": real, "measured": measured, "key": key, "agrees": agrees, "was_away": away}
            )
    return rows


def comparison_lines(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The rows as a small table for a terminal."""
    yield f"{'':34}{'as it was':>12}{'measured':>12}"
    for row in rows:
        digits = 0 if row["key"] == "count" else 1
        measured = "not measured" if row["measured"] is None else f"{row['measured']:.{digits}f}"
        yield f"{row['name']:<34}{row['real']:>12.{digits}f}{measured:>12}{_remark(row)}"


def _remark(row: Mapping[str, Any]) -> str:
    if row["agrees"]:
        return ""
    return "   (differs: the sensor was out of reach meanwhile)" if row["was_away"] else "   (differs)"


def _was_away(analysis: Mapping[str, Any], segment: Mapping[str, Any]) -> bool:
    """A gap of the sensor that measured the segment lies in it."""
    return any(
        gap["start_s"] < segment["end_s"] and segment["start_s"] < gap["end_s"]
        for source in analysis["input"]["sources"]
        if segment["placement"] in source["placements"]
        for gap in source["gaps"]
    )


def _segment_of(analysis: Mapping[str, Any], stretch: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The segment that was measured during the step in which the person did this."""
    for segment in analysis["segments"]:
        if (segment.get("plan") or {}).get("step") == stretch.get("step_id") and segment["exercise"] == stretch[
            "exercise"
        ]:
            found: Mapping[str, Any] = segment
            return found
    return None


def _count_at_the_end(stretch: Mapping[str, Any], measured: float | None) -> float:
    """How many repetitions the person did in the step; one under way when it ended may or may not be among them."""
    done = [rep for rep in (*stretch["reps"], *stretch["cycles"]) if not rep["partial"]]
    end_s = stretch.get("end_s") or float("inf")
    ended = sum(rep["end_s"] <= end_s for rep in done)
    begun = sum(rep["start_s"] < end_s for rep in done)
    return float(ended if measured is None else min(max(measured, ended), begun))


def _real_values(stretch: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    side = f", {stretch['side']}" if stretch.get("side") else ""
    match stretch["exercise"]:
        case "clamshell" if stretch["reps"]:
            # Far smaller ones are named beside the others in the report; nobody counted them aloud.
            yield f"clamshells{side}", "count", float(sum(not rep["partial"] for rep in stretch["reps"]))
            opening = _mean([rep["range_deg"] for rep in stretch["reps"] if not rep["partial"]])
            if opening is not None:
                yield f"clamshell opening{side} (deg)", "range_deg", opening
            yield from _real_shaking(f"clamshell shaking{side} (Hz)", stretch)
        case "knee_fall" if stretch["fall"] and stretch["fall"]["final_deg"] is not None:
            yield f"knee fall at rest{side} (deg)", "final_deg", stretch["fall"]["final_deg"]
            yield f"sink{side} (deg)", "sink_deg", stretch["fall"]["sink_deg"]
        case "pelvic_rock" if len(stretch["cycles"]) > 1:
            whole = [cycle for cycle in stretch["cycles"] if not cycle["partial"]]
            yield "pelvic rocks in the set", "count", float(len(whole))
            span = _mean([cycle["anterior_deg"] - cycle["posterior_deg"] for cycle in whole])
            if span is not None:
                yield "pelvic range (deg)", "tilt_range_deg", span
        case "pelvic_hold":
            yield from _real_shaking("shaking in the hold (Hz)", stretch)


def _real_shaking(name: str, stretch: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    if stretch.get("tremor"):
        yield name, "freq_hz", stretch["tremor"]["freq_hz"]


def _measured_value(segment: Mapping[str, Any], key: str) -> float | None:
    if key == "count":
        n_whole, _ = counts_of(segment)
        return None if n_whole is None else float(n_whole)
    if key in ("final_deg", "sink_deg"):
        falls = segment.get("falls") or [{}]
        value: float | None = falls[0].get(key)
        return value
    if key == "freq_hz":
        return None if not segment["tremor"] else float(segment["tremor"]["freq_hz"])
    if key == "range_deg":
        return _mean([rep["range_deg"] for rep in segment["reps"] if not rep["partial"]])
    spans = [
        cycle["anterior_deg"] - cycle["posterior_deg"]
        for cycle in segment.get("cycles") or ()
        if cycle["anterior_deg"] is not None and cycle["posterior_deg"] is not None
    ]
    return _mean(spans)


def _mean(values: Sequence[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return sum(found) / len(found) if found else None

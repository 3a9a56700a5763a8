"""A session as plain lines for a terminal: the one sentence, then a line for every measured stretch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sensorsoma.review.sensors import sensor_remarks
from sensorsoma.review.sentence import summary_sentence
from sensorsoma.review.trace import Segment, SessionTrace
from sensorsoma.review.words import listed
from sensorsoma.sight import seen_by

NOT_MEASURED = "not measured"

SINGLE: tuple[tuple[str, str], ...] = (
    ("hold_s", "held {:.0f} s"),
    ("back_swing_deg", "{:.0f}° behind the body"),
    ("freq_hz", "{:.2f} Hz"),
    ("amplitude_deg", "{:.1f}° to each side"),
    ("angle_deg", "{:.0f}°"),
    ("posture_after", "{}"),
    ("settle_s", "still after {:.0f} s"),
    ("still_share", "still {} of the time"),
)
"""Single measures and how they are said."""

POSTURES = {
    "supine": "on the back", "prone": "on the belly", "left_up": "on the right side", "right_up": "on the left side",
    "upright": "upright", "unknown": "lying unknown",
}  # fmt: skip
"""Postures in words: the side that is lain on, not the one that is up."""


def describe(trace: SessionTrace) -> str:
    """Everything that was measured, in words, one line each; ends with what a reader should know."""
    lines = [summary_sentence(trace), ""]
    lines.extend(_line(segment) for segment in trace.segments)
    lines.extend(_unseen(trace))
    if not trace.segments and not trace.settings.segments:
        lines.append("Nothing was asked for: say what was done with --exercise, --plan or --segments.")
    lines.extend(_remarks(trace))
    return "\n".join(lines)


def _unseen(trace: SessionTrace) -> Iterator[str]:
    """What was asked for and cannot be seen from where a sensor is worn."""
    worn = [source.placement for source in trace.settings.sources]
    for asked in trace.settings.segments:
        places = [placement for placement in worn if asked.placement in (None, placement)]
        if seen_by(asked.exercise, asked.side, places):
            continue
        name = _name(asked.exercise, asked.side)
        if asked.placement is not None and not places:
            yield f"Nothing was worn on the {_place(asked.placement)}, where this was to be measured: {name}."
        else:
            yield f"What was worn on the {listed([_place(each) for each in places])} cannot see: {name}."


def _place(placement: str) -> str:
    return placement.replace("-", " ")


def _name(exercise: str, side: str | None) -> str:
    return exercise.replace("_", " ") + (f" {side}" if side else "")


def _line(segment: Segment) -> str:
    name = _name(str(segment["exercise"]), segment.get("side"))
    when = f"{_clock(segment['start_s'])}-{_clock(segment['end_s'])}"
    facts = "; ".join(_facts(segment)) or NOT_MEASURED
    weak = " (weak evidence)" if segment.get("weak") else ""
    return f"{when}  {name}: {facts}{weak}"


def _facts(segment: Segment) -> Iterator[str]:
    if segment.get("count") is not None and segment["exercise"] not in ("knee_fall",):
        yield f"{segment['count']} counted" + _partial(segment)
    ranges = [rep["range_deg"] for rep in segment.get("reps") or () if rep.get("range_deg") is not None]
    if ranges:
        yield f"range {min(ranges):.0f}-{max(ranges):.0f}°"
    for fall in segment.get("falls") or ():
        yield (
            f"arrived at {_deg(fall.get('arrival_deg'))}, rested at {_deg(fall.get('final_deg'))}"
            + (f", sank {_deg(fall.get('sink_deg'), 1)}" if fall.get("sink_deg") is not None else "")
            + (" (on a support)" if fall.get("supported") else "")
        )
    cycles = segment.get("cycles") or ()
    arches = [cycle["anterior_deg"] for cycle in cycles if cycle.get("anterior_deg") is not None]
    flats = [cycle["posterior_deg"] for cycle in cycles if cycle.get("posterior_deg") is not None]
    if arches and flats:
        yield f"arch {sum(arches) / len(arches):.0f}°, flatten {sum(flats) / len(flats):.0f}°"
    for key, words in SINGLE:
        if segment.get(key) is not None:
            value = (
                f"{100 * segment[key]:.0f} %" if key.endswith("_share") else POSTURES.get(segment[key], segment[key])
            )
            yield words.format(value)
    tremor = segment.get("tremor")
    if tremor:
        yield f"shaking at {tremor['freq_hz']:.1f} Hz, {100 * tremor['share']:.0f} % of the time"


def _partial(segment: Segment) -> str:
    n = sum(bool(rep.get("partial")) for rep in segment.get("reps") or ())
    return f" ({n} of them small)" if n else ""


def _deg(value: Any, digits: int = 0) -> str:
    return NOT_MEASURED if value is None else f"{value:.{digits}f}°"


def _remarks(trace: SessionTrace) -> Iterator[str]:
    notes: list[str] = [f"- {note}" for note in (*sensor_remarks(trace), *trace.notes)]
    for segment in trace.segments:
        notes.extend(f"- {segment['exercise'].replace('_', ' ')}: {note}" for note in segment.get("notes") or ())
    if trace.link == "simulated":
        notes.append("- The sensors were simulated.")
    if trace.bad_packets:
        notes.append(f"- {trace.bad_packets} packets could not be understood and were left out.")
    if notes:
        yield ""
        yield from dict.fromkeys(notes)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

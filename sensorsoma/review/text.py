"""A session as plain lines for a terminal: a few sentences, then a line for every measured stretch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sensorsoma.review.sensors import short_sensor_remarks
from sensorsoma.review.sentence import summary_sentences
from sensorsoma.review.tables import counts_of, is_finding
from sensorsoma.review.trace import Segment, SessionTrace
from sensorsoma.review.words import (
    FINDING,
    FOUND,
    NEVER_STILL,
    NOT_MEASURED,
    POSTURES,
    SEEN_AS,
    STILL_S,
    counted,
    listed,
)
from sensorsoma.review.words import usual as usual_words
from sensorsoma.sight import seen_by

SINGLE: tuple[tuple[str, str], ...] = (
    ("hold_s", "held {:.0f} s"),
    ("back_swing_deg", "{:.0f}° behind the body"),
    ("freq_hz", "{:.2f} Hz"),
    ("steadiness", "as even as a clock to {}"),
    ("angle_deg", "{:.0f}°"),
    ("depth_deg", "{:.0f}° deep"),
    ("posture_after", "{}"),
    ("still_share", "still {} of the time"),
    ("movement_deg_per_min", "moved {:.0f}° a minute"),
    ("slide_s", "slid for {:.0f} s"),
)
"""Single measures and how they are said."""


def describe(trace: SessionTrace) -> str:
    """Everything that was measured, in words, one line each; ends with what a reader should know."""
    lines = [summary_sentences(trace), ""]
    lines.extend(_line(segment, trace.usual_of(segment)) for segment in trace.segments)
    lines.extend(_unseen(trace))
    if not trace.segments and not trace.settings.segments:
        lines.append("Say what was done with --exercise, --plan or --segments.")
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
    if exercise == "roll_over":  # its side is the one that lies on top afterwards; the posture says it better
        return "roll over"
    return exercise.replace("_", " ") + (f" {side}" if side else "")


def _line(segment: Segment, usual: Mapping[str, Any] | None) -> str:
    name = _name(str(segment["exercise"]), segment.get("side"))
    when = f"{_clock(segment['start_s'])}-{_clock(segment['end_s'])}"
    if segment.get("is_found"):
        name = SEEN_AS.get(segment.get("seen_as") or "", name).lower()
    name = FINDING.lower() if is_finding(segment) else name
    facts = "; ".join(_facts(segment, usual)) or NOT_MEASURED
    weak = " (weak evidence)" if segment.get("weak") else ""
    return f"{when}  {name}: {facts}{weak}"


def _facts(segment: Segment, usual: Mapping[str, Any] | None) -> Iterator[str]:
    n_whole, n_small = counts_of(segment)
    if n_whole is not None and segment["exercise"] not in ("knee_fall",):
        yield f"{counted(n_whole, n_small)} counted"
    whole = [rep for rep in segment.get("reps") or () if not rep.get("partial")]
    ranges = [rep["range_deg"] for rep in whole if rep.get("range_deg") is not None]
    if ranges:
        yield f"range {min(ranges):.0f}-{max(ranges):.0f}°"
    for fall in segment.get("falls") or ():
        yield (
            f"arrived at {_deg(fall.get('arrival_deg'))}"
            + (f" ({fall['fall_speed_deg_per_s']:.0f}°/s)" if fall.get("fall_speed_deg_per_s") is not None else "")
            + f", rested at {_deg(fall.get('final_deg'))}"
            + (f", sank {_deg(fall.get('sink_deg'), 1)}" if fall.get("sink_deg") is not None else "")
            + (", began on the exhale" if fall.get("began_on_exhale") else "")
            + (" (on a support)" if fall.get("supported") else "")
        )
    cycles = segment.get("cycles") or ()
    arches = [cycle["anterior_deg"] for cycle in cycles if cycle.get("anterior_deg") is not None]
    flats = [cycle["posterior_deg"] for cycle in cycles if cycle.get("posterior_deg") is not None]
    if arches and flats:
        yield f"arch {sum(arches) / len(arches):.0f}°, flatten {sum(flats) / len(flats):.0f}°"
    if usual is not None:  # of the latest sessions before this one, for knee rolls and rocking the whole way
        way = " in all" if segment["exercise"] in ("knee_roll", "pelvic_rock") else ""
        span = usual_words(usual).replace(" to ", "-")
        yield f"usual: {span}°{way}"
    yield from _stillness(segment)
    for key, words in SINGLE:
        if segment.get(key) is not None:
            value = (
                f"{100 * segment[key]:.0f} %"
                if key.endswith(("_share", "steadiness"))
                else POSTURES.get(segment[key], segment[key])
            )
            yield words.format(value)
    if segment["exercise"] == "rocking" and segment.get("amplitude_deg") is not None:
        yield f"{segment['amplitude_deg']:.1f}° to each side"
    yield from _breath(segment)
    tremor = segment.get("tremor")
    if tremor:
        yield f"shaking at {tremor['freq_hz']:.1f} Hz, {100 * tremor['share']:.0f} % of the time"


def _stillness(segment: Segment) -> Iterator[str]:
    settle_s = segment.get("settle_s")
    if settle_s is not None:
        yield f"still after {settle_s:.0f} s" if round(settle_s) else "still from the start"
    elif segment.get("still_share") is not None and segment["end_s"] - segment["start_s"] >= STILL_S:
        yield NEVER_STILL


def _breath(segment: Segment) -> Iterator[str]:
    breath = segment if segment["exercise"] == "breathing" else segment.get("breath") or {}
    if breath.get("rate_per_min") is not None:
        inhale = breath.get("inhale_share")
        yield (
            f"{breath['rate_per_min']:.1f} breaths a minute"
            + (f", {100 * inhale:.0f} % of each an inhale" if inhale is not None else "")
            + (" (weak evidence)" if breath.get("weak") and not segment.get("weak") else "")
        )


def _deg(value: Any, digits: int = 0) -> str:
    return NOT_MEASURED if value is None else f"{value:.{digits}f}°"


def _remarks(trace: SessionTrace) -> Iterator[str]:
    notes: list[str] = [f"- {note}" for note in trace.notes]
    for segment in trace.segments:
        name = SEEN_AS.get(segment.get("seen_as") or "", segment["exercise"].replace("_", " ")).lower()
        notes.extend(f"- {name}: {note.removeprefix(FOUND)}" for note in segment.get("notes") or ())
    if any(segment.get("is_found") for segment in trace.segments):
        notes.append(
            "- Nobody said what was done: stretches were found in the samples, and every name is an inference."
        )
    notes.extend(f"- {remark}" for remark in short_sensor_remarks(trace))
    if trace.link == "simulated":
        notes.append("- The sensors were simulated.")
    if trace.bad_packets:
        notes.append(f"- {trace.bad_packets} packets could not be understood and were left out.")
    if notes:
        yield ""
        yield from dict.fromkeys(notes)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"

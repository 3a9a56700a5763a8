"""How the sensors themselves did: remarks for people, and the few numbers that tell how far to trust an angle."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sensorsoma.review import words
from sensorsoma.review.page import PageTable
from sensorsoma.review.trace import SessionTrace

HEADERS = (
    "Sensor", "Rate (Hz)", "Time missing (%)", "Gravity at rest (g)", "Gyroscope offset (°/s)",
    "Angle of the two poses (°)", "Knee-up pose again, off by (°)",
)  # fmt: skip


OFFSET = re.compile(r"its angles may be off by up to (\d+) degree")
"""How a sensor's own remark says what its offset may do to an angle."""


def sensor_remarks(trace: SessionTrace) -> Iterator[str]:
    """A sentence for everything that is off with a sensor or its strap; none for those that measured well."""
    for source in _sources(trace):
        yield from _remarks_of(source)


def short_sensor_remarks(trace: SessionTrace) -> Iterator[str]:
    """The same for somebody just out of bed: small offsets in one line for all sensors, the rest as it is."""
    remarks = list(sensor_remarks(trace))
    offsets = [(remark, int(found[1])) for remark in remarks if (found := OFFSET.search(remark))]
    if offsets:
        most = max(degrees for _, degrees in offsets)
        unit = "degree" if most == 1 else "degrees"
        yield f"The sensors' own offsets may add up to {most} {unit}; the report says more."
    told = {remark for remark, _ in offsets}
    yield from (remark for remark in remarks if remark not in told)


def _remarks_of(source: Mapping[str, Any]) -> Iterator[str]:
    health = source.get("health") or {}
    name = f"The {str(source['channel']).replace('-', ' ')} sensor"
    if source.get("came_off_s") is not None:
        yield (
            f"{name} had come off by {words.clock(source['came_off_s'])}: its wearer rolled over and it did not. "
            "What it felt from then on is not measured"
        )
    yield from (f"{name}: {note}" for note in health.get("notes") or ())
    for slip in source.get("slips") or ():
        moment = f"between {words.clock(slip['since_s'])} and {words.clock(slip['noticed_s'])}"
        size = slip["turn_deg"] if slip["turn_deg"] is not None else slip["off_deg"]
        yield (
            f"{name}: its strap slipped or the knee stood elsewhere {moment}, by about {size:.0f} degrees. Every "
            "fall counts from its own knee-up pose; the straight leg before and after is not compared. A snug "
            "strap holds better"
        )


def sensors_table(trace: SessionTrace) -> PageTable | None:
    """One row per sensor; None where nothing is known of any."""
    rows = tuple(_row(source) for source in _sources(trace) if source.get("health"))
    caption = "How the sensors measured. Gravity should read 0.98 to 1.02 g whichever way a sensor lies."
    return PageTable(caption, HEADERS, rows) if rows else None


def _row(source: Mapping[str, Any]) -> tuple[str, ...]:
    health, alignments = source["health"], source.get("alignments") or ()
    offset = health.get("gyr_offset_dps")
    again = [one["again_off_deg"] for one in alignments if one.get("again_off_deg") is not None]
    low, high = health.get("rest_norm_low_g"), health.get("rest_norm_high_g")
    return (
        _name(source),
        _number(health.get("rate_hz"), 1),
        _number(None if health.get("lost_share") is None else 100.0 * health["lost_share"], 1),
        words.NOT_MEASURED if low is None else f"{low:.3f} to {high:.3f}",
        _number(None if offset is None else max(abs(value) for value in offset), 1),
        _number(alignments[-1]["bend_deg"] if alignments else None, 0),
        _number(max(again, default=None), 1),
    )


def _number(value: float | None, digits: int) -> str:
    return words.NOT_MEASURED if value is None else f"{value:.{digits}f}"


def _sources(trace: SessionTrace) -> tuple[Mapping[str, Any], ...]:
    return tuple((trace.analysis.get("input") or {}).get("sources") or ())


def _name(source: Mapping[str, Any]) -> str:
    return str(source["channel"]).replace("-", " ").capitalize()

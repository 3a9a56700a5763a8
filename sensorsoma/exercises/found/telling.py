"""From names to measures: what the ordinary detectors are asked to measure, and how it is told afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from sensorsoma.exercises.found.stretch import FoundStretch, SeenAs
from sensorsoma.messages import Exercise, RepCompleted, SegmentCurve, SegmentMeasured
from sensorsoma.settings import SegmentRequest

MEASURED_AS: Mapping[SeenAs, Exercise] = {"large arc": "knee_roll", "tilt": "pelvic_rock"}
"""Counters that need no calibration, for movements without a name."""

KEPT: Mapping[SeenAs, tuple[str, ...]] = {"large arc": ("count", "tremor"), "tilt": ("count", "tremor")}
"""What of their measures holds whatever the movement was: no angles, since an arc may go to one side or to both."""


def measured_as(stretch: FoundStretch) -> Exercise:
    """Whose detector measures it."""
    return stretch.exercise if stretch.seen_as is None else MEASURED_AS.get(stretch.seen_as, stretch.exercise)


def requests_for(found: Iterable[FoundStretch]) -> tuple[SegmentRequest, ...]:
    """Each stretch as a request to measure it."""
    return tuple(SegmentRequest(measured_as(one), one.side, one.placement, one.start_s, one.end_s) for one in found)


def named(outputs: Iterable[Any], found: Iterable[FoundStretch]) -> Iterator[Any]:
    """The same outputs of the second pass, with the found names and how they were found."""
    found = tuple(found)
    for output in outputs:
        if isinstance(output, SegmentMeasured):
            yield _named(output, found)
        elif isinstance(output, SegmentCurve):
            yield _named_curve(output, found)
        elif not (isinstance(output, RepCompleted) and _is_nameless(output, found)):
            yield output


def _named(event: SegmentMeasured, found: tuple[FoundStretch, ...]) -> SegmentMeasured:
    for one in found:
        if one.start_s == event.start_s and measured_as(one) == event.exercise and one.side in (None, event.side):
            note = f"found without being told; the name is an inference: {one.why}"
            measures = _kept(event.measures, one.seen_as)
            notes = [note, *measures.get("notes", ())]
            measures |= {"is_found": True, "seen_as": one.seen_as, "notes": notes}
            side = event.side if one.seen_as is None else None
            return replace(event, exercise=one.exercise, side=side, measures=measures)
    return event


def _kept(measures: Mapping[str, Any], seen_as: SeenAs | None) -> dict[str, Any]:
    if seen_as is None or seen_as not in KEPT:
        return dict(measures)
    kept = {name: measures.get(name) for name in KEPT[seen_as]}
    if (kept.get("count") or 0) < 2:  # to and fro was seen; a counter that finds no more than one was not made for it
        kept["count"] = None
    return kept | {"weak": True, "notes": []}


def _is_nameless(event: RepCompleted, found: tuple[FoundStretch, ...]) -> bool:
    """A rep of a movement whose name is not known: it stands in the counts only."""
    return any(
        one.seen_as is not None and measured_as(one) == event.exercise and one.start_s <= event.t_s <= one.end_s
        for one in found
    )


def _named_curve(curve: SegmentCurve, found: tuple[FoundStretch, ...]) -> SegmentCurve:
    first_s = float(curve.t_s[0])
    for one in found:
        is_its = measured_as(one) == curve.exercise and one.start_s <= first_s <= one.end_s
        if one.seen_as is not None and is_its:
            return replace(curve, exercise=one.exercise, side=None, label="angle (deg)")
    return curve

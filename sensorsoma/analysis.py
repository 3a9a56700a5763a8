"""Inputs through the pipeline, gathered: the `analyze --json` object and everything a review shows.

The pipeline is the one that runs live, so a count in a report is the count that was spoken.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sensorsoma.errors import InputFileError
from sensorsoma.exercises.found import FoundStretch, Watch, name_stretches, named, requests_for
from sensorsoma.messages import (
    BadPacket,
    Cue,
    Gap,
    ImuBlock,
    Input,
    LiveAngle,
    OrientedBlock,
    Output,
    Packet,
    SegmentCurve,
    SegmentMeasured,
    SensorFellOff,
    SensorHealth,
    SettingsSnapshot,
    SourceStatus,
    StepFinished,
    Tick,
    UserMark,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.review.trace import SessionTrace
from sensorsoma.settings import SegmentRequest, SessionSettings
from sensorsoma.units import NS_PER_S

SCHEMA = "sensorsoma.analysis/1"

TIMES_FROM_FIRST_SAMPLE = frozenset(
    {
        "start_s", "peak_s", "end_s", "peaks_s", "knee_up_s", "fall_start_s", "rest_start_s", "rest_end_s",
        "slide_end_s", "arch_s", "flatten_s", "hold_start_s", "turned_s", "taken_s", "since_s", "noticed_s",
    }
)  # fmt: skip
"""Measures that are points in time, not lengths: they are shifted to count from the first sample."""

SAME = 1e-9
"""Relative and absolute: a nanosecond, a billionth of a degree."""

Fits = Mapping[str, Mapping[str, Any]]
"""Offset and gain of accelerometers by channel, as `SourceSettings.config["acc_fit"]` holds them."""

Progress = Callable[[float], None]
"""Told the session seconds that have been worked through."""


def analyze_inputs(
    inputs: Iterable[Input],
    *,
    source: Mapping[str, Any],
    notes: Iterable[str] = (),
    progress: Progress | None = None,
    found: Sequence[FoundStretch] = (),
) -> SessionTrace:
    """Everything that follows from `inputs`.

    Args:
        inputs: a `SettingsSnapshot` first, then the rest in order.
        source: what goes under `input` in the JSON: path, kind.
        notes: what the reader of the file had to say.
        progress: called about once per session second.
        found: names that were found before (`found_in`) for the stretches that the settings ask for.

    Raises:
        InputFileError: when there is no settings snapshot or not one sample.
    """
    pipeline = Pipeline()
    gathered = _Gathered(found)
    epoch_ns: int | None = None
    next_report_s = 0.0
    for message in inputs:
        if epoch_ns is None:
            if not isinstance(message, SettingsSnapshot):
                raise InputFileError(
                    "Expected a recording that begins with its settings; this one does not, try `repair`."
                )
            epoch_ns = message.host_ns
        if isinstance(message, UserMark) and message.comfort is not None:
            gathered.comfort.update([message.comfort])
        gathered.take(pipeline.feed(message))
        if progress is not None and isinstance(message, Packet | Tick):
            now_s = (message.host_ns - epoch_ns) / NS_PER_S
            if now_s >= next_report_s:
                progress(now_s)
                next_report_s = now_s + 1.0
    gathered.take(pipeline.finish())
    if pipeline.settings is None or not gathered.n_samples:
        raise InputFileError("Expected sensor samples, found none; was a sensor streaming when this was recorded?")
    return gathered.trace(pipeline.settings, source, tuple(notes))


def found_in(inputs: Iterable[Input]) -> tuple[FoundStretch, ...]:
    """What was done, named from the samples alone: a plan and asked-for stretches are left aside."""
    pipeline, watch = Pipeline(), Watch()
    for message in _with_settings(inputs, (), None):
        if pipeline.settings is None and not isinstance(message, SettingsSnapshot):
            return ()
        for output in pipeline.feed(message):
            watch.feed(output)
    for output in pipeline.finish():
        watch.feed(output)
    return name_stretches(watch.finish())


def analyze_unasked(
    open_inputs: Callable[[], Iterable[Input]],
    *,
    source: Mapping[str, Any],
    notes: Iterable[str] = (),
    progress: Progress | None = None,
) -> SessionTrace:
    """What was done, found without being told, and measured: two passes over the inputs.

    Args:
        open_inputs: gives the inputs from their beginning, each time it is called.
        source: as in `analyze_inputs`.
        notes: as in `analyze_inputs`.
        progress: as in `analyze_inputs`; of the second pass.

    Raises:
        InputFileError: as `analyze_inputs`.
    """
    found = found_in(open_inputs())
    inputs = _with_settings(open_inputs(), requests_for(found), None)
    return analyze_inputs(inputs, source=source, notes=notes, progress=progress, found=found)


def analyze_recording(
    path: Path,
    *,
    segments: tuple[SegmentRequest, ...] | None = None,
    plan: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    fits: Fits | None = None,
    is_unasked: bool = False,
) -> SessionTrace:
    """A recording of our own, replayed.

    One that was made without a plan and without naming an exercise is searched for what was done.

    Args:
        path: an MCAP file; cut or damaged ones are read as far as they are intact.
        segments: measure these stretches instead of the recorded plan's steps.
        plan: coach this plan (as JSON) over the recording instead of its own.
        progress: told how far it is.
        fits: offset and gain by channel that are taken off the accelerometers, as `fits_of` gives them.
        is_unasked: find what was done even where the recording tells.

    Raises:
        InputFileError: not a recording, nothing intact in it, or a sensor that was moved in what is to be found.
    """
    from sensorsoma.recording.reader import open_recording

    recording = open_recording(path)

    def inputs() -> Iterable[Input]:
        return with_fits(recording.inputs(), fits) if fits else recording.inputs()

    source = {"path": path.name, "kind": "recording", "is_complete": recording.is_complete}
    notes = (*recording.notes, *_readers_notes(recording.settings))
    is_told = recording.settings.plan is not None or bool(recording.settings.segments)
    if is_unasked or (segments is None and plan is None and not is_told):
        _refuse_moved_sensors(recording.settings)
        return analyze_unasked(inputs, source=source, notes=notes, progress=progress)
    asked = inputs()
    if segments is not None or plan is not None:
        asked = _with_settings(asked, segments or (), plan)
    return analyze_inputs(asked, source=source, notes=notes, progress=progress)


def _refuse_moved_sensors(settings: SessionSettings) -> None:
    """A sensor that the plan takes to the other thigh would give every name after that to the wrong leg."""
    steps = (settings.plan or {}).get("steps", ())
    if any(step.get("moves_sensor_to") for step in steps):
        raise InputFileError(
            "Expected sensors that stay where they are, found a plan that moves one to the other thigh on the way; "
            "leave out --found: the plan tells what was done."
        )


def _readers_notes(settings: SessionSettings) -> Iterator[str]:
    """What the readers of imported files had decided, which stayed with the recording."""
    for source in settings.sources:
        if source.decoder == "rows":
            yield from source.config.get("notes", ())


def replayed(path: Path, *, to_the_end: bool = True) -> Iterator[Output]:
    """Every output of a recording, again, in order; samples and live angles left out.

    Without `to_the_end` what the pipeline says when the inputs are over is left out too.

    Raises:
        InputFileError: not a recording, or nothing intact in it.
    """
    from sensorsoma.recording.reader import open_recording

    pipeline = Pipeline()
    for message in open_recording(path).inputs():
        yield from _telling(pipeline.feed(message))
    if to_the_end:
        yield from _telling(pipeline.finish())


def differences_from_live(path: Path) -> list[str]:
    """What a replay says otherwise than the live session did, a line each; empty when they are identical.

    Events, cues, gaps and bad packets are compared, in order and in every field; numbers must agree to `SAME`, since
    linear algebra on another computer, or at another place in memory, ends in another last bit. A recording that was
    cut off is compared as far as it goes: what followed from its last inputs may not have been written any more.
    """
    from itertools import zip_longest

    from sensorsoma.recording.format import to_json
    from sensorsoma.recording.reader import open_recording

    recording = open_recording(path)
    live = [(type(m).__name__, to_json(m)) for m in recording.outputs() if not isinstance(m, SourceStatus)]
    live = [entry for entry in live if entry[0] != "LiveAngle"]
    again = [(type(m).__name__, to_json(m)) for m in replayed(path, to_the_end=recording.is_complete)]
    if not recording.is_complete:
        del again[len(live) :]
    pairs = zip_longest(live, again, fillvalue="nothing")
    return [f"live {then}, replay {now}" for then, now in pairs if not _is_same(then, now)]


def _is_same(then: Any, now: Any) -> bool:
    """Equal in shape and words, and in numbers to `SAME`."""
    if isinstance(then, float) and isinstance(now, float):
        return math.isclose(then, now, rel_tol=SAME, abs_tol=SAME)
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        return then.keys() == now.keys() and all(_is_same(value, now[name]) for name, value in then.items())
    if isinstance(then, list | tuple) and isinstance(now, list | tuple):
        return len(then) == len(now) and all(map(_is_same, then, now))
    return bool(then == now)


def _telling(outputs: Iterable[Output]) -> Iterator[Output]:
    return (o for o in outputs if not isinstance(o, ImuBlock | OrientedBlock | SegmentCurve | LiveAngle))


def _with_settings(
    inputs: Iterable[Input], segments: tuple[SegmentRequest, ...], plan: Mapping[str, Any] | None
) -> Iterable[Input]:
    return _changed(inputs, lambda settings: replace(settings, plan=plan, segments=segments))


def _changed(inputs: Iterable[Input], change: Callable[[SessionSettings], SessionSettings]) -> Iterator[Input]:
    """The same inputs, with other settings."""
    for message in inputs:
        if isinstance(message, SettingsSnapshot):
            settings = SessionSettings.from_json(message.settings)
            yield replace(message, settings=change(settings).to_json())
        else:
            yield message


class _Gathered:
    """What a review wants to keep of all that the pipeline gives; samples are only counted."""

    def __init__(self, found: Sequence[FoundStretch] = ()) -> None:
        self._found = tuple(found)
        self.n_samples = 0
        self.n_bad_packets = 0
        self.first_s: float | None = None
        self.last_s = 0.0
        self.channels: dict[str, dict[str, Any]] = {}
        self.events: list[Any] = []
        self.cues: list[Cue] = []
        self.gaps: list[Gap] = []
        self.curves: list[SegmentCurve] = []
        self.bad_reasons: dict[str, int] = {}
        self.comfort: dict[str, int | None] = {"before": None, "after": None}

    def take(self, outputs: Iterable[Any]) -> None:
        for output in named(outputs, self._found) if self._found else outputs:
            if isinstance(output, OrientedBlock):
                self._count(output)
            elif isinstance(output, Cue):
                self.cues.append(output)
            elif isinstance(output, Gap):
                self.gaps.append(output)
            elif isinstance(output, SegmentCurve):
                self.curves.append(output)
            elif isinstance(output, BadPacket):
                self.n_bad_packets += 1
                self.bad_reasons[output.reason] = self.bad_reasons.get(output.reason, 0) + 1
            elif not isinstance(output, ImuBlock | LiveAngle):
                self.events.append(output)

    def _count(self, block: OrientedBlock) -> None:
        n = len(block.t_s)
        first_s, last_s = float(block.t_s[0]), float(block.t_s[-1])
        self.n_samples += n
        self.first_s = first_s if self.first_s is None else min(self.first_s, first_s)
        self.last_s = max(self.last_s, last_s)
        seen = self.channels.setdefault(
            block.channel,
            {"channel": block.channel, "placements": [], "n_samples": 0, "first_s": first_s, "has_gyroscope": False},
        )
        if block.placement not in seen["placements"]:
            seen["placements"].append(block.placement)
        seen["n_samples"] += n
        seen["last_s"] = last_s
        seen["has_gyroscope"] |= block.gyr_sensor_radps is not None  # one that died on the way was there

    def trace(self, settings: SessionSettings, source: Mapping[str, Any], notes: tuple[str, ...]) -> SessionTrace:
        start_s = self.first_s or 0.0
        steps = tuple(event for event in self.events if isinstance(event, StepFinished))
        by_step = {step.step_id: step for step in steps}
        segments = [_segment(event, start_s, by_step) for event in self.events if isinstance(event, SegmentMeasured)]
        sources = [self._source(name, start_s) for name in self.channels]
        rates = [entry["rate_hz"] for entry in sources if entry["rate_hz"] is not None]
        analysis: dict[str, Any] = {
            "schema": SCHEMA,
            "input": {**source, "sources": sources, "bad_packets": self.n_bad_packets, "notes": list(notes)},
            "link": settings.link,
            "duration_s": round(self.last_s - start_s, 3),
            "rate_hz": rates[0] if rates else None,
            "comfort": self.comfort,
            "usual": {
                key: {"range_deg": deg, "span_deg": list(settings.usual_span_deg.get(key, ())) or None}
                for key, deg in settings.usual_deg.items()
            },
            "segments": segments,
        }
        return SessionTrace(
            settings=settings,
            analysis=analysis,
            steps=steps,
            events=tuple(self.events),
            cues=tuple(self.cues),
            gaps=tuple(self.gaps),
            curves=tuple(self.curves),
            bad_packets=self.n_bad_packets,
            notes=notes,
            start_s=start_s,
        )

    def _source(self, name: str, start_s: float) -> dict[str, Any]:
        seen = self.channels[name]
        gaps = [gap for gap in self.gaps if gap.channel == name]
        missing_s = sum(gap.end_s - gap.start_s for gap in gaps)
        span_s = seen["last_s"] - seen["first_s"] - missing_s
        n_intervals = seen["n_samples"] - 1 - len(gaps)
        return {
            "channel": name,
            "placements": seen["placements"],
            "n_samples": seen["n_samples"],
            "rate_hz": round(n_intervals / span_s, 2) if span_s > 0 and n_intervals > 0 else None,
            "has_gyroscope": seen["has_gyroscope"],
            "gaps": [
                {"start_s": round(g.start_s - start_s, 3), "end_s": round(g.end_s - start_s, 3), "reason": g.reason}
                for g in gaps
                if g.reason != "lost_packets" or g.end_s - g.start_s > 0.5
            ],
            "n_gaps": len(gaps),
            "missing_s": round(missing_s, 3),
            "came_off_s": self._came_off_s(name, start_s),
            **self._health(name, start_s),
        }

    def _came_off_s(self, name: str, start_s: float) -> float | None:
        """When this sensor was known to be worn no more; None while it was worn to the end."""
        off = next((e for e in self.events if isinstance(e, SensorFellOff) and e.channel == name), None)
        return None if off is None else round(off.t_s - start_s, 3)

    def _health(self, name: str, start_s: float) -> dict[str, Any]:
        """What the pipeline said of this sensor at the end."""
        said = next((e for e in self.events if isinstance(e, SensorHealth) and e.channel == name), None)
        health = {} if said is None else _shifted(dict(said.measures), start_s)
        alignments, slips = health.pop("alignments", []), health.pop("slips", [])
        return {"health": health or None, "alignments": alignments, "slips": slips}


def fits_of(trace: SessionTrace) -> Fits:
    """Offset and gain by channel, as fitted from this session's still poses; only those that may be used."""
    fits = {source["channel"]: (source["health"] or {}).get("fit") for source in trace.analysis["input"]["sources"]}
    return {
        channel: {name: fit[name] for name in ("offset_mps2", "gain", "poses", "angle_sd_deg")}
        for channel, fit in fits.items()
        if fit is not None and fit["refused"] is None
    }


def with_fits(inputs: Iterable[Input], fits: Fits) -> Iterator[Input]:
    """The same inputs, with settings that take these offsets and gains off: for a second pass."""

    def with_them(settings: SessionSettings) -> SessionSettings:
        sources = tuple(
            replace(source, config={**source.config, "acc_fit": dict(fits[source.channel])})
            if source.channel in fits
            else source
            for source in settings.sources
        )
        return replace(settings, sources=sources)

    return _changed(inputs, with_them)


def _segment(event: SegmentMeasured, start_s: float, by_step: Mapping[str, StepFinished]) -> dict[str, Any]:
    measures = _shifted(dict(event.measures), start_s)
    step = by_step.get(event.step_id) if event.step_id is not None else None
    plan = None if step is None else {"step": step.step_id, "asked": dict(step.asked), "done": dict(step.done)}
    head = {
        "exercise": event.exercise,
        "side": event.side,
        "placement": event.placement,
        "start_s": round(max(event.start_s - start_s, 0.0), 3),
        "end_s": round(event.end_s - start_s, 3),
    }
    tail = {
        "count": measures.pop("count", None),
        "reps": measures.pop("reps", []),
        "tremor": measures.pop("tremor", None),
        "plan": plan,
        "weak": measures.pop("weak", False),
        "notes": measures.pop("notes", []),
    }
    return {**head, **tail, **measures}


def _shifted(value: Any, start_s: float, key: str = "") -> Any:
    """The same measures with points in time counted from the first sample, floats rounded to what is meant."""
    if isinstance(value, Mapping):
        return {name: _shifted(item, start_s, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_shifted(item, start_s, key) for item in value]
    if isinstance(value, float):
        return round(value - start_s if key in TIMES_FROM_FIRST_SAMPLE else value, 4)
    return value

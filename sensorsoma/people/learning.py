"""What a finished recording leaves behind of a person: its own events are read, nothing is measured anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from sensorsoma.messages import SegmentMeasured, SessionEnded, Side, StepFinished, UserMark
from sensorsoma.people.comfort import comfort_of
from sensorsoma.people.names import shown
from sensorsoma.people.profile import Range, SessionNote
from sensorsoma.recording.reader import Recording, open_recording

TELLING = frozenset({"SegmentMeasured", "StepFinished", "SessionEnded", "UserMark"})
"""What is looked at in a recording."""


@dataclass(frozen=True, slots=True)
class LearningParams:
    """What is taken from a session, and when something is called usual."""

    least_reps: int = 3
    """Whole repetitions in a session: the median of three is not moved by one that went astray."""
    least_sessions: int = 3
    """Sessions before anything is called usual: two may be chance, and the first is mostly learning the movement."""
    n_sessions: int = 10
    """The latest ones: one or two weeks of evenings, so that what is usual follows a body that changes."""
    least_step_s: float = 5.0
    """A step that was left sooner was passed over, not practised: no movement of a plan is done in less."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """Whose session it was, and what it left behind."""

    name: str | None
    is_simulated: bool
    note: SessionNote


def learn(path: Path, params: LearningParams | None = None) -> Learnt | None:
    """What a recording of a session tells of the person; None when it tells nothing.

    It tells nothing when it was made of a file of another program (whose evening that was is not known), or never came
    to its end.

    Raises:
        InputFileError: not a recording, or nothing intact in it.
    """
    p = params or LearningParams()
    recording = open_recording(path)
    settings = recording.settings
    told = tuple(recording.contents.messages(TELLING))  # the samples stay packed: this is quick
    outputs = [message for message in told if isinstance(message, SegmentMeasured | StepFinished | SessionEnded)]
    if settings.link == "imported" or not any(isinstance(output, SessionEnded) for output in outputs):
        return None
    steps = [output for output in outputs if isinstance(output, StepFinished)]
    segments = [output for output in outputs if isinstance(output, SegmentMeasured)]
    note = SessionNote(
        epoch_ns=recording.epoch_ns,
        recording=path.name,
        started=settings.started,
        plan=None if settings.plan is None else str(settings.plan.get("name")),
        is_finished=_is_finished(recording, outputs),
        comfort=comfort_of(message for message in told if isinstance(message, UserMark)),
        sides=_sides(steps, segments, p),
        ranges=dict(_ranges(segments, p)),
    )
    return Learnt(shown(settings.person), settings.link == "simulated", note)


def key_of_range(exercise: str, side: Side | None) -> str:
    """Under which a range is kept, and `SessionSettings.usual_deg` holds it.

    >>> key_of_range("clamshell", "right"), key_of_range("pelvic_rock", None)
    ('clamshell right', 'pelvic_rock')
    """
    return f"{exercise} {side}" if side else exercise


def _is_finished(recording: Recording, outputs: list[SegmentMeasured | StepFinished | SessionEnded]) -> bool:
    plan = recording.settings.plan
    if plan is None:
        return True
    if any(isinstance(output, SessionEnded) and output.ended_by == "plan" for output in outputs):
        return True
    last = len(plan.get("steps", ())) - 1  # many practices end in a rest that only the person ends
    return any(isinstance(output, StepFinished) and output.index == last for output in outputs)


def _sides(steps: list[StepFinished], segments: list[SegmentMeasured], params: LearningParams) -> tuple[Side, ...]:
    """Hips that were practised, by the plan's steps or, without a plan, by what was measured."""
    by_step = {
        step.side
        for step in steps
        if step.side is not None
        and step.do not in ("roll_over", "unknown")
        and step.ended_by != "stop"
        and step.end_s - step.start_s >= params.least_step_s
    }
    found = by_step if steps else {segment.side for segment in segments if segment.side is not None}
    return tuple(sorted(found))


def _ranges(segments: list[SegmentMeasured], params: LearningParams) -> Iterator[tuple[str, Range]]:
    sizes: dict[str, list[float]] = {}
    for segment in segments:
        if not segment.measures.get("weak"):
            key = key_of_range(segment.exercise, segment.side)
            sizes.setdefault(key, []).extend(ranges_of(segment.exercise, segment.measures))
    for key, found in sizes.items():
        if len(found) >= params.least_reps:
            yield key, Range(round(median(found), 1), len(found))


def ranges_of(exercise: str, measures: Mapping[str, Any]) -> list[float]:
    """Range of every whole repetition, degrees, as the coach's own `RepCompleted` has it.

    A clamshell goes from closed to its top, a pelvic rock from arch to flatten, a knee roll from one side to the other.
    """
    if exercise == "clamshell":
        reps = measures.get("reps") or ()
        return [float(rep["range_deg"]) for rep in reps if not rep.get("partial") and rep.get("range_deg") is not None]
    if exercise == "pelvic_rock":
        cycles = measures.get("cycles") or ()
        return [
            float(cycle["anterior_deg"]) - float(cycle["posterior_deg"])
            for cycle in cycles
            if cycle.get("anterior_deg") is not None and cycle.get("posterior_deg") is not None
        ]
    if exercise == "knee_roll":
        swings: dict[str, list[float]] = {"out": [], "in": []}
        for rep in measures.get("reps") or ():
            if not rep.get("partial") and rep.get("range_deg") is not None and rep.get("direction") in swings:
                swings[rep["direction"]].append(float(rep["range_deg"]))
        # Each whole roll is a swing out and one in; which belong together does not change their median by much.
        return [outward + inward for outward, inward in zip(swings["out"], swings["in"], strict=False)]
    return []

"""One practice after it is over: what was said, what was done and what really happened, on one time line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sensorsoma.coach.plan import plan_from_json
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.messages import (
    Cue,
    CueFinished,
    Placement,
    SegmentMeasured,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    StepClosed,
    StepFinished,
    StepStarted,
    StreamInterrupted,
    UserMark,
)
from sensorsoma.units import NS_PER_S

T = TypeVar("T")

KEPT = (Cue, StepStarted, StepClosed, StepFinished, SegmentMeasured, SensorMoved, SessionPaused, SessionContinued,
        SessionEnded)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Said:
    """One cue, with the time at which it really ended."""

    cue: Cue
    end_s: float

    @property
    def start_s(self) -> float:
        """When it began, session seconds."""
        return self.cue.t_s

    @property
    def n_sentences(self) -> int:
        """Sentences that count towards a quiet minute: counts and breath words do not."""
        return sum(self.cue.text.count(mark) for mark in ".?!") if self.cue.kind == "say" else 0


@dataclass(frozen=True, slots=True)
class Evening:
    """A practice that is over. All times are seconds of the session."""

    plan: Plan
    worn: tuple[Placement, ...]
    outputs: tuple[Any, ...]
    """Cues and events of the steps, in order."""
    inputs: tuple[Any, ...]
    """Marks, lost links and the ends of cues, as (seconds, message)."""
    truth: Mapping[str, Any]
    """As `Truth.to_json`, moved onto the session's time."""

    @classmethod
    def of_practice(cls, practice: Any) -> Evening:
        """Of a `coached.Practice`, whose person lives on the session's own time."""
        worn = tuple(source.placement for source in practice.settings.sources)
        epoch_ns = practice.inputs[0].host_ns
        return cls._of(practice.settings.plan, worn, practice.inputs, practice.outputs, epoch_ns,
                       practice.person.truth.to_json())  # fmt: skip

    @classmethod
    def of_recording(cls, path: Path, truth: Mapping[str, Any]) -> Evening:
        """Of a recorded session over the virtual link; `truth` says in `session_began_s` when the session began."""
        from sensorsoma.recording.reader import open_recording

        recording = open_recording(path)
        settings = recording.settings
        worn = tuple(source.placement for source in settings.sources)
        moved = _moved(truth, -float(truth.get("session_began_s", 0.0)))
        return cls._of(settings.plan, worn, recording.inputs(), recording.outputs(), recording.epoch_ns, moved)

    @classmethod
    def _of(cls, plan: Any, worn: Any, inputs: Any, outputs: Any, epoch_ns: int, truth: Any) -> Evening:
        kept = (CueFinished, UserMark, StreamInterrupted)
        timed = tuple(((i.host_ns - epoch_ns) / NS_PER_S, i) for i in inputs if isinstance(i, kept))
        return cls(plan_from_json(plan), worn, tuple(o for o in outputs if isinstance(o, KEPT)), timed, truth)

    def of(self, kind: type[T]) -> list[T]:
        """All outputs of one kind, in order."""
        return [output for output in self.outputs if isinstance(output, kind)]

    def said(self) -> list[Said]:
        """Everything that was said; a cue whose end nobody reported lasted as long as estimated."""
        ended = {message.cue_id: t_s for t_s, message in self.inputs if isinstance(message, CueFinished)}
        return [Said(cue, ended.get(cue.cue_id, cue.t_s + cue.length_s)) for cue in self.of(Cue)]

    def step_of(self, step_id: str) -> Step:
        """The plan's step of that name."""
        return next(step for step in self.plan.steps if step.id == step_id)

    def spans(self) -> list[tuple[str, float, float]]:
        """Every step as it ran: name, begin and end. A step that was repeated comes twice."""
        closed = self.of(StepClosed)
        return [
            (begun.step_id, begun.t_s, ended.t_s) for begun, ended in zip(self.of(StepStarted), closed, strict=False)
        ]

    def finished(self) -> dict[str, StepFinished]:
        """The last result of every step, by name."""
        return {step.step_id: step for step in self.of(StepFinished)}

    def stretch(self, step_id: str) -> Mapping[str, Any] | None:
        """What the person really did in a step that begins a stretch; None when they did not begin."""
        found = [stretch for stretch in self.truth["stretches"] if stretch["step_id"] == step_id]
        return found[-1] if found else None


def _moved(value: Any, by_s: float, name: str = "") -> Any:
    """The truth with every time in seconds moved; lengths (`hold_s`, `duration_s`) stay as they are."""
    if isinstance(value, Mapping):
        return {key: _moved(each, by_s, key) for key, each in value.items()}
    if isinstance(value, list):
        return [_moved(each, by_s, name) for each in value]
    is_time = name.endswith("_s") and name not in ("hold_s", "duration_s", "session_began_s")
    return value + by_s if is_time and isinstance(value, (int, float)) else value

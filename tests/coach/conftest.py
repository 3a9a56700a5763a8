"""A person on paper: answers the coach with the events that a body with sensors would give, without any samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from sensorsoma.coach.plan import Plan
from sensorsoma.coach.progress import Coach
from sensorsoma.messages import (
    AlignmentReady,
    Cue,
    CueFinished,
    HoldReached,
    KneeFallPhaseReached,
    Placement,
    PostureChanged,
    RepCompleted,
    SegmentMeasured,
    SessionEnded,
    SettingsSnapshot,
    StepClosed,
    StepFinished,
    StepStarted,
    StillnessChanged,
    Tick,
    TremorBegan,
    UserMark,
    thigh_of,
)  # fmt: skip

EPOCH_NS = 1_700_000_000_000_000_000
FALL = {
    "arrival_deg": 52.0, "fall_s": 3.0, "began_on_exhale": None, "final_deg": 57.0, "sink_deg": 5.0,
    "sink_deg_per_min": 5.0, "supported": False, "openness_kept_share": 0.9, "residual_deg": 2.0,
    "breaths_per_min": 6.0,
}  # fmt: skip


@dataclass
class PaperPerson:
    """Drives a coach tick by tick; what is worn decides which events come."""

    plan: Plan
    worn: Sequence[Placement] = ()
    rep_s: float = 5.0
    shakes_at_rep: int = 3
    presses_next_after_s: float = 20.0
    """In an open step; 0: never."""
    skips: frozenset[str] = frozenset()
    """Steps whose movement never begins."""
    settings: dict[str, Any] = field(default_factory=dict)
    out: list[Any] = field(default_factory=list)
    t_s: float = 0.0

    def __post_init__(self) -> None:
        self.coach = Coach(self.plan, self.worn)
        self.sits: set[str] = set(self.worn)
        self._agenda: list[tuple[float, Callable[[], Any]]] = []
        self._head: StepStarted | None = None
        self._step: StepStarted | None = None

    def give(self, message: Any) -> None:
        """Feeds one message, and back to the coach what a pipeline would."""
        for output in self.coach.feed(message):
            self.out.append(output)
            self._heard(output)

    def run(self, until_s: float = 4000.0) -> PaperPerson:
        """Practises until the session has ended or the time is up."""
        if not self.out and self.t_s == 0.0:
            self.give(SettingsSnapshot(EPOCH_NS, self.settings))
        while self.t_s < until_s and not self.of(SessionEnded):
            self.t_s = round(self.t_s + 0.1, 1)
            due = [item for item in self._agenda if item[0] <= self.t_s]
            self._agenda = [item for item in self._agenda if item[0] > self.t_s]
            for _, make in sorted(due, key=lambda item: item[0]):
                message = make()
                if message is not None:
                    self.give(message)
            self.give(Tick(self.ns()))
        return self

    def mark(self, kind: Any) -> None:
        """Presses a key."""
        self.give(UserMark(self.ns(), kind))

    def ns(self) -> int:
        """Session time now."""
        return EPOCH_NS + round(self.t_s * 1e9)

    def of(self, kind: type) -> list[Any]:
        """Everything of one kind that came out."""
        return [output for output in self.out if isinstance(output, kind)]

    def finished(self, step_id: str) -> StepFinished:
        """The first end of a step."""
        return next(output for output in self.of(StepFinished) if output.step_id == step_id)

    def after(self, seconds: float, make: Callable[[], Any]) -> None:
        """Gives a message later, unless the step has changed by then."""
        step = self._step
        self._agenda.append((self.t_s + seconds, lambda: make() if self._step is step else None))

    def _heard(self, output: Any) -> None:
        if isinstance(output, Cue):
            self._agenda.append((self.t_s + output.length_s, lambda: CueFinished(self.ns(), output.cue_id)))
            step = self._step
            if output.key == "knee_fall.fall" and step is not None and step.step_id not in self.skips:
                if not self._sees(step.side):
                    return
                self.after(1.5, lambda: self._phase("falling"))
                self.after(5.0, lambda: self._phase("arrived"))
        elif isinstance(output, StepStarted):
            self._step = output
            self._head = self._head if output.continues else output
            if output.step_id not in self.skips:
                self._move(output)
            if output.asked.get("open") and self.presses_next_after_s:
                self.after(self.presses_next_after_s, lambda: UserMark(self.ns(), "next"))
        elif isinstance(output, StepClosed) and not output.stretch_goes_on and self._head is not None:
            measures = self._measures(self._head)
            if measures is not None:
                head = self._head
                self.give(
                    SegmentMeasured(
                        self.t_s, self.t_s, head.do, head.side, "pelvis", head.t_s, self.t_s, measures, head.step_id
                    )
                )

    def _sees(self, side: Any) -> bool:
        return side is not None and thigh_of(side) in self.sits

    def _phase(self, phase: Any) -> KneeFallPhaseReached:
        return KneeFallPhaseReached(self.t_s, self.t_s, self._head.side if self._head else None, phase)

    def _move(self, step: StepStarted) -> None:
        place = thigh_of(step.side) if step.side else "right-thigh"
        if step.do == "knee_fall" and self._sees(step.side):
            self.after(5.0, lambda: self._phase("knee_up"))
            axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
            self.after(8.0, lambda: AlignmentReady(self.t_s, self.t_s, place, place, 80.0, *axes))
        elif step.do == "leg_slide" and step.continues and self._sees(step.side):
            self.after(10.0, lambda: self._phase("sliding"))
            self.after(14.0, lambda: self._phase("straight"))
        elif step.do == "roll_over" and self.sits - {"belly"}:
            posture: Any = {None: "supine", "left": "left_up", "right": "right_up"}[step.side]
            at: Any = "pelvis" if "pelvis" in self.sits else min(self.sits - {"belly"})
            for thigh in sorted(self.sits & {"left-thigh", "right-thigh"}):
                for at_s, is_still in ((5.0, False), (8.0, True)):
                    rolls = lambda p=thigh, s=is_still: StillnessChanged(self.t_s, self.t_s, p, p, s)  # noqa: E731
                    self.after(at_s, rolls)
            self.after(6.0, lambda: PostureChanged(self.t_s, self.t_s, at, at, posture))
        elif (step.do == "clamshell" and self._sees(step.side)) or (step.do == "pelvic_rock" and "pelvis" in self.sits):
            for n in range(1, step.asked["reps"] + 1):
                self.after(8.0 + n * self.rep_s, lambda n=n: self._rep(step, n))
                if n == self.shakes_at_rep:
                    shake = lambda: TremorBegan(self.t_s, self.t_s, step.do, step.side, 8.0)  # noqa: E731
                    self.after(6.0 + n * self.rep_s, shake)
        elif step.do == "pelvic_hold" and "pelvis" in self.sits:
            self.after(9.0, lambda: HoldReached(self.t_s - 2.5, self.t_s, step.do, step.side))
        elif step.do == "leg_back" and self._sees(step.side):
            self.after(4.0, lambda: StillnessChanged(self.t_s, self.t_s, place, place, True))

    def _rep(self, step: StepStarted, n: int) -> RepCompleted:
        t_s = self.t_s
        return RepCompleted(t_s - 2, t_s, step.do, step.side, n, t_s - self.rep_s, t_s, 50.0, False, None)

    def _measures(self, head: StepStarted) -> dict[str, Any] | None:
        from sensorsoma.coach.sight import sees

        if not sees(head.do, head.side, self.coach.wearing.worn):
            return None
        if head.do == "knee_fall":
            return {"count": 1, "falls": [FALL]}
        if "reps" in head.asked:
            return {"count": head.asked["reps"], "weak": head.do == "pelvic_rock" and "pelvis" not in self.sits}
        return {"count": None, "hold_s": 15.2, "rate_per_min": 6.0, "freq_hz": 1.0, "angle_deg": 12.0}


@pytest.fixture
def paper_person() -> type[PaperPerson]:
    """The class, to be made with a plan and what is worn."""
    return PaperPerson

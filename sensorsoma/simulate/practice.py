"""A whole practice, scripted: what a coach would say, done by the virtual person, with the truth of all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sensorsoma.errors import UsageError
from sensorsoma.messages import Cue, Exercise, Placement, Pose, Side, StepClosed, StepStarted
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import Simulation, sample
from sensorsoma.simulate.live_person import LivePerson
from sensorsoma.simulate.strap import StrapSlip
from sensorsoma.simulate.truth import StretchTruth


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a scripted practice."""

    do: Exercise
    side: Side | None = None
    seconds: float | None = None
    """None: the step ends when its movement is done."""
    reps: int | None = None
    continues: bool = False
    pose: Pose | None = None
    asked: dict[str, Any] = field(default_factory=dict)


def _fall(side: Side, rest_s: float, settle_s: float) -> tuple[Step, ...]:
    return (
        Step("knee_fall", side, pose="knee_up"),
        Step("rest", side, rest_s, continues=True),
        Step("leg_slide", side, continues=True),
        *((Step("stillness", side, settle_s, continues=True),) if settle_s else ()),
    )


def _clams(side: Side, reps: int) -> tuple[Step, ...]:
    return Step("roll_over", side), Step("clamshell", side, reps=reps)


def _back(side: Side) -> tuple[Step, ...]:
    return Step("leg_back", side, 60.0), Step("rest", side, 15.0)


_PELVIS = (Step("pelvic_rock", reps=6), Step("pelvic_hold", seconds=15.0), Step("rest", seconds=30.0))
_ONTO_BACK = Step("roll_over")

PRACTICES: dict[str, tuple[Step, ...]] = {
    "soft-hips": (
        Step("knee_in", seconds=60.0), Step("breathing", seconds=80.0),
        Step("leg_slide", seconds=40.0, pose="straight"),
        *_fall("right", 60.0, 60.0), *_fall("left", 60.0, 60.0), Step("rest", seconds=120.0),
    ),
    "hips-and-core": (
        Step("stillness", seconds=60.0, pose="straight"), *_fall("right", 60.0, 30.0), *_fall("left", 60.0, 30.0),
        *_PELVIS, *_clams("right", 8), *_back("right"), *_clams("left", 8), *_back("left"),
        Step("rocking", seconds=75.0), Step("stillness", seconds=60.0), _ONTO_BACK, Step("free", seconds=30.0),
    ),
    "hips-check": (
        Step("stillness", seconds=20.0, pose="straight"), *(_fall("right", 20.0, 0.0) * 3),
        *(_fall("left", 20.0, 0.0) * 3), *_clams("right", 5), *_clams("left", 5),
        _ONTO_BACK, Step("rest", seconds=20.0),
    ),
    "short": (
        Step("stillness", seconds=20.0, pose="straight"), *_fall("right", 30.0, 15.0), Step("pelvic_rock", reps=4),
        Step("pelvic_hold", seconds=10.0), Step("rest", seconds=20.0), *_clams("right", 5),
        Step("rocking", seconds=20.0), _ONTO_BACK, Step("rest", seconds=15.0),
    ),
}  # fmt: skip
"""The bundled practices with their usual doses."""

TICK_S = 0.25


def simulate_practice(
    name: str,
    *,
    seed: int = 1,
    rate_hz: float = 104.0,
    difficulties: Difficulties | None = None,
    placements: Sequence[Placement] = ("right-thigh", "left-thigh", "pelvis"),
    shaking: bool | None = None,
    acc_only: bool = False,
    dose: float = 1.0,
    temperament: str = "steady",
    slip: StrapSlip | None = None,
) -> Simulation:
    """Samples and truth of a bundled practice.

    Args:
        name: key of `PRACTICES`.
        dose: shortens (or lengthens) every timed step and every number of repetitions (never below 3 reps or 10 s).
        slip: a strap that turns about its thigh on the way; None: all of them stay where they are.

    Raises:
        UsageError: no such practice.
    """
    if name not in PRACTICES:
        raise UsageError(f"there is no practice {name!r}; choose one of {', '.join(sorted(PRACTICES))}")
    person = LivePerson(seed, difficulties, temperament=temperament, shaking=shaking, rate_hz=rate_hz)
    coach = _ScriptedCoach(person)
    for step in PRACTICES[name]:
        coach.lead(step, dose)
    person.person.at_s = coach.now_s
    if slip is not None:
        slip.happen(person.person)
    return sample(person.person, placements, rate_hz, name, acc_only=acc_only)


class _ScriptedCoach:
    """Says what comes next, knowing by heart what the person has done."""

    def __init__(self, person: LivePerson) -> None:
        self.person = person
        self.now_s = 1.0
        self._index = 0

    def lead(self, step: Step, dose: float) -> None:
        """One step from its start to its close."""
        reps = None if step.reps is None else max(3, round(step.reps * dose))
        seconds = None if step.seconds is None else max(10.0, step.seconds * dose)
        asked: dict[str, Any] = {"reps": reps} if reps else {"seconds": seconds} if seconds else {}
        step_id = f"{self._index:02d}-{step.do}"
        n = len(self.person.truth.stretches)
        self.person.hear(
            self.now_s,
            StepStarted(
                self.now_s, step_id, self._index, 0, step_id, step.do, step.side, step.continues, step.pose, asked
            ),
        )
        start_s, is_said = self.now_s, False
        while not self._is_over(step, n, start_s, seconds, reps):
            self._tick()
            if not is_said and self._is_cue_due(step, n):
                key = f"{step.do}.{'fall' if step.do == 'knee_fall' else 'back'}"
                self.person.hear(self.now_s, Cue(0, self.now_s, key, "say", "", 2.0))
                is_said = True
        self._tick(1.2)
        goes_on = step.do in ("knee_fall", "rest", "leg_slide") and self._goes_on(step)
        self.person.hear(self.now_s, StepClosed(self.now_s, step_id, self._index, goes_on))
        self._index += 1

    def _tick(self, seconds: float = TICK_S) -> None:
        self.now_s += seconds
        self.person.advance(self.now_s)

    def _stretch(self, n: int) -> StretchTruth | None:
        return self.person.truth.stretches[n] if len(self.person.truth.stretches) > n else None

    def _is_cue_due(self, step: Step, n: int) -> bool:
        stretch = self._stretch(n)
        if stretch is None:
            return False
        if step.do == "knee_fall" and stretch.fall is not None:
            return stretch.fall.knee_up_s > stretch.fall.draw_up_s and self.now_s > stretch.fall.knee_up_s + 3.5
        pause_s = stretch.values.get("pause_start_s")
        return step.do == "leg_back" and pause_s is not None and self.now_s > pause_s + 3.5

    def _is_over(self, step: Step, n: int, start_s: float, seconds: float | None, reps: int | None) -> bool:
        if seconds is not None:
            stretch = self._stretch(n)
            begun_s = stretch.hold_start_s if step.do in ("pelvic_hold", "leg_back") and stretch else start_s
            return begun_s is not None and (stretch is not None or step.continues) and self.now_s > begun_s + seconds
        if reps is not None:
            stretch = self._stretch(n)
            return stretch is not None and stretch.count >= reps and self.person.person.busy_s <= self.now_s
        return self._has_happened(step, n) and self.now_s > start_s + 3.0

    def _has_happened(self, step: Step, n: int) -> bool:
        """Whether the event that ends a step lies behind: the knee has arrived, the leg is straight, one has turned."""
        person, stretch = self.person.person, self._stretch(n)
        if step.do == "knee_fall":
            arrival_s = stretch.fall.arrival_s if stretch and stretch.fall else None
            return arrival_s is not None and self.now_s > arrival_s + 0.8
        if step.do == "leg_slide":
            fall = self.person.truth.stretches[-1].fall
            return fall is not None and fall.slide_end_s is not None
        wanted = "supine" if step.side is None else f"{step.side}_up"
        return person.posture == wanted and person.busy_s <= self.now_s

    def _goes_on(self, step: Step) -> bool:
        """A knee fall's stretch lasts until its settling, or its slide where none follows."""
        stretch = self.person.truth.stretches[-1]
        return stretch.fall is not None and (step.do == "knee_fall" or step.continues)

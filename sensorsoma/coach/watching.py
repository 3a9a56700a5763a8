"""What the sensors tell the coach: events written into the running step."""

from __future__ import annotations

from sensorsoma.coach.cues import CueQueue, Wish
from sensorsoma.coach.reps import Reps
from sensorsoma.coach.run import MOVEMENT_AT_MOST_S, StepRun
from sensorsoma.coach.script import Script
from sensorsoma.coach.steps import Step
from sensorsoma.coach.wearing import Wearing, target_posture
from sensorsoma.messages import (
    AlignmentReady,
    AlignmentRefused,
    BreathTurned,
    Event,
    Exercise,
    HoldEnded,
    HoldReached,
    KneeFallPhase,
    KneeFallPhaseReached,
    MovementBegan,
    PoseTaken,
    PostureChanged,
    RepCompleted,
    Side,
    StillnessChanged,
    TremorBegan,
    thigh_of,
)  # fmt: skip

BLIP_S = 2.0
"""A hold that ended sooner was not the hold."""

HELD_ON_S = 5.0
"""Somebody who was flattened when the words of the hold ended, and only then begins anew, lets go within this time."""

AT_REST = frozenset({"rest", "stillness", "breathing"})
"""The body does nothing but breathe, so that even a weak turn of the breath is one."""

YIELDING = frozenset({"rest", "stillness", "breathing", "knee_in", "free", "leg_back", "rocking"})
"""Steps that the movement of the next step may end."""


class Watcher:
    """Reads events for the running step."""

    def __init__(self, wearing: Wearing, script: Script, queue: CueQueue, reps: Reps) -> None:
        self.wearing = wearing
        self.reps = reps
        self._script = script
        self._queue = queue
        self._phase: KneeFallPhase | None = None
        self._began: tuple[Exercise, Side | None] | None = None
        self._missed: KneeFallPhase | None = None
        """The last phase that came in a pause."""

    def step_started(self, run: StepRun, now_is_s: float) -> None:
        """What is already known when a step begins."""
        self._began = self._missed = None
        self.reps.step_started()
        self.wearing.step_started(run.step)
        if run.step.do == "knee_fall":
            self._phase = None
        elif run.step.continues and run.step.do == "leg_slide":
            if self._phase == "straight":
                run.event, run.event_at = "straight", 0.0
            elif self._phase == "sliding":
                run.has_begun = True
                self._queue.hold(now_is_s + MOVEMENT_AT_MOST_S)
        if self.wearing.is_surely_there:
            run.event, run.event_at = "turned", 0.0

    def event(self, event: Event, run: StepRun | None, t_s: float, is_paused: bool = False) -> None:
        """Writes one event into the running step; in a pause `catch_up` does so when it ends.

        `run` is None while the person lies otherwise: what a turned thigh tells of a fall or a slide is neither.
        """
        if getattr(event, "placement", None) not in (None, *self.wearing.worn):
            return  # put aside: what it feels now is not the wearer's
        if isinstance(event, PostureChanged):
            self.wearing.posture(event)
        elif isinstance(event, AlignmentReady):
            self.wearing.aligned(event)
        elif isinstance(event, StillnessChanged):
            self.wearing.still(event)
        if run is None:
            return
        now, step = run.clock(t_s), run.step
        if is_paused:
            if isinstance(event, KneeFallPhaseReached) and _is_of(event.side, step):
                self._missed = event.phase
        elif isinstance(event, PostureChanged) and step.do == "roll_over" and event.posture == target_posture(step):
            run.has_begun, run.event, run.event_at = True, "turned", now
        elif isinstance(event, KneeFallPhaseReached) and _is_of(event.side, step):
            self._fall(event.phase, run, now, t_s)
        elif isinstance(event, RepCompleted):
            if event.exercise == step.do and _is_of(event.side, step) and step.reps is not None:
                self.reps.completed(event, run, t_s, self.wearing.sees_well(step))
        elif isinstance(event, BreathTurned):
            _breath(event, run, now)
        elif isinstance(event, TremorBegan) and event.exercise == step.do:
            self.reps.shakes(run, t_s)
        elif isinstance(event, (HoldReached, HoldEnded)) and event.exercise == step.do:
            _hold(event, run, now)
        elif isinstance(event, MovementBegan):
            self._began = (event.exercise, event.side)
            if event.exercise == step.do and step.do != "knee_fall":
                run.has_begun, run.moved_at = True, now
        elif isinstance(event, (PoseTaken, AlignmentReady, AlignmentRefused, StillnessChanged)):
            self._pose(event, run, now, t_s)

    def catch_up(self, run: StepRun, t_s: float) -> None:
        """A pause is over: a fall, a slide or a roll that was done in it is not waited for again."""
        missed, self._missed = self._missed, None
        if missed is not None:
            self._fall(missed, run, run.clock(t_s), t_s)
        if run.step.do == "roll_over" and self.wearing.turned_to == target_posture(run.step):
            run.has_begun, run.event, run.event_at = True, "turned", run.clock(t_s)

    def next_has_begun(self, run: StepRun, following: Step | None) -> bool:
        """True when the person has gone on of their own accord: the movement of the next step was seen."""
        if following is None or run.step.do not in YIELDING or run.step.moves_sensor_to is not None:
            return False
        if run.step.continues and following.continues and following.do == "leg_slide":
            return self._phase in ("sliding", "straight")
        if following.do == "roll_over":
            return self.wearing.turned_to is not None and self.wearing.turned_to == target_posture(following)
        return run.step.open and self._began == (following.do, following.side)

    def _fall(self, phase: KneeFallPhase, run: StepRun, now: float, t_s: float) -> None:
        if run.step.do != "knee_fall" and not run.step.continues:
            return
        self._phase = phase
        if phase in ("falling", "sliding"):
            run.has_begun, run.moved_at = True, now
            self._queue.hold(t_s + MOVEMENT_AT_MOST_S)
        else:
            self._queue.hold(0.0)
        if run.step.do == "knee_fall" and phase == "knee_up":
            if run.has_begun:  # put down half-way and drawn up anew: the fall is invited anew
                run.has_begun, run.knee_up_at, run.pose_at = False, None, None
                run.moments.pop("fall", None)
            run.knee_up_at = now if run.knee_up_at is None else run.knee_up_at
        elif run.step.do == "knee_fall" and phase in ("arrived", "sliding", "straight"):
            run.event, run.event_at = "arrived", now
        elif run.step.do == "leg_slide" and phase == "straight":
            run.event, run.event_at = "straight", now

    def _pose(
        self,
        event: PoseTaken | AlignmentReady | AlignmentRefused | StillnessChanged,
        run: StepRun,
        now: float,
        t_s: float,
    ) -> None:
        step = run.step
        if step.side is None or event.placement != thigh_of(step.side):
            return
        if isinstance(event, StillnessChanged):
            run.still_at = now if event.is_still else None
        elif step.do != "knee_fall" or run.has_begun:
            return
        elif isinstance(event, AlignmentRefused):
            if "closer" not in run.moments and "fall" not in run.moments:
                run.moments["closer"] = now
                run.knee_up_at = None
                self._queue.wish(Wish(*self._script.moment(step, "closer"), rank=2, wished_s=t_s))
        elif isinstance(event, AlignmentReady) or event.pose == "knee_up":
            run.pose_at = now


def _breath(turn: BreathTurned, run: StepRun, now: float) -> None:
    """Counts a breath when the next inhale begins, if its exhale began after the step's words.

    Where the body rests, weak turns count too: whichever of the two is really the inhale, one of them comes with every
    breath. Where it may move, a weak turn may be one of the movement.
    """
    turned_at = run.clock(turn.t_s)
    if (turn.is_weak and run.step.do not in AT_REST) or run.from_at is None or turned_at < run.from_at:
        return
    run.breath_at = now
    if turn.phase == "inhale" and run.is_breathing_out:
        run.breaths += 1
    run.is_breathing_out = turn.phase == "exhale"


def _is_of(side: Side | None, step: Step) -> bool:
    return side is None or step.side is None or side == step.side


def _hold(event: HoldReached | HoldEnded, run: StepRun, now: float) -> None:
    run.has_begun = True
    if run.step.do == "leg_back":
        run.still_at = now if isinstance(event, HoldReached) else None
    elif isinstance(event, HoldReached):
        run.hold_at = max(0.0, run.clock(event.t_s)) if run.hold_at is None else run.hold_at
    elif event.hold_s < BLIP_S or _is_of_the_step_before(run, run.clock(event.t_s)):
        run.hold_at = run.from_at = None
        run.let_go_at = now
    else:
        run.held_s = event.hold_s


def _is_of_the_step_before(run: StepRun, let_go_at: float) -> bool:
    """True when a hold that began before its words had ended was let go with them: the asked one comes after."""
    if run.words_at is None:
        return True
    return run.hold_at is not None and run.hold_at < run.words_at and let_go_at < run.words_at + HELD_ON_S

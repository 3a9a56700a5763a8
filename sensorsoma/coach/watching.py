"""What the sensors tell the coach: events written into the running step, and the few remarks that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sensorsoma.coach.cues import CueQueue, Wish
from sensorsoma.coach.run import StepRun
from sensorsoma.coach.script import Script, Spoken
from sensorsoma.coach.sight import THIGHS, sees, sees_well
from sensorsoma.coach.steps import Step
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
    Placement,
    PoseTaken,
    Posture,
    PostureChanged,
    RepCompleted,
    Side,
    StillnessChanged,
    TremorBegan,
    thigh_of,
)  # fmt: skip

MOVEMENT_AT_MOST_S = 12.0
"""Speech waits for a fall or a slide this long at most; then the end of the movement was missed."""

BLIP_S = 2.0
"""A hold that ended sooner was not the hold."""

MAX_REMARKS = 2
"""Remarks on tempo or range in one step; and never on two repetitions in a row."""

SHAKING_FRESH_S = 10.0
"""The greeting of shaking may wait this long for a quiet moment."""

AT_REST = frozenset({"rest", "stillness", "breathing"})
"""The body does nothing but breathe, so that even a weak turn of the breath is one."""

YIELDING = frozenset({"rest", "stillness", "breathing", "knee_in", "free", "leg_back", "rocking"})
"""Steps that the movement of the next step may end."""


class Watcher:
    """Keeps what is worn, which links are lost, how the person lies; reads events for the running step."""

    def __init__(
        self, worn: Sequence[Placement], script: Script, queue: CueQueue, usual_deg: Mapping[str, float]
    ) -> None:
        self.worn: set[Placement] = set(worn)
        self.has_greeted_shaking = False
        self._placement_of: dict[str, Placement] = {place: place for place in worn}
        self._lost: set[str] = set()
        self._aligned: set[Placement] = set()
        self._posture_of: dict[str, Posture] = {}
        self._script = script
        self._queue = queue
        self._usual_deg = usual_deg
        self._phase: KneeFallPhase | None = None
        self._turned_to: Posture | None = None
        self._was_there = False
        """The roll's posture was known before the roll began. From a thigh alone that is no proof: then time guides."""
        self._began: tuple[Exercise, Side | None] | None = None
        self._is_shaking = False
        self._remarked_rep = 0

    # ------------------------------------------------------------------------------------ what can be seen

    def saw(self, step: Step) -> bool:
        """True when something that is worn can measure the step."""
        return sees("knee_fall" if step.continues else step.do, step.side, self.worn)

    def sees_well_now(self, step: Step) -> bool:
        """True when the step can end by what is seen: worn, the link up, and for a roll the pose known."""
        there = self.worn - {self._placement_of[channel] for channel in self._lost}
        if step.do == "roll_over":
            is_aligned = any(thigh in there and thigh in self._aligned for thigh in THIGHS)
            return "pelvis" in there or (is_aligned and not (self._was_there and self._turned_to is None))
        return sees_well("knee_fall" if step.continues else step.do, step.side, there)

    def lost(self, channel: str, run: StepRun | None, now: float) -> bool:
        """Notes a lost link; True when it is worth a sentence."""
        if channel in self._lost or self._placement_of.get(channel) not in self.worn:
            return False
        self._lost.add(channel)
        if run is not None and self.saw(run.step):
            run.lost_at = now
        return True

    def resumed(self, channel: str, run: StepRun | None) -> bool:
        """Notes a link that is back; True when none is lost any more."""
        if channel not in self._lost:
            return False
        self._lost.discard(channel)
        if run is not None:
            run.lost_at = None
        return not self._lost

    def put_belly_aside(self) -> None:
        """A phone on the belly does not come along onto the side."""
        self.worn.discard("belly")

    def move_sensor(self, step: Step) -> tuple[str, Placement] | None:
        """Channel and new placement of the thigh sensor, when the step moves one that is worn elsewhere."""
        target = step.moves_sensor_to
        if target is None or target in self.worn:
            return None
        for channel, place in self._placement_of.items():
            if place in THIGHS and place in self.worn:
                self.worn = (self.worn - {place}) | {target}
                self._placement_of[channel] = target
                self._aligned -= {place, target}
                self._posture_of.pop(channel, None)
                return channel, target
        return None

    def support(self, run: StepRun) -> None:
        """The person says that a pillow holds the knee."""
        run.is_supported = True

    # ---------------------------------------------------------------------------------------------- events

    def step_started(self, run: StepRun, now_is_s: float) -> None:
        """What is already known when a step begins."""
        self._turned_to = self._began = None
        self._is_shaking = False
        self._remarked_rep = 0
        if run.step.do == "knee_fall":
            self._phase = None
        elif run.step.continues and run.step.do == "leg_slide":
            if self._phase == "straight":
                run.event, run.event_at = "straight", 0.0
            elif self._phase == "sliding":
                run.has_begun = True
                self._queue.hold(now_is_s + MOVEMENT_AT_MOST_S)
        self._was_there = run.step.do == "roll_over" and self._lies(run.step)
        if self._was_there and "pelvis" in self.worn:
            run.event, run.event_at = "turned", 0.0

    def event(self, event: Event, run: StepRun | None, t_s: float) -> None:
        """Writes one event into the running step; `run` is None while the session is paused."""
        if isinstance(event, PostureChanged):
            self._posture_of[event.channel] = self._turned_to = event.posture
        elif isinstance(event, AlignmentReady):
            self._aligned.add(event.placement)
        if run is None:
            return
        now, step = run.clock(t_s), run.step
        if isinstance(event, PostureChanged) and step.do == "roll_over" and event.posture == _target(step):
            run.has_begun, run.event, run.event_at = True, "turned", now
        elif isinstance(event, KneeFallPhaseReached) and _is_of(event.side, step):
            self._fall(event.phase, run, now, t_s)
        elif isinstance(event, RepCompleted):
            self._rep(event, run, now, t_s)
        elif isinstance(event, BreathTurned):
            _breath(event, run, now)
        elif isinstance(event, TremorBegan) and event.exercise == step.do and not self.has_greeted_shaking:
            self._is_shaking = True
            if step.reps is None:
                self._greet_shaking(t_s)
        elif isinstance(event, (HoldReached, HoldEnded)) and event.exercise == step.do:
            _hold(event, run, now)
        elif isinstance(event, MovementBegan):
            self._began = (event.exercise, event.side)
            run.has_begun |= event.exercise == step.do and step.do != "knee_fall"
        elif isinstance(event, (PoseTaken, AlignmentReady, AlignmentRefused, StillnessChanged)):
            self._pose(event, run, now, t_s)

    def next_has_begun(self, run: StepRun, following: Step | None) -> bool:
        """True when the person has gone on of their own accord: the movement of the next step was seen."""
        if following is None or run.step.do not in YIELDING or run.step.moves_sensor_to is not None:
            return False
        if run.step.continues and following.continues and following.do == "leg_slide":
            return self._phase in ("sliding", "straight")
        if following.do == "roll_over":
            return self._turned_to is not None and self._turned_to == _target(following)
        return run.step.open and self._began == (following.do, following.side)

    def _lies(self, step: Step) -> bool:
        """True when the posture that a roll leads to is already known; a pelvis knows better than a thigh."""
        pelvis = next((self._posture_of.get(c) for c, place in self._placement_of.items() if place == "pelvis"), None)
        known = [pelvis] if pelvis is not None else list(self._posture_of.values())
        return _target(step) in known

    def _fall(self, phase: KneeFallPhase, run: StepRun, now: float, t_s: float) -> None:
        if run.step.do != "knee_fall" and not run.step.continues:
            return
        self._phase = phase
        if phase in ("falling", "sliding"):
            run.has_begun = True
            self._queue.hold(t_s + MOVEMENT_AT_MOST_S)
        else:
            self._queue.hold(0.0)
        if run.step.do == "knee_fall" and phase == "knee_up" and run.knee_up_at is None:
            run.knee_up_at = now
        elif run.step.do == "knee_fall" and phase in ("arrived", "sliding", "straight"):
            run.event, run.event_at = "arrived", now
        elif run.step.do == "leg_slide" and phase == "straight":
            run.event, run.event_at = "straight", now

    def _rep(self, rep: RepCompleted, run: StepRun, now: float, t_s: float) -> None:
        step = run.step
        if rep.exercise != step.do or not _is_of(rep.side, step) or step.reps is None:
            return
        run.has_begun = True
        if rep.is_partial:
            return
        run.reps += 1
        run.last_rep_at = now
        if not sees_well(step.do, step.side, self.worn):
            return
        key, sentences = self._script.count(step, run.reps)
        fresh = self._queue.params.count_fresh_s
        self._queue.wish(Wish(key, sentences, kind="count", rank=1, wished_s=t_s, fresh_s=fresh))
        if run.reps >= step.reps:
            return
        if self._is_shaking and not self.has_greeted_shaking:
            self._greet_shaking(t_s)
        elif run.reps - self._remarked_rep >= 2 and run.n_remarks < MAX_REMARKS and run.words_at is not None:
            moment = self._remark(rep, step)
            if moment is not None:
                run.n_remarks += 1
                self._remarked_rep = run.reps
                self._say(self._script.moment(step, moment), t_s)

    def _remark(self, rep: RepCompleted, step: Step) -> str | None:
        """What lies outside the comfort band; silence inside."""
        band, usual = step.band, self._usual_deg.get(f"{step.do} {step.side}")
        if band.rep_s is not None and rep.end_s - rep.start_s < band.rep_s[0]:
            return "slower"
        if band.usual_share is None or not usual or rep.range_deg is None:
            return None
        share = rep.range_deg / usual
        return "range_less" if share > band.usual_share[1] else "range_more" if share < band.usual_share[0] else None

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
                self._say(self._script.moment(step, "closer"), t_s, rank=2)
        elif isinstance(event, AlignmentReady) or event.pose == "knee_up":
            run.pose_at = now

    def _greet_shaking(self, t_s: float) -> None:
        self._queue.wish(Wish(*self._script.session("shaking"), wished_s=t_s, fresh_s=SHAKING_FRESH_S))

    def _say(self, spoken: Spoken, t_s: float, rank: int = 0) -> None:
        fresh = self._queue.params.optional_fresh_s if rank < 2 else None
        self._queue.wish(Wish(*spoken, rank=rank, wished_s=t_s, fresh_s=fresh))


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


def _target(step: Step) -> Posture:
    """The posture that a roll leads to: the practised leg on top, or on the back."""
    return "supine" if step.side is None else "left_up" if step.side == "left" else "right_up"


def _is_of(side: Side | None, step: Step) -> bool:
    return side is None or step.side is None or side == step.side


def _hold(event: HoldReached | HoldEnded, run: StepRun, now: float) -> None:
    run.has_begun = True
    if run.step.do == "leg_back":
        run.still_at = now if isinstance(event, HoldReached) else None
    elif isinstance(event, HoldReached):
        run.hold_at = max(0.0, run.clock(event.t_s)) if run.hold_at is None else run.hold_at
    elif event.hold_s >= BLIP_S:
        run.held_s = event.hold_s
    else:
        run.hold_at = None

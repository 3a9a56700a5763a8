"""The way through the plan: which step runs, what begins and ends it, and what is said at its moments."""

from __future__ import annotations

from typing import Any

from sensorsoma.coach.cues import CueQueue, Wish
from sensorsoma.coach.done import asked_of
from sensorsoma.coach.finishing import Finishing
from sensorsoma.coach.lying import Lying
from sensorsoma.coach.pace import PACE, guided_s
from sensorsoma.coach.run import (
    EndedBy,
    RunParams,
    StepRun,
    begin_counting,
    ending,
    moment_due,
    timed_length,
    wants_again,
)  # fmt: skip
from sensorsoma.coach.script import Script, Spoken
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.watching import Watcher
from sensorsoma.messages import (
    Cue,
    SensorFellOff,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    StepClosed,
    StepFinished,
    StepStarted,
)  # fmt: skip

CoachOutput = (
    Cue
    | StepStarted
    | StepClosed
    | StepFinished
    | SensorMoved
    | SensorFellOff
    | SessionPaused
    | SessionContinued
    | SessionEnded
)


class Course:
    """Starts, leads and closes one step after the other; times are session seconds."""

    def __init__(self, plan: Plan, script: Script, queue: CueQueue, watch: Watcher, params: RunParams) -> None:
        self.plan = plan
        self.run: StepRun | None = None
        self.next_index: int | None = 0
        """Step that starts as soon as nothing is in its way; None while one runs."""
        self.is_next_asked = False
        """The step that starts next is the answer to a mark, so its words may cut in."""
        self.is_quiet = False
        """Nothing is said, and time ends nothing."""
        self.has_taps = False
        """A double tap is listened for."""
        self.ended_by: str | None = None
        """Why the plan is over ("plan" or "person"); None while it goes on."""
        self.out: list[CoachOutput] = []
        self.between: list[Spoken] = []
        """What is said before the next step that begins by itself: no moment within a step is disturbed by it."""
        self.finishing = Finishing(plan.breath_s, watch.wearing)
        self.lying = Lying(plan, watch.wearing)
        self._script = script
        self._queue = queue
        self._watch = watch
        self._params = params
        self._stood_s: float | None = None
        """Until when the step has stood still because the person lies otherwise."""
        self._has_asked_to_lie = False

    # ---------------------------------------------------------------------------------------- step by step

    def start(self, t_s: float) -> None:
        """Begins the step that is next."""
        if self.next_index is None:
            return
        index, step = self.next_index, self.plan.steps[self.next_index]
        self.next_index = None
        self._stood_s = None
        self._queue.step_changed()
        self.run = StepRun(index, step, t_s, guided_s(self.plan, step), is_asked=self.is_next_asked)
        self.out.append(
            StepStarted(
                t_s, step.id, index, len(self.plan.steps), step.title, step.do, step.side, step.continues,
                step.pose, asked_of(step, self.plan.breath_s),
            )
        )  # fmt: skip
        self._watch.step_started(self.run, t_s)
        if not self.is_next_asked and not step.continues:
            for spoken in self.between:
                self.wish(spoken, t_s, rank=2)
            self.between.clear()
        self.say_opening(t_s, is_interrupting=self.is_next_asked)
        self.is_next_asked = False

    def say_opening(self, t_s: float, is_interrupting: bool) -> None:
        """The words with which the running step begins."""
        if self.run is None:
            return
        wearing, step = self._watch.wearing, self.run.step
        spoken = self._script.opening(step, "belly" in wearing.worn, self.run.event == "turned", self.can_tap)
        self.wish(spoken, t_s, rank=2, is_answer=is_interrupting, is_interrupting=is_interrupting)
        if step.do == "roll_over":
            wearing.put_belly_aside()

    def close(self, why: EndedBy, t_s: float, to: int | None = None) -> None:
        """Leaves the running step; `to` is where to go instead of the next one."""
        run = self.run
        if run is None:
            return
        self.run = None
        run.end_s, run.ended_by = t_s, why
        following = self._following(run)
        goes_on = to is None and why != "stop" and following is not None and following.continues
        self.out.append(StepClosed(t_s, run.step.id, run.index, goes_on))
        self.next_index = None if why == "stop" else run.index + 1 if to is None else to
        moved = self._watch.wearing.move_sensor(run.step) if why == "person" and to is None else None
        self.out.extend(self.finishing.closed(run, goes_on, t_s))
        if moved is not None:
            self.out.append(SensorMoved(t_s, *moved))
        if self.next_index is not None and self.next_index >= len(self.plan.steps):
            self.next_index, self.ended_by = None, "plan"
            self.wish(self._script.session("end"), t_s, rank=2, outlives_step=True)

    def step_before(self, index: int) -> int:
        """The step before, or the head of its stretch: a stretch that has ended cannot be continued."""
        before = max(index - 1, 0)
        while before > 0 and self.plan.steps[before].continues:
            before -= 1
        return before

    def _following(self, run: StepRun) -> Step | None:
        return self.plan.steps[run.index + 1] if run.index + 1 < len(self.plan.steps) else None

    # --------------------------------------------------------------------------------------- within a step

    def advance(self, t_s: float) -> None:
        """Everything that time alone brings about in the running step."""
        run = self.run
        if run is None or self._waits_for_posture(run, t_s):
            return
        now, step = run.clock(t_s), run.step
        is_seen = self._watch.wearing.sees_well_now(step)
        is_idle = self.is_quiet or self._queue.is_idle(t_s)
        if run.words_at is None and is_idle:
            run.words_at = now
        begin_counting(run, now, is_seen, is_idle, self._params)
        moment = moment_due(run, now, is_seen, PACE.knee_up_s, PACE.leg_line_s, self._params)
        if moment is not None:
            run.moments[moment] = now
            self.wish(self._script.moment(step, moment), t_s, rank=2, may_trim=False)
        self._say_middle(run, now, t_s)
        offer = wants_again(run, now, is_seen, self.plan.again_after(step))
        if offer is not None:
            run.moments["again"] = now
            self.wish(self._script.offer(step, offer, self.can_tap), t_s, rank=2)
        run.rested_s = self._watch.wearing.rested_s(step, t_s)
        why = ending(run, now, is_seen, self.plan.breath_s, self._params)
        if self.is_quiet and why != "event":
            why = None
        if why is None and self._watch.next_has_begun(run, self._following(run)):
            why = "event"
        if why is not None:
            self.close(why, t_s)

    @property
    def can_tap(self) -> bool:
        """True when a double tap would be felt: by a strapped sensor that is heard, not by a phone on the belly."""
        return self.has_taps and bool(self._watch.wearing.there - {"belly"})

    @property
    def is_off(self) -> bool:
        """True while the person lies so that the words of the running step would not fit."""
        return self.run is not None and not self.run.step.open and self.lying.is_off

    def waits(self) -> bool:
        """True when the running step waits, and would for ever: for a movement, or for somebody who got up."""
        run = self.run
        return run is not None and not run.step.open and (self.is_off or timed_length(run, self.plan.breath_s) is None)

    def _waits_for_posture(self, run: StepRun, t_s: float) -> bool:
        """Follows a person who has rolled over early; True while the step stands still."""
        was_off_s = self.lying.off_s(t_s)
        self.lying.look(run.index, t_s)
        if not self.is_off:
            self._stood_s, self._has_asked_to_lie = None, False
            if was_off_s >= self.lying.params.on_side_s and not run.step.open:
                self.say_opening(t_s, is_interrupting=False)
            return False
        ahead = self.lying.step_ahead(run.index) if self.lying.is_meant(run.index, t_s) else None
        if ahead is not None or self._watch.next_has_begun(run, self._following(run)):
            self.close("event", t_s, to=ahead)
            return True
        if self.lying.is_meant(run.index, t_s) and not self._has_asked_to_lie:
            self._has_asked_to_lie = True
            self.wish(self._script.session("lie_as_before"), t_s, rank=3, is_answer=True, fresh_s=30.0)
        if self._stood_s is not None:
            run.paused_s += t_s - self._stood_s
        self._stood_s = t_s
        return True

    def _say_middle(self, run: StepRun, now: float, t_s: float) -> None:
        length = timed_length(run, self.plan.breath_s)
        if length is None or run.from_at is None or "middle" in run.moments or length < self._params.middle_from_s:
            return
        if now - run.from_at >= length / 2:
            run.moments["middle"] = now
            fresh_s = self._queue.params.optional_fresh_s
            self.wish(self._script.moment(run.step, "middle"), t_s, rank=0, fresh_s=fresh_s)

    def wish(self, spoken: Spoken, t_s: float, rank: int, **options: Any) -> None:
        """Something to be said when it fits."""
        key, sentences = spoken
        if not self.is_quiet:
            self._queue.wish(Wish(key, sentences, rank=rank, wished_s=t_s, **options))

"""Events, ticks and marks into cues and steps: where the person is in the plan, and what comes next.

The coach has no clock. Time is what the messages say: `host_ns` of inputs relative to the settings snapshot, `known_s`
of events. The same messages give the same cues, live and replayed.

    welcome ─▶ step ─▶ step ─▶ … ─▶ end words ─▶ SessionEnded
                │
                └─ closed: `StepClosed`, then (once its stretch is measured) `StepFinished`, then the next `StepStarted`

A step ends by its own condition, by the person (`next`), or by the movement that begins the next step. What nothing
worn can see is guided by time and finished as not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensorsoma.coach.course import CoachOutput, Course
from sensorsoma.coach.cues import CueQueue
from sensorsoma.coach.links import Links
from sensorsoma.coach.pacer import Pacer
from sensorsoma.coach.presence import Presence
from sensorsoma.coach.reps import Reps
from sensorsoma.coach.run import RunParams, StepRun
from sensorsoma.coach.script import Script
from sensorsoma.coach.steps import Plan
from sensorsoma.coach.watching import Watcher
from sensorsoma.coach.wearing import Wearing
from sensorsoma.coach.words import Words, load_words
from sensorsoma.messages import (
    BreathTurned,
    CueFinished,
    DeviceInfo,
    DoubleTapped,
    Event,
    Input,
    Placement,
    PostureChanged,
    SegmentMeasured,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    SettingsSnapshot,
    StreamInterrupted,
    StreamResumed,
    UserMark,
)  # fmt: skip
from sensorsoma.units import NS_PER_S


@dataclass(frozen=True, slots=True)
class CoachParams:
    """Waits of the session as a whole."""

    tap_grace_s: float = 1.0
    """A double tap this soon after a step began by itself was meant for the step before: to hear that something has
    changed and to tap twice takes longer."""
    strapping_s: float = 10.0
    """While the sensor is being moved it is knocked about; nobody straps it faster than this."""
    noted_fresh_s: float = 2.0
    """A number that was pressed is acknowledged at once or not at all."""


class Coach:
    """Leads through one plan.

    Args:
        plan: what is practised.
        worn: placements of the sensors that were started; their names are also their channels.
        words: the wording; English when None.
        usual_deg: the person's own usual ranges, `{"clamshell right": 52.0}`, for the comfort band.
        params: small waits within a step.
        n_before: sessions of this plan that the person has finished before; remarks grow rarer with them.
        pacer: settings of the breath pacer; None: off.
    """

    def __init__(
        self,
        plan: Plan,
        worn: Sequence[Placement] = (),
        words: Words | None = None,
        usual_deg: Mapping[str, float] | None = None,
        params: RunParams | None = None,
        *,
        n_before: int = 0,
        pacer: Mapping[str, Any] | None = None,
    ) -> None:
        self.params = CoachParams()
        words = words or load_words()
        self.pacer = Pacer(pacer, words) if pacer is not None else None
        self.queue = CueQueue()
        self.wearing = Wearing(worn)
        self._script = Script(plan, words)
        self._reps = Reps(self._script, self.queue, usual_deg or {}, n_before)
        self._watch = Watcher(self.wearing, self._script, self.queue, self._reps)
        self.course = Course(plan, self._script, self.queue, self._watch, params or RunParams())
        self._presence = Presence()
        self._links = Links(self.course, self._script, self.wearing)
        self._epoch_ns: int | None = None
        self._t_s = 0.0
        self._paused_at_s: float | None = None
        self._has_welcomed = False
        self._is_welcoming = True
        self._has_ended = False

    @property
    def run(self) -> StepRun | None:
        """The step that is being practised."""
        return self.course.run

    def feed(self, message: Input | Event | DeviceInfo) -> tuple[CoachOutput, ...]:
        """What follows from one message; nothing after `SessionEnded`."""
        if self._has_ended:
            return ()
        self._tell_time(message)
        self._presence.hear(message, self._t_s)
        if isinstance(message, SegmentMeasured):
            self.course.out.extend(self.course.finishing.measured(message, self._t_s))
        elif isinstance(message, DeviceInfo):
            self._links.tells(message)
        elif isinstance(message, DoubleTapped):
            self._tap(message)
        elif hasattr(message, "host_ns"):
            self.course.out.extend(self.course.finishing.without_measures(self._t_s))
            self._input(message)
        else:
            if self.pacer is not None and isinstance(message, BreathTurned):
                self.pacer.hear(message)
            if isinstance(message, PostureChanged):
                self._links.turned(message, self._t_s)
            run = None if self.course.is_off else self.run
            self._watch.event(message, run, self._t_s, is_paused=self._paused_at_s is not None)
        self._advance()
        return self._give()

    def finish(self) -> tuple[CoachOutput, ...]:
        """Closes what is open because the input has ended; call it until it gives nothing.

        The first call may give a `StepClosed` whose measures are awaited before the second.
        """
        if self._has_ended:
            return ()
        if self.run is not None:
            self.course.close("stop", self._t_s)
        else:
            self.course.out.extend(self.course.finishing.without_measures(self._t_s))
        self.course.ended_by = self.course.ended_by or "person"
        if not self.course.finishing.is_due:
            self._end_session()
        return self._give(is_speaking=False)

    # ------------------------------------------------------------------------------------------ messages

    def _tell_time(self, message: Input | Event | DeviceInfo) -> None:
        host_ns = getattr(message, "host_ns", None)
        if host_ns is not None:
            self._epoch_ns = host_ns if self._epoch_ns is None else self._epoch_ns
            t_s = (host_ns - self._epoch_ns) / NS_PER_S
        else:
            t_s = getattr(message, "known_s", self._t_s)
        self._t_s = max(self._t_s, t_s)

    def _input(self, message: Any) -> None:
        if isinstance(message, SettingsSnapshot):
            self.course.is_quiet = bool(message.settings.get("is_quiet", False))
            self.course.has_taps = bool(message.settings.get("has_taps", False))
        elif isinstance(message, CueFinished):
            self.queue.finished(message.cue_id)
        elif isinstance(message, UserMark):
            self._mark(message)
        elif isinstance(message, StreamInterrupted):
            self._links.interrupted(message, self._t_s)
        elif isinstance(message, StreamResumed):
            self._links.resumed(message, self._t_s)

    def _mark(self, mark: UserMark) -> None:
        if mark.kind == "stop":
            self._stop()
        elif mark.kind == "pause":
            self._pause()
        elif mark.kind == "resume":
            self._resume(is_said=True)
        elif mark.kind == "supported" and self.run is not None:
            self.run.is_supported = True
        elif mark.kind == "comfort" and self.run is not None:
            fresh_s = self.params.noted_fresh_s
            self.course.wish(self._script.session("noted"), self._t_s, rank=3, is_answer=True, fresh_s=fresh_s)
        elif mark.kind in ("next", "back", "repeat"):
            is_over = self.course.ended_by is not None
            self._resume(is_said=is_over)
            if not is_over:
                self._go(mark.kind)

    def _tap(self, tap: DoubleTapped) -> None:
        """A double tap: next, or yes to what waits."""
        if tap.placement not in self.wearing.worn:
            return
        if self._paused_at_s is not None:
            self._resume(is_said=True)
            return
        if self.course.ended_by is not None:
            return
        run = self.run
        if run is not None:
            since_s = tap.t_s - run.start_s
            if since_s < self.params.tap_grace_s and not run.is_asked:
                return
            if run.step.moves_sensor_to is not None and since_s < self.params.strapping_s:
                return
        self._go("next")

    def _pause(self) -> None:
        if self._paused_at_s is not None:
            return
        self._paused_at_s = self._t_s
        self.course.out.append(SessionPaused(self._t_s))
        self._answer("paused")

    def _resume(self, is_said: bool) -> None:
        if self._paused_at_s is None:
            return
        paused_s = self._t_s - self._paused_at_s
        self._paused_at_s = None
        self.queue.withdraw("paused")
        self.course.out.append(SessionContinued(self._t_s))
        if is_said:
            self._answer("resumed")
        run = self.run
        if run is not None:
            run.paused_s += paused_s
            self._watch.catch_up(run, self._t_s)
            if is_said and run.words_at is None and not self.queue.has_waiting_guidance():
                self.course.say_opening(self._t_s, is_interrupting=False)

    def _stop(self) -> None:
        """The person stops: at once, if the end was being spoken already."""
        is_over_already = self.course.ended_by is not None
        self.queue.step_changed()
        self._paused_at_s = None
        if is_over_already:
            self.queue.silence()
            return
        self.course.ended_by = "person"
        self.course.next_index = None
        self.course.close("stop", self._t_s)
        self._answer("stopped")

    def _fall_silent(self) -> None:
        """Nobody has taken part for so long that they sleep: the session ends without a word that could wake them."""
        self.course.ended_by = "person"
        self.course.close("stop", self._t_s)
        self.queue.silence()

    def _go(self, kind: str) -> None:
        """Next, back or repeat."""
        course, run = self.course, self.run
        course.is_next_asked = True
        if run is None:
            self._is_welcoming = False
            return
        course.lying.accept(run.index)
        if kind == "repeat" and run.step.continues:
            run.restart(self._t_s)
            course.say_opening(self._t_s, is_interrupting=True)
            course.is_next_asked = False
        elif kind == "repeat":
            course.close("person", self._t_s, to=run.index)
        elif kind == "back":
            course.close("person", self._t_s, to=course.step_before(run.index))
        else:
            course.close("person", self._t_s)

    # ------------------------------------------------------------------------------------------ advancing

    def _advance(self) -> None:
        """Everything that time alone brings about."""
        course = self.course
        if self._paused_at_s is not None:
            return
        course.advance(self._t_s)
        if self._presence.is_asleep(course, self._t_s):
            self._fall_silent()
        if self.run is not None or course.finishing.is_due:
            return
        if course.next_index is not None:
            if self._is_welcoming and not self._has_welcomed:
                self._has_welcomed = True
                course.wish(self._script.session("welcome"), self._t_s, rank=2)
            elif not self._is_welcoming or course.is_quiet or self.queue.is_idle(self._t_s):
                course.start(self._t_s)
                self._is_welcoming = False
        elif course.ended_by is not None and self.queue.is_idle(self._t_s) and not self.queue.state.waiting:
            self._end_session()

    def _end_session(self) -> None:
        self._has_ended = True
        self.course.out.append(SessionEnded(self._t_s, "plan" if self.course.ended_by == "plan" else "person"))

    # ---------------------------------------------------------------------------------------- speaking

    def _answer(self, moment: str) -> None:
        """What the person asked for is answered at once."""
        self.course.wish(
            self._script.session(moment), self._t_s, rank=3, is_answer=True, is_interrupting=True, outlives_step=True
        )

    def _give(self, is_speaking: bool = True) -> tuple[CoachOutput, ...]:
        course = self.course
        if is_speaking and not self._has_ended and not course.is_quiet:
            is_standing = self._paused_at_s is not None or course.is_off
            cue = self.queue.poll(self._t_s, only_answers=is_standing)
            if cue is not None:
                self._reps.said(cue.key, self.run)
            elif self.pacer is not None:
                do = None if self.run is None else self.run.step.do
                is_open = not is_standing and self.queue.is_open_to_breath(self._t_s)
                cue = self.pacer.poll(self._t_s, do, is_open, self.queue.state.next_id)
                if cue is not None:
                    self.queue.take(cue)
            if cue is not None:
                course.out.append(cue)
        given, course.out = tuple(course.out), []
        return given

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
from typing import Any

from sensorsoma.coach.cues import CueQueue, Wish
from sensorsoma.coach.done import asked_of, done_in, has_measured, nothing_done
from sensorsoma.coach.pace import PACE, guided_s
from sensorsoma.coach.pacer import Pacer
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
from sensorsoma.coach.words import Words, load_words
from sensorsoma.messages import (
    Cue,
    CueFinished,
    Event,
    Input,
    Placement,
    SegmentMeasured,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    SettingsSnapshot,
    StepClosed,
    StepFinished,
    StepStarted,
    StreamInterrupted,
    StreamResumed,
    UserMark,
)  # fmt: skip
from sensorsoma.units import NS_PER_S

CoachOutput = (
    Cue | StepStarted | StepClosed | StepFinished | SensorMoved | SessionPaused | SessionContinued | SessionEnded
)

LINK_QUIET_S = 60.0
"""A link that comes and goes is spoken of once a minute at most."""


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
        self.plan = plan
        self.n_before = n_before
        self.pacer = Pacer(pacer) if pacer is not None else None
        self.params = params or RunParams()
        self.queue = CueQueue()
        self.run: StepRun | None = None
        self.ended_by: str | None = None
        """Why the plan is over ("plan" or "person"); None while it goes on."""
        self._script = Script(plan, words or load_words())
        self._watch = Watcher(worn, self._script, self.queue, usual_deg or {})
        self._epoch_ns: int | None = None
        self._t_s = 0.0
        self._paused_at_s: float | None = None
        self._is_quiet = False
        self._is_welcoming = True
        self._has_welcomed = False
        self._has_ended = False
        self._next_index: int | None = 0
        """Step that starts as soon as nothing is in its way; None while one runs."""
        self._is_next_asked = False
        """The step that starts next is the answer to a mark, so its words may cut in."""
        self._awaiting: list[StepRun] = []
        """Closed steps of a stretch, to be finished when its measures come."""
        self._is_measure_due = False
        self._out: list[CoachOutput] = []
        self._link_said_s: float | None = None
        self._is_loss_said = False

    def feed(self, message: Input | Event) -> tuple[CoachOutput, ...]:
        """What follows from one message; nothing after `SessionEnded`."""
        if self._has_ended:
            return ()
        self._tell_time(message)
        if isinstance(message, SegmentMeasured):
            self._measured(message)
        elif hasattr(message, "host_ns"):
            if self._is_measure_due:
                self._finish_awaiting({})
            self._input(message)
        else:
            self._watch.event(message, self.run if self._paused_at_s is None else None, self._t_s)
        self._advance()
        return self._give()

    def finish(self) -> tuple[CoachOutput, ...]:
        """Closes what is open because the input has ended; call it until it gives nothing.

        The first call may give a `StepClosed` whose measures are awaited before the second.
        """
        if self._has_ended:
            return ()
        if self.run is not None:
            self._close("stop")
        elif self._is_measure_due:
            self._finish_awaiting({})
        self.ended_by = self.ended_by or "person"
        if not self._is_measure_due:
            self._end_session()
        return self._give(is_speaking=False)

    # ------------------------------------------------------------------------------------------ messages

    def _tell_time(self, message: Input | Event) -> None:
        host_ns = getattr(message, "host_ns", None)
        if host_ns is not None:
            self._epoch_ns = host_ns if self._epoch_ns is None else self._epoch_ns
            t_s = (host_ns - self._epoch_ns) / NS_PER_S
        else:
            t_s = getattr(message, "known_s", self._t_s)
        self._t_s = max(self._t_s, t_s)

    def _input(self, message: Any) -> None:
        if isinstance(message, SettingsSnapshot):
            self._is_quiet = bool(message.settings.get("is_quiet", False))
        elif isinstance(message, CueFinished):
            self.queue.finished(message.cue_id)
        elif isinstance(message, UserMark):
            self._mark(message)
        elif isinstance(message, StreamInterrupted):
            if self._watch.lost(message.channel, self.run, self._clock()):
                self._speak_of_link("link_lost")
        elif isinstance(message, StreamResumed) and self._watch.resumed(message.channel, self.run):
            self._speak_of_link("link_back")

    def _speak_of_link(self, moment: str) -> None:
        if moment == "link_lost":
            if self._link_said_s is not None and self._t_s - self._link_said_s < LINK_QUIET_S:
                return
            self._link_said_s = self._t_s
        elif not self._is_loss_said:
            return
        self._is_loss_said = moment == "link_lost"
        self._wish(self._script.session(moment), rank=2, fresh_s=30.0, outlives_step=True)

    def _mark(self, mark: UserMark) -> None:
        if self.ended_by is not None:
            return
        if mark.kind == "pause":
            self._pause()
        elif mark.kind == "resume":
            self._resume(is_said=True)
        elif mark.kind == "stop":
            self._stop()
        elif mark.kind == "supported" and self.run is not None:
            self._watch.support(self.run)
        elif mark.kind in ("next", "back", "repeat"):
            self._resume(is_said=False)
            self._go(mark.kind)

    def _pause(self) -> None:
        if self._paused_at_s is not None:
            return
        self._paused_at_s = self._t_s
        self._out.append(SessionPaused(self._t_s))
        self._wish(self._script.session("paused"), rank=3, is_answer=True, is_interrupting=True, outlives_step=True)

    def _resume(self, is_said: bool) -> None:
        if self._paused_at_s is None:
            return
        paused_s = self._t_s - self._paused_at_s
        self._paused_at_s = None
        self.queue.withdraw("paused")
        self._out.append(SessionContinued(self._t_s))
        if is_said:
            self._wish(
                self._script.session("resumed"), rank=3, is_answer=True, is_interrupting=True, outlives_step=True
            )
        if self.run is not None:
            self.run.paused_s += paused_s
            if is_said and self.run.words_at is None and not self.queue.has_waiting_guidance():
                self._say_opening(is_interrupting=False)

    def _stop(self) -> None:
        self.queue.step_changed()
        self._paused_at_s = None
        self.ended_by = "person"
        self._next_index = None
        if self.run is not None:
            self._close("stop")
        self._wish(self._script.session("stopped"), rank=3, is_answer=True, is_interrupting=True, outlives_step=True)

    def _go(self, kind: str) -> None:
        """Next, back or repeat."""
        self._is_next_asked = True
        if self.run is None:
            self._is_welcoming = False
            return
        run = self.run
        if kind == "repeat" and run.step.continues:
            run.restart(self._t_s)
            self._say_opening(is_interrupting=True)
            self._is_next_asked = False
        elif kind == "repeat":
            self._close("person", to=run.index)
        elif kind == "back":
            self._close("person", to=self._step_before(run.index))
        else:
            self._close("person")

    def _step_before(self, index: int) -> int:
        """The step before, or the head of its stretch: a stretch that has ended cannot be continued."""
        before = max(index - 1, 0)
        while before > 0 and self.plan.steps[before].continues:
            before -= 1
        return before

    # ------------------------------------------------------------------------------------------ advancing

    def _advance(self) -> None:
        """Everything that time alone brings about."""
        if self._paused_at_s is not None:
            return
        if self.run is not None:
            self._advance_step(self.run)
        if self.run is not None or self._is_measure_due:
            return
        if self._next_index is not None:
            if self._is_welcoming and not self._has_welcomed:
                self._has_welcomed = True
                self._wish(self._script.session("welcome"), rank=2)
            elif not self._is_welcoming or self._is_quiet or self.queue.is_idle(self._t_s):
                self._start(self._next_index)
        elif self.ended_by is not None and self.queue.is_idle(self._t_s) and not self.queue.state.waiting:
            self._end_session()

    def _advance_step(self, run: StepRun) -> None:
        now, step, t_s = run.clock(self._t_s), run.step, self._t_s
        is_seen = self._watch.sees_well_now(step)
        is_idle = self._is_quiet or self.queue.is_idle(t_s)
        if run.words_at is None and is_idle:
            run.words_at = now
        begin_counting(run, now, is_seen, is_idle, self.params)
        moment = moment_due(run, now, is_seen, PACE.knee_up_s, PACE.leg_line_s, self.params)
        if moment is not None:
            run.moments[moment] = now
            self._wish(self._script.moment(step, moment), rank=2, may_trim=False)
        self._say_middle(run, now)
        offer = wants_again(run, now, is_seen, self.plan.again_after(step))
        if offer is not None:
            run.moments["again"] = now
            self._wish(self._script.moment(step, offer), rank=2)
        why = ending(run, now, is_seen, self.plan.breath_s, self.params)
        if self._is_quiet and why != "event":
            why = None
        if why is None and self._watch.next_has_begun(run, self._following(run)):
            why = "event"
        if why is not None:
            self._close(why)

    def _say_middle(self, run: StepRun, now: float) -> None:
        length = timed_length(run, self.plan.breath_s)
        if length is None or run.from_at is None or "middle" in run.moments or length < self.params.middle_from_s:
            return
        if now - run.from_at >= length / 2:
            run.moments["middle"] = now
            self._wish(self._script.moment(run.step, "middle"), rank=0, fresh_s=self.queue.params.optional_fresh_s)

    def _following(self, run: StepRun) -> Step | None:
        return self.plan.steps[run.index + 1] if run.index + 1 < len(self.plan.steps) else None

    # ------------------------------------------------------------------------------------- step by step

    def _start(self, index: int) -> None:
        step = self.plan.steps[index]
        self._next_index = None
        self.queue.step_changed()
        self.run = StepRun(index, step, self._t_s, guided_s(self.plan, step))
        self._out.append(
            StepStarted(
                self._t_s, step.id, index, len(self.plan.steps), step.title, step.do, step.side, step.continues,
                step.pose, asked_of(step, self.plan.breath_s),
            )
        )  # fmt: skip
        self._watch.step_started(self.run, self._t_s)
        self._say_opening(is_interrupting=self._is_next_asked)
        self._is_next_asked = self._is_welcoming = False

    def _say_opening(self, is_interrupting: bool) -> None:
        if self.run is None:
            return
        spoken = self._script.opening(self.run.step, "belly" in self._watch.worn)
        self._wish(spoken, rank=2, is_answer=is_interrupting, is_interrupting=is_interrupting)
        if self.run.step.do == "roll_over":
            self._watch.put_belly_aside()

    def _close(self, why: EndedBy, to: int | None = None) -> None:
        run = self.run
        if run is None:
            return
        self.run = None
        run.end_s, run.ended_by = self._t_s, why
        following = self._following(run)
        goes_on = to is None and why != "stop" and following is not None and following.continues
        self._out.append(StepClosed(self._t_s, run.step.id, run.index, goes_on))
        self._awaiting.append(run)
        self._next_index = None if why == "stop" else run.index + 1 if to is None else to
        moved = self._watch.move_sensor(run.step) if why == "person" and to is None else None
        if not goes_on:
            self._is_measure_due = True
            if not self._watch.saw(self._awaiting[0].step):
                self._finish_awaiting({})
        if moved is not None:
            self._out.append(SensorMoved(self._t_s, *moved))
        if self._next_index is not None and self._next_index >= len(self.plan.steps):
            self._next_index, self.ended_by = None, "plan"
            self._wish(self._script.session("end"), rank=2, outlives_step=True)

    def _measured(self, message: SegmentMeasured) -> None:
        """The measures of a stretch finish the steps that it was made of."""
        if self._is_measure_due and (message.step_id is None or message.step_id in {r.step.id for r in self._awaiting}):
            self._finish_awaiting(message.measures, was_seen=message.placement is not None)

    def _finish_awaiting(self, measures: Mapping[str, Any], was_seen: bool = False) -> None:
        for run in self._awaiting:
            end_s = self._t_s if run.end_s is None else run.end_s
            is_measured = (was_seen and has_measured(run.step, measures)) or (
                run.has_evidence() and self._watch.saw(run.step)
            )
            seen = {
                "reps": run.reps if run.has_evidence() else None,
                "event": run.event,
                "breaths": run.breaths or None,
                "supported": run.is_supported or run.step.supported,
            }
            elapsed_s = end_s - run.start_s - run.paused_s
            done = done_in(run.step, elapsed_s, seen, measures) if is_measured else nothing_done(run.step)
            self._out.append(
                StepFinished(
                    self._t_s, run.step.id, run.index, run.step.title, run.step.do, run.step.side, run.start_s, end_s,
                    asked_of(run.step, self.plan.breath_s), done, run.ended_by, is_measured,
                )
            )  # fmt: skip
        self._awaiting.clear()
        self._is_measure_due = False

    def _end_session(self) -> None:
        self._has_ended = True
        self._out.append(SessionEnded(self._t_s, "plan" if self.ended_by == "plan" else "person"))

    # ---------------------------------------------------------------------------------------- speaking

    def _wish(self, spoken: Spoken, rank: int, **options: Any) -> None:
        key, sentences = spoken
        if not self._is_quiet:
            self.queue.wish(Wish(key, sentences, rank=rank, wished_s=self._t_s, **options))

    def _clock(self) -> float:
        return 0.0 if self.run is None else self.run.clock(self._t_s)

    def _give(self, is_speaking: bool = True) -> tuple[CoachOutput, ...]:
        if is_speaking and not self._has_ended and not self._is_quiet:
            cue = self.queue.poll(self._t_s, only_answers=self._paused_at_s is not None)
            if cue is not None:
                self._watch.has_greeted_shaking |= cue.key == "shaking"
                self._out.append(cue)
        given, self._out = tuple(self._out), []
        return given

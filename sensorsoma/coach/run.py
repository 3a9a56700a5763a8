"""One step while it is practised: its clock, what has been seen, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sensorsoma.coach.steps import COUNTED, Step

EndedBy = Literal["reps", "breaths", "seconds", "event", "person", "stop", "timed"]

MOVEMENT_AT_MOST_S = 12.0
"""Speech waits for a fall or a slide this long at most; then the end of the movement was missed."""

MAY_BE_OFFERED_AGAIN = COUNTED | {"knee_fall", "leg_slide", "roll_over"}


@dataclass(frozen=True, slots=True)
class RunParams:
    """Small waits within a step. All [assumed]: what feels unhurried when one follows the practice oneself."""

    after_last_rep_s: float = 1.5
    """The last count is heard before the next words ..."""
    after_landing_s: float = 0.5
    """... and the knee has landed, ..."""
    landing_at_most_s: float = 8.0
    """... which is awaited for as long as a slow closing takes: longer ones are somebody who stays open."""
    no_more_reps_s: float = 8.0
    """Whoever goes on beyond the asked repetitions is not interrupted: the limb is let come to rest. One that still
    moves this long after the last repetition fidgets or shakes: the usual repetition takes 4 s ..."""
    no_more_cycles: float = 2.5
    """... or, of a slower person, so many of their own repetitions; ..."""
    rests_s: float = 3.0
    """Longer than people pause between two repetitions (simulated: up to 2.6 s)."""
    more_reps_at_most_s: float = 90.0
    """... and this long after the last asked one it is somebody who does not count, and may be led on."""
    after_turn_s: float = 4.0
    """Time to arrange pillow and knees after a roll."""
    hold_begins_s: float = 8.0
    """A hold that no sensor notices is taken to have begun by then: nobody is left holding in the dark."""
    asked_after_s: float = 5.0
    """The first words of a hold take 4 s, and following them a second more: a hold that began sooner is left over from
    the movement before, and its time counts from the end of the words."""
    knee_up_pause_s: float = 3.0
    """Still pause with the knee up, so that the pose can be taken (science: an asked pause of 3 s)."""
    after_pose_s: float = 0.5
    """Once the pose is taken there is nothing more to wait for."""
    leg_line_pause_s: float = 2.0
    """Still pause with the leg in line after stillness was noticed, which itself takes about a second."""
    leg_line_patience_s: float = 5.0
    """A thigh that is seen and still moves gets this much longer: its swing is measured from that pause."""
    fall_s: float = 10.0
    """From the invitation to let the knee fall to its arrival, when nothing sees it."""
    patience_after_again_s: float = 20.0
    """After the second offer the fall is invited even if the knee was not seen to come up."""
    middle_from_s: float = 12.0
    """A hold or rest at least this long may hear one sentence half-way."""
    breath_patience_s: float = 12.0
    """While breaths are seen the next one is waited for: the slowest (4 a minute) take 15 s, three more than planned
    and the second or two until a turn is known ..."""
    breath_longest: float = 2.5
    """... but the step takes at most this many times as long as planned."""
    least_guided_s: float = 5.0
    """A step whose sensor was lost is guided for at least this much longer."""


@dataclass(slots=True)
class StepRun:
    """Times that end in `_at` are on the step's own clock: seconds since its start, pauses left out."""

    index: int
    step: Step
    start_s: float
    guided_s: float
    """How long it is guided when nothing sees it."""
    is_asked: bool = False
    """The person asked for it; else the step before it had ended by itself."""
    paused_s: float = 0.0
    words_at: float | None = None
    """When its opening words had ended."""
    from_at: float | None = None
    """When its breaths or seconds began to count."""
    reps: int = 0
    breaths: int = 0
    """Whole breaths that were seen since they count."""
    breath_at: float | None = None
    """When a turn of the breath was last made known; None while none was seen."""
    is_breathing_out: bool = False
    """An exhale has begun since breaths count, so that the next inhale ends a breath."""
    last_rep_at: float | None = None
    landed_at: float = 0.0
    """When the last repetition is expected to be back at rest."""
    cycle_s: float = 0.0
    """From top to top in the last repetitions; 0 before the second."""
    full_at: float = 0.0
    """When the asked repetitions were complete."""
    rested_s: float = 0.0
    """For how long the sensor that counts has been at rest."""
    has_begun: bool = False
    moved_at: float = 0.0
    """When a movement that ends the step was last seen to begin."""
    event: str | None = None
    event_at: float | None = None
    knee_up_at: float | None = None
    pose_at: float | None = None
    still_at: float | None = None
    hold_at: float | None = None
    let_go_at: float = 0.0
    """When a hold that was not the asked one was let go."""
    held_s: float | None = None
    lost_at: float | None = None
    """When the sensor that sees it was lost; None while it is there."""
    moments: dict[str, float] = field(default_factory=dict)
    """Moment, when it was said."""
    is_supported: bool = False
    n_remarks: int = 0
    end_s: float | None = None
    ended_by: EndedBy = "stop"

    def clock(self, t_s: float) -> float:
        """Seconds since the step began, pauses left out."""
        return t_s - self.start_s - self.paused_s

    def restart(self, t_s: float) -> None:
        """Lets a continuing step begin its words and its time anew, within the same stretch."""
        self.words_at = self.from_at = None
        self.moments.clear()
        self.reps = self.breaths = 0
        self.breath_at, self.is_breathing_out = None, False
        self.landed_at = 0.0
        self.last_rep_at = self.event_at = self.event = None
        self.paused_s += self.clock(t_s)

    def has_evidence(self) -> bool:
        """True when a sensor saw something of this step."""
        return self.has_begun or self.event is not None or self.reps > 0 or self.held_s is not None


def begin_counting(run: StepRun, now: float, is_seen: bool, is_idle: bool, params: RunParams) -> None:
    """Sets the moment from which breaths or seconds count."""
    if run.from_at is not None or run.words_at is None:
        return
    if run.step.do == "pelvic_hold":
        if run.hold_at is not None:
            run.from_at = run.hold_at if run.hold_at >= params.asked_after_s else run.words_at
        elif not is_seen or now >= max(run.words_at, run.let_go_at) + params.hold_begins_s:
            run.from_at = now
    elif run.step.do == "leg_back":
        if "back" in run.moments and is_idle:
            run.from_at = now
    else:
        run.from_at = run.words_at


def timed_length(run: StepRun, breath_s: float) -> float | None:
    """Seconds that the step asks for; None when it does not end by time."""
    if run.step.breaths is not None:
        return run.step.breaths * breath_s
    return run.step.seconds


def ending(run: StepRun, now: float, is_seen: bool, breath_s: float, params: RunParams) -> EndedBy | None:
    """Why the step is over by now, or None; `is_seen`: its movement can end it."""
    step = run.step
    if step.open or run.words_at is None:
        return "event" if step.event in ("arrived", "straight") and run.event is not None else None
    length = timed_length(run, breath_s)
    if length is not None:
        return _timed_ending(run, now, is_seen, length, params)
    if is_seen and step.reps is not None:
        return "reps" if run.reps >= step.reps and _is_set_over(run, now, params) else None
    if run.event is not None and (run.event != "turned" or now - (run.event_at or 0.0) >= params.after_turn_s):
        return "event"
    return "timed" if not is_seen and now >= _guided_until(run, params) else None


def _is_set_over(run: StepRun, now: float, params: RunParams) -> bool:
    """True once the last count was heard, the last repetition has landed and no other one is under way."""
    last = run.last_rep_at or 0.0
    landed = min(run.landed_at + params.after_landing_s, last + params.landing_at_most_s)
    if now < max(last + params.after_last_rep_s, landed):
        return False
    until = last + max(params.no_more_reps_s, params.no_more_cycles * run.cycle_s)
    return run.rested_s >= params.rests_s or now >= until or now >= run.full_at + params.more_reps_at_most_s


def _timed_ending(run: StepRun, now: float, is_seen: bool, length: float, params: RunParams) -> EndedBy | None:
    if run.step.do == "pelvic_hold" and run.held_s is not None:
        return "seconds" if run.held_s >= length else "event"
    if run.step.breaths is not None and run.breaths >= run.step.breaths:
        return "breaths"
    if run.from_at is None or now - run.from_at < _longest(run, length, params):
        return None
    if run.step.do == "pelvic_hold" and run.hold_at is None:
        return "timed"
    return "seconds" if is_seen and run.step.seconds is not None else "timed"


def _longest(run: StepRun, length: float, params: RunParams) -> float:
    """Seconds after which time ends the step: as planned, or later while breaths are seen that are slower than that.

    Breaths that fall silent are made up for by time at the plan's pace, so a lost sensor holds nobody.
    """
    if run.step.breaths is None or run.breath_at is None or run.from_at is None:
        return length
    left = length * (1.0 - run.breaths / run.step.breaths)
    waited = run.breath_at - run.from_at + left + params.breath_patience_s
    return min(max(length, waited), params.breath_longest * length)


def _guided_until(run: StepRun, params: RunParams) -> float:
    """On the step's clock: how long it is guided by time alone."""
    until = (run.words_at or 0.0) + run.guided_s
    if run.step.do == "knee_fall":
        until = max(until, run.moments.get("fall", until) + params.fall_s)
    if run.lost_at is not None:
        left = 1.0 if run.step.reps is None else max(0.0, 1.0 - run.reps / run.step.reps)
        until = max(until, run.lost_at + max(params.least_guided_s, left * run.guided_s))
    return until


def moment_due(
    run: StepRun, now: float, is_seen: bool, knee_up_s: float, leg_line_s: float, params: RunParams
) -> str | None:
    """The moment inside the step whose words are due: `fall` or `back`."""
    if run.words_at is None or run.event is not None:
        return None
    if run.step.do == "knee_fall" and "fall" not in run.moments and not run.has_begun:
        if not is_seen:
            return "fall" if now >= run.words_at + knee_up_s else None
        if run.pose_at is not None and now >= run.pose_at + params.after_pose_s:
            return "fall"
        if run.knee_up_at is not None and now >= run.knee_up_at + params.knee_up_pause_s:
            return "fall"
        again_at = run.moments.get("again")
        return "fall" if again_at is not None and now >= again_at + params.patience_after_again_s else None
    if run.step.do == "leg_back" and "back" not in run.moments:
        paused = run.still_at is not None and now >= max(run.still_at + params.leg_line_pause_s, run.words_at + 1.0)
        at_most_s = leg_line_s + (params.leg_line_patience_s if is_seen else 0.0)
        return "back" if paused or now >= run.words_at + at_most_s else None
    return None


def wants_again(run: StepRun, now: float, is_seen: bool, after_s: float) -> str | None:
    """`again` or `again_fall` when the movement has not begun, `stalled` when it stopped; once in a step at most.

    It has stopped, too, when the end of a fall or a slide was not seen: whoever waits then hears how to pass on.
    """
    if not is_seen or after_s <= 0 or run.words_at is None or "again" in run.moments or run.event is not None:
        return None
    if run.step.do not in MAY_BE_OFFERED_AGAIN or run.step.open or timed_length(run, 1.0) is not None:
        return None
    if run.step.reps is not None and run.reps > 0:
        is_quiet = now - max(run.last_rep_at or 0.0, run.words_at) >= after_s
        return "stalled" if is_quiet and run.reps < run.step.reps else None
    if run.has_begun:
        is_over = now - max(run.moved_at, run.words_at) >= after_s + MOVEMENT_AT_MOST_S
        return "stalled" if is_over and run.step.reps is None else None
    if "fall" in run.moments:
        return "again_fall" if now - run.moments["fall"] >= after_s else None
    if run.knee_up_at is not None:
        return None
    return "again" if now - run.words_at >= after_s else None

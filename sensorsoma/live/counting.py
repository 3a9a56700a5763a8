"""How far a step has come (repetitions, breaths, seconds): counted for the screens as the coach counts for itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sensorsoma.coach.run import RunParams
from sensorsoma.coach.sight import sees_well
from sensorsoma.coach.watching import AT_REST, BLIP_S, HELD_ON_S
from sensorsoma.messages import (
    PLACEMENTS,
    BreathTurned,
    Cue,
    CueFinished,
    Exercise,
    HoldEnded,
    HoldReached,
    Message,
    Placement,
    RepCompleted,
    SensorFellOff,
    SensorMoved,
    SessionContinued,
    SessionPaused,
    SettingsSnapshot,
    Side,
    StepStarted,
    Tick,
    UserMark,
)
from sensorsoma.units import NS_PER_S

_ASKED_AFTER_S = RunParams().asked_after_s


@dataclass(slots=True)
class StepCount:
    """One step's count; `take` is the only thing that changes it. Unknown is None, never 0."""

    do: Exercise = "unknown"
    side: Side | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    reps: int | None = None
    """Whole repetitions of this step so far; None where none are asked, or nothing worn sees them well enough."""
    breaths: int | None = None
    """Whole breaths since they count; None while none was seen to turn."""
    worn: dict[str, Placement] = field(default_factory=dict)
    """Where each channel's sensor sits."""
    start_s: float = 0.0
    """When the step began. Moved on by pauses."""
    t_s: float = 0.0
    """Session time, as far as the messages tell."""
    from_s: float | None = None
    """When breaths or seconds began to count: after the opening words. Moved on by pauses."""
    hold_from_s: float | None = None
    """When the hold was reached; None while nothing is held. Moved on by pauses."""
    held_s: float | None = None
    """How long the hold was, once it was let go."""
    _epoch_ns: int | None = None
    _is_quiet: bool = False
    _continues: bool = False
    _words: int | None = None
    """Cue after which breaths and seconds count."""
    _is_breathing_out: bool = False
    _paused_s: float | None = None

    def take(self, message: Message) -> None:
        """Takes one message in."""
        match message:
            case SettingsSnapshot():
                self._epoch_ns, self._is_quiet = message.host_ns, bool(message.settings.get("is_quiet"))
                self.worn = _worn(message.settings.get("sources", ()))
            case SensorMoved():
                self.worn[message.channel] = message.placement
            case SensorFellOff():
                self.worn.pop(message.channel, None)
            case Tick():
                self._tell_time(message.host_ns)
            case StepStarted():
                self._start(message)
            case Cue(kind="say") if message.text and (self._words is None or message.key.endswith(".back")):
                self._words = message.cue_id
            case CueFinished():
                self._tell_time(message.host_ns)
                if message.cue_id == self._words and self._waits_for_words():
                    self.from_s = self.t_s
            case RepCompleted() if not message.is_partial and self._is_mine(message.exercise, message.side):
                self.reps = (self.reps or 0) + 1
            case BreathTurned():
                self._breathe(message)
            case HoldReached() | HoldEnded() if message.exercise == self.do:
                self._hold(message)
            case UserMark(kind="repeat") if self._continues:
                self._restart()
            case SessionPaused():
                self._paused_s = message.t_s
            case SessionContinued() if self._paused_s is not None:
                self._go_on(message.t_s - self._paused_s)
            case _:
                pass

    # ------------------------------------------------------------------------------------------------- figures

    @property
    def now_s(self) -> float:
        """Session time, standing still in a pause."""
        return self.t_s if self._paused_s is None else self._paused_s

    @property
    def hold_s(self) -> float | None:
        """Seconds held so far, or in all once it was let go; None without a hold.

        A flattening that is left over from the movement before counts from the end of the words, as for the coach.
        """
        from_s = self.hold_from_s
        if from_s is None:
            return self.held_s
        if self.do == "pelvic_hold" and from_s - self.start_s < _ASKED_AFTER_S:
            if self.from_s is None:
                return None
            from_s = max(from_s, self.from_s)
        return max(0.0, self.now_s - from_s)

    @property
    def ring(self) -> float | None:
        """The share 0-1 of what the step asks for; None where it asks for nothing that can be counted.

        Breaths that nothing sees, and a hold that nothing worn can see, are counted in time, as the coach does.
        """
        share = self._share()
        return None if share is None else min(1.0, max(0.0, share))

    def _share(self) -> float | None:
        reps, breaths, seconds = (self.asked.get(name) for name in ("reps", "breaths", "seconds"))
        if reps:
            return None if self.reps is None else self.reps / float(reps)
        if breaths and self.breaths:
            return self.breaths / float(breaths)
        if not seconds:
            return None
        if self.do == "pelvic_hold" and self._is_seen():
            return (self.hold_s or 0.0) / float(seconds)
        return 0.0 if self.from_s is None else (self.now_s - self.from_s) / float(seconds)

    # ----------------------------------------------------------------------------------------------- its parts

    def _start(self, step: StepStarted) -> None:
        self.do, self.side, self.asked, self._continues = step.do, step.side, step.asked, step.continues
        self.t_s = max(self.t_s, step.t_s)
        self.start_s = step.t_s
        self._restart()

    def _restart(self) -> None:
        self.reps = 0 if self.asked.get("reps") and self._is_seen() else None
        self.breaths = self._words = self.hold_from_s = self.held_s = None
        self.from_s = self.t_s if self._is_quiet else None
        self._is_breathing_out = False

    def _waits_for_words(self) -> bool:
        return self.from_s is None or self.do == "leg_back"

    def _tell_time(self, host_ns: int) -> None:
        if self._epoch_ns is not None:
            self.t_s = max(self.t_s, (host_ns - self._epoch_ns) / NS_PER_S)

    def _is_seen(self) -> bool:
        return sees_well(self.do, self.side, set(self.worn.values()))

    def _is_mine(self, exercise: Exercise, side: Side | None) -> bool:
        """Whether a repetition belongs to the step; without steps (`record`) every one counts."""
        if self.do == "unknown":
            return True
        return exercise == self.do and (None in (side, self.side) or side == self.side) and self._is_seen()

    def _breathe(self, turn: BreathTurned) -> None:
        if (turn.is_weak and self.do not in AT_REST) or self.from_s is None or turn.t_s < self.from_s:
            return
        self.breaths = self.breaths or 0
        if turn.phase == "inhale" and self._is_breathing_out:
            self.breaths += 1
        self._is_breathing_out = turn.phase == "exhale"

    def _hold(self, event: HoldReached | HoldEnded) -> None:
        if isinstance(event, HoldReached):
            self.hold_from_s, self.held_s = event.t_s, None
            return
        is_asked = event.hold_s >= BLIP_S and not self._is_left_over(event.t_s)
        self.hold_from_s, self.held_s = None, event.hold_s if is_asked else None

    def _is_left_over(self, let_go_s: float) -> bool:
        """Whether a flattening that began before the words of the hold had ended was let go with them."""
        if self.do != "pelvic_hold" or self._is_quiet:
            return False
        if self.from_s is None:
            return True
        return (self.hold_from_s or 0.0) < self.from_s and let_go_s < self.from_s + HELD_ON_S

    def _go_on(self, paused_s: float) -> None:
        self._paused_s = None
        self.start_s += paused_s
        if self.from_s is not None:
            self.from_s += paused_s
        if self.hold_from_s is not None:
            self.hold_from_s += paused_s


def _worn(sources: Iterable[Mapping[str, Any]]) -> dict[str, Placement]:
    found = {source["channel"]: source.get("placement", source["channel"]) for source in sources}
    return {channel: placement for channel, placement in found.items() if placement in PLACEMENTS}

"""What the screen shows, gathered from the messages of a session; no screen in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sensorsoma.live.counting import StepCount
from sensorsoma.messages import (
    BreathTurned,
    Cue,
    Exercise,
    HoldEnded,
    HoldReached,
    LiveAngle,
    Message,
    RepCompleted,
    SensorFellOff,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    SettingsSnapshot,
    Side,
    SourceStatus,
    StepFinished,
    StepStarted,
    StreamInterrupted,
    StreamResumed,
    UserMark,
)

STATE_WORDS: Mapping[str, str] = {
    "searching": "looking for it",
    "connecting": "connecting",
    "starting": "starting",
    "streaming": "ok",
    "lost": "away, coming back by itself",
    "stopped": "stopped",
    "failed": "not working",
}
"""Every `SourceStatus.state` in words for a tired reader."""


@dataclass(slots=True)
class SensorView:
    """One sensor on the screen."""

    state: str = "searching"
    battery_percent: int | None = None
    is_simulated: bool = False
    has_come_off: bool = False
    """It streams, but lies beside the person."""

    @property
    def words(self) -> str:
        """How it is, for a tired reader."""
        return "came off" if self.has_come_off else STATE_WORDS.get(self.state, self.state)

    def text(self, channel: str) -> str:
        """For example "right-thigh ok 87 %"."""
        battery = f" {self.battery_percent} %" if self.battery_percent is not None else ""
        return f"{channel} {self.words}{battery}"


@dataclass(slots=True)
class View:
    """The state of the screen; `take` is the only thing that changes it."""

    title: str = ""
    index: int | None = None
    """0-based step; None before the first."""
    n_steps: int = 0
    do: Exercise | None = None
    """What the step is about; None before the first."""
    side: Side | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    counting: StepCount = field(default_factory=StepCount)
    """How far the step has come."""
    sentence: str = ""
    """What was said last."""
    angle_deg: float | None = None
    sensors: dict[str, SensorView] = field(default_factory=dict)
    comfort: dict[str, int] = field(default_factory=dict)
    """Numbers that the person gave: {"before": 6}."""
    has_begun: bool = False
    is_paused: bool = False
    is_over: bool = False
    is_simulated: bool = False
    is_quiet: bool = False
    language: str = "en"
    notice: str = ""
    """One sentence of ours: a key's answer, a voice that failed."""

    def take(self, message: Message) -> bool:
        """Takes one message in; True when it is worth drawing at once instead of at the next tick."""
        self.counting.take(message)
        match message:
            case StepStarted():
                self.do, self.side = message.do, message.side
                self.title, self.index, self.n_steps = message.title, message.index, message.n_steps
                self.asked, self.angle_deg, self.notice, self.sentence = message.asked, None, "", ""
                return True
            case StepFinished() | SessionEnded():
                self.is_over = isinstance(message, SessionEnded)
                return True
            case Cue(kind="say") if message.text:
                self.sentence = message.text
                return True
            case RepCompleted() if not message.is_partial:
                return True
            case BreathTurned() | HoldReached() | HoldEnded():
                return True
            case UserMark(kind="comfort"):
                self._take_comfort(message)
                return True
            case LiveAngle():
                self.angle_deg = message.angle_deg
            case SessionPaused() | SessionContinued():
                self.is_paused = isinstance(message, SessionPaused)
                return True
            case SensorFellOff():
                self.sensors.setdefault(message.channel, SensorView()).has_come_off = True
                return True
            case SettingsSnapshot() | SourceStatus() | StreamInterrupted() | StreamResumed():
                self._take_sensor(message)
                return True
            case _:
                pass
        return False

    def _take_sensor(self, message: SettingsSnapshot | SourceStatus | StreamInterrupted | StreamResumed) -> None:
        if isinstance(message, SettingsSnapshot):
            sources = message.settings.get("sources", ())
            self.sensors = {s["channel"]: self.sensors.get(s["channel"], SensorView()) for s in sources}
            self.is_simulated = any(source.get("link") == "simulated" for source in sources)
            self.has_begun, self.is_quiet = True, bool(message.settings.get("is_quiet"))
            self.notice = ""  # "Press Start" and the like are done
            self.language = message.settings.get("language") or self.language
            return
        sensor = self.sensors.setdefault(message.channel, SensorView())
        if isinstance(message, SourceStatus):
            sensor.state = message.state
            sensor.is_simulated = message.is_simulated
            if message.battery_percent is not None:
                sensor.battery_percent = message.battery_percent
            self.is_simulated = self.is_simulated or message.is_simulated
        else:
            sensor.state = "lost" if isinstance(message, StreamInterrupted) else "streaming"

    def _take_comfort(self, mark: UserMark) -> None:
        if mark.comfort is not None:
            when, number = mark.comfort
            self.comfort[when] = number

    # ------------------------------------------------------------------------------------------------- words

    @property
    def count(self) -> int | None:
        """Repetitions of this step so far."""
        return self.counting.reps

    @property
    def step_text(self) -> str:
        """For example "3/12 Clamshell, right"."""
        return f"{self.index + 1}/{self.n_steps} {self.title}" if self.index is not None else "getting ready"

    @property
    def count_text(self) -> str:
        """For example "5 of 8", "2 of 6 breaths", "held 9 s"; empty where nothing is counted."""
        if self.count is not None:
            reps = self.asked.get("reps")
            return f"{self.count} of {reps}" if reps else str(self.count)
        if self.counting.breaths is not None and self.asked.get("breaths"):
            return f"{self.counting.breaths} of {self.asked['breaths']} breaths"
        hold_s = self.counting.hold_s
        return "" if hold_s is None else f"held {hold_s:.0f} s"

    @property
    def angle_text(self) -> str:
        """For example "32°"; empty before there is one."""
        return "" if self.angle_deg is None else _degrees(self.angle_deg)

    @property
    def sensors_text(self) -> str:
        """Whether they are simulated, then all sensors: the end may be cut on a narrow terminal, the truth may not."""
        parts = [sensor.text(channel) for channel, sensor in self.sensors.items()]
        return " · ".join(["simulated", *parts] if self.is_simulated else parts)


def done_text(message: StepFinished) -> str:
    """What a finished step gave, against what was asked: "8 of 8 reps", "41 s, words included", "not measured"."""
    parts = [_done_part(key, asked, message.done) for key, asked in message.asked.items()]
    angles = ((words, message.done.get(key)) for key, words in ANGLES.items())
    parts += [f"{words} {_degrees(angle_deg)}" for words, angle_deg in angles if angle_deg is not None]
    said = ", ".join(part for part in parts if part)
    if not message.is_measured:
        return ", ".join(part for part in (said, "not measured") if part)
    if message.ended_by == "timed" and said:
        return f"{said[:-1]}, timed)" if said.endswith(" asked)") else f"{said} (timed)"
    return said or "done"


def _degrees(angle_deg: float) -> str:
    """Whole degrees; a little less than nothing is nothing."""
    return f"{round(angle_deg)}°"


ANGLES = {"arrival_deg": "arrived at", "final_deg": "rests at", "back_swing_deg": "behind by", "angle_deg": "leans in"}
"""Angles that a finished step may tell, and how."""


def _done_part(key: str, asked: Any, done: Mapping[str, Any]) -> str:
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        return ""
    value = done.get(key)
    if key not in done or not isinstance(value, int | float):
        return ""
    unit = "s" if key == "seconds" else key
    n_small = done.get("partial_reps") if key == "reps" else None
    small = f" and {'a small one' if n_small == 1 else f'{n_small} small ones'}" if n_small else ""
    # "44 of 30 s" reads like a slip; a step may take as long as it likes, and its words take time too.
    if round(value) > round(asked) and key == "seconds":
        return f"{value:.0f} s, words included"
    if round(value) > round(asked):
        return f"{value:.0f} {unit}{small} ({asked:.0f} asked)"
    return f"{value:.0f} of {asked:.0f} {unit}{small}"

"""The vocabulary: inputs, signals, events and cues. Everything that travels along the line is one of these.

Inputs are the only things that the pipeline is fed. They are recorded before anything interprets them, and
playback yields equal objects, so a replayed session gives the same events and cues as the live one.

Times: `host_ns` is session time in Unix nanoseconds (`clock.Clock`), `t_s` is seconds since the session's
`SettingsSnapshot`. An event's `t_s` is when the thing happened; `known_s` is the sample time at which it could be
known, so it never lies before `t_s`.

Frames and signs: `firmware_notes/frames.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Placement = Literal["left-thigh", "right-thigh", "pelvis", "belly"]
Side = Literal["left", "right"]
Exercise = Literal[
    "rest", "breathing", "knee_in", "knee_fall", "knee_roll", "leg_slide", "pelvic_rock", "pelvic_hold", "clamshell",
    "leg_back", "rocking", "stillness", "roll_over", "free", "unknown",
]  # fmt: skip
Posture = Literal["supine", "prone", "left_up", "right_up", "upright", "unknown"]
Pose = Literal["straight", "knee_up"]

PLACEMENTS: tuple[Placement, ...] = ("left-thigh", "right-thigh", "pelvis", "belly")
EXERCISES: tuple[Exercise, ...] = (
    "rest", "breathing", "knee_in", "knee_fall", "knee_roll", "leg_slide", "pelvic_rock", "pelvic_hold", "clamshell",
    "leg_back", "rocking", "stillness", "roll_over", "free", "unknown",
)  # fmt: skip


def placement_side(placement: str) -> Side | None:
    """The side that a placement belongs to; None for pelvis and belly.

    >>> placement_side("left-thigh"), placement_side("pelvis")
    ('left', None)
    """
    return "left" if placement == "left-thigh" else "right" if placement == "right-thigh" else None


def thigh_of(side: Side) -> Placement:
    """The thigh placement of a side."""
    return "left-thigh" if side == "left" else "right-thigh"


def frozen_array(values: Any, columns: int | None = None) -> Floats:
    """A read-only float64 copy; `(n, columns)` when `columns` is given, else `(n,)`."""
    array = np.array(values, dtype=np.float64)
    wanted = 1 if columns is None else 2
    if array.ndim != wanted or (columns is not None and array.shape[1] != columns):
        shape = "(n,)" if columns is None else f"(n, {columns})"
        raise ValueError(f"expected shape {shape}, got {array.shape}")
    array.flags.writeable = False
    return array


# ------------------------------------------------------------------------------------------------ inputs


@dataclass(frozen=True, slots=True)
class Packet:
    """One notification, datagram or HTTP body, untouched."""

    host_ns: int
    """Arrival, session time."""
    channel: str
    """Which source sent it: the placement that the source was started with."""
    payload: bytes
    """The bytes as they came."""


MarkKind = Literal["next", "back", "repeat", "pause", "resume", "stop", "supported", "comfort", "note"]


@dataclass(frozen=True, slots=True)
class UserMark:
    """Something the person asked for by key, page or tap."""

    host_ns: int
    kind: MarkKind
    detail: str = ""
    """`comfort`: "before 6" or "after 3"; `note`: free text; else empty."""

    @property
    def comfort(self) -> tuple[Literal["before", "after"], int] | None:
        """Comfort that was said, 0-10, and of when; None for anything else."""
        when, _, number = self.detail.partition(" ")
        is_number = number.isascii() and number.isdigit() and int(number) <= 10
        if self.kind != "comfort" or not is_number or when not in ("before", "after"):
            return None
        return ("before" if when == "before" else "after"), int(number)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time passing, ten times a second, so that the coach can wait without a clock."""

    host_ns: int


@dataclass(frozen=True, slots=True)
class CueFinished:
    """A spoken cue has ended (or its computed length is over)."""

    host_ns: int
    cue_id: int


@dataclass(frozen=True, slots=True)
class SettingsSnapshot:
    """All choices of the session: the first input of every recording; `settings.SessionSettings` as JSON."""

    host_ns: int
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StreamInterrupted:
    """A source stopped delivering."""

    host_ns: int
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class StreamResumed:
    """A source delivers again; its device clock may have restarted."""

    host_ns: int
    channel: str


Input = Packet | UserMark | Tick | CueFinished | SettingsSnapshot | StreamInterrupted | StreamResumed


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is doing, for screens and logs; not an input of the pipeline."""

    host_ns: int
    channel: str
    state: Literal["searching", "connecting", "starting", "streaming", "lost", "stopped", "failed"]
    text: str = ""
    """One calm sentence for the screen, or empty."""
    battery_percent: int | None = None
    rssi_dbm: int | None = None
    is_simulated: bool = False
    device_name: str | None = None
    device_dropped: int | None = None
    """Samples that the device says it dropped since start, where it tells."""
    decoder: str | None = None
    """Which format it turned out to speak, once known; joins the source's settings when the session begins."""
    config: Mapping[str, Any] | None = None
    """What it said of its stream when it was started (rate, factors); joins the source's settings likewise."""


# ----------------------------------------------------------------------------------------------- signals


@dataclass(frozen=True, slots=True, eq=False)
class ImuBlock:
    """Decoded samples on the session's time line."""

    channel: str
    rate_hz: float
    """Sampling rate as estimated when these samples arrived; the same on every piece of one packet."""
    t_s: Floats
    """`(n,)`, strictly increasing, session seconds."""
    acc_sensor_mps2: Floats
    """`(n, 3)` specific force in sensor axes; +9.81 on the axis that points up at rest."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)` angular rate in sensor axes, right-handed; None without a gyroscope."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_s", frozen_array(self.t_s))
        object.__setattr__(self, "acc_sensor_mps2", frozen_array(self.acc_sensor_mps2, 3))
        if self.gyr_sensor_radps is not None:
            object.__setattr__(self, "gyr_sensor_radps", frozen_array(self.gyr_sensor_radps, 3))


@dataclass(frozen=True, slots=True, eq=False)
class OrientedBlock:
    """Samples with the direction of gravity, from the orientation filter."""

    channel: str
    placement: Placement
    rate_hz: float
    """As on the `ImuBlock`."""
    t_s: Floats
    """`(n,)` session seconds."""
    up_sensor: Floats
    """`(n, 3)` unit vector that points up, in sensor axes."""
    quat_sensor_to_earth: Floats | None
    """`(n, 4)` w, x, y, z: sensor axes into an earth frame, z up, heading drifts; None without gyroscope."""
    acc_sensor_mps2: Floats
    """`(n, 3)` as measured."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)` with the estimated bias removed; None without gyroscope."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_s", frozen_array(self.t_s))
        object.__setattr__(self, "up_sensor", frozen_array(self.up_sensor, 3))
        object.__setattr__(self, "acc_sensor_mps2", frozen_array(self.acc_sensor_mps2, 3))
        if self.quat_sensor_to_earth is not None:
            object.__setattr__(self, "quat_sensor_to_earth", frozen_array(self.quat_sensor_to_earth, 4))
        if self.gyr_sensor_radps is not None:
            object.__setattr__(self, "gyr_sensor_radps", frozen_array(self.gyr_sensor_radps, 3))


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that are missing; never interpolated over silently."""

    channel: str
    start_s: float
    """Time of the last sample before the gap."""
    end_s: float
    """Time of the first sample after it."""
    n_lost: int | None
    """How many samples, where the device counts them."""
    reason: Literal["lost_packets", "link_lost", "clock_restart"]


@dataclass(frozen=True, slots=True)
class BadPacket:
    """Bytes that are not what the format says; counted, never fatal."""

    host_ns: int
    channel: str
    reason: str


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """What a device tells of itself within its stream."""

    host_ns: int
    channel: str
    battery_percent: int | None = None
    dropped: int | None = None


# ------------------------------------------------------------------------------------------------ events


@dataclass(frozen=True, slots=True)
class Tremor:
    """Shaking within a rep, hold or stretch: a narrow peak that stands out of the movement's own spectrum."""

    freq_hz: float
    share: float
    """0-1: share of the time in which it was found."""
    rms_mps2: float
    rms_radps: float | None
    """None without gyroscope."""
    onset_s: float | None = None
    """Seconds from the start of the rep, hold or set to its first appearance."""


@dataclass(frozen=True, slots=True)
class PostureChanged:
    """How the wearer lies, from the pelvis or an aligned thigh."""

    t_s: float
    known_s: float
    channel: str
    placement: Placement
    posture: Posture


@dataclass(frozen=True, slots=True)
class PoseTaken:
    """A still calibration pose was found."""

    t_s: float
    known_s: float
    channel: str
    placement: Placement
    pose: Pose
    up_sensor: tuple[float, float, float]
    spread_deg: float


@dataclass(frozen=True, slots=True)
class AlignmentReady:
    """Two still poses gave the thigh's axes in the sensor (science section 2)."""

    t_s: float
    known_s: float
    channel: str
    placement: Placement
    bend_deg: float
    """Angle between the two poses; refused below 25."""
    x_sensor: tuple[float, float, float]
    y_sensor: tuple[float, float, float]
    z_sensor: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class AlignmentRefused:
    """The two poses do not make a frame; says why."""

    t_s: float
    known_s: float
    channel: str
    placement: Placement
    reason: str


@dataclass(frozen=True, slots=True)
class StillnessChanged:
    """A sensor came to rest or began to move."""

    t_s: float
    known_s: float
    channel: str
    placement: Placement
    is_still: bool


@dataclass(frozen=True, slots=True)
class MovementBegan:
    """The movement that a segment waits for has begun."""

    t_s: float
    known_s: float
    exercise: Exercise
    side: Side | None


KneeFallPhase = Literal["knee_up", "falling", "arrived", "sliding", "straight"]


@dataclass(frozen=True, slots=True)
class KneeFallPhaseReached:
    """A knee fall moved on to its next phase."""

    t_s: float
    known_s: float
    side: Side | None
    phase: KneeFallPhase
    angle_deg: float | None = None
    """Fall-out angle there, opening positive; None before it can be measured."""


@dataclass(frozen=True, slots=True)
class RepCompleted:
    """One repetition out and back (clamshell, knee roll, pelvic rock cycle)."""

    t_s: float
    """The top of the movement."""
    known_s: float
    exercise: Exercise
    side: Side | None
    index: int
    """1 for the first rep of the segment."""
    start_s: float
    end_s: float
    range_deg: float | None
    is_partial: bool
    tremor: Tremor | None
    pelvis_roll_deg: float | None = None
    """How far the pelvis rolled along towards the moving side; None without a pelvis sensor."""


BreathPhase = Literal["inhale", "exhale"]


@dataclass(frozen=True, slots=True)
class BreathTurned:
    """The wearer began to breathe in or out, as far as a sensor can tell."""

    t_s: float
    """When this phase began."""
    known_s: float
    channel: str
    placement: Placement
    phase: BreathPhase
    is_weak: bool
    """True where the evidence is weak: a thigh, a pelvis that moves by instruction, in and out not told apart."""


@dataclass(frozen=True, slots=True)
class DoubleTapped:
    """Somebody tapped firmly on a worn sensor twice: next, or yes."""

    t_s: float
    """The second tap."""
    known_s: float
    channel: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class TremorBegan:
    """Shaking has begun within a rep or hold; greeted once by the coach."""

    t_s: float
    known_s: float
    exercise: Exercise
    side: Side | None
    freq_hz: float


@dataclass(frozen=True, slots=True)
class HoldReached:
    """A static hold (pelvic flatten, leg back) has begun."""

    t_s: float
    known_s: float
    exercise: Exercise
    side: Side | None


@dataclass(frozen=True, slots=True)
class HoldEnded:
    """A static hold was let go."""

    t_s: float
    known_s: float
    exercise: Exercise
    side: Side | None
    hold_s: float


@dataclass(frozen=True, slots=True)
class SegmentMeasured:
    """One stretch of one exercise, finished: exactly one entry of `segments` in `analyze --json`."""

    t_s: float
    """End of the stretch."""
    known_s: float
    exercise: Exercise
    side: Side | None
    placement: Placement | None
    """None when nothing that was worn could see it."""
    start_s: float
    end_s: float
    measures: Mapping[str, Any]
    """JSON-ready: count, reps, falls, tremor, weak, notes ... as in docs/analysis-json.md; missing is None."""
    step_id: str | None = None


@dataclass(frozen=True, slots=True)
class SensorHealth:
    """How well one sensor measured over the whole session; said once, when the inputs are over."""

    t_s: float
    known_s: float
    channel: str
    placement: Placement
    measures: Mapping[str, Any]
    """JSON-ready: rate, clipping, gaps, resting norm, offset ... as in docs/analysis-json.md; missing is None."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentCurve:
    """The angle of a finished stretch in its movement's own plane, at most 26 Hz, for pictures."""

    exercise: Exercise
    side: Side | None
    placement: Placement
    t_s: Floats
    angle_deg: Floats
    """NaN inside gaps."""
    label: str
    """Axis label with unit, e.g. "fall-out (deg)"."""
    step_id: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "t_s", frozen_array(self.t_s))
        object.__setattr__(self, "angle_deg", frozen_array(self.angle_deg))


@dataclass(frozen=True, slots=True)
class LiveAngle:
    """The best angle known right now, for the screen; about 10 a second."""

    t_s: float
    exercise: Exercise
    side: Side | None
    placement: Placement
    angle_deg: float


# ------------------------------------------------------------------------------------- the coach's events


@dataclass(frozen=True, slots=True)
class StepStarted:
    """The coach went on to a step; the pipeline starts what measures it."""

    t_s: float
    step_id: str
    index: int
    """0-based position in the plan."""
    n_steps: int
    title: str
    do: Exercise
    side: Side | None
    continues: bool
    """True when the step goes on with the stretch that the step before it began (fall, rest, slide)."""
    pose: Pose | None
    """The calibration pose that this step passes through, if any."""
    asked: Mapping[str, Any]
    """What the plan asks, JSON-ready: {"reps": 8}, {"breaths": 6, "seconds": 60}, {"open": true} ..."""


@dataclass(frozen=True, slots=True)
class StepClosed:
    """The coach left a step; the pipeline finishes what measured it."""

    t_s: float
    step_id: str
    index: int
    stretch_goes_on: bool
    """True when the next step continues the same stretch."""


@dataclass(frozen=True, slots=True)
class StepFinished:
    """Planned against done."""

    t_s: float
    step_id: str
    index: int
    title: str
    do: Exercise
    side: Side | None
    start_s: float
    end_s: float
    asked: Mapping[str, Any]
    done: Mapping[str, Any]
    """JSON-ready; a value of None means not measured."""
    ended_by: Literal["reps", "breaths", "seconds", "event", "person", "stop", "timed"]
    """`timed`: guided by time because nothing worn could see it."""
    is_measured: bool


@dataclass(frozen=True, slots=True)
class SensorMoved:
    """The one thigh sensor now sits on another thigh; the old alignment is void."""

    t_s: float
    channel: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class SensorFellOff:
    """A strap has come off: the wearer rolled over and this sensor did not. What it feels is no longer of the body."""

    t_s: float
    channel: str
    placement: Placement


@dataclass(frozen=True, slots=True)
class SessionPaused:
    """The person asked for a pause."""

    t_s: float


@dataclass(frozen=True, slots=True)
class SessionContinued:
    """The person goes on."""

    t_s: float


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """The plan is through, or the person said stop."""

    t_s: float
    ended_by: Literal["plan", "person"]


@dataclass(frozen=True, slots=True)
class Cue:
    """One thing to say or ring."""

    cue_id: int
    """1, 2, 3 ... within the session."""
    t_s: float
    key: str
    """Which words: "clamshell.start", "count", "shaking" ..."""
    kind: Literal["say", "count", "breath", "bell"]
    """`breath`: a word of the breath pacer."""
    text: str
    """What is spoken; empty for a bell."""
    length_s: float
    """Estimated speaking time, for silent runs and replay."""
    is_interrupting: bool = False
    """True when it may cut off what is being said (pause, stop, link lost)."""


Event = (
    PostureChanged | PoseTaken | AlignmentReady | AlignmentRefused | StillnessChanged | MovementBegan
    | KneeFallPhaseReached | RepCompleted | BreathTurned | DoubleTapped | TremorBegan | HoldReached | HoldEnded
    | SegmentMeasured | SensorHealth | StepStarted | StepClosed | StepFinished | SensorMoved | SensorFellOff
    | SessionPaused | SessionContinued | SessionEnded
)  # fmt: skip

Signal = ImuBlock | OrientedBlock | Gap | BadPacket | DeviceInfo | SegmentCurve | LiveAngle

Output = Event | Cue | Signal
"""What a pipeline stage may give back."""

Message = Input | Output | SourceStatus

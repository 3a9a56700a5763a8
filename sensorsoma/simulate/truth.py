"""What really happened, beside the samples: the known answers.

Angles are degrees with clinical signs: opening, external rotation and anterior tilt are positive, posterior tilt is
negative. Fall-out and clamshell angles are the rotation about the hip-foot line. Times are true seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from sensorsoma.messages import Exercise, Pose, Posture, Side


@dataclass(slots=True)
class TremorTruth:
    """Shaking that was put in."""

    freq_hz: float
    peak_deg: float
    """Amplitude of the sinusoid (half of peak to peak)."""
    start_s: float
    end_s: float


@dataclass(slots=True)
class RepTruth:
    """One repetition out and back."""

    start_s: float
    peak_s: float
    """Middle of the time at the top."""
    end_s: float
    range_deg: float
    """From where it started to the top."""
    partial: bool = False
    tremor: TremorTruth | None = None
    top_start_s: float | None = None
    """When the top was reached."""
    top_end_s: float | None = None
    """When it was left again."""
    pelvis_roll_deg: float | None = None
    """How far the pelvis rolled along at the top."""
    direction: str | None = None
    """Knee roll: "out" or "in" as seen from the side asked for."""


@dataclass(slots=True)
class CycleTruth:
    """One pelvic cycle: arch, flatten, back to the middle or on to the next."""

    start_s: float
    arch_s: float
    flatten_s: float
    end_s: float
    anterior_deg: float
    """Tilt at the arch against rest, positive."""
    posterior_deg: float
    """Tilt at the flattening against rest, negative."""
    partial: bool = False


@dataclass(slots=True)
class FallTruth:
    """One knee fall; what has not happened yet is None."""

    draw_up_s: float
    """The foot begins to draw up."""
    knee_up_s: float
    """Knee to the ceiling, still from here."""
    fall_start_s: float | None = None
    arrival_s: float | None = None
    rest_end_s: float | None = None
    """The slide begins."""
    slide_end_s: float | None = None
    arrival_deg: float | None = None
    final_deg: float | None = None
    """At the end of the rest."""
    sink_deg: float | None = None
    openness_kept_share: float | None = None
    """Openness asin(-s u·z) at the end of the slide against the end of the rest."""
    residual_deg: float | None = None
    """Openness of the straight leg after settling against the first straight rest."""
    began_on_exhale: bool | None = None
    pelvis_roll_deg: float | None = None
    """How far the pelvis had rolled along at the arrival."""


@dataclass(slots=True)
class StretchTruth:
    """One exercise from its first to its last movement, with the rest that belongs to it."""

    exercise: Exercise
    side: Side | None
    start_s: float
    end_s: float | None = None
    step_id: str | None = None
    reps: list[RepTruth] = field(default_factory=list)
    cycles: list[CycleTruth] = field(default_factory=list)
    fall: FallTruth | None = None
    hold_start_s: float | None = None
    hold_s: float | None = None
    tremor: TremorTruth | None = None
    """First to last shaking of the stretch."""
    values: dict[str, float] = field(default_factory=dict)
    """Single numbers: back_swing_deg, freq_hz, amplitude_deg, angle_deg ..."""

    @property
    def count(self) -> int:
        """Full repetitions or cycles; partial ones are not counted."""
        return sum(not rep.partial for rep in self.reps) + sum(not cycle.partial for cycle in self.cycles)


@dataclass(slots=True)
class PoseTruth:
    """A still calibration pose."""

    side: Side
    pose: Pose
    start_s: float
    end_s: float


@dataclass(slots=True)
class PostureTruth:
    """How the person lay from `start_s` on."""

    start_s: float
    posture: Posture


@dataclass(slots=True)
class BreathTruth:
    """One breath."""

    inhale_s: float
    exhale_s: float
    end_s: float


@dataclass(slots=True)
class Truth:
    """Everything that a simulated or virtual person did."""

    stretches: list[StretchTruth] = field(default_factory=list)
    poses: list[PoseTruth] = field(default_factory=list)
    postures: list[PostureTruth] = field(default_factory=list)
    breaths: list[BreathTruth] = field(default_factory=list)
    disturbances: list[dict[str, Any]] = field(default_factory=list)
    """Fidgets, coughs, a sensor being handled: {"kind", "start_s", "end_s"}."""
    person: dict[str, float] = field(default_factory=dict)
    """What was drawn for this person: leg rolls, axis tilts, rates."""

    def of(self, exercise: Exercise, side: Side | None = None) -> list[StretchTruth]:
        """The stretches of one exercise, optionally of one side."""
        return [s for s in self.stretches if s.exercise == exercise and (side is None or s.side == side)]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON data; `count` of each stretch is written out."""
        data = asdict(self)
        for stretch, plain in zip(self.stretches, data["stretches"], strict=True):
            plain["count"] = stretch.count if stretch.reps or stretch.cycles else None
        return data

"""What a session was started with: sources, plan, person, choices. The first thing in every recording.

Kept as plain data so that a recording can be replayed years later: everything the pipeline needs is in here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, TypeVar

from sensorsoma.messages import Exercise, Placement, Side, SourceStatus

T = TypeVar("T", "SourceSettings", "SegmentRequest")

AUTO = "auto"
"""The decoder of a Bluetooth sensor whose kind is found out when it is heard."""

BLUETOOTH = frozenset({"ble", "virtual"})
"""Kinds of sources whose device says at its start how its stream is to be read: format, rate, factors."""

Link = Literal["real", "simulated", "imported"]


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """One sensor, phone or file."""

    channel: str
    """Name within the session: the placement it was started with."""
    placement: Placement
    kind: str
    """How it is reached: "ble", "virtual", "sensor-logger", "file" ..."""
    decoder: str
    """Key of `decode.DECODERS`: "soma_v1", "sensor_logger", "rows" ...; `AUTO` until the sensor is heard."""
    address: str | None = None
    """BLE address, host or path, where one was given."""
    link: Link = "real"
    config: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready options for driver and decoder: range, rate, sign ..."""

    def as_found(self, status: SourceStatus) -> SourceSettings:
        """The same source with what its device turned out to be and said of its stream."""
        return replace(self, decoder=status.decoder or self.decoder, config={**self.config, **(status.config or {})})


@dataclass(frozen=True, slots=True)
class SegmentRequest:
    """A stretch to be measured without a plan."""

    exercise: Exercise
    side: Side | None
    placement: Placement | None
    start_s: float = 0.0
    end_s: float | None = None
    """None: to the end of the recording."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """Everything that was chosen before the first sample."""

    sources: tuple[SourceSettings, ...]
    plan: Mapping[str, Any] | None = None
    """The validated plan as JSON (`coach.plan.Plan.model_dump(mode="json")`), or None."""
    segments: tuple[SegmentRequest, ...] = ()
    person: str | None = None
    language: str = "en"
    is_quiet: bool = False
    """Measure and record only; nothing is said."""
    usual_deg: Mapping[str, float] = field(default_factory=dict)
    """The person's own usual ranges, learnt from earlier sessions: {"clamshell right": 52.0, "pelvic_rock": 14.5}."""
    usual_span_deg: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Smallest and largest of those sessions, for people: {"clamshell right": [48.0, 55.0]}."""
    n_before: int = 0
    """How many sessions of this plan the person had finished before: remarks grow rarer with them."""
    pacer: Mapping[str, Any] | None = None
    """The breath pacer: {"in_s": 4.0, "out_s": 6.0}, or {"own": true} for the person's own pace; None: off."""
    words: Mapping[str, Any] = field(default_factory=dict)
    """Sentences of one's own, laid over those of the language: {"clamshell": {"start": ["..."]}}."""
    has_taps: bool = True
    """A double tap on a sensor means next."""
    speed: float = 1.0
    """Session seconds per real second."""
    started: str = ""
    """Local wall time with offset, ISO 8601, for people."""
    software: Mapping[str, str] = field(default_factory=dict)
    """Versions of this package and of the libraries that shape a result."""

    def as_found(self, status: SourceStatus) -> SessionSettings:
        """The same session with what the device of one channel turned out to be."""
        sources = (each.as_found(status) if each.channel == status.channel else each for each in self.sources)
        return replace(self, sources=tuple(sources))

    @property
    def link(self) -> Link:
        """`simulated` as soon as one source is; a number that says so cannot be mistaken."""
        links = {source.link for source in self.sources}
        return "simulated" if "simulated" in links else "imported" if "imported" in links else "real"

    def to_json(self) -> dict[str, Any]:
        """As plain JSON data: what a recording gives back is equal to it."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SessionSettings:
        """From plain JSON data; unknown keys are ignored so that newer recordings still open.

        What an older recording does not name was not there when it was made: it replays without taps.
        """
        known = {"has_taps": False} | {name: data[name] for name in cls.__dataclass_fields__ if name in data}
        known["sources"] = tuple(_known(SourceSettings, source) for source in data.get("sources", ()))
        known["segments"] = tuple(_known(SegmentRequest, segment) for segment in data.get("segments", ()))
        return cls(**known)


def _known(kind: type[T], data: Mapping[str, Any]) -> T:
    """One part of the settings, without keys that only a newer version knows."""
    return kind(**{item.name: data[item.name] for item in fields(kind) if item.name in data})

"""A virtual room: the air, the sensors in it, and perhaps a person who wears them and hears what is said."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.errors import SourceSpecError
from sensorsoma.messages import PLACEMENTS, Placement
from sensorsoma.units import NS_PER_S
from sensorsoma.virtual.devices import DEVICES, device_class
from sensorsoma.virtual.feed import open_file
from sensorsoma.virtual.radio import Radio, RadioParams
from sensorsoma.virtual.sensor import VirtualSensor
from sensorsoma.virtual.waveform import PersonWaveform, StillWaveform, Waveform

if TYPE_CHECKING:
    from sensorsoma.simulate.live_person import LivePerson


LONGEST_NAME = 29
"""Letters that fit into one advertisement."""


@dataclass(frozen=True, slots=True)
class SensorSpec:
    """One virtual sensor."""

    placement: Placement
    plays: str = "person"
    """`person`, `still`, `still:SECONDS`, or the path of a file."""
    kind: str = "soma_v1"
    """Key of `virtual.devices.DEVICES`: which maker's sensor it pretends to be."""

    @classmethod
    def parse(cls, text: str) -> SensorSpec:
        """From `PLACEMENT=PLAYS`, `PLACEMENT=KIND` or `PLACEMENT=KIND@PLAYS`; PLAYS is `person`, `still` or a file.

        Raises:
            SourceSpecError: it is none of these.

        >>> SensorSpec.parse("right-thigh=person")
        SensorSpec(placement='right-thigh', plays='person', kind='soma_v1')
        >>> SensorSpec.parse("pelvis=soma_v1@still").plays
        'still'
        """
        name, _, plays = text.partition("=")
        kind, _, rest = plays.partition("@")
        if kind in DEVICES:
            plays = rest
        else:
            kind = "soma_v1"
        for placement in PLACEMENTS:
            if placement == name:
                _refuse_unknown_kind(plays)
                return cls(placement, plays or "person", kind)
        known = ", ".join(PLACEMENTS)
        raise SourceSpecError(f"Expected PLACEMENT=person or PLACEMENT=FILE with one of {known}, found {text!r}.")

    def __str__(self) -> str:
        return f"{self.placement}={self.kind}@{self.plays}"


def _refuse_unknown_kind(plays: str) -> None:
    """A word without a dot or a slash that is no file or folder was meant for a kind."""
    word = plays.partition("@")[0]
    if not word or word == "person" or word.partition(":")[0] == "still" or any(c in word for c in "./\\"):
        return
    if Path(plays).exists():
        return
    close = get_close_matches(word.casefold().replace("-", "_"), DEVICES, n=1)
    hint = f"; did you mean {close[0]}?" if close else "."
    raise SourceSpecError(
        f"Expected a virtual sensor out of {', '.join(DEVICES)}, or person, still or a file, found {word!r}{hint}"
    )


@dataclass(frozen=True, slots=True)
class RoomParams:
    """What the room is like."""

    seed: int = 1
    """Everything random in it follows from this."""
    radio: RadioParams = field(default_factory=RadioParams)
    max_mtu: int = 247
    """As on common chips."""
    person: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments for `simulate.LivePerson`, JSON-ready; `difficulties` may be "none" or "all"."""


class Room:
    """Everything virtual of one session, in one event loop.

    Args:
        sensors: who is in it.
        clock: session time.
        params: what it is like.
    """

    def __init__(self, sensors: Sequence[SensorSpec], clock: Clock, params: RoomParams | None = None) -> None:
        self.params = params or RoomParams()
        self.clock = clock
        self.radio = Radio(clock, self.params.radio)
        self.person: LivePerson | None = None
        self._epoch_ns = clock.now_ns()
        self._session_began_s = np.inf
        """The person's time at which the session's was 0: the quickest of all that was heard."""
        self._by_placement = {spec.placement: self._make(spec) for spec in sensors}

    @property
    def sensors(self) -> list[VirtualSensor]:
        """All of them."""
        return list(self._by_placement.values())

    @property
    def now_s(self) -> float:
        """Session seconds since the room was opened: the person's time."""
        return (self.clock.now_ns() - self._epoch_ns) / NS_PER_S

    async def open(self) -> None:
        """Switches all sensors on."""
        for sensor in self.sensors:
            await sensor.start()

    async def close(self) -> None:
        """Switches all sensors off."""
        for sensor in self.sensors:
            await sensor.close()

    def sensor(self, placement: Placement) -> VirtualSensor:
        """The sensor at a placement.

        Raises:
            KeyError: none sits there.
        """
        return self._by_placement[placement]

    def hear(self, message: Any) -> None:
        """Lets the person hear what is said or decided in the session; `message` may be JSON with a "type"."""
        if self.person is None:
            return
        now_s = self.now_s
        said_s = message.get("t_s") if isinstance(message, Mapping) else getattr(message, "t_s", None)
        if isinstance(said_s, (int, float)):
            self._session_began_s = min(self._session_began_s, now_s - said_s)
        self.person.hear(now_s, message)

    def tap(self, placement: Placement) -> None:
        """Has the person tap twice on a sensor that they wear.

        Raises:
            KeyError: no sensor sits there.
            ValueError: nobody is in the room.
        """
        self.sensor(placement)
        if self.person is None:
            raise ValueError("Expected a person who could tap, found only sensors; start the room with one =person.")
        self.person.tap(self.now_s, placement)

    def truth(self) -> dict[str, Any]:
        """What the person really did so far, JSON-ready; empty without a person. Times are the person's; a session
        that was heard began at their `session_began_s`."""
        if self.person is None:
            return {}
        began = {"session_began_s": self._session_began_s} if self._session_began_s < np.inf else {}
        return {"now_s": self.now_s, **began, **self.person.truth.to_json()}

    def counters(self) -> dict[str, dict[str, int]]:
        """What each sensor has sent and dropped since its last start command, in samples."""
        return {
            placement: {"sent": sensor.device.sent, "dropped": sensor.device.dropped}
            for placement, sensor in self._by_placement.items()
        }

    def _make(self, spec: SensorSpec) -> VirtualSensor:
        rng = np.random.default_rng([self.params.seed, zlib.crc32(spec.placement.encode())])
        tail = ":".join(f"{byte:02X}" for byte in rng.integers(0, 256, 3))
        made = device_class(spec.kind)
        name = f"{made.default_name[: LONGEST_NAME - len(spec.placement) - 1].rstrip()} {spec.placement}"
        device = made(
            self._waveform(spec),
            name=name,
            clock_offset_s=float(rng.uniform(5, 4000)),
            battery_percent=int(rng.integers(70, 98)),
        )
        return VirtualSensor(
            self.radio, device, self.clock, self._epoch_ns, address=f"C0:50:3A:{tail}", max_mtu=self.params.max_mtu
        )

    def _waveform(self, spec: SensorSpec) -> Waveform:
        kind, _, argument = spec.plays.partition(":")
        if kind == "still":
            return StillWaveform(seconds=float(argument) if argument else None)
        if spec.plays == "person":
            return PersonWaveform(self._get_person(), spec.placement)
        return open_file(Path(spec.plays), spec.placement)

    def _get_person(self) -> LivePerson:
        if self.person is None:
            from sensorsoma.simulate.difficulties import Difficulties
            from sensorsoma.simulate.live_person import LivePerson

            wishes = dict(self.params.person)
            if (named := wishes.get("difficulties")) is not None:
                wishes["difficulties"] = Difficulties.none() if named == "none" else Difficulties.all()
            wishes.setdefault("waits_for_words", True)
            self.person = LivePerson(self.params.seed, **wishes)
        return self.person

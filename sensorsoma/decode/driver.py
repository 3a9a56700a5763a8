"""What is said to a Bluetooth sensor, as data: a `Driver` beside each decoder, with no radio in it.

Starting a sensor is a short conversation. It is written as a generator, a `Script`, that yields one step at a time and
is sent what the step gave:

    def start(config):
        yield Subscribe(DATA_UUID)
        answer = yield Ask(CONTROL_UUID, GET_RATE, is_answer=lambda data: data[:2] == b"\\x55\\x71")
        yield Write(CONTROL_UUID, SET_RATE)
        return Learned({"rate_hz": 50})

`sources/ble/talk.py` plays scripts over a real link and bounds every step in time; tests play them with `perform`
from a table. A script that cannot go on raises `LinkError` with one sentence for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

BATTERY_SERVICE_UUID = "0000180f-0000-1000-8000-00805f9b34fb"
BATTERY_LEVEL_UUID = "00002a19-0000-1000-8000-00805f9b34fb"


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Notifications or indications of a characteristic from now on. Gives None."""

    uuid: str
    is_stream: bool = True
    """What it sends is recorded and decoded; False for answers that only the script waits for."""


@dataclass(frozen=True, slots=True)
class Write:
    """Writes, with an answer of the radio where the characteristic has one. Gives None."""

    uuid: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Read:
    """Gives the value; None when it is optional and cannot be read."""

    uuid: str
    is_optional: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """Writes and waits for the notification that answers, on any subscribed characteristic. Gives it, or None."""

    uuid: str
    data: bytes
    is_answer: Callable[[bytes], bool]
    within_s: float = 3.0
    """Real seconds to wait; None is given when they are over."""


@dataclass(frozen=True, slots=True)
class Await:
    """Waits for a notification on any subscribed characteristic. Gives it, or None."""

    is_awaited: Callable[[bytes], bool]
    within_s: float = 3.0
    """Real seconds to wait; None is given when they are over."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Real seconds of silence that a sensor needs between two commands. Gives None."""

    seconds: float


Step = Subscribe | Write | Read | Ask | Await | Pause


@dataclass(frozen=True, slots=True)
class Learned:
    """What a sensor said of its stream when it was started."""

    config: Mapping[str, Any] = field(default_factory=dict)
    """JSON-ready; joins `SourceSettings.config`, so that the recording holds all that its decoder needs."""
    battery_percent: int | None = None
    """Where the sensor tells it in a way of its own; the standard battery service is read for every sensor."""


Script = Generator[Step, bytes | None, Learned]
"""A conversation; what it returns is what was learned."""


def no_script(_config: Mapping[str, Any]) -> Script:
    """Nothing has to be said."""
    yield from ()
    return Learned()


def _always(_payload: bytes) -> bool:
    return True


def _never(_payload: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Driver:
    """How one kind of sensor is recognised, started, read and stopped. One per decoder that Bluetooth sensors feed."""

    title: str
    """For people: maker and model."""
    start: Callable[[Mapping[str, Any]], Script]
    """Stops whatever runs, subscribes, starts streaming as `SourceSettings.config` asks; done again after each
    reconnect, so it must not rely on the sensor's memory. What it learned an earlier time is then in the config."""
    stop: Callable[[Mapping[str, Any]], Script] = no_script
    """Ends streaming, so that the battery lasts; given the config with what `start` learned."""
    service_uuid: str | None = None
    """Advertised service, 128 bits, lower case; None where the name tells."""
    names: tuple[str, ...] = ()
    """Beginnings of advertised names, for sensors that do not advertise their service."""
    names_without_gyroscope: tuple[str, ...] = ()
    """Beginnings of names of those models of the kind that measure acceleration only."""
    has_gyroscope: bool = True
    rate_hz: float | None = None
    """The rate that `start` asks for when the config says nothing; None where the sensor chooses."""
    silence_s: float | None = None
    """No data for so long is a lost link; None: as long as `LinkParams` says. At least five packets long."""
    battery_uuid: str = BATTERY_LEVEL_UUID
    """Characteristic whose first byte is the charge in percent, read and subscribed where it exists."""
    is_sample: Callable[[bytes], bool] = _always
    """Whether a notification of a stream characteristic carries samples; answers do not begin a stream."""
    is_last: Callable[[bytes], bool] = _never
    """Whether a notification says that nothing more will come."""
    drop_count: Callable[[], Generator[Step, bytes | None, int | None]] | None = None
    """Asks for the samples that the sensor says it dropped since start."""
    identify: Callable[[int], Script] | None = None
    """Lets the sensor show itself for some seconds."""
    wake: str = "wake it"
    """How this kind is woken, for sentences: "press its button"."""

    def is_heard_in(self, name: str | None, service_uuids: Collection[str]) -> bool:
        """Whether an advertisement is one of this kind."""
        if self.service_uuid is not None and self.service_uuid in service_uuids:
            return True
        return bool(name and self.names and name.startswith(self.names))

    def sees_rotation(self, name: str | None) -> bool:
        """Whether the model with this advertised name has a gyroscope."""
        is_without = bool(name and self.names_without_gyroscope and name.startswith(self.names_without_gyroscope))
        return self.has_gyroscope and not is_without


def perform(
    script: Generator[Step, bytes | None, Any], answer: Callable[[Step], bytes | None]
) -> tuple[list[Step], Any]:
    """Plays a script against a function: the steps it took and what it returned. For tests and makers.

    >>> def start(config):
    ...     period = yield Read("2a19")
    ...     return Learned({"period": period[0]})
    >>> perform(start({}), lambda step: b"\\x14")
    ([Read(uuid='2a19', is_optional=False)], Learned(config={'period': 20}, battery_percent=None))
    """
    steps: list[Step] = []
    given: bytes | None = None
    while True:
        try:
            step = script.send(given)
        except StopIteration as end:
            return steps, end.value
        steps.append(step)
        given = answer(step)

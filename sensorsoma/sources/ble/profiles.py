"""Every kind of Bluetooth sensor that can be used: one row here, one file beside for how it is started."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sensorsoma.decode.soma_v1 import is_last_frame
from sensorsoma.decode.soma_v1_control import SERVICE_UUID
from sensorsoma.sources.ble import soma_v1
from sensorsoma.sources.ble.talk import OnData, Talk


def _never_last(_payload: bytes) -> bool:
    return False


async def _no_drop_count(_talk: Talk) -> int | None:
    return None


async def _no_identify(_talk: Talk, _seconds: int) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of sensor is recognised, started, read and stopped."""

    kind: str
    """Key of `PROFILES`."""
    title: str
    """For people."""
    decoder: str
    """Key of `decode.DECODERS` for its bytes."""
    start: Callable[[Talk, Mapping[str, Any], OnData], Awaitable[None]]
    """Stops whatever runs, subscribes, starts streaming as the source's config asks."""
    stop: Callable[[Talk], Awaitable[None]]
    """Ends streaming, so that the battery lasts."""
    service_uuid: str | None = None
    """Advertised service, 128 bits, lower case."""
    name_prefixes: tuple[str, ...] = ()
    """Beginnings of advertised names, for sensors that do not advertise their service."""
    is_last: Callable[[bytes], bool] = _never_last
    """Whether a notification says that nothing more will come."""
    drop_count: Callable[[Talk], Awaitable[int | None]] = _no_drop_count
    """Samples that the sensor says it dropped since start."""
    identify: Callable[[Talk, int], Awaitable[None]] = _no_identify
    """Lets the sensor show itself for some seconds."""

    def is_heard_in(self, name: str | None, service_uuids: Collection[str]) -> bool:
        """Whether an advertisement is one of this kind."""
        if self.service_uuid is not None and self.service_uuid in service_uuids:
            return True
        return bool(name and self.name_prefixes and name.startswith(self.name_prefixes))


PROFILES: dict[str, Profile] = {
    profile.kind: profile
    for profile in (
        Profile(
            kind="soma_v1",
            title="SensorSoma open sensor",
            decoder="soma_v1",
            start=soma_v1.start,
            stop=soma_v1.stop,
            service_uuid=SERVICE_UUID,
            is_last=is_last_frame,
            drop_count=soma_v1.drop_count,
            identify=soma_v1.identify,
        ),
    )
}
"""Kind → profile."""


def profile_for(decoder: str) -> Profile:
    """The profile whose bytes a decoder reads.

    Raises:
        ValueError: no Bluetooth sensor sends that format.
    """
    for profile in PROFILES.values():
        if profile.decoder == decoder:
            return profile
    raise ValueError(f"expected the format of a Bluetooth sensor ({', '.join(PROFILES)}), found {decoder!r}")


def kind_of(name: str | None, service_uuids: Collection[str]) -> str | None:
    """Which kind of sensor an advertisement comes from; None for all others."""
    return next((kind for kind, profile in PROFILES.items() if profile.is_heard_in(name, service_uuids)), None)

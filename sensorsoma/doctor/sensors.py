"""The sensors that are set up, each tried for a few seconds: heard, started, streaming, resting as it should."""

from __future__ import annotations

from collections.abc import Callable

from sensorsoma.checks import SeatCheck, look
from sensorsoma.clock import Clock
from sensorsoma.config import Config, boards_of
from sensorsoma.live.findings import Finding
from sensorsoma.messages import Placement
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.ble.doors import Door
from sensorsoma.sources.ble.kinds import kind_named, settings_of
from sensorsoma.sources.ble.link import BleSource
from sensorsoma.sources.decoding import Decoding

PATIENCE_S = 40.0
"""Real seconds for one sensor: 15 to be heard, as many to be connected, a few to be looked at."""


async def try_sensors(config: Config, door: Door, on_text: Callable[[str], None]) -> list[Finding]:
    """Findings about every Bluetooth sensor of the config; one that says so when there is none.

    Args:
        config: which sensors.
        door: which air.
        on_text: told what is going on.
    """
    door.boards = boards_of(config)
    places = [placement for placement, entry in config.sensors.items() if entry.kind == "ble"]
    if not places:
        return [Finding("Sensors", "warn", "No Bluetooth sensor is set up yet.", "Run: sensorsoma setup")]
    findings: list[Finding] = []
    for placement in places:
        on_text(f"Trying the sensor at the {placement.replace('-', ' ')} ...")
        findings += await _try_one(config, placement, door)
    return findings


async def _try_one(config: Config, placement: Placement, door: Door) -> list[Finding]:
    settings = sensor_settings(config, placement, door)
    clock = Clock()
    source, decoding = BleSource(settings, door, clock), Decoding([settings], clock.now_ns())
    seats: dict[str, SeatCheck] = {placement: SeatCheck(placement)}
    return await look([source], decoding.feed, seats, clock, PATIENCE_S)


def sensor_settings(config: Config, placement: Placement, door: Door) -> SourceSettings:
    """How the sensor of a placement is reached and read."""
    entry = config.sensors[placement]
    return settings_of(
        placement, entry.address, None if entry.device is None else kind_named(entry.device, door.boards)
    )

"""A test, or a visitor, can ask the person in a virtual room to tap on a sensor."""

from __future__ import annotations

import asyncio

import pytest

from sensorsoma.clock import Clock
from sensorsoma.virtual.lines import obey
from sensorsoma.virtual.room import Room, SensorSpec


def test_the_person_taps_on_the_sensor_that_is_named() -> None:
    """The tap is in the truth, and nothing is answered."""

    async def ask() -> None:
        room = Room([SensorSpec("right-thigh")], Clock())
        assert await obey(room, {"type": "tap", "sensor": "right-thigh"}) is None
        assert [each["kind"] for each in room.truth()["disturbances"]] == ["double tap"]

    asyncio.run(ask())


def test_a_tap_that_nobody_can_give_is_refused() -> None:
    """No person in the room, or no such sensor."""

    async def ask() -> None:
        room = Room([SensorSpec("right-thigh", "still")], Clock())
        with pytest.raises(ValueError, match="found only sensors"):
            await obey(room, {"type": "tap", "sensor": "right-thigh"})
        with pytest.raises(KeyError):
            await obey(room, {"type": "tap", "sensor": "left-thigh"})

    asyncio.run(ask())

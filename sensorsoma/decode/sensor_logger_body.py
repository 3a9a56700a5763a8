"""One HTTP body of the app Sensor Logger as readings by sensor. Wire format: `firmware_notes/sensor_logger.md`."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Vector = tuple[float, ...]

FIELDS: Mapping[str, tuple[str, ...]] = {
    "accelerometer": ("x", "y", "z"),
    "gravity": ("x", "y", "z"),
    "gyroscope": ("x", "y", "z"),
    "accelerometeruncalibrated": ("x", "y", "z"),
    "gyroscopeuncalibrated": ("x", "y", "z"),
    "totalacceleration": ("x", "y", "z"),
    "orientation": ("qw", "qx", "qy", "qz"),
    "battery": ("batteryLevel",),
}
"""The sensors that are used and the names of their numbers; every other sensor is passed over."""

MAX_TIME_NS = 2**63
"""Times are Unix nanoseconds; anything at or above this is not a time."""


class BodyError(ValueError):
    """The bytes are not a message of Sensor Logger; says what was found instead."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One item of the payload."""

    sensor: str
    """Key of `FIELDS`."""
    time_ns: int
    """Unix nanoseconds on the phone's clock."""
    values: Vector
    """In the order of `FIELDS`, units as sent."""


@dataclass(frozen=True, slots=True)
class Message:
    """One push: what the phone gathered in one batch period."""

    message_id: int | None
    """Counts up from the start of a recording; None where it is missing."""
    session_id: str
    device_id: str
    readings: tuple[Reading, ...]
    """Sorted by time; items of other sensors left out."""
    n_bad: int
    """Items of a known sensor that could not be read."""


def parse_body(body: bytes) -> Message:
    """What a push holds, as sent.

    Raises:
        BodyError: not JSON, or not an object with a list called payload.

    >>> message = parse_body(b'{"messageId": 3, "sessionId": "s", "deviceId": "d", "payload": [{"name": "gravity", '
    ...                      b'"time": 1698501144401773001, "values": {"z": 9.8, "y": 0.0, "x": 0.1}}]}')
    >>> message.readings[0].time_ns, message.readings[0].values
    (1698501144401773001, (0.1, 0.0, 9.8))
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BodyError(f"expected JSON, found {len(body)} bytes that are not") from error
    if not isinstance(data, dict) or not isinstance(data.get("payload"), list):
        raise BodyError("expected an object with a list called payload")
    readings: list[Reading] = []
    n_bad = 0
    for item in data["payload"]:
        sensor = _sensor(item)
        if sensor is None:
            continue
        reading = _reading(sensor, item)
        if reading is None:
            n_bad += 1
        else:
            readings.append(reading)
    readings.sort(key=lambda reading: reading.time_ns)
    return Message(_count(data), _text(data, "sessionId"), _text(data, "deviceId"), tuple(readings), n_bad)


def _sensor(item: Any) -> str | None:
    name = item.get("name") if isinstance(item, dict) else None
    if not isinstance(name, str):
        return None
    key = name.casefold().replace(" ", "")
    return key if key in FIELDS else None


def _reading(sensor: str, item: Mapping[str, Any]) -> Reading | None:
    """One item, or None when its time or one of its numbers is missing or not finite."""
    time_ns = _time_ns(item.get("time"))
    numbers = item.get("values", item)
    if time_ns is None or not isinstance(numbers, dict):
        return None
    values = tuple(_number(numbers.get(name)) for name in FIELDS[sensor])
    return Reading(sensor, time_ns, values) if all(map(math.isfinite, values)) else None


def _time_ns(value: Any) -> int | None:
    """Times lie above 2^53, where a float skips whole nanoseconds: integers stay integers."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 < value < MAX_TIME_NS else None


def _number(value: Any) -> float:
    """The value as float; NaN for anything that is not a number of moderate size."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    return float(value) if abs(value) < 1e6 else math.nan


def _count(data: Mapping[str, Any]) -> int | None:
    value = data.get("messageId")
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_TIME_NS else None


def _text(data: Mapping[str, Any], key: str) -> str:
    value = data.get(key)
    return value if isinstance(value, str) else ""

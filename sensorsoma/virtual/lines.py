"""The second port of a virtual room: one JSON object a line, what is said in the session and what is asked of the room.

| line | answer |
|---|---|
| `{"type": "StepStarted" …}`, `Cue`, … (messages as JSON) | none; the person hears it |
| `{"type": "blackout", "seconds": 10}`, optionally `"sensor": "right-thigh"` | none |
| `{"type": "hang_up", "sensor": "right-thigh"}` | none |
| `{"type": "raw", "sensor": "right-thigh", "hex": "00ff"}`: any bytes as a notification | none |
| `{"type": "battery", "sensor": "right-thigh", "percent": 9}` | none |
| `{"type": "tap", "sensor": "right-thigh"}`: the person taps on it twice | none |
| `{"type": "truth"}` | `{"type": "truth", …}` |
| `{"type": "counters"}` | `{"type": "counters", "right-thigh": {"sent": …, "dropped": …}}` |

A line that cannot be obeyed is answered with `{"type": "error", "text": …}`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sensorsoma.messages import (
    Cue,
    Message,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    StepClosed,
    StepStarted,
)
from sensorsoma.virtual.room import Room

HEARD = (StepStarted, StepClosed, Cue, SensorMoved, SessionPaused, SessionContinued, SessionEnded)
"""What a person in bed can hear."""


def to_line(message: Message | Mapping[str, Any]) -> bytes | None:
    """A message as a JSON line; None when a person would not hear it."""
    if isinstance(message, Mapping):
        plain = dict(message)
    elif isinstance(message, HEARD):
        plain = {"type": type(message).__name__}
        plain |= {field.name: getattr(message, field.name) for field in fields(message)}
    else:
        return None
    return json.dumps(plain, default=dict).encode() + b"\n"


async def serve_lines(room: Room, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Obeys one client until it closes."""
    try:
        while line := await reader.readline():
            answer = await _answer(room, line)
            if answer is not None:
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
    except (ConnectionError, ValueError):
        return
    finally:
        writer.close()


async def _answer(room: Room, line: bytes) -> dict[str, Any] | None:
    try:
        said = json.loads(line)
        return await obey(room, said)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return {"type": "error", "text": f"{type(error).__name__}: {error}"}


async def obey(room: Room, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """Does what one object asks; its answer, if it has one."""
    match said["type"]:
        case "blackout":
            sensor = said.get("sensor")
            room.radio.blackout(float(said["seconds"]), room.sensor(sensor).controller if sensor else None)
        case "hang_up":
            await room.sensor(said["sensor"]).hang_up()
        case "raw":
            await room.sensor(said["sensor"]).send_raw(bytes.fromhex(said["hex"]))
        case "battery":
            await room.sensor(said["sensor"]).set_battery(int(said["percent"]))
        case "tap":
            room.tap(said["sensor"])
        case "truth":
            return {"type": "truth", **room.truth()}
        case "counters":
            return {"type": "counters", **room.counters()}
        case _:
            room.hear(said)
    return None

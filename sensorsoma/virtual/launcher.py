"""Virtual sensors for a session: in a process of their own, as with real ones, or within this one for tests."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sensorsoma import errors
from sensorsoma.clock import Clock
from sensorsoma.errors import LinkError, SensorSomaError
from sensorsoma.messages import Message
from sensorsoma.sources.ble.doors import Door
from sensorsoma.virtual.door import open_door_on, open_virtual_door
from sensorsoma.virtual.extra import need_bumble

if TYPE_CHECKING:
    from sensorsoma.virtual.room import Room, RoomParams

READY_S = 60.0
"""Real seconds until the process must be ready; a cold start on a slow disk takes ten."""
ANSWER_S = 10.0
"""Real seconds for an answer of the room."""
LARGEST_LINE = 64 * 1024 * 1024
"""Bytes: the truth about a long session is one line."""


class VirtualWorld(Protocol):
    """Virtual sensors that a session can connect to; also a listener, so that the person hears the coach."""

    door: Door
    """Give it to `BleSource` and `scan`."""

    def on_message(self, message: Message) -> None:
        """Lets the person hear a message of the session; harmless for those that mean nothing in bed."""
        ...

    def hear(self, message: Message | Mapping[str, Any]) -> None:
        """The same, also for JSON with a "type"."""
        ...

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Sends a request to the room, see `lines.py`; its answer, empty when it has none."""
        ...

    async def truth(self) -> dict[str, Any]:
        """What the person really did, JSON-ready."""
        ...

    async def close(self) -> None:
        """Ends everything; harmless when called twice."""
        ...


_WITH_ANSWER = ("truth", "counters")


class _ProcessWorld:
    """A room in a process of its own."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        door: Door,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.process = process
        self.door = door
        self._reader = reader
        self._writer = writer
        self._asking = asyncio.Lock()

    def on_message(self, message: Message) -> None:
        self.hear(message)

    def hear(self, message: Message | Mapping[str, Any]) -> None:
        from sensorsoma.virtual.lines import to_line

        line = to_line(message)
        if line is not None and not self._writer.is_closing():
            self._writer.write(line)

    async def ask(self, **request: Any) -> dict[str, Any]:
        try:
            async with self._asking, asyncio.timeout(ANSWER_S):
                self._writer.write(json.dumps(request).encode() + b"\n")
                await self._writer.drain()
                if request.get("type") not in _WITH_ANSWER:
                    return {}
                answer = json.loads(await self._reader.readline() or b"{}")
        except (TimeoutError, OSError, ValueError) as error:
            raise LinkError("The virtual sensors did not answer; their process may have ended.") from error
        if not isinstance(answer, dict) or answer.pop("type", "error") == "error":
            raise LinkError(f"The virtual sensors could not answer: {answer}.")
        return answer

    async def truth(self) -> dict[str, Any]:
        return await self.ask(type="truth")

    async def close(self) -> None:
        await self.door.close()
        self._writer.close()
        await _end(self.process)


class InProcessWorld:
    """A room within this process."""

    def __init__(self, room: Room, door: Door) -> None:
        self.room = room
        self.door = door

    def on_message(self, message: Message) -> None:
        """Lets the person hear a message of the session."""
        self.hear(message)

    def hear(self, message: Message | Mapping[str, Any]) -> None:
        """The same, also for JSON with a "type"."""
        self.room.hear(message)

    async def ask(self, **request: Any) -> dict[str, Any]:
        """Obeys a request as the room's own port does."""
        from sensorsoma.virtual.lines import obey

        answer = await obey(self.room, request) or {}
        answer.pop("type", None)
        return answer

    async def truth(self) -> dict[str, Any]:
        """What the person really did."""
        return self.room.truth()

    async def close(self) -> None:
        """Switches the sensors off."""
        await self.door.close()
        await self.room.close()


async def start_virtual(
    sensors: Sequence[str],
    speed: float = 1.0,
    seed: int = 1,
    *,
    interval_ms: float = 15.0,
    packet_errors: float = 0.0,
    person: Mapping[str, Any] | None = None,
    mtu: int = 247,
) -> _ProcessWorld:
    """Virtual sensors in a process of their own, ready to be found.

    Args:
        sensors: `PLACEMENT=person`, `PLACEMENT=FILE` or `PLACEMENT=still` each; all persons are the same one.
        speed: session seconds per real second, as of the session's clock.
        seed: everything random in the room follows from it.
        interval_ms: connection interval, session milliseconds.
        packet_errors: share of radio packets that must be sent again.
        person: keywords for `simulate.LivePerson`, JSON-ready.
        mtu: largest ATT MTU that the sensors agree to.

    Raises:
        MissingExtraError: bumble is not installed.
        SensorSomaError: a file cannot be played, a sensor is mistyped.
    """
    need_bumble()
    command = [sys.executable, "-m", "sensorsoma.virtual", "--speed", str(speed), "--seed", str(seed)]
    command += ["--packet-errors", str(packet_errors), "--mtu", str(mtu), "--person", json.dumps(dict(person or {}))]
    for text in sensors:
        command += ["--sensor", text]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is for the session, which then closes the room
    )
    try:
        ports = await _ready(process)
        door = await open_virtual_door(f"127.0.0.1:{ports['hci_port']}", interval_ms)
        reader, writer = await asyncio.open_connection("127.0.0.1", ports["room_port"], limit=LARGEST_LINE)
    except BaseException:
        await _end(process)
        raise
    return _ProcessWorld(process, door, reader, writer)


async def start_virtual_in_process(
    sensors: Sequence[str], clock: Clock | None = None, params: RoomParams | None = None, *, interval_ms: float = 15.0
) -> InProcessWorld:
    """Virtual sensors within this event loop, ready to be found; arguments as in `start_virtual`."""
    need_bumble()
    from sensorsoma.virtual.room import Room, SensorSpec

    room = Room([SensorSpec.parse(text) for text in sensors], clock or Clock(), params)
    await room.open()
    return InProcessWorld(room, await open_door_on(room.radio, interval_ms))


async def _ready(process: asyncio.subprocess.Process) -> dict[str, int]:
    """The ports that the process prints when it is ready."""
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_S):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise LinkError(f"The virtual sensors were not ready within {READY_S:g} s; try again.") from error
    try:
        said = json.loads(line)
    except ValueError as error:
        raise LinkError("The virtual sensors ended before they were ready.") from error
    if "error" in said:
        kind = getattr(errors, str(said.get("kind")), LinkError)
        raise (kind if isinstance(kind, type) and issubclass(kind, SensorSomaError) else LinkError)(said["error"])
    return {name: int(port) for name, port in said.items()}


async def _end(process: asyncio.subprocess.Process) -> None:
    """Closes its input, which ends it; kills it if it does not listen."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(3.0):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()

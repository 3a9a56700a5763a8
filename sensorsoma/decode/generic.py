"""Boards of one's own, described in the config file: lines of text, packed numbers, or SensiML's simple stream.

What a table `[boards.NAME]` may say: `generic_board.py`, with examples in `firmware_notes/generic.md`. Packets become
rows in `generic_rows.py` and get their time in `generic_place.py`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.driver import Driver, Learned, Read, Script, Subscribe, Write
from sensorsoma.decode.generic_board import SENSIML_CONFIG_UUID, Board, board_of
from sensorsoma.decode.generic_place import WithClock, WithoutClock
from sensorsoma.decode.generic_rows import RowsError, RowsReader
from sensorsoma.errors import InputFileError, LinkError
from sensorsoma.messages import BadPacket, Packet

_SENSIML_COLUMNS = {
    "AccelerometerX": "ax", "AccelerometerY": "ay", "AccelerometerZ": "az",
    "GyroscopeX": "gx", "GyroscopeY": "gy", "GyroscopeZ": "gz",
}  # fmt: skip
_SILENCE_PACKETS = 5.0
_USUAL_SILENCE_S = 2.0


# ------------------------------------------------------------------------------------------- the conversation


def start(config: Mapping[str, Any]) -> Script:
    """Stops whatever runs, listens, and sends the board's start command where it has one.

    Raises:
        LinkError: the config describes no board, or a SensiML board does not describe its columns.
    """
    board = _board_or_link_error(config)
    if board.control is not None and board.stop:
        yield Write(board.control, board.stop)
    learned: dict[str, Any] = {}
    if board.format == "sensiml":
        learned = sensiml_columns((yield Read(SENSIML_CONFIG_UUID)) or b"")
    yield Subscribe(board.characteristic)
    if board.control is not None and board.start:
        yield Write(board.control, board.start)
    return Learned(learned)


def stop(config: Mapping[str, Any]) -> Script:
    """Sends the board's stop command where it has one."""
    board = _board_or_link_error(config)
    if board.control is not None and board.stop:
        yield Write(board.control, board.stop)
    return Learned()


def sensiml_columns(text: bytes) -> dict[str, Any]:
    """What a SensiML configuration says of its rows, as keys of a board's table.

    Raises:
        LinkError: it is no such configuration, or has no accelerometer.

    >>> sensiml_columns(b'{"sample_rate": 119, "column_location": {"AccelerometerX": 1, "AccelerometerY": 2, '
    ...                 b'"AccelerometerZ": 0, "Microphone": 3}}')
    {'fields': ['az', 'ax', 'ay', '_'], 'rate_hz': 119.0}
    """
    try:
        told = json.loads(text.rstrip(b"\0"))
        columns = {int(at): str(name) for name, at in told["column_location"].items()}
        rate_hz = float(told.get("sample_rate") or 0)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise LinkError(
            "Expected SensiML's JSON with column_location from the board, but it is something else; check it, "
            "or use format = struct."
        ) from error
    fields = [_SENSIML_COLUMNS.get(columns.get(at, ""), "_") for at in range(min(max(columns, default=-1) + 1, 64))]
    if not {"ax", "ay", "az"} <= set(fields):
        raise LinkError("Expected accelerometer columns from the SensiML board, but found none; enable them in it.")
    return {"fields": fields} | ({"rate_hz": rate_hz} if 0 < rate_hz <= 4000 else {})


def _board_or_link_error(config: Mapping[str, Any]) -> Board:
    try:
        return board_of(config)
    except InputFileError as error:
        raise LinkError(f"{error} See [boards.NAME] in the config file.") from error


def driver_for(config: Mapping[str, Any]) -> Driver:
    """The driver of the board that this table of the config file describes.

    Raises:
        InputFileError: it describes none.
    """
    board = board_of(config)
    packet_s = (board.samples_per_packet or 1) / board.rate_hz if board.rate_hz else 0.0
    silence_s = _SILENCE_PACKETS * packet_s
    return Driver(
        title=f"own board {board.name}" if board.name else "own board",
        start=start,
        stop=stop,
        service_uuid=board.service if board.name is None else None,
        names=(board.name,) if board.name else (),
        has_gyroscope=board.has_gyroscope,
        rate_hz=board.rate_hz,
        silence_s=silence_s if silence_s > _USUAL_SILENCE_S else None,
    )


DRIVER = Driver(title="own board", start=start, stop=stop)
"""Recognises nothing by itself: `driver_for` knows a board's name."""


# ------------------------------------------------------------------------------------------------ the samples


class GenericDecoder:
    """Samples of a board of one's own on the session line.

    Config keys: those of `[boards.NAME]`. Without a valid description every packet is a `BadPacket` that says why.
    """

    name = "generic"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        self.channel = channel
        self._placer: WithClock | WithoutClock | None = None
        try:
            board = board_of(config or {})
        except InputFileError as error:
            self._complaint = str(error)
            return
        self._complaint = ""
        self._reader = RowsReader(board)
        made = WithoutClock if board.tick_s is None else WithClock
        self._placer = made(channel, epoch_ns, board)

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it
        """Notes that the link was away: half a line is forgotten, counters and clocks may begin anew."""
        if self._placer is not None:
            self._reader.restart()
            self._placer.resumed()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """The samples that this packet completes, the gaps before them, and what could not be read."""
        if self._placer is None or not packet.payload:
            return (self._bad(packet, self._complaint or "expected samples, found no bytes"),)
        try:
            samples = self._reader.read(packet.payload)
        except RowsError as error:
            return (self._bad(packet, str(error)),)
        out: list[Decoded] = []
        if len(samples.acc_sensor_mps2):
            n_dropped, placed = self._placer.take(packet.host_ns, samples)
            out += placed
            if n_dropped:
                out.append(
                    self._bad(packet, f"expected samples that follow, found {n_dropped} that came late or twice")
                )
        if samples.bad:
            out.append(self._bad(packet, samples.bad))
        return tuple(out)

    def finish(self) -> tuple[Decoded, ...]:
        """Samples of which it was still open when they were taken; an unfinished line is none."""
        return tuple(self._placer.finish()) if self._placer is not None else ()

    def _bad(self, packet: Packet, reason: str) -> BadPacket:
        return BadPacket(packet.host_ns, self.channel, reason)

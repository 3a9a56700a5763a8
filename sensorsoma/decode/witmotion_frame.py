"""WitMotion's byte stream: frames cut out of it, and what they say. No clock, no checksum, no packet boundaries.

    55 61  9 x int16                      a sample; in one variant followed by 8 bytes of date and time
    55 71  register, 0, 8 x int16         the answer to a question about a register

Notifications cut this stream anywhere. A head is believed only where the next head stands at its distance, so a
`55 61` among the numbers is none, and a notification that was lost cannot glue two halves together. The price is that a
frame is given out when the next one begins; it keeps the arrival of the packet that completed it.

Byte tables and a worked example: `firmware_notes/witmotion.md`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

SAMPLE_HEAD = b"\x55\x61"
ANSWER_HEAD = b"\x55\x71"
SHORT = 20
"""Bytes of a frame."""
LONG = 28
"""Bytes of a sample frame with date and time (WT901SDCL-BT50)."""

_ACC_SCALE = 16.0 * STANDARD_GRAVITY_MPS2 / 32768.0
_GYR_SCALE = 2000.0 * DEG / 32768.0
ANGLE_DEG_PER_LSB = 180.0 / 32768.0

REGISTER_RATE = 0x03
REGISTER_BATTERY = 0x64

RATES_HZ: dict[int, float] = {
    0x01: 0.2, 0x02: 0.5, 0x03: 1.0, 0x04: 2.0, 0x05: 5.0, 0x06: 10.0, 0x07: 20.0, 0x08: 50.0, 0x09: 100.0
}  # fmt: skip
"""Rate code → samples per second, as far as all of the maker's documents agree; 0A and 0B mean different things."""

BATTERY_PERCENT: tuple[tuple[float, int], ...] = (
    (3.40, 0), (3.50, 5), (3.68, 10), (3.70, 15), (3.73, 20), (3.77, 30),
    (3.79, 40), (3.82, 50), (3.87, 60), (3.93, 75), (3.96, 90), (3.99, 100),
)  # fmt: skip
"""Voltage of the one lithium cell under load → charge, an estimate: the points of the maker's own Android program."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of the stream."""

    data: bytes
    host_ns: int
    """Arrival of the packet that completed it."""

    @property
    def is_sample(self) -> bool:
        """Whether it carries a sample; else it answers a question."""
        return self.data[:2] == SAMPLE_HEAD


@dataclass(frozen=True, slots=True)
class Register:
    """The answer to a question about a register."""

    number: int
    words: tuple[int, ...]
    """Eight signed words: this register and the seven after it."""


def parse_register(data: bytes) -> Register:
    """The register that an answer frame tells.

    Raises:
        ValueError: not an answer frame.

    >>> parse_register(bytes.fromhex("5571640088010000000000000000000000000000")).words[0]
    392
    """
    if len(data) != SHORT or data[:2] != ANSWER_HEAD:
        raise ValueError(f"expected {SHORT} bytes that begin with 55 71, found {data[:4].hex(' ') or 'nothing'}")
    return Register(int.from_bytes(data[2:4], "little"), tuple(np.frombuffer(data, "<i2", offset=4).tolist()))


def sample_lsb(frames: list[Frame]) -> NDArray[np.int16]:
    """`(n, 9)` raw numbers of sample frames: acceleration, angular rate, roll, pitch, yaw."""
    joined = b"".join(frame.data[2:SHORT] for frame in frames)
    return np.frombuffer(joined, dtype="<i2").reshape(len(frames), 9).astype(np.int16)


def to_si(lsb: NDArray[np.int16]) -> tuple[Floats, Floats]:
    """Specific force (m/s²) and angular rate (rad/s), `(n, 3)` each, of `(n, 9)` raw numbers."""
    numbers = lsb.astype(np.float64)
    return numbers[:, :3] * _ACC_SCALE, numbers[:, 3:6] * _GYR_SCALE


def battery_percent(volts: float) -> int | None:
    """Estimated charge of one lithium cell; None for a voltage that no such cell has.

    >>> battery_percent(3.92), battery_percent(8.1)
    (72, None)
    """
    if not 2.5 < volts < 5.0:
        return None
    voltage, percent = zip(*BATTERY_PERCENT, strict=True)
    return int(np.interp(volts, voltage, percent))


class FrameStream:
    """Cuts frames out of packets; memory stays below one frame and a half, whatever comes.

    The same bytes give the same frames however they are cut; a frame's arrival is that of its last byte's packet.

    >>> stream = FrameStream()
    >>> sample = bytes.fromhex("5561e1ff91ff0008000000000000e9fdc800c43a")
    >>> len(stream.feed(1, sample)), len(stream.feed(2, sample)), len(stream.flush())
    (0, 1, 1)
    """

    def __init__(self) -> None:
        self.n_discarded = 0
        """Bytes so far that belonged to no frame."""
        self._buffer = bytearray()
        self._ends: deque[tuple[int, int]] = deque()
        """(where a packet ends in the buffer, its arrival), for the packets that have bytes in the buffer."""
        self._sample_length = SHORT

    def feed(self, host_ns: int, data: bytes) -> list[Frame]:
        """The frames that are certain now."""
        self._buffer += data
        self._ends.append((len(self._buffer), host_ns))
        frames: list[Frame] = []
        at = 0
        while (length := self._length_at(at)) is not None:
            if length:
                frames.append(self._frame(at, length))
                at += length
            else:
                step = self._to_next_head(at)
                self.n_discarded += step
                at += step
        self._drop(at)
        return frames

    def flush(self) -> list[Frame]:
        """The last frame, which no head follows, when it is whole; what is left is forgotten."""
        buffer = bytes(self._buffer)
        length = self._sample_length if buffer[:2] == SAMPLE_HEAD else SHORT if buffer[:2] == ANSWER_HEAD else 0
        is_whole = 0 < length <= len(buffer) and SAMPLE_HEAD.startswith(buffer[length : length + 1])
        frames = [self._frame(0, length)] if is_whole else []
        self.n_discarded += len(buffer) - (length if is_whole else 0)
        self._buffer.clear()
        self._ends.clear()
        return frames

    def _length_at(self, at: int) -> int | None:
        """Length of the frame that begins there; 0 when none does, None when too few bytes are here to say."""
        buffer = self._buffer
        here, n_here = buffer[at : at + 2], len(buffer) - at
        if n_here < 2 or here not in (SAMPLE_HEAD, ANSWER_HEAD):
            return None if n_here == 0 or here == b"\x55" else 0
        is_sample = here == SAMPLE_HEAD
        for length in (SHORT, LONG) if is_sample else (SHORT,):
            if n_here < length + 2:
                return None
            if buffer[at + length : at + length + 2] in (SAMPLE_HEAD, ANSWER_HEAD):
                if is_sample:
                    self._sample_length = length
                return length
        return 0

    def _to_next_head(self, at: int) -> int:
        """One byte further, and on to where a head may begin."""
        found = self._buffer.find(SAMPLE_HEAD[:1], at + 1)
        return (found if found >= 0 else len(self._buffer)) - at

    def _frame(self, at: int, length: int) -> Frame:
        end = at + length
        host_ns = next(host_ns for packet_end, host_ns in self._ends if packet_end >= end)
        return Frame(bytes(self._buffer[at:end]), host_ns)

    def _drop(self, n: int) -> None:
        del self._buffer[:n]
        self._ends = deque((end - n, host_ns) for end, host_ns in self._ends if end > n)

"""How a Polar sensor fills its frames: differences in as few bits as they need, until the packet is full."""

from __future__ import annotations

import itertools
import struct
from dataclasses import dataclass, field

import numpy as np

from sensorsoma.decode.polar_pmd_frame import COMPRESSED
from sensorsoma.messages import Floats
from sensorsoma.units import NS_PER_S

Row = tuple[int, int, int]

EPOCH_NS = 599_616_000 * NS_PER_S
"""What its clock says when it was reset: 2019-01-01, as an H10 does; ns since 2000-01-01."""
HEAD = struct.Struct("<BQB")
BLOCK = 20
"""Differences that share one width; the firmware's own choice is not known."""
LEAST_BITS = 4
"""The noise of a real sensor at rest needs as much: 133 samples in a full frame, as users report."""


def n_bits(values: Row) -> int:
    """Width that holds all three as signed numbers, and noise.

    >>> n_bits((0, 0, 0)), n_bits((-9, -3, 0)), n_bits((127, 0, -128))
    (4, 5, 8)
    """
    return max(LEAST_BITS, *((value if value >= 0 else ~value).bit_length() + 1 for value in values))


def encode_deltas(samples: list[Row], block: int = BLOCK) -> bytes:
    """A whole 16-bit sample, then blocks of differences; at least one sample.

    >>> encode_deltas([(-15, 20, 1008), (-20, 17, 1008)]).hex(" ", 2)
    'f1ff 1400 f003 0401 db00'
    """
    deltas = [_minus(new, old) for old, new in itertools.pairwise(samples)]
    out = struct.pack("<3h", *samples[0])
    for begin in range(0, len(deltas), block):
        part = deltas[begin : begin + block]
        width = max(n_bits(delta) for delta in part)
        number = 0
        for at, value in enumerate(value for delta in part for value in delta):
            number |= (value & (1 << width) - 1) << width * at
        out += bytes([width, len(part)]) + number.to_bytes((width * 3 * len(part) + 7) // 8, "little")
    return out


def _minus(new: Row, old: Row) -> Row:
    return new[0] - old[0], new[1] - old[1], new[2] - old[2]


@dataclass(slots=True)
class Filling:
    """The frame of one stream that is being filled."""

    measurement: int
    frame_type: int
    most_bytes: int
    steps_per_si: float
    samples: list[Row] = field(default_factory=list)
    last_s: float = 0.0
    n_sent: int = 0
    """Samples in frames that left, since the stream began."""
    n_bytes: int = 0
    """Length of the frame without the block that is growing."""
    width: int = 0
    n_in_block: int = 0

    def add(self, t_s: float, value_si: Floats) -> bytes | None:
        """Takes a sample; the frame before it, when there is no room for it."""
        steps = np.clip(np.rint(value_si * self.steps_per_si), -32768, 32767).astype(int).tolist()
        row: Row = (steps[0], steps[1], steps[2])
        full = None if self._has_room(row) else self.flush()
        self._take(row)
        self.last_s = t_s
        return full

    def flush(self) -> bytes | None:
        """The frame as it is; None when it is empty."""
        if not self.samples:
            return None
        samples, self.samples = self.samples, []
        self.n_sent += len(samples)
        is_compressed = self.frame_type & COMPRESSED
        content = encode_deltas(samples) if is_compressed else np.array(samples, dtype="<i2").tobytes()
        return HEAD.pack(self.measurement, EPOCH_NS + round(self.last_s * NS_PER_S), self.frame_type) + content

    def _has_room(self, row: Row) -> bool:
        if not self.samples:
            return True
        if not self.frame_type & COMPRESSED:
            return self.n_bytes + 6 <= self.most_bytes
        width, n = n_bits(_minus(row, self.samples[-1])), 1
        if self.n_in_block % BLOCK:
            width, n = max(width, self.width), self.n_in_block + 1
            return self.n_bytes + _block_bytes(width, n) <= self.most_bytes
        return self.n_bytes + _block_bytes(self.width, self.n_in_block) + _block_bytes(width, n) <= self.most_bytes

    def _take(self, row: Row) -> None:
        if not self.samples:
            self.n_bytes, self.width, self.n_in_block = HEAD.size + 6, 0, 0
        elif not self.frame_type & COMPRESSED:
            self.n_bytes += 6
        else:
            if self.n_in_block == BLOCK:
                self.n_bytes += _block_bytes(self.width, BLOCK)
                self.width = self.n_in_block = 0
            self.width = max(self.width, n_bits(_minus(row, self.samples[-1])))
            self.n_in_block += 1
        self.samples.append(row)


def _block_bytes(width: int, n: int) -> int:
    return 2 + (width * 3 * n + 7) // 8 if n else 0

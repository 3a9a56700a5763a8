"""Polar's measurement data frames, taken apart: whose samples, the time of the last one, the values.

A frame is either raw, `n` samples of three little-endian integers, or compressed: one whole sample, then blocks of
differences, each block with a width of its own. Byte tables and a worked example: `firmware_notes/polar_pmd.md`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sensorsoma.messages import Floats
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

Ints = NDArray[np.int64]

ACC = 2
GYRO = 5
NAMES = {ACC: "acceleration", GYRO: "rotation"}
"""Measurement type → for people."""

COMPRESSED = 0x80
"""Bit of the frame type."""

_HEAD = struct.Struct("<BQB")
_TYPE_MASK = 0x3F
_AXES = 3
_MG = STANDARD_GRAVITY_MPS2 / 1000.0
_MAX_BITS = 32


class FrameError(ValueError):
    """Bytes that are no frame of samples; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How the values of a frame are written, and what they mean."""

    bits: int
    """Width of a raw value or of a value in the first, whole sample of a compressed frame."""
    si_per_unit: float
    """m/s² or rad/s per unit that raw value times factor is given in."""
    is_float: bool = False
    """The 32 bits are a float32; differences are taken between the bit patterns."""


LAYOUTS: dict[tuple[int, int], Layout] = {
    (ACC, 0x00): Layout(8, _MG),
    (ACC, 0x01): Layout(16, _MG),
    (ACC, 0x02): Layout(24, _MG),
    (ACC, COMPRESSED | 0x00): Layout(16, STANDARD_GRAVITY_MPS2),
    (ACC, COMPRESSED | 0x01): Layout(16, _MG),
    (GYRO, COMPRESSED | 0x00): Layout(16, DEG),
    (GYRO, COMPRESSED | 0x01): Layout(32, DEG, is_float=True),
}
"""(measurement type, frame type byte) → layout."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One notification of the data characteristic, taken apart."""

    measurement: int
    """`ACC` or `GYRO`."""
    frame_type: int
    """Byte 9, with its bit for compression."""
    last_ns: int
    """The sensor's clock at the last sample, ns since 2000-01-01, as it believes."""
    values: Floats
    """`(n, 3)` as sent, at least one sample; before factor and unit."""

    def to_si(self, factor: float) -> Floats:
        """`(n, 3)` m/s² or rad/s; `factor` is the one of the start answer and belongs to compressed frames only."""
        scale = LAYOUTS[self.measurement, self.frame_type].si_per_unit
        if self.frame_type & COMPRESSED:
            scale *= factor
        return self.values * scale


def decode_frame(payload: bytes) -> Frame:
    """The frame in one notification.

    Raises:
        FrameError: too short, a measurement or frame type that is not known, or contents that do not add up.

    >>> frame = decode_frame(bytes.fromhex("02" "6500000000000000" "81" "f1ff1400f003" "0601" "7b0f08"))
    >>> frame.last_ns, frame.values.tolist()
    (101, [[-15.0, 20.0, 1008.0], [-20.0, 17.0, 1008.0]])
    """
    if len(payload) <= _HEAD.size:
        raise FrameError(f"expected more than {_HEAD.size} bytes, found {len(payload)}")
    kind, last_ns, frame_type = _HEAD.unpack_from(payload)
    measurement = kind & _TYPE_MASK
    layout = LAYOUTS.get((measurement, frame_type))
    if layout is None:
        found = f"type {measurement}, frame type 0x{frame_type:02x}"
        raise FrameError(f"expected a frame of acceleration or rotation, found {found}")
    content = payload[_HEAD.size :]
    whole = decode_deltas(content, layout.bits) if frame_type & COMPRESSED else _raw_samples(content, layout.bits)
    values = whole.astype(np.uint32).view(np.float32) if layout.is_float else whole
    if not np.isfinite(values).all():
        raise FrameError("expected numbers, found NaN or infinity")
    return Frame(measurement, frame_type, last_ns, values.astype(np.float64))


def decode_deltas(content: bytes, bits: int) -> Ints:
    """`(n, 3)` samples of a compressed frame: one whole sample, then running sums of differences.

    Args:
        content: the frame after its header.
        bits: width of a value of the whole sample, 16 or 32. Sums are not wrapped here; 32-bit patterns are what is
            left of them modulo 2**32.

    Raises:
        FrameError: it ends inside a sample or a block, or a block has differences of no or more than 32 bits.
    """
    size = bits // 8
    at = _AXES * size
    if len(content) < at:
        raise FrameError(f"expected a whole sample of {at} bytes, found {len(content)}")
    parts = [_little_endian(content[:at], size).reshape(1, _AXES)]
    while at < len(content):
        width, count = content[at], content[at + 1] if at + 1 < len(content) else 0
        n_bytes = (width * count * _AXES + 7) // 8
        begin, at = at + 2, at + 2 + n_bytes
        if not 0 < width <= _MAX_BITS or at > len(content):
            left = len(content) - begin
            raise FrameError(f"expected {n_bytes} bytes of differences of 1 to 32 bits, found {left} for {width} bits")
        parts.append(_signed_bits(content[begin:at], width, count * _AXES).reshape(count, _AXES))
    return np.cumsum(np.concatenate(parts), axis=0)


def _raw_samples(content: bytes, bits: int) -> Ints:
    size = bits // 8
    if len(content) % (_AXES * size):
        raise FrameError(f"expected samples of {_AXES * size} bytes, found {len(content)} bytes")
    return _little_endian(content, size).reshape(-1, _AXES)


def _little_endian(content: bytes, size: int) -> Ints:
    """Signed integers of `size` bytes each; three-byte ones are why numpy's own types do not do."""
    bytes_ = np.frombuffer(content, dtype=np.uint8).reshape(-1, size).astype(np.int64)
    values: Ints = bytes_ @ (1 << 8 * np.arange(size, dtype=np.int64))
    return values - ((values >> (8 * size - 1)) << (8 * size))


def _signed_bits(content: bytes, width: int, n: int) -> Ints:
    """`n` signed integers of `width` bits each, taken from the low end of one little-endian number."""
    bits = np.unpackbits(np.frombuffer(content, dtype=np.uint8), count=width * n, bitorder="little")
    weights = 1 << np.arange(width, dtype=np.int64)
    weights[-1] = -weights[-1]
    values: Ints = bits.reshape(n, width) @ weights
    return values

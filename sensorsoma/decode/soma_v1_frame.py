"""Frames of our own open wire format, packed and taken apart. Byte tables: `firmware_notes/soma_v1.md`."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Lsb = NDArray[np.int16]

VERSION = 1
DEFAULT_ACC_RANGE_G = 8.0
DEFAULT_GYR_RANGE_DPS = 500.0

_VERSION_MASK = 0x07
_ACC_ONLY = 0x08
_LONG = 0x10
_FIRST = 0x20
_LAST = 0x40
_RESERVED = 0x80

_HEAD = struct.Struct("<BBHI")
_TAIL = struct.Struct("<HH")
FULL_SCALE = 32768.0
"""Counts at the end of either range."""


class FrameError(ValueError):
    """Bytes that are not a soma_v1 frame; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One notification, taken apart."""

    number: int
    """Number of the first sample since the start command, modulo 65536."""
    first_us: int
    """Device clock at the first sample, microseconds modulo 2**32 (71.6 minutes)."""
    acc_lsb: Lsb
    """`(n, 3)`; full scale 32768 is the acceleration range."""
    gyr_lsb: Lsb | None
    """`(n, 3)`; None from a sensor without gyroscope."""
    interval_us: int | None = None
    """Mean time between neighbouring samples; None in a short frame, which holds one sample."""
    dropped: int | None = None
    """Samples that the device had to drop since the start command, modulo 65536; None in a short frame."""
    is_first: bool = False
    """The first frame since the start command."""
    is_last: bool = False
    """The device has nothing more to send."""

    @property
    def n_samples(self) -> int:
        """Samples in this frame; 0 in a report."""
        return len(self.acc_lsb)


def to_lsb(values: ArrayLike, full_scale: float) -> Lsb:
    """`(n, 3)` int16, saturated at the range; `values` and `full_scale` in the same unit.

    >>> to_lsb([[1.0, -4.0, 9.0]], full_scale=8.0).tolist()
    [[4096, -16384, 32767]]
    """
    scaled = np.rint(np.asarray(values, dtype=np.float64) * (FULL_SCALE / full_scale))
    return np.clip(scaled, -32768, 32767).astype(np.int16)


def encode_frame(frame: Frame) -> bytes:
    """The bytes of a frame; short (8 bytes of header) when it has no `interval_us`.

    Raises:
        FrameError: more than one sample or none in a short frame, or a number out of its field.
    """
    flags, tail = VERSION, b""
    if frame.gyr_lsb is None:
        flags |= _ACC_ONLY
        samples: Lsb = frame.acc_lsb
    else:
        samples = np.concatenate((frame.acc_lsb, frame.gyr_lsb), axis=1)
    if frame.interval_us is not None:
        flags |= _LONG
        tail = _packed(_TAIL, frame.interval_us, frame.dropped or 0)
    elif frame.n_samples != 1:
        raise FrameError(f"expected one sample in a frame without interval, found {frame.n_samples}")
    flags |= (_FIRST if frame.is_first else 0) | (_LAST if frame.is_last else 0)
    head = _packed(_HEAD, flags, frame.n_samples, frame.number, frame.first_us)
    return head + tail + samples.astype("<i2").tobytes()


def _packed(layout: struct.Struct, *values: int) -> bytes:
    try:
        return layout.pack(*values)
    except struct.error as error:
        raise FrameError(f"expected numbers that fit {layout.format}, found {values}") from error


def decode_frame(payload: bytes) -> Frame:
    """The frame in one notification.

    Raises:
        FrameError: wrong version, reserved bit set, or a length that does not fit the sample count.

    >>> frame = decode_frame(bytes.fromhex("110107000a000000" "9025" "0000" "0000" "0000" "0010" "000000000000"))
    >>> frame.number, frame.first_us, frame.interval_us, frame.acc_lsb.tolist()
    (7, 10, 9616, [[0, 0, 4096]])
    """
    if len(payload) < _HEAD.size:
        raise FrameError(f"expected at least {_HEAD.size} bytes, found {len(payload)}")
    flags, n, number, first_us = _HEAD.unpack_from(payload)
    if flags & _VERSION_MASK != VERSION or flags & _RESERVED:
        raise FrameError(f"expected version {VERSION} in the first byte, found 0x{flags:02x}")
    is_long, columns = bool(flags & _LONG), 3 if flags & _ACC_ONLY else 6
    begin = _HEAD.size + (_TAIL.size if is_long else 0)
    if len(payload) != begin + 2 * columns * n:
        raise FrameError(f"expected {begin + 2 * columns * n} bytes for {n} samples, found {len(payload)}")
    if not is_long and n != 1:
        raise FrameError(f"expected one sample in a short frame, found {n}")
    interval_us, dropped = _TAIL.unpack_from(payload, _HEAD.size) if is_long else (None, None)
    if n > 1 and not interval_us:
        raise FrameError(f"expected an interval above 0 for {n} samples, found 0")
    samples = np.frombuffer(payload, dtype="<i2", offset=begin).reshape(n, columns).astype(np.int16)
    return Frame(
        number=number,
        first_us=first_us,
        acc_lsb=samples[:, :3],
        gyr_lsb=None if columns == 3 else samples[:, 3:],
        interval_us=interval_us,
        dropped=dropped,
        is_first=bool(flags & _FIRST),
        is_last=bool(flags & _LAST),
    )


def is_last_frame(payload: bytes) -> bool:
    """True when a notification says that nothing more will come; cheap enough for a notification callback."""
    return (
        len(payload) >= _HEAD.size
        and payload[0] & _VERSION_MASK == VERSION
        and not payload[0] & _RESERVED
        and bool(payload[0] & _LAST)
    )

"""The page's wire format: frames of motion readings as the phone's browser gave them, bytes and back.

Little-endian, written by `sources/phone/web/page.js`; `firmware_notes/phone_page.md` has the table and an example.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sensorsoma.messages import Floats

VERSION = 1

_HEAD = struct.Struct("<BbHII")
_SAMPLE = np.dtype([("ms", "<f8"), ("values", "<f4", 6)])


class FrameError(ValueError):
    """Bytes that are not a frame of the page; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True, eq=False)
class PageFrame:
    """What the page gathered in about 50 ms."""

    clock: int
    """Which run of the page's clock: drawn by chance when the page is loaded; 32 bits."""
    number: int
    """Number of the first sample since that clock began, 32 bits."""
    page_ms: Floats
    """`(n,)` page clock of each sample, milliseconds."""
    acc_page_mps2: Floats
    """`(n, 3)` acceleration with gravity, as the browser gave it: the sign is not settled."""
    rot_page_dps: Floats
    """`(n, 3)` rotation rate about x, y and z, °/s; NaN from a phone without gyroscope."""
    sign: int = 0
    """What the page found its browser's convention to be: 1, -1, or 0 as long as it does not know."""

    @property
    def end(self) -> int:
        """Number that the next frame should carry."""
        return self.number + len(self.page_ms)


def encode_frame(frame: PageFrame) -> bytes:
    """The bytes of a frame, as the page packs them.

    Raises:
        FrameError: a number that does not fit its field.
    """
    rows = np.column_stack([frame.acc_page_mps2, frame.rot_page_dps]).astype("<f4")
    table = np.zeros(len(rows), dtype=_SAMPLE)
    table["ms"], table["values"] = frame.page_ms, rows
    try:
        head = _HEAD.pack(VERSION, frame.sign, len(rows), frame.clock, frame.number)
    except struct.error as error:
        raise FrameError(f"expected numbers that fit {_HEAD.format}, found {frame.clock}, {frame.number}") from error
    return head + table.tobytes()


def decode_frames(payload: bytes) -> list[PageFrame]:
    """The frames of one message or POST body, which stand end to end.

    Raises:
        FrameError: no frame, another version, an impossible sign, or a length that does not fit the sample count.

    >>> (frame,) = decode_frames(bytes.fromhex("01010000" "2a000000" "07000000"))
    >>> frame.clock, frame.number, frame.sign, len(frame.page_ms)
    (42, 7, 1, 0)
    """
    if not payload:
        raise FrameError("expected at least one frame, found no bytes")
    frames, begin = [], 0
    while begin < len(payload):
        if len(payload) - begin < _HEAD.size:
            raise FrameError(f"expected {_HEAD.size} bytes of header, found {len(payload) - begin}")
        version, sign, n, clock, number = _HEAD.unpack_from(payload, begin)
        if version != VERSION:
            raise FrameError(f"expected version {VERSION}, found {version}")
        if sign not in (-1, 0, 1):
            raise FrameError(f"expected -1, 0 or 1 as sign, found {sign}")
        begin += _HEAD.size
        if len(payload) - begin < n * _SAMPLE.itemsize:
            raise FrameError(f"expected {n * _SAMPLE.itemsize} bytes for {n} samples, found {len(payload) - begin}")
        table = np.frombuffer(payload, dtype=_SAMPLE, count=n, offset=begin)
        with np.errstate(invalid="ignore"):  # signalling NaNs of broken bytes
            values = table["values"].astype(np.float64)
        frames.append(PageFrame(clock, number, table["ms"].astype(np.float64), values[:, :3], values[:, 3:], sign))
        begin += n * _SAMPLE.itemsize
    return frames


def page_frame(
    clock: int, number: int, page_ms: ArrayLike, acc: ArrayLike, rot_dps: ArrayLike | None = None, sign: int = 0
) -> PageFrame:
    """A frame from anything like arrays; without `rot_dps` it is one of a phone without gyroscope."""
    acc_mps2 = np.asarray(acc, dtype=np.float64).reshape(-1, 3)
    rot = np.full_like(acc_mps2, np.nan) if rot_dps is None else np.asarray(rot_dps, dtype=np.float64).reshape(-1, 3)
    return PageFrame(clock, number, np.asarray(page_ms, dtype=np.float64), acc_mps2, rot, sign)

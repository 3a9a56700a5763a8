"""What a Movesense says over its GATT SensorData Protocol (GSP): notifications taken apart, commands put together.

Byte tables and a worked example: `firmware_notes/movesense.md`. Every notification begins with its type and with the
reference that the client chose when it subscribed. A frame of samples does not name its resource, so this client gives
each resource a reference of its own, `STREAMS`: a recording then tells by itself what its bytes are.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from sensorsoma.messages import Floats

HELLO, SUBSCRIBE, UNSUBSCRIBE, GET = 0, 1, 2, 4
"""Commands, host to sensor."""
RESULT, DATA, DATA_PART2 = 1, 2, 3
"""Types of notifications."""

SPLIT_AT = 150
"""Bytes after the header; what is longer comes as DATA with exactly so many and DATA_PART2 with the rest."""

BLOCKS: dict[str, tuple[str, ...]] = {
    "Acc": ("acc",),
    "Gyro": ("gyr",),
    "Magn": ("magn",),
    "IMU6": ("acc", "gyr"),
    "IMU6m": ("acc", "magn"),
    "IMU9": ("acc", "gyr", "magn"),
}
"""Resource below /Meas → what its frames hold: all vectors of the first sensor, then all of the next."""

_LIMITS = {"acc": 200.0, "gyr": 2500.0, "magn": np.inf}
"""Above the largest ranges (16 g, 2000 °/s): beyond it two halves were put together that do not belong together."""

_STAMP = struct.Struct("<I")
_TEMPERATURE = struct.Struct("<fI")
_VECTOR_BYTES = 12


class FrameError(ValueError):
    """Bytes that do not follow the protocol; the message says what was expected and what was found."""


@dataclass(frozen=True, slots=True)
class Stream:
    """A resource that this client subscribes to."""

    ref: int
    path: str
    rate_hz: float
    """Nominal; the true rate is estimated."""


IMU6_104 = Stream(0x11, "/Meas/IMU6/104", 104.0)
IMU6_52 = Stream(0x12, "/Meas/IMU6/52", 52.0)
IMU6_26 = Stream(0x13, "/Meas/IMU6/26", 26.0)
ACC_52 = Stream(0x21, "/Meas/Acc/52", 52.0)
ACC_26 = Stream(0x22, "/Meas/Acc/26", 26.0)

STREAMS: dict[int, Stream] = {stream.ref: stream for stream in (IMU6_104, IMU6_52, IMU6_26, ACC_52, ACC_26)}
"""Reference → stream. Recordings depend on it: rows may be added, never changed."""


class Message(NamedTuple):
    """A notification without its header."""

    kind: int
    """RESULT, DATA, DATA_PART2 or something newer."""
    ref: int
    body: bytes


def split_message(payload: bytes) -> Message:
    """Type, reference and the rest of a notification.

    Raises:
        FrameError: shorter than the header.

    >>> split_message(bytes.fromhex("016301fb"))
    Message(kind=1, ref=99, body=b'\\x01\\xfb')
    """
    if len(payload) < 2:
        raise FrameError(f"expected at least 2 bytes, found {len(payload)}")
    return Message(payload[0], payload[1], payload[2:])


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """A frame of samples; what its resource does not measure is None."""

    stamp_ms: int
    """Sensor clock at the first sample, milliseconds since power-on modulo 2**32 (49.7 days)."""
    acc_mps2: Floats | None
    """`(n, 3)`, gravity included."""
    gyr_dps: Floats | None
    """`(n, 3)`."""
    magn_ut: Floats | None
    """`(n, 3)`, microtesla."""


def blocks_of(path: str) -> tuple[str, ...]:
    """What the frames of a resource hold, in order.

    Raises:
        FrameError: no resource of the motion sensors.

    >>> blocks_of("/Meas/IMU6/104")
    ('acc', 'gyr')
    """
    name = path.split("/")[2] if path.startswith("/Meas/") else ""
    if name not in BLOCKS:
        raise FrameError(f"expected a path like /Meas/IMU6/104, found {path!r}")
    return BLOCKS[name]


def fits(n_bytes: int, path: str) -> bool:
    """Whether a whole frame of a resource can have so many bytes after the header.

    >>> fits(100, "/Meas/IMU6/52"), fits(150, "/Meas/IMU6/104")
    (True, False)
    """
    room = n_bytes - _STAMP.size
    return room > 0 and room % (_VECTOR_BYTES * len(blocks_of(path))) == 0


def decode_samples(body: bytes, path: str) -> Samples:
    """The samples in a whole frame of the resource `path`, header taken off, parts put together.

    Raises:
        FrameError: a length that holds no whole samples, or numbers that no range of the sensor can give.
    """
    names = blocks_of(path)
    if not fits(len(body), path):
        raise FrameError(
            f"expected 4 and a multiple of {_VECTOR_BYTES * len(names)} bytes for {path}, found {len(body)}"
        )
    with np.errstate(invalid="ignore"):  # what is no number at all is refused below
        values = np.frombuffer(body, dtype="<f4", offset=_STAMP.size).astype(np.float64).reshape(len(names), -1, 3)
    blocks = dict(zip(names, values, strict=True))
    for name, block in blocks.items():
        largest = float(np.abs(block).max())
        if not largest <= _LIMITS[name] or not np.isfinite(largest):
            raise FrameError(f"expected values up to {_LIMITS[name]:g} in {path}, found {largest:g}")
    return Samples(_STAMP.unpack_from(body)[0], blocks.get("acc"), blocks.get("gyr"), blocks.get("magn"))


def decode_temperature(body: bytes) -> tuple[float, int]:
    """Kelvin and sensor clock in ms from a frame of /Meas/Temp, in which the value comes before the clock.

    Raises:
        FrameError: another length.
    """
    if len(body) != _TEMPERATURE.size:
        raise FrameError(f"expected {_TEMPERATURE.size} bytes of temperature, found {len(body)}")
    kelvin, stamp_ms = _TEMPERATURE.unpack(body)
    return kelvin, stamp_ms


def decode_status(body: bytes) -> int:
    """The status of a command, as in HTTP: 200 is well, 404 unknown, 507 no room for another subscription.

    The firmware on sale writes it little-endian, the vendor's sample firmware big-endian; the order that makes sense
    is taken.

    Raises:
        FrameError: neither order does.

    >>> decode_status(bytes.fromhex("01fb")), decode_status(bytes.fromhex("c800"))
    (507, 200)
    """
    for order in ("<H", ">H"):
        if len(body) >= 2 and 100 <= (status := int(struct.unpack_from(order, body)[0])) <= 599:
            return status
    raise FrameError(f"expected a status between 100 and 599, found {body[:8].hex()}")


@dataclass(frozen=True, slots=True)
class Hello:
    """Who answers."""

    protocol: int | None = None
    """Version of GSP; None from the vendor's sample firmware, which only says Hello."""
    names: tuple[str, ...] = field(default=())
    """Serial number, product, address for firmware updates, firmware, its version; as many as there are."""

    @property
    def firmware(self) -> str:
        """For people and recordings."""
        return " ".join(self.names[3:5]) if self.names else "sample firmware"


def decode_hello(body: bytes) -> Hello:
    """The answer to HELLO in either of its forms.

    Raises:
        FrameError: neither.

    >>> decode_hello(b"Hello").firmware
    'sample firmware'
    """
    if body == b"Hello":
        return Hello()
    if len(body) < 2 or body[0] > 31:
        raise FrameError(f"expected Hello or a version and names, found {body[:16].hex()}")
    texts = body[1:].rstrip(b"\0").split(b"\0")
    return Hello(body[0], tuple(text.decode("utf-8", "replace") for text in texts))


def command(code: int, ref: int, text: str = "") -> bytes:
    """The bytes of a command.

    >>> command(SUBSCRIBE, 0x63, "/Meas/IMU6/52").hex()
    '01632f4d6561732f494d55362f3532'
    """
    return bytes([code, ref]) + text.encode("ascii")

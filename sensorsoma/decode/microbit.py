"""BBC micro:bit with the Bluetooth accelerometer service: six bytes for each sample, no gyroscope, no clock.

Preparation, axes and a worked example: `firmware_notes/microbit.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.clockless import ClocklessStream
from sensorsoma.decode.driver import Driver, Learned, Read, Script, Subscribe, Write
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Packet
from sensorsoma.units import STANDARD_GRAVITY_MPS2

SERVICE_UUID = "e95d0753-251d-470a-a062-fa1922dfa9a8"
DATA_UUID = "e95dca4b-251d-470a-a062-fa1922dfa9a8"
PERIOD_UUID = "e95dfb24-251d-470a-a062-fa1922dfa9a8"

LSB_PER_G = 1024.0
"""The firmware speaks of milli-g "approximately": all its drivers scale one g to 1024."""
DEFAULT_RATE_HZ = 50.0
SHORTEST_PERIOD_MS = 10
"""1 ms makes the board crash (microbit-dal issue 300), and more than 100 notifications a second are of no use."""
SAMPLE_BYTES = 6


def parse_sample(payload: bytes) -> NDArray[np.int16]:
    """`(1, 3)` raw acceleration of one notification.

    Raises:
        ValueError: not six bytes.

    >>> parse_sample(bytes.fromhex("f0ff000200fc")).tolist()
    [[-16, 512, -1024]]
    """
    if len(payload) != SAMPLE_BYTES:
        raise ValueError(f"expected {SAMPLE_BYTES} bytes, found {len(payload)}")
    return np.frombuffer(payload, dtype="<i2").reshape(1, 3).astype(np.int16)


def period_ms(rate_hz: float) -> int:
    """The period to ask for; the board takes the nearest that its chip has.

    >>> period_ms(50), period_ms(1000)
    (20, 10)
    """
    return max(SHORTEST_PERIOD_MS, min(round(1000 / rate_hz), 640))


def start(config: Mapping[str, Any]) -> Script:
    """Sets the period, reads which one it became, and listens; done again it changes nothing."""
    wish_ms = period_ms(float(config.get("rate_hz") or DEFAULT_RATE_HZ))
    try:
        yield Write(PERIOD_UUID, wish_ms.to_bytes(2, "little"))
        answer = yield Read(PERIOD_UUID, is_optional=True)
        yield Subscribe(DATA_UUID)
    except LinkError as error:
        raise LinkError(
            "Expected a micro:bit that offers its accelerometer without pairing, but it refuses; load a program with "
            "the block 'bluetooth accelerometer service' and the project setting 'No Pairing Required'."
        ) from error
    got_ms = int.from_bytes(answer[:2], "little") if answer and len(answer) >= 2 else 0
    return Learned({"period_ms": got_ms or wish_ms})


DRIVER = Driver(
    title="BBC micro:bit",
    start=start,
    service_uuid=SERVICE_UUID,
    names=("BBC micro:bit",),
    has_gyroscope=False,
    rate_hz=DEFAULT_RATE_HZ,
    wake="switch it on",
)


class MicrobitDecoder:
    """Acceleration of one micro:bit on the session line.

    Config keys: `period_ms`: as the board told; `rate_hz` (50): as asked. Nothing numbers the samples: losses show as a
    rate below the nominal one, and larger ones as a `Gap`.
    """

    name = "microbit"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        asked_ms = period_ms(float(config.get("rate_hz") or DEFAULT_RATE_HZ))
        self.channel = channel
        self._stream = ClocklessStream(channel, epoch_ns, 1000.0 / float(config.get("period_ms") or asked_ms))

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it
        """Notes that the link was away."""
        self._stream.resumed()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """The sample of one notification, and the gap before it where there is one."""
        try:
            acc_lsb = parse_sample(packet.payload)
        except ValueError as error:
            return (BadPacket(packet.host_ns, self.channel, str(error)),)
        acc_mps2 = acc_lsb.astype(np.float64) * (STANDARD_GRAVITY_MPS2 / LSB_PER_G)
        return self._stream.add(packet.host_ns, acc_mps2, None)

    def finish(self) -> tuple[Decoded, ...]:
        """Samples of which it was still open when they were taken."""
        return self._stream.finish()

"""WitMotion Bluetooth sensors (WT901BLE, WT9011DCL, BWT901BLE): cheap, common, ±16 g and ±2000 °/s.

They stream as soon as they are listened to, ten samples a second until told otherwise, and send no time: samples are
placed by their number. The stream is cut in `witmotion_frame.py`; facts and byte tables: `firmware_notes/witmotion.md`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from itertools import groupby
from typing import Any, ClassVar

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.clockless import ClocklessStream
from sensorsoma.decode.driver import Ask, Driver, Learned, Pause, Script, Step, Subscribe, Write
from sensorsoma.decode.witmotion_frame import (
    ANSWER_HEAD,
    RATES_HZ,
    REGISTER_BATTERY,
    REGISTER_RATE,
    SHORT,
    Frame,
    FrameStream,
    Register,
    battery_percent,
    parse_register,
    sample_lsb,
    to_si,
)
from sensorsoma.messages import BadPacket, DeviceInfo, Packet

SERVICE_UUID = "0000ffe5-0000-1000-8000-00805f9a34fb"
"""Ends in 9A34FB, not in Bluetooth's own 9B34FB: the short form "ffe5" would name something else."""
DATA_UUID = "0000ffe4-0000-1000-8000-00805f9a34fb"
COMMAND_UUID = "0000ffe9-0000-1000-8000-00805f9a34fb"

NAMES = ("WT901", "BWT901", "WTSDCL", "HWT901")
"""Beginnings of advertised names: WT901BLE67, WT901BLE68, WT9011DCL, BWT901BLE, WTSDCL. "WT" alone would also catch
battery monitors and smart plugs."""

DEFAULT_RATE_HZ = 50.0
"""One sample in a notification at 50 Hz is within reach of every operating system; 100 Hz is not on Windows."""

UNLOCK = bytes.fromhex("ffaa6988b5")
"""For about 10 s settings may be changed."""
_RATES_TO_ASK = (0x06, 0x07, 0x08, 0x09)
_PAUSE_S = 0.1
"""The sensor loses commands that come closer together."""
_ASK_S = 1.0
_N_TRIES = 2


def write_command(register: int, value: int) -> bytes:
    """The command that sets a register until the sensor is switched off.

    >>> write_command(0x03, 0x08).hex()
    'ffaa030800'
    """
    return bytes([0xFF, 0xAA, register, value & 0xFF, value >> 8])


def read_command(register: int) -> bytes:
    """The command that asks for a register.

    >>> read_command(0x64).hex()
    'ffaa276400'
    """
    return bytes([0xFF, 0xAA, 0x27, register, 0x00])


def rate_code(rate_hz: float) -> int:
    """The code of the highest common rate that is not above the wanted one; 10 Hz at least, 100 Hz at most.

    >>> rate_code(50), rate_code(104), rate_code(1)
    (8, 9, 6)
    """
    return max((code for code in _RATES_TO_ASK if RATES_HZ[code] <= rate_hz), default=_RATES_TO_ASK[0])


class Answer:
    """Hears the answer to a question in the stream, also when two notifications share it."""

    def __init__(self, register: int) -> None:
        self.value: int | None = None
        """The register's value, once it was heard."""
        self._head = ANSWER_HEAD + bytes([register, 0])
        self._heard = b""

    def __call__(self, data: bytes) -> bool:
        """Whether the answer is complete with this notification."""
        heard = self._heard + data
        at = heard.find(self._head)
        if at >= 0 and len(heard) >= at + SHORT:
            self.value = parse_register(heard[at : at + SHORT]).words[0] & 0xFFFF
        self._heard = heard[at:] if at >= 0 else heard[1 - len(self._head) :]
        return self.value is not None


def start(config: Mapping[str, Any]) -> Script:
    """Sets the rate before listening, so that all samples come at that rate; then reads back what holds.

    Nothing is saved to the sensor's flash: it would wear out, and the rate is sent again at each start.
    """
    code = rate_code(float(config.get("rate_hz") or DEFAULT_RATE_HZ))
    yield from _set_rate(code)
    yield Subscribe(DATA_UUID)
    found = yield from _ask(REGISTER_RATE)
    if found is not None and found != code:  # the unlock was lost, or had expired
        yield from _set_rate(code)
        found = yield from _ask(REGISTER_RATE)
    hundredths = yield from _ask(REGISTER_BATTERY)
    rate_hz = RATES_HZ.get(code if found is None else found)
    return Learned(
        {} if rate_hz is None else {"rate_in_use_hz": rate_hz},
        None if hundredths is None else battery_percent(hundredths / 100),
    )


def _set_rate(code: int) -> Script:
    yield Write(COMMAND_UUID, UNLOCK)
    yield Pause(_PAUSE_S)
    yield Write(COMMAND_UUID, write_command(REGISTER_RATE, code))
    yield Pause(_PAUSE_S)
    return Learned()


def _ask(register: int) -> Generator[Step, bytes | None, int | None]:
    """The value of a register; None when it does not answer, as some firmware does not."""
    answer = Answer(register)
    for _ in range(_N_TRIES):
        given = yield Ask(COMMAND_UUID, read_command(register), answer, _ASK_S)
        if answer.value is not None or (given is not None and answer(given)):
            break
    yield Pause(_PAUSE_S)
    return answer.value


def _is_sample(payload: bytes) -> bool:
    """All but a lone answer: what is cut across notifications holds samples too."""
    return not (len(payload) == SHORT and payload[:2] == ANSWER_HEAD)


DRIVER = Driver(
    title="WitMotion",
    start=start,
    service_uuid=SERVICE_UUID,
    names=NAMES,
    rate_hz=DEFAULT_RATE_HZ,
    is_sample=_is_sample,
    wake="switch it on until its light blinks",
)


class WitMotionDecoder:
    """Samples of one WitMotion sensor on the session line.

    Config keys: `rate_hz` (50): what was asked for; `rate_in_use_hz`: what the sensor said of its rate.

    Losses are not counted by the sensor; they show as a rate below the nominal one, and larger ones as a `Gap`.
    """

    name = "witmotion"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        config = config or {}
        asked_hz = RATES_HZ[rate_code(float(config.get("rate_hz") or DEFAULT_RATE_HZ))]
        self.channel = channel
        self._frames = FrameStream()
        self._stream = ClocklessStream(channel, epoch_ns, float(config.get("rate_in_use_hz") or asked_hz))
        self._is_resumed = False

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it
        """Notes that the link was away: half a frame from before is worth nothing."""
        self._is_resumed = True

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """The samples that this packet makes certain, and what the sensor says of its battery."""
        out: list[Decoded] = []
        if self._is_resumed:
            out += self.finish()
            self._stream.resumed()
            self._is_resumed = False
        if not packet.payload:
            return (*out, BadPacket(packet.host_ns, self.channel, "expected bytes of WitMotion frames, found none"))
        n_discarded = self._frames.n_discarded
        out += self._decoded(self._frames.feed(packet.host_ns, packet.payload))
        n_bad = self._frames.n_discarded - n_discarded
        if n_bad:
            reason = f"expected frames that begin with 55 61 or 55 71, found {n_bad} other bytes"
            out.append(BadPacket(packet.host_ns, self.channel, reason))
        return tuple(out)

    def finish(self) -> tuple[Decoded, ...]:
        """The last sample, which no other follows, and those of which it was still open when they were taken."""
        return (*self._decoded(self._frames.flush()), *self._stream.finish())

    def _decoded(self, frames: list[Frame]) -> list[Decoded]:
        """Samples that one packet completed make one block."""
        out: list[Decoded] = []
        for (is_sample, host_ns), alike in groupby(frames, key=lambda frame: (frame.is_sample, frame.host_ns)):
            group = list(alike)
            if is_sample:
                out += self._stream.add(host_ns, *to_si(sample_lsb(group)))
            else:
                out += [info for frame in group for info in self._told(host_ns, parse_register(frame.data))]
        return out

    def _told(self, host_ns: int, register: Register) -> tuple[DeviceInfo, ...]:
        if register.number != REGISTER_BATTERY:
            return ()
        percent = battery_percent((register.words[0] & 0xFFFF) / 100)
        return () if percent is None else (DeviceInfo(host_ns, self.channel, battery_percent=percent),)

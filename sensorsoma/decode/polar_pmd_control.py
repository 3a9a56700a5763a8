"""What is said to a Polar sensor and what it answers: features, settings, start and stop.

One command at a time; each is answered by an indication on the same characteristic. Rate, range and resolution are
chosen from what the sensor offers and from nothing else: a setting that it did not offer, or one left out, is refused.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sensorsoma.decode.driver import Ask, Await, Driver, Learned, Read, Script, Step, Subscribe
from sensorsoma.decode.polar_pmd_frame import ACC, GYRO, NAMES
from sensorsoma.errors import LinkError

SERVICE_UUID = "fb005c80-02e7-f387-1cad-8acd2d8df0c8"
CONTROL_UUID = "fb005c81-02e7-f387-1cad-8acd2d8df0c8"
DATA_UUID = "fb005c82-02e7-f387-1cad-8acd2d8df0c8"

GET_SETTINGS, START, STOP = 0x01, 0x02, 0x03
ANSWER = 0xF0
FEATURES = 0x0F
"""First byte of the control point's value when it is read."""

RATE, RESOLUTION, RANGE, CHANNELS, FACTOR = 0, 1, 2, 4, 5
_VALUE_BYTES = {RATE: 2, RESOLUTION: 2, RANGE: 2, 3: 4, CHANNELS: 1, FACTOR: 4}
"""Setting → bytes of each value. 3, a range in thousandths, is in no sensor's use any more."""

OK, BAD_TYPE, NOT_SUPPORTED, ALREADY = 0, 2, 3, 6

MOST_RATE_HZ = 104
"""Beyond it users report losses, and nothing here needs more. The H10 so runs at 100 Hz: its frames of 36 samples then
come every 0.36 s, and 200 Hz would double the traffic without a word of guidance coming noticeably earlier."""
_WANTED_RANGE = {ACC: 8, GYRO: 2000}
"""g and °/s: the Verity Sense offers these alone outside its SDK mode."""
_ANSWER_S = 10.0
_STOP_S = 0.7

_REFUSALS = {
    1: "it does not know the command; update its firmware with the Polar Flow app",
    BAD_TYPE: "it does not measure that; update its firmware with the Polar Flow app",
    NOT_SUPPORTED: "it does not measure that in this mode; set it to heart rate mode",
    4: "it finds the command incomplete; update its firmware with the Polar Flow app",
    5: "it does not take the settings that it offered; switch it off and on again",
    ALREADY: "it already streams for someone else; close the app that uses it, or switch it off and on again",
    7: "it does not take the resolution that it offered; switch it off and on again",
    8: "it does not take the rate that it offered; switch it off and on again",
    9: "it does not take the range that it offered; switch it off and on again",
    10: "the packets of this connection are too small for it; try another Bluetooth adapter",
    11: "it does not take the channels that it offered; switch it off and on again",
    12: "it is busy in another mode or with another app; set it to heart rate mode and close Polar apps",
    13: "it is in its charger; take it out",
    14: "its memory is full; synchronise it with the Polar Flow app",
}
"""Status of an answer → what was found and what to do."""


class ControlError(ValueError):
    """Bytes that are no answer of the control point."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sensor says to a command."""

    op: int
    measurement: int
    status: int
    has_more: bool
    """More parameters come in a further answer."""
    parameters: bytes


@dataclass(frozen=True, slots=True)
class Settings:
    """What a sensor offers, or has set."""

    offered: Mapping[int, tuple[int, ...]]
    """Setting → values to choose from."""
    factor: float | None
    """What values of compressed frames are to be multiplied by; told when the stream is started."""


def decode_answer(payload: bytes) -> Answer:
    """An indication of the control point.

    Raises:
        ControlError: it is not an answer to a command.

    >>> decode_answer(bytes.fromhex("f00302 06 00")).status == ALREADY
    True
    """
    if len(payload) < 4 or payload[0] != ANSWER:
        raise ControlError(f"expected an answer F0 with command, type and status, found {payload.hex() or 'nothing'}")
    _, op, measurement, status = payload[:4]
    return Answer(op, measurement, status, len(payload) > 4 and payload[4] != 0, payload[5:])


def decode_features(value: bytes) -> frozenset[int]:
    """Measurement types that a sensor has, from the value of its control point.

    >>> sorted(decode_features(bytes.fromhex("0f6e00")))
    [1, 2, 3, 5, 6]
    """
    if len(value) < 2 or value[0] != FEATURES:
        return frozenset()
    return frozenset(bit for bit in range(8) if value[1] >> bit & 1)


def decode_settings(parameters: bytes) -> Settings:
    """Settings from an answer; whatever does not read as a setting ends them, as the H10's lone reserved byte does."""
    offered: dict[int, tuple[int, ...]] = {}
    factor: float | None = None
    at = 0
    while at + 2 <= len(parameters):
        kind, count = parameters[at], parameters[at + 1]
        size = _VALUE_BYTES.get(kind)
        at += 2
        if size is None or not count or at + size * count > len(parameters):
            break
        values = [parameters[begin : begin + size] for begin in range(at, at + size * count, size)]
        at += size * count
        if kind == FACTOR:
            told = float(struct.unpack("<f", values[0])[0])
            factor = told if math.isfinite(told) and told > 0 else None
        else:
            offered[kind] = tuple(int.from_bytes(value, "little") for value in values)
    return Settings(offered, factor)


def encode_start(measurement: int, chosen: Mapping[int, int]) -> bytes:
    """The command that starts a stream.

    >>> encode_start(ACC, {RATE: 200, RESOLUTION: 16, RANGE: 8}).hex()
    '02020001c8000101100002010800'
    """
    settings = (bytes([kind, 1]) + value.to_bytes(_VALUE_BYTES[kind], "little") for kind, value in chosen.items())
    return bytes([START, measurement]) + b"".join(settings)


def choose(measurement: int, offered: Mapping[int, tuple[int, ...]], rate_hz: float | None = None) -> dict[int, int]:
    """One value for each setting that is offered: the rate nearest to `rate_hz`, by default the highest up to 104."""
    chosen = {kind: max(values) for kind, values in offered.items()}
    if RATE in offered:
        rates = offered[RATE]
        calm = [rate for rate in rates if rate <= MOST_RATE_HZ] or [min(rates)]
        chosen[RATE] = max(calm) if rate_hz is None else _nearest(rates, rate_hz)
    if RANGE in offered:
        chosen[RANGE] = _nearest(offered[RANGE], _WANTED_RANGE[measurement])
    return chosen


def _nearest(values: Sequence[int], wanted: float) -> int:
    return min(values, key=lambda value: abs(value - wanted))


# ------------------------------------------------------------------------------------------------------- scripts


def start(config: Mapping[str, Any]) -> Script:
    """Stops what runs, starts acceleration and, where there is a gyroscope, rotation.

    Config keys: `rate_hz`; `acc_factor` and `gyr_factor` as learnt before, for a sensor that cannot be stopped.

    Raises:
        LinkError: it does not measure acceleration, does not answer, or refuses.
    """
    # Read before subscribing: some stacks hand a read of a subscribed characteristic to both.
    features = decode_features((yield Read(CONTROL_UUID)) or b"")
    if ACC not in features:
        raise LinkError(
            "Expected a Polar sensor that streams acceleration, but this one does not offer it; "
            "update its firmware with the Polar Flow app."
        )
    yield Subscribe(CONTROL_UUID, is_stream=False)
    yield Subscribe(DATA_UUID)
    measurements = [each for each in (ACC, GYRO) if each in features]
    for measurement in measurements:
        yield _stop_one(measurement)
    config_learnt: dict[str, Any] = {"has_gyroscope": False}
    config_learnt |= yield from _start_one(ACC, config)
    if GYRO in measurements:
        config_learnt |= yield from _start_one(GYRO, config)
    return Learned(config_learnt)


def stop(config: Mapping[str, Any]) -> Script:
    """Stops both streams and waits for the answers: a stream that is left on runs until the battery is empty."""
    measurements = (ACC, GYRO) if config.get("has_gyroscope", True) else (ACC,)
    for measurement in measurements:
        yield _stop_one(measurement)
    return Learned()


def _stop_one(measurement: int) -> Step:
    """Any answer will do: a stream that does not run is answered with "already"."""
    command = bytes([STOP, measurement])
    return Ask(CONTROL_UUID, command, _is_answer_to(command), _STOP_S)


def _start_one(measurement: int, config: Mapping[str, Any]) -> Generator[Step, bytes | None, dict[str, Any]]:
    """Starts one measurement; what its decoding needs. Nothing for a rotation that is not there after all."""
    short = "acc" if measurement == ACC else "gyr"
    asked = yield from _ask(bytes([GET_SETTINGS, measurement]))
    if measurement == GYRO and asked.status in (BAD_TYPE, NOT_SUPPORTED):
        return {}
    _check(asked)
    settings = decode_settings(asked.parameters)
    rate_hz = config.get("rate_hz")
    chosen = choose(measurement, settings.offered, None if rate_hz is None else float(rate_hz))
    answer = yield from _ask(encode_start(measurement, chosen))
    factor = decode_settings(answer.parameters).factor or settings.factor
    if answer.status == ALREADY:
        factor = factor or config.get(f"{short}_factor")
        if factor is None and CHANNELS in settings.offered:
            _check(answer)  # it compresses, and only a start would tell the factor
    else:
        _check(answer)
    learnt: dict[str, Any] = {f"{short}_factor": 1.0 if factor is None else factor}
    if RATE in chosen:
        learnt["rate_hz" if measurement == ACC else "gyr_rate_hz"] = chosen[RATE]
    if measurement == GYRO:
        learnt["has_gyroscope"] = True
    return learnt


def _ask(command: bytes) -> Generator[Step, bytes | None, Answer]:
    """The answer to a command, with all its parts put together."""
    is_answer = _is_answer_to(command)
    got = yield Ask(CONTROL_UUID, command, is_answer, _ANSWER_S)
    answer = _decoded(got)
    parameters = answer.parameters
    while answer.has_more and len(parameters) < 4096:
        answer = _decoded((yield Await(is_answer, _ANSWER_S)))
        parameters += answer.parameters
    return Answer(answer.op, answer.measurement, answer.status, False, parameters)


def _decoded(payload: bytes | None) -> Answer:
    if payload is None:
        raise LinkError(f"The Polar sensor did not answer within {_ANSWER_S:g} s; bring it near and close Polar apps.")
    return decode_answer(payload)


def _is_answer_to(command: bytes) -> Callable[[bytes], bool]:
    head = bytes([ANSWER]) + command[:2]
    return lambda payload: len(payload) > 3 and payload[:3] == head


def _check(answer: Answer) -> None:
    """Raises what a refusal means."""
    if answer.status == OK:
        return
    found = _REFUSALS.get(answer.status, f"it answered with status {answer.status}; switch it off and on again")
    what = NAMES.get(answer.measurement, "data")
    raise LinkError(f"Expected the Polar sensor to stream {what}, but {found}.")


def _is_sample(payload: bytes) -> bool:
    return len(payload) > 10 and payload[0] & 0x3F in (ACC, GYRO)


DRIVER = Driver(
    title="Polar Verity Sense, H10 or OH1+",
    start=start,
    stop=stop,
    names=("Polar Sense", "Polar H10", "Polar OH1"),
    names_without_gyroscope=("Polar H10", "Polar OH1"),
    # A frame leaves when it is full. Moved, one holds about 1.1 s; at rest, with small differences, 2.5 s and more have
    # been seen, 3.8 s would be possible. Five of the former, two of the latter.
    silence_s=8.0,
    is_sample=_is_sample,
    wake="press the button of a Verity Sense, or moisten and put on the strap of an H10",
)

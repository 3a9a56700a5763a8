"""What is said to a Movesense: hello, subscribe, unsubscribe; and which resource is tried after which.

Byte tables, firmware and troubles: `firmware_notes/movesense.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Any

from sensorsoma.decode.driver import Ask, Driver, Learned, Script, Step, Subscribe, Write
from sensorsoma.decode.movesense_frame import (
    ACC_26,
    ACC_52,
    DATA,
    DATA_PART2,
    GET,
    HELLO,
    IMU6_26,
    IMU6_52,
    IMU6_104,
    RESULT,
    STREAMS,
    SUBSCRIBE,
    UNSUBSCRIBE,
    FrameError,
    Hello,
    Stream,
    command,
    decode_hello,
    decode_status,
    fits,
    split_message,
)
from sensorsoma.errors import LinkError

SERVICE_UUID = "34802252-7185-4d5d-b431-630e7050e8f0"
COMMAND_UUID = "34800001-7185-4d5d-b431-630e7050e8f0"
DATA_UUID = "34800002-7185-4d5d-b431-630e7050e8f0"

TRIED: dict[int, tuple[Stream, ...]] = {
    104: (IMU6_104, IMU6_52, ACC_52),
    52: (IMU6_52, ACC_52),
    26: (IMU6_26, ACC_26),
}
"""Wanted rate, Hz → streams, the best first. At 104 Hz frames come in two parts, of which early firmware loses the
second; at 52 Hz in one. Rotation is given up last."""

BATTERY_PATH = "/System/Energy/Level\0"
WAKE = "touch both metal studs on its back with two fingers, or snap it onto its strap"

_HELLO_REF, _GET_REF = 0x01, 0x02
_HELLO_WITHIN_S = 2.0
_BATTERY_WITHIN_S = 1.0
_N_HELLOS = 2
_OK = b"\xc8\x00"
"""Status 200 as the firmware on sale writes it."""
_FIRST_ERROR = 400

_UPDATE = "install firmware 2.3.0 or newer with the Movesense Showcase app (firmware_notes/movesense.md)"


def start(config: Mapping[str, Any]) -> Script:
    """Ends what runs, asks who it is, then subscribes to the best stream that really comes.

    Config keys: `rate_hz` (104): 104, 52 or 26; the nearest is taken.

    Raises:
        LinkError: no GSP in this firmware, no answer, or no stream.
    """
    try:
        yield Subscribe(DATA_UUID)
        for ref in STREAMS:
            yield Write(COMMAND_UUID, command(UNSUBSCRIBE, ref))
    except LinkError as error:
        raise LinkError(
            "Expected a Movesense that offers the GATT SensorData Protocol, but a first request failed; bring it near, "
            f"and if that does not help, {_UPDATE}."
        ) from error
    hello = yield from _hello()
    battery_percent = (yield from _battery()) if hello.protocol is not None else None
    stream = yield from _first_that_comes(config, hello)
    learned = {"path": stream.path, "rate_hz": stream.rate_hz, "firmware": hello.firmware}
    return Learned(learned, battery_percent)


def stop(_config: Mapping[str, Any]) -> Script:
    """Ends every stream that this client can have begun; without it the sensor keeps measuring."""
    for ref in STREAMS:
        yield Write(COMMAND_UUID, command(UNSUBSCRIBE, ref))
    return Learned()


def is_sample(payload: bytes) -> bool:
    """Whether a notification carries samples or a part of them."""
    return payload[:1] in (bytes([DATA]), bytes([DATA_PART2]))


def _hello() -> Generator[Step, bytes | None, Hello]:
    """Who answers; a notification may be lost, so it is asked twice."""
    for _ in range(_N_HELLOS):
        answer = yield Ask(COMMAND_UUID, command(HELLO, _HELLO_REF), _is_result_of(_HELLO_REF), _HELLO_WITHIN_S)
        if answer is None:
            continue
        try:
            return decode_hello(split_message(answer).body)
        except FrameError as error:
            raise LinkError(
                f"Expected a Movesense to say who it is, but its firmware speaks another dialect ({error}); {_UPDATE}."
            ) from error
    raise LinkError(
        f"Expected the Movesense to answer a hello, but nothing came for {_N_HELLOS * _HELLO_WITHIN_S:g} s; "
        f"{WAKE}, and if that does not help, {_UPDATE}."
    )


def _battery() -> Generator[Step, bytes | None, int | None]:
    """Charge in percent where the firmware tells it."""
    answer = yield Ask(COMMAND_UUID, command(GET, _GET_REF, BATTERY_PATH), _is_result_of(_GET_REF), _BATTERY_WITHIN_S)
    body = split_message(answer).body if answer is not None else b""
    if len(body) != 3 or body[:2] != _OK or body[2] > 100:
        return None
    return body[2]


def _first_that_comes(config: Mapping[str, Any], hello: Hello) -> Generator[Step, bytes | None, Stream]:
    """Subscribes to the streams in turn until one is there whole."""
    wanted = float(config.get("rate_hz") or 104)
    refused: list[int] = []
    streams = TRIED[min(TRIED, key=lambda rate: abs(rate - wanted))]
    for stream in streams:
        answer = yield Ask(COMMAND_UUID, command(SUBSCRIBE, stream.ref, stream.path), _is_outcome_of(stream))
        if answer is not None and is_sample(answer):
            return stream
        if answer is not None:
            refused.append(decode_status(split_message(answer).body))
        yield Write(COMMAND_UUID, command(UNSUBSCRIBE, stream.ref))
    paths = ", ".join(stream.path for stream in streams)
    if len(refused) == len(streams):
        raise LinkError(
            f"Expected motion data from the Movesense, but it refused {paths} (status {refused[0]}, {hello.firmware}); "
            "take its battery out for ten seconds, put it back and try again."
        )
    raise LinkError(
        f"Expected motion data from the Movesense, but none of {paths} came ({hello.firmware}); come nearer, remove "
        f"the sensor from the system's Bluetooth settings, {WAKE}, and try again."
    )


def _is_result_of(ref: int) -> Callable[[bytes], bool]:
    head = bytes([RESULT, ref])
    return lambda payload: payload[:2] == head


def _is_outcome_of(stream: Stream) -> Callable[[bytes], bool]:
    """True for the end of a frame of the stream, and for a refusal; success is said by some firmware only."""

    def is_outcome(payload: bytes) -> bool:
        try:
            kind, ref, body = split_message(payload)
            if ref != stream.ref:
                return False
            if kind == RESULT:
                return decode_status(body) >= _FIRST_ERROR
        except FrameError:
            return False
        return kind == DATA_PART2 or (kind == DATA and fits(len(body), stream.path))

    return is_outcome


DRIVER = Driver(
    title="Movesense (firmware with GSP)",
    start=start,
    stop=stop,
    service_uuid=SERVICE_UUID,
    names=("Movesense ",),
    rate_hz=104.0,
    is_sample=is_sample,
    wake=WAKE,
)

"""A long, whole stream of packets for every wire format, and the plainest code that takes the same packets apart.

Packets come from `sample_packets()` in the format's test file where there is one: a second or so that is repeated, each
time that much later by the sensor's own clock, so that nothing looks late, doubled or lost. The other formats are
packed by their encoders.

The plain code is what a script of ten lines would do: numpy or struct for bytes, `json.loads` for JSON. No clock, no
losses, no checks, no gravity, no pairing of two sensors; it gets a whole list at once, which favours it a little.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from sensorsoma.decode.phone_page_frame import encode_frame, page_frame
from sensorsoma.decode.polar_pmd_frame import ACC
from sensorsoma.messages import Floats
from sensorsoma.simulate import encode_float_rows, encode_soma_v1
from sensorsoma.simulate.stream import Encode
from sensorsoma.sources.phone.pushes import pushes
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices.generic import WritingBoard
from sensorsoma.virtual.devices.polar_pmd_packing import Filling

TESTS = Path(__file__).resolve().parents[1] / "tests" / "decode"
G = STANDARD_GRAVITY_MPS2
CHUNK = 20
"""Bytes of a notification at the smallest MTU, which a UART service uses."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Packets of one sensor in order, evenly spread over the time that they take."""

    title: str
    decoder: str
    """Key of `DECODERS`."""
    rate_hz: float
    """Samples of the sensor per second, as it is usually asked for."""
    seconds: float
    payloads: list[bytes]
    plain: Callable[[list[bytes]], Iterable[object]]
    config: Mapping[str, Any] = field(default_factory=dict)


def every_stream(seconds: float) -> list[Stream]:
    """One or two of every format that is listed below, each at least so long."""
    return [stream for made in STREAMS.values() for stream in made(seconds)]


@cache
def test_file(name: str) -> ModuleType:
    """The test file of a format, by its path: tests are no package."""
    spec = importlib.util.spec_from_file_location(f"samples_of_{name}", TESTS / f"test_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def repeated(
    packets: Sequence[bytes], lap_s: float, seconds: float, later: Callable[[bytes, float], bytes] | None = None
) -> tuple[float, list[bytes]]:
    """Packets that take `lap_s`, again and again; how long all take, and the packets.

    Args:
        packets: one lap.
        lap_s: from its first sample to the first one of the next lap.
        seconds: whole laps until this is reached.
        later: a packet, so many seconds later by its sensor's clock; None where packets tell no time.
    """
    n_laps = int(np.ceil(seconds / lap_s - 1e-9))
    laps = (packets if later is None else [later(each, n * lap_s) for each in packets] for n in range(n_laps))
    return n_laps * lap_s, [payload for lap in laps for payload in lap]


def movement(seconds: float, rate_hz: float) -> tuple[Floats, Floats, Floats]:
    """Times, specific force and angular rate of a sensor that is rocked about x."""
    t_s = np.arange(round(seconds * rate_hz)) / rate_hz
    angle, zero = 0.5 * np.sin(2 * np.pi * 0.3 * t_s), np.zeros_like(t_s)
    rate = 0.5 * 2 * np.pi * 0.3 * np.cos(2 * np.pi * 0.3 * t_s)
    return t_s, G * np.column_stack([zero, np.sin(angle), np.cos(angle)]), np.column_stack([rate, zero, zero])


def encoded(encode: Encode, seconds: float, rate_hz: float, n: int) -> list[bytes]:
    """A movement in packets of `n` samples."""
    t_s, acc, gyr = movement(seconds, rate_hz)
    parts = (slice(at, at + n) for at in range(0, len(t_s), n))
    return [encode(part.start, t_s[part], acc[part], gyr[part]) for part in parts]


def shifted(payload: bytes, at: int, code: str, ticks: int) -> bytes:
    """The packet with the number at a place raised; it wraps as the sensor's own does."""
    size = struct.calcsize(code)
    (now,) = struct.unpack_from(code, payload, at)
    return payload[:at] + struct.pack(code, (now + ticks) % 2 ** (8 * size)) + payload[at + size :]


# ---------------------------------------------------------------------------------------------- own format, files


def soma_v1(seconds: float) -> list[Stream]:
    """104 Hz, five samples in a frame: what fits 50 ms."""
    payloads = encoded(encode_soma_v1, seconds, 104.0, 5)
    return [Stream("soma_v1", "soma_v1", 104.0, seconds, payloads, plain_soma_v1)]


def plain_soma_v1(payloads: list[bytes]) -> Iterator[object]:
    for payload in payloads:
        rows = np.frombuffer(payload, "<i2", offset=12).reshape(-1, 6)
        yield rows[:, :3] * (8 * G / 32768), rows[:, 3:] * (500 * DEG / 32768)


def rows(seconds: float) -> list[Stream]:
    """An imported file of 100 Hz as it is played, 0.2 s in a packet."""
    payloads = encoded(encode_float_rows, seconds, 100.0, 20)
    config = {"columns": 7, "rate_hz": 100.0}
    return [Stream("rows", "rows", 100.0, seconds, payloads, plain_rows, config)]


def plain_rows(payloads: list[bytes]) -> Iterator[object]:
    return (np.frombuffer(payload, "<f8").reshape(-1, 7) for payload in payloads)


# ------------------------------------------------------------------------------------------------ sensors one buys


def witmotion(seconds: float) -> list[Stream]:
    """50 Hz, two frames and a bit in each notification; an answer among 60 samples."""
    spent_s, payloads = repeated(test_file("witmotion").sample_packets(), 60 / 50, seconds)
    return [Stream("witmotion", "witmotion", 50.0, spent_s, payloads, plain_witmotion)]


def plain_witmotion(payloads: list[bytes]) -> Iterator[object]:
    rest = b""
    for payload in payloads:
        rest += payload
        n = len(rest) // 20
        words = np.frombuffer(rest, "<i2", count=10 * n).reshape(n, 10)
        rest = rest[20 * n :]
        yield words[:, 1:4] * (16 * G / 32768), words[:, 4:7] * (2000 * DEG / 32768)


def microbit(seconds: float) -> list[Stream]:
    """50 Hz, one sample in a notification."""
    spent_s, payloads = repeated(test_file("microbit").sample_packets(), 1.0, seconds)
    return [Stream("microbit", "microbit", 50.0, spent_s, payloads, plain_microbit)]


def plain_microbit(payloads: list[bytes]) -> Iterator[object]:
    return (np.frombuffer(payload, "<i2") * (G / 1024) for payload in payloads)


def movesense(seconds: float) -> list[Stream]:
    """104 Hz, eight samples in a frame, each frame in two notifications."""

    def later(payload: bytes, by_s: float) -> bytes:
        return shifted(payload, 2, "<I", round(1000 * by_s)) if payload[0] == 2 else payload

    spent_s, payloads = repeated(test_file("movesense").sample_packets(), 2.0, seconds, later)
    return [Stream("movesense", "movesense", 104.0, spent_s, payloads, plain_movesense)]


def plain_movesense(payloads: list[bytes]) -> Iterator[object]:
    first = b""
    for payload in payloads:
        if payload[0] == 2:
            first = payload[6:]
        elif first:
            values = np.frombuffer(first + payload[2:], "<f4").reshape(2, -1, 3).astype(np.float64)
            yield values[0], values[1] * DEG


def polar_pmd(seconds: float) -> list[Stream]:
    """A Verity Sense with both streams at 52 Hz, compressed; an H10 at 100 Hz, raw."""

    def later(payload: bytes, by_s: float) -> bytes:
        return shifted(payload, 1, "<Q", round(1e9 * by_s))

    spent_s, payloads = repeated(test_file("polar_pmd").sample_packets(), 1000 / 52, seconds, later)
    filling = Filling(ACC, 0x01, 229, 1000 / G)
    t_s, acc, _ = movement(seconds, 100.0)
    frames = (filling.add(at_s, row) for at_s, row in zip(t_s.tolist(), acc, strict=True))
    h10 = [frame for frame in frames if frame is not None]
    return [
        Stream("polar_pmd, Verity Sense", "polar_pmd", 52.0, spent_s, payloads, plain_polar_deltas),
        Stream("polar_pmd, H10", "polar_pmd", 100.0, seconds, h10, plain_polar_raw, {
            "rate_hz": 100, "has_gyroscope": False
        }),
    ]  # fmt: skip


def plain_polar_raw(payloads: list[bytes]) -> Iterator[object]:
    return (np.frombuffer(payload, "<i2", offset=10).reshape(-1, 3) * (G / 1000) for payload in payloads)


def plain_polar_deltas(payloads: list[bytes]) -> Iterator[object]:
    for payload in payloads:
        steps, at = [np.frombuffer(payload, "<i2", 3, 10).astype(np.int64).reshape(1, 3)], 16
        while at < len(payload):
            width, n = payload[at], 3 * payload[at + 1]
            end = at + 2 + (width * n + 7) // 8
            bits = np.unpackbits(np.frombuffer(payload, np.uint8, end - at - 2, at + 2), bitorder="little")
            weights = 1 << np.arange(width)
            weights[-1] *= -1
            steps.append((bits[: width * n].reshape(n, width) @ weights).reshape(-1, 3))
            at = end
        yield np.cumsum(np.concatenate(steps), axis=0) * (G / 1000 if payload[0] == ACC else DEG)


def xsens_dot(seconds: float) -> list[Stream]:
    """60 Hz, one sample in a notification, two thirds of them with the orientation that nobody asks for."""

    def later(payload: bytes, by_s: float) -> bytes:
        return shifted(payload, 0, "<I", round(1e6 * by_s))

    packets = test_file("xsens_dot").sample_packets()
    spent_s, payloads = repeated(packets, len(packets) * 0.016_667, seconds, later)
    return [Stream("xsens_dot", "xsens_dot", 60.0, spent_s, payloads, plain_xsens_dot)]


def plain_xsens_dot(payloads: list[bytes]) -> Iterator[object]:
    for payload in payloads:
        six = np.frombuffer(payload, "<f4", 6, 20 if len(payload) == 63 else 4).astype(np.float64)
        yield six[:3], six[3:] * DEG


def thingy52(seconds: float) -> list[Stream]:
    """100 Hz, one sample in a notification."""
    spent_s, payloads = repeated(test_file("thingy52").sample_packets(), 1.0, seconds)
    return [Stream("thingy52", "thingy52", 100.0, spent_s, payloads, plain_thingy52)]


def plain_thingy52(payloads: list[bytes]) -> Iterator[object]:
    for payload in payloads:
        nine = np.frombuffer(payload, "<i2")
        yield nine[:3] * (-G / 1024), nine[3:6] * (DEG / 32)


# ------------------------------------------------------------------------------------------------ boards one makes


def generic(seconds: float) -> list[Stream]:
    """50 Hz, packed numbers one sample at a time, and lines of text cut into the smallest notifications."""

    def later(payload: bytes, by_s: float) -> bytes:
        return shifted(payload, 0, "<I", round(1000 * by_s))

    module = test_file("generic")
    spent_s, payloads = repeated(module.sample_packets(), 1.0, seconds, later)
    t_s, acc, gyr = movement(seconds, 50.0)
    values = np.column_stack([1000 * t_s, acc, gyr / DEG]).tolist()
    text = "".join(f"{ms:.0f}," + ",".join(f"{value:.2f}" for value in six) + "\n" for ms, *six in values).encode()
    pieces = [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]
    return [
        Stream("generic, packed", "generic", 50.0, spent_s, payloads, plain_generic, module.sample_config()),
        Stream("generic, text", "generic", 50.0, seconds, pieces, plain_text, dict(WritingBoard.table)),
    ]


def plain_generic(payloads: list[bytes]) -> Iterator[object]:
    for payload in payloads:
        _, *six = struct.unpack("<I6h", payload)
        yield np.array(six[:3]) * (4 / 32768 * G), np.array(six[3:]) * (2000 / 32768 * DEG)


def plain_text(payloads: list[bytes]) -> Iterator[object]:
    rest = b""
    for payload in payloads:
        *lines, rest = (rest + payload).split(b"\n")
        for line in lines:
            six = [float(each) for each in line.split(b",")[1:]]
            yield np.array(six[:3]), np.array(six[3:]) * DEG


# ---------------------------------------------------------------------------------------------------------- phones


def sensor_logger(seconds: float) -> list[Stream]:
    """Three sensors at 100 Hz, 0.2 s in a message."""
    payloads = [push.body for push in pushes(*movement(seconds, 100.0))]
    return [Stream("sensor_logger", "sensor_logger", 100.0, seconds, payloads, plain_json)]


def phyphox(seconds: float) -> list[Stream]:
    """Two sensors at 100 Hz, asked ten times a second; the first three seconds of the sample, which know no break."""

    def later(payload: bytes, by_s: float) -> bytes:
        told = json.loads(payload)
        for name in ("acc_time", "gyr_time"):
            told["buffer"][name]["buffer"] = [round(each + by_s, 7) for each in told["buffer"][name]["buffer"]]
        return json.dumps(told).encode()

    _config, *answers = test_file("phyphox").sample_packets()
    n = next(i for i, each in enumerate(answers) if b'"full"' in each)
    spent_s, payloads = repeated(answers[:n], n / 10, seconds, later)
    return [Stream("phyphox", "phyphox", 100.0, spent_s, payloads, plain_json)]


def plain_json(payloads: list[bytes]) -> Iterator[object]:
    return (json.loads(payload) for payload in payloads)


def phone_page(seconds: float) -> list[Stream]:
    """A browser's 60 Hz, 50 ms in a frame."""
    t_s, acc, gyr = movement(seconds, 60.0)
    parts = (slice(at, at + 3) for at in range(0, len(t_s), 3))
    frames = (page_frame(5, part.start, 1000 * t_s[part], acc[part], gyr[part] / DEG, 1) for part in parts)
    payloads = [encode_frame(frame) for frame in frames]
    return [Stream("phone_page", "phone_page", 60.0, seconds, payloads, plain_phone_page)]


def plain_phone_page(payloads: list[bytes]) -> Iterator[object]:
    sample = np.dtype([("ms", "<f8"), ("values", "<f4", 6)])
    for payload in payloads:
        values = np.frombuffer(payload, sample, offset=12)["values"].astype(np.float64)
        yield values[:, :3], values[:, 3:] * DEG


STREAMS: dict[str, Callable[[float], list[Stream]]] = {
    "soma_v1": soma_v1,
    "witmotion": witmotion,
    "microbit": microbit,
    "movesense": movesense,
    "xsens_dot": xsens_dot,
    "polar_pmd": polar_pmd,
    "thingy52": thingy52,
    "generic": generic,
    "sensor_logger": sensor_logger,
    "phyphox": phyphox,
    "phone_page": phone_page,
    "rows": rows,
}
"""Key of `DECODERS` → its streams. A format without a row is not measured, and `bench_decoders.py` says so."""

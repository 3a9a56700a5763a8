"""The C header for makers packs what the Python decoder reads, byte for byte."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.decode.soma_v1 import SomaV1Decoder
from sensorsoma.decode.soma_v1_control import (
    CONTROL_UUID,
    DATA_UUID,
    INFO_UUID,
    SERVICE_UUID,
    STOP,
    IdentifyCommand,
    SensorInfo,
    StartCommand,
    decode_command,
)
from sensorsoma.decode.soma_v1_frame import Frame, FrameError, decode_frame, encode_frame
from sensorsoma.messages import BadPacket, Gap, Packet

HERE = Path(__file__).resolve().parent
NOTES = HERE.parents[1] / "firmware_notes"
HEADER = NOTES / "soma_v1" / "soma_v1.h"
PROGRAM = HERE / "header_program.c"
STRICT_C = ("-std=c99", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow")
QUEUE = 32
U16, U32 = 1 << 16, 1 << 32

lsb = st.integers(-32768, 32767)
rows_of_six = st.lists(st.tuples(lsb, lsb, lsb, lsb, lsb, lsb), min_size=1, max_size=20)


class Asked:
    """A program that answers each line with one line."""

    def __init__(self, program: Path) -> None:
        self._process: Any = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, lines: Iterable[str]) -> list[str]:
        """The answers; a hundred at a time, so that neither side waits for the other for ever."""
        lines, answers = list(lines), list[str]()
        for begin in range(0, len(lines), 100):
            self._process.stdin.write("".join(f"{line}\n" for line in [*lines[begin : begin + 100], "."]))
            self._process.stdin.flush()
            while (answer := self._process.stdout.readline()) != ".\n":
                assert answer, "the program has ended: it watches over its own memory"
                answers.append(answer.rstrip("\n"))
        return answers

    def close(self) -> int:
        """Its exit code, once it has nothing more to read."""
        self._process.stdin.close()
        return int(self._process.wait(timeout=10))


@pytest.fixture(scope="module")
def header(build: Any) -> Iterator[Asked]:
    """The header inside a program that would end at the first byte out of place."""
    asked = Asked(build("header", "gcc", PROGRAM, *STRICT_C, "-fsanitize=address,undefined", "-fno-sanitize-recover"))
    yield asked
    assert asked.close() == 0


def line(verb: str, *values: Any) -> str:
    """One question."""
    return " ".join([verb, *(str(int(value)) for value in values)])


def test_compiles_without_a_word_in_c_and_in_cpp(build: Any) -> None:
    """C99 and C++11, strictly, also for a sensor with hardly any memory."""
    build("small", "gcc", PROGRAM, *STRICT_C, "-DSOMA_V1_MAX_PAYLOAD=20", "-DSOMA_V1_QUEUE_FRAMES=1")
    build("plus", "g++", "-x", "c++", PROGRAM, "-std=c++11", "-Wpedantic", "-Wconversion", "-Wshadow")


def test_settings_of_the_page_compile_in_c_and_in_cpp(build: Any, tmp_path: Path) -> None:
    """The line that is copied into a sketch is taken without a warning."""
    page = (NOTES / "soma_v1" / "README.md").read_text(encoding="utf-8")
    (settings_line,) = re.findall(r"```c\n(.*?)\n```", page, re.DOTALL)
    sketch = tmp_path / "sketch.c"
    sketch.write_text(
        f'#include "soma_v1.h"\nstatic soma_v1_stream stream;\nint main(void)\n{{\n{settings_line}\n'
        "soma_v1_begin(&stream, &settings, 244);\nreturn stream.interval_us == 9615u ? 0 : 1;\n}\n",
        encoding="utf-8",
    )
    for program in (
        build("line", "gcc", sketch, *STRICT_C),
        build("line_plus", "g++", "-x", "c++", sketch, "-std=c++11", "-Wpedantic", "-Wconversion", "-Wshadow"),
    ):
        assert subprocess.run([program], timeout=10).returncode == 0


def test_needs_nothing_but_three_headers_of_c() -> None:
    """No library, no allocation, no floating point."""
    code = re.sub(r"/\*.*?\*/", "", HEADER.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert set(re.findall(r"#include\s+(\S+)", code)) == {"<stddef.h>", "<stdint.h>", "<string.h>"}
    assert not re.search(r"\b(malloc|calloc|free|float|double|printf)\b", code)


def test_names_are_those_that_the_client_looks_for() -> None:
    """The UUIDs in the header are the profile's."""
    found = re.findall(r'#define SOMA_V1_\w+_UUID "([^"]+)"', HEADER.read_text(encoding="utf-8"))
    assert found == [SERVICE_UUID, DATA_UUID, CONTROL_UUID, INFO_UUID]


@given(
    rows_of_six, st.integers(0, U16 - 1), st.integers(0, U32 - 1), st.integers(1, U16 - 1), st.integers(0, U16 - 1),
    st.booleans(), st.booleans(), st.booleans(), st.booleans(),
)  # fmt: skip
def test_frames_are_the_bytes_of_the_python_encoder(
    header, rows, number, first_us, interval_us, dropped, is_long, is_acc_only, is_first, is_last
):
    """Long and short, six axes and three, any number in any field."""
    array = np.array(rows if is_long else rows[:1], np.int16)
    frame = Frame(
        number=number,
        first_us=first_us,
        acc_lsb=array[:, :3],
        gyr_lsb=None if is_acc_only else array[:, 3:],
        interval_us=interval_us if is_long else None,
        dropped=dropped if is_long else None,
        is_first=is_first,
        is_last=is_last,
    )
    flags = (is_long, is_acc_only, is_first, is_last)
    (answer,) = header([line("P", len(array), number, first_us, interval_us, dropped, *flags, *array.ravel())])
    assert bytes.fromhex(answer) == encode_frame(frame)


def test_the_worked_example_of_the_profile_comes_out(header: Asked) -> None:
    """The numbers that stand beside the hex of the page give that hex."""
    page = (NOTES / "soma_v1.md").read_text(encoding="utf-8")
    (hexa,) = re.findall(r"<!-- example frame -->\n+```\n([0-9a-f\s]+)```", page)
    two = (12, -40, 4096, 66, -131, 0, 13, -41, 4090, 655, -1311, 7)
    (answer,) = header([line("P", 2, 1234, 12_345_678, 9615, 3, True, False, False, False, *two)])
    assert bytes.fromhex(answer) == bytes.fromhex(hexa)


# ------------------------------------------------------------------------------------------------------------ streams


@dataclass
class Sensor:
    """A stream of the header with a radio behind it: what was measured, and what came through the air."""

    header: Asked
    rate_hz: int = 104
    samples_per_frame: int = 0
    is_acc_only: bool = False
    payload: int = 244
    now_us: int = 0
    taken: int = 0
    times_us: dict[int, int] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.interval_us = round(1e6 / self.rate_hz)
        self.header([line("b", self.rate_hz, self.samples_per_frame, self.is_acc_only, self.payload)])

    def push(self, n: int, jitter_us: int = 0) -> None:
        """Measures `n` samples, each of which carries its own number."""
        lines = []
        for _ in range(n):
            k = self.taken
            self.times_us[k] = self.now_us
            acc = ((k % U16) - 32768, -5, 4096)
            gyr = () if self.is_acc_only else (7, -8, (k * 3) % 1000)
            lines.append(line("p", self.now_us % U32, *acc, *gyr))
            self.taken += 1
            self.now_us += self.interval_us + (jitter_us if k % 2 else -jitter_us)
        self.header(lines)

    def lose(self, n: int) -> None:
        """Samples that the chip took and nobody read."""
        self.header([line("l", n)])
        self.taken += n
        self.now_us += n * self.interval_us

    def send(self, n: int, *, has_room: bool = True) -> None:
        """Lets the radio take frames while there are any."""
        answers = self.header([text for _ in range(n) for text in ("n", line("t", has_room))])
        self.sent += [bytes.fromhex(one) for one in answers[::2] if one != "-" and has_room]

    def close(self) -> tuple[int, int]:
        """Sends all that is left; samples sent and dropped, by the header's own count."""
        self.send(QUEUE)
        self.header([line("r", self.now_us % U32, False)])
        self.send(QUEUE)
        taken, sent, dropped, *_ = map(int, self.header(["c"])[0].split())
        assert taken == self.taken == sent + dropped
        return sent, dropped

    def check(self) -> list[Frame]:
        """Every frame is Python's own bytes and carries the samples, numbers and times that it says."""
        frames = [decode_frame(payload) for payload in self.sent]
        assert all(len(payload) <= self.payload for payload in self.sent)
        assert [frame.is_first for frame in frames] == [True] + [False] * (len(frames) - 1)
        number = 0
        for payload, frame in zip(self.sent, frames, strict=True):
            assert encode_frame(frame) == payload
            number += (frame.number - number) % U16
            if not frame.n_samples:
                continue
            ks = range(number, number + frame.n_samples)
            assert [int(value) + 32768 for value in frame.acc_lsb[:, 0]] == [k % U16 for k in ks]
            assert frame.first_us == self.times_us[number] % U32
            if len(ks) > 1:
                span_us = self.times_us[ks[-1]] - self.times_us[ks[0]]
                assert abs((frame.interval_us or 0) * (len(ks) - 1) - span_us) <= len(ks)
            number = ks[-1] + 1
        return frames


jobs = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(1, 60)),
        st.tuples(st.just("lose"), st.integers(1, 3000)),
        st.tuples(st.just("send"), st.integers(1, 12)),
        st.tuples(st.just("wait"), st.integers(1, 500_000)),
        st.tuples(st.just("fail"), st.integers(1, 2)),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=100, deadline=None)
@given(
    jobs, st.sampled_from([25, 52, 104, 208]), st.integers(0, 30), st.booleans(),
    st.sampled_from([20, 23, 36, 182, 244]), st.integers(0, U32 - 1), st.integers(0, 800),
)  # fmt: skip
def test_every_sample_arrives_or_is_counted_as_dropped(
    header, work, rate_hz, samples_per_frame, is_acc_only, payload, begin_us, jitter_us
):
    """Whatever the order of measuring, losing, sending and failing, and wherever the clock begins."""
    sensor = Sensor(header, rate_hz, samples_per_frame, is_acc_only, payload, now_us=begin_us)
    for job, n in work:
        if job == "push":
            sensor.push(n, jitter_us)
        elif job == "wait":
            sensor.now_us += n
        elif job == "lose":
            sensor.lose(n)
        else:
            sensor.send(n, has_room=job == "send")
    sent, _ = sensor.close()
    assert sum(frame.n_samples for frame in sensor.check()) == sent


def gaps(sent: list[bytes]) -> list[Gap]:
    """What the client reports missing of a stream that came over a living link."""
    decoder = SomaV1Decoder("right-thigh", 0, {})
    out = [item for index, payload in enumerate(sent) for item in decoder.feed(Packet(index * 10**7, "x", payload))]
    assert not [item for item in out if isinstance(item, BadPacket)]
    return [item for item in out if isinstance(item, Gap)]


def test_a_full_queue_drops_the_new_frame_and_the_client_finds_the_hole(header: Asked) -> None:
    """After 40 frames without radio 32 wait and eight are dropped; the hole in the numbers is as long as the count."""
    sensor = Sensor(header)
    sensor.push(5)
    sensor.send(1)
    sensor.push(40 * 5)
    sensor.send(QUEUE)
    sensor.push(20)
    _, dropped = sensor.close()
    frames = sensor.check()
    assert dropped == 8 * 5
    assert [gap.n_lost for gap in gaps(sensor.sent)] == [8 * 5]
    assert [frame.dropped for frame in frames[-5:]] == [40] * 5


def test_missed_samples_use_up_their_numbers(header: Asked) -> None:
    """Three samples that the chip overwrote are a hole of three, in numbers and in the drop counter."""
    sensor = Sensor(header)
    sensor.push(7)
    sensor.lose(3)
    sensor.push(10)
    assert sensor.close() == (17, 3)
    sensor.check()
    assert [gap.n_lost for gap in gaps(sensor.sent)] == [3]


def test_number_and_clock_wrap(header: Asked) -> None:
    """Sample 65536 is number 0 and the clock begins again in the same second; the client sees one stream."""
    sensor = Sensor(header, now_us=U32 - (U16 - 20) * 9615 - 150_000)
    sensor.push(5)
    sensor.send(1)
    sensor.lose(U16 - 35)
    sensor.push(60)
    sensor.close()
    frames = sensor.check()
    assert (frames[0].number, frames[-1].number) == (0, 30)
    assert min(frame.first_us for frame in frames[3:]) < 500_000
    assert [gap.n_lost for gap in gaps(sensor.sent)] == [U16 - 35]


@pytest.mark.parametrize(
    ("payload", "is_acc_only", "asked", "n"),
    [(20, False, 0, 1), (20, True, 0, 1), (182, False, 255, 14), (182, True, 255, 28), (244, False, 255, 19),
     (244, True, 255, 38), (244, False, 0, 5), (244, False, 8, 8), (999, False, 255, 19), (3, False, 9, 1)],
)  # fmt: skip
def test_frames_hold_50_ms_or_what_was_asked_or_what_fits(
    header: Asked, payload: int, is_acc_only: bool, asked: int, n: int
) -> None:
    """The table of the profile; a link is never asked for more than it holds, nor for less than 20 bytes."""
    sensor = Sensor(header, samples_per_frame=asked, is_acc_only=is_acc_only, payload=payload)
    sensor.push(n)
    sensor.send(1)
    assert [decode_frame(one).n_samples for one in sensor.sent] == [n]
    assert len(sensor.sent[0]) <= max(payload, 20)


def test_a_link_that_holds_less_than_was_thought(header: Asked) -> None:
    """Frames that were made too long are dropped and counted, those after them fit; a report tells the drops."""
    sensor = Sensor(header)
    sensor.push(23)
    header([line("f", 20)])
    sensor.payload = 20
    sensor.push(3)
    assert sensor.close() == (3, 23)
    frames = sensor.check()
    assert [(frame.n_samples, frame.interval_us is None) for frame in frames] == [(1, True)] * 3 + [(0, False)]
    assert frames[-1].dropped == 23


def test_the_mark_of_the_beginning_is_on_the_first_frame_that_goes_out(header: Asked) -> None:
    """Also when the radio refused the very first ones."""
    sensor = Sensor(header)
    sensor.push(20)
    sensor.send(2, has_room=False)
    sensor.send(1)
    assert [(frame.is_first, frame.number) for frame in map(decode_frame, sensor.sent)] == [(True, 10)]


def test_a_hole_in_time_ends_a_frame(header: Asked) -> None:
    """One mean interval is never stretched over a pause."""
    sensor = Sensor(header)
    sensor.push(3)
    sensor.now_us += 200_000
    sensor.push(5)
    sensor.close()
    assert [frame.n_samples for frame in sensor.check()] == [3, 5, 0]


def test_the_last_report_ends_a_recording(header: Asked) -> None:
    """A sensor that played a file says that nothing more comes."""
    sensor = Sensor(header)
    sensor.push(2)
    header([line("r", 5, True)])
    sensor.send(2)
    first, last = map(decode_frame, sensor.sent)
    assert (first.n_samples, first.is_last) == (2, False)
    assert (last.n_samples, last.is_last, last.number, last.first_us) == (0, True, 2, 5)


# ------------------------------------------------------------------------------------------------ commands, information


def expected_parse(payload: bytes) -> list[int]:
    """What Python reads in a command: opcode, five settings, seconds."""
    try:
        command = decode_command(payload)
    except FrameError:
        return [0] * 7
    if isinstance(command, StartCommand):
        one = command
        return [1, one.rate_hz, one.acc_range_g, one.gyr_range_dps, one.samples_per_frame, one.is_acc_only, 0]
    if isinstance(command, IdentifyCommand):
        return [3, 0, 0, 0, 0, 0, command.seconds]
    return [2] + [0] * 6


start_commands = st.builds(
    StartCommand,
    st.integers(0, U16 - 1),
    st.integers(0, 255),
    st.integers(0, U16 - 1),
    st.integers(0, 255),
    st.booleans(),
)
payloads = st.one_of(
    start_commands.map(StartCommand.to_bytes),
    st.just(STOP),
    st.builds(IdentifyCommand, st.integers(0, 255)).map(IdentifyCommand.to_bytes),
    st.binary(max_size=12),
    st.binary(max_size=10).map(lambda tail: bytes([1 + len(tail) % 3]) + tail),
)


@given(payloads)
def test_commands_are_read_as_python_reads_them(header, payload):
    """Start, stop, identify; wrong lengths and opcodes are refused."""
    (answer,) = header([f"x {payload.hex()}"])
    assert [int(value) for value in answer.split()] == expected_parse(payload)


@given(
    st.tuples(*[st.integers(0, 255)] * 3), st.booleans(), st.booleans(), st.booleans(), st.integers(0, U16 - 1),
    st.integers(0, U16 - 1), st.integers(0, U16 - 1), st.integers(0, U32 - 1), st.integers(0, U32 - 1),
    st.lists(st.integers(0, U16 - 1), max_size=20),
)  # fmt: skip
def test_the_information_record_is_python_s(
    header, firmware, is_streaming, is_through, has_gyro, rate_chz, acc_range_g, gyr_range_dps, sent, dropped, rates
):
    """Every field, and nothing at all when the buffer is a byte too small."""
    info = SensorInfo(
        firmware, is_streaming, is_through, has_gyro, rate_chz / 100, acc_range_g, gyr_range_dps, sent, dropped,
        tuple(rates),
    )  # fmt: skip
    fields = (*firmware, is_streaming, is_through, has_gyro, rate_chz, acc_range_g, gyr_range_dps, sent, dropped)
    (answer,) = header([line("I", *fields, *rates)])
    assert bytes.fromhex(answer) == info.to_bytes()


@pytest.mark.parametrize(
    ("asked", "picked"), [(0, 100), (104, 100), (100, 100), (25, 25), (26, 25), (208, 200), (52, 50), (60, 0), (5, 0)]
)
def test_a_rate_within_five_percent_is_met(header: Asked, asked: int, picked: int) -> None:
    """A chip with 25, 50, 100 and 200 Hz gives 100 for 104; what it has nothing near is refused."""
    assert header([line("k", asked, 100, 25, 50, 100, 200)]) == [str(picked)]


@given(lsb, st.integers(1, 100_000), st.integers(1, 100_000))
def test_scaling_rounds_and_saturates(header, value, numerator, denominator):
    """A reading beyond the range stays at its end and never changes sign."""
    (answer,) = header([line("s", value, numerator, denominator)])
    exact = value * numerator / denominator
    assert abs(int(answer) - min(32767.0, max(-32768.0, exact))) <= 0.5 + 1e-6


@given(st.integers(0, U32 - 1), st.integers(1, 5000), st.floats(-0.45, 0.45), st.sampled_from([4808, 9615, 40_000]))
def test_missed_samples_are_counted_by_the_clock(header, last_us, steps, off, interval_us):
    """A step of n intervals, give or take less than half of one, is n - 1 missed samples; the clock may wrap."""
    now_us = (last_us + round((steps + off) * interval_us)) % U32
    assert header([line("m", last_us, now_us, interval_us)]) == [str(steps - 1)]

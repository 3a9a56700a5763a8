"""The sketch for makers, compiled against stand-ins for the Arduino headers, in sessions with the real decoder.

The stand-ins (`arduino_stub/`) have the chips' registers and units, a radio that may be busy, cut off or stuck, and a
clock that moves only while somebody waits, so a session takes milliseconds and is the same each time.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorsoma.decode.soma_v1 import SomaV1Decoder
from sensorsoma.decode.soma_v1_control import (
    SERVICE_UUID,
    STOP,
    IdentifyCommand,
    SensorInfo,
    StartCommand,
    decode_info,
)
from sensorsoma.decode.soma_v1_frame import Frame, FrameError, decode_frame
from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

HERE = Path(__file__).resolve().parent
SKETCH = HERE.parents[1] / "firmware_notes" / "soma_v1" / "soma_v1_imu" / "soma_v1_imu.ino"
STUB = HERE / "arduino_stub"

NANO, XIAO = "ARDUINO_ARDUINO_NANO33BLE", "ARDUINO_SEEED_XIAO_NRF52840_SENSE"
RATES_HZ = {NANO: (25, 50, 100, 200), XIAO: (26, 52, 104, 208)}
OWN_RATE_HZ = {NANO: 100, XIAO: 104}
LIGHT = {NANO: ("13", "1"), XIAO: ("13", "0")}
"""Pin of the light, and its level when lit."""
POWER_ON_US = 2**32 - 4_000_000
SETTLE_MS = 500
"""From a start command to the first frame, at most."""


def compile_sketch(build: Any, board: str, *flags: str) -> Path:
    """The sketch for a board, with the world around it, watching over its numbers."""
    name = "-".join([board, *flags]).replace("/", "_")
    watched = ("-std=c++14", "-fsanitize=undefined", "-fno-sanitize-recover")
    sources = ("-I", STUB, "-x", "c++", SKETCH, STUB / "world.cpp")
    return Path(build(name, "g++", *watched, f"-D{board}", *flags, *sources))


@dataclass(frozen=True)
class Board:
    """A board that was compiled for."""

    macro: str
    program: Path

    def run(self, *script: str) -> Night:
        """What happens when a client does what the script says."""
        answer = subprocess.run([self.program], input="\n".join(script), capture_output=True, text=True, timeout=30)
        assert answer.returncode == 0, answer.stderr
        said = [tuple(line.split(" ", 2)) for line in answer.stdout.splitlines()]
        assert not [line for line in said if line[1] == "fault"]
        return Night([(int(ms), word, rest) for ms, word, rest in said])


@dataclass(frozen=True)
class Night:
    """What the world saw of the sketch: milliseconds, a word, the rest."""

    said: list[tuple[int, str, str]]

    def all(self, word: str) -> list[tuple[int, str]]:
        """When, and what."""
        return [(ms, rest) for ms, one, rest in self.said if one == word]

    @property
    def payloads(self) -> list[tuple[int, bytes]]:
        """Notifications of the data characteristic."""
        return [(ms, bytes.fromhex(rest)) for ms, rest in self.all("frame")]

    @property
    def frames(self) -> list[Frame]:
        """Those that are frames; one that the link cut is none."""
        frames = []
        for _, payload in self.payloads:
            try:
                frames.append(decode_frame(payload))
            except FrameError:
                continue
        return frames

    @property
    def info(self) -> SensorInfo:
        """The information record as read last."""
        return decode_info(bytes.fromhex(self.all("info")[-1][1]))

    def decoded(self, **config: Any) -> list[Any]:
        """What the client makes of it."""
        decoder = SomaV1Decoder("right-thigh", 0, config)
        return [item for ms, one in self.payloads for item in decoder.feed(Packet(ms * 1_000_000, "right-thigh", one))]


@pytest.fixture(scope="module", params=[NANO, XIAO], ids=["nano", "xiao"])
def board(request: pytest.FixtureRequest, build: Any) -> Board:
    """Each board in turn."""
    return Board(request.param, compile_sketch(build, request.param))


def beginning(start: StartCommand, mtu: int = 247) -> tuple[str, ...]:
    """As the client begins: stop, subscribe, start, one after the other."""
    return (
        "0 battery 3900",
        f"1000 connect {mtu}",
        f"1020 write {STOP.hex()}",
        "1050 subscribe",
        f"1080 write {start.to_bytes().hex()}",
    )


def sample_numbers(frames: list[Frame], acc_range_g: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """Number as sent and number as the chip counts, of every sample; the movement tells the latter, in steps of 4 mg.

    They never drift apart: a sample that nobody read or sent has used up its number.
    """
    sent, measured, number = [], [], 0
    for frame in frames:
        number += (frame.number - number) % 65536
        sent.append(number + np.arange(frame.n_samples))
        steps = np.rint(frame.acc_lsb * (acc_range_g * 250 / 32768)).astype(int)
        measured.append(steps[:, 0] + 150 + 300 * steps[:, 1])
        number += frame.n_samples
    all_sent, all_measured = np.concatenate(sent), np.concatenate(measured)
    assert np.unique(all_measured - all_sent).size == 1
    return all_sent, all_measured


def test_advertises_the_service_and_a_name(board: Board) -> None:
    """What the client scans for; the battery service only where the board can measure its cell."""
    night = board.run("0 battery 3900", "100 end")
    assert [rest for _, rest in night.all("advertise")] == [f"{SERVICE_UUID} Soma"]
    services = [rest for _, rest in night.all("service")]
    assert services == ([SERVICE_UUID] if board.macro == NANO else [SERVICE_UUID, "180F"])
    assert not night.payloads


def test_a_session_arrives_whole(board: Board) -> None:
    """Ten seconds through the wrap of the clock: every sample once, in order, in the units that were asked for."""
    night = board.run(*beginning(StartCommand()), "11000 read", "11001 end")
    frames, rate_hz = night.frames, OWN_RATE_HZ[board.macro]
    assert night.payloads[0][0] < 1080 + SETTLE_MS
    assert [frame.is_first for frame in frames] == [True] + [False] * (len(frames) - 1)
    assert {frame.n_samples for frame in frames} == {5}
    sent, measured = sample_numbers(frames)
    np.testing.assert_array_equal(sent, np.arange(len(sent)))
    info = night.info
    assert info == SensorInfo((1, 0, 0), True, False, True, rate_hz, 8, 500, len(sent), 0, RATES_HZ[board.macro])

    out = night.decoded()
    blocks = [item for item in out if isinstance(item, ImuBlock)]
    assert not [item for item in out if isinstance(item, BadPacket | Gap)]
    acc = np.concatenate([block.acc_sensor_mps2 for block in blocks])
    gyr = np.concatenate([block.gyr_sensor_radps for block in blocks])
    np.testing.assert_allclose(acc[:, 0], (measured % 300 - 150) / 250 * STANDARD_GRAVITY_MPS2, atol=0.01)
    np.testing.assert_allclose(acc[:, 2], STANDARD_GRAVITY_MPS2, rtol=1e-3)
    wanted_dps = np.stack([measured % 400 - 200, np.full(len(sent), 10), np.full(len(sent), -450)], axis=1)
    np.testing.assert_allclose(gyr, wanted_dps * DEG, atol=0.02 * DEG)
    assert blocks[-1].rate_hz == pytest.approx(rate_hz, rel=2e-3)


def test_samples_are_stamped_in_time(board: Board) -> None:
    """The stamp is late by less than 1.5 ms, whenever the sample was taken."""
    frames = board.run(*beginning(StartCommand(samples_per_frame=1)), "11000 end").frames
    _, measured = sample_numbers(frames)
    stamps_us = np.array([(frame.first_us - POWER_ON_US) % 2**32 for frame in frames])
    late_us = stamps_us - measured * 1e6 / OWN_RATE_HZ[board.macro]
    assert np.ptp(late_us) < 1500


@pytest.mark.parametrize(
    ("start", "gives_hz"),
    [(StartCommand(25, 2, 125), 0), (StartCommand(52, 4, 250), 1), (StartCommand(0, 16, 1000), 2),
     (StartCommand(208, 8, 2000), 3)],
)  # fmt: skip
def test_rates_and_ranges(board: Board, start: StartCommand, gives_hz: int) -> None:
    """One g is one g and 10 °/s are 10 °/s at every range; a rate within 5 % is met; frames hold 50 ms."""
    night = board.run(*beginning(start), "6000 read", "6001 end")
    rate_hz = RATES_HZ[board.macro][gives_hz]
    assert (night.info.rate_hz, night.info.acc_range_g, night.info.gyr_range_dps) == (
        rate_hz, start.acc_range_g, start.gyr_range_dps,
    )  # fmt: skip
    frames = night.frames
    assert {frame.n_samples for frame in frames} == {max(1, round(rate_hz / 20 + 1e-9))}
    acc_g = np.concatenate([frame.acc_lsb for frame in frames])[:, 2] * (start.acc_range_g / 32768)
    gyr_dps = np.concatenate([frame.gyr_lsb for frame in frames])[:, 1:] * (start.gyr_range_dps / 32768)
    np.testing.assert_allclose(acc_g, 1.0, atol=2e-3)
    np.testing.assert_allclose(gyr_dps[:, 0], 10.0, atol=0.05)
    np.testing.assert_allclose(gyr_dps[:, 1], max(-450.0, -start.gyr_range_dps), atol=0.1)
    sample_numbers(frames, start.acc_range_g)


def test_accelerometer_only(board: Board) -> None:
    """Three numbers a sample, and the gyroscope sleeps."""
    frames = board.run(*beginning(StartCommand(is_acc_only=True)), "4000 end").frames
    assert len(frames) > 40
    assert {frame.gyr_lsb is None for frame in frames} == {True}
    sample_numbers(frames)


def test_a_busy_radio_costs_exactly_what_is_told(board: Board) -> None:
    """Four seconds without room: 32 frames wait, the rest is dropped; the hole in the numbers is the drop count."""
    night = board.run(*beginning(StartCommand()), "4000 stall 4000", "11000 read", "11001 end")
    sent, _ = sample_numbers(night.frames)
    holes = [item.n_lost for item in night.decoded() if isinstance(item, Gap)]
    told = [item.dropped for item in night.decoded() if isinstance(item, DeviceInfo)]
    assert len(holes) == 1
    assert sum(holes) == night.info.dropped == told[-1] > 200
    assert night.info.sent == len(sent)


def test_a_short_pause_of_the_radio_costs_nothing(board: Board) -> None:
    """One second without room is what the queue is for."""
    night = board.run(*beginning(StartCommand()), "4000 stall 1000", "9000 read", "9001 end")
    assert night.info.dropped == 0
    assert not [item for item in night.decoded() if isinstance(item, Gap | BadPacket)]


@pytest.mark.parametrize("slow", [[60], [25], [60, 31, 47, 212], [13] * 20])
def test_samples_that_the_chip_overwrote_are_numbered(board: Board, slow: list[int]) -> None:
    """A bus that hangs for some milliseconds: the samples of that time are missing, and their numbers say so."""
    script = [f"{2000 + 317 * index} slow {ms}" for index, ms in enumerate(slow)]
    night = board.run(*beginning(StartCommand()), *script, "9000 read", "9001 end")
    sent, _ = sample_numbers(night.frames)
    holes = [item.n_lost for item in night.decoded() if isinstance(item, Gap)]
    assert sum(holes) == night.info.dropped == sent[-1] + 1 - len(sent)
    assert night.info.dropped <= sum(ms * 0.104 + 3 for ms in slow)


def test_the_smallest_link(board: Board) -> None:
    """MTU 23: one notification is cut, then every frame is short, and the drop counter comes once a second."""
    night = board.run(*beginning(StartCommand(rate_hz=25), mtu=23), "9000 read", "9001 end")
    assert max(len(payload) for _, payload in night.payloads) == 20
    assert len(night.payloads) - len(night.frames) == 1
    with_samples = [frame for frame in night.frames if frame.n_samples]
    assert {frame.interval_us for frame in with_samples} == {None}
    reports = [frame.dropped for frame in night.frames if not frame.n_samples]
    assert 6 <= len(reports) <= 9
    assert set(reports) == {night.info.dropped}
    sent, _ = sample_numbers(with_samples)
    assert sent[-1] + 1 == len(sent) + night.info.dropped


def test_stop_and_start_again(board: Board) -> None:
    """Stop ends the stream at once; a new start begins at number 0 with the mark, also in the middle of a stream."""
    start = StartCommand().to_bytes().hex()
    night = board.run(
        *beginning(StartCommand()), "4000 write 02", f"6000 write {start}", f"8000 write {start}", "10000 end"
    )
    firsts = [ms for ms, payload in night.payloads if decode_frame(payload).is_first]
    assert [ms // 1000 for ms in firsts] == [1, 6, 8]
    assert not [ms for ms, _ in night.payloads if 4005 < ms < 6000]
    assert [frame.number for frame in night.frames if frame.is_first] == [0, 0, 0]


def test_a_lost_link_stops_it_and_it_can_be_had_again(board: Board) -> None:
    """After a disconnection it is quiet; the next client begins afresh while the clock has run on."""
    start = StartCommand().to_bytes().hex()
    night = board.run(
        *beginning(StartCommand()), "3000 disconnect", "3100 connect 247", "4000 read", "5000 subscribe",
        f"5001 write {start}", "8000 end",
    )  # fmt: skip
    assert not [ms for ms, _ in night.payloads if 3000 < ms < 5000]
    assert not night.info.is_streaming
    firsts = [frame.first_us for frame in night.frames if frame.is_first]
    assert len(firsts) == 2
    assert (firsts[1] - firsts[0]) % 2**32 == pytest.approx(3_921_000, abs=20_000)


def test_what_it_cannot_do_changes_nothing(board: Board) -> None:
    """A rate, a range, a length and an opcode that do not exist leave the stream as it is."""
    wrong = [StartCommand(60), StartCommand(104, 3), StartCommand(104, 8, 300)]
    commands = [*(command.to_bytes() for command in wrong), StartCommand().to_bytes() + b"\0", b"\x09", b""]
    script = [f"{2000 + 100 * index} write {command.hex()}" for index, command in enumerate(commands)]
    night = board.run(*beginning(StartCommand()), *script, "5000 read", "5001 end")
    sent, _ = sample_numbers(night.frames)
    np.testing.assert_array_equal(sent, np.arange(len(sent)))
    assert night.info.is_streaming
    assert (night.info.rate_hz, night.info.acc_range_g) == (OWN_RATE_HZ[board.macro], 8)


def test_identify_blinks_and_ends_dark(board: Board) -> None:
    """Two seconds of blinking, eight times on, without a sample lost; before and after it is dark."""
    night = board.run(
        *beginning(StartCommand()), f"3000 write {IdentifyCommand(2).to_bytes().hex()}", "7000 read", "7001 end"
    )
    number, lit = LIGHT[board.macro]
    turns = [(ms, level) for ms, rest in night.all("pin") for pin, level in [rest.split()] if pin == number]
    on = [ms for ms, level in turns if level == lit]
    assert len(on) == 8
    assert on[0] >= 3000
    assert turns[-1][1] != lit
    assert turns[-1][0] == pytest.approx(5000, abs=130)
    assert night.info.dropped == 0


def test_a_bedroom_stays_dark(board: Board) -> None:
    """Nothing is lit without being asked for, and the power light of the Nano, pin 25, is switched off."""
    pins = [rest for _, rest in board.run(*beginning(StartCommand()), "3000 end").all("pin")]
    assert pins == (["25 0"] if board.macro == NANO else ["13 1", "1014 0"])


@pytest.mark.parametrize(("millivolts", "percent"), [(3200, 0), (3600, 10), (3800, 50), (4200, 100)])
def test_battery_where_the_board_can(board: Board, millivolts: int, percent: int) -> None:
    """The XIAO reads its cell through the divider on P0.31, which it never disconnects; the Nano says nothing."""
    night = board.run(f"0 battery {millivolts}", "1000 connect 247", "65000 end")
    told = [int(rest, 16) for _, rest in night.all("battery")]
    if board.macro == NANO:
        assert told == []
    else:
        assert len(told) == 2
        assert told == pytest.approx([percent] * 2, abs=2)
        assert [rest for _, rest in night.all("pin") if rest.startswith("1014")] == ["1014 0"]


def test_a_stuck_radio_restarts_the_board(board: Board) -> None:
    """The library may wait for ever after a lost link; six seconds later the board begins anew."""
    night = board.run(*beginning(StartCommand()), "3000 stuck", "3500 disconnect", "20000 end")
    assert [ms for ms, _ in night.all("reset")] == [pytest.approx(9000, abs=300)]


def test_without_a_chip_it_blinks_and_is_not_found(board: Board) -> None:
    """A broken board does not look like a sensor."""
    night = board.run("0 absent", "3000 end")
    assert not night.all("advertise")
    assert len(night.all("pin")) > 15


def test_a_name_with_a_place(build: Any) -> None:
    """The name can be given from outside, so that two sensors can be told apart."""
    program = compile_sketch(build, XIAO, '-DSOMA_NAME="Soma right-thigh"', "-DSOMA_READ_BATTERY=0")
    night = Board(XIAO, program).run("100 end")
    assert [rest for _, rest in night.all("advertise")] == [f"{SERVICE_UUID} Soma right-thigh"]
    assert [rest for _, rest in night.all("service")] == [SERVICE_UUID]
    assert not [rest for _, rest in night.all("pin") if rest.startswith("1014")]


@pytest.mark.parametrize("macro", ["ARDUINO_Seeed_XIAO_nRF52840_Sense", "ARDUINO_AVR_UNO"])
def test_another_board_is_told_what_to_choose(build: Any, macro: str) -> None:
    """The compiler's last word is a sentence that helps."""
    with pytest.raises(AssertionError, match=r"[Cc]hoose .*mbed"):
        compile_sketch(build, macro, "-Wfatal-errors")

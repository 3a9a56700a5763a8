"""Xsens and Movella DOT: known bytes, the clock, losses, and the conversation that starts it."""

from __future__ import annotations

import re
import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import label, load

from sensorsoma.decode import make_decoder
from sensorsoma.decode.driver import Await, Learned, Pause, Read, Step, Subscribe, Write, perform
from sensorsoma.decode.xsens_dot import XsensDotDecoder
from sensorsoma.decode.xsens_dot_control import (
    BATTERY_UUID,
    CONTROL_UUID,
    DRIVER,
    REPORT_UUID,
    SETTINGS_UUID,
    is_report,
    measurement_command,
    rate_of,
    with_rate,
)
from sensorsoma.decode.xsens_dot_frame import (
    FIELDS,
    FULL_LENGTHS,
    LONG_UUID,
    MEDIUM_UUID,
    MODES,
    Payload,
    PayloadError,
    pack_payload,
    parse_payload,
)
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.virtual.devices.base import Notification, RefusedError
from sensorsoma.virtual.devices.xsens_dot import XsensDotDevice
from sensorsoma.virtual.waveform import StillWaveform, Taken

ROOT = Path(__file__).resolve().parents[2]
VECTORS = load("xsens_dot")
PAYLOADS = [one for one in VECTORS if "payload_mode" in one.get("context", {})]
KEYS = {
    "free_acc_m_s2": "free_acc_earth_mps2",
    "quat_wxyz": "quat_wxyz",
    "acc_m_s2": "acc_sensor_mps2",
    "gyr_dps": "gyr_sensor_dps",
}
INTERVAL_US = 16_667
ROOM = 244


def vector(name: str) -> dict[str, Any]:
    return next(one for one in VECTORS if one["id"] == name)


def make_packet(index: int, *, start_us: int = 5_000_000, mode: int = 26) -> bytes:
    """Sample `index` of a 60 Hz stream whose acceleration counts along."""
    fields = {
        "quat_wxyz": (1, 0, 0, 0),
        "acc_sensor_mps2": (0.01 * (index % 100), 0, 9.8),
        "gyr_sensor_dps": (0, 90, 0),
    }
    return pack_payload(Payload((start_us + index * INTERVAL_US) % 2**32, fields), mode)


def sample_packets() -> list[bytes]:
    """A second and a half of good packets in order, in both modes."""
    return [make_packet(i, mode=26 if i < 60 else 21) for i in range(90)]


def packet(payload: bytes, at_s: float) -> Packet:
    return Packet(round(at_s * 1e9), "right-thigh", payload)


def feed(decoder: XsensDotDecoder, index: int, **more: int) -> tuple[Any, ...]:
    return decoder.feed(packet(make_packet(index, **more), 100.0 + index * INTERVAL_US / 1e6))


def begun(n: int = 60, **more: int) -> XsensDotDecoder:
    """A decoder that has seen `n` samples."""
    decoder = XsensDotDecoder("right-thigh", 0, {"rate_hz": 60})
    for i in range(n):
        assert [type(item) for item in feed(decoder, i, **more)] == [ImuBlock]
    return decoder


# ------------------------------------------------------------------------------------------------- known bytes


@pytest.mark.parametrize("one", PAYLOADS, ids=label)
def test_known_payloads_read_as_expected(one):
    """Every known notification gives its clock and its values; `captured` ones come from a real sensor."""
    mode, expected = one["context"]["payload_mode"], one["expected"]
    payloads = [bytes.fromhex(part) for part in one["hex"].split()]
    read = [parse_payload(payload, mode) for payload in payloads]
    assert [sample.timestamp_us for sample in read] == list(np.atleast_1d(expected["timestamp_us"]))
    for sample in read:
        for key, name in KEYS.items():
            assert (name in sample.fields) == (key in expected)
            if key in expected:
                np.testing.assert_allclose(sample.fields[name], expected[key], rtol=1e-5, atol=1e-7)
        if "mag_au" in expected:
            assert sample.mag_sensor_au == tuple(expected["mag_au"])


@pytest.mark.parametrize("one", [vector(f"dot-mode{name}") for name in ("26-wrap", "21", "20-mag")], ids=label)
def test_known_samples_come_out_in_si_units(one):
    """Notifications with acceleration and rate become samples in m/s² and rad/s, evenly across the clock's wrap."""
    decoder = XsensDotDecoder("x", 0, {"rate_hz": 60})
    blocks = [
        block
        for i, part in enumerate(one["hex"].split())
        for block in decoder.feed(packet(bytes.fromhex(part), 10 + i * INTERVAL_US / 1e6))
    ]
    assert all(isinstance(block, ImuBlock) for block in blocks)
    for block in blocks:
        np.testing.assert_allclose(block.acc_sensor_mps2[0], one["expected"]["acc_m_s2"], rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(block.gyr_sensor_radps[0], np.deg2rad(one["expected"]["gyr_dps"]), rtol=1e-5)
    steps_us = np.diff([block.t_s[0] for block in blocks]) * 1e6
    np.testing.assert_allclose(steps_us, one["expected"].get("unwrapped_delta_us", 0), atol=1)


@pytest.mark.parametrize("one", [vector("dot-mode6-1"), vector("dot-mode6-2")], ids=label)
def test_a_mode_without_rotation_is_no_sample(one):
    """A short payload, which is never asked for, is a bad packet."""
    (answer,) = XsensDotDecoder("x", 0, {}).feed(packet(bytes.fromhex(one["hex"]), 1.0))
    assert isinstance(answer, BadPacket)


def test_known_commands_are_those_that_are_sent():
    """Start and stop are the bytes of the specification; the state that a real sensor told reads as stopped."""
    assert measurement_command(26, is_start=True).hex() == vector("dot-cmd-start-mode26")["hex"]
    assert measurement_command(26, is_start=False).hex() == vector("dot-cmd-stop")["hex"]
    state = bytes.fromhex(vector("dot-control-stopped")["hex"])
    steps, _ = perform(DRIVER.start({}), desk(state=state))
    assert Write(CONTROL_UUID, measurement_command(state[2], is_start=False)) not in steps


def test_every_known_entry_is_used():
    """No vector is left aside."""
    commands = {"dot-control-stopped", "dot-cmd-start-mode26", "dot-cmd-stop"}
    assert {one["id"] for one in PAYLOADS} | commands == {one["id"] for one in VECTORS}


# ------------------------------------------------------------------------------------------------------ payloads


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_is_as_long_as_the_table_says(mode):
    """The fields fill the used bytes exactly, they fit the characteristic, and they come back as they were sent."""
    table = MODES[mode]
    used = 4 + sum(struct.calcsize("<" + FIELDS[name]) for name in table.fields)
    assert used == table.used <= FULL_LENGTHS[table.uuid]
    fields = {
        name: tuple(range(3, 3 + len(struct.unpack("<" + FIELDS[name], bytes(struct.calcsize(FIELDS[name]))))))
        for name in table.fields
    }
    payload = pack_payload(Payload(77, fields), mode)
    assert len(payload) == FULL_LENGTHS[table.uuid]
    assert parse_payload(payload[: table.used], mode) == Payload(77, fields)
    with pytest.raises(PayloadError, match=f"at least {table.used} bytes"):
        parse_payload(payload[: table.used - 1], mode)


@pytest.mark.parametrize("cut", [28, 34, 40])
def test_hosts_that_cut_the_padding_off_change_nothing(cut):
    """Any length from the used bytes on gives the same sample."""
    (block,) = XsensDotDecoder("x", 0, {}).feed(packet(make_packet(3, mode=21)[:cut], 1.0))
    np.testing.assert_allclose(block.acc_sensor_mps2, [[0.03, 0, 9.8]], rtol=1e-6)
    np.testing.assert_allclose(block.gyr_sensor_radps, [[0, np.pi / 2, 0]])


@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        (b"", "found 0"),
        (bytes(20), "found 20"),
        (bytes(43), "found 43"),
        (bytes(64), "found 64"),
        (struct.pack("<I6f", 1, float("nan"), 0, 0, 0, 0, 0), "expected numbers"),
        (struct.pack("<I6f", 1, 0, 0, 1e4, 0, 0, 0), "±16 g"),
        (struct.pack("<I6f", 1, 0, 0, 9.8, 0, -5000, 0), "±2000 °/s"),
    ],
)
def test_wrong_bytes_say_what_was_expected(payload, wanted):
    """Lengths that no mode has and numbers that no DOT measures are bad packets with a reason."""
    (bad,) = XsensDotDecoder("x", 0, {}).feed(packet(payload, 1.0))
    assert isinstance(bad, BadPacket)
    assert wanted in bad.reason


@given(st.lists(st.tuples(st.binary(max_size=64), st.floats(0, 1e5)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_bytes_are_survived(packets):
    """Random bytes at random times never raise and never turn time back."""
    decoder, last_s = XsensDotDecoder("x", 0, {}), -np.inf
    for payload, at_s in packets:
        for item in decoder.feed(packet(payload, at_s)):
            if isinstance(item, ImuBlock):
                assert item.t_s[0] > last_s
                last_s = item.t_s[0]


# --------------------------------------------------------------------------------------------- clock and losses


def test_an_evening_passes_the_wrap_without_a_gap():
    """Samples before and after the wrap of the clock are one even stream."""
    decoder = XsensDotDecoder("x", 0, {"rate_hz": 60})
    out = [item for i in range(600) for item in feed(decoder, i, start_us=2**32 - 5_000_000)]
    assert all(isinstance(item, ImuBlock) for item in out)
    steps_s = np.diff([item.t_s[0] for item in out])
    assert abs(steps_s - INTERVAL_US / 1e6).max() < 1e-4
    assert out[-1].rate_hz == pytest.approx(60, abs=0.1)


@pytest.mark.parametrize("n_lost", [1, 7, 59])
def test_lost_samples_are_counted_by_the_clock(n_lost):
    """A hole in the clock is a gap with its count, also across the wrap."""
    decoder = begun(start_us=2**32 - 60 * INTERVAL_US)
    gap, block = feed(decoder, 60 + n_lost, start_us=2**32 - 60 * INTERVAL_US)
    assert (gap.n_lost, gap.reason) == (n_lost, "lost_packets")
    assert gap.end_s == block.t_s[0]
    assert gap.end_s - gap.start_s == pytest.approx((n_lost + 1) * INTERVAL_US / 1e6, abs=1e-3)


def test_the_rate_in_the_config_counts_the_losses():
    """At 30 Hz a step of 100 ms has cost two samples."""
    decoder = XsensDotDecoder("x", 0, {"rate_hz": 30})
    for i in range(30):
        assert len(feed(decoder, 2 * i)) == 1
    assert feed(decoder, 64)[0].n_lost == 2


def test_a_sample_twice_is_one():
    """The same notification again gives nothing."""
    decoder = begun(10)
    assert feed(decoder, 9) == ()
    assert len(feed(decoder, 10)) == 1


def test_an_overtaken_sample_is_left_out():
    """Samples that come after newer ones are bad packets, and the stream goes on."""
    decoder = begun(10)
    feed(decoder, 13)
    answers = [feed(decoder, i)[0] for i in (10, 11, 12)]
    assert [type(answer) for answer in answers] == [BadPacket] * 3
    assert "late" in answers[0].reason
    assert [type(item) for item in feed(decoder, 14)] == [ImuBlock]


def test_a_backlog_is_no_loss():
    """Half a second of samples that arrive at once are all there, evenly spaced."""
    decoder = begun(60)
    out = [item for i in range(60, 90) for item in decoder.feed(packet(make_packet(i), 101.5))]
    assert [type(item) for item in out] == [ImuBlock] * 30
    assert np.diff([item.t_s[0] for item in out]).max() < 0.02


@pytest.mark.parametrize("wrong_us", [2**31 + 99, 2**32 - 1, 0, 65_000_000])
def test_one_corrupt_clock_costs_one_sample(wrong_us):
    """A nonsense time stamp is a bad packet; the next sample only counts one as lost."""
    decoder = begun(60)
    payload = struct.pack("<I", wrong_us) + make_packet(60)[4:]
    (bad,) = decoder.feed(packet(payload, 101.0))
    assert isinstance(bad, BadPacket)
    gap, block = feed(decoder, 61)
    assert gap.n_lost == 1
    assert isinstance(block, ImuBlock)


@pytest.mark.parametrize("start_us", [700, 3_000_000_000])
def test_a_clock_that_begins_anew_is_soon_believed(start_us):
    """After some doubted samples a new run of the clock is taken, and time still increases."""
    decoder = begun(60)
    last_s, out = 100 + 59 * INTERVAL_US / 1e6, []
    for i in range(60, 90):
        at_s = 100 + i * INTERVAL_US / 1e6
        out += decoder.feed(packet(make_packet(i - 60, start_us=start_us), at_s))
    kinds = [type(item) for item in out]
    assert kinds == [BadPacket] * 5 + [Gap] + [ImuBlock] * 25
    assert out[5].reason == "clock_restart"
    assert out[6].t_s[0] == pytest.approx(last_s + 6 * INTERVAL_US / 1e6, abs=0.02)


def test_a_corrupt_first_stamp_does_not_end_the_stream():
    """A decoder that began with a wrong clock finds the right one within a few samples."""
    decoder = XsensDotDecoder("x", 0, {})
    decoder.feed(packet(struct.pack("<I", 4_000_000_000) + make_packet(0)[4:], 100.0))
    out = [item for i in range(1, 20) for item in feed(decoder, i)]
    assert sum(isinstance(item, ImuBlock) for item in out) == 14


def test_a_link_that_was_away_keeps_the_clock():
    """After a reconnect the sensor's clock tells how long it was away; how many were not sent is not known."""
    decoder = begun(300)
    decoder.resumed(round(110e9))
    gap, block = feed(decoder, 900)
    assert (gap.reason, gap.n_lost) == ("link_lost", None)
    assert gap.end_s - gap.start_s == pytest.approx(601 * INTERVAL_US / 1e6, abs=1e-3)
    assert block.t_s[0] == pytest.approx(100 + 900 * INTERVAL_US / 1e6, abs=0.01)


def test_two_wraps_away_are_counted_by_the_wall_clock():
    """A link that is lost for two and a half hours comes back at its place."""
    decoder = begun(300)
    index = round(9000e6 / INTERVAL_US)
    decoder.resumed(0)
    gap, block = feed(decoder, index)
    assert gap.reason == "link_lost"
    assert block.t_s[0] == pytest.approx(100 + index * INTERVAL_US / 1e6, abs=0.01)


def test_a_sensor_switched_off_and_on_is_a_clock_restart():
    """A clock at its beginning after a reconnect is placed by arrival."""
    decoder = begun(300)
    decoder.resumed(round(130e9))
    gap, block = decoder.feed(packet(make_packet(0, start_us=900_000), 130.0))
    assert gap.reason == "clock_restart"
    assert block.t_s[0] == pytest.approx(130.0, abs=0.01)
    assert decoder.finish() == decoder.finish() == ()


# ------------------------------------------------------------------------------------------- the conversation


def desk(
    state: bytes = b"\x01\x00\x04", rate_hz: int = 60, answers: tuple[int, ...] = (26,), is_obedient: bool = True
) -> Any:
    """A sensor as a table: `answers` are the modes that bring samples."""
    record = bytearray(32)
    struct.pack_into("<H", record, 24, rate_hz)
    now = {"mode": 0, "state": state}

    def answer(step: Step) -> bytes | None:
        match step:
            case Read(uuid) if uuid == SETTINGS_UUID:
                return bytes(record)
            case Read(uuid) if uuid == CONTROL_UUID:
                return now["state"]
            case Write(uuid, data) if uuid == CONTROL_UUID:
                now["mode"], now["state"] = data[2] if data[1] else 0, data
            case Write(uuid, data) if uuid == SETTINGS_UUID and is_obedient:
                record[24:26] = data[24:26]
            case Await(is_awaited) if now["mode"] in answers:
                payload = make_packet(0, mode=now["mode"])
                return payload if is_awaited(payload) else None
        return None

    return answer


def test_start_subscribes_first_and_takes_mode_26():
    """Settings are looked at and left alone; the payload is subscribed before the start command."""
    steps, learned = perform(DRIVER.start({}), desk())
    assert [step for step in steps if not isinstance(step, Await)] == [
        Subscribe(REPORT_UUID, is_stream=False),
        Read(CONTROL_UUID),
        Read(SETTINGS_UUID),
        Subscribe(LONG_UUID),
        Write(CONTROL_UUID, bytes.fromhex("01011a")),
    ]
    assert learned == Learned({"payload_mode": 26, "rate_hz": 60})


def test_old_firmware_gets_mode_21():
    """Two seconds without a sample: stop, then the mode that every firmware knows."""
    steps, learned = perform(DRIVER.start({}), desk(answers=(21,)))
    assert [(step.data.hex()) for step in steps if isinstance(step, Write)] == ["01011a", "01001a", "010115"]
    assert [step.within_s for step in steps if isinstance(step, Await)] == [2.0, 2.0]
    assert steps[-3] == Subscribe(MEDIUM_UUID)
    assert learned.config == {"payload_mode": 21, "rate_hz": 60}


def test_mode_21_can_be_asked_for():
    """`payload_mode = 21` in the config does not try 26, and the stop command names it."""
    steps, learned = perform(DRIVER.start({"payload_mode": 21}), desk(answers=(26, 21)))
    assert [step.data.hex() for step in steps if isinstance(step, Write)] == ["010115"]
    stop, _ = perform(DRIVER.stop(learned.config), desk())
    assert stop == [Write(CONTROL_UUID, bytes.fromhex("010015"))]


def test_a_measurement_that_runs_is_stopped_before_the_rate_is_set():
    """What an app has left running ends first; the rate is set in a record that is otherwise as it was."""
    steps, learned = perform(DRIVER.start({"rate_hz": 25}), desk(state=b"\x01\x01\x05", rate_hz=120))
    writes = [step for step in steps if isinstance(step, Write)]
    assert writes[0] == Write(CONTROL_UUID, bytes.fromhex("010005"))
    assert writes[1].uuid == SETTINGS_UUID
    assert writes[1].data[0] == 0x10
    assert (len(writes[1].data), rate_of(writes[1].data)) == (32, 30)
    assert any(isinstance(step, Pause) for step in steps)
    assert learned.config["rate_hz"] == 30


def test_the_rate_that_counts_is_the_one_the_sensor_tells():
    """A sensor that keeps its rate is read at that rate."""
    _, learned = perform(DRIVER.start({}), desk(rate_hz=20, is_obedient=False))
    assert learned.config["rate_hz"] == 20


def test_a_silent_sensor_is_one_sentence():
    """When no mode brings a sample, the error says what to do."""
    with pytest.raises(LinkError, match=r"modes 26 and 21, found none; switch it off and on"):
        perform(DRIVER.start({}), desk(answers=()))


def test_a_short_settings_record_is_one_sentence():
    """A record that cannot be read ends the start with a sentence."""
    with pytest.raises(LinkError, match="Expected 32 bytes of settings from the DOT, found 16"):
        rate_of(bytes(16))


def test_identify_changes_nothing_else():
    """Only the identify bit is visited; the rest of the record is written as it was read."""
    record = bytes([0, 0, 0, 10, 0, 30, 0]) + bytes(range(25))
    steps, _ = perform(DRIVER.identify(4), lambda _step: record)
    assert steps[-1] == Write(SETTINGS_UUID, b"\x01\x01" + record[2:])


def test_a_report_is_no_sample():
    """A button press has the length of a medium payload and is not taken for one."""
    report = bytes([5, 4]) + struct.pack("<I", 123_456) + bytes(30)
    assert is_report(report)
    assert not is_report(make_packet(1, mode=21)[:36])
    samples = DRIVER.start({"payload_mode": 21})
    step = next(samples)
    while not isinstance(step, Await):
        step = samples.send(desk()(step))
    assert not step.is_awaited(report)
    assert step.is_awaited(make_packet(1, mode=21))


# --------------------------------------------------------------------------------------------- virtual sensor


class Noise:
    """A waveform whose every sample is different and remembered, from the last start on."""

    has_gyroscope = True

    def start(self, now_s: float, rate_hz: float) -> float:
        self.begin_s, self.rate_hz, self.taken = now_s, rate_hz, np.empty((0, 6))
        return rate_hz

    def read(self, now_s: float) -> Taken:
        index = np.arange(len(self.taken), round((now_s - self.begin_s) * self.rate_hz))
        rows = np.random.default_rng(len(self.taken)).normal(0, 5, (len(index), 6))
        self.taken = np.concatenate((self.taken, rows))
        return Taken(self.begin_s + index / self.rate_hz, rows[:, :3], rows[:, 3:])


class Bench:
    """A virtual sensor without radio: plays scripts, refusals included, and lets time pass."""

    def __init__(self, device: XsensDotDevice, room: int = ROOM) -> None:
        self.device = device
        self.now_s = 1.0
        self.room = room
        self.sent: list[tuple[float, Notification]] = []

    def play(self, script: Generator[Step, bytes | None, Any]) -> Any:
        given: bytes | None = None
        failure: LinkError | None = None
        while True:
            try:
                step = script.send(given) if failure is None else script.throw(failure)
            except StopIteration as end:
                return end.value
            given = failure = None
            try:
                given = self.do(step)
            except RefusedError as error:
                failure = LinkError(str(error))

    def do(self, step: Step) -> bytes | None:
        match step:
            case Subscribe(uuid):
                self.device.on_subscribe(uuid, True, self.now_s, self.room)
            case Write(uuid, data):
                self.device.on_write(uuid, data, self.now_s, self.room)
            case Read(uuid):
                return self.device.on_read(uuid)
            case Await(is_awaited, within_s):
                return next((one.payload for one in self.run(within_s) if is_awaited(one.payload)), None)
            case Pause(seconds):
                self.now_s += seconds
        return None

    def run(self, seconds: float) -> Iterator[Notification]:
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            self.now_s += 0.01
            for one in self.device.due(self.now_s) if self.device.is_streaming else ():
                self.sent.append((self.now_s, one))
                yield one


class OldDot(XsensDotDevice):
    """Firmware that does not know mode 26."""

    modes = frozenset({20, 21})


class StrictDot(OldDot):
    """Firmware that refuses it aloud."""

    def on_write(self, uuid: str, data: bytes, now_s: float, max_payload: int) -> tuple[Notification, ...]:
        if data == bytes.fromhex("01011a"):
            raise RefusedError("no such mode")
        return super().on_write(uuid, data, now_s, max_payload)


@pytest.mark.parametrize(
    ("kind", "room", "mode"),
    [(XsensDotDevice, ROOM, 26), (OldDot, ROOM, 21), (StrictDot, ROOM, 21), (XsensDotDevice, 50, 21)],
)
def test_samples_out_are_samples_in(kind, room, mode):
    """The virtual sensor, started by the driver, gives all that it measured, also with old firmware or a small MTU."""
    waveform = Noise()
    bench = Bench(kind(waveform, clock_offset_s=4293.0), room)
    learned = bench.play(DRIVER.start({}))
    assert learned.config == {"payload_mode": mode, "rate_hz": 60}
    list(bench.run(5.0))
    decoder = make_decoder("xsens_dot", "pelvis", 0, learned.config)
    out = [item for at_s, one in bench.sent for item in decoder.feed(packet(one.payload, at_s))]
    assert all(isinstance(item, ImuBlock) for item in out)
    assert 299 <= len(out) == len(waveform.taken) <= 303
    acc, gyr = waveform.taken[:, :3], waveform.taken[:, 3:]
    np.testing.assert_allclose(np.concatenate([item.acc_sensor_mps2 for item in out]), acc, atol=1e-5)
    np.testing.assert_allclose(np.concatenate([item.gyr_sensor_radps for item in out]), gyr, atol=1e-5)
    bench.play(DRIVER.stop(learned.config))
    assert not bench.device.is_streaming


def test_the_virtual_sensor_is_as_strict_as_the_real_one():
    """It is mute when started before the subscription, and takes neither a rate nor a start while it measures."""
    device = XsensDotDevice(StillWaveform(), battery_percent=61)
    device.on_write(CONTROL_UUID, measurement_command(26, is_start=True), 1.0, ROOM)
    device.on_subscribe(LONG_UUID, True, 1.1, ROOM)
    assert device.on_read(CONTROL_UUID) == b"\x01\x01\x1a"
    assert list(device.due(3.0)) == []
    for uuid, data in [
        (CONTROL_UUID, measurement_command(21, is_start=True)),
        (SETTINGS_UUID, with_rate(device.settings, 30)),
        (SETTINGS_UUID, bytes(16)),
        (CONTROL_UUID, b"\x02\x01\x1a"),
        (BATTERY_UUID, b"\x01"),
    ]:
        with pytest.raises(RefusedError):
            device.on_write(uuid, data, 3.0, ROOM)
    device.on_write(CONTROL_UUID, measurement_command(26, is_start=False), 3.0, ROOM)
    device.on_write(SETTINGS_UUID, with_rate(device.settings, 30), 3.0, ROOM)
    assert rate_of(device.on_read(SETTINGS_UUID)) == 30
    assert device.on_read(BATTERY_UUID) == b"\x3d\x00"


def test_the_virtual_sensor_blinks_and_is_recognised():
    """Identify lets it blink for ten seconds; scan knows it by its name."""
    bench = Bench(XsensDotDevice(StillWaveform()))
    before = bench.device.settings
    bench.play(DRIVER.identify(4))
    assert bench.device.blinks_until_s == 11.0
    assert bench.device.settings == before
    assert DRIVER.is_heard_in(bench.device.advert.name, ())
    assert DRIVER.is_heard_in("Xsens DOT", ())
    assert not DRIVER.is_heard_in("Xsens MTi", ())


# ------------------------------------------------------------------------------------------------------ the page


def example(name: str) -> bytes:
    text = (ROOT / "firmware_notes/xsens_dot.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"<!-- example {name} -->\n```\n([0-9a-f\s]+)```", text)
    return bytes.fromhex(found)


def test_the_worked_examples_of_the_page():
    """The hex in firmware_notes/xsens_dot.md means what stands beside it, and its table is the decoder's."""
    sample = parse_payload(example("mode-26"), 26)
    assert sample.timestamp_us == 4_294_957_296
    assert sample.fields["quat_wxyz"] == (0.5, -0.5, 0.5, 0.5)
    np.testing.assert_allclose(sample.fields["acc_sensor_mps2"], (0, 4.903325, 8.492808), rtol=1e-6)
    assert sample.fields["gyr_sensor_dps"] == (-1.25, 0.5, 30.0)
    free = parse_payload(example("mode-6"), 6)
    assert free.timestamp_us == 1_143_080_408
    np.testing.assert_allclose(free.fields["free_acc_earth_mps2"], (3.009197, 5.223928, -2.3260102), rtol=1e-6)
    page = (ROOT / "firmware_notes/xsens_dot.md").read_text(encoding="utf-8").replace("**", "")
    for number, mode in MODES.items():
        assert f"| {number} | {mode.title} | {mode.uuid[4:8]} | {mode.used} |" in page

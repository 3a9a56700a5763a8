"""The virtual Polar sensors, without any radio: what goes in comes out, and they refuse what the real ones refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorsoma.decode.driver import Ask, Await, Learned, Read, Step, Subscribe, perform
from sensorsoma.decode.polar_pmd import PolarPmdDecoder
from sensorsoma.decode.polar_pmd_control import CONTROL_UUID, DATA_UUID, DRIVER, decode_answer
from sensorsoma.decode.polar_pmd_frame import ACC, GYRO, decode_frame
from sensorsoma.errors import LinkError
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.devices import device_class
from sensorsoma.virtual.devices.base import Notification, RefusedError
from sensorsoma.virtual.devices.polar_pmd import ACC_FACTOR, GYR_FACTOR, PolarPmdDevice
from sensorsoma.virtual.devices.polar_pmd_packing import encode_deltas
from sensorsoma.virtual.waveform import StillWaveform, Taken, Waveform

MAX_PAYLOAD = 229


def acc_at(t_s: Floats) -> Floats:
    return np.column_stack([4 * np.sin(2 * t_s), 3 * np.cos(1.5 * t_s), 9.8 + np.sin(0.5 * t_s)])


def gyr_at(t_s: Floats) -> Floats:
    return np.column_stack([2 * np.cos(t_s), 3 * np.sin(1.7 * t_s), np.cos(0.3 * t_s)])


class Swing:
    """A leg that moves all the time."""

    has_gyroscope = True

    def __init__(self, seconds: float = 1e9) -> None:
        self.seconds, self.rate_hz, self.next = seconds, 0.0, 0

    def start(self, now_s: float, rate_hz: float) -> float:
        self.rate_hz, self.next = rate_hz, round(now_s * rate_hz)
        return rate_hz

    def read(self, now_s: float) -> Taken:
        end = max(self.next, round(min(now_s, self.seconds) * self.rate_hz))
        t_s = np.arange(self.next, end) / self.rate_hz
        self.next = end
        return Taken(t_s, acc_at(t_s), gyr_at(t_s), is_through=now_s >= self.seconds)


class Client:
    """A device, and what a client on a radio without delay does with it."""

    def __init__(self, waveform: Waveform | None = None, name: str = "", max_payload: int = MAX_PAYLOAD) -> None:
        self.device = PolarPmdDevice(waveform or Swing(), name, clock_offset_s=1234.5)
        self.max_payload = max_payload
        self.now_s = 0.0
        self.indicated: list[bytes] = []
        self.sent: list[Notification] = []
        self.packets: list[Packet] = []

    def answer(self, step: Step) -> bytes | None:
        device = self.device
        match step:
            case Read(uuid):
                return device.on_read(uuid)
            case Subscribe(uuid):
                device.on_subscribe(uuid, True, self.now_s, self.max_payload)
            case Ask(uuid, data, is_answer):
                answers = device.on_write(uuid, data, self.now_s, self.max_payload)
                self.indicated = [each.payload for each in answers]
                return self.next_answer(is_answer)
            case Await(is_awaited):
                return self.next_answer(is_awaited)
        return None

    def next_answer(self, is_answer: Any) -> bytes | None:
        assert is_answer(self.indicated[0])
        return self.indicated.pop(0)

    def start(self, **config: Any) -> Learned:
        learned: Learned = perform(DRIVER.start(config), self.answer)[1]
        return learned

    def stop(self, learned: Learned) -> None:
        perform(DRIVER.stop(learned.config), self.answer)

    def listen(self, seconds: float) -> list[Packet]:
        heard = []
        for _ in range(round(seconds * 20)):
            self.now_s += 0.05
            for each in self.device.due(self.now_s) if self.device.is_streaming else ():
                self.device.account(each, is_sent=True)
                self.sent.append(each)
                heard.append(Packet(round((50 + self.now_s) * 1e9), "x", each.payload))
        self.packets += heard
        return heard


def decoded(learned: Learned, packets: list[Packet]) -> list[Any]:
    decoder = PolarPmdDecoder("x", 0, learned.config)
    return [item for each in packets for item in decoder.feed(each)] + list(decoder.finish())


def column(out: list[Any], attribute: str) -> Floats:
    return np.concatenate([getattr(item, attribute) for item in out if isinstance(item, ImuBlock)])


@pytest.mark.parametrize(
    ("name", "rate_hz", "acc_step_mps2", "has_gyr"),
    [
        ("", 52, ACC_FACTOR * STANDARD_GRAVITY_MPS2, True),
        ("Polar H10 D222AF24", 100, STANDARD_GRAVITY_MPS2 / 1000, False),
        ("Polar OH1 7A7B7C7D", 50, STANDARD_GRAVITY_MPS2 / 1000, False),
    ],
)
def test_samples_come_out_as_they_went_in(name: str, rate_hz: int, acc_step_mps2: float, has_gyr: bool) -> None:
    """Of each model, over 40 s, within half a step of its numbers, evenly, and none is lost."""
    client = Client(Swing(40.0), name)
    learned = client.start()
    assert learned.config["rate_hz"] == rate_hz
    assert learned.config["has_gyroscope"] is has_gyr
    out = decoded(learned, client.listen(42.0))
    assert {type(item) for item in out} == {ImuBlock}
    n = len(column(out, "t_s"))
    t_s = np.arange(n) / rate_hz
    assert n == client.device.sent == 40 * rate_hz
    assert client.device.is_through
    np.testing.assert_allclose(column(out, "acc_sensor_mps2"), acc_at(t_s), atol=0.51 * acc_step_mps2)
    np.testing.assert_allclose(np.diff(column(out, "t_s"))[1000:], 1 / rate_hz, atol=1e-3)
    if has_gyr:
        np.testing.assert_allclose(column(out, "gyr_sensor_radps"), gyr_at(t_s), atol=0.51 * GYR_FACTOR * DEG + 1e-4)
    else:
        assert all(item.gyr_sensor_radps is None for item in out)


def test_frames_leave_when_they_are_full() -> None:
    """A Verity Sense that lies still sends one about every 2.5 s, one that moves sooner; an H10 36 samples each."""
    still, moving, h10 = Client(StillWaveform()), Client(), Client(name="Polar H10 D222AF24")
    lengths = {}
    for name, client in (("still", still), ("moving", moving), ("h10", h10)):
        client.start()
        packets = client.listen(20.0)
        assert max(len(each.payload) for each in packets) <= MAX_PAYLOAD
        frames = [decode_frame(each.payload) for each in packets]
        lengths[name] = {len(frame.values) for frame in frames if frame.measurement == ACC}
    assert lengths["still"] == {133}
    assert max(lengths["moving"]) < 110
    assert lengths["h10"] == {36}


def test_later_firmware_scales_by_itself() -> None:
    """No factor in the answer, thousandths of g in the frames: the same acceleration."""
    client = Client()
    client.device.firmware_scales = True
    learned = client.start()
    assert learned.config["acc_factor"] == 1.0
    out = decoded(learned, client.listen(10.0))
    acc = column(out, "acc_sensor_mps2")
    np.testing.assert_allclose(acc, acc_at(np.arange(len(acc)) / 52), atol=0.0051)
    assert {decode_frame(each.payload).frame_type for each in client.packets} == {0x80, 0x81}


def test_it_counts_what_can_be_used() -> None:
    """At any moment the counter agrees with the samples that a client can have, rotation included."""
    client = Client()
    learned = client.start()
    decoder = PolarPmdDecoder("x", 0, learned.config)
    n = 0
    for _ in range(40):
        for each in client.listen(0.5):
            n += sum(len(item.t_s) for item in decoder.feed(each) if isinstance(item, ImuBlock))
        assert n == client.device.sent
    assert n > 900


def test_a_stream_that_was_not_stopped_goes_on_and_is_stopped_by_the_next_start() -> None:
    """After a lost link the sensor says "already"; the start script stops it first, and nothing is doubled."""
    client = Client()
    learned = client.start()
    before = client.listen(8.0)
    client.device.stop()  # the link is gone
    assert client.listen(5.0) == []
    client.answer(Subscribe(CONTROL_UUID))
    (already,) = client.device.on_write(CONTROL_UUID, bytes.fromhex("0202"), client.now_s, MAX_PAYLOAD)
    assert decode_answer(already.payload).status == 6
    client.answer(Subscribe(DATA_UUID))
    assert client.listen(4.0) != []  # what was never stopped is heard again
    client.device.stop()
    client.start()
    after = client.listen(8.0)
    decoder = PolarPmdDecoder("x", 0, learned.config)
    for each in before:
        decoder.feed(each)
    decoder.resumed(after[0].host_ns)
    out = [item for each in after for item in decoder.feed(each)]
    assert [gap.reason for gap in out if isinstance(gap, Gap)] == ["link_lost"]
    assert not [item for item in out if isinstance(item, BadPacket)]
    client.stop(learned)
    assert not client.device.is_streaming


def test_refusals_reach_the_person() -> None:
    """In its charger, and with packets too small for its frames, it says so through the driver."""
    client = Client()
    client.device.is_in_charger = True
    with pytest.raises(LinkError, match="in its charger"):
        client.start()
    with pytest.raises(LinkError, match="packets of this connection are too small"):
        Client(max_payload=20).start()


def status_of(client: Client, command: str) -> int:
    answers = client.device.on_write(CONTROL_UUID, bytes.fromhex(command), 0.0, MAX_PAYLOAD)
    return decode_answer(answers[0].payload).status


@pytest.mark.parametrize(
    ("name", "command", "status"),
    [
        ("", "0901", 1),
        ("", "010b", 2),
        ("Polar H10 1", "0105", 3),
        ("", "0202000134000101100002010800", 5),
        ("Polar H10 1", "02020001c80001011000020108000401 03", 5),
        ("Polar H10 1", "0202000134000101100002010800", 8),
        ("Polar H10 1", "02020001c8000101080002010800", 7),
        ("Polar H10 1", "02020001c8000101100002011000", 9),
        ("", "0202000134000101100002010800040104", 11),
        ("", "0302", 6),
        ("", "0202000134000101100002010800040103", 0),
    ],
)
def test_each_wrong_command_has_its_status(name: str, command: str, status: int) -> None:
    """As the page lists them: channels to an H10 are a wrong parameter, none to a Verity Sense too."""
    client = Client(name=name)
    client.answer(Subscribe(CONTROL_UUID))
    assert status_of(client, command) == status


def test_commands_need_indications() -> None:
    """A client that does not listen for answers is refused, as are unknown characteristics."""
    client = Client()
    with pytest.raises(RefusedError, match="indications"):
        client.device.on_write(CONTROL_UUID, bytes.fromhex("0102"), 0.0, MAX_PAYLOAD)
    client.answer(Subscribe(CONTROL_UUID))
    client.device.on_subscribe(CONTROL_UUID, False, 0.0, MAX_PAYLOAD)
    with pytest.raises(RefusedError, match="indications"):
        client.device.on_write(CONTROL_UUID, bytes.fromhex("0102"), 0.0, MAX_PAYLOAD)
    with pytest.raises(RefusedError, match="no write"):
        client.device.on_write(DATA_UUID, b"\x01\x02", 0.0, MAX_PAYLOAD)
    with pytest.raises(RefusedError, match="no read"):
        client.device.on_read(DATA_UUID)


def test_long_answers_come_in_parts() -> None:
    """Where the packets are small the settings go on in a further answer, and the driver puts them together."""
    client = Client(name="Polar H10 D222AF24", max_payload=20)
    client.answer(Subscribe(CONTROL_UUID))
    answers = client.device.on_write(CONTROL_UUID, bytes.fromhex("0102"), 0.0, 20)
    assert [(len(each.payload), each.payload[4]) for each in answers] == [(20, 1), (12, 0)]
    with pytest.raises(LinkError, match="too small"):  # the offer was understood; the start is what is refused
        client.start()


def test_it_is_found_as_its_model() -> None:
    """The table knows it, its name is heard by the driver, and it is a stream of the right measurements."""
    assert device_class("polar_pmd") is PolarPmdDevice
    client = Client()
    advert = client.device.advert
    assert DRIVER.is_heard_in(advert.name, advert.service_uuids)
    client.start()
    assert {decode_frame(each.payload).measurement for each in client.listen(4.0)} == {ACC, GYRO}


def test_differences_are_packed_as_the_vendor_packs_them() -> None:
    """Unpacked by hand: 6 bits each in the vendor's test, 4 are enough, and blocks of 20 begin with new bytes."""
    assert encode_deltas([(-15, 20, 1008), (-20, 17, 1008)]).hex() == "f1ff1400f0030401db00"
    content = encode_deltas([(0, 0, 0)] * 22)
    assert content == bytes(6) + b"\x04\x14" + bytes(30) + b"\x04\x01" + bytes(2)

"""Bluetooth without any: what is said when there is no adapter, and the table of sensors."""

from __future__ import annotations

import asyncio

import pytest
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakBluetoothNotAvailableError, BleakBluetoothNotAvailableReason, BleakError

from sensorsoma.clock import Clock
from sensorsoma.decode import DECODERS
from sensorsoma.decode.driver import BATTERY_LEVEL_UUID
from sensorsoma.decode.soma_v1_control import SERVICE_UUID
from sensorsoma.errors import BluetoothUnavailableError, SourceSpecError
from sensorsoma.messages import SourceStatus
from sensorsoma.settings import SourceSettings
from sensorsoma.sources.ble.doors import open_door
from sensorsoma.sources.ble.faults import bluetooth_errors
from sensorsoma.sources.ble.kinds import kind_named, kind_of, known_kinds
from sensorsoma.sources.ble.link import BleSource, LinkParams
from sensorsoma.sources.ble.scan import scan
from sensorsoma.sources.ble.talk import Talk, hang_up


@pytest.fixture
def no_bluetooth(monkeypatch):
    """A computer whose Bluetooth service cannot be reached, also where this test runs on one that has it."""
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/at/all")
    door = asyncio.run(open_door("native"))
    try:
        asyncio.run(scan(door, 0.01))
    except BluetoothUnavailableError:
        return
    pytest.skip("this system finds Bluetooth without D-Bus")


@pytest.mark.usefixtures("no_bluetooth")
def test_no_adapter_is_one_sentence():
    """Scanning and streaming without Bluetooth end with one sentence that says what else can be done."""

    async def story(heard):
        door = await open_door("native")
        settings = SourceSettings("right-thigh", "right-thigh", "ble", "soma_v1")
        with pytest.raises(BluetoothUnavailableError, match="virtual sensor") as caught:
            await BleSource(settings, door, Clock(), params=LinkParams(scan_s=0.2)).run(heard.append)
        return str(caught.value)

    heard = []
    sentence = asyncio.run(story(heard))
    assert sentence.endswith(".")
    assert "\n" not in sentence
    assert [m.state for m in heard if isinstance(m, SourceStatus)] == ["searching", "failed"]


@pytest.mark.parametrize(
    ("error", "wanted"),
    [
        (BleakBluetoothNotAvailableError("x", BleakBluetoothNotAvailableReason.POWERED_OFF), "switched off"),
        (BleakBluetoothNotAvailableError("x", BleakBluetoothNotAvailableReason.DENIED_BY_USER), "privacy"),
        (BleakBluetoothNotAvailableError("odd", BleakBluetoothNotAvailableReason.UNKNOWN), "odd"),
        (BleakError("in use\nby another"), "in use by another"),
        (TimeoutError(), "does not answer"),
    ],
)
def test_every_failure_of_the_stack_is_one_sentence(error, wanted):
    """Whatever a stack throws becomes one sentence."""
    with pytest.raises(BluetoothUnavailableError, match=wanted) as caught, bluetooth_errors():
        raise error
    assert "\n" not in str(caught.value)


def test_unknown_doors_are_refused():
    """A door that does not exist is named."""
    with pytest.raises(SourceSpecError, match="window"):
        asyncio.run(open_door("window:1"))


def test_every_kind_is_a_format_that_can_be_recognised_in_the_air():
    """Each kind has a decoder, and an advertisement of its own (boards of the config file bring theirs)."""
    for kind in known_kinds():
        assert kind.decoder in DECODERS
        assert kind.driver.service_uuid or kind.driver.names or kind.name == "generic"
        assert kind_named(kind.name) == kind


def test_an_advertisement_is_recognised_by_its_service():
    """The service says the kind; other devices have none."""
    found = kind_of("anything", [SERVICE_UUID])
    assert found is not None
    assert found.name == "soma_v1"
    assert kind_of("headphones", ["0000110b-0000-1000-8000-00805f9b34fb"]) is None


@pytest.mark.parametrize(
    ("name", "kind", "sees_rotation"),
    [
        ("Movesense 214430000123", "movesense", True),
        ("WT901BLE67", "witmotion", True),
        ("Xsens DOT", "xsens_dot", True),
        ("Movella DOT", "xsens_dot", True),
        ("Polar Sense A1B2C3D4", "polar_pmd", True),
        ("Polar H10 A1B2C3D4", "polar_pmd", False),
        ("Thingy", "thingy52", True),
        ("BBC micro:bit [vatop]", "microbit", False),
    ],
)
def test_a_sensor_is_recognised_by_the_name_that_its_maker_gave_it(name, kind, sees_rotation):
    """Nobody chooses a protocol: the advertised name is enough, and tells what can be measured."""
    found = kind_of(name, [])
    assert found is not None
    assert found.name == kind
    assert found.driver.sees_rotation(name) == sees_rotation
    assert ("no gyroscope" in found.measures(name)) != sees_rotation


def test_a_kind_that_does_not_exist_is_named_with_those_that_do():
    """A mistyped kind is answered with the nearest one."""
    with pytest.raises(SourceSpecError, match="did you mean movesense"):
        kind_named("movesens")


class Hanging:
    """A client whose goodbye fails, or never comes to an end, or takes its time."""

    def __init__(self, error: Exception | None = None, seconds: float = 0.0):
        self._error, self._seconds = error, seconds
        self.has_hung_up = False

    async def disconnect(self):
        await asyncio.sleep(self._seconds)
        if self._error is not None:
            raise self._error
        self.has_hung_up = True


@pytest.mark.parametrize("client", [Hanging(BleakError("gone")), Hanging(OSError()), Hanging(seconds=60)])
def test_hanging_up_never_fails_and_never_hangs(client):
    """A sensor that went away while it was asked to blink is no error of its own."""
    asyncio.run(hang_up(client, 0.05))
    assert not client.has_hung_up


def test_hanging_up_is_done_even_when_cancelled():
    """Ctrl-C while hanging up does not leave the sensor connected."""
    client = Hanging(seconds=0.1)

    async def story():
        parting = asyncio.create_task(hang_up(client, 1.0))
        await asyncio.sleep(0.02)
        parting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await parting

    asyncio.run(story())
    assert client.has_hung_up


class Twice:
    """A client of firmware that has one characteristic twice: once to be read, once to notify."""

    def __init__(self, uuid):
        self.services = BleakGATTServiceCollection()
        self.read, self.subscribed = [], []
        for handle, properties in ((1, ["read"]), (11, ["notify"])):
            service = BleakGATTService(None, handle, "0000180f-0000-1000-8000-00805f9b34fb")
            self.services.add_service(service)
            self.services.add_characteristic(
                BleakGATTCharacteristic(None, handle + 1, uuid, properties, lambda: 20, service)
            )

    async def read_gatt_char(self, characteristic):
        self.read.append(characteristic.handle)
        return bytearray(b"\x2a")

    async def start_notify(self, characteristic, callback):
        self.subscribed.append(characteristic.handle)


def test_a_characteristic_that_is_there_twice_is_taken_by_what_it_can():
    """Where one UUID stands for two characteristics, the one that can be read is read, the one that notifies heard."""
    client = Twice(BATTERY_LEVEL_UUID)
    talk = Talk(client, 1.0)

    async def story():
        await talk.subscribe(BATTERY_LEVEL_UUID, lambda _data: None)
        return await talk.read(BATTERY_LEVEL_UUID)

    assert asyncio.run(story()) == b"\x2a"
    assert (client.read, client.subscribed) == ([2], [12])
    assert talk.has(BATTERY_LEVEL_UUID)
    assert talk.can_notify(BATTERY_LEVEL_UUID)

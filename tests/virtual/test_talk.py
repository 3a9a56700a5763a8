"""Drivers' scripts over the real client: answers, silences and refusals reach the script."""

from __future__ import annotations

import pytest

from sensorsoma.clock import Clock
from sensorsoma.config.setup import handled_sensor
from sensorsoma.decode.driver import Ask, Await, Learned, Pause, Read, Subscribe, Write
from sensorsoma.decode.movesense_control import COMMAND_UUID, DATA_UUID
from sensorsoma.errors import LinkError
from sensorsoma.sources.ble.handled import listen_to_all
from sensorsoma.sources.ble.link import LinkParams
from sensorsoma.sources.ble.scan import scan
from sensorsoma.sources.ble.visit import connected, identify, read_battery

NOWHERE_UUID = "12345678-0000-4000-8000-000000000000"


def played(kit, script, kind="movesense"):
    """What a script returns when it is played to a virtual sensor, and what its stream brought."""

    async def story():
        world = await kit.start_in_process([f"pelvis={kind}@still"])
        (found,) = await scan(world.door, 0.3)
        stream = []
        try:
            async with connected(world.door, found, LinkParams(command_s=1.0)) as talk:
                return await talk.play(script, stream.append), stream
        finally:
            await world.close()

    return kit.run(story())


def test_an_answer_is_given_to_the_script_and_kept_out_of_the_stream(kit):
    """A question gets its answer, however many other notifications come; a quiet subscription records nothing."""

    def script():
        yield Subscribe(DATA_UUID, is_stream=False)
        yield Pause(0.01)
        answer = yield Ask(COMMAND_UUID, b"\x00\x01", lambda data: data[:2] == b"\x01\x01", within_s=2.0)
        return answer

    answer, stream = played(kit, script())
    assert answer is not None
    assert answer[:2] == b"\x01\x01"
    assert stream == []


def test_no_answer_in_time_is_none(kit):
    """A script that asks into silence goes on after its own time limit, and can try another way."""

    def script():
        yield Subscribe(DATA_UUID)
        first = yield Ask(COMMAND_UUID, b"\x00\x01", lambda data: data == b"never", within_s=0.1)
        second = yield Await(lambda data: data == b"never", within_s=0.1)
        third = yield Read(NOWHERE_UUID, is_optional=True)
        return [first, second, third]

    answers, _ = played(kit, script())
    assert answers == [None, None, None]


def test_a_refusal_can_be_caught_by_the_script(kit):
    """A request that fails is thrown into the script where it stands, so that older firmware gets a second chance."""

    def script():
        try:
            yield Write(NOWHERE_UUID, b"\x01")
        except LinkError as error:
            return Learned({"refused": str(error)})
        return Learned()

    learned, _ = played(kit, script())
    assert NOWHERE_UUID in learned.config["refused"]


def test_a_refusal_that_nobody_catches_ends_in_one_sentence(kit):
    """Firmware without a needed characteristic is named, with what to look at."""

    def script():
        yield Read(NOWHERE_UUID)

    with pytest.raises(LinkError, match="check its firmware"):
        played(kit, script())


def test_a_short_visit_reads_the_charge_and_lets_a_sensor_show_itself(kit, monkeypatch):
    """Both work for a sensor that can, and say so for one that cannot blink."""
    monkeypatch.setattr("sensorsoma.sources.ble.visit.SHOW_S", 1)

    async def story():
        world = await kit.start_in_process(["pelvis=soma_v1@still", "right-thigh=witmotion@still"])
        found = {each.kind.name: each for each in await scan(world.door, 0.4)}
        charge = {kind: await read_battery(world.door, each) for kind, each in found.items()}
        shown = {kind: await identify(world.door, each) for kind, each in found.items()}
        told = world.room.sensor("pelvis").device.battery_percent
        await world.close()
        return charge, shown, told

    charge, shown, told = kit.run(story())
    assert charge["soma_v1"] == told
    assert 0 < charge["witmotion"] <= 100
    assert shown == {"soma_v1": True, "witmotion": False}


def test_several_sensors_are_listened_to_at_once(kit):
    """Each that can be started gives its samples under its address; nobody holds one, so none is named."""

    async def story():
        world = await kit.start_in_process(["pelvis=thingy52@still", "right-thigh=xsens_dot@still"], Clock())
        found = await scan(world.door, 0.4)
        heard = await listen_to_all(world.door, found, listen_s=0.5)
        await world.close()
        return heard, {each.address for each in found}

    heard, addresses = kit.run(story())
    assert set(heard) == addresses
    assert all(acc.shape[1] == 3 and len(acc) > 15 for acc in heard.values())
    assert handled_sensor(heard) is None

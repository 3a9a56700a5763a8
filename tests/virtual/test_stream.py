"""The real bleak client on the virtual link: scanning, streaming, ending."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from bleak import BleakClient, BleakScanner
from bleak.exc import BleakGATTProtocolError

from sensorsoma.clock import Clock
from sensorsoma.decode.driver import BATTERY_LEVEL_UUID
from sensorsoma.decode.soma_v1_control import (
    CONTROL_UUID,
    DATA_UUID,
    INFO_UUID,
    IdentifyCommand,
    StartCommand,
    decode_info,
)
from sensorsoma.decode.soma_v1_frame import decode_frame
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet, SourceStatus
from sensorsoma.sources.ble.scan import scan
from sensorsoma.units import STANDARD_GRAVITY_MPS2
from sensorsoma.virtual.radio import RadioParams
from sensorsoma.virtual.room import RoomParams


def test_scan_finds_sensors_with_name_battery_and_strength(kit):
    """Everything that a person wants to know before choosing comes from the advertisements."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still", "pelvis=still"])
        found = await scan(world.door, 0.4)
        await world.close()
        return world, {each.name: each for each in found}

    world, found = kit.run(story())
    assert set(found) == {"Soma right-thigh", "Soma pelvis"}
    each = found["Soma pelvis"]
    assert (each.kind.name, each.rssi_dbm) == ("soma_v1", -55)
    assert each.battery_percent == world.room.sensor("pelvis").device.battery_percent
    assert each.address == world.room.sensor("pelvis").address


def test_scan_leaves_other_services_alone(kit):
    """A scanner that asks for heart-rate straps does not see motion sensors."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        strap = "0000180d-0000-1000-8000-00805f9b34fb"
        backend = world.door.backend(world.door.scanner_class)
        found = await BleakScanner.discover(timeout=0.3, service_uuids=[strap], **backend)
        await world.close()
        return found

    assert kit.run(story()) == []


def test_bare_client_sees_the_profile_of_the_notes(kit):
    """Characteristics, information record, battery and refusals are as firmware_notes/soma_v1.md says."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        (found,) = await scan(world.door, 0.3)
        async with BleakClient(found.device, **world.door.backend(world.door.client_class)) as client:
            data = client.services.get_characteristic(DATA_UUID)
            assert data is not None
            assert data.properties == ["notify"]
            assert client.mtu_size == 247
            info = decode_info(bytes(await client.read_gatt_char(INFO_UUID)))
            assert not info.is_streaming
            assert info.rates_hz[-1] == 208
            assert (await client.read_gatt_char(BATTERY_LEVEL_UUID))[0] == found.battery_percent
            await client.write_gatt_char(CONTROL_UUID, IdentifyCommand(3).to_bytes(), response=True)
            for refused in (b"\x77", StartCommand(rate_hz=7).to_bytes(), StartCommand(acc_range_g=3).to_bytes()):
                with pytest.raises(BleakGATTProtocolError):
                    await client.write_gatt_char(CONTROL_UUID, refused, response=True)
        await world.close()

    kit.run(story())


@pytest.mark.parametrize("mtu", [23, 247])
def test_stream_arrives_whole_at_any_mtu(kit, mtu):
    """Samples come without a hole at the smallest and at the usual MTU, and the counters agree."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"], params=RoomParams(max_mtu=mtu))
        stage = kit.start(world, [kit.settings("right-thigh", rate_hz=104)])
        await stage.heard.until(lambda: stage.heard.n_samples() > 104)
        await stage.stop()
        counters = (await world.ask(type="counters"))["right-thigh"]
        await world.close()
        return stage.heard, counters

    heard, counters = kit.run(story())
    assert not heard.of(Gap)
    assert not heard.of(BadPacket)
    assert max(len(packet.payload) for packet in heard.of(Packet)) <= mtu - 3
    assert 0 <= counters["sent"] - heard.n_samples() <= 10  # what was in the air when it was stopped
    assert counters["dropped"] == 0
    assert heard.of(SourceStatus)[-1].device_dropped == 0
    np.testing.assert_allclose(heard.of(ImuBlock)[0].acc_sensor_mps2[:, 2], STANDARD_GRAVITY_MPS2)


def test_status_goes_through_its_states_and_says_simulated(kit):
    """A screen can follow searching, connecting, starting, streaming, stopped; a virtual link says so each time."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still:0.4"])
        stage = kit.start(world, [kit.settings()])
        await asyncio.wait_for(stage.tasks[0], 8)
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert heard.states == ["searching", "connecting", "starting", "streaming", "stopped"]
    assert all(status.is_simulated for status in heard.of(SourceStatus))
    last = heard.of(SourceStatus)[-1]
    assert last.device_name == "Soma right-thigh"
    assert last.rssi_dbm == -55
    assert last.battery_percent is not None


def test_a_finite_sensor_ends_its_source_with_everything_delivered(kit):
    """The last frame ends the source by itself; every sample has come."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still:1"])
        stage = kit.start(world, [kit.settings("right-thigh", rate_hz=100)])
        await asyncio.wait_for(stage.tasks[0], 8)
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert heard.n_samples() == 100
    assert decode_frame(heard.of(Packet)[-1].payload).is_last
    assert not heard.of(Gap)


def test_acceleration_only_on_request(kit):
    """A sensor asked for acceleration only sends three numbers a sample."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still:0.3"])
        stage = kit.start(world, [kit.settings("right-thigh", acc_only=True)])
        await asyncio.wait_for(stage.tasks[0], 8)
        await world.close()
        return stage.heard

    blocks = kit.run(story()).of(ImuBlock)
    assert blocks
    assert all(block.gyr_sensor_radps is None for block in blocks)


def test_bad_air_delays_but_loses_nothing(kit):
    """With 20 % of the packets sent again everything still arrives, in order."""

    async def story():
        params = RoomParams(radio=RadioParams(packet_error_rate=0.2))
        world = await kit.start_in_process(["right-thigh=still:1.5"], params=params)
        stage = kit.start(world, [kit.settings("right-thigh", rate_hz=208)])
        await asyncio.wait_for(stage.tasks[0], 8)
        n_resent = world.room.radio.n_resent
        await world.close()
        return stage.heard, n_resent

    heard, n_resent = kit.run(story())
    assert n_resent > 10
    assert heard.n_samples() == 312
    assert not heard.of(Gap)


def test_a_slow_radio_makes_the_sensor_drop_and_both_counts_agree(kit):
    """When the radio carries less than the sensor measures, holes seen by the client equal the sensor's own count."""

    async def story():
        clock = Clock(4.0)
        params = RoomParams(radio=RadioParams(packets_per_event=1, packet_error_rate=0.2))
        world = await kit.start_in_process(["right-thigh=still"], clock, params, interval_ms=40)
        stage = kit.start(world, [kit.settings("right-thigh", rate_hz=208, samples_per_frame=3)])
        await stage.heard.until(lambda: len(stage.heard.of(Gap)) >= 8, 15)
        await stage.stop()
        await world.close()
        return stage.heard

    heard = kit.run(story())
    lost = sum(gap.n_lost for gap in heard.of(Gap))
    last = kit.frames(heard)[-1]
    assert lost > 0
    assert heard.n_samples() + lost == last.number + last.n_samples
    assert lost <= heard.of(SourceStatus)[-1].device_dropped


def test_three_sensors_at_104_hz_lose_nothing(kit):
    """Three sensors with a 15 ms interval deliver every sample for some seconds."""

    async def story():
        sensors = ["right-thigh=still:3", "left-thigh=still:3", "pelvis=still:3"]
        world = await kit.start_in_process(sensors)
        channels = [text.partition("=")[0] for text in sensors]
        stage = kit.start(world, [kit.settings(channel) for channel in channels])
        await asyncio.wait_for(asyncio.gather(*stage.tasks), 15)
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert {name: heard.n_samples(name) for name in heard.found} == dict.fromkeys(
        ("right-thigh", "left-thigh", "pelvis"), 312
    )
    assert not heard.of(Gap)


def test_samples_are_evenly_spaced_although_notifications_come_in_bunches(kit):
    """Times come from the sensor's clock; from the first block on spacing is within some per cent of even."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still:1.5"], Clock())
        stage = kit.start(world, [kit.settings("right-thigh", rate_hz=100)])
        await asyncio.wait_for(stage.tasks[0], 8)
        await world.close()
        return np.concatenate([block.t_s for block in stage.heard.of(ImuBlock)])

    steps = np.diff(kit.run(story()))
    assert len(steps) == 149
    np.testing.assert_allclose(steps, 0.01, rtol=0.08)

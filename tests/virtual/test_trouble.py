"""What goes wrong on a real link, played on the virtual one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from bleak import BleakClient
from bleak.exc import BleakError

from sensorsoma.decode.driver import BATTERY_LEVEL_UUID, BATTERY_SERVICE_UUID, Learned
from sensorsoma.decode.soma_v1 import DRIVER
from sensorsoma.decode.soma_v1_control import INFO_UUID, SERVICE_UUID
from sensorsoma.decode.soma_v1_frame import is_last_frame
from sensorsoma.errors import DeviceNotFoundError, LinkError
from sensorsoma.messages import BadPacket, Gap, Packet, SourceStatus, StreamInterrupted, StreamResumed
from sensorsoma.sources.ble.kinds import Kind
from sensorsoma.sources.ble.link import LinkParams
from sensorsoma.sources.ble.scan import scan
from sensorsoma.virtual.devices.base import Advert, port
from sensorsoma.virtual.devices.soma_v1 import SomaV1Device


def test_ten_seconds_of_silence_are_survived_by_itself(kit):
    """A blackout interrupts once, resumes once, marks one gap of about its length, and streaming goes on."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        heard = stage.heard
        await heard.until(lambda: heard.n_samples() > 300)
        await world.ask(type="blackout", seconds=10)
        await heard.until(lambda: bool(heard.of(StreamResumed)), 15)
        n_then = heard.n_samples()
        await heard.until(lambda: heard.n_samples() > n_then + 300)
        await stage.stop()
        await world.close()
        return heard

    heard = kit.run(story())
    (interrupted,), (resumed,), (gap,) = heard.of(StreamInterrupted), heard.of(StreamResumed), heard.of(Gap)
    assert 5 < (resumed.host_ns - interrupted.host_ns) / 1e9 < 40
    assert gap.reason == "link_lost"
    assert gap.end_s - gap.start_s > 9
    order = [type(m).__name__ for m in heard.messages if isinstance(m, Packet | StreamInterrupted | StreamResumed)]
    at = order.index("StreamInterrupted")
    assert order[at + 1] == "StreamResumed"
    assert "streaming lost searching connecting starting streaming" in " ".join(heard.states)


def test_both_sides_count_the_same_after_a_blackout(kit):
    """What the sensor says it sent and dropped since the reconnect is what the client has and misses."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        heard = stage.heard
        await heard.until(lambda: heard.n_samples() > 100)
        await world.ask(type="blackout", seconds=5)
        await heard.until(lambda: bool(heard.of(StreamResumed)), 15)
        await asyncio.sleep(0.3)
        await stage.stop()
        counters = (await world.ask(type="counters"))["right-thigh"]
        await world.close()
        return heard, counters

    heard, counters = kit.run(story())
    parts = kit.frames(heard)
    again = max(i for i, frame in enumerate(parts) if frame.is_first)
    n_after = sum(frame.n_samples for frame in parts[again:])
    assert 0 <= counters["sent"] - n_after <= 15
    assert counters["dropped"] == sum(gap.n_lost or 0 for gap in heard.of(Gap) if gap.reason == "lost_packets")


def test_a_sensor_that_hangs_up_is_fetched_back(kit):
    """A sensor that ends the connection itself is found and started again."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: stage.heard.n_samples() > 50)
        await world.ask(type="hang_up", sensor="right-thigh")
        await stage.heard.until(lambda: bool(stage.heard.of(StreamResumed)))
        await stage.stop()
        await world.close()
        return stage.heard

    assert len(kit.run(story()).of(StreamInterrupted)) == 1


def test_garbage_is_a_bad_packet_and_streaming_goes_on(kit):
    """Bytes that are no frame are reported once each; no sample is lost by them."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: stage.heard.n_samples() > 20)
        for garbage in ("", "ff", "00" * 30, "11ff" + "22" * 60):
            await world.ask(type="raw", sensor="right-thigh", hex=garbage)
        n_then = stage.heard.n_samples()
        await stage.heard.until(lambda: stage.heard.n_samples() > n_then + 50)
        await stage.stop()
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert len(heard.of(BadPacket)) == 4
    assert not heard.of(Gap)
    assert not heard.of(StreamInterrupted)


def test_a_silent_sensor_counts_as_lost_although_connected(kit):
    """A link that stands but carries nothing is dropped and built anew by the watchdog."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        params = LinkParams(silence_s=0.3, silence_real_s=0.3, backoff_s=0.05)
        stage = kit.start(world, [kit.settings()], params)
        await stage.heard.until(lambda: stage.heard.n_samples() > 20)
        world.room.sensor("right-thigh").device.stop()
        world.room.sensor("right-thigh")._stop_pump()
        await stage.heard.until(lambda: bool(stage.heard.of(StreamResumed)))
        await stage.stop()
        await world.close()
        return stage.heard

    assert "no data" in kit.run(story()).of(StreamInterrupted)[0].reason


def test_cancelling_stops_the_sensor_and_hangs_up(kit):
    """Ctrl-C leaves no sensor streaming: it has got the stop command and is free for others, within a second."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: stage.heard.n_samples() > 20)
        sensor = world.room.sensor("right-thigh")
        assert sensor.is_connected
        async with asyncio.timeout(2):
            await stage.stop()
        assert not sensor.device.is_streaming
        await stage.heard.until(lambda: not sensor.is_connected, 1)
        assert world.door.claims == {}
        await world.close()
        return stage.heard

    assert kit.run(story()).states[-1] == "stopped"


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.1, 0.2, 0.35, "goodbye"])
def test_cancelling_at_any_moment_leaves_nothing_behind(kit, moment):
    """Whatever the supervisor is doing, cancelling ends it and another can connect afterwards."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still:0.2"])
        stage = kit.start(world, [kit.settings()])
        if moment == "goodbye":
            await stage.heard.until(lambda: any(is_last_frame(p.payload) for p in stage.heard.of(Packet)))
            await asyncio.sleep(0.002)
        else:
            await asyncio.sleep(moment)
        async with asyncio.timeout(4):
            await stage.stop()
        again = kit.start(world, [kit.settings()])
        await asyncio.wait_for(again.tasks[0], 8)
        await world.close()
        return again.heard

    assert kit.run(story()).states[-1] == "stopped"


def test_nobody_there_is_one_sentence(kit):
    """A sensor that is never heard is said so, with what to do."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings(address="C0:00:00:00:00:01")], LinkParams(scan_s=0.3))
        with pytest.raises(DeviceNotFoundError, match=r"C0:00:00:00:00:01 .* say with --kind what it is"):
            await stage.tasks[0]
        await world.close()
        return stage.heard

    assert kit.run(story()).of(SourceStatus)[-1].state == "failed"


def test_given_up_when_asked_to(kit):
    """With a limit, a sensor that stays away ends the source with one sentence."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        params = LinkParams(rescan_s=0.2, give_up_s=6.0)
        stage = kit.start(world, [kit.settings()], params)
        await stage.heard.until(lambda: stage.heard.n_samples() > 20)
        await world.ask(type="blackout", seconds=600)
        with pytest.raises(LinkError, match="did not come back"):
            await asyncio.wait_for(stage.tasks[0], 15)
        await world.close()

    kit.run(story())


def test_two_sources_that_take_any_sensor_take_different_ones(kit):
    """Sensors named after a place go there, whoever asks first; unnamed wishes share what is left."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still", "left-thigh=still"])
        stage = kit.start(world, [kit.settings("left-thigh"), kit.settings("right-thigh")])
        await stage.heard.until(lambda: len(stage.heard.found) == 2)
        await stage.stop()
        await world.close()
        return {status.channel: status.device_name for status in stage.heard.of(SourceStatus)}

    assert kit.run(story()) == {"left-thigh": "Soma left-thigh", "right-thigh": "Soma right-thigh"}


def test_a_sensor_named_for_elsewhere_is_taken_when_nobody_else_wants_it(kit):
    """The one sensor in reach serves any place, and a name or an address picks one."""

    async def story():
        world = await kit.start_in_process(["pelvis=still", "belly=still"])
        wishes = [kit.settings("right-thigh", address="soma BELLY"), kit.settings("left-thigh")]
        stage = kit.start(world, wishes)
        await stage.heard.until(lambda: len(stage.heard.found) == 2)
        await stage.stop()
        await world.close()
        return {status.channel: status.device_name for status in stage.heard.of(SourceStatus)}

    assert kit.run(story()) == {"right-thigh": "Soma belly", "left-thigh": "Soma pelvis"}


def test_battery_changes_are_told(kit):
    """A falling battery shows in the status while streaming."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: stage.heard.n_samples() > 10)
        levels = []
        for percent in range(60, 0, -1):  # the source may not have subscribed yet when the first ones are sent
            await world.ask(type="battery", sensor="right-thigh", percent=percent)
            await asyncio.sleep(0.05)
            levels = [status.battery_percent for status in stage.heard.of(SourceStatus)]
            if percent in levels:
                break
        await stage.stop()
        await world.close()
        return percent, levels

    percent, levels = kit.run(story())
    assert percent in levels


def test_silence_ends_a_link_on_both_sides_with_the_time_out_reason(kit):
    """After the supervision time-out client and sensor both know, with reason 0x08, and a pending request fails."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        (found,) = await scan(world.door, 0.3)
        gone = asyncio.Event()
        backend = world.door.backend(world.door.client_class)
        client = BleakClient(found.device, disconnected_callback=lambda _: gone.set(), **backend)
        await client.connect()
        await world.ask(type="blackout", seconds=30)
        with pytest.raises(BleakError):
            await asyncio.wait_for(client.read_gatt_char(INFO_UUID), 5)
        await asyncio.wait_for(gone.wait(), 5)
        assert not client.is_connected
        assert client._backend.disconnect_reason == 0x08
        assert not world.room.sensor("right-thigh").is_connected
        with pytest.raises(TimeoutError):
            await client.connect(timeout=0.3)
        await world.close()

    kit.run(story())


def test_a_short_silence_is_only_a_delay(kit):
    """Silence below the supervision time-out loses nothing: the sensor's queue holds it back."""

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: stage.heard.n_samples() > 50)
        await world.ask(type="blackout", seconds=1.0)
        n_then = stage.heard.n_samples()
        await stage.heard.until(lambda: stage.heard.n_samples() > n_then + 250)
        await stage.stop()
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert not heard.of(Gap)
    assert not heard.of(StreamInterrupted)


def test_a_sensor_that_comes_back_is_started_with_what_it_said_before(kit):
    """The recording holds one description of the stream, so a later start must lead to the same one."""
    started = []

    def start(config):
        started.append(config.get("factor"))
        yield from DRIVER.start(config)
        return Learned({"factor": 0.5})

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        world.door.boards = (Kind("spy", "soma_v1", replace(DRIVER, start=start)),)
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: stage.heard.n_samples() > 20)
        await world.ask(type="hang_up", sensor="right-thigh")
        await stage.heard.until(lambda: bool(stage.heard.of(StreamResumed)))
        await stage.stop()
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert started == [None, 0.5]
    first_packet = next(i for i, message in enumerate(heard.messages) if isinstance(message, Packet))
    told = [m.config for m in heard.messages[:first_packet] if isinstance(m, SourceStatus) and m.config is not None]
    assert told[0] == {"factor": 0.5}


def test_a_charge_that_can_only_be_read_is_read(kit, monkeypatch):
    """Many sensors tell their charge when asked and never by themselves."""
    charge = {BATTERY_SERVICE_UUID: (port(BATTERY_LEVEL_UUID, "read"),)}
    monkeypatch.setattr(SomaV1Device, "has_battery_service", False)
    monkeypatch.setattr(SomaV1Device, "services", {**SomaV1Device.services, **charge})
    monkeypatch.setattr(SomaV1Device, "advert", property(lambda self: Advert(self.name, (SERVICE_UUID,))))

    async def story():
        world = await kit.start_in_process(["right-thigh=still"])
        world.room.sensor("right-thigh").device.battery_percent = 43
        stage = kit.start(world, [kit.settings()])
        await stage.heard.until(lambda: any(status.battery_percent == 43 for status in stage.heard.of(SourceStatus)))
        await stage.heard.until(lambda: stage.heard.n_samples() > 20)
        await stage.stop()
        await world.close()
        return stage.heard

    heard = kit.run(story())
    assert heard.of(SourceStatus)[-1].battery_percent == 43
    assert not heard.of(StreamInterrupted)

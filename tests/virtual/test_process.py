"""The virtual room as a process of its own."""

from __future__ import annotations

import asyncio
import json

import pytest

from sensorsoma.clock import Clock
from sensorsoma.errors import InputFileError, LinkError, SourceSpecError
from sensorsoma.messages import Cue, Gap, StepStarted, StreamInterrupted, Tick
from sensorsoma.simulate.temperament import TEMPERAMENTS
from sensorsoma.sources.ble.doors import open_door
from sensorsoma.sources.ble.link import LinkParams
from sensorsoma.virtual.__main__ import parse
from sensorsoma.virtual.devices import DEVICES
from sensorsoma.virtual.launcher import start_virtual
from sensorsoma.virtual.lines import to_line
from sensorsoma.virtual.room import SensorSpec


def test_two_processes_stream_and_the_person_hears(kit):
    """A person in another process streams over Bluetooth, hears a step begin, and the truth tells of it."""

    async def story():
        clock = Clock(8.0)
        world = await start_virtual(["right-thigh=person"], speed=8.0, seed=3)
        stage = kit.start(world, [kit.settings()], clock=clock)
        await stage.heard.until(lambda: stage.heard.n_samples() > 100, 20)
        step = StepStarted(1.0, "clams", 0, 1, "Clamshells", "stillness", None, False, None, {"seconds": 20})
        world.on_message(step)
        world.on_message(Cue(1, 1.0, "stillness.start", "say", "Lie still.", 1.0))
        world.on_message(Tick(0))
        await stage.heard.until(lambda: stage.heard.n_samples() > 1500)
        truth, counters = await world.truth(), await world.ask(type="counters")
        await stage.stop()
        process = world.process
        await world.close()
        return stage.heard, truth, counters, process

    heard, truth, counters, process = kit.run(story())
    assert not heard.of(Gap)
    assert counters["right-thigh"]["dropped"] == 0
    assert [stretch["exercise"] for stretch in truth["stretches"]] == ["stillness"]
    assert process.returncode == 0


def test_a_killed_sensor_process_is_a_lost_link_then_an_end(kit):
    """When the sensors vanish the source says lost, looks for them, and gives up as told; nothing hangs."""

    async def story():
        world = await start_virtual(["right-thigh=still"])
        params = LinkParams(rescan_s=0.2, backoff_s=0.05, give_up_s=0.5)
        stage = kit.start(world, [kit.settings()], params, clock=Clock())
        await stage.heard.until(lambda: stage.heard.n_samples() > 20, 20)
        world.process.kill()
        with pytest.raises(LinkError):
            await asyncio.wait_for(stage.tasks[0], 15)
        async with asyncio.timeout(8):
            await world.close()
        return stage.heard

    assert kit.run(story()).of(StreamInterrupted)


def test_the_process_ends_when_its_input_closes(kit):
    """A room never outlives the program that started it."""

    async def story():
        world = await start_virtual(["right-thigh=still"])
        world.process.stdin.close()
        code = await asyncio.wait_for(world.process.wait(), 5)
        await world.close()
        return code

    assert kit.run(story()) == 0


def test_mistakes_come_back_as_the_right_error(kit, tmp_path):
    """A mistyped sensor and a file that cannot be played are told as they would be within one process."""
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    with pytest.raises(SourceSpecError, match="hat=person"):
        kit.run(start_virtual(["hat=person"]))
    with pytest.raises(InputFileError, match=r"empty\.csv"):
        kit.run(start_virtual([f"pelvis={empty}"]))


@pytest.mark.parametrize(
    ("plays", "wanted"),
    [("movesens", "did you mean movesense?"), ("microbit", "found 'microbit'"), ("xsens-dot@still", "mean xsens_dot?")],
)
def test_a_kind_that_has_no_virtual_sensor_is_told_from_a_file(plays, wanted):
    """A word is taken for a kind, and those that exist are named; what looks like a path stays a file."""
    with pytest.raises(SourceSpecError, match="thingy52") as caught:
        SensorSpec.parse(f"right-thigh={plays}")
    assert wanted in str(caught.value)
    assert SensorSpec.parse("right-thigh=nowhere.csv").plays == "nowhere.csv"


def test_an_unpacked_export_without_a_dot_is_no_kind(tmp_path, monkeypatch):
    """A folder that is there is played, whatever it is called."""
    (tmp_path / "export").mkdir()
    monkeypatch.chdir(tmp_path)
    assert SensorSpec.parse("right-thigh=export").plays == "export"


def test_help_lists_what_may_be_in_a_room(capsys):
    """Nobody has to read the source for a kind or for what the person may be like."""
    with pytest.raises(SystemExit):
        parse(["--help"])
    shown = capsys.readouterr().out
    assert all(word in shown for word in [*DEVICES, "still", "difficulties", "waits_for_words", *TEMPERAMENTS])


def test_a_door_to_nobody_is_one_sentence(kit):
    """An address where nothing listens is said so."""
    with pytest.raises(LinkError, match=r"127\.0\.0\.1:1"):
        kit.run(open_door("virtual:127.0.0.1:1"))


@pytest.mark.parametrize("address", ["foo", "foo:", ":6402", "", "127.0.0.1:99999"])
def test_a_door_without_a_port_says_what_is_missing(kit, address):
    """An address that cannot be one is not dialled."""
    with pytest.raises(SourceSpecError, match="HOST:PORT"):
        kit.run(open_door(f"virtual:{address}"))


def test_only_what_can_be_heard_is_passed_on():
    """Cues and steps become JSON lines; ticks do not."""
    assert to_line(Tick(0)) is None
    line = to_line(Cue(1, 2.0, "clamshell.start", "say", "Open the knee.", 2.0))
    assert json.loads(line)["key"] == "clamshell.start"

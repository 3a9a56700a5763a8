"""`setup`: which sensor sits where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sensorsoma.cli.common import finite, note
from sensorsoma.cli.questions import yes_or_no

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sensorsoma.config import Config, SensorEntry
    from sensorsoma.live.findings import Finding
    from sensorsoma.messages import Placement
    from sensorsoma.sources.ble.doors import Door
    from sensorsoma.sources.ble.scan import Found
    from sensorsoma.sources.spec import SourceSpec


def setup(
    sources: Annotated[
        list[str] | None,
        typer.Argument(help="PLACEMENT=KIND[:ADDRESS] to remember; without any you are asked."),
    ] = None,
    seconds: Annotated[
        float, typer.Option(callback=finite, help="How long to listen for sensors.", min=0.5, max=120)
    ] = 5.0,
    door: Annotated[str, typer.Option(help="native, or virtual:HOST:PORT for a virtual room.")] = "native",
    kind: Annotated[
        str | None, typer.Option(help="The odd case: take every Bluetooth sensor for this kind, as scan names it.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Save without asking or looking.")] = False,
) -> None:
    """Find your sensors and remember where each one sits.

    Shows how each one sits before it is kept.

    Example: sensorsoma setup right-thigh=ble
    """
    from sensorsoma.config import boards_of, config_path, load_config, preview, save_config, with_sensor
    from sensorsoma.sources.ble.kinds import kind_named
    from sensorsoma.sources.loop import run
    from sensorsoma.sources.spec import check_complete, parse_sources

    before = after = load_config()
    if kind is not None:
        kind_named(kind, boards_of(before))
    if sources:
        for spec in parse_sources(sources):
            check_complete(spec)
            after = with_sensor(after, spec.placement, _entry(spec, after, door, seconds, kind, may_look=not yes))
    else:
        for placement, entry in run(_ask(door, seconds, kind, after)):
            after = with_sensor(after, placement, entry)
    changes = preview(before, after)
    if not changes:
        print("Nothing to change; this is remembered already.")
        return
    print(f"This will be written to {config_path()}:\n\n{changes}\n")
    if yes or yes_or_no("Save it?", default=True):
        print(f"Saved: {save_config(after)}")


def _entry(
    spec: SourceSpec, config: Config, door: str, seconds: float, kind: str | None, *, may_look: bool
) -> SensorEntry:
    """What is remembered of a source that was typed."""
    from sensorsoma.config import SensorEntry
    from sensorsoma.errors import SourceError
    from sensorsoma.sources.loop import run

    if spec.kind == "sensor-logger":
        return _phone(spec, config)
    if spec.kind != "ble":
        return SensorEntry(spec.kind, spec.address)
    if may_look:
        try:
            return run(_find_and_look(spec, config, door, seconds, kind))
        except SourceError as error:
            note(f"{error} It is remembered as you typed it.")
    return SensorEntry("ble", spec.address, device=kind)


async def _find_and_look(
    spec: SourceSpec, config: Config, door_name: str, seconds: float, device: str | None
) -> SensorEntry:
    """The sensor that a placement would take, after a few seconds of its stream.

    Raises:
        SourceError: there is no Bluetooth, or the sensor is not heard.
    """
    from sensorsoma.config import SensorEntry, boards_of
    from sensorsoma.errors import DeviceNotFoundError
    from sensorsoma.sources.ble.doors import open_door
    from sensorsoma.sources.ble.kinds import kind_named
    from sensorsoma.sources.ble.scan import find

    door = await open_door(door_name)
    door.boards = boards_of(config)
    try:
        kind = None if device is None else kind_named(device, door.boards)
        async with door.radio_lock:
            found = await find(door, kind, spec.placement, spec.address, seconds)
        if found is None:
            raise DeviceNotFoundError(f"Listened {seconds:g} s for {spec} and heard nothing; wake it, bring it near.")
        note(f"{found.name} ({found.address}), {found.kind.driver.title}")
        for finding in await _look(door, spec.placement, found.address, found.kind.name):
            note(finding.line())
        return SensorEntry("ble", found.address, found.name, device=found.kind.name)
    finally:
        await door.close()


def _phone(spec: SourceSpec, config: Config) -> SensorEntry:
    """A phone with a secret word that stays and, when somebody is there to lay it down, its sign convention."""
    import sys

    from sensorsoma.clock import Clock
    from sensorsoma.config import SensorEntry
    from sensorsoma.sources.loop import run
    from sensorsoma.sources.phone.face_up import learn_sign
    from sensorsoma.sources.phone.sensor_logger import SensorLoggerSource, make_token

    kept = config.sensors.get(spec.placement)
    known = kept if kept is not None and kept.kind == spec.kind and spec.address in (None, kept.address) else None
    word = spec.address or (known.address if known else None) or make_token()
    sign = known.sign if known else None
    clock = Clock()
    source = SensorLoggerSource({spec.placement: word}, clock, config.phone_port)
    note(f"Push URL for Sensor Logger: {source.url(spec.placement)}")
    if sys.stdin.isatty() and yes_or_no("Listen to the phone now, to learn which way is up for it?", default=True):
        note("Start recording in the app, then lay the phone on the table, screen up.")
        sign = run(learn_sign(source, clock, lambda status: note(status.text) if status.text else None))
        note(f"Understood: sign {sign}.")
    return SensorEntry(spec.kind, word, known.name if known else None, sign)


async def _ask(
    door_name: str, seconds: float, device: str | None, config: Config
) -> list[tuple[Placement, SensorEntry]]:
    """Scans, finds out which sensor is which, asks where each one sits, and looks at how it sits.

    Questions block the loop: nothing is connected while somebody thinks.

    Raises:
        BluetoothUnavailableError: there is no Bluetooth.
        DeviceNotFoundError: nothing was heard.
    """
    from sensorsoma.cli.asked import check_adapter
    from sensorsoma.cli.scan import as_rows, print_table
    from sensorsoma.config import SensorEntry, boards_of
    from sensorsoma.errors import DeviceNotFoundError
    from sensorsoma.sources.ble.doors import open_door
    from sensorsoma.sources.ble.scan import scan

    if door_name == "native":
        check_adapter()
    door = await open_door(door_name)
    door.boards = boards_of(config)
    try:
        note(f"Listening for {seconds:g} s ...")
        found = await scan(door, seconds)
        if not found:
            raise DeviceNotFoundError(
                "Expected a sensor nearby, heard none; wake it and bring it close, or see `sensorsoma doctor`."
            )
        print_table(as_rows(found, door.is_simulated))
        chosen: list[tuple[Placement, SensorEntry]] = []
        async for each in _one_by_one(door, found):
            where = _where(each)
            if where is None:
                continue
            kind = device or each.kind.name
            for finding in await _look(door, where, each.address, kind):
                note(finding.line())
            chosen = [(place, entry) for place, entry in chosen if place != where]
            chosen.append((where, SensorEntry("ble", each.address, each.name, device=kind)))
        return chosen
    finally:
        await door.close()


async def _one_by_one(door: Door, found: list[Found]) -> AsyncIterator[Found]:
    """Every sensor once, after it was made plain which one it is: it blinks, it is the only one of its kind, or it is
    the one that is moved."""
    left = list(found)
    while left:
        alike = [each for each in left if each.kind.name == left[0].kind.name]
        can_blink = left[0].kind.driver.identify is not None
        each = left[0]
        if len(alike) > 1 and not can_blink:
            each = await _moved_one(door, alike) or each
        left.remove(each)
        note(f"\n{each.name} ({each.address})")
        if can_blink and await _show_itself(door, each):
            note("It shows itself now, by light or by buzzing.")
        yield each


async def _moved_one(door: Door, found: list[Found]) -> Found | None:
    """The one that somebody moves while all of them are listened to; None when that is not clear."""
    from sensorsoma.config.setup import handled_sensor
    from sensorsoma.sources.ble.handled import listen_to_all

    if not yes_or_no("\nTake one of them in your hand and move it, so that it is known by that. Ready?", default=True):
        return None
    note("Listening to all of them for some seconds; keep moving that one ...")
    acc_mps2 = await listen_to_all(door, found)
    moved = handled_sensor(acc_mps2)
    if moved is None:
        note("It did not become clear which one that was; they are shown in turn.")
    return next((each for each in found if each.address == moved), None)


def _where(found: Found) -> Placement | None:
    """Where the person says that it sits."""
    from sensorsoma.messages import PLACEMENTS

    question = f"Where does {found.name} sit? {', '.join(PLACEMENTS)}, or leave out"
    while True:
        answer = typer.prompt(question, default="leave out").strip().lower().replace(" ", "-")
        for placement in PLACEMENTS:
            if placement == answer:
                return placement
        if answer == "leave-out":
            return None
        question = f"Expected one of {', '.join(PLACEMENTS)}, or leave out"


async def _show_itself(door: Door, found: Found) -> bool:
    """Asks a sensor to blink or buzz; False when it cannot be reached."""
    from sensorsoma.errors import SourceError
    from sensorsoma.sources.ble.visit import identify

    try:
        return await identify(door, found)
    except SourceError:
        return False


async def _look(door: Door, placement: Placement, address: str | None, device: str | None) -> list[Finding]:
    """A few seconds of its stream: rate, resting length of gravity, signal, battery."""
    from sensorsoma.cli.beginning import look_at
    from sensorsoma.cli.opening import source_settings
    from sensorsoma.clock import Clock
    from sensorsoma.sources.ble.link import BleSource
    from sensorsoma.sources.spec import SourceSpec

    note("Looking at it for a few seconds; leave it still ...")
    clock = Clock()
    settings = source_settings(SourceSpec(placement, "ble", address, device=device), door.boards)
    return await look_at([BleSource(settings, door, clock)], [settings], clock)

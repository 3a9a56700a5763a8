"""`setup`: which sensor sits where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import finite, note

if TYPE_CHECKING:
    from sensorsoma.config import Config, SensorEntry
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
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Save without asking.")] = False,
) -> None:
    """Find your sensors and remember where each one sits.

    Shows how each one sits before it is kept.

    Example: sensorsoma setup right-thigh=ble
    """
    from sensorsoma.config import SensorEntry, config_path, load_config, preview, save_config, with_sensor
    from sensorsoma.sources.spec import parse_sources

    before = after = load_config()
    if sources:
        for spec in parse_sources(sources):
            entry = _phone(spec, after) if spec.kind == "sensor-logger" else SensorEntry(spec.kind, spec.address)
            after = with_sensor(after, spec.placement, entry)
    else:
        for placement, entry in _ask(door, seconds):
            after = with_sensor(after, placement, entry)
    changes = preview(before, after)
    if not changes:
        print("Nothing to change; this is remembered already.")
        return
    print(f"This will be written to {config_path()}:\n\n{changes}\n")
    if yes or typer.confirm("Save it?", default=True):
        print(f"Saved: {save_config(after)}")


def _phone(spec: SourceSpec, config: Config) -> SensorEntry:
    """A phone with a secret word that stays and, when somebody is there to lay it down, its sign convention."""
    import asyncio
    import sys

    from sensorsoma.clock import Clock
    from sensorsoma.config import SensorEntry
    from sensorsoma.sources.phone.face_up import learn_sign
    from sensorsoma.sources.phone.sensor_logger import SensorLoggerSource, make_token

    kept = config.sensors.get(spec.placement)
    known = kept if kept is not None and kept.kind == spec.kind and spec.address in (None, kept.address) else None
    word = spec.address or (known.address if known else None) or make_token()
    sign = known.sign if known else None
    clock = Clock()
    source = SensorLoggerSource({spec.placement: word}, clock, config.phone_port)
    note(f"Push URL for Sensor Logger: {source.url(spec.placement)}")
    if sys.stdin.isatty() and typer.confirm("Listen to the phone now, to learn which way is up for it?", default=True):
        note("Start recording in the app, then lay the phone on the table, screen up.")
        sign = asyncio.run(learn_sign(source, clock, lambda status: note(status.text) if status.text else None))
        note(f"Understood: sign {sign}.")
    return SensorEntry(spec.kind, word, known.name if known else None, sign)


def _ask(door: str, seconds: float) -> list[tuple[Any, SensorEntry]]:
    """Scans, lets each sensor show itself, and asks where it sits.

    Raises:
        DeviceNotFoundError: nothing was heard.
    """
    import asyncio

    from sensorsoma.cli.scan import listen, print_table
    from sensorsoma.config import SensorEntry
    from sensorsoma.errors import DeviceNotFoundError
    from sensorsoma.messages import PLACEMENTS

    found = asyncio.run(listen(door, seconds))
    if not found:
        raise DeviceNotFoundError(
            "Expected a sensor nearby, heard none; wake it and bring it close, or see `sensorsoma doctor`."
        )
    print_table(found)
    chosen: list[tuple[Any, SensorEntry]] = []
    for each in found:
        note(f"\n{each['name']} ({each['address']})")
        if asyncio.run(_show_itself(door, each)):
            note("It shows itself now, by light or by buzzing, if it can.")
        where = typer.prompt(f"Where does it sit? {', '.join(PLACEMENTS)}, or leave out", default="leave out")
        while where not in (*PLACEMENTS, "leave out"):
            where = typer.prompt(f"Expected one of {', '.join(PLACEMENTS)}, or leave out", default="leave out")
        if where != "leave out":
            for finding in asyncio.run(_look(door, where, each)):
                note(finding.line())
            chosen.append((where, SensorEntry("ble", each["address"], each["name"])))
    return chosen


async def _show_itself(door_name: str, found: dict[str, Any]) -> bool:
    """Asks a sensor to blink or buzz; False when it cannot be reached."""
    from sensorsoma.errors import SourceError
    from sensorsoma.sources.ble.doors import open_door
    from sensorsoma.sources.ble.link import LinkParams
    from sensorsoma.sources.ble.scan import find
    from sensorsoma.sources.ble.visit import identify

    door = await open_door(door_name)
    try:
        async with door.radio_lock:
            again = await find(door, None, "", found["address"], LinkParams().rescan_s)
        return again is not None and await identify(door, again)
    except SourceError:
        return False
    finally:
        await door.close()


async def _look(door_name: str, placement: Any, found: dict[str, Any]) -> list[Any]:
    """A few seconds of its stream: rate, resting length of gravity, battery."""
    from sensorsoma.cli.beginning import look_at
    from sensorsoma.clock import Clock
    from sensorsoma.settings import SourceSettings
    from sensorsoma.sources.ble.doors import open_door
    from sensorsoma.sources.ble.link import BleSource

    door = await open_door(door_name)
    clock = Clock()
    settings = SourceSettings(placement, placement, "ble", found["kind"], found["address"])
    try:
        return await look_at([BleSource(settings, door, clock)], [settings], clock)
    finally:
        await door.close()

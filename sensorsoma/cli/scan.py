"""`scan`: what is near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import finite, note, print_json

if TYPE_CHECKING:
    from sensorsoma.sources.ble.doors import Door
    from sensorsoma.sources.ble.scan import Found


def scan(
    seconds: Annotated[float, typer.Option(callback=finite, help="How long to listen.", min=0.5, max=120)] = 5.0,
    battery: Annotated[
        bool, typer.Option("--battery", help="Ask every sensor for its charge; takes some seconds each.")
    ] = False,
    door: Annotated[str, typer.Option(help="native, or virtual:HOST:PORT for a virtual room.")] = "native",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Listen for Bluetooth sensors and list them, strongest first.

    Example: sensorsoma scan --seconds 10
    """
    from sensorsoma.sources.loop import run

    found = run(listen(door, seconds, asks_battery=battery))
    if as_json:
        print_json(found)
    elif found:
        print_table(found)
    else:
        note(
            "No sensor was heard. Wake it (move it or press its button), close apps that may hold it, and try again; "
            "`sensorsoma doctor` checks this computer."
        )
        raise typer.Exit(3)


async def listen(door_name: str, seconds: float, *, asks_battery: bool = False) -> list[dict[str, Any]]:
    """Everything heard, as plain data.

    Raises:
        BluetoothUnavailableError: no adapter, switched off, or not permitted.
    """
    from sensorsoma.cli.asked import check_adapter
    from sensorsoma.config import boards_of, load_config
    from sensorsoma.sources.ble.doors import open_door
    from sensorsoma.sources.ble.scan import scan as listen_for

    if door_name == "native":
        check_adapter()
    door = await open_door(door_name)
    door.boards = boards_of(load_config())
    try:
        note(f"Listening for {seconds:g} s ...")
        found = await listen_for(door, seconds)
        if asks_battery:
            found = [await _with_battery(door, each) for each in found]
    finally:
        await door.close()
    return as_rows(found, door.is_simulated)


async def _with_battery(door: Door, found: Found) -> Found:
    """The same sensor with its charge, if it tells."""
    from sensorsoma.errors import SourceError
    from sensorsoma.sources.ble.visit import read_battery

    if found.battery_percent is not None:
        return found
    note(f"Asking {found.name} for its charge ...")
    try:
        return replace(found, battery_percent=await read_battery(door, found))
    except SourceError as error:
        note(str(error))
        return found


def as_rows(found: Sequence[Found], is_simulated: bool) -> list[dict[str, Any]]:
    """What was heard, as plain data."""
    return [
        {
            "name": each.name,
            "address": each.address,
            "kind": each.kind.name,
            "title": each.kind.driver.title,
            "rssi_dbm": each.rssi_dbm,
            "battery_percent": each.battery_percent,
            "measures": each.kind.measures(each.name),
            "is_simulated": is_simulated,
        }
        for each in found
    ]


def print_table(found: list[dict[str, Any]]) -> None:
    """The sensors as a table; an address is never shortened, since it is there to be typed."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Column, Table

    table = Table(
        "name", Column("address", no_wrap=True, min_width=17), "kind", "signal", "battery", "measures", box=SIMPLE
    )
    for each in found:
        battery = "not told" if each["battery_percent"] is None else f"{each['battery_percent']} %"
        name = each["name"] + (" (simulated)" if each["is_simulated"] else "")
        table.add_row(name, each["address"], each["kind"], f"{each['rssi_dbm']} dBm", battery, each["measures"])
    Console().print(table)
    if not any(each["is_simulated"] for each in found):
        print(f"Use one like this: sensorsoma coach short right-thigh=ble:{found[0]['address']}")

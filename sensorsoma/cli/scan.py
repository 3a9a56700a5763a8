"""`scan`: what is near."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from sensorsoma.cli.common import finite, note, print_json


def scan(
    seconds: Annotated[float, typer.Option(callback=finite, help="How long to listen.", min=0.5, max=120)] = 5.0,
    door: Annotated[str, typer.Option(help="native, or virtual:HOST:PORT for a virtual room.")] = "native",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Listen for Bluetooth sensors and list them, strongest first.

    Example: sensorsoma scan --seconds 10
    """
    import asyncio

    found = asyncio.run(listen(door, seconds))
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


async def listen(door_name: str, seconds: float) -> list[dict[str, Any]]:
    """Everything heard, as plain data.

    Raises:
        BluetoothUnavailableError: no adapter, switched off, or not permitted.
    """
    from sensorsoma.sources.ble.doors import open_door
    from sensorsoma.sources.ble.scan import scan as listen_for

    door = await open_door(door_name)
    try:
        note(f"Listening for {seconds:g} s ...")
        found = await listen_for(door, seconds)
    finally:
        await door.close()
    return [
        {
            "name": each.name,
            "address": each.address,
            "kind": each.kind.name,
            "title": each.kind.driver.title,
            "rssi_dbm": each.rssi_dbm,
            "battery_percent": each.battery_percent,
            "measures": each.kind.measures(each.name),
            "is_simulated": door.is_simulated,
        }
        for each in found
    ]


def print_table(found: list[dict[str, Any]]) -> None:
    """The sensors as a table."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table("name", "address", "kind", "signal", "battery", "measures", box=SIMPLE)
    for each in found:
        battery = "not told" if each["battery_percent"] is None else f"{each['battery_percent']} %"
        name = each["name"] + (" (simulated)" if each["is_simulated"] else "")
        table.add_row(name, each["address"], each["kind"], f"{each['rssi_dbm']} dBm", battery, each["measures"])
    Console().print(table)
    print(f"Use one like this: sensorsoma coach short right-thigh=ble:{found[0]['address']}")

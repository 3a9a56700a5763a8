"""`doctor`: what is wrong and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from sensorsoma.cli.common import note, print_json

if TYPE_CHECKING:
    from sensorsoma.doctor.troubles import Trouble
    from sensorsoma.live.findings import Finding


def doctor(
    words: Annotated[
        list[str] | None, typer.Argument(help="What goes wrong, in your words: not heard, drops out, too slow ...")
    ] = None,
    sensors: Annotated[
        bool, typer.Option("--sensors", help="Also try every sensor that is set up for a few seconds.")
    ] = False,
    all_troubles: Annotated[bool, typer.Option("--all", help="Every trouble that is known, and what helps.")] = False,
    system: Annotated[str | None, typer.Option(help="Advice for another system: linux, macos or windows.")] = None,
    door: Annotated[str, typer.Option(help="native, or virtual:HOST:PORT for a virtual room.")] = "native",
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Say what is missing on this computer and how to mend it.

    Looks at Bluetooth, voice, disk and settings. With words, tells what helps against that trouble.

    Example: sensorsoma doctor link drops out
    """
    platform = _platform(system)
    if words or all_troubles:
        _tell_troubles(" ".join(words or ()), platform, as_json)
        return
    findings = _findings(sensors, door)
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            print(finding.line())
        print("\nWithout any sensor, `sensorsoma demo` shows everything. Something goes wrong with one?")
        print("Say it in your words, for example `sensorsoma doctor not heard`; `--all` lists every known trouble.")
    if any(finding.outcome == "bad" for finding in findings):
        raise typer.Exit(1)


def _findings(with_sensors: bool, door_name: str) -> list[Finding]:
    from sensorsoma.config import load_config
    from sensorsoma.doctor import run_checks

    findings = run_checks()
    if with_sensors:
        from sensorsoma.doctor.sensors import try_sensors
        from sensorsoma.sources.ble.doors import open_door
        from sensorsoma.sources.loop import run

        async def try_all() -> list[Finding]:
            air = await open_door(door_name)
            try:
                return await try_sensors(load_config(), air, note)
            finally:
                await air.close()

        findings += run(try_all())
    return findings


def _platform(system: str | None) -> str:
    """As `sys.platform` names it.

    Raises:
        UsageError: there is no such system.
    """
    import sys

    from sensorsoma.cli.analyze import one_of

    names = {"linux": "linux", "macos": "darwin", "windows": "win32"}
    if system is None:
        return sys.platform if sys.platform in names.values() else "linux"
    return names[one_of("--system", system.lower(), tuple(names))]


def _tell_troubles(words: str, platform: str, as_json: bool) -> None:
    from sensorsoma.doctor.troubles import SYSTEMS, TROUBLES, speaks_of_the_body, troubles_like

    found = troubles_like(words, platform) if words else TROUBLES
    if as_json:
        print_json([_as_json(trouble, platform) for trouble in found])
        return
    if speaks_of_the_body(words):
        from sensorsoma.people.safety import safety_text

        note(f"This command knows sensors and computers. For what a body feels:\n\n{safety_text().plain()}\n")
        if not found:
            raise typer.Exit(1)
    if not found:
        note(f"Nothing known fits {words!r}. These are known, each by its word (such as sensorsoma doctor drops):")
        for trouble in TROUBLES:
            note(f"  {trouble.key:<12} {trouble.seen}")
        raise typer.Exit(1)
    print(f"What helps on {SYSTEMS[platform]}:")
    for trouble in found[:2] if words else found:
        print(f"\n{trouble.seen}  ({trouble.key})\n  {trouble.why}")
        for remedy in trouble.remedies(platform):
            print(f"  - {remedy}")


def _as_json(trouble: Trouble, platform: str) -> dict[str, Any]:
    remedies = list(trouble.remedies(platform))
    return {"key": trouble.key, "seen": trouble.seen, "why": trouble.why, "mend": remedies}

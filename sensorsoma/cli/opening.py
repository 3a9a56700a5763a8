"""What a live session listens to, from what was typed: sources opened, and the settings that are recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sensorsoma import __version__
from sensorsoma.cli.common import existing_input, is_recording
from sensorsoma.clock import Clock
from sensorsoma.messages import Input
from sensorsoma.session import Source
from sensorsoma.settings import AUTO, SessionSettings, SourceSettings
from sensorsoma.sources.ble.kinds import Kind, kind_named, settings_of
from sensorsoma.sources.spec import SourceSpec, check_complete

if TYPE_CHECKING:
    from sensorsoma.cli.running import LiveChoices
    from sensorsoma.virtual.launcher import VirtualWorld


def session_settings(choices: LiveChoices) -> SessionSettings:
    """The settings that the recording begins with."""
    return SessionSettings(
        sources=tuple(source_settings(spec, choices.boards) for spec in choices.specs),
        plan=choices.plan,
        segments=choices.segments,
        person=choices.person,
        language=choices.language,
        is_quiet=choices.is_quiet,
        usual_deg=choices.usual_deg,
        usual_span_deg=choices.usual_span_deg,
        n_before=choices.n_before,
        pacer=choices.pacer,
        words=choices.words,
        has_taps=choices.has_taps,
        speed=choices.speed,
        started=datetime.now().astimezone().isoformat(timespec="seconds"),
        software=software_versions(),
    )


def source_settings(spec: SourceSpec, boards: Sequence[Kind] = ()) -> SourceSettings:
    """How a source is opened and decoded. Of a file only the name is kept, of a phone no secret word: both would
    go into the recording."""
    where, config = spec.placement, dict(spec.options)
    if spec.kind == "file":
        from sensorsoma.recording.imports import imported_settings, read_imported
        from sensorsoma.recording.played import played_settings

        path = _file_of(spec)
        if is_recording(path):
            return played_settings(path, where)
        return imported_settings(read_imported(path), where, address=path.name)
    if spec.kind == "sensor-logger":
        return SourceSettings(where, where, spec.kind, "sensor_logger", config=config)
    if spec.kind == "phyphox":
        return SourceSettings(where, where, spec.kind, "phyphox", spec.address, config=config)
    if spec.kind == "phone":
        return SourceSettings(where, where, spec.kind, "phone_page", config=config)
    if spec.kind == "virtual":
        name = Path(spec.address).name if spec.address else None
        return SourceSettings(where, where, spec.kind, AUTO, name, "simulated", config)
    return settings_of(where, spec.address, None if spec.device is None else kind_named(spec.device, boards), config)


def software_versions() -> dict[str, str]:
    """Versions of what shapes a result."""
    from importlib.metadata import version

    return {"sensorsoma": __version__, **{name: version(name) for name in ("vqf", "numpy", "scipy", "bleak")}}


async def open_virtual_world(choices: LiveChoices, stack: AsyncExitStack) -> VirtualWorld | None:
    virtual = [f"{spec.placement}={spec.address or 'person'}" for spec in choices.specs if spec.kind == "virtual"]
    if not virtual:
        return None
    from sensorsoma.virtual.launcher import start_virtual

    world = await start_virtual(virtual, speed=choices.speed, seed=choices.seed, **choices.virtual_options)
    stack.push_async_callback(world.close)
    return world


async def open_sources(
    choices: LiveChoices, clock: Clock, world: VirtualWorld | None, stack: AsyncExitStack
) -> list[Source]:
    """One source per sensor; phones share one server."""
    sources: list[Source] = []
    for group in ("ble", "virtual"):
        specs = [spec for spec in choices.specs if spec.kind == group]
        if not specs:
            continue
        from sensorsoma.sources.ble.doors import open_door
        from sensorsoma.sources.ble.link import BleSource

        if group == "virtual" and world is not None:
            door = world.door
        else:
            door = await open_door("native")
            door.boards = choices.boards
            stack.push_async_callback(door.close)
        sources.extend(BleSource(_without_file(source_settings(spec, choices.boards)), door, clock) for spec in specs)
    phones: dict[str, str | None] = {
        spec.placement: spec.address for spec in choices.specs if spec.kind == "sensor-logger"
    }
    if phones:
        from sensorsoma.sources.phone.sensor_logger import SensorLoggerSource, make_token

        tokens = {placement: token or make_token() for placement, token in phones.items()}
        sources.append(SensorLoggerSource(tokens, clock, port=choices.phone_port))
    for spec in choices.specs:
        if spec.kind == "phyphox":
            from sensorsoma.sources.phone.phyphox import PhyphoxSource

            check_complete(spec)
            sources.append(PhyphoxSource(spec.placement, spec.address or "", clock))
    browsers = [spec.placement for spec in choices.specs if spec.kind == "phone"]
    if browsers:
        sources.append(choices.phone_page.source(browsers, clock))
    sources.extend(_file_source(spec, clock) for spec in choices.specs if spec.kind == "file")
    return sources


def _without_file(settings: SourceSettings) -> SourceSettings:
    """A virtual sensor's address is the file that it plays, not one that can be searched for."""
    return replace(settings, address=None) if settings.kind == "virtual" else settings


def _file_source(spec: SourceSpec, clock: Clock) -> Source:
    from sensorsoma.recording.imports import imported_packets, read_imported
    from sensorsoma.recording.played import played_inputs
    from sensorsoma.sources.playback import PlaybackSource

    path = _file_of(spec)
    inputs: Iterator[Input] = (
        played_inputs(path, spec.placement)
        if is_recording(path)
        else imported_packets(read_imported(path), spec.placement)
    )
    return PlaybackSource(inputs, clock, is_live=True)


def _file_of(spec: SourceSpec) -> Path:
    return existing_input(Path(spec.address or "").expanduser())

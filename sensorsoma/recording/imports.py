"""Other people's files into samples and inputs: the door to every reader.

A reader is one file and one row in `READERS`: it claims the files that it knows by their first lines, and turns them
into samples in SI units. What nobody claims is read as a table without a header. Which formats there are, and what
is expected of them: `docs/files.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sensorsoma.decode.rows import encode_rows
from sensorsoma.messages import Input, Packet, Placement, SettingsSnapshot, Tick
from sensorsoma.recording import (
    import_axivity,
    import_bids,
    import_csv,
    import_dot,
    import_movesense,
    import_phyphox,
    import_sensor_logger,
)
from sensorsoma.recording.imported import AccUnit, GyrUnit, ImportedFile, Kind, Units
from sensorsoma.recording.members import Members, open_members
from sensorsoma.settings import Link, SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.units import NS_PER_S

__all__ = [
    "READERS",
    "AccUnit",
    "GyrUnit",
    "ImportedFile",
    "Kind",
    "Reader",
    "imported_inputs",
    "imported_packets",
    "imported_settings",
    "inputs_of",
    "read_imported",
    "with_ticks",
]

PACKET_S = 0.2
"""File time in one packet: as often as a radio delivers, so that live views of a played file move."""
TICK_NS = NS_PER_S // 10
"""As in a live session."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One format."""

    kind: Kind
    what: str
    """For people."""
    claims: Callable[[Members], bool]
    """True for files of this format; looks at first lines only and never raises because of what they hold."""
    read: Callable[[Members, Units], ImportedFile]
    """The samples; raises `InputFileError`."""


READERS: tuple[Reader, ...] = (
    Reader("sensor-logger", "Sensor Logger export", import_sensor_logger.claims, import_sensor_logger.read),
    Reader("phyphox", "phyphox export", import_phyphox.claims, import_phyphox.read),
    Reader("movesense", "Movesense Showcase CSV", import_movesense.claims, import_movesense.read),
    Reader("dot", "Xsens/Movella DOT CSV", import_dot.claims, import_dot.read),
    Reader("motion-bids", "Motion-BIDS", import_bids.claims, import_bids.read),
    Reader("headed-csv", "CSV with a header", import_csv.has_header, import_csv.read_headed),
    Reader("axivity-csv", "Axivity CSV in g", lambda _: True, import_axivity.read_axivity),
)
"""Asked in this order; the first that claims a file reads it."""

WHAT: Mapping[Kind, str] = {reader.kind: reader.what for reader in READERS}


def read_imported(path: Path | str, acc_unit: AccUnit = "mps2", gyr_unit: GyrUnit = "radps") -> ImportedFile:
    """The samples of a file, of a zip, or of the folder of an unpacked zip.

    Args:
        path: the file or folder.
        acc_unit: of a headed CSV; every other format tells its own.
        gyr_unit: of a headed CSV.

    Raises:
        InputFileError: one sentence: what was expected, what was found, in which line or member.
    """
    members = open_members(Path(path))
    reader = next(reader for reader in READERS if reader.claims(members))
    with np.errstate(over="ignore", invalid="ignore"):  # a broken file may hold any number
        return reader.read(members, Units(acc_unit, gyr_unit))


def imported_settings(
    imported: ImportedFile, placement: Placement, *, address: str | None = None, link: Link = "imported"
) -> SourceSettings:
    """The source that `imported_packets` of this file play."""
    columns = 4 if imported.gyr_sensor_radps is None else 7
    config: dict[str, Any] = {"columns": columns, "rate_hz": round(imported.rate_hz, 4), "format": imported.kind}
    if imported.notes:
        config["notes"] = list(imported.notes)  # what was decided stays with the recording
    return SourceSettings(placement, placement, "file", "rows", address=address, link=link, config=config)


def imported_packets(imported: ImportedFile, channel: str, epoch_ns: int = 0) -> Iterator[Packet]:
    """The samples in packets of about 0.2 s, stamped with the time of their last sample."""
    t_s, gyr = imported.t_s, imported.gyr_sensor_radps
    per_packet = max(1, round(PACKET_S * imported.rate_hz))
    latest_s = 0.0
    for begin in range(0, len(t_s), per_packet):
        part = slice(begin, begin + per_packet)
        latest_s = max(latest_s, float(t_s[part].max()))
        payload = encode_rows(t_s[part], imported.acc_sensor_mps2[part], None if gyr is None else gyr[part])
        yield Packet(epoch_ns + round(latest_s * NS_PER_S), channel, payload)


def with_ticks(packets: Iterator[Packet], epoch_ns: int) -> Iterator[Packet | Tick]:
    """The packets with a tick for every tenth of a second between them."""
    tick_ns = epoch_ns + TICK_NS
    for packet in packets:
        while tick_ns <= packet.host_ns:
            yield Tick(tick_ns)
            tick_ns += TICK_NS
        yield packet


def imported_inputs(
    path: Path | str,
    placement: Placement,
    *,
    segments: Sequence[SegmentRequest] = (),
    plan: Mapping[str, Any] | None = None,
    person: str | None = None,
    acc_unit: AccUnit = "mps2",
    gyr_unit: GyrUnit = "radps",
    epoch_ns: int = 0,
) -> Iterator[Input]:
    """A file as the inputs of a session: settings, packets, and a tick every 0.1 s of file time.

    The file is read at once, so that a broken one fails here and not halfway.

    Raises:
        InputFileError: as `read_imported`.
    """
    path = Path(path)
    imported = read_imported(path, acc_unit, gyr_unit)
    return inputs_of(imported, path.name, placement, segments=segments, plan=plan, person=person, epoch_ns=epoch_ns)


def inputs_of(
    imported: ImportedFile,
    name: str,
    placement: Placement,
    *,
    segments: Sequence[SegmentRequest] = (),
    plan: Mapping[str, Any] | None = None,
    person: str | None = None,
    started: str = "",
    software: Mapping[str, str] | None = None,
    epoch_ns: int = 0,
) -> Iterator[Input]:
    """As `imported_inputs`, of samples that are read already.

    Args:
        imported: the samples.
        name: of the file they come from, without its folder.
        placement: where the sensor sat.
        segments: stretches to be measured.
        plan: to be coached over the samples.
        person: whose they are.
        started: wall time of the first sample for people, where it is known.
        software: versions of what shapes a result.
        epoch_ns: session time of the first sample.
    """
    source = imported_settings(imported, placement, address=name)
    settings = SessionSettings(
        (source,),
        plan=plan,
        segments=tuple(segments),
        person=person,
        is_quiet=plan is None,
        started=started,
        software=software or {},
    )
    return _inputs(imported, settings, placement, epoch_ns)


def _inputs(imported: ImportedFile, settings: SessionSettings, channel: str, epoch_ns: int) -> Iterator[Input]:
    yield SettingsSnapshot(epoch_ns, settings.to_json())
    yield from with_ticks(imported_packets(imported, channel, epoch_ns), epoch_ns)

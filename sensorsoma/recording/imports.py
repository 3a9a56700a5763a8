"""Other people's tables into samples and inputs: headed CSV in SI units, headerless Axivity/Open Movement CSV in g.

Headed: `time_s, acc_x, acc_y, acc_z` and, with a gyroscope, `gyr_x, gyr_y, gyr_z`, in any order, other columns left
alone. Headerless: `timestamp, x, y, z`, where the time stamp is a date and time or seconds or milliseconds since 1970.
The sampling rate always comes from the time stamps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sensorsoma.decode.rows import encode_rows
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats, Input, Packet, Placement, SettingsSnapshot, Tick
from sensorsoma.recording.tables import Table, read_table
from sensorsoma.settings import Link, SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.units import DEG, NS_PER_S, STANDARD_GRAVITY_MPS2

AccUnit = Literal["mps2", "g"]
GyrUnit = Literal["radps", "dps"]
Kind = Literal["headed-csv", "axivity-csv"]

PACKET_S = 0.2
"""File time in one packet: as often as a radio delivers, so that live views of a played file move."""
TICK_NS = NS_PER_S // 10
"""As in a live session."""

ACC_COLUMNS = ("acc_x", "acc_y", "acc_z")
GYR_COLUMNS = ("gyr_x", "gyr_y", "gyr_z")
LARGEST_GYR_RADPS = 35.0
"""2000 °/s, where the usual chips end."""


@dataclass(frozen=True, slots=True, eq=False)
class ImportedFile:
    """Samples of a table, in SI units, in the order of the file."""

    kind: Kind
    t_s: Floats
    """`(n,)` seconds since the first sample, as the file says."""
    acc_sensor_mps2: Floats
    """`(n, 3)`."""
    gyr_sensor_radps: Floats | None
    """`(n, 3)`; None without a gyroscope."""
    rate_hz: float
    """Mean rate outside gaps."""
    notes: tuple[str, ...] = ()
    """What a reader of the results should know about the file."""

    @property
    def duration_s(self) -> float:
        """From the first to the last sample."""
        return float(self.t_s[-1] - self.t_s[0])


def read_imported(path: Path | str, acc_unit: AccUnit = "mps2", gyr_unit: GyrUnit = "radps") -> ImportedFile:
    """The samples of a CSV file.

    Args:
        path: the file.
        acc_unit: of a headed file; a headerless one is always in g.
        gyr_unit: of a headed file.

    Raises:
        InputFileError: one sentence: what was expected, what was found, in which line.
    """
    path = Path(path)
    table = read_table(path)
    if table.header is None:
        return _axivity(path, table)
    return _headed(path, table, acc_unit, gyr_unit)


def imported_settings(
    imported: ImportedFile, placement: Placement, *, address: str | None = None, link: Link = "imported"
) -> SourceSettings:
    """The source that `imported_packets` of this file play."""
    columns = 4 if imported.gyr_sensor_radps is None else 7
    config = {"columns": columns, "rate_hz": round(imported.rate_hz, 4)}
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
    source = imported_settings(imported, placement, address=path.name)
    settings = SessionSettings((source,), plan=plan, segments=tuple(segments), person=person, is_quiet=plan is None)
    return _inputs(imported, settings, placement, epoch_ns)


def _inputs(imported: ImportedFile, settings: SessionSettings, channel: str, epoch_ns: int) -> Iterator[Input]:
    yield SettingsSnapshot(epoch_ns, settings.to_json())
    yield from with_ticks(imported_packets(imported, channel, epoch_ns), epoch_ns)


def _axivity(path: Path, table: Table) -> ImportedFile:
    if table.n_columns < 4:
        raise InputFileError(
            f"{path.name}: expected `timestamp,x,y,z` in g without a header, found {table.n_columns} "
            f"{'column' if table.n_columns == 1 else 'columns'} in line {table.first_line}."
        )
    values = table.numbers(range(1, 4))
    _check_unit(path, values, "g", can_choose=False)
    return _imported("axivity-csv", path, table, table.times(0), values * STANDARD_GRAVITY_MPS2, None)


def _headed(path: Path, table: Table, acc_unit: AccUnit, gyr_unit: GyrUnit) -> ImportedFile:
    assert table.header is not None
    names = [name.strip().strip('"').lower() for name in table.header]
    wanted: tuple[str, ...] = ("time_s", *ACC_COLUMNS)
    if any(name in names for name in GYR_COLUMNS):
        wanted += GYR_COLUMNS
    missing = [name for name in wanted if name not in names]
    if missing:
        raise InputFileError(
            f"{path.name}: expected the columns time_s, acc_x, acc_y, acc_z and, with a gyroscope, gyr_x, gyr_y, "
            f"gyr_z; {', '.join(missing)} is missing in line {table.header_line}, which says "
            f"{_short(', '.join(table.header))}."
        )
    acc = table.numbers(names.index(name) for name in ACC_COLUMNS)
    _check_unit(path, acc, acc_unit, can_choose=True)
    gyr = table.numbers(names.index(name) for name in GYR_COLUMNS) if len(wanted) > 4 else None
    if gyr is not None and gyr_unit == "dps":
        gyr = gyr * DEG
    elif gyr is not None:
        _check_gyr_unit(path, gyr)
    scale = STANDARD_GRAVITY_MPS2 if acc_unit == "g" else 1.0
    return _imported("headed-csv", path, table, table.times(names.index("time_s")), acc * scale, gyr)


def _imported(
    kind: Literal["headed-csv", "axivity-csv"],
    path: Path,
    table: Table,
    times_s: Floats,
    acc: Floats,
    gyr: Floats | None,
) -> ImportedFile:
    steps = np.diff(times_s)
    forward = steps[steps > 0]
    if not forward.size:
        found = "one sample" if len(times_s) == 1 else "time stamps that do not advance"
        raise InputFileError(f"{path.name}: expected samples over some time, found {found}.")
    typical = float(np.median(forward))
    regular = forward[(forward > 0.5 * typical) & (forward < 1.5 * typical)]
    rate_hz = 1.0 / float(regular.mean())
    if not 5.0 <= rate_hz <= 5000.0:
        raise InputFileError(
            f"{path.name}: expected time stamps in seconds with 5 to 5000 samples a second, found {rate_hz:.3g}."
        )
    notes = list(table.notes)
    n_back = int((steps <= 0).sum())
    if n_back:
        notes.append(f"{n_back} time stamps repeat or go back; those samples are left out.")
    return ImportedFile(kind, times_s - times_s[0], acc, gyr, rate_hz, tuple(notes))


def _check_unit(path: Path, acc: Floats, unit: AccUnit, *, can_choose: bool) -> None:
    """Refuses a file whose typical acceleration is gravity in the other unit: nobody floats or weighs ten times."""
    size = float(np.median(np.linalg.norm(acc, axis=1)))
    if unit == "mps2" and 0.8 < size < 1.25:
        raise InputFileError(
            f"{path.name}: expected acceleration in m/s², found a typical size of {size:.2f}, as if it were in g; "
            "add `--acc-unit g`."
        )
    if unit == "g" and 8.0 < size < 12.0:
        advice = "leave `--acc-unit g` out" if can_choose else "name the columns in a header: time_s,acc_x,acc_y,acc_z"
        raise InputFileError(
            f"{path.name}: expected acceleration in g, found a typical size of {size:.1f}, as if it were in m/s²; "
            f"{advice}."
        )


def _check_gyr_unit(path: Path, gyr: Floats) -> None:
    """Refuses rates that no worn sensor can tell: 2000 °/s, where the usual chips end, are 35 rad/s."""
    fastest = float(np.abs(gyr).max())
    if fastest > LARGEST_GYR_RADPS:
        raise InputFileError(
            f"{path.name}: expected angular rates in rad/s, found one of {fastest:.0f}, as if they were in °/s; "
            "add `--gyr-unit dps`."
        )


def _short(text: str) -> str:
    return repr(text if len(text) <= 80 else text[:77] + "...")

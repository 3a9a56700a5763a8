"""Every format in the table of readers: one reader claims it, the page names it, and no bytes bring it down."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from recording.app_files import (
    dot_csv,
    is_sound,
    knee_fall,
    motion_bids_files,
    movesense_imu,
    outcome,
    phyphox_files,
    sensor_logger_files,
    sensor_logger_json,
    zipped,
)

from sensorsoma.recording.imported import Units
from sensorsoma.recording.imports import READERS, Kind, read_imported
from sensorsoma.recording.members import open_members
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

ROOT = Path(__file__).resolve().parents[2]
SHORT = knee_fall().head(120)


def _headed() -> str:
    rows = np.column_stack([SHORT.t_s, SHORT.acc, SHORT.gyr])
    lines = [",".join(f"{value:.9f}" for value in row) for row in rows]
    return "time_s,acc_x,acc_y,acc_z,gyr_x,gyr_y,gyr_z\n" + "\n".join(lines) + "\n"


def _axivity() -> str:
    rows = np.column_stack([SHORT.t_s, SHORT.acc / STANDARD_GRAVITY_MPS2])
    return "".join(",".join(f"{value:.9f}" for value in row) + "\n" for row in rows)


EXAMPLES: Mapping[Kind, tuple[bytes, ...]] = {
    "sensor-logger": (
        zipped(sensor_logger_files(SHORT)),
        sensor_logger_json(sensor_logger_files(SHORT)).encode(),
        sensor_logger_files(SHORT, sensors=("TotalAcceleration",))["TotalAcceleration.csv"].encode(),
    ),
    "phyphox": (zipped(phyphox_files(SHORT)), phyphox_files(SHORT, ";", ",")["Accelerometer.csv"].encode()),
    "movesense": (movesense_imu(SHORT).encode(), movesense_imu(SHORT, point=",").encode()),
    "dot": (dot_csv(SHORT.t_s, {"Acc": SHORT.acc, "Gyr": SHORT.gyr / DEG}).encode(),),
    "motion-bids": (zipped(motion_bids_files(SHORT)),),
    "headed-csv": (_headed().encode(),),
    "axivity-csv": (_axivity().encode(),),
}
"""Files of every format; a new reader needs one here."""
ALL = [(kind, data) for kind, files in EXAMPLES.items() for data in files]


def test_every_reader_has_an_example_and_a_place_in_the_page() -> None:
    """A format is tested and explained the day it is listed."""
    page = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    assert {reader.kind for reader in READERS} == EXAMPLES.keys()
    assert all(f"`{reader.kind}`" in page for reader in READERS)


@pytest.mark.parametrize(("kind", "data"), ALL)
def test_the_right_reader_claims_it_whatever_its_name(tmp_path: Path, kind: Kind, data: bytes) -> None:
    """Content decides, not the suffix; of the readers before the last two only one claims a file."""
    path = tmp_path / "something.bin"
    path.write_bytes(data)
    members = open_members(path)
    with_app = [reader.kind for reader in READERS[:-2]]
    assert [reader.kind for reader in READERS[:-2] if reader.claims(members)] == [kind] * (kind in with_app)
    assert read_imported(path).kind == kind


@pytest.mark.parametrize(("kind", "data"), ALL)
def test_it_is_the_movement_that_was_written(tmp_path: Path, kind: Kind, data: bytes) -> None:
    """Same samples, same sign, same times, to the digits that the format has."""
    path = tmp_path / "leg"
    path.write_bytes(data)
    imported = read_imported(path)
    assert imported.t_s == pytest.approx(SHORT.t_s, abs=1e-6)
    np.testing.assert_allclose(imported.acc_sensor_mps2, SHORT.acc, atol=1e-6)
    if imported.gyr_sensor_radps is not None:
        np.testing.assert_allclose(imported.gyr_sensor_radps, SHORT.gyr, atol=1e-6)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.kind)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_bring_it_down(tmp_path: Path, reader, data: st.DataObject) -> None:
    """Noise, cuts and changed bytes give samples or one sentence that names the file, never another error."""
    example = data.draw(st.sampled_from([*EXAMPLES[reader.kind], b""]))
    broken = bytearray(example[: data.draw(st.integers(0, len(example)))] + data.draw(st.binary(max_size=40)))
    for _ in range(data.draw(st.integers(0, 5))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "leg.csv"
    path.write_bytes(bytes(broken))
    found = outcome(path)
    assert is_sound(found)
    assert not isinstance(found, str) or found.startswith("leg.csv")


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.kind)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_field_is_found(tmp_path: Path, reader, data: st.DataObject) -> None:
    """A field replaced by a strange word, number or nothing: samples or one sentence, never another error."""
    example = data.draw(st.sampled_from(EXAMPLES[reader.kind]))
    if zipfile.is_zipfile(_written(tmp_path, example)):
        files = _members(tmp_path / "leg.zip")
        name = data.draw(st.sampled_from(sorted(files)))
        changed = zipped({**files, name: _changed(files[name], data)})
    else:
        changed = _changed(example.decode(), data).encode()
    assert is_sound(outcome(_written(tmp_path, changed)))


STRANGE = (
    "", "x", "nan", "-inf", "1e400", "1e300", "9" * 25, "-1", "0", '"', "0x10", "1_000", "²", "\n", "\r", ",,", "\0",
)  # fmt: skip
"""Fields that no app writes."""


def _changed(text: str, data: st.DataObject) -> str:
    rows = text.split("\n")
    index = data.draw(st.integers(0, len(rows) - 1))
    fields = rows[index].split(",")
    fields[data.draw(st.integers(0, len(fields) - 1))] = data.draw(st.sampled_from(STRANGE))
    rows[index] = ",".join(fields)
    return "\n".join(rows)


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "leg.zip"
    path.write_bytes(data)
    return path


def _members(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.kind)
def test_reading_twice_gives_the_same(tmp_path: Path, reader) -> None:
    """A reader remembers nothing."""
    path = _written(tmp_path, EXAMPLES[reader.kind][0])
    first, second = (reader.read(open_members(path), Units()) for _ in range(2))
    assert np.array_equal(first.acc_sensor_mps2, second.acc_sensor_mps2)
    assert (first.notes, first.rate_hz, first.started_ns) == (second.notes, second.rate_hz, second.started_ns)

"""phyphox exports: five spellings, two names for the columns, and no acceleration without gravity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.recording.imports import read_imported
from sensorsoma.units import NS_PER_S

from .app_files import START_NS, java_number, knee_fall, phyphox_csv, phyphox_files, phyphox_times, unpacked, zipped
from .test_import_sensor_logger import assert_is, written

SPELLINGS = [(",", "."), ("\t", "."), (";", "."), ("\t", ","), (";", ",")]
ACC = {f"Acceleration {axis} (m/s^2)": knee_fall().acc[:, k] for k, axis in enumerate("xyz")}
LINEAR = {f"Linear Acceleration {axis} (m/s^2)": knee_fall().acc[:, k] * 0.01 for k, axis in enumerate("xyz")}
GYR = {f"Gyroscope {axis} (rad/s)": knee_fall().gyr[:, k] for k, axis in enumerate("xyz")}


@pytest.mark.parametrize(("delimiter", "point"), SPELLINGS)
def test_a_knee_fall_comes_back_from_every_spelling(tmp_path: Path, delimiter: str, point: str) -> None:
    """Comma, tab or semicolon, decimal point or comma: the same samples with the same sign, and when it began."""
    imported = read_imported(written(tmp_path, zipped(phyphox_files(knee_fall(), delimiter, point))))
    assert imported.kind == "phyphox"
    assert imported.rate_hz == pytest.approx(100.0)
    assert_is(imported, knee_fall(), tolerance=1e-8)
    assert imported.started_ns == pytest.approx(START_NS, abs=NS_PER_S // 1000)
    assert imported.notes == ()


def test_an_unpacked_folder_is_the_same(tmp_path: Path) -> None:
    """The folder of the unpacked zip, with its folder of metadata, needs no packing again."""
    assert_is(read_imported(unpacked(phyphox_files(knee_fall()), tmp_path / "export")), knee_fall(), tolerance=1e-8)


def test_one_table_is_a_recording_without_gyroscope(tmp_path: Path) -> None:
    """Raw Data.csv of the experiment "Acceleration with g", or the short spelling of a simple experiment."""
    absolute = {"Absolute acceleration (m/s^2)": np.linalg.norm(knee_fall().acc, axis=1)}
    brief = {f"{axis} (m/s^2)": column for axis, column in zip("XYZ", ACC.values(), strict=True)}
    for name, columns in (("Raw Data.csv", {**ACC, **absolute}), ("leg.csv", brief)):
        imported = read_imported(written(tmp_path, phyphox_csv(knee_fall().t_s, columns), name))
        np.testing.assert_allclose(imported.acc_sensor_mps2, knee_fall().acc, atol=1e-8)
        assert imported.notes == ("There is no gyroscope in it.",)


def test_one_table_may_hold_both_sensors(tmp_path: Path) -> None:
    """An experiment of one's own with everything in one set."""
    text = phyphox_csv(knee_fall().t_s, {**LINEAR, **ACC, **GYR}, ";", ",")
    assert_is(read_imported(written(tmp_path, text, "mine.csv")), knee_fall(), tolerance=1e-8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations([*ACC, *GYR]), spelling=st.sampled_from(SPELLINGS))
def test_columns_are_found_by_unit_and_axis(tmp_path: Path, order: list[str], spelling: tuple[str, str]) -> None:
    """Whatever the order and the spelling, x stays x."""
    columns = {name: {**ACC, **GYR}[name][:60] for name in order}
    text = phyphox_csv(knee_fall().t_s[:60], columns, *spelling)
    assert_is(read_imported(written(tmp_path, text, "mine.csv")), knee_fall().head(60), tolerance=1e-8)


def test_columns_of_unequal_length_end_with_the_shortest(tmp_path: Path) -> None:
    """The NaN with which the app fills up a column is no sample."""
    imported = read_imported(written(tmp_path, zipped(phyphox_files(knee_fall(), n_missing=3))))
    assert_is(imported, knee_fall().head(1997), tolerance=1e-8)


@pytest.mark.parametrize("name", ["Linear Accelerometer.csv", "Raw Data.csv"])
def test_acceleration_without_gravity_is_refused(tmp_path: Path, name: str) -> None:
    """Linear acceleration tells no angle: said in one sentence with what to measure instead, in a zip and alone."""
    text = phyphox_csv(knee_fall().t_s, LINEAR)
    for path in (written(tmp_path, text, name), written(tmp_path, zipped({name: text}))):
        with pytest.raises(InputFileError) as caught:
            read_imported(path)
        assert str(caught.value) == (
            f"{path.name}: expected acceleration with gravity, about 9.8 m/s² at rest, found only Linear Acceleration, "
            "from which gravity is missing; measure with the accelerometer itself (Acceleration with g, or a simple "
            "experiment with accelerometer and gyroscope) and export that."
        )


def test_acceleration_without_gravity_is_refused_in_any_language(tmp_path: Path) -> None:
    """What its name does not tell, its size does; beside the right set it is passed over."""
    foreign = {f"Akcelerace {axis} (m/s^2)": column for axis, column in zip("xyz", LINEAR.values(), strict=True)}
    text = phyphox_csv(knee_fall().t_s, foreign)
    with pytest.raises(InputFileError, match=r"found a typical size of 0\.10 m/s², from which gravity is missing"):
        read_imported(written(tmp_path, text, "data.csv"))
    both = {"Akcelerometr bez g.csv": text, "Akcelerometr.csv": phyphox_csv(knee_fall().t_s, ACC)}
    np.testing.assert_allclose(
        read_imported(written(tmp_path, zipped(both))).acc_sensor_mps2, knee_fall().acc, atol=1e-8
    )


def test_a_gyroscope_alone_is_refused(tmp_path: Path) -> None:
    """Rotation without acceleration tells no angle."""
    with pytest.raises(InputFileError, match=r"Gyroscope.csv: expected an accelerometer, found only Gyroscope; name"):
        read_imported(written(tmp_path, phyphox_csv(knee_fall().t_s, GYR), "Gyroscope.csv"))


def test_a_pause_becomes_the_gap_that_it_was(tmp_path: Path) -> None:
    """Experiment time stands still in a pause; with the app's own list of starts the wait is put back."""
    files = phyphox_files(knee_fall())
    at_s = START_NS / NS_PER_S
    events = [("START", 0.0, at_s), ("PAUSE", 9.995, at_s + 9.995), ("START", 9.995, at_s + 39.995)]
    files["meta/time.csv"] = phyphox_times(events)
    imported = read_imported(written(tmp_path, zipped(files)))
    steps = np.diff(imported.t_s)
    assert int((steps > 0.02).sum()) == 1
    assert float(steps.max()) == pytest.approx(30.01, abs=0.002)
    assert imported.notes == ("The measurement was paused once; a gap stands for it.",)
    assert imported.rate_hz == pytest.approx(100.0, abs=0.01)


@pytest.mark.parametrize(
    "times",
    ["", "x", '"event"\n', phyphox_times([("START", 9.0, 2.0), ("START", 0.0, 1.0)]), "START,nan,nan\n", 'START,"\n'],
)
def test_broken_metadata_cost_nothing(tmp_path: Path, times: str) -> None:
    """Without a list of starts that makes sense, experiment time is taken as it is."""
    imported = read_imported(written(tmp_path, zipped({**phyphox_files(knee_fall()), "meta/time.csv": times})))
    assert_is(imported, knee_fall(), tolerance=1e-8)
    assert imported.started_ns is None


def test_excel_is_refused_with_advice(tmp_path: Path) -> None:
    """Both kinds of Excel file: export as CSV instead."""
    new = zipped({"[Content_Types].xml": "<x/>", "xl/worksheets/sheet1.xml": "<x/>"})
    for name, data in (("a.xlsx", new), ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))):
        with pytest.raises(InputFileError, match="found an Excel file; export it as CSV"):
            read_imported(written(tmp_path, data, name))


def test_a_mistake_is_named_with_member_and_line(tmp_path: Path) -> None:
    """A cell that is no number, and a set in which every row is empty."""
    files = phyphox_files(knee_fall())
    files["Gyroscope.csv"] = files["Gyroscope.csv"].replace(java_number(0.05), "broken", 1)
    with pytest.raises(InputFileError, match=r"^export.zip, Gyroscope.csv: expected a number in line 7, found"):
        read_imported(written(tmp_path, zipped(files)))
    empty = phyphox_csv(knee_fall().t_s[:5], {name: column[:5] for name, column in ACC.items()}, n_missing=5)
    with pytest.raises(InputFileError, match="expected samples, found only empty rows"):
        read_imported(written(tmp_path, empty, "data.csv"))

"""Sensor Logger exports: every shape of them, one sign convention."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.recording.imports import ImportedFile, read_imported

from .app_files import (
    START_NS,
    Movement,
    knee_fall,
    sensor_logger_files,
    sensor_logger_json,
    unpacked,
    upright_orientation,
    zipped,
)

README_ROW = (
    "time,seconds_elapsed,z,y,x\n"
    "1698501144401773000,0.21677294921875,-0.10382747650146484,-0.0009566396474838257,0.06110857427120209\n"
    "1698501144411773000,0.22677294921875,-0.10387134552001953,-0.002205267548561096,0.06393256038427353\n"
)
"""Two rows of the app's own README."""


def written(folder: Path, data: bytes | str, name: str = "export.zip") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def assert_is(imported: ImportedFile, move: Movement, tolerance: float = 1e-9) -> None:
    """The same samples with the same sign at the same times."""
    assert imported.t_s == pytest.approx(move.t_s, abs=1e-9)
    np.testing.assert_allclose(imported.acc_sensor_mps2, move.acc, atol=tolerance)
    assert imported.gyr_sensor_radps is not None
    np.testing.assert_allclose(imported.gyr_sensor_radps, move.gyr, atol=tolerance)


@pytest.mark.parametrize(("platform", "is_standardised"), [("android", False), ("ios", False), ("ios", True)])
def test_a_knee_fall_comes_back_from_every_phone_with_the_same_sign(
    tmp_path: Path, platform: str, is_standardised: bool
) -> None:
    """A zip of an Android phone, of an iPhone and of a standardised one are the same movement, to the last digit."""
    files = sensor_logger_files(knee_fall(), platform=platform, is_standardised=is_standardised)
    imported = read_imported(written(tmp_path, zipped(files)))
    assert (imported.kind, imported.started_ns) == ("sensor-logger", START_NS)
    assert imported.rate_hz == pytest.approx(100.0)
    assert_is(imported, knee_fall())
    assert len(imported.notes) == 1
    assert imported.notes[0].startswith("Specific force from accelerometer + gravity. Metadata says ")


def test_zip_folder_and_json_are_one_recording(tmp_path: Path) -> None:
    """However the app exported it, and with folders around it, the samples are the same."""
    files = sensor_logger_files(knee_fall().head(300), platform="ios")
    nested = {f"2023-10-28_13-52-24/{name}": content for name, content in files.items()}
    for path in (
        written(tmp_path, zipped(nested)),
        unpacked(files, tmp_path / "export"),
        written(tmp_path, sensor_logger_json(files), "export.json"),
        written(tmp_path, zipped({"export.json": sensor_logger_json(files)}), "json.zip"),
    ):
        assert_is(read_imported(path), knee_fall().head(300))


@pytest.mark.parametrize(
    ("sensors", "platform", "is_mirrored", "word"),
    [
        (("TotalAcceleration", "Gyroscope"), None, False, "TotalAcceleration is written on Android only"),
        (("AccelerometerUncalibrated", "Gyroscope"), None, False, "in m/s²: the sign was kept"),
        (("AccelerometerUncalibrated", "Gyroscope"), None, True, "in g, as on an iPhone"),
        (("AccelerometerUncalibrated", "GyroscopeUncalibrated"), "ios", None, "iOS without standardised frames"),
        (("Accelerometer", "Gravity", "AccelerometerUncalibrated", "Gyroscope"), None, True, "in g, as on an iPhone"),
        (("Accelerometer", "Gravity", "Gyroscope"), None, False, "guessed from the screen"),
    ],
)
def test_the_sign_is_told_by_what_there_is(
    tmp_path: Path, sensors: tuple[str, ...], platform: str | None, is_mirrored: bool | None, word: str
) -> None:
    """Without metadata the unit, the kind of sensor or the screen tells the sign, and a note says which."""
    files = sensor_logger_files(knee_fall(), platform=platform, sensors=sensors, is_mirrored=is_mirrored)
    imported = read_imported(written(tmp_path, zipped(files)))
    assert_is(imported, knee_fall())
    assert word in " ".join(imported.notes)


@pytest.mark.parametrize("is_mirrored", [False, True])
def test_orientation_tells_the_sign_without_metadata(tmp_path: Path, is_mirrored: bool) -> None:
    """The world of the orientation has its z up on both systems."""
    files = sensor_logger_files(knee_fall(), platform=None, is_mirrored=is_mirrored)
    files["Orientation.csv"] = upright_orientation(knee_fall())
    imported = read_imported(written(tmp_path, zipped(files)))
    assert_is(imported, knee_fall())
    assert "Orientation and gravity" in imported.notes[0]


def test_a_contradiction_between_metadata_and_readings_is_noted(tmp_path: Path) -> None:
    """Metadata is believed, but the person is asked to look."""
    files = sensor_logger_files(knee_fall(), platform="ios", is_mirrored=False)
    files["Orientation.csv"] = upright_orientation(knee_fall())
    (note,) = read_imported(written(tmp_path, zipped(files))).notes
    assert "orientation says otherwise: check left and right" in note


def test_sensors_with_times_of_their_own_are_brought_together(tmp_path: Path) -> None:
    """Acceleration 3 ms later than rotation is interpolated; where one of them is missing nothing is invented."""
    move = knee_fall()
    files = sensor_logger_files(move, shift_s={"Accelerometer": 0.003, "Gravity": 0.0045})
    imported = read_imported(written(tmp_path, zipped(files)))
    assert len(imported.t_s) == len(move.t_s) - 1
    np.testing.assert_allclose(imported.acc_sensor_mps2, move.acc[1:], atol=0.05)
    assert imported.gyr_sensor_radps is not None
    np.testing.assert_allclose(imported.gyr_sensor_radps, move.gyr[1:], atol=1e-9)
    assert "1 readings of the gyroscope have no gravity near them and were left out." in imported.notes


def test_a_hole_in_one_sensor_stays_a_hole(tmp_path: Path) -> None:
    """Half a second without acceleration is a gap in the samples, not a straight line."""
    files = sensor_logger_files(knee_fall())
    rows = files["Gravity.csv"].split("\n")
    files["Gravity.csv"] = "\n".join(rows[:501] + rows[551:])
    imported = read_imported(written(tmp_path, zipped(files)))
    assert float(np.diff(imported.t_s).max()) == pytest.approx(0.51)
    assert len(imported.t_s) == len(knee_fall().t_s) - 50


def test_rows_that_come_twice_or_late_are_put_in_order(tmp_path: Path) -> None:
    """An export may repeat rows; the first of two is kept, and it is said."""
    files = sensor_logger_files(knee_fall())
    header, *rows = files["Gyroscope.csv"].strip().split("\n")
    files["Gyroscope.csv"] = "\n".join([header, *rows[10:20], *rows, ""])
    imported = read_imported(written(tmp_path, zipped(files)))
    assert_is(imported, knee_fall())
    assert "10 readings have the time of another one; the first of them was kept." in imported.notes


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(["time", "seconds_elapsed", "z", "y", "x"]))
def test_columns_are_read_by_name(tmp_path: Path, order: list[str]) -> None:
    """The order of the columns, which has changed between versions, changes nothing."""
    files = sensor_logger_files(knee_fall().head(50), order=order)
    assert_is(read_imported(written(tmp_path, zipped(files))), knee_fall().head(50))


def test_one_file_with_gravity_is_enough(tmp_path: Path) -> None:
    """TotalAcceleration.csv alone is a recording without gyroscope; a renamed copy is known by its content."""
    text = sensor_logger_files(knee_fall(), sensors=("TotalAcceleration",))["TotalAcceleration.csv"]
    for name in ("TotalAcceleration.csv", "total-acceleration (1).csv", "left leg.csv"):
        imported = read_imported(written(tmp_path, text, name))
        np.testing.assert_allclose(imported.acc_sensor_mps2, knee_fall().acc, atol=1e-9)
        assert imported.gyr_sensor_radps is None
        assert "There is no gyroscope in it." in imported.notes


def test_the_example_of_the_readme_lacks_gravity_and_says_so(tmp_path: Path) -> None:
    """Accelerometer alone has no gravity: one sentence says what to switch on, as CSV and as JSON."""
    items = [
        {"sensor": "Accelerometer", "time": "1698501144401773000", "seconds_elapsed": "0.21677294921875",
         "z": "-0.10382747650146484", "y": "-0.0009566396474838257", "x": "0.06110857427120209"},
        {"sensor": "Location", "time": "1698501145514000000", "seconds_elapsed": "1.328", "speed": "0"},
    ]  # fmt: skip
    for name, text in (("Accelerometer.csv", README_ROW), ("export.json", json.dumps(items))):
        with pytest.raises(InputFileError) as caught:
            read_imported(written(tmp_path, text, name))
        assert str(caught.value) == (
            f"{name}: expected Accelerometer and Gravity, TotalAcceleration or AccelerometerUncalibrated, found "
            "accelerometer; name the zip or the folder of the export instead of one file; the app takes gravity out "
            "of the accelerometer, so switch on Gravity beside it."
        )


def test_the_example_of_the_readme_with_gravity_keeps_every_digit(tmp_path: Path) -> None:
    """The documented rows, with gravity beside them: 10 ms apart, values exact, read by name."""
    gravity = README_ROW.replace("-0.10382747650146484", "9.5").replace("-0.10387134552001953", "9.5")
    data = zipped({"Accelerometer.csv": README_ROW, "Gravity.csv": gravity})
    imported = read_imported(written(tmp_path, data))
    assert imported.t_s.tolist() == [0.0, 0.01]
    assert imported.started_ns == 1698501144401773000
    assert imported.acc_sensor_mps2[0].tolist() == [
        2 * 0.06110857427120209,
        2 * -0.0009566396474838257,
        9.5 - 0.10382747650146484,
    ]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("1698501144411773000", "1.6985011e18", "expected a whole number in line 3, found '1.6985011e18'"),
        ("1698501144411773000", "9" * 30, f"expected a whole number in line 3, found '{'9' * 30}'"),
        ("0.06393256038427353", "x", "expected a number in line 3, found 'x'"),
        ("0.06393256038427353", "", "expected a number in line 3, found nothing"),
        (",y,x\n", ",y,w\n", "expected the columns x, y, z; x is missing in line 1"),
    ],
)
def test_a_broken_member_is_named_with_its_line(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    """File, member, line, what was expected and what was found."""
    data = zipped({"Accelerometer.csv": README_ROW.replace(old, new), "Gravity.csv": README_ROW})
    with pytest.raises(InputFileError) as caught:
        read_imported(written(tmp_path, data))
    assert str(caught.value).startswith(f"export.zip, Accelerometer.csv: {sentence}")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('[{"sensor": "Gra', "broken JSON"),
        ("[" * 100_000, "found"),
        ("[]", "found no sensor that is used"),
        ('{"payload": []}', "another kind of JSON"),
        ('[{"sensor": "Gravity", "time": "x", "x": "0", "y": "0", "z": "9"}]', "in object 1 of the array"),
        ('[{"sensor": "Gravity", "time": "1", "x": "nan", "y": "0", "z": "9"}]', "finite numbers in object 1"),
        ('[{"sensor": "Gravity", "time": "1", "y": "0", "z": "9"}]', "numbers as x, y, z in object 1"),
    ],
)
def test_broken_json_is_one_sentence(tmp_path: Path, text: str, word: str) -> None:
    """Cut, nested without end, of another kind, or with a value that is none."""
    with pytest.raises(InputFileError, match=r"^export\.json: expected") as caught:
        read_imported(written(tmp_path, text, "export.json"))
    assert word in str(caught.value)


def test_two_recordings_in_one_zip_are_not_mixed(tmp_path: Path) -> None:
    """A zip of several evenings is refused; which one is meant cannot be guessed."""
    files = sensor_logger_files(knee_fall().head(50))
    data = zipped({f"{night}/{name}": content for night in ("mon", "tue") for name, content in files.items()})
    with pytest.raises(InputFileError, match=r"found 2 \(mon/Accelerometer.csv, tue/Accelerometer.csv\)"):
        read_imported(written(tmp_path, data))


def test_an_accelerometer_that_never_rests_at_one_g_is_refused(tmp_path: Path) -> None:
    """Gravity of a third is a unit that is not known, or a broken export."""
    light = Movement(knee_fall().t_s, knee_fall().acc / 3, knee_fall().gyr)
    files = sensor_logger_files(light, sensors=("TotalAcceleration",))
    with pytest.raises(InputFileError, match=r"expected acceleration with gravity, about 9\.8 m/s² at rest, found a"):
        read_imported(written(tmp_path, zipped(files)))

"""Movesense Showcase tables: both systems, one table or two, and the phone's decimal comma."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.recording.import_movesense import _with_points
from sensorsoma.recording.imports import read_imported
from sensorsoma.units import DEG

from .app_files import Movement, knee_fall, movesense_android, movesense_imu, movesense_ios, unpacked, zipped
from .test_import_sensor_logger import assert_is, written

IOS_TEST_DATA = (
    "timestamp,x,y,z\n"
    "599025762,0.31347096,-0.31347096,9.928176\n,0.28475606,-0.31586388,9.949712\n,0.33022133,-0.2680057,9.935354\n"
    ",0.33022133,-0.28236315,9.8922825\n"
    "599025839,0.31347096,-0.31347096,9.928176\n,0.28475606,-0.31586388,9.949712\n,0.33022133,-0.2680057,9.935354\n"
    ",0.33022133,-0.28236315,9.8922825\n"
)
"""A packet of the iOS app's own tests (from a sensor at 52 Hz), and the same again 77 ms later."""


@pytest.mark.parametrize("point", [".", ","])
@pytest.mark.parametrize("begin_ms", [172_460, 2**32 - 5_000])
def test_a_knee_fall_comes_back_from_the_imu_page(tmp_path: Path, point: str, begin_ms: int) -> None:
    """Six values under a header for nine, with decimal point or comma, also across the wrap of the sensor's clock."""
    imported = read_imported(written(tmp_path, movesense_imu(knee_fall(), begin_ms, point), "MovesenseLog.csv"))
    assert imported.kind == "movesense"
    assert_is(imported, knee_fall(), tolerance=1e-6)
    assert imported.notes == ()


@pytest.mark.parametrize("point", [".", ","])
def test_two_pages_of_the_android_app_are_one_recording(tmp_path: Path, point: str) -> None:
    """Acceleration and rotation in a table each, packed or unpacked, are joined at the gyroscope's times."""
    move = knee_fall()
    files = {
        "LinearAcceleration.csv": movesense_android(move.t_s, move.acc, "m/s^2", point),
        "AngularVelocity.csv": movesense_android(move.t_s, move.gyr / DEG, "degree per second", point),
    }
    assert_is(read_imported(written(tmp_path, zipped(files))), move, tolerance=1e-6)
    assert_is(read_imported(unpacked(files, tmp_path / "both")), move, tolerance=1e-6)


def test_tables_that_began_at_different_times_are_joined_by_their_clock(tmp_path: Path) -> None:
    """The second page was opened two seconds later: only what both saw is kept, and together as it happened."""
    move = knee_fall()
    late = Movement(move.t_s[200:], move.acc[200:], move.gyr[200:])
    files = {
        "acc.csv": movesense_android(move.t_s, move.acc, "m/s^2"),
        "gyro.csv": movesense_android(late.t_s, late.gyr / DEG, "degree per second"),
    }
    expected = Movement(late.t_s - late.t_s[0], late.acc, late.gyr)
    assert_is(read_imported(written(tmp_path, zipped(files))), expected, tolerance=1e-6)


def test_two_recordings_of_the_ios_app_are_one_recording(tmp_path: Path) -> None:
    """Both sensors have one header there; names tell them apart, and without them the size at rest."""
    move = knee_fall()
    acc, gyr = movesense_ios(move.t_s, move.acc), movesense_ios(move.t_s, move.gyr / DEG)
    for names in (("1_acc_stream.csv", "1_gyro_stream.csv"), ("a.csv", "b.csv")):
        data = zipped(dict(zip(names, (acc, gyr), strict=True)))
        assert_is(read_imported(written(tmp_path, data)), move, tolerance=2e-6)


def test_rows_of_a_packet_are_spread_up_to_the_next(tmp_path: Path) -> None:
    """The example of the app: four samples in 77 ms, values as they stand."""
    imported = read_imported(written(tmp_path, IOS_TEST_DATA, "acc_stream.csv"))
    assert imported.t_s == pytest.approx(np.arange(8) * 0.01925)
    assert imported.acc_sensor_mps2[1].tolist() == [0.28475606, -0.31586388, 9.949712]
    assert imported.gyr_sensor_radps is None


def test_a_lost_packet_is_a_gap(tmp_path: Path) -> None:
    """A packet that is missing leaves its time free instead of stretching the one before it."""
    lines = movesense_ios(knee_fall().t_s, knee_fall().acc).split("\n")
    imported = read_imported(written(tmp_path, "\n".join(lines[:401] + lines[413:]), "acc.csv"))
    assert float(np.diff(imported.t_s).max()) == pytest.approx(0.13, abs=1e-6)
    assert imported.rate_hz == pytest.approx(100.0, abs=0.01)


def test_a_version_that_writes_one_sample_of_each_packet(tmp_path: Path) -> None:
    """Then the rate is that of the packets."""
    move = knee_fall()
    imported = read_imported(written(tmp_path, movesense_android(move.t_s[::8], move.acc[::8], "m/s^2"), "a.csv"))
    assert imported.rate_hz == pytest.approx(12.5)
    assert imported.notes == ("There is no gyroscope in it.",)


@given(values=st.lists(st.floats(-2000, 2000), min_size=3, max_size=9), end=st.sampled_from(["", ", "]))
def test_decimal_commas_are_told_from_delimiters(values: list[float], end: str) -> None:
    """Whatever the numbers: six digits stand behind a comma within a number and nowhere else."""
    row = ",".join(["172460", *(f"{value:.6f}" for value in values)]) + end
    assert _with_points(row.replace(".", ",")) == row
    assert _with_points(row) == row


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"gyro.csv": IOS_TEST_DATA}, "leg.zip: expected acceleration, about 9.8 m/s² at rest, found rotation alone"),
        (
            {"1/acc.csv": IOS_TEST_DATA, "2/acc.csv": IOS_TEST_DATA},
            "leg.zip: expected one table with acceleration, found 2 (1/acc.csv, 2/acc.csv); unpack it and name",
        ),
        ({"acc.csv": IOS_TEST_DATA.replace("9.9", "0.9")}, "leg.zip, acc.csv: expected acceleration with gravity"),
        ({"acc.csv": IOS_TEST_DATA.replace("-0.2680057", "x")}, "leg.zip, acc.csv: expected a number in line 4"),
        ({"acc.csv": "timestamp,x,y,z\n,1,2,3\n"}, "leg.zip, acc.csv: expected a time in line 2, found nothing."),
        (
            {"acc.csv": IOS_TEST_DATA, "gyro.csv": IOS_TEST_DATA.replace("5990", "7990")},
            "leg.zip: expected acceleration and rotation at the same time, found no moment.",
        ),
    ],
)
def test_what_does_not_fit_is_one_sentence(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    """Rotation alone, several sensors, another unit, a broken field, two evenings."""
    with pytest.raises(InputFileError) as caught:
        read_imported(written(tmp_path, zipped(files), "leg.zip"))
    assert str(caught.value).startswith(sentence)

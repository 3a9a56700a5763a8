"""Tables with a header: what their names and units say, and that no text brings the readers down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.recording.imported import AccUnit, GyrUnit
from sensorsoma.recording.imports import ImportedFile, read_imported
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

from .app_files import is_sound, outcome

ACC_MPS2, GYR_RADPS = (0.5, -0.25, 9.8), (0.5, -1.0, 0.1)
SCALES = {"mps2": 1.0, "g": STANDARD_GRAVITY_MPS2, "mg": STANDARD_GRAVITY_MPS2 / 1000, "radps": 1.0, "dps": DEG}


def written(
    folder: Path, header: str, acc: str = "mps2", gyr: str = "radps", *, scale_s: float = 1.0, sep: str = ","
) -> Path:
    """A file of two seconds at 103 Hz under a header; numbers in the units that are named."""
    values = [*(f"{value / SCALES[acc]:.9g}" for value in ACC_MPS2), *(f"{v / SCALES[gyr]:.9g}" for v in GYR_RADPS)]
    n = header.split("\n")[-1].count(sep)
    rows = (sep.join([f"{k / 103 / scale_s:.9g}", *values][: n + 1]) for k in range(206))
    path = folder / "leg.csv"
    path.write_text(header + "\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def assert_is(found: ImportedFile, *, has_gyr: bool) -> None:
    assert found.kind == "headed-csv"
    assert found.rate_hz == pytest.approx(103.0, abs=0.1)
    assert found.acc_sensor_mps2[9] == pytest.approx(ACC_MPS2, rel=1e-6)
    assert (found.gyr_sensor_radps is not None) == has_gyr
    if found.gyr_sensor_radps is not None:
        assert found.gyr_sensor_radps[9] == pytest.approx(GYR_RADPS, rel=1e-6)


@pytest.mark.parametrize(
    ("header", "acc", "gyr", "scale_s"),
    [
        ("time_s,acc_x (g),acc_y (g),acc_z (g)", "g", "radps", 1.0),
        ("time_s,acc_x_g,acc_y_g,acc_z_g,gx_dps,gy_dps,gz_dps", "g", "dps", 1.0),
        ("Time (s),accX [m/s^2],accY [m/s^2],accZ [m/s^2]", "mps2", "radps", 1.0),
        ("time_ms,ax (mg),ay (mg),az (mg),gyr_x(deg/s),gyr_y(deg/s),gyr_z(deg/s)", "mg", "dps", 0.001),
        (
            "timestamp [us],Acc X (m/s²),Acc Y (m/s²),Acc Z (m/s²),Gyro X (°/s),Gyro Y (°/s),Gyro Z (°/s)",
            "mps2",
            "dps",
            1e-6,
        ),
        ("Time,Accel-X (g), Accel-Y (g), Accel-Z (g), Gyro-X (d/s), Gyro-Y (d/s), Gyro-Z (d/s)", "g", "dps", 1.0),
        ("t,x [g],y [g],z [g],wx [rad/s],wy [rad/s],wz [rad/s]", "g", "radps", 1.0),
        ("Time\tX-axis\tY-axis\tZ-axis\nms\tg\tg\tg", "g", "radps", 0.001),
        ("# by hand\n#time_s,accel_x_mps2,accel_y_mps2,accel_z_mps2", "mps2", "radps", 1.0),
        ("sep=;\ntime_s;acc_x;acc_y;acc_z;gyr_x;gyr_y;gyr_z", "mps2", "radps", 1.0),
    ],
)
def test_units_in_the_header_count(tmp_path: Path, header: str, acc: str, gyr: str, scale_s: float) -> None:
    """Whatever the spelling of names and units: SI samples at the true rate."""
    sep = next(mark for mark in "\t;," if mark in header.split("\n")[-1])
    found = read_imported(written(tmp_path, header, acc, gyr, scale_s=scale_s, sep=sep))
    assert_is(found, has_gyr="gy" in header.lower() or "wy" in header)
    assert found.notes == ()


@pytest.mark.parametrize(("acc_unit", "gyr_unit"), [("mps2", "radps"), ("g", "dps")])
def test_the_header_is_believed_before_the_option(tmp_path: Path, acc_unit: AccUnit, gyr_unit: GyrUnit) -> None:
    """An option that contradicts the header is not applied, and a note says so."""
    header = "time_s,acc_x (m/s^2),acc_y (m/s^2),acc_z (m/s^2),gyr_x (rad/s),gyr_y (rad/s),gyr_z (rad/s)"
    found = read_imported(written(tmp_path, header), acc_unit, gyr_unit)
    assert_is(found, has_gyr=True)
    said = (
        "The header says m/s²; `--acc-unit g` was not applied.",
        "The header says rad/s; `--gyr-unit dps` was not applied.",
    )
    assert found.notes == (said if acc_unit == "g" else ())


@pytest.mark.parametrize(
    ("header", "sentence"),
    [
        ("time_s,acc_x (g),acc_y (g),acc_z (g)", "in g, as the header in line 1 says, found a typical size of 9.82"),
        ("time_s,acc_x (m/s),acc_y (m/s),acc_z (m/s)", "expected acceleration in g, mg or m/s² in line 1"),
        ("time_s,acc_x (g),acc_y (m/s^2),acc_z (g)", "found 'acc_x (g), acc_y (m/s^2), acc_z (g)'"),
        ("time_s,acc_x,acc_y,acc_z,gyr_x,gyr_y", "gyr_z is missing in line 1"),
        ("sample,acc_x,acc_y,acc_z", "expected a column of time stamps"),
        (
            "time_s,left_acc_x,left_acc_y,left_acc_z,right_acc_x,right_acc_y,right_acc_z",
            "expected one accelerometer, found 2",
        ),
        ("time_s,linear_acceleration_x,linear_acceleration_y,linear_acceleration_z", "acc_x, acc_y, acc_z is missing"),
    ],
)
def test_a_header_that_contradicts_is_refused(tmp_path: Path, header: str, sentence: str) -> None:
    """One sentence that names the line of the header."""
    with pytest.raises(InputFileError) as caught:
        read_imported(written(tmp_path, header))
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_acceleration_without_gravity_is_refused(tmp_path: Path) -> None:
    """No angle can be told from it."""
    path = tmp_path / "leg.csv"
    path.write_text(
        "time_s,acc_x,acc_y,acc_z\n" + "".join(f"{k / 50},0.1,0.2,0\n" for k in range(99)), encoding="utf-8"
    )
    with pytest.raises(InputFileError, match=r"expected acceleration with gravity in m/s², about 9\.8 at rest"):
        read_imported(path)


def test_a_clock_that_was_set_on_the_way_is_refused(tmp_path: Path) -> None:
    """From 1970 to today in one step would be half a century to work through: one sentence says where to cut."""
    path = tmp_path / "leg.csv"
    times = [k / 50 + (1.7e9 if k >= 100 else 0.0) for k in range(200)]
    path.write_text("time_s,acc_x,acc_y,acc_z\n" + "".join(f"{t:.3f},0.5,-0.25,9.8\n" for t in times))
    with pytest.raises(InputFileError, match=r"found 19676 days between samples 100 and 101; was the clock set"):
        read_imported(path)


def test_stamps_of_packets_are_spread(tmp_path: Path) -> None:
    """A logger that gives all rows of a packet one time: rows at the rate of the sensor, no sample lost."""
    path = tmp_path / "leg.csv"
    rows = (f"{(k - k % 8) / 52:.4f},{k % 5 / 10},0,9.8\n" for k in range(520))
    path.write_text("time_s,acc_x,acc_y,acc_z\n" + "".join(rows), encoding="utf-8")
    found = read_imported(path)
    assert found.rate_hz == pytest.approx(52.0, abs=0.05)
    assert found.t_s == pytest.approx(np.arange(520) / 52, abs=0.01)
    assert found.notes[0].startswith("Time stamps are in steps of 0.154 s, coarser than the samples")


def test_stamps_of_arrival_are_spread(tmp_path: Path) -> None:
    """A script that stamps each row when its packet has come: the rate is the sensor's, not that of the script."""
    path = tmp_path / "leg.csv"
    jitter_s = np.random.default_rng(1).uniform(0.0, 0.02, size=200)
    stamps = [k // 8 * 8 / 104 + jitter_s[k // 8] + k % 8 * 2e-5 for k in range(1600)]
    rows = (f"{1.7e9 + stamp:.6f},{k % 5 / 10},0,9.8\n" for k, stamp in enumerate(stamps))
    path.write_text("time,acc_x,acc_y,acc_z\n" + "".join(rows), encoding="utf-8")
    found = read_imported(path)
    assert found.rate_hz == pytest.approx(104.0, abs=0.1)
    assert found.t_s == pytest.approx(np.arange(1600) / 104, abs=0.02)
    assert found.notes[0].startswith("Time stamps come in bursts every 0.077 s")


CELLS = st.one_of(
    st.sampled_from([
        "time", "time_s", "timestamp", "date", "x", "y", "z", "acc_x", "acc_y (g)", "acc_z [m/s^2]", "gyr_x", "gx_dps",
        "", "0", "1", "0.01", "0,5", "-1e9", "nan", "inf", "1541677617", "43412.5", "2018-11-08 11:46:57.006",
        "08/11/2018", "13/13/2018 25:61:61", "11:46:57", "2018-11-08 11:46:60.000 PM", "2018-11-08T11:46:57+99:99",
        "NaT", '"', "#", "Hz", "at 0 Hz", "9" * 30, "1e300", "²", "\x00", "٣",
    ]),
    st.text(max_size=6),
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    table=st.lists(st.lists(CELLS, min_size=1, max_size=8), max_size=9),
    sep=st.sampled_from([",", ";", "\t"]),
    times=st.integers(1, 3),
)
def test_any_text_is_samples_or_one_sentence(tmp_path: Path, table: list[list[str]], sep: str, times: int) -> None:
    """Tables put together from what tools write, in any order, give samples or one sentence, never another error."""
    path = tmp_path / "leg.csv"
    lines = [sep.join(cells) for cells in table for _ in range(times)]
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8", errors="surrogatepass"))
    found = outcome(path)
    assert is_sound(found)
    assert not isinstance(found, str) or found.startswith("leg.csv")

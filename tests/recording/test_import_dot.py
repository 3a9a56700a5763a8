"""Xsens/Movella DOT tables: every measurement mode that holds an angle, and the clock that wraps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.recording.import_dot import quaternions, rebuilt_force
from sensorsoma.recording.imports import read_imported
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

from .app_files import DOT_PREAMBLE, dot_csv, knee_fall, zipped
from .test_import_sensor_logger import assert_is, written

PUBLIC_ROWS = (
    DOT_PREAMBLE
    + """PacketCounter,SampleTimeFine,Euler_X,Euler_Y,Euler_Z,Acc_X,Acc_Y,Acc_Z,Gyr_X,Gyr_Y,Gyr_Z
0,2974023062,-179.98799133300781,-0.25218504667282,-136.18397521972656,0.00000000000000,0.00000000000000,0.00000000000000,0.00000000000000,0.00000000000000,0.00000000000000
1,2974031395,-179.99078369140625,-0.24755834043026,-136.18243408203125,0.06049161031842,0.01594381593168,-9.65323448181152,0.02204104885459,0.24006941914558,0.04952512308955
2,2974039728,-179.99169921875000,-0.24237281084061,-136.18182373046875,0.05363916978240,0.01804662309587,-9.63489341735840,0.24772804975510,0.17401030659676,0.16130565106869
"""
)
"""The first rows of a public recording (Allwillcome/XsensDot2Mtw4OpenSense, sensor upside down, 120 Hz)."""


def mode(*names: str) -> dict[str, np.ndarray]:
    """Columns of a measurement mode, of a knee fall measured by a sensor whose orientation is known."""
    move = knee_fall()
    up = move.acc / np.linalg.norm(move.acc, axis=1, keepdims=True)
    roll, pitch = np.arctan2(up[:, 1], up[:, 2]), -np.arcsin(up[:, 0])
    euler = np.column_stack([roll, pitch, np.full(len(up), 2.0)])
    quat = quaternions(euler)
    free = up * (np.linalg.norm(move.acc, axis=1, keepdims=True) - STANDARD_GRAVITY_MPS2)  # along the vertical only
    free_earth = np.column_stack([np.zeros((len(up), 2)), np.linalg.norm(free, axis=1) * np.sign((free * up).sum(1))])
    known = {"Acc": move.acc, "Gyr": move.gyr / DEG, "Quat": quat, "Euler": euler / DEG, "FreeAcc": free_earth}
    return {name: known[name] for name in names}


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (("Acc", "Gyr"), None),
        (("Quat", "Acc", "Gyr"), None),
        (("Euler", "FreeAcc", "Gyr"), "rebuilt from free acceleration and the Euler angles"),
        (("Quat", "FreeAcc", "Gyr"), "rebuilt from free acceleration and the quaternion"),
    ],
)
@pytest.mark.parametrize("begin_us", [1_143_080_408, 2**32 - 5_000_000])
def test_a_knee_fall_comes_back_from_every_mode(
    tmp_path: Path, names: tuple[str, ...], note: str | None, begin_us: int
) -> None:
    """Rate quantities as they stand, the others rebuilt and said so, also across the wrap of the clock."""
    imported = read_imported(written(tmp_path, dot_csv(knee_fall().t_s, mode(*names), begin_us), "thigh.csv"))
    assert imported.kind == "dot"
    assert_is(imported, knee_fall(), tolerance=1e-9)
    assert [note] == [note for remark in imported.notes if note in remark] if note else imported.notes == ()


def test_a_mode_without_gyroscope_is_a_recording_of_acceleration(tmp_path: Path) -> None:
    """The mode that the app offers first, Extended (Quaternion), has no angular rate."""
    imported = read_imported(written(tmp_path, dot_csv(knee_fall().t_s, mode("Quat", "FreeAcc")), "thigh.csv"))
    np.testing.assert_allclose(imported.acc_sensor_mps2, knee_fall().acc, atol=1e-9)
    assert imported.gyr_sensor_radps is None
    assert imported.notes[-1] == "There is no gyroscope in it."


def test_rows_of_a_public_recording(tmp_path: Path) -> None:
    """As the app wrote them: the empty first row left out, m/s² as they are, degrees into radians."""
    imported = read_imported(written(tmp_path, PUBLIC_ROWS, "thigh.csv"))
    assert imported.t_s == pytest.approx([0.0, 0.008333])
    assert imported.acc_sensor_mps2[0].tolist() == [0.06049161031842, 0.01594381593168, -9.65323448181152]
    assert imported.gyr_sensor_radps is not None
    assert imported.gyr_sensor_radps[0, 1] == pytest.approx(0.24006941914558 * DEG)
    assert imported.notes == ("1 row holds only zeros and were left out.",)


def test_the_vendors_acceleration_points_up_as_its_orientation_does(tmp_path: Path) -> None:
    """In the public recording Euler angles and Acc agree on which way is up: so does what is rebuilt."""
    euler = np.array([[-179.99078369140625, -0.24755834043026, -136.18243408203125]]) * DEG
    rebuilt = rebuilt_force(np.zeros((1, 3)), quaternions(euler))[0]
    measured = read_imported(written(tmp_path, PUBLIC_ROWS, "thigh.csv")).acc_sensor_mps2[0]
    cosine = rebuilt @ measured / np.linalg.norm(rebuilt) / np.linalg.norm(measured)
    assert cosine > np.cos(0.2 * DEG)


@given(euler=st.tuples(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(-3.1, 3.1)))
def test_heading_changes_nothing_at_rest(euler: tuple[float, float, float]) -> None:
    """Gravity alone, seen from the sensor, depends on roll and pitch as textbooks say, never on yaw."""
    roll, pitch, _ = euler
    up = np.array([-np.sin(pitch), np.sin(roll) * np.cos(pitch), np.cos(roll) * np.cos(pitch)])
    force = rebuilt_force(np.zeros((1, 3)), quaternions(np.array([euler])))[0]
    np.testing.assert_allclose(force, STANDARD_GRAVITY_MPS2 * up, atol=1e-9)


def test_lost_rows_are_gaps(tmp_path: Path) -> None:
    """Packets that the radio lost leave their time free."""
    lines = dot_csv(knee_fall().t_s, mode("Acc", "Gyr")).split("\n")
    imported = read_imported(written(tmp_path, "\n".join(lines[:500] + lines[520:]), "thigh.csv"))
    assert float(np.diff(imported.t_s).max()) == pytest.approx(0.21)


@pytest.mark.parametrize(
    ("names", "replaced", "sentence"),
    [
        (("FreeAcc",), None, "found FreeAcc without an orientation; measure in the mode Rate quantities"),
        (("Quat", "Gyr"), None, "expected acceleration with gravity (Acc_X, Acc_Y, Acc_Z) or FreeAcc with Quat"),
        (("Acc",), ("SampleTimeFine", "Something"), "expected the column SampleTimeFine in line 12, found none"),
        (("Acc",), ("2974023062", "soon"), "expected a whole number in line 13, found 'soon'"),
        (("Acc",), ("Acc_Z", "Acc_W"), "expected acceleration with gravity"),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    tmp_path: Path, names: tuple[str, ...], replaced: tuple[str, str] | None, sentence: str
) -> None:
    """A mode from which no angle can be told, a missing column, a broken field."""
    text = dot_csv(knee_fall().t_s[:50], {name: columns[:50] for name, columns in mode(*names).items()})
    with pytest.raises(InputFileError, match=r"^thigh\.csv: expected ") as caught:
        read_imported(written(tmp_path, text.replace(*replaced) if replaced else text, "thigh.csv"))
    assert sentence in str(caught.value)


def test_several_sensors_in_one_zip_are_not_mixed(tmp_path: Path) -> None:
    """Which of the app's files is the thigh cannot be guessed."""
    text = dot_csv(knee_fall().t_s, mode("Acc", "Gyr"))
    with pytest.raises(InputFileError, match=r"expected one sensor, found 2 \(left.csv, right.csv\)"):
        read_imported(written(tmp_path, zipped({"left.csv": text, "right.csv": text})))

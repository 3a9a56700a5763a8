"""Motion-BIDS: samples, channels and metadata in three files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.errors import InputFileError
from sensorsoma.recording.imports import ImportedFile, read_imported
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

from .app_files import Movement, knee_fall, motion_bids_files, unpacked, zipped

SHORT = knee_fall().head(300)
BEFORE = "sub-01_task-kneefall_tracksys-imu"


def assert_is(found: ImportedFile, move: Movement) -> None:
    assert found.kind == "motion-bids"
    assert found.t_s == pytest.approx(move.t_s, abs=1e-6)
    np.testing.assert_allclose(found.acc_sensor_mps2, move.acc, atol=1e-6)
    assert found.gyr_sensor_radps is not None
    np.testing.assert_allclose(found.gyr_sensor_radps, move.gyr, atol=1e-6)


def test_a_folder_a_zip_and_the_table_alone_are_the_same(tmp_path: Path) -> None:
    """The table finds what lies beside it; a whole data set's folder may lie around it."""
    files = {f"sub-01/motion/{name}": text for name, text in motion_bids_files(SHORT).items()}
    folder = unpacked({**files, "dataset_description.json": '{"Name": "x"}'}, tmp_path / "set")
    (tmp_path / "leg.zip").write_bytes(zipped(files))
    for path in (folder, folder / "sub-01" / "motion" / f"{BEFORE}_motion.tsv", tmp_path / "leg.zip"):
        assert_is(read_imported(path), SHORT)


def test_units_of_the_channels_count(tmp_path: Path) -> None:
    """g and °/s are converted, whatever was said about units of headed tables."""
    in_g = Movement(SHORT.t_s, SHORT.acc / STANDARD_GRAVITY_MPS2, SHORT.gyr / DEG)
    folder = unpacked(motion_bids_files(in_g, units=("g", "deg/s")), tmp_path)
    assert_is(read_imported(folder, gyr_unit="dps"), SHORT)


def test_without_latency_the_effective_rate_is_taken_and_said(tmp_path: Path) -> None:
    """Only then is a rate believed that a file states of itself."""
    found = read_imported(unpacked(motion_bids_files(SHORT, has_latency=False), tmp_path))
    assert_is(found, SHORT)
    assert found.notes == (
        "There is no LATENCY channel; the rows were taken at the SamplingFrequencyEffective of 100 Hz that the "
        "metadata states.",
    )


def test_missing_samples_are_a_hole(tmp_path: Path) -> None:
    """Rows of n/a are left out; the time after them stays what it was."""
    files = motion_bids_files(SHORT, has_latency=False)
    lines = files[f"{BEFORE}_motion.tsv"].split("\n")
    lines[100:120] = ["\t".join(["n/a"] * 6)] * 20
    found = read_imported(unpacked({**files, f"{BEFORE}_motion.tsv": "\n".join(lines)}, tmp_path))
    assert len(found.t_s) == 280
    assert found.t_s[-1] == pytest.approx(2.99)
    assert found.notes[0] == "20 rows without a sample were left out."


def _with(name: str, change: Callable[[str], str], **options: object) -> dict[str, str]:
    files = motion_bids_files(SHORT, **options)  # type: ignore[arg-type]
    return {**files, BEFORE + name: change(files[BEFORE + name])}


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (motion_bids_files(SHORT, points=("LeftFoot", "RightWrist")), "found 2 (LeftFoot, RightWrist)"),
        (
            motion_bids_files(SHORT, units=("m/s", "rad/s")),
            "units such as m/s^2 and rad/s for ACCEL channels, found 'm/s'",
        ),
        (motion_bids_files(SHORT, has_latency=False, meta="{}"), "a LATENCY channel or SamplingFrequency"),
        (motion_bids_files(SHORT, has_latency=False, meta="{"), "expected JSON"),
        (_with("_channels.tsv", lambda text: text.replace("ACCEL", "POS")), "found none"),
        (_with("_channels.tsv", lambda text: text.replace("\tz\tACCEL", "\tn/a\tACCEL")), "found x, y."),
        (_with("_channels.tsv", lambda text: text.replace("units", "u")), "found no units"),
        (_with("_channels.tsv", lambda text: text + "extra\tx\tPOS\tHead\tm\n"), "expected 8 columns"),
        (_with("_motion.tsv", lambda text: text.replace("\t", "\tx", 1)), "expected a number in line 1"),
        (
            {**motion_bids_files(SHORT), "sub-02_motion.tsv": "0\n", "sub-02_channels.tsv": "name\n"},
            "expected one recording (_motion.tsv), found 2",
        ),
    ],
)
def test_what_is_left_open_is_refused(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    """One sentence: what was expected, what was found."""
    folder = unpacked(files, tmp_path / "leg")
    with pytest.raises(InputFileError) as caught:
        read_imported(folder)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)

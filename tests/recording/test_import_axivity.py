"""One clamshell as every Open Movement tool writes it: the same samples, and the count that the plain file gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.analysis import analyze_inputs
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats
from sensorsoma.recording.imports import ImportedFile, imported_inputs, read_imported
from sensorsoma.settings import SegmentRequest
from sensorsoma.simulate import Difficulties, simulate_exercise
from sensorsoma.units import DEG, STANDARD_GRAVITY_MPS2

RATE_HZ = 103.0
"""What an AX3 that is set to 100 Hz may really run at."""
START = datetime(2018, 11, 8, 23, 59, 50, 6000)
"""Ten seconds before midnight, so that the date changes within every file."""
SHORT = 2000
"""Rows of the files that are compared by their samples; 19 s."""

Stamp = Callable[[datetime, int], str]


@cache
def clamshell() -> tuple[Floats, Floats, int]:
    """Acceleration in g in steps of 1/64, angular rate in °/s, and how many repetitions it is."""
    made = simulate_exercise(
        "clamshell", side="right", seed=5, rate_hz=RATE_HZ, difficulties=Difficulties.none(), n_reps=4
    )
    samples = made.samples["right-thigh"]
    assert samples.gyr_sensor_radps is not None
    acc_g = np.round(samples.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2 * 64) / 64
    return acc_g, np.round(samples.gyr_sensor_radps / DEG, 6), 4


def at(k: int) -> datetime:
    return START + timedelta(seconds=k / RATE_HZ)


def iso(t: datetime, k: int) -> str:
    """As cwa-convert and omconvert write it: milliseconds cut off, not rounded."""
    return f"{t:%Y-%m-%d %H:%M:%S}.{t.microsecond // 1000:03d}"


def rows(
    stamp: Stamp = iso,
    *,
    n: int = SHORT,
    sep: str = ",",
    values: Callable[[int], list[str]] | None = None,
    end: str = "",
) -> str:
    """Rows of a file; `values` gives what stands behind the time stamp."""
    acc_g, _, _ = clamshell()
    fields = values or (lambda k: [f"{value:.6f}" for value in acc_g[k]])
    return "".join(sep.join([stamp(at(k), k), *fields(k)]) + end + "\n" for k in range(n))


def with_gyr(k: int) -> list[str]:
    acc_g, gyr_dps, _ = clamshell()
    return [f"{value:.6f}" for value in (*acc_g[k], *gyr_dps[k])]


def more(*cells: str) -> Callable[[int], list[str]]:
    """The axes and what else was asked for; light, temperature and battery change once in a block."""
    acc_g = clamshell()[0]
    return lambda k: [*(f"{value:.6f}" for value in acc_g[k]), *cells]


def raw(steps: int) -> Callable[[int], list[str]]:
    acc_g = clamshell()[0]
    return lambda k: [str(round(value * steps)) for value in acc_g[k]]


def blank_every_tenth(k: int) -> list[str]:
    return ["", "", ""] if k % 10 == 9 else [f"{value:.6f}" for value in clamshell()[0][k]]


GENEACTIV = (
    "Device Type,GENEActiv\n" + "\n" * 9 + "Measurement Frequency,100 Hz\n" + "\n" * 42 + "Units,g\n" + "\n" * 46
)
ACTILIFE = (
    "------ Data File Created By ActiGraph GT3X+ ActiLife v6.13.3 date format dd/MM/yyyy at 103 Hz  Filter Normal --\n"
    "Serial Number: NEO1DXXXXXXXX\nStart Time 23:59:50\nStart Date 08/11/2018\n----------\n"
    "Accelerometer X,Accelerometer Y,Accelerometer Z\n"
)
OMCONVERT = "Time,Accel-X (g), Accel-Y (g), Accel-Z (g)"
AX6 = f"{OMCONVERT}, Gyro-X (d/s), Gyro-Y (d/s), Gyro-Z (d/s)\n"

VARIANTS: dict[str, str] = {
    "plain": rows(),
    "quoted": rows(lambda t, k: f'"{iso(t, k)}"'),
    "T and Z": rows(lambda t, k: iso(t, k).replace(" ", "T") + "Z"),
    "offset": rows(lambda t, k: iso(t, k) + "+01:00"),
    "microseconds": rows(lambda t, _k: f"{t:%Y-%m-%d %H:%M:%S.%f}"),
    "length changes": rows(lambda t, _k: str(t)),
    "day/month": rows(lambda t, _k: f"{t:%d/%m/%Y %H:%M:%S.%f}"),
    "month/day, p.m.": rows(lambda t, _k: f"{t:%m/%d/%Y %I:%M:%S.%f %p}"),
    "year/month": rows(lambda t, _k: f"{t:%Y/%m/%d %H:%M:%S.%f}"),
    "month by name": rows(lambda t, _k: f"{t:%d-%b-%Y %H:%M:%S.%f}"),
    "dots": rows(lambda t, _k: f"{t:%d.%m.%Y %H:%M:%S.%f}"),
    "time of day": rows(lambda t, _k: f"{t:%H:%M:%S.%f}"),
    "date and time apart": rows(lambda t, _k: f"{t:%d/%m/%Y},{t:%H:%M:%S.%f}"),
    "UK Biobank": "time,x,y,z\n" + rows(lambda t, k: iso(t, k) + "+0100 [Europe/London]"),
    "since 1970, s": rows(lambda _t, k: f"{1541721590.006 + k / RATE_HZ:.4f}"),
    "since 1970, ms": rows(lambda _t, k: f"{(1541721590.006 + k / RATE_HZ) * 1000:.0f}"),
    "since 1970, ns": rows(lambda _t, k: str(1541721590006000000 + round(k / RATE_HZ * 1e9))),
    "elapsed s": rows(lambda _t, k: f"{k / RATE_HZ:.4f}"),
    "elapsed ms": rows(lambda _t, k: f"{k / RATE_HZ * 1000:.0f}"),
    "elapsed days": rows(lambda _t, k: f"{k / RATE_HZ / 86400:.12f}"),
    "Excel": rows(lambda _t, k: f"{43412.999884 + k / RATE_HZ / 86400:.12f}"),
    "Matlab": rows(lambda _t, k: f"{737372.999884 + k / RATE_HZ / 86400:.12f}"),
    "row number first": rows(lambda t, k: f"{k},{iso(t, k)}"),
    "semicolons, decimal commas": rows(sep=";").replace(".", ","),
    "tabs, decimal commas": rows(sep="\t").replace(".", ","),
    "Windows": "\ufeff" + rows().replace("\n", "\r\n"),
    "trailing comma": rows(end=","),
    "comments": "# exported by hand\n" + rows() + "# end\n",
    "empty lines": rows().replace("\n", "\n\n"),
    "cut last line": rows() + "2018-11-09 00:00:0",
    "light, temperature, battery": rows(values=more("231", "171", "203")),
    "volts and events": rows(values=more("4.106445", "r")),
    "raw steps": rows(values=raw(256)),
    "raw steps of an AX6": rows(values=raw(4096)),
    "GENEActiv": GENEACTIV + rows(lambda t, k: f"{iso(t, k)[:19]}:{iso(t, k)[20:]}", values=more("0", "0", "20.0")),
    "ActiLife": ACTILIFE + rows(lambda _t, _k: "", sep=",").replace("\n,", "\n").removeprefix(","),
    "a header after all": OMCONVERT + "\n" + rows(),
    "timestamp,x,y,z": "timestamp,x,y,z\n" + rows(),
    "time,X,Y,Z": "time,X,Y,Z\n" + rows(),
    "pandas": ",x,y,z\n" + rows(),
    "R": '"timestamp","x","y","z"\n' + rows(lambda t, k: f'"{k + 1}","{iso(t, k)}"'),
    "copied rows": rows().replace("\n", "\n\n").replace("\n\n", "\n"),
    "AX6": rows(values=with_gyr),
    "AX6 with a header": AX6 + rows(values=with_gyr),
    "whole seconds": rows(lambda t, _k: f"{t:%Y-%m-%d %H:%M:%S}"),
    "second of the block": rows(lambda _t, k: f"{at(k - k % 120):%Y-%m-%d %H:%M:%S}"),
}  # fmt: skip
COARSE = {"whole seconds": 0.006, "second of the block": 0.06}
"""How far a row may be from its true time, where its stamp leaves a whole second open; within 19 s of rows."""


def read(folder: Path, text: str, name: str = "leg.csv") -> ImportedFile:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return read_imported(path)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_holds_the_same_samples(tmp_path: Path, variant: str) -> None:
    """Whatever the form of the file: the same acceleration at the same times, to the digits that the form has."""
    found = read(tmp_path, VARIANTS[variant])
    acc_g, gyr_dps, _ = clamshell()
    assert len(found.t_s) == SHORT
    assert found.acc_sensor_mps2 / STANDARD_GRAVITY_MPS2 == pytest.approx(acc_g[:SHORT], abs=1e-5)
    error_s = found.t_s - np.arange(SHORT) / RATE_HZ
    assert np.abs(error_s - np.median(error_s)).max() < COARSE.get(variant, 0.0011)
    assert found.rate_hz == pytest.approx(RATE_HZ, rel=0.01 if variant in COARSE else 0.002)
    if "AX6" in variant and "raw" not in variant:
        assert found.gyr_sensor_radps is not None
        assert found.gyr_sensor_radps / DEG == pytest.approx(gyr_dps[:SHORT], abs=1e-5)
    else:
        assert found.gyr_sensor_radps is None


def test_the_count_is_that_of_the_movement(tmp_path: Path) -> None:
    """A file without a gyroscope goes the same way: every repetition is counted, what needs a gyroscope is null."""
    acc_g, _, n_reps = clamshell()
    path = tmp_path / "leg.csv"
    path.write_text(rows(lambda t, _k: f"{t:%d/%m/%Y %H:%M:%S}", n=len(acc_g)), encoding="utf-8")
    request = SegmentRequest("clamshell", "right", "right-thigh")
    inputs = imported_inputs(path, "right-thigh", segments=(request,))
    (segment,) = analyze_inputs(inputs, source={"path": "leg.csv", "kind": "axivity-csv"}).analysis["segments"]
    assert segment["count"] == n_reps
    assert all(rep["sparc"] is None for rep in segment["reps"])


def test_rows_without_a_sample_leave_a_hole(tmp_path: Path) -> None:
    """Blank rows of a resampled export are left out with a note; time goes on beside them."""
    found = read(tmp_path, rows(values=blank_every_tenth))
    assert len(found.t_s) == SHORT * 9 // 10
    assert found.notes == (f"{SHORT // 10} rows without a sample were left out.",)
    assert found.duration_s == pytest.approx((SHORT - 2) / RATE_HZ, abs=0.002)


def test_a_gap_stays_a_gap(tmp_path: Path) -> None:
    """Seconds that the logger lost are not closed, with fine stamps and with whole seconds."""
    lines = rows().split("\n")
    fine = read(tmp_path, "\n".join(lines[:700] + lines[1400:]))
    assert float(np.diff(fine.t_s).max()) == pytest.approx(701 / RATE_HZ, abs=0.002)
    lines = rows(lambda t, _k: f"{t:%Y-%m-%d %H:%M:%S}").split("\n")
    coarse = read(tmp_path, "\n".join(lines[:700] + lines[1400:]))
    assert float(np.diff(coarse.t_s).max()) == pytest.approx(701 / RATE_HZ, abs=0.02)
    assert "1 hole left open" in coarse.notes[0]


def test_copied_rows_are_left_out(tmp_path: Path) -> None:
    """A row that stands twice is one sample; that is noted, and not taken for a coarse time stamp."""
    found = read(tmp_path, "".join(f"{line}\n{line}\n" for line in rows().split("\n")[:-1]))
    assert found.rate_hz == pytest.approx(RATE_HZ, rel=0.005)
    assert found.notes == (f"{SHORT} time stamps repeat or go back; those samples are left out.",)


def test_what_was_decided_is_said(tmp_path: Path) -> None:
    """An ambiguous date, raw steps, a unit that gravity tells, a stated rate: each leaves a note."""
    noon = datetime(2018, 11, 8, 12, 0, 0, 6000)
    day = rows(lambda t, _k: f"{noon + (t - START):%d/%m/%Y %H:%M:%S.%f}")
    assert read(tmp_path, day).notes[0].startswith("The date 08/11/... was read with the day first")
    assert "256 are a g" in read(tmp_path, VARIANTS["raw steps"]).notes[0]
    assert "says that it is g" in read(tmp_path, VARIANTS["timestamp,x,y,z"]).notes[0]
    assert "taken as 103 a second" in read(tmp_path, VARIANTS["ActiLife"]).notes[0]
    assert "rows were placed evenly at 103" in read(tmp_path, VARIANTS["whole seconds"]).notes[0]
    assert read(tmp_path, VARIANTS["Excel"]).notes == ("Time stamps without a unit were read as days (Excel).",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Time,Mean SVM (g)\n2018-11-08 11:46:00,0.02\n2018-11-08 11:47:00,0.03\n", "one value per epoch in line 1"),
        ("2018-11-08 11:46:00,0.02\n2018-11-08 11:47:00,0.03\n", "found 2 columns in line 1; an SVM"),
        ("Time,Wear time (30 mins)\n2018-11-08 11:46:00,1\n", "one value per epoch in line 1"),
        ("time,enmoTrunc,xMean,yMean,zMean\n2018-11-08 11:46:00,1,1,1,1\n", "one value per epoch in line 1"),
        ("0.0,0.1,1.0\n" * 9, "found 3 columns in line 1"),
        (rows(lambda _t, k: str(k), n=50), "in line 2, found 1 after 0, a row number or one sample a second."),
        (rows(lambda _t, k: iso(at(-k), k), n=50), "expected time stamps that advance in line 2"),
        (rows(n=50).replace("2018-11-08 23:59:50.", "2018-11-31 23:59:50."), "expected a time such as"),
        (rows(n=9) + rows(lambda t, k: iso(t, k)[11:], n=9), "expected times of one form in line 10"),
        (rows(values=raw(100), n=50), "expected acceleration with gravity in g, about 1 at rest, found a typical size"),
        (rows(values=lambda _k: ["0.01", "0.02", "0.0"], n=50), "expected acceleration with gravity in g"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """What was expected, what was found, in which line."""
    with pytest.raises(InputFileError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith("leg.csv: expected ")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_real_files_run_at_103_hz(mex_dir: Path) -> None:
    """The public thigh recordings, sold as 100 Hz, all have stamps of about 103 Hz, no gaps and gravity in them."""
    paths = sorted(mex_dir.glob("*/*_act_*.csv"))
    assert len(paths) >= 30
    for path in paths:
        imported = read_imported(path)
        assert imported.kind == "axivity-csv"
        assert 102.0 < imported.rate_hz < 104.0
        assert imported.notes == ()
        size_g = np.linalg.norm(imported.acc_sensor_mps2, axis=1) / STANDARD_GRAVITY_MPS2
        assert np.median(size_g) == pytest.approx(1.0, abs=0.1)

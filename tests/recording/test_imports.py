"""Tables of others: forms, units, and the line of the first mistake."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest

from sensorsoma.decode import make_decoder
from sensorsoma.errors import InputFileError
from sensorsoma.messages import ImuBlock, Packet, SettingsSnapshot, Tick
from sensorsoma.recording.imports import imported_inputs, read_imported
from sensorsoma.settings import SegmentRequest, SessionSettings
from sensorsoma.units import STANDARD_GRAVITY_MPS2

HEADED = "time_s,acc_x,acc_y,acc_z\n" + "".join(f"{k / 50:.2f},0.5,-0.25,9.8\n" for k in range(100))
STAMPS = [f"2018-11-08 11:46:{57 + k // 100:02d}.{k % 100 * 10000:06d}" for k in range(200)]


def written(folder: Path, text: str | bytes, name: str = "leg.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def axivity(stamps: list[str], row: str = "0.0,-0.015625,1.0") -> str:
    return "".join(f"{stamp},{row}\n" for stamp in stamps)


def test_headed_table_in_si_units(tmp_path: Path) -> None:
    """A headed table is read as it stands, with time from its first sample and the rate from its stamps."""
    imported = read_imported(written(tmp_path, HEADED))
    assert imported.kind == "headed-csv"
    assert imported.t_s.tolist() == [round(k / 50, 2) for k in range(100)]
    assert imported.acc_sensor_mps2[7].tolist() == [0.5, -0.25, 9.8]
    assert imported.gyr_sensor_radps is None
    assert imported.rate_hz == pytest.approx(50.0)
    assert imported.notes == ()


@pytest.mark.parametrize(
    "text",
    [
        HEADED.replace("\n", "\r\n"),
        "\ufeff" + HEADED,
        HEADED.replace(",", ";"),
        HEADED.replace(",", "\t"),
        HEADED.replace(",", ";").replace(".", ","),
        "\n" + HEADED.replace(",", "\t").replace(".", ","),
        HEADED.replace("time_s", ' "Time_S" '),
        HEADED.replace("\n0.30", "\n\n0.30"),
    ],
    ids=[
        "windows",
        "byte order mark",
        "semicolons",
        "tabs",
        "decimal commas",
        "decimal commas and tabs",
        "quoted names",
        "empty line",
    ],
)
def test_dialects_of_csv_give_the_same_samples(tmp_path: Path, text: str) -> None:
    """Line ends, byte order mark, other delimiters and empty lines change nothing."""
    imported = read_imported(written(tmp_path, text))
    assert len(imported.t_s) == 100
    assert imported.acc_sensor_mps2[50].tolist() == [0.5, -0.25, 9.8]


def test_columns_may_stand_in_any_order_with_others_between(tmp_path: Path) -> None:
    """Columns are found by name; the units that were asked for are converted."""
    rows = "".join(f"180,x,0,90,1.0,0,0,{k / 50}\n" for k in range(50))
    path = written(tmp_path, "gyr_z,label,gyr_x,gyr_y,acc_z,acc_y,acc_x,time_s\n" + rows)
    imported = read_imported(path, acc_unit="g", gyr_unit="dps")
    assert imported.acc_sensor_mps2[0].tolist() == [0.0, 0.0, STANDARD_GRAVITY_MPS2]
    assert imported.gyr_sensor_radps is not None
    assert imported.gyr_sensor_radps[0] == pytest.approx([0.0, np.pi / 2, np.pi])


@pytest.mark.parametrize(
    "stamps",
    [
        STAMPS,
        [stamp.replace(" ", "T") for stamp in STAMPS],
        [f'"{stamp}"' for stamp in STAMPS],
        [stamp.replace(" ", "T") + "Z" for stamp in STAMPS],
        [stamp.replace(" ", "T") + "+01:00" for stamp in STAMPS],
        [stamp[:-3] for stamp in STAMPS],
        [f"{1541677617 + k * 0.01:.3f}" for k in range(200)],
        [f"{1541677617000 + k * 10}" for k in range(200)],
        [f"{k * 0.01:.2f}" for k in range(200)],
    ],
    ids=["space", "T", "quoted", "Z", "offset", "milliseconds", "epoch s", "epoch ms", "seconds"],
)
def test_every_form_of_time_stamp_gives_the_same_times(tmp_path: Path, stamps: list[str]) -> None:
    """Date and time in several spellings, or seconds or milliseconds since 1970, to the microsecond."""
    imported = read_imported(written(tmp_path, axivity(stamps)))
    assert imported.kind == "axivity-csv"
    assert imported.t_s == pytest.approx(np.arange(200) / 100, abs=1e-6)
    assert imported.acc_sensor_mps2[3] == pytest.approx(np.array([0.0, -0.015625, 1.0]) * STANDARD_GRAVITY_MPS2)


def test_cut_last_line_is_left_out_with_a_note(tmp_path: Path) -> None:
    """A file that ends in the middle of a number loses that line and says so."""
    imported = read_imported(written(tmp_path, HEADED[:-3]))
    assert len(imported.t_s) == 99
    assert imported.notes == ("Line 101 has no line end and may be cut; it was left out.",)


def test_stamps_that_go_back_are_noted(tmp_path: Path) -> None:
    """Repeated stamps are counted in a note, and the decoder leaves them out."""
    path = written(tmp_path, HEADED + "1.98,0.5,-0.25,9.8\n")
    assert read_imported(path).notes == ("1 time stamps repeat or go back; those samples are left out.",)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "leg.csv: expected a table of samples, found an empty file."),
        ("\n \n", "leg.csv: expected a table of samples, found an empty file."),
        (b"\x89MCAP\x00\x00", "leg.csv: expected a CSV table, found binary data."),
        (
            "hello there\nyou\n",
            "leg.csv: expected a CSV table with a header (time_s,acc_x,acc_y,acc_z ...) or Axivity rows "
            "(timestamp,x,y,z), found 'hello there' in line 1.",
        ),
        (HEADED[:25], "leg.csv: expected samples below the header in line 1, found none."),
        (HEADED.replace("0.30,0.5", "0.30,zero"), "leg.csv: expected a number in line 17, found 'zero'."),
        (HEADED.replace("0.30,0.5", "0.30,"), "leg.csv: expected a number in line 17, found nothing."),
        (HEADED.replace("0.30,0.5", "0.30,nan"), "leg.csv: expected a number in line 17, found a missing value."),
        (HEADED.replace("0.30,0.5,", "0.30,"), "leg.csv: expected 4 columns in line 17, found 3."),
        (
            HEADED.replace("acc_z", "z"),
            "leg.csv: expected the columns time_s, acc_x, acc_y, acc_z and, with a gyroscope, gyr_x, gyr_y, gyr_z; "
            "acc_z is missing in line 1, which says 'time_s, acc_x, acc_y, z'.",
        ),
        (
            HEADED.replace("9.8", "0.98"),
            "leg.csv: expected acceleration in m/s², found a typical size of 1.13, as if it were in g; "
            "add `--acc-unit g`.",
        ),
        (
            axivity(STAMPS).replace("11:46:58.000000", "11:66:58.000000"),
            "leg.csv: expected a time such as 2018-11-08 11:46:57.006 in line 101, found '2018-11-08 11:66:58.000000'.",
        ),
        (
            axivity(STAMPS, "0,1"),
            "leg.csv: expected `timestamp,x,y,z` in g without a header, found 3 columns in line 1.",
        ),
        (
            axivity(STAMPS, "0,0,9.8"),
            "leg.csv: expected acceleration in g, found a typical size of 9.8, as if it were in m/s²; "
            "name the columns in a header: time_s,acc_x,acc_y,acc_z.",
        ),
        (HEADED[:44], "leg.csv: expected samples over some time, found one sample."),
        (axivity(STAMPS[:1] * 9), "leg.csv: expected samples over some time, found time stamps that do not advance."),
        (
            axivity([str(k) for k in range(20)]),
            "leg.csv: expected time stamps with 5 to 5000 samples a second in line 2, found 1 after 0, a row number or "
            "one sample a second.",
        ),
    ],
)
def test_broken_tables_are_one_sentence(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    """What was expected, what was found, in which line."""
    with pytest.raises(InputFileError) as caught:
        read_imported(written(tmp_path, text))
    assert str(caught.value) == sentence


def test_missing_files_and_folders_are_one_sentence(tmp_path: Path) -> None:
    """A path that leads nowhere, or to a folder, is named."""
    with pytest.raises(InputFileError, match=r"gone.csv: expected a file, found none; check the path\."):
        read_imported(tmp_path / "gone.csv")
    with pytest.raises(InputFileError, match="found a folder without a table"):
        read_imported(tmp_path)


def test_random_damage_never_gives_a_traceback(tmp_path: Path) -> None:
    """Changed bytes and cuts anywhere give samples or one sentence."""
    random = Random(1)
    n_refused = 0
    for _ in range(300):
        data = bytearray(random.choice([HEADED, axivity(STAMPS)]).encode())
        for _ in range(random.randint(1, 4)):
            data[random.randrange(len(data))] = random.randrange(256)
        path = written(tmp_path, bytes(data[: random.randrange(1, len(data) + 1)]))
        try:
            imported = read_imported(path)
        except InputFileError:
            n_refused += 1
        else:
            assert np.isfinite(imported.acc_sensor_mps2).all()
    assert 30 < n_refused < 300


def test_a_file_becomes_the_inputs_of_a_session(tmp_path: Path) -> None:
    """Settings first, packets of 0.2 s, a tick each tenth of a second, in order of time, all samples kept."""
    path = written(tmp_path, HEADED)
    request = SegmentRequest("clamshell", "right", "right-thigh")
    inputs = list(imported_inputs(path, "right-thigh", segments=(request,), epoch_ns=7_000_000_000))
    snapshot = inputs[0]
    assert isinstance(snapshot, SettingsSnapshot)
    chosen = SessionSettings.from_json(snapshot.settings)
    assert (chosen.link, chosen.segments, chosen.sources[0].decoder) == ("imported", (request,), "rows")
    stamps = [message.host_ns for message in inputs]
    assert stamps == sorted(stamps)
    assert len([message for message in inputs if isinstance(message, Tick)]) == 19
    packets = [message for message in inputs if isinstance(message, Packet)]
    assert len(packets) == 10
    source = chosen.sources[0]
    decoder = make_decoder(source.decoder, source.channel, snapshot.host_ns, source.config)
    blocks = [item for packet in packets for item in decoder.feed(packet) if isinstance(item, ImuBlock)]
    assert np.array_equal(np.concatenate([block.t_s for block in blocks]), read_imported(path).t_s)
    assert blocks[0].rate_hz == 50.0


def test_a_broken_file_fails_before_the_first_input(tmp_path: Path) -> None:
    """Asking for the inputs reads the file, so nothing starts that must be stopped."""
    with pytest.raises(InputFileError):
        imported_inputs(written(tmp_path, "nothing"), "right-thigh")


def test_real_files_run_at_103_hz(mex_dir: Path) -> None:
    """The public thigh recordings, sold as 100 Hz, have stamps of about 103 Hz and no gaps."""
    paths = sorted(mex_dir.glob("*/04_act_*.csv"))
    assert paths
    for path in paths[:6]:
        imported = read_imported(path)
        assert 102.0 < imported.rate_hz < 104.0
        assert imported.notes == ()
        size_g = np.linalg.norm(imported.acc_sensor_mps2, axis=1) / STANDARD_GRAVITY_MPS2
        assert np.median(size_g) == pytest.approx(1.0, abs=0.1)

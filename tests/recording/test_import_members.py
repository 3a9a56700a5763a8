"""Zips and folders from anywhere: sizes, names, passwords, damage, and nothing ever written to disk."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.recording import members
from sensorsoma.recording.imports import read_imported

from .app_files import is_sound, knee_fall, outcome, phyphox_files, sensor_logger_files, unpacked, zipped
from .test_import_sensor_logger import assert_is, written

FILES = sensor_logger_files(knee_fall().head(200))
HEADED = "time_s,acc_x,acc_y,acc_z\n" + "".join(f"{k / 50:.2f},0.5,-0.25,9.8\n" for k in range(100))


def test_odd_names_and_other_files_do_no_harm(tmp_path: Path) -> None:
    """Paths that lead outside, what macOS adds, pictures, sound and folders are passed over; nothing is unpacked."""
    buffer = io.BytesIO(zipped({f"../../{name}": content for name, content in FILES.items()}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("__MACOSX/._Gravity.csv", b"\0\5\26\7")
        archive.writestr("../../.Gravity.csv", "time,seconds_elapsed,z,y,x\n")
        archive.writestr("Camera/1698501144401.jpg", b"\xff\xd8" + bytes(100))
        archive.writestr("Microphone.mp4", bytes(100))
        archive.mkdir("empty")
    folder = tmp_path / "inside"
    folder.mkdir()
    assert_is(read_imported(written(folder, buffer.getvalue())), knee_fall().head(200))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["export.zip", "inside"]


def test_backslashes_part_folders_too(tmp_path: Path) -> None:
    """Some programs on Windows write them into zips."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in FILES.items():
            entry = zipfile.ZipInfo("evening/" + name)
            entry.filename = "evening\\" + name
            archive.writestr(entry, content)
    assert_is(read_imported(written(tmp_path, buffer.getvalue())), knee_fall().head(200))


def test_one_table_in_a_zip_or_folder_is_read_like_the_table(tmp_path: Path) -> None:
    """Headed CSV needs no unpacking."""
    for path in (written(tmp_path, zipped({"leg.csv": HEADED})), unpacked({"leg.csv": HEADED}, tmp_path / "leg")):
        imported = read_imported(path)
        assert (imported.kind, len(imported.t_s)) == ("headed-csv", 100)


def test_a_zips_check_sum_vouches_for_the_last_line(tmp_path: Path) -> None:
    """A last line without a line end is kept from a zip; from a loose file it may be cut and is left out."""
    files = {name: content.rstrip("\n") for name, content in FILES.items()}
    assert_is(read_imported(written(tmp_path, zipped(files))), knee_fall().head(200))
    imported = read_imported(unpacked(files, tmp_path / "export"))
    assert len(imported.t_s) == 199
    assert "Gyroscope: Line 201 has no line end and may be cut; it was left out." in imported.notes


def encrypted(data: bytes) -> bytes:
    """The same zip with the flag of encryption on every member, in both places where it stands."""
    out = bytearray(data)
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = out.find(magic)
        while at >= 0:
            out[at + offset] |= 1
            at = out.find(magic, at + 1)
    return bytes(out)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (encrypted(zipped(FILES)), "expected a zip without a password, found an encrypted one; unpack it first."),
        (zipped({}), "expected a zip with tables (.csv or .json), found nothing in it."),
        (zipped({"a.jpg": b"x", "b.mp4": b"x"}), "expected a zip with tables (.csv or .json), found only a.jpg"),
        (zipped({"inner.zip": zipped(FILES)}), "expected a zip with tables (.csv or .json), found only inner.zip."),
        (
            zipped({"a.csv": "x,y\n1,2\n", "b.csv": "x,y\n1,2\n"}),
            "expected an export of Sensor Logger, phyphox, Movesense or DOT, or one CSV table, found a.csv, b.csv; "
            "name the file that is meant.",
        ),
        (zipped({f"{k}.csv": "x" for k in range(501)}), "expected one export, found 501 tables; name the one that is"),
        (zipped(FILES)[:-30], "expected an intact zip, found a damaged one (File is not a zip file)"),
        (b"PK\x03\x04" + bytes(100), "expected an intact zip, found a damaged one (File is not a zip file)"),
        (b"\x1f\x8b" + bytes(100), "found a gzip file; unpack it first."),
        (b"MD\xfc\xff" + bytes(100), "found an Axivity recording (.cwa); export it as raw CSV with OmGui"),
        ("time_s,acc_x".encode("utf-16"), "expected a CSV table in UTF-8, found UTF-16; save it as CSV (UTF-8)."),
        (b"SQLite format 3\0" + bytes(100), "found a SQLite database; export it as zip or CSV instead."),
    ],
    ids=[
        "password",
        "empty",
        "pictures",
        "nested",
        "foreign",
        "many",
        "cut",
        "no zip",
        "gzip",
        "cwa",
        "utf-16",
        "sqlite",
    ],
)
def test_what_cannot_be_an_export_is_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    """What was expected, what was found, what to do."""
    with pytest.raises(InputFileError, match=r"^export\.zip") as caught:
        read_imported(written(tmp_path, data))
    assert sentence in str(caught.value)


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """A member of zeros that would fill the memory, honest about its size."""
    bomb = "time,seconds_elapsed,z,y,x\n" + "0" * (20 << 20)
    with pytest.raises(InputFileError, match=r"Gravity.csv: expected a table of samples, found \d+ bytes that unpack"):
        read_imported(written(tmp_path, zipped({**FILES, "Gravity.csv": bomb})))


def test_a_bomb_that_lies_about_its_size_is_not_unpacked_further(tmp_path: Path) -> None:
    """The promised size is the limit, whatever comes out."""
    data = bytearray(zipped({"TotalAcceleration.csv": "time,seconds_elapsed,z,y,x\n" + "0" * (20 << 20)}))
    for magic, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.find(magic) + offset, 1000)
    with pytest.raises(InputFileError, match="expected an intact zip, found a damaged one"):
        read_imported(written(tmp_path, bytes(data)))


def test_a_member_larger_than_any_recording_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However badly it was packed."""
    monkeypatch.setattr(members, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(InputFileError, match="which no recording does"):
        read_imported(written(tmp_path, zipped(FILES, zipfile.ZIP_STORED)))


def test_a_home_folder_is_not_searched_for_an_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files are no export, and deep folders are not entered."""
    unpacked(FILES, tmp_path / "a" / "b" / "c" / "d" / "e")
    with pytest.raises(InputFileError, match="found a folder without a table"):
        read_imported(tmp_path)
    unpacked({f"{k}.jpg": "" for k in range(6)}, tmp_path)
    monkeypatch.setattr(members, "MAX_FILES", 5)
    with pytest.raises(InputFileError, match="found more than 5 files"):
        read_imported(tmp_path)


def test_a_folder_that_holds_no_session_is_one_true_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder called `.` has a name; a project is no export with a few files too many; recordings are named."""
    unpacked({f"last/{k}.json": '{"figures": {}}' for k in range(9)}, tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputFileError, match=f"^{tmp_path.name}: expected a recording.*a folder with other things"):
        read_imported(Path())
    unpacked({"a.mcap": "", "b.mcap": ""}, tmp_path / "evenings")
    with pytest.raises(InputFileError, match=r"found a folder with 2; name the one that is meant, such as .*b\.mcap"):
        read_imported(tmp_path / "evenings")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_zip_gives_the_same_samples_or_one_sentence(tmp_path: Path, data: st.DataObject) -> None:
    """Cut anywhere, or with bytes changed: check sums and names catch it, and no other error comes out."""
    whole = zipped(data.draw(st.sampled_from([FILES, phyphox_files(knee_fall().head(200))])))
    broken = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if broken:
            broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    assert is_sound(outcome(written(tmp_path, bytes(broken))))

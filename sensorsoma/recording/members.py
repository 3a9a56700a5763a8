"""The files that make up one export: a single file, the files inside a zip, or those of an unpacked folder.

Zips come from anywhere, so nothing is unpacked to disk, names are only compared and never used as paths, and sizes are
checked before and while a member is read. What is no table (pictures, sound, hidden files) is not opened at all.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sensorsoma.errors import InputFileError
from sensorsoma.recording.lines import header_of, text_of
from sensorsoma.recording.tables import Table, table_of

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".json"})
"""What may hold samples inside a zip or folder; a single file may be named as it likes."""
MAX_TABLES = 500
"""An export has a file per sensor, and one per Bluetooth beacon near it."""
MAX_FILES = 20_000
"""Camera pictures lie beside the tables; a folder with more than this is not the folder of one export."""
MOST_SESSIONS = 5
"""A folder with more exports than this beside each other was hardly meant: it is a home, or a project."""
MAX_DEPTH = 4
"""Folders within folders that are looked into."""
MAX_MEMBER_BYTES = 1 << 30
"""A night at 200 Hz in the wordiest format known here is half of this."""
MAX_RATIO = 200
"""Tables of numbers shrink to a third or a tenth; what shrinks more than this is a bomb."""
RATIO_FROM_BYTES = 8 << 20
"""Smaller members cannot do harm, however well they shrink."""
HEAD_BYTES = 8192
"""Enough for every preamble and header."""

_ZIP_MAGIC = (b"PK\x03\x04", b"PK\x05\x06")
_NO_TABLES: Mapping[bytes, str] = {
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "an Excel file; export it as CSV (in phyphox: Comma separated values) instead",
    b"SQLite format 3\0": "a SQLite database; export it as zip or CSV instead",
    b"MD\xfc": "an Axivity recording (.cwa); export it as raw CSV with OmGui or cwa-convert instead",
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip file; unpack it first and name the folder",
    b"Rar!\x1a\x07": "a RAR file; unpack it first and name the folder",
}
"""First bytes of files that people take for a table, and what to do instead."""

_ZIP_ERRORS = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError, MemoryError,
)  # fmt: skip
"""What Python's zipfile raises at broken bytes, depending on where they are broken."""


@dataclass(slots=True)
class Members:
    """The tables of one export."""

    name: str
    """Of the file or folder, for sentences."""
    names: tuple[str, ...]
    """Of its tables, with the folders inside; one name for a single file."""
    is_single: bool
    """True for a single file, which is judged by its content and not by its name."""
    is_whole: bool
    """True when something vouches that no table was cut off (a zip's check sums)."""
    _read: Callable[[str, int | None], bytes]
    """Bytes of a member, all or the first so many."""
    is_folder: bool = False
    """True for the files below a folder, which may hold other things too."""
    _heads: dict[str, str] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """How a sentence names a member."""
        return self.name if self.is_single else f"{self.name}, {name}"

    def head(self, name: str) -> str:
        """The beginning of a member as text, unreadable letters replaced."""
        if name not in self._heads:
            text = self._read(name, HEAD_BYTES).decode("utf-8-sig", errors="replace")
            self._heads[name] = text.replace("\r\n", "\n").replace("\r", "\n")
        return self._heads[name]

    def header(self, name: str) -> list[str]:
        """Column names in the first line, in lower case; empty when it is none."""
        return header_of(self.head(name))

    def data(self, name: str) -> bytes:
        """All bytes of a member.

        Raises:
            InputFileError: it cannot be read, or is larger than any recording.
        """
        return self._read(name, None)

    def text(self, name: str) -> str:
        """A member as text, lines ended by a line feed alone.

        Raises:
            InputFileError: as `data`, or it is empty or not text.
        """
        return text_of(self.data(name), self.label(name))

    def table(self, name: str, text: str | None = None, *, header_line: int = 1) -> Table:
        """A member as a table; `text` replaces what it holds.

        Raises:
            InputFileError: as `text`, or it holds no line of samples.
        """
        text = self.text(name) if text is None else text
        return table_of(text, self.label(name), is_whole=self.is_whole, header_line=header_line)

    def one_of(self, names: Iterable[str], what: str) -> str:
        """The only one of some members.

        Raises:
            InputFileError: there are several; names them.
        """
        found = list(names)
        if self.is_folder and len(found) > MOST_SESSIONS:
            raise InputFileError(
                f"{self.name}: expected a recording, a table or the folder of one export, found a folder with other "
                f"things in it ({len(found)} files that may each be an export); name the one that is meant."
            )
        if len(found) > 1:
            first = "name" if self.is_folder else "unpack it and name"
            raise InputFileError(
                f"{self.name}: expected one {what}, found {len(found)} ({listed(found)}); {first} the one "
                "that is meant, or put those that belong together into a folder of their own."
            )
        return found[0]


def open_members(path: Path) -> Members:
    """The tables that a path leads to.

    Raises:
        InputFileError: there is nothing, or nothing that could be a table; says what to do.
    """
    if path.is_dir():
        return _folder(path)
    head = _file_bytes(path, 16)
    for magic, sentence in _NO_TABLES.items():
        if head.startswith(magic):
            raise InputFileError(f"{path.name}: expected a CSV table or an export, found {sentence}.")
    if head.startswith(_ZIP_MAGIC):
        return _zip(path)
    beside = _siblings(path)
    if beside:
        names = (path.name, *beside)
        return Members(path.name, names, False, False, lambda name, size: _file_bytes(path.parent / name, size))
    return Members(path.name, (path.name,), True, False, lambda _, size: _file_bytes(path, size))


def _siblings(path: Path) -> tuple[str, ...]:
    """Names of the files that belong to a Motion-BIDS table and lie beside it: its channels and its metadata."""
    before, is_motion, _ = path.name.rpartition("_motion.tsv")
    if not is_motion:
        return ()
    return tuple(name for name in (f"{before}_channels.tsv", f"{before}_motion.json") if (path.parent / name).is_file())


def listed(names: Iterable[str]) -> str:
    """Names for a sentence: the first three, and how many more."""
    found = [printable(name) for name in names]
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more


def stem(name: str) -> str:
    """Name of a member without folders and suffix.

    >>> stem("recording/2026/TotalAcceleration.csv")
    'TotalAcceleration'
    """
    return PurePosixPath(name).stem


def printable(text: str) -> str:
    """Letters that a terminal can take, and not too many of them."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _is_table(name: str) -> bool:
    """True for what may hold samples; hidden files and those that macOS adds to every zip are none."""
    parts = PurePosixPath(name).parts
    if any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts):
        return False
    return PurePosixPath(name).suffix.lower() in TABLE_SUFFIXES


def _file_bytes(path: Path, size: int | None) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(-1 if size is None else size)
    except FileNotFoundError:
        raise InputFileError(f"{path}: expected a file, found none; check the path.") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputFileError(f"{path}: expected a readable file, found this instead: {reason}.") from None


# ------------------------------------------------------------------------------------------------------- folders


def _folder(path: Path) -> Members:
    names: list[str] = []
    n_files = 0
    for folder, folders, files in os.walk(path):
        inside = Path(folder).relative_to(path)
        if len(inside.parts) >= MAX_DEPTH:
            folders.clear()
        n_files += len(files)
        names += [(inside / file).as_posix() for file in files]
        if n_files > MAX_FILES:
            raise InputFileError(f"{path}: expected the folder of one export, found more than {MAX_FILES} files.")
    tables = tuple(sorted(filter(_is_table, names)))
    recordings = sorted(name for name in names if name.endswith(".mcap") and "/" not in name)
    if recordings and not tables:
        raise InputFileError(
            f"{path}: expected one recording, found a folder with {len(recordings)}; name the one that is meant, such "
            f"as {path / recordings[-1]}."
        )
    if not tables:
        raise InputFileError(
            f"{path}: expected a file or the folder of one export, found a folder without a table (.csv or .json); "
            "name the file that is meant."
        )
    _refuse_too_many(str(path), tables)
    label = path.name or path.resolve().name  # a folder may be called `.`
    return Members(label, tables, False, False, lambda name, size: _file_bytes(path / name, size), is_folder=True)


# ---------------------------------------------------------------------------------------------------------- zips


def _zip(path: Path) -> Members:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    except _ZIP_ERRORS as error:
        raise _damaged(path, error) from None
    everything = [entry.filename.replace("\\", "/") for entry in entries]
    if "[Content_Types].xml" in everything:
        raise InputFileError(
            f"{path.name}: expected a CSV table or an export, found an Excel file; export it as CSV (in phyphox: "
            "Comma separated values) instead."
        )
    tables = {name: entry for name, entry in zip(everything, entries, strict=True) if _is_table(name.removeprefix("/"))}
    if not tables:
        there = f"only {listed(everything)}" if everything else "nothing in it"
        raise InputFileError(f"{path.name}: expected a zip with tables (.csv or .json), found {there}.")
    _refuse_too_many(path.name, tuple(tables))
    names = [name for name in everything if name in tables]
    if len(names) > len(tables):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise InputFileError(f"{path.name}: expected every member of the zip once, found {listed(twice)} twice.")
    return Members(path.name, tuple(tables), False, True, lambda name, size: _zip_bytes(path, tables[name], size))


def _zip_bytes(path: Path, entry: zipfile.ZipInfo, size: int | None) -> bytes:
    """The bytes of a member, not one more than the zip promised."""
    label = f"{path.name}, {printable(entry.filename)}"
    if entry.flag_bits & 0x1:
        raise InputFileError(f"{label}: expected a zip without a password, found an encrypted one; unpack it first.")
    if size is None:
        _refuse_bomb(label, entry)
    try:
        with zipfile.ZipFile(path) as archive, archive.open(entry) as member:
            data = member.read(entry.file_size + 1 if size is None else size)
    except _ZIP_ERRORS as error:
        raise _damaged(path, error) from None
    if size is None and len(data) != entry.file_size:
        raise _damaged(path, EOFError(f"{len(data)} instead of {entry.file_size} bytes in {entry.filename}"))
    return data


def _refuse_bomb(label: str, entry: zipfile.ZipInfo) -> None:
    is_bomb = entry.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size)
    if is_bomb or entry.file_size > MAX_MEMBER_BYTES:
        raise InputFileError(
            f"{label}: expected a table of samples, found {entry.compress_size} bytes that unpack to "
            f"{entry.file_size / 1e6:.0f} MB, which no recording does."
        )


def _refuse_too_many(label: str, tables: tuple[str, ...]) -> None:
    if len(tables) > MAX_TABLES:
        raise InputFileError(f"{label}: expected one export, found {len(tables)} tables; name the one that is meant.")


def _damaged(path: Path, error: BaseException) -> InputFileError:
    return InputFileError(
        f"{path.name}: expected an intact zip, found a damaged one ({printable(str(error)) or type(error).__name__}); "
        "export or copy it again."
    )

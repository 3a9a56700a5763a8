"""Bytes into lines, and lines into fields: what every reader of text tables needs first."""

from __future__ import annotations

import csv

from sensorsoma.errors import InputFileError
from sensorsoma.recording.stamps import is_stamp

DELIMITERS = (",", ";", "\t")

_UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""First bytes of what spreadsheets call Unicode text."""


def text_of(data: bytes, label: str) -> str:
    """The text of a file, lines ended by a line feed alone.

    Raises:
        InputFileError: it is empty or not text.
    """
    if not data.strip():
        raise InputFileError(f"{label}: expected a table of samples, found an empty file.")
    if data.startswith(_UTF16):
        raise InputFileError(f"{label}: expected a CSV table in UTF-8, found UTF-16; save it as CSV (UTF-8).")
    if b"\0" in data[:65536]:
        raise InputFileError(f"{label}: expected a CSV table, found binary data.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def complete_lines(text: str, is_whole: bool) -> tuple[list[str], list[str]]:
    """The lines of a text, and a note when the last was left out because it may be cut in the middle of a number."""
    lines = text.split("\n")
    notes = []
    if not is_whole or not lines[-1].strip():
        cut_off = lines.pop()
        if cut_off.strip():
            notes.append(f"Line {len(lines) + 1} has no line end and may be cut; it was left out.")
    return lines, notes


def delimiter_of(line: str) -> str:
    """What most probably parts the fields of a line."""
    return max(DELIMITERS, key=line.count)


def header_of(text: str) -> list[str]:
    """Names in the first line that is not empty, in lower case and without quotes; empty when it is no header.

    >>> header_of('\\n"Time (s)","X (m/s^2)"\\n1,2\\n')
    ['time (s)', 'x (m/s^2)']
    """
    line = next((line for line in text.split("\n") if line.strip()), "")
    fields = split(line, delimiter_of(line)) if line else [""]
    return [] if not fields[0] or is_stamp(fields[0]) else [field.lower() for field in fields]


def with_points(text: str) -> str:
    """A table with a header, decimal commas turned into points; a table that is parted by commas stays as it is.

    >>> with_points("time_s;acc_x\\n0,01;-0,5\\n")
    'time_s;acc_x\\n0.01;-0.5\\n'
    """
    header = text.lstrip().partition("\n")[0]
    if delimiter_of(header) == ",":
        return text
    above, _, rows = text.partition(header)
    return f"{above}{header}{rows.replace(',', '.')}"


def short(text: str) -> str:
    """Quoted, and cut to what fits into a sentence."""
    return repr(text if len(text) <= 80 else text[:77] + "...")


def split(line: str, delimiter: str) -> list[str]:
    """The fields of a line, without quotes and the blanks around them."""
    try:
        fields = next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        fields = line.split(delimiter)
    return [field.strip() for field in fields]

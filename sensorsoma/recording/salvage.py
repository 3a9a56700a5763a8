"""What is intact in an MCAP file: chunks whose checksum holds, wherever they lie, and nothing else.

The records are walked one by one. A chunk counts only if its fields are plausible, it decompresses to the stated size
and its CRC matches; where the walk runs into something else, it goes on at the next place that begins such a chunk. So
a cut, a changed byte or a missing index costs at most the chunks that were hit; a changed sample is never given out.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import zstandard

MAGIC = b"\x89MCAP0\r\n"

_FOOTER, _SCHEMA, _CHANNEL, _MESSAGE, _CHUNK = 0x02, 0x03, 0x04, 0x05, 0x06
_ATTACHMENT, _METADATA, _DATA_END = 0x09, 0x0C, 0x0F
_OPCODES = frozenset(range(0x01, 0x10))

_PREFIX = struct.Struct("<BQ")
_CHUNK_HEAD = struct.Struct("<QQQII")
"""First and last log time, size and CRC of the contents, length of the compression's name."""
_MESSAGE_HEAD = struct.Struct("<HIQQ")

_ZSTD_MARK = b"\x04\x00\x00\x00zstd"
_MARK_OFFSET = _PREFIX.size + _CHUNK_HEAD.size - 4
"""From the begin of a chunk record to the length of its compression's name."""
_MAX_CONTENTS = 1 << 28
"""Larger contents are not believed; ours are below 2 MB."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where one intact chunk lies."""

    offset: int
    length: int
    """Whole record, bytes."""


@dataclass(frozen=True, slots=True)
class RawChannel:
    """A channel as the file defines it."""

    topic: str
    encoding: str
    schema_id: int
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RawSchema:
    """A schema as the file defines it."""

    name: str
    encoding: str
    data: bytes


@dataclass(frozen=True, slots=True)
class RawMessage:
    """One message record."""

    channel_id: int
    sequence: int
    log_ns: int
    publish_ns: int
    data: bytes


@dataclass(frozen=True, slots=True)
class RawAttachment:
    """One attachment whose CRC holds."""

    name: str
    media_type: str
    log_ns: int
    data: bytes


@dataclass(slots=True)
class Scan:
    """What a walk over the file found."""

    profile: str = ""
    spans: list[Span] = field(default_factory=list)
    """Intact chunks in file order."""
    metadata: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Name and contents, not yet checked: MCAP protects them with the data section's CRC only."""
    attachments: list[RawAttachment] = field(default_factory=list)
    n_resyncs: int = 0
    """Places where something was not what it should be."""
    has_data_end: bool = False
    is_data_intact: bool = False
    """Every byte before the index is as it was written."""
    has_footer: bool = False
    is_index_intact: bool = False


def scan(data: bytes) -> Scan:
    """Walks over a whole file; `data` must begin with `MAGIC`."""
    found = Scan()
    at = len(MAGIC)
    while at < len(data):
        end = _record_end(data, at)
        if end is None:
            if data[at:] == MAGIC and found.has_footer:
                break
            at = _resync(data, at + 1, found)
            continue
        opcode, body = data[at], data[at + _PREFIX.size : end]
        if opcode == _CHUNK:
            if chunk_contents(data, Span(at, end - at)) is None:
                found.n_resyncs += 1
                if not _is_record_start(data, end):
                    end = _next_chunk(data, at + 1)
            else:
                found.spans.append(Span(at, end - at))
        elif opcode == _DATA_END and len(body) >= 4:
            found.has_data_end = True
            (crc,) = struct.unpack_from("<I", body)
            found.is_data_intact = crc == zlib.crc32(data[:at]) or (crc == 0 and not found.n_resyncs)
        elif opcode == _FOOTER and len(body) >= 20:
            found.has_footer = True
            found.is_index_intact = _is_index_intact(data, at, body)
        else:
            _take_other(opcode, body, found)
        at = end
    return found


def chunk_contents(data: bytes, span: Span) -> bytes | None:
    """The records within a chunk, or None when it is not exactly what was written."""
    head_at = span.offset + _PREFIX.size
    if span.length < _PREFIX.size + _CHUNK_HEAD.size + 8:
        return None
    first, last, size, crc, name_size = _CHUNK_HEAD.unpack_from(data, head_at)
    at = head_at + _CHUNK_HEAD.size
    if name_size > 4 or first > last or not 0 < size <= _MAX_CONTENTS:
        return None
    name = data[at : at + name_size]
    (packed_size,) = struct.unpack_from("<Q", data, at + name_size)
    begin = at + name_size + 8
    if begin + packed_size != span.offset + span.length:
        return None
    packed = data[begin : begin + packed_size]
    if name == b"zstd":
        try:
            contents = zstandard.ZstdDecompressor().decompress(packed, max_output_size=size)
        except (zstandard.ZstdError, MemoryError):
            return None
    elif name == b"":
        contents = packed
    else:
        return None
    return contents if len(contents) == size and zlib.crc32(contents) == crc else None


def chunk_records(contents: bytes) -> Iterator[RawMessage | tuple[int, RawSchema] | tuple[int, RawChannel]]:
    """Messages and definitions of a chunk, in order; stops at whatever does not parse."""
    at = 0
    while at + _PREFIX.size <= len(contents):
        opcode, length = _PREFIX.unpack_from(contents, at)
        at += _PREFIX.size
        end = at + length
        if end > len(contents):
            return
        try:
            if opcode == _MESSAGE:
                channel_id, sequence, log_ns, publish_ns = _MESSAGE_HEAD.unpack_from(contents, at)
                yield RawMessage(channel_id, sequence, log_ns, publish_ns, contents[at + _MESSAGE_HEAD.size : end])
            elif opcode == _SCHEMA:
                yield _schema(contents[at:end])
            elif opcode == _CHANNEL:
                yield _channel(contents[at:end])
        except (struct.error, UnicodeDecodeError):
            return
        at = end


def _record_end(data: bytes, at: int) -> int | None:
    """Where the record that begins here ends; None when no record begins here."""
    if at + _PREFIX.size > len(data):
        return None
    opcode, length = _PREFIX.unpack_from(data, at)
    end = at + _PREFIX.size + int(length)
    return end if opcode in _OPCODES and end <= len(data) else None


def _is_record_start(data: bytes, at: int) -> bool:
    return at == len(data) or _record_end(data, at) is not None


def _resync(data: bytes, at: int, found: Scan) -> int:
    found.n_resyncs += 1
    return _next_chunk(data, at)


def _next_chunk(data: bytes, at: int) -> int:
    """Begin of the next intact chunk at or after `at`; the end of the data when there is none."""
    mark = data.find(_ZSTD_MARK, at + _MARK_OFFSET)
    while mark != -1:
        begin = mark - _MARK_OFFSET
        if data[begin] == _CHUNK:
            end = _record_end(data, begin)
            if end is not None and chunk_contents(data, Span(begin, end - begin)) is not None:
                return begin
        mark = data.find(_ZSTD_MARK, mark + 1)
    return len(data)


def _is_index_intact(data: bytes, footer_at: int, footer: bytes) -> bool:
    summary_start, _, crc = struct.unpack_from("<QQI", footer)
    if data[footer_at + _PREFIX.size + len(footer) :] != MAGIC or not 0 < summary_start <= footer_at:
        return False
    covered = data[summary_start : footer_at + _PREFIX.size + 16]
    return bool(crc == zlib.crc32(covered))


def _take_other(opcode: int, body: bytes, found: Scan) -> None:
    """Header, metadata and attachments; indexes are not needed."""
    try:
        if opcode == 0x01:
            found.profile = _Fields(body).text()
        elif opcode == _METADATA and not found.has_data_end:
            fields = _Fields(body)
            found.metadata.append((fields.text(), fields.texts()))
        elif opcode == _ATTACHMENT and not found.has_data_end:
            attachment = _attachment(body)
            if attachment is None:
                found.n_resyncs += 1
            else:
                found.attachments.append(attachment)
    except (struct.error, UnicodeDecodeError):
        found.n_resyncs += 1


def _attachment(body: bytes) -> RawAttachment | None:
    fields = _Fields(body)
    log_ns, _created = fields.number("<Q"), fields.number("<Q")
    name, media_type = fields.text(), fields.text()
    content = fields.take(fields.number("<Q"))
    crc = fields.number("<I")
    return RawAttachment(name, media_type, log_ns, content) if crc == zlib.crc32(body[:-4]) else None


def _schema(body: bytes) -> tuple[int, RawSchema]:
    fields = _Fields(body)
    number = fields.number("<H")
    name, encoding = fields.text(), fields.text()
    return number, RawSchema(name, encoding, fields.take(fields.number("<I")))


def _channel(body: bytes) -> tuple[int, RawChannel]:
    fields = _Fields(body)
    number, schema_id = fields.number("<H"), fields.number("<H")
    topic, encoding = fields.text(), fields.text()
    return number, RawChannel(topic, encoding, schema_id, fields.texts())


def digest(content: bytes) -> str:
    """SHA-256 of an attachment, as the writer notes it."""
    return hashlib.sha256(content).hexdigest()


class _Fields:
    """Reads the fields of a record one after the other; raises `struct.error` at its end."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def number(self, layout: str) -> int:
        (value,) = struct.unpack_from(layout, self._body, self._at)
        self._at += struct.calcsize(layout)
        return int(value)

    def take(self, size: int) -> bytes:
        if self._at + size > len(self._body):
            raise struct.error("beyond the record")
        self._at += size
        return self._body[self._at - size : self._at]

    def text(self) -> str:
        return self.take(self.number("<I")).decode()

    def texts(self) -> dict[str, str]:
        """A map of texts."""
        end = self.number("<I") + self._at
        pairs = {}
        while self._at < end:
            key = self.text()
            pairs[key] = self.text()
        return pairs

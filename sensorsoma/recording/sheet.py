"""The MCAP file as a session is added to it: definitions first, messages in chunks, metadata with a checksum."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from mcap.writer import CompressionType, Writer

from sensorsoma.recording.disk import DiskFile
from sensorsoma.recording.format import plain
from sensorsoma.recording.topics import RAW_DESCRIPTOR, RAW_SCHEMA_NAME, Topic, json_schema

PROFILE = "sensorsoma/1"
"""Written into the file's header; the number changes when older readers would misread the file."""


@dataclass(frozen=True, slots=True)
class SheetMessage:
    topic: Topic
    data: bytes
    log_ns: int
    publish_ns: int
    sequence: int


@dataclass(frozen=True, slots=True)
class SheetMetadata:
    name: str
    data: dict[str, str]


@dataclass(frozen=True, slots=True)
class SheetAttachment:
    name: str
    media_type: str
    data: bytes
    log_ns: int


class Sheet:
    """The MCAP file as items are added to it."""

    def __init__(self, file: DiskFile, chunk_bytes: int) -> None:
        self._file = file
        self._writer = Writer(
            file,  # type: ignore[arg-type]  # it needs write, tell and flush of it
            chunk_size=chunk_bytes,
            compression=CompressionType.ZSTD,
            enable_data_crcs=True,
        )
        self._ids: dict[Topic, int] = {}
        self.n_messages = 0
        self._writer.start(profile=PROFILE, library="sensorsoma")
        file.mark_whole()

    def define(self, topics: tuple[Topic, ...]) -> None:
        """Registers topics and repeats the table outside the chunks."""
        schema_ids: dict[str, int] = {}
        for topic in topics:
            if topic.type_name not in schema_ids:
                schema_ids[topic.type_name] = self._schema(topic)
            self._ids[topic] = self._writer.register_channel(
                topic.name,
                "protobuf" if topic.is_raw else "json",
                schema_ids[topic.type_name],
                {"type": topic.type_name, "channel": topic.channel},
            )
        table = {str(number): [t.name, t.type_name, t.channel] for t, number in self._ids.items()}
        self.add(SheetMetadata("channels", {"table": json_text(table)}))

    def add(self, item: SheetMessage | SheetMetadata | SheetAttachment) -> None:
        """Writes one item."""
        if isinstance(item, SheetMessage):
            if item.topic not in self._ids:
                self.define((item.topic,))
            self._writer.add_message(
                self._ids[item.topic], item.log_ns, item.data, item.publish_ns, item.sequence & 0xFFFFFFFF
            )
            self.n_messages += 1
        elif isinstance(item, SheetMetadata):
            self._writer.add_metadata(item.name, {**item.data, "sha256": metadata_digest(item.data)})
        else:
            self._writer.add_attachment(item.log_ns, item.log_ns, item.name, item.media_type, item.data)
            digest = hashlib.sha256(item.data).hexdigest()
            self.add(SheetMetadata("attachment", {"name": item.name, "content_sha256": digest}))
        self._file.mark_whole()

    def flush(self) -> None:
        """Closes the chunk and hands it to the operating system."""
        self._writer.flush()  # type: ignore[no-untyped-call]  # mcap leaves these two untyped
        self._file.mark_whole()

    def finish(self) -> None:
        """Writes the index and the end mark."""
        self.flush()
        self._writer.finish()  # type: ignore[no-untyped-call]
        self._file.mark_whole()

    def _schema(self, topic: Topic) -> int:
        if topic.is_raw:
            return int(self._writer.register_schema(RAW_SCHEMA_NAME, "protobuf", RAW_DESCRIPTOR))
        schema = json_text(json_schema(topic.type_name)).encode()
        return int(self._writer.register_schema(f"sensorsoma.{topic.type_name}", "jsonschema", schema))


def metadata_digest(data: dict[str, str]) -> str:
    """Checksum over a metadata record, which MCAP itself leaves unprotected."""
    return hashlib.sha256(json_text(dict(sorted(data.items()))).encode()).hexdigest()


def json_text(data: object) -> str:
    """Compact JSON."""
    return json.dumps(plain(data), separators=(",", ":"))

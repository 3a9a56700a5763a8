"""Which message goes to which topic of the MCAP file, under which schema, as which bytes.

`/raw/<channel>` holds packets as protobuf `Raw{bytes payload = 1}`, so that viewers accept them; everything else is
JSON with a JSON schema. Viewers want one type per field: missing fields are omitted, and free JSON data (settings,
measures) is carried as text. The session time of an input is the record's log time and not repeated in the JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sensorsoma.errors import InputFileError
from sensorsoma.messages import PLACEMENTS, Input, LiveAngle, Message, Packet
from sensorsoma.recording.format import MESSAGE_TYPES, codec_of, from_json, to_json

_TOPICS: Mapping[str, str] = {
    "SettingsSnapshot": "/session",
    "UserMark": "/input/mark",
    "Tick": "/input/tick",
    "CueFinished": "/input/cue_finished",
    "StreamInterrupted": "/input/stream_interrupted",
    "StreamResumed": "/input/stream_resumed",
    "SourceStatus": "/status",
    "DeviceInfo": "/device",
    "Gap": "/gap",
    "BadPacket": "/bad_packet",
    "Cue": "/cue",
}
"""Messages with a topic of their own; packets have one per channel, live angles per placement, events `/event/...`."""

INPUT_TYPES = frozenset({kind.__name__ for kind in Input.__args__})
"""Names of the messages that a pipeline is fed."""

RAW_SCHEMA_NAME = "sensorsoma.Raw"
RAW_DESCRIPTOR = (
    b"\x0a\x37"  # FileDescriptorSet.file: 55 bytes
    b"\x0a\x09raw.proto"  # its name
    b"\x12\x0asensorsoma"  # package
    b"\x22\x16"  # message_type: 22 bytes
    b"\x0a\x03Raw"  # its name
    b"\x12\x0f"  # field: 15 bytes
    b"\x0a\x07payload\x18\x01\x20\x01\x28\x0c"  # its name, number 1, optional, type bytes
    b"\x62\x06proto3"  # syntax
)
"""Compiled descriptor of `syntax = "proto3"; package sensorsoma; message Raw { bytes payload = 1; }`."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One channel of the file."""

    name: str
    type_name: str
    """Message class."""
    channel: str = ""
    """`Packet.channel` or `LiveAngle.placement`; empty elsewhere."""

    @property
    def is_raw(self) -> bool:
        """True for packets."""
        return self.type_name == "Packet"

    @property
    def is_input(self) -> bool:
        """True for what the pipeline is fed."""
        return self.type_name in INPUT_TYPES


def topic_of(message: Message) -> Topic:
    """Where a message is written."""
    if isinstance(message, Packet):
        return raw_topic(message.channel)
    if isinstance(message, LiveAngle):
        return angle_topic(message.placement)
    return plain_topic(type(message).__name__)


def raw_topic(channel: str) -> Topic:
    """Topic of a source's packets."""
    return Topic(f"/raw/{channel}", "Packet", channel)


def angle_topic(placement: str) -> Topic:
    """Topic of the live angle that a placement shows."""
    return Topic(f"/angle/{placement}", "LiveAngle", placement)


def plain_topic(type_name: str) -> Topic:
    """Topic of every message of one class."""
    return Topic(_TOPICS.get(type_name) or f"/event/{_snake(type_name)}", type_name)


def session_topics(channels: tuple[str, ...]) -> tuple[Topic, ...]:
    """All topics that a session can need, so that they are defined before the first sample."""
    names = [name for name in MESSAGE_TYPES if name not in ("Packet", "LiveAngle")]
    topics = [plain_topic("SettingsSnapshot")]
    topics += [raw_topic(channel) for channel in channels]
    topics += [angle_topic(placement) for placement in PLACEMENTS]
    topics += [plain_topic(name) for name in names if name != "SettingsSnapshot"]
    return tuple(topics)


def json_schema(type_name: str) -> dict[str, Any]:
    """JSON schema of a message as it stands in the file."""
    properties = {
        name: _property(codec.json_type, codec.nested)
        for name, codec in codec_of(MESSAGE_TYPES[type_name]).items()
        if name != "host_ns"
    }
    return {"type": "object", "title": type_name, "properties": properties}


def encode(message: Message) -> bytes:
    """The bytes of one message, without its session time.

    Raises:
        TypeError: a field holds something that is not JSON data.
    """
    if isinstance(message, Packet):
        return encode_raw(message.payload)
    data = to_json(message)
    data.pop("host_ns", None)
    for name, codec in codec_of(type(message)).items():
        if codec.json_type == "mapping" and name in data:
            data[name] = _dumps(data[name])
    return _dumps(data).encode()


def decode(topic: Topic, log_time_ns: int, data: bytes) -> Message:
    """The message that `encode` was given.

    Raises:
        InputFileError: the bytes are not that message.
    """
    if topic.is_raw:
        return Packet(log_time_ns, topic.channel, decode_raw(data))
    kind = MESSAGE_TYPES.get(topic.type_name)
    try:
        fields = json.loads(data)
        if kind is not None:
            codecs = codec_of(kind)
            if "host_ns" in codecs:
                fields["host_ns"] = log_time_ns
            for name, codec in codecs.items():
                if codec.json_type == "mapping" and isinstance(fields.get(name), str):
                    fields[name] = json.loads(fields[name])
    except (ValueError, TypeError):
        raise InputFileError(f"Expected a {topic.type_name} as JSON, found something else.") from None
    return from_json(topic.type_name, fields)


def encode_raw(payload: bytes) -> bytes:
    """Protobuf `Raw{payload}`.

    >>> encode_raw(b"abc").hex()
    '0a03616263'
    """
    n = len(payload)
    size = bytearray()
    while n >= 0x80:
        size.append(n & 0x7F | 0x80)
        n >>= 7
    size.append(n)
    return b"\x0a" + bytes(size) + payload


def decode_raw(data: bytes) -> bytes:
    """The payload within protobuf `Raw`; an empty message is an empty payload.

    Raises:
        InputFileError: the bytes are no such message.
    """
    if not data:
        return b""
    n, at, is_last = 0, 1, False
    while not is_last and at < min(len(data), 6):
        n |= (data[at] & 0x7F) << 7 * (at - 1)
        is_last = not data[at] & 0x80
        at += 1
    if data[0] != 0x0A or not is_last or n != len(data) - at:
        raise InputFileError("Expected a packet as protobuf Raw, found something else.")
    return data[at:]


def _property(json_type: str, nested: type | None) -> dict[str, Any]:
    if nested is not None:
        properties = {name: _property(codec.json_type, codec.nested) for name, codec in codec_of(nested).items()}
        return {"type": "object", "properties": properties}
    if json_type == "mapping":
        return {"type": "string", "contentMediaType": "application/json"}
    if json_type == "array":
        return {"type": "array", "items": {"type": "number"}}
    return {"type": json_type}


def _dumps(data: Any) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()

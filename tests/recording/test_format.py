"""Messages as JSON and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.errors import InputFileError
from sensorsoma.messages import ImuBlock, LiveAngle, Message, Packet, RepCompleted, SegmentMeasured, Tick, Tremor
from sensorsoma.recording.format import ARRAY_MESSAGES, MESSAGE_TYPES, from_json, to_json
from sensorsoma.recording.topics import decode, decode_raw, encode, encode_raw, json_schema, topic_of

numbers = st.floats(allow_nan=False, allow_infinity=False)
json_data = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
st.register_type_strategy(float, numbers)
st.register_type_strategy(Mapping, st.dictionaries(st.text(), json_data, max_size=4))


def messages_of(name: str) -> st.SearchStrategy[Message]:
    made: st.SearchStrategy[Message] = st.from_type(MESSAGE_TYPES[name])
    return made


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_message_survives_the_round_trip(name: str, data: st.DataObject) -> None:
    """What comes back through JSON text is equal, whatever is in the fields."""
    message = data.draw(messages_of(name))
    text = json.dumps(to_json(message), allow_nan=False)
    assert from_json(name, json.loads(text)) == message


@pytest.mark.parametrize("name", sorted(MESSAGE_TYPES))
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_every_message_survives_the_file_encoding(name: str, data: st.DataObject) -> None:
    """What comes back from a record's bytes and log time is equal."""
    message = data.draw(messages_of(name))
    assert decode(topic_of(message), getattr(message, "host_ns", 0), encode(message)) == message


@pytest.mark.parametrize("name", sorted(set(MESSAGE_TYPES) - {"Packet"}))
@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_what_is_written_follows_its_schema(name: str, data: st.DataObject) -> None:
    """Every field has the one type of its schema; nothing is null."""
    schema = json_schema(name)
    kinds = {"number": (int, float), "integer": int, "boolean": bool, "string": str, "array": list, "object": dict}
    for key, value in json.loads(encode(data.draw(messages_of(name)))).items():
        assert isinstance(value, kinds[schema["properties"][key]["type"]])


def test_every_message_is_known_but_blocks_of_samples() -> None:
    """The codec's table covers the vocabulary."""
    assert {kind.__name__ for kind in get_args(Message)} == set(MESSAGE_TYPES) | ARRAY_MESSAGES


def test_missing_fields_are_left_out_and_nested_ones_kept() -> None:
    """None does not appear at the top, and a tremor stays a tremor."""
    rep = RepCompleted(1.0, 2.0, "clamshell", None, 1, 0.5, 1.5, None, False, Tremor(8.0, 0.5, 0.1, None))
    data = to_json(rep)
    assert "side" not in data
    assert data["tremor"] == {"freq_hz": 8.0, "share": 0.5, "rms_mps2": 0.1}
    assert from_json("RepCompleted", data) == rep


def test_numpy_values_become_plain_ones() -> None:
    """Measures that detectors filled with numpy scalars, arrays and NaN are still JSON."""
    measures = {
        "count": np.int64(8),
        "a": np.float32(2.5),
        "ok": np.bool_(True),
        "x": np.arange(2),
        "n": np.nan,
    }
    segment = SegmentMeasured(1.0, 1.0, "clamshell", "left", "left-thigh", 0.0, 1.0, measures)
    plain = to_json(segment)["measures"]
    assert plain == {"count": 8, "a": 2.5, "ok": True, "x": [0, 1], "n": None}
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_a_value_that_is_no_number_is_left_out() -> None:
    """NaN in a field is written as missing, so that no viewer meets it."""
    assert "angle_deg" not in to_json(LiveAngle(1.0, "clamshell", "left", "left-thigh", float("nan")))


def test_fields_of_a_newer_version_are_ignored() -> None:
    """An unknown field does no harm."""
    assert from_json("Tick", {"host_ns": 5, "moon": "full"}) == Tick(5)


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("Moon", {}, "Expected a known message, found 'Moon'; a newer version may have written it."),
        ("Tick", {}, "Expected Tick with a field 'host_ns', found none."),
        ("Tick", {"host_ns": "noon"}, "Expected Tick.host_ns as integer, found 'noon'."),
        ("ImuBlock", {}, "Expected a known message, found 'ImuBlock'; a newer version may have written it."),
    ],
)
def test_what_does_not_fit_is_one_sentence(name: str, data: dict[str, Any], sentence: str) -> None:
    """Unknown names, missing fields and other kinds of values are told."""
    with pytest.raises(InputFileError) as caught:
        from_json(name, data)
    assert str(caught.value) == sentence


def test_blocks_of_samples_are_refused() -> None:
    """Samples are kept as packets, not as JSON."""
    with pytest.raises(TypeError, match="which are kept as packets"):
        to_json(ImuBlock("pelvis", 100.0, [0.0], [[0.0, 0.0, 9.8]], None))  # type: ignore[arg-type]


@given(st.binary(max_size=40000))
@settings(max_examples=30, deadline=None)
def test_packets_survive_their_protobuf_wrapping(payload: bytes) -> None:
    """Any payload comes back, through lengths of one to three bytes."""
    assert decode_raw(encode_raw(payload)) == payload
    assert decode(topic_of(Packet(3, "belly", payload)), 3, encode_raw(payload)) == Packet(3, "belly", payload)


@pytest.mark.parametrize(
    "data", [b"\x0a", b"\x0a\x05abc", b"\x12\x01a", b"\x0a\x01ab", b"\x0a\xff\xff\xff\xff\xff\xff"]
)
def test_other_bytes_are_no_packet(data: bytes) -> None:
    """Wrong tags and lengths are refused."""
    with pytest.raises(InputFileError, match="Expected a packet as protobuf Raw"):
        decode_raw(data)

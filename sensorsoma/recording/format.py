"""Messages as plain JSON data and back, read off the dataclasses themselves.

Fields that are None are left out, tuples become lists, bytes become hex. Within a mapping (settings, measures, what a
plan asked) None stays: there it says "not measured". Newer recordings may know more fields: what is unknown is ignored.
"""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Message

ARRAY_MESSAGES = frozenset({"ImuBlock", "OrientedBlock", "SegmentCurve"})
"""Blocks of samples: not written, because a replay makes them again out of the packets."""

MESSAGE_TYPES: Mapping[str, type] = {
    kind.__name__: kind for kind in get_args(Message) if kind.__name__ not in ARRAY_MESSAGES
}
"""Every message that can be written, by name."""


def to_json(message: Any) -> dict[str, Any]:
    """A message as JSON data, without fields that are None or not a number.

    >>> from sensorsoma.messages import UserMark
    >>> to_json(UserMark(5, "comfort", "after 3"))
    {'host_ns': 5, 'kind': 'comfort', 'detail': 'after 3'}

    Raises:
        TypeError: for blocks of samples.
    """
    if type(message).__name__ in ARRAY_MESSAGES:
        raise TypeError(f"{type(message).__name__} holds samples, which are kept as packets")
    data = {}
    for name in codec_of(type(message)):
        value = plain(getattr(message, name))
        if value is not None:
            data[name] = value
    return data


def from_json(type_name: str, data: Mapping[str, Any]) -> Message:
    """The message that `to_json` was given.

    Raises:
        InputFileError: no message has that name, or a field is missing or of another kind.
    """
    kind = MESSAGE_TYPES.get(type_name)
    if kind is None:
        raise InputFileError(f"Expected a known message, found {type_name!r}; a newer version may have written it.")
    made: Message = _make(kind, data)
    return made


def plain(value: Any) -> Any:
    """JSON data: numpy scalars and tuples become Python's own, what is not a number becomes None."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if is_dataclass(value):
        return to_json(value)
    raise TypeError(f"expected JSON data, found {type(value).__name__}")


JsonType = Literal["number", "integer", "boolean", "string", "array", "object", "mapping"]


@dataclass(frozen=True, slots=True)
class FieldCodec:
    """How one field of a message is written and read."""

    json_type: JsonType
    """`object` for a nested message, `mapping` for free JSON data."""
    read: Callable[[Any], Any]
    is_optional: bool
    default: Any
    """MISSING when the field must be there."""
    nested: type | None = None


def codec_of(kind: type) -> Mapping[str, FieldCodec]:
    """Field name → how it is written and read, in order of declaration."""
    return _codecs(kind)


@cache
def _codecs(kind: Any) -> Mapping[str, FieldCodec]:
    hints = get_type_hints(kind)
    return {item.name: _field_codec(hints[item.name], item) for item in fields(kind)}


def _make(kind: type, data: Mapping[str, Any]) -> Any:
    values = {}
    for name, codec in codec_of(kind).items():
        value = data.get(name)
        if value is not None:
            try:
                values[name] = codec.read(value)
            except (TypeError, ValueError, AttributeError) as error:
                raise InputFileError(f"Expected {kind.__name__}.{name} as {codec.json_type}, found {error}.") from None
        elif codec.default is not MISSING:
            values[name] = codec.default() if callable(codec.default) else codec.default
        elif codec.is_optional:
            values[name] = None
        else:
            raise InputFileError(f"Expected {kind.__name__} with a field {name!r}, found none.")
    return kind(**values)


def _field_codec(hint: Any, item: Field[Any]) -> FieldCodec:
    default = item.default_factory if item.default_factory is not MISSING else item.default
    is_optional = False
    if get_origin(hint) in (Union, types.UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not type(None)]
        is_optional, hint = len(kinds) < len(get_args(hint)), kinds[0]
    json_type, read = _reading(hint)
    nested = hint if json_type == "object" else None
    return FieldCodec(json_type, read, is_optional, default, nested)


def _reading(hint: Any) -> tuple[JsonType, Callable[[Any], Any]]:
    origin = get_origin(hint)
    if hint is float:
        return "number", float
    if hint is bool:
        return "boolean", _exactly(bool)
    if hint is int:
        return "integer", _exactly(int)
    if hint is str or origin is Literal:
        return "string", _exactly(str)
    if hint is bytes:
        return "string", bytes.fromhex
    if origin is tuple:
        return "array", _exactly_list
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return "object", lambda data: _make(hint, data)
    if origin is not None and issubclass(origin, Mapping):
        return "mapping", _mapping
    raise TypeError(f"no JSON form for {hint}")


def _exactly(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError(repr(value))
        return value

    return read


def _exactly_list(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError(repr(value))
    return tuple(value)


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(repr(value))
    return dict(value)

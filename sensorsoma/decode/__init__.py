"""Bytes into samples: one file per wire format, and the clock that places them in time."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from sensorsoma.decode.base import Decoder, DecoderClass

DECODERS: dict[str, str] = {
    "soma_v1": "sensorsoma.decode.soma_v1:SomaV1Decoder",
    "rows": "sensorsoma.decode.rows:RowsDecoder",
    "sensor_logger": "sensorsoma.decode.sensor_logger:SensorLoggerDecoder",
}
"""Wire format name → `module:Class`; `make_decoder` imports only the one that is asked for."""


def make_decoder(name: str, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> Decoder:
    """The decoder of a wire format.

    Args:
        name: key of `DECODERS`.
        channel: name that its blocks carry.
        epoch_ns: session time at which `t_s` is 0, Unix nanoseconds.
        config: JSON-ready options of that format.

    Raises:
        ValueError: no decoder has that name.
    """
    target = DECODERS.get(name)
    if target is None:
        raise ValueError(f"expected a decoder out of {', '.join(sorted(DECODERS))}; found {name!r}")
    module, _, attribute = target.partition(":")
    decoder_class = cast(DecoderClass, getattr(import_module(module), attribute))
    return decoder_class(channel, epoch_ns, config or {})

"""What every wire format gives: samples, gaps, bad packets and what the device says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol, cast

from sensorsoma.messages import BadPacket, DeviceInfo, Gap, ImuBlock, Packet

Decoded = ImuBlock | Gap | BadPacket | DeviceInfo
"""What a decoder may give."""


class Decoder(Protocol):
    """One channel's bytes into samples on the session line.

    Knows its wire format and its device clock, nothing else. Whatever the bytes, `feed` returns and never raises:
    what cannot be read becomes a `BadPacket`. Blocks of one decoder are strictly increasing in `t_s`, and the
    same packets give the same blocks.
    """

    name: str
    """Key in `DECODERS`."""

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """What one packet holds, in time order; a `Gap` stands before the block that ends it."""
        ...

    def resumed(self, host_ns: int) -> None:
        """Notes that the link was away until `host_ns`: the device clock may have restarted."""
        ...

    def finish(self) -> tuple[Decoded, ...]:
        """What was held back, for formats that put late packets in order; harmless when called twice."""
        ...


class DecoderClass(Protocol):
    """How a decoder is made."""

    def __call__(self, channel: str, epoch_ns: int, config: Mapping[str, Any]) -> Decoder:
        """A decoder for one channel; `config` is `SourceSettings.config`, absent keys mean the defaults."""
        ...


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
    return decoder_class(name)(channel, epoch_ns, config or {})


def decoder_class(name: str) -> DecoderClass:
    """The class of a wire format's decoder, imported only now.

    Raises:
        ValueError: no decoder has that name.
    """
    from sensorsoma.decode import DECODERS  # the table names this module's heirs, so it cannot come first

    target = DECODERS.get(name)
    if target is None:
        raise ValueError(f"expected a decoder out of {', '.join(sorted(DECODERS))}; found {name!r}")
    module, _, attribute = target.partition(":")
    return cast(DecoderClass, getattr(import_module(module), attribute))

"""Packets of running sources into samples, outside a session: for setting up and checking."""

from __future__ import annotations

from collections.abc import Iterable

from sensorsoma.decode.base import Decoded, Decoder, make_decoder
from sensorsoma.messages import Input, Packet, SourceStatus, StreamResumed
from sensorsoma.settings import SourceSettings


class Decoding:
    """Reads every channel by the format that its source turned out to speak, as a session does.

    Args:
        settings: the sources.
        epoch_ns: session time at which `t_s` is 0.
    """

    def __init__(self, settings: Iterable[SourceSettings], epoch_ns: int) -> None:
        self._settings = {each.channel: each for each in settings}
        self._decoders: dict[str, Decoder] = {}
        self._epoch_ns = epoch_ns

    def feed(self, message: Input | SourceStatus) -> tuple[Decoded, ...]:
        """The samples in a packet, and what else it tells; nothing for other messages."""
        if isinstance(message, SourceStatus):
            self._settings[message.channel] = self._settings[message.channel].as_found(message)
        elif isinstance(message, StreamResumed) and message.channel in self._decoders:
            self._decoders[message.channel].resumed(message.host_ns)
        elif isinstance(message, Packet):
            return self._decoder(message.channel).feed(message)
        return ()

    def _decoder(self, channel: str) -> Decoder:
        decoder = self._decoders.get(channel)
        if decoder is None:
            found = self._settings[channel]
            decoder = make_decoder(found.decoder, channel, self._epoch_ns, found.config)
            self._decoders[channel] = decoder
        return decoder

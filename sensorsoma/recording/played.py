"""A recording as the source of a new session: the bytes of one of its sensors, as they came."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Input, Packet, Placement, StreamInterrupted, StreamResumed
from sensorsoma.recording.reader import Recording, open_recording
from sensorsoma.settings import SourceSettings

_OF_A_SENSOR = (Packet, StreamInterrupted, StreamResumed)


def played_settings(path: Path | str, placement: Placement) -> SourceSettings:
    """The source that `played_inputs` of this recording play; simulated stays simulated.

    Raises:
        InputFileError: it is no recording, or none of its several sensors sat there.
    """
    source = _source(open_recording(path), placement)
    return replace(source, channel=placement, placement=placement, kind="file", address=Path(path).name)


def played_inputs(path: Path | str, placement: Placement) -> Iterator[Input]:
    """What came from that sensor: packets, losses and returns, on the channel of the placement it is given now.

    Raises:
        InputFileError: as `played_settings`.
    """
    recording = open_recording(path)
    return _inputs(recording, _source(recording, placement).channel, placement)


def _inputs(recording: Recording, channel: str, placement: Placement) -> Iterator[Input]:
    for message in recording.inputs():
        if isinstance(message, _OF_A_SENSOR) and message.channel == channel:
            yield replace(message, channel=placement)


def _source(recording: Recording, placement: Placement) -> SourceSettings:
    """The sensor that sat at the placement, or the only one there is."""
    sources = recording.settings.sources
    for source in sources:
        if source.placement == placement or len(sources) == 1:
            return source
    there = ", ".join(source.placement for source in sources) or "no sensor"
    raise InputFileError(
        f"{recording.path.name}: expected a sensor at the {placement}, found {there}; name one of these placements."
    )

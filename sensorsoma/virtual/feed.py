"""A recorded file as a waveform: the sensor measures what the file holds, with the file's own timing."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sensorsoma.decode.base import make_decoder
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats, ImuBlock, Packet, Placement, SettingsSnapshot, StreamResumed
from sensorsoma.recording.imports import read_imported
from sensorsoma.settings import SessionSettings
from sensorsoma.virtual.waveform import Taken

RECORDING_SUFFIX = ".mcap"


class FileWaveform:
    """Samples of a file, played from the first start command on.

    Args:
        t_s: `(n,)` file time, seconds.
        acc_sensor_mps2: `(n, 3)`.
        gyr_sensor_radps: `(n, 3)`; None without gyroscope.
    """

    def __init__(self, t_s: Floats, acc_sensor_mps2: Floats, gyr_sensor_radps: Floats | None) -> None:
        is_new = np.concatenate(([True], np.diff(np.maximum.accumulate(t_s)) > 0))
        self._t_s = t_s[is_new] - t_s[0]
        self._acc = acc_sensor_mps2[is_new]
        self._gyr = None if gyr_sensor_radps is None else gyr_sensor_radps[is_new]
        self._begin_s: float | None = None
        self._next = 0
        self.has_gyroscope = gyr_sensor_radps is not None
        steps = np.diff(self._t_s)
        self._rate_hz = 1.0 / float(np.median(steps)) if len(steps) else 104.0

    @property
    def duration_s(self) -> float:
        """From the first to the last sample."""
        return float(self._t_s[-1])

    def start(self, now_s: float, rate_hz: float) -> float:  # noqa: ARG002 - a file has the rate it has
        """Begins to play at the first call; later calls skip what was played to nobody."""
        if self._begin_s is None:
            self._begin_s = now_s
        self._next = int(np.searchsorted(self._t_s, now_s - self._begin_s, side="left"))
        return self._rate_hz

    def read(self, now_s: float) -> Taken:
        """What the file says up to now."""
        begin_s = now_s if self._begin_s is None else self._begin_s
        end = max(self._next, int(np.searchsorted(self._t_s, now_s - begin_s, side="right")))
        part = slice(self._next, end)
        self._next = end
        gyr = None if self._gyr is None else self._gyr[part]
        return Taken(self._t_s[part], self._acc[part], gyr, is_through=end == len(self._t_s))


def open_file(path: Path | str, placement: Placement | None = None) -> FileWaveform:
    """A recording of ours, a headed CSV or a headerless Axivity CSV, as a waveform.

    Args:
        path: the file.
        placement: which sensor of a recording with several; the only one, or the first, by default.

    Raises:
        InputFileError: it is none of these, or has no sample; says what was expected and found.
    """
    path = Path(path)
    if path.suffix == RECORDING_SUFFIX:
        return _open_recording(path, placement)
    imported = read_imported(path)
    return FileWaveform(imported.t_s, imported.acc_sensor_mps2, imported.gyr_sensor_radps)


def _open_recording(path: Path, placement: Placement | None) -> FileWaveform:
    from sensorsoma.recording.reader import open_recording

    recording = open_recording(path)
    settings: SessionSettings = recording.settings
    channels = {source.placement: source for source in settings.sources}
    source = channels.get(placement) if placement is not None and placement in channels else None
    source = source or (settings.sources[0] if settings.sources else None)
    if source is None:
        raise InputFileError(f"{path.name}: expected a recording with a sensor, found none.")
    blocks: list[ImuBlock] = []
    decoder = None
    for message in recording.inputs():
        if isinstance(message, SettingsSnapshot):
            decoder = make_decoder(source.decoder, source.channel, message.host_ns, source.config)
        elif decoder is not None and isinstance(message, StreamResumed) and message.channel == source.channel:
            decoder.resumed(message.host_ns)
        elif decoder is not None and isinstance(message, Packet) and message.channel == source.channel:
            blocks += [item for item in decoder.feed(message) if isinstance(item, ImuBlock)]
    if not blocks:
        raise InputFileError(f"{path.name}: expected samples of the {source.placement}, found none.")
    gyros = [block.gyr_sensor_radps for block in blocks if block.gyr_sensor_radps is not None]
    return FileWaveform(
        np.concatenate([block.t_s for block in blocks]),
        np.concatenate([block.acc_sensor_mps2 for block in blocks]),
        np.concatenate(gyros) if len(gyros) == len(blocks) else None,
    )

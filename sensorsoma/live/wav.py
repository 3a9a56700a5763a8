"""WAV files with 16-bit samples: read, checked, trimmed, written whole or not at all."""

from __future__ import annotations

import os
import tempfile
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensorsoma.errors import InputFileError
from sensorsoma.messages import Floats

FULL_SCALE = 32768.0


@dataclass(frozen=True, slots=True)
class TrimParams:
    """What counts as silence before and after words."""

    silent_level: float = 0.004
    """Of full scale, -48 dB: below the softest consonant of a rendered voice, above its noise."""
    lead_s: float = 0.01
    """Kept before the first sound, so that it does not begin with a click."""
    tail_s: float = 0.15
    """Kept after the last, so that a sentence fades; rendered ones come with 0.45 s, by which every count ends late."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """One channel of sound."""

    samples: Floats
    """Shape (n,), -1 to 1; several channels are averaged."""
    rate_hz: int

    @property
    def length_s(self) -> float:
        """Whole length, seconds."""
        return len(self.samples) / self.rate_hz

    @property
    def loudness(self) -> float:
        """Root mean square of the half of the sound that is loudest, 0-1, so that pauses do not count; 0 of nothing."""
        if not len(self.samples):
            return 0.0
        size = np.sort(np.abs(self.samples))[len(self.samples) // 2 :]
        return float(np.sqrt(np.mean(size**2)))


def length_s(path: Path) -> float:
    """Length of a WAV file from its header, seconds.

    Raises:
        InputFileError: it is none that can be read.
    """
    with _opened(path) as file:
        return file.getnframes() / file.getframerate()


def read_wav(path: Path) -> Sound:
    """The sound in a WAV file.

    Raises:
        InputFileError: it is none that can be read, or not of 16-bit samples; one sentence.
    """
    with _opened(path) as file:
        n_channels, rate_hz = file.getnchannels(), file.getframerate()
        data = file.readframes(file.getnframes())
    whole = data[: len(data) - len(data) % (2 * n_channels)]
    samples = np.frombuffer(whole, "<i2").astype(np.float64).reshape(-1, n_channels).mean(axis=1) / FULL_SCALE
    return Sound(samples, rate_hz)


def _opened(path: Path) -> wave.Wave_read:
    try:
        file = wave.open(str(path), "rb")  # noqa: SIM115 # the caller closes it
    except (wave.Error, EOFError, OSError) as error:
        raise InputFileError(
            f"Expected a WAV file with 16-bit samples, found another in {path.name} ({str(error) or 'it ends early'}); "
            'save it as "WAV, signed 16-bit PCM".'
        ) from error
    if file.getsampwidth() != 2 or not file.getframerate():
        bits = 8 * file.getsampwidth()
        file.close()
        raise InputFileError(
            f'Expected 16-bit samples in {path.name}, found {bits}-bit ones; save it as "WAV, signed 16-bit PCM".'
        )
    return file


def silence_before_s(sound: Sound, params: TrimParams | None = None) -> float:
    """Seconds before the first sound; the whole length of a silent one."""
    loud = np.abs(sound.samples) > (params or TrimParams()).silent_level
    return (int(np.argmax(loud)) if loud.any() else len(loud)) / sound.rate_hz


def trimmed(sound: Sound, params: TrimParams | None = None) -> Sound:
    """Without most of the silence at both ends; empty when nothing sounds."""
    p = params or TrimParams()
    loud = np.flatnonzero(np.abs(sound.samples) > p.silent_level)
    if not len(loud):
        return Sound(sound.samples[:0], sound.rate_hz)
    first = max(0, int(loud[0]) - round(p.lead_s * sound.rate_hz))
    return Sound(sound.samples[first : int(loud[-1]) + 1 + round(p.tail_s * sound.rate_hz)], sound.rate_hz)


def joined(sounds: Sequence[Sound], pause_s: float = 0.6) -> Sound:
    """One after the other, with the pause that the computer's voice makes between two sentences.

    Raises:
        ValueError: their rates differ.
    """
    rate_hz = sounds[0].rate_hz
    if any(sound.rate_hz != rate_hz for sound in sounds):
        raise ValueError("expected sounds of one rate")
    pause = np.zeros(round(pause_s * rate_hz))
    pieces = [piece for sound in sounds for piece in (sound.samples, pause)]
    return Sound(np.concatenate(pieces[:-1]), rate_hz)


def write_wav(path: Path, sound: Sound) -> None:
    """Writes a mono file; whoever reads at the same time finds the old file or the whole new one.

    Raises:
        OSError: the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    pcm = np.clip(np.rint(sound.samples * FULL_SCALE), -32768, 32767).astype("<i2")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=MAKING)
    try:
        with os.fdopen(handle, "wb") as file, wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(sound.rate_hz)
            out.writeframes(pcm.tobytes())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


MAKING = "making-"
"""How the name of what is being made begins."""

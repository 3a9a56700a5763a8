"""A soft bell as a WAV file, made once and kept."""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sensorsoma.live.wav import Sound, write_wav


@dataclass(frozen=True, slots=True)
class BellParams:
    """How the bell sounds."""

    rate_hz: int = 22050
    """Sampling rate; the highest partial lies far below half of it."""
    partials: tuple[tuple[float, float, float], ...] = ((220.0, 1.0, 1.1), (442.3, 0.42, 0.8), (607.0, 0.22, 0.5))
    """(frequency Hz, share of amplitude, decay s): low and slightly inharmonic, as of a singing bowl."""
    fade_in_s: float = 0.25
    """Rise; a fifth of a second or more does not startle somebody who is half asleep."""
    length_s: float = 2.5
    """Whole length; the last fifth fades to nothing."""
    peak: float = 0.3
    """Largest sample, 0-1: quiet beside a voice."""


def bell_samples(params: BellParams | None = None) -> list[float]:
    """The bell, -1..1, beginning and ending in silence."""
    p = params or BellParams()
    n = round(p.length_s * p.rate_hz)
    fade_out_s = 0.2 * p.length_s
    out: list[float] = []
    for index in range(n):
        t_s = index / p.rate_hz
        value = sum(
            share * math.exp(-t_s / decay_s) * math.sin(2 * math.pi * freq_hz * t_s)
            for freq_hz, share, decay_s in p.partials
        )
        rise = 0.5 - 0.5 * math.cos(math.pi * min(t_s / p.fade_in_s, 1.0))
        left_s = p.length_s - (index + 1) / p.rate_hz
        out.append(value * rise * min(left_s / fade_out_s, 1.0))
    loudest = max(abs(value) for value in out)
    return [value * p.peak / loudest for value in out]


def bell_file(folder: Path | None = None, params: BellParams | None = None) -> Path:
    """Path of the bell; made on the first call (about 60 ms) and found on later ones.

    Raises:
        OSError: the folder cannot be written.
    """
    p = params or BellParams()
    folder = folder or cache_folder()
    path = folder / f"bell-{abs(hash_of(p)):08x}.wav"
    if path.is_file() and path.stat().st_size > 44:
        return path
    write_wav(path, Sound(np.array(bell_samples(p)), p.rate_hz))
    return path


def hash_of(params: BellParams) -> int:
    """A number that changes with the sound and is the same in every run."""
    total = 0
    for letter in repr(params).encode():
        total = (total * 131 + letter) % 2**32
    return total


def cache_folder() -> Path:
    """Where things that can be made again are kept."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / "sensorsoma" / "cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sensorsoma"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "sensorsoma"

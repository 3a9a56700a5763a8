"""The bell's file."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from sensorsoma.live.bells import BellParams, bell_file, bell_samples


def test_the_bell_rises_softly_and_fades_away() -> None:
    """No click at either end: under a fifth of its peak in the first 60 ms, silent at the end, never above its peak."""
    params = BellParams()
    sound = np.abs(np.array(bell_samples(params)))
    assert params.fade_in_s >= 0.2
    assert sound.max() == np.float64(params.peak)
    assert sound[: round(0.06 * params.rate_hz)].max() < 0.2 * params.peak
    assert sound[0] == 0.0
    assert sound[-20:].max() < 1e-4
    assert np.argmax(sound) > 0.1 * params.rate_hz


def test_the_file_is_made_once(tmp_path: Path) -> None:
    """The file is a mono WAV of the right length, found again unchanged; other bells have other files."""
    path = bell_file(tmp_path)
    stamp = path.stat().st_mtime_ns
    with wave.open(str(path)) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 22050)
        assert sound.getnframes() == round(2.5 * 22050)
    assert bell_file(tmp_path) == path
    assert path.stat().st_mtime_ns == stamp
    assert bell_file(tmp_path, BellParams(length_s=1.0)) != path
    assert not list(tmp_path.glob("*.part"))

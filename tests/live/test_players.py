"""Playing a file to its end."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.live.mouth import Soundless, Unspoken
from sensorsoma.live.players import ProgramPlayer
from sensorsoma.live.wav import Sound, write_wav


def tone(path: Path, seconds: float) -> Path:
    """A file of that length."""
    write_wav(path, Sound(0.2 * np.ones(round(8000 * seconds)), 8000))
    return path


def wait_until(is_true: Callable[[], bool]) -> None:
    """Returns when it is."""
    while not is_true():
        time.sleep(0.005)


def player(code: str) -> ProgramPlayer:
    """A player that runs some Python; the file is the last argument."""
    return ProgramPlayer(sys.executable, "-S", "-c", code)


def test_a_sound_is_over_when_its_own_length_is(tmp_path: Path) -> None:
    """A player that hands the sound on and leaves does not let the next sentence begin into it."""
    path = tone(tmp_path / "a.wav", 0.4)
    begin = time.monotonic()
    assert asyncio.run(player("pass").play(path))
    assert 0.39 < time.monotonic() - begin < 3.0


def test_a_player_that_fails_or_is_missing_is_told_apart(tmp_path: Path) -> None:
    """Failing may have been heard in part; what could not begin was not."""
    path = tone(tmp_path / "a.wav", 0.1)
    assert not asyncio.run(player("import sys; sys.exit(1)").play(path))
    with pytest.raises(Soundless, match="no sound device"):
        asyncio.run(player("import sys; sys.exit('aplay: main:831: audio open error: No such file')").play(path))
    with pytest.raises(Unspoken):
        asyncio.run(ProgramPlayer("/does/not/exist").play(path))
    with pytest.raises(Unspoken):
        asyncio.run(player("pass").play(tmp_path / "no.wav"))


def test_a_cancelled_sound_is_silent_at_once(tmp_path: Path) -> None:
    """Its program has ended before anything else may sound."""
    mark = tmp_path / "alive"
    code = (
        f"import time, pathlib; mark = pathlib.Path({str(mark)!r})\n"
        "while True: mark.write_text(str(time.monotonic())); time.sleep(0.01)"
    )

    async def cut() -> float:
        task = asyncio.create_task(player(code).play(tone(tmp_path / "a.wav", 5.0)))
        await asyncio.to_thread(wait_until, mark.exists)
        task.cancel()
        await asyncio.wait([task])
        return time.monotonic()

    silent_from = asyncio.run(cut())
    time.sleep(0.05)
    assert float(mark.read_text() or 0) <= silent_from

"""What is heard in a practice, to be read aloud; and the golden files that say what it was when somebody liked it.

After a deliberate change of the words or of their times:

    SENSORSOMA_REWRITE_GOLDEN=1 python -m pytest tests/test_practices.py -k golden

and then read the files aloud before they are kept.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from bedside.evening import Evening

from sensorsoma.messages import Cue, StepStarted

FOLDER = Path(__file__).parent / "golden"
NEAR_S = 2
"""Seconds by which a line may come sooner or later on another computer."""


def transcript(evening: Evening) -> str:
    """One line a cue with minutes and seconds; a step's title stands before its words."""
    lines = []
    for output in evening.outputs:
        if isinstance(output, StepStarted):
            lines.append(f"\n{_clock(output.t_s)}  [{output.index + 1} of {output.n_steps}: {output.title}]")
        elif isinstance(output, Cue):
            lines.append(f"{_clock(output.t_s)}  {output.text}")
    return "\n".join(lines).strip("\n") + "\n"


def _clock(t_s: float) -> str:
    return f"{int(t_s) // 60:>2}:{int(t_s) % 60:02d}"


def check_golden(name: str, text: str) -> None:
    """Asserts that a transcript is the kept one, line by line, and every line at nearly the same time."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("SENSORSOMA_REWRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    kept = path.read_text(encoding="utf-8")
    assert _words(text) == _words(kept), f"{path.name} reads differently; see {__name__} for how to renew it"
    late = [abs(now - then) for now, then in zip(_times_s(text), _times_s(kept), strict=True)]
    assert max(late) <= NEAR_S


def _words(text: str) -> list[str]:
    return [line[7:] for line in text.splitlines()]


def _times_s(text: str) -> list[int]:
    return [int(minutes) * 60 + int(seconds) for minutes, seconds in re.findall(r"^ ?(\d+):(\d\d)", text, re.MULTILINE)]

"""`--pace` as it is typed."""

from __future__ import annotations

import pytest

from sensorsoma.cli.coach import pacer_settings
from sensorsoma.coach.pacer import Pacer
from sensorsoma.errors import UsageError
from sensorsoma.messages import Cue


@pytest.mark.parametrize("pace", ["4-6", " 4 / 6 ", "4.0:6", "4 6"])
def test_seconds_in_and_out_are_read(pace: str) -> None:
    """However the two numbers are parted."""
    assert pacer_settings(pace) == {"in_s": 4.0, "out_s": 6.0}


@pytest.mark.parametrize("pace", ["", "fast", "4", "0-6", "0.5-5", "1-1", "15-20", "4-6-8", "nan-6", "٤-٦"])
def test_a_pace_that_would_not_be_kept_is_refused(pace: str) -> None:
    """Nobody asks for 35 s a breath and silently gets 20: what can be paced is said in one sentence."""
    with pytest.raises(UsageError, match="3 to 20 together"):
        pacer_settings(pace)


@pytest.mark.parametrize("pace", ["1-2", "10-10", "5-14"])
def test_what_is_accepted_is_kept(pace: str) -> None:
    """From one breath in to the next the words come as far apart as was typed."""
    settings = pacer_settings(pace)
    pacer = Pacer(settings)
    said = [cue for tenth in range(1200) if (cue := pacer.poll(tenth / 10, "rest", True, tenth)) is not None]
    ins = _times(said, "pacer.in")
    assert ins[1] - ins[0] == pytest.approx(settings["in_s"] + settings["out_s"], abs=0.11)


def _times(said: list[Cue], key: str) -> list[float]:
    return [cue.t_s for cue in said if cue.key == key]

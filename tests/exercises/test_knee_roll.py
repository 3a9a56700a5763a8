"""Knees swinging to both sides."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.knee_roll import KneeRollDetector
from sensorsoma.messages import ImuBlock, MovementBegan, OrientedBlock, RepCompleted, SegmentCurve
from sensorsoma.simulate import Difficulties

Watch = Callable[..., Any]


def detector(watched: Any) -> KneeRollDetector:
    """A fresh detector for a watched stretch."""
    return KneeRollDetector(watched.stretch, watched.body)


@pytest.mark.parametrize("side", ["left", "right"])
def test_both_sides_are_counted_with_their_range(watch: Watch, side: str) -> None:
    """Each swing goes to the side it went to; ranges count from the rest pose within 3 degrees, tops within 0.3 s."""
    watched = watch("knee_roll", f"{side}-thigh", side=side, seed=3, n_reps=4, difficulties=Difficulties.all())
    measures = watched.through(detector(watched))[-1].measures
    assert measures["count"] == 4
    for direction in ("out", "in"):
        true = [rep for rep in watched.truth.reps if rep.direction == direction]
        found = measures["sides"][direction]
        assert found["count"] == 4
        assert found["peaks_s"] == pytest.approx([rep.peak_s for rep in true], abs=0.3)
        assert found["range_deg"] == pytest.approx(np.median([rep.range_deg for rep in true]), abs=3.0)
    assert measures["notes"] == []


def test_a_cycle_is_announced_when_both_sides_are_done(watch: Watch) -> None:
    """Four cycles give four events and one beginning."""
    watched = watch("knee_roll", seed=5, n_reps=4)
    out = watched.through(detector(watched))
    assert [item.index for item in out if isinstance(item, RepCompleted)] == [1, 2, 3, 4]
    assert sum(isinstance(item, MovementBegan) for item in out) == 1
    curve = next(item for item in out if isinstance(item, SegmentCurve))
    assert np.nanmax(curve.angle_deg) > 20
    assert np.nanmin(curve.angle_deg) < -20


def test_without_alignment_the_first_swing_is_called_out(watch: Watch) -> None:
    """A body that knows nothing: counts stay, and a note says how the sides were named."""
    watched = watch("knee_roll", seed=5, n_reps=3)
    measures = watched.through(KneeRollDetector(watched.stretch, Body()))[-1].measures
    assert measures["count"] == 3
    assert [measures["sides"][d]["count"] for d in ("out", "in")] == [3, 3]
    assert any("first swing" in note for note in measures["notes"])


def test_knees_that_rest_say_so() -> None:
    """No movement, no cycle, ranges None."""
    t = np.arange(0, 20, 1 / 52)
    up = np.tile([0.0, 0.6, 0.8], (len(t), 1))
    one = KneeRollDetector(Stretch("knee_roll", "right", "right-thigh", 0.0), Body())
    out = [*one.feed(OrientedBlock("r", "right-thigh", 52.0, t, up, None, 9.81 * up, None)), *one.finish(20.0)]
    assert out[-1].measures["count"] == 0
    assert out[-1].measures["sides"]["out"]["range_deg"] is None
    assert out[-1].measures["notes"] == ["no movement seen"]
    assert one.finish(21.0) == ()


def test_any_cut_gives_the_same_events(watch: Watch) -> None:
    """Sample by sample, in packets or in one piece: the same events."""
    watched = watch("knee_roll", seed=6, n_reps=3, difficulties=Difficulties.all())
    told = [
        [item for item in watched.through(detector(watched), size=size) if not isinstance(item, SegmentCurve)]
        for size in (1, 7, 0)
    ]
    assert told[0] == told[1] == told[2]


def test_real_people_are_counted_as_by_eye(mex_dir: Path) -> None:
    """One public set: eleven cycles by eye, twenty-three turns."""
    import pandas as pd

    table = pd.read_csv(mex_dir / "12" / "01_act_1.csv", header=None)
    t_s = (pd.to_datetime(table[0], format="ISO8601") - pd.Timestamp("2018-01-01")).dt.total_seconds().to_numpy()
    t_s = t_s - t_s[0]
    raw = ImuBlock("right-thigh", (len(t_s) - 1) / t_s[-1], t_s, table[[1, 2, 3]].to_numpy() * 9.80665, None)
    one = KneeRollDetector(Stretch("knee_roll", "right", "right-thigh", 0.0), Body())
    one.feed(OrientationFilter("right-thigh").feed(raw, "right-thigh"))
    measures = one.finish(float(t_s[-1]))[-1].measures
    assert measures["count"] == 11
    assert 22 <= sum(side["count"] for side in measures["sides"].values()) <= 23

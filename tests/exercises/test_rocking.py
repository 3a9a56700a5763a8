"""Whole-body rocking."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.rocking import RockingDetector
from sensorsoma.messages import MovementBegan, OrientedBlock
from sensorsoma.simulate import Difficulties

Watch = Callable[..., Any]


def detector(watched: Any) -> RockingDetector:
    """A fresh detector for a watched stretch."""
    return RockingDetector(watched.stretch, watched.body)


@pytest.mark.parametrize("placement", ["pelvis", "right-thigh"])
def test_rate_size_and_length_are_told(watch: Watch, placement: str) -> None:
    """Rate within 0.04 Hz, amplitude within a tenth, length within 2.5 s; begun within three seconds."""
    watched = watch("rocking", placement, seed=3, seconds=25.0, difficulties=Difficulties.all())
    out = watched.through(detector(watched))
    measures, true = out[-1].measures, watched.truth.values
    assert measures["freq_hz"] == pytest.approx(true["freq_hz"], abs=0.04)
    assert measures["amplitude_deg"] == pytest.approx(true["amplitude_deg"], rel=0.1)
    assert measures["duration_s"] == pytest.approx(true["duration_s"], abs=2.5)
    began = [item for item in out if isinstance(item, MovementBegan)]
    assert len(began) == 1
    assert began[0].t_s == pytest.approx(true["rock_start_s"], abs=3.0)


def test_an_accelerometer_gives_the_rhythm_but_not_the_size(watch: Watch) -> None:
    """Near 1 Hz the accelerometer cannot tell size from swing: None, with a note."""
    watched = watch("rocking", "pelvis", seed=3, seconds=20.0, acc_only=True)
    measures = watched.through(detector(watched))[-1].measures
    assert measures["freq_hz"] == pytest.approx(watched.truth.values["freq_hz"], abs=0.04)
    assert measures["amplitude_deg"] is None
    assert measures["notes"]


@pytest.mark.parametrize("acc_only", [False, True])
def test_a_hand_that_wanders_is_less_steady_than_a_clock(watch: Watch, acc_only: bool) -> None:
    """1 - s.d. / mean of the single rocks: within 0.01 of the truth for a calm and for an unsteady hand."""
    found = []
    for wander in (0.01, 0.09):
        watched = watch("rocking", "pelvis", seed=4, seconds=24.0, wander=wander, amplitude_deg=3.0, acc_only=acc_only)
        measures = watched.through(detector(watched))[-1].measures
        assert measures["steadiness"] == pytest.approx(watched.truth.values["steadiness"], abs=0.01)
        assert measures["freq_hz"] == pytest.approx(watched.truth.values["freq_hz"], abs=0.02)
        found.append(measures["steadiness"])
    assert found[0] > 0.98 > 0.96 > found[1]


def test_a_few_rocks_have_no_steadiness(watch: Watch) -> None:
    """Five seconds of rocking have a rate, but their spread would be a guess: None."""
    watched = watch("rocking", "pelvis", seed=3, seconds=4.0, freq_hz=0.8, amplitude_deg=3.0)
    measures = watched.through(detector(watched))[-1].measures
    assert measures["freq_hz"] == pytest.approx(0.8, abs=0.06)
    assert measures["steadiness"] is None


def test_rest_is_not_rocking() -> None:
    """Noise and slow breathing give no rate, not zero."""
    t = np.arange(0, 30, 1 / 52)
    rng = np.random.default_rng(0)
    gyr = rng.normal(scale=0.002, size=(len(t), 3))
    gyr[:, 0] += 0.01 * np.sin(2 * np.pi * 0.2 * t)
    up = np.tile([0.0, 0.0, 1.0], (len(t), 1))
    quat = np.tile([1.0, 0.0, 0.0, 0.0], (len(t), 1))
    one = RockingDetector(Stretch("rocking", None, "pelvis", 0.0), Body())
    out = [*one.feed(OrientedBlock("pelvis", "pelvis", 52.0, t, up, quat, 9.81 * up, gyr)), *one.finish(30.0)]
    assert len(out) == 1
    assert out[0].measures["freq_hz"] is None
    assert out[0].measures["duration_s"] is None
    assert out[0].measures["steadiness"] is None
    assert one.finish(31.0) == ()


def test_any_cut_gives_the_same_result(watch: Watch) -> None:
    """Sample by sample, in packets or in one piece: the same events."""
    watched = watch("rocking", "pelvis", seed=3, seconds=12.0, difficulties=Difficulties.all())
    told = [watched.through(detector(watched), size=size) for size in (1, 7, 0)]
    assert told[0] == told[1] == told[2]

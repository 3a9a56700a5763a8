"""The flattened low back, held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.pelvic_hold import PelvicHoldDetector
from sensorsoma.messages import HoldEnded, HoldReached, MovementBegan, OrientedBlock, SegmentCurve, TremorBegan
from sensorsoma.simulate import Difficulties

Watch = Callable[..., Any]


def detector(watched: Any) -> PelvicHoldDetector:
    """A fresh detector for a watched stretch."""
    return PelvicHoldDetector(watched.stretch, watched.body)


@pytest.mark.parametrize("placement", ["pelvis", "right-thigh"])
def test_the_hold_has_its_length_and_its_events(watch: Watch, placement: str) -> None:
    """Movement, hold reached, hold ended; the length within 0.8 s from the pelvis, 1.5 s from a thigh."""
    for seed in (1, 3):
        watched = watch("pelvic_hold", placement, side=None, seed=seed, hold_s=12.0, difficulties=Difficulties.all())
        out = watched.through(detector(watched))
        kinds = [type(item) for item in out if isinstance(item, (MovementBegan, HoldReached, HoldEnded))]
        assert kinds == [MovementBegan, HoldReached, HoldEnded]
        allowed = 0.8 if placement == "pelvis" else 1.5
        assert out[-1].measures["hold_s"] == pytest.approx(watched.truth.hold_s, abs=allowed)
        assert out[-1].measures["weak"] is (placement != "pelvis")


def test_depth_is_told_from_the_pelvis(watch: Watch) -> None:
    """How far the pelvis went from where it lay, within a degree."""
    watched = watch("pelvic_hold", "pelvis", side=None, seed=4, hold_s=10.0, depth_deg=9.0)
    assert watched.through(detector(watched))[-1].measures["depth_deg"] == pytest.approx(9.0, abs=1.0)


def test_shaking_has_an_onset_within_the_hold(watch: Watch) -> None:
    """Shaking that begins some seconds into the hold is greeted once and told with frequency and onset."""
    watched = watch(
        "pelvic_hold", "pelvis", side=None, seed=4, hold_s=20.0, shaking=True, shaking_peak_deg=0.06, rate_hz=104.0
    )
    out = watched.through(detector(watched))
    assert watched.truth.tremor is not None
    tremor = out[-1].measures["tremor"]
    assert sum(isinstance(item, TremorBegan) for item in out) == 1
    assert tremor["freq_hz"] == pytest.approx(watched.truth.tremor.freq_hz, abs=0.5)
    assert tremor["onset_s"] == pytest.approx(watched.truth.tremor.start_s - watched.truth.hold_start_s, abs=0.8)
    assert tremor["share"] > 0.6


def test_a_hold_that_goes_on_ends_with_the_stretch(watch: Watch) -> None:
    """When the coach closes the step the hold is as long as what was seen of it."""
    watched = watch("pelvic_hold", "pelvis", side=None, seed=3, hold_s=20.0)
    stop_s = watched.truth.hold_start_s + 8.0
    n = int(np.searchsorted(watched.block.t_s, stop_s))
    one = detector(watched)
    b = watched.block
    one.feed(
        OrientedBlock(b.channel, b.placement, b.rate_hz, b.t_s[:n], b.up_sensor[:n], None, b.acc_sensor_mps2[:n], None)
    )
    out = one.finish(stop_s)
    assert isinstance(out[0], HoldEnded)
    assert out[-1].measures["hold_s"] == pytest.approx(8.0, abs=0.8)
    assert one.finish(stop_s) == ()


def test_a_pelvis_that_was_flat_already_is_held_from_the_start() -> None:
    """Without movement the hold counts from the beginning, and a note says so."""
    t = np.arange(0, 15, 1 / 52)
    up = np.tile([0.0, 0.0, 1.0], (len(t), 1))
    one = PelvicHoldDetector(Stretch("pelvic_hold", None, "pelvis", 0.0), Body())
    out = [*one.feed(OrientedBlock("pelvis", "pelvis", 52.0, t, up, None, 9.81 * up, None)), *one.finish(15.0)]
    assert out[-1].measures["hold_s"] == pytest.approx(14.7, abs=0.5)
    assert any("before" in note for note in out[-1].measures["notes"])


def test_nothing_seen_is_not_measured() -> None:
    """Without samples the length is None, not zero."""
    out = PelvicHoldDetector(Stretch("pelvic_hold", None, "pelvis", 0.0), Body()).finish(10.0)
    assert len(out) == 1
    assert out[0].measures["hold_s"] is None


def test_any_cut_gives_the_same_events(watch: Watch) -> None:
    """Sample by sample, in packets or in one piece: the same events."""
    watched = watch(
        "pelvic_hold", "pelvis", side=None, seed=4, hold_s=10.0, shaking=True, difficulties=Difficulties.all()
    )
    told = [
        [item for item in watched.through(detector(watched), size=size) if not isinstance(item, SegmentCurve)]
        for size in (1, 7, 0)
    ]
    assert told[0] == told[1] == told[2]


def test_a_rest_that_is_left_over_when_the_hold_is_asked_for_is_not_the_hold() -> None:
    """Flat from the rocking before, loose while the words are said, then pressed as asked: the last one is the hold."""
    t = np.arange(0, 40, 1 / 52)
    tilt_deg = np.interp(t, [0, 1.0, 2.5, 13.0, 14.5, 34.0, 35.5, 40.0], [0.0, 0.0, 8.0, 8.0, -3.0, -3.0, 8.0, 8.0])
    up = np.stack([0.0 * t, np.sin(np.radians(tilt_deg)), np.cos(np.radians(tilt_deg))], axis=1)
    one = PelvicHoldDetector(Stretch("pelvic_hold", None, "pelvis", 0.0, step_id="flatten-hold"), Body())
    out = [*one.feed(OrientedBlock("pelvis", "pelvis", 52.0, t, up, None, 9.81 * up, None)), *one.finish(40.0)]
    assert sum(isinstance(item, HoldReached) for item in out) >= 2
    assert out[-1].measures["hold_start_s"] == pytest.approx(14.3, abs=1.0)
    assert out[-1].measures["hold_s"] == pytest.approx(19.5, abs=1.5)

"""Where a set of clamshells begins: what comes before the first opening is none, and does not shorten it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.clamshell import ClamshellDetector
from sensorsoma.messages import ImuBlock, MovementBegan, Placement, Side
from sensorsoma.simulate import simulate_exercise

Watch = Callable[..., Any]


def found(seed: int, side: Side, rate_hz: float, early_s: float, **options: Any) -> tuple[Any, list[Any]]:
    """Truth and outputs of a simulated set whose stretch begins `early_s` before the movement, with all before it."""
    placement: Placement = "left-thigh" if side == "left" else "right-thigh"
    simulation = simulate_exercise(
        "clamshell", side=side, seed=seed, rate_hz=rate_hz, placements=(placement,), **options
    )
    truth = next(stretch for stretch in simulation.truth.stretches if stretch.exercise == "clamshell")
    samples = simulation.samples[placement]
    body, orientation = Body(), OrientationFilter(placement)
    detector = ClamshellDetector(Stretch("clamshell", side, placement, truth.start_s - early_s), body)
    out: list[Any] = []
    for at in range(0, len(samples.t_s), 8):
        part = slice(at, at + 8)
        gyr = None if samples.gyr_sensor_radps is None else samples.gyr_sensor_radps[part]
        raw = ImuBlock(placement, rate_hz, samples.t_s[part], samples.acc_sensor_mps2[part], gyr)
        block = orientation.feed(raw, placement)
        body.feed(block)
        if len(block.t_s) and block.t_s[0] >= truth.start_s - early_s:
            out.extend(detector.feed(block))
    return truth, [*out, *detector.finish(float(samples.t_s[-1]))]


@pytest.mark.parametrize(("seed", "side"), [(5, "left"), (11, "left"), (31, "right")])
def test_the_end_of_turning_over_is_no_rep_and_not_the_closed_pose(seed: int, side: Side) -> None:
    """A stretch that begins two seconds early, while the person still turns, has every top where it was."""
    truth, out = found(seed, side, 104.0, early_s=2.0)
    tops = [rep["peak_s"] for rep in out[-1].measures["reps"]]
    assert tops == pytest.approx([rep.peak_s for rep in truth.reps], abs=1.5)
    began = next(item for item in out if isinstance(item, MovementBegan))
    assert began.t_s == pytest.approx(truth.reps[0].start_s, abs=1.0)


@pytest.mark.parametrize(("seed", "side"), [(8, "right"), (17, "left")])
def test_a_first_rep_of_ten_degrees_counts_while_orientation_recovers(seed: int, side: Side) -> None:
    """Up is off by 1.5 degrees just after turning over; the closed pose is that of the rest before the opening."""
    truth, out = found(seed, side, 208.0, early_s=0.5, range_deg=10.0)
    whole = [rep for rep in truth.reps if not rep.partial]
    reps = [rep for rep in out[-1].measures["reps"] if not rep["partial"]]
    assert len(reps) == len(whole)
    assert np.abs(reps[0]["peak_s"] - whole[0].peak_s) < 1.5

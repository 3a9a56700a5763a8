"""A way of breathing that is asked for: the truth says what was asked, and it shows in the sensor."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.messages import Placement
from sensorsoma.simulate import BreathStyle, Difficulties, Simulation, simulate_exercise
from sensorsoma.simulate.sensor import BY_THE_MARK
from sensorsoma.units import DEG


def lying(style: BreathStyle, seconds: float = 60.0, placement: Placement = "belly") -> Simulation:
    """An ideal person who lies and breathes."""
    return simulate_exercise(
        "breathing", seed=3, difficulties=Difficulties.none(), placements=(placement,), breath=style, seconds=seconds,
        rate_hz=52.0,
    )  # fmt: skip


def tilt_deg(simulation: Simulation, t_s: float) -> float:
    """How far the head end of the belly sensor is lifted."""
    samples = simulation.samples["belly"]
    acc = BY_THE_MARK @ samples.acc_sensor_mps2[int(np.searchsorted(samples.t_s, t_s))]
    return float(np.arcsin(acc[1] / np.linalg.norm(acc)) / DEG)


def test_rate_share_and_depth_are_those_asked_for() -> None:
    """Twelve a minute, a third of it inhale, 1.5 degrees deep, and a pause in which nothing moves."""
    simulation = lying(BreathStyle(12.0, 1 / 3, 1.5, pause_share=0.3, unevenness=0.0))
    breath = simulation.truth.breaths[5]
    assert breath.end_s - breath.inhale_s == pytest.approx(5.0)
    assert (breath.exhale_s - breath.inhale_s) / 5.0 == pytest.approx(1 / 3, rel=0.11)
    assert tilt_deg(simulation, breath.exhale_s) - tilt_deg(simulation, breath.inhale_s) == pytest.approx(1.5, rel=0.21)
    pause = [tilt_deg(simulation, breath.end_s - before_s) for before_s in (0.9, 0.5, 0.1)]
    assert np.ptp(pause) < 0.02


def test_sighs_drift_and_sliding_are_there_when_asked_for() -> None:
    """Every fourth breath is longer and deeper, the rate doubles within minutes, and the level does not stay."""
    sighing = lying(BreathStyle(12.0, 0.4, 1.0, unevenness=0.0, sigh_every=4)).truth.breaths
    lengths = [breath.end_s - breath.inhale_s for breath in sighing[:8]]
    assert lengths[3] == lengths[7] == pytest.approx(1.3 * lengths[0])
    drifting = lying(BreathStyle(6.0, 0.4, 1.0, unevenness=0.0, rate_drift_per_min=3.0), 100.0).truth.breaths
    assert drifting[-1].end_s - drifting[-1].inhale_s < 7.0 < 9.0 < drifting[0].end_s - drifting[0].inhale_s
    sliding = lying(BreathStyle(12.0, 0.4, 1.0, slip_deg=5.0), 100.0)
    bottoms = [tilt_deg(sliding, breath.inhale_s) for breath in sliding.truth.breaths]
    assert np.ptp(bottoms) > 1.0


def test_in_step_the_inhale_goes_with_the_arch() -> None:
    """Every cycle of the pelvis has a breath of its own, inhale first; between cycles there is no hole."""
    simulation = simulate_exercise(
        "pelvic_rock",
        seed=4,
        rate_hz=52.0,
        placements=("belly",),
        n_reps=5,
        breath=BreathStyle(8.0, 0.4, 1.0, in_step=True),
    )
    breaths = simulation.truth.breaths
    for cycle in simulation.truth.of("pelvic_rock")[0].cycles:
        own = next(breath for breath in breaths if breath.inhale_s == pytest.approx(cycle.start_s))
        assert own.end_s == pytest.approx(cycle.end_s)
        assert own.inhale_s < own.exhale_s <= cycle.arch_s + 1e-9
    assert [a.end_s for a in breaths[:-1]] == pytest.approx([b.inhale_s for b in breaths[1:]], abs=1.0)

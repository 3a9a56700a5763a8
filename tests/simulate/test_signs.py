"""Clinical signs, for both legs and any mounting: opening +, external rotation +, arch +, flatten −, knee up +."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.messages import Floats, Placement, Side, thigh_of
from sensorsoma.simulate import Difficulties, Simulation, simulate_exercise
from sensorsoma.simulate.sensor import BY_THE_MARK
from sensorsoma.simulate.truth import PoseTruth

LEGS: tuple[Side, Side] = ("left", "right")
QUIET = Difficulties(noise=False, gyro_bias=False, acc_error=False, cough=False, fidgets=False, wobble=False)


def up_at(simulation: Simulation, placement: Placement, t_s: float) -> Floats:
    """Direction of up in sensor axes at a moment."""
    samples = simulation.samples[placement]
    acc = samples.acc_sensor_mps2[np.searchsorted(samples.t_s, t_s)]
    return np.asarray(acc / np.linalg.norm(acc))


def still_poses(simulation: Simulation, side: Side) -> tuple[PoseTruth, PoseTruth]:
    """The first straight and knee-up pose."""
    poses = [pose for pose in simulation.truth.poses if pose.side == side]
    straight = next(pose for pose in poses if pose.pose == "straight")
    return straight, next(pose for pose in poses if pose.pose == "knee_up")


def thigh_axes(simulation: Simulation, side: Side) -> tuple[Floats, Floats, Floats]:
    """x, y, z of the thigh in the sensor, from two still poses as the science sheet has it."""
    straight, bent = still_poses(simulation, side)
    u1 = up_at(simulation, thigh_of(side), (straight.start_s + straight.end_s) / 2)
    u2 = up_at(simulation, thigh_of(side), (bent.start_s + bent.end_s) / 2)
    z = np.cross(u2, u1)
    z /= np.linalg.norm(z)
    return u1, np.cross(z, u1), z


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side", LEGS)
def test_knee_up_is_a_positive_elevation(side: Side, seed: int) -> None:
    """e = asin(−u·y) is near 0 straight and 25-65° with the knee up."""
    simulation = simulate_exercise("knee_fall", side=side, seed=seed, difficulties=QUIET)
    _, y, _ = thigh_axes(simulation, side)
    fall = simulation.truth.of("knee_fall")[0].fall
    assert fall is not None
    elevation = np.degrees(np.arcsin(-up_at(simulation, thigh_of(side), fall.knee_up_s + 2.0) @ y))
    assert 25 < elevation < 65


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side", LEGS)
def test_a_fall_out_opens(side: Side, seed: int) -> None:
    """−s u·z grows from knee up to the open rest, for both legs and any mounting."""
    simulation = simulate_exercise("knee_fall", side=side, seed=seed, difficulties=QUIET)
    s = 1 if side == "right" else -1
    _, _, z = thigh_axes(simulation, side)
    fall = simulation.truth.of("knee_fall")[0].fall
    assert fall is not None
    assert fall.fall_start_s is not None
    assert fall.rest_end_s is not None
    before, after = (up_at(simulation, thigh_of(side), t) for t in (fall.fall_start_s - 1.0, fall.rest_end_s - 1.0))
    assert -s * after @ z - -s * before @ z > 0.3


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("side", LEGS)
def test_the_upper_leg_of_a_clamshell_shows_its_lateral_face(side: Side, seed: int) -> None:
    """s u·z > 0 on the top leg and < 0 on the lower leg in the closed pose."""
    simulation = simulate_exercise(
        "clamshell", side=side, seed=seed, difficulties=QUIET, placements=("left-thigh", "right-thigh")
    )
    closed_s = simulation.truth.of("clamshell")[0].start_s + 1.0
    for leg in LEGS:
        s = 1 if leg == "right" else -1
        _, _, z = thigh_axes(simulation, leg)
        lateral = s * up_at(simulation, thigh_of(leg), closed_s) @ z
        assert lateral > 0.3 if leg == side else lateral < -0.3


def test_arch_is_positive_and_flatten_negative() -> None:
    """atan2(u·y, u·x) of the pelvis grows with the arch and falls below rest with the flattening."""
    quiet = Difficulties.none()
    simulation = simulate_exercise("pelvic_rock", seed=3, difficulties=quiet, n_reps=3, placements=("pelvis",))

    def tilt_deg(t_s: float) -> float:
        up = BY_THE_MARK @ up_at(simulation, "pelvis", t_s)
        return float(np.degrees(np.arctan2(up[1], up[0])))

    rest = tilt_deg(3.0)
    for cycle in simulation.truth.of("pelvic_rock")[0].cycles:
        assert tilt_deg(cycle.arch_s) - rest == pytest.approx(cycle.anterior_deg, abs=0.5)
        assert tilt_deg(cycle.flatten_s) - rest == pytest.approx(cycle.posterior_deg, abs=0.5)
        assert cycle.anterior_deg > 0 > cycle.posterior_deg


def test_inhaling_lifts_the_belly() -> None:
    """A belly phone tilts up toward the head end while inhaling."""
    simulation = simulate_exercise("breathing", seed=3, difficulties=Difficulties.none(), placements=("belly",))
    breath = simulation.truth.breaths[2]
    tilts = [(BY_THE_MARK @ up_at(simulation, "belly", t))[1] for t in (breath.inhale_s, breath.exhale_s)]
    assert tilts[1] > tilts[0]


@pytest.mark.parametrize(("side", "upward"), [("right", 1), ("left", -1)])
def test_rolling_over_brings_the_side_up(side: Side, upward: int) -> None:
    """After rolling over, the named side of the pelvis points up."""
    simulation = simulate_exercise(
        "roll_over", side=side, seed=3, difficulties=Difficulties.none(), placements=("pelvis",)
    )
    there = next(p for p in simulation.truth.postures if p.posture == f"{side}_up")
    right = (BY_THE_MARK @ up_at(simulation, "pelvis", there.start_s + 1.0))[2]
    assert upward * right > 0.9


@pytest.mark.parametrize("side", LEGS)
def test_the_leg_swings_behind_the_body_about_the_vertical(side: Side) -> None:
    """Integrating the angular velocity about up gives the swing that the truth names, behind the body."""
    simulation = simulate_exercise("leg_back", side=side, seed=3, difficulties=Difficulties.none(), rate_hz=208)
    values = simulation.truth.of("leg_back")[0].values
    samples = simulation.samples[thigh_of(side)]
    assert samples.gyr_sensor_radps is not None
    begin, end = np.searchsorted(samples.t_s, (values["swing_start_s"], values["swing_end_s"]))
    up = samples.acc_sensor_mps2[begin - 20]
    turned = np.degrees((samples.gyr_sensor_radps[begin:end] @ (up / np.linalg.norm(up))).sum() / 208)
    behind = -1 if side == "right" else 1
    assert behind * turned == pytest.approx(values["back_swing_deg"], abs=0.7)

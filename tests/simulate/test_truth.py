"""The truth is what a careful measurement of ideal samples finds."""

from __future__ import annotations

import numpy as np
import pytest

from sensorsoma.messages import Floats, Side, thigh_of
from sensorsoma.simulate import Difficulties, Simulation, simulate_exercise

LEGS: tuple[Side, Side] = ("left", "right")
BUILD_ONLY = Difficulties(
    noise=False, gyro_bias=False, acc_error=False, cough=False, fidgets=False, wobble=False, clock_drift=False
)


def up_of(simulation: Simulation, side: Side, begin_s: float, end_s: float) -> tuple[Floats, Floats]:
    """Times and unit up vectors between two moments."""
    samples = simulation.samples[thigh_of(side)]
    chosen = slice(*np.searchsorted(samples.t_s, (begin_s, end_s)))
    acc = samples.acc_sensor_mps2[chosen]
    return samples.t_s[chosen], acc / np.linalg.norm(acc, axis=1, keepdims=True)


def own_plane_angle_deg(up: Floats, start: Floats) -> Floats:
    """Rotation from `start` about the axis of the circle that `up` traces."""
    centred = up - up.mean(axis=0)
    normal = np.linalg.svd(centred, full_matrices=False)[2][2]
    sine = np.cross(start, up) @ normal
    angle = np.degrees(np.arctan2(sine, up @ start - (up @ normal) * (start @ normal)))
    return np.asarray(angle if angle[np.argmax(np.abs(angle))] > 0 else -angle)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("side", LEGS)
def test_fall_angles_are_rotations_about_the_hip_foot_line(side: Side, seed: int) -> None:
    """The angle in the movement's own plane reads arrival, final angle and sink, whatever roll, tilt and mounting."""
    simulation = simulate_exercise("knee_fall", side=side, seed=seed, difficulties=BUILD_ONLY)
    fall = simulation.truth.of("knee_fall")[0].fall
    assert fall is not None
    assert fall.fall_start_s is not None
    assert fall.arrival_s is not None
    assert fall.rest_end_s is not None
    t_s, up = up_of(simulation, side, fall.fall_start_s - 0.2, fall.rest_end_s)
    angle = own_plane_angle_deg(up, up[0])
    assert np.interp(fall.arrival_s, t_s, angle) == pytest.approx(fall.arrival_deg, abs=0.5)
    assert angle[-1] == pytest.approx(fall.final_deg, abs=0.5)
    assert fall.final_deg is not None
    assert fall.arrival_deg is not None
    assert fall.final_deg - fall.arrival_deg == pytest.approx(fall.sink_deg, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("side", LEGS)
def test_clamshell_ranges_are_rotations_about_the_hip_foot_line(side: Side, seed: int) -> None:
    """Each repetition's range is the own-plane angle between its start and its top."""
    simulation = simulate_exercise(
        "clamshell", side=side, seed=seed, difficulties=BUILD_ONLY, range_deg=45, shaking=False, min_rep_s=6.0
    )
    stretch = simulation.truth.of("clamshell", side)[0]
    t_s, up = up_of(simulation, side, stretch.start_s, stretch.end_s or 0.0)
    still = up[0]
    angle = own_plane_angle_deg(up, still)
    for rep in stretch.reps:
        found = np.interp(rep.peak_s, t_s, angle) - np.interp(rep.start_s, t_s, angle)
        assert found == pytest.approx(rep.range_deg, abs=1.0)


@pytest.mark.parametrize("seed", range(4))
def test_openness_kept_is_read_from_the_lateral_face(seed: int) -> None:
    """asin of the lateral face before and after the slide, with the true axes, gives the share of the truth."""
    simulation = simulate_exercise("knee_fall", side="left", seed=seed, difficulties=BUILD_ONLY)
    fall = simulation.truth.of("knee_fall")[0].fall
    assert fall is not None
    assert fall.rest_end_s is not None
    assert fall.slide_end_s is not None
    z = simulation.mounting["left-thigh"].T @ np.array([0.0, 0.0, 1.0])
    openness = []
    for moment in (fall.rest_end_s, fall.slide_end_s):
        _, up = up_of(simulation, "left", moment - 0.05, moment + 0.05)
        openness.append(float(np.arcsin(up.mean(axis=0) @ z)))
    assert openness[1] / openness[0] == pytest.approx(fall.openness_kept_share, abs=0.03)


def test_counts_leave_out_the_partial_repetition() -> None:
    """One repetition on top of those asked for is marked partial and is 25-45 % of the range."""
    simulation = simulate_exercise("clamshell", seed=3, n_reps=6, range_deg=50)
    stretch = simulation.truth.of("clamshell")[0]
    partial = [rep for rep in stretch.reps if rep.partial]
    assert stretch.count == 6
    assert len(stretch.reps) == 7
    assert 0.2 * 50 < partial[0].range_deg < 0.5 * 50


@pytest.mark.parametrize("exercise", ["clamshell", "pelvic_hold"])
def test_shaking_is_in_the_truth_exactly_when_asked_for(exercise: str) -> None:
    """Frequency and strength as asked, none without."""
    options = {"shaking_freq_hz": 7.5, "shaking_peak_deg": 0.05}
    with_it = simulate_exercise(exercise, seed=4, shaking=True, **options).truth.stretches[-1]  # type: ignore[arg-type]  # a parameter
    without = simulate_exercise(exercise, seed=4, shaking=False).truth.stretches[-1]  # type: ignore[arg-type]  # a parameter
    assert with_it.tremor is not None
    assert (with_it.tremor.freq_hz, with_it.tremor.peak_deg) == (7.5, 0.05)
    assert without.tremor is None


def test_shaking_lies_in_the_samples_at_its_frequency() -> None:
    """The spectrum of the gyroscope over a hold peaks at the shaking's frequency with its strength."""
    simulation = simulate_exercise(
        "pelvic_hold", seed=4, difficulties=Difficulties.none(), shaking=True, shaking_freq_hz=7.5,
        shaking_peak_deg=0.05, hold_s=20, placements=("pelvis",),
    )  # fmt: skip
    tremor = simulation.truth.of("pelvic_hold")[0].tremor
    assert tremor is not None
    samples = simulation.samples["pelvis"]
    assert samples.gyr_sensor_radps is not None
    begin, end = np.searchsorted(samples.t_s, (tremor.start_s + 1, tremor.end_s - 1))
    rate = samples.gyr_sensor_radps[begin:end]
    axis = np.argmax(rate.var(axis=0))
    spectrum = np.abs(np.fft.rfft(rate[:, axis] * np.hanning(end - begin)))
    freqs = np.fft.rfftfreq(end - begin, 1 / 104)
    band = freqs > 3
    assert freqs[band][np.argmax(spectrum[band])] == pytest.approx(7.5, abs=0.1)
    rms = np.sqrt((rate[:, axis] ** 2).mean())
    assert rms == pytest.approx(np.radians(0.05) * 2 * np.pi * 7.5 / np.sqrt(2), rel=0.1)

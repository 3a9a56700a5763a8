"""Seeds, sensors, packets and files."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from sensorsoma.decode import make_decoder
from sensorsoma.errors import RecordingError, UsageError
from sensorsoma.messages import Gap, ImuBlock
from sensorsoma.simulate import (
    PRACTICES,
    Difficulties,
    encode_float_rows,
    encode_soma_v1,
    packets,
    simulate_exercise,
    simulate_practice,
)  # fmt: skip
from sensorsoma.simulate.command import run_simulate
from sensorsoma.simulate.exercise import SCRIPTS


@pytest.mark.parametrize("exercise", sorted(SCRIPTS))
def test_every_exercise_is_the_same_for_the_same_seed(exercise: str) -> None:
    """Two runs give equal samples and equal truth; another seed gives others."""
    one, same, other = (simulate_exercise(exercise, seed=seed, rate_hz=52) for seed in (5, 5, 6))  # type: ignore[arg-type]  # a table's key
    assert one.truth.to_json() == same.truth.to_json() != other.truth.to_json()
    for placement, samples in one.samples.items():
        np.testing.assert_array_equal(samples.acc_sensor_mps2, same.samples[placement].acc_sensor_mps2)


def test_the_movement_depends_neither_on_rate_nor_on_what_is_worn() -> None:
    """Another rate and more sensors leave the truth as it is."""
    one = simulate_exercise("clamshell", seed=5, rate_hz=52)
    other = simulate_exercise("clamshell", seed=5, rate_hz=208, placements=("pelvis", "right-thigh"), acc_only=True)
    assert one.truth.to_json() == other.truth.to_json()
    assert other.samples["pelvis"].gyr_sensor_radps is None


def test_a_harder_gyroscope_leaves_the_rest_as_it_is() -> None:
    """Gain, cross-axis and wandering offset change the rates by a few percent, movement and acceleration not at all."""
    easy, hard = (
        simulate_exercise("clamshell", seed=5, rate_hz=52, difficulties=difficulties)
        for difficulties in (Difficulties.all(), Difficulties.hardest())
    )
    assert easy.truth.to_json() == hard.truth.to_json()
    one, other = easy.samples["right-thigh"], hard.samples["right-thigh"]
    np.testing.assert_array_equal(one.acc_sensor_mps2, other.acc_sensor_mps2)
    assert one.gyr_sensor_radps is not None
    assert other.gyr_sensor_radps is not None
    off_dps = np.degrees(np.abs(one.gyr_sensor_radps - other.gyr_sensor_radps))
    assert 0.02 < np.median(off_dps) < 0.5
    assert off_dps.max() < 5.0


def test_a_recording_begins_with_the_still_poses() -> None:
    """At least 4 s straight and 3 s knee up lie before the exercise, or within a knee fall's own beginning."""
    for exercise in ("clamshell", "pelvic_rock", "knee_fall"):
        poses = simulate_exercise(exercise, side="left", seed=5).truth.poses  # type: ignore[arg-type]  # a literal in the tuple
        straight = next(p for p in poses if p.pose == "straight" and p.side == "left")
        bent = next(p for p in poses if p.pose == "knee_up" and p.side == "left")
        assert straight.end_s - straight.start_s >= 4
        assert bent.end_s - bent.start_s >= 3


def test_still_poses_are_still() -> None:
    """Within the calibration poses up wanders less than half a degree even with every difficulty on."""
    for seed in range(6):
        simulation = simulate_exercise("knee_fall", seed=seed, difficulties=Difficulties(noise=False))
        samples = simulation.samples["right-thigh"]
        for pose in (p for p in simulation.truth.poses if p.side == "right"):
            begin, end = np.searchsorted(samples.t_s, (pose.start_s + 0.3, pose.end_s))
            acc = samples.acc_sensor_mps2[begin:end]
            up = acc / np.linalg.norm(acc, axis=1, keepdims=True)
            assert np.degrees(np.linalg.norm(up.std(axis=0))) < 0.5


@pytest.mark.parametrize(("decoder", "encode"), [("soma_v1", encode_soma_v1), ("rows", encode_float_rows)])
def test_packets_decode_to_the_samples_with_their_losses(decoder: str, encode: object) -> None:
    """Through a real decoder come all samples but the lost ones, and gaps where packets are missing."""
    simulation = simulate_exercise("pelvic_rock", seed=8, n_reps=2)
    samples = simulation.samples["right-thigh"]
    config = {"columns": 7, "rate_hz": 104.0, "acc_range_g": 8, "gyr_range_dps": 500}
    decode = make_decoder(decoder, "right-thigh", 0, config)
    out = [message for packet in packets(samples, encode) for message in decode.feed(packet)]  # type: ignore[arg-type]  # a parameter
    acc = np.concatenate([block.acc_sensor_mps2 for block in out if isinstance(block, ImuBlock)])
    np.testing.assert_allclose(acc, samples.acc_sensor_mps2[~samples.is_lost], atol=0.01)
    if decoder == "soma_v1":
        assert sum(gap.n_lost or 0 for gap in out if isinstance(gap, Gap)) == samples.is_lost[20:].sum()


def test_losses_and_drift_stay_within_what_was_announced() -> None:
    """0-3 % of whole packets, clocks within 50 ppm, over many seeds."""
    lost, ppm = [], []
    for seed in range(30):
        samples = simulate_exercise("pelvic_hold", seed=seed, hold_s=60).samples["pelvis"]
        lost.append(samples.is_lost.mean())
        ppm.append((samples.device_t_s[-1] / samples.t_s[-1] - 1) * 1e6)
    assert 0.005 < np.mean(lost) < 0.025
    assert max(lost) < 0.07
    assert max(np.abs(ppm)) <= 50.001


@pytest.mark.parametrize("name", sorted(PRACTICES))
def test_every_practice_is_done_to_its_end(name: str) -> None:
    """All steps with a movement appear in the truth, in order, and end."""
    simulation = simulate_practice(name, seed=2, rate_hz=26, dose=0.4, placements=("right-thigh",))
    expected = [step.do for step in PRACTICES[name] if not step.continues]
    assert [stretch.exercise for stretch in simulation.truth.stretches] == expected
    assert all(stretch.end_s is not None for stretch in simulation.truth.stretches)
    for stretch in simulation.truth.of("knee_fall"):
        assert stretch.fall is not None
        assert stretch.fall.slide_end_s is not None


def test_files_hold_samples_truth_and_stretches(tmp_path: Path) -> None:
    """The command writes a headed CSV without the lost samples, truth as JSON and a table of stretches."""
    sentence = run_simulate("knee-fall", "left", 3, 52.0, tmp_path / "fall")
    rows = np.loadtxt(tmp_path / "fall" / "left-thigh.csv", delimiter=",", skiprows=1)
    samples = simulate_exercise("knee_fall", side="left", seed=3, rate_hz=52.0).samples["left-thigh"]
    assert len(rows) == (~samples.is_lost).sum()
    truth = json.loads((tmp_path / "fall" / "truth.json").read_text())
    assert truth["stretches"][0]["fall"]["arrival_deg"] > 30
    table = (tmp_path / "fall" / "segments.tsv").read_text().splitlines()
    assert table[1].split("\t")[:3] == ["knee_fall", "left", "left-thigh"]
    assert "knee_fall" in sentence


def test_mistakes_are_told_in_one_sentence(tmp_path: Path) -> None:
    """Unknown exercise, unknown option, odd rate and an unwritable folder each say what to do."""
    with pytest.raises(UsageError, match="choose one of"):
        run_simulate("headstand", "left", 1, 104.0, tmp_path)
    with pytest.raises(UsageError, match="no option depht_deg"):
        simulate_exercise("pelvic_hold", depht_deg=3)
    with pytest.raises(UsageError, match="10 to 1000"):
        run_simulate("clamshell", "left", 1, 1.0, tmp_path)
    with pytest.raises(UsageError, match="seed of 0"):
        run_simulate("clamshell", "left", -1, 104.0, tmp_path)
    with pytest.raises(UsageError, match="dose above 0"):
        run_simulate("short", "left", 1, 104.0, tmp_path, dose=0.0)
    with pytest.raises(UsageError, match="there is no practice"):
        simulate_practice("long")
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match="choose another"):
        run_simulate("stillness", "left", 1, 104.0, tmp_path / "file")

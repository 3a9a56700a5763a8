"""What was done, found without being told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from sensorsoma.exercises.alignment import align
from sensorsoma.exercises.found import FoundStretch, Seen, Watch, name_stretches
from sensorsoma.messages import Floats, Input, OrientedBlock, Placement, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SessionSettings, SourceSettings
from sensorsoma.simulate import encode_soma_v1, packets, simulate_exercise
from sensorsoma.simulate.exercise import Simulation
from sensorsoma.simulate.practice import simulate_practice

ALL: tuple[Placement, ...] = ("left-thigh", "right-thigh", "pelvis")


def inputs_of(simulation: Simulation, worn: Sequence[Placement]) -> list[Input]:
    """A session without plan and exercise."""
    sources = tuple(SourceSettings(at, at, "virtual", "soma_v1", None, "simulated") for at in worn)
    streams = [packet for at in worn for packet in packets(simulation.samples[at], encode_soma_v1)]
    snapshot = SettingsSnapshot(0, SessionSettings(sources).to_json())
    return [snapshot, *sorted(streams, key=lambda packet: packet.host_ns)]


def seen_in(inputs: Sequence[Input]) -> Seen:
    """What the first pass keeps."""
    pipeline, watch = Pipeline(), Watch()
    for message in inputs:
        for output in pipeline.feed(message):
            watch.feed(output)
    for output in pipeline.finish():
        watch.feed(output)
    return watch.finish()


def found_in(simulation: Simulation, *worn: Placement) -> tuple[FoundStretch, ...]:
    """What is found with these sensors."""
    return name_stretches(seen_in(inputs_of(simulation, worn)))


def names(found: Sequence[FoundStretch]) -> list[tuple[str, str | None]]:
    """Names with sides; rests and movements in between left out."""
    return [(one.exercise, one.side) for one in found if one.exercise not in ("rest", "unknown")]


@lru_cache
def short() -> Simulation:
    """The short practice at a third of its dose."""
    return simulate_practice("short", seed=31, rate_hz=26.0, dose=0.4, placements=ALL)


@lru_cache
def clamshells(side: str, seed: int = 5) -> Simulation:
    """Four clamshells after the poses of an alignment."""
    return simulate_exercise(
        "clamshell", side=side, seed=seed, rate_hz=26.0, n_reps=4, range_deg=40.0, placements=ALL,  # type: ignore[arg-type]
        lower_leg_drags=False,
    )  # fmt: skip


def test_a_practice_is_named_in_its_order() -> None:
    """Every movement of the short practice is found once, with its side and within two seconds of the truth."""
    found = found_in(short(), *ALL)
    assert names(found) == [
        ("knee_fall", "right"), ("pelvic_rock", None), ("pelvic_hold", None), ("roll_over", "right"),
        ("clamshell", "right"), ("rocking", None), ("roll_over", None),
    ]  # fmt: skip
    truth = short().truth
    clams = next(one for one in found if one.exercise == "clamshell")
    reps = truth.of("clamshell")[0].reps
    assert clams.start_s == pytest.approx(reps[0].start_s, abs=2.0)
    assert clams.end_s == pytest.approx(reps[-1].end_s, abs=2.0)
    fall, of_truth = next(one for one in found if one.exercise == "knee_fall"), truth.of("knee_fall")[0].fall
    assert of_truth is not None
    assert fall.start_s == pytest.approx(of_truth.draw_up_s, abs=2.0)


def test_a_cut_of_the_samples_changes_nothing() -> None:
    """Blocks cut anywhere give the same stretches to the last bit."""
    inputs = inputs_of(clamshells("right"), ("right-thigh",))
    pipeline, whole, cut = Pipeline(), Watch(), Watch()
    rng = np.random.default_rng(1)
    for output in (output for message in inputs for output in pipeline.feed(message)):
        whole.feed(output)
        for part in _cut(output, rng) if isinstance(output, OrientedBlock) else [output]:
            cut.feed(part)
    found = name_stretches(whole.finish())
    assert names(found) == [("roll_over", "right"), ("clamshell", "right")]
    assert name_stretches(cut.finish()) == found


def _cut(block: OrientedBlock, rng: np.random.Generator) -> list[OrientedBlock]:
    at = int(rng.integers(0, len(block.t_s) + 1))
    gyr = block.gyr_sensor_radps
    parts = [slice(0, at), slice(at, None)]
    return [
        OrientedBlock(block.channel, block.placement, block.rate_hz, block.t_s[part], block.up_sensor[part], None,
                      block.acc_sensor_mps2[part], None if gyr is None else gyr[part])
        for part in parts
        if len(block.t_s[part])
    ]  # fmt: skip


def test_the_leg_that_nobody_wears_a_sensor_on_is_not_guessed() -> None:
    """Clamshells of the left leg, with a sensor on the right one below it: no clamshell, and no fall either."""
    assert not {"clamshell", "knee_fall", "leg_slide"} & {
        name for name, _ in names(found_in(clamshells("left"), "right-thigh"))
    }


def test_knees_that_swing_to_the_side_are_not_turning_over() -> None:
    """A knee roll seen from the thighs alone is a knee roll, although the knees lie down on one side for a moment."""
    simulation = simulate_exercise("knee_roll", side="right", seed=3, rate_hz=26.0, n_reps=3, placements=ALL)
    assert names(found_in(simulation, "left-thigh", "right-thigh")) == [("knee_roll", None)]


def test_a_leg_held_back_needs_the_gyroscope() -> None:
    """The turn about the vertical is found with a gyroscope; without one it is no other exercise."""
    with_it = simulate_exercise("leg_back", side="right", seed=2, rate_hz=26.0, hold_s=15.0, placements=ALL)
    without = simulate_exercise(
        "leg_back", side="right", seed=2, rate_hz=26.0, hold_s=15.0, placements=ALL, acc_only=True
    )
    assert names(found_in(with_it, *ALL)) == [("roll_over", "right"), ("leg_back", "right")]
    assert names(found_in(without, *ALL)) == [("roll_over", "right")]


@lru_cache
def clamshells_seen() -> Seen:
    """Clamshells of the right leg as all three sensors saw them."""
    return seen_in(inputs_of(clamshells("right"), ALL))


def test_poses_that_were_taken_for_others_make_no_names() -> None:
    """Straight and knee up mistaken for each other: no leg can lie as the upper one then would, and it gets no name."""
    tracks = {}
    for name, track in clamshells_seen().tracks.items():
        known = track.alignment
        if known is not None:
            swapped = align(name, 0.0, known.knee_up_sensor, known.x_sensor)
            assert not isinstance(swapped, str)
            track = replace(track, alignment=swapped)
        tracks[name] = track
    found = names(name_stretches(replace(clamshells_seen(), tracks=tracks)))
    assert ("roll_over", "right") in found or ("roll_over", "left") in found, "the pelvis still tells"
    assert not {"clamshell", "knee_fall", "knee_in", "leg_back"} & {name for name, _ in found}


def test_a_pelvis_sensor_that_dies_leaves_the_posture_to_the_thighs() -> None:
    """Clamshells after the pelvis sensor has stopped are none on the back."""
    seen = clamshells_seen()
    pelvis = seen.tracks["pelvis"]
    up = pelvis.up.copy()
    up[round(10.0 * 12.5) :] = np.nan
    seen = replace(seen, tracks={**seen.tracks, "pelvis": replace(pelvis, up=up, raw_up=up)})
    assert names(name_stretches(seen)) == [("roll_over", "right"), ("clamshell", "right")]


# ----------------------------------------------------------------------------------- samples made by hand


def watched(up: Callable[[Floats], Floats], seconds: float, *, hole: tuple[float, float] | None = None) -> Seen:
    """A thigh whose strap is not known, at 25 Hz; `up` gives directions `(n, 3)` for times `(n,)`."""
    t_s = np.arange(0.0, seconds, 0.04)
    if hole is not None:
        t_s = t_s[(t_s < hole[0]) | (t_s > hole[1])]
    watch = Watch()
    directions = up(t_s) if len(t_s) else np.empty((0, 3))
    for start in range(0, len(t_s), 1000):
        part = slice(start, start + 1000)
        watch.feed(OrientedBlock("right-thigh", "right-thigh", 25.0, t_s[part], directions[part], None,
                                 9.81 * directions[part], None))  # fmt: skip
    return watch.finish()


def swinging(amplitude_deg: float, period_s: float) -> Callable[[Floats], Floats]:
    """To and fro about one axis."""

    def up(t_s: Floats) -> Floats:
        angle = np.radians(amplitude_deg) * 0.5 * (1.0 - np.cos(2.0 * np.pi * t_s / period_s))
        return np.stack([np.sin(angle), np.zeros_like(angle), np.cos(angle)], axis=1)

    return up


@pytest.mark.parametrize(("amplitude_deg", "seen_as"), [(50.0, "large arc"), (20.0, "large arc"), (5.0, "tilt")])
def test_without_a_known_strap_a_movement_has_a_shape_and_no_name(amplitude_deg: float, seen_as: str) -> None:
    """To and fro without an alignment is unknown, and seen as what its size says."""
    found = name_stretches(watched(swinging(amplitude_deg, 5.0), 40.0))
    assert [(one.exercise, one.side, one.seen_as) for one in found] == [("unknown", None, seen_as)]


def test_breath_is_rest() -> None:
    """A thigh that only follows the breath rests."""
    assert [one.exercise for one in name_stretches(watched(swinging(0.8, 6.0), 60.0))] == ["rest"]


def test_nothing_is_claimed_of_a_long_hole() -> None:
    """No stretch reaches over ten seconds without samples."""
    found = name_stretches(watched(swinging(0.0, 6.0), 60.0, hole=(20.0, 30.0)))
    assert [(one.exercise, round(one.start_s), round(one.end_s)) for one in found] == [
        ("rest", 0, 20),
        ("rest", 30, 60),
    ]


@pytest.mark.parametrize("seconds", [0.0, 0.04, 0.5, 2.0])
def test_a_very_short_file_has_no_names(seconds: float) -> None:
    """What is too short to tell is not told, and nothing fails."""
    assert names(name_stretches(watched(swinging(40.0, 4.0), seconds))) == []


def test_a_long_night_is_kept_in_little_memory() -> None:
    """Cells of 80 ms are kept and not samples: below 2 MB per sensor for half an hour."""
    seen = watched(swinging(0.0, 6.0), 1800.0)
    track = seen.tracks["right-thigh"]
    assert track.up.nbytes + track.raw_up.nbytes + track.turn_radps.nbytes < 2e6
    assert [one.exercise for one in name_stretches(seen)] == ["rest"]

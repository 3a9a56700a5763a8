"""Breath through the pipeline: guided breathing, rests, falls, rocking; from belly, pelvis and thigh."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from sensorsoma.exercises.base import Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.breath import BreathListener, BreathTrack
from sensorsoma.exercises.breathing import BreathingDetector
from sensorsoma.messages import BreathTurned, Exercise, OrientedBlock, Placement, SegmentMeasured, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import BreathStyle, Difficulties, Simulation, encode_soma_v1, packets, simulate_exercise

CALM = BreathStyle(rate_per_min=7.5, inhale_share=0.4, depth_deg=1.2)


@cache
def practised(
    exercise: Exercise, worn: tuple[Placement, ...], seconds: float = 60.0, in_step: bool = False
) -> Simulation:
    """One person with every difficulty who breathes calmly."""
    style = BreathStyle(7.5, 0.4, 1.2, in_step=in_step)
    options: dict[str, Any] = {
        "breathing": {"seconds": seconds}, "stillness": {"seconds": seconds},
        "knee_fall": {"rest_s": 50.0, "difficulties": replace(Difficulties.all(), cough=False)},
        "pelvic_rock": {"n_reps": 6, "range_deg": 6.0}, "clamshell": {"n_reps": 5},
    }[exercise]  # fmt: skip
    return simulate_exercise(exercise, seed=12, rate_hz=52.0, placements=worn, breath=style, **options)


def through(simulation: Simulation, *asked: tuple[Exercise, float, float]) -> tuple[list[Any], list[BreathTurned]]:
    """Segments and turns of the breath, as the pipeline gives them."""
    sources = tuple(SourceSettings(at, at, "virtual", "soma_v1", None, "simulated") for at in simulation.samples)
    side = {"knee_fall": "right", "clamshell": "right"}
    requests = tuple(SegmentRequest(name, side.get(name), None, start, end) for name, start, end in asked)  # type: ignore[arg-type]
    pipeline = Pipeline()
    outputs: list[Any] = [*pipeline.feed(SettingsSnapshot(0, SessionSettings(sources, segments=requests).to_json()))]
    streams = [packets(samples, encode_soma_v1) for samples in simulation.samples.values()]
    for packet in heapq.merge(*streams, key=lambda packet: packet.host_ns):
        outputs += pipeline.feed(packet)
    outputs += pipeline.finish()
    segments = [output for output in outputs if isinstance(output, SegmentMeasured)]
    return segments, [output for output in outputs if isinstance(output, BreathTurned)]


def span(simulation: Simulation, exercise: Exercise) -> tuple[float, float]:
    """Where the movement is."""
    stretch = simulation.truth.of(exercise)[0]
    return stretch.start_s, stretch.end_s or simulation.duration_s


@pytest.mark.parametrize("worn", [("belly",), ("pelvis",)])
def test_guided_breathing_is_measured_and_told_as_it_happens(worn: tuple[Placement, ...]) -> None:
    """Rate, share and depth of the stretch; every inhale of its second half is told once."""
    simulation = practised("breathing", worn)
    start_s, end_s = span(simulation, "breathing")
    (segment,), turns = through(simulation, ("breathing", start_s, end_s))
    found = segment.measures
    inside = [b for b in simulation.truth.breaths if b.inhale_s >= start_s and b.end_s <= end_s]
    rate = 60.0 * len(inside) / (inside[-1].end_s - inside[0].inhale_s)
    assert found["rate_per_min"] == pytest.approx(rate, abs=0.5)
    assert found["inhale_share"] == pytest.approx(0.4, abs=0.07)
    assert found["amplitude_deg"] == pytest.approx(1.2 if worn == ("belly",) else 0.24, rel=0.2)
    assert abs(found["n_breaths"] - len(inside)) <= 1
    assert found["weak"] is False
    late = [turn for turn in turns if turn.phase == "inhale" and start_s + 30 < turn.t_s < end_s - 5]
    true_s = [b.inhale_s for b in inside if start_s + 30 < b.inhale_s < end_s - 5]
    assert [turn.t_s for turn in late] == pytest.approx(true_s, abs=1.0)
    assert all(turn.known_s >= turn.t_s and not turn.is_weak for turn in late)


def test_a_thigh_is_believed_only_where_it_is_clear_and_marked_weak() -> None:
    """A thigh that sways by 0.2 degrees with deep breath is told as weak; with ordinary breath nothing is told."""
    for depth_deg, is_told in ((3.0, True), (0.6, False)):
        style = BreathStyle(9.0, 0.4, depth_deg)
        simulation = simulate_exercise(
            "breathing", seed=5, rate_hz=52.0, placements=("right-thigh",), breath=style, seconds=90.0
        )
        (segment,), turns = through(simulation, ("breathing", *span(simulation, "breathing")))
        assert turns == []
        assert (segment.measures["rate_per_min"] is not None) is is_told
        if is_told:
            assert segment.measures["rate_per_min"] == pytest.approx(9.0, abs=0.6)
            assert segment.measures["weak"] is True


def test_a_rest_carries_the_breath_of_the_best_sensor() -> None:
    """Belly before thigh; the rest's own measures stay."""
    simulation = practised("stillness", ("right-thigh", "belly"))
    (segment,), _ = through(simulation, ("stillness", *span(simulation, "stillness")))
    assert segment.measures["still_share"] is not None
    assert segment.measures["breath"]["placement"] == "belly"
    assert segment.measures["breath"]["rate_per_min"] == pytest.approx(7.5, abs=0.8)


def test_a_fall_knows_the_breath() -> None:
    """Whether it began on an exhale, breaths a minute of the rest, and what was gained while breathing out."""
    simulation = practised("knee_fall", ("right-thigh", "belly"))
    (segment,), _ = through(simulation, ("knee_fall", *span(simulation, "knee_fall")))
    (fall,) = segment.measures["falls"]
    true = simulation.truth.of("knee_fall")[0].fall
    assert true is not None
    assert fall["began_on_exhale"] is true.began_on_exhale
    assert fall["breaths_per_min"] == pytest.approx(7.5, abs=1.0)
    assert 0.0 < fall["sink_on_exhale_deg"] < fall["sink_deg"]


def test_a_fall_without_a_breath_sensor_does_not_know_it() -> None:
    """Null, not false."""
    simulation = practised("knee_fall", ("right-thigh",))
    (segment,), turns = through(simulation, ("knee_fall", *span(simulation, "knee_fall")))
    (fall,) = segment.measures["falls"]
    assert fall["began_on_exhale"] is fall["breaths_per_min"] is fall["sink_on_exhale_deg"] is None
    assert turns == []


@pytest.mark.parametrize("in_step", [True, False])
def test_rocking_hides_the_breath(in_step: bool) -> None:
    """A small rock of the pelvis, in step or not: its lag is null, its turns are weak, and it is not told as breath."""
    simulation = practised("pelvic_rock", ("belly", "pelvis"), in_step=in_step)
    cycles = simulation.truth.of("pelvic_rock")[0].cycles
    start_s, end_s = cycles[0].start_s, cycles[-1].end_s
    segments, turns = through(simulation, ("pelvic_rock", start_s - 1.0, end_s), ("breathing", start_s, end_s))
    rock = next(s.measures for s in segments if s.exercise == "pelvic_rock")
    breathing = next(s.measures for s in segments if s.exercise == "breathing")
    assert rock["breath_lag_s"] is None
    assert any("keep step" in note for note in rock["notes"])
    assert breathing["rate_per_min"] is None
    assert all(turn.is_weak for turn in turns if start_s < turn.known_s < end_s)


def test_clamshells_without_a_clear_breath_have_no_lag() -> None:
    """A thigh alone: null, in no repetition."""
    simulation = practised("clamshell", ("right-thigh",))
    (segment,), _ = through(simulation, ("clamshell", *span(simulation, "clamshell")))
    assert segment.measures["count"] >= 5
    assert (segment.measures["breath_lag_s"], segment.measures["breath_lag_reps"]) == (None, 0)


def block_of(t_s: np.ndarray[Any, Any], placement: Placement, phase_s: float = 0.0) -> OrientedBlock:
    """A belly that sways by a degree every eight seconds."""
    tilt = 0.2 + np.radians(0.5) * np.sin(2 * np.pi * (t_s - phase_s) / 8.0)
    up = np.stack([np.zeros(len(t_s)), np.sin(tilt), np.cos(tilt)], axis=1)
    return OrientedBlock(placement, placement, 50.0, t_s, up, None, 9.81 * up, None)


def test_belly_goes_before_pelvis_until_it_falls_silent() -> None:
    """Both sway: only the belly is told. When it is taken off, the pelvis takes over within half a minute."""
    listener, told = BreathListener(), list[BreathTurned]()
    for start_s in np.arange(0.0, 140.0, 2.0):
        t_s = start_s + np.arange(100) / 50.0
        if start_s < 70.0:
            told += listener.feed(block_of(t_s, "belly"))
        told += listener.feed(block_of(t_s, "pelvis", 1.0))
    assert {turn.placement for turn in told if 20.0 < turn.known_s < 70.0} == {"belly"}
    assert {turn.placement for turn in told if turn.known_s > 70.0} == {"pelvis"}
    assert min(turn.known_s for turn in told if turn.placement == "pelvis" and turn.known_s > 70.0) < 100.0


def test_what_is_kept_is_bounded() -> None:
    """After four hours one hour is kept, and the last of it can still be measured."""
    track = BreathTrack(kept_s=3600.0)
    for start_s in range(0, 4 * 3600, 60):
        track.feed(block_of(start_s + np.arange(0.0, 60.0, 0.04), "belly"))
    t_s, up = track.between(0.0, 1e9)
    assert len(t_s) == len(up)
    assert 3600.0 <= t_s[-1] - t_s[0] <= 3700.0


@pytest.mark.parametrize("sizes", [(7,), (1, 400), (3000,)])
def test_any_cut_gives_the_same_breath(sizes: Sequence[int]) -> None:
    """Turns and measures do not depend on how the samples came."""
    t_s = np.arange(0.0, 60.0, 0.02)
    whole = block_of(t_s, "belly")

    def run(cut: Sequence[int]) -> tuple[list[BreathTurned], Any]:
        listener, detector = BreathListener(), BreathingDetector(Stretch("breathing", None, "belly", 0.0), Body())
        turns: list[BreathTurned] = []
        at = k = 0
        while at < len(t_s):
            piece = block_of(t_s[at : at + cut[k % len(cut)]], "belly")
            turns += listener.feed(piece)
            detector.feed(piece)
            at, k = at + cut[k % len(cut)], k + 1
        return turns, detector.finish(60.0)[-1]

    assert len(whole.t_s) == len(t_s)
    assert run(sizes) == run((50,))

"""Double taps on simulated and on real legs, and everything that is not one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.exercises.taps import TapListener
from sensorsoma.messages import (
    DoubleTapped,
    Floats,
    Gap,
    OrientedBlock,
    Output,
    RepCompleted,
    SegmentMeasured,
    SettingsSnapshot,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.recording.imports import read_imported
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import LivePerson, Simulation, encode_soma_v1, packets, simulate_exercise
from sensorsoma.simulate.taps import AntiAlias, Tap, Tapping, draw_double, dropped, tapped
from sensorsoma.units import STANDARD_GRAVITY_MPS2


def block_of(t_s: Floats, acc: Floats, rate_hz: float) -> OrientedBlock:
    """Samples of an accelerometer alone."""
    up = acc / np.linalg.norm(acc, axis=1, keepdims=True)
    return OrientedBlock("right-thigh", "right-thigh", rate_hz, t_s, up, None, acc, None)


def resting(rng: np.random.Generator, rate_hz: float, seconds: float = 6.0) -> tuple[Floats, Floats]:
    """Times and samples of a sensor at rest, in any position, with the noise of consumer sensors."""
    t_s = np.arange(int(seconds * rate_hz)) / rate_hz + rng.uniform(0, 1 / rate_hz)
    up = rng.standard_normal(3)
    noise = 150e-6 * STANDARD_GRAVITY_MPS2 * np.sqrt(rate_hz / 2)
    return t_s, STANDARD_GRAVITY_MPS2 * up / np.linalg.norm(up) + noise * rng.standard_normal((len(t_s), 3))


def heard(rng: np.random.Generator, taps: Sequence[Tap], rate_hz: float, anti_alias: AntiAlias) -> list[DoubleTapped]:
    """What is told of taps on a resting sensor."""
    t_s, acc = resting(rng, rate_hz)
    tapping = Tapping(rate_hz, anti_alias)
    tapping.add(*taps)
    return TapListener().feed(block_of(t_s, tapping.on(t_s, acc, None)[0], rate_hz))


@pytest.mark.parametrize("anti_alias", ["none", "half"])
@pytest.mark.parametrize("rate_hz", [52.0, 60.0, 104.0, 208.0])
def test_double_taps_are_recognised_and_answered_within_half_a_second(rate_hz: float, anti_alias: AntiAlias) -> None:
    """Of 80 drawn double taps 95 % are told, by their second tap, at every rate and with either low-pass."""
    n_told = 0
    for seed in range(80):
        rng = np.random.default_rng([seed, 1])
        taps = draw_double(rng, rng.uniform(2.0, 3.0))
        told = heard(rng, taps, rate_hz, anti_alias)
        assert len(told) <= 1
        for one in told:
            n_told += 1
            assert one.t_s == pytest.approx(taps[1].t_s, abs=0.06)
            assert 0.3 < one.known_s - taps[1].t_s < 0.52
    assert n_told >= 76


@pytest.mark.parametrize("n_taps", [1, 3, 4])
def test_only_two_taps_are_a_double_tap(n_taps: int) -> None:
    """One tap, and three or four in quick succession, mean nothing."""
    for seed in range(20):
        rng = np.random.default_rng([seed, 2])
        every_s = rng.uniform(0.15, 0.33)
        taps = [Tap.draw(rng, 2.0 + k * every_s, 3.0) for k in range(n_taps)]
        assert heard(rng, taps, 104.0, "half") == [], seed


def test_two_taps_far_apart_are_no_double_tap() -> None:
    """Two single taps a second apart mean nothing."""
    for seed in range(20):
        rng = np.random.default_rng([seed, 3])
        assert heard(rng, [Tap.draw(rng, 2.0), Tap.draw(rng, 3.0)], 104.0, "half") == [], seed


@pytest.mark.parametrize("rate_hz", [52.0, 104.0, 208.0])
def test_shaking_is_no_double_tap(rate_hz: float) -> None:
    """Neither a short nor a long shiver of 4-12 Hz is taken for taps, however strong."""
    for seed in range(40):
        rng = np.random.default_rng([seed, 4])
        t_s, acc = resting(rng, rate_hz)
        seconds, freq_hz = rng.uniform(0.3, 3.0), rng.uniform(4, 12)
        size = rng.uniform(0.3, 8.0) * np.sin(np.pi * np.clip((t_s - 2.0) / seconds, 0, 1)) ** 0.5
        acc += np.multiply.outer(size * np.sin(2 * np.pi * freq_hz * t_s), [0.6, 0.0, 0.8])
        assert TapListener().feed(block_of(t_s, acc, rate_hz)) == [], seed


def test_a_knee_that_drops_and_bounces_is_no_double_tap() -> None:
    """Of 60 legs that drop a few degrees, land where they had lain and bounce, at most one is taken for taps."""
    n_told = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 5])
        rate_hz = (52.0, 104.0, 208.0)[seed % 3]
        t_s, acc = resting(rng, rate_hz)
        n_told += len(TapListener().feed(block_of(t_s, dropped(rng, 3.0, t_s, acc, rate_hz), rate_hz)))
    assert n_told <= 1


@given(
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(1, 1039), max_size=12),
    rate_hz=st.sampled_from([52.0, 104.0]),
    hole_s=st.sampled_from([0.0, 0.1, 0.3]),
)
@settings(max_examples=30)
def test_any_cut_gives_the_same_taps(seed: int, cuts: list[int], rate_hz: float, hole_s: float) -> None:
    """How the samples come in changes nothing, with samples missing or not."""
    rng = np.random.default_rng(seed)
    t_s, acc = resting(rng, rate_hz, 10.0)
    tapping = Tapping(rate_hz)
    for at_s in (2.0, 4.0, 7.0):
        tapping.add(*draw_double(rng, at_s))
    acc, _ = tapping.on(t_s, acc, None)
    keep = np.abs(t_s - 4.2) >= hole_s / 2
    t_s, acc = t_s[keep], acc[keep]
    whole = TapListener().feed(block_of(t_s, acc, rate_hz))
    listener, pieces = TapListener(), []
    edges = [0, *sorted(cut for cut in set(cuts) if cut < len(t_s)), len(t_s)]
    for first, last in pairwise(edges):
        pieces += listener.feed(block_of(t_s[first:last], acc[first:last], rate_hz))
    assert pieces == whole
    assert len(whole) >= 1


@pytest.mark.parametrize("reason", ["link_lost", "clock_restart"])
def test_taps_on_both_sides_of_a_lost_link_are_not_paired(reason: Any) -> None:
    """What lies between is not known, so nothing is confirmed."""
    rng = np.random.default_rng(6)
    t_s, acc = resting(rng, 104.0)
    tapping = Tapping(104.0)
    tapping.add(Tap.draw(rng, 2.0, 4.0), Tap.draw(rng, 2.4, 4.0))
    acc, _ = tapping.on(t_s, acc, None)
    assert len(TapListener().feed(block_of(t_s, acc, 104.0))) == 1
    listener, middle = TapListener(), int(np.searchsorted(t_s, 2.2))
    first = listener.feed(block_of(t_s[:middle], acc[:middle], 104.0))
    listener.gap(Gap("right-thigh", t_s[middle - 1], t_s[middle], None, reason))
    assert first + listener.feed(block_of(t_s[middle:], acc[middle:], 104.0)) == []


def test_real_legs_never_tap(mex_dir: Path) -> None:
    """Half an hour of real people who roll their knees, press their backs down, open their knees and rest: nothing."""
    for path in sorted(mex_dir.glob("*/*_act_*.csv")):
        file = read_imported(path, acc_unit="g")
        assert TapListener().feed(block_of(file.t_s, file.acc_sensor_mps2, file.rate_hz)) == [], path


# --------------------------------------------------------------------------- with the rest of the pipeline


def outputs_of(simulation: Simulation, requests: tuple[SegmentRequest, ...]) -> list[Output]:
    """Everything that a session with these samples says."""
    sources = tuple(SourceSettings(at, at, "virtual", "soma_v1", None, "simulated") for at in simulation.samples)
    pipeline = Pipeline()
    said = [*pipeline.feed(SettingsSnapshot(0, SessionSettings(sources, segments=requests).to_json()))]
    for samples in simulation.samples.values():
        for packet in packets(samples, encode_soma_v1):
            said += pipeline.feed(packet)
    return [*said, *pipeline.finish()]


def with_taps(simulation: Simulation, times_s: Sequence[float]) -> Simulation:
    """The same with double taps on every sensor."""
    rng = np.random.default_rng(7)
    taps = [tap for t_s in times_s for tap in draw_double(rng, t_s)]
    return replace(simulation, samples={at: tapped(samples, taps) for at, samples in simulation.samples.items()})


def test_double_taps_add_no_clamshell() -> None:
    """Tapping between and within repetitions leaves the count and the ranges."""
    simulation = simulate_exercise("clamshell", seed=3, shaking=False, n_reps=5)
    stretch = simulation.truth.stretches[-1]
    requests = (SegmentRequest("clamshell", "right", None, stretch.start_s, stretch.end_s),)
    times_s = [rep.end_s + 0.1 for rep in stretch.reps[::2]] + [stretch.reps[1].start_s + 1.0]
    plain, said = outputs_of(simulation, requests), outputs_of(with_taps(simulation, times_s), requests)
    before, after = ([one for one in run if isinstance(one, RepCompleted)] for run in (plain, said))
    assert len(before) == len(stretch.reps)
    assert [one.is_partial for one in after] == [one.is_partial for one in before]
    for one, other in zip(before, after, strict=True):
        assert other.range_deg == pytest.approx(one.range_deg, abs=2.0)


def test_double_taps_do_not_spoil_a_fall() -> None:
    """Tapping in the open rest is heard, and leaves the angles of the fall, of the rest and of the slide."""
    simulation = simulate_exercise("knee_fall", seed=4, rest_s=28.0)
    stretch = simulation.truth.stretches[-1]
    assert stretch.fall is not None
    assert stretch.fall.arrival_s is not None
    requests = (SegmentRequest("knee_fall", "right", None, stretch.start_s, stretch.end_s),)
    times_s = [stretch.fall.arrival_s + after_s for after_s in (5.0, 12.0, 20.0)]
    plain, said = outputs_of(simulation, requests), outputs_of(with_taps(simulation, times_s), requests)
    assert len([one for one in said if isinstance(one, DoubleTapped)]) >= 2
    before, after = (
        next(one.measures["falls"][0] for one in run if isinstance(one, SegmentMeasured)) for run in (plain, said)
    )
    for name in ("arrival_deg", "sink_deg", "rest_deg", "kept_share"):
        if isinstance(before.get(name), float):
            assert after[name] == pytest.approx(before[name], abs=1.0 if name.endswith("deg") else 0.05), name
    assert after["arrival_deg"] is not None


def test_a_virtual_person_taps_when_asked() -> None:
    """The taps come a moment later on that sensor alone, and change nothing that was sampled before."""
    samples = {}
    for has_tapped in (False, True):
        person = LivePerson(5)
        devices = {place: person.device(place) for place in ("right-thigh", "left-thigh")}
        read = {place: [device.read(4.0)] for place, device in devices.items()}
        if has_tapped:
            person.tap(4.0, "right-thigh")
        for place, device in devices.items():
            read[place].append(device.read(8.0))
        samples[has_tapped] = {
            place: np.concatenate([one.acc_sensor_mps2 for one in parts]) for place, parts in read.items()
        }
    told = {
        place: TapListener().feed(block_of(np.arange(len(acc)) / 104.0, acc, 104.0))
        for place, acc in samples[True].items()
    }
    assert len(told["right-thigh"]) == 1
    assert told["left-thigh"] == []
    assert np.array_equal(samples[True]["left-thigh"], samples[False]["left-thigh"])
    assert np.array_equal(samples[True]["right-thigh"][: 4 * 104], samples[False]["right-thigh"][: 4 * 104])

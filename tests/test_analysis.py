"""The object of `analyze --json`: what holds for every movement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from sensorsoma.analysis import analyze_inputs
from sensorsoma.messages import Exercise, Input, SettingsSnapshot
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import Difficulties, default_placements, encode_soma_v1, packets, simulate_exercise
from sensorsoma.units import NS_PER_S

EXERCISES: tuple[Exercise, ...] = (
    "clamshell", "knee_fall", "pelvic_rock", "pelvic_hold", "knee_roll", "knee_in", "leg_back", "roll_over",
)  # fmt: skip


def segment(inputs: list[Input]) -> dict[str, Any]:
    """The one measured stretch."""
    (found,) = analyze_inputs(inputs, source={"path": "it", "kind": "recording"}).analysis["segments"]
    return dict(found)


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    """Every number with the field it stands in, in order."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from numbers(item, str(key))
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item, name)
    elif isinstance(value, int | float):
        yield name, float(value)


@pytest.mark.parametrize("exercise", EXERCISES)
def test_times_count_from_the_first_sample(exercise: Exercise) -> None:
    """A session that waited 100 s for its sensor reports the same times, lengths and angles as one that did not."""
    placement = default_placements(exercise, "right")[0]
    simulation = simulate_exercise(exercise, seed=2, rate_hz=25.0, difficulties=Difficulties.none(), shaking=False)
    source = SourceSettings(placement, placement, "virtual", "soma_v1")
    choices = SessionSettings((source,), segments=(SegmentRequest(exercise, "right", placement),))
    stream: list[Input] = [SettingsSnapshot(0, choices.to_json())]
    stream += packets(simulation.samples[placement], encode_soma_v1)
    late = [stream[0], *(replace(one, host_ns=one.host_ns + 100 * NS_PER_S) for one in stream[1:])]
    now, then = list(numbers(segment(stream))), list(numbers(segment(late)))
    assert [name for name, _ in then] == [name for name, _ in now]
    assert any(name.endswith("_s") and value > 1.0 for name, value in now), "nothing was measured"
    for (name, value), (_, other) in zip(now, then, strict=True):
        assert other == pytest.approx(value, abs=0.5, rel=0.02), name  # a moment taken for a length is off by 100


def test_a_gyroscope_that_died_on_the_way_was_there() -> None:
    """A sensor whose last packets come without angular rate is not reported as one that never had a gyroscope."""
    placement = "right-thigh"
    simulation = simulate_exercise("clamshell", seed=2, rate_hz=25.0, difficulties=Difficulties.none(), shaking=False)
    samples = simulation.samples[placement]
    with_rate = list(packets(samples, encode_soma_v1))
    without = list(packets(replace(samples, gyr_sensor_radps=None), encode_soma_v1))
    settings = SettingsSnapshot(0, SessionSettings((SourceSettings(placement, placement, "ble", "soma_v1"),)).to_json())
    half = len(with_rate) // 2
    found = {
        name: analyze_inputs([settings, *stream], source={}).analysis["input"]["sources"][0]["has_gyroscope"]
        for name, stream in (("died", with_rate[:half] + without[half:]), ("never", without))
    }
    assert found == {"died": True, "never": False}

"""Pelvic rocking seen by a phone on the belly: weak, and said to be."""

from __future__ import annotations

import pytest

from sensorsoma.analysis import analyze_inputs
from sensorsoma.messages import SettingsSnapshot
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import encode_soma_v1, packets, simulate_exercise


@pytest.mark.parametrize("seed", [0, 5, *(pytest.param(seed, marks=pytest.mark.soak) for seed in (1, 3, 10, 18))])
def test_rocking_is_counted_from_the_belly_and_marked_weak(seed: int) -> None:
    """Large rocking is counted; the size is called belly tilt, since the belly follows only in part."""
    simulation = simulate_exercise("pelvic_rock", seed=seed, placements=("belly",), rate_hz=52.0)
    truth = simulation.truth.of("pelvic_rock")[0]
    settings = SessionSettings(
        sources=(SourceSettings("belly", "belly", "virtual", "soma_v1"),),
        segments=(SegmentRequest("pelvic_rock", None, "belly", max(0.0, truth.start_s - 1.0)),),
    )
    inputs = [SettingsSnapshot(0, settings.to_json()), *packets(simulation.samples["belly"], encode_soma_v1)]
    segment = analyze_inputs(inputs, source={}).segments[0]
    assert segment["weak"] is True
    assert segment["count"] in (truth.count, None)
    assert segment["count"] is not None or any("too unevenly" in note for note in segment["notes"])
    if segment["count"] is not None:
        assert any("belly tilt" in note for note in segment["notes"])

"""A session's own rests correct its accelerometer: found, said, used in a second pass, remembered for the next one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorsoma.analysis import analyze_inputs, fits_of, with_fits
from sensorsoma.config import Config, SensorEntry, load_config, save_config
from sensorsoma.config.setup import resolve_sources
from sensorsoma.errors import InputFileError
from sensorsoma.messages import Input, Placement, SensorHealth, SettingsSnapshot
from sensorsoma.pipeline import Pipeline
from sensorsoma.review.trace import SessionTrace
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.simulate import Difficulties, encode_soma_v1, packets
from sensorsoma.simulate.practice import simulate_practice
from sensorsoma.simulate.sensor import Errors

PLACE: Placement = "right-thigh"
SEED = 6


@cache
def inputs() -> tuple[Input, ...]:
    """A shortened practice as it arrives; what is measured of it does not matter here."""
    simulation = simulate_practice("hips-check", seed=SEED, rate_hz=52.0, placements=(PLACE,), dose=0.5)
    settings = SessionSettings(
        (SourceSettings(PLACE, PLACE, "virtual", "soma_v1", None, "simulated", {"rate_hz": 52.0}),),
        segments=(SegmentRequest("rest", None, PLACE, 0.0, 5.0),),
    )
    stream = packets(simulation.samples[PLACE], encode_soma_v1, jitter_seed=SEED)
    return SettingsSnapshot(0, settings.to_json()), *stream


@cache
def trace() -> SessionTrace:
    return analyze_inputs(inputs(), source={})


def source_of(trace: SessionTrace) -> dict[str, Any]:
    return dict(trace.analysis["input"]["sources"][0])


def test_the_analysis_carries_the_health_of_every_sensor() -> None:
    """Rate, losses, rest, offset, fit and alignment under `input.sources[]`, and what is off in words."""
    source = source_of(trace())
    health = source["health"]
    assert health["rate_hz"] == pytest.approx(52.0, rel=0.01)
    assert health["expected_hz"] == 52.0
    assert health["rest_norm_low_g"] < 0.98
    assert any("angles may be off" in note for note in health["notes"])
    assert health["fit"]["refused"] is None
    assert source["slips"] == []
    assert source["alignments"][0]["bend_deg"] > 40.0


def test_health_is_said_once_and_a_fit_is_near_the_truth() -> None:
    """One message at the end; the offset that it finds is nearer to the true one than nothing would be, by half."""
    pipeline = Pipeline()
    said = [o for message in inputs()[:40] for o in pipeline.feed(message) if isinstance(o, SensorHealth)]
    assert said == []
    assert len([o for o in pipeline.finish() if isinstance(o, SensorHealth)]) == 1
    assert pipeline.finish() == ()
    true = Errors.draw(SEED, PLACE, 52.0, Difficulties.all()).acc_offset_mps2
    found = np.array(source_of(trace())["health"]["fit"]["offset_mps2"])
    assert np.linalg.norm(found - true) < 0.5 * np.linalg.norm(true)


def test_a_second_pass_takes_the_errors_off_and_says_so() -> None:
    """The settings hold the fit, so a replay does the same; raw gravity is still reported as the sensor sent it."""
    fits = fits_of(trace())
    again = analyze_inputs(with_fits(inputs(), fits), source={})
    health = source_of(again)["health"]
    assert again.settings.sources[0].config["acc_fit"]["gain"] == fits[PLACE]["gain"]
    assert health["rest_norm_low_g"] == source_of(trace())["health"]["rest_norm_low_g"]
    assert health["rest_corrected_off_g"] < 0.005
    assert any("taken off" in note for note in health["notes"])


def test_a_kept_fit_reaches_the_next_session(tmp_path: Path) -> None:
    """Written to the config file beside its sensor, read again, and given to that sensor's source only."""
    fit = fits_of(trace())[PLACE]
    entry = SensorEntry("ble", "C0:FF:EE:00:11:22", acc_fit=fit)
    path = save_config(Config(sensors={PLACE: entry}), tmp_path / "config.toml")
    config = load_config(path)
    assert config.sensors[PLACE].acc_fit == fit
    assert resolve_sources((), config)[0].options == {"acc_fit": fit}


@pytest.mark.parametrize("wrong", ["3", "{ gain = [1.0, 1.0, 1.0] }", "{ offset_mps2 = [0, 0, 50], gain = [1, 1, 1] }"])
def test_a_broken_kept_fit_is_refused_in_one_sentence(tmp_path: Path, wrong: str) -> None:
    """No number, one part missing, or an offset of five g: said with the place, before anything is measured with it."""
    path = tmp_path / "config.toml"
    path.write_text(f'[sensors.right-thigh]\nkind = "ble"\naddress = "x"\nacc_fit = {wrong}\n', encoding="utf-8")
    with pytest.raises(InputFileError, match="acc_fit"):
        load_config(path)

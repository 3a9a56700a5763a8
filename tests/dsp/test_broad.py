"""Inclination beside an optical reference, one trial through the whole line; the figures are the benchmark's."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The benchmark as a module."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    spec = importlib.util.spec_from_file_location("broad_inclination", ROOT / "benchmarks" / "broad_inclination.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trial_path() -> Path:
    """A slow trial of BROAD: a public download, not part of the project."""
    folder = Path(os.environ.get("SENSORSOMA_BROAD", ROOT.parent / "shared" / "data" / "broad"))
    found = sorted(folder.glob("05_undisturbed_slow_*.mat"))
    if not found:
        pytest.skip("the public BROAD trials are not here; set SENSORSOMA_BROAD to their folder to run this")
    return found[0]


@pytest.mark.parametrize(("n_gaps", "target_deg"), [(0, 0.5), (1, 1.0)], ids=["undisturbed", "disturbed"])
def test_inclination_is_right_although_packets_are_lost_late_and_uncounted(
    benchmark: ModuleType, trial_path: Path, n_gaps: int, target_deg: float
) -> None:
    """A board without a clock, 5 % lost, 30 ms of jitter, a gap of 2 s: up within a degree; undisturbed within half."""
    trial = benchmark.shortened(benchmark.load(trial_path), 20.0, 75.0)
    sensor = benchmark.SENSORS[1]
    link = benchmark.Link(jitter_s=0.03, loss=0.05, n_gaps=n_gaps) if n_gaps else benchmark.Link()
    sent = benchmark.send(trial, sensor, link, seed=1)
    line = benchmark.through_line(sent, sensor)
    _, error = benchmark.errors_deg(trial, line.samples.t_s, line.up)
    assert len(error) > 3000
    assert np.sqrt(np.mean(error**2)) < target_deg

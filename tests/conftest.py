"""Shared fixtures: where real data may lie, and why a test that needs it is skipped without it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # a busy computer is no fault of a property
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def mex_dir() -> Path:
    """Folder of the MEx thigh files (`SUBJECT/EXERCISE_act_RUN.csv`): a public download, not part of the project."""
    folder = Path(os.environ.get("SENSORSOMA_MEX", ROOT.parent / "shared" / "data" / "mex" / "thigh"))
    if not folder.is_dir():
        pytest.skip("the public MEx thigh recordings are not here; set SENSORSOMA_MEX to their folder to run this")
    return folder

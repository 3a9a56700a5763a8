"""Sessions to look at; each test gets the same hand-made ones."""

from __future__ import annotations

import pytest

from .traces import hips_check, nothing_measured, whole_session


@pytest.fixture(scope="session")
def session():
    """Practice B on both sides, simulated."""
    return whole_session()


@pytest.fixture(scope="session")
def check():
    """Three rests and five clamshells a side, 11° apart."""
    return hips_check()


@pytest.fixture(scope="session")
def empty():
    """Nothing could be measured."""
    return nothing_measured()

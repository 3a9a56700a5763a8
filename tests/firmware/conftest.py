"""Compilers: the firmware's C and C++ is made into programs that the tests talk to."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware_notes" / "soma_v1"

Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compiles into a program, by gcc or g++; a warning is an error, and what the compiler says is the failure."""
    folder = tmp_path_factory.mktemp("firmware")

    def run(name: str, by: str, *sources_and_flags: str | Path) -> Path:
        path = shutil.which(by)
        if path is None:
            pytest.skip(f"{by} is not here, so the firmware in C and C++ is not checked (Debian: apt install g++)")
        program = folder / name
        command = [path, "-Wall", "-Wextra", "-Werror", "-I", FIRMWARE, *sources_and_flags, "-o", program]
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert answer.returncode == 0, answer.stderr
        return program

    return run

"""Every command is explained: help with an example, and a place in the README."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VERBS = [
    "demo",
    "people",
    "scan",
    "setup",
    "doctor",
    "coach",
    "record",
    "replay",
    "analyze",
    "review",
    "import",
    "repair",
    "plan",
    "voice",
    "simulate",
]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The command line in its own process."""
    return subprocess.run([sys.executable, "-m", "sensorsoma", *words], capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_has_help_with_an_example(verb: str) -> None:
    """`sensorsoma VERB --help` says what it does and shows one call."""
    answer = run(verb, "--help")
    assert answer.returncode == 0
    assert "xample: sensorsoma " + verb in " ".join(answer.stdout.split())


@pytest.mark.parametrize("verb", VERBS)
def test_every_command_is_in_the_readme(verb: str) -> None:
    """A reader of the README meets every command."""
    assert f"`{verb}" in (ROOT / "README.md").read_text(encoding="utf-8") or f"sensorsoma {verb}" in (
        ROOT / "README.md"
    ).read_text(encoding="utf-8")


def test_help_imports_nothing_heavy() -> None:
    """`--help` comes at once: no numpy, scipy, pandas, matplotlib, bleak or pydantic behind it."""
    code = (
        "import sys\n"
        "sys.argv = ['sensorsoma', '--help']\n"
        "from sensorsoma.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'scipy', 'pandas', 'matplotlib', 'bleak', 'pydantic', 'starlette', 'bumble', 'asyncio'}\n"
        "sys.exit(','.join(sorted(heavy & set(sys.modules))) or 0)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    assert "sensorsoma demo" in " ".join(answer.stdout.split())


def test_a_mistyped_command_is_answered_in_words() -> None:
    """A wrong word ends with exit code 2 and no traceback."""
    answer = run("coahc")
    assert answer.returncode == 2
    assert "Traceback" not in answer.stderr
    assert "coahc" in answer.stderr

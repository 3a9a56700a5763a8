"""Keeping the computer awake."""

from __future__ import annotations

import sys

import pytest

from sensorsoma.live.awake import KeepAwake, inhibit_command


@pytest.mark.parametrize(
    ("platform", "installed", "first"),
    [
        ("linux", {"systemd-inhibit", "cat"}, "systemd-inhibit"),
        ("darwin", {"caffeinate"}, "caffeinate"),
        ("linux", set(), None),
        ("darwin", set(), None),
    ],
)
def test_the_program_of_each_system(platform: str, installed: set[str], first: str | None) -> None:
    """Each system has its own program, or none."""
    command = inhibit_command(platform, lambda name: name if name in installed else None, pid=42)
    assert (command[0] if command else None) == first
    assert platform != "darwin" or command is None or command[-1] == "42"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is asked by a call, not by a program")
def test_it_runs_inside_and_is_gone_outside() -> None:
    """The program runs within the block and has ended after it, also when the block fails."""
    keep = KeepAwake([sys.executable, "-S", "-c", "import sys; sys.stdin.read()"])

    def practice() -> None:
        with keep:
            assert keep.is_active
            raise RuntimeError("anything")

    with pytest.raises(RuntimeError, match="anything"):
        practice()
    assert not keep.is_active


@pytest.mark.parametrize("command", [None, ["/does/not/exist"]])
def test_it_is_harmless_where_it_cannot_be_asked(command: list[str] | None) -> None:
    """Without such a program the block simply runs."""
    with KeepAwake(command) as keep:
        assert not keep.is_active or sys.platform == "win32"

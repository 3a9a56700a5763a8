"""What a person sees while a command works."""

from __future__ import annotations

import io
import sys

import pytest

from sensorsoma.cli.common import progress


class Terminal(io.StringIO):
    """Standard error of somebody who watches."""

    def isatty(self) -> bool:
        """As a terminal says."""
        return True


@pytest.mark.parametrize(("calm_s", "n_lines"), [(5.0, 0), (0.0, 1)])
def test_short_work_is_silent_and_long_work_has_one_line(
    monkeypatch: pytest.MonkeyPatch, calm_s: float, n_lines: int
) -> None:
    """Thirty updates within a second are no line while it is calm, one after that, and the line is gone at the end."""
    shown = Terminal()
    monkeypatch.setattr(sys, "stderr", shown)
    with progress("reading night.mcap:", calm_s=calm_s) as report:
        for second in range(30):
            report(float(second))
    assert shown.getvalue().count("reading night.mcap:") == n_lines
    assert "\n" not in shown.getvalue()
    assert shown.getvalue().endswith("\r\x1b[K" if n_lines else "")


def test_nothing_is_shown_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    """A log file gets no progress lines."""
    with progress("reading night.mcap:", calm_s=0.0) as report:
        report(60.0)
    assert capsys.readouterr().err == ""

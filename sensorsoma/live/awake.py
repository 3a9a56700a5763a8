"""Keeps the computer awake while somebody lies there: sleep would cut the sensor off without a word."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

Which = Callable[[str], str | None]

_ES_CONTINUOUS = 0x80000000
_ES_SYSTEM_REQUIRED = 0x00000001
"""Flags of Windows' SetThreadExecutionState: stay in force; the system must not sleep (the screen may)."""


def inhibit_command(
    platform: str = sys.platform, which: Which = shutil.which, pid: int | None = None
) -> list[str] | None:
    """The program that keeps this computer awake as long as it runs; None where there is none.

    Both programs end with this process, so nothing is left behind after a crash: `caffeinate -w` watches the process,
    and the inhibitor's own child waits for the end of its standard input.
    """
    if platform == "darwin" and which("caffeinate"):
        return ["caffeinate", "-i", "-w", str(pid or os.getpid())]
    if platform.startswith("linux") and which("systemd-inhibit") and which("cat"):
        return [
            "systemd-inhibit", "--what=idle:sleep", "--who=SensorSoma", "--why=A practice is running", "--mode=block",
            "cat",
        ]  # fmt: skip
    return None


class KeepAwake:
    """Context manager: the computer does not sleep inside; does nothing where that cannot be asked for.

    Args:
        command: the program to run meanwhile; by default what `inhibit_command` finds.
    """

    def __init__(self, command: list[str] | str | None = "system") -> None:
        self._command = inhibit_command() if isinstance(command, str) else command
        self._process: subprocess.Popen[bytes] | None = None
        self._is_windows_set = False

    @property
    def is_active(self) -> bool:
        """True while the computer is kept awake, as far as can be told."""
        return self._is_windows_set or (self._process is not None and self._process.poll() is None)

    def __enter__(self) -> KeepAwake:
        if sys.platform == "win32":
            self._is_windows_set = _set_windows_state(_ES_CONTINUOUS | _ES_SYSTEM_REQUIRED)
        elif self._command:
            with contextlib.suppress(OSError):
                self._process = subprocess.Popen(
                    self._command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                )
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_windows_set:
            self._is_windows_set = not _set_windows_state(_ES_CONTINUOUS)
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        process.terminate()
        try:
            process.wait(2.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _set_windows_state(flags: int) -> bool:
    try:
        import ctypes

        return bool(ctypes.windll.kernel32.SetThreadExecutionState(flags))  # type: ignore[attr-defined,unused-ignore] # Windows only
    except (AttributeError, OSError):
        return False

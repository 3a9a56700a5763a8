"""What is enough for a session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DoctorParams:
    """What is enough."""

    least_python: tuple[int, int] = (3, 11)
    """Oldest Python that the package is written for."""
    least_free_bytes: int = 500_000_000
    """Room for about a dozen long sessions with three sensors."""
    full_bytes: int = 50_000_000
    """Below this one session may not fit."""
    bluetooth_timeout_s: float = 5.0
    """The first answer of a Bluetooth service that has just been started."""

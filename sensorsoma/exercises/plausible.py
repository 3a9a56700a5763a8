"""Angles that no hip reaches in the movement that was named: then the name is doubted, and that is said."""

from __future__ import annotations

from collections.abc import Iterable

REACHED_DEG: dict[str, tuple[float, float]] = {
    "clamshell": (0.0, 90.0),  # 29 people opened by 27 to 79
    "knee_fall": (-15.0, 100.0),  # a knee may lean inward a little before it falls; a wide-open hip lies flat at 80-90
}
"""What the angle of a movement can be, whoever does it."""


def doubt(exercise: str, angles_deg: Iterable[float | None]) -> str | None:
    """One sentence when an angle cannot belong to this movement; None when all can.

    >>> doubt("clamshell", [52.0, 61.0]) is None
    True
    """
    low_deg, high_deg = REACHED_DEG[exercise]
    strange = [angle for angle in angles_deg if angle is not None and not low_deg <= angle <= high_deg]
    if not strange:
        return None
    name = exercise.replace("_", " ")
    return (
        f"an angle of {max(strange, key=abs):.0f} degrees does not fit a {name}: was it one, on this side, with the "
        "sensor on this thigh?"
    )

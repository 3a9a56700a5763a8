"""Signals into events: one file per movement, and what is known of the body."""

from __future__ import annotations

from collections.abc import Callable

from sensorsoma.exercises.base import Detector, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.clamshell import ClamshellDetector
from sensorsoma.exercises.knee_fall import KneeFallDetector
from sensorsoma.exercises.still import StillDetector
from sensorsoma.messages import Exercise

DETECTORS: dict[Exercise, Callable[[Stretch, Body], Detector]] = {
    "clamshell": ClamshellDetector,
    "rest": StillDetector,
    "knee_fall": KneeFallDetector,
    "breathing": StillDetector,
    "stillness": StillDetector,
    "free": StillDetector,
    "unknown": StillDetector,
}
"""Which detector measures which exercise."""


def make_detector(stretch: Stretch, body: Body) -> Detector:
    """The detector for a stretch; an exercise without one is watched for stillness only."""
    return DETECTORS.get(stretch.exercise, StillDetector)(stretch, body)

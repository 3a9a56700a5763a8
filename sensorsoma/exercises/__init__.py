"""Signals into events: one file per movement, and what is known of the body."""

from __future__ import annotations

from collections.abc import Callable

from sensorsoma.exercises.base import Detector, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.breathing import BreathingDetector
from sensorsoma.exercises.clamshell import ClamshellDetector
from sensorsoma.exercises.knee_fall import KneeFallDetector
from sensorsoma.exercises.knee_in import KneeInDetector
from sensorsoma.exercises.knee_roll import KneeRollDetector
from sensorsoma.exercises.leg_back import LegBackDetector
from sensorsoma.exercises.pelvic_hold import PelvicHoldDetector
from sensorsoma.exercises.pelvic_rock import PelvicRockDetector
from sensorsoma.exercises.rocking import RockingDetector
from sensorsoma.exercises.roll_over import RollOverDetector
from sensorsoma.exercises.still import StillDetector
from sensorsoma.messages import Exercise

DETECTORS: dict[Exercise, Callable[[Stretch, Body], Detector]] = {
    "clamshell": ClamshellDetector,
    "knee_roll": KneeRollDetector,
    "pelvic_rock": PelvicRockDetector,
    "pelvic_hold": PelvicHoldDetector,
    "rocking": RockingDetector,
    "rest": StillDetector,
    "knee_in": KneeInDetector,
    "knee_fall": KneeFallDetector,
    "leg_slide": StillDetector,
    "leg_back": LegBackDetector,
    "roll_over": RollOverDetector,
    "breathing": BreathingDetector,
    "stillness": StillDetector,
    "free": StillDetector,
    "unknown": StillDetector,
}
"""Which detector measures which exercise."""


def make_detector(stretch: Stretch, body: Body) -> Detector:
    """The detector for a stretch; an exercise without one is watched for stillness only."""
    return DETECTORS.get(stretch.exercise, StillDetector)(stretch, body)

"""What was done, without being told: samples of all worn sensors into named stretches.

Two passes: this one names, the ordinary detectors then measure each stretch. The names follow from how the body lay and
from what a movement does to it; no pattern was learnt. Where that does not decide, the name is `unknown`.
"""

from __future__ import annotations

from sensorsoma.exercises.found.naming import name_stretches
from sensorsoma.exercises.found.seen import Seen, Track, Watch
from sensorsoma.exercises.found.stretch import FoundStretch
from sensorsoma.exercises.found.telling import named, requests_for

__all__ = ["FoundStretch", "Seen", "Track", "Watch", "name_stretches", "named", "requests_for"]

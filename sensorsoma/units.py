"""Every unit conversion, once. Inside the package: SI and radians; degrees only where a person reads or types."""

from __future__ import annotations

import math

STANDARD_GRAVITY_MPS2 = 9.80665
"""Standard acceleration of free fall (CGPM 1901); one g in every wire format that speaks of g."""

GOOD_REST_G = (0.98, 1.02)
"""Resting length of a well calibrated accelerometer: offsets of 20 mg are sold as typical."""

USABLE_REST_G = (0.9, 1.1)
"""Outside, the unit or the sensor is wrong: an error of 10 % turns a tilt by up to 6 degrees."""

DEG = math.pi / 180.0
"""Radians in one degree."""

NS_PER_S = 1_000_000_000
"""Nanoseconds in one second."""

"""Every unit conversion, once. Inside the package: SI and radians; degrees only where a person reads or types."""

from __future__ import annotations

import math

STANDARD_GRAVITY_MPS2 = 9.80665
"""Standard acceleration of free fall (CGPM 1901); one g in every wire format that speaks of g."""

DEG = math.pi / 180.0
"""Radians in one degree."""

NS_PER_S = 1_000_000_000
"""Nanoseconds in one second."""

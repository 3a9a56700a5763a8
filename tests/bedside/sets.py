"""Everything that people may wear, and the practices as they are led for it."""

from __future__ import annotations

from collections.abc import Sequence

from sensorsoma.coach.editing import fit
from sensorsoma.coach.plan import load_plan
from sensorsoma.coach.steps import Plan
from sensorsoma.messages import Placement

PRACTICES = ("hips-and-core", "soft-hips")

SETS: tuple[tuple[Placement, ...], ...] = (
    ("right-thigh",), ("right-thigh", "pelvis"), ("right-thigh", "belly"),
    ("left-thigh",), ("left-thigh", "pelvis"), ("left-thigh", "belly"),
    ("right-thigh", "left-thigh"), ("right-thigh", "left-thigh", "pelvis"), ("right-thigh", "left-thigh", "belly"),
    ("pelvis",), ("belly",), (),
)  # fmt: skip


def name_of(worn: Sequence[str]) -> str:
    """For file names and lines of a table."""
    return "+".join(worn) or "nothing"


def fitted(plan: Plan | str, worn: Sequence[str]) -> Plan:
    """A practice as `sensorsoma coach` leads it with these sensors: one thigh sensor for two legs moves once."""
    return fit(load_plan(plan) if isinstance(plan, str) else plan, worn)

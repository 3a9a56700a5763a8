"""Plans of movement that nobody asked for: falling asleep, getting up, going on, rolling over before it is said."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sensorsoma.messages import Side
from sensorsoma.simulate.body import SIDES
from sensorsoma.simulate.movements import idle, let_go, onto_back, onto_side, other
from sensorsoma.simulate.person import Person, Plan
from sensorsoma.simulate.tracks import Burst, MinJerk
from sensorsoma.simulate.truth import StretchTruth
from sensorsoma.units import DEG

STANDING_BEND_DEG = -82.0
"""A thigh that stands: the hip above the knee, the angle against the bed all but upright."""


def asleep(p: Person) -> Plan:
    """Whatever was held is let go; then breath, and a fidget now and then."""
    yield from let_go(p)
    yield from idle(p, None)


def up_and_away(p: Person, walks_s: float = 12.0) -> Plan:
    """Onto the back, up within some seconds, a few steps, and then standing about."""
    yield from let_go(p)
    yield from onto_back(p)
    took_s = p.uniform(2.5, 4.0)
    for place in ("pelvis", "belly"):
        p.body.wobble[place].z.add(MinJerk(p.at_s, took_s, -85.0 * DEG))
    for side in SIDES:
        p.move_leg(side, took_s, plane_deg=0.0, bend_deg=STANDING_BEND_DEG, tilt_deg=0.0)
        p.leg_pose[side] = "standing"
    yield p.wait(took_s)
    p.lies("upright")
    yield p.wait(1.0)
    for side, phase in zip(SIDES, (0.0, np.pi), strict=True):
        stride = Burst(p.at_s, p.at_s + walks_s, np.array([0.9, 1.8]), np.array([18.0, 4.0]) * DEG,
                       np.array([phase, 2 * phase]), 0.8, 0.8)  # fmt: skip
        p.body.legs[side].bend.add(stride)
    p.busy_until(p.at_s + walks_s)
    yield p.wait(walks_s)
    yield from idle(p, None)


LEAVING: dict[str, Callable[[Person], Plan]] = {"falls asleep": asleep, "gets up": up_and_away}
"""After these nothing more is followed."""


def going_on(p: Person, plan: Plan) -> Plan:
    """The plan as if nobody had said that the step is over."""
    while True:
        p.closing = False
        try:
            yield next(plan)
        except StopIteration:
            return


def rolling_after(p: Person, plan: Plan, stretch: StretchTruth, reps: int) -> Plan:
    """The plan until so many whole repetitions are done; then onto the back, and there they stay."""
    for until_s in plan:
        yield until_s
        if stretch.count >= reps:
            break
    yield p.wait(1.0)
    yield from onto_back(p)
    yield from idle(p, None)


def roll_unasked(p: Person, after_s: float) -> Plan:
    """From one side over to the other, after a while, unless something else was asked for by then."""
    top: Side = "right" if p.posture == "right_up" else "left"
    yield p.wait(after_s)
    if not p.closing:
        yield from onto_side(p, other(top))


def talk(p: Person, seconds: float) -> float:
    """A few sentences: the breath is cut short, belly and pelvis tremble a little; its length in seconds."""
    rng = p.rng
    for track, size_deg in ((p.body.breath, 0.4), (p.body.pelvic_tilt, 0.03)):
        freqs = rng.uniform(1.5, 4.5, 4)
        peaks = size_deg * DEG * rng.uniform(0.2, 0.6, 4)
        track.add(Burst(p.at_s, p.at_s + seconds, freqs, peaks, rng.uniform(0, 2 * np.pi, 4), 0.3, 0.3))
    p.truth.disturbances.append({"kind": "talk", "start_s": p.at_s, "end_s": p.at_s + seconds})
    return seconds

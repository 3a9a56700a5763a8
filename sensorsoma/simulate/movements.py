"""Getting into a pose, resting, and the knee fall: plans of movement pieces.

Every function is a generator over a `Person`: it plans one piece from `person.at_s`, moves `at_s` on and yields it.
Lengths given as None stay open until the coach closes the step (`person.closing`).
"""

from __future__ import annotations

import math

from sensorsoma.messages import Posture, Side
from sensorsoma.simulate.body import SIDES, THIGH_TILT_SHARE, sign_of
from sensorsoma.simulate.person import Person, Plan
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.truth import FallTruth, StretchTruth
from sensorsoma.units import DEG

NEVER = math.inf
"""Yielded while only the coach can move things on."""


def other(side: Side) -> Side:
    """The other side."""
    return "left" if side == "right" else "right"


def begin_stretch(p: Person, stretch: StretchTruth) -> StretchTruth:
    """Note that an exercise begins now."""
    p.truth.stretches.append(stretch)
    return stretch


def idle(p: Person, seconds: float | None, *, is_restless: bool = True) -> Plan:
    """Lie still, with a fidget now and then; open-ended when `seconds` is None."""
    end_s = p.at_s + seconds if seconds is not None else NEVER
    while p.at_s < end_s and not p.closing:
        if is_restless and p.on.fidgets and p.at_s + 4 < end_s and p.rng.random() < 0.35:
            p.at_s += p.fidget()
        p.at_s = min(end_s, p.at_s + p.uniform(3, 8))
        yield p.at_s


def become_still(p: Person, seconds: float) -> Plan:
    """Find a place to lie: shifts of both legs that grow smaller over `seconds`, and then no more."""
    rng = stream(p.seed, "becoming still")
    begin_s, end_s = p.at_s, p.at_s + seconds
    while p.at_s < end_s - 0.5:
        left = (end_s - p.at_s) / seconds
        took_s = min(float(rng.uniform(0.7, 1.8)), end_s - p.at_s)
        side = SIDES[int(rng.integers(2))]
        leg = p.body.legs[side]
        size_deg = (3.0 + 12.0 * left) * float(rng.uniform(0.6, 1.0))
        sign = -1.0 if leg.plane.settled > leg.plane.at(begin_s) else 1.0
        p.move_leg(side, took_s, plane_deg=leg.plane.settled / DEG + sign * size_deg)
        p.at_s += min(took_s + float(rng.uniform(0.1, 1.5)), end_s - p.at_s)
        yield p.at_s


def straighten(p: Person, side: Side, seconds: float | None = None) -> Plan:
    """Slide one leg straight and let it roll to where it rests."""
    if p.leg_pose[side] == "straight":
        return
    b = p.build[side]
    took_s = p.uniform(2.0, 4.0) if seconds is None else seconds
    roll = b.straight_roll_deg + p.uniform(-2, 2) * p.on.leg_roll
    p.move_leg(side, took_s, plane_deg=roll, bend_deg=b.straight_bend_deg, tilt_deg=b.straight_tilt_deg)
    p.leg_pose[side] = "straight"
    yield p.wait(took_s)


def draw_up(p: Person, *sides: Side, off_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> Plan:
    """Foot flat, knee to the ceiling, one side after the other; `off_deg`: this time so far from the usual pose."""
    for side in sides:
        if p.leg_pose[side] == "up":
            continue
        b = p.build[side]
        took_s = p.uniform(1.6, 3.0)
        p.move_leg(side, took_s, plane_deg=b.up_plane_deg + off_deg[0], bend_deg=b.up_bend_deg + off_deg[1],
                   tilt_deg=b.up_tilt_deg + off_deg[2])  # fmt: skip
        p.leg_pose[side] = "up"
        yield p.wait(took_s + 0.2)


def still_pose(p: Person, seconds: float, *sides: Side) -> Plan:
    """A still pause in a calibration pose."""
    start_s = p.at_s
    for side in sides:
        if p.leg_pose[side] in ("straight", "up"):
            p.took_pose(side, "straight" if p.leg_pose[side] == "straight" else "knee_up", start_s, start_s + seconds)
    yield p.wait(seconds)


def onto_back(p: Person) -> Plan:
    """Supine from wherever; nothing when there already."""
    if p.posture == "supine":
        return
    took_s = p.uniform(3.0, 4.5)
    p.move(p.body.roll, 0.0, took_s)
    for side in SIDES:
        b = p.build[side]
        p.move(p.body.legs[side].heading, 0.0, took_s)
        p.move_leg(side, took_s, plane_deg=b.up_plane_deg, bend_deg=b.up_bend_deg, tilt_deg=b.up_tilt_deg)
        p.leg_pose[side] = "up"
    yield p.wait(took_s)
    p.lies("supine")
    yield p.wait(0.6)


def onto_side(p: Person, top: Side) -> Plan:
    """Side-lying with `top` up, knees bent in front and on each other; nothing when there already."""
    posture: Posture = "right_up" if top == "right" else "left_up"
    if p.posture == posture and p.leg_pose[top] == "closed":
        return
    if p.posture == "supine":
        yield from draw_up(p, *SIDES)
    elif p.posture != posture:
        yield from onto_back(p)
    took_s = p.uniform(3.0, 5.0)
    p.move(p.body.roll, sign_of(top) * p.uniform(80, 95), took_s)
    for side in SIDES:
        b, is_top = p.build[side], side == top
        plane = b.closed_plane_deg if is_top else p.uniform(-6, 6)
        p.move(p.body.legs[side].heading, 0.0, took_s)
        p.move_leg(side, took_s, plane_deg=plane, bend_deg=b.side_bend_deg,
                   tilt_deg=b.top_tilt_deg if is_top else b.bottom_tilt_deg)  # fmt: skip
        p.leg_pose[side] = "closed"
    yield p.wait(took_s)
    p.lies(posture)
    yield p.wait(0.8)


def tilt_pelvis(p: Person, to_deg: float, seconds: float) -> None:
    """Tilt the pelvis (anterior +); thighs with bent knees follow a little."""
    change = abs(to_deg - p.body.pelvic_tilt.settled / DEG)
    p.move(p.body.pelvic_tilt, to_deg, seconds)
    p.wobble("pelvis", change, seconds)
    for side in SIDES:
        share = THIGH_TILT_SHARE if p.leg_pose[side] != "straight" else 0.1
        p.move(p.body.legs[side].follow, to_deg * share, seconds)


def let_go(p: Person) -> Plan:
    """End whatever is held: pelvis to the middle, top leg back onto the other, knees apart again."""
    if abs(p.body.pelvic_tilt.settled) > 1e-6:
        took_s = p.uniform(0.8, 1.6)
        tilt_pelvis(p, 0.0, took_s)
        yield p.wait(took_s + 0.3)
    for side in SIDES:
        if p.leg_pose[side] == "back":
            b = p.build[side]
            took_s = p.uniform(2.5, 4.0)
            p.move(p.body.legs[side].heading, 0.0, took_s)
            p.move_leg(side, took_s, plane_deg=b.closed_plane_deg, bend_deg=b.side_bend_deg, tilt_deg=b.top_tilt_deg)
            p.leg_pose[side] = "closed"
            yield p.wait(took_s + 0.3)


# ------------------------------------------------------------------------------------------------- knee fall


def knee_fall(
    p: Person, side: Side, stretch: StretchTruth, *, pause_s: float | None, arrival_deg: float | None = None,
    sink_deg: float | None = None, fall_s: float | None = None, pelvis_share: float | None = None,
    pose_spread_deg: float = 0.0,
) -> Plan:  # fmt: skip
    """Knee up, a still pause, and on an exhale the knee falls outward and goes on sinking.

    With `pose_spread_deg` the foot stands elsewhere each time: knee-up pose and hip-foot line differ by up to so much.
    """
    yield from onto_back(p)
    yield from straighten(p, other(side))
    leg, b = p.body.legs[side], p.build[side]
    if p.leg_pose[side] == "open":
        yield from draw_up(p, side)
    fall = stretch.fall = FallTruth(draw_up_s=p.at_s, knee_up_s=p.at_s)
    off_deg = (0.0, 0.0, 0.0)
    if pose_spread_deg:
        plane, bend, tilt = stream(p.seed, "pose", side, str(len(p.truth.stretches))).uniform(-1, 1, 3)
        off_deg = (pose_spread_deg * plane, pose_spread_deg * bend, pose_spread_deg * tilt)
        stretch.values["knee_up_plane_deg"] = b.up_plane_deg + off_deg[0]
    yield from draw_up(p, side, off_deg=off_deg)
    from_deg = _knee_up_plane_deg(p, stretch, side)
    fall.knee_up_s = p.at_s
    if pause_s is not None:
        yield from still_pose(p, pause_s, side)
    else:
        p.took_pose(side, "knee_up", p.at_s, p.at_s + 3.0)
        yield p.wait(3.0)
        while "fall" not in p.heard and not p.closing:
            yield NEVER
        if "fall" not in p.heard:
            return
    angle = b.fall_deg + p.uniform(-3, 3) if arrival_deg is None else arrival_deg
    sink = b.sink_deg * p.uniform(0.85, 1.15) if sink_deg is None else sink_deg
    took_s = p.uniform(1.4, 4.0) if fall_s is None else fall_s
    roll_share = p.uniform(0.0, 0.12) if pelvis_share is None else pelvis_share
    if p.rng.random() < 0.8:
        p.at_s = p.breathing.next_exhale(p.at_s) + p.uniform(0.1, 0.6)
        yield p.at_s
    fall.fall_start_s, fall.began_on_exhale = p.at_s, p.breathing.is_exhaling(p.at_s)
    fall.pelvis_roll_deg = roll_share * angle
    p.move_leg(side, took_s, plane_deg=from_deg + angle)
    p.move(p.body.pelvis_roll, -sign_of(side) * roll_share * angle, took_s)
    p.leg_pose[side] = "open"
    yield p.wait(took_s)
    fall.arrival_s, fall.arrival_deg = p.at_s, leg.plane.at(p.at_s) / DEG - from_deg
    p.sink(leg.plane, sink, p.uniform(max(6.0, sink / 1.0), 18.0))
    yield p.wait(0.5)


def _knee_up_plane_deg(p: Person, stretch: StretchTruth, side: Side) -> float:
    """Where the leg plane stood before this fall."""
    return stretch.values.get("knee_up_plane_deg", p.build[side].up_plane_deg)


def open_fall(p: Person) -> tuple[StretchTruth, Side] | None:
    """The stretch whose knee lies open, with its side."""
    for stretch in reversed(p.truth.stretches):
        if stretch.fall is not None and stretch.side is not None and stretch.fall.arrival_s is not None:
            return (stretch, stretch.side) if stretch.fall.slide_end_s is None else None
    return None


def slide_open(p: Person, *, kept_share: float | None = None, slide_s: float | None = None) -> Plan:
    """Slide the open leg straight, keeping a share of its openness; legs that are merely bent just slide down."""
    found = open_fall(p)
    if found is None:
        for side in SIDES:
            yield from straighten(p, side)
        return
    stretch, side = found
    fall, leg, b = stretch.fall, p.body.legs[side], p.build[side]
    assert fall is not None
    fall.rest_end_s = p.at_s
    fall.final_deg = leg.plane.at(p.at_s) / DEG - _knee_up_plane_deg(p, stretch, side)
    fall.sink_deg = fall.final_deg - (fall.arrival_deg or 0.0)
    open_before = p.openness_deg(side, p.at_s)
    share = p.uniform(0.5, 0.95) if kept_share is None else kept_share
    took_s = p.uniform(2.5, 5.0) if slide_s is None else slide_s
    tilt = b.straight_tilt_deg
    plane = math.asin(math.sin(share * open_before * DEG) / math.cos(tilt * DEG)) / DEG
    creep_left = leg.plane.settled - leg.plane.at(p.at_s + took_s)
    p.move_leg(side, took_s, plane_deg=plane + creep_left / DEG, bend_deg=b.straight_bend_deg, tilt_deg=tilt)
    p.move(p.body.pelvis_roll, 0.0, took_s)
    p.leg_pose[side] = "straight"
    yield p.wait(took_s)
    fall.slide_end_s = p.at_s
    fall.openness_kept_share = p.openness_deg(side, p.at_s) / open_before


def settle(p: Person, seconds: float | None, *, residual_deg: float | None = None) -> Plan:
    """Rest after a slide: the straight leg rolls to where it now rests."""
    stretch = next((s for s in reversed(p.truth.stretches) if s.fall is not None and s.fall.slide_end_s), None)
    is_after_slide = stretch is not None and stretch.fall is not None and stretch.fall.residual_deg is None
    if is_after_slide and stretch is not None and stretch.side is not None and stretch.fall is not None:
        leg, b = p.body.legs[stretch.side], p.build[stretch.side]
        to_deg = b.straight_roll_deg + (p.uniform(0, 8) if residual_deg is None else residual_deg)
        p.move(leg.plane, to_deg, p.uniform(3.0, 5.0), after_s=0.8)
        stretch.fall.residual_deg = _settled_openness(p, stretch.side) - p.first_straight_open_deg[stretch.side]
        yield p.wait(6.0)
    yield from idle(p, None if seconds is None else max(0.0, seconds - 6.0 * is_after_slide))


def _settled_openness(p: Person, side: Side) -> float:
    leg = p.body.legs[side]
    return math.asin(math.sin(leg.plane.settled) * math.cos(leg.axis_tilt.settled)) / DEG

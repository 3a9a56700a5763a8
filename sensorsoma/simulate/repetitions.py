"""Movements that repeat: clamshell, pelvic rocking and hold, knee roll, body rocking; and leg back."""

from __future__ import annotations

import numpy as np

from sensorsoma.messages import Placement, Side, thigh_of
from sensorsoma.simulate.body import SIDES, sign_of
from sensorsoma.simulate.movements import (
    NEVER,
    draw_up,
    idle,
    let_go,
    onto_back,
    onto_side,
    other,
    straighten,
    tilt_pelvis,
)  # fmt: skip
from sensorsoma.simulate.person import Person, Plan
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.shaking import Shaking
from sensorsoma.simulate.tracks import Burst, Rhythm, Sway, Track
from sensorsoma.simulate.truth import CycleTruth, RepTruth, StretchTruth
from sensorsoma.units import DEG


def _tempo(p: Person, low_s: float, high_s: float) -> tuple[float, float, float, float]:
    """Seconds out, at the top, back, and pause after, of one repetition."""
    if not p.on.irregular_tempo:
        return 1.6, 0.8, 1.6, 1.0
    whole = p.uniform(low_s, high_s)
    hold = min(whole * p.uniform(0.02, 0.3), 2.0)
    out = (whole - hold) * p.uniform(0.4, 0.6)
    return out, hold, whole - hold - out, p.uniform(0.2, 2.5)


def clamshell(
    p: Person, side: Side, stretch: StretchTruth, *, n_reps: int, range_deg: float | None = None,
    shaking: Shaking | None = None, lower_leg_drags: bool = False, pelvis_share: float | None = None,
    cough_after: int | None = None, partial_at: int | None = None, min_rep_s: float = 2.0, max_rep_s: float = 8.0,
    patience_s: float | None = None,
) -> Plan:  # fmt: skip
    """Opens and closes the top knee `n_reps` times (a partial one comes on top), ankles together.

    With `patience_s`, somebody whose step has not been closed that long after the last rep does another one.
    """
    yield from let_go(p)
    yield from onto_side(p, side)
    stretch.start_s = p.at_s
    whole_deg = p.build[side].clam_deg * p.uniform(0.95, 1.05) if range_deg is None else range_deg
    roll_share = p.uniform(0.0, 0.15) if pelvis_share is None else pelvis_share
    yield p.wait(p.uniform(1.5, 2.5))
    done = planned = 0
    while (done < n_reps or patience_s is not None) and not p.closing:
        if done >= n_reps and patience_s is not None:
            yield p.wait(patience_s)
            if p.closing:
                break
        is_partial = planned == partial_at
        size = whole_deg * (p.uniform(0.27, 0.43) if is_partial else p.uniform(0.92, 1.08))
        tremor = shaking.for_rep(planned) if shaking else None
        _open_and_close(p, side, stretch, size, roll_share, is_partial, tremor, lower_leg_drags, (min_rep_s, max_rep_s))
        planned += 1
        done += not is_partial
        yield p.at_s
        if planned == cough_after:
            p.at_s += 0.4
            p.at_s += p.cough() + 0.6
            yield p.at_s
        elif p.on.fidgets and p.rng.random() < 0.08:
            p.at_s += p.fidget() + 0.3
            yield p.at_s
    yield p.wait(1.0)


def _open_and_close(
    p: Person, side: Side, stretch: StretchTruth, size_deg: float, roll_share: float, is_partial: bool,
    tremor: tuple[float, float] | None, lower_leg_drags: bool, tempo_s: tuple[float, float],
) -> None:  # fmt: skip
    leg, closed = p.body.legs[side], p.build[side].closed_plane_deg
    out_s, hold_s, back_s, pause_s = _tempo(p, *tempo_s)
    start_s, start_deg = p.at_s, leg.plane.settled / DEG
    p.move_leg(side, out_s, plane_deg=closed + size_deg)
    p.move(p.body.pelvis_roll, -sign_of(side) * roll_share * size_deg, out_s)
    if lower_leg_drags:
        p.move_leg(other(side), out_s, plane_deg=0.5 * size_deg)
    p.at_s += out_s + hold_s
    p.move_leg(side, back_s, plane_deg=closed + p.uniform(-0.03, 0.03) * size_deg * p.on.irregular_tempo)
    p.move(p.body.pelvis_roll, 0.0, back_s)
    if lower_leg_drags:
        p.move_leg(other(side), back_s, plane_deg=0.0)
    p.at_s += back_s
    rep = RepTruth(
        start_s=start_s, peak_s=start_s + out_s + hold_s / 2, end_s=p.at_s, partial=is_partial,
        range_deg=closed + size_deg - start_deg, top_start_s=start_s + out_s, top_end_s=start_s + out_s + hold_s,
        pelvis_roll_deg=roll_share * size_deg,
    )  # fmt: skip
    if tremor:
        tracks: dict[Placement, Track] = {thigh_of(side): leg.plane}
        rep.tremor = Shaking.apply(p, tracks, start_s + 0.1, p.at_s, *tremor)
        Shaking.note(stretch, rep.tremor)
    stretch.reps.append(rep)
    p.at_s += pause_s


def pelvic_rock(
    p: Person, stretch: StretchTruth, *, n_reps: int, range_deg: float | None = None, cough_after: int | None = None,
    partial_at: int | None = None, shaking: Shaking | None = None, patience_s: float | None = None,
) -> Plan:  # fmt: skip
    """Arch and flatten, `n_reps` cycles (a partial one comes on top); the first movement is the arch."""
    yield from onto_back(p)
    yield from draw_up(p, *SIDES)
    stretch.start_s = p.at_s
    total = p.uniform(5, 25) if range_deg is None else range_deg
    front_share = p.uniform(0.4, 0.6)
    yield p.wait(p.uniform(1.5, 2.5))
    done = planned = 0
    while (done < n_reps or patience_s is not None) and not p.closing:
        if done >= n_reps and patience_s is not None:
            yield p.wait(patience_s)
            if p.closing:
                break
        is_partial = planned == partial_at
        size = total * (p.uniform(0.27, 0.43) if is_partial else p.uniform(0.92, 1.08))
        start_s = p.at_s
        arch, flat = size * front_share, -size * (1 - front_share)
        tremor = shaking.for_rep(planned) if shaking else None
        cycle = _arch_and_flatten(p, arch, flat, is_partial)
        stretch.cycles.append(cycle)
        if tremor:
            Shaking.note(stretch, Shaking.apply(p, {"pelvis": p.body.pelvic_tilt}, start_s, p.at_s, *tremor))
        planned += 1
        done += not is_partial
        yield p.at_s
        if planned == cough_after:
            p.at_s += 0.4
            p.at_s += p.cough() + 0.6
            yield p.at_s
    took_s = p.uniform(0.8, 1.5)
    tilt_pelvis(p, 0.0, took_s)
    yield p.wait(took_s + 0.5)


def _arch_and_flatten(p: Person, arch_deg: float, flat_deg: float, is_partial: bool) -> CycleTruth:
    start_s = p.at_s
    up_s, top_s, down_s, pause_s = _tempo(p, 3.0, 8.0)
    tilt_pelvis(p, arch_deg, up_s)
    p.at_s += up_s + top_s
    arch_s = start_s + up_s + top_s / 2
    tilt_pelvis(p, flat_deg, down_s)
    p.at_s += down_s
    rest_s = min(pause_s, 1.5)
    flatten_s = p.at_s + rest_s / 2
    p.at_s += rest_s
    return CycleTruth(start_s, arch_s, flatten_s, p.at_s, arch_deg, flat_deg, is_partial)


def pelvic_hold(
    p: Person, stretch: StretchTruth, *, hold_s: float | None, depth_deg: float | None = None,
    shaking: Shaking | None = None,
) -> Plan:  # fmt: skip
    """Flatten and hold, shaking or not, until `hold_s` is over or the coach closes the step; then let go."""
    yield from onto_back(p)
    yield from draw_up(p, *SIDES)
    stretch.start_s = p.at_s
    yield p.wait(p.uniform(0.8, 1.5))
    depth = p.uniform(4, 12) if depth_deg is None else depth_deg
    took_s = p.uniform(1.0, 2.0)
    tilt_pelvis(p, -depth, took_s)
    stretch.values["posterior_deg"] = -depth
    yield p.wait(took_s)
    stretch.hold_start_s = p.at_s
    end_s = NEVER if hold_s is None else p.at_s + hold_s
    shakes_from_s = p.at_s + (shaking.onset_s if shaking else NEVER)
    tremor = shaking.for_hold() if shaking else None
    tracks: dict[Placement, Track] = {"pelvis": p.body.pelvic_tilt}
    tracks |= {thigh_of(side): p.body.legs[side].bend for side in SIDES}
    while p.at_s < end_s and not p.closing:
        piece_s = min(1.0, max(0.5, end_s - p.at_s))
        if tremor and p.at_s >= shakes_from_s:
            fade_s = 0.4
            noted = Shaking.apply(p, tracks, p.at_s, p.at_s + piece_s + fade_s, *tremor, fade_s=fade_s)
            Shaking.note(stretch, noted)
        yield p.wait(piece_s)
    stretch.hold_s = p.at_s - stretch.hold_start_s
    yield from let_go(p)


def leg_back(
    p: Person, side: Side, stretch: StretchTruth, *, pause_s: float | None, hold_s: float | None,
    swing_deg: float | None = None, swing_s: float | None = None, halt_s: float = 0.0, trembles_deg: float = 0.0,
) -> Plan:  # fmt: skip
    """The top leg straightens in line with the body, pauses, swings behind and lies heavy.

    Args:
        swing_s: how long the swing takes.
        halt_s: so long it halts half way.
        trembles_deg: the leg that is held in the air shakes this much, up and down and to and fro, until it lies.
    """
    yield from onto_side(p, side)
    stretch.start_s = p.at_s
    leg, b = p.body.legs[side], p.build[side]
    took_s = p.uniform(2.0, 3.0)
    p.move_leg(side, took_s, plane_deg=p.uniform(-3, 5), bend_deg=b.straight_bend_deg, tilt_deg=0.8 * b.top_tilt_deg)
    p.leg_pose[side] = "back"
    yield p.wait(took_s + 0.3)
    stretch.values["pause_start_s"] = p.at_s
    _tremble(p, side, trembles_deg, 3.0 if pause_s is None else pause_s)
    if pause_s is not None:
        yield p.wait(pause_s)
    else:
        yield p.wait(3.0)
        while "back" not in p.heard and not p.closing:
            yield NEVER
        if "back" not in p.heard:
            return
    swing = p.uniform(15, 27) if swing_deg is None else swing_deg
    took_s = p.uniform(1.5, 3.0)
    took_s = took_s if swing_s is None else swing_s
    stretch.values["swing_start_s"] = p.at_s
    _tremble(p, side, trembles_deg, took_s + halt_s)
    if halt_s:
        p.move(leg.heading, -sign_of(side) * 0.5 * swing, 0.5 * took_s)
        p.wobble(thigh_of(side), 0.5 * swing, 0.5 * took_s)
        yield p.wait(0.5 * took_s + halt_s)
        took_s *= 0.5
    p.move(leg.heading, -sign_of(side) * swing, took_s)
    p.wobble(thigh_of(side), swing / (2 if halt_s else 1), took_s)
    yield p.wait(took_s)
    stretch.values |= {"swing_end_s": p.at_s, "back_swing_deg": swing}
    stretch.hold_start_s = p.at_s
    p.sink(leg.axis_tilt, -p.uniform(0.5, 3) * p.on.axis_tilt, p.uniform(6, 15))
    yield from idle(p, hold_s, is_restless=False)
    stretch.hold_s = p.at_s - stretch.hold_start_s


def _tremble(p: Person, side: Side, peak_deg: float, seconds: float) -> None:
    """A leg that is held in the air shakes, up and down and to and fro."""
    if peak_deg:
        leg, freq_hz = p.body.legs[side], float(stream(p.seed, "trembling leg").uniform(4.5, 9.0))
        for track in (leg.plane, leg.heading):
            p.shake({thigh_of(side): track}, p.at_s, p.at_s + seconds + 0.4, freq_hz, peak_deg)


def rocking(
    p: Person, stretch: StretchTruth, *, seconds: float | None, freq_hz: float | None = None,
    amplitude_deg: float | None = None, wander: float = 0.0,
) -> Plan:  # fmt: skip
    """A small rhythmic roll of the whole body, about 1 Hz, that fades in and out.

    With `wander` pace and size are not constant: this share (s.d.) of the pace, three times as much of the size.
    """
    yield from let_go(p)
    stretch.start_s = p.at_s
    freq = p.uniform(0.8, 1.2) if freq_hz is None else freq_hz
    size = p.uniform(1.5, 4.0) if amplitude_deg is None else amplitude_deg
    stretch.values |= {"freq_hz": freq, "amplitude_deg": size}
    yield p.wait(0.5)
    end_s = NEVER if seconds is None else p.at_s + seconds
    fade_s, piece_s, begin_s = 2.0, 2.0, p.at_s
    rhythm = _wandering(p.seed, freq, size * DEG, wander) if wander else None
    while p.at_s < end_s and not p.closing:
        wave = (np.array([freq]), np.array([size * DEG]), np.zeros(1))
        until_s = p.at_s + piece_s + fade_s
        if rhythm is None:
            p.body.roll.add(Burst(p.at_s, until_s, *wave, fade_s, fade_s))
        else:
            p.body.roll.add(Sway(p.at_s, until_s, rhythm, fade_s, fade_s))
        p.busy_until(until_s)
        yield p.wait(piece_s)
    stretch.values |= {"rock_start_s": begin_s, "rock_end_s": p.at_s + fade_s, "duration_s": p.at_s - begin_s}
    if rhythm is not None:
        stretch.values |= _wandered(rhythm, begin_s + fade_s, p.at_s)
    yield p.wait(fade_s)


def _wandering(seed: int, freq_hz: float, peak_rad: float, wander: float) -> Rhythm:
    """A rhythm whose pace wanders by `wander` (s.d. as a share), over 3 to 20 seconds."""
    rng, n = stream(seed, "rhythm"), 5
    slow_hz = np.geomspace(0.05, 0.35, n) * rng.uniform(0.9, 1.1, n)
    share = rng.uniform(0.7, 1.3, n)
    share *= wander * np.sqrt(2.0 / np.sum(share**2))
    return Rhythm(freq_hz, peak_rad, slow_hz, share, 3.0 * share[::-1], rng.uniform(0, 2 * np.pi, n))


def _wandered(rhythm: Rhythm, start_s: float, end_s: float) -> dict[str, float]:
    """What the rhythm was like: rate, size and steadiness (1 - s.d. over mean of the single rocks' lengths)."""
    t_s = np.arange(start_s, end_s, 0.002)
    phase = rhythm.phase_rad(t_s).value / (2 * np.pi)
    turns = np.arange(np.ceil(phase[0]), phase[-1])
    periods = np.diff(np.interp(turns, phase, t_s))
    return {
        "freq_hz": float(1.0 / np.median(periods)),
        "amplitude_deg": float(np.median(rhythm.size(t_s).value)) / DEG,
        "steadiness": float(1.0 - np.std(periods) / np.mean(periods)),
    }


def knee_in(p: Person, stretch: StretchTruth, *, seconds: float | None, angle_deg: float | None = None) -> Plan:
    """Feet wide, both knees drop inward until they touch."""
    yield from onto_back(p)
    yield from draw_up(p, *SIDES)
    stretch.start_s = p.at_s
    yield p.wait(3.0)
    p.at_s = p.breathing.next_exhale(p.at_s) + 0.2
    took_s = p.uniform(1.5, 3.0)
    for side in SIDES:
        inward = p.uniform(18, 35) if angle_deg is None else angle_deg
        p.move_leg(side, took_s, plane_deg=p.build[side].up_plane_deg - inward)
        p.leg_pose[side] = "in"
        stretch.values[f"{side}_angle_deg"] = inward
    if stretch.side is not None:
        stretch.values["angle_deg"] = stretch.values[f"{stretch.side}_angle_deg"]
    yield p.wait(took_s)
    stretch.values["arrival_s"] = p.at_s
    yield from idle(p, seconds)


def knee_roll(
    p: Person, side: Side, stretch: StretchTruth, *, n_reps: int, range_deg: float | None = None,
) -> Plan:  # fmt: skip
    """Both knees swing out to `side` and over to the other, `n_reps` times each."""
    yield from onto_back(p)
    yield from draw_up(p, *SIDES)
    stretch.start_s = p.at_s
    whole = p.uniform(25, 50) if range_deg is None else range_deg
    yield p.wait(p.uniform(1.5, 2.5))
    for _ in range(n_reps):
        for direction, sign in (("out", 1), ("in", -1)):
            if p.closing:
                break
            size = whole * p.uniform(0.92, 1.08)
            out_s, hold_s, back_s, pause_s = _tempo(p, 2.5, 7.0)
            start_s = p.at_s
            for knee in SIDES:
                outward = sign if knee == side else -sign
                p.move_leg(knee, out_s, plane_deg=p.build[knee].up_plane_deg + outward * size)
            p.move(p.body.pelvis_roll, -sign_of(side) * sign * 0.25 * size, out_s)
            p.at_s += out_s + hold_s
            for knee in SIDES:
                p.move_leg(knee, back_s, plane_deg=p.build[knee].up_plane_deg)
            p.move(p.body.pelvis_roll, 0.0, back_s)
            p.at_s += back_s
            stretch.reps.append(RepTruth(start_s, start_s + out_s + hold_s / 2, p.at_s, size, direction=direction))
            p.at_s += min(pause_s, 1.0)
            yield p.at_s


def free(p: Person, stretch: StretchTruth, *, seconds: float | None) -> Plan:
    """A few small movements of whatever wants to move."""
    yield from let_go(p)
    yield from onto_back(p)
    stretch.start_s = p.at_s
    end_s = NEVER if seconds is None else p.at_s + seconds
    moved = 0
    while p.at_s < end_s and not p.closing:
        if moved < 5 or seconds is not None:
            took_s = p.uniform(1.0, 2.5)
            side = SIDES[int(p.rng.integers(2))]
            leg = p.body.legs[side]
            p.move_leg(side, took_s, plane_deg=leg.plane.settled / DEG + p.uniform(-10, 12))
            p.move(leg.heading, p.uniform(-8, 8), took_s)
            p.at_s += took_s
            moved += 1
        yield p.wait(p.uniform(0.8, 4.0))
    for side in SIDES:
        p.move(p.body.legs[side].heading, 0.0, 1.5)
        p.leg_pose[side] = "moved"
        yield from straighten(p, side)

"""What a person does when a step begins: one plan of movement per step, ready to be planned piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sensorsoma.messages import Exercise, Side
from sensorsoma.simulate import movements as m
from sensorsoma.simulate import own_will
from sensorsoma.simulate import repetitions as r
from sensorsoma.simulate.body import SIDES
from sensorsoma.simulate.habits import Habits
from sensorsoma.simulate.person import Person, Plan
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.shaking import Shaking
from sensorsoma.simulate.temperament import Temperament
from sensorsoma.simulate.truth import StretchTruth

ENDLESS = 10**6


@dataclass(frozen=True, slots=True)
class Heard:
    """A step as the person understands it."""

    do: Exercise
    side: Side | None
    step_id: str
    continues: bool
    asked: Mapping[str, Any]
    pose: str | None


def follow(
    p: Person, step: Heard, temperament: Temperament, wants_shaking: bool, options: Mapping[str, Any],
    habits: Habits | None = None,
) -> Plan:  # fmt: skip
    """The movements of one step; `options` are fixed wishes for this kind of step (`range_deg` ...)."""
    habits = habits or Habits()
    asked_reps = step.asked.get("reps")
    n_reps = ENDLESS if asked_reps is None else int(asked_reps)
    given = dict(options)
    if step.continues:
        yield from _go_on(p, step, given)
        return
    stretch = m.begin_stretch(p, StretchTruth(step.do, step.side, p.at_s, step_id=step.step_id))
    side: Side = step.side or "right"
    patience = temperament.patience_s if asked_reps is not None and n_reps > 1 and habits.reps is None else None
    if step.do == "knee_fall":
        yield from m.knee_fall(p, side, stretch, pause_s=None, **given)
    elif step.do == "clamshell":
        cough, partial = _mishaps(p, n_reps)
        shaking = _shaking(p, step, wants_shaking or habits.shakes_from_rep is not None)
        if shaking is not None and habits.shakes_from_rep is not None:
            shaking = replace(shaking, from_rep=habits.shakes_from_rep - 1)
        plan = r.clamshell(p, side, stretch, n_reps=n_reps, shaking=shaking,
                           cough_after=cough, partial_at=partial, min_rep_s=temperament.rep_s[0],
                           max_rep_s=temperament.rep_s[1], patience_s=patience, **given)  # fmt: skip
        if habits.rolls_after_reps is not None:
            plan = own_will.rolling_after(p, plan, stretch, habits.rolls_after_reps)
        yield from plan if habits.reps is None else own_will.going_on(p, plan)
    elif step.do == "pelvic_rock":
        plan = r.pelvic_rock(p, stretch, n_reps=n_reps, patience_s=patience, **given)
        yield from plan if habits.reps is None else own_will.going_on(p, plan)
    elif step.do == "pelvic_hold":
        yield from r.pelvic_hold(p, stretch, hold_s=None, shaking=_shaking(p, step, wants_shaking), **given)
    elif step.do == "leg_back":
        yield from r.leg_back(p, side, stretch, pause_s=None, hold_s=None, **given)
    elif step.do == "rocking":
        yield from r.rocking(p, stretch, seconds=None, **given)
    elif step.do == "knee_roll":
        yield from r.knee_roll(p, side, stretch, n_reps=n_reps, **given)
    elif step.do == "knee_in":
        yield from r.knee_in(p, stretch, seconds=None, **given)
    elif step.do == "free":
        yield from r.free(p, stretch, seconds=None)
    else:
        yield from _lie(p, step, habits)


def _go_on(p: Person, step: Heard, given: dict[str, Any]) -> Plan:
    """Rest open, slide, settle: the stretch that a knee fall began goes on."""
    if step.do == "leg_slide":
        yield from m.slide_open(p, **given)
    elif step.do == "stillness":
        yield from m.settle(p, None, **given)
    else:
        if p.on.cough and p.rng.random() < 0.4:
            yield p.wait(p.uniform(8, 15))
            if not p.closing:
                p.at_s += p.cough()
        yield from m.idle(p, None)


def _lie(p: Person, step: Heard, habits: Habits) -> Plan:
    """Steps in which one changes the pose, or just lies."""
    if step.do == "roll_over":
        yield from m.let_go(p)
        if step.side is None:
            yield from m.onto_back(p)
            for side in SIDES:
                yield from m.straighten(p, side)
        else:
            yield from m.onto_side(p, step.side)
    elif step.do == "leg_slide" or step.pose == "straight":
        yield from m.let_go(p)
        yield from m.onto_back(p)
        for side in SIDES:
            yield from m.straighten(p, side)
    elif step.do == "rest":
        yield from m.let_go(p)
        if habits.rolls_in_rest_after_s is not None and p.posture in ("left_up", "right_up"):
            yield from own_will.roll_unasked(p, habits.rolls_in_rest_after_s)
    if step.pose == "straight":
        for side in SIDES:
            p.took_pose(side, "straight", p.at_s, p.at_s + 4.0)
        yield p.wait(6.0)
    yield from m.idle(p, None)


def _shaking(p: Person, step: Heard, wants: bool) -> Shaking | None:
    if not wants:
        return None
    n_reps = int(step.asked.get("reps") or 8)
    return Shaking.draw(stream(p.seed, "shaking", step.step_id), n_reps=n_reps)


def _mishaps(p: Person, n_reps: int) -> tuple[int | None, int | None]:
    """After which rep to cough, and which one to leave half done."""
    if not 2 < n_reps < ENDLESS:
        return None, None
    cough, partial = int(p.rng.integers(1, n_reps)), int(p.rng.integers(1, n_reps))
    return (cough if p.on.cough else None), (partial if p.on.partial_rep else None)

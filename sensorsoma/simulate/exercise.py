"""One simulated exercise: samples of every sensor worn, and the truth beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensorsoma.errors import UsageError
from sensorsoma.messages import PLACEMENTS, Exercise, Placement, Side, thigh_of
from sensorsoma.simulate import movements as m
from sensorsoma.simulate import repetitions as r
from sensorsoma.simulate.body import SIDES, Body
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.person import Person, Plan
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.sensor import Errors, Samples, Sensor, record
from sensorsoma.simulate.shaking import Shaking
from sensorsoma.simulate.truth import StretchTruth, Truth


@dataclass(frozen=True, slots=True, eq=False)
class Simulation:
    """Samples and truth of one simulated recording."""

    samples: dict[Placement, Samples]
    truth: Truth
    seed: int
    rate_hz: float
    duration_s: float
    difficulties: Difficulties
    name: str
    """The exercise or practice."""
    mounting: dict[Placement, Any] = field(default_factory=dict)
    """`(3, 3)` sensor axes as columns in segment axes, for checking."""
    body: Body | None = None
    """The body itself: exact motion at any time."""


@dataclass(slots=True)
class Wishes:
    """What the caller fixed; None means drawn from the seed."""

    side: Side
    shaking: Shaking | None
    n_reps: int
    options: dict[str, Any]
    cough_after: int | None = None
    partial_at: int | None = None

    def take(self, *names: str) -> dict[str, Any]:
        """The given options among `names`; those taken are used up."""
        return {name: self.options.pop(name) for name in names if name in self.options}


def simulate_exercise(
    exercise: Exercise,
    *,
    side: Side = "right",
    seed: int = 1,
    rate_hz: float = 104.0,
    difficulties: Difficulties | None = None,
    placements: Sequence[Placement] | None = None,
    shaking: bool | None = None,
    acc_only: bool = False,
    **options: Any,
) -> Simulation:
    """Samples and truth of one exercise, beginning with the still poses that an alignment needs.

    Args:
        exercise: any of `EXERCISES` with a movement (not "rest" or "unknown").
        side: the practised hip; the top leg in side-lying.
        seed: everything random follows from it; the movement does not depend on rate or placements.
        rate_hz: nominal sampling rate.
        difficulties: `Difficulties.all()` by default.
        placements: which sensors are worn; by default those that can see the exercise.
        shaking: True or False, or None for half of the seeds (clamshell, pelvic_hold; pelvic_rock never unless True).
        acc_only: sensors without a gyroscope.
        options: of the movement: `n_reps`, `range_deg`, `arrival_deg`, `sink_deg`, `rest_s`, `hold_s`, `seconds`,
            `shaking_freq_hz`, `shaking_peak_deg`, `lower_leg_drags`, `pelvis_share` ...; of all: `breath`, a
            `BreathStyle`, and `slip`, a `StrapSlip`.

    Raises:
        UsageError: an exercise without a movement, or an option that it does not have.
    """
    if exercise not in SCRIPTS:
        raise UsageError(f"{exercise!r} cannot be simulated; choose one of {', '.join(sorted(SCRIPTS))}")
    on = Difficulties.all() if difficulties is None else difficulties
    person = Person(seed, on)
    if "breath" in options:
        person.breathing.breathe(options.pop("breath"))
    slip = options.pop("slip", None)
    wishes = _wishes(person, exercise, side, seed, shaking, dict(options))
    run(SCRIPTS[exercise](person, wishes))
    if slip is not None:
        slip.happen(person)
    if wishes.options:
        raise UsageError(f"{exercise} has no option {', '.join(sorted(wishes.options))}")
    worn = tuple(placements) if placements is not None else default_placements(exercise, side)
    return sample(person, worn, rate_hz, exercise, acc_only=acc_only)


def _wishes(
    p: Person, exercise: Exercise, side: Side, seed: int, shaking: bool | None, options: dict[str, Any]
) -> Wishes:
    rng = stream(seed, "wishes")
    n_drawn, coin, cough, partial = int(rng.integers(5, 11)), rng.random(), rng.random(), rng.random()
    n_reps = int(options.pop("n_reps", n_drawn))
    wants = (coin < 0.5 and exercise in ("clamshell", "pelvic_hold")) if shaking is None else shaking
    freq, peak = options.pop("shaking_freq_hz", None), options.pop("shaking_peak_deg", None)
    drawn = Shaking.draw(stream(seed, "shaking"), freq_hz=freq, peak_deg=peak, n_reps=n_reps)
    wishes = Wishes(side, drawn if wants else None, n_reps, options)
    if n_reps > 1:
        wishes.cough_after = 1 + int(cough * (n_reps - 1)) if p.on.cough else None
        wishes.partial_at = 1 + int(partial * (n_reps - 1)) if p.on.partial_rep else None
    return wishes


def default_placements(exercise: Exercise, side: Side) -> tuple[Placement, ...]:
    """The sensors that see an exercise best."""
    if exercise in ("pelvic_rock", "pelvic_hold", "rocking"):
        return ("pelvis", thigh_of(side))
    if exercise == "breathing":
        return ("belly", thigh_of(side))
    return (thigh_of(side),)


def run(plan: Plan) -> None:
    """Plan a movement to its end."""
    for _ in plan:
        pass


def sample(
    person: Person, placements: Sequence[Placement], rate_hz: float, name: str, *, acc_only: bool = False
) -> Simulation:
    """Sample everything that a person has planned so far."""
    unknown = set(placements) - set(PLACEMENTS)
    if unknown:
        raise UsageError(f"unknown placement {', '.join(sorted(unknown))}; choose from {', '.join(PLACEMENTS)}")
    duration_s = person.at_s
    person.breathing.keep_step([cycle for stretch in person.truth.stretches for cycle in stretch.cycles])
    person.breathing.ensure(duration_s)
    person.truth.breaths[:] = [breath for breath in person.truth.breaths if breath.end_s <= duration_s]
    person.truth.person["breaths_per_min"] = 60 / person.breathing.period_s
    sensors = {
        place: Sensor(person.body, place, Errors.draw(person.seed, place, rate_hz, person.on), person.seed)
        for place in placements
    }
    return Simulation(
        samples={
            place: record(sensor, rate_hz, duration_s, person.seed, acc_only=acc_only)
            for place, sensor in sensors.items()
        },
        truth=person.truth, seed=person.seed, rate_hz=rate_hz, duration_s=duration_s, difficulties=person.on,
        name=name, mounting={place: sensor.errors.mounting for place, sensor in sensors.items()},
        body=person.body,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------ scripts


def _poses(p: Person, *up: Side) -> Plan:
    """Straight and still, then knees up and still: what an alignment needs."""
    yield from m.still_pose(p, p.uniform(4.5, 7.0), *SIDES)
    if up:
        yield from m.draw_up(p, *up)
        yield from m.still_pose(p, p.uniform(3.5, 5.0), *up)


def _close(p: Person, stretch: StretchTruth, after_s: float = 1.5) -> Plan:
    stretch.end_s = p.at_s
    yield p.wait(after_s)


def _stretch(p: Person, exercise: Exercise, side: Side | None) -> StretchTruth:
    return m.begin_stretch(p, StretchTruth(exercise, side, p.at_s))


def _knee_fall(p: Person, w: Wishes) -> Plan:
    yield from m.still_pose(p, p.uniform(4.5, 7.0), *SIDES)
    n_falls, rest_s = w.take("n_falls").get("n_falls", 1), w.take("rest_s").get("rest_s")
    fall = w.take("arrival_deg", "sink_deg", "fall_s", "pelvis_share", "pose_spread_deg")
    slide = w.take("kept_share", "slide_s")
    settle = w.take("residual_deg")
    for index in range(n_falls):
        stretch = _stretch(p, "knee_fall", w.side)
        yield p.wait(0.5)
        yield from m.knee_fall(p, w.side, stretch, pause_s=p.uniform(3.2, 5.0), **fall)
        yield from _rest_open(p, p.uniform(25, 60) if rest_s is None else rest_s, index == 0)
        yield from m.slide_open(p, **slide)
        yield from m.settle(p, p.uniform(14, 18), **settle)
        yield from _close(p, stretch)


def _rest_open(p: Person, seconds: float, has_cough: bool) -> Plan:
    end_s = p.at_s + seconds
    if has_cough and p.on.cough and seconds > 15:
        yield from m.idle(p, p.uniform(0.3, 0.7) * seconds)
        p.at_s += p.cough()
        yield p.at_s
    if end_s > p.at_s:
        yield from m.idle(p, end_s - p.at_s)
    yield p.wait(1.0)


def _clamshell(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *((w.side, m.other(w.side))))
    yield from m.onto_side(p, w.side)
    stretch = _stretch(p, "clamshell", w.side)
    options = w.take("range_deg", "lower_leg_drags", "pelvis_share", "min_rep_s", "max_rep_s")
    options.setdefault("range_deg", p.uniform(10, 70))
    options.setdefault("lower_leg_drags", bool(p.rng.random() < 0.3))
    yield from r.clamshell(p, w.side, stretch, n_reps=w.n_reps, shaking=w.shaking, cough_after=w.cough_after,
                           partial_at=w.partial_at, **options)  # fmt: skip
    yield from _close(p, stretch)


def _pelvic_rock(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    stretch = _stretch(p, "pelvic_rock", None)
    yield from r.pelvic_rock(p, stretch, n_reps=w.n_reps, shaking=w.shaking, cough_after=w.cough_after,
                             partial_at=w.partial_at, **w.take("range_deg"))  # fmt: skip
    yield from _close(p, stretch)


def _pelvic_hold(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    stretch = _stretch(p, "pelvic_hold", None)
    hold_s = w.take("hold_s").get("hold_s")
    yield from r.pelvic_hold(p, stretch, hold_s=p.uniform(10, 25) if hold_s is None else hold_s, shaking=w.shaking,
                             **w.take("depth_deg"))  # fmt: skip
    yield from m.idle(p, 4.0)
    yield from _close(p, stretch)


def _leg_back(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, w.side)
    yield from m.onto_side(p, w.side)
    stretch = _stretch(p, "leg_back", w.side)
    hold_s = w.take("hold_s").get("hold_s")
    yield from r.leg_back(p, w.side, stretch, pause_s=p.uniform(3.2, 5.0),
                          hold_s=p.uniform(15, 40) if hold_s is None else hold_s,
                          **w.take("swing_deg", "swing_s", "halt_s", "trembles_deg"))  # fmt: skip
    yield from _close(p, stretch)
    yield from m.let_go(p)
    yield p.wait(1.0)


def _rocking(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    yield from m.onto_side(p, w.side)
    stretch = _stretch(p, "rocking", None)
    seconds = w.take("seconds").get("seconds")
    yield from r.rocking(p, stretch, seconds=p.uniform(20, 40) if seconds is None else seconds,
                         **w.take("freq_hz", "amplitude_deg", "wander"))  # fmt: skip
    yield from _close(p, stretch)
    yield from m.idle(p, 8.0)


def _knee_in(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    stretch = _stretch(p, "knee_in", w.side)
    seconds = w.take("seconds").get("seconds", 20.0)
    yield from r.knee_in(p, stretch, seconds=seconds, **w.take("angle_deg"))
    yield from _close(p, stretch)


def _knee_roll(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    stretch = _stretch(p, "knee_roll", w.side)
    yield from r.knee_roll(p, w.side, stretch, n_reps=w.n_reps, **w.take("range_deg"))
    yield from _close(p, stretch)


def _leg_slide(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    stretch = _stretch(p, "leg_slide", w.side)
    yield p.wait(1.0)
    stretch.values["slide_start_s"] = p.at_s
    for side in SIDES:
        yield from m.straighten(p, side)
        stretch.values[f"{side}_straight_s"] = p.at_s
    yield p.wait(5.0)
    yield from _close(p, stretch)


def _lying(exercise: Exercise) -> Callable[[Person, Wishes], Plan]:
    def script(p: Person, w: Wishes) -> Plan:
        yield from _poses(p, w.side)
        stretch = _stretch(p, exercise, None)
        seconds = w.take("seconds").get("seconds", 60.0)
        restless_s = w.take("restless_s").get("restless_s")
        if restless_s is not None:
            yield from m.become_still(p, restless_s)
        yield from m.idle(p, seconds)
        yield from _close(p, stretch)

    return script


def _roll_over(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, *SIDES)
    stretch = _stretch(p, "roll_over", w.side)
    yield p.wait(1.0)
    yield from m.onto_side(p, w.side)
    yield from m.idle(p, 5.0)
    yield from _close(p, stretch)
    back = _stretch(p, "roll_over", None)
    yield from m.onto_back(p)
    yield from m.idle(p, 5.0)
    yield from _close(p, back)


def _free(p: Person, w: Wishes) -> Plan:
    yield from _poses(p, w.side)
    stretch = _stretch(p, "free", None)
    yield from r.free(p, stretch, seconds=w.take("seconds").get("seconds", 30.0))
    yield from _close(p, stretch)


SCRIPTS: dict[str, Callable[[Person, Wishes], Plan]] = {
    "knee_fall": _knee_fall,
    "clamshell": _clamshell,
    "pelvic_rock": _pelvic_rock,
    "pelvic_hold": _pelvic_hold,
    "leg_back": _leg_back,
    "rocking": _rocking,
    "knee_in": _knee_in,
    "knee_roll": _knee_roll,
    "leg_slide": _leg_slide,
    "roll_over": _roll_over,
    "breathing": _lying("breathing"),
    "stillness": _lying("stillness"),
    "free": _free,
}

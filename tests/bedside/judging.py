"""Rules of the bedside, checked against what really happened: one sentence for every breach.

    violations(evening)   all of them; an empty list is a good evening
    figures(evening)      how quiet and how prompt it was

Nothing here knows how the coach decides; the rules are those of a calm person in the room, and the times of movements
are the virtual person's own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bedside.evening import Evening, Said
from bedside.expected import ended_as_expected, is_seen, numbers_off, seen_well

from sensorsoma.messages import SensorMoved, SessionEnded, StepClosed, StepFinished, StepStarted

MAX_SENTENCES_PER_MIN = 6
TOUCH_S = 0.05
"""The end of a cue is reported with the next tick of the clock."""
NOTICE_S = 1.0
"""A movement that has just begun cannot be known yet by anybody who watches."""
LANDING_S = 0.4
"""The last degrees of a movement take as long as that and look like rest."""
POSE_S = 1.5
"""A pose that was asked for is left in quiet for at least so long."""
COUNT_LATE_S = 3.5
"""A count that comes later than this after the movement belongs to nothing. The last flattening of a set is often kept,
so that nothing shows for three seconds that it is over."""

ANSWERS = ("paused", "resumed", "stopped")
DURING_REPS = ("count", "shaking", ".slower", ".range_less", ".range_more")
"""What may be said while somebody goes on repeating: the count, and a remark about what was just done."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that is not talked over."""

    what: str
    step_id: str | None
    start_s: float
    end_s: float
    allowed: tuple[str, ...] = ()


def violations(evening: Evening, *, ended_by: str = "plan") -> list[str]:
    """Every breach of a rule in a practice that was followed to its end."""
    return [
        *overlaps(evening),
        *over_movements(evening),
        *talkative(evening),
        *step_order(evening, ended_by),
        *unexpected_ends(evening),
        *wrong_numbers(evening),
        *wrong_counts(evening),
        *missing_counts(evening),
    ]


def always_true(evening: Evening) -> list[str]:
    """Rules that hold for everybody, also for those who do not follow."""
    return [*overlaps(evening), *talkative(evening), *wrong_counts(evening)]


def figures(evening: Evening) -> dict[str, Any]:
    """How quiet and how prompt: sentences in the busiest minute, lateness of counts after the true repetitions."""
    late = [lateness for _, lateness, _ in count_times(evening)]
    return {
        "max_sentences_per_min": max((n for _, n, _ in busiest_minutes(evening)), default=0),
        "n_counts": len(late),
        "worst_count_late_s": max(late, default=None),
        "worst_arrival_late_s": max(arrival_lateness(evening), default=None),
    }


# ------------------------------------------------------------------------------------------------- speaking


def overlaps(evening: Evening) -> Iterator[str]:
    """One voice, one thing at a time; only an answer to the person cuts in."""
    for before, after in itertools.pairwise(evening.said()):
        if not after.cue.is_interrupting and after.start_s < before.end_s - TOUCH_S:
            yield f"{after.start_s:.1f} s: '{after.cue.key}' begins while '{before.cue.key}' is being said"


def over_movements(evening: Evening) -> Iterator[str]:
    """Nothing is begun while the knee falls, a leg slides, a repetition is under way or a pose is being held.

    Only what a worn sensor sees well can be waited for.
    """
    moving = [movement for movement in movements(evening.truth) if _is_watched(evening, movement)]
    for said in evening.said():
        if said.cue.key in ANSWERS or said.cue.is_interrupting:
            continue
        for movement in moving:
            if movement.start_s < said.start_s < movement.end_s and not _is_allowed(said, movement):
                yield (
                    f"{said.start_s:.1f} s: '{said.cue.key}' is said over the {movement.what} "
                    f"({movement.start_s:.1f}-{movement.end_s:.1f} s)"
                )


def _is_watched(evening: Evening, movement: Movement) -> bool:
    worn = worn_at(evening, movement.start_s)
    if movement.step_id is None:
        return any(place.endswith("thigh") for place in worn)
    return seen_well(evening.step_of(movement.step_id), worn)


def _is_allowed(said: Said, movement: Movement) -> bool:
    return any(said.cue.key == key or said.cue.key.endswith(key) for key in movement.allowed)


def movements(truth: Mapping[str, Any]) -> Iterator[Movement]:
    """What the person did that is waited for, by their own times."""
    for stretch in truth["stretches"]:
        fall, step_id = stretch["fall"], stretch["step_id"]
        if fall is not None and fall["arrival_s"] is not None:
            yield _within("fall", step_id, fall["fall_start_s"], fall["arrival_s"])
        if fall is not None and fall["slide_end_s"] is not None:
            yield _within("slide", step_id, fall["rest_end_s"], fall["slide_end_s"])
        for rep in (*stretch["reps"], *stretch["cycles"]):
            yield _within("repetition", step_id, rep["start_s"], rep["end_s"], DURING_REPS)
        pause_s = stretch["values"].get("pause_start_s")
        if pause_s is not None:
            yield Movement("pause with the leg in line", step_id, pause_s, pause_s + POSE_S)
    for pose in truth["poses"]:
        yield Movement(f"pause of the pose {pose['pose']}", None, pose["start_s"], pose["start_s"] + POSE_S)


def _within(what: str, step_id: str, start_s: float, end_s: float, allowed: tuple[str, ...] = ()) -> Movement:
    return Movement(what, step_id, start_s + NOTICE_S, end_s - LANDING_S, allowed)


def busiest_minutes(evening: Evening) -> Iterator[tuple[str, int, float]]:
    """Of every step: name, most sentences in any minute within it, when that minute began."""
    said = evening.said()
    for step_id, start_s, end_s in evening.spans():
        within = [(one.start_s, one.n_sentences) for one in said if start_s <= one.start_s < end_s]
        sums = [(sum(n for t_s, n in within if from_s <= t_s < from_s + 60.0), from_s) for from_s, _ in within]
        most, when_s = max(sums, default=(0, start_s))
        yield step_id, most, when_s


def talkative(evening: Evening) -> Iterator[str]:
    """At most six sentences in any minute of a step, counts and breath words apart."""
    for step_id, most, when_s in busiest_minutes(evening):
        if most > MAX_SENTENCES_PER_MIN:
            yield f"{step_id}: {most} sentences in the minute from {when_s:.1f} s"


# ----------------------------------------------------------------------------------------------- the steps


def step_order(evening: Evening, ended_by: str) -> Iterator[str]:
    """Every step of the plan begins, ends and is finished once, in order, and then the session is over."""
    planned = [step.id for step in evening.plan.steps]
    for kind in (StepStarted, StepClosed, StepFinished):
        found = [event.step_id for event in evening.of(kind)]  # type: ignore[attr-defined]  # all three have it
        if found != planned:
            yield f"{kind.__name__}: expected the steps {planned}, found {found}"
    ends = [event.ended_by for event in evening.of(SessionEnded)]
    if ends != [ended_by]:
        yield f"the session ended by {ends}, expected {ended_by}"


def worn_at(evening: Evening, t_s: float) -> tuple[str, ...]:
    """Where sensors sit: the one that was moved sits elsewhere, the belly's phone is put aside for the first roll."""
    worn = list(evening.worn)
    for moved in evening.of(SensorMoved):
        if moved.t_s <= t_s:
            worn = [moved.placement if place == moved.channel else place for place in worn]
    rolls = [step.t_s for step in evening.of(StepStarted) if step.do == "roll_over"]
    if rolls and rolls[0] <= t_s:
        worn = [place for place in worn if place != "belly"]
    return tuple(worn)


def unexpected_ends(evening: Evening) -> Iterator[str]:
    """Each step ends as the practice says, and is measured where the table of the practices says it can be seen."""
    for finished in evening.of(StepFinished):
        step, worn = evening.step_of(finished.step_id), worn_at(evening, finished.start_s)
        allowed = ended_as_expected(step, worn)
        if finished.ended_by not in allowed:
            yield f"{step.id}: ended by {finished.ended_by}, expected {' or '.join(sorted(allowed))} with {worn}"
        if is_seen(step, worn) not in (None, finished.is_measured):
            what = "measured" if finished.is_measured else "not measured"
            yield f"{step.id}: {what}, the practice's table says otherwise for {worn}"
        if not finished.is_measured and any(value is not None for value in finished.done.values()):
            yield f"{step.id}: not measured, but it has numbers: {dict(finished.done)}"


def wrong_numbers(evening: Evening) -> Iterator[str]:
    """What is reported is what the person did."""
    for finished in evening.of(StepFinished):
        if not finished.is_measured:
            continue
        step, worn = evening.step_of(finished.step_id), worn_at(evening, finished.start_s)
        real = evening.stretch(head_of(evening, finished.step_id))
        was_moved = bool(evening.of(SensorMoved))
        for problem in numbers_off(step, worn, finished.done, real, end_s=finished.end_s, was_moved=was_moved):
            yield f"{step.id}: {problem}"


def head_of(evening: Evening, step_id: str) -> str:
    """The step that began the stretch which a step belongs to."""
    ids = [step.id for step in evening.plan.steps]
    index = ids.index(step_id)
    while evening.plan.steps[index].continues:
        index -= 1
    return ids[index]


# ------------------------------------------------------------------------------------------------ counting


def wrong_counts(evening: Evening) -> Iterator[str]:
    """No number twice, and each is said as its true whole repetition comes to its end."""
    spoken = list(_counts(evening))
    for step_id, cues in spoken:
        words = [said.cue.text for said in cues]
        if len(set(words)) != len(words):
            yield f"{step_id}: a number is said twice: {words}"
    for text, lateness, after_top in count_times(evening):
        if after_top < 0 or lateness > COUNT_LATE_S:
            yield f"{text} comes {lateness:.1f} s after the repetition, {after_top:.1f} s after its top"


def missing_counts(evening: Evening) -> Iterator[str]:
    """Every repetition that the plan wants counted aloud is, where it is seen well."""
    spoken = {step_id: len(cues) for step_id, cues in _counts(evening)}
    for step_id, start_s, _ in evening.spans():
        step, stretch = evening.step_of(step_id), evening.stretch(step_id)
        if step.reps is None or stretch is None or not seen_well(step, worn_at(evening, start_s)):
            continue
        if evening.plan.counts_of(step) == "every" and spoken.get(step_id, 0) < min(step.reps, stretch["count"]):
            yield f"{step_id}: {spoken.get(step_id, 0)} counts are said of {stretch['count']}"


def count_times(evening: Evening) -> list[tuple[str, float, float]]:
    """Every spoken count: how long after the end and after the top of its true repetition it begins, seconds."""
    found = []
    for step_id, cues in _counts(evening):
        stretch = evening.stretch(step_id)
        if stretch is None or not seen_well(evening.step_of(step_id), worn_at(evening, cues[0].start_s)):
            continue
        whole = [rep for rep in (*stretch["reps"], *stretch["cycles"]) if not rep["partial"]]
        for said in cues:
            n = NUMBERS.index(said.cue.text.rstrip(".").lower()) + 1
            rep = whole[n - 1] if n <= len(whole) else {"end_s": math.inf, "peak_s": math.inf}
            top_s = rep["arch_s"] if "arch_s" in rep else rep["peak_s"]
            found.append((f"{step_id}: '{said.cue.text}'", said.start_s - rep["end_s"], said.start_s - top_s))
    return found


NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


def _counts(evening: Evening) -> Iterator[tuple[str, list[Said]]]:
    said = evening.said()
    for step_id, start_s, end_s in evening.spans():
        cues = [one for one in said if one.cue.kind == "count" and start_s <= one.start_s < end_s]
        if cues:
            yield step_id, cues


def arrival_lateness(evening: Evening) -> list[float]:
    """How long after the true arrival of each fall the step of resting begins, where a sensor sees it, seconds."""
    late = []
    ends = {step_id: end_s for step_id, _, end_s in evening.spans()}
    for step in evening.plan.steps:
        stretch = evening.stretch(step.id) if step.do == "knee_fall" else None
        if stretch is None or stretch["fall"] is None or stretch["fall"]["arrival_s"] is None or step.id not in ends:
            continue
        if seen_well(step, worn_at(evening, ends[step.id])):
            late.append(ends[step.id] - stretch["fall"]["arrival_s"])
    return late

"""A plan as a table: what ends each step, about how long it takes, and what sees it."""

from __future__ import annotations

from collections.abc import Sequence

from sensorsoma.coach.coverage import StepSeen, coverage
from sensorsoma.coach.pace import PACE, guided_s, speaking_s
from sensorsoma.coach.run import RunParams
from sensorsoma.coach.script import Script
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.words import Words, load_words
from sensorsoma.messages import Placement

TITLE_WIDTH = 44
"""A longer title is cut in the table, so that the columns stay in place."""


SLIDE_S = 8.0
"""A slide that is seen ends its step, sooner than time does when nothing sees it [simulated people: 6-7 s]."""


def expected_times(plan: Plan, words: Words | None = None) -> list[float]:
    """About how long each step takes, seconds: its words, then its movement; an open step counts as two minutes."""
    script = Script(plan, words or load_words())
    times = []
    for step in plan.steps:
        spoken = speaking_s(" ".join(script.opening(step, is_belly_worn=False)[1]))
        times.append(spoken + (PACE.open_s if step.open else _moves_s(plan, step)))
    return times


def expected_s(plan: Plan, words: Words | None = None) -> float:
    """About how long the whole takes, seconds, with the first and the last words and without open steps."""
    words = words or load_words()
    around = sum(speaking_s(" ".join(words.sentences("session", moment, {}))) for moment in ("welcome", "end"))
    times = expected_times(plan, words)
    return around + sum(took for step, took in zip(plan.steps, times, strict=True) if not step.open)


def _moves_s(plan: Plan, step: Step) -> float:
    """Seconds of a step beside its words."""
    if step.event == "straight":
        return SLIDE_S
    if step.do == "leg_back":
        return guided_s(plan, step) + PACE.leg_line_s
    return guided_s(plan, step) + (RunParams().after_last_rep_s if step.reps is not None else 0.0)


def plan_summary(plan: Plan, worn: Sequence[Placement] | None = None) -> str:
    """The plan as text: one line for each step with what ends it and about how long it takes, and the whole.

    Args:
        worn: placements that are worn; then each line tells by which of them the step is seen. None: nothing is told.
    """
    times = expected_times(plan)
    titles = [_cut(step.title) for step in plan.steps]
    seen = coverage(plan, worn) if worn is not None else None
    width = max(len(title) for title in titles)
    ends = [_ends(step) for step in plan.steps]
    ends_width = max(len(end) for end in ends)
    lines = [plan.title, plan.description, ""] if plan.description else [plan.title, ""]
    for index, (step, took) in enumerate(zip(plan.steps, times, strict=True)):
        time = "open" if step.open else _minutes(took)
        last = f"  {seen[index].label()}" if seen is not None else ""
        lines.append(f"{index + 1:>3}  {titles[index]:<{width}}  {ends[index]:<{ends_width}}  {time:>5}{last}".rstrip())
    n_open = sum(step.open for step in plan.steps)
    also = "" if not n_open else " and the open step" if n_open == 1 else f" and {n_open} open steps"
    lines += ["", f"About {max(1, round(expected_s(plan) / 60))} minutes{also}."]
    return "\n".join([*lines, *(_seen_lines(seen) if seen is not None else [])])


def _seen_lines(seen: Sequence[StepSeen]) -> list[str]:
    steps = [each for each in seen if each.step.moves_sensor_to is None]
    n_measured = sum(each.is_measured for each in steps)
    n_guided = len(steps) - n_measured
    lines = [
        f"{n_measured} of {len(steps)} steps are measured" + (f", {n_guided} are guided by time." if n_guided else ".")
    ]
    lines += [
        f"The sensor moves once, at step {index + 1}: to the {each.step.moves_sensor_to.replace('-', ' ')}."
        for index, each in enumerate(seen)
        if each.step.moves_sensor_to is not None
    ]
    aside = next((index for index, each in enumerate(seen) if each.puts_belly_aside), None)
    if aside is not None:
        lines.append(f"The phone on the belly is put aside at step {aside + 1}.")
    return lines


def _cut(title: str) -> str:
    return title if len(title) <= TITLE_WIDTH else title[: TITLE_WIDTH - 3].rstrip() + "..."


def _ends(step: Step) -> str:
    if step.reps is not None:
        return f"{step.reps} times" if step.reps > 1 else "once"
    if step.breaths is not None:
        return f"{step.breaths} breaths"
    if step.seconds is not None:
        return f"{step.seconds:g} s"
    by_event = {"arrived": "when the knee rests", "straight": "when the leg is straight", "turned": "when turned"}
    return by_event[step.event] if step.event is not None else "as long as you like"


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02d}"

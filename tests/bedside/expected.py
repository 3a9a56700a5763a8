"""What each step of the practices asks of the sensors: who sees it, how it ends, and how near its numbers are.

Written from the description of the practices, on purpose not from the product's own tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sensorsoma.coach.steps import Step

OWN, ANY, PELVIS, BELLY, WEAK = "the moving thigh", "any thigh", "pelvis", "belly", "anything worn, weakly"

SEEN_FROM: dict[str, tuple[str, ...]] = {
    "knee_in": (ANY, WEAK),
    "breathing": (WEAK, PELVIS, BELLY),
    "leg_slide": (ANY,),
    "knee_fall": (OWN,),
    "rest_open": (OWN, PELVIS, BELLY),
    "slide_open": (OWN,),
    "compare": (OWN,),
    "stillness": (ANY, PELVIS, BELLY),
    "settle_again": (ANY, PELVIS, BELLY),
    "rest": (ANY, PELVIS, BELLY),
    "long_rest": (ANY, PELVIS, BELLY),
    "find_tilt": (PELVIS, WEAK),
    "pelvic_rock": (PELVIS, WEAK),
    "pelvic_hold": (ANY, PELVIS),
    "let_go": (ANY, PELVIS, BELLY),
    "roll_over": (ANY, PELVIS),
    "clamshell": (OWN,),
    "leg_back": (OWN,),
    "return": (ANY, PELVIS),
    "rocking": (ANY, PELVIS),
    "fade": (ANY, PELVIS, BELLY),
    "free": (ANY, PELVIS, BELLY),
    "close": (ANY, PELVIS, BELLY),
    "move_sensor": (),
}
"""By the words of a step, or else its movement. A belly phone lies aside from the first roll on."""

NEAR_DEG = {
    "arrival_deg": 4.0, "final_deg": 4.0, "sink_deg": 3.0, "residual_deg": 4.0, "back_swing_deg": 4.0,
}  # fmt: skip
"""How near a number is to the truth: twice the root mean square that the benchmarks ask for."""


def kind_of(step: Step) -> str:
    """Row of the table."""
    return step.words if step.words in SEEN_FROM else step.do


def _is_worn(where: str, step: Step, worn: Sequence[str]) -> bool:
    if where == OWN:
        return f"{step.side}-thigh" in worn
    if where == WEAK:
        return bool(worn)
    return any(place.endswith("thigh") for place in worn) if where == ANY else where in worn


def is_seen(step: Step, worn: Sequence[str]) -> bool | None:
    """True when something that is worn measures the step; None when it may or may not: the evidence is weak."""
    seen = {where for where in SEEN_FROM[kind_of(step)] if _is_worn(where, step, worn)}
    return None if seen == {WEAK} else bool(seen)


def seen_well(step: Step, worn: Sequence[str]) -> bool:
    """True when it is seen well enough to be counted aloud and to end the step; a thigh sees a pelvic tilt weakly."""
    return PELVIS in worn if step.do == "pelvic_rock" else is_seen(step, worn) is True


def ended_as_expected(step: Step, worn: Sequence[str]) -> set[str]:
    """By what the step may end when somebody follows."""
    if step.open:
        return {"person"}
    if step.breaths is not None:
        return _by_breaths(step, worn)
    if not seen_well(step, worn):
        return {"timed"}
    if step.reps is not None:
        return {"reps"}
    if step.do == "pelvic_hold" and PELVIS not in worn:  # a thigh follows by a quarter
        return {"seconds", "event", "timed"}
    if step.seconds is not None:
        return {"seconds"}
    if step.do == "roll_over" and PELVIS not in worn:
        return {"event", "timed"}  # a thigh alone shows a roll once its axes are known
    return {"event"}


def _by_breaths(step: Step, worn: Sequence[str]) -> set[str]:
    if step.do in ("leg_back", "knee_in"):  # the body works or arranges itself: breaths where they show, else time
        return {"timed", "breaths"} if worn else {"timed"}
    if PELVIS in worn or (BELLY in worn and step.words != "let_go"):
        return {"breaths"}  # from a belly, breath is told again only some time after the pelvis has worked
    return {"timed", "breaths"} if worn else {"timed"}


def numbers_off(
    step: Step, worn: Sequence[str], done: Mapping[str, Any], stretch: Mapping[str, Any] | None, *, end_s: float,
    was_moved: bool,
) -> Iterator[str]:  # fmt: skip
    """What of a measured step is missing, or farther from the truth than it may be.

    `end_s`: when the step was over. `was_moved`: the sensor sat elsewhere before, so the first straight rest that it
    saw is not the truth's.
    """
    if stretch is None:
        if step.do not in ("rest", "stillness", "breathing", "leg_slide", "roll_over", "free", "unknown"):
            yield "measured, but the person never began it"
        return
    real: dict[str, Any] = {**stretch["values"], **(stretch["fall"] or {})}
    for name, near in NEAR_DEG.items():
        is_known = real.get(name) is not None and not (was_moved and name == "residual_deg")
        if name in done and is_known and f"{step.side}-thigh" in worn:
            yield from _off(name, done[name], real[name], near)
    if step.reps is not None and seen_well(step, worn):
        yield from _off("reps", done["reps"], stretch["count"], 0)
    elif step.reps is not None and done["reps"] == 0 < stretch["count"]:
        yield f"0 repetitions, it was {stretch['count']} (what was not counted is not measured)"
    if step.do == "leg_back" or (step.do == "pelvic_hold" and PELVIS in worn):  # a thigh sees it weakly
        held_s = min(stretch["hold_s"], end_s - stretch["hold_start_s"])  # people let go when the next words are heard
        yield from _off("hold_s", done["hold_s"], held_s, 3.0)
    if step.do == "rocking":
        yield from _off("freq_hz", done["freq_hz"], real["freq_hz"], 0.05)
    if step.breaths is not None and _by_breaths(step, worn) == {"breaths"} and done.get("breaths") is None:
        yield "its breaths are not measured"


def _off(name: str, found: Any, real: Any, near: float) -> Iterator[str]:
    if found is None:
        yield f"{name} is not measured, it was {real:.1f}"
    elif real is not None and abs(found - real) > near:
        yield f"{name} is {found:.1f}, it was {real:.1f}"

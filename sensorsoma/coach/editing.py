"""Plans for people: a plan as a table with times, and a new plan out of a few answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorsoma.coach.order import mirrored, one_sensor_order, one_side, shortened
from sensorsoma.coach.pace import PACE, guided_s, speaking_s
from sensorsoma.coach.script import Script
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.words import load_words
from sensorsoma.errors import PlanError

__all__ = [
    "QUESTIONS", "expected_times", "mirrored", "new_plan", "one_sensor_order", "one_side", "plan_summary", "shortened",
]  # fmt: skip

QUESTIONS: tuple[tuple[str, str, str], ...] = (
    ("name", "Short name (small letters and -)", "my-evening"),
    ("title", "Title", "My evening"),
    ("sides", "Which hips: both, right or left", "both"),
    ("rest_breaths", "Breaths to rest with the hip open (0: no knee falls)", "6"),
    ("falls", "Knee falls a side", "1"),
    ("pelvic_rocks", "Rounds of pelvic rocking (0: none)", "6"),
    ("hold_s", "Seconds to hold the flatten (0: none)", "15"),
    ("clamshells", "Clamshells a side (0: none)", "8"),
    ("leg_back_breaths", "Breaths with the leg behind the body (0: none)", "0"),
    ("rocking_s", "Seconds of rocking on the side (0: none)", "0"),
    ("long_rest", "A long rest at the end, as long as one likes: yes or no", "yes"),
)
"""(answer's name, question, default) in the order in which they are asked."""


def expected_times(plan: Plan) -> list[float]:
    """About how long each step takes, seconds: its words, then its movement; an open step counts as two minutes."""
    script = Script(plan, load_words())
    times = []
    for step in plan.steps:
        spoken = speaking_s(" ".join(script.opening(step, is_belly_worn=False)[1]))
        times.append(spoken + (PACE.open_s if step.open else guided_s(plan, step)))
    return times


def plan_summary(plan: Plan) -> str:
    """The plan as text: one line for each step with what ends it and about how long it takes, and the whole."""
    times = expected_times(plan)
    lines = [plan.title, plan.description, ""] if plan.description else [plan.title, ""]
    width = max(len(step.title) for step in plan.steps)
    for number, (step, took) in enumerate(zip(plan.steps, times, strict=True), start=1):
        lines.append(
            f"{number:>3}  {step.title:<{width}}  {_ends(step):<22}  {_minutes(took) if not step.open else 'open'}"
        )
    n_open = sum(step.open for step in plan.steps)
    fixed = sum(took for step, took in zip(plan.steps, times, strict=True) if not step.open)
    also = "" if not n_open else " and the open step" if n_open == 1 else f" and {n_open} open steps"
    lines += ["", f"About {max(1, round(fixed / 60))} minutes{also}."]
    return "\n".join(lines)


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


def new_plan(answers: Mapping[str, Any]) -> str:
    """A plan as TOML text from the answers to `QUESTIONS`; what was not answered takes its default.

    Raises:
        PlanError: an answer that cannot be used, in one sentence.
    """
    given = {name: str(answers.get(name, default)).strip() for name, _, default in QUESTIONS}
    sides = {"both": ["right", "left"], "right": ["right"], "left": ["left"]}.get(given["sides"].lower())
    if sides is None:
        raise PlanError(f"expected both, right or left for the hips, found '{given['sides']}'; answer one of them")
    steps = _steps(sides, {name: _whole(name, given[name]) for name in _NUMBERS}, _is_yes(given["long_rest"]))
    head = [
        "# Written by `sensorsoma plan new`; change what you like, then run `sensorsoma plan check` on it.",
        "schema_version = 1",
        f"name = {_quoted(given['name'])}",
        f"title = {_quoted(given['title'])}",
        "",
        "[defaults]",
        "breath_in_s = 4.0",
        "breath_out_s = 6.0",
    ]
    text = "\n".join(head) + "\n" + "".join(_as_toml(step) for step in steps)
    from sensorsoma.coach.plan import check_text

    problems = [problem for problem in check_text(text) if not problem.is_note]
    if problems:
        raise PlanError(f"expected answers that make a plan, found a mistake ({problems[0].message}); answer again")
    return text


_NUMBERS = ("rest_breaths", "falls", "pelvic_rocks", "hold_s", "clamshells", "leg_back_breaths", "rocking_s")


def _whole(name: str, text: str) -> int:
    if not text.isdecimal():
        question = next(question for key, question, _ in QUESTIONS if key == name)
        raise PlanError(f"expected a whole number for '{question}', found '{text}'; answer with digits")
    return int(text)


def _is_yes(text: str) -> bool:
    return text.lower() in ("y", "yes", "true", "1")


def _steps(sides: list[str], n: Mapping[str, int], has_long_rest: bool) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        {"id": "settle", "title": "Settle", "do": "stillness", "pose": "straight", "seconds": 30}
    ]
    for side in sides if n["rest_breaths"] else []:
        for number in range(1, max(1, n["falls"]) + 1):
            steps += _fall(side, f"-{number}" if n["falls"] > 1 else "", n["rest_breaths"])
    if n["pelvic_rocks"]:
        steps.append(
            {"id": "pelvic-rocking", "title": "Pelvic rocking", "do": "pelvic_rock", "reps": n["pelvic_rocks"]}
        )
    if n["hold_s"]:
        steps.append({"id": "flatten-hold", "title": "Hold the flatten", "do": "pelvic_hold", "seconds": n["hold_s"]})
        steps.append({"id": "let-go", "title": "Let go", "do": "rest", "breaths": 3, "words": "let_go"})
    is_on_side = bool(n["clamshells"] or n["leg_back_breaths"] or n["rocking_s"])
    for side in sides if is_on_side else []:
        steps += _on_side(side, n["clamshells"], n["leg_back_breaths"])
    if n["rocking_s"]:
        steps.append({"id": "rocking", "title": "Rocking", "do": "rocking", "seconds": n["rocking_s"]})
    if is_on_side:
        steps.append({"id": "onto-the-back", "title": "Roll onto the back", "do": "roll_over", "event": "turned"})
    if has_long_rest:
        steps.append({"id": "long-rest", "title": "Long rest", "do": "rest", "open": True, "words": "long_rest"})
    return steps


def _fall(side: str, mark: str, breaths: int) -> list[dict[str, Any]]:
    fall = {"id": f"{side}-fall{mark}", "title": f"{side.capitalize()} knee falls out", "do": "knee_fall", "side": side}
    rest = {"id": f"{side}-rest{mark}", "title": f"Rest open, {side}", "do": "rest", "continues": True}
    slide = {"id": f"{side}-slide{mark}", "title": f"Slide down, {side} hip open", "do": "leg_slide", "continues": True}
    settle = {"id": f"{side}-settle{mark}", "title": "Compare the hips", "do": "stillness", "continues": True}
    return [
        fall | {"pose": "knee_up", "event": "arrived"},
        rest | {"breaths": breaths, "words": "rest_open"},
        slide | {"event": "straight", "words": "slide_open"},
        settle | {"seconds": 20, "words": "compare"},
    ]


def _on_side(side: str, clamshells: int, leg_back_breaths: int) -> list[dict[str, Any]]:
    under = "left" if side == "right" else "right"
    steps: list[dict[str, Any]] = [
        {"id": f"onto-{under}-side", "title": f"Roll onto the {under} side", "do": "roll_over", "side": side,
         "event": "turned"},
    ]  # fmt: skip
    if clamshells:
        steps.append(
            {"id": f"{side}-clamshells", "title": f"Clamshells, {side}", "do": "clamshell", "side": side,
             "reps": clamshells}
        )  # fmt: skip
    if leg_back_breaths:
        title = f"{side.capitalize()} leg back"
        steps.append(
            {"id": f"{side}-leg-back", "title": title, "do": "leg_back", "side": side, "breaths": leg_back_breaths}
        )
        steps.append(
            {"id": f"{side}-return", "title": "Return", "do": "rest", "side": side, "seconds": 15, "words": "return"}
        )
    return steps


def _as_toml(step: Mapping[str, Any]) -> str:
    lines = ["", "[[steps]]"]
    for key, value in step.items():
        shown = "true" if value is True else _quoted(value) if isinstance(value, str) else str(value)
        lines.append(f"{key} = {shown}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

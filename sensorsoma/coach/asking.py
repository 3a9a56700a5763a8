"""A new plan out of a few answers: from a practice that is there, or movement by movement."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sensorsoma.coach.order import mirrored, one_side, scaled
from sensorsoma.coach.plan import BUNDLED, load_plan
from sensorsoma.coach.possible import COUNTED
from sensorsoma.coach.steps import Plan
from sensorsoma.coach.summary import expected_s
from sensorsoma.errors import PlanError

OWN = "own"
"""Answer that begins with no plan: the movements are chosen one by one."""

Answers = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is asked."""

    name: str
    text: str
    default: Callable[[Answers], str]
    """From the answers so far."""
    read: Callable[[str], Any]
    """The answer as it is used; raises PlanError with one sentence that says what was expected."""
    applies: Callable[[Answers], bool] | None = None
    """Whether it is worth asking after the answers so far; None: always."""

    def is_due(self, answers: Answers) -> bool:
        """True when it is to be asked now."""
        return self.name not in answers and (self.applies is None or self.applies(answers))


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        found = [word for word in words if word.startswith(text.strip().lower())] if text.strip() else []
        exact = [word for word in found if word == text.strip().lower()]
        if len(exact or found) != 1:
            raise PlanError(f"Expected {', '.join(words[:-1])} or {words[-1]}, found '{text}'.")
        return (exact or found)[0]

    return read


def _number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,4}", text.strip(), re.ASCII) or not least <= int(text) <= most:
            raise PlanError(f"Expected a whole number from {least} to {most}, found '{text}'.")
        return int(text)

    return read


def read_title(text: str) -> str:
    """A title of one line."""
    title = " ".join(text.split())
    if not title or not title.isprintable() or len(title) > 80:
        raise PlanError("Expected a title of at most 80 letters, such as Hips before sleep.")
    return title


def as_name(text: str) -> str:
    """A file's name as the short name of a plan: small letters, digits and -.

    >>> as_name("Für den Abend")
    'fur-den-abend'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9_]+", "-", plain).strip("-_")[:60] or "my-plan"


def read_breath(text: str) -> tuple[float, float]:
    """Seconds in and out: "4-6"."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*[-/: ]\s*(\d+(?:\.\d+)?)\s*", text, re.ASCII)
    numbers = [float(part) for part in found.groups()] if found else []
    if not numbers or not (1 <= numbers[0] <= 20 and 1 <= numbers[1] <= 30):
        raise PlanError(f"Expected seconds in and seconds out, such as 4-6, found '{text}'.")
    return numbers[0], numbers[1]


def _is_own(answers: Answers) -> bool:
    return bool(answers["base"] == OWN)


def _base(answers: Answers) -> Plan:
    plan = answers["base"]
    return plan if isinstance(plan, Plan) else load_plan(plan)


def _sides_of(answers: Answers) -> set[str]:
    return {"left", "right"} if _is_own(answers) else {s.side for s in _base(answers).steps if s.side is not None}


def _may_choose_side(answers: Answers) -> bool:
    return _is_own(answers) or len(_sides_of(answers)) == 2 or _base(answers).either_side


def _default_side(answers: Answers) -> str:
    sides = _sides_of(answers)
    return "both" if len(sides) == 2 else next(iter(sides), "both")


def _has_counts(answers: Answers) -> bool:
    return any(step.do in COUNTED for step in _drafted(answers).steps)


def default_minutes(answers: Answers) -> str:
    """How long the plan takes as it is answered so far."""
    return str(max(1, round(expected_s(_drafted(answers)) / 60)))


def _always(default: str) -> Callable[[Answers], str]:
    return lambda _: default


_HOW_OFTEN = {
    "falls": ("How often each knee falls open (0: not at all)", "1", 0, 12),
    "rest_breaths": ("Breaths to rest with the hip open", "6", 1, 60),
    "pelvic_rocks": ("Rounds of pelvic rocking (0: none)", "6", 0, 60),
    "hold_s": ("Seconds to press the low back down and hold (0: none)", "15", 0, 300),
    "clamshells": ("Clamshells a side (0: none)", "8", 0, 60),
    "leg_back_breaths": ("Breaths with the top leg behind the body (0: none)", "0", 0, 60),
    "rocking_s": ("Seconds of rocking on the side (0: none)", "0", 0, 900),
}

QUESTIONS: tuple[Question, ...] = (
    Question("title", "What is it called, for example Hips before sleep", _always("My evening"), read_title),
    Question(
        "base",
        f"Which practice to begin with: {', '.join(BUNDLED)}, or {OWN} to choose the movements",
        _always("hips-and-core"),
        _one_of(*BUNDLED, OWN),
    ),
    Question(
        "sides", "Which hips: both, right or left", _default_side, _one_of("both", "right", "left"), _may_choose_side
    ),
    *(
        Question(
            name,
            text,
            _always(default),
            _number(least, most),
            (lambda answers: _is_own(answers) and answers["falls"] > 0) if name == "rest_breaths" else _is_own,
        )
        for name, (text, default, least, most) in _HOW_OFTEN.items()
    ),
    Question(
        "long_rest", "A long rest at the end, as long as one likes: yes or no", _always("yes"), _one_of("yes", "no"),
        _is_own,
    ),
    Question(
        "breath", "Pace of guided breaths, seconds in and seconds out, for example 4-6", _always("4-6"), read_breath
    ),
    Question(
        "counts", "Which repetitions are counted aloud: every, other, last_two or never", _always("every"),
        _one_of("every", "other", "last_two", "never"), _has_counts,
    ),
    Question(
        "minutes", "Minutes in all, apart from steps that last as long as one likes", default_minutes, _number(1, 120)
    ),
)  # fmt: skip
"""In the order in which they are asked. The last one knows how long the plan is by then."""


def new_plan(name: str, answers: Answers) -> Plan:
    """The plan of these answers (as `Question.read` gives them); what was not answered takes its default.

    Raises:
        PlanError: it cannot be as short or as long as was asked; one sentence with what is possible.
    """
    given = dict(answers)
    for question in QUESTIONS:
        if question.is_due(given):
            given[question.name] = question.read(question.default(given))
    plan = _drafted(given)
    if given["minutes"] != int(default_minutes(given)):
        plan = scaled(plan, given["minutes"] * 60.0, expected_s)
        least = round(expected_s(plan) / 60)
        if abs(least - given["minutes"]) > 1:
            word = "shorter" if least > given["minutes"] else "longer"
            raise PlanError(
                f"Expected a length that its movements allow, found {given['minutes']} min: it cannot be "
                f"{word} than about {least}; answer {least}, or begin with another practice."
            )
    return Plan.model_validate(plan.model_dump() | {"name": name, "title": given["title"]})


def _drafted(answers: Answers) -> Plan:
    """The plan with its movements, sides, counts and pace, in its own length."""
    sides = answers.get("sides", "both")
    if _is_own(answers):
        wanted = ["right", "left"] if sides == "both" else [sides]
        numbers = {name: answers[name] for name in _HOW_OFTEN if name in answers}
        steps = _steps(wanted, numbers, answers["long_rest"] == "yes")
        plan = Plan.model_validate({"name": "mine", "title": "Mine", "steps": steps})
    else:
        plan = _base(answers)
        own_sides = _sides_of(answers)
        if sides != "both" and len(own_sides) == 2:
            plan = one_side(plan, sides)
        elif sides != "both" and own_sides and sides not in own_sides:
            plan = mirrored(plan)
    data = plan.model_dump()
    if "breath" in answers:
        data["defaults"] |= {"breath_in_s": answers["breath"][0], "breath_out_s": answers["breath"][1]}
    if "counts" in answers:
        data["defaults"]["counts"] = answers["counts"]
    data["description"] = "" if data["name"] in BUNDLED else data["description"]
    return Plan.model_validate(data)


def _steps(sides: list[str], n: Mapping[str, int], has_long_rest: bool) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [
        {"id": "settle", "title": "Settle", "do": "stillness", "pose": "straight", "seconds": 30}
    ]
    for side in sides if n["falls"] else []:
        for number in range(1, n["falls"] + 1):
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

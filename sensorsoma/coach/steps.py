"""The plan as a schema: what each step does, how it ends, and which orders of steps are possible.

A plan says *what* is practised; the wording is kept apart in `words/` so that it can be translated. Unknown fields
are errors, because a mistyped field that is silently ignored changes a practice.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sensorsoma.messages import Exercise, Placement, Pose, Side

SCHEMA_VERSION = 1

Counts = Literal["every", "other", "last_two", "never"]
EndEvent = Literal["arrived", "straight", "turned"]

ENDS = ("reps", "breaths", "seconds", "open", "event")
"""A step ends by exactly one of these fields."""

NEEDS_SIDE = frozenset({"knee_fall", "clamshell", "leg_back"})
COUNTED = frozenset({"clamshell", "pelvic_rock", "knee_roll"})
"""Movements that go out and back, so that they can be counted."""

EVENT_OF: dict[str, EndEvent] = {"knee_fall": "arrived", "leg_slide": "straight", "roll_over": "turned"}
"""The movement that ends a step of its own accord."""

SIDE_LYING = frozenset({"clamshell", "leg_back", "rocking"})
SUPINE = frozenset({"knee_in", "knee_fall", "knee_roll", "leg_slide", "pelvic_rock", "pelvic_hold", "breathing"})
CONTINUING = frozenset({"rest", "leg_slide", "stillness"})

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=60)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Band(_Strict):
    """A comfort band: silence inside, one gentle sentence outside. There is none for the fall or the sink of a knee."""

    rep_s: tuple[float, float] | None = None
    """Shortest and longest comfortable repetition, seconds."""
    usual_share: tuple[float, float] | None = None
    """Range of a repetition as a share of the person's own usual range; only used once a usual range is known."""
    pelvis_roll_deg: Annotated[float, Field(gt=0, le=60)] | None = None
    """How far the pelvis may roll along before the repetition is noted."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        for name in ("rep_s", "usual_share"):
            band = getattr(self, name)
            if band is not None and not 0 <= band[0] < band[1]:
                raise PydanticCustomError(
                    "plan_field", "{text}", {"text": f"expected [smaller, larger], found {list(band)}", "field": name}
                )
        return self


class Defaults(_Strict):
    """What holds for every step that does not say otherwise."""

    breath_in_s: Annotated[float, Field(ge=1, le=20)] = 4.0
    breath_out_s: Annotated[float, Field(ge=1, le=30)] = 6.0
    """4 s in, 6 s out: about six breaths a minute with the longer exhale, the pace found most restful."""
    counts: Counts = "every"
    again_after_s: Annotated[float, Field(ge=0, le=600)] = 25.0
    """Quiet time after which a movement that has not begun is offered once more; 0: never."""


class Step(_Strict):
    """One step of a practice."""

    id: Slug
    title: Line
    do: Exercise
    side: Side | None = None
    """The hip that is practised: the top leg when lying on the side. A continuing step takes it from its stretch."""
    continues: bool = False
    """Goes on with the stretch that the knee fall before it began."""
    pose: Pose | None = None
    """A still pose that the step passes through and that shows how the sensor sits."""
    reps: Annotated[int, Field(ge=1, le=100)] | None = None
    breaths: Annotated[int, Field(ge=1, le=200)] | None = None
    seconds: Seconds | None = None
    open: bool = False
    event: EndEvent | None = None
    guided_s: Seconds | None = None
    """How long the step is guided when nothing that is worn can see it; else a time that suits the movement."""
    again_after_s: Annotated[float, Field(ge=0, le=600)] | None = None
    counts: Counts | None = None
    band: Band = Band()
    words: Slug | None = None
    """Section of the words file that replaces the usual one."""
    supported: bool = False
    """A pillow under the knee is planned: the rest is measured but enters no comparison."""
    moves_sensor_to: Placement | None = None
    """The one thigh sensor is moved here while the step is open; `next` says that it is done."""

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        problem = _step_problem(self)
        if problem is not None:
            raise PydanticCustomError("plan_field", "{text}", {"text": problem[1], "field": problem[0]})
        return self


class Plan(_Strict):
    """A practice: its steps in order."""

    schema_version: Literal[1] = 1
    name: Slug
    title: Line
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] = ""
    either_side: bool = False
    """A plan for one hip that may as well be practised with the other: it follows the leg that wears the sensor."""
    defaults: Defaults = Defaults()
    steps: Annotated[tuple[Step, ...], Field(min_length=1, max_length=400)]

    @model_validator(mode="before")
    @classmethod
    def _inherit_sides(cls, data: Any) -> Any:
        """A continuing step may leave its side out: it has the side of the step before it."""
        steps = data.get("steps") if isinstance(data, dict) else None
        if not isinstance(steps, (list, tuple)):
            return data
        filled: list[Any] = []
        for step in steps:
            before = filled[-1] if filled else None
            if isinstance(step, dict) and isinstance(before, dict) and step.get("continues") is True:
                filled.append({**step, "side": step.get("side") or before.get("side")})
            else:
                filled.append(step)
        return {**data, "steps": filled}

    @model_validator(mode="after")
    def _possible(self) -> Self:
        problems = order_problems(self.steps)
        if problems:
            where, field, text = problems[0]
            text = f"step '{self.steps[where].id}': {text}"
            raise PydanticCustomError("plan_order", "{text}", {"text": text, "field": field, "problems": problems})
        return self

    @property
    def breath_s(self) -> float:
        """Length of one breath at the plan's pace, seconds."""
        return self.defaults.breath_in_s + self.defaults.breath_out_s

    def counts_of(self, step: Step) -> Counts:
        """Which repetitions are counted aloud."""
        return step.counts or self.defaults.counts

    def again_after(self, step: Step) -> float:
        """Quiet time before a movement that has not begun is offered once more, seconds; 0: never."""
        return self.defaults.again_after_s if step.again_after_s is None else step.again_after_s


def _step_problem(step: Step) -> tuple[str, str] | None:
    """Field and sentence of what makes a step impossible by itself, or None."""
    given = [name for name in ENDS if getattr(step, name) not in (None, False)]
    if len(given) != 1:
        found = "none of them" if not given else " and ".join(given)
        return (given[-1] if given else "do"), f"a step ends by exactly one of {', '.join(ENDS)}; found {found}"
    end = given[0]
    if step.do in NEEDS_SIDE and step.side is None:
        return "side", f'\'{step.do}\' is done with one hip: add side = "right" or side = "left"'
    if end == "reps" and step.do not in COUNTED:
        return "reps", f"'{step.do}' has no repetitions; end it by breaths, seconds or open = true"
    if end == "event" and EVENT_OF.get(step.do) != step.event:
        fits = EVENT_OF.get(step.do)
        hint = f"for '{step.do}' it is \"{fits}\"" if fits else f"'{step.do}' has none: use seconds, breaths or open"
        return "event", f'the movement "{step.event}" cannot end this step; {hint}'
    if step.continues and step.do not in CONTINUING:
        return "continues", f"'{step.do}' cannot go on with a knee fall; only {', '.join(sorted(CONTINUING))} can"
    if step.do == "leg_slide" and step.side is not None and not step.continues:
        return "continues", "the slide of one leg goes on after a knee fall: add continues = true, or leave side out"
    if step.pose == "knee_up" and step.do != "knee_fall":
        return "pose", f"only a knee_fall passes through \"knee_up\", found it on '{step.do}'"
    if step.pose == "straight" and step.do not in ("stillness", "leg_slide", "rest", "breathing"):
        return "pose", f"\"straight\" is taken while the legs lie straight and still, found it on '{step.do}'"
    if step.pose is not None and step.continues:
        return "pose", "a pose is taken before the knee falls, so a continuing step cannot hold one"
    if step.moves_sensor_to is not None and not step.open:
        return "moves_sensor_to", "moving the sensor takes as long as it takes: add open = true"
    return None


def order_problems(steps: tuple[Step, ...]) -> list[tuple[int, str, str]]:
    """(index, field, sentence) of every step that cannot stand where it does."""
    problems: list[tuple[int, str, str]] = []
    seen: dict[str, int] = {}
    lying: Side | None = None
    head: Step | None = None
    for index, step in enumerate(steps):
        if step.id in seen:
            problems.append((index, "id", f"the name '{step.id}' is already used by step {seen[step.id] + 1}"))
        seen.setdefault(step.id, index)
        if step.continues and head is None:
            text = "there is nothing to continue: a continuing step follows a knee_fall or a step that continues one"
            problems.append((index, "continues", text))
        elif step.continues and head is not None and step.side != head.side:
            problems.append(
                (index, "side", f"it continues the {head.side} knee fall '{head.id}', so its side is {head.side}")
            )
        if not step.continues:
            head = step if step.do == "knee_fall" else None
        if step.do == "roll_over":
            if step.side is not None and step.side == lying:
                problems.append((index, "side", f"the {step.side} leg is already on top here"))
            lying = step.side
        elif step.do in ("clamshell", "leg_back") and step.side != lying:
            text = f'the {step.side} leg has to be on top: put a roll_over with side = "{step.side}" before it'
            problems.append((index, "side", text))
        elif step.do in SUPINE and lying is not None:
            problems.append((index, "do", f"'{step.do}' is done on the back: put a roll_over without a side before it"))
    return problems

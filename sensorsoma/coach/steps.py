"""The plan as a schema: what each step does, how it ends, and which orders of steps are possible.

A plan says *what* is practised; the wording is kept apart in `words/` so that it can be translated. Unknown fields
are errors, because a mistyped field that is silently ignored changes a practice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from sensorsoma.coach.possible import COUNTED, ENDS, NEEDS_SIDE, EndEvent, order_problems, step_problems
from sensorsoma.messages import Exercise, Placement, Pose, Side

__all__ = ["COUNTED", "ENDS", "NEEDS_SIDE", "Band", "Counts", "Defaults", "Plan", "Step", "with_sides"]

Counts = Literal["every", "other", "last_two", "never"]

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
        problems = step_problems(self)
        if problems:
            field, text = problems[0]
            raise PydanticCustomError("plan_field", "{text}", {"text": text, "field": field})
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
        return {**data, "steps": with_sides(steps)} if isinstance(steps, (list, tuple)) else data

    @model_validator(mode="after")
    def _possible(self) -> Self:
        problems = order_problems(self.steps)
        if problems:
            text = f"step '{self.steps[problems[0].index].id}': {problems[0].text}"
            raise PydanticCustomError("plan_order", "{text}", {"text": text, "field": problems[0].field})
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


def with_sides(steps: Sequence[Any]) -> list[Any]:
    """Steps as plain data, a continuing one with the side of the step before it."""
    filled: list[Any] = []
    for step in steps:
        before = filled[-1] if filled else None
        if isinstance(step, dict) and isinstance(before, dict) and step.get("continues") is True:
            filled.append({**step, "side": step.get("side") or before.get("side")})
        else:
            filled.append(step)
    return filled

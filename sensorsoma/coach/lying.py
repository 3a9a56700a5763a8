"""How the person lies beside how the running step is done: whoever has rolled over early is followed.

While the two differ, nothing is said that does not fit. If it lasts, the coach goes ahead to the next step whose words
fit, which is the next roll; a plan without one waits until the person lies as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.wearing import Wearing, target_posture
from sensorsoma.messages import Posture

ANY_WAY = frozenset({"roll_over", "free"})
"""Steps that are right however the person lies."""

LYING = ("supine", "left_up", "right_up", "upright")
"""What is compared; to be upright is to have got up for a moment, or for longer."""

KNEES_TURN = frozenset({"knee_fall", "knee_in", "knee_roll"})
"""Movements that turn a thigh as lying on the side does, so that a thigh alone proves nothing."""


@dataclass(frozen=True, slots=True)
class LyingParams:
    """How long the person lies otherwise before it is taken to be meant. [assumed]"""

    on_side_s: float = 12.0
    """Long enough to reach for a pillow or scratch and come back."""
    on_back_s: float = 20.0
    """From one side to the other one passes the back, and may rest there."""


class Lying:
    """Compares the posture that sensors tell with the one that the plan has led to."""

    def __init__(self, plan: Plan, wearing: Wearing, params: LyingParams | None = None) -> None:
        self.params = params or LyingParams()
        self._steps = plan.steps
        self._wearing = wearing
        self._expected = _postures(plan)
        self._off_since_s: float | None = None
        self._has_fitted = False
        """It has agreed once: before that the person is still settling, or the sensor sits in some other way."""
        self._accepted: Posture | None = None
        """A posture in which the person asked to go on: then it is theirs to know."""

    def look(self, index: int, t_s: float) -> None:
        """Compares anew; `index` is the running step."""
        posture, expected = self._posture(self._steps[index]), self._expected[index]
        if posture != self._accepted:
            self._accepted = None
        self._has_fitted |= posture is not None and posture == expected
        is_other = posture in LYING and expected not in (None, posture)
        if not is_other or not self._has_fitted or self._accepted is not None:
            self._off_since_s = None
        elif self._off_since_s is None:
            self._off_since_s = t_s

    @property
    def is_off(self) -> bool:
        """True while the person lies in another way than the running step is done."""
        return self._off_since_s is not None

    def accept(self, index: int) -> None:
        """The person asked to go on as they lie."""
        self._accepted = self._posture(self._steps[index])
        self._off_since_s = None

    def is_meant(self, index: int, t_s: float) -> bool:
        """True once it has lasted; never of somebody who got up, and may come back."""
        if self._off_since_s is None or self._posture(self._steps[index]) == "upright":
            return False
        is_on_back = self._posture(self._steps[index]) == "supine"
        return t_s - self._off_since_s >= (self.params.on_back_s if is_on_back else self.params.on_side_s)

    def off_s(self, t_s: float) -> float:
        """For how long the person has been lying otherwise, seconds."""
        return 0.0 if self._off_since_s is None else t_s - self._off_since_s

    def step_ahead(self, index: int) -> int | None:
        """The next step whose words fit somebody who has rolled over: a roll, or the sensor's way to the other leg."""
        ahead = range(index + 1, len(self._steps))
        return next((i for i in ahead if self._steps[i].do == "roll_over" or self._steps[i].moves_sensor_to), None)

    def _posture(self, step: Step) -> Posture | None:
        """By the pelvis, or by a thigh whose outer face points up where the movement does not turn it so."""
        if self._wearing.pelvis_posture is not None:
            return self._wearing.pelvis_posture
        is_telling = step.do not in KNEES_TURN and not step.continues
        return self._wearing.side_up_by_thigh if is_telling else None


def _postures(plan: Plan) -> list[Posture | None]:
    """How one lies in each step; None where any way is right."""
    found: list[Posture | None] = []
    now: Posture = "supine"
    for step in plan.steps:
        if step.do == "roll_over":
            now = target_posture(step)
        found.append(None if step.do in ANY_WAY or step.moves_sensor_to is not None else now)
    return found

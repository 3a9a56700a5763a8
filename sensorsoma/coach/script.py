"""Which words a step says at which moment, and under which key."""

from __future__ import annotations

from collections.abc import Mapping

from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.words import Words
from sensorsoma.messages import Side

Spoken = tuple[str, tuple[str, ...]]
"""Cue key and sentences; no sentences: nothing to say."""


class Script:
    """Remembers what was explained already, so that the second time is shorter."""

    def __init__(self, plan: Plan, words: Words) -> None:
        self._plan = plan
        self._words = words
        self._explained: dict[str, list[Side | None]] = {}
        self._variants: dict[str, str] = {}
        """Moment with which each step opened, so that a repeated step opens with the same words."""

    def opening(self, step: Step, is_belly_worn: bool, is_there: bool = False, can_tap: bool = False) -> Spoken:
        """The words with which a step begins.

        Args:
            step: the step.
            is_belly_worn: a phone lies on the belly, to be put aside before a roll.
            is_there: the person lies already as the roll would lead to.
            can_tap: a double tap would be felt.
        """
        section = self._section(step, "start")
        if step.id not in self._variants:
            self._variants[step.id] = self._variant(section, step)
            self._explained.setdefault(section, []).append(step.side)
        moment = self._variants[step.id]
        if step.do == "roll_over" and is_there:
            moment = "there_back" if step.side is None else "there"
        elif step.moves_sensor_to is not None and can_tap:
            moment = "tap" if self._words.has(section, "tap") else moment
        sentences = self._fill(section, moment, step)
        if step.do == "roll_over" and is_belly_worn:
            sentences = self._fill(section, "belly_aside", step) + sentences
        if step.open and step.moves_sensor_to is None and can_tap:
            sentences += self.session("tap_when_ready")[1]
        key = "move_sensor" if step.moves_sensor_to is not None else f"{section}.start"
        return key, sentences

    def offer(self, step: Step, moment: str, can_tap: bool) -> Spoken:
        """A movement that has not begun, or has stopped, is offered once more, and how to pass on."""
        key, sentences = self.moment(step, moment)
        return key, sentences + (self.session("or_tap")[1] if can_tap else ())

    def moment(self, step: Step, moment: str) -> Spoken:
        """Words inside a step: `fall`, `back`, `middle`, `slower`, `again` ..."""
        is_offer = moment in ("again", "again_fall", "stalled")
        if step.do == "roll_over" and step.side is None and moment == "again":
            moment = "again_back"
        section = self._section(step, moment)
        if is_offer and not self._words.has(section, moment):
            section = "session"
        return "again" if is_offer else f"{section}.{moment}", self._fill(section, moment, step)

    def session(self, moment: str) -> Spoken:
        """Words of the session as a whole: `welcome`, `paused`, `link_lost`, `shaking`, `end` ..."""
        return moment, self._words.sentences("session", moment, {})

    def count(self, step: Step, n: int) -> Spoken:
        """A repetition counted aloud, as the plan says; no sentences when this one is not counted."""
        policy, asked = self._plan.counts_of(step), step.reps or 0
        is_said = {
            "every": n <= asked,
            "other": n <= asked and n % 2 == 0,
            "last_two": asked - 2 < n <= asked,
            "never": False,
        }[policy]
        return "count", (self._words.number(n).capitalize() + ".",) if is_said else ()

    def _section(self, step: Step, moment: str) -> str:
        """The step's own words where they exist, else those of its movement."""
        return step.words if step.words is not None and self._words.has(step.words, moment) else step.do

    def _variant(self, section: str, step: Step) -> str:
        before = self._explained.get(section, [])
        if step.do == "roll_over" and step.side is None:
            return "start_back" if self._words.has(section, "start_back") else "start"
        wanted = "start"
        if step.side in before:
            wanted = "start_again"
        elif before and step.side is not None and any(before):
            wanted = "start_other"
        return wanted if self._words.has(section, wanted) else "start"

    def _fill(self, section: str, moment: str, step: Step) -> tuple[str, ...]:
        values: Mapping[str, str] = self._words.values(step.side, step.title, step.reps)
        return self._words.sentences(section, moment, values)

"""Every sentence that a practice may say, before it is practised: to be read through, or to be given a voice."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from sensorsoma.coach.run import MAY_BE_OFFERED_AGAIN
from sensorsoma.coach.script import Script, Spoken
from sensorsoma.coach.steps import COUNTED, Plan, Step
from sensorsoma.coach.words import Words

AT_ANY_TIME = ("pacer",)
"""Sections beside `session` that belong to no step. `safety` is read while there is light, not heard."""

OFFERS = ("again", "again_fall", "stalled")
"""Moments at which it is also said how to pass on."""

_SURE = frozenset({"fall", "back"})
"""Moments inside a step that belong to it as its beginning does."""

_WITHIN_OTHERS = frozenset({"belly_aside", "again_back"})
"""Moments that the script puts in by itself: before a roll, and for `again` where the roll leads onto the back."""


@dataclass(frozen=True, slots=True)
class Saying:
    """One cue as it may be said."""

    key: str
    """Key of the cue: `clamshell.start`, `count`, `welcome`."""
    sentences: tuple[str, ...]
    """In the order in which they are said; where time is short only the first ones are."""
    step_index: int | None = None
    """0-based step that it belongs to; None: to the session as a whole."""
    is_sure: bool = False
    """Said in every practice that goes through to its end; else it depends on how the practice goes."""
    is_count: bool = False


def sentences_of(plan: Plan, words: Words, *, is_belly_worn: bool = True, can_tap: bool = False) -> tuple[Saying, ...]:
    """Everything that a plan may say, in order: the welcome, each step with its moments, the end, then what may come
    at any time (shaking, a pause, a lost link ...). No saying comes twice.

    Args:
        plan: what is practised.
        words: the wording, one's own laid over it.
        is_belly_worn: a phone lies on the belly, to be put aside before the first roll.
        can_tap: a double tap on a sensor means next, and is offered.

    >>> from sensorsoma.coach.plan import load_plan
    >>> from sensorsoma.coach.words import load_words
    >>> [saying.key for saying in sentences_of(load_plan("short"), load_words())][:3]
    ['welcome', 'stillness.start', 'knee_fall.start']
    """
    script = Script(plan, words)
    said = [_session(words, "welcome", is_sure=True)]
    belly_on = is_belly_worn
    for index, step in enumerate(plan.steps):
        puts_aside = belly_on and step.do == "roll_over"
        said.append(Saying(*script.opening(step, puts_aside, can_tap=can_tap), index, is_sure=True))
        belly_on = belly_on and step.do != "roll_over"
        said += [
            Saying(*_inside(script, step, moment, can_tap), index, is_sure=moment in _SURE)
            for moment in _moments(step, words)
        ]
        said += _counts(script, step, index)
    said.append(_session(words, "end", is_sure=True))
    said += [_session(words, moment) for moment in words.sections.get("session", {})]
    said += [
        Saying(f"{section}.{moment}", words.sentences(section, moment, {}))
        for section in AT_ANY_TIME
        for moment in words.sections.get(section, {})
    ]
    return _without_repeats(said)


def _session(words: Words, moment: str, *, is_sure: bool = False) -> Saying:
    return Saying(moment, words.sentences("session", moment, {}), is_sure=is_sure)


def _moments(step: Step, words: Words) -> list[str]:
    """Moments inside a step, after its opening, in the order of the words file."""
    sections = [section for section in (step.words, step.do) if section is not None]
    found = dict.fromkeys(moment for section in sections for moment in words.sections.get(section, {}))
    if step.do in MAY_BE_OFFERED_AGAIN:
        found |= dict.fromkeys(("again",) if step.do == "roll_over" else ("again", "stalled"))
    wanted = (moment for moment in found if not moment.startswith("start") and moment not in _WITHIN_OTHERS)
    return sorted(wanted, key=lambda moment: moment not in _SURE)


def _inside(script: Script, step: Step, moment: str, can_tap: bool) -> Spoken:
    return script.offer(step, moment, can_tap) if moment in OFFERS else script.moment(step, moment)


def _counts(script: Script, step: Step, index: int) -> list[Saying]:
    if step.reps is None or step.do not in COUNTED:
        return []
    counts = [Saying(*script.count(step, n), index, is_count=True) for n in range(1, step.reps + 1)]
    return [count for count in counts if count.sentences]


def _without_repeats(said: list[Saying]) -> tuple[Saying, ...]:
    """The first of sayings with the same words; one that is sure makes it sure."""
    kept: dict[tuple[str, tuple[str, ...]], Saying] = {}
    for saying in said:
        key = (saying.key, saying.sentences)
        if not saying.sentences:
            continue
        if key not in kept:
            kept[key] = saying
        elif saying.is_sure and not kept[key].is_sure:
            kept[key] = dataclasses.replace(kept[key], is_sure=True)
    return tuple(kept.values())

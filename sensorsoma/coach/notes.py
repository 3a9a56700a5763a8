"""Notes on a plan: what can be practised as it is written, but was perhaps meant otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sensorsoma.coach.pace import PACE, guided_s
from sensorsoma.coach.possible import SIDE_LYING
from sensorsoma.coach.steps import Plan, Step
from sensorsoma.coach.toml_lines import Key
from sensorsoma.messages import Side

Note = tuple[Key, str]


@dataclass(frozen=True, slots=True)
class NoteParams:
    """From when on something is worth a second look."""

    long_min: float = 45.0
    """The longer practice takes twenty minutes; more than twice that is seldom meant [assumed]."""


def notes_of(plan: Plan, params: NoteParams | None = None) -> list[Note]:
    """(place, sentence) of everything that is worth a second look; a plan without mistakes is asked for."""
    notes = _length(plan, params or NoteParams()) + _poses(plan.steps) + _whole(plan)
    lying: Side | None = None
    for index, step in enumerate(plan.steps):
        notes += [(("steps", index, name), text) for name, text in _step_notes(plan, step)]
        after_fall = index > 0 and plan.steps[index - 1].do == "knee_fall"
        if after_fall and step.do in ("rest", "leg_slide") and not step.continues:
            text = "it follows a knee fall: with continues = true the fall, this step and the settling are one measure"
            notes.append((("steps", index, "do"), text))
        lying = step.side if step.do == "roll_over" else lying
        if step.do in SIDE_LYING and lying is None:
            text = f"'{step.do}' is usually done lying on a side: put a roll_over before it"
            notes.append((("steps", index, "do"), text))
        if step.do == "breathing" and lying is not None:
            notes.append((("steps", index, "do"), "a phone on the belly is put aside by now"))
    return notes


def _length(plan: Plan, params: NoteParams) -> list[Note]:
    """By the movements alone, so that the note does not depend on how long a voice speaks."""
    minutes = sum(PACE.open_s if step.open else guided_s(plan, step) for step in plan.steps) / 60
    if minutes <= params.long_min:
        return []
    return [(("name",), f"about {minutes:.0f} minutes in all: is that meant? `plan show` tells the time of each step")]


def _whole(plan: Plan) -> list[Note]:
    sides = {step.side for step in plan.steps if step.side is not None}
    if plan.either_side and len(sides) != 1:
        return [(("either_side",), "it changes nothing: it is for plans that practise one hip only")]
    return []


def _poses(steps: Sequence[Step]) -> list[Note]:
    """Falls from which the sensor never learns how it sits."""
    notes: list[Note] = []
    is_straight = False
    told: set[Side | None] = set()
    for index, step in enumerate(steps):
        is_straight = is_straight or step.pose == "straight"
        if step.do != "knee_fall" or step.side in told:
            continue
        told.add(step.side)
        if not is_straight:
            text = 'no still moment with straight legs before it: pose = "straight" on an earlier step does it'
            notes.append((("steps", index, "do"), text))
        if not any(s.pose == "knee_up" and s.side == step.side for s in steps):
            text = 'without pose = "knee_up" on one of the falls of this side the sensor does not learn how it sits'
            notes.append((("steps", index, "do"), text))
    return notes


def _step_notes(plan: Plan, step: Step) -> list[tuple[str, str]]:
    notes: list[tuple[str, str]] = []
    if step.counts is not None and step.counts != "never" and step.reps is None:
        notes.append(("counts", "nothing is counted aloud in a step without reps"))
    elif step.reps == 1 and plan.counts_of(step) == "other" and step.counts is not None:
        notes.append(("counts", 'with one repetition "other" never counts aloud'))
    if step.reps is None and (step.band.rep_s or step.band.usual_share):
        notes.append(("band", "a comfort band is heard only in a step with reps"))
    if step.band.pelvis_roll_deg is not None and step.do != "clamshell":
        notes.append(("band", "pelvis_roll_deg is looked at in clamshells only"))
    if step.guided_s is not None and (step.open or step.seconds is not None or step.breaths is not None):
        notes.append(("guided_s", "it changes nothing: this step does not end by a movement"))
    if step.supported and not (step.continues and step.do == "rest"):
        notes.append(("supported", "it belongs to the rest that continues a knee fall"))
    if step.do == "unknown" and step.moves_sensor_to is None:
        notes.append(("do", "nothing measures this step; its title is spoken, and it is guided"))
    return notes

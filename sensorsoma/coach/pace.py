"""How long things take: speaking a cue, guiding a step that nothing can see, a whole plan."""

from __future__ import annotations

from dataclasses import dataclass

from sensorsoma.coach.steps import Plan, Step


@dataclass(frozen=True, slots=True)
class PaceParams:
    """Times that the plan leaves open. All [assumed] from practising the two plans unless a source is named."""

    words_per_s: float = 2.3
    """A calm speaking voice, about 140 words a minute."""
    sentence_pause_s: float = 0.4
    """Breath between two sentences."""
    clamshell_s: float = 5.0
    """One guided repetition; uncoached people take 4.0 s (IQR 3.2-4.9), and slower is the intention."""
    knee_roll_s: float = 8.0
    """One guided sway to both sides."""
    knee_fall_s: float = 20.0
    """Knee up, pause, fall, after the words have ended."""
    knee_up_s: float = 8.0
    """From the end of the words to the invitation to let the knee fall, when nothing sees the knee."""
    leg_line_s: float = 6.0
    """From the end of the words to the invitation to bring the leg back."""
    leg_slide_s: float = 12.0
    """A slow slide down."""
    roll_over_s: float = 20.0
    """Rolling over and arranging pillows."""
    open_s: float = 120.0
    """An open step in an estimate of a whole plan."""


PACE = PaceParams()


def speaking_s(text: str, params: PaceParams = PACE) -> float:
    """Estimated speaking time of a text, seconds; at least 0.5.

    >>> speaking_s("And we go on.")
    2.1
    """
    n_sentences = sum(text.count(mark) for mark in ".?!:") or 1
    return round(max(0.5, len(text.split()) / params.words_per_s + params.sentence_pause_s * n_sentences), 1)


def guided_s(plan: Plan, step: Step, params: PaceParams = PACE) -> float:
    """How long a step is guided by time alone, after its words have ended, seconds."""
    if step.guided_s is not None:
        return step.guided_s
    if step.reps is not None:
        each = {"clamshell": params.clamshell_s, "knee_roll": params.knee_roll_s}.get(step.do, plan.breath_s)
        return step.reps * each
    if step.breaths is not None:
        return step.breaths * plan.breath_s
    if step.seconds is not None:
        return step.seconds
    by_movement = {"knee_fall": params.knee_fall_s, "leg_slide": params.leg_slide_s, "roll_over": params.roll_over_s}
    return by_movement.get(step.do, params.open_s)

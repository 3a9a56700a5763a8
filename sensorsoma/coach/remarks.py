"""What is remarked about a repetition, and how rarely: silence inside the comfort band, and rarer with practice.

Feedback on everything makes dependent on it (science section 10: Sigrist 2013), and its gain may vanish within a day
(Dyer 2017); so it comes at most at every second repetition and fades over the sessions. There are no remarks about a
fall or a sink: how far a hip opens is not the person's doing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sensorsoma.coach.steps import Step
from sensorsoma.messages import RepCompleted


@dataclass(frozen=True, slots=True)
class RemarkParams:
    """How often something is remarked. All [assumed], after the reviews that recommend fading (science section 10)."""

    every_nth_rep: int = 2
    """After a remark one repetition is left in peace, in which it can be tried."""
    full_sessions: int = 3
    """In the first sessions the movement is learnt: then the most is said ..."""
    full_per_set: int = 2
    """... which is this much in one set."""
    one_until: int = 8
    """Up to so many sessions one remark a set reminds."""
    later_every: int = 2
    """From then on only in every second session, once a set: enough to notice that a habit has crept in."""
    doubt_share: float = 0.25
    """How much a repetition that is still on its way back may last longer than it seems (64 simulated ones: 0.3 s of
    4.1 s on average, one in twenty more than a quarter). In doubt nothing is said."""


def remarks_per_set(n_before: int, params: RemarkParams) -> int:
    """How many remarks one set may hear, after so many finished sessions of this plan.

    >>> [remarks_per_set(n, RemarkParams()) for n in (0, 2, 3, 7, 8, 9)]
    [2, 2, 1, 1, 1, 0]
    """
    if n_before < params.full_sessions:
        return params.full_per_set
    if n_before < params.one_until:
        return 1
    return 1 if n_before % params.later_every == 0 else 0


def rep_length_s(rep: RepCompleted) -> float:
    """How long a repetition takes from rest to rest, seconds.

    Where it is announced on its way back, the way back is taken to last as long as the way out.
    """
    return max(rep.end_s, rep.t_s + (rep.t_s - rep.start_s) if rep.t_s < rep.end_s else rep.end_s) - rep.start_s


def outside_band(
    rep: RepCompleted, step: Step, usual_deg: float | None, params: RemarkParams | None = None
) -> str | None:
    """The moment of the words for what lies outside the comfort band: tempo first, then the pelvis, then the range.

    Args:
        rep: one repetition of the step, be it still on its way back.
        step: with the band.
        usual_deg: the person's own usual range of this movement; None while it is not known.
        params: how sure it has to be.
    """
    doubt = 1.0 + (params or RemarkParams()).doubt_share
    band, length_s = step.band, rep_length_s(rep)
    if band.rep_s is not None and length_s * doubt < band.rep_s[0]:
        return "slower"
    rolled = rep.pelvis_roll_deg
    if band.pelvis_roll_deg is not None and rolled is not None and abs(rolled) > band.pelvis_roll_deg:
        return "pelvis"
    if band.usual_share is not None and usual_deg and rep.range_deg is not None:
        share = rep.range_deg / usual_deg
        if share > band.usual_share[1]:
            return "range_less"
        if share < band.usual_share[0]:
            return "range_more"
    return "quicker" if band.rep_s is not None and length_s > band.rep_s[1] * doubt else None

"""Repetitions: counted as the plan says, remarked rarely, and never talked over.

After a repetition there is room until the top of the next one. The count comes first, then one remark or the greeting
of shaking, and only what ends before that top. Before and after the set everything may be said, and guidance when the
person rests within it.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from sensorsoma.coach.cues import CueQueue, Wish
from sensorsoma.coach.remarks import RemarkParams, outside_band, remarks_per_set, rep_length_s
from sensorsoma.coach.run import StepRun
from sensorsoma.coach.script import Script
from sensorsoma.messages import RepCompleted

SHAKING_FRESH_S = 10.0
"""The greeting of shaking may wait this long for a quiet moment."""


@dataclass(frozen=True, slots=True)
class RhythmParams:
    """What the next repetition is expected to be like."""

    pause_s: float = 1.0
    """Whoever has paused longer than this between two repetitions may not do so again."""
    rests_after: float = 0.75
    """Share of a cycle after the expected top after which, without a repetition, the person rests: a repetition is
    announced 0.3 s and 45 percent of the closing after its top (science section 9) ..."""
    rests_after_s: float = 1.0
    """... and so many seconds on top, since no two are alike."""


class Reps:
    """Follows the repetitions of one set after the other."""

    def __init__(
        self, script: Script, queue: CueQueue, usual_deg: Mapping[str, float], n_before: int,
        remarks: RemarkParams | None = None, rhythm: RhythmParams | None = None,
    ) -> None:  # fmt: skip
        self.has_greeted_shaking = False
        self._script = script
        self._queue = queue
        self._usual_deg = usual_deg
        self._remarks = remarks or RemarkParams()
        self._rhythm = rhythm or RhythmParams()
        self._per_set = remarks_per_set(n_before, self._remarks)
        self._tops_s: list[float] = []
        self._is_shaking = False
        self._last_remark: str | None = None
        self._remarked_rep = 0

    def step_started(self) -> None:
        """A new set, or none."""
        self._tops_s.clear()
        self._is_shaking = False
        self._last_remark = None
        self._remarked_rep = 0

    def said(self, key: str, run: StepRun | None) -> None:
        """A cue has begun; what was only wished for does not count."""
        if key == "shaking":
            self.has_greeted_shaking = True
        elif run is not None and self._last_remark is not None and key == self._key(run, self._last_remark):
            run.n_remarks += 1
            self._remarked_rep = run.reps

    def shakes(self, run: StepRun, t_s: float) -> None:
        """Shaking has begun: greeted at once in a hold, after the next repetition in a set; once in a session."""
        self._is_shaking = not self.has_greeted_shaking
        if self._is_shaking and run.step.reps is None:
            self._greet(t_s)

    def completed(self, rep: RepCompleted, run: StepRun, t_s: float, is_seen_well: bool) -> None:
        """One more repetition of the running step."""
        run.has_begun = True
        self._tops_s.append(rep.t_s)
        if rep.is_partial:
            return
        run.reps += 1
        run.last_rep_at = run.clock(t_s)
        if run.reps == run.step.reps:
            run.full_at = run.last_rep_at
        cycle_s = self._cycle_s()
        run.cycle_s = cycle_s or 0.0
        if self._last_remark is not None:  # about the repetition before, and not said by now
            self._queue.withdraw(self._key(run, self._last_remark))
        run.landed_at = run.clock(rep.start_s + rep_length_s(rep))
        if not is_seen_well or run.step.reps is None:
            return
        key, sentences = self._script.count(run.step, run.reps)
        fresh_s = self._queue.params.count_fresh_s
        self._queue.wish(Wish(key, sentences, kind="count", rank=1, wished_s=t_s, fresh_s=fresh_s))
        if run.reps >= run.step.reps:
            self._queue.between_reps(0.0, 0.0)
            return
        length_s = rep_length_s(rep)
        self._expect_next(rep, length_s if cycle_s is None else min(cycle_s, length_s + self._rhythm.pause_s))
        if self._is_shaking and not self.has_greeted_shaking:
            self._greet(t_s)
        elif run.words_at is not None:
            self._remark(rep, run, t_s)

    def _cycle_s(self) -> float | None:
        """From top to top, the shorter of the last two; None before the second."""
        last = self._tops_s[-3:]
        gaps = [max(0.0, after - before) for before, after in itertools.pairwise(last)]
        return min(gaps, default=None)

    def _expect_next(self, rep: RepCompleted, cycle_s: float) -> None:
        next_top_s = rep.t_s + cycle_s
        self._queue.between_reps(
            next_top_s, next_top_s + self._rhythm.rests_after * cycle_s + self._rhythm.rests_after_s
        )

    def _remark(self, rep: RepCompleted, run: StepRun, t_s: float) -> None:
        is_in_peace = run.reps - self._remarked_rep < self._remarks.every_nth_rep
        if is_in_peace or run.n_remarks >= self._per_set:
            return
        step = run.step
        usual_deg = self._usual_deg.get(step.do if step.side is None else f"{step.do} {step.side}")
        moment = outside_band(rep, step, usual_deg, self._remarks)
        if moment is None:
            return
        key, sentences = self._script.moment(step, moment)
        brief = self._script.moment(step, f"{moment}_brief")[1]
        if run.n_remarks and moment == self._last_remark:  # said in full already
            sentences = brief or sentences
        self._last_remark = moment
        fresh_s = self._queue.params.optional_fresh_s
        self._queue.wish(Wish(key, sentences, rank=0, wished_s=t_s, fresh_s=fresh_s, brief=brief))

    def _key(self, run: StepRun, moment: str) -> str:
        return self._script.moment(run.step, moment)[0]

    def _greet(self, t_s: float) -> None:
        self._queue.wish(Wish(*self._script.session("shaking"), wished_s=t_s, fresh_s=SHAKING_FRESH_S))

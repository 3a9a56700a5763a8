"""Closed steps that wait for the measures of their stretch, and what was done in them beside what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sensorsoma.coach.done import asked_of, done_in, has_measured, nothing_done
from sensorsoma.coach.run import StepRun
from sensorsoma.coach.wearing import Wearing
from sensorsoma.messages import SegmentMeasured, StepFinished


class Finishing:
    """The fall, the rest, the slide and the settling after it are one stretch: they are finished together."""

    def __init__(self, breath_s: float, wearing: Wearing) -> None:
        self.is_due = False
        """The stretch has ended; its measures may come now."""
        self._breath_s = breath_s
        self._wearing = wearing
        self._awaiting: list[StepRun] = []

    def closed(self, run: StepRun, goes_on: bool, t_s: float) -> list[StepFinished]:
        """A step was closed; what is finished at once because nothing could see its stretch."""
        self._awaiting.append(run)
        if goes_on:
            return []
        self.is_due = True
        return [] if self._wearing.worn else self.without_measures(t_s)

    def measured(self, message: SegmentMeasured, t_s: float) -> list[StepFinished]:
        """The measures of a stretch finish the steps that it was made of."""
        if self.is_due and (message.step_id is None or message.step_id in {run.step.id for run in self._awaiting}):
            return self._finish(message.measures, message.placement is not None, t_s)
        return []

    def without_measures(self, t_s: float) -> list[StepFinished]:
        """No measures came."""
        return self._finish({}, was_seen=False, t_s=t_s) if self.is_due else []

    def _finish(self, measures: Mapping[str, Any], was_seen: bool, t_s: float) -> list[StepFinished]:
        finished = [self._one(run, measures, was_seen, t_s) for run in self._awaiting]
        self._awaiting.clear()
        self.is_due = False
        return finished

    def _one(self, run: StepRun, measures: Mapping[str, Any], was_seen: bool, t_s: float) -> StepFinished:
        step, end_s = run.step, t_s if run.end_s is None else run.end_s
        has_evidence = run.has_evidence()
        is_counted = run.reps > 0 or (has_evidence and self._wearing.sees_well(step))
        is_measured = (
            (was_seen and has_measured(step, measures))
            or (has_evidence and self._wearing.saw(step))
            or (step.breaths is not None and run.breaths > 0)
        )
        seen = {
            "reps": run.reps if is_counted else None,
            "event": run.event,
            "breaths": run.breaths or None,
            "supported": run.is_supported or step.supported,
        }
        done = done_in(step, end_s - run.start_s - run.paused_s, seen, measures) if is_measured else nothing_done(step)
        if not any(value is not None for name, value in done.items() if name not in ("supported", "weak")):
            is_measured, done = False, nothing_done(step)
        return StepFinished(
            t_s, step.id, run.index, step.title, step.do, step.side, run.start_s, end_s,
            asked_of(step, self._breath_s), done, run.ended_by, is_measured,
        )  # fmt: skip

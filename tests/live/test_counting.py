"""What the screens count is what the coach counts, through a whole practice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from coached import practise

from sensorsoma.coach.plan import load_plan
from sensorsoma.live.counting import StepCount
from sensorsoma.messages import Input, Output, Packet, StepClosed, StepFinished
from sensorsoma.pipeline import Pipeline


class Watched(Pipeline):
    """A pipeline with a screen beside it, which is told what a session tells its listeners."""

    closed: dict[str, tuple[int | None, int | None, float | None]]

    def feed(self, message: Input) -> tuple[Output, ...]:
        """What follows; the screen's count is kept whenever a step is left."""
        outputs = super().feed(message)
        if not hasattr(self, "closed"):
            self.closed, self.screen = {}, StepCount()
            SEEN.append(self.closed)
        for one in (message, *outputs):
            if isinstance(one, StepClosed):
                self.closed[one.step_id] = (self.screen.reps, self.screen.breaths, self.screen.ring)
            if not isinstance(one, Packet):
                self.screen.take(one)
        return outputs


SEEN: list[Mapping[str, Any]] = []


@pytest.mark.soak
@pytest.mark.parametrize("worn", [("right-thigh", "pelvis", "belly"), ("right-thigh",)])
def test_a_step_ends_when_the_ring_is_full(worn: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it ends by repetitions, breaths or time, the screen has come as far as the coach."""
    SEEN.clear()
    monkeypatch.setattr("coached.Pipeline", Watched)
    practice = practise(load_plan("short").model_dump(mode="json"), worn, seed=5)
    finished = [step for step in practice.of(StepFinished) if step.ended_by in ("reps", "breaths", "seconds")]
    assert len(finished) >= 4
    for step in finished:
        reps, breaths, ring = SEEN[0][step.step_id]
        assert ring is not None, step
        assert ring > 0.95, step
        if step.ended_by == "reps":
            assert reps == step.done["reps"], step
        if step.ended_by == "breaths":
            assert breaths == step.done["breaths"], step

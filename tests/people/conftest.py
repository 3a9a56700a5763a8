"""Recordings of one simulated evening, written again as other people's, on other days, of real or simulated sensors."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sensorsoma.coach.plan import plan_from_json
from sensorsoma.messages import (
    Message,
    Packet,
    SegmentMeasured,
    SessionEnded,
    SettingsSnapshot,
    StepFinished,
    Tick,
    UserMark,
)
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SessionSettings

DAY_NS = 86_400_000_000_000
PLAN = {
    "name": "clams",
    "title": "Clams",
    "steps": [
        {"id": "settle", "title": "Settle", "do": "stillness", "pose": "straight", "seconds": 8},
        {"id": "turn", "title": "Turn over", "do": "roll_over", "side": "right", "event": "turned"},
        {"id": "clams", "title": "Clamshells", "do": "clamshell", "side": "right", "reps": 3},
    ],
}


@dataclass(frozen=True)
class Evening:
    """What happened once, without the samples: what is learnt of a person is read from the events."""

    messages: tuple[Message, ...]
    range_deg: float
    """Median of the whole clamshells."""

    def written(
        self, path: Path, *, person: str | None = "Anna", day: int = 1, link: str = "real", wider: float = 1.0,
        comfort: tuple[str, ...] = (), ended_by: str | None = "plan", **other_settings: Any,
    ) -> Path:  # fmt: skip
        """A recording of this evening as another one: whose, when, how wide, what was said of comfort.

        Ended by the person it was left before the last step was done; by nobody it has no end.
        """
        recorder, shift_ns = None, day * DAY_NS
        for message in self.messages:
            if hasattr(message, "host_ns"):
                message = replace(message, host_ns=message.host_ns + shift_ns)
            if isinstance(message, SettingsSnapshot):
                settings = SessionSettings.from_json(message.settings)
                sources = tuple(replace(source, link=link) for source in settings.sources)
                started = (datetime(2026, 3, 1, 21, tzinfo=UTC) + timedelta(days=day)).isoformat()
                settings = replace(settings, sources=sources, person=person, started=started, **other_settings)
                recorder = Recorder(path, settings)
                message = replace(message, settings=settings.to_json())
            assert recorder is not None, "a session begins with its settings"
            if isinstance(message, SegmentMeasured) and message.exercise == "clamshell":
                reps = [{**rep, "range_deg": wider * rep["range_deg"]} for rep in message.measures["reps"]]
                message = replace(message, measures={**message.measures, "reps": reps})
            if isinstance(message, SessionEnded) and ended_by is not None:
                message = replace(message, ended_by=ended_by)
            is_undone = ended_by != "plan" and isinstance(message, StepFinished) and message.step_id == "clams"
            if not is_undone and not (isinstance(message, SessionEnded) and ended_by is None):
                recorder.write(message)
            if isinstance(message, SettingsSnapshot):
                for detail in comfort:
                    recorder.write(UserMark(message.host_ns, "comfort", detail))
        assert recorder is not None
        recorder.close()
        return path


@pytest.fixture(scope="session")
def evening() -> Evening:
    """A simulated person is coached through three clamshells."""
    spec = importlib.util.spec_from_file_location("people_coached", Path(__file__).parents[1] / "coached.py")
    assert spec is not None
    assert spec.loader is not None
    coached = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = coached
    spec.loader.exec_module(coached)
    practice = coached.practise(plan_from_json(PLAN).model_dump(mode="json"), ["right-thigh"], seed=3)
    assert practice.of(SessionEnded), "the practice came to its end"
    (clams,) = (segment for segment in practice.of(SegmentMeasured) if segment.exercise == "clamshell")
    whole = sorted(rep["range_deg"] for rep in clams.measures["reps"] if not rep["partial"])
    middle = (whole[(len(whole) - 1) // 2] + whole[len(whole) // 2]) / 2
    inputs = [message for message in practice.inputs if not isinstance(message, Packet | Tick)]
    return Evening((*inputs, *practice.outputs), middle)


@pytest.fixture
def recorded(evening: Evening, tmp_path: Path) -> Callable[..., Path]:
    """Writes the evening once more, into `rec`, by a name without ending."""

    def record(name: str, **choices: Any) -> Path:
        folder = tmp_path / "rec"
        folder.mkdir(exist_ok=True)
        return evening.written(folder / f"{name}.mcap", **choices)

    return record

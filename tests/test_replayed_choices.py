"""What a person chose for a session is part of its recording: replayed, the same is said at the same time."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from coached import Practice, practise

from sensorsoma.analysis import differences_from_live
from sensorsoma.coach.plan import load_plan
from sensorsoma.messages import Cue, DoubleTapped, StepFinished
from sensorsoma.recording.writer import Recorder
from sensorsoma.settings import SessionSettings

CHOSEN = {
    "usual_deg": {"clamshell right": 150.0},
    "n_before": 4,
    "pacer": {"in_s": 3.0, "out_s": 5.0},
    "words": {"clamshell": {"range_more": ["Wider, if that is pleasant."]}},
    "has_taps": True,
}


@cache
def evening() -> Practice:
    """On the side, a set of clamshells and a rest with the pacer, which two taps end."""
    plan = load_plan("short").model_dump(mode="json")
    kept = {"settle": {"seconds": 6.0}, "onto-left-side": {}, "right-clamshells": {"reps": 5}}
    plan["steps"] = [{**step, **kept[step["id"]]} for step in plan["steps"] if step["id"] in kept]
    plan["steps"].append({"id": "rest", "title": "Rest", "do": "rest", "open": True})
    worn = ("right-thigh", "pelvis")
    taps = {"rest": (25.0, "pelvis")}
    return practise(
        plan, worn, seed=3, rate_hz=52.0, press_next_on_open=False, taps=taps, longest_s=240.0, chosen=CHOSEN
    )


def test_every_choice_was_heard_and_is_heard_again(tmp_path: Path) -> None:
    """The usual range in one's own words, a breath word, and the tap that ended the rest; identical when replayed."""
    practice = evening()
    said = [cue.text for cue in practice.of(Cue)]
    assert {"Wider, if that is pleasant.", "In.", "Out."} <= set(said)
    assert practice.of(DoubleTapped)
    assert practice.of(StepFinished)[-1].ended_by == "person"
    path = tmp_path / "session.mcap"
    recorder = Recorder(path, practice.settings)
    for message in (*practice.inputs, *practice.outputs):
        recorder.write(message)
    recorder.close()
    assert differences_from_live(path) == []


def test_a_recording_from_before_taps_replays_without_them() -> None:
    """Settings that do not name them mean what they meant: a knock in an old recording ends no step today."""
    chosen = evening().settings.to_json()
    older = {name: value for name, value in chosen.items() if name not in CHOSEN}
    assert SessionSettings.from_json(chosen).has_taps
    assert not SessionSettings.from_json(older).has_taps

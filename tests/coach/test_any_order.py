"""Whatever happens in whatever order: nothing raises, nothing overlaps, and every step that began is finished."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sensorsoma.coach.order import one_sensor_order
from sensorsoma.coach.plan import Plan, load_plan
from sensorsoma.coach.progress import Coach
from sensorsoma.messages import (
    AlignmentRefused,
    Cue,
    CueFinished,
    DoubleTapped,
    HoldEnded,
    HoldReached,
    KneeFallPhaseReached,
    MovementBegan,
    PostureChanged,
    RepCompleted,
    SegmentMeasured,
    SessionEnded,
    SettingsSnapshot,
    StepClosed,
    StepFinished,
    StepStarted,
    StillnessChanged,
    StreamInterrupted,
    StreamResumed,
    Tick,
    TremorBegan,
    UserMark,
)  # fmt: skip

PLANS = (load_plan("hips-and-core"), load_plan("soft-hips"), one_sensor_order(load_plan("hips-check"), "left-thigh"))
SIDES = st.sampled_from(["left", "right", None])
PLACES = st.sampled_from(["left-thigh", "right-thigh", "pelvis", "belly"])
DO = st.sampled_from(["clamshell", "pelvic_rock", "pelvic_hold", "leg_back", "knee_fall", "rocking"])
PHASES = st.sampled_from(["knee_up", "falling", "arrived", "sliding", "straight"])
MARKS = st.sampled_from(["next", "back", "repeat", "pause", "resume", "supported", "comfort", "note", "stop"])

WHAT = st.one_of(
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 5.0, 30.0, 120.0])),
    st.tuples(st.just("mark"), MARKS),
    st.tuples(st.just("rep"), DO, SIDES, st.floats(0.5, 20.0), st.booleans()),
    st.tuples(st.just("phase"), SIDES, PHASES),
    st.tuples(st.just("posture"), PLACES, st.sampled_from(["supine", "left_up", "right_up", "upright", "unknown"])),
    st.tuples(st.just("tremor"), DO, SIDES),
    st.tuples(st.just("hold"), DO, SIDES, st.booleans()),
    st.tuples(st.just("began"), DO, SIDES),
    st.tuples(st.just("still"), PLACES, st.booleans()),
    st.tuples(st.just("refused"), PLACES),
    st.tuples(st.just("link"), PLACES, st.booleans()),
    st.tuples(st.just("tap"), PLACES),
)


def _message(what: Any, t_s: float) -> Any:
    ns = round(t_s * 1e9)
    match what:
        case ("mark", kind):
            return UserMark(ns, kind)
        case ("rep", do, side, long_s, is_partial):
            return RepCompleted(t_s - long_s / 2, t_s, do, side, 1, t_s - long_s, t_s, 40.0, is_partial, None)
        case ("phase", side, phase):
            return KneeFallPhaseReached(t_s, t_s, side, phase)
        case ("posture", place, posture):
            return PostureChanged(t_s, t_s, place, place, posture)
        case ("tremor", do, side):
            return TremorBegan(t_s, t_s, do, side, 8.0)
        case ("hold", do, side, is_reached):
            return HoldReached(t_s, t_s, do, side) if is_reached else HoldEnded(t_s, t_s, do, side, 3.0)
        case ("began", do, side):
            return MovementBegan(t_s, t_s, do, side)
        case ("still", place, is_still):
            return StillnessChanged(t_s, t_s, place, place, is_still)
        case ("refused", place):
            return AlignmentRefused(t_s, t_s, place, place, "bent too little")
        case ("link", place, is_lost):
            return StreamInterrupted(ns, place, "gone") if is_lost else StreamResumed(ns, place)
        case ("tap", place):
            return DoubleTapped(t_s - 0.4, t_s, place, place)
    raise AssertionError(what)


class _World:
    """Feeds the coach, ends its cues and measures its stretches now and then."""

    def __init__(self, plan: Plan, worn: Any, measures: bool, pacer: Any = None) -> None:
        self.coach = Coach(plan, worn, pacer=pacer)
        self.out: list[Any] = []
        self.measures = measures
        self.speaking: list[tuple[float, int]] = []
        self.ended_s: dict[int, float] = {}
        self.t_s = 0.0
        self.head: Any = None

    def give(self, message: Any) -> None:
        self._take(self.coach.feed(message))

    def _take(self, outputs: Any) -> None:
        for output in outputs:
            self.out.append(output)
            if isinstance(output, Cue):
                self.speaking = [(self.t_s + output.length_s, output.cue_id)]
            elif isinstance(output, StepStarted) and not output.continues:
                self.head = output
            elif isinstance(output, StepClosed) and not output.stretch_goes_on and self.measures:
                measured = SegmentMeasured(
                    self.t_s, self.t_s, "rest", None, "pelvis", 0.0, self.t_s, {}, self.head.step_id
                )
                self.give(measured)

    def wait(self, seconds: float) -> None:
        until = self.t_s + seconds
        while self.t_s < until:
            self.t_s = round(self.t_s + 0.5, 1)
            for end_s, cue_id in self.speaking:
                if end_s <= self.t_s:
                    self.speaking = []
                    self.ended_s[cue_id] = self.t_s
                    self.give(CueFinished(round(self.t_s * 1e9), cue_id))
            self.give(Tick(round(self.t_s * 1e9)))

    def finish(self) -> None:
        while given := self.coach.finish():
            self._take(given)


@settings(max_examples=60, deadline=None)
@given(
    plan=st.sampled_from(PLANS),
    worn=st.sets(PLACES),
    measures=st.booleans(),
    chosen=st.fixed_dictionaries({"has_taps": st.booleans(), "is_quiet": st.booleans()}),
    pacer=st.sampled_from([None, {"in_s": 4.0, "out_s": 6.0}]),
    happenings=st.lists(WHAT, max_size=40),
    last=st.sampled_from(["the input ends", "stop", "next"]),
)
def test_any_sequence_is_led_calmly(
    plan: Plan, worn: set[Any], measures: bool, chosen: dict[str, bool], pacer: Any, happenings: list[Any], last: str
) -> None:
    """No message raises, cues never overlap, ids and times go up, every step that began is finished once.

    Wherever it is by then, stop ends it within a minute, and next after next leads to the end of the plan.
    """
    world = _World(plan, sorted(worn), measures, pacer)
    world.give(SettingsSnapshot(0, chosen))
    world.wait(10.0)
    for what in happenings:
        if what[0] == "wait":
            world.wait(what[1])
        else:
            world.give(_message(what, world.t_s))
    for kind in {"stop": ["stop"], "next": ["next"] * (len(plan.steps) + 2)}.get(last, ()):
        world.give(UserMark(round(world.t_s * 1e9), kind))
        world.wait(2.0)
    world.wait(0.0 if last == "the input ends" else 30.0)
    assert last == "the input ends" or any(isinstance(o, SessionEnded) for o in world.out)
    world.finish()
    cues = [o for o in world.out if isinstance(o, Cue)]
    assert [cue.cue_id for cue in cues] == list(range(1, len(cues) + 1))
    for before, after in itertools.pairwise(cues):
        ended_s = world.ended_s.get(before.cue_id, before.t_s + before.length_s)
        assert after.is_interrupting or after.t_s >= ended_s
    times = [o.t_s for o in world.out]
    assert times == sorted(times)
    started = [o.step_id for o in world.out if isinstance(o, StepStarted)]
    assert [o.step_id for o in world.out if isinstance(o, StepClosed)] == started
    assert [o.step_id for o in world.out if isinstance(o, StepFinished)] == started
    assert len([o for o in world.out if isinstance(o, SessionEnded)]) == 1
    assert isinstance(world.out[-1], SessionEnded)

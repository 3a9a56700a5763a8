"""A virtual person who is coached by the real pipeline, without a radio or a clock: minutes of practice in seconds."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sensorsoma.messages import (
    Cue,
    CueFinished,
    Input,
    MarkKind,
    Output,
    Packet,
    Placement,
    SensorMoved,
    SessionContinued,
    SessionEnded,
    SessionPaused,
    SettingsSnapshot,
    StepClosed,
    StepStarted,
    StreamInterrupted,
    Tick,
    UserMark,
)
from sensorsoma.pipeline import Pipeline
from sensorsoma.settings import SessionSettings, SourceSettings
from sensorsoma.simulate import LivePerson
from sensorsoma.simulate.stream import encode_soma_v1

EPOCH_NS = 1_700_000_000_000_000_000
FRAME_S = 0.08
LATENCY_S = 0.03
HEARD = (StepStarted, StepClosed, Cue, SensorMoved, SessionPaused, SessionContinued, SessionEnded)


@dataclass
class Practice:
    """Everything that happened."""

    settings: SessionSettings
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    person: LivePerson | None = None

    def of(self, kind: type) -> list[Any]:
        """All outputs of one kind."""
        return [output for output in self.outputs if isinstance(output, kind)]


def practise(
    plan: Mapping[str, Any],
    worn: Sequence[Placement],
    *,
    seed: int = 1,
    rate_hz: float = 104.0,
    longest_s: float = 3600.0,
    press_next_on_open: bool = True,
    marks: Mapping[str, tuple[float, MarkKind]] | None = None,
    taps: Mapping[str, tuple[float, Placement]] | None = None,
    losses: Mapping[str, tuple[float, Placement]] | None = None,
    chosen: Mapping[str, Any] | None = None,
    **person_options: Any,
) -> Practice:
    """Runs a plan to its end with a virtual person who wears sensors at `worn`.

    An open step is ended with `next` after 20 s, as a person would. `marks` are pressed so many seconds after the step
    of that name began; likewise sensors are tapped twice (`taps`), or their link is lost for good (`losses`). `chosen`
    are further settings of the session.
    """
    settings = SessionSettings(
        sources=tuple(SourceSettings(place, place, "virtual", "soma_v1", link="simulated") for place in worn),
        plan=plan,
        **(chosen or {}),
    )
    person = LivePerson(seed, rate_hz=rate_hz, waits_for_words=True, **person_options)
    devices = {place: person.device(place, rate_hz, 0.0) for place in worn}
    practice = Practice(settings, person=person)
    pipeline = Pipeline()
    finishing: list[tuple[int, int]] = []
    open_since_s: float | None = None
    pressing: list[tuple[int, str, str]] = []

    def feed(message: Input) -> bool:
        nonlocal open_since_s
        practice.inputs.append(message)
        outputs = pipeline.feed(message)
        practice.outputs.extend(outputs)
        has_ended = False
        for output in outputs:
            now_s = (message.host_ns - EPOCH_NS) / 1e9
            if isinstance(output, HEARD):
                person.hear(now_s, output)
            if isinstance(output, Cue):
                heapq.heappush(finishing, (message.host_ns + round(output.length_s * 1e9), output.cue_id))
            if isinstance(output, StepStarted):
                open_since_s = now_s if output.asked.get("open") else None
                for what, wishes in (("mark", marks), ("tap", taps), ("loss", losses)):
                    if wishes and output.step_id in wishes:
                        after_s, which = wishes[output.step_id]  # type: ignore[index]  # three kinds of wishes
                        heapq.heappush(pressing, (message.host_ns + round(after_s * 1e9), what, which))
            has_ended = has_ended or isinstance(output, SessionEnded)
        return has_ended

    feed(SettingsSnapshot(EPOCH_NS, settings.to_json()))
    n = 0
    while n * 0.02 < longest_s:
        n += 1
        now_s = n * 0.02
        now_ns = EPOCH_NS + round(now_s * 1e9)
        while finishing and finishing[0][0] <= now_ns:
            if feed(CueFinished(now_ns, heapq.heappop(finishing)[1])):
                return _finished(practice, pipeline)
        if n % 4 == 0:
            for place, device in devices.items():
                taken = device.read(now_s - LATENCY_S)
                if len(taken.device_t_s) and feed(
                    Packet(
                        now_ns,
                        place,
                        encode_soma_v1(
                            taken.first_index, taken.device_t_s, taken.acc_sensor_mps2, taken.gyr_sensor_radps
                        ),
                    )
                ):
                    return _finished(practice, pipeline)
        while pressing and pressing[0][0] <= now_ns:
            _, what, which = heapq.heappop(pressing)
            if what == "tap":
                person.tap(now_s, which)  # type: ignore[arg-type]
            elif what == "loss":
                devices.pop(which, None)  # type: ignore[call-overload]
                feed(StreamInterrupted(now_ns, which, "out of reach"))
            elif feed(UserMark(now_ns, which)):  # type: ignore[arg-type]
                return _finished(practice, pipeline)
        if n % 5 == 0 and feed(Tick(now_ns)):
            return _finished(practice, pipeline)
        if press_next_on_open and open_since_s is not None and now_s - open_since_s > 20.0:
            open_since_s = None
            if feed(UserMark(now_ns, "next")):
                return _finished(practice, pipeline)
    return _finished(practice, pipeline)


def _finished(practice: Practice, pipeline: Pipeline) -> Practice:
    practice.outputs.extend(pipeline.finish())
    return practice

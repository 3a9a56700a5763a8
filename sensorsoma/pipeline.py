"""The line, spelled out on one page: inputs in, everything that follows from them out.

    Packet ─▶ decoder (+ timebase) ─▶ orientation ─▶ body (poses, posture), breath ─▶ detectors ─▶ coach ─▶ cues
                                                         ▲                                ▲           │
                                                         └──── a step begins, ends, a sensor moves ───┘

Live sessions and replays run exactly this. It is synchronous, reads no clock and does no I/O; one message is worked
through to its last consequence before the next is taken, so grouping inputs differently changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sensorsoma.decode.base import Decoder, make_decoder
from sensorsoma.dsp.gravity_fit import corrected
from sensorsoma.dsp.orientation import OrientationFilter
from sensorsoma.exercises import make_detector
from sensorsoma.exercises.base import Detector, Stretch
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.breath import BreathListener
from sensorsoma.exercises.health import SensorWatch
from sensorsoma.exercises.stretches import stretches_for
from sensorsoma.exercises.taps import TapListener
from sensorsoma.messages import (
    BadPacket,
    Cue,
    DeviceInfo,
    Gap,
    ImuBlock,
    Input,
    LiveAngle,
    OrientedBlock,
    Output,
    Packet,
    Placement,
    SegmentCurve,
    SegmentMeasured,
    SensorFellOff,
    SensorHealth,
    SensorMoved,
    SessionEnded,
    SettingsSnapshot,
    StepClosed,
    StepFinished,
    StepStarted,
    StreamResumed,
    UserMark,
    placement_side,
)
from sensorsoma.settings import SegmentRequest, SessionSettings, SourceSettings
from sensorsoma.units import NS_PER_S

if TYPE_CHECKING:
    from sensorsoma.coach.progress import Coach

_NOT_FOR_THE_COACH = (
    ImuBlock,
    OrientedBlock,
    Gap,
    BadPacket,
    SegmentCurve,
    LiveAngle,
    Cue,
    StepStarted,
    StepClosed,
    StepFinished,
    SensorHealth,
)
"""Samples and pictures say nothing to the coach, and it knows its own words. What a device tells does: its battery."""


@dataclass(slots=True)
class _Channel:
    """What belongs to one source."""

    placement: Placement
    decoder: Decoder
    orientation: OrientationFilter
    watch: SensorWatch
    acc_fit: Mapping[str, Any] | None = None
    """Offset and gain of this accelerometer where a fit is kept: taken off before anything is measured."""
    last_t_s: float | None = None
    is_aside: bool = False
    """It lies beside the person: recorded and looked after, but nothing that it feels is of the body."""


@dataclass(slots=True)
class _Running:
    """A detector at work, and the time limits of what it may see."""

    detector: Detector
    stretch: Stretch
    end_s: float | None = None
    is_done: bool = False


class Pipeline:
    """Everything between an input and what it leads to.

    The first input must be a `SettingsSnapshot`; it says which decoders run, which plan is coached and which
    stretches are measured without a plan.
    """

    def __init__(self) -> None:
        self.settings: SessionSettings | None = None
        self._epoch_ns = 0
        self._channels: dict[str, _Channel] = {}
        self._body = Body()
        self._breath = BreathListener()
        self._taps = TapListener()
        self._coach: Coach | None = None
        self._running: list[_Running] = []
        self._supported_s: list[float] = []
        """When the person said, or the plan says, that a pillow carries the knee."""
        self._is_finished = False

    @property
    def worn(self) -> tuple[Placement, ...]:
        """Where the sensors sit right now."""
        return tuple(channel.placement for channel in self._channels.values() if not channel.is_aside)

    def feed(self, message: Input) -> tuple[Output, ...]:
        """What follows from one input, in order.

        Raises:
            ValueError: when the first input is not a `SettingsSnapshot`.
        """
        if isinstance(message, SettingsSnapshot):
            return self._work(self._begin_session(message))
        if self.settings is None:
            raise ValueError(f"expected a SettingsSnapshot first, got {type(message).__name__}")
        first: list[Output] = []
        if isinstance(message, Packet):
            first = self._decode(message)
        elif isinstance(message, StreamResumed) and message.channel in self._channels:
            self._channels[message.channel].decoder.resumed(message.host_ns)
        if isinstance(message, UserMark) and message.kind == "supported":
            self._supported_s.append((message.host_ns - self._epoch_ns) / NS_PER_S)
        if self._coach is not None and not isinstance(message, Packet):
            first.extend(_moves_first(self._coach.feed(message)))
        elif isinstance(message, UserMark) and message.kind == "stop":
            first.append(SessionEnded((message.host_ns - self._epoch_ns) / NS_PER_S, "person"))
        return self._work(first)

    def finish(self) -> tuple[Output, ...]:
        """What is still pending when the inputs are over; harmless when called twice."""
        if self._is_finished or self.settings is None:
            return ()
        self._is_finished = True
        last: list[Output] = []
        for channel in self._channels.values():
            for item in channel.decoder.finish():
                last.extend(self._measure(channel, item))
        out = list(self._work(last))
        end_s = max((c.last_t_s for c in self._channels.values() if c.last_t_s is not None), default=0.0)
        while self._coach is not None and (closing := self._coach.finish()):
            out.extend(self._work(closing))
        for running in self._running:
            limit = end_s if running.end_s is None else min(running.end_s, end_s)
            out.extend(self._work(self._end(running, limit)))
        for name, channel in self._channels.items():
            if channel.last_t_s is not None:
                out.append(self._health(name, channel, channel.last_t_s))
        return tuple(out)

    def _health(self, name: str, channel: _Channel, end_s: float) -> SensorHealth:
        straps = self._body.straps(name)
        measures = {
            **channel.watch.measures(),
            "alignments": [quality.to_json() for strap in straps for quality in strap.qualities],
            "slips": [slip.to_json() | {"placement": strap.placement} for strap in straps for slip in strap.slips],
        }
        return SensorHealth(end_s, end_s, name, channel.placement, measures)

    # ------------------------------------------------------------------------------------------- beginning

    def _begin_session(self, message: SettingsSnapshot) -> list[Output]:
        self.settings = settings = SessionSettings.from_json(message.settings)
        self._epoch_ns = message.host_ns
        self._channels = {source.channel: self._open(source) for source in settings.sources}
        for request in settings.segments:
            self._start_requested(request)
        if settings.plan is None:
            return []
        from sensorsoma.coach.plan import plan_from_json
        from sensorsoma.coach.progress import Coach
        from sensorsoma.coach.words import load_words

        plan = plan_from_json(settings.plan)
        words = load_words(settings.language, settings.words)
        self._coach = Coach(
            plan, self.worn, words, settings.usual_deg, n_before=settings.n_before, pacer=settings.pacer
        )
        return _moves_first(self._coach.feed(message))

    def _open(self, source: SourceSettings) -> _Channel:
        decoder = make_decoder(source.decoder, source.channel, self._epoch_ns, source.config)
        acc_fit = source.config.get("acc_fit")
        watch = SensorWatch(source.config.get("rate_hz"), acc_fit)
        self._trust(source.placement, acc_fit)
        return _Channel(source.placement, decoder, OrientationFilter(source.channel), watch, acc_fit)

    def _trust(self, placement: Placement, acc_fit: Mapping[str, Any] | None) -> None:
        if acc_fit is not None and acc_fit.get("angle_sd_deg") is not None:
            self._body.trust(placement, acc_fit["angle_sd_deg"])

    def _start_requested(self, request: SegmentRequest) -> None:
        worn = tuple(placement for placement in self.worn if request.placement in (None, placement))
        for stretch in stretches_for(request.exercise, request.side, worn, request.start_s, step_id=None):
            self._running.append(_Running(make_detector(stretch, self._body), stretch, request.end_s))

    # ------------------------------------------------------------------------------------ samples to events

    def _decode(self, packet: Packet) -> list[Output]:
        channel = self._channels.get(packet.channel)
        if channel is None:
            return [BadPacket(packet.host_ns, packet.channel, "a packet from a source that the settings do not list")]
        out: list[Output] = []
        for item in channel.decoder.feed(packet):
            out.extend(self._measure(channel, item))
        return out

    def _measure(self, channel: _Channel, item: ImuBlock | Gap | BadPacket | DeviceInfo) -> list[Output]:
        if isinstance(item, Gap):
            channel.orientation.gap(item)
            channel.watch.gap(item)
            out: list[Output] = [item]
            out.extend(self._body.feed(item))
            self._taps.gap(item)
            for running in self._running:
                if not running.is_done:
                    out.extend(running.detector.feed(item))
            return out
        if not isinstance(item, ImuBlock) or not len(item.t_s):
            return [item]
        channel.last_t_s = float(item.t_s[-1])
        channel.watch.feed(item)
        exact = item
        if channel.acc_fit is not None:
            exact = replace(item, acc_sensor_mps2=corrected(item.acc_sensor_mps2, channel.acc_fit))
        oriented = channel.orientation.feed(exact, channel.placement)
        if not len(oriented.t_s):  # not one of its numbers was finite
            return [item]
        out = [item, oriented]
        if channel.is_aside:
            return out
        out.extend(self._body.feed(oriented))
        if self.settings is not None and self.settings.has_taps:
            out.extend(self._taps.feed(oriented))
        out.extend(self._breath.feed(oriented, [r.stretch.exercise for r in self._running if not r.is_done]))
        for running in self._running:
            if running.is_done:
                continue
            part = _within(oriented, running.stretch.start_s, running.end_s)
            if part is not None:
                out.extend(running.detector.feed(part))
            if running.end_s is not None and channel.last_t_s >= running.end_s and self._all_past(running.end_s):
                out.extend(self._end(running, running.end_s))
        return out

    def _all_past(self, t_s: float) -> bool:
        """True once every channel has delivered samples beyond `t_s`."""
        return all(c.last_t_s is not None and c.last_t_s >= t_s for c in self._channels.values())

    # --------------------------------------------------------------------------------- events to the coach

    def _work(self, messages: Iterable[Output]) -> tuple[Output, ...]:
        """Follows every message to its last consequence, depth first."""
        done: list[Output] = []
        todo = deque(messages)
        while todo:
            message = todo.popleft()
            done.append(message)
            consequences: list[Output] = []
            if isinstance(message, StepStarted):
                self._start_step(message)
            elif isinstance(message, StepClosed):
                done.extend(self._work(self._close_step(message)))
            elif isinstance(message, SensorMoved):
                self._move_sensor(message)
            elif isinstance(message, SensorFellOff):
                self._channels[message.channel].is_aside = True
            if self._coach is not None and not isinstance(message, _NOT_FOR_THE_COACH):
                consequences.extend(_moves_first(self._coach.feed(message)))
            todo.extendleft(reversed(consequences))
        return tuple(done)

    def _start_step(self, step: StepStarted) -> None:
        if step.do == "roll_over":
            self._put_belly_aside()
        if step.pose is not None:
            for placement in self._posed(step):
                self._body.expect_pose(placement, step.pose, step.t_s)
        if step.asked.get("supported"):
            self._supported_s.append(step.t_s)
        if step.continues and any(not running.is_done for running in self._running):
            return
        if "moves_sensor_to" in step.asked:
            return
        for stretch in stretches_for(step.do, step.side, self.worn, step.t_s, step_id=step.step_id):
            self._running.append(_Running(make_detector(stretch, self._body), stretch))

    def _posed(self, step: StepStarted) -> tuple[Placement, ...]:
        thighs = (placement for placement in self.worn if placement.endswith("thigh"))
        return tuple(thigh for thigh in thighs if step.side is None or placement_side(thigh) == step.side)

    def _close_step(self, step: StepClosed) -> list[Output]:
        if step.stretch_goes_on:
            return []
        out: list[Output] = []
        for running in self._running:
            if not running.is_done:
                out.extend(self._end(running, step.t_s))
        self._running = [running for running in self._running if not running.is_done]
        return out

    def _end(self, running: _Running, end_s: float) -> list[Output]:
        if running.is_done:
            return []
        running.is_done = True
        outputs = self._breath.tell(running.detector.finish(max(end_s, running.stretch.start_s)))
        return [_with_support(output, self._supported_s) for output in outputs]

    def _put_belly_aside(self) -> None:
        """A phone on the belly does not come along onto a side; what it feels on the mattress is not the person."""
        for channel in self._channels.values():
            if channel.placement == "belly" and not channel.is_aside:
                channel.is_aside = True
                self._body.forget("belly")
                self._breath.forget("belly")

    def _move_sensor(self, moved: SensorMoved) -> None:
        channel = self._channels[moved.channel]
        self._body.forget(channel.placement)
        self._breath.forget(channel.placement)
        channel.placement = moved.placement
        self._trust(moved.placement, channel.acc_fit)


def _with_support(output: Output, supported_s: Sequence[float]) -> Output:
    """A measured knee fall with `supported` set for the rests during which support was marked; all else unchanged."""
    if not isinstance(output, SegmentMeasured) or output.exercise != "knee_fall" or not supported_s:
        return output
    falls = [
        {**fall, "supported": True} if any(_covers(fall, t_s) for t_s in supported_s) else fall
        for fall in output.measures.get("falls") or ()
    ]
    return replace(output, measures={**output.measures, "falls": falls})


def _covers(fall: Mapping[str, Any], t_s: float) -> bool:
    begin, end = fall.get("knee_up_s"), fall.get("rest_end_s")
    return begin is not None and begin <= t_s and (end is None or t_s <= end)


def _moves_first(outputs: Iterable[Output]) -> list[Output]:
    """The same outputs with `SensorMoved` in front: the step that follows must find the sensor where it sits now."""
    return sorted(outputs, key=lambda output: not isinstance(output, SensorMoved))


def _within(block: OrientedBlock, start_s: float, end_s: float | None) -> OrientedBlock | None:
    """The part of a block inside [start_s, end_s); None when nothing is."""
    t_s = block.t_s
    if t_s[0] >= start_s and (end_s is None or t_s[-1] < end_s):
        return block
    keep = t_s >= start_s
    if end_s is not None:
        keep &= t_s < end_s
    if not keep.any():
        return None
    return replace(
        block,
        t_s=t_s[keep],
        up_sensor=block.up_sensor[keep],
        quat_sensor_to_earth=None if block.quat_sensor_to_earth is None else block.quat_sensor_to_earth[keep],
        acc_sensor_mps2=block.acc_sensor_mps2[keep],
        gyr_sensor_radps=None if block.gyr_sensor_radps is None else block.gyr_sensor_radps[keep],
    )

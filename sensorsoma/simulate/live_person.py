"""The person who listens: reacts to the coach after a human reaction time, and wears sensors that can be read any time.

What has been sampled never changes: movements are planned piece by piece, each no earlier than its own beginning, and a
message heard at `now` moves nothing before `now` plus the reaction time. As long as nobody reads further ahead of the
last message than half a second, samples and truth do not depend on how the reading is cut.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sensorsoma.messages import Floats, Message, Placement
from sensorsoma.simulate import own_will
from sensorsoma.simulate.body import Body
from sensorsoma.simulate.device import LiveDevice
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.habits import Habits
from sensorsoma.simulate.listening import Heard, follow
from sensorsoma.simulate.person import Person, Plan
from sensorsoma.simulate.seeds import stream
from sensorsoma.simulate.sensor import Errors, Sensor, random_rotation
from sensorsoma.simulate.taps import Tapping, draw_double
from sensorsoma.simulate.temperament import TEMPERAMENTS, Temperament
from sensorsoma.simulate.truth import StretchTruth, Truth
from sensorsoma.simulate.worn import WornSensor

NEVER = math.inf
READ_AHEAD_S = 0.5
"""How far beyond the last message sensors may be read; below every reaction time."""


class LivePerson:
    """A virtual person in a bed.

    Args:
        seed: everything random follows from it.
        difficulties: `Difficulties.all()` by default.
        temperament: key of `TEMPERAMENTS`, or one's own.
        shaking: whether clamshells and holds shake; None for "in some".
        options: fixed wishes by exercise: `{"clamshell": {"range_deg": 40}, "knee_fall": {"arrival_deg": 60}}`.
        rate_hz: nominal rate of the sensors, for their noise.
        waits_for_words: a step is begun once its opening words have been heard to their end, as people do, instead of
            when the coach goes on to it. Needs a coach that speaks.
        habits: what they do of their own will: a name of `HABITS`, or a mapping of its fields.
    """

    def __init__(
        self,
        seed: int,
        difficulties: Difficulties | None = None,
        *,
        temperament: str | Temperament = "steady",
        shaking: bool | None = None,
        options: Mapping[str, Mapping[str, Any]] | None = None,
        rate_hz: float = 104.0,
        waits_for_words: bool = False,
        habits: str | Mapping[str, Any] | Habits | None = None,
    ) -> None:
        self.seed = seed
        self._waits_for_words = waits_for_words
        self._announced: Mapping[str, Any] | None = None
        self.rate_hz = rate_hz
        self.person = Person(seed, Difficulties.all() if difficulties is None else difficulties)
        self.temperament = TEMPERAMENTS[temperament] if isinstance(temperament, str) else temperament
        self._shaking = shaking
        self._options = options or {}
        self._reactions = stream(seed, "reactions")
        self._handling = stream(seed, "handling")
        self._plan: Plan | None = None
        self._plan_at_s = NEVER
        self._queued: list[tuple[Plan, float]] = []
        self._open: StretchTruth | None = None
        self._paused = False
        self._worn: dict[str, WornSensor] = {}
        self._moved_at_s: float | None = None
        self._tapping: dict[Placement, Tapping] = {}
        self._habits = Habits.of(habits)
        self._whims = stream(seed, "whims")
        self._due: list[tuple[float, str]] | None = None
        """What they will do of their own will, and when; None until the first word is heard."""
        self._is_deaf = False
        """Asleep or gone: what is said moves nothing more."""

    # ----------------------------------------------------------------------------------------- reading

    @property
    def truth(self) -> Truth:
        """What was actually done so far."""
        return self.person.truth

    def samples(self, channel: Placement, t_s: Sequence[float] | Floats) -> tuple[Floats, Floats]:
        """Accelerometer (m/s²) and gyroscope (rad/s) of a worn sensor at increasing true seconds, `(n, 3)` each.

        Every call must go on where the last one for this channel ended.
        """
        times = np.asarray(t_s, dtype=np.float64)
        if len(times):
            self._plan_until(float(times[-1]))
        acc, gyr = self.worn(channel).read(times)
        return self._tapping[channel].on(times, acc, gyr) if channel in self._tapping else (acc, gyr)

    def worn(self, channel: Placement) -> WornSensor:
        """The sensor of a channel; put on at its placement when first asked for."""
        if channel not in self._worn:
            self._worn[channel] = WornSensor(channel, self._fit_on)
        return self._worn[channel]

    def errors(self, channel: Placement) -> Errors:
        """Clock, frame length and errors of a channel's sensor."""
        return self.worn(channel).sensor.errors

    def device(self, channel: Placement, rate_hz: float | None = None, start_s: float = 0.0) -> LiveDevice:
        """A sensor with its own clock that is read sample by sample: the cheap way to stream."""
        return LiveDevice(self, channel, self.rate_hz if rate_hz is None else rate_hz, start_s)

    def _fit_on(self, placement: Placement, strapping: int) -> Sensor:
        errors = Errors.draw(self.seed, placement, self.rate_hz, self.person.on, strapping)
        return Sensor(self.person.body, placement, errors, self.seed, strapping)

    def advance(self, now_s: float) -> None:
        """Let the person go on moving until `now_s` without reading a sensor."""
        self._plan_until(now_s)

    def tap(self, now_s: float, channel: Placement) -> None:
        """Tap twice on a sensor, as soon as a hand gets there."""
        start_s = max(now_s, self.worn(channel).read_until_s) + 0.6
        taps = draw_double(self._handling, start_s)
        self._tapping.setdefault(channel, Tapping(self.rate_hz)).add(*taps)
        self.truth.disturbances.append({"kind": "double tap", "start_s": start_s, "end_s": taps[1].t_s})

    # --------------------------------------------------------------------------------------- listening

    def hear(self, now_s: float, message: Message | Mapping[str, Any]) -> None:
        """Take in one message at `now_s`; those that mean nothing to a person in bed are ignored.

        Understood: StepStarted, StepClosed, Cue, SensorMoved, SessionPaused, SessionContinued, SessionEnded, as
        objects or as their JSON with a "type" key.
        """
        kind, said = _plain(message)
        if self._due is None:
            self._due = self._habits.due(now_s)
        if self._due:
            self._plan_until(now_s)
        if self._is_deaf:
            return
        if kind == "StepStarted" and self._waits_for_words:
            self._announced = said
        elif kind == "StepStarted":
            self._begin(now_s, said)
        elif kind == "StepClosed":
            self._close(now_s, bool(said["stretch_goes_on"]))
        elif kind == "Cue":
            self._cue(now_s + (float(said["length_s"]) if self._waits_for_words else 0.0), str(said["key"]))
        elif kind == "SensorMoved":
            self._move_sensor(now_s, said["channel"], said["placement"])
        elif kind == "SessionPaused":
            self._plan_until(now_s + self._react())
            self._paused = True
        elif kind == "SessionContinued" and self._paused:
            self._paused = False
            self._plan_at_s = max(self._plan_at_s, self._from(now_s))
        elif kind == "SessionEnded":
            self._close(now_s, False)

    def _react(self) -> float:
        return max(0.6, float(self._reactions.uniform(*self.temperament.reaction_s)))

    def _from(self, now_s: float) -> float:
        """When a reaction to what is heard now can begin to move something."""
        read_s = max((worn.read_until_s for worn in self._worn.values()), default=0.0)
        return max(now_s + self._react(), read_s + 0.02)

    def _begin(self, now_s: float, said: Mapping[str, Any]) -> None:
        asked = dict(said["asked"] or {})
        if "reps" in asked and self._habits.reps is not None:
            asked["reps"] = self._habits.reps
        step = Heard(said["do"], said["side"], str(said["step_id"]), bool(said["continues"]), asked, said["pose"])
        from_s = self._from(now_s)
        self._stop_at(from_s)
        if self._is_deaf:  # the words had not ended when they left
            return
        wants = self._reactions.random() < 0.6 if self._shaking is None else self._shaking
        wishes = self._options.get(_options_key(step), {})
        plan = follow(self.person, step, self.temperament, bool(wants), wishes, self._habits)
        self._queued.append((plan, from_s))
        if not step.continues:
            self._end_stretch(now_s)
        if self._plan is None:
            self._take_next()

    def _close(self, now_s: float, stretch_goes_on: bool) -> None:
        self._stop_at(self._from(now_s))
        if not stretch_goes_on:
            self._end_stretch(now_s)

    def _end_stretch(self, now_s: float) -> None:
        if self.truth.stretches and self.truth.stretches[-1].end_s is None:
            self.truth.stretches[-1].end_s = now_s

    def _stop_at(self, from_s: float) -> None:
        """Let what is going on come to its end from `from_s` on."""
        self._plan_until(from_s)
        if self._plan is None:
            return
        self.person.closing = True
        self._plan_at_s = min(self._plan_at_s, max(from_s, self.person.busy_s))

    def _cue(self, now_s: float, key: str) -> None:
        section, _, moment = key.partition(".")
        if self._announced is not None and moment == "start":
            announced, self._announced = self._announced, None
            self._begin(now_s, announced)
        if section == "roll_over" and "belly" in self._worn and self._worn["belly"].is_worn:
            self._take_off("belly", self._from(now_s), 2.5, "laid aside")
        if section == "move_sensor":
            self._hand_over(now_s + self._react(), 4.0)
        elif moment and moment != "start":
            from_s = self._from(now_s)
            self._plan_until(from_s)
            self.person.heard.add(moment)
            if self._plan_at_s == NEVER and self._plan is not None:
                self._plan_at_s = max(from_s, self.person.busy_s)

    def _hand_over(self, start_s: float, seconds: float) -> None:
        """Take the one thigh sensor to the other thigh."""
        thighs = [worn for worn in self._worn.values() if "thigh" in worn.placement]
        if len(thighs) == 1:
            to: Placement = "left-thigh" if thighs[0].placement == "right-thigh" else "right-thigh"
            self._take_to(thighs[0], to, start_s, seconds)

    def _move_sensor(self, now_s: float, channel: Placement, placement: Placement) -> None:
        self._take_to(self.worn(channel), placement, self._from(now_s), 1.5)

    def _take_to(self, worn: WornSensor, placement: Placement, start_s: float, seconds: float) -> None:
        if worn.placement == placement:
            return
        start_s = max(start_s, worn.read_until_s + 0.02)
        worn.move_to(placement, start_s, start_s + seconds, self._handling)
        self.truth.disturbances.append({"kind": "sensor moved", "start_s": start_s, "end_s": start_s + seconds})

    def _take_off(self, channel: Placement, start_s: float, seconds: float, why: str) -> None:
        """A sensor leaves the body and then lies on the mattress, turned any way."""
        worn = self.worn(channel)
        errors = replace(worn.sensor.errors, mounting=random_rotation(self._whims))
        lying = Sensor(Body(), worn.placement, errors, self.seed, strapping=-1)
        worn.take_off(lying, start_s, start_s + seconds, self._whims)
        self.truth.disturbances.append({"kind": f"sensor {why}", "start_s": start_s, "end_s": start_s + seconds})

    # ------------------------------------------------------------------------------------ their own will

    def _do(self, whim: str, at_s: float) -> None:
        """Something that nobody asked for begins at `at_s`."""
        habits = self._habits
        if whim == "drops" and habits.drops is not None:
            self._take_off(habits.drops, at_s, 0.6, "fell off")
        elif whim in ("coughs", "talks"):
            self._interject(whim, at_s)
        else:
            self._is_deaf, self._announced = True, None
            self._end_stretch(at_s)
            self._queued = [(own_will.LEAVING[whim](self.person), at_s)]
            if self._plan is not None:
                self.person.closing = True
                self._plan_at_s = min(self._plan_at_s, max(at_s, self.person.busy_s))

    def _interject(self, whim: str, at_s: float) -> None:
        """A cough or a few words on top of whatever goes on, and the time of the next."""
        here_s, self.person.at_s = self.person.at_s, at_s
        took_s = self.person.cough() if whim == "coughs" else own_will.talk(self.person, self._whims.uniform(2.0, 5.0))
        self.person.at_s = here_s
        every_s = (self._habits.coughs_every_s if whim == "coughs" else self._habits.talks_every_s) or NEVER
        assert self._due is not None
        self._due = sorted([*self._due, (at_s + took_s + float(self._whims.uniform(0.6, 1.4)) * every_s, whim)])

    # ----------------------------------------------------------------------------------------- planning

    def _plan_until(self, t_s: float) -> None:
        """Plan everything that begins at or before `t_s`."""
        while self._due and self._due[0][0] <= t_s:
            (at_s, whim), *self._due = self._due
            self._plan_pieces(at_s)
            self._do(whim, at_s)
        self._plan_pieces(t_s)

    def _plan_pieces(self, t_s: float) -> None:
        """Plan every piece of what was asked that begins at or before `t_s`."""
        self.person.breathing.ensure(t_s + 1.0)
        while self._plan is not None and self._plan_at_s <= t_s and not self._paused:
            self.person.at_s = self._plan_at_s
            try:
                self._plan_at_s = next(self._plan)
            except StopIteration:
                self._plan, self._plan_at_s = None, NEVER
                self._take_next()
        if self._plan is None:
            self._take_next()

    def _take_next(self) -> None:
        if self._queued and self._plan is None:
            self._plan, from_s = self._queued.pop(0)
            self.person.closing = bool(self._queued)
            self.person.heard.clear()
            self._plan_at_s = max(from_s, self.person.busy_s)


def _options_key(step: Heard) -> str:
    """Slides and rests after a fall have wishes of their own."""
    if step.continues:
        return {"leg_slide": "slide_open", "stillness": "settle"}.get(step.do, "rest_open")
    return step.do


def _plain(message: Message | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    if isinstance(message, Mapping):
        return str(message.get("type", "")), message
    names = type(message).__dataclass_fields__
    return type(message).__name__, {name: getattr(message, name) for name in names}

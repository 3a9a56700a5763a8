"""Before the lights go out: is it heard, is it charged, does every sensor sit and send as it should.

`SeatCheck` looks at one sensor's samples; `look` lets sources run for a few seconds and asks every seat; `try_sound`
rings and speaks once. Asking the person stays with the command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sensorsoma.clock import Clock
from sensorsoma.errors import SensorSomaError
from sensorsoma.live.findings import Finding
from sensorsoma.live.speech import Speaker
from sensorsoma.messages import (
    BadPacket,
    Cue,
    DeviceInfo,
    Floats,
    Gap,
    ImuBlock,
    Input,
    SourceStatus,
)
from sensorsoma.sources.base import Source
from sensorsoma.units import GOOD_REST_G, STANDARD_GRAVITY_MPS2, USABLE_REST_G

SOUND_SENTENCE = "If you can hear this calmly, the sound is right."
"""Said once before the practice."""

SNUG_ADVICE = "Pull at it lightly: it should move with the skin, not over it."
"""What only a hand can find out; said with every seat that is otherwise fine."""


@dataclass(frozen=True, slots=True)
class SeatParams:
    """What is good enough."""

    look_s: float = 5.0
    """Seconds of samples to look at: enough for a rate within 1 % and for a still second within it."""
    still_s: float = 1.0
    """Length of the stillest stretch, in which the resting length of gravity is read."""
    still_mps2: float = 0.15
    """Spread of that length up to which somebody lies still: breathing gives 0.03, a fidget 0.5 m/s²."""
    good_g: tuple[float, float] = GOOD_REST_G
    """Resting length of a well calibrated accelerometer."""
    usable_g: tuple[float, float] = USABLE_REST_G
    """Outside, the unit or the sensor is wrong."""
    least_hz: float = 25.0
    """Counting needs a few samples in every tenth of a second."""
    good_hz: float = 48.0
    """Shaking is looked for up to 14 Hz; twice that and room for a filter. Sensors sold with 50 run at 48 to 52."""
    rate_share: float = 0.1
    """The rate may differ from the expected one by this share before it is named."""
    most_lost_share: float = 0.03
    """Share of the time lost in gaps beyond which the link is named."""
    low_battery: int = 20
    """Per cent at which a note is made: enough for tonight with most sensors."""
    empty_battery: int = 8
    """Per cent at which the charge may not last for an hour."""
    weak_dbm: int = -85
    """Receivers fail at about -95 dBm, and a body that turns in between costs ten and more."""


class SeatCheck:
    """Looks at one sensor; feed it everything that its channel gives.

    Args:
        channel: its name.
        expected_hz: the rate that was asked for, or None.
        params: what is good enough.
    """

    def __init__(self, channel: str, expected_hz: float | None = None, params: SeatParams | None = None) -> None:
        self.params = params or SeatParams()
        self._channel = channel
        self._expected_hz = expected_hz
        self._blocks: list[ImuBlock] = []
        self._lost_s = 0.0
        self._n_bad = 0
        self._last_reason = ""
        self._battery: int | None = None
        self._rssi_dbm: int | None = None
        self._is_simulated = False
        self._text = ""

    def on_message(self, message: object) -> None:
        """Takes what belongs to this channel."""
        if getattr(message, "channel", None) != self._channel:
            return
        match message:
            case ImuBlock():
                self._blocks.append(message)
            case Gap():
                self._lost_s += message.end_s - message.start_s
            case BadPacket():
                self._n_bad += 1
                self._last_reason = message.reason
            case DeviceInfo() | SourceStatus():
                if message.battery_percent is not None:
                    self._battery = message.battery_percent
                if isinstance(message, SourceStatus):
                    self._is_simulated = message.is_simulated
                    self._rssi_dbm = message.rssi_dbm if message.rssi_dbm is not None else self._rssi_dbm
                    self._text = message.text or self._text
            case _:
                pass

    @property
    def seconds(self) -> float:
        """How much has been seen."""
        return float(self._blocks[-1].t_s[-1] - self._blocks[0].t_s[0]) if self._blocks else 0.0

    def findings(self) -> list[Finding]:
        """What was found: samples, resting length, signal, battery."""
        where = self._channel + (" (simulated)" if self._is_simulated else "")
        if not self._blocks:
            told = f" ({self._last_reason})" if self._last_reason else ""
            mend = self._text or "Switch it on, bring it near and try once more."
            return [Finding(where, "bad", f"Nothing has come from it yet{told}.", mend)]
        findings = [self._stream(where)]
        acc = np.concatenate([block.acc_sensor_mps2 for block in self._blocks])
        findings.append(judge_rest(acc, self._blocks[-1].rate_hz, where, self.params))
        more = (judge_signal(self._rssi_dbm, where, self.params), judge_battery(self._battery, where, self.params))
        return [*findings, *(finding for finding in more if finding is not None)]

    def _stream(self, where: str) -> Finding:
        p = self.params
        rate = self._blocks[-1].rate_hz
        kind = "acceleration only" if self._blocks[-1].gyr_sensor_radps is None else "acceleration and rotation"
        found = f"It sends {kind}, {rate:.0f} samples a second."
        lost_share = self._lost_s / max(self.seconds, 1e-9)
        if rate < p.least_hz:
            return Finding(where, "bad", found, f"At least {p.least_hz:.0f} are needed; choose a higher rate.")
        if lost_share > p.most_lost_share:
            mend = "Bring the computer nearer, to the same side of the bed as the sensor."
            return Finding(where, "warn", f"{found} {100 * lost_share:.0f} % were lost on the way.", mend)
        if self._n_bad:
            return Finding(where, "warn", f"{found} {self._n_bad} packets could not be read ({self._last_reason}).")
        if rate < p.good_hz:
            return Finding(where, "warn", found, "Shaking needs about 50; the rest works.")
        if self._expected_hz is not None and abs(rate / self._expected_hz - 1) > p.rate_share:
            return Finding(where, "warn", f"{found} {self._expected_hz:.0f} were expected.")
        return Finding(where, "ok", found)


def judge_rest(acc_mps2: Floats, rate_hz: float, where: str = "sensor", params: SeatParams | None = None) -> Finding:
    """Whether gravity has its right length while the sensor is still.

    Args:
        acc_mps2: `(n, 3)` specific force.
        rate_hz: sampling rate.
        where: name of the finding.
        params: what is good enough.
    """
    p = params or SeatParams()
    lengths = np.linalg.norm(acc_mps2, axis=1)
    n = max(2, round(p.still_s * rate_hz))
    if len(lengths) < n:
        return Finding(where, "warn", "Too little has come to judge how it rests.", "Wait a moment and try once more.")
    starts = range(0, len(lengths) - n + 1, max(1, n // 4))
    spreads = [float(np.std(lengths[start : start + n])) for start in starts]
    best = int(np.argmin(spreads))
    start = starts[best]
    if spreads[best] > p.still_mps2:
        return Finding(where, "warn", "It was moving all the time.", "Lie still for a moment and try once more.")
    length_g = float(np.median(lengths[start : start + n])) / STANDARD_GRAVITY_MPS2
    found = f"At rest it feels {length_g:.3f} g."
    if not p.usable_g[0] <= length_g <= p.usable_g[1]:
        return Finding(where, "bad", found, "It should be 1 g: check its unit and range, or use another sensor.")
    if not p.good_g[0] <= length_g <= p.good_g[1]:
        return Finding(where, "warn", found, "Angles may be off by a degree or two; calibrate it when there is time.")
    return Finding(where, "ok", found, SNUG_ADVICE)


def judge_signal(rssi_dbm: int | None, where: str = "sensor", params: SeatParams | None = None) -> Finding | None:
    """Whether the radio has something to spare; None when it is not known."""
    p = params or SeatParams()
    if rssi_dbm is None:
        return None
    if rssi_dbm > p.weak_dbm:
        return Finding(where, "ok", f"The signal is good ({rssi_dbm} dBm).")
    mend = "Bring the computer nearer, to the same side of the bed as the sensor."
    return Finding(where, "warn", f"The signal is weak ({rssi_dbm} dBm).", mend)


def judge_battery(percent: int | None, where: str = "sensor", params: SeatParams | None = None) -> Finding | None:
    """Whether the charge will do; None when the sensor does not tell."""
    p = params or SeatParams()
    if percent is None:
        return None
    found = f"The battery is at {percent} %."
    if percent <= p.empty_battery:
        return Finding(where, "bad", found, "Charge it first; it may not last through the practice.")
    if percent <= p.low_battery:
        return Finding(where, "warn", found, "It will do for now; charge it afterwards.")
    return Finding(where, "ok", found)


async def look(
    sources: Sequence[Source],
    decode: Callable[[Input | SourceStatus], Iterable[object]],
    seats: Mapping[str, SeatCheck],
    clock: Clock,
    patience_s: float = 40.0,
    on_status: Callable[[SourceStatus], None] = lambda _status: None,
) -> list[Finding]:
    """Lets the sources run until every seat has seen enough, then stops them; one list of findings, by seat.

    Args:
        sources: run side by side and cancelled in the end.
        decode: what a message holds: `sources.decoding.Decoding.feed`.
        seats: by channel.
        clock: session time.
        patience_s: session seconds after which what has come is judged.
        on_status: told of every status, for the screen.
    """
    troubles: list[Finding] = []
    is_enough = asyncio.Event()

    def judge() -> None:
        n_seen = sum(seat.seconds >= seat.params.look_s for seat in seats.values())
        if n_seen + len(troubles) >= len(seats):
            is_enough.set()

    def put(message: Input | SourceStatus) -> None:
        if isinstance(message, SourceStatus):
            on_status(message)
        for output in (message, *decode(message)):
            for seat in seats.values():
                seat.on_message(output)
        judge()

    async def run(source: Source) -> None:
        try:
            await source.run(put)
        except SensorSomaError as error:
            troubles.append(Finding("sensor", "bad", str(error)))
            judge()

    async def run_all() -> None:
        await asyncio.gather(*(run(source) for source in sources))

    tasks: list[asyncio.Task[object]] = [asyncio.create_task(run_all()), asyncio.create_task(is_enough.wait())]
    try:
        await asyncio.wait(tasks, timeout=clock.real_seconds(patience_s), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    judged = [seat for seat in seats.values() if seat.seconds or not troubles]
    return [*troubles, *(finding for seat in judged for finding in seat.findings())]


async def try_sound(speaker: Speaker, sentence: str = SOUND_SENTENCE) -> Finding:
    """Rings the bell and speaks one sentence; whether it was heard only the person can tell."""
    bell, words = Cue(-2, 0.0, "sound", "bell", "", 2.5), Cue(-1, 0.0, "sound", "say", sentence, 3.0)
    if speaker.would_be_heard(bell):
        speaker.on_message(bell)
    await speaker.drained()
    heard_by = None
    for _ in range(2):  # a voice that has failed twice is left out, and the next one says it
        if heard_by is None and speaker.would_be_heard(words):
            speaker.on_message(words)
            await speaker.drained()
            heard_by = speaker.heard_by
    if speaker.soundless:
        mend = "Switch headphones or a loudspeaker on and try `sensorsoma voice say`; until then the words are shown."
        return Finding("Sound", "warn", f"No sound came out: {speaker.soundless}.", mend)
    if heard_by is None:
        return Finding(
            "Sound", "warn", "There is no voice; the words are shown on the screen.", "See sensorsoma doctor."
        )
    return Finding("Sound", "ok", f"{heard_by} has spoken.", "Nothing heard? Check the volume and the output.")

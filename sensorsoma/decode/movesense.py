"""Movesense sensors over their GATT SensorData Protocol: notifications in, samples out.

A frame tells when its first sample was taken, in whole milliseconds, and nothing else of itself: no number, no count of
losses. So losses are seen as holes in the stamps, and the true rate is the slope of the stamps (`movesense_clock`).
Frames of more than 150 bytes come in two notifications (`movesense_parts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.driver import Driver
from sensorsoma.decode.movesense_clock import StampLine
from sensorsoma.decode.movesense_control import DRIVER
from sensorsoma.decode.movesense_frame import (
    DATA,
    DATA_PART2,
    RESULT,
    SPLIT_AT,
    STREAMS,
    FrameError,
    Samples,
    Stream,
    decode_samples,
    split_message,
)
from sensorsoma.decode.movesense_parts import Broken, Joiner, Part
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.messages import BadPacket, Gap, ImuBlock, Packet
from sensorsoma.units import DEG

GapReason = Literal["lost_packets", "link_lost", "clock_restart"]

_U32 = 1 << 32
_NS_PER_MS = 1_000_000
_HOLE_INTERVALS = 2.5
"""After a change of stream: a step of more than this many intervals is a hole."""
_ONE_AT_A_TIME_NS = 1_000_000_000
"""While a stream runs, frames of another one are left out for so long."""
_AHEAD_MS = 5000
"""A sensor clock that leaps ahead of the host by more than this is doubted; a stalled link catches up by less."""
_N_PROOFS = 3
"""Frames that must agree before a clock that leapt is believed: one broken stamp must not move the stream."""
_PROOF_STEP_MS = 2000
"""Stamps agree that follow one another within this."""


@dataclass(slots=True)
class _Run:
    """Where the stream stands: the last frame that was taken over."""

    stream: Stream
    stamp_ms: int
    """Unwrapped."""
    last_s: float
    """Session time of its last sample."""
    host_ns: int
    """Its arrival."""
    body: bytes


@dataclass(slots=True)
class _Doubt:
    """Stamps that do not fit the stream, in a row."""

    stamp_ms: int = 0
    n: int = 0

    def is_proof(self, stamp_ms: int) -> bool:
        """Takes one more; True when enough of them follow one another."""
        agrees = self.n > 0 and 0 < (stamp_ms - self.stamp_ms) % _U32 <= _PROOF_STEP_MS
        self.stamp_ms, self.n = stamp_ms, self.n + 1 if agrees else 1
        return self.n >= _N_PROOFS


class MovesenseDecoder:
    """Samples of one Movesense on the session line.

    Config keys: `rate_hz` (104), a first guess of the rate.

    Frames that are missing become a `Gap` with the count that the stamps tell; frames that come twice are dropped;
    frames that come late, and halves of frames, are dropped as `BadPacket`.
    """

    name = "movesense"
    driver: ClassVar[Driver] = DRIVER

    def __init__(self, channel: str, epoch_ns: int, config: Mapping[str, Any] | None = None) -> None:
        self.channel = channel
        self._timebase = DeviceTimebase(epoch_ns, float((config or {}).get("rate_hz") or 104.0))
        self._joiners = {ref: Joiner() for ref in STREAMS}
        self._line = StampLine(1.0)
        self._run: _Run | None = None
        self._doubt = _Doubt()
        self._is_resumed = False

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the contract gives it; stamps tell the rest
        """Notes that the link was away: halves are void, the sensor's clock may or may not have gone on."""
        self._is_resumed = True
        self._timebase.resumed()
        for joiner in self._joiners.values():
            joiner.forget()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Samples and the gap before them, once a frame is whole; answers to commands give nothing."""
        try:
            kind, ref, body = split_message(packet.payload)
            if kind == RESULT:
                return ()
            if kind not in (DATA, DATA_PART2) or (kind == DATA_PART2 and len(body) > SPLIT_AT):
                raise FrameError(f"expected a result, data or their second part, found type {kind}, {len(body)} bytes")
            stream = STREAMS.get(ref)
            if stream is None:
                raise FrameError(f"expected data of a stream that was asked for, found reference 0x{ref:02x}")
        except FrameError as error:
            return (BadPacket(packet.host_ns, self.channel, str(error)),)
        joiner = self._joiners[ref]
        frames = (joiner.add_data if kind == DATA else joiner.add_second)(packet.host_ns, body)
        return self._from(stream, frames)

    def finish(self) -> tuple[Decoded, ...]:
        """A frame whose second part came first, and which therefore waited."""
        out: tuple[Decoded, ...] = ()
        for ref, joiner in self._joiners.items():
            out += self._from(STREAMS[ref], joiner.finish())
        return out

    def _from(self, stream: Stream, frames: list[Part | Broken]) -> tuple[Decoded, ...]:
        out: list[Decoded] = []
        for frame in frames:
            if isinstance(frame, Broken):
                out.append(BadPacket(frame.host_ns, self.channel, frame.reason))
                continue
            try:
                out += self._taken(frame, stream, decode_samples(frame.body, stream.path))
            except FrameError as error:
                out.append(BadPacket(frame.host_ns, self.channel, str(error)))
        return tuple(out)

    def _taken(self, frame: Part, stream: Stream, samples: Samples) -> list[Decoded]:
        """The frame's samples, placed.

        Raises:
            FrameError: late, out of place, or of a second stream.
        """
        assert samples.acc_mps2 is not None, "every stream measures acceleration"
        run, is_resumed = self._run, self._is_resumed
        stamp_ms = samples.stamp_ms if run is None else _unwrapped(run, samples.stamp_ms, frame.host_ns)
        is_new = run is None or is_resumed or run.stream is not stream
        if run is not None and not is_resumed:
            if run.body == frame.body and run.stream is stream:
                return []
            if run.stream is not stream and 0 <= frame.host_ns - run.host_ns < _ONE_AT_A_TIME_NS:
                raise FrameError(f"expected one stream at a time, found {stream.path} beside {run.stream.path}")
            is_new = self._is_believed_restart(run, stamp_ms, frame.host_ns) or is_new
        self._doubt.n = 0
        if run is None or run.stream is not stream:
            self._line = StampLine(1.0 / stream.rate_hz)
        elif is_new:
            self._line.begin()
        n_lost = None if is_new else self._line.n_missing(stamp_ms / 1000)
        device_s = self._line.place(stamp_ms / 1000, len(samples.acc_mps2), n_lost or 0)
        n_segments = self._timebase.n_segments
        t_s = self._timebase.place(frame.host_ns, device_s)
        gyr = None if samples.gyr_dps is None else samples.gyr_dps * DEG
        block = ImuBlock(self.channel, self._timebase.rate_hz, t_s, samples.acc_mps2, gyr)
        out: list[Decoded] = []
        if run is not None:
            is_hole = bool(n_lost) or (is_new and t_s[0] - run.last_s > _HOLE_INTERVALS * self._line.interval_s)
            reason = _gap_reason(self._timebase.n_segments > n_segments, is_resumed, is_hole)
            if reason is not None:
                out.append(Gap(self.channel, run.last_s, float(t_s[0]), n_lost, reason))
        self._is_resumed = False
        self._run = _Run(stream, stamp_ms, float(t_s[-1]), frame.host_ns, frame.body)
        return [*out, block]

    def _is_believed_restart(self, run: _Run, stamp_ms: int, host_ns: int) -> bool:
        """False for a stamp that fits the stream, True for one that does not but was borne out by others.

        Raises:
            FrameError: it does not fit, and nothing bears it out yet.
        """
        ahead_ms = stamp_ms - run.stamp_ms
        is_late = ahead_ms <= 0 or self._line.overlaps(stamp_ms / 1000)
        if not is_late and ahead_ms - (host_ns - run.host_ns) / _NS_PER_MS <= _AHEAD_MS:
            return False
        if self._doubt.is_proof(stamp_ms):
            return True
        where = "a late or repeated frame" if is_late else "a leap of the sensor's clock"
        raise FrameError(f"expected a frame after {run.stamp_ms % _U32} ms, found {where} at {stamp_ms % _U32} ms")


def _gap_reason(is_new_clock: bool, is_resumed: bool, is_hole: bool) -> GapReason | None:
    if is_new_clock:
        return "clock_restart"
    if is_resumed:
        return "link_lost"
    return "lost_packets" if is_hole else None


def _unwrapped(run: _Run, stamp_ms: int, host_ns: int) -> int:
    """Sensor clock with its wraps counted, by the host's clock where a silence was longer than half a wrap."""
    ahead_ms = (stamp_ms - run.stamp_ms + _U32 // 2) % _U32 - _U32 // 2
    silence_ms = (host_ns - run.host_ns) / _NS_PER_MS
    return run.stamp_ms + ahead_ms + _U32 * max(0, round((silence_ms - ahead_ms) / _U32))

"""Polls of the app phyphox into samples: freed of repeats, on the gyroscope's times, across restarts of its clock.

A packet is the untouched body of one HTTP answer: of `/get`, or of `/config`, which tells what the buffers are called
and comes before the first answer of every experiment. Acceleration has gravity in it and +9.81 m/s² on the axis that
points up, on both systems, so no sign has to be found.

Times are seconds of experiment time. The app rounds them to eight digits, so the newest reading may come once more.
They begin anew when the measurement is cleared, and they stand still while it is paused.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sensorsoma.decode.base import Decoded
from sensorsoma.decode.phyphox_body import (
    COLUMNS,
    USUAL_BUFFERS,
    Answer,
    BodyError,
    Buffers,
    Track,
    buffers_from,
    is_config,
    parse_body,
    read_answer,
    read_config,
)
from sensorsoma.decode.timebase import DeviceTimebase
from sensorsoma.decode.two_clocks import TwoClocks, TwoClocksParams
from sensorsoma.messages import BadPacket, Floats, Gap, ImuBlock, Packet


@dataclass(frozen=True, slots=True)
class PhyphoxParams:
    """How long to wait, and for what."""

    gyr_wait_s: float = 1.0
    """A gyroscope that has sent nothing for this long after the first acceleration is not there."""
    clock_back_s: float = 1.0
    """Times that lie further back than this belong to a measurement that was begun anew."""
    clocks: TwoClocksParams = field(default_factory=TwoClocksParams)
    """How acceleration is brought onto the gyroscope's times; its `hole_s` is also what makes a gap."""


class PhyphoxDecoder:
    """One phone's answers into samples.

    Args:
        channel: name that the blocks carry.
        epoch_ns: session time at which `t_s` is 0.
        config: `buffers`: names as `phyphox_body.Buffers`; the usual ones without it. A `/config` packet wins.
        params: waiting times.
    """

    name = "phyphox"

    def __init__(
        self, channel: str, epoch_ns: int, config: Mapping[str, Any], params: PhyphoxParams | None = None
    ) -> None:
        self.params = params or PhyphoxParams()
        self._channel = channel
        self._buffers: Buffers = buffers_from(config.get("buffers")) or USUAL_BUFFERS
        self._timebase = DeviceTimebase(epoch_ns)
        self._session = ""
        self._host_ns = 0
        self._is_paused = False
        self._is_resumed = False
        self._last: tuple[float, float] | None = None
        """Experiment time and session time of the last sample given."""
        self._begin_run()

    def feed(self, packet: Packet) -> tuple[Decoded, ...]:
        """Samples that this answer completes, in time order; one that cannot be read is one `BadPacket`."""
        self._host_ns = packet.host_ns
        try:
            data = parse_body(packet.payload)
            if is_config(data):
                self._buffers = read_config(data).buffers or self._buffers
                return ()
            answer = read_answer(data, self._buffers)
        except BodyError as error:
            return (self._bad(str(error)),)
        if "acc" not in answer.tracks:
            names = self._buffers.get("acc", USUAL_BUFFERS["acc"])
            return (self._bad(f"expected the buffers {', '.join(names[column] for column in COLUMNS)}"),)
        if self._is_other_run(answer):
            self._finish_run()
            self._timebase.resumed()
            self._begin_run()
        self._session = answer.session or self._session
        self._notice_pause(answer)
        return tuple(self._use(answer))

    def resumed(self, host_ns: int) -> None:  # noqa: ARG002 - the phone's clock tells how long it was away
        """Notes that the phone was away: its clock may have been begun anew."""
        self._timebase.resumed()
        self._is_resumed = True

    def finish(self) -> tuple[Decoded, ...]:
        """Accelerations that still wait for a gyroscope; harmless when called twice."""
        return tuple(self._finish_run())

    def _bad(self, reason: str) -> BadPacket:
        return BadPacket(self._host_ns, self._channel, reason)

    # ---------------------------------------------------------------------------------- runs of the phone's clock

    def _begin_run(self) -> None:
        """Forgets what belongs to an earlier run of the phone's clock."""
        self._clocks = TwoClocks(self.params.clocks)
        self._newest: dict[str, float] = {}
        """Latest time by sensor."""
        self._has_gyr: bool | None = None
        """None until it has shown itself or was waited for long enough."""
        self._waiting: list[tuple[Floats, Floats]] = []
        """Accelerations that came before that is known."""
        self._last_given_s = -np.inf

    def _is_other_run(self, answer: Answer) -> bool:
        """Whether another experiment was opened, or the measurement cleared and begun anew."""
        if answer.session and self._session and answer.session != self._session:
            return True
        return any(self._is_begun_anew(sensor, track) for sensor, track in answer.tracks.items())

    def _is_begun_anew(self, sensor: str, track: Track) -> bool:
        before, newest = self._newest.get(sensor), track.newest_s
        if before is None:
            return False
        if track.mode == "full":  # after clearing, and only then, everything is sent again without being asked for
            return newest is None or newest < before
        return newest is not None and newest < before - self.params.clock_back_s

    def _notice_pause(self, answer: Answer) -> None:
        """The phone's clock stands still while the measurement is paused, so it no longer fits afterwards."""
        if self._is_paused and answer.is_measuring:
            self._timebase.resumed()
        self._is_paused = not answer.is_measuring

    def _finish_run(self) -> list[Decoded]:
        waiting, self._waiting = self._waiting, []
        return [block for t_s, acc in waiting for block in self._blocks(t_s, acc, None)]

    # ------------------------------------------------------------------------------------------------- samples

    def _use(self, answer: Answer) -> list[Decoded]:
        out: list[Decoded] = []
        readings: dict[str, tuple[Floats, Floats]] = {}
        for sensor, track in answer.tracks.items():
            t_s, values, n_bad = self._new_readings(sensor, track)
            readings[sensor] = t_s, values
            if n_bad:
                out.append(self._bad(f"{n_bad} readings without time or value"))
        acc_t_s, acc = readings["acc"]
        gyr_t_s, gyr = readings.get("gyr", (np.empty(0), np.empty((0, 3))))
        self._look_for_gyroscope("gyr" in answer.tracks, len(gyr_t_s) > 0)
        if self._has_gyr is False:
            return [*out, *self._finish_run(), *self._blocks(acc_t_s, acc, None)]
        self._clocks.add_other(acc_t_s, acc)
        self._clocks.add_grid(gyr_t_s, gyr)
        if self._has_gyr is None:
            if len(acc_t_s):
                self._waiting.append((acc_t_s, acc))
            return out
        self._waiting = []
        paired = self._clocks.ready()
        return [*out, *self._blocks(paired.t_s, paired.other, paired.grid)]

    def _new_readings(self, sensor: str, track: Track) -> tuple[Floats, Floats, int]:
        """Times and values of what is new and whole, and how much was not whole."""
        is_whole = np.isfinite(track.t_s) & np.isfinite(track.values).all(axis=1)
        t_s, values = track.t_s[is_whole], track.values[is_whole]
        latest = np.maximum.accumulate(np.concatenate(([self._newest.get(sensor, -np.inf)], t_s)))
        is_new = t_s > latest[:-1]
        if len(t_s):
            self._newest[sensor] = float(latest[-1])
        return t_s[is_new], values[is_new], int((~is_whole).sum())

    def _look_for_gyroscope(self, is_asked_for: bool, has_come: bool) -> None:
        """Decides once a run, so that samples do not change their kind from one answer to the next."""
        if has_come:
            self._has_gyr = True
        elif self._has_gyr is None:
            first = float(self._waiting[0][0][0]) if self._waiting else np.inf
            is_late = self._newest.get("acc", -np.inf) - first > self.params.gyr_wait_s
            self._has_gyr = False if is_late or not is_asked_for else None

    def _blocks(self, device_t_s: Floats, acc: Floats, gyr: Floats | None) -> list[Decoded]:
        """Samples on the session line, cut where some are missing, with a `Gap` at each cut."""
        is_later = device_t_s > self._last_given_s
        device_t_s, acc, gyr = device_t_s[is_later], acc[is_later], None if gyr is None else gyr[is_later]
        if not len(device_t_s):
            return []
        self._last_given_s = float(device_t_s[-1])
        n_runs = self._timebase.n_segments
        t_s = self._timebase.place(self._host_ns, device_t_s)
        is_restart = n_runs > 0 and self._timebase.n_segments > n_runs
        rate_hz, hole_s = self._timebase.rate_hz, self.params.clocks.hole_s
        edges = [0, *(int(cut) + 1 for cut in np.flatnonzero(np.diff(device_t_s) > hole_s)), len(device_t_s)]
        out: list[Decoded] = []
        for begin, end in itertools.pairwise(edges):
            if self._last is not None:
                step_s = float(device_t_s[begin]) - self._last[0]
                if is_restart or not 0 < step_s <= hole_s:
                    reason = self._gap_reason(is_restart)
                    out.append(Gap(self._channel, self._last[1], float(t_s[begin]), None, reason))
            piece = slice(begin, end)
            out.append(ImuBlock(self._channel, rate_hz, t_s[piece], acc[piece], None if gyr is None else gyr[piece]))
            self._last = (float(device_t_s[end - 1]), float(t_s[end - 1]))
            self._is_resumed = is_restart = False
        return out

    def _gap_reason(self, is_restart: bool) -> Literal["lost_packets", "link_lost", "clock_restart"]:
        return "link_lost" if self._is_resumed else "clock_restart" if is_restart else "lost_packets"

"""The top leg that swings behind the body: a turn about the vertical, so only a gyroscope sees it.

Lying on the side, hip extension turns the thigh about the vertical. The straightening of the leg is such a turn too
(about 50 deg), so the swing is the turn after an asked pause with the leg in line with the body. Heading drifts: the
rate is zeroed in that pause and read as soon as the leg lies, and the number carries the error to be expected.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sensorsoma.dsp.arc import angle_between
from sensorsoma.dsp.bins import BIN_RATE_HZ, Binner, Bins
from sensorsoma.exercises.alignment import side_factor
from sensorsoma.exercises.base import DetectorOutput, Stretch, measured, thin_curve
from sensorsoma.exercises.body import Body
from sensorsoma.exercises.repetitions import Timed, in_order
from sensorsoma.exercises.shaking import Shaking, tremor_json
from sensorsoma.messages import Floats, Gap, HoldEnded, HoldReached, OrientedBlock, SegmentCurve
from sensorsoma.units import DEG

DRIFT_S = (0.0, 5.0, 10.0, 30.0, 60.0)
DRIFT_DEG = (0.2, 0.56, 0.82, 2.1, 4.0)
"""Standard deviation that the 95 % error of a heading change of VQF without magnetometer on slow BROAD trials stands
for (1.1, 1.6, 4.2, 7.9 deg over 5, 10, 30, 60 s); zeroing in a pause does better, a body is worse than a bench."""


@dataclass(frozen=True, slots=True)
class LegBackParams:
    """What counts as a pause, a straightening and a swing."""

    slow_dps: float = 3.0
    """Still: mean rate over 0.4 s below this."""
    slow_s: float = 1.0
    """A movement is over after this long."""
    pause_s: float = 1.5
    """Shortest pause in line with the body that the swing may start from."""
    straighten_deg: float = 20.0
    """Straightening turns the thigh by at least this about the vertical or against gravity."""
    least_swing_deg: float = 5.0
    """A smaller turn is no swing."""
    most_swing_deg: float = 60.0
    """No hip extends further."""
    same_deg: float = 4.0
    """Two pauses closer than this are one, with a fidget between."""
    left_deg: float = 10.0
    """The hold is over when the leg turned this far from it."""
    read_s: float = 20.0
    """Later than this after the pause the heading is not read any more: its 95 % error passes 3 deg."""
    going_on_s: float = 5.0
    """A swing that halts and goes on backward within this time is one swing."""
    guard_s: float = 1.0
    """A slow swing begins below `slow_dps`: so much of the pause's end is not taken for rest."""
    bias_dps: float = 0.1
    """What the orientation filter leaves of the gyroscope's offset, ordinarily ..."""
    sway_deg: float = 0.15
    """... and how much a leg in the air sways: a rate seen in a short pause is believed by the ratio of the two."""
    gain_share: float = 0.01
    """Scale error of a consumer gyroscope."""


@dataclass(slots=True)
class _Pause:
    from_s: float
    to_s: float
    heading_rad: float
    """Half a second ago: the newest may already be the slow beginning of the next movement."""
    up: Floats
    course: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=500))
    """Time and heading of the last 20 s."""
    newest: deque[tuple[float, float]] = field(default_factory=deque)

    def stay(self, t_s: float, heading_rad: float, up: Floats) -> None:
        """The leg is still here."""
        self.newest.append((t_s, heading_rad))
        self.up = up
        while self.newest[0][0] <= t_s - 0.5:
            self.to_s, self.heading_rad = self.newest.popleft()
            self.course.append((self.to_s, self.heading_rad))

    def zero(self, params: LegBackParams) -> _Zero:
        """Heading and what is left of the gyroscope's offset, from the pause without its end."""
        until_s = self.to_s + 0.5 - params.guard_s
        kept = [point for point in self.course if point[0] <= until_s]
        if len(kept) < 10:
            return _Zero(self.to_s, self.heading_rad, 0.0)
        t_s, heading = np.array(kept).T
        half = len(t_s) // 2
        rate = float(np.median((heading[half : 2 * half] - heading[:half]) / (t_s[half : 2 * half] - t_s[:half])))
        sway_dps = params.sway_deg / float(t_s[-1] - t_s[0])
        rate *= params.bias_dps**2 / (params.bias_dps**2 + sway_dps**2)
        at_s = float(t_s[-1])
        return _Zero(at_s, float(np.median(heading - rate * (t_s - at_s))), rate)


@dataclass(frozen=True, slots=True)
class _Zero:
    """Where the swing is counted from."""

    t_s: float
    heading_rad: float
    rate_radps: float

    def turned_rad(self, t_s: Any, heading_rad: Any) -> Any:
        """Turn since the pause at a later time, offset taken off."""
        return heading_rad - self.heading_rad - self.rate_radps * (t_s - self.t_s)


class LegBackDetector:
    """One swing behind the body and the hold there."""

    def __init__(self, stretch: Stretch, body: Body, params: LegBackParams | None = None) -> None:
        del body
        self.stretch = stretch
        self.params = params or LegBackParams()
        self._shaking = Shaking(stretch)
        self._binner = Binner()
        self._recent: deque[tuple[float, Floats]] = deque()
        self._pauses: list[_Pause] = []
        self._turns: list[float] = []
        """Turn before each pause after the first, rad, extension positive."""
        self._heading_rad = 0.0
        self._last: tuple[float, float] | None = None
        self._slow_from_s: float | None = None
        self._curve: list[tuple[float, float]] = []
        self._swing_deg: float | None = None
        self._uncertainty_deg: float | None = None
        self._hold: _Pause | None = None
        self._hold_end_s: float | None = None
        self._zero: _Zero | None = None
        self._has_gyro = False
        self._is_finished = False
        self._newest_s: float | None = None

    def feed(self, block: OrientedBlock | Gap) -> tuple[DetectorOutput, ...]:
        """`HoldReached` behind the body, `HoldEnded` when the leg comes back, `TremorBegan` at the first shaking."""
        if self._is_finished or isinstance(block, Gap) or block.placement != self.stretch.placement:
            return ()
        timed = self._shaking.feed(block)
        if block.gyr_sensor_radps is None:
            return in_order(timed)
        self._has_gyro = True
        rows = np.hstack([block.up_sensor, block.gyr_sensor_radps])
        return in_order([*timed, *self._take(self._binner.feed(block.t_s, rows))])

    def finish(self, end_s: float) -> tuple[DetectorOutput, ...]:
        """The end of a running hold, a curve of the heading, one `SegmentMeasured`."""
        if self._is_finished:
            return ()
        out = [output for _, output in self._take(self._binner.finish())]
        self._is_finished = True
        if self._hold is not None and self._hold_end_s is None:
            self._hold_end_s = max(min(end_s, self._newest_s or end_s), self._hold.from_s)
            hold_s = self._hold_end_s - self._hold.from_s
            known_s = max(self._hold_end_s, end_s)
            out.append(HoldEnded(self._hold_end_s, known_s, "leg_back", self.stretch.side, round(hold_s, 2)))
        curve = self._picture()
        if curve is not None:
            out.append(curve)
        out.append(measured(self.stretch, end_s, self._measures(end_s)))
        return tuple(out)

    # ---------------------------------------------------------------------------------------------------- live

    def _take(self, bins: Bins) -> list[Timed]:
        timed: list[Timed] = []
        for t_s, row in zip(bins.t_s.tolist(), bins.rows, strict=True):
            out: list[DetectorOutput] = []
            self._step(t_s, row[:3], row[3:6], out)
            over_s = (math.floor(t_s * BIN_RATE_HZ) + 1.0) / BIN_RATE_HZ
            timed.extend((over_s, output) for output in out)
        return timed

    def _step(self, t_s: float, up: Floats, gyr: Floats, out: list[DetectorOutput]) -> None:
        backward = -side_factor(self.stretch.side) * float(gyr @ up)
        if self._last is not None:
            dt_s = t_s - self._last[0]
            if dt_s > 1.0:  # the link was lost: heading before and after cannot be compared
                self._pauses.clear()
                self._turns.clear()
                self._recent.clear()
                self._slow_from_s = None
            else:
                self._heading_rad += 0.5 * (backward + self._last[1]) * dt_s
        if not self._pauses:  # where the stretch begins counts as a pose, moving or not
            self._pauses.append(_Pause(t_s, t_s, self._heading_rad, up))
        self._last = (t_s, backward)
        self._newest_s = t_s
        self._curve.append((t_s, self._heading_rad))
        self._recent.append((t_s, gyr))
        while self._recent[0][0] < t_s - 0.4:
            self._recent.popleft()
        mean = sum((rate for _, rate in self._recent), np.zeros(3)) / len(self._recent)
        is_slow = float(np.sqrt(mean @ mean)) < self.params.slow_dps * DEG
        self._slow_from_s = (t_s if self._slow_from_s is None else self._slow_from_s) if is_slow else None
        if self._slow_from_s is not None and t_s - self._slow_from_s >= self.params.slow_s:
            self._pause(t_s, up, out)
        elif self._hold is not None and self._hold_end_s is None:
            self._watch_hold(t_s, up, out)

    def _pause(self, t_s: float, up: Floats, out: list[DetectorOutput]) -> None:
        last = self._pauses[-1] if self._pauses else None
        same = self.params.same_deg * DEG
        if last is not None:
            turn = self._heading_rad - last.heading_rad
            if abs(turn) < same and angle_between(last.up, up) < 2 * same:
                last.stay(t_s, self._heading_rad, up)
                return
            self._turns.append(turn)
        assert self._slow_from_s is not None
        self._pauses.append(_Pause(self._slow_from_s, t_s, self._heading_rad, up))
        if self._hold is None:
            self._look_for_swing(t_s, out)
        elif self._goes_on():
            self._read(self._pauses[-1])
        else:
            self._watch_hold(t_s, up, out)

    def _look_for_swing(self, t_s: float, out: list[DetectorOutput]) -> None:
        """Straightened, paused in line, turned back: this pause is the hold."""
        p = self.params
        if len(self._pauses) < 3:
            return
        before, line, hold = self._pauses[-3:]
        straightened = max(self._turns[-2], angle_between(before.up, line.up))
        zero = line.zero(p)
        swing = zero.turned_rad(hold.to_s, hold.heading_rad)
        if (
            straightened < p.straighten_deg * DEG
            or line.to_s - line.from_s + 0.5 < p.pause_s
            or not p.least_swing_deg * DEG <= swing <= p.most_swing_deg * DEG
            or hold.to_s - line.to_s > p.read_s
        ):
            return
        self._zero = zero
        self._read(hold)
        out.append(HoldReached(hold.from_s, t_s, "leg_back", self.stretch.side))

    def _read(self, hold: _Pause) -> None:
        """The leg lies here: this is the swing, as far as it went."""
        assert self._zero is not None
        self._hold = hold
        self._swing_deg = self._zero.turned_rad(hold.to_s, hold.heading_rad) / DEG
        drift_deg = float(np.interp(hold.to_s - self._zero.t_s, DRIFT_S, DRIFT_DEG))
        self._uncertainty_deg = math.hypot(drift_deg, self.params.gain_share * self._swing_deg)

    def _goes_on(self) -> bool:
        """True when the newest pause lies further behind than a hold that had only just begun: it was a halt."""
        p, before, now = self.params, self._pauses[-2], self._pauses[-1]
        assert self._zero is not None
        turned = self._zero.turned_rad(now.to_s, now.heading_rad)
        return (
            before is self._hold
            and self._hold_end_s is None
            and self._turns[-1] > p.same_deg * DEG
            and turned <= p.most_swing_deg * DEG
            and before.to_s - before.from_s < p.going_on_s
            and now.to_s - self._zero.t_s <= p.read_s
        )

    def _may_go_on(self, t_s: float, hold: _Pause) -> bool:
        """True while a leg that left a short hold moves further back: perhaps it only halted."""
        is_short = hold.to_s - hold.from_s < self.params.going_on_s and t_s - hold.to_s < self.params.going_on_s
        return is_short and self._pauses[-1] is hold and self._heading_rad > hold.heading_rad

    def _watch_hold(self, t_s: float, up: Floats, out: list[DetectorOutput]) -> None:
        hold = self._hold
        if hold is None or self._hold_end_s is not None:
            return
        anchor = self._pauses[-1] if self._pauses and self._pauses[-1].from_s <= hold.from_s else hold
        left = self.params.left_deg * DEG
        if self._may_go_on(t_s, hold):
            return
        if abs(self._heading_rad - anchor.heading_rad) > left or angle_between(anchor.up, up) > 1.5 * left:
            self._hold_end_s = max(anchor.to_s, hold.from_s)
            hold_s = self._hold_end_s - hold.from_s
            out.append(HoldEnded(self._hold_end_s, t_s, "leg_back", self.stretch.side, round(hold_s, 2)))

    # ----------------------------------------------------------------------------------------------- afterwards

    def _measures(self, end_s: float) -> dict[str, Any]:
        notes: list[str] = []
        hold_s = None
        tremor = self._shaking.overall(self.stretch.start_s, end_s)
        if not self._has_gyro:
            notes.append("the swing turns about the vertical and cannot be seen without a gyroscope")
        elif self._swing_deg is None:
            notes.append("no swing after a still pause with the leg in line was seen")
        elif self._hold is not None and self._hold_end_s is not None:
            hold_s = self._hold_end_s - self._hold.from_s
            assert self._zero is not None
            # The leg works from where it leaves the line with the body; behind the body it may lie.
            tremor = self._shaking.overall(self._zero.t_s, self._hold_end_s, self._hold.from_s)
        return {
            "back_swing_deg": None if self._swing_deg is None else round(self._swing_deg, 2),
            "uncertainty_deg": None if self._uncertainty_deg is None else round(self._uncertainty_deg, 2),
            "hold_s": None if hold_s is None else round(hold_s, 2),
            "tremor": tremor_json(tremor),
            "weak": False,
            "notes": notes,
        }

    def _picture(self) -> SegmentCurve | None:
        """Heading against the pause in line; None without a swing."""
        if self._zero is None or not self._curve:
            return None
        t_s, heading = np.array(self._curve).T
        heading = self._zero.turned_rad(t_s, heading)
        heading[t_s > self._zero.t_s + 60.0] = math.nan  # later than a minute the drift says more than the leg
        return thin_curve(self.stretch, t_s, heading / DEG, "leg back (deg)")

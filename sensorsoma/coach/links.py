"""What sensors do apart from measuring: links break and come back, batteries run low, straps come off."""

from __future__ import annotations

from sensorsoma.coach.course import Course
from sensorsoma.coach.script import Script
from sensorsoma.coach.wearing import Wearing
from sensorsoma.messages import DeviceInfo, PostureChanged, SensorFellOff, StreamInterrupted, StreamResumed

LINK_QUIET_S = 60.0
"""A link that comes and goes is spoken of once a minute at most."""

LINK_FRESH_S = 30.0
"""Later than this it is no news."""

LOW_BATTERY_PERCENT = 10
"""Enough for the rest of a practice, but not for the next one."""


class Links:
    """Speaks of what happens to the sensors, rarely."""

    def __init__(self, course: Course, script: Script, wearing: Wearing) -> None:
        self._course = course
        self._script = script
        self._wearing = wearing
        self._said_s: float | None = None
        self._is_loss_said = False
        self._is_low_said = False

    def interrupted(self, message: StreamInterrupted, t_s: float) -> None:
        """A link was lost: the step that it saw is guided by time."""
        if not self._wearing.lost(message.channel):
            return
        run = self._course.run
        if run is not None and self._wearing.saw(run.step):
            run.lost_at = run.clock(t_s)
        if self._said_s is None or t_s - self._said_s >= LINK_QUIET_S:
            self._said_s = t_s
            self._is_loss_said = True
            self._say("link_lost", t_s)

    def resumed(self, message: StreamResumed, t_s: float) -> None:
        """A link is back; said once all are, if their loss was."""
        if not self._wearing.resumed(message.channel):
            return
        if self._course.run is not None:
            self._course.run.lost_at = None
        if self._is_loss_said and not self._wearing.has_lost_one:
            self._is_loss_said = False
            self._say("link_back", t_s)

    def tells(self, info: DeviceInfo) -> None:
        """A low battery is spoken of once, between two steps."""
        percent = info.battery_percent
        if percent is not None and percent <= LOW_BATTERY_PERCENT and not self._is_low_said:
            self._is_low_said = True
            self._course.between.append(self._script.session("low_battery"))

    def turned(self, event: PostureChanged, t_s: float) -> None:
        """Whoever rolls over takes along what is strapped on: a thigh that lay still has lost its sensor."""
        for channel, placement in self._wearing.left_behind(event):
            self._wearing.put_aside(channel)
            self._course.out.append(SensorFellOff(t_s, channel, placement))
            self._say("sensor_off", t_s)

    def _say(self, moment: str, t_s: float) -> None:
        self._course.wish(self._script.session(moment), t_s, rank=2, fresh_s=LINK_FRESH_S, outlives_step=True)

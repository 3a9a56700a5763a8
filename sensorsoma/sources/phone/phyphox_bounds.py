"""From which reading on phyphox is asked: the bounds of the next question, and what an answer had in it that is new.

A bound is the latest time that came from a sensor. The app gives what is later than that; without a bound it gives
all it has. Times begin anew with a new experiment and when the measurement is cleared; old bounds would then hide what
comes.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from sensorsoma.decode.phyphox_body import COLUMNS, Answer, Experiment

News = Literal["nothing", "readings", "began_anew"]

_BARS = ("%7C", "|")
"""How the bar between a bound and the buffer it belongs to is spelled: as it should be, and for Android versions from
before a fix of September 2022, which do not decode it and hang up. Source: phyphox-android, issues 34 and 84."""


class Bounds:
    """Where the conversation with one phone stands.

    Args:
        backlog_s: what is older than this when the phone is back is not asked for.
    """

    def __init__(self, backlog_s: float) -> None:
        self.session: str | None = None
        """Which experiment the bounds belong to; None before the first answer."""
        self._backlog_s = backlog_s
        self._latest_s: dict[str, float | None] = {}
        """By sensor; None asks for everything."""
        self._bar = 0
        self._is_bar_known = False

    def catch_up(self, answer: Answer, *, is_first: bool) -> None:
        """Sets the bounds, given an answer that holds the newest reading of every sensor.

        The same run of the phone's clock is gone on with where it stopped. One that began in the meantime is fetched
        from its beginning. At first, and after more than `backlog_s`, only what comes from now on counts.
        """
        is_same = answer.session == self.session and not is_first
        latest: dict[str, float | None] = {}
        for sensor, track in answer.tracks.items():
            newest, before = track.newest_s, self._latest_s.get(sensor)
            if newest is None:
                latest[sensor] = None
            elif is_same and before is not None and before <= newest <= before + self._backlog_s:
                latest[sensor] = before
            else:
                has_begun = not is_first and (not is_same or (before is not None and newest < before))
                latest[sensor] = None if has_begun and newest <= self._backlog_s else newest
        self._latest_s, self.session = latest, answer.session

    def newest_question(self, experiment: Experiment) -> str:
        """The request for the newest reading of every sensor."""
        names = [names[column] for names in experiment.buffers.values() for column in COLUMNS]
        return "/get?" + "&".join(_quoted(name) for name in names)

    def question(self, experiment: Experiment) -> str:
        """The request for everything that is later than what came."""
        parts: list[str] = []
        for sensor, names in experiment.buffers.items():
            latest = self._latest_s.get(sensor)
            for column in COLUMNS:
                bound = "full" if latest is None else repr(latest)
                if latest is not None and column != "t":
                    bound += _BARS[self._bar] + _quoted(names["t"])
                parts.append(f"{_quoted(names[column])}={bound}")
        return "/get?" + "&".join(parts)

    def not_answered(self) -> None:
        """The last question was not answered: perhaps the phone reads the other spelling of the bar."""
        if not self._is_bar_known and any(latest is not None for latest in self._latest_s.values()):
            self._bar = 1 - self._bar

    def take(self, answer: Answer) -> News:
        """Moves the bounds on; what the answer had in it."""
        news: News = "nothing"
        for sensor, track in answer.tracks.items():
            self._is_bar_known |= track.mode == "partial"
            before, newest = self._latest_s.get(sensor), track.newest_s
            if track.mode == "full" and before is not None and (newest is None or newest < before):
                news, self._latest_s[sensor] = "began_anew", newest
            elif newest is not None and (before is None or newest > before):
                news, self._latest_s[sensor] = ("readings" if news == "nothing" else news), newest
        return news


def _quoted(name: str) -> str:
    return quote(name, safe="")

"""Long frames come in two notifications, cut inside a number: here they are put together.

Neither part carries a number or a checksum of its own, so the order of arrival is all there is. Within a living link
Bluetooth keeps that order; what happens is that the sensor drops one part when its queue is full, and that a program
between the radio and us hands a part on twice or in the wrong order. The rules, for each reference:

    what is held            DATA comes              DATA_PART2 comes
    nothing                 hold it                 hold it: its DATA may have been overtaken
    DATA                    the held one is lost    a whole frame
    PART2                   hold both               the held one is lost
    PART2, then DATA        the two belong together DATA belongs to the part that came nearer to it in time

The last line is why a PART2 that came first is not used at once: it may be all that is left of an earlier frame, and
then the next DATA is followed by its own second part.
"""

from __future__ import annotations

from typing import NamedTuple

from sensorsoma.decode.movesense_frame import SPLIT_AT

_TOGETHER_NS = 40_000_000
"""An overtaken DATA comes this soon after its second part, or not at all: half the time from frame to frame (77 ms)."""

FIRST_ALONE = "expected the second part of a frame, found the next frame"
SECOND_ALONE = "expected the first part of a frame, found a second part alone"


class Part(NamedTuple):
    """A notification without its header, or a frame put together."""

    host_ns: int
    """Arrival; of a whole frame, of the part that came last."""
    body: bytes


class Broken(NamedTuple):
    """A part that was given up."""

    host_ns: int
    """Its arrival."""
    reason: str


class Joiner:
    """Puts the frames of one reference together; holds two notifications at most.

    >>> joiner = Joiner()
    >>> joiner.add_data(0, bytes(150)), [len(frame.body) for frame in joiner.add_second(0, bytes(46))]
    ([], [196])
    """

    def __init__(self) -> None:
        self._first: Part | None = None
        self._second: Part | None = None
        self._joined: tuple[bytes, bytes] | None = None
        """Parts of the last frame, so that their doubles are known."""

    def add_data(self, host_ns: int, body: bytes) -> list[Part | Broken]:
        """Whole frames that a DATA notification brings about, and what was given up for it."""
        if self._first is not None and self._first.body == body:
            return []
        out = self._close()
        if len(body) != SPLIT_AT:
            return [*out, *self._drop_second(), Part(host_ns, body)]
        if self._second is not None and host_ns - self._second.host_ns > _TOGETHER_NS:
            out += self._drop_second()
        self._first = Part(host_ns, body)
        return out

    def add_second(self, host_ns: int, body: bytes) -> list[Part | Broken]:
        """The same for a DATA_PART2 notification."""
        first, early, now = self._first, self._second, Part(host_ns, body)
        if first is None:
            out = self._drop_second()
            self._second = now
            return out
        if early is not None and first.host_ns - early.host_ns < host_ns - first.host_ns:
            frame = self._join(first, early)
            self._second = now
            return [frame]
        return [*self._drop_second(), self._join(first, now)]

    def finish(self) -> list[Part | Broken]:
        """The frame that was held back, if it is whole."""
        is_whole = self._first is not None and self._second is not None
        out = self._close() if is_whole else []
        self._first = self._second = None
        return out

    def forget(self) -> None:
        """The link was away: nothing held belongs to what comes."""
        self._first = self._second = self._joined = None

    def _close(self) -> list[Part | Broken]:
        """What becomes of a held DATA when the next one has come."""
        first, second = self._first, self._second
        if first is None:
            return []
        if second is not None and not self._is_double(second.body, 1):
            return [self._join(first, second)]
        self._first = self._second = None
        return [] if self._is_double(first.body, 0) else [Broken(first.host_ns, FIRST_ALONE)]

    def _join(self, first: Part, second: Part) -> Part:
        self._first = self._second = None
        self._joined = (first.body, second.body)
        return Part(max(first.host_ns, second.host_ns), first.body + second.body)

    def _drop_second(self) -> list[Part | Broken]:
        second, self._second = self._second, None
        if second is None or self._is_double(second.body, 1):
            return []
        return [Broken(second.host_ns, SECOND_ALONE)]

    def _is_double(self, body: bytes, index: int) -> bool:
        return self._joined is not None and self._joined[index] == body

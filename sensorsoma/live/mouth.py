"""One way of being heard: what the speaker chooses from, so that there are never two voices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sensorsoma.messages import Cue


class Unspoken(Exception):  # noqa: N818 # an answer, not a fault
    """Nothing at all of a cue was heard, so the next mouth may say it."""


class Soundless(Unspoken):
    """Nothing was heard because no sound leaves this computer; whatever else speaks here may not be heard either."""


class Mouth(Protocol):
    """A way of performing cues: recorded or rendered sound, a program that speaks, a browser."""

    @property
    def name(self) -> str:
        """For people: "espeak-ng", "the page" ..."""
        ...

    def can_say(self, cue: Cue) -> bool:
        """True when it would be heard if it said this now."""
        ...

    async def prepare(self, texts: Sequence[str]) -> None:
        """Gets ready what will be said, so that speech begins at once; may take seconds."""
        ...

    async def say(self, cue: Cue, limit_s: float) -> bool:
        """Performs one cue to its end, at most about `limit_s` real seconds; False when it was not heard to its end.

        Cancelled, it falls silent at once.

        Raises:
            Unspoken: nothing of it was heard.
        """
        ...

    async def close(self) -> None:
        """Falls silent and lets go of what it holds; harmless when called twice."""
        ...

"""What every source is: something that delivers inputs until it is exhausted or told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sensorsoma.messages import Input, SourceStatus

Put = Callable[[Input | SourceStatus], None]
"""Takes one input at once, from within the event loop."""


class Source(Protocol):
    """A sensor, a phone, a file."""

    async def run(self, put: Put) -> None:
        """Delivers until it is exhausted or cancelled; on cancellation it stops its device within seconds.

        Raises:
            SourceError: one sentence that says why nothing comes.
        """
        ...

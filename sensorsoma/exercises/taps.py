"""Double taps on a worn sensor, told apart from knocks, landings and steps of the practice."""

from __future__ import annotations

from sensorsoma.messages import DoubleTapped, Gap, OrientedBlock


class TapListener:
    """Listens to all sensors for the whole session."""

    def feed(self, block: OrientedBlock) -> list[DoubleTapped]:  # noqa: ARG002 # nothing is recognised yet
        """Double taps that became known with these samples."""
        return []

    def gap(self, gap: Gap) -> None:
        """Samples are missing: a tap before does not pair with one after."""

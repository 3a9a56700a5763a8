"""By which address this computer is reached at home."""

from __future__ import annotations

import socket


def lan_address() -> str:
    """This computer's address as other devices in the home network see it; 127.0.0.1 without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("10.255.255.255", 1))  # nothing is sent: this only asks which way a packet would leave
            address: str = probe.getsockname()[0]
        except OSError:
            return "127.0.0.1"
        return address

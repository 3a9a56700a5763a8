"""The page for phones' browsers, for one run of the program: certificate, code on the terminal, who is paired."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sensorsoma.cli.common import note
from sensorsoma.messages import Placement

if TYPE_CHECKING:
    from sensorsoma.clock import Clock
    from sensorsoma.serving.pairing import Pairings
    from sensorsoma.serving.tls import TlsFiles
    from sensorsoma.sources.phone.page import PhonePageSource


class PhonePage:
    """Makes sources that serve the page.

    A phone that was paired while the sensors were looked at stays paired for the session, which opens its own source.
    """

    def __init__(self) -> None:
        self._pairings: Pairings[Placement] | None = None

    def source(self, placements: Sequence[Placement], clock: Clock) -> PhonePageSource:
        """A source for phones at these placements, as the config file says.

        Raises:
            MissingExtraError: nothing here can make a certificate.
            SourceError: the config names a certificate that cannot be used.
        """
        from sensorsoma.config import load_config
        from sensorsoma.serving.address import lan_address
        from sensorsoma.serving.pairing import Pairings
        from sensorsoma.sources.phone.page import PhonePageSource

        config = load_config()
        name = config.phone_page_host or lan_address()
        tls = own_tls(name)
        if self._pairings is None or self._pairings.places != tuple(placements):
            self._pairings = Pairings(placements, clock.now_ns())
        return PhonePageSource(self._pairings, clock, tls, config.phone_page_port, name=name, show=show_code)


def own_tls(name: str) -> TlsFiles:
    """The person's own certificate where the config names one, else one made here for this name or address.

    Raises:
        MissingExtraError: nothing here can make a certificate.
        SourceError: the config names a certificate that cannot be used.
    """
    from sensorsoma.config import config_path, load_config
    from sensorsoma.serving.tls import given_certificate, own_certificate

    config = load_config()
    if config.phone_tls_cert and config.phone_tls_key:
        return given_certificate(config.phone_tls_cert, config.phone_tls_key)
    return own_certificate(config_path().parent, list(dict.fromkeys([name, "127.0.0.1", "localhost"])))


def show_code(url: str) -> None:
    """The address of the page on the terminal, also as a picture to scan where it can be drawn."""
    from sensorsoma.serving.qr import qr_text

    if sys.stderr.isatty():
        is_colored = "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        with contextlib.suppress(UnicodeEncodeError):  # a terminal without these letters: /pair has the picture too
            note(f"\n{qr_text(url, is_colored=is_colored)}")
    note(f"{url}\n")

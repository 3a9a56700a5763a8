"""Opens the live page in this computer's browser without handing its key to a command line.

Whoever else works on this computer can read the command lines of all programs (`ps`), so an address with a key in it
must not stand there. The browser is given a small file instead, which nobody else may read and which sends it on.
"""

from __future__ import annotations

import contextlib
import html
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

_PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>SensorSoma</title>
<script>location.replace({script});</script>
<meta http-equiv="refresh" content="1; url={address}">
<p><a href="{address}">Go on to the page</a></p>
"""
"""The script leaves nothing to come back to; without scripts the browser goes on by itself a second later."""


class PrivateAddress:
    """A file that sends a browser on to an address, in a folder of its own until it is removed."""

    def __init__(self, url: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sensorsoma-page-", dir=_readable_by_browsers()))  # for us alone
        self.path = self._folder / "open.html"
        script = json.dumps(url).replace("<", "\\u003c")
        page = _PAGE.format(script=script, address=html.escape(url)).encode()
        with open(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(page)

    def remove(self) -> None:
        """Takes the file away; harmless when told twice."""
        shutil.rmtree(self._folder, ignore_errors=True)


def open_browser(path: Path) -> None:
    """Shows a file in the browser; where that fails, the address stands on the terminal all the same."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error, OSError):
        webbrowser.open(path.as_uri())


def _readable_by_browsers() -> Path | None:
    """Where a browser finds our file; None for the usual place.

    Browsers that came as snaps see another /tmp, and in the home folder nothing that begins with a dot.
    """
    has_snap = sys.platform.startswith("linux") and any(
        (Path("/snap/bin") / name).exists() for name in ("firefox", "chromium", "brave", "opera")
    )
    return Path.home() if has_snap else None

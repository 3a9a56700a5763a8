"""The file that sends a browser on to the live page."""

from __future__ import annotations

import os
import stat

import pytest

from sensorsoma.cli.page_browser import PrivateAddress


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions; its temp folder is the person's own")
def test_nobody_else_can_read_the_key() -> None:
    """Neither the file nor the folder that it lies in is open to others, whatever the umask; both go in the end."""
    umask = os.umask(0)
    try:
        address = PrivateAddress("http://127.0.0.1:1/#key")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(address.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(address.path.parent.stat().st_mode) == 0o700
    assert "http://127.0.0.1:1/#key" in address.path.read_text()
    address.remove()
    address.remove()
    assert not address.path.parent.exists()

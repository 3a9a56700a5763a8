"""Files that are one's own."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from sensorsoma.private_files import write_private


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no owner bits on files")
def test_a_replaced_file_is_for_its_owner(tmp_path: Path) -> None:
    """Nobody else may read it, even where the old one was open to all."""
    path = tmp_path / "night.json"
    path.write_text("old")
    path.chmod(0o644)
    assert write_private(path, b"new") == path
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk in the midst of it costs neither the old file nor leaves half a new one."""
    path = tmp_path / "night.json"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_private(path, b"new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]

"""Files that are one's own: readable by their owner only, and there wholly or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_private(path: Path, content: bytes) -> Path:
    """Writes a file at once or not at all, with mode 0600; an existing one is replaced. Returns the path.

    What could not be written whole leaves nothing behind, and the old file as it was.

    Raises:
        OSError: it cannot be written; the folder must exist.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".part")  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            # Else a power cut just after the replacing may leave an empty file.
            os.fsync(file.fileno())
        return Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

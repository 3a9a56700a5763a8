"""The file below a recording: private, new, unbuffered, and cut back to whole records when the disk refuses."""

from __future__ import annotations

import os
from pathlib import Path

from sensorsoma.errors import RecordingError


class DiskFile:
    """A new private file that is written without buffering and remembers where its last whole record ends."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(path, error) from None
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
            self._fd = os.open(path, flags, 0o600)
        except FileExistsError:
            raise RecordingError(
                f"Expected a new file for the recording, but {path} exists; choose another name."
            ) from None
        except OSError as error:
            raise write_error(path, error) from None
        self._position = 0
        self._whole = 0

    def write(self, data: bytes) -> int:
        """Writes all of `data`."""
        left = memoryview(data)
        while left:
            left = left[os.write(self._fd, left) :]
        self._position += len(data)
        return len(data)

    def tell(self) -> int:
        """Bytes written."""
        return self._position

    def flush(self) -> None:
        """Nothing is held back here."""

    def mark_whole(self) -> None:
        """Notes that everything up to here is whole records."""
        self._whole = self._position

    def fileno(self) -> int:
        """The descriptor, as files of the standard library tell it."""
        return self._fd

    def sync(self) -> None:
        """Waits until the disk has it."""
        os.fsync(self._fd)

    def cut_to_last_whole(self) -> None:
        """Drops a record that was written in part."""
        try:
            os.ftruncate(self._fd, self._whole)
        except OSError:
            return  # readers resynchronise over a cut record

    def close(self) -> None:
        """Closes the file."""
        os.close(self._fd)


def write_error(path: Path, error: OSError) -> RecordingError:
    reason = (error.strerror or str(error)).lower()
    return RecordingError(
        f"Expected to write the recording {path}, found this instead: {reason}; free some space or choose another "
        "folder, what was recorded up to then is kept."
    )

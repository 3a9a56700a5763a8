"""Where the bundled recordings lie: inside an installed package, or beside it in a checkout."""

from __future__ import annotations

from pathlib import Path

from sensorsoma.errors import InputFileError


def bundled_sample(name: str) -> Path:
    """The bundled recording of that name.

    Raises:
        InputFileError: this installation came without it.
    """
    import sensorsoma

    package = Path(sensorsoma.__file__).parent
    for folder in (package / "samples", package.parent / "recordings" / "samples"):
        path = folder / f"{name}.mcap"
        if path.is_file():
            return path
    raise InputFileError(f"Expected the bundled recording {name}.mcap, found none; install SensorSoma again.")

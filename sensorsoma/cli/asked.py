"""What was typed, held against this computer before anything is shown or asked: a slip costs nobody the reading."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from sensorsoma.cli.common import existing_input, note
from sensorsoma.errors import BluetoothUnavailableError

if TYPE_CHECKING:
    from sensorsoma.sources.spec import SourceSpec


def check_sources(specs: Iterable[SourceSpec]) -> None:
    """Sees to it that files are there and virtual sensors exist.

    Raises:
        InputFileError: a file is missing.
        SourceSpecError: no virtual sensor has that name.
        MissingExtraError: virtual sensors are not installed.
    """
    for spec in specs:
        if spec.kind == "file":
            existing_input(Path(spec.address or "").expanduser())
        elif spec.kind == "virtual" and spec.address not in (None, "person"):
            _check_virtual(spec)


def _check_virtual(spec: SourceSpec) -> None:
    from sensorsoma.virtual.extra import need_bumble

    need_bumble()
    from sensorsoma.virtual.room import SensorSpec

    plays = SensorSpec.parse(f"{spec.placement}={spec.address}").plays
    if plays != "person" and plays.partition(":")[0] != "still":
        existing_input(Path(plays))


def voice_wanted(folder: Path | None, *, is_heard: bool) -> Path | None:
    """The folder of recorded sentences; None, told in one sentence, where nothing is said aloud."""
    if folder is not None and not is_heard:
        note(f"Nothing is said aloud in this session, so --voice {folder} is not used.")
        return None
    return folder


def check_page_port(port: int, *, is_on_lan: bool) -> None:
    """Sees to it that the page's port can be used.

    Raises:
        SourceError: it cannot.
    """
    from sensorsoma.serving.http import open_port

    if port:
        host = "0.0.0.0" if is_on_lan else "127.0.0.1"
        open_port(
            host, port, "choose another with --page-port, or leave it out", loss="the page cannot be shown"
        ).close()


def check_adapter(adapters: Path = Path("/sys/class/bluetooth"), platform: str = sys.platform) -> None:
    """Sees to it that there is an adapter before anybody is told to wait for sensors; only Linux tells at once.

    Raises:
        BluetoothUnavailableError: there is none.
    """
    if not platform.startswith("linux"):
        return
    try:
        has_adapter = any(entry.name.startswith("hci") for entry in adapters.iterdir())
    except OSError:
        has_adapter = False
    if not has_adapter:
        raise BluetoothUnavailableError(
            "This computer has no Bluetooth adapter; plug in a USB Bluetooth 5 dongle, or use a phone or `sensorsoma "
            "demo`, which need none. `sensorsoma doctor` tells what else is missing."
        )

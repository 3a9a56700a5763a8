"""This computer apart from its radio: Python, settings, disk, voice, ports."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import numpy as np

from sensorsoma.config import Config, load_config
from sensorsoma.doctor.params import DoctorParams
from sensorsoma.errors import InputFileError
from sensorsoma.live.awake import inhibit_command
from sensorsoma.live.findings import Finding
from sensorsoma.live.mouth import Unspoken
from sensorsoma.live.players import find_player
from sensorsoma.live.voices import find_voice
from sensorsoma.live.wav import Sound, write_wav

SILENCE = Sound(np.zeros(2205), 22050)
"""A tenth of a second."""


def check_python(params: DoctorParams | None = None, version: tuple[int, int] = sys.version_info[:2]) -> Finding:
    """Is Python new enough?"""
    least = (params or DoctorParams()).least_python
    found = f"Version {version[0]}.{version[1]}."
    if version < least:
        return Finding("Python", "bad", found, f"Install Python {least[0]}.{least[1]} or newer.")
    return Finding("Python", "ok", found)


def check_config(path: Path) -> tuple[Finding, Config]:
    """Can the config be read? Also returns it, or the defaults."""
    try:
        config = load_config(path)
    except InputFileError as error:
        mend = "Mend what is named here, or move the file away and run sensorsoma setup to write a new one."
        return Finding("Config", "bad", str(error), mend), Config()
    if not path.exists():
        return Finding("Config", "ok", f"None yet at {path}; the defaults are used."), config
    places = ", ".join(config.sensors) or "no sensor yet"
    boards = f"; boards: {', '.join(config.boards)}" if config.boards else ""
    return Finding("Config", "ok", f"{path}, with {places}{boards}."), config


def check_recordings(folder: Path, params: DoctorParams | None = None) -> Finding:
    """Can a session be written there, and is there room?"""
    p = params or DoctorParams()
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        mend = "Choose another folder in sensorsoma setup."
        return Finding("Recordings", "bad", f"{folder} cannot be written ({error.strerror or error}).", mend)
    free = shutil.disk_usage(there).free
    found = f"{folder} can be written, {free / 1e9:.1f} GB are free."
    if free < p.full_bytes:
        return Finding("Recordings", "bad", found, "Make room: one session may not fit.")
    if free < p.least_free_bytes:
        return Finding("Recordings", "warn", found, "Make room soon.")
    return Finding("Recordings", "ok", found)


def check_voice() -> Finding:
    """Is there a voice?"""
    voice = find_voice()
    if voice is None:
        mend = "Install one, for example: sudo apt install espeak-ng" if sys.platform.startswith("linux") else ""
        return Finding("Voice", "warn", "No voice is installed; the words are shown, not spoken.", mend)
    return Finding("Voice", "ok", f"{voice.name} is installed.")


def check_bell() -> Finding:
    """Can a sound file be played? Tried with a short silence, since what a program says of itself may not be true."""
    player = find_player()
    if player is None:
        mend = "Install one, for example: sudo apt install alsa-utils" if sys.platform.startswith("linux") else ""
        return Finding("Bell", "warn", "No player for sounds was found; the bell stays silent.", mend)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "silence.wav"
        write_wav(path, SILENCE)
        try:
            is_played = asyncio.run(player.play(path))
        except Unspoken as error:
            mend = "Switch headphones or a loudspeaker on, and choose it as the output of this computer."
            return Finding("Bell", "warn", f"No sound comes out: {error}; the words are shown.", mend)
    if not is_played:
        mend = f"Play any sound with {player.name} and see what it says."
        return Finding("Bell", "warn", f"{player.name} is there and could not play.", mend)
    return Finding("Bell", "ok", f"{player.name} plays sounds.")


def check_awake() -> Finding:
    """Can the computer be kept awake?"""
    if sys.platform != "win32" and inhibit_command() is None:
        mend = "Switch automatic sleep off before a long practice."
        return Finding("Staying awake", "warn", "This computer cannot be kept awake from here.", mend)
    return Finding("Staying awake", "ok", "The computer stays awake during a session.")


def check_port(port: int, key: str = "phone_port") -> Finding:
    """Is a port for phones free? `key` is its name in the config file."""
    try:
        with socket.create_server(("0.0.0.0", port)):
            pass
    except (OSError, OverflowError) as error:
        mend = f"End the other program, or choose another {key} in the config; only phones need it."
        return Finding("Port for phones", "warn", f"Port {port} cannot be used ({os.strerror(error.errno or 0)})."
                       if isinstance(error, OSError) else f"{port} is not a port.", mend)  # fmt: skip
    return Finding("Port for phones", "ok", f"Port {port} is free.")


def check_phone_page(config: Config) -> Finding:
    """Can the page for a phone's browser be served: a port, and a certificate or something that makes one?"""
    port = check_port(config.phone_page_port, "phone_page_port")
    has_maker = importlib.util.find_spec("cryptography") is not None or shutil.which("openssl") is not None
    if port.outcome == "ok" and not has_maker and config.phone_tls_cert is None:
        mend = 'In the folder of SensorSoma, run: python -m pip install ".[phone]"; only a phone\'s browser needs it.'
        return Finding("Page for phones", "warn", "Nothing here can make its certificate.", mend)
    return Finding("Page for phones", port.outcome, port.found, port.mend)


def check_virtual() -> Finding:
    """Are the virtual sensors installed?"""
    if importlib.util.find_spec("bumble") is None:
        mend = 'In the folder of SensorSoma, run: python -m pip install ".[virtual]"'
        return Finding("Virtual sensors", "warn", "Not installed; the demo plays a recording instead.", mend)
    return Finding("Virtual sensors", "ok", "Installed; the demo needs no hardware.")

"""What stands in the way on this computer, and how to mend it: one `Finding` for each thing that a session needs."""

from __future__ import annotations

import asyncio
import importlib.metadata
import importlib.util
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sensorsoma.config import Config, config_path, load_config
from sensorsoma.errors import InputFileError
from sensorsoma.live.awake import inhibit_command
from sensorsoma.live.findings import Finding
from sensorsoma.live.voices import find_player, find_voice


@dataclass(frozen=True, slots=True)
class DoctorParams:
    """What is enough."""

    least_python: tuple[int, int] = (3, 11)
    """Oldest Python that the package is written for."""
    least_free_bytes: int = 500_000_000
    """Room for about a dozen long sessions with three sensors."""
    full_bytes: int = 50_000_000
    """Below this one session may not fit."""
    bluetooth_timeout_s: float = 5.0
    """The first answer of a Bluetooth service that has just been started."""


def run_checks(config_file: Path | None = None, params: DoctorParams | None = None) -> list[Finding]:
    """All checks, in the order in which they matter. Never raises; takes about a second.

    Must be called outside a running event loop, since asking for Bluetooth needs one of its own.
    """
    p = params or DoctorParams()
    path = config_file or config_path()
    findings = [check_python(p)]
    config_finding, config = check_config(path)
    checks: tuple[Callable[[], Finding], ...] = (
        check_bleak,
        lambda: check_bluetooth(p),
        lambda: check_recordings(config.recordings_folder, p),
        check_voice,
        check_bell,
        check_awake,
        lambda: check_port(config.phone_port),
        check_virtual,
    )
    findings.append(config_finding)
    for check in checks:
        try:
            findings.append(check())
        except Exception as error:  # a check that fails is a finding, not the end of the others
            name = getattr(check, "__name__", "check").removeprefix("check_")
            findings.append(Finding(name, "warn", f"This could not be looked at ({type(error).__name__}: {error})."))
    return findings


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
        return Finding("Config", "bad", str(error), "Run sensorsoma setup to write a new one."), Config()
    if not path.exists():
        return Finding("Config", "ok", f"None yet at {path}; the defaults are used."), config
    places = ", ".join(config.sensors) or "no sensor yet"
    return Finding("Config", "ok", f"{path}, with {places}."), config


def check_bleak() -> Finding:
    """Is the Bluetooth library there, new enough?"""
    mend = 'Run: python -m pip install --upgrade "bleak>=3.0.2"'
    try:
        version = importlib.metadata.version("bleak")
    except importlib.metadata.PackageNotFoundError:
        return Finding("Bluetooth library", "bad", "bleak is not installed.", mend)
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if numbers < (3, 0, 2):
        return Finding("Bluetooth library", "warn", f"bleak {version} is older than 3.0.2, which loses data.", mend)
    return Finding("Bluetooth library", "ok", f"bleak {version}.")


# -------------------------------------------------------------------------------------------------- Bluetooth


def check_bluetooth(params: DoctorParams | None = None, platform: str = sys.platform) -> Finding:
    """Is there an adapter, is it switched on, and may it be used?"""
    p = params or DoctorParams()
    if platform.startswith("linux"):
        missing = linux_bluetooth(Path("/sys/class"), Path("/run/dbus/system_bus_socket"))
        if missing is not None:
            return missing
    try:
        asyncio.run(asyncio.wait_for(_listen_briefly(), p.bluetooth_timeout_s))
    except TimeoutError:
        return Finding("Bluetooth", "warn", "It did not answer in time.", "Switch Bluetooth off and on again.")
    except Exception as error:
        return _refused(error, platform)
    return Finding("Bluetooth", "ok", "An adapter is there and listens.")


async def _listen_briefly() -> None:
    from bleak import BleakScanner

    async with BleakScanner():
        await asyncio.sleep(0.1)


def linux_bluetooth(sys_class: Path, bus_socket: Path) -> Finding | None:
    """What is missing before Bluetooth can even be asked on Linux, or None: adapter, radio switch, message bus."""
    adapters = sorted(entry.name for entry in _entries(sys_class / "bluetooth") if entry.name.startswith("hci"))
    if not adapters:
        return Finding(
            "Bluetooth",
            "bad",
            "This computer has no Bluetooth adapter.",
            "Plug in a USB Bluetooth 5 dongle (in a virtual machine, pass it through), or try sensorsoma demo or a "
            "phone, which need none.",
        )
    for switch in _entries(sys_class / "rfkill"):
        if _read(switch / "type") != "bluetooth":
            continue
        if _read(switch / "hard") == "1":
            return Finding("Bluetooth", "bad", "The radio is off by a switch or key.", "Switch it on at the computer.")
        if _read(switch / "soft") == "1":
            return Finding("Bluetooth", "bad", "The radio is switched off.", "Run: rfkill unblock bluetooth")
    if not bus_socket.exists():
        return Finding(
            "Bluetooth",
            "bad",
            f"An adapter ({adapters[0]}) is there, but the system's message bus is not running.",
            "Start dbus and bluetoothd; in a container, pass /run/dbus in.",
        )
    return None


def _refused(error: Exception, platform: str) -> Finding:
    """Why Bluetooth said no, and what to do on this system."""
    reason = getattr(getattr(error, "reason", None), "name", "")
    text = str(error)
    if reason == "POWERED_OFF":
        return Finding("Bluetooth", "bad", "Bluetooth is switched off.", "Switch it on in the system's settings.")
    if reason.startswith("DENIED") or "AccessDenied" in text or "NotAuthorized" in text:
        mend = {
            "darwin": "Allow Bluetooth for this terminal in System Settings, Privacy & Security, Bluetooth.",
            "win32": "Allow desktop apps to use Bluetooth in Settings, Privacy & security.",
        }.get(platform, "Add yourself to the group bluetooth (sudo usermod -aG bluetooth $USER) and log in again.")
        return Finding("Bluetooth", "bad", "This program may not use Bluetooth.", mend)
    if reason in ("NO_BLUETOOTH", "NO_BLE_CENTRAL_ROLE"):
        mend = "Plug in a USB Bluetooth 5 dongle, or try sensorsoma demo or a phone, which need none."
        return Finding("Bluetooth", "bad", "This computer has no usable Bluetooth adapter.", mend)
    mend = {
        "darwin": "Switch Bluetooth off and on, then run sensorsoma doctor again.",
        "win32": "Switch Bluetooth off and on in Settings; update its driver if this stays.",
    }.get(platform, "Run: sudo systemctl restart bluetooth")
    return Finding("Bluetooth", "bad", f"Bluetooth did not start ({type(error).__name__}: {text}).", mend)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


# ------------------------------------------------------------------------------------------- files and sound


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
    return Finding("Voice", "ok", f"{voice.name} speaks.")


def check_bell() -> Finding:
    """Can a sound file be played?"""
    if find_player() is None:
        mend = "Install one, for example: sudo apt install alsa-utils" if sys.platform.startswith("linux") else ""
        return Finding("Bell", "warn", "No player for sounds was found; the bell stays silent.", mend)
    return Finding("Bell", "ok", "A player for sounds is there.")


def check_awake() -> Finding:
    """Can the computer be kept awake?"""
    if sys.platform != "win32" and inhibit_command() is None:
        mend = "Switch automatic sleep off before a long practice."
        return Finding("Staying awake", "warn", "This computer cannot be kept awake from here.", mend)
    return Finding("Staying awake", "ok", "The computer stays awake during a session.")


def check_port(port: int) -> Finding:
    """Is the port for phones free?"""
    try:
        with socket.create_server(("0.0.0.0", port)):
            pass
    except (OSError, OverflowError) as error:
        mend = "End the other program, or choose another phone_port in the config; only phones need it."
        return Finding("Port for phones", "warn", f"Port {port} cannot be used ({os.strerror(error.errno or 0)})."
                       if isinstance(error, OSError) else f"{port} is not a port.", mend)  # fmt: skip
    return Finding("Port for phones", "ok", f"Port {port} is free.")


def check_virtual() -> Finding:
    """Are the virtual sensors installed?"""
    if importlib.util.find_spec("bumble") is None:
        mend = 'In the folder of SensorSoma, run: python -m pip install ".[virtual]"'
        return Finding("Virtual sensors", "warn", "Not installed; the demo plays a recording instead.", mend)
    return Finding("Virtual sensors", "ok", "Installed; the demo needs no hardware.")

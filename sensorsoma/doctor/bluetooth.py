"""Bluetooth on this computer: the library, the adapter, the permission, and what the system is known for."""

from __future__ import annotations

import asyncio
import importlib.metadata
import platform as this_platform
import sys
from pathlib import Path

from sensorsoma.doctor.params import DoctorParams
from sensorsoma.live.findings import Finding
from sensorsoma.sources.loop import run


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


def check_bluetooth(params: DoctorParams | None = None, platform: str = sys.platform) -> Finding:
    """Is there an adapter, is it switched on, and may it be used?"""
    p = params or DoctorParams()
    if platform.startswith("linux"):
        missing = linux_bluetooth(Path("/sys/class"), Path("/run/dbus/system_bus_socket"))
        if missing is not None:
            return missing
    try:
        run(asyncio.wait_for(_listen_briefly(), p.bluetooth_timeout_s))
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


# ----------------------------------------------------------------------------------------------- known systems


def check_system(
    platform: str = sys.platform, version: str | None = None, device_tree: Path = Path("/proc/device-tree/model")
) -> Finding:
    """What this kind of system is known for with Bluetooth sensors.

    Args:
        platform: as `sys.platform`.
        version: the system's version; this computer's by default.
        device_tree: where small Linux boards say what they are.
    """
    name = {"darwin": "macOS", "win32": "Windows"}.get(platform, "Linux")
    version = _version_of(platform) if version is None else version
    found = f"{name} {version}."
    numbers = tuple(int(part) for part in version.split(".")[:3] if part.isdigit())
    if platform == "darwin" and (12, 0) <= numbers[:2] <= (12, 2):
        return Finding("System", "warn", f"{found} These versions hide most sensors.", "Update to macOS 12.3 or newer.")
    if platform == "win32" and len(numbers) > 2 and numbers[2] < 22000:
        mend = "Windows 11 is what the Bluetooth library is tested with; try it, and see sensorsoma doctor slow."
        return Finding("System", "warn", found, mend)
    if "microsoft" in version.lower():
        mend = "Run SensorSoma in Windows itself: WSL has no Bluetooth of its own."
        return Finding("System", "warn", f"{found} This is Linux within Windows.", mend)
    if "Raspberry Pi" in _read(device_tree):
        mend = "Use a USB Bluetooth dongle, or switch Wi-Fi off during the practice: both share one antenna."
        return Finding("System", "warn", f"{found} This is a Raspberry Pi.", mend)
    return Finding("System", "ok", found)


def _version_of(platform: str) -> str:
    if platform == "darwin":
        return this_platform.mac_ver()[0]
    return this_platform.version() if platform == "win32" else this_platform.release()

"""What stands in the way on this computer, and how to mend it: one `Finding` for each thing that a session needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sensorsoma.config import config_path
from sensorsoma.doctor.bluetooth import check_bleak, check_bluetooth, check_system
from sensorsoma.doctor.computer import (
    check_awake,
    check_bell,
    check_config,
    check_phone_page,
    check_port,
    check_python,
    check_recordings,
    check_virtual,
    check_voice,
)
from sensorsoma.doctor.params import DoctorParams
from sensorsoma.live.findings import Finding


def run_checks(config_file: Path | None = None, params: DoctorParams | None = None) -> list[Finding]:
    """All checks, in the order in which they matter. Never raises; takes about a second.

    Must be called outside a running event loop, since asking for Bluetooth needs one of its own.
    """
    p = params or DoctorParams()
    path = config_file or config_path()
    findings = [check_python(p)]
    config_finding, config = check_config(path)
    checks: tuple[Callable[[], Finding], ...] = (
        check_system,
        check_bleak,
        lambda: check_bluetooth(p),
        lambda: check_recordings(config.recordings_folder, p),
        check_voice,
        check_bell,
        check_awake,
        lambda: check_port(config.phone_port),
        lambda: check_phone_page(config),
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

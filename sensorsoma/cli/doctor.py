"""`doctor`: what is wrong and how to mend it."""

from __future__ import annotations

from typing import Annotated

import typer

from sensorsoma.cli.common import print_json


def doctor(as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False) -> None:
    """Say what is missing on this computer and how to mend it.

    Looks at Bluetooth, voice, disk and settings.

    Example: sensorsoma doctor
    """
    from sensorsoma.doctor import run_checks
    from sensorsoma.live.findings import worst

    findings = run_checks()
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        for finding in findings:
            print(finding.line())
        print("\nWithout any sensor, `sensorsoma demo` shows everything.")
    if worst(findings) == "bad":
        raise typer.Exit(1)

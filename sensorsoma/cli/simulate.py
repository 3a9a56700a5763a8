"""`simulate`: exact samples with their truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from sensorsoma.cli.common import finite


def simulate(
    exercise: Annotated[
        str,
        typer.Argument(help="clamshell, knee_fall, pelvic_rock ... or a whole practice: soft-hips, hips-and-core ..."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the tables; named after the exercise.")
    ] = None,
    side: Annotated[str, typer.Option(help="The hip that is practised: left or right.")] = "right",
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 1,
    rate: Annotated[float, typer.Option(callback=finite, help="Samples a second.")] = 104.0,
    shaking: Annotated[bool | None, typer.Option(help="Shaking in the movement; drawn at random by default.")] = None,
    acc_only: Annotated[bool, typer.Option("--acc-only", help="A sensor without gyroscope.")] = False,
    ideal: Annotated[bool, typer.Option("--ideal", help="Without any of the difficulties of real life.")] = False,
    dose: Annotated[
        float, typer.Option(callback=finite, help="For practices: 0.5 halves repetitions and rests.")
    ] = 1.0,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
) -> None:
    """Write samples of a simulated person, and their truth.

    Tables (.csv) of what worn sensors would measure, what really happened (truth.json) and when (segments.tsv).

    Example: sensorsoma simulate clamshell --side right --seed 7 --out clam
    """
    from sensorsoma.cli.analyze import one_of
    from sensorsoma.errors import UsageError
    from sensorsoma.simulate.command import run_simulate

    folder = out or Path(f"simulated-{exercise}-{seed}")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UsageError(
            f"{folder} is not empty; choose another --out, or add --force to replace files of the same name."
        )
    chosen: Any = one_of("--side", side, ("left", "right"))
    print(
        run_simulate(exercise, chosen, seed, rate, folder, shaking=shaking, acc_only=acc_only, ideal=ideal, dose=dose)
    )

"""`sensorsoma simulate`: an exercise or a whole practice written to a folder, and one sentence about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from sensorsoma.errors import UsageError
from sensorsoma.messages import Exercise, Placement, Side
from sensorsoma.simulate.difficulties import Difficulties
from sensorsoma.simulate.exercise import SCRIPTS, Simulation, simulate_exercise
from sensorsoma.simulate.files import write_csv
from sensorsoma.simulate.practice import PRACTICES, simulate_practice


def run_simulate(
    exercise: str,
    side: Side,
    seed: int,
    rate_hz: float,
    out: Path,
    *,
    placements: tuple[Placement, ...] | None = None,
    shaking: bool | None = None,
    acc_only: bool = False,
    ideal: bool = False,
    dose: float = 1.0,
    **options: Any,
) -> str:
    """What was written, in one sentence; files as in `files.write_csv`.

    Args:
        exercise: an exercise (`SCRIPTS`) or a practice (`PRACTICES`); dashes may stand for underscores.
        ideal: without any of the difficulties of real life.
        dose: for practices, as in `simulate_practice`.
        options: for exercises, as in `simulate_exercise`.

    Raises:
        UsageError: unknown name or option, a negative seed, a rate outside 10-1000 Hz or a dose outside 0-10.
        RecordingError: the folder cannot be written.
    """
    if not 10 <= rate_hz <= 1000:
        raise UsageError(f"expected a rate of 10 to 1000 Hz, found {rate_hz:g}; 104 is usual")
    if seed < 0:
        raise UsageError(f"expected a seed of 0 or more, found {seed}")
    if not 0 < dose <= 10:
        raise UsageError(f"expected a dose above 0 and up to 10, found {dose:g}; 1 is the practice as it is")
    difficulties = Difficulties.none() if ideal else Difficulties.all()
    common: dict[str, Any] = {
        "seed": seed, "rate_hz": rate_hz, "difficulties": difficulties, "shaking": shaking, "acc_only": acc_only,
    }  # fmt: skip
    if placements is not None:
        common["placements"] = placements
    if exercise in PRACTICES:
        simulation = simulate_practice(exercise, dose=dose, **common)
    elif (name := exercise.replace("-", "_")) in SCRIPTS:
        simulation = simulate_exercise(cast(Exercise, name), side=side, **common, **options)
    else:
        known = ", ".join((*sorted(SCRIPTS), *sorted(PRACTICES)))
        raise UsageError(f"{exercise!r} cannot be simulated; choose one of {known}")
    write_csv(simulation, out)
    return describe(simulation, out)


def describe(simulation: Simulation, out: Path) -> str:
    """One sentence: what, how long, how many reps, where."""
    worn = " and ".join(simulation.samples)
    counts = [stretch.count for stretch in simulation.truth.stretches if stretch.reps or stretch.cycles]
    done = f", {sum(counts)} full repetitions" if counts else ""
    return (
        f"Simulated {simulation.name}: {simulation.duration_s:.0f} s at {simulation.rate_hz:g} Hz, {worn}{done}; "
        f"samples, truth.json and segments.tsv are in {out}."
    )
